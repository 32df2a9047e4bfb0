"""What must hold for every design."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.stats import design_check

QUICK = settings(max_examples=15, deadline=None, derandomize=True)


@QUICK
@given(st.floats(0.05, 1), st.integers(3, 12), st.integers(0, 1000), st.floats(0.1, 20))
def test_power_grows_with_the_effect_and_is_free_of_units(effect, n, seed, factor):
    kept = {"n": n, "n_simulations": 60, "rng": seed}
    small, large = (design_check.sign_flip_power(size, sd=1, **kept) for size in (effect, effect + 0.5))
    assert small.power <= large.power  # the same noise
    scaled = design_check.sign_flip_power(factor * effect, sd=factor, **kept)
    assert scaled.power == pytest.approx(small.power, abs=1 / 60)
    assert 0 <= small.low <= small.power <= small.high <= 1
    assert (small.attainable == 0) == (small.p_floor > 0.05)


@QUICK
@given(st.floats(0.8, 3), st.integers(0, 1000), st.sampled_from([0.05, 0.01]))
def test_the_fewest_networks_reach_the_power(effect, seed, alpha):
    found = design_check.networks_for_power(effect, sd=1, alpha=alpha, n_simulations=100, rng=seed)
    assert found.power >= 0.8
    assert found.p_floor <= alpha
    assert f"{found.n} networks detect" in found.sentence


@QUICK
@given(st.integers(1, 10), st.integers(1, 12), st.sampled_from(["none", "holm", "bonferroni"]))
def test_a_design_is_sound_exactly_when_it_has_no_risk(n, n_tests, correction):
    found = design_check.check(n=n, effect=2, sd=1, n_tests=n_tests, correction=correction, n_simulations=50, rng=0)
    assert found.sound == (not found.risks)
    assert found.power.alpha == pytest.approx(0.05 if correction == "none" else 0.05 / n_tests)
    if found.power.attainable == 0:
        assert "cannot go below" in found.risks[0]
