"""Every localiser against every task: is each region needed most for what it was localised for?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.cells import mean_test, right_or_wrong
from neurolab.analysis.sample import Sample, about_task, all_tasks, sample_of, sham_rows, target_rows
from neurolab.analysis.words import floor_text, holm_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.trials import task_table

TEST = ("effect", "low", "high", "p", "p_floor")

register_result(
    "localiser_matrix",
    {
        **dict.fromkeys((*TEST, "q", "q_floor"), ("lesion", "task")),
        "value": ("specimen", "lesion", "task"),
        **dict.fromkeys((f"diagonal_{name}" for name in TEST), ()),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("diagonal_p", "diagonal_effect", "diagonal_low", "diagonal_high", "diagonal_p_floor"),
    ],
)


def localiser_matrix(
    trials: xr.Dataset,
    *,
    localisers: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get the deficit of every localised region on every task, and whether the diagonal stands out.

    The k-th localiser belongs to the k-th task. Each cell is tested by a two-sided sign-flip over networks, corrected
    by Holm over all cells. The diagonal is one planned test: per network, the mean over tasks of (deficit after the
    task's own lesion - mean deficit after the others), a difference *within* each task, one-sided.

    Parameters
    ----------
    trials : with each localiser's lesion (role "target") and a sham.
    localisers : names of the lesions; default all targets in order. tasks : in the same order; default all.
    level : coverage of the intervals. over : "specimen" or "stimulus", the sample.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset over lesion and task: ``effect`` (mean deficit in score) with ``low, high, p, p_floor`` and ``q`` (Holm)
    with ``q_floor``, the smallest that it could be; ``value`` (specimen, lesion, task); ``diagonal_effect`` with its
    companions. When tasks are scored in different units, the diagonal counts each task in shares of its intact score
    above chance (``diagonal_unit``).

    When this is invalid
    --------------------
    A standing-out diagonal says that regions are needed for unlike things; that they spare the other tasks is another
    claim: see ``dissociation``.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> found = localiser_matrix(phantom_trials(rng=0), rng=0)
    >>> bool(found["diagonal_p"] <= 0.05), bool(found["q"].sel(lesion="A", task="Y") > 0.05)
    (True, True)
    """
    sample = sample_of(trials, over)
    lesions, columns = _paired_up(sample.trials, localisers, tasks)
    values, per_specimen = _cells(sample, lesions, columns)
    counted = [sample.counted(task) for task in columns]
    cells = {
        (i, j): mean_test(series, sample.over, level=level, counted=counted[j],
                          rng=generator(rng, "matrix", lesions[i], columns[j]))
        for (i, j), series in values.items()
    }  # fmt: skip
    wrong = any(right_or_wrong(series, sample.over, counted=counted[j]) for (_, j), series in values.items())
    shares = " (intervals of paired shares)" if wrong else ""
    unit, weights = _weights(sample, lesions, columns)
    diagonal = _diagonal(values, weights, by_stimulus=sample.over == "stimulus")
    stands_out = sign_flip(diagonal, alternative="greater", level=level, rng=generator(rng, "matrix diagonal"))
    return make_result(
        {
            **_variables(cells, len(lesions)),
            "value": (("specimen", "lesion", "task"), per_specimen),
            **{f"diagonal_{name}": getattr(stands_out, name) for name in TEST},
        },
        coords={"specimen": sample.specimens, "lesion": strings(lesions), "task": strings(columns)},
        analysis="localiser_matrix",
        estimand=f"the mean over {sample.plural} of the deficit of each lesion on each task; the diagonal minus "
        "the rest, within task",
        test=f"two-sided sign-flip over {sample.plural} per cell{shares}; one-sided for the diagonal",
        n=min(sample.size(task) for task in columns),
        correction="holm",
        **sample.said(rng, *_notes(cells, stands_out, sample.plural, 1 - level), tasks=columns,
                      rows=np.concatenate([target_rows(sample.trials, lesion) for lesion in lesions])),
        alternative="two-sided",
        level=level,
        diagonal_unit=unit,
    )


