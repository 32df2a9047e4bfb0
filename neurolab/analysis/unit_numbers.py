"""Numbers per unit beside a recording: put at its neuroids by site and unit, with the stimuli behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.whose import at_units
from neurolab.errors import DataError, did_you_mean, listed
from neurolab.neuroids import flags
from neurolab.recording import site_names, stimuli_of
from neurolab.schema import MEASURED_ON
from neurolab.stimuli import StimulusSet

#: The variable that a result ranks units by, where the whole result is given.
RANKED = ("statistic", "estimate")


def numbers_at(recording: xr.DataArray, values: Any) -> np.ndarray:
    """Get one number per neuroid of a recording, (n_neuroids,) float64: by site and unit where the numbers say theirs.

    Raises DataError for numbers that have no place, or no number for a neuroid.
    """
    n = recording.sizes["neuroid"]
    if isinstance(values, pd.Series):
        table = dict(enumerate(site_names(recording)))
        values = at_units(values, recording["site"].values, recording["unit"].values, table, "unit_map(): the numbers")
    where = _places(values, site_names(recording)) if isinstance(values, (xr.DataArray, xr.Dataset)) else None
    numbers = np.array(_variable(values), dtype=np.float64)
    if where is not None and "valid" in _variable(values).coords:
        numbers[~flags(_variable(values)["valid"].values)] = np.nan
    if where is None:
        if numbers.shape != (n,):
            raise DataError(
                f"unit_map() got numbers of shape {numbers.shape} for {n} neuroids; expected one each. Compute them "
                "at the sites of the recording, in its order."
            )
        return numbers
    names = site_names(recording)
    wanted = [(names[code], int(unit)) for code, unit in zip(recording["site"].values, recording["unit"].values)]
    missing = [pair for pair in wanted if pair not in where]
    if missing:
        held = list(dict.fromkeys(site for site, _ in where))
        raise DataError(
            f"unit_map() got no number for {len(missing)} of {n} neuroids, the first unit {missing[0][1]} of site "
            f"{missing[0][0]!r}; the numbers are of {listed(held, most=4)}. Compute them at the sites of the "
            "recording, or record only what has one: nl.record(specimen, stimuli, [...])."
        )
    return numbers[[where[pair] for pair in wanted]]


def _variable(values: Any) -> Any:
    """The numbers that a whole result ranks by; anything else as it is."""
    if not isinstance(values, xr.Dataset):
        return values
    found = [name for name in RANKED if name in values]
    if len(found) != 1:
        raise DataError(
            f"unit_map() got a Dataset of {listed(map(str, values.data_vars))}; expected one of {listed(RANKED)} in "
            "it. Name the variable: result['exact']."
        )
    return values[found[0]]


def _places(given: xr.DataArray | xr.Dataset, names: list[str]) -> dict[tuple[str, int], int] | None:
    """Where the number of every (site, unit) stands; None where the numbers have no coordinates at all."""
    values = _variable(given)
    if not {"site", "unit"} & set(values.coords):
        return None
    own = [name for name in ("site", "unit") if name in values.coords and values[name].dims == values.dims]
    if values.ndim != 1 or len(own) < 2:
        raise DataError(
            f"unit_map() got numbers over {listed(map(str, values.dims))} with the coordinates "
            f"{listed(map(str, values.coords))}; expected one dimension with both site and unit on it. Reduce the "
            "others, or give plain numbers in the order of the recording: values.values."
        )
    sites = values["site"].values
    if sites.dtype.kind in "iu":
        if "sites" not in given.attrs:
            raise DataError(
                "unit_map() got numbers whose sites are codes without the names table, so that nobody knows which is "
                f"which. Give the whole result, unit_map(recording, result, ...), or assign names: {listed(names)}."
            )
        table = site_names(given)  # type: ignore[arg-type]
        sites = [table[int(code)] for code in sites]
    pairs = [(str(site), int(unit)) for site, unit in zip(sites, values["unit"].values)]
    where = {pair: at for at, pair in enumerate(pairs)}
    if len(where) < len(pairs):
        twice = next(pair for at, pair in enumerate(pairs) if where[pair] != at)
        raise DataError(f"unit_map() got unit {twice[1]} of site {twice[0]!r} twice; expected one number of each.")
    return where


def measured_on(recording: xr.DataArray, values: Any, stimuli: StimulusSet | Iterable[str] | None) -> list[str]:
    """Get the stimuli behind numbers of units: the recording's, those that the numbers say, and those named.

    Raises DataError for labelled numbers that say none, where none are named.
    """
    ids = stimuli_of(recording)
    labelled = isinstance(values, (xr.DataArray, xr.Dataset)) and {"site", "unit"} & set(values.coords)
    if labelled and MEASURED_ON in values.coords:
        ids += json.loads(str(values.coords[MEASURED_ON].item()))
    elif labelled and stimuli is None:
        raise DataError(
            "unit_map() got numbers that do not say on which stimuli they were measured; a region chosen by them must "
            "not be tested there. Type stimuli=test (a StimulusSet or ids), or stimuli=() for what no stimulus made, "
            "such as norms of weights."
        )
    if isinstance(stimuli, str):
        raise DataError(f"stimuli={stimuli!r} is one word.{did_you_mean(stimuli, ids)} Type stimuli=[{stimuli!r}].")
    ids += sorted(stimuli.origins) if isinstance(stimuli, StimulusSet) else map(str, stimuli or ())
    return list(dict.fromkeys(ids))
