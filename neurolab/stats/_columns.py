"""The maximum statistic over columns under rearrangement: family-wise p per column, in blocks of bounded memory.

No t map is ever made for a rearrangement.  Columns are scaled once so that the rearranged statistic is one matrix
product, monotone in t: signs @ (x / sqrt(n sum x^2)) for one sample, membership @ (x / ...) for two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from neurolab.errors import DataError
from neurolab.stats import maps
from neurolab.stats._design import centred
from neurolab.stats._given import (
    ALTERNATIVES,
    TIE,
    Bools,
    Floats,
    Rng,
    choice,
    columns,
    counted,
    generator,
    number,
    regular,
    same_shape,
    untested,
)
from neurolab.stats._halves import half_products, paired_flips
from neurolab.stats._maxima import DRAWN, ROUND, Settle, Statistic, maxima, one_sided, sign_rows, split_rows

SMALL = 4_096  # this many arrangements are always enumerated
ZERO = 1e-12  # statistics are of the size of 1: one that is nearer to 0 is 0 but for the order of its sum
#: The two-sample tests whose maximum can be taken; "rank" is of ranks, which it leaves as they are.
TESTS = {"welch": maps.welch_t, "pooled": maps.pooled_t, "rank": maps.rank_auc}


@dataclass(frozen=True)
class MaxT:
    """Family-wise corrected p per column (shape (columns,)); ``t``, ``effect`` and its uncorrected two-sided interval
    beside it.

    Columns with ``valid`` False (constant or non-finite) take no part: t is 0, p is 1.  ``null`` holds the maximum of
    each arrangement: t for "welch", else the correlation r = t / sqrt(t^2 + df) ("rank": of ranks), which orders
    arrangements as t does; beside it draw r, not ``t``.
    """

    p: Floats
    t: Floats
    df: Floats
    effect: Floats
    low: Floats
    high: Floats
    valid: Bools
    p_floor: float
    n_arrangements: int
    exact: bool
    statistic: str
    alternative: str
    level: float
    null: Floats

    @property
    def note(self) -> str:
        """How many columns could not be tested, or nothing."""
        return untested(self.valid)


def finish(
    seen: maps.StatMap, observed: Floats, null: Floats, *, exact: bool, arrangements: int, floor: float, statistic: str
) -> MaxT:
    """Get the result: p is the share of arrangements, the observed one too, whose maximum reaches it."""
    valid, alternative = seen.valid, seen.alternative
    value = one_sided(observed, alternative)
    slack = np.maximum(TIE * np.abs(value), ZERO)
    reached = null.size - np.searchsorted(np.sort(null), value - slack, side="left")
    null = null if valid.any() else null[:0]  # nothing was tested
    p = np.ones(valid.size)
    p[valid] = np.maximum(reached, 1) / null.size if exact else (reached + 1) / (null.size + 1)
    return MaxT(
        p,
        seen.statistic,
        seen.df,
        seen.effect,
        seen.low,
        seen.high,
        valid,
        floor,
        arrangements,
        exact,
        statistic,
        alternative,
        seen.level,
        null,
    )


def _flip_test(
    x: Floats, seen: maps.StatMap, popmean: float, *, n_permutations: int, rng: Rng | None, block: int
) -> MaxT:
    n, total = len(x), 2 ** len(x)
    exact = total <= max(SMALL, n_permutations)
    two, side = seen.alternative == "two-sided", seen.alternative
    stream = None if exact else generator(rng, "max_t")
    x = x if stream is None else x[stream.permutation(n)]  # which rows are a half is drawn too
    z = x[:, seen.valid] - popmean
    z /= np.abs(z).max(axis=0)
    z /= np.sqrt(n * (z**2).sum(axis=0))
    observed = z.sum(axis=0)
    if stream is None:
        null = maxima(sign_rows(n, total, half=two, block=block), _products(z), z.shape[1], side, block)
    else:
        settle = Settle(_products(z), np.sort(one_sided(observed, side)), _flip_margin(n))
        rows = paired_flips(n, n_permutations, stream, block)
        null = maxima(rows, half_products(z.astype(DRAWN)), z.shape[1], side, block, settle)
    floor = (1 + two) / total if exact else 1 / (n_permutations + 1)
    return finish(
        seen,
        observed,
        null,
        exact=exact,
        arrangements=total if exact else n_permutations,
        floor=floor,
        statistic=seen.test,
    )


def _flip_margin(n: int) -> Callable[[Floats], Floats]:
    """Get how far float32 may put a sum of two halves of signed columns: sum |z| <= 1, and n / 2 roundings of it."""
    return lambda best: np.full(best.shape, (n / 2 + 8) * ROUND)


def _products(z: NDArray) -> Statistic:
    """Get the sums of signed columns, as a function of blocks of signs."""
    return lambda signs, at: signs @ z[:, at]


def _two_sample(z: Floats, n_a: int, kind: str) -> Statistic:
    """Get the statistic of 0/1 rows, as a function; columns of z are centred with unit mean square.

    Of ranks the pooled one orders arrangements as Mann-Whitney's U does.
    """
    n_b, square = len(z) - n_a, z**2
    total, both = square.sum(axis=0), z.dtype.type(1 / n_a + 1 / n_b)

    def pooled(rows: Floats, at: slice) -> Floats:  # the correlation of column and membership: monotone in t
        return (rows @ z[:, at]) * np.sqrt(both / total[at])

    def welch(rows: Floats, at: slice) -> Floats:
        mean = rows @ z[:, at]
        within_a = rows @ square[:, at]
        within_b = total[at] - within_a
        share_a = (within_a - mean**2 / n_a) / ((n_a - 1) * n_a)
        share_b = (within_b - mean**2 / n_b) / ((n_b - 1) * n_b)
        variance = share_a + share_b
        mean *= both
        mean /= np.sqrt(np.maximum(variance, 1e-12))  # two constant groups: very large, not inf
        return mean

    return welch if kind == "welch" else pooled


def _two_sample_margin(n: int, n_a: int, kind: str) -> Callable[[Floats], Floats]:
    """Get how far float32 may put the largest two-sample statistic from its float64 value.

    A sum of n_a of n products is off by at most n_a roundings of sum |z| <= sqrt(n_a n); Welch's variance shrinks, and
    its rounding grows in proportion, by 1 + t^2/n.
    """
    both = 1 / n_a + 1 / (n - n_a)
    sums = (n + 8) * ROUND * np.sqrt(n_a * both)
    if kind != "welch":
        return lambda best: np.full(best.shape, sums)
    return lambda best: (1 + best**2 / n) * (sums * np.sqrt(n) + 4 * (n + 8) * ROUND * np.abs(best))


def _shuffle_test(
    a: Floats, b: Floats, seen: maps.StatMap, *, n_permutations: int, rng: Rng | None, block: int
) -> MaxT:
    n, n_a = len(a) + len(b), len(a)
    arrangements = math.comb(n, n_a)
    exact = arrangements <= max(SMALL, n_permutations)
    both = centred(np.concatenate((a, b))[:, seen.valid])
    both /= np.abs(both).max(axis=0)
    z = both / np.sqrt((both**2).mean(axis=0))
    statistic, side = _two_sample(z, n_a, seen.test), seen.alternative
    rows = split_rows(n, n_a, arrangements if exact else n_permutations, rng, exact=exact, block=block)
    observed = statistic((np.arange(n) < n_a)[None, :].astype(np.float64), slice(None))[0]
    if exact:
        null = maxima(rows, statistic, z.shape[1], side, block)
    else:
        settle = Settle(statistic, np.sort(one_sided(observed, side)), _two_sample_margin(n, n_a, seen.test))
        null = maxima(rows, _two_sample(z.astype(DRAWN), n_a, seen.test), z.shape[1], side, block, settle)
    mirrored = 2 if seen.alternative == "two-sided" and n_a == len(b) else 1
    return finish(
        seen,
        observed,
        null,
        exact=exact,
        arrangements=arrangements if exact else n_permutations,
        floor=mirrored / arrangements if exact else 1 / (n_permutations + 1),
        statistic=seen.test,
    )


def max_t(
    x: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    y: ArrayLike | None = None,
    n_permutations: int = 9_999,
    rng: Rng | None = None,
    alternative: str = "two-sided",
    popmean: float = 0.0,
    statistic: str = "welch",
    level: float = 0.95,
    block: int = 1_000,
) -> MaxT:
    """Get a p per column that holds for all columns together: the maximum t over columns under rearrangement.

    One sample by default (signs are flipped); paired with ``y`` (signs of x - y are flipped); two samples with
    ``groups`` (labels are shuffled).  Exact, and free of chance, when 2^n or C(n, k) is at most 4,096 or
    ``n_permutations``.

    Parameters
    ----------
    x: observations x columns, (n, columns).
    groups: (n,) booleans (or 0/1); the effect is mean over True - mean over False.
    y: the second members of the pairs, same shape as x.
    n_permutations, rng: arrangements drawn when there are too many to enumerate; then p = (b + 1) / (m + 1).  Signs
        are drawn in pairs that share those of half of the rows and differ in all others, at half the price; one of
        the m is the data's own partner.
    alternative: "greater" and "less" have their own null (mne's ``permutation_t_test`` gives them the two-sided one).
    statistic: "welch", "pooled" or "rank" (``t`` is then the Mann-Whitney z and ``effect`` the AUC), for two samples.
    block: rows and columns per matrix product; memory is bounded by some three copies of x and 5 * 8 * block^2 bytes,
        however many arrangements.  Drawn ones are multiplied in float32, in float64 where rounding could move a p.

    Returns
    -------
    MaxT; constant and non-finite columns are screened (valid False, p = 1), as one of them would spoil every other p.
    "welch" and "pooled" screen a column that is constant in one group; "rank" one that is constant over both.

    When this is invalid
    --------------------
    Rows that are not exchangeable under the null: dependent presentations.  Two groups of unequal spread (3 : 1) reject
    .064 of true nulls at .05 with 20 + 20 rows, .089 with 12 + 24 by "welch"; "pooled" more if the small one spreads.

    Source: Westfall & Young (1993); Nichols & Holmes (2002), doi:10.1002/hbm.1058; drawn flips:
    Hemerik & Goeman (2018), doi:10.1007/s11749-017-0571-1.

    Example
    -------
    >>> max_t([[1.0, 0.1], [1.1, -0.1], [1.2, 0.2], [0.9, 0.1], [1.3, -0.2], [1.0, 0.1]]).p.round(5)
    array([0.03125, 0.90625])
    """
    x = columns(x)
    choice(alternative, ALTERNATIVES, "alternative")
    choice(statistic, tuple(TESTS), "statistic")
    n_permutations, block = counted(n_permutations, "n_permutations"), counted(block, "block")
    popmean = number(popmean, "popmean")
    if groups is None:
        if statistic != "welch":
            raise DataError(f"statistic={statistic!r} given for one sample or pairs; it is for two samples: groups=...")
        d = x if y is None else _difference(x, columns(y, "y"))
        seen = maps.one_sample_t(d, popmean=popmean, alternative=alternative, level=level)
        return _flip_test(d, seen, popmean, n_permutations=n_permutations, rng=rng, block=block)
    if y is not None or popmean:
        raise DataError(
            "groups given together with y or popmean; expected either two groups of rows, or pairs, or one sample."
        )
    first = _membership(groups, len(x))
    x = _ranks(x) if statistic == "rank" else x
    a, b = x[first], x[~first]
    seen = TESTS[statistic](a, b, alternative=alternative, level=level)
    return _shuffle_test(a, b, seen, n_permutations=n_permutations, rng=rng, block=block)


def _ranks(x: Floats) -> Floats:
    """Get the ranks in each column, nan in one that holds nan or inf."""
    return rankdata(np.where(np.isfinite(x), x, np.nan), axis=0)


def _difference(x: Floats, y: Floats) -> Floats:
    same_shape(x, y)
    return x - y


def _membership(groups: ArrayLike, n: int) -> Bools:
    """Get the rows of the first group from booleans or 0/1."""
    given = regular(groups, "groups")
    if given.shape != (n,) or not (given.dtype == bool or np.isin(given, (0, 1)).all()):
        strange = [one for one in given.ravel().tolist() if one not in (0, 1)]
        what = f"of shape {given.shape}" if given.shape != (n,) else f"with {strange[0]!r} in it"
        raise DataError(f"groups {what} given; expected {n} booleans: type groups=(condition == 'faces').")
    return given.astype(bool)
