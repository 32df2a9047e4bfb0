"""Effects, equivalence and intervals against published numbers, scipy, statsmodels and pingouin."""

import numpy as np
import pytest
from scipy import integrate
from scipy import stats as sps

from neurolab.stats import effects, equivalence, intervals, permutation


def test_v23_signal_detection():
    # statistics.md V23 (a textbook table; Green & Swets)
    for h, f, d, beta in (
        (0.7, 0.1, 1.805952, 1.981173),
        (0.5, 0.4, 0.253347, 1.032613),
        (0.85, 0.05, 2.681287, 2.260700),
    ):
        assert effects.d_prime(h, f) == pytest.approx(d, rel=2e-6)
        assert np.exp(effects.log_beta(h, f)) == pytest.approx(beta, rel=1e-6)
    assert effects.d_prime(0.8, 0.4) == pytest.approx(1.0949683, rel=1e-7)
    assert effects.criterion(0.8, 0.4) == pytest.approx(-0.2941371, rel=1e-6)
    assert np.exp(effects.log_beta(0.8, 0.4)) == pytest.approx(0.7246469, rel=1e-6)
    assert np.sqrt(effects.gourevitch_galanter_variance(0.8, 0.4, 25, 25)) == pytest.approx(0.3820627, rel=1e-6)
    assert effects.d_prime(20, 10, 25, 25) == pytest.approx(1.0444987, rel=1e-7)
    assert effects.d_prime(25, 0, 25, 25) == pytest.approx(4.1398037, rel=1e-7)
    assert effects.yes_no(20, 25, 10, 25).d_prime == pytest.approx(1.0444987, rel=1e-7)
    assert sps.norm.cdf(effects.d_prime(0.8, 0.4) / np.sqrt(2)) == pytest.approx(0.7806114, rel=1e-6)


@pytest.mark.parametrize(
    ("m", "share", "d"),
    [(2, 0.75, 0.9538726), (3, 0.75, 1.4338306), (4, 0.5, 0.8367746), (4, 0.75, 1.6821952), (8, 0.5, 1.3418379)],
)
def test_v23_mafc(m, share, d):
    assert effects.mafc_d_prime(share, m) == pytest.approx(d, rel=1e-6)
    assert effects.mafc_d_prime(1 / m, m) == pytest.approx(0, abs=1e-9)
    # m = 2 has a closed form: sqrt(2) z(share)
    assert effects.mafc_d_prime(share, 2) == pytest.approx(np.sqrt(2) * sps.norm.ppf(share), rel=1e-8)


def quadrature_nct_cdf(t, df, nc):
    """P(T <= t) as the mean over chi of Phi(t s - nc): another route than scipy's, and never nan."""
    value, _ = integrate.quad(
        lambda s: sps.norm.cdf(t * s / np.sqrt(df) - nc) * sps.chi.pdf(s, df),
        0,
        np.sqrt(df) + 12,
        epsabs=1e-12,
        limit=400,
    )
    return value


@pytest.mark.parametrize(
    ("t", "df"), [(2.0, 10), (-1.7, 27), (-9.3, 27), (20.0, 2), (-40.0, 4), (0.0, 5), (25.0, 100), (1.0, 1)]
)
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_t13_noncentral_interval_far_from_the_mode(t, df, level):
    # T13: scipy.stats.nct.cdf is nan far from the mode (x=-9.3, df=27, nc=20), which crashes a wide bracket
    low, high = effects.noncentral_t_interval(t, df, level=level)
    assert quadrature_nct_cdf(t, df, low) == pytest.approx((1 + level) / 2, abs=1e-6)
    assert quadrature_nct_cdf(t, df, high) == pytest.approx((1 - level) / 2, abs=1e-6)


