"""Permutation tests against scipy, mne, nilearn, published numbers and slow loops."""

import warnings
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import maps, permutation

ALTERNATIVES = ["two-sided", "greater", "less"]
X, Y = np.array([1.2, 2.3, 1.9, 3.1, 2.2]), np.array([0.9, 1.0, 1.6, 1.2, 1.8])


def slow_sign_flip(x, alternative):
    """Enumerate every sign pattern."""
    null = np.array([(np.array(signs) * x).sum() for signs in product((1, -1), repeat=len(x))])
    tie = 1e-9 * np.abs(x).sum()
    return {
        "greater": (null >= x.sum() - tie).mean(),
        "less": (null <= x.sum() + tie).mean(),
        "two-sided": (np.abs(null) >= abs(x.sum()) - tie).mean(),
    }[alternative]


def slow_max_t(x, y, alternative, statistic):
    """One scipy t test per relabelling and column (two samples), or per sign pattern (y is None)."""
    tests = []
    if y is None:
        for signs in product((1, -1), repeat=len(x)):
            tests.append(sps.ttest_1samp(np.array(signs)[:, None] * x, 0).statistic)
        seen = sps.ttest_1samp(x, 0).statistic
    else:
        both = np.concatenate((x, y))
        for chosen in combinations(range(len(both)), len(x)):
            first = np.isin(np.arange(len(both)), chosen)
            tests.append(sps.ttest_ind(both[first], both[~first], equal_var=statistic == "pooled").statistic)
        seen = sps.ttest_ind(x, y, equal_var=statistic == "pooled").statistic
    turn = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    null = turn(np.array(tests)).max(axis=1)
    return (null[:, None] >= turn(seen) - 1e-9 * np.abs(seen)).mean(axis=0)


def test_v37_paired_sign_flip_and_independent_shuffle():
    # statistics.md V37 (scipy): paired sign-flip .0625; independent exact two-sided 12/252
    assert permutation.sign_flip(X - Y).p == 0.0625
    assert permutation.label_shuffle(X, Y).p == pytest.approx(12 / 252, rel=1e-12)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("n", [2, 5, 9, 11])
