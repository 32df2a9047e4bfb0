"""Invariances of similarity measures and of partition scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.stats import graphs, similarity

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10**6)
MEASURES = {
    "debiased": similarity.cka,
    "biased": lambda x, y: similarity.cka(x, y, debiased=False),
    "angle": similarity.procrustes_angle,
    "disparity": similarity.procrustes,
}


def pair(seed, n=9):
    stream = np.random.default_rng(seed)
    x = stream.normal(size=(n, 4))
    return x, x @ stream.normal(size=(4, 5)) + 0.3 * stream.normal(size=(n, 5))


@QUICK
@given(SEEDS, st.sampled_from(list(MEASURES)), st.floats(0.01, 100), st.floats(-50, 50))
def test_rotation_scale_and_shift_change_nothing(seed, name, scale, shift):
    x, y = pair(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(5, 5)))[0]
    assert MEASURES[name](x, scale * y @ rotation + shift) == pytest.approx(MEASURES[name](x, y), abs=1e-7)


@QUICK
@given(SEEDS, st.sampled_from(list(MEASURES)))
def test_symmetric_and_free_of_the_order_of_stimuli_and_neuroids(seed, name):
    x, y = pair(seed)
    order = np.random.default_rng(seed).permutation(9)
    value = MEASURES[name](x, y)
    assert MEASURES[name](y, x) == pytest.approx(value, abs=1e-9)
    assert MEASURES[name](x[order][:, ::-1], y[order]) == pytest.approx(value, abs=1e-9)


@QUICK
@given(SEEDS)
def test_a_set_is_like_itself_and_bounds_hold(seed):
    x, y = pair(seed)
    assert similarity.cka(x, x) == pytest.approx(1)
    assert similarity.procrustes_angle(x, x) == pytest.approx(0, abs=1e-6)
    assert 0 <= similarity.cka(x, y, debiased=False) <= 1 + 1e-12
    assert 0 <= similarity.procrustes(x, y) <= 1


@QUICK
@given(SEEDS)
def test_the_angle_is_a_metric(seed):
    x, y = pair(seed)
    z = np.random.default_rng(seed + 2).normal(size=(9, 3))
    angle = similarity.procrustes_angle
    assert angle(x, z) <= angle(x, y) + angle(y, z) + 1e-9


@QUICK
@given(SEEDS, st.sampled_from(["spearman", "tau-a", "rho-a", "corr", "cosine"]), st.floats(0.1, 50))
def test_comparators_ignore_what_they_promise_to_ignore(seed, method, factor):
    a, b = np.random.default_rng(seed).random((2, 10))
    value = similarity.compare_rdms(a, b, method=method)
    assert -1 - 1e-12 <= value <= 1 + 1e-12
    assert similarity.compare_rdms(b, a, method=method) == pytest.approx(value)
    assert similarity.compare_rdms(factor * a, b, method=method) == pytest.approx(value)
    assert similarity.compare_rdms(a, a, method=method) == pytest.approx(1)
    if method != "cosine":
        assert similarity.compare_rdms(a + factor, b, method=method) == pytest.approx(value)
    if method in ("spearman", "tau-a", "rho-a"):
        assert similarity.compare_rdms(np.exp(a), b, method=method) == pytest.approx(value)


@QUICK
@given(SEEDS, st.sampled_from(["spearman", "rho-a", "corr", "cosine"]))
def test_the_upper_ceiling_is_above_the_lower_and_above_any_model(seed, method):
    stream = np.random.default_rng(seed)
    rdms = stream.random((5, 15)) + 0.5 * stream.random(15)
    found = similarity.noise_ceiling(rdms, method=method)
    assert found.low <= found.high + 1e-12
    if method in ("corr", "cosine"):  # where pooling is exactly optimal
        model = stream.random(15)
        scores = [similarity.compare_rdms(model, one, method=method) for one in rdms]
        assert np.mean(scores) <= found.high + 1e-12


@QUICK
@given(SEEDS, st.integers(2, 4))
def test_renaming_nodes_and_modules_and_scaling_change_no_cut(seed, k):
    stream = np.random.default_rng(seed)
    upper = np.triu(stream.random((10, 10)), 1)
    adjacency, labels = upper + upper.T, stream.permutation(np.arange(10) % k)
    order, names = stream.permutation(10), np.array(["d", "a", "c", "b"])
    for score in (graphs.normalised_cut, graphs.modularity):
        value = score(adjacency, labels)
        assert score(7.0 * adjacency, labels) == pytest.approx(value)
        assert score(adjacency[np.ix_(order, order)], names[labels[order]]) == pytest.approx(value)
    assert 0 <= graphs.normalised_cut(adjacency, labels) <= k
    assert graphs.modularity(adjacency, np.zeros(10)) == pytest.approx(0)
    assert graphs.normalised_cut(adjacency, np.zeros(10)) == 0


@QUICK
@given(st.lists(st.integers(0, 3), min_size=4, max_size=20), SEEDS)
def test_agreement_is_symmetric_and_one_with_itself(a, seed):
    a = np.array(a)
    b = np.random.default_rng(seed).permutation(a)
    for score in (graphs.ari, graphs.nmi):
        assert score(a, a) == pytest.approx(1)
        assert score(a, b) == pytest.approx(score(b, a))
        assert score(10 - a, b) == pytest.approx(score(a, b))
    assert 0 <= graphs.nmi(a, b) <= 1 + 1e-12
    if a.max() > a.min():
        found = graphs.agreement(a, b, n_permutations=19, rng=seed)
        assert found.p_floor <= found.p <= 1
