"""What must hold for every sample: symmetry, invariance, bounds of p (statistics.md section 8)."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurolab import stats
from neurolab.stats import effects, equivalence, intervals, maps, multiplicity, permutation, proportion, reliability

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
NUMBERS = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))
SAMPLES = hnp.arrays(np.float64, st.integers(2, 12), elements=NUMBERS)
ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])
TURNED = {"two-sided": "two-sided", "greater": "less", "less": "greater"}


ROWS, COLUMNS = st.integers(3, 8), st.integers(1, 6)


def tables(rows=ROWS, columns=COLUMNS):
    return st.tuples(rows, columns).flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=NUMBERS))


@QUICK
@given(SAMPLES, ALTERNATIVES)
def test_sign_flip_p_lies_between_its_floor_and_one(x, alternative):
    found = permutation.sign_flip(x, alternative=alternative)
    assert found.p_floor <= found.p <= 1
    assert found.low <= found.effect + 1e-9
    assert found.high >= found.effect - 1e-9


@QUICK
@given(SAMPLES, ALTERNATIVES)
def test_sign_flip_mirrors_scales_and_ignores_order(x, alternative):
    p = permutation.sign_flip(x, alternative=alternative).p
    assert permutation.sign_flip(-x, alternative=TURNED[alternative]).p == p
    assert permutation.sign_flip(8 * x, alternative=alternative).p == p
    assert permutation.sign_flip(x[::-1], alternative=alternative).p == p


@QUICK
@given(SAMPLES)
def test_sign_flip_tails_share_the_observed_pattern(x):
    p = {side: permutation.sign_flip(x, alternative=side).p for side in TURNED}
    assert p["greater"] + p["less"] >= 1  # both hold the observed pattern
    assert p["two-sided"] == pytest.approx(min(1, 2 * min(p["greater"], p["less"])))


@QUICK
@given(SAMPLES, st.floats(-5, 5).map(lambda v: round(v, 2)))
def test_sign_flip_interval_moves_with_the_data(x, shift):
    first, second = intervals.sign_flip_interval(x), intervals.sign_flip_interval(x + shift)
    assert second.low == pytest.approx(first.low + shift, abs=1e-8)
    assert second.high == pytest.approx(first.high + shift, abs=1e-8)


@QUICK
@given(SAMPLES, ALTERNATIVES, st.integers(0, 10**6))
def test_drawn_p_is_at_least_one_over_m_plus_one(x, alternative, seed):
    many = np.concatenate([x] * 16)  # more than 30 values: drawn
    found = permutation.sign_flip(many, alternative=alternative, n_permutations=39, rng=seed)
    assert 1 / 40 <= found.p <= 1
    assert (found.p_floor, found.exact) == ((2 if alternative == "two-sided" else 1) / 40, False)
    again = permutation.sign_flip(many, alternative=alternative, n_permutations=39, rng=seed)
    assert found == again


@QUICK
@given(SAMPLES, SAMPLES, ALTERNATIVES)
def test_label_shuffle_mirrors(a, b, alternative):
    a, b = a[:6], b[:6]
    found = permutation.label_shuffle(a, b, alternative=alternative)
    turned = permutation.label_shuffle(b, a, alternative=TURNED[alternative])
    assert found.p_floor <= found.p <= 1
    assert found.p == pytest.approx(turned.p)
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low))


@QUICK
@given(tables(), ALTERNATIVES)
def test_max_t_is_bounded_and_screens(x, alternative):
    found = permutation.max_t(x, alternative=alternative)
    assert (found.p >= found.p_floor).all()
    assert (found.p <= 1).all()
    assert np.isfinite(found.null).all() or not found.valid.any()
    assert (found.p[~found.valid] == 1).all()


@QUICK
@given(tables(rows=st.integers(4, 7)), st.integers(0, 5), st.sampled_from(["one", "welch", "pooled"]))
def test_duplicating_a_unit_or_adding_a_dead_one_leaves_max_t(x, column, kind):
    twin = np.column_stack((x, x[:, column % x.shape[1]], np.full(len(x), 0.1), np.full(len(x), np.nan)))
    kept = {} if kind == "one" else {"groups": np.arange(len(x)) < 2, "statistic": kind}
    first, second = permutation.max_t(x, **kept), permutation.max_t(twin, **kept)
    np.testing.assert_array_equal(second.p[: x.shape[1]], first.p)
    np.testing.assert_array_equal(second.p[-3:], [first.p[column % x.shape[1]], 1, 1])


@QUICK
@given(tables(rows=st.integers(4, 8), columns=st.integers(2, 6)), st.randoms(use_true_random=False))
def test_permuting_units_permutes_the_maps(x, random):
    order = list(range(x.shape[1]))
    random.shuffle(order)
    a, b = x[:2], x[2:]
    for test in (maps.welch_t, maps.pooled_t, maps.rank_auc):
        whole, turned = test(a, b), test(a[:, order], b[:, order])
        for name in ("statistic", "p", "effect", "low", "high", "valid"):
            np.testing.assert_array_equal(getattr(turned, name), getattr(whole, name)[order])


@QUICK
@given(tables(rows=st.integers(4, 8)), st.sampled_from([maps.welch_t, maps.pooled_t, maps.rank_auc]), ALTERNATIVES)
def test_swapping_conditions_negates(x, test, alternative):
    a, b = x[:2], x[2:]
    there, back = test(a, b, alternative=alternative), test(b, a, alternative=TURNED[alternative])
    np.testing.assert_allclose(back.statistic, -there.statistic, atol=1e-12)
    np.testing.assert_allclose(back.p, there.p, rtol=1e-9)
    np.testing.assert_array_equal(maps.d_prime(b, a), -maps.d_prime(a, b))


@QUICK
@given(tables(rows=st.integers(5, 9)), st.integers(-8, 8), st.integers(-3, 3))
def test_shift_and_scale_leave_t_and_d_prime(x, shift, power):
    x = np.round(x * 8) / 8  # so that shifts and powers of two are exact
    a, b = x[:3], x[3:]
    moved = [(half + shift) * 2.0**power for half in (a, b)]
    for test in (maps.welch_t, maps.pooled_t):
        np.testing.assert_allclose(test(*moved).statistic, test(a, b).statistic, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(maps.d_prime(*moved), maps.d_prime(a, b), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(maps.rank_auc(*moved).p, maps.rank_auc(a, b).p)


@QUICK
@given(tables(rows=st.integers(5, 9)))
def test_memory_layout_changes_no_bit(x):
    a, b = x[:2], x[2:]
    for test in (maps.welch_t, maps.rank_auc, permutation.max_t):
        args = (x,) if test is permutation.max_t else (a, b)
        plain, fortran = test(*args), test(*(np.asfortranarray(half) for half in args))
        np.testing.assert_array_equal(plain.p, fortran.p)
        np.testing.assert_array_equal(plain.effect, fortran.effect)


P_VALUES = hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1))


@QUICK
@given(
    P_VALUES, st.sampled_from([multiplicity.benjamini_hochberg, multiplicity.benjamini_yekutieli, multiplicity.holm])
)
def test_adjusted_p_is_monotone_and_not_below_p(p, method):
    found = method(p)
    assert (found.p >= p).all()
    assert (found.p <= 1).all()
    assert (np.diff(found.p[np.argsort(p)]) >= 0).all()
    assert (method(np.append(p, np.nan), mask=np.append(np.ones(p.size, bool), False)).p[:-1] == found.p).all()


@QUICK
@given(SAMPLES, st.floats(0.1, 50), st.sampled_from(["t", "sign-flip"]))
def test_tost_says_nothing_when_the_mean_is_outside_the_bounds(x, bound, kind):
    x = x + np.arange(x.size) * 1e-3  # not constant
    x = x - x.mean() + bound * 1.01
    test = equivalence.sign_flip_tost if kind == "sign-flip" else equivalence.tost_one_sample
    assert test(x, bounds=bound).p >= 0.5
    assert test(x, bounds=bound).p == pytest.approx(test(-x, bounds=bound).p)


@QUICK
@given(st.integers(1, 60), st.data())
def test_proportion_intervals_hold_the_proportion(n, data):
    k = data.draw(st.integers(0, n))
    wilson, exact = proportion.wilson(k, n), proportion.clopper_pearson(k, n)
    for found in (wilson, exact):
        assert 0 <= found.low <= k / n + 1e-12
        assert k / n - 1e-12 <= found.high <= 1


@QUICK
@given(SAMPLES, SAMPLES)
def test_auc_is_bounded_and_antisymmetric(x, y):
    there, back = effects.auc(x, y), effects.auc(y, x)
    assert 0 <= there.low <= there.effect <= there.high <= 1
    assert there.effect + back.effect == pytest.approx(1)
    assert effects.cliffs_delta(x, y).effect == pytest.approx(-effects.cliffs_delta(y, x).effect)


@QUICK
@given(st.floats(0, 1), st.floats(1, 20))
def test_spearman_brown_grows_and_stays_in_bounds(r, n):
    stepped = float(reliability.spearman_brown(r, n))
    assert r - 1e-12 <= stepped <= 1 + 1e-12


def test_importing_the_array_floor_leaves_the_heavy_packages_out():
    code = (
        "import sys; from neurolab import stats\n"
        f"for name in {stats.__all__!r}: getattr(stats, name)\n"
        "print(sorted({'torch', 'mne', 'statsmodels', 'seaborn', 'pandas', 'xarray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
