"""The rule by which a dissociation is picked among many lesions, and its null when the rule is run on random ones."""

from __future__ import annotations

import numpy as np

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


def picked_null(deficits: np.ndarray, n_picked: int, n_permutations: int, rng: np.random.Generator) -> np.ndarray:
    """Get the best-pair value of random subsets of ``n_picked`` of the lesions, (n_permutations,).

    When the candidates are exchangeable with the pool, each subset of the pooled lesions is as likely to be theirs.

    Example
    -------
    >>> picked_null(np.eye(4, 2), 4, 2, np.random.default_rng(0)).tolist()
    [1.0, 1.0]
    """
    m = len(deficits)
    draws = (rng.permutation(m)[:n_picked] for _ in range(n_permutations))
    if n_picked <= SMALL:
        return np.array([best_pair(deficits[draw])[0] for draw in draws])
    first, second, value = _ranked(deficits)
    null = np.empty(n_permutations)
    for at, draw in enumerate(draws):
        inside = np.zeros(m, dtype=bool)
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
