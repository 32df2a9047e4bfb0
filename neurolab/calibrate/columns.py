"""Maps over columns (independent columns are as many simulations) and lists of discoveries."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import stats as sps

from neurolab.calibrate.entry import Entry, Found, approximate, conservative, covers, exact, found_of
from neurolab.stats import equivalence, maps, multiplicity

Stream = np.random.Generator
AT_ONCE = 200


def two_columns(
    stream: Stream, effect: float, *, test: str, sizes: tuple[int, int] = (12, 12), spread: float = 1.0
) -> Found:
    """Test two groups in many columns; the first has ``spread`` times the sd of the second."""
    a, b = stream.normal(effect, spread, (sizes[0], AT_ONCE)), stream.normal(size=(sizes[1], AT_ONCE))
    return found_of(getattr(maps, test)(a, b), effect)


def ranks(stream: Stream, effect: float, *, sizes: tuple[int, int] = (20, 20)) -> Found:
    """Test two groups by ranks in many columns; the AUC is the effect."""
    a, b = stream.normal(effect, 1, (sizes[0], AT_ONCE)), stream.normal(size=(sizes[1], AT_ONCE))
    return found_of(maps.rank_auc(a, b), sps.norm.cdf(effect / np.sqrt(2)))


def one_column(stream: Stream, effect: float, *, n: int = 8) -> Found:
    """Test one sample in many columns."""
    return found_of(maps.one_sample_t(stream.normal(effect, 1, (n, AT_ONCE))), effect)


def with_volume(stream: Stream, effect: float) -> Found:
    """Test a regressor in many columns that all depend on a second one."""
    volume = stream.normal(size=20)
    design = np.column_stack((0.8 * volume + stream.normal(size=20), volume, np.ones(20)))
    y = stream.normal(size=(20, AT_ONCE)) + 3 * volume[:, None] + effect * design[:, :1]
    return found_of(maps.glm_t(y, design, [1, 0, 0]), effect)


def any_found(stream: Stream, effect: float, *, method: str, n: int = 60) -> Found:
    """Say whether anything is rejected among n tests, of which a quarter has an effect (0: none)."""
    return Found(0.0 if _rejected(stream, effect, method, n).any() else 1.0)


def one_is_false(stream: Stream, effect: float, *, method: str, n: int = 60) -> Found:
    """Say whether one discovery, drawn among all, is false: that happens at the false discovery rate."""
    found = np.flatnonzero(_rejected(stream, effect, method, n))
    return Found(0.0 if found.size and stream.choice(found) >= n // 4 else 1.0)


def _rejected(stream: Stream, effect: float, method: str, n: int) -> np.ndarray:
    z = stream.normal(size=n)
    z[: n // 4] += effect
    return getattr(multiplicity, method)(2 * sps.norm.sf(abs(z))).reject


def tost(stream: Stream, effect: float, *, test: str, **settings: Any) -> Found:
    """Test by t that a mean or mean difference lies within ±0.5."""
    x, y = stream.normal(effect, 0.3, 12), stream.normal(0, 0.3, 12)
    groups = (x,) if test == "tost_one_sample" else (x, y)
    return found_of(getattr(equivalence, test)(*groups, bounds=0.5, **settings), effect)


_NULL = "Both groups from one normal."
_BOUND = "The true mean difference is the bound itself."
_TOST: dict[str, Any] = {"at": 0.5, "power_at": 0.0, "effect": "difference 0, bound 1.7 sd"}
_BH = "15 of 60 tests have an effect of 3 sd; a discovery drawn at random is false."

ENTRIES = (
    Entry("welch_t", "stats.maps.welch_t", "Equal means, spreads 4 : 1.", "10 + 30 rows",
          partial(two_columns, test="welch_t", sizes=(10, 30), spread=4.0), approximate(0.051),
          covers(kind="approximate"), power_at=6.0, effect="difference of 1.5 of the larger sd", at_once=AT_ONCE,
          quick=True),
    Entry("pooled_t", "stats.maps.pooled_t", _NULL, "12 + 12 rows", partial(two_columns, test="pooled_t"), exact(),
          covers(), power_at=1.5, effect="difference 1.5 sd", at_once=AT_ONCE),
    Entry("paired_t", "stats.maps.paired_t", _NULL, "12 pairs", partial(two_columns, test="paired_t"), exact(),
          covers(), power_at=1.5, effect="difference 1.1 sd of the differences", at_once=AT_ONCE),
    Entry("one_sample_t", "stats.maps.one_sample_t", "Normal values about 0.", "8 rows", one_column, exact(),
          covers(), power_at=1.5, effect="mean 1.5 sd", at_once=AT_ONCE),
    Entry("rank_auc", "stats.maps.rank_auc", _NULL, "20 + 20 rows", ranks, conservative(),
          covers(kind="approximate"), power_at=1.0, effect="difference 1 sd", at_once=AT_ONCE),
    Entry("glm_t", "stats.maps.glm_t", "No slope, given a nuisance that both follow.", "20 rows", with_volume, exact(),
          covers(), power_at=0.8, effect="slope 0.8 sd", at_once=AT_ONCE),
    Entry("benjamini_hochberg, nothing there", "stats.multiplicity.benjamini_hochberg",
          "60 true nulls: any discovery is an error.", "60 tests", partial(any_found, method="benjamini_hochberg"),
          exact(), power_at=4.0, effect="15 of 60 at 4 sd"),
    Entry("benjamini_hochberg, false discovery rate", "stats.multiplicity.benjamini_hochberg", _BH, "60 tests",
          partial(one_is_false, method="benjamini_hochberg"), exact(0.05 * 45 / 60), at=3.0),
    Entry("benjamini_yekutieli, nothing there", "stats.multiplicity.benjamini_yekutieli",
          "60 true nulls: any discovery is an error.", "60 tests", partial(any_found, method="benjamini_yekutieli"),
          conservative(), power_at=4.0, effect="15 of 60 at 4 sd"),
    Entry("bonferroni, nothing there", "stats.multiplicity.bonferroni", "60 true nulls: any discovery is an error.",
          "60 tests", partial(any_found, method="bonferroni"), conservative(), power_at=4.0, effect="15 of 60 at 4 sd"),
    Entry("holm, nothing there", "stats.multiplicity.holm", "60 true nulls: any discovery is an error.", "60 tests",
          partial(any_found, method="holm"), conservative(), power_at=4.0, effect="15 of 60 at 4 sd"),
    Entry("tost_one_sample", "stats.equivalence.tost_one_sample", "The true mean is the bound itself.", "12 values",
          partial(tost, test="tost_one_sample"), exact(), covers(0.90), **_TOST),
    Entry("tost_paired", "stats.equivalence.tost_paired", _BOUND, "12 pairs", partial(tost, test="tost_paired"),
          exact(), covers(0.90), **_TOST),
    Entry("tost_independent, Welch", "stats.equivalence.tost_independent", _BOUND, "12 + 12 values",
          partial(tost, test="tost_independent", variances="welch"), approximate(0.0455), covers(0.90, "approximate"),
          **_TOST),
    Entry("tost_independent, pooled", "stats.equivalence.tost_independent", _BOUND, "12 + 12 values",
          partial(tost, test="tost_independent", variances="pooled"), exact(), covers(0.90), **_TOST),
)  # fmt: skip
