"""Does a measure rise along ordered conditions?  Jonckheere's test, over groups or within blocks, and its slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DesignError
from neurolab.stats._given import (
    ALTERNATIVES,
    Floats,
    Rng,
    choice,
    counted,
    generator,
    regular,
    same_shape,
    sample,
    unit_interval,
)
from neurolab.stats._inversions import over_blocks

__all__ = ["Trend", "jonckheere"]

#: Up to so many pairs the arrangements are counted; above it they are drawn.
EXACT_PAIRS = 4_000
_CELLS = 2_000_000


@dataclass(frozen=True)
class Trend:
    """``effect`` is the median slope (of y per unit of x), ``ordered`` the share of pairs in which y rises with x.

    (low, high) are the slopes that the two-sided test does not reject; ``note`` says why an end is infinite.
    """

    p: float
    statistic: float
    effect: float
    low: float
    high: float
    ordered: float
    p_floor: float
    n: int
    n_pairs: int
    exact: bool
    alternative: str
    level: float
    note: str = ""


def jonckheere(
    x: ArrayLike,
    y: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    alternative: str = "two-sided",
    n_permutations: int = 9_999,
    level: float = 0.95,
    rng: Rng | None = None,
) -> Trend:
    """Get whether y rises along ordered conditions x: Jonckheere's test with the median slope that belongs to it.

    The statistic counts the pairs of different x in which y rises too (ties count half). Under the null every order of
    the values of y over the values of x is equally likely; within ``blocks`` (networks of the same seed, one under each
    condition) only orders within a block are, and only pairs within it are counted, so that what the members of a
    block share cancels. Without ties the orders are counted exactly, else they are drawn.

    Parameters
    ----------
    x: the condition of each value, as a number: a level, a dose, a rank; (n,). y: the values, (n,).
    blocks: a label per value, (n,); None: independent groups.
    alternative: "greater" (y rises with x), "less", or "two-sided" (twice the smaller tail).
    n_permutations, rng: used where y ties within a block, or above 4,000 pairs.
    level: coverage of the (always two-sided) interval.

    Returns
    -------
    Trend; ``statistic`` is the number of pairs in order.

    Raises
    ------
    DesignError: no two values of different x (within a block) to compare.

    When this is invalid
    --------------------
    Groups whose spread differs much: then orders are not equally likely. A rise that turns is a weak trend.

    Source: Jonckheere (1954), doi:10.1093/biomet/41.1-2.133; within blocks: Skillings & Wolfe (1978),
    doi:10.1080/01621459.1978.10481591; the slope and its interval: Sen (1968), doi:10.1080/01621459.1968.10480934.

    Example
    -------
    >>> found = jonckheere([1, 1, 2, 2, 3, 3], [0.1, 0.2, 0.4, 0.35, 0.6, 0.9])
    >>> found.statistic, round(found.p, 4), round(found.effect, 3)
    (12.0, 0.0222, 0.25)
    """
    x, y = sample(x, "x"), sample(y, "y")
    same_shape(x, y)
    choice(alternative, ALTERNATIVES, "alternative")
    outside = (1 - unit_interval(level, "level")) / 2
    block = _blocks(blocks, x)
    early, late = _pairs(x, block)
    slopes = np.sort((y[late] - y[early]) / (x[late] - x[early]))
    in_order = float(_in_order(y[late], y[early]))
    exact = len(early) <= EXACT_PAIRS and not _ties(y, block)
    n_drawn = counted(n_permutations, "n_permutations")
    null = _counted(x, block) if exact else _drawn(y, block, early, late, n_drawn, rng)
    tails = {"greater": null.at_least(in_order), "less": null.at_least(len(early) - in_order)}
    p = min(1.0, 2 * min(tails.values())) if alternative == "two-sided" else tails[alternative]
    low, high = _ends(slopes, null.critical(outside))
    low = min(low, 0.0) if tails["greater"] > outside else low  # ties that keep 0 in the p keep it in the interval
    high = max(high, 0.0) if tails["less"] > outside else high
    sides = 2 if alternative == "two-sided" else 1
    note = "" if np.isfinite([low, high]).all() else f"{len(early)} pairs cannot reach {outside:.3g} one-sided."
    note = note or ("" if (y != y[0]).any() else f"all {y.size} values are {y[0]:g}: constant.")
    return Trend(
        float(p), in_order, float(np.median(slopes)), low, high, in_order / len(early),
        min(1.0, sides * null.smallest), x.size, len(early), exact, alternative, level, note,
    )  # fmt: skip


def _blocks(blocks: ArrayLike | None, x: Floats) -> np.ndarray:
    """The block of each value, as a number."""
    if blocks is None:
        return np.zeros(x.size, dtype=np.int64)
    given = regular(blocks, "blocks")
    if given.shape != x.shape:
        raise DesignError(f"blocks has shape {given.shape}; expected one label per value, shape {x.shape}.")
    return np.unique(given.astype(str), return_inverse=True)[1]


def _pairs(x: Floats, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of values of one block in which the second has the larger x."""
    first, second = np.nonzero((block[:, None] == block) & (x[:, None] < x))
    if not len(first):
        raise DesignError(
            "No two values of different x can be compared; expected two conditions or more, in each block where blocks "
            "are given. Type jonckheere(levels, values), with one level per value."
        )
    return first, second


