"""Nuisance regressors of a GLM localiser: from names or arrays to columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.whose import in_order
from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed

#: Names of presentation coordinates, columns by name, or arrays over presentations.
Nuisance = str | Sequence[str] | Mapping[str, Any] | pd.DataFrame | np.ndarray


def regressors(nuisance: Nuisance | None, recording: xr.DataArray, rows: np.ndarray) -> np.ndarray:
    """Get the nuisance columns (n_rows, k) of these presentations, in float64.

    nuisance : a name or names of presentation coordinates; a mapping or DataFrame of columns over all presentations; or
        an array (n_presentations,) or (n_presentations, k). What has the stimulus ids as its index (or coordinate) is
        put in their order. Text and boolean columns, and the one called "run", become indicators of all values but the
        first.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(n_stimuli=2, n_runs=3, n_units=4, selective={}, rng=0)
    >>> regressors("run", recording, np.arange(12)).shape
    (12, 2)
    """
    parts = [
        _column(name, column, recording.sizes["presentation"])[rows] for name, column in _named(nuisance, recording)
    ]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(rows), 0))


def _named(nuisance: Any, recording: xr.DataArray) -> list[tuple[str, np.ndarray]]:
    """(name, column) pairs over all presentations."""
    if nuisance is None:
        raise DesignError(
            "test='glm' without nuisance regressors is the pooled t; say what to adjust for: nuisance=['run', "
            "'luminance'] (coordinates) or an array over presentations, or type test='welch'."
        )
    ids = recording["stimulus_id"].values.astype(str).tolist()
    if isinstance(nuisance, str):
        nuisance = [nuisance]
    if isinstance(nuisance, (Mapping, pd.DataFrame)):
        return [(str(name), in_order(nuisance[name], ids, f"the nuisance {name!r}")) for name in nuisance]
    if isinstance(nuisance, (list, tuple)) and all(isinstance(name, str) for name in nuisance):
        known = [str(name) for name, coord in recording.coords.items() if coord.dims == ("presentation",)]
        for name in nuisance:
            if name not in known:
                raise UnknownNameError(
                    f"nuisance names {name!r}, which is no presentation coordinate.{did_you_mean(name, known)} "
                    f"There are {listed(known)}."
                )
        return [(name, recording[name].values) for name in nuisance]
    array = in_order(nuisance, ids, "the nuisance")
    return [("nuisance", array)] if array.ndim < 2 else [(f"nuisance {k}", array[:, k]) for k in range(array.shape[1])]


def _column(name: str, column: np.ndarray, n: int) -> np.ndarray:
    """One regressor as (n, k) float64."""
    if column.shape != (n,):
        raise DataError(
            f"Nuisance regressor {name!r} has shape {column.shape}; expected one value for each of the {n} "
            "presentations of the recording, those outside the contrast included."
        )
    if column.dtype.kind == "O" and name != "run" and all(isinstance(one, (int, float, np.number)) for one in column):
        column = column.astype(np.float64) if not all(isinstance(one, (bool, np.bool_)) for one in column) else column
    if column.dtype.kind in "OUTb" or name == "run":
        values = sorted(set(column.astype(str)))
        return np.column_stack([column.astype(str) == value for value in values[1:]] or [np.zeros((n, 0))]).astype(
            np.float64
        )
    numbers = column.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(
            f"Nuisance regressor {name!r} holds NaN or inf; expected finite numbers. Fill or drop those presentations."
        )
    return numbers[:, None]
