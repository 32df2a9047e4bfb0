"""Which test holds which vector of the statistics specification (its section 9), and those not held elsewhere.

V1  test_v1_patient_df
V3  test_v3_case_at_two_sds
V4  test_v4_differences
V6  test_v6_bayesian_difference
V9  test_v9_z_inflation_is_what_the_t_avoids
V10 test_v10_mcnemar
V11 test_v11_multiplicity
V11 test_v11_bonferroni
V12 test_v12_tost_from_summaries
V12 test_v12_tost_from_data
V15 test_v15_bootstrap_of_a_mean
V15 test_v15_a_million_resamples
V15 test_v15_law_school_and_spatial
V15 test_v15_two_sample_acceleration
V16 test_v16_v17_conditional_logit_of_pairs
V17 test_v16_v17_conditional_logit_of_pairs
V19 test_v19_jzs
V20 test_tfce__of_a_known_line_approaches_its_integral
V21 test_v21_phipson_and_smyth
V23 test_v23_signal_detection
V23 test_v23_mafc
V23 test_v23_a_prime
V24 test_v24_freedman_lane
V26 test_v26_cka_and_procrustes
V27 test_v27_rdms_and_comparators
V27 test_v27_whitened_comparators
V29 test_v29_split_half
V29 test_v29_alpha_and_fisher_mean
V30 test_v30_zachary
V32 test_v32_matched_controls
V33 test_v33_dose_response
V34 test_v34_degeneracy
V36 test_v36_max_t
V37 test_v37_paired_sign_flip_and_independent_shuffle
V38 test_v38_selectivity
V38 test_v38_selectivity_index
V39 test_v39_power_of_t_tests
V42 test_v42_proportions
V43 test_v43_cka_of_independent_sets
V43 test_v43_at_its_stated_size
"""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import (
    design_check,
    effects,
    information,
    intervals,
    multiplicity,
    paired,
    permutation,
    similarity,
    single_case,
)

#: Every vector of section 9 that the specification prints.
VECTORS = {
    1,
    3,
    4,
    6,
    9,
    10,
    11,
    12,
    15,
    16,
    17,
    19,
    20,
    21,
    23,
    24,
    26,
    27,
    29,
    30,
    32,
    33,
    34,
    36,
    37,
    38,
    39,
    42,
    43,
}


def test_the_table_names_a_test_for_every_vector():
    named = re.findall(r"V(\d+)\s+(test_\w+)", __doc__)
    here = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert {int(vector) for vector, _ in named} == VECTORS
    assert not [name for _, name in named if f"def {name}(" not in here]


def test_v11_bonferroni():
    # statistics.md V11 (Benjamini & Hochberg 1995): at .05 Bonferroni rejects 3
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759]
    found = multiplicity.bonferroni([*p, 1.0])
    assert found.reject.sum() == 3
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    np.testing.assert_allclose(found.p, multitest.multipletests([*p, 1.0], method="bonferroni")[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "low", "high"), [("basic", 23.77, 79.12), ("percentile", 28.86, 84.21), ("bca", 32.31, 91.43)]
)
def test_v15_a_million_resamples(method, low, high):
    # statistics.md V15 (R's boot, by way of scipy's tests): rtol .005 at 1e6 resamples
    x = [10, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34, 50, 81, 89, 121, 134, 213]
    found = intervals.bootstrap(x, method=method, n_resamples=1_000_000, rng=0)
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.005)


@pytest.mark.parametrize(
    ("table", "beta", "se", "tolerance"),
    [([[794, 86], [150, 570]], 0.5562880, 0.1352574, 5e-7), ([[42, 8], [18, 32]], 0.8109, 0.4249, 1e-4)],
)
def test_v16_v17_conditional_logit_of_pairs(table, beta, se, tolerance):
    # statistics.md V16 (closed form) and V17 (R survival::clogit): for pairs it is the log of McNemar's odds ratio
    found = paired.mcnemar(table)
    assert np.log(found.effect) == pytest.approx(beta, rel=tolerance)
    assert np.log(found.high / found.low) / (2 * sps.norm.ppf(0.975)) == pytest.approx(se, rel=tolerance)


