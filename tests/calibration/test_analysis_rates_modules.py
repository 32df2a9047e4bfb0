"""How often graphs without modules pass for modular, and unrelated labels for the modules found."""

import numpy as np
import pytest

from neurolab.analysis import Correlation, Spectral, modules
from neurolab.analysis.agreed import agreement_with
from neurolab.analysis.unit_graph import graph_of
from neurolab.recording import make_recording

SIMULATIONS = 200


class Halves(Spectral):
    """Two modules by the sign of the second eigenvector: a cheap search, and any search must keep the level."""

    def divide(self, weights, seed):
        root = np.sqrt(weights.sum(axis=1))
        vector = np.linalg.eigh(weights / np.outer(root, root))[1][:, -2]
        return (vector > np.median(vector)).astype(int)


FAST = {"by": Halves(2), "n_null": 19, "n_restarts": 1}


def random_graph(draw, n=12):
    weights = np.triu(draw.exponential(size=(n, n)) * (draw.random((n, n)) < 0.7), 1)
    return weights + weights.T


def activity(draw, common, n=14, n_stimuli=30):
    values = draw.normal(size=(n_stimuli, n)) + common * draw.normal(size=(n_stimuli, 1))
    rows = {"stimulus_id": [f"s{at}" for at in range(n_stimuli)], "condition": ["a"] * n_stimuli}
    return make_recording(values, presentation=rows, kind="simulated")


def test_random_weights__pass_for_modules_at_the_level(calibrated):
    draw = np.random.default_rng(21)
    found = [modules(random_graph(draw), allow_parts=True, **FAST, rng=at) for at in range(SIMULATIONS)]
    calibrated([float(one["p"]) <= 0.05 for one in found], 0.05)
    calibrated([float(one["cut_p"]) <= 0.05 for one in found], 0.05)


@pytest.mark.parametrize(("null", "common"), [("independent", 0.0), ("matched", 1.0)])
def test_activity_without_modules__passes_for_modules_at_the_level(calibrated, null, common):
    """"matched" is approximate; units that share one common cause are its edge, where a lax null would be beaten."""
    draw = np.random.default_rng(22)
    edges = Correlation("positive") if common else Correlation()
    found = [modules(activity(draw, common), edges=edges, null=null, **FAST, rng=at) for at in range(SIMULATIONS)]
    calibrated([float(one["p"]) <= 0.05 for one in found], 0.05)


def test_unrelated_labels__agree_with_modules_at_the_level(calibrated):
    draw, hits = np.random.default_rng(23), {"ari": [], "nmi": [], "given": []}
    layer = np.repeat([0, 1], 10)
    for at in range(SIMULATIONS):
        graph = graph_of(random_graph(draw, 20), None, None)
        labels, codes = draw.integers(3, size=20) + 3 * layer, draw.integers(4, size=20)  # known to differ by layer
        object.__setattr__(graph, "layer", layer)
        found = agreement_with(graph, codes, labels, 19, 0.95, np.random.default_rng(at))
        for name, happened in hits.items():
            happened.append(found[f"{name}_p"] <= 0.05)
    for happened in hits.values():
        calibrated(happened, 0.05)
