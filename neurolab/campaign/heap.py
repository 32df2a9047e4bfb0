"""Memory that nothing uses any more, back to the system; and what need not be searched for it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event

_ours = Event()


def give_back(*, wholly: bool = False) -> None:
    """Give it back: Python and the C library keep what was freed, and what comes next would be laid on top of it.

    wholly : also what became garbage before the campaign, which :func:`set_aside` leaves out of the search.
    """
    if wholly and _ours.is_set():
        gc.unfreeze()
    gc.collect()
    with suppress(AttributeError, OSError):  # another C library than glibc gives back by itself, or never
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def set_aside() -> Iterator[None]:
    """Leave what is there already out of every search for garbage, which then takes milliseconds; all is searched at
    the end.

    A process with torch in it holds half a million objects, and a campaign makes enough of its own to have all of them
    searched many times, .2 s each. The search at the end is a must: Python takes what was set aside as searched, and
    would not look for a network in it that is gone until as much again was made. Nothing is done where objects are set
    aside already, by a campaign in another thread or by you (``gc.freeze``); what you set aside meanwhile is given back
    with the rest.

    Example
    -------
    >>> with set_aside():
    ...     gc.get_freeze_count() > 0
    True
    >>> gc.get_freeze_count()
    0
    """
    mine = gc.get_freeze_count() == 0
    try:
        if mine:
            _ours.set()
            gc.freeze()
        yield
    finally:
        if mine:
            _ours.clear()
            gc.unfreeze()
            give_back()
