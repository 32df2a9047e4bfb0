"""Methods paragraphs of coalitions, maps, graphs, noise, retraining, models, power: of the result, in plain words."""

import re

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab import analysis, plots
from neurolab.plots.words import corrected_by, number, over_words, probability, tidy
from neurolab.report import REFERENCES
from neurolab.report.answers import answer
from neurolab.report.methods import METHODS, _any, paragraph
from neurolab.report.tables import printed_table
from neurolab.simulate import phantom_noise, phantom_trials

#: Of every analysis a number that its paragraph must say, and the test in words.
SAID = {
    "symptom_map": (lambda r: probability(float(r["q"].min())), "linear regression"),
    "clusters": (lambda r: number(float(r["effect"][0])), "sign-flips of one-sample t"),
    "modules": (lambda r: number(float(r["modularity"]), 3), "random graphs"),
    "shapley": (lambda r: number(float(r["effect"].max())), "two-sided sign-flip over networks"),
    "pair_interactions": (lambda r: number(float(r["effect"][0])), "two-sided sign-flip over networks"),
    "minimal_set": (lambda r: number(float(r["bound"]), 3), "one-sided sign-flips over networks"),
    "reserve": (lambda r: number(float(r["own"][1])), "two-sided sign-flip over networks"),
    "interaction": (lambda r: number(float(r["effect"])), "two-sided sign-flip over networks"),
    "spared": (lambda r: number(float(r["effect"][0])), "two shifted one-sided sign-flips over networks"),
    "robustness": (lambda r: number(float(r["ed50_mean"][1]), 3), "two-sided sign-flip over networks"),
    "recovery": (lambda r: number(float(r["effect"])), "one-sided sign-flip over networks"),
    "savings": (lambda r: number(float(r["effect"])), "one-sided sign-flip over networks"),
    "mixed": (lambda r: number(float(r["model_effect"][0])), "two-sided sign-flip over networks"),
    "power": (lambda r: number(float(r["power"])), "sign-flip over networks"),
    "single_case": (lambda r: str(r.attrs["n"]), "Crawford-Howell t"),
}


def relearned():
    steps = {"first learning": [20, 24, 22, 21, 25, 23, 19, 26], "relearning": [5, 8, 6, 4, 9, 7, 6, 5]}
    table = pd.DataFrame(steps).rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")
    return analysis.savings(table, rng=0)


@pytest.fixture(scope="module")
def told(every_result):
    every = [
        *every_result.values(),
        relearned(),
        analysis.mixed(phantom_trials(rng=0), lesion="A", task="X", models="gee", rng=0),
        analysis.power("deficits", effect=0.2, sd=0.1, n=8, n_simulations=200, rng=0),
    ]
    return {one.attrs["analysis"]: one for one in every}


@pytest.mark.parametrize("name", sorted(SAID))
def test_paragraph__names_n_the_test_the_correction_and_a_number(name, told):
    result, (of, test) = told[name], SAID[name]
    said = nl.methods_text(result)
    assert f"n = {result.attrs['n']} " in said
    assert (f"generalises over {over_words(result)}" in said) == (name != "single_case")  # there n are its controls
    assert test in said
    assert of(result) in said
    assert f"correction: {corrected_by(result)}" in said or "nothing was corrected" in said


@pytest.mark.parametrize("name", sorted(SAID))
def test_paragraph__is_its_own_and_in_plain_words(name, told):
    said, keys = paragraph(told[name])
    assert METHODS[name] is not _any
    assert not said.startswith("Estimated was")
    assert not re.findall(r"\w*_\w*", said.replace("z_cc", ""))  # Crawford's own name of an effect size
    assert ".." not in said
    assert "nan" not in said.lower().split()
    assert said[0].isupper() or name == "single_case"  # that one begins with the name of the case
    assert keys
    assert set(keys) <= set(REFERENCES)
    assert said.count(". ") >= 2


@pytest.mark.parametrize("name", sorted(SAID))
def test_paragraph__follows_the_result(name, told):
    result = told[name].copy(deep=True)
    result.attrs |= {"n": 77, "level": 0.8}
    said = nl.methods_text(result)
    assert "n = 77 " in said
    assert "80 %" in said or name in ("symptom_map", "minimal_set")  # these two state no interval
    for variable in ("effect", "bound", "power"):
        if variable in result and name not in ("symptom_map", "single_case"):
            result[variable] = result[variable] * 0 + 0.4321
    assert name in ("symptom_map", "single_case") or "0.43" in nl.methods_text(result)


