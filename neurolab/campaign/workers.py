"""Many workers: pieces of a campaign sent to processes, here or on a cluster, that may die on the way.

The engine is joblib's: loky here, or what ``joblib.parallel_config`` names. What a worker must know (network, design,
stimuli) is sent to it once and stays open on its bench; after that it is told places only. A worker that dies takes
nothing with it but the pieces that it had, and they are done again; a piece that kills whoever runs it is found by
running it alone.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import logging
import os
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, nullcontext
from numbers import Integral
from typing import Any

import numpy as np

from neurolab.campaign.pool import taken, turn
from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Answer, Broken, Failure, Opened, Work, end_with, serve, tried
from neurolab.errors import DataError, SpecimenError, StoreWriteError

log = logging.getLogger("neurolab")

#: So many deaths of a worker while an item was out, and the item is run alone.
DEATHS = 2
#: What a system says where nothing more can be written.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
#: So many pieces that killed their workers alone before any was finished, and the campaign stops: it is not the pieces.
HOPELESS = 3


Done = list[tuple[Any, Any]]  # (piece, result or Failure)


def run_pieces(
    portions: Portions, work: Work, *, workers: int = 1, here: Callable[[], Opened] | None = None
) -> Generator[Done, None, None]:
    """Get the results of all pieces as they come: lists of (piece, result or Failure), every piece in one of them.

    A piece that kills its worker comes as its ``parts``, where it has any.

    Parameters
    ----------
    portions : the pieces, and how many of them go to a worker together.
    work : what a worker must know.
    workers : processes; 1 works in this one, where nothing can be done about its death, and so does whatever is asked
        for by a campaign that has the workers, or in a copy of such a process (fork).
    here : opens the work in this process, instead of ``work.opened()``.

    Raises
    ------
    SpecimenError : workers die before they have finished anything, or cannot make the work ready.
    """
    if workers > 1 and not taken():
        yield from _Crew(portions, _engine(work, workers)).run()
        return
    with ExitStack() as stack:
        bench = here() if here else stack.enter_context(work.opened())
        for piece in portions.pieces:
            yield _trusted([(piece, tried(bench, piece))])


def _trusted(pairs: Done) -> Done:
    """Raise what makes all results worthless."""
    for _, one in pairs:
        if isinstance(one, Failure) and one.fatal:
            raise one.error or SpecimenError(f"A worker could not go on: {one.said}")
    return pairs


# -- engines ---------------------------------------------------------------------------------------------------------

Jobs = Iterable[tuple[int, Sequence[Any]]]
Answers = Generator[tuple[int, Answer], None, None]
Engine = Callable[[Jobs], Answers]


def workers_of(n_jobs: int | None) -> int:
    """Get how many workers ``n_jobs`` means here; None: those of ``joblib.parallel_config``, else one."""
    import joblib

    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise DataError(f"n_jobs={n_jobs!r} given; expected a whole number of workers. Type n_jobs=2, or -1 for every "
                        "core.")
    return joblib.effective_n_jobs(n_jobs)


def _engine(work: Work, workers: int) -> Engine:
    """Get what does jobs by the engine that joblib names."""
    from cloudpickle import dumps
    from joblib.parallel import get_active_backend

    # an array: joblib maps it into memory, once for all workers
    content = np.frombuffer(_packed(work, dumps), dtype=np.uint8)
    sent = hashlib.sha256(content.data).hexdigest(), content
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)
    if client is not None and hasattr(client, "scatter"):
        from neurolab.campaign.cluster import by_dask

        return lambda jobs: by_dask(client, sent, jobs, most=2 * workers)
    return lambda jobs: _by_joblib(sent, jobs, workers)


def _packed(work: Work, dumps: Callable[[Any], bytes]) -> bytes:
    try:
        return dumps(work)
    except Exception as error:
        raise DataError(
            f"The network, its lesions or the tasks cannot be sent to other processes ({type(error).__name__}: "
            f"{error}). Type n_jobs=1, or leave open files, locks and the like out of scores and models."
        ) from error


def _by_joblib(sent: tuple[str, np.ndarray], jobs: Jobs, workers: int) -> Answers:
    import joblib
    from joblib.parallel import get_active_backend

    backend = get_active_backend()[0]
    loky = type(backend).__name__ == "LokyBackend"
    with joblib.parallel_config(**({"backend": "loky", "inner_max_num_threads": 1} if loky else {})):
        streams = backend.supports_return_generator
        how = "generator_unordered" if streams else "list"
        pool = joblib.Parallel(n_jobs=workers, return_as=how, batch_size=1, pre_dispatch=2 * workers)
    calls = (joblib.delayed(_numbered)(at, os.getpid(), *sent, pieces) for at, pieces in jobs)
    with turn() if loky else nullcontext():
        try:
            yield from _closed(pool(calls)) if streams else _in_waves(pool, calls, 4 * workers)
        except Exception as error:
            _check_room(error)
            raise Broken(f"{type(error).__name__}: {error}") from error


def _check_room(error: BaseException) -> None:
    """Raise StoreWriteError where what workers share could not be written."""
    chain: list[BaseException] = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    full = next((one for one in chain if isinstance(one, OSError) and one.errno in FULL), None)
    if full is not None:
        raise StoreWriteError(
            f"What the workers share could not be written ({full}). joblib keeps it in a folder for temporary files: "
            "make room there, or name another with JOBLIB_TEMP_FOLDER=/path before the command, or type n_jobs=1."
        ) from error


def _numbered(at: int, parent: int, digest: str, content: np.ndarray, pieces: Sequence[Any]) -> tuple[int, Answer]:
    end_with(parent)
    return at, serve(digest, content, pieces)


def _closed(stream: Any) -> Iterator[Any]:
    """A stream of joblib's; left early, its workers are stopped, and it need not say so."""
    try:
        for one in stream:  # noqa: UP028  # "yield from" would close it before its warning is caught
            yield one
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            stream.close()


