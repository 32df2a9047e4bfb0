"""Lesions before a tail of element-wise operations and small read-outs: a sum of columns, and the tail on it in place.

A lesion that takes the previous one's channels and a few more starts from the sum that the previous one left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch.fx import Node

from neurolab.specimen.sheet import Cut, Energy, Ground, Sheet, level_of
from neurolab.specimen.sparse import SparsePlan
from neurolab.specimen.tail import SMALL, Tail

#: Read-outs of so many lesions are compared with the sham's at once, where they have at most so many values.
SIDE = 16
VALUES = 2**20
#: A running sum is begun anew after so many steps, before its rounding adds up.
STEPS = 64


@dataclass(frozen=True)
class Columns(Sheet):
    """A sheet with what each channel changes laid out for sums: ``change`` (columns, rows), ``weights`` (columns,
    features).
    """

    change: torch.Tensor
    weights: torch.Tensor


@dataclass
class Running:
    """A sum that a growing set of channels has in common, and how far it has come since it was begun anew."""

    sum: torch.Tensor
    level: Energy
    loud: Energy | None = None
    steps: int = 0


class Skinny(Ground):
    """One batch before a :class:`~neurolab.specimen.tail.Tail`.

    Raises
    ------
    NotSparse : what lies behind is no such tail.
    """

    def __init__(self, plan: SparsePlan, values: Mapping[Node, torch.Tensor], intact: torch.Tensor) -> None:
        super().__init__(plan, values, intact)
        self.tail = Tail(plan, values)
        self.mix = plan.mixed[0]
        known = values[self.mix.node]
        # few features lie (features) x (rows) in memory, as the tail hands its read-out out
        self.sum = known.T.contiguous().T if known.shape[1] <= SMALL else known.contiguous()
        self.buffer = torch.empty_like(self.sum)
        self.across = intact.T.contiguous()
        self.sham = torch.empty_like(self.across)
        self.tail(self.buffer.copy_(self.sum), self.sham)
        side = max(1, min(SIDE, VALUES // max(self.across.numel(), 1)))
        self.tile, self.beyond = self.across.new_empty(2, side, *self.across.shape)

    def sheet(self, channels: torch.Tensor, slab: torch.Tensor) -> Columns:
        """Get the new values of some channels carried, and their columns."""
        made, mix = super().sheet(channels, slab), self.mix
        weights = mix.columns(self.values[mix.weights], channels, self.plan.n_channels)
        change, by_column = made.delta[mix.node].T.contiguous(), (weights.T if mix.axis else weights).contiguous()
        return Columns(made.channels, made.new, made.delta, made.loud, made.quiet, change, by_column)

    def answers(self, cuts: Sequence[Cut]) -> Iterator[torch.Tensor]:
        """Get the read-out (rows, outputs) under each lesion, in this order.

        Where a sheet's channels grow from lesion to lesion, what is added is enough.
        """
        more = [None, *(_added(before, cut) for before, cut in pairwise(cuts)), None]
        side = len(self.tile)
        running: Running | None = None
        for start in range(0, len(cuts), side):
            some = range(start, min(start + side, len(cuts)))
            tile = self.tile[: len(some)]
            for at, out in zip(some, tile):
                sheet, which = cuts[at]
                which = np.arange(len(sheet.channels)) if which is None else which
                if more[at] is None and more[at + 1] is None:
                    self._alone(sheet, which, out)
                    continue
                running = self._grown(None if more[at] is None else running, sheet, which, more[at])
                self.tail(self.buffer.copy_(running.sum), out)
            beyond = torch.sub(tile, self.sham, out=self.beyond[: len(some)]).abs_().amax(1, keepdim=True)
            yield from torch.where(beyond == 0, self.across, tile).mT  # NaN is not 0: it stays

    def _alone(self, sheet: Sheet, which: np.ndarray, out: torch.Tensor) -> None:
        if self.anew(self.mix, sheet, which):
            self.buffer.copy_(self._anew(sheet, which))
        else:
            self._add(self.sum, sheet, which, self.buffer)
        self.tail(self.buffer, out)

    def _grown(self, running: Running | None, sheet: Sheet, which: np.ndarray, more: np.ndarray | None) -> Running:
        """Get a running sum with some channels more (None: with its first ones), begun anew where much was added."""
        if running is None or more is None:
            made = Running(torch.empty_like(self.sum), self.level[self.mix.node])
            if not self.anew(self.mix, sheet, which):
                self._add(self.sum, sheet, which, made.sum)
                made.loud = sheet.loud[self.mix.node].of(which)
                return made
        else:
            made = running
            added = sheet.loud[self.mix.node].of(more)
            made.loud = added if made.loud is None else made.loud.plus(added)
            made.steps += 1
            if made.steps < STEPS and bool(made.loud.within(made.level)):
                self._add(made.sum, sheet, more, made.sum)
                return made
        made.sum.copy_(self._anew(sheet, which))
        made.level, made.loud, made.steps = level_of(self.mix, made.sum), None, 0
        return made

    def _anew(self, sheet: Sheet, which: np.ndarray) -> torch.Tensor:
        return self.mix.whole(self.put(self.mix.source, sheet, which), self.values)

    def _add(self, base: torch.Tensor, sheet: Sheet, which: np.ndarray, out: torch.Tensor) -> None:
        """Put a sum with the columns of some channels into ``out``; one column by itself, which is fastest so."""
        assert isinstance(sheet, Columns)
        at = self.mix.lie.index(torch.from_numpy(which).to(base.device), len(sheet.channels))
        change, weights = sheet.change.index_select(0, at), sheet.weights.index_select(0, at)
        if len(change) == 1:
            torch.addcmul(base, change.T, weights, out=out)
        else:
            torch.addmm(base, change.T, weights, out=out)


def _added(before: Cut, cut: Cut) -> np.ndarray | None:
    """The channels that a lesion has beyond the one before; None where it has not all of its, or many more."""
    if before[0] is not cut[0] or before[1] is None or cut[1] is None:
        return None
    more = len(cut[1]) - len(before[1])
    if more < 0 or 2 * more > len(cut[1]):
        return None
    had, has = set(before[1].tolist()), cut[1].tolist()
    added = [channel for channel in has if channel not in had]
    return np.array(added, dtype=np.int64) if len(added) == more else None
