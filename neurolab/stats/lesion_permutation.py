"""Permutations of one outcome against many lesioned columns: family-wise p, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurolab.stats._columns import MaxT, finish
from neurolab.stats._given import ALTERNATIVES, TIE, Floats, Rng, choice, counted, generator
from neurolab.stats.lesion_maps import (
    Ordered,
    _given,
    block_of,
    brunner_munzel,
    left_over,
    ordered,
    regression_t,
    relative_effect,
    scaled,
)

__all__ = ["brunner_munzel_max_t", "regression_max_t"]

ORDERS = 1_024  # permutations worked on at once


def orders_of(n: int, m: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Get m random orders of n rows, in blocks."""
    for at in range(0, m, ORDERS):
        yield np.argsort(rng.random((min(ORDERS, m - at), n)), axis=1)


def toward(values: NDArray, alternative: str) -> NDArray:
    """Get values so that larger is further into the tail asked for."""
    return {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative](values)


def regression_max_t(
    y: ArrayLike,
    lesioned: ArrayLike,
    nuisance: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    n_permutations: int = 2_000,
    rng: Rng,
    alternative: str = "two-sided",
    level: float = 0.95,
) -> MaxT:
    """Get ``regression_t`` with a p per column that holds for all columns together, by Freedman and Lane's permutation.

    The outcome is regressed on the nuisance, its residuals are permuted, the fit is added back, each full model is
    refitted and the largest t taken.  The fit cancels; of a permutation P only P'e is needed, against columns
    without nuisance.  (``freedman_lane`` has one regressor and permutes many outcomes; here one outcome is permuted,
    whose errors are exchangeable, where what volume leaves of a lesion is not: small lesions spare almost everything.)

    Parameters
    ----------
    y, lesioned, nuisance, weights: as ``regression_t``.

    Returns
    -------
    MaxT; its ``null`` on the scale of the partial correlation.  Memory beside ``lesioned``: 200 MB at most.

    When this is invalid: few rows and many nuisance regressors; errors whose spread depends on the lesion.
    Source: Freedman & Lane (1983), doi:10.1080/07350015.1983.10509354; Winkler et al. (2014),
    doi:10.1016/j.neuroimage.2014.01.060.
    """
    choice(alternative, ALTERNATIVES, "alternative")
    m, stream = counted(n_permutations, "n_permutations"), generator(rng, "regression_max_t")
    seen = regression_t(y, lesioned, nuisance, weights=weights, alternative=alternative, level=level)
    model, matrix, weight = _given(y, lesioned, nuisance, weights)
    size, block = float(model.residual @ model.residual), block_of(len(matrix))
    null, observed = [], np.empty(matrix.shape[1])
    for orders in orders_of(len(matrix), m, stream):
        rows = model.residual[orders]
        explained = ((rows @ model.basis) ** 2).sum(axis=1)  # what the nuisance takes from a permutation
        rows /= np.sqrt(np.maximum(size - explained, TIE * size))[:, None]
        best = np.full(len(rows), -np.inf)
        for at in (slice(start, start + block) for start in range(0, matrix.shape[1], block)):
            rest, square, ok = left_over(scaled(matrix, weight, at), model.basis)
            unit = rest / np.sqrt(np.where(ok, square, 1.0))
            observed[at] = model.residual @ unit / np.sqrt(size)
            if ok.any():
                found = toward(rows @ unit[:, ok], alternative)
                np.maximum(best, found.max(axis=1), out=best)
        null.append(best)
    return finish(
        seen, observed[seen.valid], np.concatenate(null), exact=False, arrangements=m, floor=1 / (m + 1),
        statistic="freedman-lane",
    )  # fmt: skip


def _permuted(member: NDArray, order: NDArray, ties: Ordered) -> Floats:
    effect, se, _ = relative_effect(member[order], ties)
    return (effect - 0.5) / se


def brunner_munzel_max_t(
    y: ArrayLike,
    lesioned: ArrayLike,
    *,
    n_permutations: int = 2_000,
    rng: Rng,
    alternative: str = "two-sided",
    level: float = 0.95,
) -> tuple[MaxT, Floats]:
    """Get ``brunner_munzel`` with a p per column for all columns together, and the permutation p of each by itself.

    The outcome is permuted and the studentised statistic taken again, which holds its level for unequal spreads too.
    Time grows with permutations x rows x columns: 1,000 permutations of 131 x 10,000 take about 20 s.

    Source: Neubert & Brunner (2007), doi:10.1016/j.csda.2006.05.024; Medina et al. (2010),
    doi:10.1016/j.neuropsychologia.2009.11.016.
    """
    choice(alternative, ALTERNATIVES, "alternative")
    m, stream = counted(n_permutations, "n_permutations"), generator(rng, "brunner_munzel_max_t")
    seen = brunner_munzel(y, lesioned, alternative=alternative, level=level)
    matrix, ties = np.asarray(lesioned)[:, seen.valid], ordered(np.asarray(y, dtype=np.float64))
    observed, block = seen.statistic[seen.valid], block_of(len(matrix))
    tail = toward(observed, alternative)
    tail, reached, null = tail - TIE * np.abs(tail), np.zeros(observed.size), []
    for orders in orders_of(len(matrix), m, stream):
        best = np.full(len(orders), -np.inf)
        for at in (slice(start, start + block) for start in range(0, matrix.shape[1], block)):
            part = matrix[:, at]
            for row, order in enumerate(orders):
                found = toward(_permuted(part, order, ties), alternative)
                reached[at] += found >= tail[at]
                best[row] = max(best[row], found.max(initial=-np.inf))
        null.append(best)
    alone = np.ones(seen.valid.size)
    alone[seen.valid] = (reached + 1) / (m + 1)
    family = finish(
        seen, observed, np.concatenate(null), exact=False, arrangements=m, floor=1 / (m + 1),
        statistic="brunner-munzel",
    )  # fmt: skip
    return family, alone
