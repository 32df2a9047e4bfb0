"""What must hold for single cases given covariates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.stats import effects, single_case

QUICK = settings(max_examples=15, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10**6)


def people(seed, n=12):
    stream = np.random.default_rng(seed)
    covariates = stream.normal(size=(n, 2))
    return stream.normal(size=(n, 2)) + covariates, covariates, stream.normal(size=2) - [2, 0], stream.normal(size=2)


@QUICK
@given(SEEDS, st.floats(0.1, 50), st.floats(-40, 40))
def test_units_of_scores_and_covariates_do_not_matter(seed, factor, shift):
    scores, covariates, case, own = people(seed)
    plain = single_case.deficit_with_covariates(case[0], scores[:, 0], case_covariates=own, covariates=covariates)
    turned = single_case.deficit_with_covariates(
        factor * case[0] + shift, factor * scores[:, 0] + shift,
        case_covariates=shift + factor * own[::-1], covariates=shift + factor * covariates[:, ::-1],
    )  # fmt: skip
    for name in ("p", "t", "effect", "low", "high", "z_ccc"):
        assert getattr(turned, name) == pytest.approx(getattr(plain, name), abs=1e-6)
    assert plain.low <= plain.effect <= plain.high
    assert 0 < plain.p <= 1


@QUICK
@given(SEEDS)
def test_mirrored_scores_mirror_the_test(seed):
    scores, covariates, case, own = people(seed)
    kept = {"case_covariates": own, "covariates": covariates}
    there = single_case.deficit_with_covariates(case[0], scores[:, 0], **kept)
    back = single_case.deficit_with_covariates(-case[0], -scores[:, 0], alternative="greater", **kept)
    assert back.p == pytest.approx(there.p)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-6)
    drawn = {"n_draws": 400, "rng": 0, **kept}
    one = single_case.difference_with_covariates(case, scores, **drawn)
    other = single_case.difference_with_covariates(-case, -scores, **drawn)
    assert other.effect == pytest.approx(-one.effect, abs=0.3)  # the draws of the mean are not mirrored
    assert one == single_case.difference_with_covariates(case, scores, **drawn)


@QUICK
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_prime_is_bounded_and_mirrored(h, f):
    value = float(effects.a_prime(h, f))
    assert -1e-12 <= value <= 1 + 1e-12
    assert float(effects.a_prime(f, h)) == pytest.approx(1 - value)
