"""An edit: one lesion at one site, on the whole tensor of a call or on a window of its positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from neurolab.errors import DataError, LesionNotApplied, LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnActivity, Selection
from neurolab.specimen.certificate import Tally
from neurolab.specimen.layout import laid_out
from neurolab.specimen.own import instead
from neurolab.specimen.reference import References
from neurolab.specimen.region import Region, called
from neurolab.specimen.sites import MOST_FIRST, Site


@dataclass
class Edit:
    """One lesion at one site: replaces the region's values whenever the site's call comes by."""

    lesion: Lesion
    region: Region
    effect: OnActivity | None
    references: References
    tally: Tally = field(default_factory=Tally)

    @property
    def site(self) -> Site:
        """Where."""
        return self.region.site

    @property
    def acts(self) -> bool:
        """Whether it can change anything: not a sham, and some units."""
        return self.effect is not None and len(self.region.units) > 0

    def check_known(self, call: int) -> None:
        """Raise LesionNotApplied where a module that is cut at all of its calls runs once more than it ever did."""
        site = self.site
        meant = site.calls == 1 or site.address not in self.lesion.roi.units
        if self.acts and call >= site.calls and meant:
            named = "" if site.calls == 1 else f" Or name the calls that are meant, such as {site.address!r}."
            raise LesionNotApplied(
                f"Lesion {self.lesion.id!r}: {site.path!r} ran {call + 1} times in one forward, {site.calls} when the "
                f"specimen was loaded, so the later calls would be intact. {MOST_FIRST}{named}"
            )

    def __call__(self, tensor: torch.Tensor, stimuli: tuple[str, ...]) -> torch.Tensor:
        """Get the tensor with the lesion in it: a copy, or itself where the module works in place anyway."""
        if self.effect is None:  # a sham: the whole procedure without the damage
            self.tally.fired += 1
            return tensor if self.site.inplace else tensor.clone()
        return self._edited(tensor, stimuli, self.region, self.region, lambda: self.region.elements(tensor))

    def _edited(
        self, tensor: torch.Tensor, stimuli: tuple[str, ...], here: Region, known: Region,
        elements: Callable[[], np.ndarray],
    ) -> torch.Tensor:
        """``here`` is where the values lie in this tensor, ``known`` the same values where references know them."""
        out = tensor if self.site.inplace else tensor.clone()
        old = here.take(tensor)
        new = self._instead(old, stimuli, known, elements)
        self.tally.add(old, new)
        here.put(out, new)
        return out

    def _instead(
        self, old: torch.Tensor, stimuli: tuple[str, ...], known: Region, elements: Callable[[], np.ndarray]
    ) -> torch.Tensor:
        selection = Selection(known, stimuli, elements, self.lesion.rng, getattr(self.lesion.how, "reference", None),
                              self.references, old, isinstance(self, WindowEdit))
        return instead(self.effect, self.lesion.how, old, selection)  # type: ignore[arg-type]

    def change(self, tensor: torch.Tensor, stimuli: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Get the region's values as they are and as the lesion has them, (rows, units, positions); nothing is counted.

        For what carries these values alone; the tensor is left as it is.
        """
        old = self.region.take(tensor)
        return old, self._instead(old, stimuli, self.region, lambda: self.region.elements(tensor))


@dataclass
class Progress:
    """A sequence that grows forward by forward: how many positions it will have, and how many have come by so far."""

    total: int
    seen: int = 0


