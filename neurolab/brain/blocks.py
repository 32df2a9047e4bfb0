"""Blocks of volumes as single presentations, so that the sample is what was shown, not how often it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.errors import DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.recording import make_recording, site_table
from neurolab.schema import check_recording

REST = ("rest",)


def average_blocks(recording: xr.DataArray, *, drop: str | Sequence[str] = REST) -> xr.DataArray:
    """Get one presentation per block: the mean over presentations in a row that share run and condition.

    Parameters
    ----------
    recording : presentation x neuroid [x time], in order of time, with the coordinate ``run``.
    drop : conditions to leave out. Default: "rest", where there is one.

    Returns
    -------
    Recording, float64, with run, condition, onset (of the block's first presentation, where known), n_averaged, and
    stimulus ids "run03-face" (a second block of that run: "run03-face-2").

    When this is invalid
    --------------------
    Two blocks of one condition without anything between them become one. A haemodynamic response outlasts its block:
    the labels must already be shifted.

    Example
    -------
    >>> columns = {"stimulus_id": list("abcd"), "condition": ["face", "face", "rest", "house"], "run": [1, 1, 1, 1]}
    >>> volumes = make_recording(np.arange(4.0)[:, None], presentation=columns, kind="brain")
    >>> average_blocks(volumes).stimulus_id.values.tolist(), average_blocks(volumes).values.ravel().tolist()
    (['run01-face', 'run01-house'], [0.5, 3.0])
    """
    check_recording(recording)
    if "run" not in recording.coords:
        raise SchemaError(
            "The recording has no coordinate 'run'; expected which run each presentation belongs to. Type "
            "recording.assign_coords(run=('presentation', runs))."
        )
    run, condition = recording["run"].values, recording["condition"].values
    left = _left_out(drop, condition)
    new = np.r_[True, (run[1:] != run[:-1]) | (condition[1:] != condition[:-1])]
    blocks = [rows for rows in np.split(np.arange(len(run)), np.flatnonzero(new)[1:]) if condition[rows[0]] not in left]
    if not blocks:
        raise DesignError(f"Every presentation is dropped: the conditions are {listed(set(condition))}. Type drop=().")
    first = [rows[0] for rows in blocks]
    values = np.stack([recording.values[rows].mean(axis=0, dtype=np.float64) for rows in blocks])
    columns: dict[str, Any] = {"stimulus_id": _names(run[first], condition[first]), "condition": condition[first]}
    columns |= {"run": run[first], "n_averaged": np.array([len(rows) for rows in blocks])}
    if "onset" in recording.coords:
        columns["onset"] = recording["onset"].values[first]
    return _like(recording, values, columns)


def _left_out(drop: str | Sequence[str], conditions: np.ndarray) -> tuple[str, ...]:
    left, known = (drop,) if isinstance(drop, str) else tuple(drop), sorted(set(conditions))
    strange = [name for name in left if name not in known] if drop is not REST else []
    if strange:
        raise UnknownNameError(
            f"drop={strange[0]!r} is no condition of the recording.{did_you_mean(strange[0], known)} It has "
            f"{listed(known)}. Type drop=() to keep all."
        )
    return left


def _names(runs: np.ndarray, conditions: np.ndarray) -> list[str]:
    names: list[str] = []
    for at, (run, condition) in enumerate(zip(runs, conditions)):
        name = f"run{int(run):02d}-{condition}" if isinstance(run, (int, np.integer)) else f"{run}-{condition}"
        nth = 1 + int(((runs[:at] == run) & (conditions[:at] == condition)).sum())
        numbered = name if nth == 1 else f"{name}-{nth}"
        while numbered in names:  # a condition may be called "face-2"
            nth += 1
            numbered = f"{name}-{nth}"
        names.append(numbered)
    return names


def _like(recording: xr.DataArray, values: np.ndarray, columns: dict[str, Any]) -> xr.DataArray:
    neuroid = {str(name): c.values for name, c in recording.coords.items() if c.dims == ("neuroid",)}
    about = {str(key): value for key, value in recording.attrs.items() if key != "sites"}
    return make_recording(
        values, presentation=columns, neuroid=neuroid, sites=site_table(recording), kind=about["kind"],
        time=recording["time"].values if "time" in recording.dims else None, attrs=about,
        units=about.get("units", ""), source=about.get("source", ""), specimen=about.get("specimen", ""),
    )  # fmt: skip
