"""What runs in a worker: its bench, on which one campaign's network stays from one item to the next."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from neurolab.errors import LesionNotUndone, NeurolabError, SpecimenError


class Opened(Protocol):
    """Work that is ready to be done, such as a network on the bench."""

    def run(self, piece: Any) -> Any:
        """Get the result of one piece."""

    def check_intact(self) -> None:
        """Raise where the results so far cannot be trusted."""


class Work(Protocol):
    """Everything that a worker must know; it can be pickled."""

    def opened(self) -> AbstractContextManager[Opened]:
        """Get it ready."""


@dataclass(frozen=True)
class Failure:
    """Why a piece has no result: the error that it raised, or that its worker died.

    error : as it was raised, where it can be pickled. fatal : nothing else from this work can be trusted, or had.
    """

    said: str
    error: BaseException | None = None
    fatal: bool = False
    died: bool = False

    @property
    def for_good(self) -> bool:
        """Whether it would fail again: what is refused on purpose is; memory and machines may have better days."""
        return self.died or isinstance(self.error, NeurolabError)


class Broken(Exception):
    """The engine lost workers, or the data that they had; nobody knows yet by whose fault."""


@dataclass
class _Worker:
    """One process's bench: the work that is open on it, and the one thread in which everything happens.

    One thread, because torch's settings (gradients, threads) belong to threads, and engines may call from several.
    """

    thread: ThreadPoolExecutor
    open: str = ""
    bench: Opened | None = None
    stack: ExitStack | None = None
    ident: int | None = None

    def ready(self, digest: str, content: np.ndarray) -> Opened:
        """Get the bench with this work on it, which stays until other work comes."""
        if self.open != digest or self.bench is None:
            from cloudpickle import loads

            self.put_away()
            self.stack = ExitStack()
            self.bench = self.stack.enter_context(_unpacked(loads, content).opened())
            self.open = digest
        return self.bench

    def put_away(self) -> None:
        """Take what is open off the bench, as at an end that came early: every item was checked on its own."""
        old, self.open, self.bench, self.stack = self.stack, "", None, None
        if old is not None:
            early = GeneratorExit()
            old.__exit__(GeneratorExit, early, None)


def _unpacked(loads: Callable[[bytes], Any], content: np.ndarray) -> Work:
    try:
        return loads(content.tobytes())
    except Exception as error:
        raise SpecimenError(
            f"What a worker was sent could not be made there again ({type(error).__name__}: {error}): the network, its "
            "lesions or a task. Type n_jobs=1, or define models and scores where a worker can import them."
        ) from error


#: What a worker gives back: results of the pieces, and seconds.
Answer = tuple[list[Any], float]
#: By process, since a process that is forked inherits the table but no thread.
_WORKERS: dict[int, _Worker] = {}
_WATCHED: set[int] = set()
#: Seconds between two looks at whether the process that started a worker is still there.
WATCH = 1.0


def end_with(parent: int) -> None:
    """End this process, if that one started it, soon after that one has ended, and not before.

    Nobody is left then to take its results.
    """
    if os.getppid() != parent or os.getpid() in _WATCHED:
        return
    _WATCHED.add(os.getpid())
    stay()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def stay() -> None:
    """Let loky not end this process for having grown by 300 MB since its first task.

    It takes that for a leak. What grows here is a network and what is kept of it, within ``max_memory``, and it would
    have to be made again.
    """
    loky = sys.modules.get("joblib.externals.loky.process_executor")
    if hasattr(loky, "_MAX_MEMORY_LEAK_SIZE"):
        loky._MAX_MEMORY_LEAK_SIZE = sys.maxsize  # type: ignore[union-attr]  # it has no setting for it


def serve(digest: str, content: np.ndarray, pieces: Sequence[Any]) -> Answer:
    """Get the results of some pieces in a worker, a result or a Failure each, and the seconds that they took."""
    if os.getpid() not in _WORKERS:
        _WORKERS[os.getpid()] = made = _Worker(ThreadPoolExecutor(1))
        atexit.register(made.put_away)  # or torch is taken down with a network on the bench
    worker = _WORKERS[os.getpid()]
    if worker.ident == threading.get_ident():  # a campaign inside of one; the thread would wait for itself
        inner = _Worker(worker.thread)
        try:
            return _serve(inner, digest, content, pieces)
        finally:
            inner.put_away()
    return worker.thread.submit(_serve, worker, digest, content, pieces).result()


def _serve(worker: _Worker, digest: str, content: np.ndarray, pieces: Sequence[Any]) -> Answer:
    began = time.perf_counter()
    worker.ident = threading.get_ident()
    try:
        bench = worker.ready(digest, content)
        began = time.perf_counter()
        done = [_travelling(tried(bench, piece)) for piece in pieces]
        took = time.perf_counter() - began
        bench.check_intact()
    except Exception as error:
        fatal = _travelling(Failure(f"{type(error).__name__}: {error}", error, fatal=True))
        return [fatal] * len(pieces), time.perf_counter() - began
    return done, took


def tried(bench: Opened, piece: Any) -> Any:
    """Get the result of a piece, or why it has none."""
    try:
        return bench.run(piece)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}", error, fatal=isinstance(error, LesionNotUndone))


def _travelling(answer: Any) -> Any:
    """An answer as it can be sent: an error of somebody's own may not survive the way, its words do."""
    from cloudpickle import dumps, loads

    if not isinstance(answer, Failure) or answer.error is None:
        return answer
    try:
        return replace(answer, error=loads(dumps(answer.error)))
    except Exception:
        return replace(answer, error=None, said=answer.said + "\n" + "".join(traceback.format_exception(answer.error)))
