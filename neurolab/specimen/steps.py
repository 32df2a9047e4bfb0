"""Lesions as steps on blocks of a layer's output: columns added to what was recorded, or to a sum that grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from neurolab.specimen.loud import Loudness, loudness_of, loudness_of_product

#: A layer's output (rows, features) as blocks of rows.
Blocks = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Change:
    """What some columns change: ``by_row`` (rows, columns), block by block, times ``weights`` (columns, features).

    ``still`` : by block, whether that is nothing. ``columns`` : the same (columns, rows), where it is at hand as one.
    """

    by_row: Blocks
    weights: torch.Tensor
    still: Sequence[bool]
    columns: torch.Tensor | None = None

    def loudness(self) -> Loudness:
        """Get how loud it is, measured."""
        columns = torch.cat(list(self.by_row)).T if self.columns is None else self.columns
        return loudness_of_product(columns, self.weights)

    def add(self, number: int, block: torch.Tensor, out: torch.Tensor) -> None:
        """Put one block with the change into ``out``; one column is fastest element by element."""
        if len(self.weights) == 1:
            torch.addcmul(block, self.by_row[number], self.weights, out=out)
        else:
            torch.addmm(block, self.by_row[number], self.weights, out=out)


@dataclass
class Running:
    """A sum that a growing set of channels has in common, block by block, and how far it has come since it began anew.

    ``most`` : how loud what is added may be, and ``loud`` : how loud it is at most; ``added`` : which channels, in
    ``steps``. ``moved`` : rows in which anything was changed. ``part`` : it was begun on the channels left alone.
    """

    blocks: Blocks
    most: Loudness
    loud: Loudness
    added: np.ndarray
    moved: np.ndarray
    steps: int = 0
    part: bool = False

    @classmethod
    def like(cls, blocks: Blocks, most: Loudness) -> Running:
        """Get a sum whose blocks are yet to be filled."""
        made = cls([torch.empty_like(block) for block in blocks], most, most, np.zeros(0), np.zeros(0, dtype=bool))
        made._begin(most)
        return made

    def may(self, change: Loudness, channels: np.ndarray) -> bool:
        """Count what is added, at its loudest, and get whether all is still a small part, in every row and feature."""
        self.loud, self.added = Loudness(self.loud.both + change.both), np.concatenate([self.added, channels])
        return bool(self.loud.within(self.most))

    def found(self, loud: Loudness) -> bool:
        """Take note of how loud all that was added is, measured, and get whether it is a small part."""
        self.loud = loud
        return bool(loud.within(self.most))

    def put(self, whole: Blocks, *, part: bool) -> None:
        """Take over a whole output, and begin anew."""
        for block, given in zip(self.blocks, whole):
            block.copy_(given)
        self.part = part
        self._begin(loudness_of(self.blocks).most())

    def _begin(self, most: Loudness) -> None:
        self.most, self.loud, self.steps = most, Loudness(np.zeros_like(most.both)), 0
        self.added = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Step:
    """A lesion of a tile, at its ``slot``: what it adds (None: nothing more), and to which sum (None: no running one).

    ``begins`` : the running sum begins with it. ``after`` : the slot of the lesion before it in its chain, where that
    is in the tile: its answer is this one's where nothing changes.
    """

    slot: int
    change: Change | None
    running: Running | None = None
    begins: bool = False
    after: int | None = None

    def same(self, number: int, part: torch.Tensor, sham: torch.Tensor) -> torch.Tensor | None:
        """Get the answer to a block that is known, for nothing changes in it; ``part`` has those of the tile so far."""
        if self.change is None or not self.change.still[number]:
            return None
        if self.running is None:
            return sham
        return None if self.after is None else part[self.after]

    def sum(self, number: int, block: torch.Tensor, buffer: torch.Tensor) -> torch.Tensor:
        """Get a block of the lesion's sum: in the buffer, or in the running sum, which it moves on."""
        out = buffer if self.running is None else self.running.blocks[number]
        if self.change is not None:
            self.change.add(number, block if self.running is None or self.begins else out, out)
        return out
