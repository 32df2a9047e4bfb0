"""Named findings on disk and back: trials, results, recordings, tables and plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import FileFormatError, ProtocolError
from neurolab.lesion import Lesion
from neurolab.roi import ROI
from neurolab.schema import check_recording, check_result, check_trials, strings
from neurolab.storage import netcdf_of


def is_trials(value: object) -> bool:
    """Get whether a finding is trials: a dataset of scores by lesion and trial."""
    return isinstance(value, xr.Dataset) and "score" in value and {"lesion", "trial"} <= set(value.dims)


def is_result(value: object) -> bool:
    """Get whether a finding is the result of an analysis."""
    return isinstance(value, xr.Dataset) and bool(value.attrs.get("analysis"))


def place_of(name: str, value: Any) -> tuple[str, Callable[[Path], object]]:
    """Get where a finding goes below the output folder, and what writes it there; it is checked first.

    Raises
    ------
    ProtocolError : a name that is no file name, or a value of a kind that cannot be kept.
    """
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w .-]*", name):
        raise ProtocolError(f"A finding is named {name!r}; expected letters, digits, '-', '_' or spaces.")
    if is_trials(value):
        check_trials(value)
        return ("trials.nc" if name == "trials" else f"results/{name}.nc"), _netcdf(value)
    if isinstance(value, xr.Dataset):
        return f"results/{name}.nc", _netcdf(check_result(value) if is_result(value) else value)
    if isinstance(value, xr.DataArray):
        return f"results/{name}.nc", _netcdf(check_recording(value).to_dataset(name="activity"))
    if isinstance(value, pd.DataFrame):
        return f"results/{name}.csv", lambda path: value.to_csv(path, index=False, lineterminator="\n")
    lesions = lesion_rows(value)
    return f"results/{name}.json", _json(name, value if lesions is None else lesions)


def lesion_rows(value: Any) -> list[dict[str, Any]] | None:
    """Get regions or lesions as rows of plain values, each unit listed by site; None where a value is neither.

    value : a ROI, a Lesion, or a list or tuple of them.

    Example
    -------
    >>> lesion_rows(ROI("face area", {"conv": [3, 1]}))[0]["units"]
    {'conv': [1, 3]}
    """
    every = [value] if isinstance(value, (ROI, Lesion)) else value
    if not isinstance(every, (list, tuple)) or not every or not all(isinstance(one, (ROI, Lesion)) for one in every):
        return None
    return [_region(one) if isinstance(one, ROI) else _lesion(one) for one in every]


def _region(roi: ROI) -> dict[str, Any]:
    units = {site: held.tolist() for site, held in roi.units.items()}
    about = {"how_chosen": roi.how_chosen, "digest": roi.digest, "specimen": getattr(roi, "specimen", "")}
    return {"name": roi.name, **about, "n_units": roi.n_units, "units": units}


def _lesion(lesion: Lesion) -> dict[str, Any]:
    said = {name: getattr(lesion, name) for name in ("id", "name", "role", "family", "dose", "draw", "rng")}
    also = {"also": [_lesion(part) for part in lesion.also]} if lesion.also else {}
    about = {"ablation": lesion.label, "notes": dict(lesion.notes), "region": _region(lesion.roi)}
    return {**said, **about, **also}


def _netcdf(value: xr.Dataset) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(netcdf_of(value))


def _json(name: str, value: Any) -> Callable[[Path], object]:
    try:
        text = json.dumps(value, indent=1, ensure_ascii=False, default=_number) + "\n"
    except TypeError as error:
        raise ProtocolError(
            f"The finding {name!r} is a {type(value).__name__}; expected trials, a result, a recording, a ROI, "
            "lesions, a DataFrame, or a plain value of numbers and text. Return what an analysis gives, or "
            "value.to_dataset()."
        ) from error
    return lambda path: path.write_text(text, encoding="utf-8")


def _number(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(type(value).__name__)


def load_dataset(path: str | Path) -> xr.Dataset:
    """Get a dataset that a run wrote, wholly in memory, with its text as text.

    Raises
    ------
    FileFormatError : a file that is truncated or no netCDF.
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            found = opened.load()
    except Exception as error:  # every backend has its own error for a broken file
        raise FileFormatError(
            f"{path} cannot be read ({type(error).__name__}: {error}); it may be truncated. Run the protocol again."
        ) from error
    texts = {n: (v.dims, strings(v.values), v.attrs) for n, v in found.variables.items() if v.dtype.kind in "OUST"}
    coords = {name: value for name, value in texts.items() if name in found.coords}
    return found.assign_coords(coords).assign({n: v for n, v in texts.items() if n not in coords})
