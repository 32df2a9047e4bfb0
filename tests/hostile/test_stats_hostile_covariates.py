"""Bad input to single cases given covariates, to A', alpha and Fisher's mean."""

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError, UnknownNameError
from neurolab.stats import effects, reliability, single_case

AGE = np.array([20.0, 31, 44, 52, 58, 63, 70, 49])
SCORES = np.random.default_rng(0).normal(size=(8, 2)) - 0.02 * AGE[:, None]


def deficit(case=-3.0, scores=SCORES[:, 0], own=40.0, covariates=AGE, **kept):
    return single_case.deficit_with_covariates(case, scores, case_covariates=own, covariates=covariates, **kept)


def difference(case=(-3.0, 0.0), scores=SCORES, own=40.0, covariates=AGE, **kept):
    kept = {"rng": 0, "n_draws": 200, **kept}
    return single_case.difference_with_covariates(case, scores, case_covariates=own, covariates=covariates, **kept)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: deficit(own=[40.0, 1.0]), DataError, r"\(m,\) of the case"),
        (lambda: deficit(covariates=AGE[:7]), DataError, "8 controls with covariates"),
        (lambda: deficit(own=np.nan), DataError, "NaN among them"),
        (lambda: deficit(covariates=np.ones(8)), DesignError, "drop one"),
        (lambda: deficit(covariates=np.column_stack((AGE, 2 * AGE)), own=[1, 2]), DesignError, "collinear"),
        (lambda: deficit(scores=2 - 0.1 * AGE), DataError, "no spread"),
        (lambda: deficit(scores=np.ones(8)), DataError, "no spread"),
        (lambda: deficit(scores=SCORES[:3, 0], covariates=AGE[:3]), DesignError, "at least 4 controls"),
        (lambda: deficit(alternative="lower"), UnknownNameError, "less"),
        (lambda: deficit(level=95), DataError, "between 0 and 1"),
        (lambda: difference(case=(1, 2, 3)), DataError, r"expected \(x, y\)"),
        (lambda: difference(scores=SCORES[:, [0, 0]]), DataError, "one score"),
        (lambda: difference(scores=SCORES[:5], covariates=AGE[:5]), DesignError, "5 more controls"),
        (lambda: difference(rng=None), DesignError, "rng=0"),
        (lambda: difference(prior="jeffreys"), UnknownNameError, "standard"),
        (lambda: effects.a_prime(1.2, 0.1), DataError, "n_signal"),
        (lambda: effects.a_prime(20, 10, 25), DataError, "expected both"),
        (lambda: reliability.cronbach_alpha(np.ones((4, 3))), DataError, "without any error"),
        (lambda: reliability.fisher_mean([0.5, 1.0]), DataError, "infinite"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_a_case_outside_the_range_of_covariates_is_said():
    assert "extrapolated" in deficit(own=95.0).note
    assert deficit(own=40.0).note == ""
    assert deficit(own=95.0).high - deficit(own=95.0).low > deficit().high - deficit().low


def test_the_least_design_works():
    assert deficit(scores=SCORES[:4, 0], covariates=AGE[:4]).df == 2
    assert difference(scores=SCORES[:6], covariates=AGE[:6]).n == 6
