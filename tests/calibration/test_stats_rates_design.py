"""The promised power and level are what the test then shows."""

import numpy as np
import pytest

from neurolab.stats import design_check, permutation

SIMULATIONS = 200


@pytest.mark.parametrize("n", [6, 8])
def test_without_an_effect_the_power_is_the_attainable_level(calibrated, n):
    draws = np.random.default_rng(n).normal(size=(SIMULATIONS, n))
    found = design_check.sign_flip_power(0.0, sd=1, n=n, rng=0)
    calibrated([permutation.sign_flip(x, alternative="greater").p <= 0.05 for x in draws], found.attainable)
    assert found.low <= found.attainable <= found.high


def test_the_promised_power_is_reached(calibrated):
    found = design_check.networks_for_power(0.2, sd=0.2, n_simulations=4_000, rng=0)
    draws = np.random.default_rng(1).normal(0.2, 0.2, (SIMULATIONS, found.n))
    calibrated([permutation.sign_flip(x, alternative="greater").p <= 0.05 for x in draws], found.power)


def test_the_interval_of_power_covers(calibrated):
    truth = design_check.sign_flip_power(0.5, sd=1, n=6, n_simulations=20_000, rng=0).power
    many = [design_check.sign_flip_power(0.5, sd=1, n=6, n_simulations=100, rng=i + 1) for i in range(SIMULATIONS)]
    calibrated([one.low <= truth <= one.high for one in many], 0.95)
