"""The verdict's own-deficit tests and the held-out halves at the edge of their nulls; 200 simulations, fixed seeds."""

import numpy as np
import pytest

from neurolab.analysis import dissociation, picked_dissociation
from neurolab.simulate import phantom_trials
from neurolab.trials import make_trials

N = 200
ATTAINABLE = 12 / 256  # a sign-flip over 8 networks at .05


def test_classical_at_the_edge_of_an_own_deficit(binomial_band):
    """A costs X nothing, B improves X: crossover and both sparings are sure, so "classical" rests on A's deficit."""
    plan, classical = {"A": {"X": 0.0, "Y": 0.0}, "B": {"X": -5.0, "Y": 5.0}}, 0
    for seed in range(N):
        trials = phantom_trials(deficits=plan, n_specimens=8, n_stimuli=2, bounded=False, chance=0.0, rng=seed)
        bounds = {"X": 10.0, "Y": 10.0}
        found = dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), spared_within=bounds, rng=0)
        assert float(found["p_double"]) <= 0.05
        assert (float(found["p_classical"]) <= 0.05) == found.attrs["verdict"].startswith("classical")
        classical += found.attrs["verdict"].startswith("classical")
    low, high = binomial_band(ATTAINABLE, N)
    assert low <= classical <= high


def correlated(rho, seed, n_lesions=12, n_trials=12):
    """Noise: what a lesion does to an image on Y is correlated with what it does to it on X."""
    draw, names = np.random.default_rng(seed), [f"c{k}" for k in range(n_lesions)]
    x = draw.standard_normal((8, n_lesions + 1, n_trials))
    y = rho * x + np.sqrt(1 - rho**2) * draw.standard_normal(x.shape)
    trials = make_trials(
        np.concatenate([x, y], axis=2),
        specimen=[f"n{i}" for i in range(8)],
        kind="simulated",
        lesions={
            "lesion_id": ["sham", *names],
            "roi": ["c0", *names],
            "role": ["sham"] + ["target"] * n_lesions,
        },
        trial={
            "task": ["X"] * n_trials + ["Y"] * n_trials,
            "stimulus_id": [f"i{k}" for k in range(n_trials)] * 2,
            "condition": ["c"] * 2 * n_trials,
        },
        tasks={name: {"unit": "m", "bounded": False, "chance": 0.0} for name in "XY"},
    )
    return trials, names


@pytest.mark.parametrize("rho", [-1.0, 0.5])
def test_picked_held_out_claims_of_tasks_on_the_same_images(binomial_band, rho):
    hits = np.zeros(2)
    for seed in range(N):
        trials, names = correlated(rho, seed)
        found = picked_dissociation(
            trials, candidates=names[:6], pool=names[6:], tasks=("X", "Y"), n_permutations=9, rng=seed
        )
        hits += found["held_p"].values <= 0.05
    low, high = binomial_band(ATTAINABLE, N)
    assert ((low <= hits) & (hits <= high)).all(), hits / N
