"""The null of Jonckheere's test: how many pairs stand in order in every order of y, counted or drawn, tail by tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurolab.stats._given import Floats, Rng, generator
from neurolab.stats._inversions import over_blocks

#: Up to so many pairs the arrangements are counted, where y ties in a block also only up to so many ways to fill its
#: groups (the product of their sizes + 1); above it they are drawn.
EXACT_PAIRS = 4_000
EXACT_FILLS = 3_000
_CELLS = 2_000_000


def in_order(later: Floats, earlier: Floats) -> Floats:
    """The number of pairs in which y rises, along the last axis; ties count half."""
    return (later > earlier).sum(axis=-1) + 0.5 * (later == earlier).sum(axis=-1)


def times(values: Floats, block: np.ndarray) -> list[list[int]]:
    """How often each value occurs in each block, from the lowest on: the sizes of its groups, or its ties."""
    return [np.unique(values[block == one], return_counts=True)[1].tolist() for one in np.unique(block)]


def countable(sizes: list[list[int]], ties: list[list[int]], n_pairs: int) -> bool:
    """Whether all orders can be counted."""
    fills = [math.prod(size + 1 for size in groups) for groups, tied in zip(sizes, ties) if max(tied) > 1]
    return n_pairs <= EXACT_PAIRS and max(fills, default=0) <= EXACT_FILLS


@dataclass(frozen=True, eq=False)
class Null:
    """Numbers of pairs in order that the null gives, in rising order, and the chance of each or of more.

    Of the other tail: numbers of pairs that are not in order.
    """

    counts: Floats
    tail: Floats
    smallest: float

    def at_least(self, count: float) -> float:
        """Get the chance of so many pairs in order or more."""
        at = int(np.searchsorted(self.counts, count - 1e-9))
        return float(self.tail[at]) if at < len(self.tail) else self.smallest

    def critical(self, outside: float) -> float:
        """Get the least count whose chance is no larger than ``outside``; infinite where there is none."""
        at = np.flatnonzero(self.tail <= outside * (1 + 1e-12))
        return float(self.counts[at[0]]) if len(at) else np.inf


def counted_orders(sizes: list[list[int]], ties: list[list[int]]) -> tuple[Null, Null]:
    """Both tails of all orders."""
    tied = any(max(one) > 1 for one in ties)
    chances = over_blocks(sizes, ties if tied else None)
    return _of_chances(chances, step=0.5 if tied else 1.0), _of_chances(chances[::-1], step=0.5 if tied else 1.0)


def _of_chances(chances: Floats, step: float) -> Null:
    there = np.flatnonzero(chances)
    tail = np.minimum(np.cumsum(chances[there][::-1])[::-1], 1.0)
    return Null(step * there.astype(np.float64), tail, float(tail[-1]))


def drawn_orders(
    y: Floats, block: np.ndarray, early: np.ndarray, late: np.ndarray, n: int, rng: Rng | None
) -> tuple[Null, Null]:
    """Both tails of orders drawn within blocks, the observed one among them."""
    stream, at_once = generator(rng, "a trend over many values"), max(1, _CELLS // len(early))
    home = np.argsort(block, kind="stable")
    counts = []
    for start in range(0, n, at_once):
        keys = block[home] + stream.random((min(at_once, n - start), y.size))
        shuffled = np.empty_like(keys)
        shuffled[:, home] = y[home][np.argsort(keys, axis=1)]
        counts.append(in_order(shuffled[:, late], shuffled[:, early]))
    found = np.concatenate(counts)
    return _of_draws(found), _of_draws(len(early) - found)


def _of_draws(found: Floats) -> Null:
    n = len(found)
    each, first = np.unique(np.sort(found), return_index=True)
    return Null(each, (n - first + 1) / (n + 1), 1 / (n + 1))
