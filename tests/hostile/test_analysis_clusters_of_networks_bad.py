"""Graphs, functions and lesions of clusters that cannot be judged are refused with advice, or said in the result."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from neurolab.analysis import (
    Louvain,
    Spectral,
    alignment,
    cluster_lesions,
    clusterability,
    cut_indices,
    functional_labels,
    importance,
    unit_lesions,
)
from neurolab.errors import DataError, DesignError, SchemaError, SpecimenError, TooLargeError, UnknownNameError
from neurolab.lesion import Zero
from neurolab.simulate import phantom_recording, phantom_trials
from neurolab.specimen import Specimen, examine, glued, glued_cohort, mlp, phantoms, record, structure

HALVES = np.kron(np.eye(2), np.ones((4, 4))) + 0.1
FEW = {"by": Spectral(2, n_init=1), "n_null": 3, "rng": 0}
UNITS = xr.DataArray([1, 1, 2, 2], dims="neuroid", coords={"layer": ("neuroid", ["layer"] * 4),
                                                           "unit": ("neuroid", range(4))})  # fmt: skip


def nets(n=6, size=8):
    draw = np.random.default_rng(0)
    return [one + one.T for one in draw.random((n, size, size))]


def cut(**more):
    return clusterability(nets(), **FEW | more)


def attending():
    return Specimen(nn.Sequential(nn.Linear(4, 4), Gated(), nn.Linear(4, 2)), torch.zeros(2, 4), name="gated")


class Gated(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x.flip(1))


BAD = {
    "more clusters than units": (lambda: cut(by=Spectral(5)), DesignError, "Spectral(4)"),
    "communities": (lambda: cut(by=Louvain()), DesignError, "Spectral(12)"),
    "one null as a word": (lambda: cut(nulls="shuffled"), UnknownNameError, "in a tuple"),
    "an unknown null": (lambda: cut(nulls=("shufled",)), UnknownNameError, "shuffled"),
    "one shuffle": (lambda: cut(n_null=1), DesignError, "n_null=50"),
    "one network": (lambda: clusterability(nets(1), **FEW), DesignError, "two at the least"),
    "unequal conditions": (lambda: clusterability({"a": nets(3), "b": nets(4)}, **FEW), DesignError, "as many in each"),
    "unequal widths": (lambda: clusterability({"a": nets(), "b": nets(6, 10)}, **FEW), DesignError, "per width"),
    "a directed graph": (lambda: clusterability([np.triu(one) for one in nets()], **FEW), DataError, "graph.T"),
    "an attention": (lambda: structure(attending()), DataError, "layered_graph"),
    "a cohort": (lambda: structure([attending()]), DataError, "for net in cohort"),
    "an unknown layer": (lambda: structure(net(), layers=["2"]), UnknownNameError, "output"),
    "an unknown norm": (lambda: structure(net(), norm="L3"), DataError, "norm='l1'"),
    "too many units": (lambda: structure(wide()), TooLargeError, "layers="),
    "glued unlike": (lambda: glued(net(), net(5), rng=0), SpecimenError, "the same linear layer"),
    "glued odd": (lambda: glued_cohort([net()] * 3, rng=0), SpecimenError, "even number"),
    "profiles of something else": (lambda: cut_indices(xr.Dataset()), SchemaError, "clusterability"),
    "functions of something else": (lambda: alignment(xr.Dataset(), {}, rng=0), SchemaError, "clusterability"),
    "no functions": (lambda: alignment(cut(), {}, rng=0), DesignError, "networks"),
    "functions of few": (lambda: alignment(cut(), {"networks": [["a"] * 8]}, rng=0), DesignError, "one per network"),
    "functions too short": (lambda: alignment(cut(), {"networks": [["a", "b"]] * 6}, rng=0), DataError, "one per unit"),
    "one function": (lambda: alignment(cut(), {"networks": [["a"] * 8] * 6}, rng=0), DataError, "one task"),
    "one task": (lambda: functional_labels(phantom_trials(rng=0), of=UNITS, tasks=["X"]), DesignError, "two or more"),
    "several networks": (lambda: functional_labels(phantom_trials(rng=0), of=UNITS), DesignError, "isel"),
    "clusters without layers": (
        lambda: cluster_lesions(UNITS.drop_vars("layer"), phantom_recording(rng=0), Zero(), rng=0), DataError, "layer",
    ),
    "clusters of another layer": (
        lambda: cluster_lesions(UNITS.assign_coords(layer=("neuroid", list("aaaa"))), phantom_recording(rng=0), Zero(),
                                rng=0), DataError, "Record them",
    ),
    "clusters too small": (
        lambda: cluster_lesions(UNITS, phantom_recording(n_units=4, rng=0), Zero(), least=3, rng=0), DesignError,
        "No cluster",
    ),
    "joined networks": (lambda: importance({"a": [phantom_trials(rng=0)] * 2}, rng=0), DesignError, "for net in"),
    "unequal importance": (lambda: importance({}, rng=0), DesignError, "as many in each"),
}  # fmt: skip


def net(width=6):
    return Specimen(mlp(4, width, 2), torch.zeros(2, 4), name="net")


def wide():
    return Specimen(mlp(4, 12_100, 2), torch.zeros(2, 4), name="wide")


@pytest.mark.parametrize("case", BAD)
def test_bad_input__is_refused_with_advice(case):
    attempt, error, said = BAD[case]
    with pytest.raises(error) as caught:
        attempt()
    assert said in str(caught.value)


def test_isolated_units__are_in_no_cluster_and_counted():
    graphs = nets(3, 12)
    for graph in graphs:
        graph[:3] = graph[:, :3] = 0.0
    found = clusterability({"pruned": graphs}, **FEW)
    assert (found["label"].values[..., :3] == 0).all()
    assert (found["label"].values[..., 3:] > 0).all()
    assert (found["n_units"] == 9).all()
    assert "pruned 9" in found.attrs["note"]


def test_networks_in_parts_and_shuffles_that_fall_apart__are_told():
    draw = np.random.default_rng(0)
    ring = np.zeros((16, 16))
    ring[np.arange(16), (np.arange(16) + 1) % 16] = 1.0
    apart = np.kron(np.eye(2), np.ones((8, 8)))
    rings = [(ring + ring.T) * draw.uniform(1, 2) for _ in range(2)]
    found = clusterability({"ring": rings, "apart": [apart, 2 * apart]}, **FEW)
    assert "apart" in found.attrs["note"]
    assert (found["n_parts"].sel(condition="apart") == 2).all()
    assert (found["null_in_parts"].sel(condition="ring", null="shuffled") > 0).any()
    assert "ring (shuffled)" in found.attrs["note"]


def test_a_graph_that_no_shuffle_changes__is_its_own_null():
    found = clusterability([np.ones((8, 8)) * (k + 1) for k in range(2)], **FEW)
    assert (found["z"] == 0).all()
    assert (found["own_p"] == 1).all()


def test_units_whose_loss_changes_nothing__have_no_function():
    network, stimuli, _ = phantoms.separate_modules(rng=0)
    with torch.no_grad():
        network.model.readout.weight[:, 0] = 0.0
    trials = examine(network, unit_lesions(record(network, stimuli, ["relu"]), Zero()), phantoms.naming_tasks(stimuli),
                     progress=False)  # fmt: skip
    labels = functional_labels(trials, of=structure(network))
    assert labels.values[labels["layer"].values == "relu"][0] == ""
    assert labels.attrs["n_idle"] >= 1
