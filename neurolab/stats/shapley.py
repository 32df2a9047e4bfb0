"""Shapley values: what each unit, site or region contributes, over all ways to lesion the others.

A game is ``value(coalitions)``: a boolean mask (n_coalitions, n_players), True where a player is intact, to one number
per coalition, (n_coalitions,), or one per coalition and stimulus or network, (n_coalitions, n_samples).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError, DesignError
from neurolab.stats._games import (
    Asked,
    Game,
    Shapley,
    every_coalition,
    finish,
    prefixes,
    size_weights,
    walks,
)
from neurolab.stats._given import Floats, Rng, counted, generator, sample, unit_interval
from neurolab.stats._interactions import Interactions, interactions

__all__ = [
    "Interactions",
    "Shapley",
    "along",
    "d_index",
    "exact",
    "interactions",
    "orders_of",
    "redundancy_index",
    "sampled",
]

LEAST_BLOCKS = 8


def exact(value: Game, n_players: int, *, level: float = 0.95) -> Shapley:
    """Get the exact Shapley values from all 2^n coalitions (n <= 16).

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)).

    Parameters
    ----------
    value: the game; it is asked for up to 4,096 coalitions at a time, counted in binary, player 0 the fastest.
    level: coverage of (low, high) over the game's samples; without samples the interval is a point.

    Source: Shapley (1953); in neuroscience Keinan et al. (2004), doi:10.1162/0899766041336387.

    Example
    -------
    >>> exact(lambda mask: mask.any(axis=1), 2).values
    array([0.5, 0.5])
    """
    asked, total = Asked(value, n_players), np.zeros(1)
    weights = size_weights(asked.n_players, 1)
    empty = full = np.zeros(1)
    for coalitions in every_coalition(asked.n_players):
        sizes = coalitions.sum(axis=1)[:, None]
        joined, left = np.append(0.0, weights)[sizes], np.append(weights, 0.0)[sizes]
        answer = asked(coalitions)
        empty, full = (answer[0] if not coalitions[0].any() else empty), answer[-1]
        total = total + answer.T @ np.where(coalitions, joined, -left)
    unit_interval(level, "level")
    kept = {"empty": float(empty.mean()), "full": float(full.mean()), "n_permutations": 0}
    return finish(asked, None, total, level, method="exact", biased=False, note="", **kept)


def sampled(
    value: Game,
    n_players: int,
    *,
    n_permutations: int = 1_024,
    tolerance: float | None = None,
    antithetic: bool = True,
    rotations: int = 4,
    truncate: float | None = None,
    level: float = 0.95,
    rng: Rng,
) -> Shapley:
    """Get Shapley values from random orders in which players join, in independent blocks of orders.

    A block is one random order, its rotations by quarters and the reverse of each (8 orders): at equal cost it has 1.5
    to 5 times less squared error than plain orders.  The Monte-Carlo error is that of the mean over blocks.

    Parameters
    ----------
    value: the game.  One call asks one block: walk after walk, each of n - 1 growing coalitions that differ by one
        player, so a game can share the work of prefixes.  Empty and full are asked once, first.
    n_permutations: the most orders to walk, at least 8 blocks of them.
    tolerance: stop once every player's Monte-Carlo standard error is at most this (tested from 8 blocks on); None
        walks all.  It never looks at the sampling error, which more orders cannot shrink.
    truncate: stop a walk once it is within this share of the full value, and credit the others nothing: cheaper and
        biased, marked ``biased``.
    rng: seed or generator.

    When this is invalid
    --------------------
    A game that is itself random (fix its noise); values whose zero ("lesioned") is far off distribution.

    Source: Castro et al. (2009), doi:10.1016/j.cor.2008.04.004; antithetic orders: Mitchell et al. (2022), JMLR 23, 43;
    truncation: Ghorbani & Zou (2019).

    Example
    -------
    >>> found = sampled(lambda mask: mask[:, 0] * 2.0 + mask[:, 1], 20, n_permutations=64, rng=0)
    >>> found.values[:3].round(6), round(found.values.sum(), 6)
    (array([2., 1., 0.]), np.float64(3.0))
    """
    asked, stream = Asked(value, n_players), generator(rng, "walking orders")
    unit_interval(level, "level")
    rotations = min(counted(rotations, "rotations"), asked.n_players)
    per_block = rotations * (2 if antithetic else 1)
    most = counted(n_permutations, "n_permutations") // per_block
    if most < LEAST_BLOCKS:
        raise DesignError(
            f"n_permutations={n_permutations} make {most} blocks of {per_block}; their error needs {LEAST_BLOCKS}: "
            f"type n_permutations={LEAST_BLOCKS * per_block} or more."
        )
    if truncate is not None:
        unit_interval(truncate, "truncate")
    if tolerance is not None and not tolerance > 0:
        raise DataError(f"tolerance={tolerance!r} given; expected a positive error in the unit of the game.")
    empty, full = asked.ends()
    blocks: list[Floats] = []
    total, reached = np.zeros((empty.size, asked.n_players)), False
    while len(blocks) < most and not reached:
        block = _block(asked, walks(asked.n_players, rotations, antithetic, stream), empty, full, truncate)
        blocks.append(block.mean(axis=0))
        total += block
        reached = tolerance is not None and len(blocks) >= LEAST_BLOCKS and _error(blocks) <= tolerance
    return finish(
        asked, np.array(blocks), total / len(blocks), level,
        empty=float(empty.mean()), full=float(full.mean()), n_permutations=len(blocks) * per_block,
        method=f"{'antithetic ' if antithetic else ''}orders, {rotations} rotations",
        biased=truncate is not None, note=_note(tolerance, reached, truncate),
    )  # fmt: skip


def orders_of(
    n_players: int, n: int, *, antithetic: bool = True, rotations: int = 4, rng: Rng
) -> tuple[np.ndarray, int]:
    """Get at most ``n`` orders (orders, n_players) in whole blocks as ``sampled`` walks them, and the size of a block.

    Example
    -------
    >>> orders, per_block = orders_of(3, 8, rotations=1, rng=0)
    >>> orders.shape, per_block, bool((orders[0] == orders[1][::-1]).all())
    ((8, 3), 2, True)
    """
    stream, turns = generator(rng, "walking orders"), min(counted(rotations, "rotations"), n_players)
    per_block = turns * (2 if antithetic else 1)
    blocks = counted(n, "n") // per_block
    drawn = [walks(n_players, turns, antithetic, stream) for _ in range(blocks)]
    return np.concatenate(drawn) if drawn else np.zeros((0, n_players), dtype=np.int64), per_block


def along(value: Game, orders: ArrayLike, *, per_block: int = 1, level: float = 0.95) -> Shapley:
    """Get Shapley values from given orders in which players join, for a game that was asked along them already.

    Parameters
    ----------
    value: the game; asked for the coalitions of one block at a time, as ``sampled`` does.
    orders: permutations of the players, (orders, n_players).
    per_block: how many orders in a row depend on one another (reversed, rotated); the Monte-Carlo error is that of the
        mean over blocks, of which 8 are needed.

    Example
    -------
    >>> orders, per_block = orders_of(4, 64, rng=0)
    >>> along(lambda mask: mask[:, 0] * 2.0 + mask[:, 1], orders, per_block=per_block).values.round(6)
    array([2., 1., 0., 0.])
    """
    unit_interval(level, "level")
    given = np.asarray(orders)
    asked = Asked(value, given.shape[-1])
    if given.ndim != 2 or not (np.sort(given, axis=1) == np.arange(asked.n_players)).all():
        raise DataError(f"orders of shape {given.shape} given; expected permutations of the players, one per row.")
    n_blocks = len(given) // counted(per_block, "per_block")
    if n_blocks < LEAST_BLOCKS or n_blocks * per_block != len(given):
        raise DesignError(
            f"{len(given)} orders in blocks of {per_block} given; expected {LEAST_BLOCKS} whole blocks or more."
        )
    empty, full = asked.ends()
    found = [_block(asked, part, empty, full, None) for part in np.split(given, n_blocks)]
    return finish(
        asked, np.array([block.mean(axis=0) for block in found]), np.mean(found, axis=0), level,
        empty=float(empty.mean()), full=float(full.mean()), n_permutations=len(given),
        method=f"given orders in blocks of {per_block}", biased=False, note="",
    )  # fmt: skip


def _error(blocks: list[Floats]) -> float:
    """Get the largest Monte-Carlo standard error over players."""
    return float((np.std(blocks, axis=0, ddof=1) / np.sqrt(len(blocks))).max())


def _note(tolerance: float | None, reached: bool, truncate: float | None) -> str:
    """Get what the reader must know: a budget spent too early, a bias."""
    said = []
    if tolerance is not None and not reached:
        said.append(f"the orders were spent before the Monte-Carlo error reached {tolerance:g}; raise n_permutations.")
    if truncate is not None:
        said.append(f"walks were cut within {truncate:g} of the full value: late players are biased towards 0.")
    return " ".join(said)


def _block(asked: Asked, orders: np.ndarray, empty: Floats, full: Floats, truncate: float | None) -> Floats:
    """Get the mean marginal contributions (n_samples, players) over the orders of one block."""
    m, n = orders.shape
    path = np.empty((m, n + 1, empty.size))
    path[:, 0], path[:, n] = empty, full
    if n > 1 and truncate is None:
        path[:, 1:n] = asked(prefixes(orders).reshape(-1, n)).reshape(m, n - 1, -1)
    elif n > 1:
        _truncated(asked, prefixes(orders), path, truncate or 0.0)
    gains = np.empty((m, n, empty.size))
    np.put_along_axis(gains, orders[:, :, None], np.diff(path, axis=1), axis=1)
    return gains.mean(axis=0).T


def _truncated(asked: Asked, grown: np.ndarray, path: Floats, share: float) -> None:
    """Fill the path step by step for the walks still under way; the rest of a cut walk stays where it is."""
    n = path.shape[1] - 1
    near = share * abs(float(path[0, n].mean() - path[0, 0].mean()))
    full, active = path[0, n].mean(), np.arange(len(path))
    for step in range(1, n):
        path[:, step] = path[:, step - 1]
        active = active[np.abs(path[active, step - 1].mean(axis=-1) - full) > near]
        if active.size:
            path[active, step] = asked(grown[active, step - 1])
    cut = np.setdiff1d(np.arange(len(path)), active)
    path[cut, n] = path[cut, n - 1]


def d_index(values: ArrayLike) -> float:
    """Get how distributed a function is: 1 - sd(phi / sum |phi|) / sqrt((n - 1) / n^2); 0 one player, 1 all alike.

    Source: Keinan et al. (2004), doi:10.1162/0899766041336387.

    Example
    -------
    >>> d_index([1.0, 0.0, 0.0]), d_index([2.0, 2.0])
    (0.0, 1.0)
    """
    phi = sample(values, "values", least=2)
    if not np.abs(phi).sum() > 0:
        raise DataError("all values are 0: nothing contributes, so nothing is localised or distributed.")
    n = phi.size
    return float(1 - (phi / np.abs(phi).sum()).std() / np.sqrt((n - 1) / n**2))


def redundancy_index(single: ArrayLike, together: float) -> float:
    """Get R = 1 - sum of single deficits / deficit of all together: above 0 redundant, below 0 over-determined.

    Parameters
    ----------
    single: deficits of the lesions of one player each, (n,).  together: the deficit of lesioning all, not 0.

    Example
    -------
    >>> redundancy_index([0.0, 0.0], 1.0)
    1.0
    """
    deficits = sample(single, "single")
    if not np.isfinite(together) or together == 0:
        raise DataError(f"together={together!r} given; without a deficit of all together there is nothing to share.")
    return float(1 - deficits.sum() / together)
