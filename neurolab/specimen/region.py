"""A region on a tensor: take the lesioned units out as (rows, units, positions), put other values in their place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.layout import laid_out
from neurolab.specimen.sites import Site, check_units


def called(lesion: Lesion) -> str:
    """Get what an error calls a lesion; a sham by the name of the lesion whose procedure it is.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.roi import ROI
    >>> called(Lesion(ROI("area", {"conv": [0]}), Zero(), role="sham"))
    "Lesion 'area'"
    """
    return f"Lesion {(lesion.name if lesion.role == 'sham' else lesion.id)!r}"


@dataclass(frozen=True)
class Region:
    """Units of one site, by dims that the site has; the dims left over are positions and are hit everywhere."""

    site: Site
    units: np.ndarray
    dims: tuple[str, ...]

    @staticmethod
    def of(site: Site, units: np.ndarray, dims: tuple[str, ...], who: str) -> Region:
        """Get the region, checked against the site."""
        dims = site.region_dims(dims)
        check_units(site, units, dims, who)
        return Region(site, units, dims)

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """Where the region's dims lie among the site's dims."""
        return tuple(self.site.dims.index(dim) for dim in self.dims)

    @cached_property
    def rest(self) -> tuple[int, ...]:
        """Where the other dims, the positions, lie."""
        return tuple(axis for axis in range(len(self.site.dims)) if axis not in self.axes)

    @cached_property
    def index(self) -> tuple[np.ndarray, ...]:
        """The units as one index per region dim."""
        return np.unravel_index(self.units, self.site.sizes(self.dims))

    @cached_property
    def _torch_index(self) -> tuple[slice | torch.Tensor, ...]:
        return (slice(None), *(torch.tensor(part) for part in self.index))

    def _flat(self, device: torch.device) -> torch.Tensor:
        return self._torch_index[1].to(device)  # type: ignore[union-attr]

    @cached_property
    def _order(self) -> tuple[int, ...]:
        batch = self.site.batch_axis
        place = [axis + (axis >= batch) for axis in range(len(self.site.dims))]
        return (batch, *(place[axis] for axis in self.axes), *(place[axis] for axis in self.rest))

    def view(self, tensor: torch.Tensor) -> torch.Tensor:
        """Get a view with the batch first, then the region's dims, then the positions."""
        tensor = laid_out(self.site, tensor)
        if tensor.dim() != len(self._order):
            raise LesionPlanError(
                f"Site {self.site.address!r} gave a tensor of {tensor.dim()} axes; it had {len(self._order)} when the "
                "specimen was loaded. Load it with an example like the stimuli."
            )
        return tensor.permute(self._order)

    def take(self, tensor: torch.Tensor) -> torch.Tensor:
        """Get a copy of the region's values, (rows, units, positions)."""
        view = self.view(tensor)
        # one axis: several times as fast as general indexing
        single = len(self.axes) == 1
        taken = view.index_select(1, self._flat(tensor.device)) if single else view[self._torch_index]
        return taken.reshape(taken.shape[0], len(self.units), -1)

    def put(self, tensor: torch.Tensor, values: torch.Tensor) -> None:
        """Write values (rows, units, positions) into the tensor, in place."""
        view = self.view(tensor)
        shaped = values.reshape(values.shape[0], len(self.units), *view.shape[1 + len(self.axes) :])
        if len(self.axes) == 1:
            view.index_copy_(1, self._flat(tensor.device), shaped)
        else:
            view[self._torch_index] = shaped

    def elements(self, tensor: torch.Tensor) -> np.ndarray:
        """Get the number (n_units, n_positions) of each element within one stimulus; the same for any region."""
        sizes = self.view(tensor).shape[1:]
        native = np.empty(len(sizes), dtype=np.int64)
        native[[*self.axes, *self.rest]] = sizes
        numbers = np.arange(int(np.prod(native))).reshape(native).transpose(*self.axes, *self.rest)
        return numbers[self.index].reshape(len(self.units), -1)
