"""The localiser against slow loops over scipy and statsmodels, column by column."""

import itertools

import numpy as np
import pytest
import scipy.stats as sps
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests

from neurolab.analysis import localise
from neurolab.recording import make_recording
from neurolab.simulate import phantom_recording


@pytest.fixture(scope="module")
def recording():
    return phantom_recording(
        n_units=24,
        selective={"faces": 5, "scenes": 3},
        n_stimuli=12,
        conditions=("faces", "objects", "scenes"),
        dead=2,
        n_runs=2,
        rng=3,
    )


def sides(recording, positive, negative):
    values, condition = recording.values, recording["condition"].values
    return values[np.isin(condition, positive)], values[np.isin(condition, negative)]


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_welch_is_scipy_per_column(recording, alternative):
    found = localise(recording, "faces > objects + scenes", alternative=alternative, correction="none")
    a, b = sides(recording, ["faces"], ["objects", "scenes"])
    for k in np.flatnonzero(found["valid"].values):
        t, p = sps.ttest_ind(a[:, k], b[:, k], equal_var=False, alternative=alternative)
        assert found["statistic"].values[k] == pytest.approx(t, rel=1e-10)
        assert found["p"].values[k] == pytest.approx(p, rel=1e-8)
        ends = sps.ttest_ind(a[:, k], b[:, k], equal_var=False).confidence_interval(0.95)
        assert (found["low"].values[k], found["high"].values[k]) == pytest.approx((ends.low, ends.high), rel=1e-8)
        assert found["effect"].values[k] == pytest.approx(a[:, k].mean() - b[:, k].mean())
        spread = np.sqrt((a[:, k].var(ddof=1) + b[:, k].var(ddof=1)) / 2)
        assert found["d_prime"].values[k] == pytest.approx((a[:, k].mean() - b[:, k].mean()) / spread)
        u = sps.mannwhitneyu(a[:, k], b[:, k]).statistic
        assert found["auc"].values[k] == pytest.approx(u / (len(a) * len(b)))


def test_paired_is_scipy_whatever_the_order_of_presentations(recording):
    two = recording.isel(presentation=np.flatnonzero(recording["condition"].values != "scenes"))
    pair = np.concatenate([np.tile(np.arange(12), 2), 100 + np.tile(np.arange(12), 2)])
    two = two.assign_coords(pair=("presentation", pair))
    shuffled = two.isel(presentation=np.random.default_rng(0).permutation(two.sizes["presentation"]))
    found = localise(shuffled, "faces > objects", test="paired")
    condition = two["condition"].values
    a, b = (two.values[condition == name] for name in ("faces", "objects"))
    a, b = a[np.argsort(pair[condition == "faces"])], b[np.argsort(pair[condition == "objects"])]
    for k in np.flatnonzero(found["valid"].values):
        t, p = sps.ttest_rel(a[:, k], b[:, k])
        assert (found["statistic"].values[k], found["p"].values[k]) == pytest.approx((t, p), rel=1e-8)


def test_rank_is_scipy_and_its_effect_is_the_auc(recording):
    found = localise(recording, "faces > objects", test="rank")
    a, b = sides(recording, ["faces"], ["objects"])
    for k in np.flatnonzero(found["valid"].values):
        expected = sps.mannwhitneyu(a[:, k], b[:, k], method="asymptotic")
        assert found["p"].values[k] == pytest.approx(expected.pvalue, rel=1e-8)
        assert found["effect"].values[k] == pytest.approx(expected.statistic / (len(a) * len(b)))
    np.testing.assert_array_equal(found["effect"], found["auc"])


