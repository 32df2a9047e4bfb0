"""How loud a change is beside what it changes: a sum from which nearly all is taken again is known to few digits.

Loudness is the root mean square of every row over all features, then of every feature over all rows. That of several
changes together is at most their sum, however alike they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

#: A change whose mean square is more than this share of a sum's, for any stimulus or in any feature, is not taken out
#: of a recorded sum: what is left would be known to fewer digits than float32 has. The layer is run anew.
LOUD = 0.5
#: A read-out of which no more than this share is left, beside that of the sum from which something was taken out, is
#: computed from the layer run anew: what is left may be of elements that are small beside their row and feature.
FAINT = 1 / 16


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
        if which is not None and len(which) == 1:
            return Loudness(self.both[which[0]])
        return Loudness(self.both.sum(0) if which is None else self.both[which].sum(0))

    def each(self, which: np.ndarray | None) -> Loudness:
        """Get how loud some changes are, each by itself."""
        return self if which is None else Loudness(self.both[which])

    def times(self, factor: float) -> Loudness:
        """Get what is so many times as loud."""
        return Loudness(factor * self.both)

    def most(self, top: Loudness | None = None) -> Loudness:
        """Get how loud a small part is, by row and by feature; NaN where it is not finite, or too little to tell.

        ``top`` : how loud it was at its loudest; what a small part leaves is as much of that.

        What is compared with it is counted in float32, where squares below 1e-30 are nothing; so it is rounded down to
        that, which changes no answer and is faster.
        """
        told = bool(np.isfinite(self.both).all()) and not bool(((self.both > 0) & (self.both < 1e-15)).any())
        left = (1 - LOUD**0.5) * (self if top is None else top).both
        bound = self.both - left if told else self.unknown().both
        with np.errstate(over="ignore"):
            near = bound.astype(np.float32)
        return Loudness(np.where(near > bound, np.nextafter(near, np.float32(-np.inf)), near))

    def louder(self, other: Loudness) -> Loudness:
        """Get the louder of two, by row and by feature."""
        return Loudness(np.maximum(self.both, other.both))

    def nothing(self) -> Loudness:
        """Get how loud nothing is."""
        return Loudness(np.zeros_like(self.both))

    def unknown(self) -> Loudness:
        """Get what nothing is within."""
        return Loudness(np.full_like(self.both, np.nan))

    def within(self, most: Loudness) -> np.ndarray:
        """Get whether no row and no feature is louder; nothing is within NaN, and nothing within nothing is."""
        return np.asarray((self.both <= most.both).all(-1))


def faint(largest: float, beside: float) -> bool:
    """Get whether a read-out's largest value is small beside that of what it was taken out of; not where one is NaN.

    Example
    -------
    >>> faint(0.1, 2.0), faint(0.2, 2.0), faint(0.1, float("inf"))
    (True, False, False)
    """
    return largest < FAINT * beside < np.inf


def loudness(square: torch.Tensor) -> Loudness:
    """Get the loudness of what has these squares, (rows, features)."""
    return Loudness(torch.cat([square.mean(1), square.mean(0)]).sqrt().cpu().numpy())


class Meter:
    """Measures how loud blocks of rows (rows, features) are, one after another, while each is near the processor.

    Squares are summed in float32 at least: infinite where one overflows.

    Example
    -------
    >>> meter = Meter()
    >>> for block in torch.tensor([[3.0, 4.0], [0.0, 4.0]]).split(1):
    ...     meter.add(block)
    >>> meter.read().both.round(2)
    array([3.54, 2.83, 2.12, 4.  ], dtype=float32)
    """

    def __init__(self) -> None:
        self.by_row: list[torch.Tensor] = []
        self.by_feature: list[torch.Tensor] = []

    def add(self, block: torch.Tensor, work: torch.Tensor | None = None) -> None:
        """Measure a block; ``work``, a tensor like it, is overwritten."""
        exact = block.to(torch.promote_types(block.dtype, torch.float32))
        square = torch.mul(exact, exact, out=work if work is not None and work.dtype == exact.dtype else None)
        self.by_row.append(square.sum(1))
        self.by_feature.append(square.sum(0))

    def read(self) -> Loudness:
        """Get how loud all blocks are together."""
        rows, features = torch.cat(self.by_row), torch.stack(self.by_feature).sum(0)
        squares = torch.cat([rows.div_(features.shape[0]), features.div_(rows.shape[0])])
        return Loudness(squares.sqrt_().cpu().numpy())


def loudness_of_product(left: torch.Tensor, right: torch.Tensor) -> Loudness:
    """Get the loudness of ``left.T @ right``, (few, rows) and (few, features), which is not made.

    Example
    -------
    >>> left, right = torch.tensor([[1.0, 0.0], [2.0, 1.0]]), torch.tensor([[3.0, 0.0], [-1.5, 1.0]])
    >>> bool(np.allclose(loudness_of_product(left, right).both, loudness((left.T @ right).square()).both))
    True
    """
    by_row = (right @ right.T @ left).mul_(left).sum(0).div_(right.shape[1])
    by_feature = (left @ left.T @ right).mul_(right).sum(0).div_(left.shape[1])
    return Loudness(torch.cat([by_row, by_feature]).clamp_(min=0).sqrt_().cpu().numpy())