def test_v16_equals_statsmodels():
    discrete = pytest.importorskip("statsmodels.discrete.conditional_models")
    y = np.array([[1, 1]] * 42 + [[1, 0]] * 8 + [[0, 1]] * 18 + [[0, 0]] * 32)
    split = y[y[:, 0] != y[:, 1]]  # only discordant pairs say anything
    x, items = np.tile([0.0, 1.0], len(split))[:, None], np.repeat(np.arange(len(split)), 2)
    theirs = discrete.ConditionalLogit(split.ravel(), x, groups=items).fit(disp=False)
    found = paired.mcnemar(paired.pairs_table(y[:, 0], y[:, 1]))
    assert np.log(found.effect) == pytest.approx(theirs.params[0], rel=5e-5)  # its optimiser stops there
    np.testing.assert_allclose(np.log([found.low, found.high]), theirs.conf_int()[0], rtol=1e-3)


def test_v27_whitened_comparators():
    # statistics.md V27 (rsatoolbox 0.3.2)
    x = np.array([[1, 2, 0, 1], [0, 1, 3, 1], [2, 2, 2, 0], [1, 0, 1, 4], [3, 1, 0, 2]])
    y = np.array([[2, 1, 0], [0, 2, 1], [1, 3, 1], [0, 1, 4], [2, 0, 1]])
    a, b = similarity.rdm(x), similarity.rdm(y)
    np.testing.assert_allclose(b[:4], [2, 2, 20 / 3, 2 / 3], rtol=1e-12)
    for method, value in (("tau-b", 0.45250923), ("cosine_cov", 0.77955070), ("corr_cov", 0.52291754)):
        assert similarity.compare_rdms(a, b, method=method) == pytest.approx(value, abs=5e-9)
    assert similarity.compare_rdms(a, b, method="cosine_cov") == pytest.approx(similarity.cka(x, y, debiased=False))


def test_v32_matched_controls():
    # statistics.md V32: 19 controls; the rank p beside the t, which believes in normal controls
    drops = [0.02, 0.05, 0.01, 0.04, 0.03, 0.06, 0.02, 0.03, 0.05, 0.04, 0.01, 0.03, 0.02, 0.04, 0.05, 0.03, 0.02, 0.06]
    drops.append(0.04)
    found = single_case.crawford_howell(0.19, drops, alternative="greater")
    assert (found.t, found.z_cc) == pytest.approx((9.8666667, 10.123), rel=1e-5)
    assert found.p == pytest.approx(5.4879e-9, rel=1e-4)
    beyond = sum(drop >= 0.19 for drop in drops)
    assert permutation.exact_p(beyond, 19) == permutation.p_floor("rank", n=19) == 0.05


def gaussian(mixing, noise=0.1, output_noise=0.5):
    """Units mix sources and add noise; the output is their sum and noise of its own."""
    units = np.asarray(mixing, dtype=float) @ np.asarray(mixing, dtype=float).T + noise * np.eye(len(mixing))
    total = units.sum(axis=0)
    return np.block([[units, total[:, None]], [total[None], np.array([[total.sum() + output_noise]])]])


@pytest.mark.parametrize(
    ("mixing", "expected"),
    [
        (np.ones((3, 1)), (0.9809971, 1.8432684, 1.4877648)),
        (np.eye(3), (-0.4107007, -0.5014502, 1.0140741)),
        ([[1, 0], [1, 1], [0, 1]], (0.3891151, 0.3760148, 1.4339495)),
    ],
)
def test_v34_degeneracy(mixing, expected):
    # statistics.md V34 (nats)
    found = information.degeneracy(gaussian(mixing), 3)
    assert (found.effect, found.redundancy, found.information) == pytest.approx(expected, abs=6e-8)


def test_degeneracy_equals_a_loop_and_drawn_subsets_agree():
    covariance = np.cov(
        np.random.default_rng(0).normal(size=(60, 7)) @ np.random.default_rng(1).normal(size=(7, 7)), rowvar=False
    )
    found, n = information.degeneracy(covariance, 5), 5

    def mutual(units):
        both = [*units, 5, 6]
        parts = [np.linalg.det(covariance[np.ix_(at, at)]) for at in (list(units), [5, 6], both)]
        return 0.5 * np.log(parts[0] * parts[1] / parts[2])

    slow = sum(np.mean([mutual(s) for s in combinations(range(n), k)]) - k / n * mutual(range(n)) for k in range(1, 6))
    assert found.effect == pytest.approx(slow, rel=1e-9)
    assert found.information == pytest.approx(information.gaussian_information(covariance, range(5), [5, 6]))
    assert found.redundancy == pytest.approx(sum(mutual([j]) for j in range(n)) - mutual(range(n)))
    drawn = information.degeneracy(covariance, 5, n_draws=8, rng=0)
    assert (drawn.exact, found.exact) == (False, True)
    assert drawn.effect == pytest.approx(found.effect, abs=0.15)