def _paired_up(
    trials: xr.Dataset, localisers: Sequence[str] | None, tasks: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Lesions and tasks, as many of both."""
    every = trials["roi"].values[trials["role"].values == "target"]
    lesions = list(dict.fromkeys(map(str, every))) if localisers is None else list(localisers)
    columns = all_tasks(trials) if tasks is None else list(tasks)
    if len(lesions) != len(columns) or len(lesions) < 2:
        raise DesignError(
            f"{len(lesions)} localisers and {len(columns)} tasks; the diagonal pairs the first with the first and so "
            "on, so expected as many of both, two or more. Type localisers=[...], tasks=[...] in matching order."
        )
    return lesions, columns


def _cells(sample: Sample, lesions: list[str], tasks: list[str]) -> tuple[dict[tuple[int, int], pd.Series], np.ndarray]:
    """Deficits per member of the sample, and per specimen (specimen, lesion, task)."""
    values = {}
    per_specimen = np.empty((sample.trials.sizes["specimen"], len(lesions), len(tasks)))
    for i, lesion in enumerate(lesions):
        rows = target_rows(sample.trials, lesion)
        shams = sham_rows(sample.trials, str(sample.trials["roi"].values[rows[0]]))
        for j, task in enumerate(tasks):
            values[i, j] = sample.table(shams, task) - sample.table(rows, task)
            per_specimen[:, i, j] = sample.by_specimen(shams, task) - sample.by_specimen(rows, task)
    return values, per_specimen


def _weights(sample: Sample, lesions: list[str], tasks: list[str]) -> tuple[str, np.ndarray]:
    """1 per task where all share a unit; else 1 / (mean intact score - chance)."""
    known = task_table(sample.trials)
    units = {str(known.get(task, {}).get("unit", "score")) for task in tasks}
    if len(units) == 1:
        return units.pop(), np.ones(len(tasks))
    shams = [
        sham_rows(sample.trials, str(sample.trials["roi"].values[target_rows(sample.trials, a)[0]])) for a in lesions
    ]
    rows = np.unique(np.concatenate(shams))
    room = np.array([sample.by_specimen(rows, task).mean() - about_task(sample.trials, task)[1] for task in tasks])
    if not (room > 0).all():
        raise DesignError(
            f"The tasks are scored in different units ({', '.join(sorted(units))}), and not every one has an intact "
            "score above a known chance level to be measured by. Score them alike, or name tasks= that are."
        )
    return "share of the intact score above chance", 1 / room


def _diagonal(values: dict[tuple[int, int], pd.Series], weights: np.ndarray, *, by_stimulus: bool) -> np.ndarray:
    """Own lesion minus the mean of the others, within each task: per network averaged over tasks, or per stimulus."""
    n = len(weights)
    within = [
        weights[task] * (values[task, task] - sum(values[other, task] for other in range(n) if other != task) / (n - 1))
        for task in range(n)
    ]
    if by_stimulus:
        return pd.concat(within).groupby(level=0, sort=False).mean().to_numpy()
    return (sum(within[1:], within[0]) / n).to_numpy()


def _notes(cells: dict[tuple[int, int], SignFlip], diagonal: SignFlip, plural: str, alpha: float) -> list[str]:
    """The smallest p of the diagonal and of a cell, and what Holm makes of that."""
    cell = max(cells.values(), key=lambda test: test.p_floor)
    return [
        "Diagonal: " + floor_text(diagonal.n, diagonal.p_floor, plural=plural, alternative="greater", alpha=alpha),
        "Cells: " + holm_text(cell.n, cell.p_floor, len(cells), plural=plural, alpha=alpha),
    ]


def _variables(cells: dict[tuple[int, int], SignFlip], n: int) -> dict[str, Any]:
    table = {name: np.array([[getattr(cells[i, j], name) for j in range(n)] for i in range(n)]) for name in TEST}
    table["q"] = holm(table["p"]).p
    table["q_floor"] = holm(table["p_floor"]).p
    return {name: (("lesion", "task"), values) for name, values in table.items()}
