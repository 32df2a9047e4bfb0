"""Which channels of a tensor a region lies in, and the tensor narrowed to them with other values in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch

from neurolab.specimen.region import Region
from neurolab.specimen.sites import Site


class NotSparse(Exception):
    """A lesion cannot be carried as a few channels; the message says why, for the certificate."""


@dataclass(frozen=True)
class Laid:
    """A region as channels (sorted, unique) of the tensor that holds its site, the batch on the first axis.

    ``places`` says where in one stimulus of the narrowed tensor each of the region's values lies, None where they lie
    there in order. ``whole`` is whether the region holds all of these channels, so that its units can be lesioned apart
    from one another; ``channel_of`` is then the place in ``channels`` of each unit, -1 where a unit has several.
    """

    axis: int
    channels: torch.Tensor
    places: torch.Tensor | None
    whole: bool
    channel_of: torch.Tensor

    @staticmethod
    def of(region: Region, shape: Sequence[int]) -> Laid:
        """Get how a region lies in a tensor of this shape, batch included.

        Raises
        ------
        NotSparse : the batch is not on the first axis, or no axis holds the units.
        """
        one = (region.site.rows[1] if region.site.rows else 1, *shape[1:])
        axis = channel_axis(region.site, len(shape))
        after = prod(one[axis + 1 :])
        number = region.take(torch.arange(prod(one)).view(one))[0]
        channels, inside = (number // after % one[axis]).unique(return_inverse=True)
        # each value's place in the narrowed tensor: its place in the whole one with the channel renumbered
        places = (number // (one[axis] * after) * len(channels) + inside) * after + number % after
        whole = places.numel() == prod(one) // one[axis] * len(channels)
        in_order = whole and bool((places.flatten() == torch.arange(places.numel())).all())
        alone = (inside == inside[:, :1]).all(1)
        return Laid(axis, channels, None if in_order else places.flatten(), whole, inside[:, 0].where(alone, -1))

    def slab(self, value: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        """Get the channels of a site's intact value with ``new`` (rows, units, positions) in their place."""
        shape = (*value.shape[: self.axis], len(self.channels), *value.shape[self.axis + 1 :])
        if self.places is None:
            return new.reshape(shape)
        flat = value.index_select(self.axis, self.channels.to(value.device)).reshape(len(new), -1)
        flat.index_copy_(1, self.places.to(value.device), new.flatten(1))
        return flat.view(shape)


def channel_axis(site: Site, n_axes: int) -> int:
    """Get the axis that numbers a site's channels in the tensor that its module gave, of so many axes.

    Raises
    ------
    NotSparse : the batch is not on the first axis, or no axis holds the units.
    """
    if site.rows and site.rows[0] != "stimulus":
        raise NotSparse("stimuli and positions share the first axis, position by position")
    if not site.rows and site.batch_axis != 0:
        raise NotSparse(f"the batch lies on axis {site.batch_axis}")
    if site.n_heads:
        return n_axes - 1
    name = next((dim for dim in ("channel", "unit") if dim in site.dims), "")
    axis = site.dims.index(name) + (not site.rows) if name else 0
    if not 0 < axis < n_axes:
        raise NotSparse("no axis of the tensor numbers its units")
    return axis
