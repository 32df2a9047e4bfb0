"""Sign flips, label shuffles and maxima over columns, at the edge of their nulls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from neurolab.calibrate.entry import (
    Entry,
    Found,
    approximate,
    attainable,
    conservative,
    covers,
    exact,
    found_of,
    shortcut,
)
from neurolab.stats import equivalence, intervals, permutation, right_or_wrong, shares

Stream = np.random.Generator

#: Shapes of noise, symmetric about 0.
DRAWS: dict[str, Callable[..., np.ndarray]] = {
    "normal": lambda stream, shape: stream.normal(size=shape),
    "heavy": lambda stream, shape: stream.standard_t(2, size=shape),
}


def flip(stream: Stream, effect: float, *, n: int, shape: str = "normal", **settings: Any) -> Found:
    """Test the mean of n values by sign flips."""
    x = DRAWS[shape](stream, n) + effect
    return found_of(permutation.sign_flip(x, rng=stream, **settings), effect)


def shuffle(
    stream: Stream, effect: float, *, sizes: tuple[int, int], spread: float = 1.0, **settings: Any
) -> Found:
    """Test two groups by shuffling labels; the first has ``spread`` times the sd of the second."""
    a, b = stream.normal(effect, spread, sizes[0]), stream.normal(size=sizes[1])
    return found_of(permutation.label_shuffle(a, b, rng=stream, **settings), effect)


def correlated(stream: Stream, shape: tuple[int, ...]) -> np.ndarray:
    """Get columns that share half their variance, row by row."""
    return stream.normal(size=shape) + stream.normal(size=(*shape[:-1], 1))


def family(stream: Stream, effect: float, *, n: int, n_columns: int, paired: bool = False) -> Found:
    """Get the smallest max-T p over columns of one sample, or of pairs; the effect is in the first column."""
    x = correlated(stream, (n, n_columns))
    x[:, 0] += effect
    y = correlated(stream, (n, n_columns)) if paired else None
    return Found(permutation.max_t(x, y=y).p.min())


def two_families(
    stream: Stream,
    effect: float,
    *,
    sizes: tuple[int, int],
    n_columns: int,
    statistic: str = "welch",
    spread: float = 1.0,
) -> Found:
    """Get the smallest max-T p over columns of two groups; the first group has ``spread`` times the sd."""
    x = correlated(stream, (sum(sizes), n_columns))
    x[: sizes[0]] *= spread
    x[: sizes[0], 0] += effect
    groups = np.arange(sum(sizes)) < sizes[0]
    return Found(permutation.max_t(x, groups=groups, statistic=statistic, n_permutations=99, rng=stream).p.min())


def with_nuisance(stream: Stream, effect: float, *, n: int = 25, n_columns: int = 10) -> Found:
    """Get the smallest Freedman-Lane p over columns that all depend on a nuisance, as the tested regressor does."""
    volume = stream.normal(size=n)
    tested = 0.7 * volume + stream.normal(size=n)
    y = correlated(stream, (n, n_columns)) + 2 * volume[:, None]
    y[:, 0] += effect * tested
    return Found(permutation.freedman_lane(y, tested, volume, n_permutations=99, rng=stream).p.min())


def within_bounds(stream: Stream, effect: float, *, n: int, sd: float = 0.3, **settings: Any) -> Found:
    """Test by sign flips that a mean lies within ±1."""
    x = stream.normal(effect, sd, n)
    return found_of(equivalence.sign_flip_tost(x, bounds=1.0, rng=stream, **settings), effect)


def unchanged(stream: Stream, effect: float, *, n: int, bound: float, won: float, flips: bool = False) -> Found:
    """Test that few of n items change from right to wrong, by the score of paired shares or, wrongly, by sign flips."""
    x = stream.choice([1.0, -1.0, 0.0], n, p=[effect + won, won, 1 - effect - 2 * won])
    if flips:
        return found_of(equivalence.sign_flip_tost(x, bounds=bound, rng=stream), effect)
    return found_of(right_or_wrong.paired_shares_tost(x, bounds=bound), effect)


def lost_in_some(stream: Stream, effect: float, *, n: int, bound: float, flips: bool = False, **drawn: float) -> Found:
    """Test that few of n items change, each a mean over three networks, by the score or, wrongly, by sign flips."""
    x = three_networks(stream, effect, n, **drawn)
    if flips:
        return found_of(equivalence.sign_flip_tost(x, bounds=bound, rng=stream), effect)
    return found_of(right_or_wrong.paired_shares_tost(x, bounds=bound), effect)


def three_networks(stream: Stream, effect: float, n: int, *, likely: float = 1.0, won: float = 0.0) -> np.ndarray:
    """Get items, right minus wrong in the mean of three networks: some are lost in each network, if ``likely``.

    The others are won by each network at the rate ``won`` times the effect; the mean is the effect.
    """
    weak = effect * (1 + won) / likely
    lost = (stream.random((n, 3)) < likely).astype(float)
    back = (stream.random((n, 3)) < won * effect / (1 - weak)).astype(float)
    return np.where(stream.random((n, 1)) < weak, lost, -back).mean(axis=1)


def costing(stream: Stream, effect: float, *, n: int, bound: float, side: str, flips: bool = False) -> Found:
    """Test whether more, or fewer, of n items than a share turn wrong, by the score or, wrongly, by sign flips."""
    x = (stream.random(n) < effect).astype(float)
    if flips:
        return Found(permutation.sign_flip(x, popmean=bound, alternative=side, rng=stream).p)
    return Found(right_or_wrong.shares_beyond(x, bound, alternative=side).p)


def joined(stream: Stream, effect: float, *, n: int) -> Found:
    """Join two one-sided sign flips, the first of a large effect: the claims of a crossover."""
    pair = stream.normal(3, 1, n), stream.normal(effect, 1, n)
    return Found(max(permutation.sign_flip(x, alternative="greater").p for x in pair))


def share(stream: Stream, effect: float, *, n: int = 8) -> Found:
    """Test whether a gain is any share of a base of 10; the truth is the share ``effect``."""
    base = stream.normal(10, 1, n)
    return found_of(shares.sign_flip_share(effect * base + stream.normal(size=n), base), effect)


def inverted(stream: Stream, effect: float, *, n: int) -> Found:
    """Get the interval that inverts the sign flip."""
    return found_of(intervals.sign_flip_interval(stream.normal(effect, 1, n)), effect)


def mean_of(stream: Stream, effect: float, *, n: int) -> Found:
    """Get the interval that the package chooses for a mean over n networks."""
    return found_of(intervals.mean_interval(stream.normal(effect, 1, n)), effect)


_FLIP, _SHUFFLE, _MAX = "stats.permutation.sign_flip", "stats.permutation.label_shuffle", "stats.permutation.max_t"
_EIGHT = attainable(256, mirrored=True)

ENTRIES = (
    Entry("sign_flip, 8 values", _FLIP, "Normal values about 0.", "8 values", partial(flip, n=8),
          exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=1.5, effect="mean 1.5 sd", quick=True),
    Entry("sign_flip, heavy tails", _FLIP, "Values of a t with 2 df about 0.", "8 values",
          partial(flip, n=8, shape="heavy"), exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=3.0,
          effect="mean 3"),
    Entry("sign_flip, 99 drawn patterns", _FLIP, "Normal values about 0; patterns are drawn.", "40 values",
          partial(flip, n=40, n_permutations=99), exact(attainable(100, mirrored=True)), power_at=0.6,
          effect="mean 0.6 sd"),
    Entry("label_shuffle, 4 + 7 values", _SHUFFLE, "Both groups from one normal.", "4 + 7 values",
          partial(shuffle, sizes=(4, 7)), exact(attainable(330)), covers(rate=1 - 2 * attainable(330, 0.025)),
          power_at=2.5, effect="difference 2.5 sd"),
    Entry("label_shuffle, 99 drawn", _SHUFFLE, "Both groups from one normal; shuffles are drawn.", "12 + 12 values",
          partial(shuffle, sizes=(12, 12), n_permutations=99), exact(attainable(100)), power_at=1.5,
          effect="difference 1.5 sd", quick=True),
    Entry("max_t, one sample", _MAX, "30 correlated columns about 0: any p <= .05 is an error.", "8 rows",
          partial(family, n=8, n_columns=30), exact(_EIGHT), power_at=4.0, effect="one column at mean 2.8 sd"),
    Entry("max_t, pairs", _MAX, "20 correlated columns of pairs from one normal.", "8 pairs",
          partial(family, n=8, n_columns=20, paired=True), exact(_EIGHT), power_at=6.0,
          effect="one column at mean difference 3 sd"),
    Entry("max_t, two groups", _MAX, "30 correlated columns, both groups from one normal.", "10 + 10 rows",
          partial(two_families, sizes=(10, 10), n_columns=30), exact(attainable(100)), power_at=4.0,
          effect="one column at a difference of 2.8 sd"),
    Entry("max_t of ranks", _MAX, "20 correlated columns, both groups from one normal.", "8 + 8 rows",
          partial(two_families, sizes=(8, 8), n_columns=20, statistic="rank"), exact(attainable(100)), power_at=5.0,
          effect="one column at a difference of 3.5 sd"),
    Entry("max_t, unequal spread", _MAX, "5 correlated columns, equal means, spreads 3 : 1, labels not exchangeable.",
          "12 + 24 rows", partial(two_families, sizes=(12, 24), n_columns=5, spread=3.0), approximate(0.0925)),
    Entry("freedman_lane", "stats.permutation.freedman_lane",
          "10 correlated columns that follow a nuisance, as the tested regressor does.", "25 rows", with_nuisance,
          approximate(0.0575), power_at=1.5, effect="one column at a slope of 1.5"),
    Entry("sign_flip_tost, 8 values", "stats.equivalence.sign_flip_tost", "The mean is the upper bound itself.",
          "8 values", partial(within_bounds, n=8), exact(attainable(256)), covers(0.90, rate=1 - 2 * attainable(256)),
          at=1.0, power_at=0.0, effect="mean 0, bound 3.3 sd"),
    Entry("sign_flip_tost, 99 drawn", "stats.equivalence.sign_flip_tost", "The mean is the lower bound itself.",
          "40 values", partial(within_bounds, n=40, sd=1.0, n_permutations=99), exact(attainable(100)), at=-1.0,
          power_at=0.0, effect="mean 0, bound 1 sd"),
    Entry("paired_shares_tost, 20 items", "stats.right_or_wrong.paired_shares_tost",
          "The lesion turns a fifth of the items wrong, the upper bound itself, and none right.", "20 items",
          partial(unchanged, n=20, bound=0.2, won=0.0), conservative(), covers(0.90, "conservative"), at=0.2,
          power_at=0.0, effect="no item changes, bound .2"),
    Entry("paired_shares_tost, 50 items", "stats.right_or_wrong.paired_shares_tost",
          "A tenth more of the items turn wrong than right, the upper bound itself.", "50 items",
          partial(unchanged, n=50, bound=0.1, won=0.05), conservative(), covers(0.90, "conservative"), at=0.1,
          power_at=0.0, effect="each way .05, bound .1"),
    Entry("paired_shares_tost, means over 3 networks", "stats.right_or_wrong.paired_shares_tost",
          "Three tenths of the items turn wrong in all networks, others right in some: a fifth, the upper bound.",
          "40 items, 3 networks", partial(lost_in_some, n=40, bound=0.2, won=0.5), conservative(),
          covers(0.90, "conservative"), at=0.2, power_at=0.0, effect="no item changes, bound .2"),
    Entry("sign_flip_tost of means of right and wrong", "stats.equivalence.sign_flip_tost",
          "An eighth of the items turn wrong in each of 3 networks at .8: a tenth, the upper bound.",
          "20 items, 3 networks", partial(lost_in_some, n=20, bound=0.1, likely=0.8, flips=True), shortcut(), at=0.1,
          power_at=0.02, effect="a fiftieth turns wrong, bound .1"),
    Entry("sign_flip_tost of right and wrong", "stats.equivalence.sign_flip_tost",
          "A tenth of the items turn wrong, the upper bound itself, and none right.", "20 items",
          partial(unchanged, n=20, bound=0.1, won=0.0, flips=True), shortcut(), at=0.1, power_at=0.0,
          effect="no item changes, bound .1"),
    Entry("shares_beyond, more than half", "stats.right_or_wrong.shares_beyond",
          "The lesion turns half of the items wrong, the bound itself.", "30 items",
          partial(costing, n=30, bound=0.5, side="greater"), conservative(), at=0.5, power_at=0.9,
          effect="nine tenths turn wrong"),
    Entry("shares_beyond, fewer than a fifth", "stats.right_or_wrong.shares_beyond",
          "The lesion turns a fifth of the items wrong, the bound itself.", "30 items",
          partial(costing, n=30, bound=0.2, side="less"), conservative(), at=0.2, power_at=0.0,
          effect="no item changes"),
    Entry("sign_flip of right and wrong about a bound", _FLIP,
          "A tenth of the items turn wrong, the bound itself.", "20 items",
          partial(costing, n=20, bound=0.1, side="less", flips=True), shortcut(), at=0.1, power_at=0.0,
          effect="no item changes"),
    Entry("two sign flips joined", _FLIP, "One claim true and large, the other null: the edge of a crossover.",
          "8 values each", partial(joined, n=8), exact(attainable(256)), power_at=1.5, effect="mean 1.5 sd"),
    Entry("sign_flip_share", "stats.shares.sign_flip_share", "No gain over a base of 10.", "8 values", share,
          exact(attainable(256)), covers(rate=1 - _EIGHT), power_at=0.2, effect="a share of .2"),
    Entry("sign_flip_interval, 12 values", "stats.intervals.sign_flip_interval", "Normal values about 2.", "12 values",
          partial(inverted, n=12), interval=covers(rate=1 - attainable(4096, mirrored=True)), at=2.0),
    Entry("mean_interval, 8 values", "stats.intervals.mean_interval", "Normal values about 2.", "8 values",
          partial(mean_of, n=8), interval=covers(rate=1 - _EIGHT), at=2.0),
    Entry("mean_interval, 30 values", "stats.intervals.mean_interval", "Normal values about 2.", "30 values",
          partial(mean_of, n=30), interval=covers(), at=2.0),
)  # fmt: skip
