"""Simulated power against loops over the public tests and against the power of the t test."""

import numpy as np
import pytest

from neurolab.stats import design_check, permutation


@pytest.mark.parametrize("alternative", ["greater", "two-sided", "less"])
def test_power_equals_a_loop_over_the_public_test(alternative):
    found = design_check.sign_flip_power(
        0.3, sd=0.4, n=8, alternative=alternative, alpha=0.03, n_simulations=200, rng=0
    )
    draws = np.random.default_rng(0).normal(0.3, 0.4, (200, 8))
    slow = [permutation.sign_flip(x, alternative=alternative).p <= 0.03 for x in draws]
    assert found.power == pytest.approx(np.mean(slow))
    assert found.low < found.power + 1e-12
    assert found.high > found.power - 1e-12


def test_power_is_close_to_that_of_the_t_test_for_many_networks():
    power = pytest.importorskip("statsmodels.stats.power")
    theirs = power.TTestPower().power(0.5, nobs=20, alpha=0.05, alternative="larger")
    found = design_check.sign_flip_power(0.5, sd=1.0, n=20, rng=0)
    assert found.power == pytest.approx(theirs, abs=0.04)
    needed = power.TTestPower().solve_power(0.8, power=0.8, alpha=0.05, alternative="larger")
    assert design_check.networks_for_power(0.8, sd=1.0, rng=0).n == pytest.approx(needed, abs=2)


def test_the_attainable_level_is_a_whole_number_of_patterns():
    for n, alternative in ((6, "two-sided"), (8, "greater"), (5, "greater"), (4, "two-sided")):
        found = design_check.sign_flip_power(0.0, sd=1, n=n, alternative=alternative, n_simulations=10, rng=0)
        step = (2 if alternative == "two-sided" else 1) / 2**n
        assert found.attainable == pytest.approx(max(k * step for k in range(2**n) if k * step <= 0.05))
        assert found.p_floor == permutation.p_floor("sign_flip", n=n, alternative=alternative)
