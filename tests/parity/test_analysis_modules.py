"""Modules, their measures and their random graphs against networkx, scikit-learn, leidenalg and loops written here."""

import itertools

import networkx as nx
import numpy as np
import pytest
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from neurolab.analysis import Correlation, Leiden, Louvain, Spectral, layered_graph, modules
from neurolab.analysis.agreed import agreement_with, ranked
from neurolab.analysis.partition import search
from neurolab.analysis.unit_graph import OF_ACTIVITY, OF_WEIGHTS, graph_of
from neurolab.recording import make_recording
from neurolab.stats import graphs

KARATE = nx.to_numpy_array(nx.karate_club_graph(), weight=None)
FEW = {"n_null": 3, "n_restarts": 2, "rng": 0}


def planted(n=8, k=3, within=1.0, between=0.1, seed=0):
    draw = np.random.default_rng(seed)
    truth = np.repeat(np.arange(k), n)
    weights = np.where(truth[:, None] == truth, within, between) * draw.uniform(0.5, 1.5, size=(n * k, n * k))
    weights = np.triu(weights, 1)
    return weights + weights.T, truth


def recording_of(values, **neuroid):
    rows = {"stimulus_id": [f"s{at}" for at in range(len(values))], "condition": ["a", "b"] * (len(values) // 2)}
    return make_recording(values, presentation=rows, neuroid=neuroid or None, kind="simulated")


@pytest.mark.parametrize("by", [Louvain(), Leiden()])
def test_communities__reach_the_known_optimum_of_the_karate_club(by):
    # statistics.md V30: the maximum of Q on Zachary's unweighted graph is .4197896
    found = modules(KARATE, by=by, n_null=1, n_restarts=10, rng=0)
    assert float(found["modularity"]) == pytest.approx(0.4197896, abs=1e-7)
    assert float(found["q_restart"].max()) == float(found["modularity"])
    parts = [set(np.flatnonzero(found["label"].values == k)) for k in range(1, int(found["n_modules"]) + 1)]
    drawn = nx.from_numpy_array(KARATE)
    assert float(found["modularity"]) == pytest.approx(nx.community.modularity(drawn, parts))
    assert sorted(map(len, parts), reverse=True) == [len(part) for part in parts]


@pytest.mark.parametrize("weights", [KARATE, planted(between=0.4)[0]], ids=["karate", "weighted"])
@pytest.mark.parametrize("n", [2, 3])
def test_spectral__is_that_of_scikit_learn_and_its_cut_that_of_networkx(weights, n):
    found = modules(weights, by=Spectral(n), **FEW)
    wanted = SpectralClustering(n, affinity="precomputed", assign_labels="kmeans", random_state=0).fit_predict(weights)
    assert adjusted_rand_score(wanted, found["label"].values) == 1.0
    if n == 2:
        first = np.flatnonzero(found["label"].values == 1)
        cut = nx.normalized_cut_size(nx.from_numpy_array(weights), first.tolist(), weight="weight")
        assert float(found["normalised_cut"]) == pytest.approx(cut)


def test_layered_graph__has_the_published_cut():
    # protocols.md: n-cut of the 2-2-2 net with labels 0, 1, 0, 1, 0, 1 is .09890
    graph = layered_graph([[[12, -1.3], [0, 7.4]], [[-8.9, 0.15], [0.23, -5.7]]], names=["in", "hidden", "out"])
    assert graphs.normalised_cut(graph.values, [0, 1, 0, 1, 0, 1]) == pytest.approx(0.0989, abs=5e-6)
    found = modules(graph, by=Spectral(2), **FEW)
    assert found["label"].values.tolist() in ([1, 2, 1, 2, 1, 2], [2, 1, 2, 1, 2, 1])
    assert float(found["normalised_cut"]) == pytest.approx(0.0989, abs=5e-6)
    assert found["layer"].values.tolist() == ["in", "in", "hidden", "hidden", "out", "out"]


@pytest.mark.parametrize("rank", [False, True])
@pytest.mark.parametrize("sign", ["squared", "absolute", "positive"])
def test_edges__are_correlations_of_numpy_and_scipy(sign, rank):
    from scipy.stats import spearmanr

    values = np.random.default_rng(0).normal(size=(20, 6)) + np.random.default_rng(1).normal(size=(20, 1))
    r = spearmanr(values).statistic if rank else np.corrcoef(values.T)
    wanted = {"squared": r**2, "absolute": abs(r), "positive": r.clip(0)}[sign] * (1 - np.eye(6))
    graph = graph_of(recording_of(values), Correlation(sign, rank=rank), None)
    np.testing.assert_allclose(graph.weights, wanted, atol=1e-12)


def test_noise_correlations__are_those_of_residuals():
    draw = np.random.default_rng(2)
    signal, noise = draw.normal(size=(10, 5)), draw.normal(size=(20, 5))
    values = np.repeat(signal, 2, axis=0) + noise
    rows = {"stimulus_id": np.repeat([f"s{at}" for at in range(10)], 2), "condition": ["a"] * 20,
            "repetition": np.tile([0, 1], 10)}  # fmt: skip
    recording = make_recording(values, presentation=rows, kind="simulated")
    graph = graph_of(recording, Correlation("absolute", residual=True), None)
    left = values - np.repeat(values.reshape(10, 2, 5).mean(axis=1), 2, axis=0)
    np.testing.assert_allclose(graph.weights, abs(np.corrcoef(left.T)) * (1 - np.eye(5)), atol=1e-12)


def test_agreement__is_that_of_scikit_learn_and_its_null_that_of_the_floor():
    weights, truth = planted(n=5)
    labels = np.where(np.arange(15) % 4 == 0, (truth + 1) % 3, truth)
    found = modules(weights, by=Spectral(3), labels=labels, n_null=3, n_restarts=1, rng=0)
    ours = found["label"].values
    assert float(found["ari"]) == pytest.approx(adjusted_rand_score(ours, labels))
    assert float(found["nmi"]) == pytest.approx(normalized_mutual_info_score(ours, labels))
    many = agreement_with(graph_of(weights, None, None), ours, labels, 1000, 0.95, np.random.default_rng(0))
    floor = graphs.agreement(ours, labels, n_permutations=1000, rng=1)
    assert many["ari"] - many["ari_effect"] == pytest.approx(floor.null_mean, abs=0.02)
    given = graphs.partition_test(weights, labels, n_permutations=1000, rng=1)
    assert many["given_q"] == pytest.approx(given.effect)
    assert many["given_q"] - many["given_effect"] == pytest.approx(given.null_mean, abs=0.01)
    assert many["given_p"] == pytest.approx(given.p, abs=0.01)


def test_agreement_p__is_that_of_every_rearrangement():
    """A slow loop over all orders of six labels within two layers gives the p that shuffles estimate."""
    weights, _ = planted(n=3, k=2, between=0.6, seed=3)
    graph = graph_of(layered(weights, np.array(["a", "b"] * 3)), None, None)
    labels, ours = np.array(["x", "x", "x", "y", "y", "y"]), np.array([0, 0, 0, 1, 1, 1])
    found, scores = agreement_with(graph, ours, labels, 999, 0.95, np.random.default_rng(0)), []
    for one, other in itertools.product(itertools.permutations([0, 2, 4]), itertools.permutations([1, 3, 5])):
        drawn = labels.copy()
        drawn[[0, 2, 4]], drawn[[1, 3, 5]] = labels[list(one)], labels[list(other)]
        scores.append(adjusted_rand_score(ours, drawn))
    exact = np.mean(np.array(scores) >= adjusted_rand_score(ours, labels) - 1e-12)
    assert exact == 1 / 9
    assert found["ari_p"] == pytest.approx(exact, abs=0.06)


def layered(weights, layer):
    import xarray as xr

    return xr.DataArray(weights, dims=("neuroid", "to"), coords={"layer": ("neuroid", layer)})


def test_p__is_the_rank_among_the_random_graphs_it_reports():
    found = modules(planted(between=0.5)[0], by=Spectral(3), n_null=19, n_restarts=2, rng=0)
    q, null = float(found["modularity"]), found["q_null"].values
    assert float(found["p"]) == (1 + (null >= q).sum()) / 20
    assert float(found["effect"]) == pytest.approx(q - null.mean())
    assert float(found["low"]) == pytest.approx(q - np.quantile(null, 0.975))
    cut = found["cut_null"].values
    assert float(found["cut_effect"]) == pytest.approx(cut.mean() - float(found["normalised_cut"]))
    assert float(found["cut_p"]) == (1 + (cut <= float(found["normalised_cut"])).sum()) / 20
    assert ranked(0.0, np.array([1.0, 2.0]), 0.95)["p"] == 1.0


@pytest.mark.parametrize("null", ["shuffled", "nonzero", "rewired"])
def test_random_graphs_of_weights__keep_what_they_promise(null):
    draw = np.random.default_rng(0)
    weights = np.triu(KARATE * draw.uniform(1, 2, KARATE.shape), 1)
    weights = weights + weights.T
    graph, stream = graph_of(weights, None, None), np.random.default_rng(1)
    drawn = OF_WEIGHTS[null](graph, stream)
    np.testing.assert_array_equal(drawn, drawn.T)
    assert not np.diag(drawn).any()
    assert not np.array_equal(drawn, weights)
    np.testing.assert_allclose(np.sort(drawn[np.triu_indices(34, 1)]), np.sort(weights[np.triu_indices(34, 1)]))
    if null == "nonzero":
        np.testing.assert_array_equal(drawn > 0, weights > 0)
    if null == "rewired":
        np.testing.assert_array_equal((drawn > 0).sum(axis=0), (weights > 0).sum(axis=0))
        assert not np.array_equal(drawn > 0, weights > 0)


def test_shuffled_weights__stay_between_their_two_layers():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(4, 3)), 10 + draw.normal(size=(2, 4))
    graph = graph_of(layered_graph([first, second]), None, None)
    drawn = OF_WEIGHTS["shuffled"](graph, draw)
    np.testing.assert_allclose(np.sort(drawn[3:7, :3].ravel()), np.sort(abs(first).ravel()))
    np.testing.assert_allclose(np.sort(drawn[7:, 3:7].ravel()), np.sort(second.ravel()))
    assert not drawn[7:, :3].any()


def test_matched_correlations__have_the_mean_and_spread_of_the_observed_ones():
    draw = np.random.default_rng(3)
    common, modules_of = draw.normal(size=(60, 1)), draw.normal(size=(60, 3))[:, np.arange(40) % 3]
    values = draw.normal(size=(60, 40)) + 1.2 * common + modules_of
    graph = graph_of(recording_of(values), Correlation("positive"), None)
    upper = np.triu_indices(40, 1)
    drawn = [OF_ACTIVITY["matched"](graph, draw)[upper] for _ in range(20)]
    off = np.corrcoef(values.T)[upper]
    assert off.mean() > 0.3
    assert np.mean([one.mean() for one in drawn]) == pytest.approx(off.mean(), abs=0.03)
    assert np.mean([one.std() for one in drawn]) == pytest.approx(off.std(), abs=0.03)


def test_search__keeps_the_best_of_its_restarts():
    weights = planted(between=0.8, seed=5)[0]
    found = search(weights, Louvain(), 6, np.random.default_rng(0))
    assert found.q == max(graphs.modularity(weights, codes) for codes in found.every)
    again = modules(weights, by=Louvain(), n_null=2, n_restarts=6, rng=0)
    assert again.identical(modules(weights, by=Louvain(), n_null=2, n_restarts=6, rng=0))
