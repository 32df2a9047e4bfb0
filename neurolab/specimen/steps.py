"""Lesions as steps on blocks of a layer's output: columns added to what was recorded, or to a sum that grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from neurolab.specimen.loud import Loudness, loudness_of_product
from neurolab.specimen.sheet import Cut

#: A layer's output (rows, features) as blocks of rows.
Blocks = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Anew:
    """A few features of a layer's output that are known by themselves: their places, and values (features, rows)."""

    places: torch.Tensor
    values: torch.Tensor


@dataclass(frozen=True)
class Change:
    """What some columns (columns, rows) change, times ``weights`` (columns, features), in blocks of ``size`` rows.

    ``still`` : by block, whether that is nothing. ``anew`` : features that are not to be had by a sum.
    """

    columns: torch.Tensor
    weights: torch.Tensor
    size: int
    still: Sequence[bool]
    anew: Anew | None = None

    def loudness(self) -> Loudness:
        """Get how loud it is, measured."""
        return loudness_of_product(self.columns, self.weights)

    def add(self, number: int, block: torch.Tensor, out: torch.Tensor) -> None:
        """Put one block with the change into ``out``; one column is fastest element by element."""
        if self.weights.shape[0] == 1:
            torch.addcmul(block, self._rows(number), self.weights, out=out)
        else:
            torch.addmm(block, self._rows(number), self.weights, out=out)
        if self.anew is not None:
            rows = self.anew.values[:, number * self.size : (number + 1) * self.size]
            out.T.index_copy_(0, self.anew.places, rows)

    def alone(self, number: int, out: torch.Tensor) -> torch.Tensor:
        """Put the change of one block into ``out``, which is returned."""
        return torch.mm(self._rows(number), self.weights, out=out)

    def _rows(self, number: int) -> torch.Tensor:
        return self._by_row[number * self.size : (number + 1) * self.size]

    @cached_property
    def _by_row(self) -> torch.Tensor:
        return self.columns.T


@dataclass
class Running:
    """A sum that a growing set of channels has in common, block by block, and how far it has come since it began anew.

    ``top`` : the loudest that it was whenever it was measured. ``loud`` : how loud all is at most that was added since
    the last time, and ``most`` : how loud that may be. ``steps`` : how often something was added. ``moved`` : rows in
    which anything was changed. ``part`` : it was begun on the channels left alone. ``largest`` : the largest value of a
    read-out of it since it began.
    """

    blocks: Blocks
    most: Loudness
    loud: Loudness
    moved: np.ndarray
    top: Loudness | None = None
    steps: int = 0
    part: bool = False
    largest: float = 0.0

    @classmethod
    def like(cls, blocks: Blocks, level: Loudness) -> Running:
        """Get a sum whose blocks are yet to be filled, with what is nearly these, which are so loud."""
        made = cls([torch.empty_like(block) for block in blocks], level, level, np.zeros(0, dtype=bool))
        made.begin(level, part=False)
        return made

    def may(self, change: Loudness) -> bool:
        """Count what is to be added, at its loudest, and get whether enough is left, in every row and feature."""
        np.add(self.loud.both, change.both, out=self.loud.both)
        return bool(self.loud.within(self.most))

    def measured_may(self, level: Loudness, change: Loudness) -> bool:
        """The same where the sum was measured, as it is before the change."""
        self._set(level)
        return self.may(change)

    def begin(self, level: Loudness | None, *, part: bool) -> None:
        """Say that a whole output takes the sum's place, of this loudness (None: to be measured when it matters)."""
        self.steps, self.part, self.top = 0, part, None
        if level is not None:
            self._set(level)
        else:
            self.most = self.most.unknown()

    def _set(self, level: Loudness) -> None:
        self.top = level if self.top is None else level.louder(self.top)
        self.most, self.loud = level.most(self.top), level.nothing()


@dataclass(frozen=True)
class Step:
    """A lesion of a tile, at its ``slot``: what is added (None: nothing) to ``base``, and where the sum goes.

    ``running`` : the sum that it moves on; None: a buffer. ``base`` : None where the running sum itself is it.
    ``after`` : the slot of the lesion before it in its chain, where that is in the tile: its answer is this one's where
    nothing changes.
    """

    slot: int
    change: Change | None
    running: Running | None = None
    base: Blocks | None = None
    after: int | None = None

    def same(self, number: int, part: Sequence[torch.Tensor], sham: torch.Tensor) -> torch.Tensor | None:
        """Get the answer to a block that is known, for nothing changes in it; ``part`` has those of the tile so far."""
        if self.change is None or not self.change.still[number]:
            return None
        if self.running is None:
            return sham
        return None if self.after is None else part[self.after]

    def more(self, base: Blocks) -> Change | None:
        """Get what is added to ``base`` and goes into a buffer, where that are several columns and nothing else."""
        if self.base is not base or self.running is not None or self.change is None or self.change.anew is not None:
            return None
        return self.change if self.change.weights.shape[0] > 1 else None

    def sum(self, number: int, buffer: torch.Tensor) -> torch.Tensor:
        """Get a block of the lesion's sum: in the buffer, or in the running sum, which it moves on."""
        out = buffer if self.running is None else self.running.blocks[number]
        if self.change is not None:
            self.change.add(number, out if self.base is None else self.base[number], out)
        elif self.base is not None:
            out.copy_(self.base[number])
        return out


def added(before: Cut, cut: Cut) -> np.ndarray | None:
    """Get the channels that a lesion has beyond the one before; None where it has not all of its, or many more."""
    if before[0] is not cut[0] or before[1] is None or cut[1] is None:
        return None
    more = len(cut[1]) - len(before[1])
    if not more and len(cut[1]) == 1:
        return cut[1][:0] if cut[1][0] == before[1][0] else None
    if more < 0 or 2 * more > len(cut[1]):
        return None
    new = np.ones(cut[0].channels.shape[0], dtype=bool)
    new[before[1]] = False
    found = cut[1][new[cut[1]]]
    return found if len(found) == more else None
