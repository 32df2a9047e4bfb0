"""Graphs that cannot be divided are refused with advice; dead units and random graphs in parts are told, not hidden."""

import builtins

import numpy as np
import pytest
import xarray as xr

from neurolab.analysis import Correlation, Leiden, Louvain, Spectral, layered_graph, modules
from neurolab.errors import DataError, DesignError, MissingPackageError, SchemaError, UnknownNameError
from neurolab.schema import check_result
from neurolab.simulate import phantom_recording

GRAPH = np.kron(np.eye(2), np.ones((4, 4))) + 0.1
FEW = {"by": Spectral(2, n_init=2), "n_null": 2, "n_restarts": 1, "rng": 0}
APART = np.kron(np.eye(2), np.ones((4, 4)))


def one(value, at=(0, 1)):
    graph = GRAPH.copy()
    graph[at] = value
    return graph


BAD = {
    "not square": (lambda: modules(np.ones((3, 4)), **FEW), SchemaError, "layered_graph"),
    "NaN": (lambda: modules(one(np.nan), **FEW), DataError, "nan_to_num"),
    "negative": (lambda: modules(-GRAPH, **FEW), DataError, "np.abs"),
    "not symmetric": (lambda: modules(one(3.0), **FEW), DataError, "graph.T"),
    "no edges": (lambda: modules(np.eye(8), **FEW), DataError, "no edges"),
    "in parts": (lambda: modules(APART, **FEW), DataError, "allow_parts=True"),
    "too few units": (lambda: modules(GRAPH[:3, :3], **FEW), DesignError, "two or more"),
    "too many modules": (lambda: modules(GRAPH, **FEW | {"by": Spectral(5)}), DesignError, "two or more"),
    "one module": (lambda: Spectral(1), DesignError, "Spectral(4)"),
    "no way to divide": (lambda: modules(GRAPH, **FEW | {"by": "louvain"}), DesignError, "Louvain()"),
    "no random graphs": (lambda: modules(GRAPH, **FEW | {"n_null": 0}), DesignError, "n_null=99"),
    "an unknown null": (lambda: modules(GRAPH, null="shufled", **FEW), UnknownNameError, "shuffled"),
    "a null of activity": (lambda: modules(GRAPH, null="matched", **FEW), UnknownNameError, "weights"),
    "too dense to rewire": (lambda: modules(GRAPH, null="rewired", **FEW), DesignError, "null='shuffled'"),
    "rewired layers": (
        lambda: modules(layered_graph([np.ones((3, 4)), np.ones((4, 3))]), null="rewired", **FEW), DesignError, "layer",
    ),
    "edges of a graph": (lambda: modules(GRAPH, edges=Correlation(), **FEW), DesignError, "Leave edges out"),
    "an unknown sign": (lambda: Correlation("square"), UnknownNameError, "squared"),
    "labels too short": (lambda: modules(GRAPH, labels=[0, 1], **FEW), DataError, "one per unit"),
    "one label": (lambda: modules(GRAPH, labels=[1] * 8, **FEW), DataError, "fewer than two"),
    "an unknown coordinate": (lambda: modules(GRAPH, within="layer", **FEW), UnknownNameError, "layer"),
    "time": (lambda: modules(phantom_recording(n_times=3, rng=0), **FEW), SchemaError, "mean('time'"),
    "no repetitions": (
        lambda: modules(phantom_recording(rng=0), edges=Correlation(residual=True), **FEW), DesignError, "twice",
    ),
    "constant activity": (lambda: modules(0 * phantom_recording(rng=0), **FEW), DesignError, "vary"),
    "NaN activity": (
        lambda: modules(phantom_recording(rng=0).where(phantom_recording(rng=0) < 2), **FEW), DataError, "valid=",
    ),
    "ragged layers": (lambda: layered_graph([np.ones((3, 4)), np.ones((2, 5))]), DataError, "gives 3"),
    "no layers": (lambda: layered_graph([]), DataError, "one matrix"),
    "a silly level": (lambda: modules(GRAPH, level=95, **FEW), DesignError, "level=0.95"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input__is_refused_with_advice(case):
    attempt, error, said = BAD[case]
    with pytest.raises(error) as caught:
        attempt()
    assert said in str(caught.value)


def test_leiden__without_its_package_says_how_to_get_it(monkeypatch):
    plain = builtins.__import__

    def without(name, *rest, **more):
        if name == "leidenalg":
            raise ImportError(name)
        return plain(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=r"neurolab-lesion\[modules\]"):
        Leiden().divide(GRAPH, 0)


def test_dead_and_bad_units__are_in_no_module():
    recording = phantom_recording(n_units=20, dead=3, rng=0)
    valid = np.ones(20, dtype=bool)
    valid[np.flatnonzero(recording["planted"].values != "dead")[0]] = False
    found = modules(recording.assign_coords(valid=("neuroid", valid)), **FEW)
    out = (recording["planted"].values == "dead") | ~valid
    assert ((found["label"].values == 0) == out).all()
    assert found.attrs["n_without_edges"] == 4
    assert "4 of 20 units" in found.attrs["note"]


def test_graphs_in_parts__are_recorded_when_allowed(tmp_path):
    found = modules(APART, allow_parts=True, labels=["a"] * 4 + ["b"] * 4, **FEW)
    assert found.attrs["override"]
    assert float(found["modularity"]) == pytest.approx(0.5)
    assert float(found["ari"]) == 1.0
    found.to_netcdf(tmp_path / "parts.nc")
    with xr.open_dataset(tmp_path / "parts.nc") as again:
        check_result(again.load())


def test_random_graphs_that_fall_apart__are_told():
    draw = np.random.default_rng(0)
    ring = np.zeros((16, 16))
    ring[np.arange(16), (np.arange(16) + 1) % 16] = draw.uniform(1, 2, 16)
    found = modules(ring + ring.T, by=Louvain(), n_null=5, n_restarts=1, rng=0)
    assert found.attrs["null_in_parts"] > 0
    assert "fell apart" in found.attrs["note"]
    kept = modules(ring + ring.T, by=Louvain(), null="nonzero", n_null=5, n_restarts=1, rng=0)
    assert kept.attrs["null_in_parts"] == 0


def test_modules_of_two_units_each__are_the_smallest_that_are_taken():
    pairs = np.kron(np.eye(3), np.ones((2, 2))) + 0.01 - 1.01 * np.eye(6)
    found = modules(pairs, **FEW | {"by": Spectral(3, n_init=2)})
    assert sorted(np.bincount(found["label"].values.astype(int))[-3:]) == [2, 2, 2]
