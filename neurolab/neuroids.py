"""What must be true of the neuroids of a recording: each is one unit of a known site, and usable or not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import SchemaError, listed

BLOCK = 2**20  # neuroids at once: columns that lie on disk are read, and never held whole


def check_neuroids(recording: xr.DataArray) -> None:
    """Refuse sites that are not in the table, units twice or beyond their site, and ``valid`` that is no yes or no.

    Raises
    ------
    SchemaError : any of these.
    """
    if "valid" in recording.coords:
        if recording.coords["valid"].dims != ("neuroid",):
            raise SchemaError(
                f"The coordinate 'valid' lies on {recording.coords['valid'].dims}; expected ('neuroid',): it says "
                "which neuroids can be used. Type recording.rename(valid='stimulus_valid') if it means something else."
            )
        flags(recording.coords["valid"].values)
    sizes = np.array([np.prod(entry["shape"], dtype=np.int64) for entry in _table(recording)], dtype=np.int64)
    site, unit = (recording.coords[name].variable for name in ("site", "unit"))
    if site.dtype.kind not in "iu":
        raise SchemaError(
            f"The coordinate 'site' holds {site.dtype}; expected whole numbers, which count the sites of "
            "attrs['sites']. Names belong in nl.make_recording(values, presentation=..., neuroid={'site': names, "
            "'unit': ...}, kind=...)."
        )
    rising, last = True, (-1, -1)
    for at in range(0, len(site), BLOCK):
        here = site[at : at + BLOCK].values, unit[at : at + BLOCK].values
        _check_codes(here[0], len(sizes))
        if here[1].dtype.kind in "iu":
            _check_units(recording, *here, sizes)
        rising = rising and _rises(*here, last)
        last = here[0][-1], here[1][-1]
    if not rising:  # as record() makes them they do
        _check_once(recording, site.values, unit.values)


def _table(recording: xr.DataArray) -> list[dict[str, Any]]:
    """The sites by code, from the text of their table."""
    if "sites" not in recording.attrs:
        raise SchemaError("The recording lacks attrs['sites'] (the name table); make it with nl.make_recording().")
    try:
        table = json.loads(recording.attrs["sites"])
        sound = all({"name", "dims", "shape"} <= set(entry) for entry in table)
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise SchemaError(
            f"attrs['sites'] is {str(recording.attrs['sites'])[:80]!r}; expected the table of sites as JSON, "
            '[{"name": "IT", "dims": ["unit"], "shape": [3]}, ...]. Type recording.assign_attrs(sites='
            "json.dumps(...)), or make the recording with nl.make_recording()."
        )
    return table


def _check_codes(site: np.ndarray, n: int) -> None:
    if site.min() < 0 or site.max() >= n:
        raise SchemaError(
            f"The coordinate 'site' runs from {site.min()} to {site.max()}; attrs['sites'] has {n} sites, 0 to {n - 1}."
            " Make the recording with nl.make_recording(), which numbers them."
        )


def _check_units(recording: xr.DataArray, site: np.ndarray, unit: np.ndarray, sizes: np.ndarray) -> None:
    bad = (unit < 0) | (unit >= sizes[site])
    if bad.any():
        at = int(bad.argmax())
        name, size = _table(recording)[site[at]]["name"], sizes[site[at]]
        raise SchemaError(
            f"Unit {unit[at]} of site {str(name)!r} is out of range; attrs['sites'] gives it {size} units, 0 to "
            f"{size - 1}. {ONE_CALL}"
        )


#: What to type where the neuroids of several sites were joined under one name.
ONE_CALL = (
    "Joined by xarray.concat, all neuroids count as those of the first recording's sites. Record the sites in one "
    "call, nl.record(specimen, stimuli, ['conv1', 'conv2']); of what is recorded, type nl.make_recording(values, "
    "presentation=..., neuroid={'site': names, 'unit': ...}, kind=...)."
)


def _rises(site: np.ndarray, unit: np.ndarray, last: tuple[Any, Any]) -> bool:
    """Whether each neuroid has a higher site, or the same and a higher unit, than the one before."""
    if unit.dtype.kind not in "iu":
        return False
    sites, units = (np.diff(one.astype(np.int64, copy=False), prepend=before)
                    for one, before in zip((site, unit), last))  # fmt: skip
    return bool(((sites > 0) | ((sites == 0) & (units > 0))).all())


def _check_once(recording: xr.DataArray, site: np.ndarray, unit: np.ndarray) -> None:
    if unit.dtype.kind in "iu":  # one number each, sorted: of 5 million neuroids in a tenth of the time
        number = np.sort(site.astype(np.int64) * (int(unit.max()) + 1) + unit.astype(np.int64))
        if (number[1:] > number[:-1]).all():
            return
    twice = pd.DataFrame({"site": site, "unit": unit}).duplicated().to_numpy()
    if twice.any():
        at = int(twice.argmax())
        first = int(np.flatnonzero((site == site[at]) & (unit == unit[at]))[0])
        names = [str(entry["name"]) for entry in _table(recording)]
        raise SchemaError(
            f"{int(twice.sum())} neuroids are there twice: neuroids {first} and {at} are both unit {unit[at]} of site "
            f"{names[site[at]]!r} (the sites are {listed(names)}); expected each unit once. {ONE_CALL}"
        )


def flags(column: np.ndarray) -> np.ndarray:
    """Get a column that says yes or no as booleans: True and False, or 1 and 0.

    Raises
    ------
    SchemaError : text, gaps or other numbers, of which each would count as yes.

    Example
    -------
    >>> flags(np.array([1.0, 0.0])).tolist()
    [True, False]
    """
    values = np.asarray(column)
    if values.dtype == bool:
        return values
    wrong = [not (isinstance(one, (bool, int, float, np.bool_, np.integer, np.floating)) and one in (0, 1))
             for one in values.tolist()]  # fmt: skip
    if any(wrong):
        at = wrong.index(True)
        raise SchemaError(
            f"The column 'valid' of neuroids holds {str(values[at])!r} ({sum(wrong)} such, the first is neuroid {at}); "
            "expected True or False, or 1 and 0. Say which words mean yes (a gap then means no): type "
            "valid=pandas.Series(column).astype(str).isin(['True', '1', '1.0', 'yes'])."
        )
    return values.astype(bool)
