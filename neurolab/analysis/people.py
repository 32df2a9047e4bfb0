"""The two doors of a single case: trials of networks or people, and a behavioural table; one table behind both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.case_found import CaseTable
from neurolab.analysis.sample import all_tasks, sample_of, sham_rows, target_rows
from neurolab.errors import (
    DataError,
    DesignError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    amount,
    did_you_mean,
    listed,
)

Names = str | Sequence[str]
#: Columns that only a table of trials has: one row per showing, not per person.
OF_TRIALS = {"trial", "lesion_id", "stimulus_id"}
#: Columns, in any case, that say who a row is of, which of several tests of that person it is, and of what group.
PERSON, REPEAT = {"person", "subject", "who", "participant"}, {"session", "visit", "run"}
GROUP = {"group", "diagnosis", "status", "cohort"}
NO_TASK = {"age", "sex", "gender", "education", "handedness", "id", *PERSON, *REPEAT, *GROUP}
READS = 0.5  # a column of text of which this share reads as numbers holds scores


@dataclass(frozen=True, eq=False)
class _Door:
    """What comes through a door: scores as controls (person x task), the cases' own rows, and what is known besides.

    table : whether it is a table, of which any column may be a task, and not trials.
    """

    people: pd.DataFrame
    cases: pd.DataFrame
    about: pd.DataFrame
    lesions: tuple[str, ...]
    over: str
    source: str
    table: bool = False


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
    asked = {*beside, *(controls if isinstance(controls, Mapping) else ())}
    wanted, left = _tasks(door, tasks, asked)
    names = _controls(door, cases, controls)
    _once(door, [*cases, *names], asked.union(wanted))
    own, others = door.cases[wanted].to_numpy(np.float64), door.people.loc[names, wanted].to_numpy(np.float64)
    _check(own, others, cases, wanted)
    healthy = door.people.loc[cases, wanted].to_numpy(np.float64)
    before = healthy if any(door.lesions) else np.full_like(own, np.nan)
    known = _beside(door, [*cases, *names], beside)
    return CaseTable(
        tuple(cases), tuple(names), tuple(wanted), door.lesions, own, before, others,
        known[: len(cases)], known[len(cases) :], beside, door.over, door.source,
        " ".join(filter(None, [str(data.attrs.get("note", "") or ""), left])),
        _labels(door, [*cases, *names]) if controls is None else {},
    )  # fmt: skip


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
    if table.index.nlevels > 1:
        level = next((at for at, name in enumerate(table.index.names) if str(name).lower() in PERSON), 0)
        raise ReplicationUnitError(
            f"The index of the table has {table.index.nlevels} levels ({listed(map(str, table.index.names))}), and "
            "sessions are not people: a case is compared with persons. Average first: "
            f"table.groupby(level={level}).mean(numeric_only=True)."
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
    named = table.set_axis([str(column) for column in table.columns], axis=1).set_axis(people, axis=0)
    _known(cases, people, "case", _held_by(named, cases))
    scores = [
        name for name, kind in named.dtypes.items()
        if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) and name not in beside
    ]  # fmt: skip
    whole = named[scores].astype(np.float64)
    source = str(table.attrs.get("source", ""))
    return _Door(whole, whole.loc[cases], named, ("",) * len(cases), "subject", source, table=True)


def _known(asked: Sequence[str], people: Any, what: str, advice: str = "") -> None:
    there = [str(name) for name in people]
    for name in asked:
        if name not in there:
            near = did_you_mean(name, there)
            raise UnknownNameError(f"{what} {name!r} is not among them.{near} {listed(there)}.{advice}")


def _held_by(named: pd.DataFrame, cases: list[str]) -> str:
    """What to type where not the index but a column holds the names of the cases."""
    names = [column for column, kind in named.dtypes.items() if not pd.api.types.is_float_dtype(kind)]
    held = [column for column in names if set(cases) <= set(named[column].astype(str))]
    return f" The column {held[0]!r} holds that name: type table.set_index({held[0]!r})." if held else ""


def _tasks(door: _Door, tasks: Names | None, asked: set[str]) -> tuple[list[str], str]:
    """The names of the tasks, and a sentence on columns of numbers that were not taken for any."""
    every, left = list(door.people.columns), [str(name) for name in door.people.columns if _no_task(door, name, asked)]
    wanted = [name for name in every if name not in left] if tasks is None else _several(tasks, "tasks")
    for name in [name for name in door.about.columns if name not in every]:
        scores = door.table and not _no_task(door, name, asked) and _reads(door.about[name]) >= READS
        if name in wanted or (tasks is None and scores):
            raise SchemaError(_text(door.about[name], [task for task in every if task not in left]))
    _known(wanted, every, "task")
    said = "" if tasks or not left else f"Not taken for tasks: {listed(left)}. To test one type tasks=[{left[0]!r}]."
    if not wanted:
        raise SchemaError(f"The table has no column of numbers; it has {listed(door.about.columns)}. {said}".rstrip())
    return wanted, said


def _no_task(door: _Door, name: str, asked: set[str]) -> bool:
    """Whether a column of a table is about its people, or was named for something else than a task."""
    return door.table and (name in asked or name.lower() in NO_TASK)


def _reads(column: pd.Series) -> float:
    """The share of cells, of those that are not missing, that read as numbers."""
    text = column.dropna().astype(str).str.rstrip(" %").str.replace(",", ".")
    return float(pd.to_numeric(text, errors="coerce").notna().mean()) if len(text) else 0.0


def _text(column: pd.Series, others: list[str]) -> str:
    """What is wrong with a task whose column holds no numbers, and what to type."""
    name, given = column.name, f"table[{column.name!r}]"
    reads = f"pd.to_numeric({given}.astype(str).str.rstrip(' %').str.replace(',', '.'), errors='coerce')"
    how = f"{given}.astype(float)" if pd.api.types.is_bool_dtype(column.dtype) else reads if _reads(column) else ""
    made = f"{name}={how}" if str(name).isidentifier() else f"**{{{name!r}: {how}}}"
    such = f", such as {listed(column.dropna().unique(), most=3)}" if column.notna().any() else ""
    typed = [f"type table.assign({made})"] * bool(how) + [f"name the tasks: tasks={others}"] * bool(others)
    said = ", or ".join(typed) or "give it numbers"
    return f"The column {name!r} holds {column.dtype}{such}, not numbers. {said[:1].upper()}{said[1:]}."


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


def _once(door: _Door, people: list[str], asked: set[str]) -> None:
    """Raise where a column of a table says that several rows are of one person."""
    for column in door.about.columns if door.table else ():
        held, called = door.about.loc[people, column].dropna().astype(str), column.lower()
        several = called in PERSON or (called in REPEAT and held.nunique() > 1)
        if column not in asked and several and held.duplicated().any():
            repeats = [name for name in door.about.columns if name.lower() in REPEAT]
            who = next((name for name in door.about.columns if name.lower() in PERSON), "person")
            raise ReplicationUnitError(
                f"The column {column!r} names {held[held.duplicated()].iloc[0]!r} more than once among "
                f"{amount(len(people), 'row')}; sessions are not people, and a person counts once. Average first: "
                f"table{f'.drop(columns={repeats})' if repeats else ''}.groupby({who!r}).mean(numeric_only=True). If "
                f"each row is another person: table.drop(columns={column!r})."
            )


def _labels(door: _Door, people: list[str]) -> dict[str, list[str]]:
    """Column of groups -> the labels of these people, "" where one has none."""
    held = {str(column): door.about.loc[people, column] for column in door.about.columns if column.lower() in GROUP}
    return {column: list(one.astype(str).where(one.notna(), "")) for column, one in held.items()}


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
