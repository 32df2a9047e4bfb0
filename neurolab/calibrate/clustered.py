"""Clusters of connections over networks, at the edge: random weights, unrelated functions, clusters like any units."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise

import numpy as np
import xarray as xr

from neurolab.analysis.aligned import alignment
from neurolab.analysis.communities import Spectral
from neurolab.analysis.cut_of_networks import clusterability
from neurolab.analysis.important import importance
from neurolab.analysis.unit_graph import layered_graph
from neurolab.calibrate.entry import NAN, Entry, Found, approximate, attainable, conservative, covers, exact
from neurolab.trials import make_trials

Stream = np.random.Generator
N, LAYERS = 8, (6, 8, 6)


def network(stream: Stream, effect: float, *, sparse: bool = False) -> xr.DataArray:
    """Get the graph of a network of random weights; ``effect`` is how much weaker its two halves are joined."""
    half = [np.arange(size) < size // 2 for size in LAYERS]
    weights = [stream.normal(size=(len(out), len(into))) * np.where(out[:, None] == into, 1.0, 1.0 - effect)
               for into, out in pairwise(half)]  # fmt: skip
    return layered_graph([one * (stream.random(one.shape) < 0.6) if sparse else one for one in weights])


def cut(stream: Stream, effect: float, *, null: str, sparse: bool = False) -> Found:
    """Test whether 8 networks can be cut more cheaply than their shuffles."""
    nets = [network(stream, effect, sparse=sparse) for _ in range(N)]
    found = clusterability(nets, by=Spectral(2, n_init=2), nulls=(null,), n_null=9, rng=int(stream.integers(2**31)))
    return Found(*(float(found[name].item()) for name in ("p", "low", "high")))


@cache
def clusters() -> xr.Dataset:
    """Get n-cuts of 8 networks, for their layers: the clusters are put in anew."""
    stream = np.random.default_rng(0)
    nets = [network(stream, 0.9) for _ in range(N)]
    return clusterability(nets, by=Spectral(2, n_init=2), nulls=("shuffled",), n_null=2, rng=0)


def agreement(stream: Stream, effect: float, *, measure: str) -> Found:
    """Test whether clusters agree with functions; a share ``effect`` of the units has its cluster as function."""
    held = clusters()
    codes = _two(lambda: 1 + (stream.random(held["label"].shape) < 0.3))
    other = _two(lambda: 1 + (stream.random(codes.shape) < 0.6))
    functions = np.where(stream.random(codes.shape) < effect, codes, other)
    drawn = held.assign(label=(held["label"].dims, codes))
    found = alignment(drawn, {"networks": list(functions[0])}, n_permutations=49, rng=int(stream.integers(2**31)))
    here = found.sel(condition="networks", partition="found", measure=measure)
    p, low, high = (float(here[name]) for name in ("p", "low", "high"))
    return Found(p, low, high, 0.0 if effect == 0 else NAN)


def _two(draw: Callable[[], np.ndarray]) -> np.ndarray:
    """Labels of which every network has both; drawn anew as a whole, so that units stay alike."""
    while True:
        labels = draw()
        if (labels.min(axis=-1) < labels.max(axis=-1)).all():
            return labels


def one_sided(stream: Stream, effect: float) -> Found:
    """Test whether clusters hurt some of four classes more than sets do; ``effect`` is what they cost one of them."""
    nets = [_trials(stream, effect, at, classes=4) for at in range(N)]
    return Found(float(importance({"networks": nets}, of="range", families=("random",), rng=0)["p"].item()))


def lost(stream: Stream, effect: float) -> Found:
    """Test whether clusters cost more than sets of their layer; they cost ``effect`` more."""
    found = importance({"networks": [_trials(stream, effect, at) for at in range(N)]}, families=("random",), rng=0)
    p, low, high = (float(found[name].item()) for name in ("p", "low", "high"))
    return Found(p, low, high, effect)


def _trials(stream: Stream, effect: float, at: int, classes: int = 1) -> xr.Dataset:
    """Trials of one network: three clusters, five sets each, whose deficits are drawn alike, for every class."""
    role = ["sham", *["target"] * 3, *["control"] * 15]
    roi = ["every", *"abc", *(name for name in "abc" for _ in range(5))]
    draw = [0, 0, 0, 0, *(list(range(1, 6)) * 3)]
    rows = {"lesion_id": [f"{a} {b} {c}" for a, b, c in zip(role, roi, draw)], "roi": roi, "role": role, "draw": draw,
            "family": [*[""] * 4, *["random"] * 15]}  # fmt: skip
    first = np.arange(classes) == 0
    deficit = stream.normal(size=(19, classes)) + effect * np.outer(np.array(role) == "target", first)
    deficit[0] = 0.0
    tasks = [f"class {k}" for k in range(classes)]
    return make_trials(
        -deficit[None], specimen=[f"net {at}"], lesions=rows, kind="ann",
        trial={"task": tasks, "stimulus_id": tasks, "condition": tasks},
        tasks={name: {"unit": "nats", "bounded": False, "chance": 0.0} for name in tasks},
    )  # fmt: skip


_EIGHT, _N, _CUT = attainable(256), "8 networks", "analysis.clusterability"

ENTRIES = (
    Entry("clusterability, weights shuffled", _CUT, "Networks of random weights.", "8 networks, 9 shuffles",
          partial(cut, null="shuffled"), approximate(), power_at=0.6, effect="links between halves 60 % weaker"),
    Entry("clusterability, sparse, non-zero shuffled", _CUT, "Random weights, 40 % of them 0.",
          "8 networks, 9 shuffles", partial(cut, null="nonzero", sparse=True), approximate(), power_at=0.6,
          effect="links between halves 60 % weaker"),
    Entry("alignment, ARI", "analysis.alignment", "Functions have nothing to do with clusters.", _N,
          partial(agreement, measure="ari"), conservative(), power_at=0.6,
          effect="60 % of units serve their cluster's function"),
    Entry("alignment, interval of ARI", "analysis.alignment", "Functions have nothing to do with clusters: 0.", _N,
          partial(agreement, measure="ari"), interval=covers(kind="approximate")),
    Entry("alignment, NMI", "analysis.alignment", "Functions have nothing to do with clusters.", _N,
          partial(agreement, measure="nmi"), conservative(), power_at=0.6,
          effect="60 % of units serve their cluster's function"),
    Entry("importance", "analysis.importance", "Clusters cost what any sets of their layer cost.",
          "8 networks, 3 clusters, 5 sets", lost, exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=1.0,
          effect="1 sd more than sets"),
    Entry("importance, range over classes", "analysis.importance", "Clusters cost what any sets cost, in each class.",
          "8 networks, 3 clusters, 5 sets, 4 classes", one_sided, approximate(), power_at=5.0,
          effect="one class loses 5 sd more"),
)  # fmt: skip
