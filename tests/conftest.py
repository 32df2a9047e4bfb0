"""Fixtures that every folder of tests may ask for."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats


@pytest.fixture
def binomial_band() -> Callable[[float, int], tuple[int, int]]:
    """Give f(level, n): the counts between which n trials at that rate fall with probability .999 or more."""

    def band(level: float, n: int) -> tuple[int, int]:
        return int(stats.binom.ppf(0.0005, n, level)), int(stats.binom.isf(0.0005, n, level))

    return band


@pytest.fixture
def calibrated(binomial_band, record_property) -> Callable[..., None]:
    """Give f(happened, level, side="both"): assert that the count of True fits the level; ``--junitxml`` records the rate.

    side="upper": a conservative test may reject more rarely; side="lower": an interval may cover more often.
    """

    def check(happened: object, level: float, *, side: str = "both") -> None:
        events = np.asarray(happened, dtype=bool).ravel()
        low, high = binomial_band(level, events.size)
        record_property("rate", f"{events.mean():.4f} of {events.size} (level {level:.4f}, {side})")
        assert side == "upper" or events.sum() >= low, f"{events.mean():.3f} where {level:.4f} was promised"
        assert side == "lower" or events.sum() <= high, f"{events.mean():.3f} where {level:.4f} was promised"

    return check
