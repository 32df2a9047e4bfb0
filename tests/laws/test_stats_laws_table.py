"""The laws of the statistics specification (its section 8): which test holds each, and those not held elsewhere.

permuting units permutes outputs            test_permuting_units_permutes_the_maps
permuting units permutes outputs            test_permuting_units_permutes_max_t
adding a constant leaves t                  test_shift_and_scale_leave_t_and_d_prime
scaling leaves t and d'                     test_shift_and_scale_leave_t_and_d_prime
scaling leaves max-T                        test_shift_and_scale_leave_max_t
scaling leaves CKA                          test_rotation_scale_and_shift_change_nothing
scaling leaves corr-RSA                     test_scaling_leaves_correlation_rsa
duplicating a unit leaves every max-T p     test_duplicating_a_unit_or_adding_a_dead_one_leaves_max_t
swapping conditions negates t               test_swapping_conditions_negates
p in [1/(m+1), 1]                           test_drawn_p_is_at_least_one_over_m_plus_one
p in [1/(m+1), 1]                           test_drawn_max_t_keeps_its_bounds
BH p monotone and at least raw p            test_adjusted_p_is_monotone_and_not_below_p
TOST p > .5 outside the bounds              test_tost_says_nothing_when_the_mean_is_outside_the_bounds
lesion of the empty set is the identity     test_sham__is_the_intact_network_bit_for_bit
lesion and restore is the identity          test_trap_1__empty_lesion_and_intact_after_a_lesion_are_the_same_bits
union order irrelevant                      test_zero_lesions__commute_and_make_their_union
Epochs = NIfTI = array, bitwise             test_readers__give_the_numbers_bit_for_bit
Epochs = NIfTI = array, bitwise             test_localise__cannot_tell_a_brain_from_a_network
"""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.stats import multiplicity, permutation, similarity

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10**6)
KINDS = st.sampled_from(["one", "welch", "pooled", "rank"])
ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])


def shown(x, kind, **kept):
    groups = {} if kind == "one" else {"groups": np.arange(len(x)) % 2 == 0, "statistic": kind}
    return permutation.max_t(x, **groups, **kept)


def test_every_law_names_a_test_that_exists():
    named = re.findall(r"  (test_\w+)$", __doc__, re.M)
    written = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert len(named) == 18
    assert not [name for name in named if f"def {name}(" not in written]


@QUICK
@given(SEEDS, KINDS, ALTERNATIVES, st.booleans())
def test_permuting_units_permutes_max_t(seed, kind, alternative, drawn):
    stream = np.random.default_rng(seed)
    x, order = stream.normal(0.3, 1, (13 if drawn else 7, 6)), stream.permutation(6)
    kept = {"n_permutations": 40, "rng": seed, "alternative": alternative}
    whole, turned = shown(x, kind, **kept), shown(x[:, order], kind, **kept)
    for name in ("p", "t", "effect", "low", "high", "valid"):
        np.testing.assert_array_equal(getattr(turned, name), getattr(whole, name)[order])


@QUICK
@given(SEEDS, KINDS, st.integers(-6, 6), st.booleans())
def test_shift_and_scale_leave_max_t(seed, kind, power, drawn):
    x = np.round(8 * np.random.default_rng(seed).normal(0.3, 1, (13 if drawn else 7, 5))) / 8  # shifts are exact
    moved = x * 2.0**power if kind == "one" else (x + 4) * 2.0**power
    kept = {"n_permutations": 40, "rng": seed}
    np.testing.assert_array_equal(shown(moved, kind, **kept).p, shown(x, kind, **kept).p)


@QUICK
@given(SEEDS, KINDS, ALTERNATIVES, st.integers(5, 60))
def test_drawn_max_t_keeps_its_bounds(seed, kind, alternative, m):
    x = np.random.default_rng(seed).normal(0.5, 1, (15, 4))
    x[:, 3] = x[:, 2]
    found = shown(x, kind, n_permutations=m, rng=seed, alternative=alternative)
    assert not found.exact
    assert ((found.p >= 1 / (m + 1)) & (found.p <= 1)).all()
    assert found.p_floor == 1 / (m + 1)
    assert found.null.shape == (m,)


@QUICK
@given(SEEDS, st.floats(0.01, 100), st.floats(-50, 50))
def test_scaling_leaves_correlation_rsa(seed, scale, shift):
    x, y = np.random.default_rng(seed).normal(size=(2, 6, 5))
    first, second = (similarity.rdm(v, distance="correlation") for v in (x, scale * x + shift))
    np.testing.assert_allclose(second, first, atol=1e-9)
    other = similarity.rdm(y, distance="correlation")
    for method in ("corr", "spearman", "cosine_cov", "corr_cov"):
        score = similarity.compare_rdms(first, other, method=method)
        assert similarity.compare_rdms(second, other, method=method) == pytest.approx(score, abs=1e-7)
        assert similarity.compare_rdms(scale * first, other, method=method) == pytest.approx(score, abs=1e-7)


@QUICK
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_are_ordered(p):
    holm, bonferroni = multiplicity.holm(p).p, multiplicity.bonferroni(p).p
    benjamini, yekutieli = multiplicity.benjamini_hochberg(p).p, multiplicity.benjamini_yekutieli(p).p
    assert (benjamini <= holm + 1e-12).all()
    assert (holm <= bonferroni + 1e-12).all()
    assert (benjamini <= yekutieli + 1e-12).all()
    assert (benjamini > 0).all()
