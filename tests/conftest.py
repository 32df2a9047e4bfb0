"""Fixtures that every folder of tests may ask for."""

from collections.abc import Callable

import pytest
from scipy import stats


@pytest.fixture
def binomial_band() -> Callable[[float, int], tuple[int, int]]:
    """Give f(level, n): the counts between which n trials at that rate fall with probability .999 or more."""

    def band(level: float, n: int) -> tuple[int, int]:
        return int(stats.binom.ppf(0.0005, n, level)), int(stats.binom.isf(0.0005, n, level))

    return band