@dataclass
class WindowEdit(Edit):
    """An edit of a sequence that comes by in parts: one step of a recurrence, the new tokens of a cached forward.

    ``total`` is the length of the whole sequence; positions, references and chance are those of the whole. ``first`` is
    where a call begins, unless ``progress`` says how far the sequence has come.
    """

    total: int = 0
    first: int = 0
    progress: Progress | None = None

    def __post_init__(self) -> None:
        site = self.region.site
        if site.dims[:1] != ("token",) or site.rows:
            raise LesionPlanError(
                f"Site {site.address!r} has {site.dims}; expected the positions ('token') first, for the sequence "
                "comes by in parts. Choose a site inside the network; type specimen.sites()."
            )
        grid = np.zeros(site.shape, dtype=bool)
        np.moveaxis(grid, self.region.axes, range(len(self.region.axes)))[self.region.index] = True
        self._units = np.flatnonzero(grid)
        self._width = int(np.prod(site.shape[1:]))
        self._parts: dict[tuple[int, int], tuple[Region, Region]] = {}

    def __call__(self, tensor: torch.Tensor, stimuli: tuple[str, ...]) -> torch.Tensor:
        """Get a call's tensor with the lesion in it, where it lies in these positions."""
        length = laid_out(self.site, tensor).movedim(self.site.batch_axis, 0).shape[1]
        return self.at(tensor, stimuli, self.start(length), length)

    def start(self, length: int) -> int:
        """Get the absolute position of the first of ``length`` positions that come by now."""
        return self.first if self.progress is None else self.progress.seen - length

    def covers(self, start: int, length: int) -> bool:
        """Get whether the lesion lies anywhere in these positions."""
        return len(self._part(start, length)[1].units) > 0

    def at(self, tensor: torch.Tensor, stimuli: tuple[str, ...], start: int, length: int) -> torch.Tensor:
        """Get the positions ``start`` to ``start + length`` with the lesion in them; itself where it has none there."""
        here, known = self._part(start, length)
        if not len(here.units):
            return tensor
        if self.effect is None:
            self.tally.fired += 1
            return tensor
        return self._edited(tensor, stimuli, here, known, lambda: known.units[:, None])

    def _part(self, start: int, length: int) -> tuple[Region, Region]:
        site = self.site
        if start < 0 or start + length > self.total:
            raise DataError(
                f"Site {site.address!r} ran {start + length} steps; it ran {self.total} when the specimen was "
                f"loaded. {MOST_FIRST}"
            )
        if (start, length) not in self._parts:
            low, high = np.searchsorted(self._units, [start * self._width, (start + length) * self._width])
            units = self._units[low:high]
            short = replace(site, shape=(length, *site.shape[1:]))
            self._parts[start, length] = (Region(short, units - start * self._width, site.dims),
                                          Region(site, units, site.dims))
        return self._parts[start, length]


def edits_at(
    sites: Sequence[Site], lesion: Lesion, address: str, effect: OnActivity | None, references: References,
    progress: Progress | None,
) -> Iterator[Edit]:
    """Get the edits of one address of a lesion: one per call of its module that the lesion lies in.

    Positions are absolute where the calls make up one sequence: while it grows (``progress``), or where the first call
    has several positions and each later one a single position, as generation with a cache has.
    """
    units, dims, who = lesion.roi.units[address], lesion.roi.dims[address], called(lesion)
    total = progress.total if progress else _one_sequence(sites, dims, who)
    for number, site in enumerate(sites):
        stepped = site.kind == "state" and "token" in site.dims
        if site.routed or (not stepped and not total):
            yield Edit(lesion, Region.of(site, units, dims, who), effect, references)
            continue
        length, whole = site.shape[0], total or site.shape[0]
        grown = replace(site, shape=(whole, *site.shape[1:])) if site.dims[:1] == ("token",) else site
        first = 0 if progress or not total or not number else whole - len(sites) + number
        edit = WindowEdit(lesion, Region.of(grown, units, dims, who), effect, references, total=whole, first=first,
                          progress=progress)
        if progress or not total or edit.covers(first, length):
            yield edit


def _one_sequence(sites: Sequence[Site], dims: tuple[str, ...], who: str) -> int:
    """The length of the sequence that several calls make up; 0 where each call is for itself."""
    if len(sites) < 2 or "token" not in sites[0].region_dims(dims):
        return 0
    lengths = [site.shape[site.dims.index("token")] if "token" in site.dims else 0 for site in sites]
    if len(set(lengths)) == 1:
        return 0
    if set(lengths[1:]) != {1}:
        raise LesionPlanError(
            f"{who}: the calls of {sites[0].path!r} have {lengths} positions, so a position does not say which is "
            f"meant. Name one call, e.g. {sites[0].address!r}, or lesion units at every position."
        )
    return sum(lengths)
