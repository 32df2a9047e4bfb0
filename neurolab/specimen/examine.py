"""The verb that lesions: a design and tasks in, trials out; the intact row is always there."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from neurolab.design import sham
from neurolab.errors import DataError, DoubleDippingError, LesionPlanError, NeurolabError, listed
from neurolab.lesion import Lesion, Zero, unique_lesions
from neurolab.roi import ROI
from neurolab.scores import describe
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.certificate import Certificate
from neurolab.specimen.promises import one_thread
from neurolab.specimen.record import batches
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.trials import concat, make_trials

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0


@dataclass
class Shown:
    """A task ready to be shown: its batches on the device, the ids of their rows, and its intact read-out."""

    task: Task
    inputs: list[torch.Tensor]
    ids: list[tuple[str, ...]]
    intact: list[torch.Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Cell:
    """One lesion on all tasks: a score per trial and its certificate."""

    scores: np.ndarray
    certificate: Certificate


def examine(
    specimen: Specimen | Cohort,
    lesions: Sequence[Lesion],
    tasks: Sequence[Task],
    *,
    batch_size: int = 256,
    n_jobs: int = 1,
    progress: bool = True,
    allow_double_dipping: bool = False,
) -> xr.Dataset:
    """Get the trials of a network under each lesion, and under the sham.

    Parameters
    ----------
    specimen : the network; a Cohort is examined one after another, with the same lesions.
    lesions : the design, each with an id of its own. A sham row is added when there is none.
    tasks : what is scored; names differ.
    batch_size : stimuli per forward; never changes a score beyond float tolerance.
    n_jobs : worker processes (joblib), each with one torch thread; -1 takes every core. Never changes a score.
    progress : show a bar with the time left where the error stream is a terminal.
    allow_double_dipping : score on the stimuli that chose a region all the same; the trials record it.

    Returns
    -------
    Dataset with score (specimen, lesion, trial), the certificate of each lesion and the digest of what was done.

    Raises
    ------
    DoubleDippingError : a task shows stimuli that chose a lesioned region.
    LesionNotApplied, LesionNotUndone : a promise of the bench could not be kept.

    When this is invalid
    --------------------
    One network is one case: scores of one specimen generalise over stimuli, not over networks.

    Example
    -------
    >>> import pandas as pd, neurolab.scores as scores
    >>> from neurolab.stimuli import StimulusSet
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"], "label": [0, 1]})
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))
    >>> task = Task("name", StimulusSet("two", np.eye(2, 3), table), scores.accuracy)
    >>> examine(net, [Lesion(ROI("corner", {"input": [0]}), Zero())], [task]).sizes["lesion"]
    2
    """
    if isinstance(specimen, Cohort):
        return concat(
            examine(one, lesions, tasks, batch_size=batch_size, n_jobs=n_jobs, progress=progress,
                    allow_double_dipping=allow_double_dipping)
            for one in specimen
        )
    design = with_sham(lesions)
    unique_lesions(design)
    tasks = _checked_tasks(tasks)
    override = _check_dipping(design, tasks, allow_double_dipping)
    order = sorted(range(len(design)), key=lambda at: design[at].role != "sham")
    cells: dict[int, Cell] = {}
    workers = _workers(n_jobs)
    groups = _shares(order[1:], workers)
    if len(groups) <= 1:
        cells.update(_run(specimen, design, order, tasks, batch_size, progress))
    else:
        cells.update(_run(specimen, design, order[:1], tasks, batch_size, False))
        for part in _in_parallel(specimen, design, order[0], groups, tasks, batch_size, workers):
            cells.update(part)
    return _as_trials(specimen, design, tasks, [cells[at] for at in range(len(design))], override, batch_size)


def with_sham(lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """Get the design with a sham in it: the whole procedure of the first lesion, without damage, comes first."""
    design = tuple(lesions)
    strange = [lesion for lesion in design if not isinstance(lesion, Lesion)]
    if strange:
        raise LesionPlanError(
            f"examine() got {type(strange[0]).__name__} among the lesions; expected Lesion values in one flat "
            f"sequence. "
            "Type [*a, *b] to join designs."
        )
    if any(lesion.role == "sham" for lesion in design):
        return design
    return (sham(design[0]) if design else Lesion(ROI("intact", {}), Zero(), role="sham"), *design)


def _checked_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    tasks = (tasks,) if isinstance(tasks, Task) else tuple(tasks)
    names = [task.name for task in tasks]
    if not tasks or len(set(names)) != len(names):
        raise DataError(f"examine() got the tasks {listed(names)}; expected at least one, each with a name of its own.")
    return tasks


def _check_dipping(design: Sequence[Lesion], tasks: Sequence[Task], allowed: bool) -> str:
    for lesion in design:
        if lesion.role == "sham":
            continue
        for task in tasks:
            shared = lesion.chosen_on & set(task.stimuli.ids)
            if shared and not allowed:
                raise DoubleDippingError(
                    f"Task {task.name!r} shows {len(shared)} of the stimuli that chose {lesion.name!r} (for example "
                    f"{min(shared)!r}); the region's effect would be estimated on what selected it. Type choose, test "
                    f"= "
                    "stimuli.split(2, rng=0), localise on one and examine on the other; allow_double_dipping=True "
                    "does it "
                    "all the same and is written into the trials."
                )
            if shared:
                return "double dipping allowed"
    return ""


def _shown(specimen: Specimen, tasks: Sequence[Task], batch_size: int) -> list[Shown]:
    """Each task cut into batches; tasks on the same stimuli share their tensors and, later, their forwards."""
    made: dict[str, tuple[list[torch.Tensor], list[tuple[str, ...]]]] = {}
    for task in tasks:
        if task.stimuli.digest not in made:
            inputs, ids = specimen.prepare(task.stimuli.inputs), task.stimuli.ids
            parts = list(batches(len(ids), batch_size))
            made[task.stimuli.digest] = [inputs[at] for at in parts], [ids[at] for at in parts]
    return [Shown(task, *made[task.stimuli.digest]) for task in tasks]


def _run(
    specimen: Specimen, design: Sequence[Lesion], order: Sequence[int], tasks: Sequence[Task], batch_size: int,
    progress: bool,
) -> dict[int, Cell]:
    """The hook loop over some lesions of a design, on one torch thread; the first one is the sham."""
    from tqdm import tqdm

    with one_thread(), bench(specimen) as table:
        shown = _shown(specimen, tasks, batch_size)
        quiet = not progress or not sys.stderr.isatty()
        bar = tqdm(order, desc=specimen.name, unit="lesion", disable=quiet, leave=False)
        return {at: _cell(table, design[at], shown) for at in _announced(bar, len(order), shown, progress)}


def _announced(bar: Any, n: int, shown: Sequence[Shown], progress: bool) -> Iterator[int]:
    """The lesions in order; after the first, the sham, a long campaign is told what it will take."""
    import time

    began = time.perf_counter()
    for done, at in enumerate(bar):
        yield at
        if done == 0 and progress:
            seconds = (time.perf_counter() - began) * (n - 1)
            if seconds > LONG:
                megabytes = n * sum(len(one.task.stimuli) for one in shown) * 8 / 1e6
                log.warning("%d lesions: about %.0f s and %.1f MB of scores", n, seconds, megabytes)


def _cell(table: Bench, lesion: Lesion, shown: Sequence[Shown]) -> Cell:
    """One lesion on all tasks."""
    answers: dict[int, list[torch.Tensor]] = {}
    with table.lesioned(lesion) as damage:
        table.check_read(damage, shown[0].inputs[0][:2], shown[0].ids[0][:2])
        for one in shown:
            if id(one.inputs) not in answers:
                answers[id(one.inputs)] = [table.forward(x, ids) for x, ids in zip(one.inputs, one.ids)]
    scores, differs = [], False
    for one in shown:
        outputs = answers[id(one.inputs)]
        if not one.intact:
            one.intact = outputs  # the sham comes first
        differs |= any(not torch.equal(a, b) for a, b in zip(outputs, one.intact))
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
            f"{error}). "
            "A score is called as score(outputs, table) and gives one number per stimulus."
        ) from error
    if scores.shape != (len(task.stimuli),) or not np.isfinite(scores).all():
        raise DataError(
            f"Task {task.name!r} under {lesion.id!r}: the score gave shape {scores.shape} with "
            f"{int((~np.isfinite(scores)).sum())} NaN or inf; expected {len(task.stimuli)} numbers. Look at what the "
            f"lesion "
            "does to the outputs, or mend the score."
        )
    return scores


# -- many workers ------------------------------------------------------------------------------------------------------


def _workers(n_jobs: int) -> int:
    import joblib

    return joblib.effective_n_jobs(n_jobs)


def _shares(order: Sequence[int], workers: int) -> list[list[int]]:
    """Contiguous shares, four per worker, so that a slow one does not hold up the rest."""
    if workers <= 1 or len(order) < 2:
        return [list(order)]
    parts = np.array_split(np.asarray(order), min(len(order), 4 * workers))
    return [part.tolist() for part in parts if len(part)]


def _in_parallel(
    specimen: Specimen, design: Sequence[Lesion], intact: int, groups: Sequence[list[int]], tasks: Sequence[Task],
    batch_size: int, workers: int,
) -> list[dict[int, Cell]]:
    import joblib

    # ablations registered from outside the package are unknown to a fresh worker
    others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
    jobs = [
        joblib.delayed(_work)(specimen, [design[at] for at in (intact, *group)], group, tasks, batch_size, others)
        for group in groups
    ]
    return joblib.Parallel(n_jobs=workers)(jobs)


def _work(
    specimen: Specimen, lesions: Sequence[Lesion], places: Sequence[int], tasks: Sequence[Task], batch_size: int,
    others: dict[type, Any],
) -> dict[int, Cell]:
    """One worker's share: its own sham first, as the intact state to compare with."""
    ABLATIONS.update(others)
    cells = _run(specimen, lesions, range(len(lesions)), tasks, batch_size, False)
    return {place: cells[at + 1] for at, place in enumerate(places)}


