"""A claim gets the verdict that its numbers give, and says why; what cannot bear a claim is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from neurolab.analysis import (
    against_controls,
    claim,
    claims,
    compare_cohorts,
    deficits,
    dose_response,
    index_mean,
    spared,
)
from neurolab.analysis.claim_rows import EQUIVALENCES
from neurolab.errors import DesignError, SchemaError, UnknownNameError
from neurolab.protocol.findings import load_dataset, place_of
from neurolab.report import methods_text, printed_table
from neurolab.report.claimed import claim_table
from neurolab.schema import make_result, register_result
from neurolab.simulate import phantom_trials

register_result("made up", {}, [("p", "effect", "low", "high", "p_floor")])


def found(effect, half, p, *, alternative="two-sided", level=0.95, p_floor=0.01, n=8, **more):
    low, high = (effect - half, effect + half)
    return make_result(
        {"effect": effect, "low": low, "high": high, "p": p, "p_floor": p_floor}, analysis="made up", test="t", n=n,
        estimand="an effect", generalises_over="specimen", correction="none", alternative=alternative, level=level,
        rng="0", source="here", inputs="", **more,
    )  # fmt: skip


YES, NO, WEAK, TINY = found(1.0, 0.4, 0.01), found(-1.0, 0.4, 0.01), found(0.3, 0.8, 0.4), found(0.02, 0.04, 0.3)

BACK = found(-1.0, 0.4, 0.99, alternative="greater", level=0.9)
WIDE = found(-1.0, 0.4, 0.99, alternative="greater", level=0.95)
WEAK_90 = found(0.3, 0.8, 0.4, alternative="greater", level=0.9)


@pytest.mark.parametrize(
    ("result", "expects", "within", "verdict"),
    [
        (YES, "more", None, "supported"),
        (YES, "less", None, "refuted"),
        (NO, "less", None, "supported"),
        (NO, "more", None, "refuted"),
        (WEAK, "more", None, "not shown"),
        (WEAK, "less", 0.1, "not shown"),
        (TINY, "more", None, "not shown"),
        (TINY, "more", 0.1, "refuted"),
        (TINY, "none", 0.1, "supported"),
        (YES, "none", 0.1, "refuted"),
        (NO, "none", 0.1, "refuted"),
        (WEAK, "none", 0.1, "not shown"),
        (found(0.05, 0.02, 0.01), "more", 0.1, "refuted"),  # shown, and too small to count
        (found(1.0, 0.4, 0.01, alternative="greater"), "more", None, "supported"),
        (found(1.0, 0.4, 0.99, alternative="less"), "more", None, "supported"),  # by its interval
        (found(1.0, 1.4, 0.99, alternative="less"), "more", None, "not shown"),
        (found(-1.0, 0.4, 0.99, alternative="greater"), "more", None, "refuted"),
        (found(-1.0, np.inf, 0.99, alternative="greater"), "more", None, "not shown"),
        (found(1.0, 0.4, 0.05), "more", None, "supported"),  # at alpha
        (found(np.nan, np.nan, np.nan), "more", None, "not shown"),
    ],
)
def test_one_result(result, expects, within, verdict):
    made = claim("It is so.", result, expects=expects, within=within)
    assert made.attrs["verdict"] == verdict
    assert list(made["decision"].values) == [verdict]
    assert json.loads(made.attrs["reasons"])[0].lower().startswith(verdict)


@pytest.mark.parametrize(
    ("results", "verdict", "decisions"),
    [
        ((YES, YES), "supported", ["supported", "supported"]),
        ((YES, NO), "depends on task", ["supported", "refuted"]),
        ((YES, WEAK), "supported in part (X)", ["supported", "not shown"]),
        ((NO, WEAK), "refuted in part (X)", ["refuted", "not shown"]),
        ((WEAK, WEAK), "not shown", ["not shown", "not shown"]),
        # two at .04 both hold; .04 alone among two does not survive Holm
        ((found(1.0, 0.9, 0.04), found(1.0, 0.9, 0.04)), "supported", ["supported", "supported"]),
        ((found(1.0, 0.9, 0.04), WEAK), "not shown", ["not shown", "not shown"]),
        # both sides at .04, which is .02 one-sided: of two conditions they are apart, of four they may not be
        ((found(1.0, 0.9, 0.04), found(-1.0, 0.9, 0.04)), "depends on task", ["supported", "refuted"]),
        ((found(1.0, 0.9, 0.04), found(-1.0, 0.9, 0.04), WEAK, WEAK), "not shown", ["not shown"] * 4),
        ((found(1.0, 0.9, 0.03, alternative="greater", level=0.9), BACK), "not shown", ["not shown", "not shown"]),
        ((found(1.0, 0.9, 0.02, alternative="greater"), WIDE), "depends on task", ["supported", "refuted"]),
        ((found(1.0, 0.9, 0.04), TINY), "not shown", ["not shown", "not shown"]),
        # one-sided, refuted by intervals of .9: both may be, one of two may not
        ((BACK, BACK), "refuted", ["refuted", "refuted"]),
        ((BACK, WEAK_90), "not shown", ["not shown", "not shown"]),
    ],
)
def test_several_conditions(results, verdict, decisions):
    made = claim("It is so.", dict(zip("XYZW", results)), expects="more", by="task")
    assert made.attrs["verdict"] == verdict
    assert list(made["decision"].values) == decisions
    assert list(made["row"].values) == list("XYZW")[: len(results)]


def test_conditions_along_a_dimension_are_called_by_it():
    cost = deficits(phantom_trials(rng=0), rng=0).sel(lesion="A")
    assert claim("A does all.", cost, expects="more", within=0.1).attrs["verdict"] == "depends on task"
    assert claim("A does all.", cost, expects="more", within=0.1, by="kind").attrs["verdict"] == "depends on kind"
    assert claim("So.", {"X": YES, "Y": NO}, expects="more").attrs["verdict"] == "depends on condition"


def test_a_verdict_in_part_names_every_part():
    made = claim("So.", {"a": YES, "b": WEAK, "c": YES}, expects="more", by="task")
    assert made.attrs["verdict"] == "supported in part (a, c)"
    other = claim("Other.", {"a": WEAK, "b": YES}, expects="more", by="task")
    assert claims(made, other).attrs["verdict"] == "2 supported in part"
    assert list(claims(made, other)["verdict"].values) == ["supported in part (a, c)", "supported in part (b)"]


def test_a_design_that_cannot_show_it_is_told_from_one_that_did_not():
    few = found(1.0, 0.9, 0.125, n=4, p_floor=0.125)
    assert claim("So.", few, expects="more").attrs["verdict"] == "cannot be shown with 4 networks"
    assert claim("So.", {"X": few, "Y": few}, expects="less").attrs["verdict"] == "cannot be shown with 4 networks"
    assert claim("So.", {"X": few, "Y": WEAK}, expects="more").attrs["verdict"] == "not shown"
    assert claim("So.", few, expects="none", within=0.1).attrs["verdict"] == "not shown"


def test_notes_are_carried_on_and_flags_of_other_conditions_are_not():
    noted = YES.assign_attrs(note="Half of the graphs are in parts.")
    made = claim("So.", {"X": noted, "Y": YES}, expects="more")
    assert made.attrs["note"] == "X: Half of the graphs are in parts."
    assert "Half of the graphs" in claims(made).attrs["note"]
    assert claim_table(claims(made))["note"][0] == "X: Half of the graphs are in parts."
    draw = np.random.default_rng(0)
    profiles = {
        name: pd.DataFrame({"accuracy": level + 0.01 * draw.random(8), "index": draw.random(8)},
                           index=[f"{name} seed {k}" for k in range(8)])
        for name, level in (("control", 0.9), ("same", 0.9), ("worse", 0.7))
    }  # fmt: skip
    compared = compare_cohorts(profiles, against="control", rng=0).sel(index="index")
    assert "worse (0.7" in compared.attrs["undermined_by"]
    for name, flagged in (("same", False), ("worse", True)):
        said = json.loads(claim("So.", compared.sel(condition=name), expects="more").attrs["undermined_by"])
        assert any("not shown to be equal" in line for line in said) == flagged
    both = claim("So.", {name: compared.sel(condition=name) for name in ("same", "worse")}, expects="more")
    assert json.loads(both.attrs["undermined_by"])[0].startswith("worse: worse (0.7")


def test_what_is_not_shown_here_and_there_is_no_difference():
    said = json.loads(claim("So.", {"X": YES, "Y": WEAK}, expects="more").attrs["reasons"])
    assert said[-1] == "That it is not shown in one condition is no evidence that the conditions differ."


def test_a_bound_and_a_p_can_disagree():
    few = {"X": found(1.0, 0.9, 0.04), "Y": TINY}
    assert claim("So.", few, expects="more", within=0.1).attrs["verdict"] == "depends on condition"
    three = {**few, "Z": WEAK}
    said = claim("So.", three, expects="more", within=0.1)
    assert said.attrs["verdict"] == "refuted in part (Y)"
    assert "is not corrected for the 3 conditions" in said.attrs["reasons"]


def test_what_the_correction_took_is_said():
    said = json.loads(claim("So.", {"X": found(1.0, 0.9, 0.04), "Y": WEAK}, expects="more").attrs["reasons"])
    assert said[-1] == "Corrected over 2 conditions (Holm), its p is above .05."


def test_another_sign_than_the_pilots_is_said():
    said = json.loads(claim("So.", YES, expects="more", pilot=-0.2).attrs["reasons"])
    assert said[-1] == "The sign is another than in the pilot: 1 here, -0.2 there."
    assert len(json.loads(claim("So.", YES, expects="more", pilot=0.2).attrs["reasons"])) == 1
    both = claim("So.", {"X": YES, "Y": NO}, expects="more", pilot={"Y": 0.5})
    assert "The sign in Y is another than in the pilot" in both.attrs["reasons"]
    with pytest.raises(UnknownNameError, match="names 'Z'"):
        claim("So.", {"X": YES}, expects="more", pilot={"Z": 1.0})


def test_a_design_that_cannot_show_it_says_so_and_flags_are_carried_on():
    few = found(1.0, 0.4, 0.0625, p_floor=0.0625, n=5, undermined_by=["The accuracies differ."])
    made = claim("So.", {"X": few}, expects="more")
    assert made.attrs["verdict"] == "cannot be shown with 5 networks"
    assert "cannot show it: its smallest p is .0625, above .05" in made.attrs["reasons"]
    assert json.loads(claims(made).attrs["undermined_by"]) == ["The accuracies differ."]
    one = claim("So.", {"X": few, "Y": few, "Z": YES}, expects="more")
    assert json.loads(one.attrs["undermined_by"]) == ["X, Y: The accuracies differ."]


def test_several_claims_are_a_row_each_and_come_back_from_a_file(tmp_path):
    one = claim("Dropout spreads.", {"X": YES, "Y": NO}, expects="more", by="task", figure="redundancy")
    every = claims(one, claim("Noise does not.", TINY, expects="none", within=0.1))
    assert list(every["verdict"].values) == ["depends on task", "supported"]
    assert list(every["claim_of"].values) == [0, 0, 1]
    assert list(every["figure"].values) == ["redundancy", ""]
    assert every.attrs["verdict"] == "1 depends on task, 1 supported"
    _, save = place_of("claims", every)
    save(tmp_path / "claims.nc")
    again = load_dataset(tmp_path / "claims.nc")
    assert list(again["claim"].values) == ["Dropout spreads.", "Noise does not."]
    assert again.attrs == every.attrs
    text = printed_table({"claims": every})
    assert "Dropout spreads." in text
    assert "depends on task" in text


def test_real_verbs_bear_claims_where_one_effect_is_left():
    trials = phantom_trials(n_controls=5, rng=0)
    cost = deficits(trials, rng=0)
    with pytest.raises(SchemaError, match=r"result\.sel"):
        claim("So.", cost, expects="more")
    one = cost.sel(lesion="A", task="X")
    made = claim("So.", one, expects="more")
    assert made["effect"].values == [float(one["effect"])]
    assert made.attrs["n"] == str(cost.attrs["n"])
    against = against_controls(trials, lesion="A", task="X", rng=0)
    assert claim("So.", against, expects="more")["p"].values == [float(against["p"])]
    assert claim("So.", against, expects="more", test="rank_p")["p"].values == [float(against["rank_p"])]
    dose = dose_response(phantom_trials(doses=(0.5, 1.0), rng=0), lesion="A", task="X", rng=0)
    assert claim("So.", dose, expects="more")["low"].values == [float(dose["effect_low"])]


def test_the_p_of_an_equivalence_shows_no_side():
    trials = phantom_trials(deficits={"A": {"X": 0.02}}, bounded=False, chance=0.0, intact=1.0, rng=0)
    same = spared(trials, lesion="A", tasks=["X"], within={"X": 5.0}, rng=0).isel(task=0)
    assert float(same["p"]) < 0.05
    assert float(same["low"]) < 0 < float(same["high"])
    side = "more" if float(same["effect"]) > 0 else "less"
    assert claim("So.", same, expects=side).attrs["verdict"] == "not shown"
    assert claim("So.", same, expects="none", within=5.0).attrs["verdict"] == "supported"


@pytest.mark.parametrize(
    ("results", "choices", "error", "words"),
    [
        (YES, {"expects": "mor"}, UnknownNameError, "Did you mean 'more'"),
        (YES, {"expects": "none"}, DesignError, "within="),
        (YES, {"expects": "more", "within": 0.0}, DesignError, "above 0"),
        (YES, {"expects": "more", "within": float("nan")}, DesignError, "above 0"),
        (YES, {"expects": "more", "alpha": 0.0}, DesignError, "alpha"),
        (YES, {"expects": "more", "test": "rank_p"}, UnknownNameError, "no test 'rank_p'"),
        ({}, {"expects": "more"}, DesignError, "no result"),
        ({"X": 3.0}, {"expects": "more"}, SchemaError, "got a float"),
        ({"X": YES, "Y": found(1, 1, 0.5, level=0.9)}, {"expects": "more"}, DesignError, "levels"),
        (found(0.4, 0.1, 0.5, effect_unit="AUC"), {"expects": "more"}, DesignError, "AUC"),
        (found(1, 1, 0.5, level=0.8), {"expects": "none", "within": 1.0}, DesignError, "needs 0.9"),
    ],
)
def test_what_cannot_bear_a_claim(results, choices, error, words):
    with pytest.raises(error, match=words):
        claim("So.", results, **choices)


def test_claims_of_no_claims():
    one = claim("So.", YES, expects="more")
    with pytest.raises(SchemaError, match="no claim"):
        claims(YES)
    with pytest.raises(DesignError, match="each sentence once"):
        claims(one, one)
    with pytest.raises(DesignError, match="sentence"):
        claim("", YES, expects="more")


def test_the_words_of_claims_are_those_of_the_results():
    one = claim("Dropout spreads.", {"X": YES, "Y": NO}, expects="more", within=0.1, by="task", figure="redundancy")
    every = claims(one, claim("Noise does not.", found(0.02, 0.04, 0.3, n=12), expects="none", within=0.1))
    table = claim_table(every)
    assert table["verdict"].tolist() == ["depends on task", "supported"]
    assert table["effect"][0].startswith("X: 1.00 [0.60, 1.40] (95 %), p = .01")
    assert "Y: −1.00 [−1.40, −0.60]" in table["effect"][0]
    assert table["n"].tolist() == ["8 networks", "12 networks"]
    assert table["expects"].tolist() == ["more (within ±0.1)", "none (within ±0.1)"]
    assert "expected above 0, found 1 [0.6, 1.4] (95 % interval)" in table["reasons"][0]
    for result in (one, every):
        said = methods_text(result)
        assert "an effect above 0" in said
        assert "Holm" in said
        assert "Schuirmann 1987" in said
    assert "n = 8 networks" in methods_text(one)
    assert "Claims were not corrected for each other" in methods_text(every)
    assert max(map(len, printed_table({"claims": every}).split("\n"))) <= 132


@pytest.mark.parametrize("mean, above, below", [(0.3, "not shown", "supported"), (0.7, "supported", "not shown")])
def test_a_mean_that_was_tested_against_a_value_is_above_or_below_that_value(mean, above, below):
    """An accuracy of .3 is not above a chance of .5, however far from 0 it is."""
    index = pd.DataFrame({"accuracy": mean + 0.01 * np.arange(-4, 4)}, index=[f"net seed {k}" for k in range(8)])
    result = index_mean({"nets": index}, index="accuracy", popmean=0.5, rng=0).sel(condition="nets")
    assert claim("It is above chance.", result, expects="more").attrs["verdict"] in {above, OTHER[above]}
    assert claim("It is below chance.", result, expects="less").attrs["verdict"] in {below, OTHER[below]}


#: A claim that is not shown may be refuted: the other side is.
OTHER = {"supported": "supported", "not shown": "refuted"}


def test_the_p_of_a_recovery_to_the_intact_level_shows_no_side():
    assert ("recovery", "recovered_p") in EQUIVALENCES


AGREEMENT = pd.DataFrame({"ARI": 0.13 + 0.01 * np.arange(-4, 4)}, index=[f"net seed {k}" for k in range(8)])


def test_a_mean_of_a_stated_size_is_tested_against_that_size_and_shown_as_it_is():
    above, none = ({"large": AGREEMENT + 0.1, "small": AGREEMENT - 0.1, "near": AGREEMENT - 0.02}, {"flat": AGREEMENT})
    tenth = index_mean(above, index="ARI", popmean=0.1, rng=0)
    made = claim("Agreement is above .1.", tenth, expects="more", by="training")
    assert list(made["row"].values) == ["large", "small", "near"]
    assert list(made["decision"].values) == ["supported", "refuted", "not shown"]
    np.testing.assert_allclose(made["effect"], [0.225, 0.025, 0.105])
    np.testing.assert_array_equal(made["null"], 0.1)
    assert "expected above 0.1, found 0.225" in json.loads(made.attrs["reasons"])[0]
    assert claim_table(claims(made))["effect"][0].count(" against 0.1") == 3
    assert "another value where one is given" in methods_text(made)
    zero = claim("Agreement is above 0.", index_mean(none, index="ARI", rng=0), expects="more")
    assert zero.attrs["verdict"] == "supported"
    assert "expected above 0, found" in zero.attrs["reasons"]
    assert "against 0" not in claim_table(claims(zero))["effect"][0]
    pilot = claim("So.", tenth.sel(condition="small"), expects="more", pilot=0.3)
    assert "another than in the pilot" in pilot.attrs["reasons"]


def test_a_result_with_one_dimension_left_is_split_along_it():
    cost = deficits(phantom_trials(rng=0), rng=0).sel(lesion="A")
    given = {task: cost.sel(task=task) for task in ("X", "Y")}
    whole, parts = (claim("A hurts.", one, expects="more", by="task") for one in (cost, given))
    assert whole.identical(parts)
    both = deficits(phantom_trials(rng=0), rng=0)
    with pytest.raises(SchemaError, match=r"result\.sel"):
        claim("So.", both, expects="more")


def test_a_result_with_a_test_of_the_whole_is_not_split():
    register_result("made up, both", {}, [("p", "effect", "low", "high", "p_floor"), ("q", "each", "a", "b", "c")])
    parts = {name: ("part", [1.0, 1.0]) for name in ("each", "a", "b")} | {"q": ("part", [0.01, 0.01]), "c": 0.01}
    one = found(1.0, 0.4, 0.01).assign(parts).assign_coords(part=["X", "Y"]).assign_attrs(analysis="made up, both")
    assert claim("So.", one, expects="more")["row"].values.tolist() == [""]
    assert claim("So.", one, expects="more", test="q")["row"].values.tolist() == ["X", "Y"]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"test": "q"}, UnknownNameError, "has no test 'q'"),
        ({"test": ["p"]}, DesignError, r"test=\['p'\]; expected a name"),
        ({"by": 3}, DesignError, "by=3; expected a name"),
        ({"figure": 3}, DesignError, "figure=3"),
        ({"within": "0.1"}, DesignError, "within='0.1'; expected a number above 0"),
        ({"within": True}, DesignError, "within=True"),
        ({"alpha": None}, DesignError, "alpha=None; expected a level"),
        ({"alpha": "0.05"}, DesignError, "alpha='0.05'"),
        ({"pilot": "up"}, DesignError, "pilot='up'; expected the effect of a pilot"),
        ({"pilot": {"": None}}, DesignError, "expected the effect of a pilot"),
        ({"expects": ["more"]}, UnknownNameError, "expected 'more', 'less', 'none'"),
    ],
    ids=str,
)
def test_misused_words_of_a_claim_are_typed_errors(given, error, said):
    with pytest.raises(error, match=said):
        claim("So.", found(1.0, 0.4, 0.01), **{"expects": "more", **given})


def test_numbers_of_numpy_are_numbers():
    words = {"within": np.float32(0.1), "alpha": np.float64(0.05), "pilot": np.int64(1)}
    assert claim("So.", found(1.0, 0.4, 0.01), expects="more", **words).attrs["verdict"] == "supported"


def test_a_claim_speaks_for_the_sample_of_its_test():
    """The rank of a lesion among its controls speaks for draws of controls, whatever the networks or stimuli are."""
    trials = phantom_trials(n_controls=12, rng=0)
    against = against_controls(trials, lesion="A", task="X", rng=0)
    made = claim("So.", against, expects="more", test="rank_p")
    assert made.attrs["verdict"] == "cannot be shown with 12 control draws"
    assert "n = 12 control draws" in made.attrs["reasons"]
    assert (made.attrs["n"], made.attrs["generalises_over"]) == ("12", "control draw")
    assert (str(made["n"].values[0]), str(made["over"].values[0])) == ("12", "control draw")
    networks = claim("So.", against, expects="more")
    assert (networks.attrs["n"], networks.attrs["generalises_over"]) == (str(against.attrs["n"]), "specimen")
