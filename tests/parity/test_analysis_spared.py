"""The verb ``spared`` against sums by hand and the array floor's own test."""

import numpy as np
import pytest

import neurolab as nl
from neurolab.simulate import phantom_trials
from neurolab.stats.equivalence import sign_flip_tost


@pytest.mark.parametrize("task", ["X", "Y"])
def test_spared__is_sham_minus_lesion_per_network_and_its_equivalence_test(task):
    trials = phantom_trials(rng=4)
    found = nl.spared(trials, lesion="A", tasks=("X", "Y"), within={"X": 0.08, "Y": 0.08}, rng=0).sel(task=task)
    score = trials["score"].transpose("specimen", "lesion", "trial").values[:, :, trials["task"].values == task]
    role, roi = trials["role"].values, trials["roi"].values
    sham = (
        score[:, (role == "sham") & (roi == "A")]
        if ((role == "sham") & (roi == "A")).any()
        else score[:, role == "sham"]
    )
    by_hand = sham.mean(axis=(1, 2)) - score[:, (role == "target") & (roi == "A")].mean(axis=(1, 2))
    assert np.allclose(found["deficit"].values, by_hand, atol=1e-12)
    assert float(found["effect"]) == pytest.approx(by_hand.mean())
    test = sign_flip_tost(by_hand, bounds=0.08)
    assert float(found["p"]) == test.p
    assert bool(found["shown"]) == test.equivalent
