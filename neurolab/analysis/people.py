"""The two doors of a single case: trials of networks or people, and a behavioural table; one table behind both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.idle import idle_flags
from neurolab.analysis.sample import all_tasks, member_words, sample_of, sham_rows, target_rows
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

Names = str | Sequence[str]
SAME = 1e-12  # a spread below this share of the scores is rounding
#: Columns that only a table of trials has: one row per showing, not per person.
OF_TRIALS = {"trial", "lesion_id", "stimulus_id"}


@dataclass(frozen=True, eq=False)
class CaseTable:
    """Cases and controls x tasks in float64; NaN where a control has no score.

    cases (case, task), controls (control, task); covariates (case, m) and (control, m), m = 0 without any.
    lesions : what was done to each case, "" for a patient. before : the cases' own scores before it (case, task), NaN
        for patients. note : what the table says of itself. over : "specimen" or "subject", what the controls sample.
    """

    case_names: tuple[str, ...]
    control_names: tuple[str, ...]
    tasks: tuple[str, ...]
    lesions: tuple[str, ...]
    cases: np.ndarray
    before: np.ndarray
    controls: np.ndarray
    case_covariates: np.ndarray
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    over: str
    source: str
    note: str

    @property
    def inputs(self) -> str:
        """The digest of every number that a test sees."""
        return digest_of(self.cases, self.controls, self.case_covariates, self.covariates)

    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Get the controls' mean and sd (task,), and every control in sds from what is expected of it (control, task).

        Without covariates that is the mean; with them, their regression.
        """
        mean, sd, z = *np.full((2, len(self.tasks)), np.nan), np.full_like(self.controls, np.nan)
        for j, column in enumerate(self.controls.T):
            kept, m = ~np.isnan(column), self.covariates.shape[1]
            if kept.sum() < m + 2:
                continue
            values = column[kept]
            mean[j], sd[j] = values.mean(), values.std(ddof=1)
            design = np.column_stack((np.ones(kept.sum()), self.covariates[kept]))
            left = values - (design @ np.linalg.lstsq(design, values, rcond=None)[0] if m else mean[j])
            spread = np.sqrt((left**2).sum() / (kept.sum() - 1 - m))
            z[kept, j] = left / spread if spread > SAME * np.abs(values).max() else np.nan
        return mean, sd, z


@dataclass(frozen=True, eq=False)
class _Door:
    """What comes through a door: scores as controls (person x task), the cases' own rows, and what is known besides."""

    people: pd.DataFrame
    cases: pd.DataFrame
    about: pd.DataFrame
    lesions: tuple[str, ...]
    over: str
    source: str


def case_table(
    data: xr.Dataset | pd.DataFrame,
    case: Names,
    lesion: Names | None,
    controls: Names | Mapping[str, Any] | None,
    tasks: Names | None,
    covariates: Names,
) -> CaseTable:
    """Get cases and controls x tasks from trials or from a table with one row per person."""
    cases = _several(case, "case")
    beside = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    if isinstance(data, xr.Dataset):
        door = _through_trials(data, cases, lesion)
    elif isinstance(data, pd.DataFrame):
        door = _through_frame(data, cases, lesion, beside)
    else:
        raise SchemaError(
            f"A single case was asked of a {type(data).__name__}; expected trials (nl.examine, nl.make_trials) or a "
            "pandas DataFrame with one row per person, their names as its index: table.set_index('person')."
        )
    wanted = _tasks(door, tasks)
    names = _controls(door, cases, controls)
    own, others = door.cases[wanted].to_numpy(np.float64), door.people.loc[names, wanted].to_numpy(np.float64)
    _check(own, others, cases, wanted)
    healthy = door.people.loc[cases, wanted].to_numpy(np.float64)
    before = healthy if any(door.lesions) else np.full_like(own, np.nan)
    known = _beside(door, [*cases, *names], beside)
    return CaseTable(
        tuple(cases), tuple(names), tuple(wanted), door.lesions, own, before, others,
        known[: len(cases)], known[len(cases) :], beside, door.over, door.source,
        str(data.attrs.get("note", "") or ""),
    )  # fmt: skip


