"""Maps: one test per column of presentations x neuroids, for all columns at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError, DesignError
from neurolab.stats._design import conditioned
from neurolab.stats._given import (
    ALTERNATIVES,
    Bools,
    Floats,
    choice,
    columns,
    floats,
    number,
    same_shape,
    t_p,
    tail_p,
    unit_interval,
    untested,
    varies,
)
from neurolab.stats._rank import auc_ends, mann_whitney
from neurolab.stats._selective import auc, d_prime, moments, two

__all__ = [
    "StatMap",
    "auc",
    "d_prime",
    "glm_t",
    "one_sample_t",
    "paired_t",
    "pooled_t",
    "rank_auc",
    "welch_t",
]

#: The tests whose effect is a probability: no interval reaches beyond 0 and 1.
PROBABILITIES = ("brunner-munzel",)


@dataclass(frozen=True)
class StatMap:
    """One test per column, every field of shape (columns,).

    Where ``valid`` is False (a constant or non-finite column) statistic is 0 and p is 1; effect, low and high are nan
    there if the column holds nan or inf.  (low, high) is always the two-sided interval of ``effect``; that of a
    probability (Brunner and Munzel's) is cut off at 0 and 1.
    """

    statistic: Floats
    df: Floats
    p: Floats
    effect: Floats
    low: Floats
    high: Floats
    valid: Bools
    test: str
    alternative: str
    level: float

    @property
    def note(self) -> str:
        """How many columns could not be tested, or nothing."""
        return untested(self.valid)


def _t_map(
    effect: Floats,
    se: Floats,
    df: Floats,
    valid: Bools,
    *,
    test: str,
    alternative: str,
    level: float,
    null: float = 0.0,
) -> StatMap:
    """Get the map of effect/se, with columns that cannot be tested masked."""
    choice(alternative, ALTERNATIVES, "alternative")
    unit_interval(level, "level")
    with np.errstate(all="ignore"):
        t = (effect - null) / se
        valid = valid & np.isfinite(t) & (se > 0)
        t, df = np.where(valid, t, 0.0), np.where(valid, df, 1.0)
        p = np.where(valid, t_p(t, df, alternative), 1.0)
        half = np.where(se > 0, sps.t.ppf(0.5 + level / 2, df) * se, 0.0 * se)
    seen = np.isfinite(effect)
    ends = (0.0, 1.0) if test in PROBABILITIES else (-np.inf, np.inf)
    low, high = (np.where(seen, np.clip(effect + side * half, *ends), np.nan) for side in (-1, 1))
    return StatMap(t, df, p, np.where(seen, effect, np.nan), low, high, valid, test, alternative, level)


def welch_t(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get Welch's t of mean(a) - mean(b) per column; the variances of the two conditions may differ.

    Parameters
    ----------
    a, b: presentations x neuroids of the two conditions, shapes (n_a, columns) and (n_b, columns).

    Returns
    -------
    StatMap with the mean difference as effect.  ``valid`` asks each column to vary within each condition.

    When this is invalid
    --------------------
    Presentations that repeat one stimulus are not independent: average them first.  A unit that is silent for one whole
    condition is not valid here however selective it is; ``rank_auc`` tests it.

    Source: Welch (1947), doi:10.1093/biomet/34.1-2.28; agrees with ``scipy.stats.ttest_ind(equal_var=False)``.

    Example
    -------
    >>> round(float(welch_t([[3.0], [4], [5]], [[1.0], [2], [3]]).statistic[0]), 4)
    2.4495
    """
    a, b = two(a, b)
    (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
    share_a, share_b = var_a / len(a), var_b / len(b)
    with np.errstate(all="ignore"):
        effect, total = mean_a - mean_b, share_a + share_b
        # from shares of the total, so that tiny variances do not underflow when squared
        df = 1.0 / ((share_a / total) ** 2 / (len(a) - 1) + (share_b / total) ** 2 / (len(b) - 1))
    return _t_map(effect, np.sqrt(total), df, varies(a) & varies(b), test="welch", alternative=alternative, level=level)


def pooled_t(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get Student's two-sample t of mean(a) - mean(b) per column, with one variance for both conditions.

    When this is invalid: unequal variances with unequal counts; use ``welch_t``.
    Source: agrees with ``scipy.stats.ttest_ind(equal_var=True)``.

    Example
    -------
    >>> round(float(pooled_t([[3.0], [4], [5]], [[1.0], [2], [3]]).p[0]), 4)
    0.0705
    """
    a, b = two(a, b)
    (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
    df = len(a) + len(b) - 2
    with np.errstate(all="ignore"):
        variance = ((len(a) - 1) * var_a + (len(b) - 1) * var_b) / df
        effect, se = mean_a - mean_b, np.sqrt(variance * (1 / len(a) + 1 / len(b)))
    both = varies(a) & varies(b)
    return _t_map(effect, se, np.full_like(se, df), both, test="pooled", alternative=alternative, level=level)


def one_sample_t(x: ArrayLike, *, popmean: float = 0.0, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get Student's one-sample t per column; the effect is the mean, whose null is ``popmean``.

    Source: agrees with ``scipy.stats.ttest_1samp``.

    Example
    -------
    >>> one_sample_t([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]).valid
    array([ True, False])
    """
    x, popmean = columns(x), number(popmean, "popmean")
    mean, variance = moments(x)
    df = np.full_like(mean, len(x) - 1)
    kept = {"alternative": alternative, "level": level, "null": popmean}
    return _t_map(mean, np.sqrt(variance / len(x)), df, varies(x), test="one-sample", **kept)  # type: ignore[arg-type]


def paired_t(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get the paired t of a - b per column; row i of a and row i of b are one pair.

    When this is invalid: rows that do not belong together.  Source: agrees with ``scipy.stats.ttest_rel``.

    Example
    -------
    >>> paired_t([[1.0], [2], [4]], [[0.0], [0], [1]]).effect
    array([2.])
    """
    a, b = columns(a, "a"), columns(b, "b")
    same_shape(a, b)
    mean, variance = moments(a - b)
    df = np.full_like(mean, len(a) - 1)
    return _t_map(
        mean, np.sqrt(variance / len(a)), df, varies(a - b), test="paired", alternative=alternative, level=level
    )


def rank_auc(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get the Mann-Whitney test per column; the effect is the AUC, P(a > b) + P(a = b)/2, and .5 is no selectivity.

    The statistic is the normal deviate z, with the tie and the continuity correction; df is inf.  ``valid`` asks only
    that a column vary over both conditions together, so a unit silent for one condition is tested.

    When this is invalid
    --------------------
    The normal deviate is approximate below some 8 presentations per condition.

    Source: agrees with ``scipy.stats.mannwhitneyu(method="asymptotic")``; interval: Newcombe (2006), method 5,
    doi:10.1002/sim.2324.

    Example
    -------
    >>> rank_auc([[3.0], [4], [5]], [[0.0], [0], [0]]).effect
    array([1.])
    """
    choice(alternative, ALTERNATIVES, "alternative")
    unit_interval(level, "level")
    a, b = two(a, b)
    valid = varies(np.concatenate((a, b)))
    seen = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    u, se = mann_whitney(np.where(seen, a, 0.0), np.where(seen, b, 0.0))
    half = len(a) * len(b) / 2
    toward = {"two-sided": np.sign(u - half), "greater": np.ones_like(u), "less": -np.ones_like(u)}[alternative]
    z = np.divide(u - half - toward / 2, se, out=np.zeros_like(u), where=valid)
    if alternative == "two-sided":
        z = np.where(np.sign(z) == np.sign(u - half), z, 0.0)
    effect = u / (2 * half)
    low, high = auc_ends(effect, len(a), len(b), level)
    effect, low, high = (np.where(seen, values, np.nan) for values in (effect, low, high))
    p = np.where(valid, tail_p(sps.norm, z, alternative), 1.0)
    return StatMap(z, np.full_like(z, np.inf), p, effect, low, high, valid, "rank", alternative, level)


def glm_t(
    y: ArrayLike, design: ArrayLike, contrast: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95
) -> StatMap:
    """Get the t of a contrast of ordinary least squares coefficients per column.

    y = design @ beta + noise; effect = contrast @ beta; df = n - rank(design).  Nothing is added to the design: put the
    intercept and the nuisance regressors in yourself, with contrast weight 0.

    Parameters
    ----------
    y: presentations x neuroids, (n, columns).
    design: (n, k), finite.
    contrast: weights on the k regressors, (k,).

    When this is invalid
    --------------------
    Serially dependent rows (fMRI time series need prewhitening).  A contrast that the design cannot estimate (collinear
    regressors) is a ``DesignError``.

    Source: agrees with ``statsmodels.OLS(...).t_test`` and with nilearn's ``run_glm(noise_model="ols")``, whose p is
    one-sided.

    Example
    -------
    >>> glm_t([[1.0], [2.1], [2.9], [4.2]], [[0, 1], [1, 1], [2, 1], [3, 1]], [1, 0]).effect.round(4)
    array([1.04])
    """
    y, x = columns(y, "y"), columns(design, "design", least=2)
    weights = floats(contrast, "contrast")
    x, weights, pinv, rank = _checked_design(x, weights, len(y))
    df = len(y) - rank
    valid, seen = varies(y), np.isfinite(y).all(axis=0)
    y = np.where(seen, y, 0.0)
    scale = np.where(valid, np.abs(y).max(axis=0, initial=0.0), 1.0)
    with np.errstate(all="ignore"):
        beta = np.where(seen, pinv @ y, np.nan)
        residual = y - x @ (pinv @ y)
        variance = (residual**2).sum(axis=0) / df
        valid &= np.sqrt(variance) > 1e-12 * scale  # the design explains the column exactly: no error to test against
    se = np.sqrt(variance * float(weights @ pinv @ pinv.T @ weights))
    return _t_map(
        weights @ beta, se, np.full(y.shape[1], float(df)), valid, test="glm", alternative=alternative, level=level
    )


def _checked_design(x: Floats, weights: Floats, n: int) -> tuple[Floats, Floats, Floats, int]:
    """Get a design whose contrast is estimable, in units that do not matter, with pseudo-inverse and rank."""
    if len(x) != n or weights.shape != (x.shape[1],):
        raise DataError(
            f"design {x.shape} and contrast {weights.shape} given for {n} observations; expected ({n}, k) and (k,)."
        )
    if not (np.isfinite(x).all() and np.isfinite(weights).all()):
        raise DataError("the design or the contrast holds NaN or inf; expected finite regressors.")
    x, weights = conditioned(x, weights)
    pinv, rank = np.linalg.pinv(x).astype(np.float64), int(np.linalg.matrix_rank(x))
    if not np.allclose(weights @ pinv @ x, weights, atol=1e-8 * np.abs(weights).max()) or not weights.any():
        raise DesignError(
            "the design cannot estimate this contrast (collinear regressors or all-zero weights); drop the regressor "
            "that repeats another, or give the contrast weight on what differs."
        )
    if n - rank < 1:
        raise DesignError(f"{n} observations for a design of rank {rank}; expected more observations than regressors.")
    return x, weights, pinv, rank
