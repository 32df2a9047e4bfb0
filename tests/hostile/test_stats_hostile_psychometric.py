"""Bad input to psychometric fits: each a typed error whose advice works, or a note."""

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError, UnknownNameError
from neurolab.stats import psychometric

X, K = [1.0, 2.0, 3.0, 4.0, 5.0], [26, 30, 38, 46, 49]


def fit(x=X, k=K, n=50, **kept):
    return psychometric.fit(x, k, n, **{"guess": 0.5, **kept})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fit(k=K[:4]), DataError, "one per level"),
        (lambda: fit(k=[0.5, 0.6, 0.7, 0.9, 1]), DataError, r"k = share \* n"),
        (lambda: fit(k=[26, 30, 38, 46, 51]), DataError, "0 <= k <= n"),
        (lambda: fit(k=[26, 30, 38, 46, np.nan]), DataError, "NaN"),
        (lambda: fit(k=[50] * 5), DataError, "floor or ceiling"),
        (lambda: fit(k=K[::-1]), DataError, "direction='decreasing'"),
        (lambda: fit(direction="decreasing"), DataError, "direction='increasing'"),
        (lambda: fit(direction="down"), UnknownNameError, "decreasing"),
        (lambda: fit(family="weibul"), UnknownNameError, "Did you mean 'weibull'"),
        (lambda: fit(x=[-1, 0, 1, 2, 3], family="weibull"), DataError, "family='norm'"),
        (lambda: fit(x=[0, 1], k=[20, 40], family="weibull", lapse=0.0), DesignError, "above 0"),
        (lambda: fit(guess=1.0), DataError, "guess=1/m"),
        (lambda: fit(lapse=0.6), DataError, "0.02"),
        (lambda: fit(x=X[:2], k=[26, 40]), DesignError, "lapse=0.02"),
        (lambda: fit(interval="bootstrap"), DesignError, "rng=0"),
        (lambda: fit(interval="wald"), UnknownNameError, "profile"),
        (lambda: fit(level=95), DataError, "between 0 and 1"),
        (lambda: psychometric.goodness_of_fit(X[:3], K[:3], 50, guess=0.5, rng=0), DesignError, "fix the lapse"),
        (lambda: psychometric.goodness_of_fit(X, K, 50, guess=0.5, rng=None), DesignError, "rng=0"),
        (lambda: psychometric.dose_response([0, 1, 2], [0.9, 0.6, 0.3], chance=0.2), DesignError, "4 or more"),
        (lambda: psychometric.dose_response(X, [0.2, 0.3, 0.5, 0.6, 0.9], chance=0.2), DataError, "give -x"),
        (lambda: psychometric.dose_response(X, [0.2, 0.15, 0.1, 0, 0], chance=0.25), DataError, "above chance"),
        (lambda: psychometric.dose_response(X, X[:4], chance=0.25), DataError, "unequal shape"),
        (lambda: psychometric.normalised_area([0, 1, 1], [1, 1, 1], chance=0, intact=1), DataError, "average"),
        (lambda: psychometric.normalised_area([0, 1], [1, 1, 1], chance=0, intact=1), DataError, "n_doses"),
        (lambda: psychometric.normalised_area([0, 1], [1, 1], chance=0.5, intact=0.5), DataError, "no performance"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_the_advice_works():
    assert fit(k=K[::-1], direction="decreasing").direction == "decreasing"
    assert fit(x=X[:2], k=[26, 40], lapse=0.02).df == 0
    assert np.isnan(fit(x=X[:2], k=[26, 40], lapse=0.02).dispersion)
    assert psychometric.goodness_of_fit(X[:3], K[:3], 50, guess=0.5, lapse=0.02, n_simulations=99, rng=0).df == 1
    rising = psychometric.dose_response(-np.array(X), [0.2, 0.3, 0.5, 0.6, 0.9], chance=0.15)
    assert rising.scale > 0


def test_a_step_and_an_unbounded_threshold_are_said():
    step = fit(k=[25, 25, 50, 50, 50], lapse=0.0)
    assert "a step" in step.note
    assert 2 < step.threshold < 3
    assert step.width_low == 0
    outside = fit(k=[24, 25, 25, 26, 28])
    assert "extrapolated" in outside.note
    assert outside.threshold_high == np.inf
    assert "infinite" in outside.note
    lapsing = fit(x=np.arange(8.0), k=[25, 25, 40, 40, 40, 41, 40, 40])
    assert "lapse is at its bound" in lapsing.note


def test_a_weibull_at_zero_is_at_chance():
    found = fit(x=[0.0, *X], k=[25, *K], family="weibull")
    assert found.predict(0.0) == 0.5
    assert np.isfinite(found.threshold)


def test_overdispersion_widens_the_interval():
    k = [26, 45, 28, 49, 40, 50]
    plain, wide = (fit(x=np.arange(6.0), k=k, overdispersed=over) for over in (False, True))
    assert plain.dispersion > 2
    assert wide.threshold == plain.threshold
    assert wide.low < plain.low


def test_a_dose_response_whose_midpoint_was_not_reached_says_so():
    found = psychometric.dose_response(X, [0.9, 0.89, 0.87, 0.86, 0.82], chance=0.25)
    assert "extrapolated" in found.note
    assert np.isinf(psychometric.dose_response(X, [0.9, 0.8, 0.93, 0.84, 0.8], chance=0.25).high)
