"""One rung of a ladder: the smallest dose that does what is asked, and the scores of every arm at one step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.flags import flags_in, flags_of
from neurolab.analysis.localiser import known
from neurolab.analysis.profile_flags import as_table_attrs
from neurolab.analysis.sample import about_task, all_tasks, sample_of, sham_rows
from neurolab.analysis.steps import steps_of
from neurolab.analysis.strength import COLUMNS, ladder_rows
from neurolab.errors import DesignError, DoseWarning, UnknownNameError, listed
from neurolab.ids import ids_of
from neurolab.trials import pick_task


class Dose(float):
    """A dose as a number, which remembers the stimuli that chose it and whether it did what was asked.

    Example
    -------
    >>> dose = Dose(8, chosen_on={"a"})
    >>> dose, dose.reached, sorted(dose.chosen_on)
    (8.0, True, ['a'])
    """

    chosen_on: frozenset[str]
    undermined_by: tuple[str, ...]

    def __new__(cls, value: float, *, chosen_on: Iterable[str] = (), undermined_by: Iterable[str] = ()) -> Dose:
        """Make a dose of a number."""
        made = super().__new__(cls, value)
        made.chosen_on, made.undermined_by = frozenset(map(str, chosen_on)), tuple(undermined_by)
        return made

    @property
    def reached(self) -> bool:
        """Whether it cost as much as was asked; ``undermined_by`` says it where not."""
        return not self.undermined_by


def smallest_dose(
    trials: xr.Dataset, *, lesion: str, task: str, costing: float, along: str = "strength", most: bool = False
) -> Dose:
    """Get the smallest dose of a ladder whose mean deficit over the sample is at least so large.

    To be found on stimuli of its own: what is then measured on others is not flattered by the choice.

    Parameters
    ----------
    trials : with the ladder and a sham. lesion : the ladder's name. task : the task.
    costing : the deficit, in the score's own units. State it before looking.
    along : "strength" (rungs) or "dose" (shares of a region).
    most : take the largest dose where none costs as much, with a DoseWarning, instead of raising.

    Returns
    -------
    Dose, a number that knows the stimuli it was ``chosen_on`` and whether it was ``reached``: lesions of that dose
    (``nested_lesions``, ``choose_doses``) may not be tested on these stimuli, and carry what undermines them.

    Raises
    ------
    DesignError : no dose costs as much, with the largest deficit. UnknownNameError : no such ladder.

    When this is invalid
    --------------------
    Examined on the stimuli that chose the region, or that will test it.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(doses=(0.25, 0.5, 1.0), rng=0)
    >>> smallest_dose(trials, lesion="A", task="X", costing=0.1, along="dose")
    0.5
    """
    known(along, COLUMNS, "along")
    sample = sample_of(trials)
    ladder = ladder_rows(sample.trials, lesion, "target", "", along)
    if not ladder:
        raise UnknownNameError(f"The trials have no ladder {lesion!r} along {along}; type Lesion(..., rung=(name, 8)).")
    names = [str(sample.trials["roi"].values[rows[0]]) for rows in ladder.values()]
    costs = {
        dose: float((sample.by_specimen(sham_rows(sample.trials, name), task) - sample.by_specimen(rows, task)).mean())
        for name, (dose, rows) in zip(names, ladder.items())
    }
    enough = [dose for dose, cost in costs.items() if cost >= costing]
    chosen_on = stimuli_of(sample.trials, task)
    if enough:
        return Dose(min(enough), chosen_on=chosen_on)
    if most:
        said = (
            f"No dose of {lesion!r} costs {costing:g} on {task!r}; the largest, {max(costs):g}, costs "
            f"{costs[max(costs)]:.3g} and was taken."
        )
        warnings.warn(said, DoseWarning, stacklevel=2)
        return Dose(max(costs), chosen_on=chosen_on, undermined_by=[said])
    raise DesignError(
        f"No dose of {lesion!r} costs {costing:g} on {task!r}; the most is {max(costs.values()):.3g}, at "
        f"{max(costs, key=lambda dose: costs[dose]):g}. Add larger doses, ask for less, or type most=True."
    )


def stimuli_of(trials: xr.Dataset, task: str) -> set[str]:
    """Get the ids of the stimuli of a task, and of those that they are marked twins of."""
    where = pick_task(trials, task)
    columns = [name for name in ("stimulus_id", "unmarked") if name in trials.coords]
    return {one for name in columns for one in ids_of(trials[name].values[where])}


def arm_scores(
    trials: xr.Dataset, *, step: float | None = None, tasks: Sequence[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Get the mean score of every network at one step of training: per arm a table (network x task).

    ``nl.analysis.compare_cohorts`` takes it: arms compared at the same step, flagged where their wanted score differs,
    or where something else undermines an arm (``attrs["undermined_by"]`` of its table).

    Parameters
    ----------
    trials : of ``nl.specimen.retrain``, with a ladder per arm. step : of training; default each arm's last.
    tasks : default all.

    Raises
    ------
    DesignError : nobody scored at that step.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(rng=0, n_specimens=3).isel(lesion=[0, 1])
    >>> trials = trials.assign_coords(ladder=("lesion", ["a", "a"]), rung=("lesion", [0.0, 5.0]))
    >>> arm_scores(trials.assign_coords(role=("lesion", ["target", "target"])))["a"].shape
    (3, 2)
    """
    wanted = list(tasks) if tasks is not None else all_tasks(sample_of(trials).trials)
    curves = {task: steps_of(trials, task=task).curves for task in wanted}
    known = {task: about_task(trials, task) for task in wanted}
    found = {}
    for arm in map(str, next(iter(curves.values()))["arm"].values):
        columns = {task: _at(curve.sel(arm=arm), step, arm) for task, curve in curves.items()}
        found[arm] = pd.DataFrame(columns, index=list(map(str, next(iter(curves.values()))["specimen"].values)))
        found[arm].attrs["bounded"] = {task: chance for task, (bounded, chance) in known.items() if bounded}
        flags = flags_in(trials.attrs)
        said = {line: flags[line].get("task", ()) for line in flags_of(flags, arm=[arm], task=wanted)}
        about = {line: {"index": list(named)} if named else {} for line, named in said.items()}
        found[arm].attrs |= as_table_attrs(about, str(trials.attrs.get("kind", "")))
    return found


def _at(curve: xr.DataArray, step: float | None, arm: str) -> np.ndarray:
    """The scores (specimen,) of an arm at a step."""
    there = np.flatnonzero(np.isfinite(curve.values).all(axis=0))
    steps = curve["step"].values[there]
    if not len(steps) or (step is not None and step not in steps):
        raise DesignError(f"Arm {arm!r} has no scores at step {step}; it has {listed(f'{one:g}' for one in steps)}.")
    return np.asarray(curve.values[:, there[-1] if step is None else there[list(steps).index(step)]])
