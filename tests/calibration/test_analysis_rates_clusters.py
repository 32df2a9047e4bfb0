"""How often a map without any effect gives a cluster (family-wise), and what intervals of clusters cover."""

import numpy as np
import pytest
import xarray as xr

from neurolab.analysis import ClusterMass, Tfce, clusters

SIMULATIONS = 200


def noise(draw, n, shape=(3, 5)):
    """Values with no effect anywhere, correlated over places as real maps are."""
    values = draw.normal(size=(n, *shape)) + draw.normal(size=(n, 1, shape[1]))
    return values + 0.5 * draw.normal(size=(n, 1, 1))


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
        found_any(clusters(maps_of(noise(draw, 12)), by=ClusterMass(0.2), alternative="greater", n_permutations=39,
                           rng=at), alpha=0.05) for at in range(SIMULATIONS)
    ]  # fmt: skip
    calibrated(hits, 0.05)


def test_cluster_mass__of_two_groups_rejects_at_its_level(calibrated):
    draw, group = np.random.default_rng(13), ("specimen", ["a"] * 6 + ["b"] * 5)
    hits = [
        found_any(clusters(maps_of(noise(draw, 11), group=group), "a > b", by=ClusterMass(0.2), n_permutations=39,
                           rng=at)) for at in range(SIMULATIONS)
    ]  # fmt: skip
    calibrated(hits, 0.05)


def test_tfce__rejects_at_the_level_it_can_attain(calibrated):
    draw = np.random.default_rng(14)
    hits = [found_any(clusters(maps_of(noise(draw, 6, (2, 4))), by=Tfce(step=1.0), rng=0)) for _ in range(SIMULATIONS)]
    calibrated(hits, 1 / 32)


@pytest.mark.parametrize("fresh", [True, False])
def test_effects__cover_the_truth_on_other_data_and_not_on_those_that_formed_the_cluster(calibrated, fresh):
    """On noise the truth is 0: on the same data the selection pushes nearly every interval away from it."""
    draw, covers = np.random.default_rng(15), []
    while len(covers) < SIMULATIONS:
        data = maps_of(noise(draw, 8), specimen=[f"a{at}" for at in range(8)])
        other = maps_of(noise(draw, 8), specimen=[f"b{at}" for at in range(8)])
        found = clusters(data, by=ClusterMass(0.05), n_permutations=19, measured_on=other if fresh else None, rng=0)
        if found.sizes["cluster"]:
            covers.append(bool(found["low"][0] <= 0 <= found["high"][0]))
    if fresh:
        calibrated(covers, 0.95)
    else:
        assert np.mean(covers) < 0.3
