"""How often a map without any effect gives a cluster (family-wise), and what intervals of clusters cover."""

import numpy as np
import xarray as xr
from scipy import stats

from neurolab.analysis import ClusterMass, Tfce, clusters
from neurolab.calibrate.people import places as noise

SIMULATIONS = 200


def maps_of(values, **coords):
    return xr.DataArray(values, dims=("specimen", "layer", "time"), coords=coords)


def found_any(found, alpha=0.05):
    return bool((found["p"].values <= alpha).any())


def test_cluster_mass__of_all_sign_flips_rejects_at_the_level_it_can_attain(calibrated):
    draw = np.random.default_rng(11)
    hits = [found_any(clusters(maps_of(noise(draw, 6)), by=ClusterMass(0.1), rng=0)) for _ in range(SIMULATIONS)]
    calibrated(hits, 1 / 32)


def test_cluster_mass__one_sided_and_drawn_rejects_at_its_level(calibrated):
    draw = np.random.default_rng(12)
    hits = [
        found_any(clusters(maps_of(noise(draw, 12)), by=ClusterMass(0.2), alternative="greater", n_permutations=19,
                           rng=at), alpha=0.05) for at in range(SIMULATIONS)
    ]  # fmt: skip
    calibrated(hits, 0.05)


def test_cluster_mass__of_two_groups_rejects_at_its_level(calibrated):
    draw, group = np.random.default_rng(13), ("specimen", ["a"] * 6 + ["b"] * 5)
    hits = [
        found_any(clusters(maps_of(noise(draw, 11), group=group), "a > b", by=ClusterMass(0.2), n_permutations=19,
                           rng=at)) for at in range(SIMULATIONS)
    ]  # fmt: skip
    calibrated(hits, 0.05)


def test_tfce__rejects_at_its_level(calibrated):
    draw, settings = np.random.default_rng(14), {"by": Tfce(step=2.0), "alternative": "greater", "n_permutations": 19}
    hits = [found_any(clusters(maps_of(noise(draw, 8, (2, 4))), **settings, rng=at)) for at in range(SIMULATIONS)]
    calibrated(hits, 0.05)


def test_effects__cover_the_truth_on_other_data_and_not_on_those_that_formed_the_cluster(calibrated):
    """On noise the truth is 0: on the same data the selection pushes nearly every interval away from it."""
    draw, fresh, same = np.random.default_rng(15), [], []
    while len(fresh) < SIMULATIONS:
        data, other = (maps_of(noise(draw, 8), specimen=[f"{name}{at}" for at in range(8)]) for name in "ab")
        settings = {"by": ClusterMass(0.2), "alpha": 0.1, "n_permutations": 9, "rng": 0}
        found = clusters(data, measured_on=other, **settings)
        if found.sizes["cluster"]:
            fresh.append(bool(found["low"][0] <= 0 <= found["high"][0]))
            inside = data.values[:, found["label"].values == 1].mean(axis=1)
            low, high = stats.ttest_1samp(inside, 0).confidence_interval(0.9)
            same.append(low <= 0 <= high)
    calibrated(fresh, 0.9)
    assert np.mean(same) < 0.3
