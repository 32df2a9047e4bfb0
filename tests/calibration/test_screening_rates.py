"""The intervals of a screening's agreement: how often they cover, over random samples of a known population."""

import numpy as np
import pytest
from scipy import stats

from neurolab.screening import TIMES, TOP, agreement

N, EXAMINED = 1000, 64


def population(rho, tails, seed):
    draw = np.random.default_rng(seed)
    both = draw.normal(size=(N, 2)) @ np.linalg.cholesky([[1.0, rho], [rho, 1.0]]).T
    return np.sign(both) * np.abs(both) ** tails


def sampled(both, seed, n_resamples):
    exact = np.full(N, np.nan)
    chosen = np.random.default_rng([seed, 1]).choice(N, EXAMINED, replace=False)
    exact[chosen] = both[chosen, 1]
    return agreement(both[:, 0], exact, n_resamples=n_resamples, rng=seed)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("tails", [1, 3])
def test_spearman__covers(calibrated, rho, tails):
    covered = []
    for seed in range(200):
        both = population(rho, tails, seed)
        _, low, high = sampled(both, seed, 20)["spearman"]
        covered.append(low <= stats.spearmanr(*both.T).statistic <= high)
    calibrated(covered, 0.95)


def test_pearson__is_approximate_at_the_published_rate(calibrated):
    for tails, rate in ((1, 0.93), (2, 0.89)):
        covered = []
        for seed in range(200):
            both = population(0.9, tails, seed)
            _, low, high = sampled(both, seed, 499)["pearson"]
            covered.append(low <= np.corrcoef(*both.T)[0, 1] <= high)
        calibrated(covered, rate)


@pytest.mark.parametrize("rho", [0.3, 0.9, 0.98])
def test_recall__covers_what_is_to_be_expected_of_such_samples(calibrated, rho):
    both = population(rho, 1, 7)
    found = [sampled(both, seed, 20) for seed in range(300)]
    for at in range(len(TIMES)):
        expected = np.mean([one["recall"][at][0] for one in found])
        calibrated([one["recall"][at][1] <= expected <= one["recall"][at][2] for one in found], 0.95, side="lower")


def test_agreement__of_all_units_is_what_a_slow_loop_counts():
    both = population(0.7, 1, 3)
    found = agreement(both[:, 0], both[:, 1], rng=0)
    n_top = int(np.ceil(TOP * N))
    worst = sorted(range(N), key=lambda at: -both[at, 1])[:n_top]
    for times, hits in zip(TIMES, found["found"]):
        first = sorted(range(N), key=lambda at: -both[at, 0])[: n_top * times]
        assert hits == len(set(worst) & set(first))
    assert found["n_top"] == n_top
    np.testing.assert_allclose(found["spearman"], 3 * [stats.spearmanr(*both.T).statistic])
    np.testing.assert_allclose(found["pearson"], 3 * [stats.pearsonr(*both.T).statistic])


def test_ties__never_count_as_found():
    exact = np.where(np.arange(N) < 40, 0.0, np.nan)
    exact[:2] = 1.0
    found = agreement(np.zeros(N), exact, rng=0)
    assert found["n_top"] == 2
    assert found["found"] == [0, 0, 0]
    assert np.isnan(found["spearman"]).all()
    none = agreement(np.arange(N), np.where(np.arange(N) < 40, 0.0, np.nan), rng=0)
    assert none["n_top"] == 0
    assert np.isnan(none["recall"]).all()
