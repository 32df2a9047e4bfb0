"""Whether a faster path is worth its preparation: counted, not timed, so that a plan is the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from neurolab.specimen.bench import Bench
from neurolab.specimen.replay import Batch
from neurolab.specimen.sites import Site

#: What is taken for the speed of a machine: floating-point operations per second of one thread, seconds per operation.
FLOPS, CALL = 50e9, 2e-5
#: What an export is taken to cost: seconds at least, and per call of a module.
EXPORT, EXPORT_CALL = 0.5, 0.1
#: Lesions side by side: at most, and so that their values at the site have about so many bytes (images, sequences) or
#: their batch so many rows (plain vectors).
MOST_COPIES, AT_ONCE, ROWS = 8, 2**24, 32
#: How many times its cost a preparation must save.
TIMES = 2.0


def forward_seconds(table: Bench, batches: Sequence[Batch]) -> float:
    """Get about how long one forward of all batches takes, from the operations of the first."""
    from torch.utils.flop_counter import FlopCounterMode

    first = batches[0]
    with FlopCounterMode(display=False) as counter:
        table.forward(first.inputs, first.ids)
    flops = counter.get_total_flops() / len(first.inputs) * sum(len(batch.inputs) for batch in batches)
    values = sum(_elements(call.shape) for call in table.specimen.calls) * sum(len(batch.inputs) for batch in batches)
    return flops / FLOPS + values / 1e9 + CALL * len(table.specimen.calls) * len(batches)


def export_seconds(table: Bench) -> float:
    """Get about how long an export of the model takes."""
    return EXPORT + EXPORT_CALL * len(table.specimen.calls)


def copies_at(site: Site, n: int) -> int:
    """Get how many lesions at a site make a tile that uses a processor well, in batches of ``n``.

    Deep in a network, where values are few, several images are no more work than one; at its beginning their values
    only drive each other out of the cache.

    Example
    -------
    >>> early, late = (Site("a", "a", 0, 1, "module", "", ("channel", "row", "col"), shape)
    ...                for shape in ((64, 64, 64), (512, 4, 4)))
    >>> copies_at(early, 16), copies_at(late, 16)
    (1, 8)
    """
    if len(site.shape) < 2:
        return max(1, min(MOST_COPIES, ROWS // n))
    return max(1, min(MOST_COPIES, AT_ONCE // (_elements((1, *site.shape)) * 4 * n)))


def _elements(shape: tuple[int, ...] | None) -> int:
    return int(torch.Size(shape[1:]).numel()) if shape else 0
