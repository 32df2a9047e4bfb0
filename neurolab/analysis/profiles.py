"""Profiles: what is known of every network of a condition, one row each; cohorts are compared by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.cohort_table import Profile, table_of
from neurolab.analysis.flags import Flags, flags_in, flags_of
from neurolab.analysis.profile_flags import as_table_attrs, joined_tables, result_attrs
from neurolab.errors import DataError, DesignError, listed

#: The index that says how far training came, on the labels that were taught.
TRAINING = "training accuracy"


def indices_of(result: xr.Dataset, variable: str = "value", *, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Get what a result says of every network as indices: a row per network, a column per entry of the other dim.

    Parameters
    ----------
    result : of any analysis that keeps a value per network, such as ``dissociation`` or ``robustness``.
    variable : over specimen and at most one more dim. names : what the columns are called, one name each; default the
        entries of the other dim, or the variable. Where nobody reached an ED50 (``reached``), it is NaN.

    Returns
    -------
    DataFrame; its ``attrs["undermined_by"]`` lists what the result says against itself, ``attrs["flags_about"]`` which
    of the columns a sentence is about, ``attrs["kind"]`` whether its rows are networks or people.

    Raises
    ------
    DesignError : a variable without networks, or with several more dims: take ``result.sel(...)`` first.

    Example
    -------
    >>> from neurolab.analysis.dissociate import dissociation
    >>> from neurolab.simulate import phantom_trials
    >>> found = dissociation(phantom_trials(n_specimens=6, rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    >>> list(indices_of(found).columns)
    ['lesion of A costs X more than that of B', 'lesion of B costs Y more than that of A']
    """
    if variable not in result or "specimen" not in result[variable].dims or result[variable].ndim > 2:
        known = [str(one) for one in result.data_vars if "specimen" in result[one].dims and result[one].ndim <= 2]
        raise DesignError(
            f"{variable!r} of this {result.attrs.get('analysis')!r} has no value per network, or several; expected "
            f"specimen and at most one more dim: {listed(known)}. Type result.sel(...) first."
        )
    values = result[variable]
    if variable == "ed50" and "reached" in result:  # the strongest dose is a bound, no measurement, if nobody fell
        values = values.where(result["reached"].any("specimen"))
    who = "network" if "network" in result and result["network"].dims == ("specimen",) else "specimen"
    rows = pd.Index(result[who].values.astype(str), name="specimen")
    other = [str(dim) for dim in values.dims if dim != "specimen"]
    columns = list(names or ([str(one) for one in result[other[0]].values] if other else [variable]))
    table = np.asarray(values.transpose("specimen", *other), dtype=float).reshape(len(rows), -1)
    if len(columns) != table.shape[1]:
        raise DesignError(f"names={columns!r} given for {table.shape[1]} columns; expected one name each.")
    found = pd.DataFrame(table, index=rows, columns=columns)
    entries = [str(one) for one in result[other[0]].values] if other else columns
    found.attrs |= result_attrs(result, other[0] if other else "", dict(zip(entries, columns)))
    return found


def training_flags(training: pd.DataFrame | None, conditions: Iterable[str] | None = None) -> Flags:
    """Get what a table of training (``nl.specimen.training_table``) says against the conditions that are used."""
    if training is None:
        return {}
    flags = flags_in(training.attrs)
    kept = flags if conditions is None else flags_of(flags, condition=conditions)
    return {said: flags[said] for said in kept}


def by_condition(given: Mapping[str, Profile] | xr.Dataset, index: str) -> Mapping[str, Profile]:
    """Get condition -> profile: as given, or of a result that keeps ``index`` per condition and network.

    Raises DesignError for a result with other dims left: take ``result.sel(...)`` first.
    """
    if not isinstance(given, xr.Dataset):
        return given
    if "condition" not in given.dims or index not in given or set(given[index].dims) != {"condition", "specimen"}:
        known = [str(one) for one in given.data_vars if set(given[one].dims) == {"condition", "specimen"}]
        raise DesignError(
            f"{index!r} of this {given.attrs.get('analysis')!r} result is not one value per condition and network: "
            f"{listed(known, empty='nothing here')} is. Type result.sel(...) first, or give condition -> profile."
        )
    return {str(name): indices_of(given.sel(condition=name), index) for name in given["condition"].values}


def profile(
    parts: Iterable[Profile], *, training: pd.DataFrame | None = None, indices: Iterable[str] = ()
) -> pd.DataFrame:
    """Get one table of a condition: a row per network, a column per index, joined from parts.

    Parameters
    ----------
    parts : tables of ``damage_indices``, ``tuning_indices``, ``game_indices``, or of your own with the names of the
        networks as index, or DataArrays (specimen,) named after the index. Parts of the same network are joined side
        by side, of others one below the other.
    training : ``nl.specimen.training_table(cohort)``: adds *training accuracy*, on the labels that were taught.
    indices : names that the table has in any case. Where given, an index that a network lacks is NaN and no error: one
        network that failed ends no run, and what compares profiles says whose index is not defined.

    Returns
    -------
    DataFrame; its ``attrs["undermined_by"]`` lists what the parts and the training say against themselves, which every
    comparison of profiles passes on; ``attrs["flags_about"]`` which indices a sentence is about: those of its part.

    Raises
    ------
    DataError : an index of a network that two parts give differently; without ``indices``, one that a network lacks.

    Example
    -------
    >>> one, two = (pd.DataFrame({name: [0.5]}, index=["net"]) for name in ("accuracy", "redundancy"))
    >>> profile([one, two]).loc["net"].to_dict()
    {'accuracy': 0.5, 'redundancy': 0.5}
    """
    given = [table_of(part) for part in parts]
    kinds = {str(part.attrs["kind"]) for part in given if part.attrs.get("kind")}
    if training is not None:
        column = training.set_index("specimen")["accuracy"].rename(TRAINING)
        given.append(column.to_frame())
    if not given:
        raise DataError("profile() got no parts; expected tables of indices, such as damage_indices(trials, ...).")
    table: dict[str, dict[str, float]] = {}
    columns: dict[str, None] = {}
    for part in given:
        columns |= dict.fromkeys(map(str, part.columns))
        for name, row in zip(map(str, part.index), part.to_dict("records")):
            _joined(table.setdefault(name, {}), name, {str(key): float(value) for key, value in row.items()})
    wanted = list(map(str, indices))
    columns |= dict.fromkeys(wanted)
    lacking = [f"{index} of {name}" for name, row in table.items() for index in columns if index not in row]
    if lacking and not wanted:
        raise DataError(f"profile() lacks {listed(lacking)}; expected every index of every network.")
    made = pd.DataFrame(
        [[row.get(index, np.nan) for index in columns] for row in table.values()],
        index=pd.Index(list(table), name="specimen"), columns=list(columns), dtype=float,
    )  # fmt: skip
    said = joined_tables(given, training_flags(training))
    made.attrs |= as_table_attrs(said, kinds.pop() if len(kinds) == 1 else "")
    return made


def _joined(row: dict[str, float], name: str, more: dict[str, float]) -> None:
    for index, value in more.items():
        if index in row and not np.isclose(row[index], value, equal_nan=True):
            raise DataError(
                f"Two parts give {index!r} of {name!r} as {row[index]:.4g} and {value:.4g}; rename the column of one."
            )
        row[index] = value
