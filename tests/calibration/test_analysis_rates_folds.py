"""What folds and double dipping do to p, and what the bench's own ways do: null simulations of the torch traps.

Correlated units, overlapping folds, a region cut on the stimuli that chose it: the naive p fails there, by the rates
that stand beside it; the p of neurolab keeps its level on the same data.
"""

import numpy as np
import pandas as pd
import scipy.stats as sps
import torch
from torch import nn

import neurolab as nl
from neurolab.analysis.crossfold import CrossFold, Deal, shuffled_p
from neurolab.stats import shapley

N = 100


def whole_shuffled(values, positive, seed):
    """The p of held_out on arrays: two folds, the selection run again on each of 19 shuffles."""
    n_units, fold = values.shape[1], np.tile([0, 1], len(values) // 2)
    here = np.zeros(n_units, dtype=np.int64)
    cross = CrossFold(fold, "welch", 3, None, here, np.arange(n_units), here == 0)
    deal = Deal(positive, fold, np.arange(len(fold)))
    labels = np.stack([positive, *(deal(np.random.default_rng([seed, draw])) for draw in range(19))])
    observed, *null = cross.students(values, labels)
    return shuffled_p(observed, np.array(null))


def over_folds(values, positive, seed, n_splits=10):
    """The usual mistake: a t test over the held-out effects of many random splits of the same presentations."""
    stream, effects = np.random.default_rng([seed, 99]), []
    for _ in range(n_splits):
        half = stream.permutation(np.repeat([True, False], len(values) // 2))
        gap = values[half & positive].mean(0) - values[half & ~positive].mean(0)
        top = np.argsort(-gap)[:3]
        effects.append((values[~half & positive].mean(0) - values[~half & ~positive].mean(0))[top].mean())
    return sps.ttest_1samp(effects, 0, alternative="greater").pvalue


def test_correlated_units_and_folds__keep_the_level_where_a_t_over_folds_does_not(binomial_band):
    shuffled, folds = [], []
    positive = np.repeat([False, True, False, True], 6)
    for seed in range(N):
        stream = np.random.default_rng(seed)
        values = stream.standard_normal((24, 20)) + 2 * stream.standard_normal((24, 1))  # voxels share their luck
        shuffled.append(whole_shuffled(values, positive, seed))
        folds.append(over_folds(values, positive, seed))
    low, high = binomial_band(0.05, N)
    assert low <= np.sum(np.array(shuffled) <= 0.05) <= high
    assert np.mean(np.array(folds) <= 0.05) > 0.2  # .3 was measured, six times the level


def test_localise_and_lesion_on_noise__is_uniform_cross_fitted_and_inflated_without(binomial_band):
    n_nets, n = 40, 24
    net = nl.Specimen(nn.Sequential(nn.Identity(), nn.Linear(12, 1, bias=False)), torch.zeros(1, 12), name="sum")
    with torch.no_grad():
        net.model[1].weight.fill_(1.0)
    inflated, fair = [], []
    for seed in range(n_nets):
        table = pd.DataFrame({"stimulus_id": [f"s{at:02d}" for at in range(n)], "condition": ["a", "b"] * (n // 2)})
        stimuli = nl.StimulusSet("noise", np.random.default_rng(seed).standard_normal((n, 12)), table)
        choose, test = stimuli.split(2, rng=seed)
        roi = nl.select_roi(nl.localise(nl.record(net, choose, ["0"]), "a > b"), name="area", top=2)
        for shown, p in ((choose, inflated), (test, fair)):
            task = nl.Task("sum", shown, lambda outputs, table: outputs[:, 0].astype(float))
            trials = nl.examine(net, [nl.Lesion(roi, nl.Zero())], [task], allow_double_dipping=True, progress=False)
            cost, side = trials.score.values[0, 0] - trials.score.values[0, 1], shown.table["condition"] == "a"
            p.append(sps.ttest_ind(cost[side], cost[~side], alternative="greater").pvalue)
    low, high = binomial_band(0.05, n_nets)
    assert low <= np.sum(np.array(fair) <= 0.05) <= high
    assert sps.kstest(fair, "uniform").pvalue > 0.001
    assert np.mean(np.array(inflated) <= 0.05) > 0.5


def test_more_permutations__shrink_the_monte_carlo_error_and_never_the_spread_over_stimuli():
    weights = np.random.default_rng(0).normal(0.2, 1.0, (16, 5))  # sixteen stimuli

    def game(mask, sign=1.0):
        return sign * (mask @ weights.T + np.outer(mask[:, :3].all(axis=1), weights[:, 2]))

    few, many = (shapley.sampled(game, 5, n_permutations=n, rng=0) for n in (64, 2048))
    assert many.monte_carlo_se[:2].max() < 0.5 * few.monte_carlo_se[:2].max()
    np.testing.assert_allclose(many.sampling_se, few.sampling_se, rtol=0.25)
    assert (many.high - many.low > 0.7 * (few.high - few.low)).all()
    turned = shapley.sampled(lambda mask: game(mask, -1.0), 5, n_permutations=64, rng=0)
    np.testing.assert_allclose(turned.values, -few.values, atol=1e-12)
    np.testing.assert_allclose((turned.low, turned.high), (-few.high, -few.low), atol=1e-12)
    np.testing.assert_allclose(turned.sampling_se, few.sampling_se, atol=1e-12)
