"""Arrangements in blocks, and the largest statistic over columns of each, in bounded memory.

Drawn arrangements are multiplied in float32, at half the time.  A maximum that comes within rounding of an observed
value is taken again in float64, so that every p is that of the float64 statistic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray

from neurolab.stats._given import TIE, Bools, Floats, Rng, generator

DRAWN = np.float32
ROUND = 2.0**-24  # half a unit in the last place of float32
Rows = Iterator[NDArray]
Statistic = Callable[[NDArray, slice], Floats]


@dataclass(frozen=True)
class Settle:
    """What decides in float64: the statistic, the observed values (one-sided, sorted), and how far float32 may stray.

    ``margin`` takes maxima and gives their largest rounding error.
    """

    statistic: Statistic
    observed: Floats
    margin: Callable[[Floats], Floats]

    def near(self, best: Floats) -> Bools:
        """Get which maxima lie so near to an observed value that rounding could put them on its other side."""
        at = np.searchsorted(self.observed, best)
        padded = np.concatenate(([-np.inf], self.observed, [np.inf]))
        nearest = np.minimum(best - padded[at], padded[at + 1] - best)
        return nearest <= self.margin(best) + 2 * TIE * np.abs(best)


def sign_rows(n: int, total: int, *, half: bool, block: int) -> Rows:
    """Get blocks of +-1 rows: all patterns, or half of them, where their mirror counts the same."""
    total = total // 2 if half else total
    for start in range(0, total, block):
        codes = np.arange(start, min(start + block, total))
        yield 1.0 - 2.0 * ((codes[:, None] >> np.arange(n)[None, :]) & 1)


def split_rows(n: int, k: int, total: int, rng: Rng | None, *, exact: bool, block: int) -> Rows:
    """Get blocks of 0/1 rows with k ones: all of them, else drawn ones."""
    if exact:
        every = combinations(range(n), k)
        while chosen := list(islice(every, block)):
            rows = np.zeros((len(chosen), n))
            rows[np.arange(len(chosen))[:, None], np.array(chosen)] = 1.0
            yield rows
        return
    stream = generator(rng, "max_t")
    for start in range(0, total, block):
        rows = np.zeros((min(block, total - start), n), dtype=DRAWN)
        np.put_along_axis(rows, np.argsort(stream.random(rows.shape), axis=1)[:, :k], DRAWN(1), axis=1)
        yield rows


def one_sided(values: Floats, alternative: str) -> Floats:
    """Get values turned so that larger is more extreme."""
    return {"two-sided": np.abs, "greater": np.asarray, "less": np.negative}[alternative](values)  # type: ignore[operator, no-any-return]


def _best(rows: NDArray, statistic: Statistic, n_columns: int, alternative: str, block: int) -> Floats:
    """Get the largest statistic (signed or absolute) over columns for each of these arrangements."""
    best = np.full(len(rows), -np.inf)
    for start in range(0, n_columns, block):
        values = statistic(rows, slice(start, start + block))
        if alternative == "two-sided":
            np.abs(values, out=values)
        elif alternative == "less":
            np.negative(values, out=values)
        np.maximum(best, values.max(axis=1), out=best)
    return best


def maxima(
    blocks: Rows, statistic: Statistic, n_columns: int, alternative: str, block: int, settle: Settle | None = None
) -> Floats:
    """Get the largest statistic over columns for each arrangement; ``settle`` where the statistic is in float32."""
    found: list[Floats] = []
    waiting: list[tuple[Floats, Bools, NDArray]] = []  # maxima, which of them are near, and their arrangements
    for rows in blocks:
        best = _best(rows, statistic, n_columns, alternative, block)
        found.append(best)
        if settle is not None and n_columns:
            near = settle.near(best)
            waiting.append((best, near, rows[near]))
            if sum(len(some) for _, _, some in waiting) >= block:  # few at a time would be slow
                _settled(waiting, settle, n_columns, alternative, block)
    if settle is not None:
        _settled(waiting, settle, n_columns, alternative, block)
    return np.concatenate(found)


def _settled(
    waiting: list[tuple[Floats, Bools, NDArray]], settle: Settle, n_columns: int, alternative: str, block: int
) -> None:
    """Take the maxima that wait for it in float64, in place, and forget them."""
    rows = [some for _, _, some in waiting if len(some)]
    if rows:
        again = _best(np.concatenate(rows).astype(np.float64), settle.statistic, n_columns, alternative, block)
        for best, near, some in waiting:
            best[near], again = again[: len(some)], again[len(some) :]
    waiting.clear()
