"""Coverage of psychometric and dose-response intervals, and false alarms of the over-dispersion test."""

import numpy as np
import pytest

from neurolab.calibrate.curves import LEVELS as X
from neurolab.calibrate.curves import answers
from neurolab.stats import psychometric

SIMULATIONS = 200
TRUTH = (3.0, 1.0)  # threshold, s


@pytest.mark.parametrize("interval", ["profile", "bootstrap"])
def test_threshold_and_width_cover(calibrated, interval):
    stream, hits = np.random.default_rng(0), []
    for i in range(SIMULATIONS):
        found = psychometric.fit(X, answers(stream, TRUTH[0]), 60, guess=0.5, interval=interval, n_bootstrap=199, rng=i)
        width = TRUTH[1] * 3.2897072539
        hits.append((found.low <= 3 <= found.high, found.width_low <= width <= found.width_high))
    for covered in np.array(hits).T:  # approximate
        calibrated(covered, 0.95)


def test_goodness_of_fit_keeps_its_level(calibrated):
    stream = np.random.default_rng(1)
    p = [
        psychometric.goodness_of_fit(X, answers(stream, TRUTH[0]), 60, guess=0.5, n_simulations=99, rng=i).p
        for i in range(SIMULATIONS)
    ]
    calibrated(np.array(p) <= 0.05, 0.05)


def test_goodness_of_fit_finds_overdispersion_and_the_wider_interval_covers(calibrated):
    stream, found = np.random.default_rng(2), []
    for i in range(SIMULATIONS):
        k = answers(stream, TRUTH[0], scatter=0.05)
        test = psychometric.goodness_of_fit(X, k, 60, guess=0.5, n_simulations=99, rng=i)
        ends = [psychometric.fit(X, k, 60, guess=0.5, overdispersed=over) for over in (False, True)]
        found.append((test.p <= 0.05, *(end.low <= 3 <= end.high for end in ends)))
    power, plain = np.mean(found, axis=0)[:2]
    assert power > 0.6
    assert plain < 0.85  # the shortcut: trials as if they were independent
    calibrated(np.array(found)[:, 2], 0.95)


def test_dose_response_interval_covers(calibrated):
    stream, x = np.random.default_rng(3), np.linspace(0, 0.8, 9)
    truth = 0.25 + 0.65 / (1 + np.exp((x - 0.3) / 0.08))
    covered = []
    for _ in range(SIMULATIONS):
        found = psychometric.dose_response(x, truth + 0.04 * stream.normal(size=9), chance=0.25)
        covered.append(found.low <= 0.3 <= found.high)
    calibrated(covered, 0.95)  # approximate: the profile F of a non-linear model
