"""One case against a small sample of controls: a patient against healthy people, a lesioned network against intact
seeds.

The controls are a sample, not the population: a t, not a z, which with 5 controls gives 10 % false alarms at nominal 5
%.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError
from neurolab.stats._bayes_case import bayesian_standardised_difference
from neurolab.stats._cases import BayesianDifference, Classification, Difference, SingleCase
from neurolab.stats._covariate_case import (
    CovariateDeficit,
    deficit_with_covariates,
    difference_with_covariates,
)
from neurolab.stats._given import ALTERNATIVES, Floats, choice, columns, counted, number, sample, t_p, unit_interval
from neurolab.stats._t_power import rejecting
from neurolab.stats.effects import noncentral_t_interval

__all__ = [
    "BayesianDifference",
    "Classification",
    "CovariateDeficit",
    "Difference",
    "SingleCase",
    "bayesian_standardised_difference",
    "classify",
    "crawford_howell",
    "deficit_with_covariates",
    "difference_with_covariates",
    "power",
    "revised_standardised_difference",
    "unstandardised_difference",
    "verdict",
]


def crawford_howell(case: float, controls: ArrayLike, *, alternative: str = "less", level: float = 0.95) -> SingleCase:
    """Get the test of whether one case differs from the population of the controls: t = (x - m) / (s sqrt((n + 1)/n)).

    Parameters
    ----------
    case: the case's score.
    controls: one score per control (person or intact network), (n,).
    alternative: "less" (a deficit on a score where low is bad), "greater" or "two-sided".

    When this is invalid
    --------------------
    Skewed control scores, or controls at ceiling (constant controls are a ``DataError``); folds or units as controls.

    Source: Crawford & Howell (1998), doi:10.1076/clin.12.4.482.7241; interval: Crawford & Garthwaite (2002).

    Example
    -------
    >>> crawford_howell(-2.0, [-1.2, -0.4, 0.3, 0.5, 0.8]).df
    4
    """
    controls = sample(controls, "controls", least=2)
    choice(alternative, ALTERNATIVES, "alternative")
    case = float(sample([case], "case")[0])
    if controls.max() == controls.min():
        raise DataError(
            f"all {controls.size} controls score {controls[0]:g} (ceiling?); a case cannot be compared without spread."
        )
    n, mean, sd = controls.size, float(controls.mean()), float(controls.std(ddof=1))
    z = (case - mean) / sd
    t = z / float(np.sqrt((n + 1) / n))
    low, high = (end / np.sqrt(n) for end in noncentral_t_interval(z * np.sqrt(n), n - 1, level=level))
    below, below_low, below_high = (
        100 * float(p) for p in (sps.t.cdf(t, n - 1), sps.norm.cdf(low), sps.norm.cdf(high))
    )
    return SingleCase(
        float(t_p(t, n - 1, alternative)),
        t,
        n - 1,
        z,
        float(low),
        float(high),
        below,
        below_low,
        below_high,
        n,
        alternative,
        level,
    )


def _two_tasks(case: ArrayLike, controls: ArrayLike) -> tuple[Floats, Floats, Floats, float, int]:
    """Get the case, control means, sds, correlation and n, checked."""
    case, controls = sample(case, "case"), columns(controls, "controls", least=3)
    if case.shape != (2,) or controls.shape[1] != 2 or not np.isfinite(controls).all():
        raise DataError(f"case {case.shape} and controls {controls.shape} given; expected (x, y) and a finite (n, 2).")
    if (controls.max(axis=0) == controls.min(axis=0)).any():
        raise DataError(
            "all controls score the same on one task (ceiling?); a difference cannot be tested without spread."
        )
    r = float(np.corrcoef(controls[:, 0], controls[:, 1])[0, 1])
    return case, controls.mean(axis=0), controls.std(axis=0, ddof=1), r, len(controls)


def unstandardised_difference(
    case: ArrayLike, controls: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95
) -> Difference:
    """Get the test of a case's raw difference x - y against the controls' (UDT), for two tasks on one scale.

    Parameters
    ----------
    case: (x, y).  controls: (n, 2).

    When this is invalid: tasks in different units; use ``revised_standardised_difference``.
    Source: Crawford & Garthwaite (2005), doi:10.1037/0894-4105.19.3.318.

    Example
    -------
    >>> unstandardised_difference((-2, 0), [[0.1, 0.2], [1, 0.6], [-1, -0.5], [0.3, -0.3]]).df
    3
    """
    case, mean, sd, r, n = _two_tasks(case, controls)
    choice(alternative, ALTERNATIVES, "alternative")
    gaps = np.asarray(controls, dtype=np.float64) @ np.array([1.0, -1.0])
    if gaps.max() == gaps.min():
        raise DataError("all controls have the same difference x - y; it has no spread to compare the case with.")
    apart = float((case - mean) @ np.array([1.0, -1.0]))
    se = float(gaps.std(ddof=1) * np.sqrt((n + 1) / n))
    half = float(sps.t.ppf(0.5 + unit_interval(level, "level") / 2, n - 1)) * se
    z = (case - mean) / sd
    return Difference(
        float(t_p(apart / se, n - 1, alternative)),
        apart / se,
        n - 1,
        apart,
        apart - half,
        apart + half,
        float(z[0]),
        float(z[1]),
        r,
        n,
        "unstandardised",
        alternative,
        level,
    )


def revised_standardised_difference(
    case: ArrayLike, controls: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95
) -> Difference:
    """Get the test of a case's standardised difference against the controls' (RSDT), for two tasks on different scales.

    t solves a t^4 + b t^2 + c = 0 with a = (1 + r)(1 - r^2), b = (1 - r)(4(n-1)^2 + 4(1+r)(n-1) + (1+r)(5+r)),
    c = -2 (z_x - z_y)^2 n (n-1)^2 / (n + 1); its sign is that of z_x - z_y.  No interval exists, low and high are None.

    When this is invalid
    --------------------
    Two extreme deficits (up to 35 % false alarms at 8 sd): the Bayesian test holds there.

    Source: Crawford & Garthwaite (2005), doi:10.1037/0894-4105.19.3.318.

    Example
    -------
    >>> revised_standardised_difference((-2, 0), [[0.1, 20], [1, 60], [-1, -50], [0.3, -30]]).df
    3
    """
    case, mean, sd, r, n = _two_tasks(case, controls)
    choice(alternative, ALTERNATIVES, "alternative")
    if 1 - abs(r) < 1e-12:
        raise DataError(
            f"the controls' two scores correlate at {r:.6f}: they are one score, and a difference has no spread."
        )
    z = (case - mean) / sd
    gap, m = float(z[0] - z[1]), n - 1
    a = (1 + r) * (1 - r**2)
    b = (1 - r) * (4 * m**2 + 4 * (1 + r) * m + (1 + r) * (5 + r))
    c = -2 * gap**2 * n * m**2 / (n + 1)
    # the root as -2c / (b + sqrt(...)), since a goes to 0 with r to ±1
    t = float(np.sign(gap) * np.sqrt(-2 * c / (b + np.sqrt(b**2 - 4 * a * c))))
    return Difference(
        float(t_p(t, m, alternative)),
        t,
        m,
        gap / float(np.sqrt(2 - 2 * r)),
        None,
        None,
        float(z[0]),
        float(z[1]),
        r,
        n,
        "revised standardised",
        alternative,
        unit_interval(level, "level"),
    )


def power(effect: float, *, n: int, alternative: str = "less", alpha: float = 0.05) -> float:
    """Get the power of ``crawford_howell`` for a case whose true score lies ``effect`` control sds from the mean.

    The case varies with the controls' sd: t is non-central with df n - 1 and noncentrality effect / sqrt((n + 1)/n),
    so more controls cannot lift the power above Phi(|effect| - 1.645): .64 at 2 sd, one-tailed.

    Source: McIntosh & Rittmo (2021), Cortex 135, 146-158.

    Example
    -------
    >>> round(power(-2, n=10_000), 2)
    0.64
    """
    n, effect = counted(n, "n", least=2), number(effect, "effect")
    shift = effect / float(np.sqrt((n + 1) / n))
    choice(alternative, ALTERNATIVES, "alternative")
    alpha = unit_interval(alpha, "alpha")
    # T' = (x - m)/(s sqrt((n+1)/n)) with x ~ N(effect, 1) is non-central t exactly
    return rejecting(shift, n - 1, alternative, alpha)


def classify(
    case: ArrayLike,
    controls: ArrayLike,
    *,
    other: ArrayLike | None = None,
    difference: str = "revised",
    alpha: float = 0.05,
) -> Classification:
    """Get the neuropsychological verdict on a case's two scores, low being bad.

    "classical dissociation": a deficit on one task, none on the other, and the difference is significant.
    "strong dissociation": deficits on both, and the difference is significant.  "deficit": one or two deficits without
    that. "no deficit".  With ``other``, a second case: "double dissociation" if both dissociate, in opposite
    directions.

    Parameters
    ----------
    case: (x, y).  controls: (n, 2).  other: the second case's (x, y), or None.
    difference: "revised" (different scales) or "unstandardised" (one scale).

    When this is invalid
    --------------------
    "No deficit" is not "spared": that word needs an equivalence test.  Both deficits extreme: see the revised test.

    Source: Crawford, Garthwaite & Gray (2003), Cortex 39, 357-370.

    Example
    -------
    >>> classify((0.1, 0.2), [[0.1, 0.2], [1, 0.6], [-1, -0.5], [0.3, -0.3]]).verdict
    'no deficit'
    """
    choice(difference, ("revised", "unstandardised"), "difference")
    test = {"revised": revised_standardised_difference, "unstandardised": unstandardised_difference}[difference]
    case, controls = sample(case, "case"), columns(controls, "controls", least=3)
    apart = test(case, controls)
    x, y = (crawford_howell(float(case[i]), controls[:, i]) for i in (0, 1))
    said = verdict(x.p <= alpha, y.p <= alpha, apart.p <= alpha)
    if other is not None and "dissociation" in said:
        second = classify(other, controls, difference=difference, alpha=alpha)
        opposite = np.sign(second.difference.t) == -np.sign(apart.t)
        said = "double dissociation" if "dissociation" in second.verdict and opposite else said
    return Classification(said, apart.p, x, y, apart, unit_interval(alpha, "alpha"))


def verdict(on_x: bool, on_y: bool, apart: bool) -> str:
    """Get one case's verdict from which of its tests reject: deficit on x, deficit on y, x and y apart.

    Example
    -------
    >>> verdict(True, False, True), verdict(True, True, False)
    ('classical dissociation', 'deficit')
    """
    if not (on_x or on_y):
        return "no deficit"
    if not apart:
        return "deficit"
    return "strong dissociation" if on_x and on_y else "classical dissociation"
