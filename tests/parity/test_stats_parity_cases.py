"""Single cases, multiplicity, paired outcomes, proportions and reliability against published numbers and libraries."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import effects, multiplicity, paired, proportion, reliability, single_case

# statistics.md V1: singcar README, visual orientation task of the patient DF
SWI = [0.216926, 0.172232, 0.071380, 0.101865, 0.159114, 0.268099, 0.196957, 0.107364, 0.189502, 0.071115]
SWI += [0.087374, 0.063444, 0.283469, 0.160559, 0.146609, 0.267571, 0.175396, 0.072311, 0.130916, 0.061982]
SWI += [0.119680, 0.357597, 0.193059, 0.129308, 0.302409, 0.185339, 0.135732, 0.182150]


def exactly(n, r=None):
    """Make a sample of n with mean 0 and sd 1, or n pairs of these that correlate at exactly r."""
    raw = np.random.default_rng(n).normal(size=(n, 2))
    raw -= raw.mean(axis=0)
    q = np.linalg.qr(raw)[0] * np.sqrt(n - 1)
    return q[:, 0] if r is None else np.column_stack((q[:, 0], r * q[:, 0] + np.sqrt(1 - r**2) * q[:, 1]))


def test_v1_patient_df():
    found = single_case.crawford_howell(0.028149, SWI)
    assert found.df == 27
    np.testing.assert_allclose((found.t, found.p, found.z_cc), (-1.72434, 0.048040, -1.754857), rtol=1e-4)
    np.testing.assert_allclose((found.low, found.high), (-2.343, -1.153), atol=6e-4)
    np.testing.assert_allclose(found.percent_below, 4.804003, rtol=1e-4)
    np.testing.assert_allclose((found.percent_low, found.percent_high), (0.956, 12.438), rtol=1e-3)
    scipy_test = sps.ttest_ind([0.028149], SWI, alternative="less")  # the pooled t with one value in a group
    assert (found.t, found.p) == pytest.approx((scipy_test.statistic, scipy_test.pvalue), rel=1e-10)


def test_v3_case_at_two_sds():
    # statistics.md V3 (constants in singcar's tests)
    found = single_case.crawford_howell(-2, exactly(15))
    assert (found.t, found.p) == pytest.approx((-1.9364917, 0.0366292), rel=1e-6)
    assert single_case.crawford_howell(2, exactly(15)).t == pytest.approx(1.9364917)
    found = single_case.crawford_howell(-2, exactly(20))
    assert (found.t, found.p) == pytest.approx((-1.9518001, 0.0329301), rel=1e-6)
    np.testing.assert_allclose((found.low, found.high), (-2.7595, -1.2229), rtol=1e-4)
    np.testing.assert_allclose((found.percent_low, found.percent_high), (0.2895, 11.0675), rtol=3e-4)


def fixed_point(t, z_gap, r, n):
    """The psi of Crawford & Garthwaite (2005), whose fixed point the RSDT's t is."""
    m = n - 1
    inside = (
        (2 - 2 * r)
        + 2 * (1 - r**2) / m
        + (5 + t**2) * (1 - r**2) / (2 * m**2)
        + r * (1 + t**2) * (1 - r**2) / (2 * m**2)
    )
    return abs(z_gap) / np.sqrt((n + 1) / n * inside)


def test_v4_differences():
    # statistics.md V4 (closed form; inputs of singcar's documentation)
    controls = exactly(20, 0.68)
    found = single_case.revised_standardised_difference((-3.857, -1.875), controls)
    assert abs(found.t) == pytest.approx(2.2996722465, rel=1e-8)
    assert found.p == pytest.approx(0.0329747221, rel=1e-8)
    assert found.z_dcc == pytest.approx(-2.4775, rel=1e-5)
    assert fixed_point(found.t, -3.857 + 1.875, 0.68, 20) == pytest.approx(abs(found.t), rel=1e-9)
    raw = single_case.unstandardised_difference((-3.857, -1.875), controls)
    assert abs(raw.t) == pytest.approx(2.4177924307, rel=1e-8)
    assert raw.p == pytest.approx(0.0258300368, rel=1e-8)
    # V6: RSDT on -2, -3
    found = single_case.revised_standardised_difference((-2, -3), controls)
    assert (found.t, found.p) == pytest.approx((1.1643342, 0.2587008), rel=1e-6)


