"""Cuts, modularity and agreement of partitions against networkx, scikit-learn, published values and loops."""

from itertools import combinations

import numpy as np
import pytest

from neurolab.errors import DataError
from neurolab.stats import graphs


def random_graph(n, seed):
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    return upper + upper.T


def test_published_cut_of_a_two_by_two_by_two_network():
    # protocols.md section 17: W1, W2 with absolute weights, modules 0 1 0 1 0 1
    first, second = np.abs([[12, -1.3], [0, 7.4]]), np.abs([[-8.9, 0.15], [0.23, -5.7]])
    adjacency = np.zeros((6, 6))
    adjacency[:2, 2:4], adjacency[2:4, 4:] = first, second
    assert graphs.normalised_cut(adjacency + adjacency.T, [0, 1, 0, 1, 0, 1]) == pytest.approx(0.09890, abs=5e-6)


def test_cut_and_modularity_equal_networkx():
    networkx = pytest.importorskip("networkx")
    for seed in range(3):
        adjacency = random_graph(9, seed)
        graph = networkx.from_numpy_array(adjacency)
        two = np.random.default_rng(seed).permutation([0] * 4 + [1] * 5)
        ours = graphs.normalised_cut(adjacency, two)
        assert ours == pytest.approx(networkx.normalized_cut_size(graph, np.flatnonzero(two == 0), weight="weight"))
        three = np.random.default_rng(seed).permutation(["a", "b", "c"] * 3)
        parts = [set(np.flatnonzero(three == name).tolist()) for name in "abc"]
        for resolution in (1.0, 1.7):
            q = networkx.community.modularity(graph, parts, resolution=resolution)
            assert graphs.modularity(adjacency, three, resolution=resolution) == pytest.approx(q)


def test_v30_zachary():
    # statistics.md V30: unweighted; the split in two clubs .3582347, the optimum .4197896 (Louvain finds it),
    # global efficiency .4920083
    networkx = pytest.importorskip("networkx")
    graph = networkx.karate_club_graph()
    adjacency = networkx.to_numpy_array(graph, weight=None)
    club = [graph.nodes[node]["club"] for node in graph]
    assert graphs.global_efficiency(adjacency) == pytest.approx(0.4920083, abs=5e-8)
    assert graphs.modularity(adjacency, club) == pytest.approx(0.3582347, abs=5e-8)
    assert graphs.modularity(networkx.to_numpy_array(graph), club) == pytest.approx(0.3914, abs=5e-5)  # its weights
    best = 0.0
    for seed in range(20):
        labels = np.zeros(34, int)
        for k, part in enumerate(networkx.community.louvain_communities(graph, weight=None, seed=seed)):
            labels[list(part)] = k
        best = max(best, graphs.modularity(adjacency, labels))
    assert best == pytest.approx(0.4197896, abs=5e-8)


def test_cut_and_modularity_equal_loops():
    adjacency, labels = random_graph(7, 5), np.array([0, 0, 1, 1, 1, 2, 2])
    cut, q, total = 0.0, 0.0, adjacency.sum()
    for module in range(3):
        inside = [i for i in range(7) if labels[i] == module]
        volume = sum(adjacency[i, j] for i in inside for j in range(7))
        cut += sum(adjacency[i, j] for i in inside for j in range(7) if labels[j] != module) / volume
    degree = adjacency.sum(axis=0)
    for i in range(7):
        for j in range(7):
            q += (labels[i] == labels[j]) * (adjacency[i, j] - degree[i] * degree[j] / total) / total
    assert graphs.normalised_cut(adjacency, labels) == pytest.approx(cut)
    assert graphs.modularity(adjacency, labels) == pytest.approx(q)


def test_agreement_equals_scikit_learn_and_pair_counting():
    metrics = pytest.importorskip("sklearn.metrics")
    stream = np.random.default_rng(0)
    for n, k in ((12, 2), (40, 4), (30, 7)):
        a, b = stream.integers(0, k, n), stream.integers(0, k + 1, n)
        b[: n // 2] = a[: n // 2]
        assert graphs.ari(a, b) == pytest.approx(metrics.adjusted_rand_score(a, b))
        assert graphs.nmi(a, b) == pytest.approx(metrics.normalized_mutual_info_score(a, b))
    a, b = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    pairs = list(combinations(range(6), 2))
    same = np.array([[a[i] == a[j], b[i] == b[j]] for i, j in pairs])
    both, first, second = same.all(axis=1).sum(), *same.sum(axis=0)
    expected = first * second / 15
    assert graphs.ari(a, b) == pytest.approx((both - expected) / ((first + second) / 2 - expected))
    assert graphs.ari([0, 0], [1, 1]) == 1


def test_permutation_tests_equal_loops():
    a, b = np.array([0] * 6 + [1] * 6), np.array([0] * 5 + [1] * 7)
    stream = np.random.default_rng(0)
    null = np.array([graphs.ari(a, stream.permutation(b)) for _ in range(99)])
    found = graphs.agreement(a, b, n_permutations=99, rng=0)
    assert found.p == (1 + (null >= found.effect - 1e-9).sum()) / 100
    assert found.null_mean == pytest.approx(null.mean())
    assert found.z == pytest.approx((found.effect - null.mean()) / null.std())
    adjacency, stream = random_graph(12, 1), np.random.default_rng(0)
    null = np.array([graphs.normalised_cut(adjacency, stream.permutation(a)) for _ in range(99)])
    found = graphs.partition_test(adjacency, a, measure="normalised_cut", n_permutations=99, rng=0)
    assert found.p == (1 + (null <= found.effect + 1e-9).sum()) / 100


def test_global_efficiency__is_that_of_networkx_also_in_parts_and_refuses_one_node():
    networkx = pytest.importorskip("networkx")
    for seed in range(5):
        graph = networkx.gnp_random_graph(12, 0.15, seed=seed)  # some of them fall into parts
        weighted = networkx.to_numpy_array(graph) * np.random.default_rng(seed).uniform(1, 5)
        assert graphs.global_efficiency(weighted) == pytest.approx(networkx.global_efficiency(graph), abs=1e-12)
    with pytest.raises(DataError, match="two or more"):
        graphs.global_efficiency([[1.0]])
