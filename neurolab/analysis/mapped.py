"""From a recording, or values per network or person, to rows x places: what a test of a whole map starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurolab.analysis.adjacency import places_of
from neurolab.analysis.entry import sides_of
from neurolab.analysis.sample import PLURAL
from neurolab.contrast import Contrast, parse_contrast
from neurolab.errors import DataError, DesignError, ReplicationUnitError, SchemaError, UnknownNameError, listed
from neurolab.neuroids import flags
from neurolab.stats import maps
from neurolab.stats.maps import StatMap


@dataclass(frozen=True, eq=False)
class Mapped:
    """One or two groups of rows over all places.

    a, b : (n_rows, n_places) float64; b is None where the rows of ``a`` are differences, tested against 0.
    members : the names of all rows, those of ``a`` first. over : "stimulus", "specimen" or "subject".
    dims, shape : of the places. usable : (n_places,), not marked bad. what : what is compared, in words.
    """

    a: np.ndarray
    b: np.ndarray | None
    members: list[str]
    over: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    usable: np.ndarray
    what: str

    @property
    def rows(self) -> np.ndarray:
        """All rows, those of ``a`` first."""
        return self.a if self.b is None else np.concatenate((self.a, self.b))

    @property
    def dim(self) -> str:
        """The dim that holds one value per member."""
        return "stimulus" if self.over == "stimulus" else "specimen"

    @property
    def n(self) -> int:
        """How many members there are."""
        return len(self.members)

    @property
    def sizes(self) -> str:
        """The sample in words."""
        plural = PLURAL[self.over]
        return f"{self.n} {plural}" if self.b is None else f"{len(self.a)} and {len(self.b)} {plural}"

    @property
    def alive(self) -> np.ndarray:
        """Which places can be tested: usable, and not constant over all rows."""
        rows = self.rows
        return self.usable & (rows.max(axis=0) > rows.min(axis=0))

    def map(self, *columns: np.ndarray, level: float) -> StatMap:
        """Get the t of some columns of ``a`` (and ``b``): against 0, or Welch's."""
        return maps.one_sample_t(columns[0], level=level) if self.b is None else maps.welch_t(*columns, level=level)


def mapped(data: xr.DataArray, contrast: str | Contrast | None, *, pair: str | None = None) -> Mapped:
    """Get the rows of a recording (stimuli) or of values per specimen or subject, checked.

    contrast : between conditions of stimuli; within each member where there is a dim "condition"; between groups of
        members where there is a coordinate "group". None: the values themselves against 0.
    pair : a presentation coordinate that names pairs of stimuli.
    """
    if not isinstance(data, xr.DataArray):
        raise SchemaError(
            f"Expected a recording, or values per specimen or subject, as an xarray.DataArray; got "
            f"{type(data).__name__}. Type xr.DataArray(values, dims=('subject', 'neuroid', 'time'))."
        )
    if "presentation" in data.dims:
        return _of_recording(data, contrast, pair)
    if pair is not None:
        raise DesignError("pair= names pairs of stimuli of a Recording; for conditions within members give a contrast.")
    samples = [name for name in ("specimen", "subject", "stimulus") if name in data.dims]
    if len(samples) != 1:
        raise ReplicationUnitError(
            f"The data have the dims {data.dims}; expected exactly one of 'specimen', 'subject' or 'stimulus' (or "
            "'presentation' of a Recording) as the sample. Units, times and permutations are never the sample. Average "
            "over the others: data.mean('stimulus')."
        )
    return _of_members(data, contrast, samples[0])


def _of_recording(data: xr.DataArray, contrast: str | Contrast | None, pair: str | None) -> Mapped:
    if contrast is None:
        raise DesignError("A recording needs a contrast of its conditions: type clusters(recording, 'a > b', ...).")
    still = data.isel(time=0, drop=True) if "time" in data.dims else data
    sides = sides_of(still, contrast)
    sides.check_once()
    dims = places_of(data)
    values = np.array(data.transpose("presentation", *dims).values[sides.rows], dtype=np.float64)
    usable = np.repeat(sides.usable, values.shape[2] if values.ndim == 3 else 1)
    a, b, ids = values[sides.positive], values[~sides.positive], (sides.ids[sides.positive], sides.ids[~sides.positive])
    over, what = "stimulus", str(sides.contrast)
    if pair is None:
        return _made(a, b, [*ids[0], *ids[1]], over, dims, usable, what)
    if pair not in data.coords:
        raise UnknownNameError(f"pair={pair!r} is no coordinate of the recording; there are {listed(data.coords)}.")
    labels = data[pair].values[sides.rows].astype(str)
    first, second = labels[sides.positive], labels[~sides.positive]
    if sorted(first) != sorted(second) or len(set(first)) < len(first):
        raise DataError(f"Each value of {pair!r} must name one stimulus on each side of {what!r}; drop the others.")
    one, other = np.argsort(first), np.argsort(second)
    return _made(a[one] - b[other], None, list(first[one]), over, dims, usable, f"{what} within pairs")


