"""Recordings come back from disk as they went, and their shapes are numpy's."""

import numpy as np
import pytest
import xarray as xr

import neurolab as nl


def recording(time=False):
    rng = np.random.default_rng(0)
    sites = [
        {"name": "conv", "dims": ["channel", "row"], "shape": [2, 3]},
        {"name": "fc", "dims": ["unit"], "shape": [4]},
    ]
    values = rng.standard_normal((5, 10, 2) if time else (5, 10)).astype(np.float32)
    return nl.make_recording(
        values,
        presentation={
            "stimulus_id": ["a", "b", "a", "c", "b"],
            "condition": ["x", "y", "x", "x", "y"],
            "run": [1, 1, 2, 2, 2],
        },
        neuroid={
            "site": np.repeat([0, 1], [6, 4]),
            "unit": np.r_[0:6, 0:4],
            "valid": np.ones(10, bool),
            "parcel": ["V1"] * 10,
        },
        sites=sites,
        kind="ann",
        units="a.u.",
        specimen="net 0",
    )


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("time", [False, True])
def test_save_and_load__round_trip(tmp_path, suffix, time):
    before = recording(time)
    after = nl.load(nl.save(before, tmp_path / f"recording{suffix}"))
    assert before.identical(after)
    assert before.dtype == after.dtype
    nl.save(after, tmp_path / f"recording{suffix}")
    assert before.identical(nl.load(tmp_path / f"recording{suffix}"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"recording{suffix}"]


def test_unflatten__is_reshape():
    flat = recording()
    assert np.array_equal(nl.unflatten(flat, "conv").values, flat.values[:, :6].reshape(5, 2, 3))
    assert nl.unflatten(flat, "conv").dims == ("presentation", "channel", "row")
    picked = flat.isel(neuroid=[0, 5, 7])
    assert np.isnan(nl.unflatten(picked, "conv").values).sum() == 5 * 4


def test_average_repetitions__is_the_mean_of_each_stimulus():
    flat = recording()
    mean = nl.average_repetitions(flat)
    assert list(mean["stimulus_id"].values) == ["a", "b", "c"]
    assert np.array_equal(mean.values[0], flat.values[[0, 2]].mean(0, dtype=float))
    assert "run" not in mean.coords


@pytest.mark.parametrize("time", [False, True])
def test_average_repetitions__is_the_same_mean_wherever_the_numbers_lie(tmp_path, time):
    pytest.importorskip("dask")
    flat = recording(time)
    mean = nl.average_repetitions(flat)
    assert mean.dtype == float
    assert mean.values[1].tolist() == flat.values[[1, 4]].mean(0, dtype=float).tolist()
    nl.save(flat, tmp_path / "one.zarr")
    lazy = xr.open_dataset(tmp_path / "one.zarr", engine="zarr", consolidated=False)["activity"]
    for found in (flat.chunk(), flat.chunk({"presentation": 2, "neuroid": 3}), lazy, lazy.chunk({"presentation": 1})):
        assert nl.average_repetitions(found).identical(mean)


def test_align__same_stimuli_same_order():
    a = nl.average_repetitions(recording())
    b = a.isel(presentation=[2, 0])
    left, right = nl.align(a, b)
    assert list(left["stimulus_id"].values) == list(right["stimulus_id"].values) == ["a", "c"]
    assert np.array_equal(left.values, right.values)