def test_information_is_that_of_regression():
    # -log(1 - R^2) / 2 of the output on the units
    x = np.random.default_rng(2).normal(size=(40, 3))
    y = x @ [1.0, -0.5, 0.2] + np.random.default_rng(3).normal(size=40)
    centred, seen = x - x.mean(axis=0), y - y.mean()
    left = seen - centred @ np.linalg.lstsq(centred, seen, rcond=None)[0]
    explained = 1 - (left @ left) / (seen @ seen)
    found = information.gaussian_information(np.cov(np.column_stack((x, y)).T), [0, 1, 2], [3])
    assert found == pytest.approx(-0.5 * np.log(1 - explained))


def test_v38_selectivity_index():
    # statistics.md V38: A = 3 4 5, B = 1 2 3
    assert effects.selectivity_index([3, 4, 5], [1, 2, 3]) == pytest.approx(1 / 3, rel=1e-12)
    assert effects.selectivity_index([1, 2, 3], [3, 4, 5]) == pytest.approx(-1 / 3, rel=1e-12)


def test_v39_power_of_t_tests():
    # statistics.md V39 (G*Power)
    assert design_check.t_n_needed(0.5, design="two-sample") == pytest.approx(63.7656106, rel=1e-7)
    assert design_check.t_n_needed(0.5) == pytest.approx(33.3671312, rel=1e-7)
    assert design_check.t_power(0.5, n=64, design="two-sample") == pytest.approx(0.8014596, rel=1e-7)


@pytest.mark.parametrize(("ours", "theirs"), [("two-sided", "two-sided"), ("greater", "larger"), ("less", "smaller")])
def test_power_equals_statsmodels(ours, theirs):
    module = pytest.importorskip("statsmodels.stats.power")
    for effect, n in ((0.4, 12), (-0.4, 12), (1.1, 7)):
        one = module.TTestPower().power(effect, n, 0.05, alternative=theirs)
        two = module.TTestIndPower().power(effect, n, 0.05, alternative=theirs)
        assert design_check.t_power(effect, n=n, alternative=ours) == pytest.approx(one, abs=1e-9)
        assert design_check.t_power(effect, n=n, design="two-sample", alternative=ours) == pytest.approx(two, abs=1e-9)


@pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
@pytest.mark.parametrize("effect", [-20.0, -40.0, -100.0, 35.0, 1e50])
def test_power_far_from_the_null_is_one_or_nothing(effect, alternative):
    # T13: scipy.stats.nct is nan there
    expected = float(alternative == "two-sided" or (effect > 0) == (alternative == "greater"))
    assert single_case.power(effect, n=28, alternative=alternative) == pytest.approx(expected, abs=1e-9)
    assert design_check.t_power(effect, n=28, alternative=alternative) == pytest.approx(expected, abs=1e-9)


def test_v43_at_its_stated_size():
    # statistics.md V43 (Brain-Score): 1,000 stimuli, 10,000 features
    x, y = np.random.default_rng(0).standard_normal((2, 1_000, 10_000), dtype=np.float32)
    assert abs(similarity.cka(x, y)) < 0.1
    assert similarity.cka(x, y, debiased=False) > 0.9


def test_error_consistency_equals_scikit_learn_fisher_and_a_loop():
    # Geirhos et al. (2020): kappa of right and wrong
    metrics = pytest.importorskip("sklearn.metrics")
    stream = np.random.default_rng(4)
    x = stream.random(12) < 0.6
    y = np.where(stream.random(12) < 0.6, x, stream.random(12) < 0.5)
    found = paired.error_consistency(x, y)
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(x, y))
    assert found.observed == np.mean(x == y)
    assert found.expected == pytest.approx(x.mean() * y.mean() + (1 - x.mean()) * (1 - y.mean()))
    assert found.kappa == pytest.approx((found.observed - found.expected) / (1 - found.expected))
    assert found.p == pytest.approx(sps.fisher_exact(paired.pairs_table(x, y), alternative="greater").pvalue)
    shuffled = [np.isin(np.arange(12), chosen) for chosen in combinations(range(12), int(y.sum()))]
    assert found.p == pytest.approx(np.mean([(x & other).sum() >= (x & y).sum() for other in shuffled]))
    assert found.low < found.effect < found.high
    best = paired.error_consistency(x, x)
    assert (best.effect, best.p) == (1, pytest.approx(best.p_floor))
