"""The pool of processes that joblib keeps for everybody in one process: whose turn it is, and when it is of no use."""

from __future__ import annotations

import functools
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: What loky remarks when a worker has ended by itself; it starts another, unless a filter makes an error of its remark.
REMARK = "A worker stopped while some jobs were given to the executor"


class _Turn:
    """Who has the pool: a thread of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: int | None = None
        self.copied = False


_NOW = _Turn()


def _in_a_copy() -> None:
    """After a fork: nobody has the pool, and what is left of one is a copy that nothing serves."""
    _NOW.__init__()  # type: ignore[misc]
    _NOW.copied = getattr(sys.modules.get("joblib.externals.loky.reusable_executor"), "_executor", None) is not None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_copy)


def taken() -> bool:
    """Get whether there are no workers to be had: by a campaign that has them, or in a copy of a process that had some.

    What they would do is to be done here.
    """
    return _NOW.copied or _NOW.thread == threading.get_ident()


@contextmanager
def turn() -> Iterator[None]:
    """Have loky's pool for oneself, ready for work.

    Two threads that ask it for different numbers of workers wait for each other for ever, so one waits before it asks.
    """
    if _NOW.thread == threading.get_ident():
        yield
        return
    _NOW.lock.acquire()
    _NOW.thread = threading.get_ident()
    try:
        warnings.filterwarnings("ignore", message=REMARK)  # an error in its thread would end it, and nobody be told
        _forget_a_dead_one()
        _pass_over_what_is_gone()
        yield
    finally:
        _NOW.thread = None
        _NOW.lock.release()


def _forget_a_dead_one() -> None:
    """Let joblib make a new pool where the thread that serves the old one has ended by an error."""
    from joblib.externals.loky import reusable_executor as kept

    served = getattr(getattr(kept, "_executor", None), "_executor_manager_thread", None)
    if isinstance(served, threading.Thread) and served.ident is not None and not served.is_alive():
        kept._executor = None


def _pass_over_what_is_gone() -> None:
    """Let the thread that serves a pool pass over items that an early end threw away before it came to them.

    loky 3.5 throws them away and then looks them up once more: a KeyError, and the thread's traceback on the screen.
    """
    from joblib.externals.loky import process_executor

    kind = getattr(process_executor, "_ExecutorManagerThread", None)
    plain = getattr(kind, "add_call_item_to_queue", None)
    if plain is None or hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def passing(thread: Any) -> None:
        while True:
            with suppress(KeyError):
                return plain(thread)

    kind.add_call_item_to_queue = passing  # type: ignore[union-attr]  # each turn of its loop has taken one item
