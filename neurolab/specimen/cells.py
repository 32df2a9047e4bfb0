"""Cells: one lesion on all tasks, looped over by hooks in one process or shared out to several."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from neurolab.errors import DataError, LesionNotUndone, NeurolabError
from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.certificate import Certificate, identical
from neurolab.specimen.promises import one_thread
from neurolab.specimen.record import batches
from neurolab.specimen.replay import Batch, Replay
from neurolab.specimen.specimen import Specimen, Task

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0


@dataclass
class Shown:
    """A task ready to be shown: its batches on the device, and its intact read-out."""

    task: Task
    batches: list[Batch]
    intact: list[torch.Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Cell:
    """One lesion on all tasks: a score per trial and its certificate."""

    scores: np.ndarray
    certificate: Certificate


def _shown(specimen: Specimen, tasks: Sequence[Task], batch_size: int) -> list[Shown]:
    """Each task cut into batches; tasks on the same stimuli share their tensors and, later, their forwards."""
    made: dict[str, list[Batch]] = {}
    for task in tasks:
        if task.stimuli.digest not in made:
            inputs, ids = specimen.prepare(task.stimuli.inputs), task.stimuli.ids
            made[task.stimuli.digest] = [Batch(inputs[at], ids[at]) for at in batches(len(ids), batch_size)]
    return [Shown(task, made[task.stimuli.digest]) for task in tasks]


def run_cells(
    specimen: Specimen, design: Sequence[Lesion], order: Sequence[int], tasks: Sequence[Task], batch_size: int,
    progress: bool,
) -> dict[int, Cell]:
    """The hook loop over some lesions of a design, on one torch thread; the first one is the sham."""
    from tqdm import tqdm

    with one_thread(), bench(specimen) as table:
        shown = _shown(specimen, tasks, batch_size)
        once = {id(batch): batch for one in shown for batch in one.batches}
        replay = Replay(table, list(once.values()), [design[at] for at in order])
        quiet = not progress or not sys.stderr.isatty()
        bar = tqdm(order, desc=specimen.name, unit="lesion", disable=quiet, leave=False)
        cells = {at: _cell(table, replay, design[at], shown) for at in _announced(bar, len(order), shown, progress)}
        _check_intact(table, shown[0])
        return cells


def _check_intact(table: Bench, first: Shown) -> None:
    """Raise LesionNotUndone unless the intact network still answers the first batch as it did before all lesions."""
    batch, before = first.batches[0], first.intact[0]
    if not identical(table.forward(batch.inputs, batch.ids), before):
        raise LesionNotUndone(
            f"{table.specimen.name!r}, intact, answers the same stimuli otherwise after the lesions than before, so "
            "their scores cannot be compared. Does the model count its calls, or keep a cache that is no buffer? Reset "
            "it in forward."
        )


def _announced(bar: Any, n: int, shown: Sequence[Shown], progress: bool) -> Iterator[int]:
    """The lesions in order; once one has been timed, a long campaign is told what it will take."""
    for done, at in enumerate(bar):
        began = time.perf_counter()
        yield at
        if done == 2 and progress:  # the sham, and the first lesion with its proof, are slower than the rest
            seconds = (time.perf_counter() - began) * (n - done - 1)
            if seconds > LONG:
                megabytes = n * sum(len(one.task.stimuli) for one in shown) * 8 / 1e6
                log.warning("%d lesions: about %.0f s and %.1f MB of scores", n, seconds, megabytes)


def _cell(table: Bench, replay: Replay, lesion: Lesion, shown: Sequence[Shown]) -> Cell:
    """One lesion on all tasks."""
    answers: dict[int, list[torch.Tensor]] = {}
    with table.lesioned(lesion) as damage:
        table.prove(damage, ((batch.inputs, batch.ids) for one in shown for batch in one.batches))
        for one in shown:
            if id(one.batches) not in answers:
                answers[id(one.batches)] = [replay.forward(batch, damage) for batch in one.batches]
    scores, differs = [], False
    for one in shown:
        outputs = answers[id(one.batches)]
        if not one.intact:
            one.intact = outputs  # the sham comes first
        differs |= any(damage.shows(a, b) for a, b in zip(outputs, one.intact))
        scores.append(_score(one.task, outputs, lesion))
    return Cell(np.concatenate(scores), damage.certificate(downstream=float(differs)))


def _score(task: Task, outputs: list[torch.Tensor], lesion: Lesion) -> np.ndarray:
    whole = torch.cat(outputs)
    answers = (whole.float() if whole.dtype in (torch.float16, torch.bfloat16) else whole).cpu().numpy()
    try:
        scores = np.asarray(task.score(answers, task.stimuli.table), dtype=np.float64)
    except NeurolabError:
        raise
    except Exception as error:
        raise DataError(
            f"Task {task.name!r}: its score failed on outputs of shape {answers.shape} ({type(error).__name__}: "
            f"{error}). A score is called as score(outputs, table) and gives one number per stimulus."
        ) from error
    if scores.shape != (len(task.stimuli),) or not np.isfinite(scores).all():
        raise DataError(
            f"Task {task.name!r} under {lesion.id!r}: the score gave shape {scores.shape} with "
            f"{int((~np.isfinite(scores)).sum())} NaN or inf; expected {len(task.stimuli)} numbers. Look at what the "
            "lesion does to the outputs, or mend the score."
        )
    return scores


# -- many workers ----------------------------------------------------------------------------------------------------


def workers_of(n_jobs: int) -> int:
    """Get how many worker processes ``n_jobs`` means here."""
    import joblib

    return joblib.effective_n_jobs(n_jobs)


def shares(order: Sequence[int], workers: int) -> list[list[int]]:
    """Contiguous shares: one per worker, up to four where each is long enough to be worth its own sham."""
    if workers <= 1 or len(order) < 2:
        return [list(order)]
    n = max(workers, min(4 * workers, len(order) // 100))
    parts = np.array_split(np.asarray(order), min(len(order), n))
    return [part.tolist() for part in parts if len(part)]


def in_parallel(
    specimen: Specimen, design: Sequence[Lesion], intact: int, groups: Sequence[list[int]], tasks: Sequence[Task],
    batch_size: int, workers: int, progress: bool,
) -> Iterator[dict[int, Cell]]:
    """Get the cells of every share, computed by worker processes; each has its own sham to compare with."""
    import joblib
    from tqdm import tqdm

    # ablations registered from outside the package are unknown to a fresh worker
    others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
    jobs = [
        joblib.delayed(_work)(specimen, [design[at] for at in (intact, *group)], group, tasks, batch_size, others)
        for group in groups
    ]
    done = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
    quiet = not progress or not sys.stderr.isatty()
    yield from tqdm(done, total=len(jobs), desc=specimen.name, unit="share", disable=quiet, leave=False)


def _work(
    specimen: Specimen, lesions: Sequence[Lesion], places: Sequence[int], tasks: Sequence[Task], batch_size: int,
    others: dict[type, Any],
) -> dict[int, Cell]:
    """One worker's share: its own sham first, as the intact state to compare with."""
    ABLATIONS.update(others)
    cells = run_cells(specimen, lesions, range(len(lesions)), tasks, batch_size, False)
    return {place: cells[at + 1] for at, place in enumerate(places)}


