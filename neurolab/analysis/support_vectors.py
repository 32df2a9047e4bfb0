"""Support vector regression of a behaviour on whole lesions: one map of weights, permuted as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurolab.errors import DesignError
from neurolab.stats.lesion_maps import block_of, left_over, outcome_of, scaled

COSTS = (0.01, 0.1, 1.0, 10.0)  # of a kernel whose mean diagonal is 1, for an outcome of sd 1
EPSILON = 0.1
FOLDS = 5
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class WeightMap:
    """Weights per patch with their p and family-wise p; r, what left-out cases are predicted with, with its p."""

    weight: np.ndarray
    valid: np.ndarray
    p: np.ndarray
    family: np.ndarray
    p_floor: float
    r: float
    r_p: float
    cost: float


def support_vector_map(
    y: np.ndarray,
    lesioned: np.ndarray,
    nuisance: np.ndarray,
    *,
    weights: np.ndarray | None,
    size: np.ndarray,
    alternative: str,
    n_permutations: int,
    rng: np.random.Generator,
) -> WeightMap:
    """Get the weight map of a linear SVR, its p by permuting the behaviour, and how well left-out cases are predicted.

    Behaviour and columns are taken without nuisance. The cost is chosen by cross-validation, anew in every
    permutation, so that choosing is part of the null. ``size`` counts the neuroids of each patch: the kernel, and so
    the map, is that of all neuroids.

    Parameters
    ----------
    y : (n,). lesioned : 0/1, (n, patches). nuisance : (n, k). weights : (n,) of rows, or None. size : (patches,).

    Source
    ------
    Zhang et al. 2014, doi:10.1002/hbm.22590; DeMarco & Turkeltaub 2018, doi:10.1002/hbm.24289.
    """
    if n_permutations < 1:
        raise DesignError(f"n_permutations={n_permutations} given; expected at least 1, better 1,000.")
    columns, valid = _columns(lesioned, outcome_of(y, nuisance).basis, weights)
    kernel = (columns * size) @ columns.T
    kernel /= np.trace(kernel) / len(kernel)
    model = outcome_of(y, nuisance)
    standard = model.residual / model.residual.std()
    folds = np.array_split(rng.permutation(len(y)), FOLDS)
    dual, r, cost = _fitted(kernel, standard, folds)
    seen = dual @ columns
    tail = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    reached, largest, predicted = np.zeros(seen.size), np.empty(n_permutations), np.empty(n_permutations)
    for at in range(n_permutations):
        again, predicted[at], _ = _fitted(kernel, standard[rng.permutation(len(y))], folds)
        found = tail(again @ columns)
        largest[at] = found[valid].max(initial=-np.inf)
        reached += found >= tail(seen) - TIE * np.abs(seen)
    above = n_permutations - np.searchsorted(np.sort(largest), tail(seen) - TIE * np.abs(seen), side="left")
    p, family = (np.where(valid, (count + 1) / (n_permutations + 1), 1.0) for count in (reached, above))
    r_p = (1 + int((predicted >= r - TIE).sum())) / (n_permutations + 1)
    return WeightMap(np.where(valid, seen, np.nan), valid, p, family, 1 / (n_permutations + 1), r, r_p, cost)


def _columns(lesioned: np.ndarray, basis: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, patches) float32 without mean and nuisance, and which have anything left."""
    kept, valid = np.zeros(lesioned.shape, dtype=np.float32), np.zeros(lesioned.shape[1], dtype=bool)
    block = block_of(len(lesioned))
    for at in (slice(start, start + block) for start in range(0, lesioned.shape[1], block)):
        rest, _, valid[at] = left_over(scaled(lesioned, weights, at), basis)
        kept[:, at] = rest * valid[at]
    return kept, valid


def _fitted(kernel: np.ndarray, y: np.ndarray, folds: list[np.ndarray]) -> tuple[np.ndarray, float, float]:
    """The dual weights of all cases at the cost that predicts left-out ones best, that correlation, and the cost."""
    scores = []
    for cost in COSTS:
        guess = np.empty(len(y))
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(y)), fold)
            guess[fold] = _machine(cost).fit(kernel[np.ix_(rest, rest)], y[rest]).predict(kernel[np.ix_(fold, rest)])
        scores.append(float(np.corrcoef(guess, y)[0, 1]) if np.ptp(guess) > 0 else -1.0)
    best = int(np.argmax(scores))
    machine, dual = _machine(COSTS[best]).fit(kernel, y), np.zeros(len(y))
    dual[machine.support_] = machine.dual_coef_[0]
    return dual, scores[best], COSTS[best]


def _machine(cost: float) -> Any:
    from sklearn.svm import SVR

    return SVR(kernel="precomputed", C=cost, epsilon=EPSILON)
