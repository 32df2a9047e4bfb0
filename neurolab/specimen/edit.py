"""An edit: one lesion at one site, on the whole tensor of a call or on a window of its positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from neurolab.errors import DataError, LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnActivity, Selection
from neurolab.specimen.certificate import Tally
from neurolab.specimen.reference import References
from neurolab.specimen.region import Region
from neurolab.specimen.sites import Site


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
        selection = Selection(known, stimuli, elements, self.lesion.rng, getattr(self.lesion.how, "reference", None),
                              self.references, old)
        new = self.effect(self.lesion.how, old, selection).to(old.dtype)  # type: ignore[misc]
        self.tally.add(old, new)
        here.put(out, new)
        return out


@dataclass
class WindowEdit(Edit):
    """An edit of a sequence that comes by in parts: one step of a recurrence, the new tokens of a cached forward.

    ``total`` is the length of the whole sequence; positions, references and chance are those of the whole.
    """

    total: int = 0

    def __post_init__(self) -> None:
        site = self.region.site
        if site.dims[:1] != ("token",):
            raise LesionPlanError(
                f"Site {site.address!r} has {site.dims}; expected the positions ('token') first, for the sequence "
                "comes by in parts. Choose a site inside the network; type specimen.sites()."
            )
        whole = replace(site, shape=(self.total, *site.shape[1:]))
        region = Region.of(whole, self.region.units, self.region.dims, f"Lesion {self.lesion.id!r}")
        grid = np.zeros(whole.shape, dtype=bool)
        np.moveaxis(grid, region.axes, range(len(region.axes)))[region.index] = True
        self._whole, self._units = whole, np.flatnonzero(grid)
        self._parts: dict[tuple[int, int], tuple[Region, Region]] = {}

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
        if start + length > self.total:
            raise DataError(
                f"Site {self.site.address!r} ran {start + length} steps; it ran {self.total} when the specimen was "
                "loaded. Load it with an example as long as the longest stimulus."
            )
        if (start, length) not in self._parts:
            width = int(np.prod(self._whole.shape[1:]))
            low, high = np.searchsorted(self._units, [start * width, (start + length) * width])
            units = self._units[low:high]
            site = replace(self._whole, shape=(length, *self._whole.shape[1:]))
            self._parts[start, length] = (Region(site, units - start * width, site.dims),
                                          Region(self._whole, units, site.dims))
        return self._parts[start, length]
