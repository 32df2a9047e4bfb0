"""How clusters are formed and tested against rearranged labels: cluster mass and TFCE, by mne."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy import stats as sps

from neurolab.analysis.mapped import Mapped
from neurolab.errors import DesignError
from neurolab.stats.permutation import p_floor

TIE = 1e-9  # two masses nearer than this share are a tie (float summation order)


@dataclass(frozen=True)
class ClusterMass:
    """Clusters of neighbours whose t has a p below ``p``; each counts by the sum of |t| ** ``power`` over its places.

    p : the cluster-forming p, uncorrected, of the side(s) tested: a choice made before looking. A strict one (.001)
        finds small strong clusters, a lax one (.05) wide weak ones; every choice keeps the family-wise error.
    power : 1 for mass, 0 for extent.
    """

    p: float
    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.p < 0.5 or self.power < 0:
            raise DesignError(f"{self} given; expected a p between 0 and .5 and a power >= 0. Type ClusterMass(0.01).")

    def said(self, height: float) -> str:
        """Get the choice in words."""
        kind = "extent" if self.power == 0 else "mass" if self.power == 1 else f"sum of |t|^{self.power:g}"
        return f"cluster {kind}, cluster-forming p of {self.p:g} (|t| > {height:.4g})"


@dataclass(frozen=True)
class Tfce:
    """Threshold-free cluster enhancement: extent ** ``extent_power`` x height ** ``height_power``, over all heights.

    step : of t in the sum over heights, which is a sum from below: with coarse steps the scores are visibly low.
    """

    step: float = 0.1
    extent_power: float = 0.5
    height_power: float = 2.0

    def __post_init__(self) -> None:
        if not self.step > 0 or self.extent_power < 0 or self.height_power < 0:
            raise DesignError(f"{self} given; expected a step above 0 and powers >= 0. Type Tfce().")

    def said(self, height: float) -> str:
        """Get the choice in words."""
        return f"TFCE, step {self.step:g}, extent to the {self.extent_power:g}, height to the {self.height_power:g}"


@dataclass(frozen=True, eq=False)
class Clumps:
    """What was found, over all places (those not tested are 0, with p 1).

    label : 0 outside, 1 for the cluster of largest mass. p : per cluster. place_p : of a place's cluster (ClusterMass)
    or of the place itself (TFCE). null : the largest score of each arrangement, the observed one first.
    """

    statistic: np.ndarray
    score: np.ndarray
    label: np.ndarray
    mass: np.ndarray
    p: np.ndarray
    place_p: np.ndarray
    null: np.ndarray
    height: float
    exact: bool


def arrangements(rows: Mapped, alternative: str, m: int) -> tuple[int, bool, float]:
    """Get how many arrangements to test (the observed one included), whether these are all, and the smallest p."""
    two_sided = alternative == "two-sided"
    if rows.b is not None:
        sizes = (len(rows.a), len(rows.b))
        few = p_floor("label_shuffle", n=sizes, alternative=alternative)
        return m + 1, False, max(few, 1 / (m + 1))
    every = 2 ** (rows.n - two_sided)  # |t| is the same for a sign pattern and its mirror image
    return (every, True, 1 / every) if every <= m + 1 else (m + 1, False, 1 / (m + 1))


def check_floor(rows: Mapped, alternative: str, m: int, alpha: float) -> float:
    """Get the smallest p of a design; an error when it cannot reach alpha."""
    _, _, floor = arrangements(rows, alternative, m)
    if floor > alpha * (1 + 1e-12):
        advice = f"n_permutations={math.ceil(1 / alpha)} or more" if 1 / (m + 1) > alpha else "more of them"
        least = "6 (5 for a one-sided test)" if rows.b is None else "4 in each group"
        raise DesignError(
            f"With {rows.sizes} and {m} permutations the smallest possible p is {floor:.3g}, above alpha={alpha:g}: "
            f"nothing could be found. Use {advice}; at alpha=.05 the least is {least}."
        )
    return floor


def t_of(a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """Get t per column: of a against 0, or Welch's of a against b; 0 where nothing varies."""
    with np.errstate(all="ignore"):
        if b is None:
            t = a.mean(axis=0) / np.sqrt(a.var(axis=0, ddof=1) / len(a))
        else:
            se = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
            t = (a.mean(axis=0) - b.mean(axis=0)) / se
    return np.where(np.isnan(t), 0.0, t)


