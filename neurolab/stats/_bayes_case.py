"""The Bayesian test of a case's standardised difference, which keeps its level where both deficits are extreme."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.special import ndtr

from neurolab.errors import DataError
from neurolab.stats._cases import BayesianDifference
from neurolab.stats._design import centred, of_length_one
from neurolab.stats._given import TINY, Floats, Rng, choice, columns, counted, generator, sample, unit_interval

PRIORS = ("calibrated", "standard")


def _covariances(scatter: Floats, n: int, prior: str, n_draws: int, stream: np.random.Generator) -> Floats:
    """Get draws (n_draws, 2, 2) of the population covariance given the scatter of n controls (less covariates)."""
    if prior == "standard":
        return np.asarray(sps.invwishart(n, scatter).rvs(n_draws, random_state=stream))
    kept: list[Floats] = []
    family = sps.invwishart(n - 2, scatter * (n - 2) / (n - 1))
    while sum(map(len, kept)) < n_draws:  # accept if u^2 <= 1 - rho^2
        drawn = np.asarray(family.rvs(n_draws, random_state=stream)).reshape(-1, 2, 2)
        rho_squared = drawn[:, 0, 1] ** 2 / (drawn[:, 0, 0] * drawn[:, 1, 1])
        kept.append(drawn[stream.random(n_draws) ** 2 <= 1 - rho_squared])
    return np.concatenate(kept)[:n_draws]


def posterior_difference(
    apart: Floats, scatter: Floats, n: int, leverage: float, prior: str, n_draws: int, level: float, rng: Rng
) -> BayesianDifference:
    """Get the test of a case that lies ``apart`` (2,) from the mean expected of it.

    ``scatter`` is the controls' residual sum of squares and products, n their number less that of covariates, and
    ``leverage`` the variance of the expected mean in residual variances (1/n without covariates).
    """
    choice(prior, PRIORS, "prior")
    tail, n_draws = (1 - unit_interval(level, "level")) / 2, counted(n_draws, "n_draws")
    stream = generator(rng, "the posterior")
    sigma = _covariances(scatter, n, prior, n_draws, stream)
    noise = np.linalg.cholesky(sigma * leverage) @ stream.normal(size=(n_draws, 2, 1))
    sd = np.sqrt(np.diagonal(sigma, axis1=1, axis2=2))
    z = (apart - noise[..., 0]) / sd
    rho = sigma[:, 0, 1] / sd.prod(axis=1)
    gap = (z[:, 0] - z[:, 1]) / np.sqrt(2 - 2 * rho)
    below, (low, high) = float(ndtr(gap).mean()), (float(q) for q in np.quantile(gap, (tail, 1 - tail)))
    p = max(2 * min(below, 1 - below), TINY)
    percent = [100 * float(ndtr(end)) for end in (low, high)]
    return BayesianDifference(p, float(gap.mean()), low, high, 100 * below, percent[0], percent[1], n, prior, level)


def bayesian_standardised_difference(
    case: ArrayLike,
    controls: ArrayLike,
    *,
    prior: str = "calibrated",
    n_draws: int = 20_000,
    level: float = 0.95,
    rng: Rng,
) -> BayesianDifference:
    """Get the Bayesian test of a case's standardised difference between two tasks (BSDT).

    Population covariances are drawn given the controls (inverse Wishart), then means; each draw gives the case's
    standardised difference z and its tail area.  p doubles the mean one-tailed area, as Crawford's own program does.

    Parameters
    ----------
    case: (x, y).  controls: (n, 2).
    prior: "calibrated" (the default since 2011: keeps the frequentist level better) or "standard" theory.
    n_draws, rng: draws from the posterior; the Monte-Carlo error of p is about 0.5 / sqrt(n_draws).

    Returns
    -------
    BayesianDifference; ``effect`` is the mean z_dcc over draws, (low, high) its credible interval.

    When this is invalid
    --------------------
    Fewer than 5 controls; scores far from bivariate normal.

    Source: Crawford & Garthwaite (2007), doi:10.1080/02643290701290146; the calibrated prior: Crawford, Garthwaite &
    Ryan (2011), Cortex 47, 1166-1178.

    Example
    -------
    >>> people = [[0.1, 0.2], [1, 0.6], [-1, -0.5], [0.3, -0.3], [0.2, 0.4], [-0.5, -0.1]]
    >>> bayesian_standardised_difference((-4, 0), people, n_draws=500, rng=0).p < 0.1
    True
    """
    case, controls = sample(case, "case"), columns(controls, "controls", least=5)
    if case.shape != (2,) or controls.shape[1] != 2 or not np.isfinite(controls).all():
        raise DataError(f"case {case.shape} and controls {controls.shape} given; expected (x, y) and a finite (n, 2).")
    if np.linalg.matrix_rank(of_length_one(centred(controls))[0]) < 2:
        raise DataError("the controls' scores are constant or collinear; a difference cannot be tested without spread.")
    n = len(controls)
    apart, scatter = case - controls.mean(axis=0), (n - 1) * np.cov(controls.T)
    return posterior_difference(apart, scatter, n, 1 / n, prior, n_draws, level, rng)
