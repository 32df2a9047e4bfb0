"""Answers to stimuli that a lesion does not reach: those of the intact network, bit for bit.

A sham is answered as lesions are. A row whose answer is the sham's has not been reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch

from neurolab.specimen.laid import NotSparse

#: Whole numbers of the size of a value.
BITS = {torch.float32: torch.int32, torch.float64: torch.int64}
#: Bytes at whose multiples torch lets its tensors begin.
LINE = 64


def rooms(like: torch.Tensor, *many: int) -> torch.Tensor:
    """Get room (*many, *shape) for so many answers like this one, each of which begins at a multiple of ``LINE`` bytes.

    On some processors (AMD's, with MKL) the rounding of a product hangs on where its output begins: a row that is not
    reached equals the sham's, bit for bit, only where both begin alike.

    Example
    -------
    >>> [room.data_ptr() % LINE for room in rooms(torch.zeros(3, 11), 4)]
    [0, 0, 0, 0]
    """
    line = LINE // like.element_size()
    room = like.new_empty(*many, -(-like.numel() // line) * line)
    return room[..., : like.numel()].unflatten(-1, like.shape)


def settled(answer: torch.Tensor, sham: torch.Tensor, intact: torch.Tensor) -> torch.Tensor:
    """Get a read-out (rows, ...) in which every row that equals the sham's, bit for bit, is the intact one."""
    if answer.dim() == 2 and answer.stride(0) == 1:  # (outputs) x (rows) in memory: over the few outputs first
        return torch.where((answer.T == sham.T).all(0), intact.T, answer.T).T
    same = (answer == sham).reshape(len(answer), -1).all(1)
    return torch.where(same.view(-1, *(1,) * (answer.dim() - 1)), intact, answer)


class Settling:
    """Does the same for many lesions at once, (lesions, outputs, rows); ``sham`` and ``intact`` are (outputs, rows).

    ``sham`` may be filled until the first are asked for.

    Raises
    ------
    NotSparse : the read-out is of a type that it does not know.

    Example
    -------
    >>> settle = Settling(sham=torch.tensor([[1.0, 2.0]]), intact=torch.tensor([[1.1, 2.1]]))
    >>> tile = torch.tensor([[[1.0, 7.0]], [[8.0, 2.0]]])
    >>> [answer.T.tolist() for answer in settle(tile, {1: np.array([True, False])}, torch.empty_like(tile))]
    [[[1.100000023841858, 7.0]], [[1.100000023841858, 2.0999999046325684]]]
    """

    def __init__(self, sham: torch.Tensor, intact: torch.Tensor) -> None:
        if intact.dtype not in BITS:
            raise NotSparse(f"the read-out is {intact.dtype}")
        self.sham, self.intact, self.bits = sham, intact, BITS[intact.dtype]

    @cached_property
    def alike(self) -> bool:
        """Whether the two are the same anyway."""
        return torch.equal(self.sham.view(self.bits), self.intact.view(self.bits))

    @cached_property
    def finite(self) -> bool:
        """Whether every value of the sham's is: the difference of two infinite ones is not 0."""
        return bool(self.sham.isfinite().all())

    def __call__(self, tile: torch.Tensor, kept: Mapping[int, np.ndarray], work: torch.Tensor) -> list[torch.Tensor]:
        """Get each lesion's answer (rows, outputs), its own memory; of rows that ``kept`` names the intact one.

        kept : by lesion, which rows (rows,) it does not reach, whatever was computed. work : like the tile, scratch.
        """
        if kept or not self.alike:
            if self.finite:  # several times as fast
                same = torch.sub(tile, self.sham, out=work).abs_().amax(1, keepdim=True) == 0  # NaN is not 0
            else:
                same = (tile == self.sham).all(1, keepdim=True)
            for slot, rows in kept.items():
                same[slot, 0] |= torch.from_numpy(rows)
            # torch.where by bits, in a third of its time
            within, bits = same.to(self.bits).neg_(), tile.view(self.bits)
            torch.bitwise_xor(bits, self.intact.view(self.bits), out=work.view(self.bits)).bitwise_and_(within)
            tile = work.view(self.bits).bitwise_xor_(bits).view(tile.dtype)
        return [torch.from_numpy(np.array(one.T, order="C")) for one in tile.numpy()]
