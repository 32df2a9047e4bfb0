"""Single cases, models and promised power at the edge of their null.

The Crawford-Howell t is exact for normal controls. The models are approximate: their published rates of rejecting a
true null at .05, from 2,000 simulations of 6 networks whose lesion effects vary (50 stimuli), stand in ``RATES``; a
normal in place of t would reject .0875 and .112.
"""

import numpy as np
import pandas as pd
import pytest

from neurolab.analysis import deficits, power, single_case
from neurolab.analysis.fits import Pairs, conditional_logit, gee, linear_mixed
from neurolab.calibrate.people import cohort as answers_of
from neurolab.simulate import phantom_trials
from neurolab.stats.permutation import sign_flip

N, PEOPLE = 200, [f"p{i}" for i in range(9)]
RATES = {gee: 0.044, conditional_logit: 0.0545}


def normal_table(seed, tasks=1):
    """Nine people of one population, the first called a case."""
    stream = np.random.default_rng([seed, tasks])
    scores = stream.normal(50, 10, (9, tasks)) + stream.normal(0, 10, (9, 1))
    return pd.DataFrame(scores, index=PEOPLE, columns=[f"t{j}" for j in range(tasks)])


@pytest.mark.parametrize("alternative", ["less", "greater"])
def test_a_case_that_is_one_of_the_controls(calibrated, alternative):
    """Exact: p is uniform, and the interval of the true z_cc covers."""
    p = [single_case(normal_table(s), case="p0", alternative=alternative, rng=0)["p"].item() for s in range(N)]
    calibrated(np.array(p) <= 0.05, 0.05)


def test_the_interval_of_a_case_covers(calibrated):
    """A case fixed 1.5 control sds below the population mean."""
    covered = []
    for seed in range(N):
        table = normal_table(seed)
        table.loc["p0"] = 50 - 1.5 * np.sqrt(200)
        at = single_case(table, case="p0", rng=0).isel(case=0, task=0)
        covered.append(float(at["low"]) <= -1.5 <= float(at["high"]))
    calibrated(covered, 0.95)


def test_two_tasks_of_one_of_the_controls(calibrated):
    """Revised and Bayesian tests are approximate: .05 nominal, .045 to .055 published (Crawford & Garthwaite 2005)."""
    both = [single_case(normal_table(s, 2), case="p0", n_draws=200, rng=s).isel(case=0, pair=0) for s in range(N)]
    for name in ("difference_p", "bsdt_p"):
        calibrated([float(one[name]) <= 0.05 for one in both], 0.05)
    dissociated = ["dissociation" in str(one["classification"].item()) for one in both]
    calibrated(dissociated, 0.05, side="upper")  # a class asks for more than the difference


def cohort(seed, n=6):
    return answers_of(np.random.default_rng([seed, n]), n)


@pytest.mark.parametrize("model", list(RATES), ids=lambda model: model.__name__)
def test_models_reject_a_true_null_at_the_published_rate(calibrated, model):
    calibrated([model(cohort(seed)).p <= 0.05 for seed in range(N)], RATES[model])


def test_the_sign_flip_beside_them_keeps_its_level(calibrated):
    calibrated([sign_flip(cohort(seed).means).p <= 0.05 for seed in range(5 * N)], 2 / 64, side="upper")


def test_clusters_by_stimulus_are_refused_for_good_reason(binomial_band):
    """The trap itself: the same data clustered by stimulus; .28 in 400 simulations here, .227 in the literature."""
    hits = 0
    for seed in range(N):
        one = cohort(seed)
        hits += gee(Pairs(one.intact, one.lesioned, np.tile(np.arange(50), 6), "stimuli", True)).p <= 0.05
    low, high = binomial_band(0.28, N)
    assert low <= hits <= high
    assert hits > binomial_band(0.05, N)[1]


def test_the_mixed_model_keeps_its_level_where_networks_vary(calibrated):
    """In balance it is the paired t, which is exact; 6 networks, normal scores, clear spread."""
    p = []
    for seed in range(N):
        stream = np.random.default_rng(seed)
        difference = stream.normal(0, 3, (6, 1)) + stream.normal(0, 1, (6, 6))
        fit = linear_mixed(Pairs(difference.ravel(), np.zeros(36), np.repeat(np.arange(6), 6), "networks", True))
        p.append(fit.p)
    calibrated(np.array(p) <= 0.05, 0.05)


def test_the_verbs_reach_the_power_that_was_promised(calibrated):
    """Planted networks go through the verb, and both claims of a dissociation through its test."""
    single, double = [], []
    for seed in range(N):
        kept = {"n_specimens": 7, "n_stimuli": 1, "spread": 0.5, "bounded": False, "chance": 0.0, "rng": seed}
        one = phantom_trials(deficits={"A": {"X": 1.0}}, **kept)
        single.append(float(deficits(one, rng=0)["p"].item()) <= 0.05)
        claims = np.random.default_rng(seed).normal(1.0, np.sqrt(2.5), (2, 7))
        double.append(max(sign_flip(claim, alternative="greater").p for claim in claims) <= 0.05)
    # a deficit has the spread of its lesion and the noise of two showings; an advantage that of two lesions
    sd = {"deficits": np.sqrt(0.25 + 2), "dissociation": np.sqrt(2 * 0.25 + 2)}
    for test, hits in (("deficits", single), ("dissociation", double)):
        calibrated(hits, float(power(test, effect=1.0, sd=sd[test], n=7, rng=0)["power"]))


@pytest.mark.parametrize("test", ["deficits", "against_controls", "dissociation", "single_case"])
def test_without_an_effect_the_power_is_the_level(test, binomial_band):
    kept = {"correlation": 0.999} if test == "dissociation" else {}
    found = power(test, effect=0.0, sd=1.0, n=8, rng=0, **kept)
    low, high = binomial_band(float(found["attainable"]), 2_000)
    assert low <= 2_000 * float(found["power"]) <= high or (test == "dissociation" and 2_000 * found["power"] <= high)