def _in_waves(pool: Any, calls: Iterator[Any], size: int) -> Iterator[Any]:
    """For engines that hand nothing back before all is done, such as ray's: some at a time."""
    while wave := list(itertools.islice(calls, size)):
        yield from pool(wave)


# -- deaths ----------------------------------------------------------------------------------------------------------


class _Crew:
    """What is still to be done, and what is known of the items that were out when a worker died."""

    def __init__(self, portions: Portions, engine: Engine) -> None:
        self.portions = portions
        self.engine = engine
        self.waiting: dict[int, tuple[Any, ...]] = {}  # items that were taken and have no results
        self.deaths: Counter[int] = Counter()
        self.finished = self.breaks = self.died_alone = 0
        self.again: list[Any] = []
        self.numbers = itertools.count()

    def run(self) -> Iterator[Done]:
        """Get all results: together first, then one by one what was out at deaths, then what may have better luck."""
        while self.portions.left or self.waiting:
            while self._together_is_well():
                yield from self._together()
            for at in list(self.waiting):
                yield from self._alone(self.waiting[at])
                del self.waiting[at]
            self.breaks = 0
        for piece in self.again:
            yield from self._alone((piece,), last=True)

    def _together_is_well(self) -> bool:
        """Whether there is something to do side by side, and pools do not break before anything is finished."""
        there = self.portions.left or any(self.deaths[at] < DEATHS for at in list(self.waiting))
        return bool(there) and (self.finished > 0 or self.breaks < HOPELESS)

    def _jobs(self, out: set[int]) -> Iterator[tuple[int, Sequence[Any]]]:
        """What is to be done, taken as workers become free: what was lost at a death, then new portions."""
        for at in [at for at in self.waiting if self.deaths[at] < DEATHS]:
            out.add(at)
            yield at, self.waiting[at]
        while pieces := self.portions.take():
            at = next(self.numbers)
            self.waiting[at] = pieces
            out.add(at)
            yield at, pieces

    def _together(self) -> Iterator[Done]:
        out: set[int] = set()
        try:
            with closing(self.engine(self._jobs(out))) as answers:
                for at, (found, seconds) in answers:
                    out.discard(at)
                    if any(isinstance(one, Failure) and one.died for one in found):
                        self.deaths[at] = DEATHS
                        continue
                    pieces = self.waiting.pop(at)
                    self.portions.took(pieces, seconds)
                    yield self._sorted(pieces, found)
        except Broken as error:
            self.breaks += 1
            log.warning("A worker died (%s); what it had is done again.", error)
        self.deaths.update(out)

    def _alone(self, pieces: tuple[Any, ...], *, last: bool = False) -> Iterator[Done]:
        """An item with nobody beside it: if a worker dies now, it is clear why; then its pieces, one by one, twice."""
        for _ in range(DEATHS if len(pieces) == 1 else 1):
            found = self._by_itself(pieces)
            death = next((one for one in found if isinstance(one, Failure) and one.died), None)
            if death is None:
                yield self._sorted(pieces, found, last=last)
                return
        parts = pieces if len(pieces) > 1 else self.portions.parts(pieces[0])
        if len(parts) > 1:
            for piece in parts:
                yield from self._alone((piece,), last=last)
        else:
            self._count_death(death)
            yield [(pieces[0], death)]

    def _by_itself(self, pieces: tuple[Any, ...]) -> list[Any]:
        try:
            ((_, (found, _)),) = list(self.engine([(0, pieces)]))
        except Broken as error:
            return [Failure(f"its worker died ({error})", died=True)] * len(pieces)
        return found

    def _count_death(self, death: Failure | None) -> None:
        self.died_alone += 1
        if not self.finished and self.died_alone >= HOPELESS:
            raise SpecimenError(
                f"{self.died_alone} pieces of work killed their workers and none was finished: {death and death.said}. "
                "Is there memory for a network per worker? Type a smaller n_jobs= or batch_size=."
            )

    def _sorted(self, pieces: Sequence[Any], found: Sequence[Any], *, last: bool = False) -> Done:
        """Results and failures; what failed by bad luck is kept for another try."""
        pairs = _trusted(list(zip(pieces, found)))
        self.finished += sum(not isinstance(one, Failure) for one in found)
        unlucky = [isinstance(one, Failure) and not one.for_good and not last for one in found]
        self.again += itertools.compress(pieces, unlucky)
        return [pair for pair, once_more in zip(pairs, unlucky) if not once_more]
