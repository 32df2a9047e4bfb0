"""Rank sums per column, and the interval of an area under the curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.stats._given import Floats


def mann_whitney(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Get U of a over b and its null standard error, corrected for ties, per column."""
    n_a, n_b, both = len(a), len(b), np.concatenate((a, b))
    n = n_a + n_b
    lowest, highest = (sps.rankdata(both, method=how, axis=0) for how in ("min", "max"))
    mean_rank = (lowest + highest) / 2.0
    u = mean_rank[:n_a].sum(axis=0) - n_a * (n_a + 1) / 2
    size = (highest - lowest + 1).astype(np.float64)  # of the tie that each value is in
    ties = (size**2 - 1).sum(axis=0)  # = sum over ties of t^3 - t
    return u, np.sqrt(n_a * n_b / 12 * ((n + 1) - ties / (n * (n - 1))))


def auc_ends(area: ArrayLike, n_a: int, n_b: int, level: float) -> tuple[Floats, Floats]:
    """Get Newcombe's (2006, method 5) interval: all theta with |area - theta| <= z sqrt(V(theta)).

    Never degenerate, not even at an area of 0 or 1.
    """
    area = np.asarray(area, dtype=np.float64)
    z = sps.norm.ppf(0.5 + level / 2)
    mean_n = (n_a + n_b) / 2

    def miss(theta: Floats) -> Floats:
        inner = 1 + (mean_n - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return np.abs(area - theta) - z * np.sqrt(theta * (1 - theta) * inner / (n_a * n_b))

    def end(outside: Floats) -> Floats:
        far, near = outside.copy(), area.copy()
        for _ in range(60):
            middle = (far + near) / 2
            beyond = miss(middle) > 0
            far, near = np.where(beyond, middle, far), np.where(beyond, near, middle)
        return near

    low, high = end(np.zeros_like(area)), end(np.ones_like(area))
    return np.where(area == 0, 0.0, low), np.where(area == 1, 1.0, high)
