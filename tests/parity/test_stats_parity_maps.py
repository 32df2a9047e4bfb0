"""Maps per column against scipy, statsmodels and nilearn."""

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import maps

ALTERNATIVES = ["two-sided", "greater", "less"]


@pytest.fixture
def two():
    stream = np.random.default_rng(0)
    return stream.normal(0.4, 2, (12, 7)), stream.normal(0, 1, (9, 7))


def same(ours, theirs, alternative):
    np.testing.assert_allclose(ours.statistic, theirs.statistic, rtol=1e-11)
    np.testing.assert_allclose(ours.p, theirs.pvalue, rtol=1e-9)
    np.testing.assert_allclose(ours.df, theirs.df, rtol=1e-11)
    if alternative == "two-sided":
        ends = theirs.confidence_interval(0.95)
        np.testing.assert_allclose(ours.low, ends.low, rtol=1e-9)
        np.testing.assert_allclose(ours.high, ends.high, rtol=1e-9)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_t_maps_equal_scipy(two, alternative):
    a, b = two
    same(
        maps.welch_t(a, b, alternative=alternative),
        sps.ttest_ind(a, b, equal_var=False, alternative=alternative),
        alternative,
    )
    same(maps.pooled_t(a, b, alternative=alternative), sps.ttest_ind(a, b, alternative=alternative), alternative)
    same(
        maps.paired_t(a[:9], b, alternative=alternative), sps.ttest_rel(a[:9], b, alternative=alternative), alternative
    )
    same(
        maps.one_sample_t(a, popmean=0.3, alternative=alternative),
        sps.ttest_1samp(a, 0.3, alternative=alternative),
        alternative,
    )
    np.testing.assert_allclose(maps.welch_t(a, b).effect, a.mean(0) - b.mean(0))


def test_v38_selectivity():
    # statistics.md V38: A = 3 4 5, B = 1 2 3
    a, b = np.array([[3.0], [4], [5]]), np.array([[1.0], [2], [3]])
    assert maps.d_prime(a, b)[0] == 2
    found = maps.welch_t(a, b)
    assert found.statistic[0] == pytest.approx(2.4494897, rel=1e-7)
    assert found.p[0] == pytest.approx(0.0704840, rel=1e-6)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("ties", [False, True])
def test_rank_map_equals_scipy(two, alternative, ties):
    a, b = (np.round(x) if ties else x for x in two)
    found = maps.rank_auc(a, b, alternative=alternative)
    scipy_test = sps.mannwhitneyu(a, b, axis=0, method="asymptotic", alternative=alternative)
    np.testing.assert_allclose(found.effect, scipy_test.statistic / (len(a) * len(b)), rtol=1e-12)
    np.testing.assert_allclose(maps.auc(a, b), found.effect, rtol=1e-12)
    np.testing.assert_allclose(found.p, scipy_test.pvalue, rtol=1e-9)


def test_rank_map_of_even_ranks_has_p_one():
    a, b = np.array([[1.0], [4.0]]), np.array([[2.0], [3.0]])  # U = n_a n_b / 2 exactly
    found = maps.rank_auc(a, b)
    assert (found.statistic[0], found.p[0], found.effect[0]) == (0, 1, 0.5)
    assert found.p[0] == sps.mannwhitneyu(a[:, 0], b[:, 0], method="asymptotic").pvalue


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_glm_equals_statsmodels(alternative):
    api = pytest.importorskip("statsmodels.api")
    stream = np.random.default_rng(1)
    y, x = stream.normal(size=(20, 5)), np.column_stack((stream.normal(size=(20, 3)), np.ones(20)))
    contrast = np.array([1.0, -1.0, 0.5, 0.0])
    found = maps.glm_t(y, x, contrast, alternative=alternative)
    for j in range(5):
        theirs = api.OLS(y[:, j], x).fit().t_test(contrast)
        assert found.statistic[j] == pytest.approx(theirs.tvalue.item(), rel=1e-9)
        assert found.effect[j] == pytest.approx(theirs.effect.item(), rel=1e-9)
        two_sided = theirs.pvalue.item()
        one = two_sided / 2 if (theirs.tvalue.item() > 0) == (alternative == "greater") else 1 - two_sided / 2
        assert found.p[j] == pytest.approx(two_sided if alternative == "two-sided" else one, rel=1e-8)
        np.testing.assert_allclose([found.low[j], found.high[j]], np.ravel(theirs.conf_int()), rtol=1e-9)


