"""Freedman and Lane's permutation of residuals, for one regressor given others, with the maximum over columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurolab.errors import DataError
from neurolab.stats import maps
from neurolab.stats._columns import MaxT, finish
from neurolab.stats._design import centred, of_length_one
from neurolab.stats._given import TIE, Floats, Rng, columns, counted, floats, generator, sample
from neurolab.stats._maxima import Statistic, maxima


def _basis(nuisance: Floats) -> Floats:
    """Get an orthonormal basis (n, rank) of centred regressors."""
    left, size, _ = np.linalg.svd(of_length_one(centred(nuisance))[0], full_matrices=False)
    return left[:, size > 1e-10 * max(size.max(initial=0.0), TIE)]


def _regressors(nuisance: ArrayLike | None, n: int) -> Floats:
    """Get the nuisance as (n, k), k from 0 on."""
    given = np.empty((n, 0)) if nuisance is None else floats(nuisance, "nuisance")
    if given.ndim not in (1, 2) or len(given) != n:
        raise DataError(f"nuisance of shape {given.shape} given for {n} observations; expected ({n},) or ({n}, k).")
    return given.reshape(n, -1)


def _without(basis: Floats, values: Floats) -> Floats:
    """Get columns without their mean and what the basis explains, scaled to length 1."""
    left = values - values.mean(axis=0)
    left = left - basis @ (basis.T @ left)
    return left / np.linalg.norm(left, axis=0)


def _partial(x: Floats, basis: Floats, residual: Floats) -> Statistic:
    """Get the partial correlation of x with permuted residuals, as a function of orders: monotone in the refitted t."""

    def statistic(orders: NDArray, at: slice) -> Floats:
        left_over = np.ones((len(orders), residual[:, at].shape[1]))
        for regressor in basis.T:  # the intercept takes nothing from a permutation
            left_over -= (regressor[orders] @ residual[:, at]) ** 2
        return (x[orders] @ residual[:, at]) / np.sqrt(np.maximum(left_over, TIE))

    return statistic


def freedman_lane(
    y: ArrayLike,
    tested: ArrayLike,
    nuisance: ArrayLike | None = None,
    *,
    n_permutations: int = 9_999,
    rng: Rng,
    alternative: str = "two-sided",
    level: float = 0.95,
    block: int = 2_048,
) -> MaxT:
    """Get the max-T permutation test of one regressor given nuisance regressors, per column.

    y is regressed on the nuisance (an intercept is added), the residuals are permuted, the fit is added back, the full
    model is refitted and the t of ``tested`` taken.  The fit cancels, so each permutation P needs only P'x and P'Q
    against the residuals (x: tested, residualised; Q: an orthonormal basis of the nuisance).

    Parameters
    ----------
    y: observations x columns, (n, columns).
    tested: (n,).  nuisance: (n,) or (n, k), or None.

    Returns
    -------
    MaxT with the regression coefficient as effect.

    When this is invalid
    --------------------
    Heavy-tailed nuisance with few observations (the test is approximate); ``tested`` collinear with the nuisance is an
    error.

    Source: Freedman & Lane (1983), doi:10.1080/07350015.1983.10509354; agrees with
    ``nilearn.mass_univariate.permuted_ols``.

    Example
    -------
    >>> age, volume = np.arange(8.0), np.array([1.0, 3, 2, 5, 1, 4, 2, 3])
    >>> freedman_lane(np.outer(age, [1.0]) + volume[:, None] % 2, age, volume, n_permutations=99, rng=0).p
    array([0.01])
    """
    y, tested = columns(y, "y", least=3), sample(tested, "tested")
    given = _regressors(nuisance, len(y))
    if tested.size != len(y):
        raise DataError(f"tested holds {tested.size} values for {len(y)} observations; expected one for each.")
    n_permutations, stream = counted(n_permutations, "n_permutations"), generator(rng, "freedman_lane")
    design = np.column_stack((tested, np.ones(len(y)), given))
    seen = maps.glm_t(y, design, np.eye(design.shape[1])[0], alternative=alternative, level=level)
    basis = _basis(given)
    x, residual = _without(basis, tested[:, None])[:, 0], _without(basis, y[:, seen.valid])
    statistic, block = _partial(x, basis, residual), max(1, block // (1 + basis.shape[1]))
    orders = (
        np.argsort(stream.random((min(block, n_permutations - at), len(y))), axis=1)
        for at in range(0, n_permutations, block)
    )
    null = maxima(orders, statistic, residual.shape[1], alternative, block)
    observed = statistic(np.arange(len(y))[None, :], slice(None))[0]
    floor = 1 / (n_permutations + 1)
    return finish(
        seen, observed, null, exact=False, arrangements=n_permutations, floor=floor, statistic="freedman-lane"
    )
