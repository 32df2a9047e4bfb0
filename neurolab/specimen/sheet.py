"""One batch under lesions of one site: new values of some channels carried to the layers that mix them, once for many.

A sheet holds what a set of channels would change, each by itself. Any lesion of these channels is some of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.fx import Node

from neurolab.specimen.carry import Lie, Narrow
from neurolab.specimen.loud import Loudness, faint, loudness
from neurolab.specimen.mixing import Mixing
from neurolab.specimen.settling import settled
from neurolab.specimen.sparse import SparsePlan

#: Runs what lies behind: the values of the plan's boundary, copies stacked along the batch, and how many copies.
Rest = Callable[[Mapping[Node, torch.Tensor], int], torch.Tensor]
#: Places among a sheet's channels, each once (None: all of them).
Which = np.ndarray | None
#: A channel that is so many times as loud as a layer's output, which others hush, has left its rounding in it.
HUSHED = 8.0
#: Beyond this share of a site's channels the layer is run anew, which then costs no more.
MANY = 0.5


@dataclass(frozen=True)
class Sheet:
    """New values of some channels of one batch, and what they change in what each mixing layer reads.

    ``delta``, ``loud`` and ``quiet`` are by mixing node: the change of its input, narrowed; how loud each channel is in
    its output, at most; whether that is a small part for each channel by itself.
    """

    channels: torch.Tensor
    new: Narrow
    delta: Mapping[Node, torch.Tensor]
    loud: Mapping[Node, Loudness]
    quiet: Mapping[Node, np.ndarray]

    def chosen(self, which: Which) -> torch.Tensor:
        """Get the chosen channels, as the site numbers them."""
        return self.channels if which is None else self.channels[torch.from_numpy(which).to(self.channels.device)]

    def part(self, tensor: torch.Tensor, which: Which, lie: Lie) -> torch.Tensor:
        """Get the chosen channels of a narrowed tensor."""
        if which is None:
            return tensor
        at = torch.from_numpy(which).to(tensor.device)
        return tensor.index_select(lie.axis, lie.index(at, len(self.channels)))


#: A lesion: new values of some channels, and which of them it takes.
Cut = tuple[Sheet, Which]


class Ground:
    """One batch of an intact network, ready to be answered under lesions of one site's channels.

    ``values`` are the intact values of ``plan.needs``; ``intact`` is the read-out without damage, which rows that a
    lesion does not reach are given.
    """

    def __init__(self, plan: SparsePlan, values: Mapping[Node, torch.Tensor], intact: torch.Tensor) -> None:
        self.plan = plan
        self.values = values
        self.intact = intact
        plan.check(values)
        self.largest = _largest(intact)
        self.level = {mix.node: level_of(mix, values[mix.node]) for mix in plan.mixed}
        self.most = {node: level.most() for node, level in self.level.items()}

    def sheet(self, channels: torch.Tensor, slab: torch.Tensor) -> Sheet:
        """Get the new values of some channels carried; ``slab`` is the site's tensor narrowed to them."""
        plan, channels = self.plan, channels.to(slab.device)
        old = plan.carry(channels, self.values[plan.site].index_select(plan.lie.axis, channels), self.values)
        new = plan.carry(channels, slab, self.values)
        delta = {mix.node: _by_channel(new.carried[mix.source] - old.carried[mix.source]) for mix in plan.mixed}
        ends = {*plan.kept, *(mix.source for mix in plan.mixed)}
        new.carried = {node: new.carried[node] for node in ends}  # what lies between takes memory and is read no more
        loud = {mix.node: self._loud(mix, channels, delta[mix.node]) for mix in plan.mixed}
        quiet = {node: one.within(self.most[node]) for node, one in loud.items()}
        return Sheet(channels, new, delta, loud, quiet)

    def _loud(self, mix: Mixing, channels: torch.Tensor, delta: torch.Tensor) -> Loudness:
        exact = torch.promote_types(delta.dtype, torch.float32)
        columns = mix.columns(self.values[mix.weights], channels, self.plan.n_channels).movedim(mix.axis, 0).to(exact)
        weight = columns.abs().flatten(2).sum(2) if columns.dim() > 2 else columns.abs()  # taps may be alike, and add
        change = delta.movedim(mix.lie.axis, 0).to(exact).abs()
        if mix.is_linear:
            change = change.flatten(1)
        else:  # each tap reads every place once at most, of which there may be fewer behind a stride
            places = delta[0, 0].numel() / max(1, self.values[mix.node][0, 0].numel())
            change = change.flatten(2).square().mean(2).mul_(places).sqrt_()
        n, rows = change.shape
        both = change.new_empty(n, rows + weight.shape[1])
        torch.mul(change, _rms(weight), out=both[:, :rows])
        torch.mul(weight, _rms(change), out=both[:, rows:])
        if mix.lie.outer > 1 or mix.lie.inner > 1:
            both = both.view(mix.lie.outer, len(channels), mix.lie.inner, -1).sum((0, 2))
        return Loudness(both.numpy())

    def small(self, mix: Mixing, sheet: Sheet, which: Which) -> bool | None:
        """Get whether a lesion takes a small part out of a layer's output, as far as its sheet says.

        None : it has to be measured. False : many channels, or one that is loud; the layer is to be run anew. One of
        them may also be so loud, and hushed by others alone, that the output holds little but its rounding.
        """
        n = sheet.channels.shape[0] if which is None else len(which)
        if n > MANY * self.plan.n_channels and self.plan.n_channels > 1:
            return False
        if n == 1:
            quiet = bool(sheet.quiet[mix.node][0 if which is None else which[0]])
            return quiet or (False if mix.rank_one else None)
        loud, most = sheet.loud[mix.node], self.most[mix.node]
        if loud.of(which).within(most):
            return True
        return None if loud.each(which).within(most.times(HUSHED)).all() else False

    def put(self, node: Node, sheet: Sheet, which: Which) -> torch.Tensor:
        """Get a carried node's intact value with a lesion's channels in it."""
        lie = self.plan.lies[node]
        at = lie.index(sheet.chosen(which), self.plan.n_channels)
        return self.values[node].index_copy(lie.axis, at, sheet.part(sheet.new.carried[node], which, lie))


