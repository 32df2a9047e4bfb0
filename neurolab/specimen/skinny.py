"""Lesions before a tail of element-wise operations and small read-outs: a sum of columns, and the tail on it in place.

A lesion that takes the previous one's channels and a few more starts from the sum that the previous one left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch.fx import Node

from neurolab.specimen.loud import Loudness, Meter, faint
from neurolab.specimen.settling import Settling, rooms
from neurolab.specimen.sheet import HUSHED, MANY, Cut, Ground, Sheet
from neurolab.specimen.sparse import SparsePlan
from neurolab.specimen.steps import Anew, Blocks, Change, Running, Step, added
from neurolab.specimen.tail import Tail

#: Read-outs of so many lesions are compared with the sham's at once, where they have at most so many values.
SIDE = 16
VALUES = 2**20
#: A layer's output is worked on in blocks of rows of so many bytes: block and buffer lie near the processor meanwhile.
NEAR = 2**19
#: A running sum is begun anew after so many steps, before its rounding adds up.
STEPS = 64
#: Where a lesion leaves no more than this share of a site's channels, the layer on those alone is as fast as a step.
FEW = 1 / 16
#: A change that is loud in no more than this share of a layer's features is added to the others; these are run anew.
SOME = 1 / 8


@dataclass(frozen=True)
class Columns(Sheet):
    """A sheet with what each channel changes laid out for sums: ``change`` (columns, rows) and ``weights`` (columns,
    features). ``moved`` (columns, rows) : where there is a change; ``still`` (columns, blocks) : where there is none in
    a whole block, as behind a unit that is silent; ``alive`` (channels,) : which have any. ``silent`` : the lesioned
    channels are all 0, so that a sum over the others is the whole one.
    """

    change: torch.Tensor
    weights: torch.Tensor
    moved: np.ndarray
    still: np.ndarray
    alive: np.ndarray
    silent: bool


@dataclass(frozen=True)
class Turn:
    """A lesion whose turn it is: its ``slot`` in a tile; its sheet, and which of its channels it takes.

    ``running`` : the sum of its chain; None where it stands by itself. ``new`` : the channels that it has beyond the
    lesion before; None where a chain begins with it.
    """

    slot: int
    sheet: Columns
    which: np.ndarray
    running: Running | None
    new: np.ndarray | None


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
        shared = {len(one): torch.empty_like(one) for one in self.blocks}
        self.buffers = [shared[len(one)] for one in self.blocks]
        loudest = float(self.level[self.mix.node].both.max()) * known.shape[1] ** 0.5  # as large as a value may be
        self.sums = self.tail.sums and loudest < torch.finfo(known.dtype).max / 4  # a small part added, still finite
        self.finite = bool(values[self.mix.weights].isfinite().all())
        across = intact.T.contiguous()
        self.settle = Settling(torch.empty_like(across), across)
        self.sham_by_block = self.settle.sham.split(self.size, 1)
        for block, part, buffer in zip(self.blocks, self.sham_by_block, self.buffers):
            self.tail.on(block, part, buffer)
        side = max(1, min(SIDE, VALUES // max(across.numel(), 1)))
        self.tile, self.work = rooms(across, 2, side)
        self.parts = [part.unbind() for part in self.tile.split(self.size, 2)]  # by block, then by lesion

    def sheet(self, channels: torch.Tensor, slab: torch.Tensor) -> Columns:
        """Get the new values of some channels carried, and their columns."""
        made, mix = super().sheet(channels, slab), self.mix
        weights = mix.columns(self.values[mix.weights], channels, self.plan.n_channels)
        change, by_column = made.delta[mix.node].T.contiguous(), (weights.T if mix.axis else weights).contiguous()
        silent = self.finite and not made.new.carried[mix.source].numpy().any()  # NaN is not 0
        given = made.channels, made.new, made.delta, made.loud, made.quiet
        moved = change.numpy() != 0  # NaN is not 0
        still = ~np.stack([moved[:, low : low + self.size].any(1) for low in range(0, moved.shape[1], self.size)], 1)
        alive = np.asarray((~still).reshape(mix.lie.outer, len(channels), -1).any((0, 2)))
        return Columns(*given, change, by_column, moved, still, alive, silent)

    def answers(self, cuts: Sequence[Cut]) -> Iterator[torch.Tensor]:
        """Get the read-out (rows, outputs) under each lesion, in this order.

        Where a sheet's channels grow from lesion to lesion, what is added is enough.
        """
        more = [None, *(added(before, cut) for before, cut in pairwise(cuts)), None]
        side = len(self.tile)
        running: Running | None = None
        for start in range(0, len(cuts), side):
            some = range(start, min(start + side, len(cuts)))
            tile, steps, kept = self.tile[: len(some)], list[Step](), dict[int, np.ndarray]()
            told: list[tuple[Turn, Step]] = []
            for slot, at in enumerate(some):
                sheet, which = cuts[at]
                assert isinstance(sheet, Columns)
                which = np.arange(sheet.channels.shape[0]) if which is None else which
                if more[at] is None:
                    running = None if more[at + 1] is None else Running.like(self.blocks, self.level[self.mix.node])
                one = Turn(slot, sheet, which, running, more[at])
                if running is not None:
                    new = self._moved(sheet, which if one.new is None else one.new)
                    running.moved = new if one.new is None else running.moved | new
                step = self._step(one) or self._begun(one, steps)
                steps.append(step)
                told.append((one, step))
                part = sheet.silent and (step.base is self.bare or (running is not None and running.part))
                if part or (step.change is not None and step.change.anew is not None):
                    kept[slot] = ~self._reached(one)  # summed in another order also where nothing changes
            self._walk(steps)
            for one in self._faint(told, tile):
                if one.sheet.silent:
                    kept[one.slot] = ~self._reached(one)
                self._walk([self._anew(one)])
            yield from self.settle(tile, kept, self.work[: len(tile)])

    def _faint(self, told: Sequence[tuple[Turn, Step]], tile: torch.Tensor) -> list[Turn]:
        """Get the lesions of whose read-outs little is left beside those of the sums that they were taken out of."""
        found = []
        all_largest = torch.abs(tile, out=self.work[: len(tile)]).amax((1, 2)).tolist()  # NaN stays
        for (one, step), largest in zip(told, all_largest):
            if step.base is not None:
                beside = self.largest if step.base is self.blocks else 0.0  # anew: nothing was taken out
            else:
                assert step.running is not None
                beside = step.running.largest
            if faint(largest, beside):
                found.append(Turn(one.slot, one.sheet, one.which, None, None))
            if step.running is not None:
                step.running.largest = max(largest, beside)
        return found

    def _split(self, whole: torch.Tensor) -> Blocks:
        """A layer's output (rows, features) as blocks."""
        return whole.split(self.size)

    def _walk(self, steps: list[Step], heard: Running | None = None) -> Loudness | None:
        """Answer some lesions of a tile and forget them, one block after another: each is at hand for all of them.

        heard : a running sum whose loudness is returned, as these lesions leave it.
        """
        meter = Meter()
        for number, (part, sham, buffer) in enumerate(zip(self.parts, self.sham_by_block, self.buffers)):
            for step in steps:
                out, same = part[step.slot], step.same(number, part, sham)
                if same is not None:
                    out.copy_(same)
                    continue
                if self.sums and (more := step.more(self.blocks)):
                    self.tail.on_sum(self.blocks[number], more.alone(number, buffer), out)
                    continue
                begin = step.sum(number, buffer)
                if begin is buffer:
                    self.tail(begin, out)
                else:
                    self.tail.on(begin, out, buffer)
            if heard is not None:
                meter.add(heard.blocks[number], buffer)
        steps.clear()
        return None if heard is None else meter.read()

    def _step(self, one: Turn) -> Step | None:
        """Get how a lesion is answered by what it adds; None where a sum is to be measured, or to begin anew."""
        sheet, running, loud = one.sheet, one.running, one.sheet.loud[self.mix.node]
        if sheet.silent and self.plan.n_channels - len(one.which) <= FEW * self.plan.n_channels:
            return Step(one.slot, self._left(one), None, self.bare)
        if running is not None and one.new is not None:
            running.steps += 1
            return self._more(one) if running.may(loud.of(one.new)) and running.steps < STEPS else None
        change = self._small(sheet, one.which, alone=running is None)
        if running is not None:
            running.may(loud.of(one.which))
        return None if change is None else Step(one.slot, change, running, self.blocks)

    def _begun(self, one: Turn, steps: list[Step]) -> Step:
        """The same once those before are answered: from a sum as they leave it, which is measured, or run anew."""
        sheet, running = one.sheet, one.running
        heard = running if running is not None and one.new is not None and running.steps < STEPS else None
        level = self._walk(steps, heard)
        if running is not None:
            if level is not None and running.measured_may(level, sheet.loud[self.mix.node].of(one.new)):
                return self._more(one)
            running.begin(None, part=sheet.silent)
        return self._anew(one)

    def _anew(self, one: Turn) -> Step:
        """The layer on a lesion's channels, all of them; on the others alone where the lesioned ones are 0."""
        if one.sheet.silent:
            return Step(one.slot, self._left(one), one.running, self.bare)
        whole = self.mix.whole(self.put(self.mix.source, one.sheet, one.which), self.values)
        return Step(one.slot, None, one.running, self._split(whole))

    def _more(self, one: Turn) -> Step:
        assert one.new is not None
        return Step(one.slot, self._change(one.sheet, one.new), one.running, after=one.slot - 1 if one.slot else None)

    def _small(self, sheet: Columns, which: np.ndarray, *, alone: bool) -> Change | None:
        """What a lesion changes, where it is a small part of a layer's output; ``alone`` : in all but some features."""
        small, most = self.small(self.mix, sheet, which), self.most[self.mix.node]
        if small is False and not (alone and len(which) <= max(1, MANY * self.plan.n_channels)):
            return None
        change = self._change(sheet, which)
        if small:
            return change
        loud = ~(change.loudness().both <= most.both)  # by row, then by feature; NaN is loud
        if small is False and len(which) > 1:
            loud |= ~(sheet.loud[self.mix.node].each(which).both <= most.times(HUSHED).both).all(0)
        places = np.flatnonzero(loud) - change.columns.shape[1]
        if not len(places):
            return change
        some = alone and places[0] >= 0 and len(places) <= SOME * change.weights.shape[1]
        return replace(change, anew=self._features(sheet, which, torch.from_numpy(places))) if some else None

    def _features(self, sheet: Columns, which: np.ndarray, places: torch.Tensor) -> Anew:
        """Some features of the layer's output under a lesion."""
        read, weights = self.by_channel[0], self.by_channel[1].index_select(1, places)
        at = self.mix.lie.index(sheet.chosen(which), self.plan.n_channels)
        values = torch.cat([block.index_select(1, places) for block in self.bare]).T
        values = torch.addmm(values, weights.index_fill(0, at, 0).T, read)
        if not sheet.silent:
            new = sheet.part(sheet.new.carried[self.mix.source], which, self.mix.lie)
            values.addmm_(weights.index_select(0, at).T, new.T)
        return Anew(places, values)

    def _left(self, one: Turn) -> Change:
        """The columns of the channels that a lesion leaves alone: all there is where its own are silent."""
        left = torch.ones(self.plan.n_channels, dtype=torch.bool)
        left[one.sheet.chosen(one.which)] = False
        at = self.mix.lie.index(left.nonzero().flatten(), self.plan.n_channels)
        read, weights = (whole.index_select(0, at) for whole in self.by_channel)
        moved = self._reached(one)
        still = [not moved[low : low + self.size].any() for low in range(0, len(moved), self.size)]
        return Change(read, weights, self.size, still)

    def _reached(self, one: Turn) -> np.ndarray:
        """Rows in which a lesion changes anything."""
        return self._moved(one.sheet, one.which) if one.running is None else one.running.moved

    @cached_property
    def by_channel(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the layer reads (channels, rows) and its weights (channels, features), each channel in one place."""
        weights = self.values[self.mix.weights]
        return self.values[self.mix.source].T.contiguous(), (weights.T if self.mix.axis else weights).contiguous()

    @cached_property
    def bare(self) -> Blocks:
        """The layer's output where it reads nothing: its bias."""
        nothing = torch.zeros(0, dtype=torch.long)
        whole = self.mix.whole(self.values[self.mix.source][:, :0], self.values, nothing)
        return self._split(whole[:1].expand_as(whole) if bool((whole == whole[:1]).all()) else whole)

    def _change(self, sheet: Columns, which: np.ndarray) -> Change:
        """The columns of some channels; one column by itself is no copy."""
        if len(which) == 1 and self.mix.rank_one:
            at = int(which[0])
            return Change(sheet.change[at : at + 1], sheet.weights[at : at + 1], self.size, sheet.still[at])
        places = self._columns(sheet, which[sheet.alive[which]])
        columns, weights = sheet.change.index_select(0, places), sheet.weights.index_select(0, places)
        return Change(columns, weights, self.size, sheet.still[places.numpy()].all(0))

    def _moved(self, sheet: Columns, which: np.ndarray) -> np.ndarray:
        """Rows in which some channels change anything."""
        if len(which) == 1 and self.mix.rank_one:
            return sheet.moved[which[0]]
        found: np.ndarray = sheet.moved[self._columns(sheet, which).numpy()].any(0)
        return found

    def _columns(self, sheet: Columns, which: np.ndarray) -> torch.Tensor:
        """Where the columns of some channels lie."""
        return self.mix.lie.index(torch.from_numpy(which), sheet.channels.shape[0])
