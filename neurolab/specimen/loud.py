"""How loud a change is beside what it changes: a sum from which nearly all is taken again is known to few digits.

Loudness is the root mean square of every row over all features, then of every feature over all rows. That of several
changes together is at most their sum, however alike they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

#: A change whose mean square is more than this share of a sum's, for any stimulus or in any feature, is not taken out
#: of a recorded sum: what is left would be known to fewer digits than float32 has. The layer is run anew.
LOUD = 0.5


@dataclass(frozen=True)
class Loudness:
    """``both`` (..., rows + features): root mean squares of each row over all features, of each feature over all rows.

    Example
    -------
    >>> sums = Loudness(np.array([2.0, 2.0]))
    >>> [bool(Loudness(np.array(change)).within(sums.most())) for change in ([1.0, 1.4], [1.0, 1.5])]
    [True, False]
    """

    both: np.ndarray

    def of(self, which: np.ndarray | None) -> Loudness:
        """Get how loud some changes are together at most."""
        return Loudness(self.both.sum(0) if which is None else self.both[which].sum(0))

    def most(self) -> Loudness:
        """Get how loud a small part is, by row and by feature; NaN where it is not finite, or too little to tell.

        What is compared with it is counted in float32, where squares below 1e-30 are nothing; so it is rounded down to
        that, which changes no answer and is faster.
        """
        told = bool(np.isfinite(self.both).all()) and not bool(((self.both > 0) & (self.both < 1e-15)).any())
        bound = (LOUD**0.5 if told else np.nan) * self.both
        with np.errstate(over="ignore"):
            near = bound.astype(np.float32)
        return Loudness(np.where(near > bound, np.nextafter(near, np.float32(-np.inf)), near))

    def within(self, most: Loudness) -> np.ndarray:
        """Get whether no row and no feature is louder; nothing is within NaN, and nothing within nothing is."""
        return np.asarray((self.both <= most.both).all(-1))


def loudness(square: torch.Tensor) -> Loudness:
    """Get the loudness of what has these squares, (rows, features)."""
    return Loudness(torch.cat([square.mean(1), square.mean(0)]).sqrt().cpu().numpy())


def loudness_of(blocks: Sequence[torch.Tensor]) -> Loudness:
    """Get the loudness of blocks of rows (rows, features), in float32 at least: infinite where a square overflows."""
    squares = [block.to(torch.promote_types(block.dtype, torch.float32)).square() for block in blocks]
    total = torch.stack([square.sum(0) for square in squares]).sum(0) / sum(map(len, blocks))
    return Loudness(torch.cat([*(square.mean(1) for square in squares), total]).sqrt().cpu().numpy())


def loudness_of_product(left: torch.Tensor, right: torch.Tensor) -> Loudness:
    """Get the loudness of ``left.T @ right``, (few, rows) and (few, features), which is not made.

    Example
    -------
    >>> left, right = torch.tensor([[1.0, 0.0], [2.0, 1.0]]), torch.tensor([[3.0, 0.0], [-1.5, 1.0]])
    >>> bool(np.allclose(loudness_of_product(left, right).both, loudness_of([left.T @ right]).both))
    True
    """
    by_row = (right @ right.T @ left).mul_(left).sum(0).div_(right.shape[1])
    by_feature = (left @ left.T @ right).mul_(right).sum(0).div_(left.shape[1])
    return Loudness(torch.cat([by_row, by_feature]).clamp_(min=0).sqrt_().cpu().numpy())
