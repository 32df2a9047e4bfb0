"""Lesion maps: one outcome against each of many lesioned columns, each identical column tested once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurolab.errors import DataError, DesignError
from neurolab.stats import maps
from neurolab.stats._given import Bools, Floats, sample
from neurolab.stats._lane import _basis, _regressors
from neurolab.stats.maps import StatMap

__all__ = ["Patches", "brunner_munzel", "patches", "regression_t"]

CELLS = 2**22  # numbers per block: 32 MB in float64
EXACT = 1e-15  # a column that explains the outcome exactly has a very large t, not an infinite one
KEPT = 1e-9  # the share of a column's variance that nuisance must leave for it to be testable


@dataclass(frozen=True, eq=False)
class Patches:
    """Columns that are identical over rows, as one: ``first`` column of each patch, ``where`` each column belongs,
    ``size`` in columns.
    """

    first: NDArray[np.int64]
    where: NDArray[np.int64]
    size: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One outcome without its nuisance: ``residual`` (n,), an orthonormal ``basis`` (n, k) of what was taken out."""

    residual: Floats
    basis: Floats
    df: int


def patches(lesioned: ArrayLike) -> Patches:
    """Get the unique columns of a 0/1 matrix (rows, columns): what cannot be told apart is tested once.

    Source: the patches of LESYMAP, Pustina et al. (2018), doi:10.1016/j.neuropsychologia.2017.08.027.

    Example
    -------
    >>> patches([[1, 0, 1], [0, 0, 0], [1, 1, 1]]).size.tolist()
    [1, 2]
    """
    given = np.asarray(lesioned)
    if given.ndim != 2:
        raise DataError(f"lesioned has shape {given.shape}; expected (rows, columns) of 0 and 1.")
    packed = np.ascontiguousarray(np.packbits(given != 0, axis=0).T)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, where, size = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return Patches(first, where.ravel(), size)


def outcome_of(y: ArrayLike, nuisance: ArrayLike | None = None) -> Outcome:
    """Get an outcome (n,) without its mean and what nuisance (n, k) explains; a constant outcome is an error."""
    y = sample(y, "y", least=4)
    basis = _basis(_regressors(nuisance, len(y)))
    centred = y - y.mean()
    residual = centred - basis @ (basis.T @ centred)
    df = len(y) - 2 - basis.shape[1]
    if y.max() == y.min():
        raise DataError(f"y is {y[0]:g} in all {y.size} rows; expected an outcome that varies.")
    if np.linalg.norm(residual) <= KEPT * np.linalg.norm(centred):
        raise DesignError("the nuisance explains the outcome exactly, so that nothing is left for a lesion to explain.")
    if df < 1:
        raise DesignError(f"{len(y)} rows for {basis.shape[1]} nuisance regressors; expected at least 3 rows more.")
    return Outcome(residual, basis, df)