def test_d_and_g_against_pingouin_and_statsmodels():
    pingouin = pytest.importorskip("pingouin")
    stream = np.random.default_rng(0)
    x, y = stream.normal(1, 1, 14), stream.normal(0, 1.5, 14)
    assert effects.cohens_d(x, y).effect == pytest.approx(pingouin.compute_effsize(x, y, eftype="cohen"), rel=1e-10)
    # pingouin's J is the approximation 1 - 3/(4 N - 9); ours is exact
    assert effects.hedges_g(x, y).effect == pytest.approx(pingouin.compute_effsize(x, y, eftype="hedges"), rel=1e-3)
    paired, one = effects.cohens_d(x, y, paired=True), effects.cohens_d(x - y)
    assert (paired.effect, paired.low) == (one.effect, one.low)
    assert one.t == pytest.approx(sps.ttest_rel(x, y).statistic)
    assert effects.cohens_d(x, y).t == pytest.approx(sps.ttest_ind(x, y).statistic)
    size = pytest.importorskip("statsmodels.stats.effect_size")
    d = effects.cohens_d(x, y)
    np.testing.assert_allclose(
        np.array([d.low, d.high]) * np.sqrt(7), size._noncentrality_t(d.t, d.df, alpha=0.05).confint, rtol=1e-6
    )
    assert effects.small_sample_factor(20) == pytest.approx(1 - 3 / (4 * 20 - 1), abs=1e-4)


def test_auc_and_delta_equal_pair_counting():
    stream = np.random.default_rng(1)
    x, y = stream.integers(0, 6, 12), stream.integers(1, 7, 9)
    more, less = (x[:, None] > y).mean(), (x[:, None] < y).mean()
    assert effects.auc(x, y).effect == pytest.approx(more + (1 - more - less) / 2)
    assert effects.cliffs_delta(x, y).effect == pytest.approx(more - less)


