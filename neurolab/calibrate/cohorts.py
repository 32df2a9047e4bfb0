"""Cohorts compared by an index per network: two conditions, several, and ordered ones."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from neurolab.analysis.across import compare_cohorts
from neurolab.analysis.along import trend
from neurolab.analysis.own_index import index_mean
from neurolab.calibrate.entry import Entry, Found, approximate, attainable, conservative, covers, exact, found_of
from neurolab.stats.trend import jonckheere

Stream = np.random.Generator
LEVELS = (0.0, 0.5, 1.0)


def networks(stream: Stream, shifts: tuple[float, ...], *, n: int = 8, shared: float = 1.0) -> list[np.ndarray]:
    """Get an index (n,) per condition: what the seed brings to all conditions, what the network brings, a shift."""
    seeds = shared * stream.normal(size=n)
    return [seeds + stream.normal(size=n) + shift for shift in shifts]


def profiles(values: list[np.ndarray], *, seeds: bool = True) -> dict[str, pd.DataFrame]:
    """Get profiles of one index, of conditions "0.0", "0.5", ..., whose networks share their seeds or not."""
    names = [[f"net seed {k}" if seeds else f"net {at}-{k}" for k in range(len(x))] for at, x in enumerate(values)]
    return {f"{0.5 * at}": pd.DataFrame({"index": x}, index=names[at]) for at, x in enumerate(values)}


def rising(stream: Stream, effect: float, *, n: int = 8, blocks: bool = False, whole: bool = False) -> Found:
    """Test a rise of ``effect`` from the first of three levels to the last."""
    values = networks(stream, tuple(effect * level for level in LEVELS), n=n, shared=2.0 if blocks else 0.0)
    y = np.round(np.concatenate(values)) if whole else np.concatenate(values)
    seeds = np.tile(np.arange(n), len(LEVELS)) if blocks else None
    return found_of(jonckheere(np.repeat(LEVELS, n), y, blocks=seeds, n_permutations=999, rng=stream), effect)


def unequal_levels(stream: Stream, effect: float, *, sizes: tuple[int, ...], least: float) -> Found:
    """Test a rise of ``effect`` over levels of these sizes, of whole numbers of which those below ``least`` are 0."""
    x = np.repeat(np.linspace(0.0, 1.0, len(sizes)), sizes)
    y = np.floor(stream.normal(size=x.size) + effect * x)
    return Found(jonckheere(x, np.where(y < least, 0.0, y), n_permutations=999, rng=stream).p)


def two_cohorts(stream: Stream, effect: float, *, seeds: bool) -> Found:
    """Test two conditions that differ by ``effect``."""
    values = networks(stream, (0.0, effect), shared=1.0 if seeds else 0.0)
    found = compare_cohorts(profiles(values, seeds=seeds), against="0.0", matched_on=None, rng=stream)
    p, low, high = (float(found[name].item()) for name in ("p", "low", "high"))
    return Found(p, low, high, effect)


def several_cohorts(stream: Stream, effect: float) -> Found:
    """Look for any of four conditions that differs from the first, corrected; one of them does by ``effect``."""
    values = networks(stream, (0.0, effect, 0.0, 0.0, 0.0), n=10)
    found = compare_cohorts(profiles(values), against="0.0", matched_on=None, rng=stream)
    return Found(float(found["q"].min()))


def called_equal(stream: Stream, effect: float, *, seeds: bool) -> Found:
    """Say whether two conditions whose accuracies differ by ``effect`` are called equal within 1."""
    values = networks(stream, (0.0, effect), shared=0.0, n=12)
    tables = {at: table.rename(columns={"index": "accuracy"}) for at, table in profiles(values, seeds=seeds).items()}
    found = compare_cohorts(tables, against="0.0", equal_within=1.0, rng=stream)
    return Found(0.0 if bool(found["equal"].item()) else 1.0)


def along(stream: Stream, effect: float) -> Found:
    """Test the trend of one index over three levels, within seeds."""
    values = networks(stream, tuple(effect * level for level in LEVELS))
    found = trend(profiles(values), matched_on=None, rng=stream)
    p, low, high = (float(found[name].item()) for name in ("p", "low", "high"))
    return Found(p, low, high, effect)


def own(stream: Stream, effect: float) -> Found:
    """Test the mean of one index of two conditions, of which the second is ``effect``."""
    found = index_mean(profiles(networks(stream, (0.0, effect), shared=0.0)), index="index", rng=stream)
    one = found.isel(condition=1)
    p, low, high = (float(one[name]) for name in ("p", "low", "high"))
    return Found(p, low, high, effect)


def attained(sizes: tuple[int, ...], n_blocks: int) -> float:
    """Get the largest two-sided p <= .05 that counts of ordered pairs can give."""
    from neurolab.stats._inversions import over_blocks  # counted when the table is made, not when it is imported

    tail = np.cumsum(over_blocks([sizes] * n_blocks)[::-1])
    return float(2 * tail[2 * tail <= 0.05 * (1 + 1e-12)].max())


_EIGHT, _NO = attainable(256), "No condition differs."
_GROUPS, _SEEDS = attained((8, 8, 8), 1), attained((1, 1, 1), 8)
_JT, _SPLITS = "stats.trend.jonckheere", attainable(12870, mirrored=True)

ENTRIES = (
    Entry("jonckheere, groups", _JT, "Three levels from one normal.", "8 + 8 + 8 values", rising, exact(_GROUPS),
          covers(rate=1 - _GROUPS), power_at=1.5, effect="rise of 1.5 sd", quick=True),
    Entry("jonckheere, within seeds", _JT, "Three levels; a seed shifts its networks by 2 sd.", "8 seeds, 3 levels",
          partial(rising, blocks=True), exact(_SEEDS), covers(rate=1 - _SEEDS), power_at=2.0, effect="rise of 2 sd"),
    Entry("jonckheere, ties", _JT, "Three levels from one normal, rounded to whole numbers.", "8 + 8 + 8 values",
          partial(rising, whole=True), approximate(), power_at=1.5, effect="rise of 1.5 sd"),
    Entry("jonckheere, ties and unequal levels", _JT, "Three levels; .84 of the values are 0.", "3 + 3 + 12 values",
          partial(unequal_levels, sizes=(3, 3, 12), least=1.0), conservative(), power_at=3.0, effect="rise of 3 sd"),
    Entry("jonckheere, ties and unequal levels, falling", _JT, "The same, the many networks first.",
          "12 + 3 + 3 values", partial(unequal_levels, sizes=(12, 3, 3), least=1.0), conservative(), power_at=3.0,
          effect="rise of 3 sd"),
    Entry("jonckheere, ties drawn", _JT, "Five levels from one normal, in whole numbers.", "3 + 4 + 5 + 8 + 12 values",
          partial(unequal_levels, sizes=(3, 4, 5, 8, 12), least=-9.0), approximate(), power_at=2.0,
          effect="rise of 2 sd"),
    Entry("compare_cohorts, same seeds", "analysis.compare_cohorts", _NO, "8 pairs of networks",
          partial(two_cohorts, seeds=True), exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=2.0,
          effect="difference 2 sd"),
    Entry("compare_cohorts, other seeds", "analysis.compare_cohorts", _NO, "8 + 8 networks",
          partial(two_cohorts, seeds=False), exact(_SPLITS), covers(), power_at=1.5, effect="difference 1.5 sd"),
    Entry("compare_cohorts, any of four", "analysis.compare_cohorts", "No condition differs: any is an error.",
          "10 networks, 5 conditions", several_cohorts, conservative(), power_at=2.5, effect="one differs by 2.5 sd"),
    Entry("compare_cohorts, called equal by seed", "analysis.compare_cohorts", "They differ by the bound itself.",
          "12 pairs of networks", partial(called_equal, seeds=True), conservative(), at=1.0, power_at=0.0,
          effect="no difference, bound 1 sd"),
    Entry("compare_cohorts, called equal", "analysis.compare_cohorts", "They differ by the bound itself.",
          "12 + 12 networks", partial(called_equal, seeds=False), conservative(), at=1.0, power_at=0.0,
          effect="no difference, bound 1 sd"),
    Entry("trend", "analysis.trend", "No level differs.", "8 seeds, 3 levels", along, exact(_SEEDS),
          covers(rate=1 - _SEEDS), power_at=2.0, effect="rise of 2 sd"),
    Entry("index_mean", "analysis.index_mean", "The mean is 0.", "8 networks", own, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=1.5, effect="mean 1.5 sd"),
)  # fmt: skip
