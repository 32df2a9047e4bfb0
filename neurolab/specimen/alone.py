"""One network is on the bench of one thread at a time: hooks and modes of two would act on one another's forwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neurolab.errors import SpecimenError

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

_LOCK = threading.Lock()
#: By model: the thread that has it on its bench, and how many benches are open there.
_BUSY: dict[int, tuple[int, int]] = {}


@contextmanager
def in_one_thread(specimen: Specimen) -> Iterator[None]:
    """Keep a network for this thread within the block, which may be nested.

    Raises
    ------
    SpecimenError : another thread has it on its bench.
    """
    me, key = threading.get_ident(), id(specimen.model)
    with _LOCK:
        owner, depth = _BUSY.get(key, (me, 0))
        if owner != me:
            raise SpecimenError(
                f"{specimen.name!r} is on the bench in another thread. Wait for it, or give each thread a network of "
                "its own: nl.Specimen(copy.deepcopy(model), batch). For many lesions type n_jobs=2."
            )
        _BUSY[key] = me, depth + 1
    try:
        yield
    finally:
        with _LOCK:
            if depth:
                _BUSY[key] = me, depth
            else:
                del _BUSY[key]
