"""Performance as a curve: psychometric fits by maximum likelihood, dose-response curves, areas under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError, DesignError
from neurolab.stats._curves import FAMILIES, deviance
from neurolab.stats._dose import DoseResponse, dose_response, normalised_area
from neurolab.stats._given import Floats, Rng, choice, counted, generator, number, unit_interval
from neurolab.stats._half_point import half_point
from neurolab.stats._psychofit import DIRECTIONS, Problem, counts, ends_of, notes

__all__ = [
    "DoseResponse",
    "GoodnessOfFit",
    "PsychometricFit",
    "dose_response",
    "fit",
    "goodness_of_fit",
    "half_point",
    "normalised_area",
]

INTERVALS = ("profile", "bootstrap")


@dataclass(frozen=True)
class PsychometricFit:
    """A fitted curve: ``threshold`` where F = 1/2 (halfway between guess and 1 - lapse), ``width`` from F = .05 to .95.

    For the Weibull the width is that of log x.  ``dispersion`` is deviance / df: about 1 if answers are binomial.
    """

    threshold: float
    threshold_low: float
    threshold_high: float
    width: float
    width_low: float
    width_high: float
    guess: float
    lapse: float
    log_likelihood: float
    deviance: float
    df: int
    family: str
    direction: str
    interval: str
    level: float
    n: int
    note: str

    @property
    def effect(self) -> float:
        """The threshold, as the effect."""
        return self.threshold

    @property
    def low(self) -> float:
        """The lower end of the threshold."""
        return self.threshold_low

    @property
    def high(self) -> float:
        """The upper end of the threshold."""
        return self.threshold_high

    @property
    def dispersion(self) -> float:
        """Deviance per degree of freedom; nan where there is none."""
        return self.deviance / self.df if self.df else float("nan")

    @property
    def scale(self) -> float:
        """The s of F((x - m)/s); for the Weibull 1 / its exponent."""
        return self.width / FAMILIES[self.family].span

    def predict(self, x: ArrayLike) -> Floats:
        """Get the share correct at the levels x."""
        family = FAMILIES[self.family]
        level, centre = np.asarray(x, dtype=np.float64), self.threshold
        with np.errstate(divide="ignore"):
            apart = np.log(level / centre) if family.log_x else level - centre
        rise = family.cdf(family.quantiles[1] + apart / self.scale)
        return self.guess + (1 - self.guess - self.lapse) * (1 - rise if self.direction == "decreasing" else rise)


@dataclass(frozen=True)
class GoodnessOfFit:
    """Whether answers scatter about the curve as coin tosses do: ``effect`` is deviance / df, 1 is expected.

    (low, high) is where that ratio lies for binomial answers, at ``level``; ``p`` is one-sided, for too much scatter.
    """

    p: float
    effect: float
    low: float
    high: float
    deviance: float
    df: int
    p_floor: float
    level: float


def _problem(x: ArrayLike, k: ArrayLike, n: ArrayLike, **model: object) -> Problem:
    """Get the checked problem with its best fit."""
    choice(str(model["family"]), tuple(FAMILIES), "family")
    choice(str(model["direction"]), DIRECTIONS, "direction")
    guess, lapse = number(model["guess"], "guess"), model["lapse"]  # type: ignore[arg-type]
    lapse = None if lapse is None else number(lapse, "lapse")  # type: ignore[arg-type]
    if not 0 <= guess < 1 or not (lapse is None or 0 <= lapse < 1 - guess):  # type: ignore[operator]
        raise DataError(
            f"guess={guess!r} and lapse={lapse!r} given; expected shares: guess=1/m for m alternatives, lapse=None "
            "(free up to 0.1) or a number such as 0.02, together below 1."
        )
    falls = model["direction"] == "decreasing"
    levels, correct, trials = counts(x, k, n, str(model["family"]), falls)
    return Problem(levels, correct, trials, str(model["family"]), guess, lapse, falls)  # type: ignore[arg-type]


def fit(
    x: ArrayLike,
    k: ArrayLike,
    n: ArrayLike,
    *,
    guess: float,
    lapse: float | None = None,
    family: str = "norm",
    direction: str = "increasing",
    interval: str = "profile",
    overdispersed: bool = False,
    level: float = 0.95,
    n_bootstrap: int = 999,
    rng: Rng | None = None,
) -> PsychometricFit:
    """Get the psychometric curve of maximum likelihood: psi(x) = guess + (1 - guess - lapse) F((x - m) / s).

    Parameters
    ----------
    x: levels (signal, contrast, noise), (n_levels,); equal levels are pooled.
    k, n: correct answers and trials at each level (``n`` may be one number).
    guess: share correct by chance, 1/m with m alternatives (0 for yes/no).
    lapse: share of errors on the easiest trials; None fits it within [0, .1].
    family: "norm", "logistic" or "weibull" (x >= 0; for "decreasing" the Weibull survival curve).
    direction: "decreasing" where x is damage or noise.
    interval: "profile" likelihood (no chance involved), or "bootstrap", parametric percentiles (needs ``rng``).
    overdispersed: widen the profile interval by the dispersion (quasi-likelihood, F quantile) where it exceeds 1.

    When this is invalid
    --------------------
    Answers that depend on each other (repeated items, drifting observer): look at ``goodness_of_fit``.  A change of
    lapse alone is no change of sensitivity.  Networks are the sample, not trials: test one threshold per network.

    Source: Wichmann & Hill (2001), doi:10.3758/BF03194544; agrees with psignifit 4 where its priors are weak.

    Example
    -------
    >>> found = fit([1, 2, 3, 4, 5], [26, 30, 38, 46, 49], 50, guess=0.5, lapse=0.0)
    >>> round(found.threshold, 2), round(found.width, 2)
    (2.93, 3.73)
    """
    choice(interval, INTERVALS, "interval")
    problem = _problem(x, k, n, guess=guess, lapse=lapse, family=family, direction=direction)
    curve, df = problem.curve, problem.k.size - int(problem.free.sum())
    residual = float(deviance(curve.share(problem.theta[None])[0], problem.k, problem.n)[0])
    unit_interval(level, "level")
    cut = float(sps.chi2.ppf(level, 1))
    if overdispersed and df and residual > df:
        cut = float(sps.f.ppf(level, 1, df)) * residual / df
    ends = ends_of(problem, interval, cut, level, n_bootstrap, rng)
    span, said = float(curve.family.span), notes(problem, ends)
    (centre, log_scale), lost = problem.given(problem.theta), problem.theta[2]
    ends = np.stack(problem.given(ends))
    (low, high), (narrow, wide) = np.exp(ends[0]) if curve.family.log_x else ends[0], np.exp(ends[1]) * span
    threshold = float(np.exp(centre) if curve.family.log_x else centre)
    return PsychometricFit(
        threshold, float(low), float(high), float(np.exp(log_scale)) * span, float(narrow), float(wide),
        guess, float(lost), problem.value, residual, df, family, direction, interval, level, int(problem.n.sum()), said,
    )  # fmt: skip


def goodness_of_fit(
    x: ArrayLike,
    k: ArrayLike,
    n: ArrayLike,
    *,
    guess: float,
    lapse: float | None = None,
    family: str = "norm",
    direction: str = "increasing",
    n_simulations: int = 999,
    level: float = 0.95,
    rng: Rng,
) -> GoodnessOfFit:
    """Get the test of over-dispersion: is the deviance larger than that of an observer who tosses coins?

    Data are simulated from the fitted curve and refitted; p = (1 + how many deviate as much) / (n_simulations + 1).
    Arguments as in ``fit``.

    When this is invalid: an approximate test (the curve is estimated), a little conservative with a free lapse.
    Source: Wichmann & Hill (2001), doi:10.3758/BF03194544.

    Example
    -------
    >>> goodness_of_fit([1, 2, 3, 4], [26, 45, 28, 49], 50, guess=0.5, n_simulations=99, rng=0).p
    0.01
    """
    problem = _problem(x, k, n, guess=guess, lapse=lapse, family=family, direction=direction)
    df, m = problem.k.size - int(problem.free.sum()), counted(n_simulations, "n_simulations")
    if df < 1:
        raise DesignError(f"{problem.k.size} levels and as many parameters leave no scatter to test; fix the lapse.")
    simulated = problem.simulate(m, generator(rng, "the simulation"))
    theta, _ = problem.refit(simulated)
    null = deviance(problem.curve.share(theta)[0], simulated, problem.n)
    seen = float(deviance(problem.curve.share(problem.theta[None])[0], problem.k, problem.n)[0])
    tail = (1 - unit_interval(level, "level")) / 2
    low, high = (float(end) / df for end in np.quantile(null, (tail, 1 - tail)))
    p = (1 + int((null >= seen * (1 - 1e-9)).sum())) / (m + 1)
    return GoodnessOfFit(p, seen / df, low, high, seen, df, 1 / (m + 1), level)
