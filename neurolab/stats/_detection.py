"""Signal detection: d', criterion and bias, from rates or counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from neurolab.errors import DataError
from neurolab.stats._given import Floats, counted, floats, number, unit_interval


@dataclass(frozen=True)
class YesNo:
    """Signal detection of a yes/no task; ``effect`` is d', (low, high) its normal interval."""

    effect: float
    low: float
    high: float
    se: float
    criterion: float
    log_beta: float
    auc: float
    hit_rate: float
    false_alarm_rate: float
    level: float

    @property
    def d_prime(self) -> float:
        """The effect under its usual name."""
        return self.effect


def log_linear(k: ArrayLike, n: ArrayLike) -> Floats:
    """Get the rate (k + .5) / (n + 1), never 0 or 1.  Source: Hautus (1995), doi:10.3758/BF03203619.

    Example
    -------
    >>> log_linear(25, 25).round(4)
    np.float64(0.9808)
    """
    k, n = floats(k, "k"), floats(n, "n")
    if not ((k >= 0) & (k <= n) & (n >= 1) & (n < np.inf)).all():
        raise DataError("counts outside 0 <= k <= n, or n < 1; expected k of n trials.")
    return (k + 0.5) / (n + 1)


def _trials(n: ArrayLike) -> Floats:
    """Get numbers of trials, each at least 1."""
    given = floats(n, "the number of trials")
    if not ((given >= 1) & (given < np.inf)).all():
        raise DataError(f"{n!r} trials given; expected 1 or more.")
    return given


def empirical_logit(k: ArrayLike, n: ArrayLike) -> Floats:
    """Get the logit of k of n, from (k + .5) / (n + 1), so that 0 and n stay finite: log((k + .5) / (n - k + .5)).

    Example
    -------
    >>> empirical_logit([0, 5, 10], 10).round(4)
    array([-3.0445,  0.    ,  3.0445])
    """
    rate = log_linear(k, n)
    return np.log(rate) - np.log1p(-rate)


