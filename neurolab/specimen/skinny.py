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
from neurolab.specimen.tail import Tail

#: Read-outs of so many lesions are compared with the sham's at once, where they have at most so many values.
SIDE = 16
VALUES = 2**20
#: A layer's output is worked on in blocks of rows of so many bytes: block and buffer lie near the processor meanwhile.
NEAR = 2**19
#: A running sum is begun anew after so many steps, before its rounding adds up.
STEPS = 64
#: What a running sum starts with before it is begun.
NOTHING = np.zeros(0), np.zeros(0)


#: A layer's output (rows, features) as blocks of rows.
Blocks = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Columns(Sheet):
    """A sheet with what each channel changes laid out for sums: ``change`` (columns, rows), the same ``by_row`` (rows,
    columns) in blocks, ``weights`` (columns, features). ``still`` (columns, blocks) : nothing changes there, as behind
    a unit that is silent. ``energy`` : (columns, rows + features). ``silent`` : the lesioned channels are all 0, so
    that a sum over the others is the whole one.
    """

    change: torch.Tensor
    by_row: Blocks
    weights: torch.Tensor
    still: np.ndarray
    energy: np.ndarray
    silent: bool


@dataclass
class Running:
    """A sum that a growing set of channels has in common, block by block, and how far it has come since it began anew.

    ``most`` and ``loud`` are energies by row and then by feature: what may be added, and what was.
    """

    blocks: Blocks
    most: np.ndarray
    loud: np.ndarray
    steps: int = 0

    def begin(self, most: Energy) -> None:
        """Begin to count anew; where ``most`` is NaN, nothing may be added."""
        self.most = most.both.numpy()
        self.loud = np.zeros_like(self.most)
        self.steps = 0

    def may(self, energy: np.ndarray, which: np.ndarray) -> bool:
        """Count some channels, and get whether all that was added is still a small part, by row and by feature."""
        self.loud += energy[which[0]] if len(which) == 1 else energy[which].sum(0)
        return bool((self.loud <= self.most).all())


