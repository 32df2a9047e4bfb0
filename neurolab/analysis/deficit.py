"""What each lesion costs on each task: sham minus lesion on the same stimuli."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cells import mean_test, right_or_wrong
from neurolab.analysis.draws import GROUP, draws_label, draws_together
from neurolab.analysis.sample import Sample, about_task, all_tasks, sample_of, sham_rows
from neurolab.analysis.scale import RULE, at_ceiling, at_floor, logit_deficit
from neurolab.analysis.words import floor_text, sizes_text, uncorrected_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.trials import pick_task

register_result(
    "deficits",
    {
        "intact": ("specimen", "lesion", "task"),
        "lesioned": ("specimen", "lesion", "task"),
        "deficit": ("specimen", "lesion", "task"),
        **dict.fromkeys(("effect", "low", "high", "p", "effect_logit", "ceiling", "floor"), ("lesion", "task")),
        "p_floor": ("lesion", "task"),
        "n_draws": ("lesion",),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def deficits(
    trials: xr.Dataset,
    *,
    level: float = 0.95,
    alternative: str = "two-sided",
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get the deficit (sham score - lesion score) of every target and control family on every task.

    The draws of one lesion at one dose, and of one control family, are averaged within each network first. The test is
    the sign-flip over networks (or people; over stimuli when there is one network), exact up to 30; the interval
    inverts it. Over stimuli that are right or wrong, and means of these over networks, draws or repeats, the interval
    is that of paired shares (``stats.right_or_wrong``): few change, and a sign-flip's interval asks for symmetry.
    Nothing is corrected for the number of rows.

    Parameters
    ----------
    trials : from ``nl.examine`` or ``nl.make_trials``, with at least one sham row. A lesion is compared with its own
        sham where it has one, else with all shams of the trials.
    level : coverage of the intervals.
    alternative : "two-sided", or "greater" when only a loss is of interest.
    over : "specimen" or "stimulus", the sample; default networks or people where there are several.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset over specimen, lesion (targets and pooled control families) and task: ``intact``, ``lesioned``, ``deficit``
    per specimen; ``effect`` (mean deficit, in score), ``low``, ``high``, ``p``, ``p_floor``, ``effect_logit`` (log
    odds, NaN for unbounded scores), ``ceiling`` and ``floor`` flags; ``n_draws``.

    When this is invalid
    --------------------
    A deficit says that the region matters for the task here, not that it does nothing else; see ``against_controls``
    and ``dissociation``. At ceiling or floor the size of a deficit means little.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> found = deficits(phantom_trials(rng=0), rng=0)
    >>> bool(found["effect"].sel(lesion="A", task="X") > 0.2)
    True
    """
    sample = sample_of(trials, over)
    groups, tasks = _groups(sample.trials), all_tasks(sample.trials)
    tests = _tests(sample, groups, tasks, alternative, level, rng)
    shares = bool(tests.pop("shares").any())
    n, floor = min(sample.size(task) for task in tasks), float(tests["p_floor"].max())
    return make_result(
        {
            **{name: (("lesion", "task"), values) for name, values in tests.items()},
            **_per_specimen(sample, groups, tasks),
            "n_draws": ("lesion", [len(rows) for rows in groups]),
        },
        coords={"specimen": sample.specimens, "task": strings(tasks), **_lesions(sample, groups)},
        analysis="deficits",
        estimand=f"the mean over {sample.plural} of (sham score - lesion score), per lesion and task",
        test=f"sign-flip over {sample.plural}" + ("; intervals of paired shares" if shares else ""),
        n=n,
        correction="none",
        alternative=alternative,
        level=level,
        flags=RULE,
        **sample.said(
            rng, floor_text(n, floor, plural=sample.plural, alternative=alternative, alpha=1 - level),
            sizes_text({task: sample.size(task) for task in tasks}, sample.plural),
            uncorrected_text(len(groups) * len(tasks), 1 - level), tasks=tasks,
        ),
    )


