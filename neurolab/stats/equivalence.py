"""Evidence for absence: equivalence tests against stated bounds, and Bayes factors.

"Not significant" is no evidence that nothing was lost.  Two one-sided tests (TOST) are: both must reject, p is the
larger one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.integrate import quad

from neurolab.errors import DataError
from neurolab.stats._floors import p_floor
from neurolab.stats._given import TINY, Rng, choice, counted, floats, number, same_shape, sample, unit_interval
from neurolab.stats.intervals import flip_ends, flips_of, too_few

Bounds = float | tuple[float, float]


@dataclass(frozen=True)
class Tost:
    """Two one-sided tests.  ``p`` is the larger one, ``t`` that test's statistic; ``effect`` the mean or mean
    difference.

    (low, high) has level 1 - 2 alpha: it lies inside ``bounds`` exactly when p <= alpha.  ``lower_*`` is the test
    against the lower bound (effect greater than it), ``upper_*`` against the upper one.  For sign-flips ``t`` and
    ``df`` are None; so are p and t of a bound that is infinite, which is not tested.  ``note`` says why an end of the
    interval is infinite.
    """

    p: float
    effect: float
    low: float
    high: float
    bounds: tuple[float, float]
    lower_p: float | None
    upper_p: float | None
    alpha: float
    p_floor: float
    t: float | None = None
    df: float | None = None
    lower_t: float | None = None
    upper_t: float | None = None
    note: str = ""

    @property
    def equivalent(self) -> bool:
        """Whether p <= alpha: the effect is shown to lie within the bounds."""
        return self.p <= self.alpha


def _bounds(bounds: Bounds) -> tuple[float, float]:
    """Get (low, high) from one number, ± itself, or from a pair; a side may be infinite."""
    given = floats(bounds, "bounds")  # type: ignore[arg-type]
    pair = np.array([-1.0, 1.0]) * given if given.ndim == 0 else given
    if pair.shape != (2,) or np.isnan(pair).any() or not pair[0] < pair[1]:
        raise DataError(
            f"bounds={bounds!r} given; expected one positive number (±) or a pair (low, high) with low < high."
        )
    return float(pair[0]), float(pair[1])


def _tested(low: float, high: float) -> tuple[float, ...]:
    """Get the bounds that are tested, the finite ones."""
    finite = tuple(bound for bound in (low, high) if np.isfinite(bound))
    if not finite:
        raise DataError("both bounds are infinite; expected at least one finite bound, in the unit of x.")
    return finite


def _tost(effect: float, se: float, df: float, bounds: Bounds, alpha: float) -> Tost:
    low, high = _bounds(bounds)
    tested = _tested(low, high)
    alpha, effect, se, df = unit_interval(alpha, "alpha"), float(effect), float(se), float(df)
    if not (se > 0 and np.isfinite([effect, se, df]).all()):
        raise DataError(
            f"standard error {se:g}: constant data cannot be tested; use sign_flip_tost, or report the raw effect."
        )
    lower_t, upper_t = ((effect - bound) / se if bound in tested else None for bound in (low, high))
    lower_p = None if lower_t is None else float(max(sps.t.sf(lower_t, df), TINY))
    upper_p = None if upper_t is None else float(max(sps.t.cdf(upper_t, df), TINY))
    half = float(sps.t.isf(alpha, df)) * se
    p, t = max((p, t) for p, t in ((lower_p, lower_t), (upper_p, upper_t)) if p is not None)
    return Tost(
        p,
        effect,
        effect - half,
        effect + half,
        (low, high),
        lower_p,
        upper_p,
        alpha,
        TINY,
        t,
        df,
        lower_t,
        upper_t,
    )


def tost_one_sample(x: ArrayLike, *, bounds: Bounds, popmean: float = 0.0, alpha: float = 0.05) -> Tost:
    """Get the t-based equivalence test of mean(x) - popmean within ``bounds`` (one number is ±, in the unit of x).

    Source: Schuirmann (1987), doi:10.1007/BF01068419; agrees with R's TOSTER.

    Example
    -------
    >>> tost_one_sample([0.1, -0.1, 0.05, 0.0, -0.02], bounds=0.3).equivalent
    True
    """
    x = sample(x, least=2)
    return tost_one_sample_summary(float(x.mean()), _sd(x), x.size, bounds=bounds, popmean=popmean, alpha=alpha)


def tost_one_sample_summary(
    mean: float, sd: float, n: int, *, bounds: Bounds, popmean: float = 0.0, alpha: float = 0.05
) -> Tost:
    """Get ``tost_one_sample`` from mean, sd (ddof 1) and n.

    Example
    -------
    >>> round(tost_one_sample_summary(0.54, 1.2, 100, popmean=0.5, bounds=0.36).p, 6)
    0.004475
    """
    n, effect = counted(n, "n", least=2), number(mean, "mean") - number(popmean, "popmean")
    return _tost(effect, number(sd, "sd") / np.sqrt(n), n - 1, bounds, alpha)


def tost_paired(x: ArrayLike, y: ArrayLike, *, bounds: Bounds, alpha: float = 0.05) -> Tost:
    """Get the t-based equivalence test of the mean of x - y, pair by pair, within ``bounds``.

    Source: agrees with ``statsmodels.stats.weightstats.ttost_paired``.

    Example
    -------
    >>> tost_paired([0.9, 0.8, 0.7, 0.9], [0.9, 0.7, 0.8, 0.9], bounds=0.3).equivalent
    True
    """
    x, y = sample(x, least=2), sample(y, "y", least=2)
    same_shape(x, y)
    return tost_one_sample(x - y, bounds=bounds, alpha=alpha)


def tost_paired_summary(
    means: tuple[float, float], sds: tuple[float, float], n: int, *, r: float, bounds: Bounds, alpha: float = 0.05
) -> Tost:
    """Get ``tost_paired`` from both means, both sds, the number of pairs and their correlation r.

    Example
    -------
    >>> round(tost_paired_summary((5.83, 5.75), (1.17, 1.29), 65, r=0.75, bounds=0.350782).p, 5)
    0.0077
    """
    (first, second), r = (number(sd, "sd") for sd in sds), number(r, "r")
    if not -1 <= r <= 1:
        raise DataError(f"r={r:g} given; expected the correlation of the pairs, from -1 to 1.")
    sd = float(np.sqrt(first**2 + second**2 - 2 * r * first * second))
    return tost_one_sample_summary(means[0] - means[1], sd, n, bounds=bounds, alpha=alpha)


def tost_independent(
    x: ArrayLike, y: ArrayLike, *, bounds: Bounds, variances: str = "welch", alpha: float = 0.05
) -> Tost:
    """Get the t-based equivalence test of mean(x) - mean(y) of two independent samples, "welch" or "pooled" variances.

    Source: agrees with ``statsmodels.stats.weightstats.ttost_ind`` (whose default is "pooled").

    Example
    -------
    >>> tost_independent([0.9, 0.8, 0.7, 0.9], [0.9, 0.7, 0.8], bounds=0.3).equivalent
    True
    """
    x, y = sample(x, least=2), sample(y, "y", least=2)
    return tost_independent_summary(
        (float(x.mean()), float(y.mean())),
        (_sd(x), _sd(y)),
        (x.size, y.size),
        bounds=bounds,
        variances=variances,
        alpha=alpha,
    )


def tost_independent_summary(
    means: tuple[float, float],
    sds: tuple[float, float],
    ns: tuple[int, int],
    *,
    bounds: Bounds,
    variances: str = "welch",
    alpha: float = 0.05,
) -> Tost:
    """Get ``tost_independent`` from both means, sds (ddof 1) and counts.

    Example
    -------
    >>> round(tost_independent_summary((5.25, 5.22), (0.95, 0.83), (95, 89), bounds=0.3835687).p, 6)
    0.003876
    """
    choice(variances, ("welch", "pooled"), "variances")
    (a, b), (n, m) = (number(sd, "sd") ** 2 for sd in sds), (counted(k, "n", least=2) for k in ns)
    if variances == "pooled":
        df: float = n + m - 2
        se = np.sqrt(((n - 1) * a + (m - 1) * b) / df * (1 / n + 1 / m))
    else:
        se = np.sqrt(a / n + b / m)
        df = se**4 / ((a / n) ** 2 / (n - 1) + (b / m) ** 2 / (m - 1)) if se > 0 else 1.0
    return _tost(number(means[0], "mean") - number(means[1], "mean"), float(se), float(df), bounds, alpha)


def _sd(x: np.ndarray) -> float:
    """Get the sd, exactly 0 for constant data."""
    return 0.0 if x.max() == x.min() else float(x.std(ddof=1))


def sign_flip_tost(
    x: ArrayLike, *, bounds: Bounds, alpha: float = 0.05, n_permutations: int = 9_999, rng: Rng | None = None
) -> Tost:
    """Get the exact equivalence test over networks or people that the word *spared* needs: two shifted sign-flip tests.

    The mean is tested as greater than the lower bound and as less than the upper bound; p is the larger of the two, so
    no correction is due (intersection-union).  An infinite bound is not tested.

    Parameters
    ----------
    x: one value per network, such as its deficit, shape (n,).
    bounds: the smallest effect that would matter, stated before the data are seen; one number is ±.
    n_permutations, rng: used above 30 values only.

    Returns
    -------
    Tost with the 1 - 2 alpha sign-flip interval, infinite where n is too small; ``p_floor`` = 2^-n.

    When this is invalid
    --------------------
    Values that are not independent or far from symmetric; a bound chosen after seeing the data.

    Source: Schuirmann (1987) for the two tests, Fisher (1935) for each.

    Example
    -------
    >>> sign_flip_tost([0.01, -0.02, 0.0, 0.03, 0.01], bounds=0.1).p
    0.03125
    """
    low, high = _bounds(bounds)
    alpha = unit_interval(alpha, "alpha")
    finite = _tested(low, high)
    x = sample(x)
    flips = flips_of(x, n_permutations, rng)  # one set for both tests and both ends
    lower_p, upper_p = (
        flips.beyond(bound, side) / flips.total if bound in finite else None
        for bound, side in ((low, "greater"), (high, "less"))
    )
    ends = flip_ends(flips, 1 - 2 * alpha, finite)
    drawn = None if flips.exact else n_permutations
    floor = p_floor("sign_flip", n=x.size, alternative="greater", n_permutations=drawn)
    note = "" if np.isfinite(ends).all() else too_few(x.size, 1 - 2 * alpha)
    p = max(side for side in (lower_p, upper_p) if side is not None)
    return Tost(p, float(x.mean()), *ends, (low, high), lower_p, upper_p, alpha, floor, note=note)


def jzs_bayes_factor(t: float, n: int, n2: int | None = None, *, r: float = 0.707) -> float:
    """Get the JZS Bayes factor BF10 of a t: the odds for an effect with a Cauchy(0, r) prior on d against none.

    One sample or pairs: n values.  Two samples: n and n2.  BF01 is its inverse.

    When this is invalid: the answer depends on r; say which.
    Source: Rouder et al. (2009), doi:10.3758/PBR.16.2.225; agrees with ``pingouin.bayesfactor_ttest``.

    Example
    -------
    >>> round(jzs_bayes_factor(3.5, 20, 20), 3)
    26.743
    """
    n = counted(n, "n", least=2)
    df, size = (n - 1, float(n)) if n2 is None else (n + counted(n2, "n2", least=2) - 2, n * n2 / (n + n2))
    t, r = number(t, "t"), number(r, "r")
    if r <= 0:
        raise DataError(f"r={r:g} given; expected a positive prior width.")

    def integrand(g: float) -> float:  # relative to the null's likelihood, in logs so that large t does not underflow
        a = 1 + size * g * r**2
        log_ratio = -0.5 * np.log(a) - (df + 1) / 2 * (np.log1p(t**2 / (a * df)) - np.log1p(t**2 / df))
        return float(np.exp(log_ratio - 1.5 * np.log(g) - 0.5 / g) / np.sqrt(2 * np.pi))

    value = sum(quad(integrand, a, b, epsrel=1e-10, limit=500)[0] for a, b in ((0, 1), (1, 100), (100, np.inf)))
    return float(value)
