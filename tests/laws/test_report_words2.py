"""Words of results that once said another thing than the numbers: doses, floors, sizes, rounding, who was compared."""

import json
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurolab as nl
from neurolab import analysis, plots
from neurolab.analysis.words import interval_text
from neurolab.cli import main
from neurolab.errors import SchemaError
from neurolab.lab.session import Session
from neurolab.lab.shelf import find_lab
from neurolab.lesion import Lesion, Zero
from neurolab.matching import matched_controls
from neurolab.plots.floors import floor_words
from neurolab.plots.sides import strongest
from neurolab.plots.words import interval_words, over_words, sample_words
from neurolab.report import printed_table, result_table, write_report
from neurolab.report.answers import answer
from neurolab.report.references import REFERENCES
from neurolab.simulate import phantom_recording, phantom_trials, planted_roi
from neurolab.stats.equivalence import sign_flip_tost
from neurolab.stats.permutation import sign_flip


def uneven(n=7):
    """Trials of one network with 40 stimuli in X and n in Y."""
    trials = phantom_trials(n_specimens=1, n_stimuli=40, rng=0)
    return trials.isel(trial=np.arange(40 + n))


def test_dose__is_an_area_and_not_a_mean_over_doses(every_result):
    result = every_result["plot_dose"]
    said = [nl.methods_text(result), printed_table(result), answer(result), result.attrs["estimand"]]
    assert not any("mean deficit" in one or "mean over doses" in one or "average over doses" in one for one in said)
    assert all("area under the" in one for one in said)
    assert "divided by their range" in said[0]
    assert "divided by their range" in said[3]


@pytest.mark.parametrize("name", ["plot_dose", "plot_held_out", "plot_picked"])
def test_methods__have_the_interval_of_the_effect(name, every_result):
    result = every_result[name]
    low, high = ("effect_low", "effect_high") if "effect_low" in result else ("low", "high")
    assert interval_words(float(result[low]), float(result[high])) in nl.methods_text(result)


ROUNDED = [0.0, -0.01, 0.03, 0.04, 0.01, 0.01, 0.0, 0.04], [0.003, 0.001, 0.007, 0.004, 0.001, -0.003, 0.003, -0.001]


@pytest.mark.parametrize("x", [*ROUNDED, [0.0] * 6 + [0.03, 0.03]])
@pytest.mark.parametrize("sign", [1, -1])
def test_interval__has_no_end_that_is_rounding(x, sign):
    given = sign * np.array(x)
    found, whole = sign_flip_tost(given, bounds=0.2), sign_flip(given, level=0.9)
    assert 0.0 in (found.low, found.high)
    for one in (found, whole):
        assert all(end == 0 or abs(end) > 1e-12 for end in (one.low, one.high))
    assert (whole.low <= 0 <= whole.high) == (whole.p > 0.1)


def test_interval_text__prints_nothing_below_its_precision():
    assert interval_text(0.001, 2.79e-63, 0.003, 0.9) == "0.001 [0, 0.003] (90 % interval)"
    assert interval_text(0.02, -3.82e-17, 0.053, 0.9) == "0.02 [0, 0.053] (90 % interval)"
    assert interval_text(1e-20, -2e-20, np.inf, 0.9) == "1e-20 [-2e-20, no end] (90 % interval)"
    assert interval_words(-2e-13, 0.05) == "95 % interval 0.00 to 0.05"


@pytest.mark.parametrize(("side", "wanted"), [("two-sided", 1), ("less", 1), ("greater", 3)])
def test_strongest__is_the_strongest_towards_the_side_that_was_tested(side, wanted):
    recording = phantom_recording(n_units=12, n_runs=3, rng=0)
    values = recording.values.copy()
    faces = recording["condition"].values == "faces"
    values[faces, 1] -= 30.0
    values[faces, 3] += 15.0
    found = analysis.localise(recording.copy(data=values), "faces > objects", alternative=side)
    assert strongest(found, found["valid"].values.astype(bool)) == wanted
    assert f"strongest is unit {wanted}" in result_table(found)["what"].str.cat()
    assert f"the strongest, unit {wanted}, has" in nl.methods_text(found)


