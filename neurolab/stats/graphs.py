"""Partitions of a graph: how well they cut it, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError
from neurolab.stats._given import TIE, Floats, Rng, choice, counted, floats, generator, number, regular

__all__ = [
    "PartitionTest",
    "agreement",
    "ari",
    "global_efficiency",
    "modularity",
    "nmi",
    "normalised_cut",
    "partition_test",
]  # fmt: skip


@dataclass(frozen=True)
class PartitionTest:
    """A permutation test that shuffles who is in which module and keeps the modules' sizes.

    (null_low, null_high) holds 95 % of the shuffles; ``z`` is (effect - null mean) / null sd, for orientation only.
    """

    p: float
    effect: float
    z: float
    null_mean: float
    null_low: float
    null_high: float
    p_floor: float
    measure: str
    n: int


def _codes(labels: ArrayLike, what: str, n: int | None = None) -> np.ndarray:
    """Get labels (n,) as codes 0..k-1."""
    array = regular(labels, what)
    if array.ndim != 1 or array.size < 2 or (n is not None and array.size != n):
        raise DataError(
            f"{what} has shape {array.shape}; expected one label per node{'' if n is None else f', ({n},)'}."
        )
    if any(label is None or label != label for label in array.tolist()):
        raise DataError(f"{what} holds NaN; give nodes without a module a label of their own, or drop them.")
    try:
        return np.unique(array, return_inverse=True)[1]
    except TypeError as problem:  # an int beside a word
        raise DataError(f"{what} mixes kinds of labels ({problem}); expected all numbers or all words.") from None


def _graph(adjacency: ArrayLike, labels: ArrayLike) -> tuple[Floats, np.ndarray]:
    """Get a symmetric, non-negative graph in float64 and the codes of its modules."""
    graph = floats(adjacency, "adjacency")
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1] or not np.isfinite(graph).all():
        raise DataError(f"adjacency has shape {graph.shape}, or holds NaN; expected a finite (n, n).")
    if (graph < 0).any():
        raise DataError("adjacency holds negative weights; decide what they mean, for instance np.abs(adjacency).")
    if not np.allclose(graph, graph.T, rtol=1e-9, atol=0):
        raise DataError("adjacency is not symmetric; for a directed graph type adjacency + adjacency.T.")
    if not graph.sum() > 0:
        raise DataError("the graph has no edges.")
    return graph, _codes(labels, "labels", len(graph))


def _blocks(graph: Floats, codes: np.ndarray) -> Floats:
    """Get the summed weights between modules, (k, k)."""
    member = np.eye(int(codes.max()) + 1)[codes]
    return member.T @ graph @ member


def _cut(blocks: Floats) -> float:
    volume = blocks.sum(axis=1)
    if (volume == 0).any():
        raise DataError(f"module {int((volume == 0).argmax())} has no edges at all; drop its isolated nodes first.")
    return float(((volume - np.diag(blocks)) / volume).sum())


def normalised_cut(adjacency: ArrayLike, labels: ArrayLike) -> float:
    """Get the n-cut: the sum over modules of (weight that leaves it) / (weight of all its nodes); low is modular.

    Parameters
    ----------
    adjacency: symmetric non-negative weights (n, n); for a layered network absolute weights between its layers.
    labels: the module of each node, (n,), of any kind.

    Returns
    -------
    A number from 0 (nothing is cut) to the number of modules.

    Source: Shi & Malik (2000), doi:10.1109/34.868688; for networks Filan et al. (2021), arXiv:2103.03386.  For two
    modules it equals ``networkx.normalized_cut_size``.

    Example
    -------
    >>> normalised_cut([[0, 1, 0], [1, 0, 1], [0, 1, 0]], [0, 0, 1]).__round__(4)
    1.3333
    """
    return _cut(_blocks(*_graph(adjacency, labels)))


def modularity(adjacency: ArrayLike, labels: ArrayLike, *, resolution: float = 1.0) -> float:
    """Get Newman's Q: the share of weight within modules minus what degrees alone would put there.

    Arguments as in ``normalised_cut``; a larger ``resolution`` prefers smaller modules.

    When this is invalid
    --------------------
    As a claim on its own: random graphs reach a Q of .3 and more when the partition was chosen to maximise it.  Report
    Q minus that of rewired graphs, searched alike.

    Source: Newman & Girvan (2004), doi:10.1103/PhysRevE.69.026113; agrees with ``networkx.community.modularity``.

    Example
    -------
    >>> modularity([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], [0, 0, 1, 1])
    0.5
    """
    return _q(_blocks(*_graph(adjacency, labels)), number(resolution, "resolution"))


def global_efficiency(adjacency: ArrayLike) -> float:
    """Get the mean over pairs of nodes of 1 / (steps of the shortest path); a pair without a path counts 0.

    adjacency : symmetric (n, n), n >= 2; every weight above 0 is one step. Returns a number from 0 to 1 (all joined).

    When this is invalid: sparser graphs have less of it whatever their shape; compare graphs with as many edges.
    Source: Latora & Marchiori (2001), doi:10.1103/PhysRevLett.87.198701; equals ``networkx.global_efficiency``.

    Example
    -------
    >>> global_efficiency([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).__round__(4)
    0.8333
    """
    from scipy.sparse.csgraph import shortest_path

    graph = floats(adjacency, "adjacency")
    if graph.size < 2:
        raise DataError(f"adjacency has shape {graph.shape}; expected two or more nodes, for the paths between them.")
    graph, _ = _graph(graph, np.zeros(len(graph)))
    steps = shortest_path(graph > 0, unweighted=True)[~np.eye(len(graph), dtype=bool)]
    return float((1 / steps).mean())


def _q(blocks: Floats, resolution: float = 1.0) -> float:
    total = blocks.sum()
    return float(np.trace(blocks) / total - resolution * ((blocks.sum(axis=1) / total) ** 2).sum())


def _table(a: np.ndarray, b: np.ndarray) -> Floats:
    """Get how many nodes are in module i of a and j of b."""
    k, m = int(a.max()) + 1, int(b.max()) + 1
    return np.bincount(a * m + b, minlength=k * m).reshape(k, m).astype(np.float64)


def _rand(table: Floats) -> float:
    def pairs(v: Floats) -> float:
        return float((v * (v - 1)).sum() / 2)

    both, rows, cols, total = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), pairs(table.sum()[None])
    expected, most = rows * cols / total, (rows + cols) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _information(table: Floats) -> float:
    p = table / table.sum()
    rows, cols = p.sum(axis=1), p.sum(axis=0)
    held = p > 0
    mutual = float((p[held] * np.log(p[held] / np.outer(rows, cols)[held])).sum())
    entropy = [float(-(v * np.log(v)).sum()) for v in (rows, cols)]
    return 1.0 if sum(entropy) == 0 else max(0.0, 2 * mutual / sum(entropy))


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first = _codes(a, "a")
    return first, _codes(b, "b", first.size)


def ari(a: ArrayLike, b: ArrayLike) -> float:
    """Get the adjusted Rand index of two partitions: 1 the same, 0 in the mean of random ones of these sizes.

    Source: Hubert & Arabie (1985), doi:10.1007/BF01908075; agrees with ``sklearn.metrics.adjusted_rand_score``.

    Example
    -------
    >>> ari([0, 0, 1, 1], ["x", "x", "y", "y"])
    1.0
    """
    return _rand(_table(*_pair(a, b)))


def nmi(a: ArrayLike, b: ArrayLike) -> float:
    """Get the normalised mutual information of two partitions, 2 I / (H_a + H_b): 0 to 1, above 0 by chance alone.

    Agrees with ``sklearn.metrics.normalized_mutual_info_score``.

    Example
    -------
    >>> round(nmi([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.0
    """
    return _information(_table(*_pair(a, b)))


AGREEMENT: dict[str, Callable[[Floats], float]] = {"ari": _rand, "nmi": _information}


def agreement(
    a: ArrayLike, b: ArrayLike, *, measure: str = "ari", n_permutations: int = 999, rng: Rng
) -> PartitionTest:
    """Get the test whether two partitions of the same nodes agree more than partitions of these sizes do by chance.

    Parameters
    ----------
    a, b: labels (n,).  measure: "ari" or "nmi".
    n_permutations, rng: shuffles of b's labels over nodes.

    When this is invalid: neighbouring nodes that share a module for reasons of place (layers, maps): shuffle within.

    Example
    -------
    >>> agreement([0] * 8 + [1] * 8, [0] * 7 + [1] * 9, n_permutations=99, rng=0).p
    0.01
    """
    score = AGREEMENT[choice(measure, tuple(AGREEMENT), "measure")]
    first, second = _pair(a, b)
    return _tested(lambda codes: score(_table(first, codes)), second, 1.0, measure, n_permutations, rng)


def partition_test(
    adjacency: ArrayLike, labels: ArrayLike, *, measure: str = "modularity", n_permutations: int = 999, rng: Rng
) -> PartitionTest:
    """Get the test whether modules named beforehand cut the graph better than modules of these sizes do by chance.

    Parameters
    ----------
    measure: "modularity" (high is better) or "normalised_cut" (low is better).  Others as in ``normalised_cut``.

    When this is invalid: modules that were found on this graph (search again on rewired graphs instead).

    Example
    -------
    >>> ring = [[0, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0],
    ...         [0, 0, 1, 0, 1, 1], [0, 0, 0, 1, 0, 1], [0, 0, 0, 1, 1, 0]]
    >>> partition_test(ring, [0, 0, 0, 1, 1, 1], n_permutations=99, rng=0).p <= 0.2
    True
    """
    choice(measure, ("modularity", "normalised_cut"), "measure")
    graph, codes = _graph(adjacency, labels)
    side, score = (1.0, _q) if measure == "modularity" else (-1.0, _cut)
    return _tested(lambda drawn: score(_blocks(graph, drawn)), codes, side, measure, n_permutations, rng)


def _tested(
    score: Callable[[np.ndarray], float], codes: np.ndarray, side: float, measure: str, n_permutations: int, rng: Rng
) -> PartitionTest:
    """Get the one-sided test of a score of codes, of which ``side`` (1 or -1) says whether high or low is extreme."""
    m, stream, observed = counted(n_permutations, "n_permutations"), generator(rng, "shuffling labels"), score(codes)
    if codes.max() == 0:
        raise DataError("there is one module only, so shuffling its members changes nothing; give 2 or more.")
    null = np.array([score(stream.permutation(codes)) for _ in range(m)])
    b = int((side * null >= side * observed - TIE * max(1.0, abs(observed))).sum())
    sd, (low, high) = float(null.std()), np.quantile(null, (0.025, 0.975))
    z = float((observed - null.mean()) / sd) if sd > 0 else 0.0
    p = (b + 1) / (m + 1)
    return PartitionTest(p, observed, z, float(null.mean()), float(low), float(high), 1 / (m + 1), measure, codes.size)
