"""What is measured of one test: how data at the edge of its null are drawn, and what it promises there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Any, NamedTuple

import numpy as np

NOMINAL = 0.05
KINDS = ("exact", "conservative", "approximate", "shortcut")
NAN = float("nan")


class Found(NamedTuple):
    """What a test said of one simulated data set; arrays where one draw is several independent simulations.

    ``truth`` is what the interval should cover; a test without p, or without interval, leaves those out.
    """

    p: Any = NAN
    low: Any = NAN
    high: Any = NAN
    truth: Any = NAN


def found_of(result: Any, truth: Any = NAN) -> Found:
    """Get the p and the interval of anything that has them as attributes.

    Example
    -------
    >>> found_of(Found(p=0.2, low=0.0, high=1.0), truth=0.5).truth
    0.5
    """
    said = {name: getattr(result, name, None) for name in ("p", "low", "high")}
    return Found(**{name: value for name, value in said.items() if value is not None}, truth=truth)


@dataclass(frozen=True)
class Promise:
    """What is promised of a rate: its kind, the level asked for, and the rate to compare a measured one with.

    exact: ``rate`` is the level that can be attained. conservative: it is never exceeded (a coverage: never fallen
    short of). approximate: ``rate`` was measured and is published here; None until it was. shortcut: it is broken.
    """

    kind: str
    level: float = NOMINAL
    rate: float | None = None

    @property
    def target(self) -> float:
        """The rate to compare with."""
        return self.level if self.rate is None else self.rate


def exact(rate: float = NOMINAL) -> Promise:
    """Get the promise of an exact test: it rejects at the rate that it can attain."""
    return Promise("exact", NOMINAL, rate)


def conservative(level: float = NOMINAL) -> Promise:
    """Get the promise of a conservative test: it rejects no more often than asked."""
    return Promise("conservative", level)


def approximate(published: float | None = None) -> Promise:
    """Get the promise of an approximate test: it rejects at its published rate."""
    return Promise("approximate", NOMINAL, published)


def shortcut() -> Promise:
    """Get the promise of a common shortcut: it will be shown to fail."""
    return Promise("shortcut", NOMINAL)


def covers(level: float = 0.95, kind: str = "exact", rate: float | None = None) -> Promise:
    """Get what an interval promises: its level, and the coverage it attains or is published with."""
    return Promise(kind, level, rate)


def attainable(arrangements: int, alpha: float = NOMINAL, *, mirrored: bool = False) -> float:
    """Get the largest p <= alpha that so many equally likely arrangements can give.

    mirrored : every arrangement has a mirror image as extreme, so p moves in steps of two.

    Example
    -------
    >>> attainable(256), attainable(100, mirrored=True)
    (0.046875, 0.04)
    """
    step = 2 if mirrored else 1
    return floor(alpha * arrangements / step * (1 + 1e-12)) * step / arrangements


#: f(stream, effect): data of this true effect, drawn from the stream and tested.
Draw = Callable[[np.random.Generator, float], Found]


@dataclass(frozen=True)
class Entry:
    """One row of the table of rates; adding one to the table adds a test.

    Parameters
    ----------
    name : what the row is called; test : the public function.
    edge : the edge of the null in one sentence; n : the sample, in words.
    draw : f(stream, effect) -> Found.
    rejects : what is promised at the edge (None: an interval alone); interval : what is promised of the coverage.
    at : the effect at the edge. power_at : an effect that should be found; its words are in ``effect``.
    at_once : how many simulations one draw is.
    quick : whether ``--quick`` measures it.
    """

    name: str
    test: str
    edge: str
    n: str
    draw: Draw
    rejects: Promise | None = None
    interval: Promise | None = None
    at: float = 0.0
    power_at: float | None = None
    effect: str = ""
    at_once: int = 1
    quick: bool = False

    @property
    def kind(self) -> str:
        """Exact, conservative, approximate or shortcut."""
        promise = self.rejects or self.interval
        return promise.kind if promise else ""
