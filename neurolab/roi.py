"""Regions of interest: sorted unit indices per site, and the stimuli that chose them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from math import prod
from types import MappingProxyType

import numpy as np
import xarray as xr

from neurolab.digest import digest_of, remembered
from neurolab.errors import DataError, SchemaError, amount, did_you_mean, listed
from neurolab.ids import ids_of
from neurolab.lineage import are_strangers, weights_of
from neurolab.recording import FLAT, site_table

__all__ = ["ROI", "regions_of", "roi_from_mask"]
__dir__ = __all__.copy


@dataclass(frozen=True, eq=False)
class ROI:
    """A set of neuroids with a name and a memory.

    Parameters
    ----------
    name : what it is called in figures.
    units : site -> integer unit indices within the site (any order; kept sorted and unique).
    dims : site -> the native dims that the index runs over, e.g. ("channel",); default ("unit",).
    shape : site -> their sizes, when known (checked against the specimen).
    chosen_on : ids of the stimuli that chose it; estimating on them is double dipping.
    how_chosen : one sentence for the methods paragraph.
    specimen : the network or brain whose units these are; ``examine`` refuses to cut another one. Empty: any.
    weights : digests of the weights that the network had when it was chosen, and before it was trained on or cut;
        another network of the same name is refused as well. Empty: any.

    Example
    -------
    >>> face = ROI("face area", {"conv": [3, 1]})
    >>> house = ROI("house area", {"conv": [3, 4]})
    >>> (face | house).n_units, (face & house).units["conv"].tolist(), (face - house).units["conv"].tolist()
    (3, [3], [1])
    """

    name: str
    units: Mapping[str, np.ndarray]
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shape: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    chosen_on: frozenset[str] = frozenset()
    how_chosen: str = ""
    specimen: str = ""
    weights: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        units: dict[str, np.ndarray] = {}
        dims: dict[str, tuple[str, ...]] = {}
        shape: dict[str, tuple[int, ...]] = {}
        for site in sorted(self.units):
            given = np.asarray(self.units[site])
            if given.size == 0:
                continue
            if given.dtype.kind not in "iu":
                raise SchemaError(
                    f"ROI {self.name!r}: the units of {site!r} are {given.dtype}; expected integers. For a boolean "
                    "mask type numpy.flatnonzero(mask)."
                )
            here = given.astype(np.int64).ravel()
            if not (here[1:] > here[:-1]).all():
                here = np.unique(here)
            size = int(np.prod(self.shape[site])) if site in self.shape else None
            if here[0] < 0 or (size is not None and here[-1] >= size):
                bad = here[0] if here[0] < 0 else here[-1]
                raise DataError(
                    f"ROI {self.name!r}: unit {bad} of site {site!r} is out of range; expected 0 to "
                    f"{'the site size' if size is None else size - 1}."
                )
            here.setflags(write=False)
            units[site] = here
            dims[site] = tuple(self.dims.get(site, FLAT))
            if site in self.shape:
                shape[site] = tuple(int(length) for length in self.shape[site])
        object.__setattr__(self, "units", MappingProxyType(units))
        object.__setattr__(self, "dims", MappingProxyType(dims))
        object.__setattr__(self, "shape", MappingProxyType(shape))
        object.__setattr__(self, "chosen_on", _ids(self.chosen_on))
        object.__setattr__(self, "weights", _ids(self.weights))

    def __reduce__(self) -> tuple:  # mapping proxies cannot be sent to a worker as they are
        settings = self.chosen_on, self.how_chosen, self.specimen, self.weights
        return ROI, (self.name, dict(self.units), dict(self.dims), dict(self.shape), *settings)

    def __repr__(self) -> str:
        where = ", ".join(f"{site}: {len(units)}" for site, units in self.units.items())
        return f"ROI({self.name!r}, {amount(self.n_units, 'unit')}; {where or 'empty'})"

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that it has units in, sorted."""
        return tuple(self.units)

    @remembered
    def n_units(self) -> int:
        """How many units, over all sites."""
        return sum(len(units) for units in self.units.values())

    @remembered
    def digest(self) -> str:
        """Content digest of the units (not of the name)."""
        return digest_of(dict(self.units), {site: list(dims) for site, dims in self.dims.items()})

    def _of(self, units: Mapping[str, np.ndarray]) -> ROI:
        """Get a region of some of these units at every site, in order: what is checked of them was checked here."""
        made = object.__new__(type(self))
        made.__dict__.update({name: self.__dict__[name] for name in _fields()})
        for chosen in units.values():
            chosen.setflags(write=False)
        made.__dict__["units"] = MappingProxyType(units)
        return made

    def renamed(self, name: str) -> ROI:
        """Get the same region under another name."""
        made = object.__new__(type(self))  # everything else was checked when this one was made
        made.__dict__.update(self.__dict__, name=name)
        return made

    def moved_to(self, specimen: str) -> ROI:
        """Get the same unit numbers in another network, whatever its weights; unit 7 of another seed is a stranger."""
        return replace(self, specimen=specimen, weights=frozenset())

    def __or__(self, other: ROI) -> ROI:
        return self._combine(other, np.union1d, "|")

    def __and__(self, other: ROI) -> ROI:
        return self._combine(other, np.intersect1d, "&")

    def __sub__(self, other: ROI) -> ROI:
        return self._combine(other, np.setdiff1d, "-")

    def _combine(self, other: ROI, operation, sign: str) -> ROI:
        for site in set(self.dims) & set(other.dims):
            if self.dims[site] != other.dims[site] or not self._alike(site, other.dims[site], other.shape.get(site)):
                raise SchemaError(
                    f"{self.name!r} {sign} {other.name!r}: site {site!r} is indexed by {self._counted(site)} in one "
                    f"and {other._counted(site)} in the other; record both with the same pooling, on the same grid."
                )
        if self.specimen and other.specimen and self.specimen != other.specimen:
            raise SchemaError(
                f"{self.name!r} {sign} {other.name!r}: one is of {self.specimen!r}, the other of {other.specimen!r}; "
                "units of two networks do not correspond. Type roi.moved_to(name) if these do."
            )
        if are_strangers(self.weights, other.weights):
            raise SchemaError(
                f"{self.name!r} {sign} {other.name!r}: they are of two networks of one name, {self.specimen!r}, with "
                f"other weights; their units do not correspond. Type roi.moved_to({self.specimen!r}) if these do."
            )
        none = np.zeros(0, dtype=np.int64)
        units = {
            site: operation(self.units.get(site, none), other.units.get(site, none))
            for site in {*self.units, *other.units}
        }
        return ROI(
            f"{self.name} {sign} {other.name}",
            units,
            {**other.dims, **self.dims},
            {**other.shape, **self.shape},
            self.chosen_on | other.chosen_on,
            "; ".join(dict.fromkeys(filter(None, (self.how_chosen, other.how_chosen)))),
            self.specimen or other.specimen,
            self.weights | other.weights,
        )

    def _alike(self, site: str, dims: tuple[str, ...], shape: tuple[int, ...] | None) -> bool:
        """Whether unit numbers mean the same in a site of that shape; a flat one is as long as its highest unit."""
        own = self.shape.get(site)
        if own is None or shape is None or {self.dims[site], dims} == {FLAT}:
            return True
        return own == shape if self.dims[site] == dims else prod(own) == prod(shape)

    def _counted(self, site: str) -> str:
        return f"{self.dims[site]} {self.shape.get(site, '')}".strip()

    def dice(self, other: ROI) -> float:
        """Get the Dice overlap 2|A and B| / (|A| + |B|), in [0, 1]; NaN when both are empty."""
        total = self.n_units + other.n_units
        return float("nan") if total == 0 else 2 * (self & other).n_units / total

    def mask(self, recording: xr.DataArray) -> np.ndarray:
        """Get a boolean array over the neuroids of a recording (or stat map): inside the region or not.

        Raises DataError when a unit of the region was not recorded, SchemaError for another specimen or another grid,
        whose units are strangers. Two grids of one shape that lie elsewhere in the head (mirrored, say) are not told
        apart: compare the coordinates x, y and z.
        """
        specimen = str(recording.attrs.get("specimen", ""))
        if self.specimen and specimen and self.specimen != specimen:
            raise SchemaError(
                f"ROI {self.name!r} is of {self.specimen!r}, the recording of {specimen!r}; units of two specimens do "
                f"not correspond. Choose the region in that recording, or type roi.moved_to({specimen!r}) if they do."
            )
        if are_strangers(self.weights, weights_of(recording)):
            raise SchemaError(
                f"ROI {self.name!r} and the recording are of two networks of one name, {specimen!r}, with other "
                "weights; their units do not correspond. Choose the region in that recording, or type "
                f"roi.moved_to({specimen!r}) if they do."
            )
        table = {str(entry["name"]): entry for entry in site_table(recording)}
        names = list(table)
        sites, units = recording["site"].values, recording["unit"].values
        inside = np.zeros(len(sites), dtype=bool)
        for site, chosen in self.units.items():
            if site not in names:
                raise DataError(
                    f"ROI {self.name!r} has units at {site!r}, which the recording lacks.{did_you_mean(site, names)} "
                    f"It has {listed(names)}."
                )
            recorded = tuple(table[site]["dims"])
            if self.dims[site] not in (recorded, FLAT) and recorded != FLAT:
                raise SchemaError(
                    f"ROI {self.name!r} counts {site!r} by {self.dims[site]}, the recording by {recorded}: unit "
                    "numbers mean different things. Record with the pooling that chose the region."
                )
            grid = tuple(map(int, table[site]["shape"]))
            if not self._alike(site, recorded, grid):
                raise SchemaError(
                    f"ROI {self.name!r} counts {site!r} in a grid of {self.shape[site]}, the recording in one of "
                    f"{grid}: unit numbers mean different things. Choose the region on a recording of that grid, or "
                    "bring both to one: inputs of one size; images by nibabel.processing.resample_from_to."
                )
            here = sites == names.index(site)
            inside |= here & np.isin(units, chosen)
        if inside.sum() != self.n_units:
            raise DataError(
                f"ROI {self.name!r} has {amount(self.n_units, 'unit')}, of which the recording holds "
                f"{int(inside.sum())}; record the same units and pooling."
            )
        return inside

    def complement(self, recording: xr.DataArray) -> ROI:
        """Get the recorded, valid neuroids outside the region."""
        outside = ~self.mask(recording)
        if "valid" in recording.coords:
            outside &= recording["valid"].values.astype(bool)
        return roi_from_mask(outside, recording, name=f"not {self.name}", chosen_on=self.chosen_on)


