"""Values that say whose they are, put in the order that is asked for: by id, never by luck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import DataError, did_you_mean, listed

#: What is missing, and what to type, where rows are asked for by the ids of lesions.
LEAVE_OUT = "Give it the lesions' ids as index, or leave those people out: lesions.isel(presentation=" \
            "lesions.stimulus_id.isin(behaviour.index))."  # fmt: skip


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
    index = given.index.astype(str)
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

    A Series with the index 0, 1, 2, ... and a plain array stand in the order of the presentations already.

    Raises DataError for an index that is none of these ids.

    Example
    -------
    >>> in_order(pd.Series([1.0, 2.0], index=["b", "a"]), ["a", "b"], "luminance").tolist()
    [2.0, 1.0]
    """
    if isinstance(given, xr.DataArray) and given.ndim == 1:
        dim = given.dims[0]
        own = next((given[name].values for name in ("stimulus_id", dim) if name in given.coords), None)
        given = pd.Series(given.values, index=None if own is None else pd.Index(own))
    if not isinstance(given, (pd.Series, pd.DataFrame)) or _counted(given.index, len(ids)):
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
    if isinstance(given, pd.Series) and not _counted(given.index, len(unit)):
        given = given.rename_axis("unit") if given.index.nlevels == 1 else given
        columns = {str(name): given.index.get_level_values(name).to_numpy() for name in given.index.names if name}
    elif isinstance(given, xr.DataArray) and given.ndim == 1 and {"site", "unit"} & set(given.coords):
        columns = {name: given[name].values for name in ("site", "layer", "unit") if name in given.coords}
    else:
        return np.asarray(given)
    columns = {"site": columns["layer"], **columns} if "layer" in columns else columns
    alone = len(np.unique(site)) == 1
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


def _counted(index: pd.Index, n: int) -> bool:
    """Whether an index only counts the rows."""
    return len(index) == n and index.nlevels == 1 and list(index) == list(range(n))
