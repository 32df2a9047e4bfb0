"""Whether a faster path is worth its preparation: counted, not timed, so that a plan is the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from neurolab.specimen.bench import Bench
from neurolab.specimen.replay import Batch

#: What is taken for the speed of a machine: floating-point operations per second of one thread, seconds per operation.
FLOPS, CALL = 50e9, 2e-5
#: What an export is taken to cost: seconds at least, and per call of a module.
EXPORT, EXPORT_CALL = 0.5, 0.1
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


def _elements(shape: tuple[int, ...] | None) -> int:
    return int(torch.Size(shape[1:]).numel()) if shape else 0