def test_symptom_map__answers_with_the_strongest_towards_the_side_that_was_tested(every_result):
    found = every_result["plot_symptom_map"]
    able = found["valid"].values.astype(bool)
    for side, pick in (("greater", np.nanargmax), ("less", np.nanargmin)):
        at = int(pick(np.where(able, found["statistic"].values, np.nan)))
        assert f"by {plots.words.number(float(found['effect'][at]))}" in answer(found.assign_attrs(alternative=side))


def test_matching__by_site_alone_has_no_distance_to_tell():
    recording = phantom_recording(n_units=60, rng=0)
    target = Lesion(planted_roi(recording, "faces"), Zero(), name="area")
    for match, said in ((("site",), "matched in site and size only"), (("site", "mean"), "mean distance of a unit")):
        controls = matched_controls(target, recording, 3, match=match, rng=0)
        trials = phantom_trials(n_controls=3, n_specimens=2, rng=0)
        rows = np.flatnonzero(trials["role"].values == "control")
        notes = np.full((2, trials.sizes["lesion"]), "{}", dtype=object)
        notes[:, rows] = [json.dumps(dict(controls[at % 3].notes)) for at in range(len(rows))]
        text = nl.methods_text(trials.assign(lesion_notes=(("specimen", "lesion"), notes)))
        assert said in text
        assert ("0.00 sd" in text) is False


def test_deficits__without_room_are_said_in_table_methods_and_page(tmp_path):
    high = analysis.deficits(phantom_trials(deficits={"A": {"X": 0.1}}, intact={"X": 1.0, "Y": 0.8}, rng=0), rng=0)
    low = analysis.deficits(phantom_trials(deficits={"A": {"X": 0.5}}, intact=0.9, n_stimuli=400, rng=0), rng=0)
    assert high["ceiling"].values.any()
    assert low["floor"].values.any()
    for found, said in ((high, "X at ceiling without a lesion"), (low, "X at floor after A")):
        for text in (nl.methods_text(found), printed_table(found),
                     write_report({"d": found}, tmp_path / "r.html", title="t").read_text("utf-8")):  # fmt: skip
            assert f"† Little room for a deficit: {said}" in " ".join(text.split())
    assert "†" not in printed_table(analysis.deficits(phantom_trials(rng=0), rng=0))
    assert "†" in printed_table(high.sel(task="X"))


def test_sizes__of_tasks_that_differ_are_named():
    found = analysis.deficits(uneven(), rng=0)
    assert sample_words(found) == "n = 7 to 40 stimuli"
    assert "The sample is n = 7 to 40 stimuli (X 40 and Y 7), so that" in nl.methods_text(found)
    assert sample_words(found.sel(task="X")) == "n = 40 stimuli"
    assert sample_words(analysis.deficits(uneven(40), rng=0)) == "n = 40 stimuli"
    many = xr.Dataset(attrs={"n": 3, "generalises_over": "stimulus",
                             "sizes": json.dumps({f"t{k}": k for k in range(3, 12)})})  # fmt: skip
    assert sample_words(many) == "n = 3 to 11 stimuli"


def test_floor__of_one_test_among_several_keeps_its_name(every_result):
    assert floor_words(every_result["plot_likeness_change"]) == ".5 (rank among draws)"
    assert floor_words(every_result["plot_likeness"]) == ".0625 (sign-flip over people alone)"
    assert floor_words(every_result["plot_robustness"]) == ".00781"  # every test has it
    assert floor_words(every_result["plot_interaction"]) == ".00195"  # additivity was not tested


def test_compare__over_people_and_stimuli_names_both(every_result):
    result = every_result["plot_likeness"]
    assert sample_words(result) == "n = 5 subjects and 20 stimuli"
    assert over_words(result) == "subjects and stimuli"
    assert "generalises over subjects and stimuli" in nl.methods_text(result)


def test_figures__of_people_call_nobody_a_network(every_result):
    from neurolab.plots.twins import alt_text, legend_text

    trials = phantom_trials(n_specimens=6, n_controls=19, rng=0)
    people = trials.assign_attrs(kind="brain")
    task, lesion = str(trials["task"].values[0]), "A"
    for verb in (analysis.deficits, partial(analysis.against_controls, lesion=lesion, task=task)):
        networks, found = verb(trials, rng=0), verb(people, rng=0)
        plot = plots.plot_for(found)
        texts = [say(one, plot) for one in (networks, found) for say in (alt_text, legend_text)]
        assert "network" in texts[0] + texts[1]
        assert "network" not in texts[2] + texts[3]
        assert "6 subjects" in texts[2]
        assert re.search("(one|each) subject", texts[3])
    ax = plots.plot_controls(found)
    assert "subject" in {one.get_text() for one in ax.texts}
    likeness = every_result["plot_likeness"]  # here people and networks are two things
    assert likeness.attrs["generalises_over"] == "subject"
    assert "(or networks)" in legend_text(likeness, plots.plot_likeness)


