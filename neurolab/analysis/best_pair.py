"""The rule by which a dissociation is picked among many lesions, and its null when the rule is run on random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Lesions that are as good as each other, by position, and how many of them were candidates.
Group = tuple[np.ndarray, int]
SMALL = 64  # up to here all pairs of a draw are compared; above, the pairs are ranked once
RANKED = (
    20_000  # a random fifth of the lesions holds one of the best 20,000 pairs as good as surely; if not, it is redone
)
BLOCK = 2_000_000  # pairs in memory at a time


def pair_values(deficits: np.ndarray) -> np.ndarray:
    """Get, for each ordered pair (A, B), how far it dissociates: min(X_A - X_B, Y_B - Y_A).

    deficits : (n_lesions, 2), the deficit on X and on Y. Returns (n_lesions, n_lesions).

    Example
    -------
    >>> pair_values(np.array([[3.0, 0.0], [1.0, 1.0]])).tolist()
    [[0.0, 1.0], [-2.0, 0.0]]
    """
    x, y = np.asarray(deficits, dtype=np.float64).T
    return np.minimum(x[:, None] - x[None, :], y[None, :] - y[:, None])


def best_pair(deficits: np.ndarray) -> tuple[float, int, int]:
    """Get the value and the positions of the best pair (A, B) of two different lesions.

    Example
    -------
    >>> best_pair(np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 4.0]]))
    (3.0, 0, 2)
    """
    values = pair_values(deficits)
    np.fill_diagonal(values, -np.inf)
    a, b = np.unravel_index(int(values.argmax()), values.shape)
    return float(values[a, b]), int(a), int(b)


def random_subsets(groups: Sequence[Group], n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Get random sets of lesions that might have been the candidates, (n_draws, n_picked): so many of each group.

    groups : lesions that are as good as each other, and how many of them were candidates.

    Example
    -------
    >>> random_subsets([(np.array([0, 2]), 1), (np.array([1]), 1)], 3, np.random.default_rng(0)).tolist()
    [[0, 1], [0, 1], [0, 1]]
    """
    return np.array([np.concatenate([rng.permutation(rows)[:k] for rows, k in groups]) for _ in range(n_draws)])


def least_chance(groups: Sequence[Group], n_lesions: int) -> float:
    """Get the least chance that a random set holds so many given lesions: those that are hardest to draw.

    Example
    -------
    >>> round(least_chance([(np.arange(4), 2)], 2), 4), round(least_chance([(np.arange(5), 1)] * 2, 2), 4)
    (0.1667, 0.04)
    """
    least = np.ones(n_lesions + 1)  # by how many the set must hold
    for rows, k in groups:
        held = np.arange(min(k, n_lesions))
        chance = np.r_[1.0, np.cumprod((k - held) / (len(rows) - held))]
        least = np.array([min(least[at - n] * chance[n] for n in range(min(at + 1, len(chance))))
                          for at in range(len(least))])  # fmt: skip
    return float(least[-1])


def picked_null(deficits: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """Get the best-pair value of each of some sets of lesions, (n_draws,).

    deficits : (n_lesions, 2). subsets : rows of these, (n_draws, n_picked).

    Example
    -------
    >>> picked_null(np.eye(4, 2), np.array([[0, 1], [2, 3]])).tolist()
    [1.0, 0.0]
    """
    if subsets.shape[1] <= SMALL:
        return np.array([best_pair(deficits[draw])[0] for draw in subsets])
    first, second, value = _ranked(deficits)
    null = np.empty(len(subsets))
    for at, draw in enumerate(subsets):
        inside = np.zeros(len(deficits), dtype=bool)
        inside[draw] = True
        both = inside[first] & inside[second]
        null[at] = value[int(both.argmax())] if both.any() else best_pair(deficits[draw])[0]
    return null


def _ranked(deficits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best pairs of all, best first: positions and values. Rows come in blocks, so ten thousand lesions fit."""
    m = len(deficits)
    x, y = np.asarray(deficits, dtype=np.float64).T
    flat, value = np.zeros(0, dtype=np.int64), np.zeros(0)
    threshold = -np.inf
    for start in range(0, m, step := max(1, BLOCK // m)):
        rows = np.arange(start, min(start + step, m))
        here = np.minimum(x[rows, None] - x[None, :], y[None, :] - y[rows, None])
        here[np.arange(len(rows)), rows] = -np.inf
        among = np.flatnonzero(here.ravel() > threshold)
        flat, value = np.concatenate([flat, start * m + among]), np.concatenate([value, here.ravel()[among]])
        if len(value) > RANKED:
            best = np.argpartition(-value, RANKED - 1)[:RANKED]
            flat, value = flat[best], value[best]
            threshold = value.min()
    order = np.lexsort((flat, -value))
    return flat[order] // m, flat[order] % m, value[order]
