"""A patch of selective units on a conv grid, and an effect at some layers and times, are found as one cluster."""

import numpy as np
import pytest
import xarray as xr

import neurolab as nl
from neurolab.analysis import ClusterMass, Nearest, Tfce, clusters
from neurolab.roi import roi_from_mask


def patch(n_stimuli=16, effect=1.5, rng=0):
    """Two channels of 6 x 6; in the first one a patch of 3 x 3 prefers faces."""
    draw = np.random.default_rng(rng)
    values, truth = draw.normal(size=(2 * n_stimuli, 2, 6, 6)), np.zeros((2, 6, 6), dtype=bool)
    truth[0, 1:4, 2:5] = True
    values[:n_stimuli] += effect * truth
    columns = {"stimulus_id": [f"s{at}" for at in range(2 * n_stimuli)],
               "condition": np.repeat(["faces", "houses"], n_stimuli)}  # fmt: skip
    sites = [{"name": "conv", "dims": ["channel", "row", "col"], "shape": [2, 6, 6]}]
    units = {"site": np.zeros(72, int), "unit": np.arange(72)}
    recording = nl.make_recording(values.reshape(-1, 72), presentation=columns, neuroid=units, sites=sites, kind="ann")
    return recording, truth.ravel()


@pytest.mark.parametrize("by", [ClusterMass(0.01), Tfce(step=0.5)])
def test_clusters__find_a_patch_of_a_conv_layer(by):
    recording, truth = patch(rng=1)
    found = clusters(recording, "faces > houses", by=by, n_permutations=99, rng=0)
    first = found["label"].values == 1
    assert float(found["p"][0]) == 0.01
    assert (first & truth).sum() >= 7
    assert (first & ~truth).sum() <= 3
    assert not found["label"].values[36:].any() or found["p"].values[found["label"].values[36:].max() - 1] > 0.05
    assert found.attrs["n_links"] == 2 * 60


def test_clusters__measured_on_other_stimuli_give_the_planted_effect():
    recording, _ = patch(40)
    rows = np.arange(80)
    choose, test = recording.isel(presentation=rows[::2]), recording.isel(presentation=rows[1::2])
    found = clusters(choose, "faces > houses", by=ClusterMass(0.001), n_permutations=99, measured_on=test, rng=0)
    assert float(found["low"][0]) <= 1.5 <= float(found["high"][0]) + 0.3
    assert "other data" in found.attrs["effect_on"]
    roi = roi_from_mask(found["label"].values == 1, recording, name="patch", chosen_on=choose["stimulus_id"].values)
    assert 7 <= roi.n_units <= 11


def test_clusters__join_layers_and_times_of_networks_and_say_where_the_peak_is():
    draw = np.random.default_rng(3)
    values = draw.normal(size=(10, 4, 12))
    values[:, 1:3, 4:8] += 2.0
    data = xr.DataArray(values, dims=("specimen", "layer", "time"),
                        coords={"layer": ["a", "b", "c", "d"], "time": np.arange(12) / 100})  # fmt: skip
    found = clusters(data, by=ClusterMass(0.01), rng=0)
    assert float(found["p"][0]) == float(found["p_floor"]) == 2 / 2**10
    inside = found["label"].values == 1
    assert inside[1:3, 4:8].mean() >= 0.75
    assert str(found["peak"].values[0]).startswith(("layer b", "layer c"))
    assert found.attrs["generalises_over"] == "specimen"


def test_clusters__of_voxels_and_of_a_sheet_find_the_same_ball():
    draw, place = np.random.default_rng(4), np.argwhere(np.ones((5, 5, 3)))
    ball = ((place - [2, 2, 1]) ** 2).sum(axis=1) <= 2
    values = draw.normal(size=(9, 75)) + 2.0 * ball
    sites = {"site": ("neuroid", np.zeros(75, int)), "unit": ("neuroid", np.arange(75))}
    voxels = xr.DataArray(
        values, dims=("subject", "neuroid"), coords={**sites, **{a: ("neuroid", 3.0 * place[:, i]) for i, a in
                                                               enumerate("xyz")}},
        attrs={"sites": '[{"name": "brain", "dims": ["i", "j", "k"], "shape": [5, 5, 3]}]'},
    )  # fmt: skip
    found = clusters(voxels, by=ClusterMass(0.005), rng=0)
    near = clusters(voxels, by=ClusterMass(0.005), adjacency=nl.analysis.Within(3.0), rng=0)
    np.testing.assert_array_equal(found["label"], near["label"])
    assert ball[found["label"].values == 1].mean() >= 0.8
    assert float(found["p"][0]) <= 0.05
    six = clusters(voxels, by=ClusterMass(0.005), adjacency=Nearest(6), rng=0)
    assert six.attrs["n_without_neighbour"] == 0