def test_single_case__generalises_over_nobody_and_two_were_compared():
    table = pd.DataFrame({"naming": [2.0, 3, 9, 7, 8, 10, 9, 8]}, index=list("ABCDEFGH"))
    one, two = (nl.single_case(table, case=case, rng=0) for case in ("A", ["A", "B"]))
    for result in (one, two):
        assert "generalises" not in nl.methods_text(result)
        assert "generalises" not in plots.legend_text(result, plots.plot_single_case)
    assert nl.methods_text(one).startswith("A was compared with 7 controls on naming by")
    assert nl.methods_text(two).startswith("A and B were compared with 6 controls on naming by")


def test_recovery__does_not_call_within_what_was_not_shown(every_result):
    said = nl.methods_text(every_result["plot_recovery"])
    assert ", tested against ±0.08 of none by two shifted one-sided tests: p = 1." in said
    assert "within ±" not in said


@pytest.mark.parametrize("given", [5, [1], xr.Dataset(), phantom_recording(rng=0)], ids=["5", "list", "empty", "rec"])
def test_methods_and_tables__refuse_what_is_no_result(given):
    with pytest.raises(SchemaError, match=r"methods_text\(\) got a .*; expected one, or trials"):
        nl.methods_text(given)
    with pytest.raises(SchemaError, match=r"printed_table\(\) got a .*; expected a result or a dict"):
        printed_table(given)


def test_trials__have_methods_and_no_table():
    trials = phantom_trials(rng=0)
    assert nl.methods_text(trials).startswith("Examined were 10 specimens.")
    with pytest.raises(SchemaError, match=r"printed_table\(\) got trials; .*deficits\(trials, rng=0\)"):
        printed_table(trials)
    with pytest.raises(SchemaError, match="got trials under the name 'mine'"):
        printed_table({"mine": trials})


def test_run__says_that_a_script_never_ran_a_protocol(tmp_path, capsys):
    empty, whole = tmp_path / "empty.py", tmp_path / "whole.py"
    empty.write_text("import neurolab as nl\ndef main(*, rng=0, quick=False):\n    yield 'answer', 42\n")
    whole.write_text(f"{empty.read_text()}if __name__ == '__main__':\n    nl.run_script(main)\n")
    assert main(["run", str(empty), "--out", str(tmp_path / "a")]) == 1
    assert "empty.py ended and never called nl.run_script" in capsys.readouterr().err
    assert main(["run", str(whole), "--out", str(tmp_path / "b")]) == 0
    assert main(["run", str(empty), "--out", str(tmp_path / "a")]) == 1


def test_help__does_not_pay_for_what_runs():
    code = "import neurolab.cli.commands, sys; print('neurolab.protocol.run' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_session__is_printed_without_hints_and_answers(tmp_path):
    said = repr(Session(find_lab("find_the_face_area"), "Ada", tmp_path))
    assert said == "Session('find_the_face_area', student='Ada', network=2)"


def test_cohorts__cite_their_tests_and_space_per_cent(every_result):
    trend, cohorts = (nl.methods_text(every_result[name]) for name in ("plot_trend", "plot_cohorts"))
    assert "(Holm 1979; Jonckheere 1954; Skillings & Wolfe 1978)" in trend
    assert "Holm 1979" in cohorts
    assert {"Jonckheere 1954", "Skillings & Wolfe 1978"} <= set(REFERENCES)
    assert "58 % of pairs" in printed_table(every_result["plot_trend"])


def test_score__is_told_without_arguments_left_as_they_are():
    trials = phantom_trials(rng=0)
    known = json.loads(trials.attrs["tasks"])
    for score, said in (
        ("Accuracy(label='label', columns=None)", "Accuracy(label='label')"), ("Choice(columns=None)", "Choice()"),
        ("Choice(columns=None, at=(1, None))", "Choice(at=(1, None))"),
    ):  # fmt: skip
        known["X"]["score"] = score
        assert f"X ({said}, " in nl.methods_text(trials.assign_attrs(tasks=json.dumps(known)))
