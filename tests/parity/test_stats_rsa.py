"""RSA against rsatoolbox, and its test against slow loops: influences, and variances over stimuli and people."""

import itertools

import numpy as np
import pytest
from rsatoolbox.inference import boot_noise_ceiling
from rsatoolbox.rdm import RDMs
from rsatoolbox.rdm import compare as their_compare
from scipy import stats
from scipy.spatial.distance import pdist

from neurolab.analysis import RSA, compare, dissimilarities
from neurolab.rdms import make_rdms
from neurolab.recording import make_recording
from neurolab.stats.rsa import _dyadic, influences, rsa_test
from neurolab.stats.similarity import noise_ceiling


def geometry(n=12, k=2, seed=0, ties=False):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, 5))
    values = np.array([pdist(x + draw.normal(size=x.shape), "correlation") for _ in range(k)])
    return np.round(values, 1) if ties else values


@pytest.mark.parametrize("method", ["spearman", "corr", "cosine"])
@pytest.mark.parametrize("ties", [False, True])
def test_scores__equal_those_of_rsatoolbox(method, ties):
    models, data = geometry(k=3, ties=ties), geometry(k=4, seed=1)
    ours = influences(models, data, method=method).score
    np.testing.assert_allclose(ours, their_compare(RDMs(models), RDMs(data), method=method), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["spearman", "corr", "cosine"])
def test_compare__equals_rsatoolbox_from_recording_to_ceiling(method):
    draw = np.random.default_rng(3)
    ids = {"stimulus_id": [f"s{k}" for k in range(15)], "condition": ["c"] * 15}
    seen = make_recording(draw.normal(size=(15, 20)), presentation=ids, kind="ann")
    data = geometry(15, 4, seed=4)
    brain = make_rdms(data, stimuli=ids["stimulus_id"], kind="brain")
    found = compare(seen, brain, metric=RSA(method=method))
    theirs = their_compare(RDMs(pdist(seen.values, "correlation")[None]), RDMs(data), method=method)[0]
    np.testing.assert_allclose(found["score"].values[0], theirs, rtol=0, atol=1e-10)
    low, high = boot_noise_ceiling(RDMs(data), method=method)
    assert float(found["ceiling_low"]) == pytest.approx(low, abs=1e-10)
    assert float(found["ceiling_high"]) == pytest.approx(high, abs=1e-10)
    np.testing.assert_allclose(found["ceiling"].values, noise_ceiling(data, method=method).lower, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(dissimilarities(seen).values[0], pdist(seen.values, "correlation"))


def weighted_score(a, b, weights, method):
    """The score of pairs that count ``weights`` times each, by a slow loop; ranks are middles of weighted ties."""
    if method == "spearman":
        a, b = ([sum(w for w, x in zip(weights, v) if x < one) + sum(w for w, x in zip(weights, v) if x == one) / 2
                 for one in v] for v in (a, b))  # fmt: skip
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if method != "cosine":
        a, b = a - np.average(a, weights=weights), b - np.average(b, weights=weights)
    return (weights * a * b).sum() / np.sqrt((weights * a * a).sum() * (weights * b * b).sum())


@pytest.mark.parametrize("method", ["spearman", "corr", "cosine"])
def test_influence__is_the_slope_of_the_score_in_the_weight_of_a_pair(method):
    a, b = geometry(12, 2, seed=5)
    found, step = influences(a, b, method=method), 1e-5
    assert abs(found.influence.mean()) < 1e-12
    slopes = []
    for pair in range(0, len(a), 7):
        ends = []
        for sign in (1, -1):
            weights = np.ones(len(a))
            weights[pair] += sign * step
            ends.append(weighted_score(a, b, weights, method))
        slopes.append((ends[0] - ends[1]) / (2 * step) * len(a))
    np.testing.assert_allclose(found.influence[0, 0, ::7], slopes, rtol=0, atol=2e-6)


def test_variance_over_stimuli__is_a_double_loop_over_pairs_that_share_one():
    n = 11
    influence = np.random.default_rng(0).normal(size=n * (n - 1) // 2)
    influence -= influence.mean()
    pairs = list(itertools.combinations(range(n), 2))
    total = sum(
        influence[i] * influence[j] for i, j in itertools.product(range(len(pairs)), repeat=2)
        if set(pairs[i]) & set(pairs[j])
    )  # fmt: skip
    least = (influence**2).sum()
    expected = max(total, least) / len(pairs) ** 2 * n / (n - 1)
    assert float(_dyadic(influence, n)) == pytest.approx(expected, rel=1e-12)
    by_stimulus = np.add.outer(*[np.arange(n)] * 2)[np.triu_indices(n, 1)] - (n - 1.0)  # stimuli drive all pairs
    by_stimulus -= by_stimulus.mean()
    assert float(_dyadic(by_stimulus, n)) > 3 * (by_stimulus**2).sum() / len(pairs) ** 2


def test_t__over_people_and_stimuli_by_hand():
    data, (one, other) = geometry(14, 5, seed=2), geometry(14, 2, seed=9)
    found = influences([one, other], data)
    apart, pull = found.score[0] - found.score[1], found.influence[0] - found.influence[1]
    common = pull.mean(axis=0)
    stimuli, subjects = float(_dyadic(common, 14)), apart.var(ddof=1) / 5
    own = sum(float(_dyadic(row - common, 14)) for row in pull) / (5 * 4)
    variance = max(stimuli, subjects, stimuli + subjects - own)
    df = np.clip(variance**2 / (subjects**2 / 4 + stimuli**2 / 13), 4, 17)
    test = rsa_test(apart, pull)
    t = apart.mean() / np.sqrt(variance)
    assert float(test.p) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-10)
    assert float(test.high - test.low) == pytest.approx(2 * stats.t.ppf(0.975, df) * np.sqrt(variance), rel=1e-10)
    single = rsa_test(apart[:1], pull[:1])
    assert float(single.df) == 13
    assert float(single.se) == pytest.approx(np.sqrt(float(_dyadic(pull[0], 14))))
    assert float(rsa_test(apart[:3], pull[:3]).df) == 2  # too few people to estimate the degrees of freedom
    sides = [float(rsa_test(apart, pull, alternative=side).p) for side in ("greater", "less")]
    assert sum(sides) == pytest.approx(1)


def test_a_difference_of_nothing__has_p_one_and_an_interval_of_nothing():
    test = rsa_test(np.zeros(4), np.zeros((4, 45)))
    assert (float(test.p), float(test.low), float(test.high)) == (1.0, 0.0, 0.0)
