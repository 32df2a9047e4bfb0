"""Does a measure rise along ordered conditions?  Jonckheere's test, over groups or within blocks, and its slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DesignError
from neurolab.stats._given import (
    ALTERNATIVES,
    TINY,
    Floats,
    Rng,
    choice,
    counted,
    regular,
    same_shape,
    sample,
    t_p,
    unit_interval,
)
from neurolab.stats._orders import Null, countable, counted_orders, drawn_orders, in_order, times

__all__ = ["Trend", "brunner_munzel_trend", "jonckheere"]


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
    block share cancels. All orders are counted, ties included, or drawn where they are too many to count. Each tail has
    its own null: where y ties and the groups differ in size it is lopsided.

    Parameters
    ----------
    x: the condition of each value, as a number: a level, a dose, a rank; (n,). y: the values, (n,).
    blocks: a label per value, (n,); None: independent groups.
    alternative: "greater" (y rises with x), "less", or "two-sided" (twice the smaller tail).
    n_permutations, rng: used above 4,000 pairs; and where y ties in a block of many levels or values (the sizes of its
        groups, each + 1, multiply to more than 3,000: four groups of 8).
    level: coverage of the (always two-sided) interval.

    Returns
    -------
    Trend; ``statistic`` is the number of pairs in order, ``p_floor`` the p of these values in perfect order.

    Raises
    ------
    DesignError: no two values of different x (within a block) to compare.

    When this is invalid
    --------------------
    Independent groups that differ in size and in spread: then orders are not equally likely. Groups of 4, 8 and 20 with
    spreads of 5, 3 and 1 rejected .12 of true nulls at .05, the other way round .03; three groups of 8 .05. With
    ``brunner_munzel_trend`` it was .05 each time. A rise that turns is a weak trend.

    Where y ties, every slope of the interval is judged by the ties of y as it is: of normal values rounded to whole sds
    with a rise of .7 sd, .93 to .94 of intervals at .95 held it.

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
    found = float(in_order(y[late], y[early]))
    sizes, ties = times(x, block), times(y, block)
    exact, n_drawn = countable(sizes, ties, len(early)), counted(n_permutations, "n_permutations")
    nulls = counted_orders(sizes, ties) if exact else drawn_orders(y, block, early, late, n_drawn, rng)
    up, down = nulls
    tails = {"greater": up.at_least(found), "less": down.at_least(len(early) - found)}
    tails["two-sided"] = min(1.0, 2 * min(tails.values()))
    low, high = _ends(slopes, up.critical(outside), down.critical(outside))
    low = min(low, 0.0) if tails["greater"] > outside else low  # ties that keep 0 in the p keep it in the interval
    high = max(high, 0.0) if tails["less"] > outside else high
    return Trend(
        float(tails[alternative]), found, float(np.median(slopes)), low, high, found / len(early),
        _floor(x, y, block, nulls, alternative), x.size, len(early), exact, alternative, level,
        _note(y, slopes, outside, endless=not np.isfinite([low, high]).all()),
    )  # fmt: skip


def brunner_munzel_trend(x: ArrayLike, y: ArrayLike) -> float:
    """Get the two-sided p of a trend over independent groups that may differ in spread: Brunner and Munzel's.

    Jonckheere's count of pairs in order, over a standard error from how much the values of each group differ in the
    pairs that they stand in; p is from t with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    x: the group of each value, as a number, (n,). y: the values, (n,); groups are independent.

    Raises
    ------
    DesignError: fewer than two groups, or a group of one value, whose spread is not known.

    When this is invalid
    --------------------
    Small groups, where p from t is too small: at .05 it rejected .07 of true nulls with three groups of 3 or of 4, .11
    with two groups of 4 and 20 and spreads of 1.9 and 1. Groups that do not overlap at all show no spread of pairs, and
    p is the least there is.

    Source: Brunner & Munzel (2000), doi:10.1002/(SICI)1521-4036(200001)42:1<17::AID-BIMJ17>3.0.CO;2-U; of two
    groups it is ``scipy.stats.brunnermunzel``.

    Example
    -------
    >>> round(brunner_munzel_trend([1, 1, 1, 2, 2, 2, 3, 3, 3], [0.1, 0.5, 0.4, 0.35, 0.6, 0.3, 0.7, 0.9, 0.45]), 4)
    0.0906
    """
    x, y = sample(x, "x"), sample(y, "y")
    same_shape(x, y)
    early, late = _pairs(x, np.zeros(x.size, dtype=np.int64))
    rises = (y[late] > y[early]) + 0.5 * (y[late] == y[early])
    own = np.bincount(early, rises, x.size) + np.bincount(late, rises, x.size)
    groups = [own[x == level] for level in np.unique(x)]
    sizes = np.array([group.size for group in groups])
    if sizes.min() < 2:
        raise DesignError(
            f"Groups of {sizes.tolist()} values were given; expected two or more in each, whose spread is estimated: "
            "leave out a level of one value, or type jonckheere(x, y)."
        )
    parts = np.array([group.size * group.var(ddof=1) for group in groups])
    off = abs(float(rises.sum()) - len(early) / 2)
    if not parts.any():
        return TINY if off else 1.0
    t, df = off / np.sqrt(parts.sum()), parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()
    return float(t_p(t, df, "two-sided"))


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


def _floor(x: Floats, y: Floats, block: np.ndarray, nulls: tuple[Null, Null], alternative: str) -> float:
    """The smallest p that these values can give: that of the order in which y rises, or falls, all along x."""
    early, late = _pairs(x, block)
    home, best = np.lexsort((x, block)), []
    for null, sign in zip(nulls, (1, -1)):
        sorted_y = np.empty_like(y)
        sorted_y[home] = sign * y[np.lexsort((sign * y, block))]
        best.append(null.at_least(float(in_order(sorted_y[late], sorted_y[early]))))
    return {"greater": best[0], "less": best[1], "two-sided": min(1.0, 2 * min(best))}[alternative]


def _note(y: Floats, slopes: Floats, outside: float, *, endless: bool) -> str:
    """Why an end is infinite, or that nothing varies."""
    if (y == y[0]).all():
        return f"all {y.size} values are {y[0]:g}: constant."
    tied = int((slopes == 0).sum())
    pairs = f"{len(slopes)} pairs" + (f", of which {tied} tie," if tied else "")
    return f"{pairs} cannot reach {outside:.3g} one-sided." if endless else ""


def _ends(slopes: Floats, rise: float, fall: float) -> tuple[float, float]:
    """The slopes b for which the pairs of y - b x in order, and those out of order, are below their critical counts."""
    n = len(slopes)
    low = float(slopes[int(np.floor(n - rise + 1e-9))]) if np.isfinite(rise) else -np.inf
    high = float(slopes[n - 1 - int(np.floor(n - fall + 1e-9))]) if np.isfinite(fall) else np.inf
    return low, high
