"""Tests by rearrangement: sign flips and label shuffles of one measure; the smallest p that a design can give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from neurolab.stats._columns import MaxT, max_t
from neurolab.stats._floors import exact_p, n_needed, p_floor
from neurolab.stats._given import (
    ALTERNATIVES,
    TIE,
    Floats,
    Rng,
    choice,
    counted,
    generator,
    number,
    sample,
    unit_interval,
)
from neurolab.stats._lane import freedman_lane
from neurolab.stats.intervals import flip_ends, flips_of, too_few

__all__ = [
    "LabelShuffle",
    "MaxT",
    "SignFlip",
    "exact_p",
    "freedman_lane",
    "label_shuffle",
    "max_t",
    "n_needed",
    "p_floor",
    "sign_flip",
]

EXACT_SPLITS = 20_000


@dataclass(frozen=True)
class SignFlip:
    """A sign-flip test: ``effect`` is the mean, ``statistic`` the mean minus ``popmean``.

    (low, high) inverts the two-sided test, whatever the alternative; ``note`` says why an end is infinite.
    """

    p: float
    statistic: float
    effect: float
    low: float
    high: float
    p_floor: float
    n: int
    n_arrangements: int
    exact: bool
    alternative: str
    level: float
    note: str = ""


@dataclass(frozen=True)
class LabelShuffle:
    """A two-group permutation test: ``effect`` is mean(a) - mean(b); (low, high) inverts its one-sided halves."""

    p: float
    statistic: float
    effect: float
    low: float
    high: float
    p_floor: float
    n: tuple[int, int]
    n_arrangements: int
    exact: bool
    alternative: str
    level: float
    note: str = ""


def sign_flip(
    x: ArrayLike,
    *,
    alternative: str = "two-sided",
    n_permutations: int = 9_999,
    rng: Rng | None = None,
    popmean: float = 0.0,
    level: float = 0.95,
) -> SignFlip:
    """Get the sign-flip test of a mean: could these signs be a coin's?

    Under the null each value lies as likely above ``popmean`` as below it by the same amount, so all 2^n sign patterns
    of x - popmean are equally likely; p is the share of patterns at least as extreme as the observed one, itself
    included.

    Parameters
    ----------
    x: one value per network, person or pair (differences), shape (n,).
    alternative: "two-sided" (twice the smaller tail), "greater" or "less".
    n_permutations, rng: used above 30 values only, where patterns are drawn; up to 30 values all 2^n are counted.
    popmean: the mean under the null.
    level: coverage of the (always two-sided) interval, which leaves out ``popmean`` exactly when the two-sided
        p <= 1 - level.

    Returns
    -------
    SignFlip; ``low`` and ``high`` are infinite where n is too small for the level; ``p_floor`` is the smallest p
    possible.

    When this is invalid
    --------------------
    Values that are not independent (units, folds), or differences whose distribution is not symmetric under the null.

    Source: Fisher (1935), The Design of Experiments; agrees with ``scipy.stats.permutation_test`` ("samples").

    Example
    -------
    >>> sign_flip([0.3, 1.4, 0.3, 1.9, 0.4]).p
    0.0625
    """
    x = sample(x)
    choice(alternative, ALTERNATIVES, "alternative")
    unit_interval(level, "level")
    popmean = number(popmean, "popmean")
    flips = flips_of(x, n_permutations, rng)
    p = flips.beyond(popmean, alternative) / flips.total
    low, high = flip_ends(flips, level, (popmean,))
    drawn = None if flips.exact else n_permutations
    floor = p_floor("sign_flip", n=x.size, alternative=alternative, n_permutations=drawn)
    note = "" if np.isfinite([low, high]).all() else too_few(x.size, level)
    note = note or ("" if (x != x[0]).any() else f"all {x.size} values are {x[0]:g}: constant (ceiling, or a sham?).")
    mean, kind = float(x.mean()), (flips.exact, alternative, level, note)
    return SignFlip(p, float((x - popmean).mean()), mean, low, high, floor, x.size, flips.total, *kind)


def _splits(n: int, k: int, n_permutations: int, rng: Rng | None) -> tuple[np.ndarray, bool]:
    """Get boolean rows (arrangements, n) with k True each: all if few, else drawn ones, the observed one first."""
    total = math.comb(n, k)
    exact = total <= max(EXACT_SPLITS, n_permutations)
    if exact:
        rows = np.zeros((total, n), dtype=bool)
        chosen = np.array(list(combinations(range(n), k)))
        rows[np.arange(total)[:, None], chosen] = True
        return rows, True
    ranks = np.argsort(generator(rng, "a label shuffle").random((n_permutations, n)), axis=1)
    rows = np.zeros((n_permutations + 1, n), dtype=bool)
    rows[0, :k] = True
    np.put_along_axis(rows[1:], ranks[:, :k], True, axis=1)
    return rows, False


def _shift_ends(a: Floats, b: Floats, rows: np.ndarray, level: float) -> tuple[float, float]:
    """Get the shifts of a that the one-sided tests at (1 - level)/2 do not reject.

    Swapping F of a against G of b, equally many, keeps the difference at least as large at shift s exactly when
    mean_F(a) - mean_G(b) <= s, so the ends are order statistics of these means.
    """
    k, total = a.size, len(rows)
    stay_out, come_in = ~rows[:, :k], rows[:, k:]
    swaps = come_in.sum(axis=1)
    ratio = (stay_out @ a - come_in @ b)[swaps > 0] / swaps[swaps > 0]
    ratio = np.sort(ratio)
    at = int(np.floor((1 - level) / 2 * total * (1 + 1e-12))) - int((swaps == 0).sum())
    return (-np.inf, np.inf) if at < 0 or at >= ratio.size else (float(ratio[at]), float(ratio[-1 - at]))


def _as_extreme(x: Floats, size: int, rows: np.ndarray, tie: float) -> dict[str, np.ndarray]:
    """Get, per alternative, which arrangements give a mean difference at least as extreme as the first, the observed.

    x : centred values, those of the first group first, ``size`` of them.
    """
    null = rows @ x * (1 / size + 1 / (x.size - size))
    two_sided = np.abs(null) >= abs(null[0]) - tie
    return {"greater": null >= null[0] - tie, "less": null <= null[0] + tie, "two-sided": two_sided}


def _no_end(sizes: tuple[int, int], level: float) -> str:
    """Get the sentence that explains an infinite end of a shift between two groups."""
    needed = n_needed("label_shuffle", alpha=(1 - level) / 2, alternative="greater")
    return (
        f"{sizes[0]} and {sizes[1]} values cannot reach {(1 - level) / 2:.3g} one-sided, so the interval has no end; "
        f"use {needed} or more in each group."
    )


def label_shuffle(
    a: ArrayLike,
    b: ArrayLike,
    *,
    alternative: str = "two-sided",
    n_permutations: int = 9_999,
    rng: Rng | None = None,
    level: float = 0.95,
) -> LabelShuffle:
    """Get the permutation test of mean(a) - mean(b) for two independent groups.

    All C(n, k) ways to name k of the n values "a" are equally likely under the null; they are enumerated when there
    are at most 20,000 of them (or ``n_permutations``), else ``n_permutations`` are drawn and p = (b + 1) / (m + 1).

    Parameters
    ----------
    a, b: one value per network or person, shapes (k,) and (n - k,).
    alternative: "two-sided" is on the absolute difference; "greater" says that a is larger.

    Returns
    -------
    LabelShuffle; (low, high) are the shifts that neither one-sided test rejects at (1 - level)/2.

    When this is invalid
    --------------------
    Groups of unequal spread and size (then the null is not exchangeable: ``maps.welch_t``); dependent values.

    Groups of unequal size: the two-sided p and the interval, of two one-sided halves, may then tell different stories.

    Source: Pitman (1937); agrees with ``scipy.stats.permutation_test(permutation_type="independent")`` one-sided, and
    two-sided in groups of equal size (scipy doubles the smaller tail).

    Example
    -------
    >>> round(label_shuffle([1.2, 2.3, 1.9, 3.1, 2.2], [0.9, 1.0, 1.6, 1.2, 1.8]).p, 7)
    0.047619
    """
    a, b = sample(a, "a"), sample(b, "b")
    choice(alternative, ALTERNATIVES, "alternative")
    unit_interval(level, "level")
    rows, exact = _splits(a.size + b.size, a.size, counted(n_permutations, "n_permutations"), rng)
    observed, both = float(a.mean() - b.mean()), np.concatenate((a, b))
    x = both - both.mean()
    tie = TIE * float(np.abs(x).sum()) + float(np.spacing(np.abs(both)).sum())  # numbers themselves are rounded
    extreme, (low, high) = _as_extreme(x, a.size, rows, tie), _shift_ends(x[: a.size], x[a.size :], rows, level)
    most = (1 - level) / 2 * (1 + 1e-12)  # a tie that keeps 0 in the p keeps it in the interval
    low = min(low, 0.0) if extreme["greater"].mean() > most else low
    high = max(high, 0.0) if extreme["less"].mean() > most else high
    sizes, drawn = (a.size, b.size), None if exact else n_permutations
    floor = p_floor("label_shuffle", n=sizes, alternative=alternative, n_permutations=drawn)
    p, total = float(extreme[alternative].mean()), len(rows)
    note = "" if np.isfinite([low, high]).all() else _no_end(sizes, level)
    return LabelShuffle(p, observed, observed, low, high, floor, sizes, total, exact, alternative, level, note)
