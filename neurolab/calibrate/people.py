"""The verbs on people and places: single cases, models of trials, lesion-symptom maps, clusters, modules."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.case import single_case
from neurolab.analysis.clump_forming import ClusterMass, Tfce
from neurolab.analysis.clumps import clusters
from neurolab.analysis.communities import Louvain
from neurolab.analysis.fits import Pairs, conditional_logit, gee, linear_mixed
from neurolab.analysis.partition import modules
from neurolab.analysis.symptoms import symptom_map
from neurolab.calibrate.entry import Entry, Found, approximate, attainable, conservative, covers, exact, shortcut
from neurolab.recording import make_recording
from neurolab.stats import lesion_permutation

Stream = np.random.Generator
MODELS = {"gee": gee, "conditional_logit": conditional_logit, "linear_mixed": linear_mixed}


def people(stream: Stream, n_tasks: int = 1) -> pd.DataFrame:
    """Get a table of nine people of one population; a person's tasks correlate at .5."""
    scores = stream.normal(50, 10, (9, n_tasks)) + stream.normal(0, 10, (9, 1))
    return pd.DataFrame(scores, index=[f"p{at}" for at in range(9)], columns=[f"t{at}" for at in range(n_tasks)])


def one_of_them(stream: Stream, effect: float) -> Found:
    """Test one of the people against the others, his score lowered by ``effect`` sd."""
    table = people(stream)
    table.loc["p0"] -= effect * np.sqrt(200)
    return Found(float(single_case(table, case="p0", rng=0)["p"].item()))


def stands_at(stream: Stream, effect: float) -> Found:
    """Get the interval of the z of a case that stands at ``effect`` sd exactly."""
    table = people(stream)
    table.loc["p0"] = 50 + effect * np.sqrt(200)
    found = single_case(table, case="p0", rng=0).isel(case=0, task=0)
    return Found(low=float(found["low"]), high=float(found["high"]), truth=effect)


def dissociates(stream: Stream, effect: float) -> Found:
    """Say whether one of the people, one task lowered by ``effect`` sd, is called a dissociation."""
    table = people(stream, 2)
    table.loc["p0", "t0"] -= effect * np.sqrt(200)
    found = single_case(table, case="p0", n_draws=400, rng=int(stream.integers(2**31))).isel(case=0, pair=0)
    return Found(0.0 if "dissociation" in str(found["classification"].item()) else 1.0)


def cohort(stream: Stream, n: int = 6, k: int = 50) -> Pairs:
    """Get answers of networks whose lesion effects vary around none, in odds and in score."""
    item, cost = stream.normal(0, 0.5, k), stream.normal(0, 0.7, n)
    odds = np.stack([np.broadcast_to(item, (n, k)), item - cost[:, None]])
    intact, lesioned = (stream.random((2, n, k)) < 1 / (1 + np.exp(-odds))).astype(float)
    return Pairs(intact.ravel(), lesioned.ravel(), np.repeat(np.arange(n), k), "networks", True)


def modelled(stream: Stream, effect: float, *, model: str, by_stimulus: bool = False) -> Found:
    """Fit a model of single trials, clustered by network or, in error, by stimulus."""
    one = cohort(stream)
    if by_stimulus:
        one = Pairs(one.intact, one.lesioned, np.tile(np.arange(50), 6), "stimuli", True)
    return Found(MODELS[model](one).p)


def mixed_model(stream: Stream, effect: float) -> Found:
    """Fit a linear mixed model to six networks' differences, which vary around ``effect``."""
    difference = effect + stream.normal(0, 3, (6, 1)) + stream.normal(0, 1, (6, 6))
    return Found(linear_mixed(Pairs(difference.ravel(), np.zeros(36), np.repeat(np.arange(6), 6), "networks", True)).p)


def strokes(stream: Stream, n: int, n_voxels: int) -> np.ndarray:
    """Get n lesions on a line of voxels: runs around a common centre, as a vessel's territory is."""
    middle, half = stream.normal(n_voxels / 2, n_voxels / 6, n), stream.gamma(2.0, 6.0, n) + 1
    return (np.abs(np.arange(n_voxels) - middle[:, None]) <= half[:, None]).astype(np.uint8)


