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
FLOAT32_TIE = 1e-5


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
    from sklearn import config_context

    if n_permutations < 1:
        raise DesignError(f"n_permutations={n_permutations} given; expected at least 1, better 1,000.")
    model = outcome_of(y, nuisance)
    columns, valid = _columns(lesioned, model.basis, weights)
    kernel = (columns * size) @ columns.T
    kernel = (kernel / (np.trace(kernel) / len(kernel))).astype(np.float64)
    standard = model.residual / model.residual.std()
    folds = np.array_split(rng.permutation(len(y)), FOLDS)
    orders = [np.arange(len(y)), *(rng.permutation(len(y)) for _ in range(n_permutations))]
    with config_context(assume_finite=True, skip_parameter_validation=True):  # thousands of small fits
        fitted = [_fitted(kernel, standard[order], folds) for order in orders]  # the observed one comes first
    duals, r, best = (np.stack(each) for each in zip(*fitted))
    # maps at another cost have another scale: each is taken in units of what its cost gives over all arrangements
    scale = np.sqrt(np.einsum("pci,ij,pcj->c", duals, kernel, duals) / len(orders))
    chosen = duals[np.arange(len(orders)), best] / np.where(scale > 0, scale, 1.0)[best][:, None]
    p, family = _ranked(chosen.astype(columns.dtype), columns, valid, alternative)
    floor, cost = 1 / (n_permutations + 1), COSTS[best[0]]
    r_p = float((r >= r[0] - TIE).mean())
    weight = np.where(valid, duals[0, best[0]] @ columns, np.nan)
    return WeightMap(weight, valid, p, family, floor, float(r[0]), r_p, cost)


def _ranked(
    duals: np.ndarray, columns: np.ndarray, valid: np.ndarray, alternative: str
) -> tuple[np.ndarray, np.ndarray]:
    """The rank p of every column of the first map among all maps, and that among their maxima; block by block."""
    tail: Any = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    reached, first = np.ones(len(valid)), np.zeros(len(valid))
    largest, block = np.full(len(duals), -np.inf), block_of(len(columns))
    for at in (slice(start, start + block) for start in range(0, len(valid), block)):
        found = tail(duals @ columns[:, at])
        first[at] = found[0] - FLOAT32_TIE * np.abs(found[0])
        reached[at] = (found >= first[at]).mean(axis=0)
        np.maximum(largest, found[:, valid[at]].max(axis=1, initial=-np.inf), out=largest)
    above = len(largest) - np.searchsorted(np.sort(largest), first, side="left")
    return np.where(valid, reached, 1.0), np.where(valid, above / len(largest), 1.0)


def _columns(lesioned: np.ndarray, basis: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, patches) float32 without mean and nuisance, and which have anything left."""
    kept, valid = np.zeros(lesioned.shape, dtype=np.float32), np.zeros(lesioned.shape[1], dtype=bool)
    block = block_of(len(lesioned))
    for at in (slice(start, start + block) for start in range(0, lesioned.shape[1], block)):
        rest, _, valid[at] = left_over(scaled(lesioned, weights, at), basis)
        kept[:, at] = rest * valid[at]
    return kept, valid


def _fitted(kernel: np.ndarray, y: np.ndarray, folds: list[np.ndarray]) -> tuple[np.ndarray, float, int]:
    """The dual weights (cost, case) at every cost, the best correlation with left-out cases, and the cost's place."""
    scores, duals = [], np.zeros((len(COSTS), len(y)))
    for at, cost in enumerate(COSTS):
        guess = np.empty(len(y))
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(y)), fold)
            guess[fold] = _machine(cost).fit(kernel[np.ix_(rest, rest)], y[rest]).predict(kernel[np.ix_(fold, rest)])
        scores.append(float(np.corrcoef(guess, y)[0, 1]) if np.ptp(guess) > 0 else -1.0)
        machine = _machine(cost).fit(kernel, y)
        duals[at, machine.support_] = machine.dual_coef_[0]
    best = int(np.argmax(scores))
    return duals, scores[best], best


def _machine(cost: float) -> Any:
    from sklearn.svm import SVR

    return SVR(kernel="precomputed", C=cost, epsilon=EPSILON)