def idle_cases(data: xr.Dataset | pd.DataFrame, table: CaseTable) -> list[str]:
    """Get a sentence for every case whose lesion changed no activity."""
    if not isinstance(data, xr.Dataset):
        return []
    trials, called = sample_of(data, "specimen").trials, member_words(str(data.attrs.get("kind", "")))
    said = []
    for who, lesion in zip(table.case_names, table.lesions):
        if lesion:
            own = trials.isel(specimen=[list(map(str, trials["specimen"].values)).index(who)])
            said += [f"{who}: {one}" for one in idle_flags(own, target_rows(own, lesion), called)]
    return said


def _several(given: Names, what: str) -> list[str]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    names = [str(name) for name in given] if several else [str(given)]
    if not names or len(set(names)) != len(names):
        raise DesignError(f"{what}={given!r}; expected one name, or several different ones. Type {what}='DF'.")
    return names


def _through_trials(trials: xr.Dataset, cases: list[str], lesion: Names | None) -> _Door:
    """The case after its lesion; everybody as they are without."""
    sample = sample_of(trials, "specimen")
    people, every = sample.specimens, all_tasks(sample.trials)
    _known(cases, people, "case")
    lesions = [""] * len(cases) if lesion is None else [lesion] * len(cases) if isinstance(lesion, str) else [*lesion]
    if len(lesions) != len(cases):
        raise DesignError(f"{len(cases)} cases and {len(lesions)} lesions given; expected one lesion, or one for each.")
    intact, own = {}, {}
    for who, name in zip(cases, lesions):
        rows = target_rows(sample.trials, name) if name else _as_they_are(sample.trials)
        roi = str(sample.trials["roi"].values[rows[0]])
        healthy = sham_rows(sample.trials, roi) if name else rows
        at = list(people).index(who)
        own[who] = {task: sample.by_specimen(rows, task)[at] for task in every}
        intact[who] = np.column_stack([sample.by_specimen(healthy, task) for task in every])
    scores = next(iter(intact.values()))
    if any(not np.array_equal(scores, other) for other in intact.values()):
        raise DesignError("The shams of these lesions differ, so the controls would too; ask for one lesion at a time.")
    named = pd.Index([str(name) for name in people])
    extra = {str(k): v.values for k, v in sample.trials.coords.items() if v.dims == ("specimen",) and k != "specimen"}
    return _Door(
        pd.DataFrame(scores, index=named, columns=every), pd.DataFrame.from_dict(own, orient="index")[every],
        pd.DataFrame(extra, index=named), tuple(lesions), sample.over, str(trials.attrs.get("source", "")),
    )  # fmt: skip


def _as_they_are(trials: xr.Dataset) -> np.ndarray:
    """The rows of people on whom nothing was done in the laboratory."""
    rows = np.arange(trials.sizes["lesion"])
    if len(rows) == 1 or (trials["role"].values == "sham").all():
        return rows
    known = list(dict.fromkeys(map(str, trials["roi"].values[trials["role"].values == "target"])))
    raise DesignError(f"The trials hold lesions, so say which one the case has: type lesion={known[0]!r}, of {known}.")


def _through_frame(table: pd.DataFrame, cases: list[str], lesion: Names | None, beside: tuple[str, ...]) -> _Door:
    if lesion is not None:
        raise DesignError(f"lesion={lesion!r} names a row of trials, and a table has one score per person: leave it.")
    if OF_TRIALS & set(map(str, table.columns)):
        raise ReplicationUnitError(
            "The table has a row per trial, and trials are not people: a case is compared with persons or networks. "
            "Hand over the trials themselves, or average first: table.pivot_table('score', 'specimen', 'task')."
        )
    again = table.columns[table.columns.duplicated()]
    if len(again):
        raise SchemaError(f"The table has the columns {listed(map(str, again))} more than once. Rename one of each.")
    people = pd.Index([str(name) for name in table.index])
    twice = sorted(set(people[people.duplicated()]))
    if twice:
        raise ReplicationUnitError(
            f"The table names {listed(twice)} more than once; a person counts once among the controls, and sessions, "
            "folds and repeats do not. Average them first: table.groupby(level=0).mean(numeric_only=True)."
        )
    _known(cases, people, "case")
    named = table.set_axis([str(column) for column in table.columns], axis=1).set_axis(people, axis=0)
    scores = [
        name for name, kind in named.dtypes.items()
        if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) and name not in beside
    ]  # fmt: skip
    whole = named[scores].astype(np.float64)
    return _Door(whole, whole.loc[cases], named, ("",) * len(cases), "subject", str(table.attrs.get("source", "")))