def _of_members(data: xr.DataArray, contrast: str | Contrast | None, sample: str) -> Mapped:
    dims = places_of(data)
    if not dims:
        raise SchemaError(f"The data have the dims {data.dims} only; a cluster needs places. Type a sign_flip instead.")
    names = _names(data, sample)
    usable = np.ones(tuple(data.sizes[dim] for dim in dims), dtype=bool)
    if "valid" in data.coords:
        one = data.isel({dim: 0 for dim in data.dims if dim not in dims}, drop=True)
        usable &= flags(data["valid"].broadcast_like(one).transpose(*dims).values)
    if "condition" in data.dims:
        data, what = _difference(data, contrast)
    elif contrast is not None:
        return _two_groups(data, contrast, sample, dims, usable.ravel(), names)
    else:
        what = f"{data.name or 'the values'} against 0"
    values = np.array(data.transpose(sample, *dims).values, dtype=np.float64)
    return _made(values, None, names, sample, dims, usable.ravel(), what)


def _names(data: xr.DataArray, sample: str) -> list[str]:
    given = data[sample].values if sample in data.coords else [f"{sample} {at}" for at in range(data.sizes[sample])]
    names = [str(name) for name in given]
    if len(set(names)) < len(names):
        raise ReplicationUnitError(
            f"The values of {sample!r} are named more than once; each counts once in the sample. Average first: type "
            f"data.groupby({sample!r}).mean()."
        )
    return names


def _difference(data: xr.DataArray, contrast: str | Contrast | None) -> tuple[xr.DataArray, str]:
    """Within each member, the mean of the positive minus the mean of the negative conditions."""
    if contrast is None or "condition" not in data.coords:
        raise DesignError("The data have a dim 'condition'; name its values, and type contrast='faces > houses'.")
    condition = data["condition"].values.astype(str)
    resolved = parse_contrast(contrast).resolve(condition)
    positive, negative = resolved.sides(condition)
    gap = data.isel(condition=positive).astype(np.float64).mean("condition", skipna=False)
    return gap - data.isel(condition=negative).astype(np.float64).mean("condition", skipna=False), str(resolved)


def _two_groups(
    data: xr.DataArray, contrast: str | Contrast, sample: str, dims: tuple[str, ...], usable: np.ndarray,
    names: list[str],
) -> Mapped:  # fmt: skip
    label = "condition" if sample == "stimulus" else "group"
    if label not in data.coords or data[label].dims != (sample,):
        raise DesignError(
            f"The contrast {str(contrast)!r} needs a dim 'condition' (compared within each {sample}) or a coordinate "
            f"{label!r} on {sample!r} (two groups). Type data.assign_coords({label}=({sample!r}, [...]))."
        )
    group = data[label].values.astype(str)
    resolved = parse_contrast(contrast).resolve(group)
    values = np.array(data.transpose(sample, *dims).values, dtype=np.float64)
    sides = [np.flatnonzero(side) for side in resolved.sides(group)]
    members = [names[at] for side in sides for at in side]
    return _made(values[sides[0]], values[sides[1]], members, sample, dims, usable, str(resolved))


def _made(
    a: np.ndarray, b: np.ndarray | None, members: list[str], over: str, dims: tuple[str, ...], usable: np.ndarray,
    what: str,
) -> Mapped:  # fmt: skip
    """Flat places, checked: enough members, finite where usable."""
    least = min(len(a), len(a) if b is None else len(b))
    if least < 2:
        raise DesignError(
            f"There is one {over} on a side of {what!r}; its variance, and so a statistic, needs at least two, and a "
            "permutation test more: 6 in one group, 4 in each of two."
        )
    shape = a.shape[1:]
    sides = [side.reshape(len(side), -1) for side in (a, b) if side is not None]
    flat = [np.where(usable, side, 0.0) for side in sides]
    bad = ~np.isfinite(np.concatenate(flat))
    if bad.any():
        row, place = (int(at) for at in np.argwhere(bad)[0])
        where = tuple(int(at) for at in np.unravel_index(place, shape))
        raise DataError(
            f"{int(bad.sum())} values are NaN or inf, in {int(bad.any(axis=0).sum())} of {bad.shape[1]} places (the "
            f"first: {over} {members[row]!r}, place {where} of {dims}); expected finite numbers. To leave places out, "
            f"type data.assign_coords(valid=({dims[0]!r}, ...))."
        )
    return Mapped(flat[0], flat[1] if b is not None else None, members, over, dims, shape, usable, what)
