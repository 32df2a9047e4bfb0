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
    cells = [[response[side & (fold == at)] for side in (positive, ~positive)] for at in range(int(fold.max()) + 1)]
    per_fold = np.array([one.mean() - other.mean() for one, other in cells])
    effect = float(per_fold.mean())
    if min(len(cell) for pair in cells for cell in pair) < 2:
        spread, sample = float(per_fold.std(ddof=1)) / np.sqrt(2), "run"
    else:
        spread, sample = float(np.sqrt(np.mean([[cell.var(ddof=1) for cell in pair] for pair in cells]))), "stimulus"
    return Measured(effect, effect / spread if spread > 0 else float("nan"), per_fold, sample)
