"""Values that say whose they are, put in the order that is asked for: by id, never by luck."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import DataError, did_you_mean, listed

#: What is missing, and what to type, where rows are asked for by the ids of lesions.
LEAVE_OUT = "Give it the lesions' ids as index, or leave those people out: lesions.isel(presentation=" \
            "lesions.stimulus_id.isin(behaviour.index))."  # fmt: skip

#: Coordinates that say whose the values of an array are, beside the name of its dim.
PEOPLE = ("stimulus_id", "person")


def by_id(
    given: pd.Series | pd.DataFrame, ids: list[str], what: str, of: str = "lesions", way: str = LEAVE_OUT
) -> tuple[np.ndarray, list[str]]:
    """Get rows in the order of ids, and the ids that were not asked for; a missing one is an error that names it.

    Example
    -------
    >>> rows, more = by_id(pd.Series([1.0, 2.0, 3.0], index=["c", "a", "b"]), ["a", "c"], "the behaviour")
    >>> rows.tolist(), more
    ([2.0, 1.0], ['b'])
    """
    if isinstance(given.index, pd.MultiIndex):
        names = listed(map(str, given.index.names))
        raise DataError(
            f"{what} has an index of several levels ({names}); expected the ids alone. Type values.droplevel([...]) "
            "with the levels that are no ids, or values.groupby(level='...').mean()."
        )
    index = pd.Index(_texts(given.index), dtype=object)
    absent = [one for one in dict.fromkeys(ids) if one not in set(index)]
    if absent:
        raise DataError(
            f"{what} lacks {len(absent)} of the {len(set(ids))} {of}: {listed(absent, most=6)}. Its index has "
            f"{listed(index, most=4)}.{did_you_mean(absent[0], index)} {way}"
        )
    if index.has_duplicates:
        raise DataError(f"{what} names {listed(index[index.duplicated()])} more than once; expected each id once.")
    place = pd.Series(np.arange(len(index)), index=index)
    return np.asarray(given)[place[ids].to_numpy()], [one for one in index if one not in set(ids)]


def in_order(given: Any, ids: list[str], what: str) -> np.ndarray:
    """Get values in the order of the ids of presentations, by their own index or coordinate where they have one.

    A plain array, and a Series with the index 0, 1, 2, ... where the ids are other than these numbers, stand in the
    order of the presentations already.

    Raises DataError for an index that is none of these ids.

    Example
    -------
    >>> in_order(pd.Series([1.0, 2.0], index=["b", "a"]), ["a", "b"], "luminance").tolist()
    [2.0, 1.0]
    """
    given = _with_index(given) if isinstance(given, xr.DataArray) else given
    if not isinstance(given, (pd.Series, pd.DataFrame)) or _counted(given.index, ids):
        return np.asarray(given)
    if isinstance(given.index, pd.MultiIndex):
        if "stimulus_id" not in given.index.names:
            raise DataError(f"{what} has an index of {listed(map(str, given.index.names))}; expected stimulus_id.")
        given = given.set_axis(given.index.get_level_values("stimulus_id"))
    way = "Give it the stimulus_id of the recording as index, or plain numbers in its order: values.to_numpy()."
    return by_id(given, ids, what, "presentations", way)[0]


def at_units(given: Any, site: np.ndarray, unit: np.ndarray, names: Mapping[int, str], what: str) -> np.ndarray:
    """Get one value per unit, by its own unit (and site) where it says them; plain arrays stand in order already.

    site, unit : (n,) of the units asked for, sites as codes. names : what the codes stand for, where it is known.

    Raises DataError for values that name other units, or a unit twice.

    Example
    -------
    >>> at_units(pd.Series([1.0, 2.0], index=[7, 3]), np.zeros(2), np.array([3, 7]), {0: "relu"}, "labels").tolist()
    [2.0, 1.0]
    """
    alone = len(np.unique(site)) == 1
    if isinstance(given, pd.Series) and not _counted(given.index, list(unit) if alone else [""] * len(unit)):
        given = given.rename_axis("unit") if given.index.nlevels == 1 else given
        columns = {str(name): given.index.get_level_values(name).to_numpy() for name in given.index.names if name}
    elif isinstance(given, xr.DataArray) and given.ndim == 1 and {"site", "unit"} & set(given.coords):
        columns = {name: given[name].values for name in ("site", "layer", "unit") if name in given.coords}
    else:
        return np.asarray(given)
    columns = {"site": columns["layer"], **columns} if "layer" in columns else columns
    if "unit" not in columns or not (alone or "site" in columns):
        raise DataError(
            f"{what} come with an index of {listed(map(str, columns))}; expected unit{'' if alone else ' and site'}, "
            "or plain values in the order of the units: values.to_numpy()."
        )
    own = columns.get("site", np.repeat(site[:1], len(columns["unit"])))
    spelt = [names.get(int(code), code) for code in site] if own.dtype.kind not in "iuf" else list(site)
    wanted, held = ([(str(one), str(number)) for one, number in zip(*pair)] for pair in
                    ((_plain(spelt), unit), (_plain(own), columns["unit"])))
    place = {pair: at for at, pair in enumerate(held)}
    lost = [pair for pair in wanted if pair not in place]
    if lost or len(place) < len(held):
        said = f"lack unit {lost[0][1]} of site {lost[0][0]}" if lost else "name a unit twice"
        raise DataError(f"{what} {said}; expected one value for each unit, or plain values in their order.")
    return np.asarray(given)[[place[pair] for pair in wanted]]


def _plain(sites: Any) -> list[Any]:
    """Codes as whole numbers, so that 0.0 and 0 are one; names as they are."""
    return [int(one) if isinstance(one, (int, float, np.number)) else one for one in sites]


def _with_index(given: xr.DataArray) -> Any:
    """Values as a Series or table with the ids that their coordinate holds; as they are where none does."""
    names = [name for name in (*PEOPLE, *given.dims) if name in given.coords and given[name].ndim == 1]
    if not names or given.ndim > 2:
        return given
    dim = given[names[0]].dims[0]
    values = given.transpose(dim, ...).values
    return (pd.Series if given.ndim == 1 else pd.DataFrame)(values, index=pd.Index(given[names[0]].values))


def _counted(index: pd.Index, ids: Sequence[Any]) -> bool:
    """Whether an index only counts the rows: 0, 1, 2, ... of ids that are not these very numbers in another order."""
    if len(index) != len(ids) or index.nlevels > 1 or list(index) != list(range(len(ids))):
        return False
    return set(_texts(index)) != set(map(str, ids))


def _texts(index: pd.Index) -> list[str]:
    """The ids of an index as text; a table with gaps makes 7.0 of 7."""
    return [str(int(one)) if isinstance(one, float) and one.is_integer() else str(one) for one in index]


def is_number(column: pd.Series) -> bool:
    """Get whether a column holds numbers (or truth values), and no text, category, date or complex number.

    Example
    -------
    >>> is_number(pd.Series([1, None], dtype=object)), is_number(pd.Series(["1", "2"]))
    (True, False)
    """
    if column.dtype == object:
        return all(one is None or isinstance(one, (int, float, np.number, np.bool_)) for one in column)
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column))


def seeds_of(table: pd.DataFrame) -> list[str] | None:
    """Get the seed of each row, from names that end in "seed 3"; None where one does not, or a seed comes twice.

    Example
    -------
    >>> seeds_of(pd.DataFrame(index=["net seed 3", "net seed 0"]))
    ['3', '0']
    """
    found = [re.search(r"seed (\d+)$", str(name)) for name in table.index]
    if not all(found):
        return None
    seeds = [one.group(1) for one in found if one]
    return seeds if len(set(seeds)) == len(seeds) else None


def rows_of(table: pd.DataFrame) -> list[str] | None:
    """Get the names of the rows; None where an index only counts them.

    Example
    -------
    >>> rows_of(pd.DataFrame(index=["b", "a"])), rows_of(pd.DataFrame(index=[0, 1]))
    (['b', 'a'], None)
    """
    return None if list(table.index) == list(range(len(table))) else list(map(str, table.index))


def shared_by(tables: Sequence[pd.DataFrame], *, counted: bool) -> tuple[list[list[str]], str]:
    """Get the seed of every row, or else its name, where all tables have the same ones, and which; none where not.

    counted : rows that are only counted are the same where they are as many.

    Example
    -------
    >>> shared_by([pd.DataFrame(index=["b", "a"]), pd.DataFrame(index=["a", "b"])], counted=False)
    ([['b', 'a'], ['a', 'b']], 'name')
    """
    rows = [list(map(str, table.index)) if counted else rows_of(table) for table in tables]
    for keys, by in (([seeds_of(table) for table in tables], "seed"), (rows, "name")):
        if keys[0] and all(one is not None and set(one) == set(keys[0]) for one in keys):
            return [list(one or ()) for one in keys], by
    return [], "seed" if all(seeds_of(table) for table in tables) else "name"