def _in_order(later: Floats, earlier: Floats) -> Floats:
    """The number of pairs in which y rises, along the last axis; ties count half."""
    return (later > earlier).sum(axis=-1) + 0.5 * (later == earlier).sum(axis=-1)


def _ties(y: Floats, block: np.ndarray) -> bool:
    return len({(int(at), float(value)) for at, value in zip(block, y)}) < y.size


@dataclass(frozen=True, eq=False)
class _Null:
    """Numbers of pairs in order that the null gives, in rising order, and the chance of each or of more."""

    counts: Floats
    tail: Floats
    smallest: float

    def at_least(self, count: float) -> float:
        """Get the chance of so many pairs in order or more."""
        at = int(np.searchsorted(self.counts, count - 1e-9))
        return float(self.tail[at]) if at < len(self.tail) else self.smallest

    def critical(self, outside: float) -> float:
        """Get the least count whose chance is no larger than ``outside``; infinite where there is none."""
        at = np.flatnonzero(self.tail <= outside * (1 + 1e-12))
        return float(self.counts[at[0]]) if len(at) else np.inf


def _counted(x: Floats, block: np.ndarray) -> _Null:
    sizes = [np.unique(x[block == one], return_counts=True)[1].tolist() for one in np.unique(block)]
    tail = np.minimum(np.cumsum(over_blocks(sizes)[::-1])[::-1], 1.0)
    return _Null(np.arange(len(tail), dtype=np.float64), tail, float(tail[-1]))


def _drawn(y: Floats, block: np.ndarray, early: np.ndarray, late: np.ndarray, n: int, rng: Rng | None) -> _Null:
    """Orders drawn within blocks; the observed one is among them, and so is its mirror image for the other tail."""
    stream, at_once = generator(rng, "a trend with ties"), max(1, _CELLS // len(early))
    home = np.argsort(block, kind="stable")
    counts = []
    for start in range(0, n, at_once):
        keys = block[home] + stream.random((min(at_once, n - start), y.size))
        shuffled = np.empty_like(keys)
        shuffled[:, home] = y[home][np.argsort(keys, axis=1)]
        counts.append(_in_order(shuffled[:, late], shuffled[:, early]))
    found = np.sort(np.concatenate(counts))
    each, first = np.unique(found, return_index=True)
    return _Null(each, (n - first + 1) / (n + 1), 1 / (n + 1))


def _ends(slopes: Floats, critical: float) -> tuple[float, float]:
    """The slopes b for which the number of pairs in order of y - b x stays below the critical count, on either side."""
    n = len(slopes)
    if not np.isfinite(critical):
        return -np.inf, np.inf
    at = int(np.floor(n - critical + 1e-9))  # so many slopes may lie outside each end
    return float(slopes[at]), float(slopes[n - 1 - at])
