"""Planted modules are found, from weights and from activity, and a network without modules has none."""

from itertools import pairwise

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis import Correlation, Leiden, Louvain, Spectral, layered_graph, modules
from neurolab.simulate import phantom_recording
from neurolab.specimen import phantoms
from neurolab.stats import graphs

WAYS = {"spectral": Spectral(3, n_init=4), "louvain": Louvain(), "leiden": Leiden()}


def blocks(strength, sizes=(24, 18, 12), seed=0):
    """Three layers of weights, each with three blocks; ``strength`` 0 has none."""
    draw, truth = np.random.default_rng(seed), [np.repeat(np.arange(3), size // 3) for size in sizes]
    return truth, [
        draw.exponential(size=(len(out), len(into))) * np.where(out[:, None] == into, 1.0, 1.0 - strength)
        for into, out in pairwise(truth)
    ]


@pytest.mark.parametrize("way", WAYS)
def test_planted_blocks_of_weights__are_found(way):
    truth, weights = blocks(0.9)
    found = modules(layered_graph(weights), by=WAYS[way], labels=np.concatenate(truth), n_null=19, n_restarts=2, rng=0)
    assert float(found["ari"]) >= 0.9
    assert [float(found[name]) for name in ("p", "ari_p", "given_p")] == [0.05] * 3
    assert float(found["cut_p"]) == 0.05 if way == "spectral" else np.isnan(found["cut_p"])
    assert float(found["low"]) > 0
    assert float(found["stability"]) > 0.8


def test_the_cut__falls_with_the_strength_of_the_blocks():
    cuts = [
        float(modules(layered_graph(blocks(strength)[1]), by=Spectral(3), n_null=1, n_restarts=2, rng=0)
              ["normalised_cut"]) for strength in (0.0, 0.5, 0.8, 0.95)
    ]  # fmt: skip
    assert cuts == sorted(cuts, reverse=True)
    assert cuts[0] > 2 * cuts[-1]


def test_a_network_without_blocks__has_no_modules():
    p = []
    for seed in range(1, 5):
        truth, weights = blocks(0.0, seed=seed)
        found = modules(layered_graph(weights), by=Leiden(), labels=np.concatenate(truth), n_null=19, n_restarts=2,
                        rng=0)  # fmt: skip
        p += [float(found["p"]), float(found["ari_p"])]
    assert np.median(p) > 0.2


def test_the_modules_of_a_phantom_network__are_found_from_its_activity():
    specimen, stimuli, truth = phantoms.separate_modules(rng=0)
    recording = nl.record(specimen, stimuli, ["relu"])
    planted = np.full(recording.sizes["neuroid"], "", dtype=object)
    for name, roi in truth.items():
        planted[np.asarray(roi.mask(recording))] = name
    only = recording.isel(neuroid=np.flatnonzero(planted != ""))
    found = modules(only, edges=Correlation("positive"), by=Spectral(2), labels=planted[planted != ""], n_null=19,
                    n_restarts=2, allow_parts=True, rng=0)  # fmt: skip
    assert graphs.ari(found["label"].values, planted[planted != ""]) == float(found["ari"]) >= 0.9
    assert float(found["ari_p"]) == 0.05
    assert float(found["p"]) == 0.05


@pytest.mark.parametrize("way", ["spectral", "leiden"])
def test_selective_units_of_a_simulated_recording__are_modules_of_its_activity(way):
    plan = {"faces": 15, "objects": 15, "scenes": 15}
    recording = phantom_recording(selective=plan, conditions=tuple(plan), n_units=45, effect=3.0, rng=0)
    found = modules(recording, by=WAYS[way], labels=recording["planted"].values,
                    n_null=19, n_restarts=2, rng=0)  # fmt: skip
    assert int(found["n_modules"]) == 3
    assert float(found["ari"]) >= 0.9
    assert float(found["p"]) == 0.05