def volume_only(stream: Stream, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Get behaviour that lesion volume explains and nothing else does, and the volume."""
    size = cut.sum(axis=1)
    return -2.0 * (size - size.mean()) / size.std() + stream.standard_normal(len(cut)), size


def any_voxel(stream: Stream, effect: float, *, volume: str = "covariate") -> Found:
    """Look for any voxel in a map of 36 people; voxel 30 costs ``effect`` more than volume explains."""
    cut = strokes(stream, 36, 60)
    rows = {"stimulus_id": [f"p{at}" for at in range(36)], "condition": ["patient"] * 36}
    y = volume_only(stream, cut)[0] - effect * cut[:, 30]
    lesions, seed = make_recording(cut, presentation=rows, kind="brain"), int(stream.integers(2**31))
    return Found(float(symptom_map(lesions, y, volume=volume, n_permutations=39, rng=seed)["q"].min()))


def places(stream: Stream, n: int, shape: tuple[int, int] = (3, 5)) -> np.ndarray:
    """Get values of n members with no effect anywhere, correlated over places as real maps are."""
    values = stream.normal(size=(n, *shape)) + stream.normal(size=(n, 1, shape[1]))
    return values + 0.5 * stream.normal(size=(n, 1, 1))


def any_cluster(stream: Stream, effect: float, *, n: int, by: Any, **settings: Any) -> Found:
    """Look for any cluster in a map of n members; one row of places has ``effect``."""
    values = places(stream, n)
    values[:, 0] += effect
    data = xr.DataArray(values, dims=("specimen", "layer", "time"))
    found = clusters(data, by=by, rng=int(stream.integers(2**31)), **settings)["p"].values
    return Found(float(found.min()) if found.size else 1.0)


def divided(stream: Stream, effect: float, *, n: int = 12) -> Found:
    """Test whether the modules found in a random graph are more than chance; halves are joined by ``effect`` more."""
    weights = np.triu(stream.exponential(size=(n, n)) * (stream.random((n, n)) < 0.7), 1)
    half = np.arange(n) < n // 2
    graph = weights + weights.T + effect * ((half[:, None] == half) & ~np.eye(n, dtype=bool))
    seed = int(stream.integers(2**31))
    found = modules(graph, by=Louvain(), null="shuffled", n_null=19, n_restarts=1, allow_parts=True, rng=seed)
    return Found(float(found["p"]))


def lesioned_or_not(stream: Stream, effect: float, *, test: str, n: int = 40) -> Found:
    """Look for any of 10 voxels with which behaviour goes, by ranks or by t."""
    cut = strokes(stream, n, 60)[:, 20:40:2]
    y = stream.normal(size=n) - effect * cut[:, 5]
    found = getattr(lesion_permutation, test)(y, cut, n_permutations=19, rng=stream)
    return Found((found[0] if isinstance(found, tuple) else found).p.min())


_CASE, _MIXED, _CLUSTERS = "analysis.single_case", "analysis.mixed", "analysis.clusters"
_ONE, _NULL = "The case is one of the controls' population.", "Lesion effects vary over networks around none."
_PLACES = "15 correlated places without effect: any cluster is an error."

ENTRIES = (
    Entry("single_case, deficit", _CASE, _ONE, "1 case, 8 controls", one_of_them, exact(), power_at=3.0,
          effect="3 sd below"),
    Entry("single_case, interval of z", _CASE, "The case stands 1.5 sd below.", "1 case, 8 controls", stands_at,
          interval=covers(), at=-1.5),
    Entry("single_case, dissociation", _CASE, _ONE, "1 case, 8 controls", dissociates, conservative(), power_at=5.0,
          effect="one task 5 sd down"),
    Entry("mixed, gee by network", _MIXED, _NULL, "6 networks, 50 stimuli", partial(modelled, model="gee"),
          approximate(0.044)),
    Entry("mixed, conditional_logit", _MIXED, _NULL, "6 networks, 50 stimuli",
          partial(modelled, model="conditional_logit"), approximate(0.0545)),
    Entry("mixed, mixedlm", _MIXED, _NULL, "6 networks, 6 stimuli", mixed_model, approximate(), power_at=6.0,
          effect="2 sd of networks"),
    Entry("symptom_map given volume", "analysis.symptom_map", "Volume does harm, no voxel does: any voxel is an error.",
          "36 people, 60 voxels", any_voxel, approximate(), power_at=4.0, effect="one voxel costs 4 sd"),
    Entry("clusters, ClusterMass, all sign flips", _CLUSTERS, _PLACES, "6 networks",
          partial(any_cluster, n=6, by=ClusterMass(0.1)), exact(attainable(64, mirrored=True)), power_at=4.0,
          effect="5 places at 4"),
    Entry("clusters, ClusterMass, drawn, one-sided", _CLUSTERS, _PLACES, "12 networks",
          partial(any_cluster, n=12, by=ClusterMass(0.2), alternative="greater", n_permutations=19), exact(),
          power_at=2.0, effect="5 places at 2"),
    # scores are sums in steps, which tie, and a tie counts against the observed map: below the level, never above
    Entry("clusters, Tfce in steps of 0.5", _CLUSTERS, _PLACES, "8 networks",
          partial(any_cluster, n=8, by=Tfce(step=0.5), alternative="greater", n_permutations=19), conservative(),
          power_at=3.0, effect="5 places at 3"),
    Entry("modules", "analysis.modules", "Random weights: no modules.", "12 units", divided, exact(), power_at=1.0,
          effect="weights 1 higher within halves"),
    *(Entry(test, f"stats.lesion_permutation.{test}", "Behaviour goes with no voxel: any of 10 is an error.",
            "40 people", partial(lesioned_or_not, test=test), promise, power_at=3.0, effect="one voxel costs 3 sd")
      for test, promise in (("regression_max_t", exact()), ("brunner_munzel_max_t", approximate()))),
    Entry("gee clustered by stimulus", "use analysis.deficits over networks", _NULL, "6 networks, 50 stimuli",
          partial(modelled, model="gee", by_stimulus=True), shortcut()),
    Entry("symptom_map without volume", "use analysis.symptom_map(volume='covariate')",
          "Volume does harm, no voxel does.", "36 people, 60 voxels", partial(any_voxel, volume="none"), shortcut()),
)  # fmt: skip
