"""Power of the t tests, from the non-central t."""

from __future__ import annotations

import numpy as np
from scipy import stats as sps
from scipy.optimize import brentq

from neurolab.errors import DesignError
from neurolab.stats._given import ALTERNATIVES, choice, number, unit_interval

DESIGNS = ("one-sample", "two-sample")
MOST = 1e7


def _below(t: float, df: float, shift: float) -> float:
    """Get P(T <= t) of a non-central t; far from its mode, where scipy gives nan, its limit."""
    value = float(sps.nct.cdf(t, df, shift))
    return value if np.isfinite(value) else float(t > shift)


def rejecting(shift: float, df: float, alternative: str, alpha: float) -> float:
    """Get the share of t of noncentrality ``shift`` that lie in the region of rejection."""
    if alternative == "two-sided":
        edge = float(sps.t.isf(alpha / 2, df))
        return 1 - _below(edge, df, shift) + _below(-edge, df, shift)
    return 1 - _below(float(sps.t.isf(alpha, df)), df, shift if alternative == "greater" else -shift)


def t_power(
    effect: float, *, n: float, design: str = "one-sample", alternative: str = "two-sided", alpha: float = 0.05
) -> float:
    """Get the power of a t test of a standardised effect d: the share of such samples that it rejects.

    Parameters
    ----------
    effect: Cohen's d (of the differences, for pairs).
    n: values, pairs, or values in each of two groups; need not be whole.
    design: "one-sample" (pairs too) or "two-sample" (equal groups, one variance).

    When this is invalid: skewed data with few values; a d estimated from a pilot that was chosen because it worked.
    Source: Cohen (1988); agrees with G*Power and ``statsmodels.stats.power``.

    Example
    -------
    >>> round(t_power(0.5, n=64, design="two-sample"), 7)
    0.8014596
    """
    choice(design, DESIGNS, "design")
    choice(alternative, ALTERNATIVES, "alternative")
    n, effect, alpha = number(n, "n"), number(effect, "effect"), unit_interval(alpha, "alpha")
    groups = 1 + DESIGNS.index(design)
    if not 1 < n <= MOST:
        raise DesignError(f"n={n:g} given; expected more than 1, and at most {MOST:.0e}.")
    df, shift = groups * (n - 1), effect * np.sqrt(n / groups)
    return rejecting(shift, df, alternative, alpha)


def t_n_needed(
    effect: float,
    *,
    power: float = 0.8,
    design: str = "one-sample",
    alternative: str = "two-sided",
    alpha: float = 0.05,
) -> float:
    """Get the n (per group) at which ``t_power`` reaches ``power``, as a fraction: round it up.

    Example
    -------
    >>> round(t_n_needed(0.5, design="two-sample"), 4)
    63.7656
    """
    unit_interval(power, "power")
    kept = {"design": design, "alternative": alternative, "alpha": alpha}

    def short(log_n: float) -> float:
        return t_power(effect, n=float(np.exp(log_n)), **kept) - power  # type: ignore[arg-type]

    low, high = np.log(1.01), np.log(MOST / 2)
    if short(low) >= 0:
        return 2.0
    if short(high) < 0:
        raise DesignError(
            f"an effect of {effect:g} ({alternative}) cannot reach a power of {power:g}; state a larger one."
        )
    return max(2.0, float(np.exp(brentq(short, low, high, xtol=1e-12))))
