"""Scores over training steps, however they come: an array, a tidy table or trials with a ladder of steps per arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.flags import Flags, flags_in
from neurolab.analysis.sample import MEMBER, PLURAL, about_task, sample_of
from neurolab.analysis.strength import ladder_rows
from neurolab.digest import digest_of
from neurolab.errors import (
    DataError,
    DesignError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    did_you_mean,
    listed,
)
from neurolab.schema import strings

DIMS = ("specimen", "arm", "step")
Scores = xr.DataArray | xr.Dataset | pd.DataFrame


@dataclass(frozen=True, eq=False)
class Steps:
    """Curves (specimen, arm, step) by rising step, and where they come from; NaN where an arm was not examined."""

    curves: xr.DataArray
    over: str
    source: str
    chance: float
    flags: Flags = field(default_factory=dict)
    task: str = ""

    @property
    def specimens(self) -> np.ndarray:
        """The names of the networks or people."""
        return strings(self.curves["specimen"].values)

    @property
    def plural(self) -> str:
        """What several members are called in a sentence."""
        return PLURAL[self.over]

    @property
    def in_task(self) -> str:
        """Which task the scores are of, as a sentence goes on; empty where nobody said."""
        return f" in {self.task}" if self.task else ""

    @property
    def digest(self) -> str:
        """Content digest of the scores."""
        return digest_of(np.asarray(self.curves.values, dtype=np.float64))

    def scored(self, name: str) -> str:
        """How often an arm was scored, which is how exactly a step can be known: ``(scored every 10 steps)``."""
        if "step" not in self.curves.dims:
            return ""  # steps to criterion were given, and nobody knows
        step = np.asarray(self.curves["step"].values, dtype=np.float64)[~np.isnan(self.arm(name)).all(axis=0)]
        gaps = np.diff(step)
        if not len(gaps):
            return ""
        if np.allclose(gaps, gaps[0]):
            return f" (scored {'at every step' if gaps[0] == 1 else f'every {gaps[0]:g} steps'})"
        return f" (scored at {len(step)} steps, {gaps.min():g} to {gaps.max():g} apart)"

    def arm(self, name: str) -> np.ndarray:
        """Get the scores of one arm (specimen, step)."""
        known = list(map(str, self.curves["arm"].values))
        if name not in known:
            raise UnknownNameError(f"There is no arm {name!r}.{did_you_mean(name, known)} There are {listed(known)}.")
        return np.asarray(self.curves.sel(arm=name).values, dtype=np.float64)


def steps_of(scores: Scores, *, task: str | None, chance: float | None = None, dims: tuple[str, ...] = DIMS) -> Steps:
    """Get checked curves from an array with dims specimen, arm, step; a table with these columns and score; or trials.

    In trials an arm is a ladder and a step its rung: ``make_trials(lesions={"ladder": arm, "rung": step, ...})``.
    dims : without "step" the values are steps to criterion, in an array or in a column "steps".
    """
    over, source, floor = "specimen", "", np.nan
    if isinstance(scores, xr.Dataset):
        curves, over, source, floor = _from_trials(scores, task)
    elif isinstance(scores, pd.DataFrame):
        curves, over = _from_frame(scores, dims), _member(scores)
    elif isinstance(scores, xr.DataArray):
        curves, source = scores, str(scores.attrs.get("source", ""))
        over = _member(scores)
    else:
        raise SchemaError(
            f"Got scores of type {type(scores).__name__}; expected a DataArray (specimen, arm, step), a table with the "
            "columns specimen, arm, step and score, or trials."
        )
    if set(curves.dims) != set(dims):
        raise SchemaError(
            f"The scores have the dims {tuple(curves.dims)}; expected {dims}. Type xr.DataArray(values, dims={dims}, "
            "coords=...), with the step in training steps."
        )
    curves = curves.transpose(*dims)
    _check(curves, dims)
    if "step" in dims:
        curves = curves.assign_coords(step=_numbers(curves["step"].values)).sortby("step")
    flags = flags_in(scores.attrs) if isinstance(scores, xr.Dataset) else {}
    named = str(task or (scores.attrs.get("task", "") if isinstance(scores, xr.DataArray) else ""))
    return Steps(curves, over, source, floor if chance is None else float(chance), flags, named)


def _member(scores: xr.DataArray | pd.DataFrame) -> str:
    return MEMBER.get(str(scores.attrs.get("kind", "")), "specimen")


def _numbers(steps: np.ndarray) -> np.ndarray:
    """Steps as numbers, also where a table held them as text: as text 10 comes before 5."""
    try:
        found = np.asarray(steps).astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"The steps are {listed(map(str, steps), most=4)}; expected numbers of training steps. Type "
            "table.assign(step=...) with the number of each."
        ) from None
    if not np.isfinite(found).all():
        raise DataError("Some steps are NaN or infinite; expected numbers of training steps. Leave those rows out.")
    if len(set(found.tolist())) < len(found):
        raise ReplicationUnitError("Some steps are the same number in two spellings; each counts once. Join them.")
    return found


def _check(curves: xr.DataArray, dims: tuple[str, ...]) -> None:
    for dim in dims:
        if dim not in curves.coords:
            raise SchemaError(f"The scores have no coordinate {dim!r}; type scores.assign_coords({dim}=[...]).")
        names = list(map(str, curves[dim].values))
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ReplicationUnitError(f"The scores name the {dim}s {listed(twice, most=4)} twice; each counts once.")
    if curves.sizes["specimen"] < 2:
        raise DesignError(
            "There is one network (or person), so nothing can be said about others. Give several, 6 or more for a "
            "two-sided p of .05."
        )
    if np.isinf(np.asarray(curves.values, dtype=np.float64)).any():
        raise DataError("Some scores are infinite; expected numbers, or NaN where an arm was not examined at a step.")


def _from_frame(table: pd.DataFrame, dims: tuple[str, ...]) -> xr.DataArray:
    value = "score" if "step" in dims else "steps"
    missing = [name for name in (*dims, value) if name not in table]
    if missing:
        raise SchemaError(f"The table lacks the columns {listed(missing)}; it has {listed(table.columns)}.")
    twice = table.duplicated(list(dims))
    if twice.any():
        first = table.loc[twice, list(dims)].iloc[0].to_dict()
        raise ReplicationUnitError(
            f"The table has several rows for {first}; average the items of one network first: type "
            f"table.groupby({list(dims)}, as_index=False)[{value!r}].mean()."
        )
    return table.set_index(list(dims))[value].to_xarray()


def _from_trials(trials: xr.Dataset, task: str | None) -> tuple[xr.DataArray, str, str, float]:
    sample = sample_of(trials)
    if "ladder" not in sample.trials.coords or task is None:
        raise DesignError(
            "Trials over steps need task= and a ladder per arm: make_trials(lesions={..., 'ladder': arm, 'rung': step})"
            ", one row per arm and step."
        )
    if sample.over == "stimulus":
        raise DesignError("There is one network (or person): nothing can be said about others. Type nl.concat([...]).")
    arms = [name for name in dict.fromkeys(map(str, sample.trials["ladder"].values)) if name]
    ladders = [ladder_rows(sample.trials, arm, "target", "", "strength") for arm in arms]
    steps = sorted({step for ladder in ladders for step in ladder})
    values = np.full((len(sample.specimens), len(arms), len(steps)), np.nan)
    for at, ladder in enumerate(ladders):
        for step, rows in ladder.items():
            values[:, at, steps.index(step)] = sample.by_specimen(rows, task)
    coords = {"specimen": sample.specimens, "arm": strings(arms), "step": steps}
    source = str(sample.trials.attrs.get("source", ""))
    return xr.DataArray(values, dims=DIMS, coords=coords), sample.over, source, about_task(sample.trials, task)[1]


def first_reached(curves: np.ndarray, steps: np.ndarray, criterion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Get the first step (specimen,) at which a score reaches its criterion, and whether one did; else the last step.

    NaN are steps at which nobody looked.

    Example
    -------
    >>> first_reached(np.array([[0.2, 0.9, 0.8], [0.1, 0.2, 0.3]]), np.array([0, 10, 50]), np.array([0.8, 0.8]))
    (array([10., 50.]), array([ True, False]))
    """
    seen = np.where(np.isnan(curves), -np.inf, curves) >= np.asarray(criterion)[:, None]
    last = np.array([steps[np.flatnonzero(~np.isnan(row))[-1]] for row in curves], dtype=np.float64)
    reached = np.asarray(seen.any(axis=1))
    return np.where(reached, steps[seen.argmax(axis=1)], last), reached
