"""How much of a campaign a worker is given at once: some seconds of work, neighbours together, less towards the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

#: A worker is given work for so many seconds at least, and at most.
LEAST, MOST = 0.5, 5.0


class Portions:
    """Pieces of work in their order, taken in runs of neighbours whose time is planned from what was measured so far.

    Parameters
    ----------
    pieces : the work; those of one site follow each other.
    workers : how many share it.
    cost : of a piece, in any unit; what counts is their ratio.
    site : what neighbours have in common that is worth keeping together.
    parts : what a piece that kills its worker can be cut into; each is then a piece of its own.
    rate : seconds per unit of cost, where it has been measured; else the first runs are of one piece.

    Example
    -------
    >>> portions = Portions(range(6), workers=1, rate=0.25)
    >>> portions.take(), portions.take(), portions.left
    ((0, 1, 2), (3, 4), 1)
    """

    def __init__(
        self, pieces: Sequence[Any], *, workers: int = 1, cost: Callable[[Any], float] = lambda piece: 1.0,
        site: Callable[[Any], Any] = lambda piece: None, parts: Callable[[Any], Sequence[Any]] = lambda piece: (),
        rate: float | None = None,
    ) -> None:
        self.pieces = list(pieces)
        self.workers = workers
        self.cost = cost
        self.site = site
        self.parts = parts
        self.rate = rate
        self._at = 0
        self._costs = [float(cost(piece)) for piece in self.pieces]
        self._ahead = sum(self._costs)
        self._measured, self._seconds = 0.0, 0.0
        self._known = rate is not None
        self._turn = threading.Lock()  # engines take from threads of their own

    @property
    def left(self) -> int:
        """How many pieces nobody has taken yet."""
        return len(self.pieces) - self._at

    def take(self) -> tuple[Any, ...]:
        """Get the next run of pieces; an empty one at the end."""
        with self._turn:
            first = self._at
            aim = self._aim()
            cost = 0.0
            while self._at < len(self.pieces) and (self._at == first or not self._enough(cost, aim)):
                cost += self._costs[self._at]
                self._at += 1
            self._ahead -= cost
            return tuple(self.pieces[first : self._at])

    def _aim(self) -> float:
        """Seconds for the next run: a part of what is left, so that all workers end at about the same time."""
        ahead = self._ahead * (self.rate or 0.0)
        return min(max(ahead / (2 * self.workers), LEAST), MOST)

    def _enough(self, cost: float, aim: float) -> bool:
        """Whether the run ends before the next piece: at its time, or at another site once it is worth the way.

        Until the rate is known, no run costs more than twice what has been measured: the first pieces may be cheap.
        """
        if self.rate is None or not (self._known or cost <= self._measured):
            return True
        if (cost + self._costs[self._at] / 2) * self.rate > aim:
            return True
        here, there = self.pieces[self._at - 1], self.pieces[self._at]
        return cost * self.rate >= LEAST and self.site(here) != self.site(there)

    def took(self, pieces: Sequence[Any], seconds: float) -> None:
        """Note what some pieces took."""
        with self._turn:
            self._measured += sum(map(self.cost, pieces))
            self._seconds += seconds
            if self._measured > 0:
                self.rate = self._seconds / self._measured
