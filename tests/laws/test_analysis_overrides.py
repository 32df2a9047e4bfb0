"""An override of trials is said by every result that is made of them, once, and by its methods paragraph."""

import json

import pytest

import neurolab.analysis as na
from neurolab.report import methods_text
from neurolab.simulate import phantom_trials

DIPPED = "An override was used: double dipping allowed."
PLAN = {"A": {"X": 0.3}, "B": {"Y": 0.3}, "A + B": {"X": 0.3, "Y": 0.3}}


def waived(**more):
    return phantom_trials(rng=0, n_specimens=6, **more).assign_attrs(override="double dipping allowed")


MADE = {
    "deficits": lambda: na.deficits(waived(), rng=0),
    "against_controls": lambda: na.against_controls(waived(n_controls=5), lesion="A", task="X", rng=0),
    "dissociation": lambda: na.dissociation(waived(), lesions=("A", "B"), tasks=("X", "Y"), rng=0),
    "spared": lambda: na.spared(waived(), lesion="A", tasks=("Y",), rng=0),
    "dose_response": lambda: na.dose_response(waived(doses=(0.5, 1.0)), lesion="A", task="X", rng=0),
    "localiser_matrix": lambda: na.localiser_matrix(waived(), localisers=("A", "B"), tasks=("X", "Y"), rng=0),
    "interaction": lambda: na.interaction(
        waived(deficits=PLAN, bounded=False, chance=0.0), a="A", b="B", both="A + B", task="X", rng=0),
    "shapley": lambda: na.shapley(waived(deficits=PLAN, bounded=False, chance=0.0), task="X", rng=0),
    "mixed": lambda: na.mixed(waived(), lesion="A", task="X", models="gee", rng=0),
    "single_case": lambda: na.single_case(waived(), case="phantom-0", lesion="A", rng=0),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_every_result_says_it(name):
    found = MADE[name]()
    assert json.loads(found.attrs["undermined_by"]).count(DIPPED) == 1
    assert DIPPED not in found.attrs["note"]
    assert methods_text(found).count(DIPPED) == 1


def test_a_claim_and_the_trials_say_it():
    cost = na.deficits(waived(), rng=0).sel(lesion="A")
    one = na.claim("A does X.", cost.sel(task="X"), expects="more")
    both = na.claim("A does all.", {"here": cost.sel(task="X"), "there": na.deficits(
        phantom_trials(rng=0), rng=0).sel(lesion="A", task="X")}, expects="more")  # fmt: skip
    assert json.loads(one.attrs["undermined_by"]) == [DIPPED]
    assert json.loads(both.attrs["undermined_by"]) == [f"here: {DIPPED}"]
    for made in (one, both, na.claims(one, both), waived()):
        assert DIPPED in methods_text(made)


def test_what_trials_say_of_one_task_is_not_said_of_another():
    said = {"undermined_by": json.dumps(["X was learned."]),
            "flags_about": json.dumps({"X was learned.": {"task": ["X"]}})}
    trials = phantom_trials(rng=0).assign_attrs(said)
    assert json.loads(na.spared(trials, lesion="A", tasks=("X",), rng=0).attrs["undermined_by"]) == ["X was learned."]
    assert json.loads(na.spared(trials, lesion="A", tasks=("Y",), rng=0).attrs["undermined_by"]) == []
    cost = na.deficits(trials, rng=0).sel(lesion="A")
    for task, found in (("X", ["X was learned."]), ("Y", [])):
        said = json.loads(na.claim("So.", cost.sel(task=task), expects="more").attrs["undermined_by"])
        assert [line for line in said if "the same value" not in line] == found
    assert "X was learned." in methods_text(trials)
