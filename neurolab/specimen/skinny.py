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

from neurolab.specimen.mixing import Mixing
from neurolab.specimen.sheet import MANY, Cut, Energy, Ground, Sheet, Which
from neurolab.specimen.sparse import SparsePlan
from neurolab.specimen.tail import SMALL, Tail

#: Read-outs of so many lesions are compared with the sham's at once, where they have at most so many values.
SIDE = 16
VALUES = 2**20
#: A running sum is begun anew after so many steps, before its rounding adds up.
STEPS = 64
#: What a running sum starts with before it is begun.
NOTHING = np.zeros(0), np.zeros(0)


@dataclass(frozen=True)
class Columns(Sheet):
    """A sheet with what each channel changes laid out for sums: ``change`` (columns, rows), ``weights`` (columns,
    features). ``energy`` : (columns, rows + features). ``silent`` : the lesioned channels are all 0, so that a sum over
    the others is the whole one.
    """

    change: torch.Tensor
    weights: torch.Tensor
    energy: np.ndarray
    silent: bool


@dataclass
class Running:
    """A sum that a growing set of channels has in common, and how far it has come since it was begun anew.

    ``most`` and ``loud`` are energies by row and then by feature: what may be added, and what was.
    """

    sum: torch.Tensor
    most: np.ndarray
    loud: np.ndarray
    steps: int = 0

    def begin(self, most: Energy) -> None:
        """Begin to count anew; where ``most`` is NaN, nothing may be added."""
        self.most = np.concatenate([most.rows.numpy(), most.features.numpy()])
        self.loud = np.zeros_like(self.most)
        self.steps = 0

    def may(self, energy: np.ndarray, which: np.ndarray) -> bool:
        """Count some channels, and get whether all that was added is still a small part, by row and by feature."""
        self.loud += energy[which[0]] if len(which) == 1 else energy[which].sum(0)
        return bool((self.loud <= self.most).all())


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
        most = self.most[self.mix.node]
        self.bound = np.concatenate([most.rows.numpy(), most.features.numpy()])
        known = values[self.mix.node]
        # few features lie (features) x (rows) in memory, as the tail hands its read-out out
        self.sum = known.T.contiguous().T if known.shape[1] <= SMALL else known.contiguous()
        self.buffer = torch.empty_like(self.sum)
        self.finite = bool(values[self.mix.weights].isfinite().all())
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
        silent = self.finite and not bool(made.new.carried[mix.source].any())  # NaN is not 0
        loud = made.loud[mix.node]
        energy = torch.cat([loud.rows, loud.features], 1).numpy()
        return Columns(made.channels, made.new, made.delta, made.loud, made.quiet, change, by_column, energy, silent)

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
                self.tail.on(running.sum, out, self.buffer)
            beyond = torch.sub(tile, self.sham, out=self.beyond[: len(some)]).abs_().amax(1, keepdim=True)
            yield from torch.where(beyond == 0, self.across, tile).mT  # NaN is not 0: it stays

    def anew(self, mix: Mixing, sheet: Sheet, which: Which) -> bool:
        """The same question as everywhere, asked of the energies as they lie here."""
        if which is None or len(which) < 2 or not isinstance(sheet, Columns):
            return super().anew(mix, sheet, which)
        many = len(which) > MANY * self.plan.n_channels or not sheet.quiet[mix.node][which].all()
        return many or not bool((sheet.energy[which].sum(0) <= self.bound).all())

    def _alone(self, sheet: Sheet, which: np.ndarray, out: torch.Tensor) -> None:
        if self.anew(self.mix, sheet, which):
            self.buffer.copy_(self._anew(sheet, which))
        else:
            self._add(self.sum, sheet, which, self.buffer)
        self.tail(self.buffer, out)

    def _grown(self, running: Running | None, sheet: Sheet, which: np.ndarray, more: np.ndarray | None) -> Running:
        """Get a running sum with some channels more (None: with its first ones), begun anew where much was added."""
        assert isinstance(sheet, Columns)
        energy = sheet.energy
        if running is None or more is None:
            made = Running(torch.empty_like(self.sum), *NOTHING)
            if not self.anew(self.mix, sheet, which):
                self._add(self.sum, sheet, which, made.sum)
                made.begin(self.most[self.mix.node])
                made.may(energy, which)
                return made
        else:
            made = running
            made.steps += 1
            if made.may(energy, more) and made.steps < STEPS:
                self._add(made.sum, sheet, more, made.sum)
                return made
        made.sum.copy_(self._anew(sheet, which))
        exact = torch.promote_types(made.sum.dtype, torch.float32)
        square = made.sum.to(exact).square()  # infinite where it overflows: then nothing may be added
        made.begin(Energy(square.mean(1).double(), square.mean(0).double()).most())
        return made

    def _anew(self, sheet: Sheet, which: np.ndarray) -> torch.Tensor:
        """The layer on a lesion's channels, all of them; on the others alone where the lesioned ones are 0."""
        assert isinstance(sheet, Columns)
        if not sheet.silent:
            return self.mix.whole(self.put(self.mix.source, sheet, which), self.values)
        left = torch.ones(self.plan.n_channels, dtype=torch.bool)
        left[sheet.chosen(which)] = False
        at = self.mix.lie.index(left.nonzero().flatten(), self.plan.n_channels)
        return self.mix.whole(self.values[self.mix.source].index_select(self.mix.lie.axis, at), self.values, at)

    def _add(self, base: torch.Tensor, sheet: Sheet, which: np.ndarray, out: torch.Tensor) -> None:
        """Put a sum with the columns of some channels into ``out``; one column by itself, which is fastest so."""
        assert isinstance(sheet, Columns)
        if len(which) == 1 and len(sheet.change) == len(sheet.channels):
            k = int(which[0])
            torch.addcmul(base, sheet.change[k : k + 1].T, sheet.weights[k : k + 1], out=out)
            return
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
    new = np.ones(len(cut[0].channels), dtype=bool)
    new[before[1]] = False
    added = cut[1][new[cut[1]]]
    return added if len(added) == more else None
