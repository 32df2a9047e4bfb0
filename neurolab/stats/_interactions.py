"""How pairs of players of a game act together: the second differences that Shapley values average out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from neurolab.errors import DesignError
from neurolab.stats._games import CHUNK, EXACT_PLAYERS, Asked, Game, every_coalition, size_weights
from neurolab.stats._given import Floats, Rng, counted, generator


@dataclass(frozen=True)
class Interactions:
    """Pair interactions (players, players), symmetric with a zero diagonal: above 0 synergy, below 0 redundancy.

    Errors as in ``Shapley``, kept apart. ``samples`` are the interactions per stimulus or network, (n_samples, pairs),
    with the pairs in the order of ``numpy.triu_indices(players, 1)``.
    """

    effect: Floats
    monte_carlo_se: Floats
    sampling_se: Floats
    n_evaluations: int
    method: str
    samples: Floats


def interactions(value: Game, n_players: int, *, n_draws: int | None = None, rng: Rng | None = None) -> Interactions:
    """Get the interaction of every pair: phi of (i, j) as one player, minus phi of i with j lesioned, minus the other.

    I_ij is the mean, over sizes and coalitions S of the others, of v(S + ij) - v(S + i) - v(S + j) + v(S).

    Parameters
    ----------
    value: the game.
    n_draws: None for all coalitions (n <= 16); else the number of coalitions drawn per pair, each with its complement
        among the others (8 evaluations), and ``rng`` is required.

    Source: Keinan et al. (2004), doi:10.1162/0899766041336387; Grabisch & Roubens (1999), doi:10.1007/s001820050125.

    Example
    -------
    >>> interactions(lambda mask: mask.any(axis=1), 2).effect  # two backups of each other
    array([[ 0., -1.],
           [-1.,  0.]])
    """
    asked = Asked(value, counted(n_players, "n_players", least=2))
    if n_draws is None:
        if asked.n_players > EXACT_PLAYERS:
            raise DesignError(f"{n_players} players have 2^{n_players} coalitions; type n_draws=256, rng=0.")
        return _interactions(asked, _exact_pairs(asked), None, "exact")
    stream, n = generator(rng, "drawing coalitions"), asked.n_players
    draws = counted(n_draws, "n_draws", least=2)
    found = [_drawn_pair(asked, pair, draws, stream) for pair in combinations(range(n), 2)]
    blocks = np.stack([pair.mean(axis=-1) for pair in found], axis=1)
    return _interactions(asked, np.stack([pair.mean(axis=0) for pair in found], axis=1), blocks, "drawn coalitions")


def _exact_pairs(asked: Asked) -> Floats:
    """Get I_ij per sample and pair, (n_samples, pairs)."""
    n, total = asked.n_players, np.zeros(1)
    first, second = np.triu_indices(n, 1)
    weights = size_weights(n, 2)
    for coalitions in every_coalition(n):
        i, j = coalitions[:, first], coalitions[:, second]
        others = coalitions.sum(axis=1)[:, None] - i - j
        total = total + asked(coalitions).T @ (np.where(i == j, 1.0, -1.0) * weights[others])
    return total


def _drawn_pair(asked: Asked, pair: tuple[int, int], n_draws: int, stream: np.random.Generator) -> Floats:
    """Get drawn second differences of one pair, (n_draws, n_samples)."""
    n = asked.n_players
    rank = np.argsort(stream.random((n_draws, n - 2)), axis=1)
    drawn = rank < stream.integers(0, n - 1, n_draws)[:, None]  # a uniform size, then a uniform coalition
    both = np.stack((drawn, ~drawn), axis=1).reshape(-1, n - 2)
    mask = np.zeros((len(both), 4, n), dtype=bool)
    mask[:, :, [k for k in range(n) if k not in pair]] = both[:, None]
    mask[:, :, pair] = [[True, True], [True, False], [False, True], [False, False]]
    rows = mask.reshape(-1, n)
    answer = np.concatenate([asked(rows[at : at + CHUNK]) for at in range(0, len(rows), CHUNK)])
    signs = np.array([1.0, -1.0, -1.0, 1.0]) / 2  # halved: a coalition and its complement
    return np.einsum("dcks,k->ds", answer.reshape(n_draws, 2, 4, -1), signs)


def _interactions(asked: Asked, samples: Floats, blocks: Floats | None, method: str) -> Interactions:
    """Spread values per pair over symmetric matrices."""
    n = asked.n_players
    many = len(samples) > 1
    error = np.zeros(samples.shape[1]) if blocks is None else blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    spread = samples.std(axis=0, ddof=1) / np.sqrt(len(samples)) if many else np.full(samples.shape[1], np.nan)
    square = np.zeros((3, n, n))
    for matrix, values in zip(square, (samples.mean(axis=0), error, spread), strict=True):
        matrix[np.triu_indices(n, 1)] = values
        matrix += matrix.T.copy()
    return Interactions(square[0], square[1], square[2], asked.n_evaluations, method, samples)