def test_glm_is_statsmodels_ols(recording):
    luminance = np.random.default_rng(1).standard_normal(recording.sizes["presentation"])
    with_light = recording.assign_coords(luminance=("presentation", luminance))
    by_name = localise(with_light, "faces > objects", test="glm", nuisance=["luminance", "run"])
    by_array = localise(
        recording,
        "faces > objects",
        test="glm",
        nuisance=np.column_stack([luminance, recording["run"].values == 1]).astype(float),
    )
    rows = np.flatnonzero(np.isin(recording["condition"].values, ["faces", "objects"]))
    design = np.column_stack(
        [
            recording["condition"].values[rows] == "faces",
            np.ones(len(rows)),
            luminance[rows],
            recording["run"][rows] == 1,
        ]
    ).astype(float)
    for k in np.flatnonzero(by_name["valid"].values):
        fit = sm.OLS(recording.values[rows, k], design).fit()
        assert by_name["statistic"].values[k] == pytest.approx(fit.tvalues[0], rel=1e-8)
        assert by_name["p"].values[k] == pytest.approx(fit.pvalues[0], rel=1e-7)
        assert by_name["effect"].values[k] == pytest.approx(fit.params[0], rel=1e-8)
    np.testing.assert_allclose(by_name["statistic"], by_array["statistic"], rtol=1e-10)


@pytest.mark.parametrize("correction,method", [("fdr", "fdr_bh"), ("by", "fdr_by"), ("holm", "holm")])
def test_corrections_are_statsmodels_over_the_valid_units_only(recording, correction, method):
    found = localise(recording, "faces > objects", correction=correction)
    valid = found["valid"].values
    expected = multipletests(found["p"].values[valid], method=method)[1]
    np.testing.assert_allclose(found["q"].values[valid], expected, rtol=1e-10)
    assert (found["q"].values[~valid] == 1).all()
    assert found.attrs["n_tested"] == valid.sum() == 22


def test_max_t_is_the_brute_force_over_all_relabellings():
    recording = phantom_recording(n_units=5, selective={"faces": 2}, n_stimuli=4, effect=2.0, dead=1, rng=5)
    found = localise(recording, "faces > objects", correction="max_t", rng=0)
    values = recording.values[:, found["valid"].values]
    observed = np.abs(sps.ttest_ind(values[:4], values[4:], equal_var=False).statistic)
    maxima = []
    for chosen in itertools.combinations(range(8), 4):
        first = np.isin(np.arange(8), chosen)
        maxima.append(np.abs(sps.ttest_ind(values[first], values[~first], equal_var=False).statistic).max())
    expected = (np.array(maxima)[:, None] >= observed[None] - 1e-9).mean(axis=0)
    np.testing.assert_allclose(found["q"].values[found["valid"].values], expected)
    assert float(found["q_floor"]) == pytest.approx(2 / 70)


@pytest.mark.parametrize("test,correction", [("welch", "max_t"), ("rank", "fdr"), ("welch", "by")])
def test_same_numbers_give_the_same_bits_from_a_network_a_brain_and_an_array(recording, test, correction):
    values = recording.values.astype(np.float32)
    rows = {name: recording[name].values for name in ("stimulus_id", "condition", "run")}
    as_network = make_recording(values, presentation=rows, kind="ann")
    as_brain = make_recording(np.asfortranarray(values.astype(np.float64)), presentation=rows, kind="brain", units="V")
    settings = {"test": test, "correction": correction, "rng": 0, "n_permutations": 200}
    one, other = (localise(each, "faces > objects", **settings) for each in (as_network, as_brain))
    for name in ("statistic", "p", "q", "effect", "low", "high", "d_prime", "auc"):
        assert one[name].values.tobytes() == other[name].values.tobytes(), name


def test_absolute_is_the_map_of_the_absolute_activity_and_says_so(recording):
    absolute = localise(recording, "faces > objects", signed=False)
    by_hand = localise(abs(recording).assign_attrs(recording.attrs), "faces > objects")
    np.testing.assert_array_equal(absolute["statistic"], by_hand["statistic"])
    assert absolute.attrs["signed"] == 0
    assert by_hand.attrs["signed"] == 1
