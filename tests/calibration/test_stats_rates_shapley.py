"""Coverage of Shapley intervals: of the Monte-Carlo error, of the sampling error, and of both."""

import numpy as np
import pytest

from neurolab.calibrate.curves import backup
from neurolab.stats import shapley

SIMULATIONS = 200


@pytest.mark.parametrize("options", [{}, {"antithetic": False, "rotations": 1}])
def test_monte_carlo_interval_covers(calibrated, options):
    truth = shapley.exact(backup, 6).values
    covered = []
    for i in range(SIMULATIONS):
        found = shapley.sampled(backup, 6, n_permutations=160, rng=i, **options)
        covered.append((found.low[2] <= truth[2] + 1e-12) & (truth[2] - 1e-12 <= found.high[2]))
    calibrated(covered, 0.95)


def test_sampling_interval_covers(calibrated):
    stream, covered = np.random.default_rng(0), []
    for _ in range(SIMULATIONS):
        weights = stream.normal(1, 0.5, (12, 4))  # twelve stimuli
        found = shapley.exact(lambda mask, w=weights: mask @ w.T, 4)
        covered.append(found.low[0] <= 1 <= found.high[0])
    calibrated(covered, 0.95)


def test_the_joint_interval_covers(calibrated):
    # conservative where the Monte-Carlo error is shared by the stimuli: it is counted in both errors
    stream, covered = np.random.default_rng(1), []
    truth = shapley.exact(backup, 6).values[0]
    for i in range(SIMULATIONS):
        weights = stream.normal(1, 0.5, 12)
        found = shapley.sampled(lambda mask, w=weights: np.outer(backup(mask), w), 6, n_permutations=80, rng=i)
        covered.append(found.low[0] <= truth <= found.high[0])
    calibrated(covered, 0.95, side="lower")


def test_or_gate_and_its_single_lesions():
    # single lesions say 0, 0; the Shapley values say .5, .5
    for i in range(20):
        noise = np.random.default_rng(i).normal(0, 0.2, (4, 30))
        found = shapley.sampled(
            lambda mask, e=noise: mask.any(axis=1)[:, None] + e[mask @ [1, 2]] - e[0], 2, n_permutations=64, rng=i
        )
        assert np.abs(found.values - 0.5).max() < 0.15
        single = [float((1 + noise[3] - (1 + noise[k])).mean()) for k in (1, 2)]
        assert np.abs(single).max() < 0.2