def _known(asked: Sequence[str], people: Any, what: str) -> None:
    there = [str(name) for name in people]
    for name in asked:
        if name not in there:
            raise UnknownNameError(f"{what} {name!r} is not among them.{did_you_mean(name, there)} {listed(there)}.")


def _tasks(door: _Door, tasks: Names | None) -> list[str]:
    every = list(door.people.columns)
    wanted = every if tasks is None else _several(tasks, "tasks")
    other = [name for name in wanted if name not in every and name in door.about.columns]
    if other:
        raise SchemaError(
            f"The column {other[0]!r} holds {door.about[other[0]].dtype}, not numbers. Type table.assign(**{{"
            f"{other[0]!r}: pd.to_numeric(table[{other[0]!r}])}}), or name other tasks: {listed(every, most=6)}."
        )
    _known(wanted, every, "task")
    if not wanted:
        raise SchemaError(f"The table has no column of numbers; it has {listed(door.about.columns)}.")
    return wanted


def _controls(door: _Door, cases: list[str], controls: Names | Mapping[str, Any] | None) -> list[str]:
    """The names of the controls: everybody else, those named, or those with a label."""
    if isinstance(controls, Mapping):
        _known(list(controls), door.about.columns, "column")
        kept = np.ones(len(door.people), dtype=bool)
        for column, value in controls.items():
            kept &= door.about[column].astype(str).to_numpy() == str(value)
        names = [name for name, keep in zip(door.people.index, kept) if keep and name not in cases]
        if not names:
            raise UnknownNameError(
                f"Nobody has {dict(controls)}; the column holds {listed(sorted(set(door.about[column].astype(str))))}."
            )
    elif controls is None:
        names = [name for name in door.people.index if name not in cases]
    else:
        names = _several(controls, "controls")
        _known(names, door.people.index, "control")
    both = sorted(set(names) & set(cases))
    if both:
        raise ReplicationUnitError(f"{listed(both)} cannot be case and control at once; leave it out of controls=.")
    if len(names) < 2:
        raise DesignError(
            f"{len(names)} control{'s' if len(names) != 1 else ''} for {listed(cases)}: a case needs a sample to be "
            "compared with, at least 2, better 10 or more. Add people, or train more networks (nl.train_cohort)."
        )
    return names


def _check(own: np.ndarray, others: np.ndarray, cases: list[str], tasks: list[str]) -> None:
    for what, values in (("a case", own), ("a control", others)):
        if np.isinf(values).any():
            raise DataError(f"{what} has an infinite score; expected numbers, or NaN where a control was not tested.")
    for i, j in zip(*np.nonzero(np.isnan(own))):
        raise DataError(
            f"The case {cases[i]!r} has no score on {tasks[j]!r} (NaN); leave that task out: "
            f"tasks={[task for task in tasks if task != tasks[j]]}."
        )


def _beside(door: _Door, people: list[str], names: tuple[str, ...]) -> np.ndarray:
    """The covariates (person, m) of these people."""
    _known(names, door.about.columns, "covariate")
    try:
        found = door.about.loc[people, list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as problem:
        raise DataError(f"The covariates {listed(names)} hold text; expected numbers ({problem}).") from problem
    if np.isnan(found).any():
        who = [people[i] for i in np.flatnonzero(np.isnan(found).any(axis=1))]
        raise DataError(f"{listed(who)} lack a covariate of {listed(names)}; name the others with controls=[...].")
    return found