def test_glm_two_sided_where_nilearn_is_one_sided():
    # T7: nilearn's Contrast.p_value() is one-sided
    glm = pytest.importorskip("nilearn.glm.first_level")
    from nilearn.glm.contrasts import compute_contrast

    stream = np.random.default_rng(2)
    x = np.column_stack((stream.normal(size=24), np.ones(24)))
    y = stream.normal(size=(24, 4)) + x[:, :1]
    labels, results = glm.run_glm(y, x, noise_model="ols")
    theirs = compute_contrast(labels, results, np.array([1.0, 0.0]), stat_type="t")
    found = maps.glm_t(y, x, [1.0, 0.0])
    np.testing.assert_allclose(found.statistic, np.ravel(theirs.stat()), rtol=1e-8)
    np.testing.assert_allclose(found.p, 2 * np.ravel(theirs.p_value()), rtol=1e-6)


def test_glm_of_two_groups_is_the_pooled_t():
    stream = np.random.default_rng(3)
    a, b = stream.normal(1, 1, (6, 3)), stream.normal(0, 1, (8, 3))
    design = np.zeros((14, 2))
    design[:6, 0] = design[6:, 1] = 1
    glm, pooled = maps.glm_t(np.concatenate((a, b)), design, [1, -1]), maps.pooled_t(a, b)
    np.testing.assert_allclose(glm.statistic, pooled.statistic, rtol=1e-10)


def test_t6_dead_and_silent_columns_are_masked():
    # T6: 0/0 is nan in scipy and constant-but-different gives t = inf, p = 0
    stream = np.random.default_rng(4)
    a, b = stream.normal(1, 1, (6, 5)), stream.normal(0, 1, (6, 5))
    a[:, 1], b[:, 1] = 0.1, 0.1  # dead (0.1 has a rounded mean: its computed variance is not 0)
    a[:, 2], b[:, 2] = 1.0, 0.0  # constant but different
    a[2, 3] = np.nan
    b[:, 4] = 0.0  # silent in one condition
    found = maps.welch_t(a, b)
    np.testing.assert_array_equal(found.valid, [True, False, False, False, False])
    np.testing.assert_array_equal(found.p[1:], 1)
    np.testing.assert_array_equal(found.statistic[1:], 0)
    assert found.effect[2] == 1
    assert np.isnan(found.effect[3])
    assert found.p[0] == pytest.approx(sps.ttest_ind(a[:, 0], b[:, 0], equal_var=False).pvalue)
    ranked = maps.rank_auc(a, b)
    np.testing.assert_array_equal(ranked.valid, [True, False, True, False, True])
    for kind in (maps.pooled_t(a, b), maps.paired_t(a, b), ranked, maps.one_sample_t(a)):
        assert np.isfinite(kind.p).all()
        assert np.isfinite(kind.statistic).all()
        assert (kind.p[~kind.valid] == 1).all()
        assert (kind.p > 0).all()


def test_enormous_t_has_no_zero_p():
    a = np.random.default_rng(5).normal(size=(200, 1))
    assert maps.welch_t(a + 1e6, a).p[0] > 0


def test_d_prime_is_zero_where_dead_and_nan_where_undefined():
    a, b = np.array([[0.0, 1.0, np.nan]] * 3), np.zeros((3, 3))
    np.testing.assert_array_equal(maps.d_prime(a, b), [0.0, np.nan, np.nan])
