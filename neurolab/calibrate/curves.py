"""Psychometric and dose-response curves, games of players: do their intervals cover?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.special import ndtr

from neurolab.calibrate.entry import Entry, Found, approximate, covers, found_of
from neurolab.stats import psychometric, shapley

Stream = np.random.Generator
LEVELS = np.linspace(0.5, 5.5, 7)
DOSES = np.linspace(0, 0.8, 9)
TRIALS = 60


def answers(stream: Stream, threshold: float, *, scatter: float = 0.0, lapse: float = 0.03) -> np.ndarray:
    """Get correct answers per level of an observer; ``scatter`` is the correlation of trials within a level."""
    psi = 0.5 + (0.5 - lapse) * ndtr(LEVELS - threshold)
    if scatter:  # beta-binomial with this intraclass correlation
        psi = stream.beta(psi * (1 / scatter - 1), (1 - psi) * (1 / scatter - 1))
    return stream.binomial(TRIALS, psi)


def threshold(stream: Stream, effect: float, *, scatter: float = 0.0, **settings: Any) -> Found:
    """Get the interval of a threshold that lies at ``effect``."""
    k = answers(stream, effect, scatter=scatter)
    return found_of(psychometric.fit(LEVELS, k, TRIALS, guess=0.5, rng=stream, **settings), effect)


def fits(stream: Stream, effect: float) -> Found:
    """Test whether answers scatter more than coins around their curve; the effect is their correlation."""
    k = answers(stream, 3.0, scatter=effect)
    return Found(psychometric.goodness_of_fit(LEVELS, k, TRIALS, guess=0.5, n_simulations=99, rng=stream).p)


def half_dose(stream: Stream, effect: float) -> Found:
    """Get the interval of the dose at which a score has lost half."""
    truth = 0.25 + 0.65 / (1 + np.exp((DOSES - effect) / 0.08))
    return found_of(
        psychometric.dose_response(DOSES, truth + 0.04 * stream.normal(size=DOSES.size), chance=0.25), effect
    )


def backup(mask: np.ndarray) -> np.ndarray:
    """Get the worth of coalitions of six: two backups of each other, a gate of three, a sum."""
    gate = mask[:, 2] & mask[:, 3] & mask[:, 4]
    return (mask[:, 0] | mask[:, 1]) + 0.5 * gate + 0.25 * mask[:, 5] + np.sqrt(mask.sum(axis=1))


def _player(found: shapley.Shapley, player: int, truth: float) -> Found:
    return Found(low=found.low[player] - 1e-12, high=found.high[player] + 1e-12, truth=truth)


def drawn_orders(stream: Stream, effect: float) -> Found:
    """Get the interval of a sampled Shapley value about the exact one: the error of drawing orders."""
    truth = shapley.exact(backup, 6).values[2]
    return _player(shapley.sampled(backup, 6, n_permutations=160, rng=stream), 2, truth)


def over_stimuli(stream: Stream, effect: float) -> Found:
    """Get the interval of an exact Shapley value over twelve stimuli."""
    weights = stream.normal(effect, 0.5, (12, 4))
    return _player(shapley.exact(lambda mask: mask @ weights.T, 4), 0, effect)


def both_errors(stream: Stream, effect: float) -> Found:
    """Get the interval of a sampled Shapley value over twelve stimuli."""
    weights, truth = stream.normal(effect, 0.5, 12), effect * shapley.exact(backup, 6).values[0]
    found = shapley.sampled(lambda mask: np.outer(backup(mask), weights), 6, n_permutations=80, rng=stream)
    return _player(found, 0, truth)


_FIT, _SHAPLEY = "stats.psychometric.fit", "stats.shapley.sampled"

ENTRIES = (
    Entry("threshold, profile likelihood", _FIT, "Threshold 3, lapse .03, fitted.", "7 levels of 60 trials",
          threshold, interval=covers(kind="approximate"), at=3.0),
    Entry("threshold, bootstrap", _FIT, "Threshold 3, lapse .03, fitted.", "7 levels of 60 trials",
          partial(threshold, interval="bootstrap", n_bootstrap=199), interval=covers(kind="approximate"), at=3.0),
    Entry("threshold, over-dispersed", _FIT, "Trials of a level correlate at .05.", "7 levels of 60 trials",
          partial(threshold, scatter=0.05, overdispersed=True), interval=covers(kind="approximate"), at=3.0),
    Entry("goodness_of_fit", "stats.psychometric.goodness_of_fit", "Independent trials of the fitted curve.",
          "7 levels of 60 trials", fits, approximate(), power_at=0.05, effect="trials correlate at .05"),
    Entry("dose_response of scores", "stats.psychometric.dose_response", "Half is lost at a dose of 0.3.", "9 doses",
          half_dose, interval=covers(kind="approximate"), at=0.3),
    Entry("shapley.sampled, of drawing", _SHAPLEY, "Six players with backups and a gate.", "160 orders", drawn_orders,
          interval=covers(kind="approximate")),
    Entry("shapley.exact, over stimuli", "stats.shapley.exact", "Four players worth 1 in the mean.", "12 stimuli",
          over_stimuli, interval=covers(), at=1.0),
    Entry("shapley.sampled, both errors", _SHAPLEY, "Six players with backups and a gate.", "12 stimuli, 80 orders",
          both_errors, interval=covers(kind="conservative"), at=1.0),
)  # fmt: skip
