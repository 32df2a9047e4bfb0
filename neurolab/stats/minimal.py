"""Minimal sets: which players must go together before something fails, and none of them needlessly.

A set is minimal when it fails and no smaller set inside it does. Sets are numbers in binary, player 0 the lowest bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError, DesignError
from neurolab.stats._games import EXACT_PLAYERS
from neurolab.stats._given import counted


@dataclass(frozen=True)
class MinimalSets:
    """Minimal sets, smallest first; ``complete`` says whether these are all (of a game in which more damage never
    helps); ``n_evaluations`` counts the sets that were asked.
    """

    sets: tuple[int, ...]
    complete: bool
    n_evaluations: int


def by_size(sets: Sequence[int]) -> tuple[int, ...]:
    """Get sets sorted by size, then by number."""
    return tuple(sorted(sets, key=lambda code: (int(code).bit_count(), code)))


def every(fails: ArrayLike) -> MinimalSets:
    """Get every minimal set from all 2^n sets (n <= 16): sets that fail while no proper subset does.

    Parameters
    ----------
    fails: booleans (2^n,), whether the set of that number fails; number 0 is the empty set.

    Example
    -------
    >>> every([False, False, False, True, False, True, True, True]).sets  # any two of three
    (3, 5, 6)
    """
    given = np.asarray(fails)
    n = int(given.size).bit_length() - 1
    if given.shape != (2**n,) or given.dtype != bool or n > EXACT_PLAYERS:
        raise DataError(
            f"fails of shape {given.shape} ({given.dtype}) given; expected booleans, one per set of at most "
            f"{EXACT_PLAYERS} players: shape (2^n,)."
        )
    below = np.zeros(2**n, dtype=bool)  # whether a proper subset fails
    codes = np.arange(2**n)
    for code_bits in range(n + 1):
        here = codes[np.bitwise_count(codes) == code_bits]
        for player in range(n):
            inside = here[(here >> player & 1) == 1]
            less = inside ^ (1 << player)
            below[inside] |= below[less] | given[less]
    return MinimalSets(by_size([int(code) for code in np.flatnonzero(given & ~below)]), True, 2**n)


def search(
    fails: Callable[[int], bool], n_players: int, *, order: Sequence[int] | None = None, max_evaluations: int = 10_000
) -> MinimalSets:
    """Get the minimal sets by asking few sets: greedy growth, pruning, and back-tracking over what was found.

    A first set grows along ``order`` until it fails (by bisection), then loses every player that it can spare. Then,
    for each of its players in turn, that player is forbidden and the search starts again among the others (Reiter's
    tree of hitting sets), so that in a game where more damage never helps every minimal set is found.

    Parameters
    ----------
    fails: whether a set fails, asked once each. order: the players, the most promising first; default by number.
    max_evaluations: the search stops when it has asked as many; ``complete`` is then False.

    When this is invalid: where more damage can help, sets may be missed and a set may hold a smaller one two players
    down; each of its players is needed all the same. ``every`` has no such limit.

    Source: Reiter (1987), doi:10.1016/0004-3702(87)90062-2.

    Example
    -------
    >>> search(lambda taken: taken & 0b111 == 0b111, 40).sets  # a threefold backup among 40
    (7,)
    """
    asked = _Asked(fails, counted(max_evaluations, "max_evaluations"))
    walk = list(range(counted(n_players, "n_players"))) if order is None else [int(player) for player in order]
    if sorted(walk) != list(range(n_players)):
        raise DesignError(f"order={order!r} given; expected each of {n_players} players once.")
    found: list[int] = []
    closed: list[int] = []
    waiting, seen = deque([0]), {0}
    try:
        while waiting:
            forbidden = waiting.popleft()
            if any(forbidden & other == other for other in closed):
                continue
            hit = next((known for known in found if not known & forbidden), None)
            if hit is None:
                hit = _one(asked, [player for player in walk if not forbidden >> player & 1])
                if hit is None:
                    closed.append(forbidden)
                    continue
                found.append(hit)
            for more in (forbidden | 1 << player for player in walk if hit >> player & 1):
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)
    except _Spent:
        return MinimalSets(by_size(found), False, len(asked.known))
    return MinimalSets(by_size(found), True, len(asked.known))


class _Spent(Exception):
    """The evaluations are spent."""


class _Asked:
    """Remembers what was asked; the empty set is asked too, and may not fail."""

    def __init__(self, fails: Callable[[int], bool], most: int):
        self.fails, self.most = fails, most
        self.known: dict[int, bool] = {}

    def __call__(self, players: Sequence[int]) -> bool:
        code = sum(1 << player for player in players)
        if code not in self.known:
            if len(self.known) >= self.most:
                raise _Spent
            self.known[code] = bool(self.fails(code))
        return self.known[code]


def _one(asked: _Asked, players: list[int]) -> int | None:
    """One minimal set among these players; None where all of them together do not fail."""
    if not asked(players):
        return None
    low, high = 0, len(players)  # the first ``high`` fail
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if asked(players[:middle]) else (middle, high)
    kept, changed = players[:high], True
    while changed:
        changed = False
        for player in reversed(kept.copy()):
            less = [other for other in kept if other != player]
            if asked(less):
                kept, changed = less, True
    return sum(1 << player for player in kept)