def block_of(n: int, most: int = 8_192) -> int:
    """Get how many columns of n rows are worked on at once."""
    return int(np.clip(CELLS // n, 64, most))


def scaled(lesioned: NDArray, weights: Floats | None, at: slice) -> Floats:
    """Get some columns in float64, each row times its weight."""
    part = np.asarray(lesioned[:, at], dtype=np.float64)
    return part if weights is None else part * weights[:, None]


def left_over(block: Floats, basis: Floats) -> tuple[Floats, Floats, Bools]:
    """Get columns without mean and nuisance, their sums of squares, and whether anything is left of them."""
    rest = block - block.mean(axis=0)
    total = (rest**2).sum(axis=0)
    rest = rest - basis @ (basis.T @ rest)
    square = (rest**2).sum(axis=0)
    return rest, square, (total > 0) & (square > KEPT * total)


def regression_t(
    y: ArrayLike,
    lesioned: ArrayLike,
    nuisance: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    alternative: str = "two-sided",
    level: float = 0.95,
) -> StatMap:
    """Get, per column, the t of its coefficient in y = intercept + column + nuisance.

    Without nuisance and weights, and with columns of 0 and 1, it is the pooled two-sample t of lesioned - spared.

    Parameters
    ----------
    y: outcome, (n,).  lesioned: (n, columns), any numeric type; cast block by block.
    nuisance: (n,) or (n, k).  weights: (n,), by which each row of ``lesioned`` is multiplied.

    Returns
    -------
    StatMap with the coefficient as effect; ``valid`` False where a column is constant or what nuisance already says.

    When this is invalid: errors that are not normal, with few rows; take the permutation test.
    Source: agrees with ``statsmodels.OLS`` column by column.

    Example
    -------
    >>> regression_t([1.0, 2, 4, 5, 7], [[0], [0], [1], [1], [1]]).effect.round(4)
    array([3.8333])
    """
    model, matrix, weight = _given(y, lesioned, nuisance, weights)
    size = float(model.residual @ model.residual)

    def one(at: slice) -> tuple[Floats, Floats, Bools]:
        rest, square, ok = left_over(scaled(matrix, weight, at), model.basis)
        square = np.where(ok, square, 1.0)
        along = model.residual @ rest
        unexplained = np.maximum(1 - along**2 / (square * size), EXACT)
        return along / square, np.sqrt(unexplained * size / (square * model.df)), ok

    effect, se, ok = _joined(one, matrix)
    df = np.full(effect.size, float(model.df))
    effect = np.where(ok, effect, np.nan)
    return maps._t_map(effect, se, df, ok, test="regression", alternative=alternative, level=level)


def _given(
    y: ArrayLike, lesioned: ArrayLike, nuisance: ArrayLike | None, weights: ArrayLike | None
) -> tuple[Outcome, NDArray, Floats | None]:
    model, matrix = outcome_of(y, nuisance), np.asarray(lesioned)
    if matrix.ndim != 2 or len(matrix) != len(model.residual):
        raise DataError(
            f"lesioned of shape {matrix.shape} given for {len(model.residual)} outcomes; expected one row for each."
        )
    return model, matrix, None if weights is None else sample(weights, "weights")


def _joined(one: Callable[[slice], tuple], matrix: NDArray) -> list[NDArray]:
    block = block_of(len(matrix))
    parts = [one(slice(at, at + block)) for at in range(0, matrix.shape[1], block)]
    return [np.concatenate(each) for each in zip(*parts)]


@dataclass(frozen=True, eq=False)
class Ordered:
    """An outcome in rising order: ``order`` of its rows; of each place the ends (``first``, ``last``) of its ties."""

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def ordered(y: Floats) -> Ordered:
    """Get the rows of y in rising order, and where the ties of each begin and end."""
    order = np.argsort(y, kind="stable")
    up = y[order]
    return Ordered(order, np.searchsorted(up, up, side="left"), np.searchsorted(up, up, side="right"))


def relative_effect(member: NDArray, ties: Ordered) -> tuple[Floats, Floats, Floats]:
    """Get P(lesioned > spared) + P(equal)/2, its standard error and df, per column.

    member: 0/1 rows in rising order of the outcome, both values in every column.  Where the groups do not overlap
    the variance is that of a single tied pair: very small, not 0.
    """
    n = len(member)
    inside = np.asarray(member, dtype=np.float64)
    run = np.concatenate((np.zeros((1, inside.shape[1])), np.cumsum(inside, axis=0)))
    below = (run[ties.first] + run[ties.last]) / 2  # lesioned rows below each row, ties by halves
    spared_below = ((ties.first + ties.last) / 2)[:, None] - below
    n_in = run[-1]
    n_out = n - n_in
    share_in, mean_in = _placed(inside, spared_below, n_in)
    share_out, _ = _placed(1 - inside, below, n_out)
    apart = share_in + share_out == 0
    share_in, share_out = np.where(apart, 0.25, share_in), np.where(apart, 0.25, share_out)
    df = (share_in + share_out) ** 2 / (share_in**2 / (n_in - 1) + share_out**2 / (n_out - 1))
    return mean_in / n_out, np.sqrt(share_in + share_out) / (n_in * n_out), df


def _placed(inside: Floats, placement: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Get count times the variance (ddof 1) of one group's placements, and their mean."""
    mean = (inside * placement).sum(axis=0) / count
    square = (inside * (placement - mean) ** 2).sum(axis=0)
    return count * square / (count - 1), mean


def brunner_munzel(
    y: ArrayLike, lesioned: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95
) -> StatMap:
    """Get, per 0/1 column, Brunner and Munzel's test that a lesioned row's outcome is as often larger as smaller.

    Parameters
    ----------
    y: outcome, (n,).  lesioned: 0/1, (n, columns).

    Returns
    -------
    StatMap with P(lesioned > spared) + P(equal)/2 as effect (null 0.5); ``valid`` asks for two rows in either group.

    When this is invalid: groups of fewer than 10, where p from t is too small (Medina et al. 2010); permute.
    Source: Brunner & Munzel (2000), doi:10.1002/(SICI)1521-4036(200001)42:1<17::AID-BIMJ17>3.0.CO;2-U; agrees with
    ``scipy.stats.brunnermunzel``.

    Example
    -------
    >>> brunner_munzel([1.0, 2, 4, 5, 3, 7], [[0], [0], [0], [1], [1], [1]]).effect.round(4)
    array([0.8889])
    """
    _, matrix, _ = _given(y, lesioned, None, None)
    ties = ordered(np.asarray(y, dtype=np.float64))

    def one(at: slice) -> tuple[Floats, Floats, Floats, Bools]:
        member = matrix[ties.order, at]
        count = member.sum(axis=0, dtype=np.int64)
        ok = (count >= 2) & (count <= len(member) - 2)
        effect, se, df = np.full(ok.size, np.nan), np.ones(ok.size), np.ones(ok.size)
        effect[ok], se[ok], df[ok] = relative_effect(member[:, ok], ties)
        return effect, se, df, ok

    effect, se, df, ok = _joined(one, matrix)
    return maps._t_map(effect, se, df, ok, test="brunner-munzel", alternative=alternative, level=level, null=0.5)