def form(
    rows: Mapped, graph: sparse.csr_array, by: ClusterMass | Tfce, *, alternative: str, alpha: float, m: int,
    rng: np.random.Generator,
) -> Clumps:  # fmt: skip
    """Get the clusters of a map and their p; ``graph`` is over all places."""
    alive = np.flatnonzero(rows.alive)
    inner = sparse.csr_array(graph[alive][:, alive])
    side = -1.0 if alternative == "less" else 1.0  # mne's TFCE has no lower tail: its scores are never negative
    a, b = side * rows.a[:, alive], None if rows.b is None else side * rows.b[:, alive]
    t, height = t_of(a, b), _height(rows, by, alternative)
    total, exact, _ = arrangements(rows, alternative, m)
    settings: dict[str, Any] = {"n_permutations": total, "tail": int(alternative != "two-sided"), "rng": rng}
    if isinstance(by, ClusterMass):
        label, mass, p, place_p, null, score = _by_mass(a, b, t, inner, by, height, settings)
    else:
        label, mass, p, place_p, null, score = _by_score(a, b, t, inner, by, alpha, settings)
    order = np.argsort(-mass, kind="stable")
    rank = np.append(0, np.argsort(order) + 1)
    n = rows.usable.size
    statistic, signed, labels = (_spread(alive, n, values) for values in (side * t, side * score, rank[label]))
    every_p = 1.0 + _spread(alive, n, place_p - 1.0)
    return Clumps(statistic, signed, labels, mass[order], p[order], every_p, null, height, exact)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _by_mass(
    a: np.ndarray, b: np.ndarray | None, t: np.ndarray, graph: sparse.csr_array, by: ClusterMass, height: float,
    settings: dict[str, Any],
) -> Parts:  # fmt: skip
    """Clusters above a height: label, mass, p, p of each place, null, score of each place."""
    label = _components(graph, t > height, (t < -height) & (settings["tail"] == 0))
    mass = np.bincount(label, weights=np.abs(t) ** by.power)[1:]
    null = _by_mne(a, b, graph, threshold=height, t_power=by.power, **settings)[3] if len(mass) else np.zeros(1)
    p = _p(mass, null)
    return label, mass, p, np.append(1.0, p)[label], null, t


def _by_score(
    a: np.ndarray, b: np.ndarray | None, t: np.ndarray, graph: sparse.csr_array, by: Tfce, alpha: float,
    settings: dict[str, Any],
) -> Parts:  # fmt: skip
    """What hangs together of the places whose TFCE score passes; otherwise as ``_by_mass``."""
    ladder = {"start": 0, "step": by.step, "e_power": by.extent_power, "h_power": by.height_power}
    null, score = np.zeros(1), np.zeros(len(t))
    if np.abs(t).max() > 0:
        score, _, _, null = _by_mne(a, b, graph, threshold=ladder, **settings)
    place_p = _p(np.abs(score), null)
    found = place_p <= alpha * (1 + 1e-12)
    label = _components(graph, found & (score > 0), found & (score < 0))
    mass = np.bincount(label, weights=np.abs(t))[1:]
    p = np.array([place_p[label == k].min() for k in range(1, len(mass) + 1)])
    return label, mass, p, place_p, null, score


def _height(rows: Mapped, by: ClusterMass | Tfce, alternative: str) -> float:
    """The t beyond which a place may belong to a cluster."""
    if isinstance(by, Tfce):
        return 0.0
    df = rows.n - (1 if rows.b is None else 2)
    return float(sps.t.isf(by.p / 2 if alternative == "two-sided" else by.p, df))


def _spread(alive: np.ndarray, n: int, values: np.ndarray) -> np.ndarray:
    """Values of the tested places among all places, 0 elsewhere."""
    whole = np.zeros(n, dtype=values.dtype)
    whole[alive] = values
    return whole


def _components(graph: sparse.csr_array, *masks: np.ndarray) -> np.ndarray:
    """Number the connected parts of each mask from 1 on; 0 elsewhere."""
    label = np.zeros(graph.shape[0], dtype=np.int64)
    for mask in masks:
        here = np.flatnonzero(mask)
        if len(here):
            label[here] = label.max() + 1 + sparse.csgraph.connected_components(graph[here][:, here], directed=False)[1]
    return label


def _p(scores: np.ndarray, null: np.ndarray) -> np.ndarray:
    """The share of arrangements, the observed one among them, whose largest score is at least each score."""
    ordered = np.sort(np.abs(null))
    return (len(ordered) - np.searchsorted(ordered, scores * (1 - TIE), side="left")) / len(ordered)


def _by_mne(a: np.ndarray, b: np.ndarray | None, graph: sparse.csr_array, **settings: Any) -> Any:
    """mne's own clusters: (t or score, clusters, p, null); the observed arrangement is the first of the null."""
    import mne

    links = graph if graph.nnz else sparse.eye_array(graph.shape[0], format="csr")
    settings |= {"adjacency": sparse.coo_array(links), "verbose": "error"}
    with np.errstate(all="ignore"):  # a rearrangement may leave a column without variance
        if b is not None:
            return mne.stats.permutation_cluster_test([a, b], stat_fun=t_of, buffer_size=None, **settings)
        score, members, p, null = mne.stats.permutation_cluster_1samp_test(a, **settings)
        if settings["tail"] and len(null) == 2 ** len(a) and np.isclose(null[-1], null[0], rtol=TIE, atol=0):
            # mne 1.13 lists the observed signs twice and their mirror image never when it lists all for one tail
            mirror = mne.stats.permutation_cluster_1samp_test(-a, **settings | {"n_permutations": 1})[3]
            null[-1] = np.abs(mirror).max(initial=0.0)
    return score, members, p, null
