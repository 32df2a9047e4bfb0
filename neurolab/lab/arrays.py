"""Small steps of labs on arrays: several people or networks as one array, and what a region prefers in each layer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from neurolab.errors import DataError, DesignError
from neurolab.recording import at_site
from neurolab.roi import ROI


def together(parts: Iterable[xr.DataArray], dim: str) -> xr.DataArray:
    """Get several arrays as one, along a dim: people, networks, or RDMs.

    parts : of the same dims. dim : "subject", "specimen" or "rdm".

    Raises
    ------
    DesignError : no array at all.

    Example
    -------
    >>> together([xr.DataArray([1.0, 2.0], dims="time"), xr.DataArray([3.0, 4.0], dims="time")], "subject").shape
    (2, 2)
    """
    every = list(parts)
    if not every:
        raise DesignError(f"together() got nothing to join along {dim!r}; expected an array per member.")
    return xr.concat(every, dim, combine_attrs="override", join="exact")


def preference(recording: xr.DataArray, roi: ROI, *, more: str = "faces") -> xr.DataArray:
    """Get what the units of a region prefer, in each layer: the mean response to one condition less that to the rest.

    recording : presentation x neuroid, of stimuli that did not choose the region. roi : with units in every layer.
    more : the condition whose larger response counts as above 0.

    Returns
    -------
    DataArray over ``layer``, in sd of the response over stimuli, averaged over units.

    Raises
    ------
    DataError : no presentation of that condition, or of no other.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording, planted_roi
    >>> data = phantom_recording(n_units=50, rng=0)
    >>> bool(preference(data, planted_roi(data, "faces"))[0] > 0.5)
    True
    """
    here = recording["condition"].values.astype(str) == more
    if here.all() or not here.any():
        raise DataError(f"{int(here.sum())} of {here.size} presentations are of {more!r}; expected some, and others.")
    found = {}
    for site, units in roi.units.items():
        part = at_site(recording, site)
        values = part.values[:, np.isin(part["unit"].values, units)].astype(np.float64)
        spread = values.std(axis=0)
        apart = values[here].mean(axis=0) - values[~here].mean(axis=0)
        found[site] = float((apart[spread > 0] / spread[spread > 0]).mean()) if (spread > 0).any() else 0.0
    return xr.DataArray(list(found.values()), dims="layer", coords={"layer": list(found)})
