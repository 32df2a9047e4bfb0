"""Drawn sign flips in pairs: one product of each half of the rows serves two of them.

The signs of a pair are (a, b) and (a, -b), and sums over the halves A and B give A + B and A - B: half the products.
(1, 1) and (1, -1) are a subgroup of all flips, and a pair is a coset of it. With the observed data's own partner,
(1, -1), among them, the observed data are one of m + 1 that are exchangeable under the null, as with flips drawn singly
(Hemerik & Goeman 2018, doi:10.1007/s11749-017-0571-1), so (b + 1) / (m + 1) is an exact p. Where the two halves hold
columns of like size, the sums of a pair are uncorrelated, and p varies from seed to seed no more than of single flips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurolab.stats._maxima import DRAWN, Rows, Statistic


def paired_flips(n: int, total: int, stream: np.random.Generator, block: int) -> Rows:
    """Get ``total`` rows of +-1 in blocks, the partners of a block's first half in its second.

    The observed data's partner comes first, in a block of its own. Pairs are whole or, where one row is too many, it is
    any of them with the same chance.

    Example
    -------
    >>> own, pairs = paired_flips(4, 3, np.random.default_rng(0), block=2)
    >>> own, pairs[0] * pairs[1]
    (array([[ 1.,  1., -1., -1.]], dtype=float32), array([ 1.,  1., -1., -1.], dtype=float32))
    """
    half = n // 2
    partner = np.ones((1, n), dtype=DRAWN)
    partner[:, half:] = -1
    left = total
    if total % 2 or stream.random() * (total + 1) >= 1:
        left -= 1
        yield partner
    while left > 0:
        drawn = np.where(stream.random(((min(block, left) + 1) // 2, n)) < 0.5, DRAWN(-1), DRAWN(1))
        rows = np.concatenate((drawn, drawn * partner))[:left]
        left -= len(rows)
        yield rows


def half_products(z: NDArray) -> Statistic:
    """Get the sums of signed columns, as a function of such blocks; two sums for a product of each half."""
    half = len(z) // 2

    def sums(signs: NDArray, at: slice) -> NDArray:
        pairs, single = (len(signs) + 1) // 2, len(signs) // 2
        a, b = signs[:pairs, :half] @ z[:half, at], signs[:pairs, half:] @ z[half:, at]
        both = np.empty((len(signs), a.shape[1]), dtype=a.dtype)
        np.add(a, b, out=both[:pairs])
        np.subtract(a[:single], b[:single], out=both[pairs:])
        return both

    return sums
