"""False alarms of the permutation tests of likeness and of partitions; what debiasing and cross-validation promise."""

import numpy as np
import pytest

from neurolab.stats import graphs, similarity

SIMULATIONS = 200


def test_row_shuffle_keeps_its_level_for_wide_random_sets(calibrated):
    stream = np.random.default_rng(0)
    p, values = [], []
    for i in range(SIMULATIONS):
        x, y = stream.normal(size=(2, 12, 60))
        found = similarity.row_shuffle(x, y, n_permutations=19, rng=i)
        p.append(found.p)
        values.append(found.effect)
    calibrated(np.array(p) <= 0.05, 0.05)
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(SIMULATIONS)  # debiased: 0 in the mean


def test_row_shuffle_has_power():
    stream, p = np.random.default_rng(1), []
    for i in range(50):
        x = stream.normal(size=(20, 10))
        p.append(similarity.row_shuffle(x, x + 1.2 * stream.normal(size=(20, 10)), n_permutations=19, rng=i).p)
    assert np.mean(np.array(p) <= 0.05) > 0.8


def test_crossnobis_is_unbiased_at_zero_and_above(calibrated):
    stream, conditions, runs = np.random.default_rng(2), np.tile([0, 1], 5), np.repeat(np.arange(5), 2)
    for shift in (0.0, 0.5):
        values = []
        for _ in range(SIMULATIONS):
            x = stream.normal(size=(10, 30)) + shift * conditions[:, None]
            values.append(similarity.crossnobis(x, conditions, runs)[0])
        mean, se = np.mean(values), np.std(values, ddof=1) / np.sqrt(SIMULATIONS)
        assert abs(mean - shift**2) < 4 * se
        if shift == 0:
            calibrated(np.array(values) > 0, 0.5)  # about even: never clip it


def test_the_true_model_scores_between_the_ceilings_in_the_mean():
    stream, below, above = np.random.default_rng(3), [], []
    truth = stream.random(45)
    for _ in range(SIMULATIONS):
        rdms = truth + 0.4 * stream.normal(size=(8, 45))
        found = similarity.noise_ceiling(rdms)
        score = np.mean([similarity.compare_rdms(truth, one) for one in rdms])
        below.append(score - found.low)
        above.append(found.high - score)
    assert np.mean(below) > 0
    assert np.mean(above) > 0


@pytest.mark.parametrize("measure", ["ari", "nmi"])
def test_agreement_keeps_its_level(calibrated, measure):
    # at the edge: the attainable level of a discrete statistic, from the same shuffles
    stream, p = np.random.default_rng(4), []
    sizes = np.repeat([0, 1, 2], (8, 12, 10))
    for i in range(SIMULATIONS):
        a, b = stream.permutation(sizes), stream.permutation(sizes)
        p.append(graphs.agreement(a, b, measure=measure, n_permutations=99, rng=i).p)
    calibrated(np.array(p) <= 0.05, 0.05)


@pytest.mark.parametrize("measure", ["modularity", "normalised_cut"])
def test_partition_test_keeps_its_level_and_finds_modules(calibrated, measure):
    stream, p, found = np.random.default_rng(5), [], []
    labels = np.repeat([0, 1, 2], 8)
    same = labels[:, None] == labels
    for i in range(SIMULATIONS):
        upper = np.triu(stream.random((24, 24)), 1)
        adjacency = upper + upper.T
        p.append(graphs.partition_test(adjacency, labels, measure=measure, n_permutations=39, rng=i).p)
        if i < 40:
            planted = graphs.partition_test(adjacency + 0.2 * same, labels, measure=measure, n_permutations=39, rng=i)
            found.append(planted.p <= 0.05)
    calibrated(np.array(p) <= 0.05, 0.05)
    assert np.mean(found) > 0.9