def _rates(
    hits: ArrayLike, false_alarms: ArrayLike, n_signal: ArrayLike | None, n_noise: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Get both rates: log-linear from counts when the numbers of trials are given, else as they are."""
    if (n_signal is None) != (n_noise is None):
        raise DataError("one of n_signal and n_noise given; expected both (counts) or none (rates).")
    if n_signal is not None and n_noise is not None:
        return log_linear(hits, n_signal), log_linear(false_alarms, n_noise)
    h, f = floats(hits, "hits"), floats(false_alarms, "false_alarms")
    if not ((h > 0) & (h < 1) & (f > 0) & (f < 1)).all():
        raise DataError("rates outside (0, 1), where d' is infinite; give counts with n_signal=... and n_noise=...")
    return h, f


def d_prime(
    hits: ArrayLike, false_alarms: ArrayLike, n_signal: ArrayLike | None = None, n_noise: ArrayLike | None = None
) -> Floats:
    """Get d' = z(H) - z(F), from rates, or from counts (always log-linear) when ``n_signal`` and ``n_noise`` are given.

    Source: Green & Swets (1966).  For the selectivity of activations see ``maps.d_prime``.

    Example
    -------
    >>> d_prime(0.7, 0.1).round(6), d_prime(25, 0, 25, 25).round(7)
    (np.float64(1.805952), np.float64(4.1398037))
    """
    h, f = _rates(hits, false_alarms, n_signal, n_noise)
    return ndtri(h) - ndtri(f)


def criterion(
    hits: ArrayLike, false_alarms: ArrayLike, n_signal: ArrayLike | None = None, n_noise: ArrayLike | None = None
) -> Floats:
    """Get the criterion c = -(z(H) + z(F)) / 2: negative when "yes" comes easily; arguments as in ``d_prime``.

    Example
    -------
    >>> criterion(0.8, 0.4).round(7)
    np.float64(-0.2941371)
    """
    h, f = _rates(hits, false_alarms, n_signal, n_noise)
    return -(ndtri(h) + ndtri(f)) / 2


def a_prime(
    hits: ArrayLike, false_alarms: ArrayLike, n_signal: ArrayLike | None = None, n_noise: ArrayLike | None = None
) -> Floats:
    """Get A', a non-parametric sensitivity: .5 at chance, 1 without errors; from rates, or counts without correction.

    .5 + (H - F)(1 + H - F) / (4 H (1 - F)) for H >= F, mirrored about .5 below.

    When this is invalid: A' is not free of bias, despite its name; prefer d' where its assumptions hold.
    Source: Pollack & Norman (1964), doi:10.3758/BF03342823; Snodgrass & Corwin (1988) for H < F.

    Example
    -------
    >>> a_prime(20, 10, 25, 25).round(7)
    np.float64(0.7916667)
    """
    if (n_signal is None) != (n_noise is None):
        raise DataError("one of n_signal and n_noise given; expected both (counts) or none (rates).")
    h, f = floats(hits, "hits"), floats(false_alarms, "false_alarms")
    if n_signal is not None and n_noise is not None:
        h, f = h / _trials(n_signal), f / _trials(n_noise)
    if not ((h >= 0) & (h <= 1) & (f >= 0) & (f <= 1)).all():
        raise DataError("rates outside [0, 1]; expected rates, or counts with n_signal=... and n_noise=...")
    high, low = np.maximum(h, f), np.minimum(h, f)
    apart, area = high - low, 4 * high * (1 - low)
    rise = np.divide(apart * (1 + apart), area, out=np.zeros_like(area), where=apart > 0)
    return 0.5 + np.where(h >= f, rise, -rise)[()]


def log_beta(
    hits: ArrayLike, false_alarms: ArrayLike, n_signal: ArrayLike | None = None, n_noise: ArrayLike | None = None
) -> Floats:
    """Get ln(beta) = (z(F)^2 - z(H)^2) / 2, the log likelihood ratio at the criterion; arguments as in ``d_prime``.

    Example
    -------
    >>> log_beta(0.8, 0.4).round(4)
    np.float64(-0.3221)
    """
    h, f = _rates(hits, false_alarms, n_signal, n_noise)
    return (ndtri(f) ** 2 - ndtri(h) ** 2) / 2


def gourevitch_galanter_variance(
    hit_rate: ArrayLike, false_alarm_rate: ArrayLike, n_signal: ArrayLike, n_noise: ArrayLike
) -> Floats:
    """Get the sampling variance of d': H(1-H) / (n_s phi(z_H)^2) + F(1-F) / (n_n phi(z_F)^2), from rates in (0, 1).

    Source: Gourevitch & Galanter (1967), doi:10.1007/BF02289402.

    Example
    -------
    >>> np.sqrt(gourevitch_galanter_variance(0.8, 0.4, 25, 25)).round(7)
    np.float64(0.3820627)
    """
    h, f = _rates(hit_rate, false_alarm_rate, None, None)
    share = [
        rate * (1 - rate) / (_trials(n) * sps.norm.pdf(ndtri(rate)) ** 2) for rate, n in ((h, n_signal), (f, n_noise))
    ]
    return share[0] + share[1]


def yes_no(hits: int, n_signal: int, false_alarms: int, n_noise: int, *, level: float = 0.95) -> YesNo:
    """Get the whole signal detection account of a yes/no task from its counts, log-linear throughout.

    When this is invalid: d' supposes equal-variance normal evidence; with few trials the normal interval is too narrow.

    Example
    -------
    >>> round(yes_no(20, 25, 10, 25).d_prime, 7)
    1.0444987
    """
    h, f = (
        float(log_linear(number(k, "counts"), number(n, "trials")))
        for k, n in ((hits, n_signal), (false_alarms, n_noise))
    )
    d, se = float(ndtri(h) - ndtri(f)), float(np.sqrt(gourevitch_galanter_variance(h, f, n_signal, n_noise)))
    half = float(ndtri(0.5 + unit_interval(level, "level") / 2)) * se
    area = float(ndtr(d / np.sqrt(2)))
    return YesNo(d, d - half, d + half, se, float(criterion(h, f)), float(log_beta(h, f)), area, h, f, level)


def mafc_d_prime(share_correct: float, m: int) -> float:
    """Get d' of an m-alternative forced choice: the root of share = integral of phi(x - d') Phi(x)^(m-1).

    The measure by which networks with different numbers of classes compare.  Chance gives 0, below chance a negative
    d'.
    A share of 0 or 1 is an error: give (k + .5) / (n + 1), ``log_linear(k, n)``.

    Source: Green & Swets (1966); Hacker & Ratcliff (1979), doi:10.3758/BF03208311.

    Example
    -------
    >>> round(mafc_d_prime(0.75, 4), 7)
    1.6821952
    """
    m = counted(m, "m", least=2)
    share_correct = number(share_correct, "share_correct")
    if not 0 < share_correct < 1:
        raise DataError(f"share_correct={share_correct} given; expected a share in (0, 1): type log_linear(k, n).")

    def correct(d: float) -> float:
        value, _ = quad(
            lambda x: sps.norm.pdf(x) * ndtr(x + d) ** (m - 1), -9, 9, epsabs=1e-12, epsrel=1e-12, limit=200
        )
        return float(value) - share_correct

    return float(brentq(correct, -15, 15, xtol=1e-12))
