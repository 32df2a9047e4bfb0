"""Models beside the test: statsmodels called directly, closed forms, and what is refused or flagged."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as sps

from neurolab.analysis import deficits, mixed
from neurolab.analysis.fits import Pairs, conditional_logit, gee, linear_mixed
from neurolab.errors import DesignError, ReplicationUnitError, UnknownNameError
from neurolab.report import printed_table
from neurolab.simulate import phantom_trials
from neurolab.trials import make_trials, to_frame


def binary(n=8, k=40, seed=0, effect=0.8, sd=0.6):
    """Trials of n networks, right or wrong independently in both states."""
    stream = np.random.default_rng(seed)
    item, cost = stream.normal(0.5, 0.5, k), stream.normal(effect, sd, n)
    odds = np.stack([np.broadcast_to(item, (n, k)), item - cost[:, None]], axis=1)
    score = (stream.random((n, 2, k)) < 1 / (1 + np.exp(-odds))).astype(float)
    return make_trials(
        score, specimen=[f"net-{i}" for i in range(n)], kind="simulated",
        lesions={"lesion_id": ["sham", "A"], "roi": ["A", "A"], "role": ["sham", "target"]},
        trial={"task": ["X"] * k, "stimulus_id": [f"s{i}" for i in range(k)], "condition": ["X"] * k},
        tasks={"X": {"unit": "proportion correct", "bounded": True, "chance": 0.5}},
    )  # fmt: skip


def graded(**kept):
    plan = {"deficits": {"A": {"X": 0.4}}, "n_specimens": 7, "n_stimuli": 20, "spread": 0.6, "bounded": False}
    return phantom_trials(**{**plan, "chance": 0.0, "rng": 1, **kept})


def long(trials):
    frame = to_frame(trials)
    frame = frame[frame["lesion_id"].isin(["A", "sham", "A | sham"])]
    return frame.assign(intact=(frame["role"] == "sham").astype(float)).sort_values("specimen", kind="stable")


def test_the_design_based_test_comes_first_and_is_that_of_deficits():
    trials = binary()
    found = mixed(trials, lesion="A", task="X", rng=0)
    same = deficits(trials, rng=0).isel(lesion=0, task=0)
    for name in ("effect", "low", "high", "p", "p_floor"):
        assert float(found[name]) == float(same[name])
    assert found["kind"].values.tolist() == ["gee", "conditional_logit"]
    assert found["unit"].values.tolist() == ["log odds", "log odds"]
    assert json.loads(found.attrs["reasons"])[0].startswith("Sign-flip: ")


def test_gee_is_statsmodels_clustered_by_network():
    trials = binary()
    at = mixed(trials, lesion="A", task="X", models="gee", rng=0).isel(model=0)
    frame = long(trials)
    direct = sm.GEE.from_formula("score ~ intact", "specimen", frame, family=sm.families.Binomial(),
                                 cov_struct=sm.cov_struct.Exchangeable()).fit(cov_type="bias_reduced")  # fmt: skip
    assert float(at["model_effect"]) == pytest.approx(direct.params["intact"], rel=1e-6)
    assert float(at["model_se"]) == pytest.approx(direct.bse["intact"], rel=1e-6)
    t = direct.params["intact"] / direct.bse["intact"]
    assert float(at["model_p"]) == pytest.approx(2 * sps.t.sf(abs(t), 7), rel=1e-5)
    assert float(at["model_p"]) > direct.pvalues["intact"]  # a normal would be bolder
    assert float(at["model_low"]) == pytest.approx(
        direct.params["intact"] - sps.t.ppf(0.975, 7) * direct.bse["intact"], rel=1e-5
    )


def test_the_mixed_model_is_statsmodels_and_in_balance_the_paired_t():
    trials = graded()
    at = mixed(trials, lesion="A", task="X", models="mixedlm", rng=0).isel(model=0)
    frame = long(trials)
    wide = frame.pivot_table(index=["specimen", "stimulus_id"], columns="role", values="score").reset_index()
    wide["d"] = wide["sham"] - wide["target"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direct = sm.MixedLM.from_formula("d ~ 1", wide, groups="specimen").fit()
    assert float(at["model_effect"]) == pytest.approx(direct.params["Intercept"], rel=1e-6)
    assert float(at["model_se"]) == pytest.approx(direct.bse["Intercept"], rel=1e-4)
    if not bool(at["flagged"]):  # the variance between networks is not at its boundary
        t = sps.ttest_1samp(wide.groupby("specimen")["d"].mean(), 0.0)
        assert float(at["model_p"]) == pytest.approx(t.pvalue, rel=1e-3)
    clear = mixed(graded(spread=2.0), lesion="A", task="X", models="mixedlm", rng=0).isel(model=0)
    frame = long(graded(spread=2.0)).groupby(["specimen", "role"])["score"].mean().unstack()
    t = sps.ttest_1samp(frame["sham"] - frame["target"], 0.0)
    assert not bool(clear["flagged"])
    assert float(clear["model_p"]) == pytest.approx(t.pvalue, rel=1e-3)


def test_conditional_logit_is_statsmodels_and_its_error_is_summed_by_network():
    trials = binary()
    at = mixed(trials, lesion="A", task="X", models="conditional_logit", rng=0).isel(model=0)
    frame = long(trials)
    frame["stratum"] = pd.factorize(frame["specimen"] + frame["stimulus_id"])[0]
    apart = frame.groupby("stratum")["score"].transform("nunique") == 2
    part = frame[apart]
    direct = sm.ConditionalLogit(part["score"], part[["intact"]], groups=part["stratum"]).fit(disp=0)
    assert float(at["model_effect"]) == pytest.approx(direct.params["intact"], abs=1e-4)  # it stops 1e-5 short
    share = 1 / (1 + np.exp(-direct.params["intact"]))
    scores = [((one["score"] * one["intact"]).sum() - share * len(one) / 2) for _, one in part.groupby("specimen")]
    information = len(part) / 2 * share * (1 - share)
    by_network = np.sqrt(8 / 7 * np.sum(np.square(scores))) / information
    assert float(at["model_se"]) == pytest.approx(by_network, rel=1e-4)


def test_v16_mcnemar_table_as_pairs():
    # statistics.md V16: ln(150/86) = .5562880, SE sqrt(1/150 + 1/86) = .1352574 where every pair is a member
    intact = np.repeat([1.0, 1.0, 0.0, 0.0], [794, 150, 86, 570])
    lesioned = np.repeat([1.0, 0.0, 1.0, 0.0], [794, 150, 86, 570])
    found = conditional_logit(Pairs(intact, lesioned, np.arange(1600), "stimuli", True))
    assert found.effect == pytest.approx(0.5562880, abs=1e-6)
    assert found.se == pytest.approx(0.1352574 * np.sqrt(1600 / 1599), rel=1e-5)


def test_one_network_generalises_over_its_stimuli():
    trials = binary(k=60).isel(specimen=[0])
    found = mixed(trials, lesion="A", task="X", rng=0)
    assert found.attrs["generalises_over"] == found.attrs["clusters"] == "stimulus"
    assert found.attrs["n"] == 60
    assert found["fitted"].values.all()
    assert "One network: generalises over stimuli only" in found.attrs["note"]


def test_traps_are_refused_with_what_was_measured():
    trials = binary()
    with pytest.raises(DesignError, match=r"\.146 its fit_vb gives \.099.*conditional_logit"):
        mixed(trials, lesion="A", task="X", models="binomial_bayes", rng=0)
    with pytest.raises(ReplicationUnitError, match=r"22\.7 % at a nominal 5 %.*trials\.sel"):
        mixed(trials, lesion="A", task="X", over="stimulus", rng=0)
    with pytest.raises(ReplicationUnitError, match="cannot be the sample"):
        mixed(trials, lesion="A", task="X", over="unit", rng=0)
    with pytest.raises(DesignError, match="every trial for an independent network"):
        mixed(trials, lesion="A", task="X", models="glm", rng=0)
    with pytest.raises(DesignError, match="these are graded"):
        mixed(graded(), lesion="A", task="X", models="conditional_logit", rng=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'mixedlm'"):
        mixed(trials, lesion="A", task="X", models=["mixed"], rng=0)
    with pytest.raises(ReplicationUnitError, match="more than once"):
        mixed(trials.assign_coords(specimen=["a"] * 8), lesion="A", task="X", rng=0)


def test_what_cannot_be_fitted_is_said_and_the_test_stands():
    certain = phantom_trials(deficits={"A": {"X": 0.9}}, intact=1.0, n_specimens=6, n_stimuli=8, rng=0)
    found = mixed(certain, lesion="A", task="X", rng=0)
    assert not found["fitted"].values.any()
    assert found["flagged"].values.all()
    assert np.isnan(found["model_p"]).all()
    assert "Not fitted, GEE: all scores are 0, or all 1, on one side" in found.attrs["note"]
    assert "one-sided, so that the log odds are infinite" in found.attrs["note"]
    assert np.isfinite(found["p"])
    assert "GEE (" not in printed_table({"one": found})
    half = mixed(phantom_trials(n_specimens=5, n_stimuli=30, spread=0.1, rng=0), lesion="A", task="X", rng=0)
    row = next(line for line in printed_table({"one": half}).split("\n") if "conditional logit (log odds)" in line)
    assert row.split()[-1] == "none"
    two = mixed(binary(n=2), lesion="A", task="X", rng=0)
    assert "2 networks are too few for a model" in two.attrs["note"]
    draws = phantom_trials(deficits={"A": {"X": 0.2}}, n_specimens=5, n_stimuli=10, n_controls=2, rng=0)
    draws["roi"][2:] = "A"
    draws["role"][3] = "sham"
    found = mixed(draws, lesion="A", task="X", models="conditional_logit", rng=0)
    assert "pairs are of one and one" in found.attrs["note"]


def test_constant_data_are_no_error_and_no_number():
    flat = graded(spread=0.0, rng=0)
    flat["score"][:] = np.where(flat["role"].values == "sham", 1.0, 0.5)[None, :, None]
    found = mixed(flat, lesion="A", task="X", rng=0)
    assert not found["fitted"].values.any()
    assert "all differences are the same" in found.attrs["note"]
    assert float(found["p"]) == 2 / 2**7


def test_a_warning_of_statsmodels_is_a_flag_and_a_sentence():
    found = mixed(graded(spread=0.0, rng=5), lesion="A", task="X", models=["mixedlm", "gee"], rng=0)
    assert found["flagged"].values.tolist() == [True, False]
    assert "Flagged, linear mixed model: ConvergenceWarning: The MLE may be on the boundary" in found.attrs["note"]
    assert found["fitted"].values.all()
    assert "(flagged, see the note)" in found.attrs["reasons"]
    assert "boundary" in printed_table({"one": found}).replace("\n    ", " ")


def test_a_model_that_decides_otherwise_is_said():
    few = mixed(binary(n=5, effect=1.5, sd=0.1), lesion="A", task="X", rng=0)
    assert float(few["p"]) == 2 / 2**5  # the least that five networks can give
    assert (few["model_p"] < 0.05).any()
    assert "decides otherwise than the sign-flip; the sign-flip holds" in few.attrs["note"]
    assert "not" in few.attrs["verdict"]


def test_fits_see_networks_in_any_order():
    stream = np.random.default_rng(0)
    cluster = np.repeat(np.arange(6), 20)
    intact, lesioned = (stream.random((2, 120)) < np.array([[0.8], [0.5]])).astype(float)
    order = stream.permutation(120)
    for fit in (linear_mixed, gee, conditional_logit):
        one = fit(Pairs(intact, lesioned, cluster, "networks", True))
        other = fit(Pairs(intact[order], lesioned[order], cluster[order], "networks", True))
        assert (one.effect, one.se) == pytest.approx((other.effect, other.se), rel=1e-3)
