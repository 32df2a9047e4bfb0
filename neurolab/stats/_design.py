"""Regressors in units in which rounding does not hide them: what a regression finds is the same in any units."""

from __future__ import annotations

import numpy as np

from neurolab.stats._given import Floats

#: A centred column smaller than this share of its size before, times its length, is rounding.
ROUNDING = 8 * np.finfo(np.float64).eps


def centred(x: Floats) -> Floats:
    """Get columns without their means; one that was constant is 0, not what rounding leaves of it.

    Example
    -------
    >>> centred(np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 6.0]])).tolist()
    [[0.0, -2.0], [0.0, -1.0], [0.0, 3.0]]
    """
    left = x - x.mean(axis=0)
    left -= left.mean(axis=0)  # a large mean leaves its rounding
    return np.where(np.abs(left).max(axis=0) > ROUNDING * len(x) * np.abs(x).max(axis=0), left, 0.0)


def of_length_one(x: Floats) -> tuple[Floats, Floats]:
    """Get columns of length 1, and their lengths before, (n, k) and (k,); one of zeros stays so, with length 1.

    Example
    -------
    >>> unit, size = of_length_one(np.array([[3e-200, 0.0], [4e-200, 0.0]]))
    >>> unit.tolist(), bool(np.isclose(size[0], 5e-200, rtol=1e-12))
    ([[0.6, 0.0], [0.8, 0.0]], True)
    """
    largest = np.abs(x).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    size = np.linalg.norm(x / largest, axis=0)
    size = np.where(size > 0, size, 1.0)
    return x / largest / size, largest * size


def conditioned(design: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Get the same model and contrast with columns of length 1, centred on an intercept where there is one.

    A regressor in tesla squared or in seconds since 1970 is told apart from the others as one in any other unit.

    Example
    -------
    >>> seconds = 1.7e9 + np.arange(3.0)
    >>> x, weights = conditioned(np.column_stack([np.ones(3), seconds]), np.array([0.0, 1.0]))
    >>> float((weights @ np.linalg.pinv(x) @ (5 * np.arange(3.0))).round(9))
    5.0
    """
    flat = np.flatnonzero((design == design[0]).all(axis=0) & (design[0] != 0))
    if flat.size:
        one = int(flat[0])
        others = np.arange(design.shape[1]) != one
        weights = weights - np.where(others, design.mean(axis=0) / design[0, one] * weights[one], 0.0)
        design = np.where(others, centred(design), design)
    unit, size = of_length_one(design)
    return unit, weights / size
