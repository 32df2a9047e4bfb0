"""What a report says in words: no p stands for another, each p in one form, nothing claimed uncomputed."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab import analysis, plots
from neurolab.analysis.words import p_text
from neurolab.errors import SchemaError
from neurolab.plots.floors import floor_words
from neurolab.plots.units import shown_in
from neurolab.plots.words import interval_words, p_words, probability, sample_words, tidy
from neurolab.report import printed_table, result_table, write_report
from neurolab.report.answers import ANSWERS, answer
from neurolab.report.provenance import git_words
from neurolab.report.tables import formatted
from neurolab.simulate import phantom_trials


@pytest.fixture(scope="module")
def six():
    return phantom_trials(n_specimens=6, n_controls=19, rng=0)


@pytest.mark.parametrize("p", [1.0, 0.5, 0.2, 0.05, 0.03125, 0.047, 0.00293, 1 / 1024, 1e-3, 1e-6])
def test_a_p__has_the_form_that_the_sentences_of_an_analysis_have(p):
    assert p_words(p) == p_text(p)


def test_sentences__have_true_minus_signs_and_keep_their_hyphens():
    assert tidy("one-sided, by -0.12 [-0.2, 1] 2-3") == "one-sided, by −0.12 [−0.2, 1] 2-3"
    assert tidy("the smallest rank p is 0.01.") == "the smallest rank p is .01."


def test_matrix__prints_q_and_says_that_no_cell_can_pass(six, tmp_path):
    result = analysis.localiser_matrix(six, rng=0)
    table = result_table(result)
    np.testing.assert_array_equal(table["q"][:4], result["q"].values.ravel())
    assert np.isnan(table["q"][4])
    printed = printed_table({"matrix": result})
    assert "q (corrected p)" in printed
    assert ".125" in printed
    page = write_report({"matrix": result}, tmp_path / "r.html", title="t").read_text("utf-8")
    assert "q (corrected p)" in page
    legend = plots.legend_text(result, plots.plot_localiser_matrix)
    assert ".0312 (each cell); .0156 (diagonal); .125 (after correction, so that nothing can pass)" in legend


def test_legends__give_every_test_its_own_floor(six, every_result):
    controls = analysis.against_controls(six, lesion="A", task="X", rng=0)
    assert floor_words(controls) == ".0156 (sign-flip); .05 (rank among draws)"
    assert "rank among draws" in plots.legend_text(every_result["plot_picked"], plots.plot_picked)
    assert floor_words(every_result["plot_stat_map"]) == ""


def test_one_network__is_not_told_of_a_mean_over_networks(six):
    one = analysis.against_controls(six.isel(specimen=[0]), lesion="A", task="X", rng=0)
    said = nl.methods_text(one) + plots.alt_text(one, plots.plot_controls) + plots.legend_text(one, plots.plot_controls)
    assert "over networks" not in said
    assert "per network" not in said
    assert "generalises over stimuli" in said


def test_a_target_against_its_controls__has_its_interval_and_how_near_they_came(six):
    notes = np.full((6, six.sizes["lesion"]), '{"match_distance": 0.79, "match_outside": 0.09}')
    noted = six.assign(lesion_notes=(("specimen", "lesion"), notes))
    result = analysis.against_controls(noted, lesion="A", task="X", rng=0)
    said = nl.methods_text(result)
    low, high = (f"{float(result[name]):.2f}".replace("-", "−") for name in ("low", "high"))
    assert f"(95 % interval {low} to {high}), p = " in said
    assert "The controls of A lie 0.79 sd from its units on average; 9 % outside the caliper." in said
    assert " sd from" not in nl.methods_text(analysis.against_controls(six, lesion="A", task="X", rng=0))


def test_an_rng_that_was_not_used__is_not_named(every_result):
    exact = nl.methods_text(every_result["plot_controls"]) + plots.legend_text(
        every_result["plot_controls"], plots.plot_controls
    )
    assert "rng" not in exact
    many = every_result["plot_controls"].copy()
    many.attrs["n"] = 31
    assert "Random draws of this analysis: rng 0." in nl.methods_text(many)


def test_an_interval_without_ends__says_how_many_draws_it_needs(six):
    printed = printed_table({"controls": analysis.against_controls(six, lesion="A", task="X", rng=0)})
    assert "needs 39 or more draws for 95 %" in printed
    assert "no end, no end" not in printed


def test_rows__are_called_what_they_are(every_result):
    rows = {name: result_table(result)["what"].tolist() for name, result in every_result.items()}
    assert rows["plot_held_out"] == ["held-out effect of faces > objects"]
    assert rows["plot_picked"][0] == "best pair of each network − best random pair"
    assert rows["plot_dose"] == ["A, X: area under the deficit curve ÷ range of doses, target − controls"]
    assert not [row for every in rows.values() for row in every if "_" in row]
    assert "A and B are the pair picked in each network: A and B" in printed_table(
        {"picked": every_result["plot_picked"]}
    )


@pytest.mark.parametrize("name", sorted(plots.FIGURES))
def test_legends__hold_no_digest_no_riddle_and_no_empty_choice(name, every_result):
    legend = plots.legend_text(every_result[name], plots.FIGURES[name])
    assert not re.search(r"\b[0-9a-f]{12,}\b", legend)
    assert "1 − level" not in legend
    assert "alternative: none" not in legend
    assert "such stimuli" not in legend


def test_legends__leave_the_digest_of_the_source_to_the_manifest(every_result):
    result = every_result["plot_deficits"].copy()
    result.attrs["source"] = "seed 0 0d14c3ee4f3482c0; seed 1 1d14c3ee4f3482c1"
    assert plots.legend_text(result, plots.plot_deficits).endswith("Source: seed 0 and 1 more.\n")


def test_answers__say_every_result_in_a_sentence(every_result, tmp_path):
    for result in every_result.values():
        said = answer(result)
        assert sample_words(result) in said
        assert said.endswith(").")
    drawn = {one.attrs["analysis"] for one in every_result.values()}
    assert set(ANSWERS) <= {*drawn, "spared", "interaction", "savings"}
    page = write_report({"controls": every_result["plot_controls"]}, tmp_path / "r.html", title="t").read_text("utf-8")
    assert "the lesion of A costs X more than its matched controls do" in page


def test_answers__do_not_say_shown_above_the_level(every_result):
    result = every_result["plot_controls"].copy(deep=True)
    result["p"] = 0.2
    assert answer(result).startswith("Not shown: ")
    assert "p = .2" in answer(result)


def test_plain_findings__are_in_the_report_with_their_value(every_result, tmp_path):
    import pandas as pd

    found = {
        "n": 3,
        "note": "so <it> is",
        "table": pd.DataFrame({"width": [7.25]}),
        "rel": every_result["plot_reliability"],
    }
    page = write_report(found, tmp_path / "r.html", title="t").read_text("utf-8")
    for wanted in ("<p>3</p>", "so &lt;it&gt; is", "7.25", f"{float(found['rel']['r']):.3f}"):
        assert wanted in page


def test_methods_of_trials__say_lesions_controls_match_tasks_and_intact_scores(six):
    notes = np.full(
        (6, six.sizes["lesion"]), json.dumps({"match_distance": 0.25, "match_outside": 0.125}), dtype=object
    )
    told = six.assign(lesion_notes=(("specimen", "lesion"), notes))
    units = np.full((6, six.sizes["lesion"]), json.dumps({"block1": [1, 2]}), dtype=object)
    said = nl.methods_text(told.assign(lesion_units=(("specimen", "lesion"), units)))
    intact = float(six["score"].isel(lesion=(six["role"].values == "sham"), trial=(six["task"].values == "X")).mean())
    for wanted in (
        "of block1", "19 draws per specimen", "0.25 sd", "12.5 % outside the caliper", "guessing level 0.50",
        f"mean without a lesion {intact:.2f}", "100 stimuli", "A (phantom, 10 units"
    ):  # fmt: skip
        assert wanted in said, said


def test_reporting_trials__leaves_them_as_they_were(six, tmp_path):
    before = six.copy(deep=True)
    write_report({"trials": six}, tmp_path / "r.html", title="t")
    assert six.identical(before)


def test_methods_of_deficits__name_ablation_units_and_intact_scores(every_result):
    result = every_result["plot_deficits"]
    said = nl.methods_text(result)
    assert f"A ({result['how'].values[0]}, {float(result['n_units'][0]):.4g} units)" in said
    assert f"{float(result['intact'].sel(task='X').mean()):.2f} in X" in said


def test_volts__are_shown_in_microvolts_and_a_channel_by_its_name(every_result):
    flat = every_result["plot_stat_map"]
    n = flat.sizes["neuroid"]
    eeg = flat.assign_coords(channel=("neuroid", np.array([f"E{i}" for i in range(n)], dtype=object)))
    eeg = eeg.assign({name: flat[name] * 1e-6 for name in ("effect", "low", "high")})
    eeg.attrs["effect_unit"] = "V"
    printed = printed_table({"map": eeg})
    best = int(np.argmax(np.where(flat["valid"] & (flat["site"] == 0), abs(flat["statistic"]), 0)))
    assert f"strongest is E{best} " in printed.replace("\n", " ")
    assert f"{float(flat['effect'][best]):.3f} µV".replace("-", "−") in printed
    assert shown_in("T")[1] == "fT"


def test_git_state__is_said_in_words():
    assert git_words({"script": None, "neurolab": None}) == git_words(None) == "no checkout"
    assert probability(0.05) == ".05"


def test_numbers_together__what_rounding_left_beside_the_others_is_nothing():
    row = {"what": "A", "unit": "", "effect": 0.002, "low": -1.1e-19, "high": 0.004, "p": 0.125, "q": np.nan,
           "p_floor": 0.0, "side": "two-sided"}
    (_, (_, _, interval, *_)) = formatted(pd.DataFrame([row]), 0.95)
    assert interval == "[0.000, 0.004]"
    tiny = formatted(pd.DataFrame([{**row, "effect": 2e-14, "low": 1e-14, "high": 4e-14}]), 0.95)  # tesla, say
    assert tiny[1][2] == "[1e−14, 4e−14]"
    assert interval_words(-1e-19, 0.3) == "95 % interval 0.00 to 0.30"


def test_printed_table__takes_a_single_result_and_says_what_it_cannot_take(six):
    found = analysis.deficits(six, rng=0)
    assert printed_table(found) == printed_table({"deficits": found})
    with pytest.raises(SchemaError, match=r"got a list; expected a result or a dict of results"):
        printed_table([found])
    with pytest.raises(SchemaError, match="expected a result or a dict of results"):
        printed_table({"deficits": None})


def test_tables__say_on_which_side_every_p_lies(every_result):
    sides = {name: dict(zip(table["what"], table["side"])) for name, one in every_result.items()
             if len(table := result_table(one))}
    assert set(sides["plot_deficits"].values()) == {"two-sided"}
    assert set(sides["plot_held_out"].values()) == set(sides["plot_controls"].values()) == {"one-sided"}
    assert set(sides["plot_spared"].values()) == {"equivalence"}
    recovery = sides["plot_recovery"]
    named = ("recovery", "rising", "time", "recovered (90 % interval)")
    assert [recovery[name] for name in named] == ["one-sided", "one-sided", "two-sided", "equivalence"]
    matrix = sides["plot_localiser_matrix"]
    assert matrix.pop("diagonal − rest") == "one-sided"
    assert set(matrix.values()) == {"two-sided"}
    assert "p, one-sided" in printed_table(every_result["plot_held_out"])
    printed = printed_table(every_result["plot_recovery"])
    assert "side of p" in printed
    assert "p, one-sided" not in printed
    assert "p, two-sided" in printed_table(every_result["plot_deficits"])
