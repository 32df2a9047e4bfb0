"""The scale of a score: log odds beside proportions, and whether there was room for a deficit to show."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurolab.analysis.words import joined

#: Nearer than this share of the way from chance to the maximum is "at" chance or "at" the maximum.
NEAR = 0.02
#: The rule in words, for results.
RULE = (
    "ceiling: the mean intact score lies within 2 % of the way from chance to the maximum, below the maximum; floor: "
    "the mean lesioned score lies below chance or within 2 % of that way above it; bounded scores only"
)


def log_odds(proportion: ArrayLike, n: int) -> np.ndarray:
    """Get the empirical log odds log((k + 1/2) / (n - k + 1/2)) of a mean score in [0, 1] over n trials.

    Example
    -------
    >>> log_odds([0.5, 1.0], 10).round(3).tolist()
    [0.0, 3.045]
    """
    k = np.asarray(proportion, dtype=np.float64) * n
    return np.log((k + 0.5) / (n - k + 0.5))


def logit_deficit(intact: ArrayLike, lesioned: ArrayLike, n: int, *, bounded: bool) -> np.ndarray:
    """Get intact minus lesioned in log odds; NaN for an unbounded score, which has no odds.

    Example
    -------
    >>> logit_deficit([0.9], [0.5], 10, bounded=True).round(3).tolist()
    [1.846]
    """
    if not bounded:
        return np.full(np.shape(intact), np.nan)
    return log_odds(intact, n) - log_odds(lesioned, n)


def at_ceiling(intact: float, chance: float, *, bounded: bool) -> bool:
    """Get whether the intact score left no room for a difference (see ``RULE``); chance counts as 0 where unknown.

    Example
    -------
    >>> at_ceiling(0.995, 0.5, bounded=True), at_ceiling(0.98, 0.5, bounded=True)
    (True, False)
    """
    low = 0.0 if np.isnan(chance) else chance
    return bool(bounded and intact >= 1.0 - NEAR * (1.0 - low))


def at_floor(lesioned: float, chance: float, *, bounded: bool) -> bool:
    """Get whether the lesioned score could not fall further (see ``RULE``); never where chance is unknown.

    Example
    -------
    >>> at_floor(0.505, 0.5, bounded=True), at_floor(0.6, 0.5, bounded=True)
    (True, False)
    """
    return bool(bounded and not np.isnan(chance) and lesioned <= chance + NEAR * (1.0 - chance))


def room_texts(task: str, *, ceiling: bool, floored: list[str]) -> list[str]:
    """Get the sentences that a deficit on a task had no room to show: intact at the ceiling, or lesions at the floor.

    floored : names of the lesions that left the task at chance.

    Example
    -------
    >>> room_texts("faces", ceiling=False, floored=["A", "B"])
    ['A and B left faces at chance: how large the deficit is cannot be said. Lower the dose.']
    """
    said = []
    if ceiling:
        said.append(f"The intact score on {task} is at ceiling: a small deficit could not show. Make {task} harder.")
    if floored:
        left = f"{joined(floored)} left {task} at chance"
        said.append(f"{left}: how large the deficit is cannot be said. Lower the dose.")
    return said
