"""A recording while it is made: what the hooks hand over, batch by batch, checked before it counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from neurolab.errors import DataError, RefusedSiteError
from neurolab.specimen.sites import Site
from neurolab.specimen.stopping import Enough
from neurolab.specimen.stream import Held, Streamed

if TYPE_CHECKING:
    from neurolab.specimen.record import Channel


class Filling:
    """Takes the tensors of all channels in one forward after another into their place.

    spans : the columns of each channel. stops : leave a forward once every channel has its numbers.
    """

    def __init__(
        self, channels: Sequence[Channel], spans: Sequence[slice], place: Held | Streamed, ids: tuple[str, ...]
    ) -> None:
        self.channels, self.spans, self.place, self.ids = channels, spans, place, ids
        self.stops = False
        self.at = slice(0, 0)
        self.real: torch.Tensor | None = None
        self.missing: set[str] = set()
        self.wrong: dict[str, tuple[int, int, float, int]] = {}

    def begin(self, at: slice, real: torch.Tensor | None) -> None:
        """Say which stimuli come next, and which of their tokens are real."""
        self.at, self.real = at, real
        self.missing = {channel.site.address for channel in self.channels}
        self.wrong.clear()
        self.place.begin(at)

    def sinks(self) -> dict[Site, Callable[[torch.Tensor], None]]:
        """Get what takes the tensor of each site."""
        return {channel.site: self._sink(channel, span) for channel, span in zip(self.channels, self.spans)}

    def _sink(self, channel: Channel, span: slice) -> Callable[[torch.Tensor], None]:
        address = channel.site.address

        def sink(tensor: torch.Tensor) -> None:
            values = channel.read(tensor, self.real)
            if not finite(values):
                self.wrong[address] = _first_wrong(values)
            self.place.put(span, values)  # copied here and now: what follows may write into the tensor
            self.missing.discard(address)
            if self.stops and not self.missing:
                raise Enough

        return sink

    def check(self) -> None:
        """Raise unless every channel was filled, with finite numbers; here, for a model may catch what a hook raises.

        Raises RefusedSiteError for a site that did not run, DataError for NaN or inf, naming site and stimulus.
        """
        for channel in self.channels:
            address = channel.site.address
            if address in self.missing:
                raise RefusedSiteError(
                    f"Site {address!r} did not run for the stimuli {self.ids[self.at.start]!r} to "
                    f"{self.ids[self.at.stop - 1]!r}; it cannot be recorded on them. Type specimen.sites() for sites "
                    "that every forward calls."
                )
            if address in self.wrong:
                row, unit, value, count = self.wrong[address]
                raise DataError(
                    f"Site {address!r}: unit {channel.units[unit]} gave {value} for stimulus "
                    f"{self.ids[self.at.start + row]!r} ({count} such values in the batch). Look at the input, or at "
                    "the layer before; half precision, of a model or a probe, overflows at 65504."
                )
        self.place.done()


def finite(values: torch.Tensor) -> bool:
    """Get whether no value is NaN or inf; one pass at the speed of memory where all is well.

    Example
    -------
    >>> finite(torch.full((2, 2), 3e38)), finite(torch.tensor([0.0, float("nan")]))
    (True, False)
    """
    if not values.numel():
        return True
    looked = torch.aminmax(values) if values.dtype == torch.float16 else (values.sum(),)
    if all(math.isfinite(one.item()) for one in looked):
        return True
    return bool(values.isfinite().all())  # large values may overflow in a sum


def _first_wrong(values: torch.Tensor) -> tuple[int, int, float, int]:
    """Row, column and value of the first number that is not finite, and how many there are."""
    bad = (~values.isfinite()).nonzero()
    row, unit = (int(index) for index in bad[0])
    return row, unit, float(values[row, unit]), len(bad)