def test_v6_bayesian_difference():
    # statistics.md V6: Crawford & Garthwaite's program prints .27849 (standard theory); tolerance .005
    found = single_case.bayesian_standardised_difference(
        (-2, -3), exactly(20, 0.68), prior="standard", n_draws=100_000, rng=0
    )
    assert found.p == pytest.approx(0.27849, abs=0.005)
    again = single_case.bayesian_standardised_difference((-3, -2), exactly(20, 0.68), prior="standard", rng=0)
    assert again.effect == pytest.approx(-found.effect, abs=0.03)
    calibrated = single_case.bayesian_standardised_difference((-2, -3), exactly(20, 0.68), rng=0)
    assert calibrated.p == pytest.approx(found.p, abs=0.04)
    assert (calibrated.low, calibrated.high) != (found.low, found.high)


def test_bayesian_difference_equals_a_loop_over_the_posterior():
    # the standard posterior, drawn by hand: Sigma^-1 as the scatter of n normal vectors, then the mean
    controls, case, stream = exactly(8, 0.4), np.array([-2.0, 0.3]), np.random.default_rng(1)
    scatter = 7 * np.cov(controls.T)
    root, tails = np.linalg.cholesky(np.linalg.inv(scatter)), []
    for _ in range(4_000):
        vectors = root @ stream.normal(size=(2, 8))
        sigma = np.linalg.inv(vectors @ vectors.T)
        mean = stream.multivariate_normal(controls.mean(axis=0), sigma / 8)
        z = (case - mean) / np.sqrt(np.diag(sigma))
        rho = sigma[0, 1] / np.sqrt(sigma[0, 0] * sigma[1, 1])
        tails.append(sps.norm.cdf((z[0] - z[1]) / np.sqrt(2 - 2 * rho)))
    found = single_case.bayesian_standardised_difference(case, controls, prior="standard", n_draws=50_000, rng=0)
    assert found.percent_below == pytest.approx(100 * np.mean(tails), abs=1.0)


def test_unstandardised_difference_is_crawford_howell_of_differences():
    stream = np.random.default_rng(0)
    controls = stream.normal(size=(9, 2)) @ [[1, 0.4], [0, 1]]
    found = single_case.unstandardised_difference((-1, 0.5), controls)
    other = single_case.crawford_howell(-1.5, controls[:, 0] - controls[:, 1], alternative="two-sided")
    assert (found.t, found.p) == pytest.approx((other.t, other.p), rel=1e-10)


def test_standardised_difference_survives_perfect_correlation_limits():
    controls = exactly(12, 0.999999)
    found = single_case.revised_standardised_difference((-1, 0.2), controls)
    assert np.isfinite(found.t)
    assert fixed_point(found.t, -1.2, found.r, 12) == pytest.approx(abs(found.t), rel=1e-4)
    with_minus = single_case.revised_standardised_difference((-1, 0.2), exactly(12, -0.999999))
    assert fixed_point(with_minus.t, -1.2, with_minus.r, 12) == pytest.approx(abs(with_minus.t), rel=1e-4)


def test_v9_z_inflation_is_what_the_t_avoids():
    # statistics.md V9 (closed form): rejecting at z < -1.645 is rejecting at t < -1.645/sqrt((n+1)/n)
    for n, rate in ((5, 0.1038111), (10, 0.0756272), (20, 0.0624699), (50, 0.0549005)):
        edge = sps.norm.ppf(0.05)
        found = single_case.crawford_howell(edge, exactly(n))
        assert found.p == pytest.approx(rate, rel=1e-6)


def test_power_against_simulation_and_its_cap():
    stream = np.random.default_rng(1)
    controls, cases = stream.normal(size=(200_000, 10)), stream.normal(-2, 1, 200_000)
    t = (cases - controls.mean(axis=1)) / (controls.std(axis=1, ddof=1) * np.sqrt(1.1))
    for alternative, rejected in (("less", sps.t.cdf(t, 9) <= 0.05), ("two-sided", sps.t.sf(abs(t), 9) <= 0.025)):
        assert single_case.power(-2, n=10, alternative=alternative) == pytest.approx(rejected.mean(), abs=0.005)
    assert single_case.power(-2, n=10**6) < sps.norm.cdf(2 - 1.6448) + 1e-3
    assert single_case.power(2, n=10, alternative="greater") == pytest.approx(single_case.power(-2, n=10))