def test_sign_flip_equals_enumeration_and_scipy(alternative, n):
    x = np.random.default_rng(n).normal(0.4, 1, n)
    found = permutation.sign_flip(x, alternative=alternative)
    assert found.exact
    assert found.p == pytest.approx(slow_sign_flip(x, alternative), rel=1e-12)
    scipy_p = sps.permutation_test(
        (x,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative=alternative, vectorized=True
    ).pvalue
    assert found.p == pytest.approx(scipy_p, rel=1e-12)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_sign_flip_counts_ties(alternative):
    x = np.array([0.1, 0.2, 0.3, -0.1, -0.2, 0.3, 0.0, 0.0])  # sums that tie only up to float rounding
    assert permutation.sign_flip(x, alternative=alternative).p == slow_sign_flip(x, alternative)


def test_sign_flip_shifts_by_popmean():
    x = np.random.default_rng(1).normal(2, 1, 8)
    assert permutation.sign_flip(x, popmean=1.5).p == permutation.sign_flip(x - 1.5).p


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_drawn_sign_flips_agree_with_the_exact_count(alternative):
    # 31 values are drawn, the first 30 are counted: the last value is nearly 0, so both ask the same question
    x = np.append(np.random.default_rng(2).normal(0.3, 1, 30), 1e-12)
    drawn, exact = (
        permutation.sign_flip(v, alternative=alternative, n_permutations=20_000, rng=0) for v in (x, x[:30])
    )
    assert (drawn.exact, exact.exact) == (False, True)
    assert drawn.p == pytest.approx(exact.p, abs=5 * np.sqrt(exact.p / 20_000) + 1e-4)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("sizes", [(5, 5), (3, 6), (7, 4)])
def test_label_shuffle_equals_enumeration(alternative, sizes):
    stream = np.random.default_rng(sum(sizes))
    a, b = stream.normal(0.8, 1, sizes[0]), stream.normal(0, 1, sizes[1])
    both = np.concatenate((a, b))
    null = []
    for chosen in combinations(range(len(both)), len(a)):
        first = np.isin(np.arange(len(both)), chosen)
        null.append(both[first].mean() - both[~first].mean())
    turn = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    slow = (turn(np.array(null)) >= turn(a.mean() - b.mean()) - 1e-9).mean()
    assert permutation.label_shuffle(a, b, alternative=alternative).p == pytest.approx(slow, rel=1e-12)
    if alternative != "two-sided":  # scipy doubles the smaller tail; here it is the absolute difference
        scipy_p = sps.permutation_test(
            (a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=np.inf, alternative=alternative
        ).pvalue
        assert permutation.label_shuffle(a, b, alternative=alternative).p == pytest.approx(scipy_p, rel=1e-12)


def test_label_shuffle_interval_inverts_the_test():
    stream = np.random.default_rng(3)
    a, b = stream.normal(1, 1, 6), stream.normal(0, 1, 5)
    found = permutation.label_shuffle(a, b)
    for end, side in ((found.low, "greater"), (found.high, "less")):
        out = -1e-6 if side == "greater" else 1e-6
        assert permutation.label_shuffle(a - end - out, b, alternative=side).p <= 0.025
        assert permutation.label_shuffle(a - end + out, b, alternative=side).p > 0.025


def test_v36_max_t():
    # statistics.md V36: T and exact two-sided p from mne = brute force; one-sided p from brute force
    x = np.random.RandomState(0).randn(6, 3) + 0.8
    found = permutation.max_t(x)
    np.testing.assert_allclose(found.t, [5.99573942, 4.27368653, 2.97127606], rtol=1e-8)
    np.testing.assert_array_equal(found.p, [0.03125, 0.03125, 0.0625])
    np.testing.assert_array_equal(permutation.max_t(x, alternative="greater").p, [0.015625, 0.015625, 0.03125])
    np.testing.assert_array_equal(permutation.max_t(-x, alternative="less").p, [0.015625, 0.015625, 0.03125])


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_max_t_one_sample_equals_a_loop(alternative):
    x = np.random.default_rng(4).normal(0.5, 1, (7, 5))
    np.testing.assert_allclose(permutation.max_t(x, alternative=alternative).p, slow_max_t(x, None, alternative, ""))


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("statistic", ["welch", "pooled"])
def test_max_t_two_samples_equals_a_loop(alternative, statistic):
    stream = np.random.default_rng(5)
    a, b = stream.normal(0.8, 2, (5, 4)), stream.normal(0, 1, (4, 4))
    found = permutation.max_t(
        np.concatenate((a, b)), groups=np.arange(9) < 5, alternative=alternative, statistic=statistic, block=17
    )
    assert found.exact
    np.testing.assert_allclose(found.p, slow_max_t(a, b, alternative, statistic), rtol=1e-12)
    expected = sps.ttest_ind(a, b, equal_var=statistic == "pooled")
    np.testing.assert_allclose(found.t, expected.statistic, rtol=1e-12)


def test_max_t_paired_is_one_sample_of_differences():
    stream = np.random.default_rng(6)
    a, b = stream.normal(0.5, 1, (6, 4)), stream.normal(0, 1, (6, 4))
    np.testing.assert_array_equal(permutation.max_t(a, y=b).p, permutation.max_t(a - b).p)


def test_max_t_agrees_with_mne_without_neighbours():
    # mne.stats.permutation_cluster_1samp_test(adjacency=False) is max-T (statistics.md 2.2).  Two-sided it is exact
    # with n_permutations = 2**n / 2 (T3: "all" is off by one).  With tail=1 mne 1.13.2 counts the observed pattern
    # twice and the all-minus pattern never: its p is ours + 1/64 for every column that all-minus does not reach.
    mne_stats = pytest.importorskip("mne.stats")
    x = np.random.default_rng(7).normal(0.6, 1, (6, 8))
    kept = {"adjacency": False, "out_type": "mask", "rng": 0, "verbose": "error"}
    for tail, n_permutations, excess in ((0, 32, 0), (1, 64, 1 / 64)):
        _, clusters, p, _ = mne_stats.permutation_cluster_1samp_test(
            x, threshold=0.1, n_permutations=n_permutations, tail=tail, **kept
        )
        where = [
            int(np.flatnonzero(cluster)[0]) if np.ndim(cluster[0]) == 0 else int(cluster[0][0]) for cluster in clusters
        ]
        ours = permutation.max_t(x, alternative="greater" if tail else "two-sided").p[where]
        assert len(where) >= 6
        np.testing.assert_allclose(p, ours + excess, rtol=1e-12)


def test_drawn_max_t_agrees_with_the_exact_one():
    x = np.random.default_rng(8).normal(0.5, 1, (13, 6))  # 8,192 patterns: drawn below that number, exact from it on
    exact, drawn = permutation.max_t(x, n_permutations=8_192), permutation.max_t(x, n_permutations=5_000, rng=0)
    assert (exact.exact, drawn.exact) == (True, False)
    np.testing.assert_allclose(drawn.p, exact.p, atol=0.03)
    groups = np.arange(13) < 6
    exact, drawn = (permutation.max_t(x, groups=groups, n_permutations=m, rng=0) for m in (1_716, 1_000))
    assert exact.exact


def test_block_size_changes_nothing():
    x = np.random.default_rng(9).normal(0.5, 1, (20, 50))
    small, large = (permutation.max_t(x, n_permutations=500, rng=3, block=b) for b in (7, 4_096))
    np.testing.assert_array_equal(small.p, large.p)
    small, large = (
        permutation.max_t(x, groups=np.arange(20) < 9, n_permutations=500, rng=3, block=b) for b in (7, 512)
    )
    np.testing.assert_array_equal(small.p, large.p)


def test_v24_freedman_lane():
    # statistics.md V24: t from statsmodels OLS, nilearn run_glm and permuted_ols; -log10 p from permuted_ols
    stream = np.random.default_rng(0)
    beh, vol = stream.standard_normal(30), stream.standard_normal(30)
    vox = stream.standard_normal((30, 50))
    vox[:, 0] += 1.2 * beh + vol
    found = permutation.freedman_lane(vox, beh, vol, n_permutations=2_000, rng=0)
    assert found.t[0] == pytest.approx(5.8811873111, rel=1e-9)
    assert -np.log10(found.p[0]) == pytest.approx(3.3012470887, rel=1e-9)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_freedman_lane_equals_refitting(alternative):
    stream = np.random.default_rng(10)
    n = 12
    tested, nuisance = stream.normal(size=n), stream.normal(size=(n, 2))
    y = stream.normal(size=(n, 3)) + np.outer(tested, [1.0, -1.0, 0.0]) + nuisance @ stream.normal(size=(2, 3))
    found = permutation.freedman_lane(y, tested, nuisance, n_permutations=99, rng=5, alternative=alternative)
    z = np.column_stack((np.ones(n), nuisance))
    fit = z @ np.linalg.lstsq(z, y, rcond=None)[0]
    orders = np.argsort(np.random.default_rng(5).random((99, n)), axis=1)  # the same stream ...
    orders = np.argsort(orders, axis=1)  # ... but there x is permuted, here the residuals: the inverse
    turn = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    design = np.column_stack((tested, z))
    null = [turn(maps.glm_t(fit + (y - fit)[order], design, [1, 0, 0, 0]).statistic).max() for order in orders]
    seen = turn(maps.glm_t(y, design, [1, 0, 0, 0]).statistic)
    slow = (1 + (np.array(null)[:, None] >= seen - 1e-9).sum(axis=0)) / 100
    np.testing.assert_allclose(found.p, slow)


def test_freedman_lane_agrees_with_nilearn():
    mass = pytest.importorskip("nilearn.mass_univariate")
    stream = np.random.default_rng(11)
    tested, nuisance, y = stream.normal(size=25), stream.normal(size=(25, 1)), stream.normal(size=(25, 6))
    y[:, 0] += 0.5 * tested
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = mass.permuted_ols(
            tested, y, confounding_vars=nuisance, n_perm=2_000, two_sided_test=True, random_state=0, output_type="dict"
        )
    found = permutation.freedman_lane(y, tested, nuisance, n_permutations=2_000, rng=0)
    np.testing.assert_allclose(found.t, np.ravel(out["t"]), rtol=1e-8)
    np.testing.assert_allclose(found.p, 10 ** -np.ravel(out["logp_max_t"]), atol=0.05)


@pytest.mark.parametrize(
    ("b", "m", "mt", "method", "expected"),
    [
        (0, 99, 924, "exact", 0.0094685356),
        (0, 99, 924, "approximate", 0.0094731160),
        (1, 99, 924, "exact", 0.0194588780),
        (5, 99, 924, "exact", 0.0594588745),
        (0, 999, 252, "exact", 7.6143e-5),
        (0, 999, 252, "approximate", 1.3723e-4),
        (0, 99, None, "exact", 0.01),
        (5, 99, None, "exact", 0.06),
    ],
)
def test_v21_phipson_and_smyth(b, m, mt, method, expected):
    # statistics.md V21 (computed there; the formula of statmod::permp)
    assert permutation.exact_p(b, m, mt, method=method) == pytest.approx(expected, rel=2e-5)


def test_floors_are_reached_and_never_undercut():
    strong = np.arange(1.0, 7.0)
    for alternative, p in (("two-sided", 2 / 64), ("greater", 1 / 64)):
        found = permutation.sign_flip(strong, alternative=alternative)
        assert found.p == found.p_floor == p == permutation.p_floor("sign_flip", n=6, alternative=alternative)
    found = permutation.label_shuffle(strong + 10, strong[:4])
    assert found.p == found.p_floor == 1 / 210
    found = permutation.label_shuffle(strong + 10, strong)
    assert found.p == found.p_floor == 2 / 924
    assert permutation.n_needed("label_shuffle") == 4  # 2 / 70 = .029
    assert permutation.n_needed("rank", alpha=0.01) == 99
