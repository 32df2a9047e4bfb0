"""False alarms and coverage of single cases given covariates, and what ignoring the covariate does."""

import numpy as np
import pytest
from scipy.special import ndtr

from neurolab.calibrate.cases import aged
from neurolab.stats import reliability, single_case

SIMULATIONS = 200


@pytest.mark.parametrize("n", [8, 20])
def test_deficit_keeps_its_level(calibrated, n):
    stream, p, plain = np.random.default_rng(n), [], []
    for _ in range(SIMULATIONS):
        scores, age, case = aged(stream, n)
        p.append(single_case.deficit_with_covariates(case[0], scores[:, 0], case_covariates=70, covariates=age).p)
        plain.append(single_case.crawford_howell(case[0], scores[:, 0]).p)
    calibrated(np.array(p) <= 0.05, 0.05)  # exact
    assert np.mean(np.array(plain) <= 0.05) > 0.09  # the shortcut: old cases against controls of every age


@pytest.mark.parametrize(("prior", "rate"), [("calibrated", 0.051), ("standard", 0.0715)])
def test_difference_keeps_its_published_rate(calibrated, prior, rate):
    stream, p = np.random.default_rng(1), []
    for i in range(SIMULATIONS):
        scores, age, case = aged(stream, 14)
        found = single_case.difference_with_covariates(
            case, scores, case_covariates=70, covariates=age, prior=prior, n_draws=1_000, rng=i
        )
        p.append(found.p)
    calibrated(np.array(p) <= 0.05, rate)  # approximate: rates at .05 from 2,000 simulations


def test_credible_intervals_cover(calibrated):
    stream, hits = np.random.default_rng(2), []
    for _ in range(SIMULATIONS):
        scores, age, _ = aged(stream, 10)
        found = single_case.deficit_with_covariates(-2 - 0.05 * 70, scores[:, 0], case_covariates=70, covariates=age)
        truth = 100 * ndtr(-2)
        hits.append((found.low <= -2 <= found.high, found.percent_low <= truth <= found.percent_high))
    for covered in np.array(hits).T:
        calibrated(covered, 0.95)


def test_alpha_covers(calibrated):
    stream, covered = np.random.default_rng(3), []
    for _ in range(SIMULATIONS):
        x = stream.normal(size=(25, 4)) + stream.normal(size=(25, 1))  # alpha = 4 r / (1 + 3 r), r = .5
        found = reliability.cronbach_alpha(x)
        covered.append(found.low <= 0.8 <= found.high)
    calibrated(covered, 0.95)
