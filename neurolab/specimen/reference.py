"""What a unit usually does, read from a reference recording and laid out for a region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.errors import LesionPlanError, did_you_mean, listed
from neurolab.recording import site_names, site_table
from neurolab.specimen.region import Region
from neurolab.specimen.sites import Site

#: Poolings whose numbers are not values that a unit could have, so nothing can be held at them.
NOT_VALUES = ("max", "norm")


class References:
    """Reference activity by recording and site, read once per bench however many lesions share it."""

    def __init__(self) -> None:
        self.weights = ""  # the digest of the network on the bench
        self.tried: Counter[str] = Counter()  # on how many rows ablations of one's own were tried out, by digest
        self._grids: dict[tuple[int, str], tuple[np.ndarray, tuple[str, ...]]] = {}
        self._moments: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}
        self._alive: list[xr.DataArray] = []  # an id may be used again once its object is gone

    def _grid(self, recording: xr.DataArray, site: Site) -> tuple[np.ndarray, tuple[str, ...]]:
        """Values (n_presentations, *dims) float64 of a site with the recording's dims; unrecorded units are NaN."""
        place = id(recording), site.address
        if place not in self._grids:
            self.check_own(recording)
            entry, code = _entry(recording, site)
            here = np.flatnonzero(recording["site"].values == code)
            shape = tuple(entry["shape"])
            grid = np.full((recording.sizes["presentation"], int(np.prod(shape))), np.nan)
            grid[:, recording["unit"].values[here]] = recording.values[:, here]
            dims = tuple(entry["dims"])
            if dims == ("unit",) and "unit" not in site.dims:
                dims = site.region_dims(dims)
            _check_layout(site, dims, shape)
            self._grids[place] = grid.reshape(len(grid), *shape), dims
            self._alive.append(recording)
        return self._grids[place]

    def check_own(self, recording: xr.DataArray) -> None:
        """Raise LesionPlanError where a recording is of other weights than those here, or of a lesioned network."""
        weights, lesions = (str(recording.attrs.get(name, "")) for name in ("weights", "lesions"))
        if lesions not in ("", "[]"):
            raise LesionPlanError(
                f"The reference recording was made under the lesions {lesions}; expected the usual, intact activity. "
                "Type nl.record(specimen, stimuli, [site]), or recording.assign_attrs(lesions='') if that is meant."
            )
        if weights and self.weights and not self.weights.startswith(weights):
            raise LesionPlanError(
                f"The reference recording is of {recording.attrs.get('specimen', '')!r} with the weights {weights}; "
                f"the network on the bench has {self.weights[:16]}, and its units do other things. Record a reference "
                "of each network. If the units do correspond (a retrained copy, the same network wrapped), type "
                "recording.assign_attrs(weights='')."
            )

    def check_grain(self, recording: xr.DataArray, region: Region) -> None:
        """Raise LesionPlanError where a reference was pooled over positions that the site has.

        The mean of many positions varies less than one, so its spread and its values are not those of a unit.
        """
        site, (_, dims) = region.site, self._grid(recording, region.site)
        pooled = [dim for dim, size in zip(site.dims, site.shape) if dim not in dims and size > 1]
        if pooled:
            raise LesionPlanError(
                f"The reference at {site.address!r} is pooled over {listed(pooled)}, so it does not know how much a "
                f"unit varies at one position. Type nl.record(specimen, stimuli, [nl.Probe({site.address!r}, "
                "pool=None)]), or use nl.Mean(reference), which holds units at their mean."
            )

    def moments(self, recording: xr.DataArray, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Get each lesioned unit's mean and sd (ddof 1) over the reference, each (n_units, n_positions or 1)."""
        place = id(recording), region.site.address
        grid, dims = self._grid(recording, region.site)
        if place not in self._moments:
            sd = grid.std(axis=0, ddof=1) if len(grid) > 1 else np.zeros(grid.shape[1:])
            self._moments[place] = grid.mean(axis=0), sd
        mean, sd = self._moments[place]
        return _laid_out(mean[None], dims, region)[0], _laid_out(sd[None], dims, region)[0]

    def presentations(self, recording: xr.DataArray, region: Region, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Get the activity on some reference presentations, (len(rows), n_units, n_positions or 1)."""
        grid, dims = self._grid(recording, region.site)
        return _laid_out(grid[np.asarray(rows)], dims, region)


def _entry(recording: xr.DataArray, site: Site) -> tuple[dict, int]:
    if "time" in recording.dims:
        raise LesionPlanError("A reference recording has no time dimension; type recording.mean('time').")
    names = site_names(recording)
    stem = site.address.partition("@")[0]
    name = next((name for name in (f"{stem}@{site.call}", stem) if name in names), None)
    if name is None:
        raise LesionPlanError(
            f"The reference recording lacks site {site.address!r}.{did_you_mean(site.address, names)} It has "
            f"{listed(names)}; type nl.record(specimen, stimuli, [{site.address!r}])."
        )
    entry = site_table(recording)[names.index(name)]
    if entry.get("pool") in NOT_VALUES:
        raise LesionPlanError(
            f"The reference at {name!r} was pooled by {entry['pool']!r}, which is not a value that a unit can be held "
            f"at. Type nl.record(specimen, stimuli, [nl.Probe({name!r}, pool='mean')])."
        )
    return entry, names.index(name)


def _check_layout(site: Site, dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
    if not set(dims) <= set(site.dims) or site.sizes(dims) != shape:
        raise LesionPlanError(
            f"The reference has {dims} of shape {shape} at {site.address!r}; the specimen has {site.dims} of shape "
            f"{site.shape}. Record the reference from this specimen."
        )


def _laid_out(grid: np.ndarray, dims: tuple[str, ...], region: Region) -> np.ndarray:
    """(n, *dims) -> (n, n_units, n_positions or 1) for a region; dims that the reference pooled are broadcast."""
    site = region.site
    full = grid.reshape(len(grid), *(size if dim in dims else 1 for dim, size in zip(site.dims, site.shape)))
    ordered = full.transpose(0, *(1 + axis for axis in (*region.axes, *region.rest)))
    n = len(region.axes)
    lengths = site.sizes(region.dims)
    picked: tuple[Any, ...] = (slice(None), *region.index)
    rest = ordered.shape[1 + n :]
    whole = tuple(site.shape[axis] for axis in region.rest)
    rest = rest if all(size == 1 for size in rest) else whole
    taken = np.broadcast_to(ordered, (len(grid), *lengths, *rest))[picked]
    laid = taken.reshape(len(grid), len(region.units), -1)
    if np.isnan(laid).any():
        missing = region.units[np.isnan(laid).any(axis=(0, 2))]
        raise LesionPlanError(
            f"The reference lacks {len(missing)} lesioned units of {site.address!r} (the first: {missing[0]}); record "
            "it without units=, or with these."
        )
    return laid
