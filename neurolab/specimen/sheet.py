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
from neurolab.specimen.mixing import Mixing
from neurolab.specimen.sparse import SparsePlan

#: Runs what lies behind: the values of the plan's boundary, copies stacked along the batch, and how many copies.
Rest = Callable[[Mapping[Node, torch.Tensor], int], torch.Tensor]
#: Places among a sheet's channels, each once (None: all of them).
Which = np.ndarray | None
#: Channels that make up more than this share of a sum's mean square, for any stimulus or in any feature, are not taken
#: out of a recorded sum: what is left would be known to fewer digits than float32 has. The layer is run anew.
LOUD = 0.5
#: Beyond this share of a site's channels the layer is run anew, which then costs no more.
MANY = 0.5


@dataclass(frozen=True)
class Energy:
    """Mean squares of what a layer's output changes by, or is: ``both`` (..., rows + features), first of each row over
    all features, then of each feature over all rows.
    """

    both: torch.Tensor

    def of(self, which: Which) -> Energy:
        """Get the energy of some channels together, were they independent."""
        if which is None:
            return Energy(self.both.sum(0))
        return Energy(self.both.index_select(0, torch.from_numpy(which).to(self.both.device)).sum(0))

    def most(self) -> Energy:
        """Get how much is a small part of it, by row and by feature; NaN where it is not finite, or too little to tell.

        What is compared with it may be counted in float32, where squares below 1e-30 are nothing.
        """
        told = bool(self.both.isfinite().all()) and not bool(((self.both > 0) & (self.both < 1e-30)).any())
        return Energy((LOUD if told else float("nan")) * self.both)

    def within(self, most: Energy) -> np.ndarray:
        """Get whether no row and no feature has more; nothing is within NaN, and nothing within nothing is.

        The bound is rounded down to the numbers that are compared with it, which changes no answer and is faster.
        """
        both, bound = self.both.cpu().numpy(), most.both.cpu().numpy()
        near = bound.astype(both.dtype)
        return np.asarray((both <= np.where(near > bound, np.nextafter(near, -np.inf), near)).all(-1))


@dataclass(frozen=True)
class Sheet:
    """New values of some channels of one batch, and what they change in what each mixing layer reads.

    ``delta``, ``loud`` and ``quiet`` are by mixing node: the change of its input, narrowed; the energy that each
    channel changes in its output; whether that is a small part for each channel by itself.
    """

    channels: torch.Tensor
    new: Narrow
    delta: Mapping[Node, torch.Tensor]
    loud: Mapping[Node, Energy]
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
        self.most = {mix.node: level_of(mix, values[mix.node]).most() for mix in plan.mixed}

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

    def _loud(self, mix: Mixing, channels: torch.Tensor, delta: torch.Tensor) -> Energy:
        columns = mix.columns(self.values[mix.weights], channels, self.plan.n_channels).movedim(mix.axis, 0)
        weight = columns.square().flatten(2).sum(2) if columns.dim() > 2 else columns.square()
        change = delta.movedim(mix.lie.axis, 0).square()
        change = change.flatten(1) if mix.is_linear else change.flatten(2).mean(2)
        n, rows = change.shape
        both = change.new_empty(n, rows + weight.shape[1])
        torch.mul(change, weight.mean(1, keepdim=True), out=both[:, :rows])
        torch.mul(weight, change.mean(1, keepdim=True), out=both[:, rows:])
        if mix.lie.outer == mix.lie.inner == 1:
            return Energy(both)
        return Energy(both.view(mix.lie.outer, len(channels), mix.lie.inner, -1).sum((0, 2)))

    def anew(self, mix: Mixing, sheet: Sheet, which: Which) -> bool:
        """Get whether a layer is to be run anew for a lesion: many channels, loud ones, or no finite difference."""
        n = len(sheet.channels) if which is None else len(which)
        if n == 1 and which is not None and self.plan.n_channels > 2:
            return not sheet.quiet[mix.node][which[0]]
        if (n > MANY * self.plan.n_channels and self.plan.n_channels > 1) or not sheet.quiet[mix.node][which].all():
            return True
        return n > 1 and not bool(sheet.loud[mix.node].of(which).within(self.most[mix.node]))

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
        for start in range(0, len(cuts), self.copies):
            some = cuts[start : start + self.copies]
            for slot in range(self.copies):
                self._fill(slot, some[slot] if slot < len(some) else None)
            tile = self._behind()
            answers += [settled(tile[slot], self.sham[slot], self.intact) for slot in range(len(some))]
        return answers

    def _fill(self, slot: int, cut: Cut | None) -> None:
        for node in self.plan.kept:
            self._slot(node, slot).copy_(self.values[node] if cut is None else self.put(node, *cut))
        for mix in self.plan.mixed:
            place = self._slot(mix.node, slot)
            if cut is None:
                place.copy_(self.values[mix.node])
            elif self.anew(mix, *cut):
                place.copy_(mix.whole(self.put(mix.source, *cut), self.values))
            else:
                torch.add(self.values[mix.node], self._change(mix, *cut), out=place)

    def _slot(self, node: Node, slot: int) -> torch.Tensor:
        return self.tile[node].unflatten(0, (self.copies, -1))[slot]

    def _change(self, mix: Mixing, sheet: Sheet, which: Which) -> torch.Tensor:
        columns = mix.columns(self.values[mix.weights], sheet.chosen(which), self.plan.n_channels)
        return mix.change(sheet.part(sheet.delta[mix.node], which, mix.lie), columns)


def _by_channel(change: torch.Tensor) -> torch.Tensor:
    """The same (rows, channels) with each channel's rows side by side in memory, as all that follows goes over them."""
    return change.T.contiguous().T if change.dim() == 2 else change


def level_of(mix: Mixing, known: torch.Tensor) -> Energy:
    """Get the mean squares of a layer's output, per row and per feature; a convolution's rows are stimuli."""
    square = known.movedim(-1 if mix.is_linear else 1, 0).double().square()
    square = square.flatten(1) if mix.is_linear else square.flatten(2).mean(2)
    return Energy(torch.cat([square.mean(0), square.mean(1)]))


def settled(answer: torch.Tensor, sham: torch.Tensor, intact: torch.Tensor) -> torch.Tensor:
    """Get a read-out (rows, ...) in which every row that equals the sham's, bit for bit, is the intact one."""
    if answer.dim() == 2 and answer.stride(0) == 1:  # (outputs) x (rows) in memory: over the few outputs first
        return torch.where((answer.T == sham.T).all(0), intact.T, answer.T).T
    same = (answer == sham).reshape(len(answer), -1).all(1)
    return torch.where(same.view(-1, *(1,) * (answer.dim() - 1)), intact, answer)