def test_auc_interval_solves_newcombes_equation():
    # Newcombe (2006) method 5: at each end |area - theta| = z sqrt(V(theta))
    found = effects.auc([3, 5, 4, 6, 2], [1, 2, 4, 0])
    for theta in (found.low, found.high):
        v = theta * (1 - theta) * (1 + 3.5 * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / 20
        assert abs(found.effect - theta) == pytest.approx(1.959964 * np.sqrt(v), rel=1e-6)
    perfect = effects.auc([4, 5, 6], [1, 2, 3])
    assert (perfect.effect, perfect.high) == (1, 1)
    assert 0.3 < perfect.low < 1


def test_v12_tost_from_summaries():
    # statistics.md V12 (constants in the tests of R's TOSTER)
    found = equivalence.tost_paired_summary((5.83, 5.75), (1.17, 1.29), 65, r=0.75, bounds=0.350782)
    np.testing.assert_allclose((found.lower_t, found.upper_t), (3.960381, -2.489426), rtol=1e-6)
    np.testing.assert_allclose((found.lower_p, found.upper_p), (9.531728e-5, 0.00770235), rtol=2e-6)
    assert found.df == 64
    found = equivalence.tost_independent_summary((5.25, 5.22), (0.95, 0.83), (95, 89), bounds=0.3835687)
    np.testing.assert_allclose((found.lower_t, found.upper_t, found.df), (3.14973, -2.692771, 181.1344), rtol=1e-6)
    np.testing.assert_allclose((found.lower_p, found.upper_p), (0.0009560083, 0.003875522), rtol=2e-6)
    found = equivalence.tost_one_sample_summary(0.54, 1.2, 100, popmean=0.5, bounds=0.36)
    np.testing.assert_allclose((found.lower_t, found.upper_t), (3.333333, -2.666667), rtol=1e-6)
    np.testing.assert_allclose((found.lower_p, found.upper_p), (0.0006040021, 0.004474619), rtol=1e-6)


A = [452, 874, 554, 447, 356, 754, 558, 574, 664, 682, 547, 435, 245]
B = [546, 547, 774, 465, 459, 665, 467, 365, 589, 534, 456, 651, 654, 665, 546, 537]


def test_v12_tost_from_data():
    # statistics.md V12 (NCSS's documented example) and statsmodels ttost_ind
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    pooled = equivalence.tost_independent(A, B, bounds=110, variances="pooled")
    assert sorted((pooled.lower_p, pooled.upper_p)) == pytest.approx([0.01436, 0.0282130406], rel=5e-4)
    assert pooled.p == pytest.approx(0.0282130406, rel=1e-8)
    welch = equivalence.tost_independent(A, B, bounds=110)
    assert welch.df == pytest.approx(19.169, rel=5e-5)
    assert sorted((welch.lower_p, welch.upper_p)) == pytest.approx([0.02002, 0.03628], rel=5e-4)
    for kind, name in (("pooled", "pooled"), ("welch", "unequal")):
        theirs = weightstats.ttost_ind(np.array(A), np.array(B), -110, 90, usevar=name)
        assert equivalence.tost_independent(A, B, bounds=(-110, 90), variances=kind).p == pytest.approx(
            theirs[0], rel=1e-8
        )
    x, y = np.array(A), np.array(B[:13])
    theirs = weightstats.ttost_paired(x, y, -80, 90)
    assert equivalence.tost_paired(x, y, bounds=(-80, 90)).p == pytest.approx(theirs[0], rel=1e-8)


def test_tost_interval_lies_within_the_bounds_exactly_when_equivalent():
    stream = np.random.default_rng(2)
    for mean in np.linspace(0, 0.6, 25):
        x = stream.normal(mean, 0.4, 12)
        for test in (equivalence.tost_one_sample, equivalence.sign_flip_tost):
            found = test(x, bounds=0.5)
            assert found.equivalent == (found.low > -0.5 and found.high < 0.5)


def test_sign_flip_tost_is_two_shifted_sign_flips():
    x = np.random.default_rng(3).normal(0.02, 0.05, 9)
    found = equivalence.sign_flip_tost(x, bounds=(-0.05, 0.1))
    lower = sps.permutation_test((x + 0.05,), np.mean, permutation_type="samples", alternative="greater").pvalue
    upper = sps.permutation_test((x - 0.1,), np.mean, permutation_type="samples", alternative="less").pvalue
    assert (found.lower_p, found.upper_p) == (lower, upper)
    assert found.p == max(lower, upper)
    assert equivalence.sign_flip_tost(x, bounds=(-np.inf, 0.1)).p == upper


def test_v19_jzs():
    # statistics.md V19 (pingouin's documentation; Rouder et al. 2009, to two decimals)
    bayes = equivalence.jzs_bayes_factor
    assert bayes(3.5, 20, 20) == pytest.approx(26.743, abs=5e-4)
    assert bayes(3.5, 20) == pytest.approx(17.185, abs=5e-4)
    assert 1 / bayes(2.03, 80, r=1) == pytest.approx(1.55745, rel=1e-5)
    assert 1 / bayes(2.24, 80, r=1) == pytest.approx(1.02430, rel=1e-5)
    for t, expected in ((0, 0.23236), (2, 1.20586), (3, 6.61895)):
        assert bayes(t, 20) == pytest.approx(expected, abs=5e-6)
    pingouin = pytest.importorskip("pingouin")
    for t in (-4.0, 0.3, 8.0):
        assert bayes(t, 15, 23) == pytest.approx(float(pingouin.bayesfactor_ttest(t, 15, 23)), rel=1e-4)


def test_sign_flip_interval_inverts_the_test():
    stream = np.random.default_rng(4)
    for n, level in ((6, 0.95), (9, 0.9), (14, 0.95), (22, 0.99)):
        x = stream.normal(0.3, 1, n)
        ends = intervals.sign_flip_interval(x, level=level)
        for end, out in ((ends.low, -1e-7), (ends.high, 1e-7)):
            assert permutation.sign_flip(x, popmean=end + out).p <= 1 - level
            assert permutation.sign_flip(x, popmean=end - out).p > 1 - level


def test_sign_flip_interval_equals_subset_means():
    # Hartigan (1969): the ends are order statistics of the means over subsets
    x = np.random.default_rng(5).normal(size=8)
    codes = (np.arange(1, 256)[:, None] >> np.arange(8)) & 1
    means = np.sort(codes @ x / codes.sum(axis=1))
    ends = intervals.sign_flip_interval(x)
    assert (ends.low, ends.high) == pytest.approx((means[5], means[-6]))  # floor(.025 * 256) = 6


def test_drawn_interval_is_near_the_exact_one():
    x = np.random.default_rng(6).normal(0.3, 1, 30)
    exact, drawn = intervals.sign_flip_interval(x), intervals.sign_flip_interval(np.append(x, x.mean()), rng=0)
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.05)


