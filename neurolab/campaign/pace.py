"""How far a campaign is and how long it will take: said before it starts, and while it runs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from neurolab.campaign.portions import Portions

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0
#: So many pieces are timed before a prediction: the sham, and the first lesion with its proof, are slower.
TIMED = 3


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
        quiet = not show or not sys.stderr.isatty()
        self.bar = tqdm(total=self.lesions, desc=name, unit="lesion", disable=quiet, leave=False,
                        bar_format="{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]")

    def __enter__(self) -> Pace:
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.close()

    @property
    def left(self) -> float:
        """Seconds to go, if what is left takes as long for its cost as all that is done."""
        return (self.last - self.began) * (self.cost - self.done) / self.done if self.done else float("inf")

    def step(self, tile: Any, cost: float) -> None:
        """Note that a piece is done."""
        now = time.perf_counter()
        if self.pieces == TIMED - 1 and self.workers <= 1 and self.show:
            self._announce((now - self.last) / max(cost, 1e-9) * (self.cost - self.done))
        self.done += cost
        self.pieces += 1
        self.last = now
        if self.pieces == TIMED * self.workers and self.workers > 1 and self.show:
            self._announce(self.left)
        self.bar.set_postfix_str(f"{tqdm_time(self.left)} left", refresh=False)
        self.bar.update(len(tile.at))

    def _announce(self, seconds: float) -> None:
        if seconds > LONG:
            log.warning(
                "%d lesions: about %.0f s, %.1f MB of scores in memory (and in the store), %.0f MB of networks",
                self.lesions, seconds, self.sizes["scores"] / 1e6, self.sizes["networks"] / 1e6,
            )


def tqdm_time(seconds: float) -> str:
    """Get a duration as a bar says it.

    Example
    -------
    >>> tqdm_time(75)
    '01:15'
    """
    from tqdm import tqdm

    return tqdm.format_interval(seconds)
