"""How often decode() reads a condition of which nothing is known, where runs show the same stimuli again."""

import numpy as np
import pytest
from scipy.stats import binom

import neurolab as nl
from neurolab.analysis import decode
from neurolab.errors import DataError, DoubleDippingError

N_RUNS, N_EACH, N_UNITS = 4, 6, 20


def shown_again(rng, *, effect=0.0, kind="brain"):
    """Four runs of the same 12 stimuli, each with a pattern of its own; ``effect`` tells their conditions apart."""
    pattern = rng.normal(size=(2 * N_EACH, N_UNITS))
    pattern[:N_EACH, :5] += effect
    values = np.concatenate([pattern + rng.normal(size=pattern.shape) for _ in range(N_RUNS)])
    presentation = {
        "stimulus_id": [f"s{k}" for k in range(2 * N_EACH)] * N_RUNS,
        "condition": (["face"] * N_EACH + ["house"] * N_EACH) * N_RUNS,
        "run": np.repeat(np.arange(N_RUNS), 2 * N_EACH),
    }
    return nl.make_recording(values, presentation=presentation, kind=kind)


def test_decode__stimuli_that_are_shown_again_are_not_read_as_their_condition():
    n, p, outside = 200, [], 0
    for k in range(n):
        found = decode(shown_again(np.random.default_rng([7, k])), n_permutations=19, rng=k)
        p.append(float(found["p"]))
        outside += float(found["low"]) > 0
    assert np.mean(np.array(p) <= 0.05) <= binom.ppf(0.999, n, 0.05) / n
    assert outside <= binom.ppf(0.999, n, 0.05)
    assert found.attrs["n"] == 2 * N_EACH
    assert found.attrs["by"] == "4"
    assert "48 showings were averaged by stimulus" in found.attrs["note"]


@pytest.mark.parametrize("kind", ["brain", "ann"])
def test_decode__what_goes_with_the_condition_is_still_read(kind):
    found = decode(shown_again(np.random.default_rng(1), effect=4.0, kind=kind), n_permutations=39, rng=0)
    assert float(found["p"]) <= 0.05
    assert float(found["accuracy"]) > 0.85
    assert float(found["low"]) > 0


def test_decode__showings_averaged_by_hand_give_the_same_result():
    recording = shown_again(np.random.default_rng(2), effect=1.0)
    found = decode(recording, n_permutations=19, rng=0)
    same = decode(nl.average_repetitions(recording), n_permutations=19, rng=0)
    assert found.equals(same)


def test_decode__runs_that_share_stimuli_are_no_folds():
    recording = shown_again(np.random.default_rng(3))
    with pytest.raises(DoubleDippingError, match=r"12 stimuli are in several folds of by='run'.*Type by=4"):
        decode(recording, by="run", rng=0)
    mixed = recording.assign_coords(condition=("presentation", ["face", "house"] * 24))
    mixed["condition"].values[12:24] = ["house", "face"] * 6
    with pytest.raises(DataError, match="shown under several conditions"):
        decode(mixed, rng=0)
