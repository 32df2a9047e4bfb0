"""What must hold for every psychometric and dose-response curve."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from neurolab.stats import psychometric

PHASES = (Phase.explicit, Phase.generate)  # a failing curve needs no shrinking, which takes minutes
QUICK = settings(max_examples=12, deadline=None, derandomize=True, phases=PHASES)
FAMILIES = st.sampled_from(["norm", "logistic", "weibull"])
LEVELS = np.arange(1.0, 7.0)


@st.composite
def answers(draw):
    """Numbers correct of 40 about a gradual curve: where it is a step, the threshold is anywhere within it."""
    noise = draw(st.lists(st.integers(-2, 2), min_size=6, max_size=6))
    return np.array([21, 24, 28, 33, 36, 38]) + noise


@QUICK
@given(answers(), FAMILIES)
def test_the_interval_holds_the_estimate_and_the_curve_its_bounds(k, family):
    found = psychometric.fit(LEVELS, k, 40, guess=0.5, family=family)
    assert found.threshold_low <= found.threshold <= found.threshold_high
    assert found.width_low <= found.width <= found.width_high
    assert 0 <= found.lapse <= 0.1
    curve = found.predict(np.linspace(0.1, 10, 50))
    assert (np.diff(curve) >= 0).all()
    assert ((curve >= 0.5) & (curve <= 1)).all()
    assert found.deviance >= -1e-9


@QUICK
@given(answers(), st.sampled_from(["norm", "logistic"]), st.sampled_from([0.01, 4.0, 250.0]), st.integers(-50, 50))
def test_the_units_of_x_do_not_matter(k, family, factor, shift):
    here = psychometric.fit(LEVELS, k, 40, guess=0.5, family=family)
    there = psychometric.fit(factor * LEVELS + shift, k, 40, guess=0.5, family=family)
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-6)
    assert there.threshold == pytest.approx(factor * here.threshold + shift, rel=1e-3, abs=factor * 1e-2)


@QUICK
@given(answers(), st.sampled_from(["norm", "logistic"]))
def test_a_falling_curve_is_a_rising_one_on_minus_x(k, family):
    rising = psychometric.fit(LEVELS, k, 40, guess=0.5, family=family)
    falling = psychometric.fit(-LEVELS, k, 40, guess=0.5, family=family, direction="decreasing")
    assert falling.log_likelihood == pytest.approx(rising.log_likelihood, abs=1e-6)
    assert falling.threshold == pytest.approx(-rising.threshold, abs=1e-2)
    assert falling.low == pytest.approx(-rising.high, abs=1e-2)


@QUICK
@given(answers(), st.permutations(range(6)))
def test_order_and_pooling_of_levels_do_not_matter(k, order):
    plain = psychometric.fit(LEVELS, k, 40, guess=0.5)
    turned = psychometric.fit(LEVELS[order], k[list(order)], 40, guess=0.5)
    assert turned == plain
    halves = [np.concatenate(pair) for pair in ((LEVELS, LEVELS), (k // 2, k - k // 2))]
    assert psychometric.fit(*halves, 20, guess=0.5) == plain


@QUICK
@given(st.floats(0.1, 0.7), st.floats(0.02, 0.3), st.floats(0.6, 1.0), st.sampled_from([1.0, 100.0]))
def test_dose_response_recovers_every_curve(m, s, top, factor):
    x = np.linspace(0, 1, 9)
    y = 0.25 + (top - 0.25) / (1 + np.exp((x - m) / s))
    found = psychometric.dose_response(factor * x, y, chance=0.25)
    assert found.midpoint / factor == pytest.approx(m, abs=1e-4)
    assert found.scale / factor == pytest.approx(s, rel=1e-3)
    assert found.low <= found.midpoint <= found.high


@QUICK
@given(st.lists(st.floats(0.2, 1.0), min_size=5, max_size=5), st.floats(0.1, 10))
def test_area_is_one_intact_zero_at_chance_and_free_of_dose_units(y, factor):
    x = np.array([0, 1, 2, 4, 8.0])
    assert psychometric.normalised_area(x, np.full(5, 0.9), chance=0.25, intact=0.9) == pytest.approx(1)
    assert psychometric.normalised_area(x, np.full(5, 0.25), chance=0.25, intact=0.9) == pytest.approx(0)
    here, there = (psychometric.normalised_area(scale * x, y, chance=0.25, intact=0.9) for scale in (1, factor))
    assert here == pytest.approx(there)