def test_classify():
    controls = exactly(20, 0.68)
    assert single_case.classify((-4, 0), controls).verdict == "classical dissociation"
    assert single_case.classify((-7, -2.5), controls).verdict == "strong dissociation"
    assert single_case.classify((-2.2, -2.1), controls).verdict == "deficit"
    assert single_case.classify((-0.2, -0.1), controls).verdict == "no deficit"
    assert single_case.classify((-4, 0), controls, other=(0, -4)).verdict == "double dissociation"
    assert single_case.classify((-4, 0), controls, other=(-4, 0)).verdict == "classical dissociation"


V11 = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0,
]


def test_v11_multiplicity():
    # statistics.md V11 (Benjamini & Hochberg 1995)
    adjusted = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.063857, 0.063857, 0.0645, 0.0765, 0.486]
    adjusted += [0.581182, 0.714875, 0.753231, 0.813214, 1.0]
    found = multiplicity.benjamini_hochberg(V11)
    np.testing.assert_allclose(found, adjusted, rtol=1e-5)
    assert found.reject.sum() == 4
    np.testing.assert_allclose(
        multiplicity.benjamini_yekutieli(V11).p[:4], [0.004977, 0.009955, 0.031523, 0.118212], rtol=1e-4
    )
    np.testing.assert_allclose(multiplicity.holm(V11).p[:4], [0.0015, 0.0056, 0.0247, 0.114], rtol=1e-9)


def test_multiplicity_equals_scipy_and_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(2).random(40) ** 3
    p[5] = p[6]
    np.testing.assert_allclose(multiplicity.benjamini_hochberg(p).p, sps.false_discovery_control(p), rtol=1e-12)
    np.testing.assert_allclose(
        multiplicity.benjamini_yekutieli(p).p, sps.false_discovery_control(p, method="by"), rtol=1e-12
    )
    np.testing.assert_allclose(multiplicity.holm(p).p, multitest.multipletests(p, method="holm")[1], rtol=1e-12)
    mask = np.arange(40) % 3 > 0
    masked = np.where(mask, p, np.nan).reshape(8, 5)
    for method in (multiplicity.benjamini_hochberg, multiplicity.holm):
        found = method(masked, mask=mask.reshape(8, 5))
        np.testing.assert_array_equal(found.p.ravel()[mask], method(p[mask]).p)
        assert (found.p.ravel()[~mask] == 1).all()
        assert found.n_tests == mask.sum()


def test_v10_mcnemar():
    # statistics.md V10 (closed form; Agresti's approval table) and statsmodels
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    table = [[794, 86], [150, 570]]
    for method, chi2, p in (
        ("chi2", 17.3559322, 3.09929e-5),
        ("continuity", 16.8177966, 4.11456e-5),
        ("exact", None, 3.71594e-5),
    ):
        found = paired.mcnemar(table, method=method)
        assert found.p == pytest.approx(p, rel=1e-5)
        assert found.chi2 == (None if chi2 is None else pytest.approx(chi2, rel=1e-8))
        theirs = tables.mcnemar(table, exact=method == "exact", correction=method == "continuity")
        assert found.p == pytest.approx(theirs.pvalue, rel=1e-8)
    # the ratio is 150/86: only second over only first
    found = paired.mcnemar(table)
    assert (found.effect, found.low, found.high) == pytest.approx((1.7441860, 1.3380, 2.2737), rel=5e-5)
    assert paired.mcnemar([[0, 6], [2, 0]]).p == pytest.approx(0.2890625)
    # V17: the clogit table
    assert paired.mcnemar([[42, 8], [18, 32]]).p == pytest.approx(0.0755187, rel=1e-5)
    assert paired.mcnemar([[42, 8], [18, 32]], method="chi2").chi2 == pytest.approx(3.8461538, rel=1e-7)


def test_cochran_q_equals_statsmodels_and_mcnemar():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    x = (np.random.default_rng(3).random((30, 4)) < [0.3, 0.5, 0.6, 0.7]).astype(int)
    found, theirs = paired.cochran_q(x), tables.cochrans_q(x)
    assert (found.q, found.p, found.df) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df))
    two = paired.mcnemar(paired.pairs_table(x[:, 0], x[:, 1]), method="chi2")
    assert paired.cochran_q(x[:, :2]).q == pytest.approx(two.chi2)


