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

from neurolab.specimen.sheet import Cut, Ground, Sheet
from neurolab.specimen.sparse import SparsePlan
from neurolab.specimen.steps import Blocks, Change, Running, Step
from neurolab.specimen.tail import Tail

#: Read-outs of so many lesions are compared with the sham's at once, where they have at most so many values.
SIDE = 16
VALUES = 2**20
#: A layer's output is worked on in blocks of rows of so many bytes: block and buffer lie near the processor meanwhile.
NEAR = 2**19
#: A running sum is begun anew after so many steps, before its rounding adds up.
STEPS = 64

@dataclass(frozen=True)
class Columns(Sheet):
    """A sheet with what each channel changes laid out for sums: ``change`` (columns, rows), the same ``by_row`` (rows,
    columns) in blocks, ``weights`` (columns, features). ``moved`` (columns, rows) : where there is a change; ``still``
    (columns, blocks) : where there is none in a whole block, as behind a unit that is silent. ``silent`` : the lesioned
    channels are all 0, so that a sum over the others is the whole one.
    """

    change: torch.Tensor
    by_row: Blocks
    weights: torch.Tensor
    moved: np.ndarray
    still: np.ndarray
    silent: bool


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
        given = made.channels, made.new, made.delta, made.loud, made.quiet
        moved = change.numpy() != 0  # NaN is not 0
        still = ~np.stack([moved[:, low : low + self.size].any(1) for low in range(0, moved.shape[1], self.size)], 1)
        return Columns(*given, change, self._split(change.T), by_column, moved, still, silent)

    def answers(self, cuts: Sequence[Cut]) -> Iterator[torch.Tensor]:
        """Get the read-out (rows, outputs) under each lesion, in this order.

        Where a sheet's channels grow from lesion to lesion, what is added is enough.
        """
        more = [None, *(_added(before, cut) for before, cut in pairwise(cuts)), None]
        side = len(self.tile)
        running: Running | None = None
        for start in range(0, len(cuts), side):
            some = range(start, min(start + side, len(cuts)))
            tile, steps, kept = self.tile[: len(some)], list[Step](), dict[int, np.ndarray]()
            for slot, at in enumerate(some):
                sheet, which = cuts[at]
                assert isinstance(sheet, Columns)
                which = np.arange(len(sheet.channels)) if which is None else which
                if more[at] is None:
                    running = None if more[at + 1] is None else Running.like(self.blocks, self.most[self.mix.node])
                step = self._step(slot, sheet, which, running, more[at])
                if step is not None:
                    steps.append(step)
                    part = running is not None and running.part
                else:  # the layer is run anew, once all that need a running sum as it is are answered
                    self._walk(steps, tile)
                    part, whole = sheet.silent, self._split(self._anew(sheet, which))
                    if running is None:
                        self._behind(whole, tile[slot])
                    else:
                        running.put(whole, part=part)
                        steps.append(Step(slot, None, running))
                if part:  # summed in another order also where nothing changes
                    kept[slot] = ~(self._moved(sheet, which) if running is None else running.moved)
            self._walk(steps, tile)
            yield from self._settled(tile, kept)

    def _settled(self, tile: torch.Tensor, kept: Mapping[int, np.ndarray]) -> torch.Tensor:
        """Get read-outs (lesions, rows, outputs): the intact ones where the sham's are met, and where ``kept`` says."""
        work = self.work[: len(tile)]
        beyond = torch.sub(tile, self.sham, out=work).abs_().amax(1, keepdim=True)  # NaN is not 0: it stays
        for slot, rows in kept.items():
            beyond[slot, 0].masked_fill_(torch.from_numpy(rows), 0)
        settled = torch.where(beyond == 0, self.across, tile, out=work)
        return settled.mT.clone(memory_format=torch.contiguous_format)

    def _split(self, whole: torch.Tensor) -> Blocks:
        """A layer's output (rows, features) as blocks."""
        return whole.split(self.size)

    def _behind(self, blocks: Blocks, out: torch.Tensor) -> None:
        """Put the read-out behind a layer's output into ``out`` (outputs, rows); the blocks stay as they are."""
        for block, part in zip(blocks, out.split(self.size, 1)):
            self.tail.on(block, part, self.buffers[len(block)])

    def _walk(self, steps: list[Step], tile: torch.Tensor) -> None:
        """Answer some lesions of a tile and forget them, one block after another: each is at hand for all of them."""
        for number, (block, part) in enumerate(zip(self.blocks, tile.split(self.size, 2))):
            buffer, sham = self.buffers[len(block)], self.sham_by_block[number]
            for step in steps:
                out, same = part[step.slot], step.same(number, part, sham)
                if same is not None:
                    out.copy_(same)
                elif step.running is None:
                    self.tail(step.sum(number, block, buffer), out)
                else:
                    self.tail.on(step.sum(number, block, buffer), out, buffer)
        steps.clear()

    def _step(
        self, slot: int, sheet: Columns, which: np.ndarray, running: Running | None, more: np.ndarray | None
    ) -> Step | None:
        """Get how a lesion is answered by what it adds; None where its layer is to be run anew.

        more : what it has beyond the lesion before, where it grows from that.
        """
        loud = sheet.loud[self.mix.node]
        if running is None or more is None:
            change = self._small(sheet, which)
            if running is not None:
                running.moved = self._moved(sheet, which)
                running.may(loud.of(which), which)
            return None if change is None else Step(slot, change, running, begins=running is not None)
        running.steps += 1
        running.moved = running.moved | self._moved(sheet, more)
        small = running.may(loud.of(more), more) or running.found(self._change(sheet, running.added).loudness())
        if not small or running.steps >= STEPS:
            return None
        return Step(slot, self._change(sheet, more), running, after=slot - 1 if slot else None)

    def _small(self, sheet: Columns, which: np.ndarray) -> Change | None:
        """What a lesion changes, where that is a small part of the layer's output."""
        small = self.small(self.mix, sheet, which)
        if small is False:
            return None
        change = self._change(sheet, which)
        return change if small or change.loudness().within(self.most[self.mix.node]) else None

    def _anew(self, sheet: Columns, which: np.ndarray) -> torch.Tensor:
        """The layer on a lesion's channels, all of them; on the others alone where the lesioned ones are 0."""
        if not sheet.silent:
            return self.mix.whole(self.put(self.mix.source, sheet, which), self.values)
        left = torch.ones(self.plan.n_channels, dtype=torch.bool)
        left[sheet.chosen(which)] = False
        at = self.mix.lie.index(left.nonzero().flatten(), self.plan.n_channels)
        return self.mix.whole(self.values[self.mix.source].index_select(self.mix.lie.axis, at), self.values, at)

    def _change(self, sheet: Columns, which: np.ndarray) -> Change:
        """The columns of some channels; one column by itself is no copy."""
        if len(which) == 1 and self.mix.rank_one:
            one = slice(int(which[0]), int(which[0]) + 1)
            return Change([block[:, one] for block in sheet.by_row], sheet.weights[one], sheet.still[which[0]])
        at = self._columns(sheet, which)
        columns, weights = sheet.change.index_select(0, at), sheet.weights.index_select(0, at)
        return Change(self._split(columns.T), weights, sheet.still[at.numpy()].all(0), columns)

    def _moved(self, sheet: Columns, which: np.ndarray) -> np.ndarray:
        """Rows in which some channels change anything."""
        if len(which) == 1 and self.mix.rank_one:
            return sheet.moved[which[0]]
        found: np.ndarray = sheet.moved[self._columns(sheet, which).numpy()].any(0)
        return found

    def _columns(self, sheet: Columns, which: np.ndarray) -> torch.Tensor:
        """Where the columns of some channels lie."""
        return self.mix.lie.index(torch.from_numpy(which), len(sheet.channels))


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
