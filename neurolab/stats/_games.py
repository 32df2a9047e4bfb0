"""What Shapley values are made of: games asked in batches of coalitions, weights, walks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.special import gammaln

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import Bools, Floats, counted

Game = Callable[[Bools], ArrayLike]
EXACT_PLAYERS = 16
CHUNK = 4_096


@dataclass(frozen=True)
class Shapley:
    """Shapley values, one per player; they sum to ``full - empty``.

    ``monte_carlo_se`` is the error of having walked few orders (0 when exact; more permutations shrink it).
    ``sampling_se`` is the error of having few stimuli or networks (nan when the game returns one number; only more of
    them shrink it).  (low, high) holds both.  ``samples`` are the values per stimulus or network, (n_samples, players).
    """

    effect: Floats
    low: Floats
    high: Floats
    monte_carlo_se: Floats
    sampling_se: Floats
    samples: Floats
    empty: float
    full: float
    n_evaluations: int
    n_permutations: int
    method: str
    biased: bool
    note: str
    level: float

    @property
    def values(self) -> Floats:
        """The effect under its usual name."""
        return self.effect


class Asked:
    """A game that checks what it is asked and answered, and counts."""

    def __init__(self, value: Game, n_players: int):
        self.value, self.n_players, self.n_evaluations = value, counted(n_players, "n_players"), 0
        self.n_samples: int | None = None

    def __call__(self, coalitions: Bools) -> Floats:
        """Get the values (n_coalitions, n_samples) of coalitions (n_coalitions, n_players)."""
        answer = np.asarray(self.value(coalitions), dtype=np.float64)
        if answer.shape[:1] != (len(coalitions),) or answer.ndim > 2:
            raise DataError(
                f"the game was asked for {len(coalitions)} coalitions and answered with shape {answer.shape}; expected "
                f"({len(coalitions)},) or ({len(coalitions)}, n_samples): one row per row of the mask."
            )
        answer = answer.reshape(len(coalitions), -1)
        if self.n_samples not in (None, answer.shape[1]):
            raise DataError(f"the game answered with {self.n_samples} samples, then with {answer.shape[1]}; keep one.")
        if not np.isfinite(answer).all():
            raise DataError("the game answered with NaN or inf; give every coalition a finite value.")
        self.n_samples = answer.shape[1]
        self.n_evaluations += len(coalitions)
        return answer

    def ends(self) -> tuple[Floats, Floats]:
        """Get the values (n_samples,) of the empty and the full coalition."""
        both = self(np.array([np.zeros(self.n_players, bool), np.ones(self.n_players, bool)]))
        return both[0], both[1]


def every_coalition(n: int) -> Iterator[Bools]:
    """Get all 2^n coalitions in chunks, counted in binary with player 0 the fastest."""
    if n > EXACT_PLAYERS:
        raise DesignError(f"{n} players have 2^{n} coalitions; expected at most {EXACT_PLAYERS}: type sampled(...).")
    for start in range(0, 2**n, CHUNK):
        codes = np.arange(start, min(start + CHUNK, 2**n))
        yield (codes[:, None] >> np.arange(n)) % 2 == 1


def size_weights(n: int, apart: int) -> Floats:
    """Get t! (n - apart - t)! / (n - apart + 1)! for coalitions of t = 0..n - apart others."""
    t = np.arange(n - apart + 1)
    return np.exp(gammaln(t + 1) + gammaln(n - apart - t + 1) - gammaln(n - apart + 2))


def walks(n: int, rotations: int, antithetic: bool, stream: np.random.Generator) -> np.ndarray:
    """Get one block of orders (orders, n): a random one, its rotations by equal steps, and all of them reversed."""
    order = stream.permutation(n)
    turned = np.array([np.roll(order, round(k * n / rotations)) for k in range(rotations)])
    return np.concatenate((turned, turned[:, ::-1])) if antithetic else turned


def prefixes(orders: np.ndarray) -> Bools:
    """Get the growing coalitions of 1..n-1 players along each order, (orders, n - 1, n)."""
    position = np.argsort(orders, axis=1)
    return position[:, None, :] < np.arange(1, orders.shape[1])[None, :, None]


def finish(asked: Asked, blocks: Floats | None, samples: Floats, level: float, **kept: Any) -> Shapley:
    """Get the result from per-sample values and, when sampled, from independent blocks (n_blocks, players)."""
    n, effect = len(samples), samples.mean(axis=0)
    tail = 0.5 + level / 2
    error = np.zeros_like(effect) if blocks is None else blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    half = np.zeros_like(effect) if blocks is None else error * sps.t.ppf(tail, len(blocks) - 1)
    spread = samples.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full_like(effect, np.nan)
    if n > 1:
        half = np.hypot(half, spread * sps.t.ppf(tail, n - 1))
    return Shapley(effect, effect - half, effect + half, error, spread, samples, **kept, level=level,
                   n_evaluations=asked.n_evaluations)  # type: ignore[arg-type]  # fmt: skip
