"""Maps that cannot be tested for clusters are refused with advice; dead places and empty maps are not."""

import numpy as np
import pytest
import xarray as xr

import neurolab as nl
from neurolab.analysis import ClusterMass, Nearest, Tfce, Within, clusters, neighbours
from neurolab.errors import (
    DataError,
    DesignError,
    DoubleDippingError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
)
from neurolab.simulate import phantom_recording

BY = ClusterMass(0.05)


def values(n=8, **coords):
    return xr.DataArray(
        np.random.default_rng(0).normal(size=(n, 3, 4)), dims=("specimen", "layer", "time"), coords=coords
    )


def sheet(n=8):
    return values(n).stack(neuroid=("layer", "time")).reset_index("neuroid").drop_vars(["layer", "time"])


BAD = {
    "an array": (lambda: clusters(np.zeros((4, 3)), by=BY, rng=0), SchemaError, "xr.DataArray"),
    "no way to form": (lambda: clusters(values(), by="mass", rng=0), DesignError, "ClusterMass"),
    "a silly p": (lambda: ClusterMass(3.1), DesignError, "ClusterMass(0.01)"),
    "a silly step": (lambda: Tfce(step=0), DesignError, "Tfce()"),
    "a silly k": (lambda: Nearest(0), DesignError, "Nearest(6)"),
    "a silly distance": (lambda: Within(0), DesignError, "Within(0.05)"),
    "too few members": (lambda: clusters(values(5), by=BY, rng=0), DesignError, "6"),
    "too few permutations": (lambda: clusters(values(12), by=BY, n_permutations=10, rng=0), DesignError, "n_permut"),
    "too few in two groups": (
        lambda: clusters(values(6, group=("specimen", list("aaabbb"))), "a > b", by=BY, rng=0), DesignError, "4 in",
    ),
    "one member": (lambda: clusters(values(1), by=BY, rng=0), DesignError, "at least two"),
    "no sample": (lambda: clusters(values().rename(specimen="unit"), by=BY, rng=0), ReplicationUnitError, "sample"),
    "two samples": (lambda: clusters(values().rename(time="stimulus"), by=BY, rng=0), ReplicationUnitError, "sample"),
    "one member twice": (
        lambda: clusters(values(specimen=list("aabcdefg")), by=BY, rng=0), ReplicationUnitError, "more than once",
    ),
    "no places": (lambda: clusters(values()[:, 0, 0], by=BY, rng=0), SchemaError, "places"),
    "NaN": (lambda: clusters(values().where(values() < 2), by=BY, rng=0), DataError, "valid="),
    "constant": (lambda: clusters(0 * values() + 1, by=BY, rng=0), DataError, "constant"),
    "no groups": (lambda: clusters(values(), "a > b", by=BY, rng=0), DesignError, "group"),
    "unnamed conditions": (lambda: clusters(values().rename(time="condition"), by=BY, rng=0), DesignError, "condition"),
    "an unknown side": (lambda: clusters(values(), by=BY, alternative="more", rng=0), UnknownNameError, "greater"),
    "a silly alpha": (lambda: clusters(values(), by=BY, alpha=1, rng=0), DesignError, "alpha=0.05"),
    "an alpha of a half": (lambda: clusters(values(), by=BY, alpha=0.5, rng=0), DesignError, "alpha=0.05"),
    "no contrast": (lambda: clusters(phantom_recording(rng=0), by=BY, rng=0), DesignError, "contrast"),
    "no coordinates": (
        lambda: clusters(phantom_recording(rng=0), "faces > objects", by=BY, rng=0), DesignError, "to build a grid",
    ),
    "a grid without one": (lambda: neighbours(sheet(), how="grid"), DesignError, "row and col"),
    "a sheet without one": (lambda: neighbours(sheet(), how=Nearest(3)), DesignError, "assign_coords"),
    "no residual stream": (lambda: neighbours(sheet(), how="same_unit"), DesignError, "site and unit"),
    "an unknown how": (lambda: neighbours(sheet(), how="gird"), UnknownNameError, "grid"),
    "an unknown dim": (lambda: neighbours(values(), how={"tiem": "line"}), UnknownNameError, "time"),
    "which dim": (lambda: neighbours(values(), how=np.eye(3)), DesignError, "layer"),
    "wrong size": (lambda: neighbours(sheet(), how=np.eye(5)), DataError, "(12, 12)"),
    "not symmetric": (lambda: neighbours(sheet(), how=np.eye(12, k=1)), DataError, "adjacency.T"),
    "NaN links": (lambda: neighbours(sheet(), how=np.full((12, 12), np.nan)), DataError, "NaN"),
    "the same members": (
        lambda: clusters(values(), by=BY, measured_on=values(), rng=0), DoubleDippingError, "Split first",
    ),
    "other places": (
        lambda: clusters(values(), by=BY, measured_on=values()[:, :2], rng=0), DataError, "measured_on",
    ),
    "pairs of members": (lambda: clusters(values(), pair="p", by=BY, rng=0), DesignError, "Recording"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input__is_refused_with_advice(case):
    attempt, error, said = BAD[case]
    with pytest.raises(error) as caught:
        attempt()
    assert said in str(caught.value)


def test_repeated_stimuli__are_refused():
    recording = phantom_recording(n_units=4, n_stimuli=6, rng=0)
    twice = recording.assign_coords(stimulus_id=("presentation", np.repeat(recording["stimulus_id"].values[::2], 2)),
                                    repetition=("presentation", np.tile([0, 1], 6)))  # fmt: skip
    with pytest.raises(ReplicationUnitError, match="average_repetitions"):
        clusters(twice, "faces > objects", by=BY, adjacency="none", rng=0)


def test_dead_and_bad_places__are_left_out_and_counted():
    data = values(10)
    data[:, 1:, 1:3] += 3.0
    data[:, 1, 1] = 0.0
    data = data.assign_coords(valid=(("layer",), np.array([True, True, False])))
    data[0, 2, 0] = np.nan  # in a layer that is marked bad
    found = clusters(data, by=BY, n_permutations=99, rng=0)
    assert (found.attrs["n_dead"], found.attrs["n_marked_bad"], found.attrs["n_tested"]) == (1, 4, 7)
    assert not found["label"].values[2].any()
    assert found["label"].values[1, 1] == 0
    assert found["label"].values[1, 2] == 1
    assert np.isfinite(found["place_p"].values).all()
    assert (found["p"].values >= float(found["p_floor"])).all()


def test_a_map_without_any_cluster__is_a_result(tmp_path):
    found = clusters(values(), by=ClusterMass(1e-6), rng=0)
    assert found.sizes["cluster"] == 0
    assert "no cluster formed" in found.attrs["reasons"]
    found.to_netcdf(tmp_path / "none.nc")
    with xr.open_dataset(tmp_path / "none.nc") as again:
        assert nl.schema.check_result(again.load()).attrs["n_clusters"] == 0


def test_the_same_rng__gives_the_same_bytes_whatever_the_order_of_members():
    data = values(14)
    one, again = (clusters(data, by=BY, n_permutations=99, rng=3) for _ in range(2))
    xr.testing.assert_identical(one, again)
    before = data.copy(deep=True)
    clusters(data, by=Tfce(step=0.5), n_permutations=19, rng=3)
    xr.testing.assert_identical(data, before)


def test_inference__is_said_to_be_about_the_cluster_not_its_borders():
    found = clusters(values(), by=BY, rng=0)
    assert "not about its borders" in found.attrs["inference"]
    assert "Sassenhagen" in found.attrs["reasons"]
