"""One response per presentation: the difference between two sides, averaged over folds, with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Measured:
    """effect : mean over folds of (mean of one side - mean of the other). se, df : of the effect. sample : of what."""

    effect: float
    se: float
    df: float
    d_prime: float
    per_fold: np.ndarray
    sample: str

    @property
    def t(self) -> float:
        """effect / se."""
        return self.effect / self.se if self.se > 0 else float("nan")


def measured(response: np.ndarray, sides: tuple[np.ndarray, np.ndarray], labels: np.ndarray) -> Measured:
    """Get the effect in left-out folds.

    The error comes from the presentations within each fold and side (Satterthwaite's df) where each holds two or more,
    so the sample is stimuli; with a single presentation per fold and side it comes from the folds, which are then runs.

    Example
    -------
    >>> labels, first = np.array(list("aabb")), np.array([True, False, True, False])
    >>> found = measured(np.array([2.0, 1.0, 4.0, 2.0]), (first, ~first), labels)
    >>> found.effect, found.sample
    (1.5, 'run')
    """
    folds = np.unique(labels)
    cells = [[response[side & (labels == fold)] for side in sides] for fold in folds]
    per_fold = np.array([one.mean() - other.mean() for one, other in cells])
    effect = float(per_fold.mean())
    if min(len(cell) for pair in cells for cell in pair) < 2:
        spread = float(per_fold.std(ddof=1))
        d_prime = effect / (spread / np.sqrt(2)) if spread > 0 else float("nan")
        return Measured(effect, spread / np.sqrt(len(folds)), len(folds) - 1.0, d_prime, per_fold, "run")
    variance = np.array([[cell.var(ddof=1) for cell in pair] for pair in cells])
    size = np.array([[len(cell) for cell in pair] for pair in cells])
    share = variance / size / len(folds) ** 2
    total = float(share.sum())
    df = total**2 / float((share**2 / (size - 1)).sum()) if total > 0 else float((size - 1).sum())
    d_prime = effect / float(np.sqrt(variance.mean())) if total > 0 else float("nan")
    return Measured(effect, float(np.sqrt(total)), df, d_prime, per_fold, "stimulus")