def test_v42_proportions():
    # statistics.md V42 (Wilson; Clopper-Pearson) and statsmodels
    proportions = pytest.importorskip("statsmodels.stats.proportion")
    found = proportion.wilson(9, 10)
    assert (found.low, found.high) == pytest.approx((0.5958500, 0.9821238), rel=1e-6)
    found = proportion.clopper_pearson(9, 10)
    assert (found.low, found.high) == pytest.approx((0.5549839, 0.9974714), rel=1e-6)
    for function, name in ((proportion.wilson, "wilson"), (proportion.clopper_pearson, "beta")):
        for k in (0, 3, 10):
            found = function(k, 10, level=0.9)
            assert (found.low, found.high) == pytest.approx(proportions.proportion_confint(k, 10, 0.1, name), abs=1e-9)


def test_v29_split_half():
    # statistics.md V29: W(6,6,.29) and a ramp; SB of the mean, not the mean of SB
    k = np.arange(1, 37).reshape(6, 6)
    z = 0.6 * np.sin(0.29 * k**2) + 0.3 * np.arange(6)
    found = reliability.split_half(z)
    assert (found.n_splits, found.exact) == (10, True)
    assert (found.r, found.effect) == pytest.approx((0.7918649774, 0.8838444720), rel=1e-9)
    assert reliability.spearman_brown(found.splits).mean() == pytest.approx(0.8792850299, rel=1e-9)
    np.testing.assert_allclose(reliability.spearman_brown([0.5, 0.7]), [0.6666667, 0.8235294], rtol=1e-6)
    assert reliability.spearman_brown(0.6, 3) == pytest.approx(0.8181818, rel=1e-6)


def test_split_half_equals_a_loop_over_splits():
    x = np.random.default_rng(4).normal(size=(5, 9)) + np.arange(9)
    found = reliability.split_half(x)
    slow = [
        np.corrcoef(x[list(c)].mean(axis=0), np.delete(x, c, axis=0).mean(axis=0))[0, 1]
        for c in combinations(range(5), 2)
    ]
    assert found.r == pytest.approx(np.mean(slow), rel=1e-12)
    drawn = reliability.split_half(np.random.default_rng(5).normal(size=(16, 9)) + np.arange(9), rng=0, n_splits=50)
    assert (drawn.n_splits, drawn.exact) == (50, False)


def test_icc_equals_pingouin_and_shrout_and_fleiss():
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    # Shrout & Fleiss (1979), table 2, and their six values
    x = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    published = dict(zip(reliability.KINDS, (0.17, 0.29, 0.71, 0.44, 0.62, 0.91), strict=True))
    rows, cols = np.indices(x.shape)
    frame = pandas.DataFrame({"target": rows.ravel(), "rater": cols.ravel(), "score": x.ravel()})
    with warnings.catch_warnings():  # pingouin 0.7 uses what pandas 3.1 deprecates
        warnings.simplefilter("ignore")
        theirs = pingouin.intraclass_corr(frame, targets="target", raters="rater", ratings="score")
    ends = theirs[[name for name in theirs.columns if name.startswith("CI95")]].iloc[:, 0]
    for i, (kind, value) in enumerate(published.items()):
        found = reliability.icc(x, kind=kind)
        assert found.effect == pytest.approx(value, abs=0.006)
        assert found.effect == pytest.approx(theirs["ICC"].iloc[i], rel=1e-9)
        assert found.f == pytest.approx(theirs["F"].iloc[i], rel=1e-9)
        np.testing.assert_allclose((found.low, found.high), ends.iloc[i], atol=0.006)  # pingouin rounds to 2 decimals


def test_dice_equals_set_arithmetic():
    a, b = (np.random.default_rng(i).random(50) < 0.4 for i in (0, 1))
    first, second = set(np.flatnonzero(a)), set(np.flatnonzero(b))
    assert reliability.dice(a, b) == pytest.approx(2 * len(first & second) / (len(first) + len(second)))


def test_empirical_logit_is_the_logit_of_the_log_linear_rate():
    k = np.arange(11)
    np.testing.assert_allclose(effects.empirical_logit(k, 10), np.log((k + 0.5) / (10 - k + 0.5)))
