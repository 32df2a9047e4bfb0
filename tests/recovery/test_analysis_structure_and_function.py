"""Planted modules are found and are functional ones, untrained networks have none; links blur them step by step."""

from functools import partial

import numpy as np
import pytest

from neurolab import datasets
from neurolab.analysis import (
    Spectral,
    alignment,
    cluster_lesions,
    clusterability,
    functional_labels,
    importance,
    unit_lesions,
)
from neurolab.lesion import Zero
from neurolab.scores import LogProbability
from neurolab.specimen import (
    Recipe,
    Task,
    examine,
    glued_cohort,
    mlp,
    record,
    structures,
    train_cohort,
    untrained_cohort,
)

N, HIDDEN, LINKS = 6, ["1", "3"], (0.05, 0.1, 1.5)


@pytest.fixture(scope="module")
def cohorts():
    digits = datasets.load_stimuli("digits-train")
    half = train_cohort(partial(mlp, 64, 8, 8, 10), digits, n=2 * N, recipe=Recipe(8, 1e-2), name="half", rng=0)
    made = {f"links {cross}": glued_cohort(half, cross=cross, rng=0) for cross in LINKS}
    pairs = datasets.load_stimuli("digit-pairs", part="train", n=40)
    return made | {"initial": untrained_cohort(partial(mlp, 128, 16, 16, 20), pairs, n=N, label="left", rng=0)}


@pytest.fixture(scope="module")
def cut(cohorts):
    return clusterability(structures(cohorts), by=Spectral(2, n_init=2), n_null=5, rng=0)


def answers(network, lesions, stimuli):
    heads = {"left": ("left", range(10)), "right": ("right_output", range(10, 20))}
    tasks = [Task(side, stimuli, LogProbability(label, columns=tuple(some))) for side, (label, some) in heads.items()]
    return examine(network, lesions, tasks, progress=False)


def test_planted_modules__are_found_and_blur_with_links(cut):
    for null in ("shuffled", "nonzero"):
        z, p = (cut[name].sel(null=null) for name in ("effect", "p"))
        assert float(p.sel(condition="links 0.05")) == 2 / 2**N
        assert float(z.sel(condition="links 0.05")) < -10
        assert float(p.sel(condition="initial")) > 0.05
        shift = [float(cut["shift"].sel(null=null, condition=f"links {cross}")) for cross in LINKS]
        assert shift == sorted(shift)
        assert shift[0] < shift[-1] - 0.1


def test_planted_modules__are_functional_and_random_ones_are_not(cohorts, cut):
    tune, choose, test = datasets.load_stimuli("digit-pairs", n=120).split(3, by="condition", rng=0)
    graphs, functions, costs = structures(cohorts), {}, {}
    for name in ("links 0.05", "initial"):
        units = [unit_lesions(record(network, tune, HIDDEN), Zero()) for network in cohorts[name]]
        functions[name] = [functional_labels(answers(network, some, choose), of=graph)
                           for network, some, graph in zip(cohorts[name], units, graphs[name])]  # fmt: skip
    found = alignment(cut, functions, n_permutations=99, rng=0)
    ari = found["effect"].sel(measure="ari")
    assert float(ari.sel(condition="links 0.05", partition="found")) > 0.5
    assert abs(float(ari.sel(condition="links 0.05", partition="random"))) < 0.1
    assert abs(float(ari.sel(condition="initial", partition="found"))) < 0.1
    assert found["both_shown"].values.tolist() == [True, False]
    for partition in ("found", "random"):
        costs[partition] = [
            answers(network, cluster_lesions(clusters, record(network, tune, HIDDEN), Zero(), n_random=3,
                                             partition=partition, rng=0), test)
            for network, clusters in zip(cohorts["links 0.05"], cut["label"].sel(condition="links 0.05"))
        ]  # fmt: skip
    cost = importance(costs, families=("random",), rng=0)
    assert np.isfinite(cost["excess"]).all()
    assert float(cost["p"].sel(condition="random").item()) > 0.05
