"""How often networks without modules pass for modular, and clusters that are any units for functional or costly."""

import numpy as np
import pytest

from neurolab.analysis import Spectral, alignment, clusterability
from neurolab.calibrate.clustered import N, clusters, lost, network

SIMULATIONS = 200


class Halves(Spectral):
    """Two clusters by the sign of the second eigenvector: a cheap search, and any search must keep the level."""

    def divide(self, weights, seed):
        root = np.sqrt(weights.sum(axis=1))
        vector = np.linalg.eigh(weights / np.outer(root, root))[1][:, -2] / root
        return (vector > np.median(vector)).astype(int)


def test_random_networks__pass_for_modular_at_the_level(calibrated):
    """A sign-flip of z is approximate: the rate is held to the upper side, in either direction."""
    draw, hits = np.random.default_rng(41), []
    for at in range(SIMULATIONS):
        nets = [network(draw, 0.0) for _ in range(N)]
        found = clusterability(nets, by=Halves(2), nulls=("shuffled",), n_null=5, rng=at)
        hits.append(float(found["p"].item()) <= 0.05)
    calibrated(hits, 0.05, side="upper")


def test_unrelated_functions_and_random_clusters__agree_no_more_often_than_the_level(calibrated):
    draw, hits = np.random.default_rng(42), {"found": [], "random": []}
    held = clusters()
    for at in range(SIMULATIONS):
        labels = np.array([draw.permutation(np.repeat([1, 2], [13, 7])) for _ in range(N)])
        functions = [draw.permutation(np.repeat(["left", "right"], [8, 12])) for _ in range(N)]
        drawn = held.assign(label=(held["label"].dims, labels[None]))
        found = alignment(drawn, {"networks": functions}, n_permutations=19, rng=at)
        for partition, happened in hits.items():
            p = found["p"].sel(condition="networks", partition=partition, measure="ari")
            happened.append(float(p) <= 0.05)
    for happened in hits.values():
        calibrated(happened, 0.05, side="upper")


@pytest.mark.parametrize("seed", [43])
def test_clusters_like_any_sets__cost_more_at_the_level(calibrated, seed):
    draw = np.random.default_rng(seed)
    found = [lost(draw, 0.0) for _ in range(SIMULATIONS)]
    calibrated([one.p <= 0.05 for one in found], 12 / 256)  # 8 networks: 2-sided in steps of 2 / 256
    calibrated([one.low <= 0 <= one.high for one in found], 1 - 12 / 256)
