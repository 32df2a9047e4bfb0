"""The two p of an interaction at the edge of their nulls: both exact over 8 networks, attainable level 12/256."""

import numpy as np

from neurolab.analysis import interaction
from neurolab.simulate import phantom_trials

ATTAINABLE = 12 / 256
N = 200
ASKED = {"a": "A", "b": "B", "both": "A + B", "task": "X", "rng": 0}


def found(seed, excess, **asked):
    plan = {"A": {"X": 1.0}, "B": {"X": 0.5}, "A + B": {"X": 1.5 + excess}}
    settings = {"n_specimens": 8, "n_stimuli": 2, "bounded": False, "chance": 0.0, "rng": seed}
    return interaction(phantom_trials(deficits=plan, **settings), **ASKED, **asked)


def test_costs_that_add_up_are_called_an_interaction_at_the_attainable_level(calibrated):
    calibrated([float(found(seed, 0.0)["p"]) <= 0.05 for seed in range(N)], ATTAINABLE)


def test_additive_at_the_edge_of_its_bound(calibrated):
    """The true interaction is the bound itself, on either side: "additive" is then false."""
    for excess in (1.0, -1.0):
        shown = [bool(found(seed, excess, additive_within={"X": 1.0})["additive_shown"]) for seed in range(N)]
        calibrated(shown, ATTAINABLE)


def test_the_interval_covers_the_planted_interaction(calibrated):
    results = [found(seed, 2.0) for seed in range(N)]
    calibrated([float(one["low"]) <= 2.0 <= float(one["high"]) for one in results], 1 - ATTAINABLE)


def test_no_false_verdict_with_a_bound_in_more_than_five_per_cent(binomial_band):
    """Costs add up: "redundant" and "synergistic" are false; the interaction is the bound: "additive" is false."""
    verdicts = [found(seed, 0.0, additive_within={"X": 1.0}).attrs["verdict"] for seed in range(N)]
    assert np.isin(verdicts, ["redundant", "synergistic"]).sum() <= binomial_band(0.05, N)[1]
    verdicts = [found(seed, 1.0, additive_within={"X": 1.0}).attrs["verdict"] for seed in range(N)]
    assert np.isin(verdicts, ["additive", "synergistic"]).sum() <= binomial_band(0.05, N)[1]
