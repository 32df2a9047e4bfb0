"""Effect sizes, with intervals where the literature has one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.optimize import brentq
from scipy.special import gammaln

from neurolab.errors import DataError
from neurolab.stats._detection import (
    YesNo,
    a_prime,
    criterion,
    d_prime,
    empirical_logit,
    gourevitch_galanter_variance,
    log_beta,
    log_linear,
    mafc_d_prime,
    yes_no,
)
from neurolab.stats._given import Floats, number, same_shape, sample, unit_interval
from neurolab.stats._rank import auc_ends, mann_whitney

__all__ = [
    "Effect",
    "YesNo",
    "a_prime",
    "auc",
    "cliffs_delta",
    "cohens_d",
    "criterion",
    "d_prime",
    "empirical_logit",
    "gourevitch_galanter_variance",
    "hedges_g",
    "log_beta",
    "log_linear",
    "mafc_d_prime",
    "noncentral_t_interval",
    "selectivity_index",
    "small_sample_factor",
    "yes_no",
]

LARGE_T = 1e4  # beyond it scipy's non-central t has no root to find


@dataclass(frozen=True)
class Effect:
    """A standardised effect with its interval; ``t`` and ``df`` where it comes from a t."""

    effect: float
    low: float
    high: float
    level: float
    n: int | tuple[int, int]
    t: float | None = None
    df: float | None = None


def noncentral_t_interval(t: float, df: float, *, level: float = 0.95) -> tuple[float, float]:
    """Get the interval of the noncentrality of a t statistic: the values that put t at the (1 ± level)/2 quantiles.

    ``scipy.stats.nct.cdf`` is nan far from its mode (t = -9.3, df = 27, nc = 20), so it is read as the limit there,
    and the root is bracketed at t ± (8 + |z|), wider only where the spread of a small-df t asks for it.  Beyond
    |t| = 10,000, where it fails at any noncentrality, the noncentrality is t times the root of chi-square / df: what t
    tends to, right to 1e-6 there.

    Example
    -------
    >>> low, high = noncentral_t_interval(2.0, 10)
    >>> round(low, 3), round(high, 3)
    (-0.184, 4.101)
    """
    tail, t, df = (1 - unit_interval(level, "level")) / 2, number(t, "t"), number(df, "df")
    if df < 1:
        raise DataError(f"df={df:g} given; expected 1 or more degrees of freedom.")
    if abs(t) > LARGE_T:
        ends = t * np.sqrt(sps.chi2.ppf((tail, 1 - tail), df) / df)
        return float(ends.min()), float(ends.max())
    reach = 8 - sps.norm.ppf(tail) + abs(t) * (np.sqrt(sps.chi2.isf(tail / 100, df) / df) - 1)

    def below(nc: float, share: float) -> float:
        value = float(sps.nct.cdf(t, df, nc))
        return (value if np.isfinite(value) else float(t > nc)) - share

    low, high = (float(brentq(below, t - reach, t + reach, args=(share,), xtol=1e-12)) for share in (1 - tail, tail))
    return low, high


def small_sample_factor(df: float) -> float:
    """Get Hedges' J = gamma(df/2) / (sqrt(df/2) gamma((df-1)/2)), by which d overstates.

    Example
    -------
    >>> round(small_sample_factor(10), 5)
    0.92275
    """
    df = number(df, "df")
    return float(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)) if df > 1 else 0.0


def _spread(x: Floats, what: str) -> float:
    if x.max() == x.min():
        raise DataError(
            f"{what} is constant ({x[0]:g}), so a standardised effect is infinite; report the raw difference."
        )
    return float(x.std(ddof=1))


def cohens_d(
    x: ArrayLike, y: ArrayLike | None = None, *, paired: bool = False, popmean: float = 0.0, level: float = 0.95
) -> Effect:
    """Get Cohen's d with the interval of the non-central t.

    One sample: (mean - popmean) / s.  Paired: mean difference over the sd of the differences (d_z).  Independent: mean
    difference over the pooled sd.

    When this is invalid: strongly skewed data; unequal variances with ``paired=False``.
    Source: Cohen (1988); interval: Steiger & Fouladi (1997).

    Example
    -------
    >>> round(cohens_d([3.0, 4, 5], [1.0, 2, 3]).effect, 6)
    2.0
    """
    x, y = sample(x, least=2), None if y is None else sample(y, "y", least=2)
    popmean = number(popmean, "popmean")
    n: int | tuple[int, int] = x.size
    if y is not None and paired:
        same_shape(x, y)
        x, y = x - y, None
    if y is None:
        df, root = x.size - 1, np.sqrt(x.size)
        d = (x.mean() - popmean) / _spread(x, "the sample of values or differences")
    else:
        n, df, root = (x.size, y.size), x.size + y.size - 2, np.sqrt(x.size * y.size / (x.size + y.size))
        within = np.concatenate((x - x.mean(), y - y.mean()))
        if x.max() == x.min() and y.max() == y.min():
            raise DataError(
                "both samples are constant, so a standardised effect is undefined; report the raw difference."
            )
        d = (x.mean() - y.mean() - popmean) / np.sqrt((within**2).sum() / df)
    low, high = noncentral_t_interval(d * root, df, level=level)
    return Effect(float(d), low / root, high / root, level, n, float(d * root), float(df))


def hedges_g(
    x: ArrayLike, y: ArrayLike | None = None, *, paired: bool = False, popmean: float = 0.0, level: float = 0.95
) -> Effect:
    """Get Hedges' g = J d: Cohen's d without its small-sample bias; the interval is that of d times J.

    Parameters and validity as in ``cohens_d``.  Source: Hedges (1981), doi:10.3102/10769986006002107.

    Example
    -------
    >>> round(hedges_g([3.0, 4, 5], [1.0, 2, 3]).effect, 4)
    1.5958
    """
    d = cohens_d(x, y, paired=paired, popmean=popmean, level=level)
    j = small_sample_factor(float(d.df or 0))
    return Effect(j * d.effect, j * d.low, j * d.high, level, d.n, d.t, d.df)


def auc(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Effect:
    """Get the area under the curve, P(x > y) + P(x = y)/2, with Newcombe's interval (never degenerate at 0 or 1).

    Source: Hanley & McNeil (1982); interval: Newcombe (2006), method 5, doi:10.1002/sim.2324.

    Example
    -------
    >>> auc([3, 4, 5], [1, 2, 3]).effect.round(4)
    np.float64(0.9444)
    """
    x, y = sample(x), sample(y, "y")
    u, _ = mann_whitney(x[:, None], y[:, None])
    area = u[0] / (x.size * y.size)
    low, high = auc_ends(area, x.size, y.size, unit_interval(level, "level"))
    return Effect(area, float(low), float(high), level, (x.size, y.size))


def selectivity_index(x: ArrayLike, y: ArrayLike) -> float:
    """Get (mean(x) - mean(y)) / (mean(x) + mean(y)), from -1 to 1, of responses whose means are both above 0.

    When this is invalid: signed responses, whose index has no bounds (an error); use ``auc`` or ``maps.d_prime``.

    Example
    -------
    >>> round(selectivity_index([3, 4, 5], [1, 2, 3]), 4)
    0.3333
    """
    first, second = float(sample(x).mean()), float(sample(y, "y").mean())
    if not (first > 0 and second > 0):
        raise DataError(f"means of {first:g} and {second:g} given; expected both above 0: type np.abs(x), or use auc.")
    return (first - second) / (first + second)


def cliffs_delta(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Effect:
    """Get Cliff's delta, P(x > y) - P(x < y) = 2 AUC - 1, between -1 and 1.

    Source: Cliff (1993), doi:10.1037/0033-2909.114.3.494; interval as in ``auc``.

    Example
    -------
    >>> round(float(cliffs_delta([3, 4, 5], [1, 2, 3]).effect), 4)
    0.8889
    """
    area = auc(x, y, level=level)
    return Effect(2 * area.effect - 1, 2 * area.low - 1, 2 * area.high - 1, level, area.n)
