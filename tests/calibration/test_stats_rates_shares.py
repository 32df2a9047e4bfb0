"""Means of right and wrong over a few networks, at the bound itself: 400 simulations each, fixed seeds."""

import numpy as np
import pytest

from neurolab.analysis import spared
from neurolab.stats.equivalence import sign_flip_tost
from neurolab.stats.right_or_wrong import Pairs
from neurolab.trials import make_trials

N = 400


def lost(stream, n, networks, bound, kind):
    """Per item, right minus wrong in the mean of some networks; the mean is the bound."""
    shape = (n, networks)
    if kind == "weak items":  # of which each network loses four in five
        return ((stream.random((n, 1)) < bound / 0.8) & (stream.random(shape) < 0.8)).mean(axis=1)
    if kind == "the same in all":
        return np.repeat(stream.random((n, 1)) < bound, networks, axis=1).mean(axis=1)
    if kind == "apart":
        return (stream.random(shape) < bound).mean(axis=1)
    if kind == "both ways":
        drawn = stream.random(shape)
        return (drawn < bound + 0.1).mean(axis=1) - (drawn > 0.9).mean(axis=1)
    whole, back = stream.random((n, 1)) < 1.5 * bound, stream.random(shape) < 0.5 * bound / (1 - 1.5 * bound)
    return np.where(whole, 1.0, -1.0 * back).mean(axis=1)  # some are lost in all networks, others won in some


@pytest.mark.parametrize("kind", ["weak items", "the same in all", "apart", "both ways", "lost whole, won in part"])
@pytest.mark.parametrize("networks", [1, 2, 3, 5, 8])
def test_no_false_sparing_at_the_bound(binomial_band, networks, kind):
    """By the p of the one bound that is near: the other could only make fewer claims."""
    for n in (10, 20, 40):
        stream, claimed = np.random.default_rng(n), 0
        for _ in range(N):
            claimed += Pairs(lost(stream, n, networks, 0.1, kind)).tail(0.1, -1.0) <= 0.05
        assert claimed <= binomial_band(0.05, N)[1], (n, claimed / N)


def test_sign_flips_of_such_means_are_the_shortcut():
    stream = np.random.default_rng(0)
    claimed = [sign_flip_tost(lost(stream, 20, 3, 0.1, "weak items"), bounds=0.1).equivalent for _ in range(N)]
    assert np.mean(claimed) > 0.08


def test_spared_takes_them_for_right_and_wrong(binomial_band):
    """Three networks, 20 items, a bound of .1: 34 items could show it, so 20 hardly ever do. It was .115."""
    stream, claimed = np.random.default_rng(1), 0
    for _ in range(100):
        weak = stream.random(20) < 0.1 / 0.8
        score = np.ones((3, 2, 20))
        score[:, 1] -= weak & (stream.random((3, 20)) < 0.8)
        trials = make_trials(
            score, specimen=["a", "b", "c"], kind="simulated",
            lesions={"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"], "role": ["sham", "target"]},
            trial={"task": ["t"] * 20, "stimulus_id": [f"s{k}" for k in range(20)], "condition": ["x"] * 20},
            tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.0}},
        )  # fmt: skip
        found = spared(trials, lesion="cut", tasks=["t"], within={"t": 0.1}, over="stimulus", rng=0)
        claimed += bool(found["shown"].item())
    assert claimed <= 1
