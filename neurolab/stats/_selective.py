"""How selective each column is for one of two conditions, and the moments that this and the t maps share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError
from neurolab.stats._given import Floats, columns
from neurolab.stats._rank import mann_whitney


def moments(x: Floats) -> tuple[Floats, Floats]:
    """Get mean and variance (ddof 1) per column; exactly constant columns have variance exactly 0."""
    with np.errstate(all="ignore"):
        mean = x.mean(axis=0)
        variance = ((x - mean) ** 2).sum(axis=0) / (len(x) - 1)
        constant = x.max(axis=0) == x.min(axis=0)
    return np.where(constant, x[0], mean), np.where(constant, 0.0, variance)


def two(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    """Get both groups as (rows, columns) float64, checked to have the same columns."""
    a, b = columns(a, "a"), columns(b, "b")
    if a.shape[1] != b.shape[1]:
        raise DataError(f"a has {a.shape[1]} columns and b has {b.shape[1]}; expected the same neuroids in both.")
    return a, b


def d_prime(a: ArrayLike, b: ArrayLike) -> Floats:
    """Get the selectivity d' per column: (mean_a - mean_b) / sqrt((var_a + var_b) / 2).

    0 where both conditions are the same constant; nan where a column holds nan or inf, or differs by two constants
    (there the index is undefined, and every map here says ``valid`` False).

    Example
    -------
    >>> d_prime([[3.0], [4], [5]], [[1.0], [2], [3]])
    array([2.])
    """
    a, b = two(a, b)
    (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
    with np.errstate(all="ignore"):
        index = (mean_a - mean_b) / np.sqrt((var_a + var_b) / 2)
    return np.where((var_a + var_b == 0) & (mean_a == mean_b), 0.0, np.where(np.isfinite(index), index, np.nan))


def auc(a: ArrayLike, b: ArrayLike) -> Floats:
    """Get P(a > b) + P(a = b)/2 per column, nan where a column holds nan or inf.

    Example
    -------
    >>> auc([[3.0], [4], [5]], [[1.0], [2], [3]]).round(4)
    array([0.9444])
    """
    a, b = two(a, b)
    seen = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    u, _ = mann_whitney(np.where(seen, a, 0.0), np.where(seen, b, 0.0))
    return np.where(seen, u / (len(a) * len(b)), np.nan)