@dataclass(frozen=True)
class Change:
    """What some columns change: ``by_row`` (rows, columns), block by block, times ``weights`` (columns, features).

    ``still`` : by block, whether that is nothing.
    """

    by_row: Blocks
    weights: torch.Tensor
    still: Sequence[bool]

    def add(self, number: int, block: torch.Tensor, out: torch.Tensor) -> None:
        """Put one block with the change into ``out``; one column is fastest element by element."""
        if len(self.weights) == 1:
            torch.addcmul(block, self.by_row[number], self.weights, out=out)
        else:
            torch.addmm(block, self.by_row[number], self.weights, out=out)

    def all(self, blocks: Blocks, out: Blocks) -> None:
        """Put all blocks with the change into ``out``."""
        for number, (block, place) in enumerate(zip(blocks, out)):
            self.add(number, block, place)


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
        self.bound = self.most[self.mix.node].both.numpy()
        known = values[self.mix.node]
        self.size = max(1, NEAR // (known.shape[1] * known.element_size())) if self.tail.by_blocks else len(known)
        # (features) x (rows) in memory, as the tail hands its read-out out, unless it goes over all features of a row
        self.blocks = [one.contiguous() if self.tail.by_rows else one.T.contiguous().T for one in self._split(known)]
        self.buffers = {len(one): torch.empty_like(one) for one in self.blocks}
        self.finite = bool(values[self.mix.weights].isfinite().all())
        self.across = intact.T.contiguous()
        self.sham = torch.empty_like(self.across)
        self._behind(self.blocks, self.sham)
        self.sham_by_block = self.sham.split(self.size, 1)
        side = max(1, min(SIDE, VALUES // max(self.across.numel(), 1)))
        self.tile, self.work = self.across.new_empty(2, side, *self.across.shape)

    def sheet(self, channels: torch.Tensor, slab: torch.Tensor) -> Columns:
        """Get the new values of some channels carried, and their columns."""
        made, mix = super().sheet(channels, slab), self.mix
        weights = mix.columns(self.values[mix.weights], channels, self.plan.n_channels)
        change, by_column = made.delta[mix.node].T.contiguous(), (weights.T if mix.axis else weights).contiguous()
        silent = self.finite and not bool(made.new.carried[mix.source].any())  # NaN is not 0
        energy = made.loud[mix.node].both.numpy()
        given = made.channels, made.new, made.delta, made.loud, made.quiet
        by_row = self._split(change.T)
        still = ~np.stack([part.T.numpy().any(1) for part in by_row], 1)
        return Columns(*given, change, by_row, by_column, still, energy, silent)

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
            apart: list[tuple[int, Change]] = []
            for slot, (at, out) in enumerate(zip(some, tile)):
                sheet, which = cuts[at]
                which = np.arange(len(sheet.channels)) if which is None else which
                if more[at] is not None or more[at + 1] is not None:
                    running = self._grown(None if more[at] is None else running, sheet, which, more[at])
                    self._behind(running.blocks, out)
                elif self.anew(self.mix, sheet, which):
                    self._behind(self._split(self._anew(sheet, which)), out)
                else:
                    apart.append((slot, self._change(sheet, which)))
            # one block after another: it is at hand for all of them
            for number, (block, part) in enumerate(zip(self.blocks, tile.split(self.size, 2))):
                buffer = self.buffers[len(block)]
                for slot, change in apart:
                    if change.still[number]:
                        part[slot] = self.sham_by_block[number]
                    else:
                        change.add(number, block, buffer)
                        self.tail(buffer, part[slot])
            work = self.work[: len(some)]
            beyond = torch.sub(tile, self.sham, out=work).abs_().amax(1, keepdim=True)
            settled = torch.where(beyond == 0, self.across, tile, out=work)  # NaN is not 0: it stays
            yield from settled.mT.clone(memory_format=torch.contiguous_format)

    def anew(self, mix: Mixing, sheet: Sheet, which: Which) -> bool:
        """The same question as everywhere, asked of the energies as they lie here."""
        if which is None or len(which) < 2 or not isinstance(sheet, Columns):
            return super().anew(mix, sheet, which)
        many = len(which) > MANY * self.plan.n_channels or not sheet.quiet[mix.node][which].all()
        return many or not bool((sheet.energy[which].sum(0) <= self.bound).all())

    def _split(self, whole: torch.Tensor) -> Blocks:
        """A layer's output (rows, features) as blocks."""
        return whole.split(self.size)

    def _behind(self, blocks: Blocks, out: torch.Tensor) -> None:
        """Put the read-out behind a layer's output into ``out`` (outputs, rows); the blocks stay as they are."""
        for block, part in zip(blocks, out.split(self.size, 1)):
            self.tail.on(block, part, self.buffers[len(block)])

    def _grown(self, running: Running | None, sheet: Sheet, which: np.ndarray, more: np.ndarray | None) -> Running:
        """Get a running sum with some channels more (None: with its first ones), begun anew where much was added."""
        assert isinstance(sheet, Columns)
        energy = sheet.energy
        if running is None or more is None:
            made = Running([torch.empty_like(block) for block in self.blocks], *NOTHING)
            if not self.anew(self.mix, sheet, which):
                self._change(sheet, which).all(self.blocks, made.blocks)
                made.begin(self.most[self.mix.node])
                made.may(energy, which)
                return made
        else:
            made = running
            made.steps += 1
            if made.may(energy, more) and made.steps < STEPS:
                self._change(sheet, more).all(made.blocks, made.blocks)
                return made
        whole = self._anew(sheet, which)
        for block, part in zip(made.blocks, self._split(whole)):
            block.copy_(part)
        square = whole.to(torch.promote_types(whole.dtype, torch.float32)).square()
        # infinite where it overflows: then nothing may be added
        made.begin(Energy(torch.cat([square.mean(1), square.mean(0)]).double()).most())
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

    def _change(self, sheet: Sheet, which: np.ndarray) -> Change:
        """The columns of some channels; one column by itself is no copy."""
        assert isinstance(sheet, Columns)
        if len(which) == 1 and len(sheet.weights) == len(sheet.channels):
            one = slice(int(which[0]), int(which[0]) + 1)
            return Change([block[:, one] for block in sheet.by_row], sheet.weights[one], sheet.still[which[0]])
        at = self.mix.lie.index(torch.from_numpy(which).to(sheet.weights.device), len(sheet.channels))
        by_row, weights = self._split(sheet.change.index_select(0, at).T), sheet.weights.index_select(0, at)
        return Change(by_row, weights, sheet.still[at.numpy()].all(0))


def _added(before: Cut, cut: Cut) -> np.ndarray | None:
    """The channels that a lesion has beyond the one before; None where it has not all of its, or many more."""
    if before[0] is not cut[0] or before[1] is None or cut[1] is None:
        return None
    more = len(cut[1]) - len(before[1])
    if not more and len(cut[1]) == 1:
        return cut[1][:0] if cut[1][0] == before[1][0] else None
    if more < 0 or 2 * more > len(cut[1]):
        return None
    new = np.ones(len(cut[0].channels), dtype=bool)
    new[before[1]] = False
    added = cut[1][new[cut[1]]]
    return added if len(added) == more else None