# -- the result ------------------------------------------------------------------------------------------------------


def _as_trials(
    specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], cells: Sequence[Cell], override: str,
    batch_size: int,
) -> xr.Dataset:
    frames = [task.stimuli.table.assign(task=task.name) for task in tasks]
    common = [name for name in frames[0] if all(name in frame for frame in frames)]
    trial = pd.concat([frame[common] for frame in frames], ignore_index=True)
    certificates = [cell.certificate for cell in cells]
    per_lesion: dict[str, Any] = {
        "lesion_digest": [[lesion.digest for lesion in design]],
        "vacuous": [[one.vacuous for one in certificates]],
        **{f"certificate_{name}": [[float(getattr(one, name)) for one in certificates]]
           for name in ("fired", "changed", "downstream", "off_distribution")},
    }
    n_outputs = specimen.sites()["output"].shape[-1]
    return make_trials(
        np.stack([cell.scores for cell in cells])[None], specimen=[specimen.name], lesions=design, trial=trial,
        tasks={task.name: describe(task.score, task.stimuli.table, n_outputs) for task in tasks}, kind="ann",
        per_lesion=per_lesion,
        attrs={"source": f"{specimen.name} {specimen.digest[:16]}", "override": override, "batch_size": batch_size,
               "rng": ",".join(sorted({str(lesion.rng) for lesion in design})),
               "inputs": json.dumps({task.name: task.stimuli.digest for task in tasks})},
    )