@cache
def _fields() -> tuple[str, ...]:
    return tuple(one.name for one in fields(ROI))


def roi_from_mask(
    mask: np.ndarray,
    recording: xr.DataArray,
    *,
    name: str,
    chosen_on: Iterable[str] = (),
    how_chosen: str = "",
) -> ROI:
    """Get the region of the neuroids where ``mask`` (boolean, over the recording's neuroids) is true."""
    return regions_of(recording, chosen_on=chosen_on, how_chosen=how_chosen)(name, mask)


def regions_of(
    recording: xr.DataArray, *, chosen_on: Iterable[str] = (), how_chosen: str = ""
) -> Callable[[str, np.ndarray], ROI]:
    """Get a function (name, neuroids) -> ROI, which reads the recording once for however many regions.

    The neuroids of a region are a boolean array over the recording's, or their places in it. All regions share one
    set of ``chosen_on``.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> region = regions_of(phantom_recording(rng=0), how_chosen="given")
    >>> [region(name, places).n_units for name, places in {"one": [4], "two": [7, 2]}.items()]
    [1, 2]
    """
    table = [(str(entry["name"]), tuple(entry["dims"]), tuple(entry["shape"])) for entry in site_table(recording)]
    dims, shape = {name: dims for name, dims, _ in table}, {name: shape for name, _, shape in table}
    sites, units, ids = recording["site"].values, recording["unit"].values, _ids(chosen_on)
    specimen, weights = str(recording.attrs.get("specimen", "")), weights_of(recording)

    def region(name: str, neuroids: np.ndarray) -> ROI:
        codes, here = sites[neuroids], units[neuroids]
        held = {table[code][0]: here[codes == code] for code in np.unique(codes)}
        return ROI(name, held, dims, shape, ids, how_chosen, specimen, weights)

    return region


def _ids(given: Iterable[str]) -> frozenset[str]:
    """The ids as a set of text; itself where it is one, so that thousands of regions share it."""
    if isinstance(given, frozenset) and set(map(type, given)) <= {str}:
        return given
    return frozenset(ids_of(given))
