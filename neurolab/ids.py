"""What a stimulus is called: one id however it was written, one origin for it and its marked twins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

#: How a text says that a stimulus is marked from no other.
NO_ORIGIN = ("", "nan", "None", "<NA>")


def id_of(one: Any) -> str:
    """Get an id as text; 7.0, as a column with a gap has it, is 7.

    Example
    -------
    >>> id_of(7.0), id_of(7), id_of("007"), id_of(0.5)
    ('7', '7', '007', '0.5')
    """
    whole = isinstance(one, (float, np.floating)) and float(one).is_integer()
    return str(int(one)) if whole else str(one)


def ids_of(column: Iterable[Any]) -> list[str]:
    """Get a column of ids as text, each by the rule of :func:`id_of`.

    Example
    -------
    >>> ids_of(np.array([0.0, 1.0])), ids_of(["a", "b"])
    (['0', '1'], ['a', 'b'])
    """
    return list(map(id_of, column))


def table_ids(column: pd.Series) -> pd.Series:
    """Get a column of ids of a table as text; what pandas writes of dates and the like stays.

    Example
    -------
    >>> table_ids(pd.Series([0.0, 1.0])).tolist()
    ['0', '1']
    """
    if column.dtype.kind not in "fO":
        return column.astype(str).astype(object)
    return pd.Series(ids_of(column), index=column.index, dtype=object)


def origins_of(recording: xr.DataArray | xr.Dataset) -> np.ndarray:
    """Get what each presentation (or trial) shows, as text: its stimulus or, of a marked twin, the one it is made from.

    Example
    -------
    >>> rows = {"stimulus_id": ("presentation", ["a", "a lit", "b"]), "unmarked": ("presentation", ["a", "a", ""])}
    >>> origins_of(xr.Dataset(coords=rows)).tolist()
    ['a', 'a', 'b']
    """
    ids = np.array(ids_of(recording["stimulus_id"].values), dtype=str)
    if "unmarked" not in recording.coords:
        return ids
    origin = np.array(ids_of(recording["unmarked"].values), dtype=str)
    return np.where(np.isin(origin, NO_ORIGIN), ids, origin)


def showings_of(recording: xr.DataArray, side: np.ndarray | None = None) -> np.ndarray:
    """Get the stimulus of each presentation, as text; marked twins in one condition are showings of one stimulus.

    They bear the id that comes first. Twins in other conditions (plain and marked, say) keep their own. ``side``
    (n_presentations,) takes the place of the condition.

    Example
    -------
    >>> rows = {"stimulus_id": ["a", "a lit", "b", "b lit"], "unmarked": list("aabb"), "condition": list("xxxy")}
    >>> coords = {name: ("presentation", row) for name, row in rows.items()}
    >>> showings_of(xr.DataArray(np.zeros(4), coords=coords, dims="presentation")).tolist()
    ['a', 'a', 'b', 'b lit']
    """
    ids = np.array(ids_of(recording["stimulus_id"].values), dtype=str)
    if "unmarked" not in recording.coords:
        return ids
    first: dict[tuple[str, str], str] = {}
    pairs = zip(origins_of(recording), (recording["condition"].values if side is None else side).astype(str))
    return np.array([first.setdefault(pair, one) for pair, one in zip(pairs, ids)], dtype=str)


def kept_together(n: int, columns: Iterable[pd.Series]) -> np.ndarray:
    """Get the number of the set of each of ``n`` rows: rows that share a value in any column; nobody shares a gap.

    Example
    -------
    >>> kept_together(4, [pd.Series(["a", "a", None, None]), pd.Series([0, 1, 1, 2])]).tolist()
    [0, 0, 0, 1]
    """
    whole = np.arange(n)
    for column in columns:
        code = pd.factorize(column)[0]  # -1 in a gap
        code = np.unique(np.where(code < 0, n + np.arange(n), code), return_inverse=True)[1]
        links = coo_array((np.ones(n), (whole, n + code)), shape=(2 * n, 2 * n))
        whole = connected_components(links, directed=False)[1][whole]
    return whole
