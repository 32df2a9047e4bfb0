"""Doses that choose: their stimuli count as having chosen, a dose that was not reached is said wherever it leads."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from torch import nn

import neurolab as nl
from neurolab.errors import DesignError, DoseWarning, DoubleDippingError, UnknownNameError

EPOCH = nl.specimen.Recipe(epochs=1)


def net():
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))


def stimuli(name, n=30, seed=0):
    labels = np.arange(n) % 3
    inputs = np.eye(3, 4)[labels] + 0.3 * np.random.default_rng(seed).standard_normal((n, 4))
    table = {"stimulus_id": [f"{name}-{at}" for at in range(n)], "condition": np.where(labels == 0, "x", "y")}
    return nl.StimulusSet(name, inputs.astype(np.float32), pd.DataFrame({**table, "label": labels}))


LEARN, CHOOSE, DOSE, TEST = (stimuli(name, seed=at) for at, name in enumerate(("learn", "choose", "dose", "test")))


def named(shown, task="name"):
    return nl.Task(task, shown, nl.scores.accuracy)


def ladders(network):
    found = nl.localise(nl.record(network, CHOOSE, ["1"]), "x > y")
    return nl.analysis.nested_lesions({"one": found, "other": found}, nl.Zero(), (2, 5))


@pytest.fixture(scope="module")
def cohort():
    return nl.train_cohort(net, LEARN, n=6, recipe=nl.specimen.Recipe(epochs=20), name="nets", rng=0)


@pytest.fixture(scope="module")
def chosen(cohort):
    trials = nl.examine(cohort, ladders, [named(DOSE)], progress=False)
    return nl.analysis.choose_doses(trials, ladders, task="name", costing=0.05)


@pytest.fixture(scope="module")
def missed(cohort):
    trials = nl.examine(cohort, ladders, [named(DOSE)], progress=False)
    with pytest.warns(DoseWarning, match="costs 2 on .name.; the largest, 5, costs"):
        return nl.analysis.choose_doses(trials, ladders, task="name", costing=2.0, most=True)


def test_a_chosen_dose_remembers_its_stimuli_and_is_refused_on_them(cohort, chosen):
    assert chosen.doses["one"].reached
    assert chosen.doses["one"].chosen_on == set(DOSE.ids)
    lesions = chosen(cohort[0])
    assert [lesion.id for lesion in lesions] == ["one", "other"]
    assert lesions[0].n_units == chosen.doses["one"]
    assert lesions[0].chosen_on == {*CHOOSE.ids, *DOSE.ids}
    assert nl.examine(cohort, chosen, [named(TEST)], progress=False).sizes["lesion"] == 3
    by_hand = nl.analysis.nested_lesions(
        nl.localise(nl.record(cohort[0], CHOOSE, ["1"]), "x > y"), nl.Zero(), (chosen.doses["one"],), name="by hand"
    )
    for design in (chosen, by_hand):
        with pytest.raises(DoubleDippingError, match="30 of the stimuli"):
            nl.examine(cohort[:1], design, [named(DOSE)], progress=False)


def test_a_dose_chosen_on_marked_stimuli_is_refused_on_their_unmarked_twins(cohort):
    marked = DOSE.marked([3], mark="lit")
    trials = nl.examine(cohort, ladders, [named(marked), named(CHOOSE.take([0]), "plain")], progress=False,
                        allow_double_dipping=True)
    dose = nl.analysis.smallest_dose(trials, lesion="one", task="name", costing=-1.0)
    assert dose.chosen_on == {*marked.ids, *DOSE.ids}


def test_a_dose_that_is_not_reached_warns_and_is_flagged(missed):
    assert not missed.doses["one"].reached
    assert missed.doses["one"] == 5
    with pytest.raises(UnknownNameError, match="Did you mean 'one'"):
        missed["ohne"]


def test_a_design_without_ladders_has_no_doses(cohort):
    trials = nl.examine(cohort[:2], lambda one: [nl.Lesion(nl.ROI("a", {"1": [0]}), nl.Zero())], [named(TEST)],
                        progress=False)
    with pytest.raises(DesignError, match="no ladder"):
        nl.analysis.choose_doses(trials, ladders, task="name", costing=0.1)


def test_what_is_removed_is_remembered_and_training_is_kept(cohort, chosen):
    cut = nl.specimen.remove_units(cohort, chosen["one"])
    assert cut.training is cohort.training
    assert cut[0].past.chosen_on == {*CHOOSE.ids, *DOSE.ids}
    arms, settings = {"cut": cut, "whole": cohort}, {"recipe": EPOCH, "rng": 0}
    learned, trials = nl.specimen.retrain(arms, LEARN, watch=[named(TEST)], **settings)
    assert trials.attrs["override"] == ""
    for shown in (CHOOSE, DOSE, DOSE.marked([3], mark="lit")):
        for given in (arms, learned):
            with pytest.raises(DoubleDippingError, match="that chose what 'cut' lacks"):
                nl.specimen.retrain(given, LEARN, watch=[named(shown)], **settings)
        with pytest.raises(DoubleDippingError, match="that chose what was removed before"):
            nl.examine(learned["cut"], lambda one: [], [named(shown)], progress=False)
    held = {"whole": chosen["one"]}
    with pytest.raises(DoubleDippingError, match="that chose what 'whole' lacks or has held"):
        nl.specimen.retrain({"whole": cohort}, LEARN, watch=[named(DOSE)], held=held, **settings)
    with pytest.raises(DoubleDippingError, match="memory of those"):
        nl.specimen.retrain(cohort, LEARN, watch=[named(LEARN.marked([3], mark="lit"))], **settings)


def test_a_cohort_without_each_of_several_modules(cohort, chosen):
    cut = nl.specimen.remove_units(cohort, chosen)
    assert list(cut) == ["one", "other"]
    for name, found in chosen.items():
        alone = nl.specimen.remove_units(cohort, found)
        assert [one.digest for one in cut[name]] == [one.digest for one in alone]


def test_controls_beside_a_chosen_lesion(cohort, chosen):
    design = nl.specimen.matched_design(chosen["one"], CHOOSE, 3, rng=0)
    target, *controls = design(cohort[0])
    pool = nl.record(cohort[0], CHOOSE, ["1"])
    by_hand = nl.matched_controls(target, pool, 3, match=("site", "activity"), rng=0)
    assert [one.digest for one in controls] == [one.digest for one in by_hand]
    alone = nl.specimen.matched_design(target, CHOOSE, 3, target=False, rng=0)(cohort[0])
    assert [one.digest for one in alone] == [one.digest for one in by_hand]


def test_further_ablations_of_a_lesion_have_its_units_and_controls_of_their_own(cohort, chosen):
    also = {"at its mean": ("one", nl.Mean), "driven": ("one", lambda pool: nl.Stimulate(2.0, pool))}
    design = nl.specimen.matched_design(chosen, CHOOSE, 2, also=also, of=["driven"], rng=0)
    found = design(cohort[0])
    assert [lesion.name for lesion in found] == ["one", "other", "at its mean", "driven", "driven", "driven"]
    assert {lesion.roi.digest for lesion in (found[0], *found[2:4])} == {found[0].roi.digest}
    assert [lesion.how.label.split()[0] for lesion in found[2:4]] == ["Mean", "Stimulate"]
    assert all(lesion.how.digest == found[3].how.digest for lesion in found[4:])
    assert found[2].chosen_on == found[0].chosen_on
    trials = nl.examine(cohort, design, [named(TEST)], progress=False)
    assert nl.specimen.restored(cohort, trials) == "6 of 6 to the bit"
    assert nl.specimen.restored(nl.specimen.remove_units(cohort, chosen["one"]), trials) == "0 of 6 to the bit"
    with pytest.raises(UnknownNameError, match="Did you mean 'one'"):
        nl.specimen.matched_design(chosen, CHOOSE, 2, of=["oen"], rng=0)(cohort[0])


@pytest.mark.parametrize("name", ["", "one"])
def test_ladders_have_names(cohort, name):
    found = nl.localise(nl.record(cohort[0], CHOOSE, ["1"]), "x > y")
    given = {"": found, "one": {"one": found}}[name]
    with pytest.raises(DesignError, match=r"got (one map|several maps)"):
        nl.analysis.nested_lesions(given, nl.Zero(), (2,), name=name)


def test_lesions_that_share_no_unit_are_the_bands_of_a_map(cohort):
    found = nl.localise(nl.record(cohort[0], CHOOSE, ["1"]), "x > y")
    bands = nl.analysis.disjoint_lesions(found, nl.Zero(), 3, n_units=2, name="set")
    assert [lesion.id for lesion in bands] == ["set 1", "set 2", "set 3"]
    order = np.argsort(-found["statistic"].where(found["valid"], -np.inf).values, kind="stable")
    for at, lesion in enumerate(bands):
        assert lesion.roi.units["1"].tolist() == sorted(order[2 * at : 2 * at + 2].tolist())
    with pytest.raises(DesignError, match="one lesion or more"):
        nl.analysis.disjoint_lesions(found, nl.Zero(), 0, n_units=2, name="set")


def test_an_override_is_said_by_every_result_of_the_trials(cohort, chosen):
    arms = {"cut": nl.specimen.remove_units(cohort, chosen["one"]), "whole": cohort}
    _, trials = nl.specimen.retrain(arms, LEARN, watch=[named(DOSE)], recipe=nl.specimen.Recipe(epochs=5), every=1,
                                    allow_double_dipping=True, rng=0)
    said = "An override was used: double dipping allowed."
    found = nl.analysis.savings(trials, first="cut", again="whole", task="name", criterion=0.99, rng=0)
    assert said in json.loads(found.attrs["undermined_by"])
    ends = nl.analysis.compare_cohorts(nl.analysis.arm_scores(trials), against="whole", matched_on=None, rng=0)
    assert said in json.loads(ends.attrs["undermined_by"])
    dipped = nl.examine(cohort, chosen, [named(DOSE)], allow_double_dipping=True, progress=False)
    costs = nl.deficits(dipped, rng=0)
    assert json.loads(costs.attrs["undermined_by"]) == [said]
    assert said not in costs.attrs["note"]
    for made in (costs, dipped, nl.analysis.claim("So.", costs.sel(lesion="one", task="name"), expects="more")):
        assert nl.methods_text(made).count(said) == 1
    honest = nl.examine(cohort, chosen, [named(TEST)], progress=False)
    assert "undermined_by" not in nl.deficits(honest, rng=0).attrs
    assert "override" not in nl.methods_text(nl.deficits(honest, rng=0))


def test_a_missed_dose_undermines_the_claims_that_use_it_and_no_others(cohort, chosen, missed):
    cut = {"missed": missed["one"], "reached": chosen["other"]}
    arms = {"whole": cohort} | {name: nl.specimen.remove_units(cohort, found) for name, found in cut.items()}
    _, trials = nl.specimen.retrain(arms, LEARN, watch=[named(TEST)], recipe=EPOCH, every=1, rng=0)
    ends = nl.analysis.compare_cohorts(nl.analysis.arm_scores(trials), against="whole", matched_on=None, rng=0)
    for name, flagged in (("missed", True), ("reached", False)):
        one = nl.analysis.claim("It is lower.", ends.sel(condition=name, index="name"), expects="less")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            saved = nl.analysis.savings(trials, first="whole", again=name, task="name", criterion=0.999, rng=0)
        for found in (one, saved):
            assert ("No dose of 'one' costs 2" in found.attrs["undermined_by"]) == flagged
    both = {name: ends.sel(condition=name, index="name") for name in cut}
    lines = json.loads(nl.analysis.claim("Both.", both, expects="less").attrs["undermined_by"])
    assert any(line.startswith("missed: No dose of 'one' costs 2") for line in lines)
