"""The steps at which two trainings were both scored: only there can one be seen to arrive before the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurolab.errors import DataError

#: Steps that are known less exactly than this share of them are said to be known coarsely.
COARSE = 0.1


def both_scored(curves: Sequence[np.ndarray], step: np.ndarray, arms: Sequence[str]) -> list[np.ndarray]:
    """Get the curves (network, step) of two arms without the scores of steps at which only one of them was scored.

    A training that is scored more often is seen to arrive earlier, whenever it does. Scores after the end of the other
    training stay: how far each was followed is another matter.

    Raises
    ------
    DataError : a network whose two trainings share no scored step after the first.

    Example
    -------
    >>> rare, often = np.array([[0.1, np.nan, 0.9, 0.9]]), np.array([[0.1, 0.9, 0.9, np.nan]])
    >>> both_scored([rare, often], np.array([0, 10, 20, 40]), ["rare", "often"])[1]
    array([[0.1, nan, 0.9, nan]])
    """
    seen = ~np.isnan(np.stack(curves))
    ends = np.where(seen, step, -np.inf).max(axis=2).min(axis=0)
    common = seen.all(axis=0)
    none = ~(common & (step > 0)).any(axis=1) & (ends > 0)
    if none.any():
        raise DataError(
            f"{int(none.sum())} of {len(none)} networks were never scored at the same step above 0 in {arms[0]!r} and "
            f"{arms[1]!r}, so none can be seen to arrive first. Score both at the same steps."
        )
    return [np.where(common | (step > ends[:, None]), curve, np.nan) for curve in curves]


def common_note(curves: Sequence[np.ndarray], kept: Sequence[np.ndarray], arms: Sequence[str]) -> str:
    """Get the sentence about the arms of which some scores do not count."""
    lost = [arm for arm, own, rest in zip(arms, curves, kept) if np.isnan(rest).sum() > np.isnan(own).sum()]
    if not lost:
        return ""
    return f"Only steps at which both trainings were scored count; {' and '.join(lost)} was scored at others as well."


def gaps_before(curve: np.ndarray, step: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Get how long before the step that counts a network was last scored (network,): how exactly that step is known.

    Example
    -------
    >>> gaps_before(np.array([[0.1, np.nan, 0.9]]), np.array([0.0, 10.0, 20.0]), np.array([20.0]))
    array([20.])
    """
    before = ~np.isnan(curve) & (step < at[:, None])
    return np.asarray(at - np.where(before, step, np.where(at > 0, 0, at)[:, None]).max(axis=1))


def coarse_sentences(gaps: np.ndarray, steps: np.ndarray) -> list[str]:
    """Get what is wrong with steps known so coarsely, if it is; ``steps`` are those of first learning."""
    gap, whole = float(gaps.mean()), float(steps.mean())
    if not gap > COARSE * whole:
        return []
    return [
        f"Scored rarely: a step at criterion is known to within {gap:.3g} steps on average, {gap / whole:.2g} of first "
        "learning; what is saved within them cannot be seen."
    ]