def test_t_interval_equals_scipy():
    x = np.random.default_rng(7).normal(size=9)
    found, theirs = intervals.t_interval(x), sps.ttest_1samp(x, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert intervals.mean_interval(x).method == "sign-flip"
    assert intervals.mean_interval(np.tile(x, 4)).method == "t"


def test_mean_interval_says_when_it_has_no_end():
    found = intervals.mean_interval([0.1, 0.2, 0.3, 0.2, 0.4])
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert "use 6 or more" in found.note


SKEWED = [10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213]
LSAT = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
GPA = [3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]
SPATIAL = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]


@pytest.mark.parametrize(
    ("method", "low", "high"), [("basic", 23.77, 79.12), ("percentile", 28.86, 84.21), ("bca", 32.31, 91.43)]
)
def test_v15_bootstrap_of_a_mean(method, low, high):
    # statistics.md V15 (R's boot, by way of scipy's tests); Monte-Carlo error of 50,000 resamples
    found = intervals.bootstrap(SKEWED, method=method, n_resamples=50_000, rng=0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.8)


def correlation(x, y):
    return np.corrcoef(x, y)[0, 1]


def test_v15_law_school_and_spatial():
    # statistics.md V15 (Efron): law school r and its BCa interval; spatial test A
    assert intervals.acceleration((LSAT, GPA), correlation, paired=True) == pytest.approx(-0.0756716, rel=1e-5)
    found = intervals.bootstrap((LSAT, GPA), correlation, paired=True, n_resamples=4_000, rng=0)
    assert found.effect == pytest.approx(0.776374, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((0.323, 0.941), abs=0.03)
    assert intervals.acceleration(SPATIAL, np.var) == pytest.approx(0.0612401, rel=1e-5)
    found = intervals.bootstrap(SPATIAL, np.var, level=0.9, n_resamples=20_000, rng=0)
    assert found.effect == pytest.approx(171.534, rel=1e-5)
    assert (found.low, found.high) == pytest.approx((115.2, 261.1), rel=0.02)


def test_v15_two_sample_acceleration():
    y, z = [10, 27, 31, 40, 46, 50, 52, 104, 146], [16, 23, 38, 94, 99, 141, 197]
    found = intervals.acceleration((y, z), lambda a, b: np.mean(b) - np.mean(a))
    assert found == pytest.approx(0.011008228344026734, rel=1e-10)


def test_bca_falls_back_and_says_so():
    found = intervals.bootstrap([2.0] * 6, rng=0)
    assert (found.low, found.high, found.method) == (2.0, 2.0, "percentile")
    assert "percentile interval instead" in found.note


def test_hierarchical_bootstrap_equals_a_loop_in_distribution():
    stream = np.random.default_rng(8)
    x = stream.normal(size=(6, 1)) + stream.normal(size=(6, 10))
    found = intervals.hierarchical_bootstrap(x, n_resamples=40_000, rng=0)
    rows, columns = stream.integers(6, size=(40_000, 6, 1)), stream.integers(10, size=(40_000, 6, 10))
    slow = x[rows, columns].mean(axis=(1, 2))
    spread = 0.025 * np.std(slow)  # .025 in its place of .02 would move an end by .09 sd
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))), abs=2 * spread)
    assert found.effect == pytest.approx(x.mean())