class Tiled(Ground):
    """Lesions side by side: the layers that mix are changed per lesion, what lies behind is run for all at once.

    ``rest`` runs it; ``copies`` is how many lesions one run holds, a shape that never changes: fewer are filled up.
    """

    def __init__(
        self, plan: SparsePlan, values: Mapping[Node, torch.Tensor], intact: torch.Tensor, rest: Rest, copies: int = 1
    ) -> None:
        super().__init__(plan, values, intact)
        self.rest = rest
        self.copies = copies
        self.tile = {node: torch.cat([values[node]] * copies) for node in plan.boundary}
        self.sham = self._behind().clone()  # where nothing lies behind, it is the tile itself

    def _behind(self) -> torch.Tensor:
        """The read-outs of a tile, (copies, rows, ...)."""
        return self.rest(self.tile, self.copies).unflatten(0, (self.copies, len(self.intact)))

    def answers(self, cuts: Sequence[Cut]) -> list[torch.Tensor]:
        """Get the read-out (rows, ...) under each lesion, tile by tile."""
        answers: list[torch.Tensor] = []
        again: list[tuple[int, Cut]] = []
        for start in range(0, len(cuts), self.copies):
            some = cuts[start : start + self.copies]
            changed = [self._fill(slot, some[slot] if slot < len(some) else None) for slot in range(self.copies)]
            tile = self._behind()
            answers += [settled(tile[slot], self.sham[slot], self.intact) for slot in range(len(some))]
            for slot, cut in enumerate(some):
                if changed[slot] and faint(_largest(tile[slot]), self.largest):
                    again.append((start + slot, cut))
        for at, cut in again:
            for slot in range(self.copies):
                self._fill(slot, None if slot else cut, anew=True)
            answers[at] = settled(self._behind()[0], self.sham[0], self.intact)
        return answers

    def _fill(self, slot: int, cut: Cut | None, *, anew: bool = False) -> bool:
        """Put a lesion into its slot (None: nothing), and get whether it was taken out of a recorded sum."""
        changed = False
        for node in self.plan.kept:
            self._slot(node, slot).copy_(self.values[node] if cut is None else self.put(node, *cut))
        for mix in self.plan.mixed:
            place = self._slot(mix.node, slot)
            if cut is None:
                place.copy_(self.values[mix.node])
            elif anew or (change := self._change(mix, *cut)) is None:
                place.copy_(mix.whole(self.put(mix.source, *cut), self.values))
            else:
                torch.add(self.values[mix.node], change, out=place)
                changed = True
        return changed

    def _slot(self, node: Node, slot: int) -> torch.Tensor:
        return self.tile[node].unflatten(0, (self.copies, -1))[slot]

    def _change(self, mix: Mixing, sheet: Sheet, which: Which) -> torch.Tensor | None:
        """What a lesion changes in a layer's output; None where that is no small part of it."""
        small = self.small(mix, sheet, which)
        if small is False:
            return None
        columns = mix.columns(self.values[mix.weights], sheet.chosen(which), self.plan.n_channels)
        change = mix.change(sheet.part(sheet.delta[mix.node], which, mix.lie), columns)
        measured = small or bool(level_of(mix, change, torch.float32).within(self.most[mix.node]))
        return change if measured else None


def _largest(answer: torch.Tensor) -> float:
    """The largest absolute value of a read-out; NaN where it has one, 0 where it has no value."""
    if not answer.numel():
        return 0.0
    low, high = torch.aminmax(answer.abs() if answer.is_complex() else answer)
    return max(-float(low), float(high))


def _by_channel(change: torch.Tensor) -> torch.Tensor:
    """The same (rows, channels) with each channel's rows side by side in memory, as all that follows goes over them."""
    return change.T.contiguous().T if change.dim() == 2 else change


def _rms(values: torch.Tensor) -> torch.Tensor:
    """The root mean square of each line, (lines, 1)."""
    return torch.linalg.vector_norm(values, dim=1, keepdim=True).div_(values.shape[1] ** 0.5)


def level_of(mix: Mixing, known: torch.Tensor, least: torch.dtype = torch.float64) -> Loudness:
    """Get how loud a layer's output is, per row and per feature; a convolution's rows are stimuli.

    least : the precision in which squares are summed, at least.
    """
    square = known.movedim(-1 if mix.is_linear else 1, 0).to(torch.promote_types(known.dtype, least)).square()
    return loudness((square.flatten(1) if mix.is_linear else square.flatten(2).mean(2)).T)
