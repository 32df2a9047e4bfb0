"""What a recording says of its neuroids: site, unit, outgoing norm, places; column by column, site by site."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from torch import nn

from neurolab.specimen.wiring import Reads, outgoing_norms

if TYPE_CHECKING:
    from neurolab.specimen.record import Channel
    from neurolab.specimen.specimen import Specimen

#: Norms that were computed before, by model: the digest of all its weights, and by what reads a site and its length.
NORMS: WeakKeyDictionary[nn.Module, tuple[str, dict[tuple[Reads, int], np.ndarray]]] = WeakKeyDictionary()


class Columns:
    """The columns over the neuroids of some channels; nothing is computed until it is asked for.

    weights : the digest of the specimen's weights as they are now.
    """

    def __init__(self, specimen: Specimen, channels: Sequence[Channel], weights: str) -> None:
        self.specimen, self.channels, self.weights = specimen, channels, weights
        has = [{*channel.dims} for channel in channels]
        named = [name for name in ("channel", "head", "row", "col", "token") if any(name in dims for dims in has)]
        placed = any({"row", "col"} & dims for dims in has)
        self.names = ("site", "unit", "out_norm", *(name for name in named if name != "channel" or placed))
        edges = np.cumsum([0, *(len(channel.units) for channel in channels)])
        self.spans = [slice(int(low), int(high)) for low, high in itertools.pairwise(edges)]
        self.n = int(edges[-1])

    def parts(self, name: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Get a column piece by piece, 8 bytes a number: where the neuroids of a channel are, and what it says there.

        A dim that was pooled away, or that a site does not have, is -1; a norm that nobody can tell is NaN.
        """
        for code, (span, channel) in enumerate(zip(self.spans, self.channels)):
            if name == "site":
                yield span, np.full(span.stop - span.start, code)
            elif name == "unit":
                yield span, channel.units
            elif name == "out_norm":
                yield span, self._norms(channel)
            elif name in channel.dims:
                yield span, _along(channel, (name,), np.arange(channel.shape[channel.dims.index(name)]))
            else:
                yield span, np.full(span.stop - span.start, -1)

    def whole(self) -> dict[str, np.ndarray]:
        """Get every column, (n,) each."""
        columns = {}
        for name in self.names:
            columns[name] = np.empty(self.n, dtype=np.float64 if name == "out_norm" else np.int64)
            for span, part in self.parts(name):
                columns[name][span] = part
        return columns

    def _norms(self, channel: Channel) -> np.ndarray:
        dims = channel.site.unit_dims
        wiring = self.specimen.wiring.get(channel.site.address)
        if wiring is None or wiring.read_by is None or not dims:
            return np.full(len(channel.units), np.nan)
        digest, known = NORMS.get(self.specimen.model, ("", {}))
        if digest != self.weights:
            known = {}
            NORMS[self.specimen.model] = self.weights, known
        sizes = channel.site.sizes(dims)
        key = wiring.read_by, int(np.prod(sizes))
        if key not in known:
            known[key] = outgoing_norms(self.specimen.model, channel.site, wiring)
        norms = known[key].reshape(sizes)
        if "unit" in dims and "unit" not in channel.dims:  # a whole head: all of its columns together
            norms = np.sqrt((norms**2).sum(axis=dims.index("unit")))
            dims = tuple(dim for dim in dims if dim != "unit")
        return _along(channel, dims, norms)


def _along(channel: Channel, dims: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    """Get, for each recorded unit of a channel, the value at its place along some of the channel's dims."""
    if channel.probe.units is not None:
        index = dict(zip(channel.dims, np.unravel_index(channel.units, channel.shape)))
        return values[tuple(index[dim] for dim in dims)]
    laid = values.reshape([size if dim in dims else 1 for dim, size in zip(channel.dims, channel.shape)])
    return np.broadcast_to(laid, channel.shape).flatten()
