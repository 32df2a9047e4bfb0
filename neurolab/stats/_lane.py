"""Freedman and Lane's permutation of residuals, for one regressor given others, with the maximum over columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurolab.stats import maps
from neurolab.stats._columns import MaxT, finish, maxima
from neurolab.stats._given import TIE, Floats, Rng, columns, counted, generator, sample


def _basis(nuisance: Floats) -> Floats:
    """Get an orthonormal basis (n, rank) of centred regressors."""
    left, size, _ = np.linalg.svd(nuisance - nuisance.mean(axis=0), full_matrices=False)
    return left[:, size > 1e-10 * max(size.max(initial=0.0), TIE)]


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
    """
    y, tested = columns(y, "y", least=3), sample(tested, "tested")
    n = len(y)
    given = np.empty((n, 0)) if nuisance is None else np.asarray(nuisance, dtype=np.float64).reshape(n, -1)
    design = np.column_stack((tested, np.ones(n), given))
    seen = maps.glm_t(y, design, np.eye(design.shape[1])[0], alternative=alternative, level=level)
    basis = _basis(given)
    q = np.column_stack((np.full(n, n**-0.5), basis))
    x = tested - q @ (q.T @ tested)
    x /= np.linalg.norm(x)
    residual = y[:, seen.valid] - q @ (q.T @ y[:, seen.valid])
    residual /= np.linalg.norm(residual, axis=0)
    block = max(1, block // (1 + q.shape[1]))

    def statistic(
        orders: NDArray, at: slice
    ) -> Floats:  # t is monotone in it; the intercept takes nothing from a permutation
        left_over = np.ones((len(orders), residual[:, at].shape[1]))
        for regressor in basis.T:
            left_over -= (regressor[orders] @ residual[:, at]) ** 2
        return (x[orders] @ residual[:, at]) / np.sqrt(np.maximum(left_over, TIE))

    stream = generator(rng, "freedman_lane")
    orders = (
        np.argsort(stream.random((min(block, n_permutations - at), n)), axis=1)
        for at in range(0, counted(n_permutations, "n_permutations"), block)
    )
    null = maxima(orders, statistic, residual.shape[1], alternative, block)
    observed = statistic(np.arange(n)[None, :], slice(None))[0]
    return finish(
        seen,
        observed,
        null,
        exact=False,
        arrangements=n_permutations,
        floor=1 / (n_permutations + 1),
        statistic="freedman-lane",
    )
