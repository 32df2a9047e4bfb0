"""One response per presentation: the difference between two sides, averaged over folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Measured:
    """effect : mean over folds of (mean of one side - mean of the other), in units of the response.

    d_prime : effect over the pooled sd of presentations. sample : what was left out, "stimulus" or "run".
    """

    effect: float
    d_prime: float
    per_fold: np.ndarray
    sample: str


def measured(response: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> Measured:
    """Get the effect in left-out folds; every fold weighs alike.

    With a single presentation per fold and side (a run's mean, say) the sd comes from the folds' differences, and the
    sample is runs.

    Example
    -------
    >>> side, fold = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> found = measured(np.array([2.0, 1.0, 4.0, 2.0]), side, fold)
    >>> found.effect, found.sample
    (1.5, 'run')
    """
    cells = _cells(response, positive, fold)
    per_fold = fold_effects(response, positive, fold)
    effect = float(per_fold.mean())
    if min(len(cell) for pair in cells for cell in pair) < 2:
        spread, sample = float(per_fold.std(ddof=1)) / np.sqrt(2), "run"
    else:
        spread, sample = float(np.sqrt(np.mean([[cell.var(ddof=1) for cell in pair] for pair in cells]))), "stimulus"
    return Measured(effect, effect / spread if spread > 0 else float("nan"), per_fold, sample)


def fold_effects(response: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Get the mean of one side minus the mean of the other, in each fold.

    Example
    -------
    >>> side, fold = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> fold_effects(np.array([2.0, 1.0, 4.0, 2.0]), side, fold).tolist()
    [1.0, 2.0]
    """
    return np.array([one.mean() - other.mean() for one, other in _cells(response, positive, fold)])


def _cells(response: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> list[list[np.ndarray]]:
    """The responses of both sides, fold by fold."""
    return [[response[side & (fold == at)] for side in (positive, ~positive)] for at in range(int(fold.max()) + 1)]
