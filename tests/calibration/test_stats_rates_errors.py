"""Error consistency of two observers who err on their own: its exact p keeps its level, its interval covers 0."""

import numpy as np
import pytest

from neurolab.errors import DataError
from neurolab.stats import paired

SIMULATIONS = 1_000


def test_observers_who_err_independently_are_rarely_called_consistent(calibrated):
    stream = np.random.default_rng(0)
    found = []
    for _ in range(SIMULATIONS):
        x, y = stream.random(60) < 0.75, stream.random(60) < 0.6
        found.append(paired.error_consistency(x, y))
    calibrated([one.p <= 0.05 for one in found], 0.05, side="upper")  # exact and discrete
    calibrated([one.low > 0 for one in found], 0.025, side="upper")
    assert np.mean([one.p <= 0.05 for one in found]) > 0.01
    assert np.mean([one.effect for one in found]) == pytest.approx(0, abs=0.02)


def test_shared_errors_are_found():
    stream = np.random.default_rng(1)
    x = stream.random(80) < 0.7
    y = np.where(stream.random(80) < 0.7, x, stream.random(80) < 0.7)
    assert paired.error_consistency(x, y).p < 0.001


@pytest.mark.parametrize("x", [[1, 1, 1, 1], [0, 0, 0, 0]])
def test_an_observer_without_errors_shares_none(x):
    with pytest.raises(DataError, match="harder or easier items"):
        paired.error_consistency(x, [1, 0, 1, 0])
