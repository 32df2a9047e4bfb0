"""Welch's t and the rank test under many shuffles at once: the statistics of ``stats.maps``, without p or interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import rankdata

#: Numbers held at once: what is gathered for a block of shuffles stays small.
BLOCK_VALUES = 4_000_000


def statistics(
    test: str, values: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield blocks of shuffles: which, and their statistic and validity (shuffles, neuroids).

    test : a name in ``MANY``. values : (rows, neuroids). labels : (shuffles, rows), True for the positive side. The
    numbers are those of the test itself in ``stats.maps``, to the last bit.
    """
    size = max(1, BLOCK_VALUES // max(1, values.size))
    count = labels.sum(axis=1)
    for wanted in np.unique(count):  # shuffles with as many rows on each side are one array
        alike = np.flatnonzero(count == wanted)
        for start in range(0, len(alike), size):
            here = alike[start : start + size]
            yield here, *MANY[test](values, labels[here])


def welch(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Get Welch's t of the two sides and where it is valid, (shuffles, neuroids); each shuffle has as many of a side.

    Example
    -------
    >>> t, valid = welch(np.array([3.0, 4, 5, 1, 2, 3])[:, None], np.arange(6)[None] < 3)
    >>> t.round(4).tolist(), valid.tolist()
    ([[2.4495]], [[True]])
    """
    a, b = (values[np.nonzero(side)[1].reshape(len(labels), -1)] for side in (labels, ~labels))
    (mean_a, var_a, varies_a), (mean_b, var_b, varies_b) = _moments(a), _moments(b)
    with np.errstate(all="ignore"):
        se = np.sqrt(var_a / a.shape[1] + var_b / b.shape[1])
        t = (mean_a - mean_b) / se
    valid = varies_a & varies_b & np.isfinite(t) & (se > 0)
    return np.where(valid, t, 0.0), valid


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and whether the column varies, as in ``stats.maps``."""
    with np.errstate(all="ignore"):
        mean = x.mean(axis=1)
        variance = ((x - mean[:, None]) ** 2).sum(axis=1) / (x.shape[1] - 1)
        constant = x.max(axis=1) == x.min(axis=1)
    return np.where(constant, x[:, 0], mean), np.where(constant, 0.0, variance), ~constant


def rank(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Get the normal deviate of Mann-Whitney's U, and where it is valid: ranks and ties are the same in every shuffle.

    Example
    -------
    >>> z, _ = rank(np.arange(6.0)[:, None], np.array([[False, False, False, True, True, True]]))
    >>> z.round(3).tolist()
    [[1.746]]
    """
    n, n_a = len(values), int(labels[0].sum())
    lowest, highest = (rankdata(values, method=how, axis=0) for how in ("min", "max"))
    u = labels.astype(np.float64) @ ((lowest + highest) / 2) - n_a * (n_a + 1) / 2  # halves of integers: exact
    ties = ((highest - lowest + 1) ** 2 - 1).sum(axis=0)
    se = np.sqrt(n_a * (n - n_a) / 12 * ((n + 1) - ties / (n * (n - 1))))
    valid = np.broadcast_to(values.max(axis=0) > values.min(axis=0), u.shape)
    gap = u - n_a * (n - n_a) / 2
    z = np.divide(gap - np.sign(gap) / 2, se, out=np.zeros_like(u), where=valid)
    return np.where(np.sign(z) == np.sign(gap), z, 0.0), valid


#: The tests of ``column_tests.TWO_GROUPS``, for many shuffles at once.
MANY: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {"welch": welch, "rank": rank}
