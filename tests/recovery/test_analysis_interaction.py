"""Redundancy that is planted is found, in numbers and in a network whose single lesions show nothing."""

import json

import numpy as np
import pytest

from neurolab import analysis, scores
from neurolab.analysis import interaction, spared
from neurolab.design import pairs, sham
from neurolab.errors import DesignError, UnknownNameError
from neurolab.lesion import Lesion, Zero
from neurolab.simulate import phantom_trials
from neurolab.specimen import Task, examine
from neurolab.specimen.phantoms import mutual_backup, phantom_stimuli
from neurolab.trials import concat

ASKED = {"a": "A", "b": "B", "both": "A + B", "task": "X", "rng": 0}


def planted(a, b, both, **more):
    plan = {"A": {"X": a}, "B": {"X": b}, "A + B": {"X": both}}
    return phantom_trials(deficits=plan, **{"bounded": False, "chance": 0.0, "rng": 3, **more})


@pytest.mark.parametrize(
    "costs,verdict",
    [((0, 0, 2), "redundant"), ((2, 2, 2), "synergistic"), ((1, 1, 2), "additive"), ((1, 1, 2.12), "not decided")],
)
def test_the_verdict_is_the_planted_one(costs, verdict):
    few = {"n_stimuli": 5} if verdict == "not decided" else {}
    trials = planted(*costs, intact=5.0, **few)
    found = interaction(trials, **ASKED, additive_within=0.1)
    assert found.attrs["verdict"] == verdict
    assert float(found["additive_bound"]) == pytest.approx(0.1 * trials["score"].values[:, 1].mean(), rel=0.05)
    costs = found["deficit"].values
    np.testing.assert_allclose(found["value"], costs[:, 2] - costs[:, 0] - costs[:, 1], atol=1e-12)
    assert float(found["effect"]) == pytest.approx(found["value"].values.mean())
    assert len(json.loads(found.attrs["reasons"])) == 3
    assert {name: found.attrs[name] for name in ("a", "b", "both", "task")} == {
        k: v for k, v in ASKED.items() if k != "rng"
    }


def test_without_a_bound_additive_is_never_said_and_its_p_is_not_given():
    found = interaction(planted(1, 1, 2), **ASKED)
    assert found.attrs["verdict"] == "not decided"
    assert np.isnan(found["additive_p"])
    assert "additive_within=" in found.attrs["reasons"]


def test_too_few_networks_say_how_many_are_needed():
    found = interaction(planted(0, 0, 2, n_specimens=5), **ASKED)
    assert found.attrs["verdict"] == "not decided: 5 networks: the smallest two-sided p is .0625; use 6 or more."
    assert float(found["p_floor"]) == 2 / 2**5


def test_single_lesions_of_mutual_backups_are_spared_and_the_pair_exposes_them():
    def patient(rng):
        specimen, _, truth = mutual_backup(rng=rng)
        both = [Lesion(truth[name], Zero()) for name in ("faces a", "faces b")]
        faces = phantom_stimuli(n_each=4, rng=100).where(condition="faces")
        tasks = [Task("name faces", faces, scores.accuracy), Task("margin", faces, scores.margin)]
        return examine(specimen, [sham(both[0]), *both, *pairs(both)], tasks)

    trials = concat([patient(rng) for rng in range(6)])
    for name in ("faces a", "faces b"):
        assert spared(trials, lesion=name, tasks=["name faces", "margin"], within=0.1, rng=0)["shown"].all()
    asked = {"a": "faces a", "b": "faces b", "both": "faces a + faces b", "rng": 0}
    found = interaction(trials, **asked, task="margin", additive_within=0.1)
    assert found.attrs["verdict"] == "redundant"
    assert float(found["p"]) == float(found["p_floor"]) == 2 / 2**6
    assert np.isnan(found["effect_logit"])
    accuracy = interaction(trials, **asked, task="name faces", allow_bounded=True)
    assert accuracy.attrs["verdict"] == "redundant"
    assert accuracy.attrs["override"] == "bounded score allowed"
    assert "at ceiling" in accuracy.attrs["undermined_by"]


def test_a_bounded_score_needs_consent_and_a_floor_is_flagged():
    plan = {name: {"X": 0.41} for name in ("A", "B", "A + B")}
    trials = phantom_trials(deficits=plan, n_stimuli=300, rng=0)
    with pytest.raises(DesignError, match=r"nl\.scores\.margin.*allow_bounded=True"):
        interaction(trials, **ASKED)
    found = interaction(trials, **ASKED, allow_bounded=True)
    assert found.attrs["verdict"] == "synergistic"
    assert found["floor"].all()
    assert "At chance after A and after B" in found.attrs["undermined_by"]
    assert float(found["effect_logit"]) < 0


def test_what_is_no_union_is_refused_and_shared_units_are_said():
    trials = planted(0, 0, 2)
    units = trials.assign_coords(n_units=("lesion", [10, 0, 10, 0, 30, 0]))
    with pytest.raises(DesignError, match=r"nl\.pairs"):
        interaction(units, **ASKED)
    assert "share" not in interaction(trials, **ASKED).attrs["undermined_by"]
    overlap = interaction(trials.assign_coords(n_units=("lesion", [10, 0, 10, 0, 15, 0])), **ASKED)
    assert "A and B share 5 units" in overlap.attrs["undermined_by"]
    how = trials.assign_coords(how=("lesion", ["Zero", "Sham", "Mean", "Sham", "Zero", "Sham"]))
    with pytest.raises(DesignError, match="'B' by Mean"):
        interaction(how, **ASKED)
    with pytest.raises(DesignError, match="three different"):
        interaction(trials, **{**ASKED, "both": "A"})
    with pytest.raises(UnknownNameError, match="a bound for each of 'X'"):
        interaction(trials, **ASKED, additive_within={"Y": 1.0})
    with pytest.raises(DesignError, match=r"additive_within=0\.1"):
        interaction(trials, **ASKED, additive_within=2.0)


def test_the_verb_is_exported():
    assert analysis.interaction is interaction
