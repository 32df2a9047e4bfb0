"""What a stimulus set is given: a table as a frame, and rows as positions; what is neither is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from neurolab.errors import DataError, SchemaError, listed


def frame_of(table: Any, name: str) -> pd.DataFrame:
    """Get a table as a DataFrame; columns of unequal length, and what is no table, are told.

    Example
    -------
    >>> frame_of({"stimulus_id": ["a", "b"], "condition": ["x", np.nan]}, "two")["condition"].isna().tolist()
    [False, True]
    """
    if isinstance(table, pd.DataFrame):
        return table
    try:
        return pd.DataFrame({str(column): _cells(cells) for column, cells in dict(table).items()})
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"The table of stimulus set {name!r} is a {type(table).__name__} that makes no table ({error}); expected a "
            'DataFrame, or a mapping of columns: {"stimulus_id": [...], "condition": [...]}, as long as the inputs.'
        ) from error


def _cells(cells: Any) -> np.ndarray:
    """A column as an array; a gap among texts stays a gap, where numpy would write "nan"."""
    column = np.asarray(cells)
    if column.dtype.kind == "U" and column.ndim == 1:
        plain = np.empty(len(column), dtype=object)
        plain[:] = list(cells)
        return plain if pd.isna(plain).any() else column
    return column


def rows_of(rows: Any, index: pd.Index, name: str) -> np.ndarray:
    """Get positions among the stimuli of a set whose table has this index, from whole numbers or a mask.

    Raises
    ------
    DataError : a mask of another length, positions that are no whole numbers, or that there are not.
    SchemaError : a mask with an index of its own: the order of its rows may be another.

    Example
    -------
    >>> rows_of([True, False, True], pd.RangeIndex(3), "three").tolist()
    [0, 2]
    """
    n, given = len(index), np.asarray(rows)
    if given.dtype == object and given.size:
        given = np.array(given.tolist())
    if given.dtype == bool:
        if isinstance(rows, pd.Series) and not rows.index.equals(index):
            raise SchemaError(
                f"take() of stimulus set {name!r} got a mask with an index of its own ({listed(rows.index, most=4)}), "
                f"where the table has 0 to {n - 1} in order. Type take(mask.to_numpy()) if its rows are in the order "
                "of the stimuli, take(mask.sort_index()) if its index says which they are."
            )
        if given.shape != (n,):
            raise DataError(
                f"take() of stimulus set {name!r} got a mask of shape {given.shape}; expected ({n},), one value per "
                "stimulus. Make it from the table of the set: take(stimuli.table['label'] == 1)."
            )
        return np.flatnonzero(given)
    if given.ndim != 1 or given.dtype.kind not in "iuf" or (given.size and not (given == np.floor(given)).all()):
        raise DataError(
            f"take() of stimulus set {name!r} got {given.dtype} of shape {given.shape}; expected positions (whole "
            f"numbers) or one True or False per stimulus, without gaps. Fill gaps first: take(mask.fillna(False))."
        )
    places = given.astype(np.int64)
    if places.size and not -n <= places.min() <= places.max() < n:
        raise DataError(
            f"take() of stimulus set {name!r} got positions from {places.min()} to {places.max()}; there are {n} "
            f"stimuli, 0 to {n - 1}."
        )
    return places
