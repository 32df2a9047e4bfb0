"""The binomial likelihood of psychometric curves, and its maximum for many data sets at once.

A curve is theta = (m, log s, lapse): psi(x) = guess + (1 - guess - lapse) F(z), z = F^-1(1/2) + (u - m)/s, where u is x
(log x for the Weibull), so that m is where F crosses 1/2 in every family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri, xlog1py, xlogy

from neurolab.stats._given import Bools, Floats

EDGE = 1e-12  # psi stays this far from 0 and 1, where one impossible answer would cost an infinite likelihood
LAPSE = 0.1  # the most that a free lapse may be


def _gumbel(z: Floats) -> Floats:
    return -np.expm1(-np.exp(np.minimum(z, 50.0)))


def _gumbel_density(z: Floats) -> Floats:
    z = np.minimum(z, 50.0)
    return np.exp(z - np.exp(z))


@dataclass(frozen=True)
class Family:
    """A distribution function: its quantile function at .05, .5 and .95, and whether it runs over log x."""

    cdf: Callable[[Floats], Floats]
    density: Callable[[Floats], Floats]
    quantiles: tuple[float, float, float]
    log_x: bool = False

    @property
    def span(self) -> float:
        """The width, .05 to .95, of the curve with s = 1."""
        return self.quantiles[2] - self.quantiles[0]


_TAILS = np.array([0.05, 0.5, 0.95])
FAMILIES = {
    "norm": Family(ndtr, lambda z: np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi), tuple(ndtri(_TAILS))),
    "logistic": Family(expit, lambda z: expit(z) * expit(-z), tuple(np.log(_TAILS / (1 - _TAILS)))),
    "weibull": Family(_gumbel, _gumbel_density, tuple(np.log(-np.log1p(-_TAILS))), log_x=True),
}


@dataclass(frozen=True)
class Curve:
    """A family at the levels u (n_levels,), with what is fixed: the guess, and whether performance falls with u."""

    family: Family
    u: Floats
    guess: float
    falls: bool
    low: Floats  # bounds of theta
    high: Floats

    def share(self, theta: Floats) -> tuple[Floats, Floats]:
        """Get psi (curves, levels) and its derivatives by theta (curves, levels, 3)."""
        centre, scale, lapse = theta[:, :1], np.exp(theta[:, 1:2]), theta[:, 2:]
        apart = (self.u - centre) / scale
        z = self.family.quantiles[1] + apart
        rise, slope = self.family.cdf(z), self.family.density(z)
        if self.falls:
            rise, slope = 1 - rise, -slope
        reach = 1 - self.guess - lapse
        psi = np.clip(self.guess + reach * rise, EDGE, 1 - EDGE)
        return psi, np.stack((-reach * slope / scale, -reach * slope * apart, -rise), axis=-1)


def log_likelihood(psi: Floats, k: Floats, n: Floats) -> Floats:
    """Get the binomial log likelihood (curves,), without the constant."""
    return (xlogy(k, psi) + xlog1py(n - k, -psi)).sum(axis=-1)


def deviance(psi: Floats, k: Floats, n: Floats) -> Floats:
    """Get twice the log likelihood ratio of the saturated model to the curve, (curves,)."""
    return 2 * (log_likelihood(k / n, k, n) - log_likelihood(psi, k, n))


def _step(curve: Curve, theta: Floats, k: Floats, n: Floats, free: Bools, damping: Floats) -> Floats:
    """Get a damped step of Fisher scoring; parameters that are held, or pushed out of their bounds, stay."""
    psi, slopes = curve.share(theta)
    weight = 1 / (psi * (1 - psi))
    score = ((weight * (k - n * psi))[..., None] * slopes).sum(axis=1)
    information = np.einsum("bl,bli,blj->bij", weight * n, slopes, slopes)
    held = ~free | ((theta <= curve.low) & (score < 0)) | ((theta >= curve.high) & (score > 0))
    score = np.where(held, 0.0, score)
    information = np.where(held[:, :, None] | held[:, None, :], 0.0, information)
    diagonal = np.einsum("bii->bi", information)
    information[:, range(3), range(3)] = diagonal * (1 + damping[:, None]) + held + 1e-9
    return np.linalg.solve(information, score[..., None])[..., 0]


def maximise(curve: Curve, start: Floats, k: Floats, n: Floats, free: Bools) -> tuple[Floats, Floats]:
    """Get the curves theta (curves, 3) of highest likelihood, and that likelihood (curves,).

    ``k`` is (levels,) or (curves, levels); parameters that are not ``free`` keep their start.
    """
    k = np.broadcast_to(k, (len(start), curve.u.size))
    theta = np.where(free, np.clip(start, curve.low, curve.high), start)
    best, damping = log_likelihood(curve.share(theta)[0], k, n), np.full(len(start), 1e-3)
    active = np.arange(len(start))
    for _ in range(60):  # some 10 are usual
        now, seen = theta[active], k[active]
        moved = now + _step(curve, now, seen, n, free, damping[active])
        moved = np.where(free, np.clip(moved, curve.low, curve.high), now)
        value = log_likelihood(curve.share(moved)[0], seen, n)
        gain = value - best[active]
        better = gain >= 0
        theta[active[better]], best[active[better]] = moved[better], value[better]
        damping[active] = np.where(better, np.maximum(damping[active] / 10, 1e-9), damping[active] * 10)
        active = active[~((better & (gain < 1e-9)) | (damping[active] > 1e7))]
        if not active.size:
            break
    return theta, best


def starts(curve: Curve, lapse: float) -> Floats:
    """Get the starting curves of a first fit: five thresholds, four slopes."""
    reach = curve.u.max() - curve.u.min()
    centres = np.linspace(curve.u.min(), curve.u.max(), 5)
    scales = np.log(reach / curve.family.span * np.array([0.1, 0.4, 1.0, 3.0]))
    grid = np.stack(np.meshgrid(centres, scales, [lapse], indexing="ij"), axis=-1)
    return grid.reshape(-1, 3)