def test_draws__that_are_no_part_of_the_test_are_said(told):
    for name in ("power", "minimal_set"):
        assert "Random draws of this analysis: rng 0." in nl.methods_text(told[name])
    assert "Random draws" not in nl.methods_text(told["shapley"])
    walked = told["shapley"].copy()
    walked.attrs["n_permutations"] = 100
    assert "rng 0" in nl.methods_text(walked)
    assert "Berger & Boos 1994" in nl.methods_text(walked)


def test_reserve__without_controls_says_that_nothing_was_tested():
    plan = {"units": {"X": 0.8}}
    trials = phantom_trials(deficits=plan, chance=0.1, doses=(0.25, 0.5, 0.75, 1.0), n_stimuli=50, n_controls=0, rng=0)
    said = nl.methods_text(analysis.reserve(trials, lesion="units", task="X", rng=0))
    assert "nothing was tested" in said
    assert "not defined" not in said


def test_minimal_set__that_was_not_found_is_said(told):
    none = told["minimal_set"].isel(set=np.zeros(0, dtype=int))
    assert "Found: none." in nl.methods_text(none)


def test_dose__names_the_doses_that_were_compared(every_result):
    assert "over the doses 0 and 1, divided by their range, was compared" in nl.methods_text(every_result["plot_dose"])


def test_reserve__prints_its_intervals(every_result):
    result = every_result["plot_reserve"]
    printed, said = " ".join(printed_table({"reserve": result}).split()), answer(result)
    for name in ("own", "control_own", "effect"):
        prefix = "" if name == "effect" else f"{name}_"
        for k in range(2):
            value, low, high = (float(result[one][k]) for one in (name, f"{prefix}low", f"{prefix}high"))
            wanted = tidy(f"{value:.3g} [{low:.3g}, {high:.3g}] (95 % interval)")
            assert wanted in printed
            assert wanted in said


def test_time__of_a_brain_is_in_seconds_and_otherwise_as_the_coordinate_says(every_result):
    plain = every_result["plot_clusters"]
    assert plots.plot_clusters(plain).get_xlabel() == "time"
    brain = plain.copy()
    brain.attrs["kind"] = "brain"
    assert plots.plot_clusters(brain).get_xlabel() == "time (s)"
    given = plain.copy()
    given["time"] = given["time"].assign_attrs(units="ms")
    assert plots.plot_clusters(given).get_xlabel() == "time (ms)"


def test_robustness__of_one_condition_says_what_noise_costs():
    found = analysis.robustness(phantom_noise(rng=0), noise="input", task="X", rng=0)
    said = nl.methods_text(found)
    assert "The share that noise costs over the ladder was tested by" in said
    assert number(float(found["effect"])) in said
    assert number(float(found["ed50_mean"][0]), 3) in said


def test_clusters__that_did_not_form_have_no_permutations(every_result):
    given = every_result["plot_clusters"]
    none = given.isel(cluster=np.zeros(0, dtype=int))
    none.attrs["test"] = "cluster mass; no sign-flips of one-sample t over networks"
    assert "No cluster formed, so that nothing was permuted" in nl.methods_text(none)


@pytest.mark.parametrize(("correction", "words"), [("none", "The p were not corrected"), ("max_t", "The p were corr")])
def test_lesion_map__says_whether_its_p_are_corrected(correction, words, every_result):
    result = every_result["plot_symptom_map"].assign_attrs(correction=correction)
    said = nl.methods_text(result)
    assert words in said
    assert ("a corrected p" in said) == (correction == "max_t")
    assert ("uncorrected p ≤ .05" in answer(result)) == (correction == "none")


@pytest.mark.parametrize(("test", "words", "paper"), [
    ("brunner_munzel", "with Brunner and Munzel's test", "Brunner & Munzel 2000"),
    ("svr", "with the weight of a linear support vector regression", "Zhang et al. 2014"),
])  # fmt: skip
def test_lesion_map__names_its_test_and_the_paper_of_it(test, words, paper, every_result):
    said = nl.methods_text(every_result["plot_symptom_map"].assign_attrs(test=test))
    assert words in said
    assert paper in said
    assert "Freedman & Lane 1983" not in said


@pytest.mark.parametrize("correction", ["max_t", "fdr"])
def test_a_localiser_says_how_many_units_passed(correction):
    recording = nl.simulate.phantom_recording(n_units=20, rng=0)
    found = nl.localise(recording, "faces > objects", correction=correction, rng=0)
    text, _ = paragraph(found)
    passed = int((found["q"].values <= 0.05).sum())
    assert f"; {passed} passed at .05, and the strongest, unit " in text
    assert ("2,000 permutations" in text) == (correction == "max_t")
    assert corrected_by(found) in text