def _tests(
    sample: Sample, groups: list[np.ndarray], tasks: list[str], alternative: str, level: float, rng: RNG
) -> dict[str, np.ndarray]:
    """The test of every lesion on every task, by name (lesion, task)."""
    cells = []
    for rows in groups:
        label, shams = draws_label(sample.trials, rows), _shams(sample, rows)
        streams = [generator(rng, "deficits", label, task) for task in tasks]
        cells.append([_cell(sample, shams, rows, task, alternative, level, r) for task, r in zip(tasks, streams)])
    return {name: np.array([[cell[name] for cell in row] for row in cells]) for name in cells[0][0]}


def _per_specimen(sample: Sample, groups: list[np.ndarray], tasks: list[str]) -> dict[str, Any]:
    """Intact and lesioned score, and their difference (specimen, lesion, task)."""
    dims = ("specimen", "lesion", "task")
    intact = np.array([[sample.by_specimen(_shams(sample, rows), task) for task in tasks] for rows in groups])
    lesioned = np.array([[sample.by_specimen(rows, task) for task in tasks] for rows in groups])
    found = {"intact": intact, "lesioned": lesioned, "deficit": intact - lesioned}
    return {name: (dims, np.moveaxis(values, -1, 0)) for name, values in found.items()}


def _shams(sample: Sample, rows: np.ndarray) -> np.ndarray:
    return sham_rows(sample.trials, str(sample.trials["roi"].values[rows[0]]))


def _groups(trials: xr.Dataset) -> list[np.ndarray]:
    """Rows that are draws of one lesion at one dose, or of one control family; targets first, else in order."""
    rows = draws_together(trials)
    if not rows:
        raise DesignError(
            "The trials hold shams only; examine a lesion too: nl.examine(specimen, [nl.sham(a), a], tasks)."
        )
    return sorted(rows, key=lambda where: (trials["role"].values[where[0]] != "target", where[0]))


def _lesions(sample: Sample, groups: list[np.ndarray]) -> dict[str, Any]:
    trials = sample.trials
    first = np.array([rows[0] for rows in groups])
    labels = strings([draws_label(trials, rows) for rows in groups])
    coords: dict[str, Any] = {"lesion": ("lesion", labels), "lesion_id": ("lesion", labels)}
    coords |= {name: ("lesion", trials[name].values[first]) for name in GROUP}
    units = (
        np.atleast_2d(trials["n_units"].values) if "n_units" in trials.coords else np.zeros((1, trials.sizes["lesion"]))
    )
    coords["n_units"] = ("lesion", [float(units[:, rows].mean()) for rows in groups])
    coords["draw"] = ("lesion", [int(trials["draw"].values[rows[0]]) if len(rows) == 1 else -1 for rows in groups])
    return coords


def _cell(
    sample: Sample, shams: np.ndarray, rows: np.ndarray, task: str, alternative: str, level: float, rng: RNG
) -> dict[str, Any]:
    """The test of one lesion on one task."""
    bounded, chance = about_task(sample.trials, task)
    intact, lesioned = sample.by_specimen(shams, task), sample.by_specimen(rows, task)
    values = sample.table(shams, task) - sample.table(rows, task)
    counted = sample.counted(task)
    test = mean_test(values, sample.over, alternative=alternative, level=level, counted=counted, rng=rng)
    n_trials = len(pick_task(sample.trials, task))
    return {
        "effect": test.effect,
        "low": test.low,
        "high": test.high,
        "p": test.p,
        "p_floor": test.p_floor,
        "shares": right_or_wrong(values, sample.over, counted=counted),
        "effect_logit": float(logit_deficit(intact, lesioned, n_trials, bounded=bounded).mean()),
        "ceiling": at_ceiling(float(intact.mean()), chance, bounded=bounded),
        "floor": at_floor(float(lesioned.mean()), chance, bounded=bounded),
    }
