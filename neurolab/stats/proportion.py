"""Intervals of a proportion: k of n."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats as sps

from neurolab.errors import DataError
from neurolab.stats._given import counted, unit_interval


@dataclass(frozen=True)
class Proportion:
    """A proportion with its interval."""

    effect: float
    low: float
    high: float
    n: int
    method: str
    level: float


def _counts(k: int, n: int, level: float) -> tuple[int, int, float]:
    n, k = counted(n, "n"), counted(k, "k", least=0)
    if k > n:
        raise DataError(f"k={k} of n={n} given; expected k <= n.")
    return k, n, unit_interval(level, "level")


def wilson(k: int, n: int, *, level: float = 0.95) -> Proportion:
    """Get k/n with Wilson's score interval: the shares that the normal test of k does not reject.

    When this is invalid: trials that are not independent.  Source: Wilson (1927), doi:10.1080/01621459.1927.10502953;
    agrees with ``scipy.stats.binomtest(k, n).proportion_ci(method="wilson")``.

    Example
    -------
    >>> ends = wilson(9, 10)
    >>> round(ends.low, 5), round(ends.high, 5)
    (0.59585, 0.98212)
    """
    k, n, level = _counts(k, n, level)
    ends = sps.binomtest(k, n).proportion_ci(level, method="wilson")
    return Proportion(k / n, float(ends.low), float(ends.high), n, "wilson", level)


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> Proportion:
    """Get k/n with Clopper and Pearson's exact interval: covers at least ``level``, often more.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; agrees with
    ``statsmodels ... proportion_confint(method="beta")``.

    Example
    -------
    >>> ends = clopper_pearson(9, 10)
    >>> round(ends.low, 6), round(ends.high, 6)
    (0.554984, 0.997471)
    """
    k, n, level = _counts(k, n, level)
    ends = sps.binomtest(k, n).proportion_ci(level, method="exact")
    return Proportion(k / n, float(ends.low), float(ends.high), n, "clopper-pearson", level)
