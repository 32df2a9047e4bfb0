"""How far a campaign is and how long it will take: said before it starts, and while it runs."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from neurolab.campaign.portions import Portions

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0
#: So many pieces are timed before a prediction: the sham, and the first lesion with its proof, are slower.
TIMED = 3
#: Workers are timed for so many seconds from the first result on: before it they start, and results come in heaps.
TOLD = 1.0


class Pace:
    """The clock of a campaign, and its bar where the error stream is a terminal.

    Parameters
    ----------
    name : of the network.
    portions : all pieces; a piece is a tile with its lesions in ``at``.
    workers : processes.
    sizes : "scores" and "networks", in bytes: memory that is needed, and, for the scores, disk.
    show : False says nothing.
    """

    def __init__(self, name: str, portions: Portions, workers: int, sizes: Mapping[str, float], *, show: bool) -> None:
        from tqdm import tqdm

        self.lesions = sum(len(tile.at) for tile in portions.pieces)
        self.cost = sum(map(portions.cost, portions.pieces))
        self.sizes = sizes
        self.workers = workers
        self.show = show
        self.done = 0.0
        self.pieces = 0
        self.began = self.last = time.perf_counter()
        self.first = (self.began, 0.0)
        self.said = False
        quiet = not show or not sys.stderr.isatty()
        self.bar = tqdm(total=self.lesions, desc=name, unit="lesion", disable=quiet, leave=False,
                        bar_format="{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]")

    def __enter__(self) -> Pace:
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.close()

    @property
    def left(self) -> float:
        """Seconds to go, if what is left takes as long for its cost as all that is done; of workers, once they work."""
        began, before = self.first if self.last - self.first[0] >= TOLD else (self.began, 0.0)
        done = self.done - before
        return (self.last - began) * (self.cost - self.done) / done if done else float("inf")

    def step(self, tile: Any, cost: float) -> None:
        """Note that a piece is done."""
        now = time.perf_counter()
        if self.pieces == TIMED - 1 and self.workers <= 1 and self.show:
            self._announce((now - self.last) / max(cost, 1e-9) * (self.cost - self.done))
        self.done += cost
        self.pieces += 1
        self.last = now
        if self.workers > 1 and self.pieces == 1:
            self.first = (now, self.done)
        if self.workers > 1 and self.show and not self.said and now - self.first[0] >= TOLD:
            self._announce(self.left)
            self.said = True
        self.bar.set_postfix_str(f"{tqdm_time(self.left)} left", refresh=False)
        self.bar.update(len(tile.at))

    def _announce(self, seconds: float) -> None:
        if seconds > LONG:
            log.warning(
                "%d lesions: about %.0f s, %.1f MB of scores in memory (and in the store), %.0f MB of networks",
                self.lesions, seconds, self.sizes["scores"] / 1e6, self.sizes["networks"] / 1e6,
            )


@contextmanager
def over_networks(n: int, workers: int, *, show: bool) -> Iterator[Callable[[], None]]:
    """Get what is to be called when a network of a cohort is done: a bar moves on where the error stream is a terminal.

    What the others will take is said when the first is done, where it is long; ``workers`` networks run side by side.
    """
    from tqdm import tqdm

    bar = tqdm(total=n, desc="networks", unit="network", disable=not show or n < 2 or not sys.stderr.isatty(),
               leave=False)  # fmt: skip
    began, done = time.perf_counter(), 0

    def step() -> None:
        nonlocal done
        done += 1
        took = time.perf_counter() - began
        left = took * (math.ceil(n / workers) - 1)
        if done == 1 and show and left > LONG:
            log.warning("1 of %d networks took %.0f s: about %.0f s for all others", n, took, left)
        bar.update()

    with bar:
        yield step


def tqdm_time(seconds: float) -> str:
    """Get a duration as a bar says it.

    Example
    -------
    >>> tqdm_time(75)
    '01:15'
    """
    from tqdm import tqdm

    return tqdm.format_interval(seconds)
