"""What undermines one index of a profile is said of that index, in the condition it is about, and of nothing else."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab.analysis import claim, compare_cohorts, damage_indices, index_mean, indices_of, profile, trend
from neurolab.analysis.flags import as_attrs, flags_in
from neurolab.analysis.profile_flags import as_table_attrs, table_flags
from neurolab.simulate import phantom_trials

LAME = "Half of the units were idle."


def made(name, **columns):
    return pd.DataFrame({key: np.linspace(0, 1, 6) ** 2 + value for key, value in columns.items()},
                        index=[f"{name} seed {seed}" for seed in range(6)])  # fmt: skip


def flagged(table, **about):
    table.attrs |= as_table_attrs({LAME: about})
    return table


@pytest.fixture
def cohorts():
    plain = profile([made("plain", AUC=0.0), made("plain", Gini=0.0)])
    noisy = profile([flagged(made("noisy", AUC=0.5)), made("noisy", Gini=0.1)])
    dropout = profile([made("dropout", AUC=0.5), made("dropout", Gini=0.1)])
    return {"plain": plain, "noisy": noisy, "dropout": dropout}


def test_a_part_of_a_profile_speaks_of_its_own_columns(cohorts):
    assert table_flags(cohorts["noisy"]) == {LAME: {"index": ["AUC"]}}
    both = profile([flagged(made("a", AUC=0.5)), flagged(made("a", Gini=0.5))])
    assert table_flags(both) == {LAME: {}}


def test_a_claim_about_another_index_or_condition_is_not_flagged(cohorts):
    found = compare_cohorts(cohorts, against="plain", matched_on=None, rng=0)
    assert flags_in(found.attrs)[LAME] == {"index": ["AUC"], "condition": ["noisy"]}
    said = {}
    for condition in ("noisy", "dropout"):
        for index in ("AUC", "Gini"):
            one = claim("More.", found.sel(condition=condition, index=index), expects="more")
            said[condition, index] = LAME in one.attrs["undermined_by"]
    assert said == {("noisy", "AUC"): True, ("noisy", "Gini"): False,
                    ("dropout", "AUC"): False, ("dropout", "Gini"): False}  # fmt: skip


def test_an_accuracy_that_some_network_lacks_is_called_undefined(cohorts):
    cohorts["noisy"].loc["noisy seed 2", "AUC"] = np.nan
    found = compare_cohorts(cohorts, against="plain", indices=["Gini"], matched_on="AUC", rng=0)
    assert "noisy (not defined in all) and plain (" in found.attrs["undermined_by"]
    assert "nan" not in found.attrs["undermined_by"]


def test_what_is_said_of_the_home_is_said_of_every_comparison(cohorts):
    found = compare_cohorts(cohorts, against="noisy", matched_on=None, rng=0)
    assert flags_in(found.attrs)[LAME] == {"index": ["AUC"]}


def test_an_index_that_is_not_compared_says_nothing(cohorts):
    found = compare_cohorts(cohorts, against="plain", indices=["Gini"], matched_on=None, rng=0)
    assert LAME not in flags_in(found.attrs)


def test_the_sentence_of_two_cohorts_is_about_both(cohorts):
    flagged(cohorts["dropout"], index=["Gini"])
    found = compare_cohorts(cohorts, against="plain", matched_on=None, rng=0)
    assert flags_in(found.attrs)[LAME] == {"condition": ["noisy", "dropout"]}


def test_a_renamed_index_keeps_what_is_said_of_it(cohorts):
    cohorts["noisy"] = cohorts["noisy"].rename(columns={"AUC": "area"})
    cohorts["plain"] = cohorts["plain"].rename(columns={"AUC": "area"})
    found = compare_cohorts({name: cohorts[name] for name in ("plain", "noisy")}, against="plain", matched_on=None,
                            rng=0)  # fmt: skip
    assert flags_in(found.attrs)[LAME] == {"condition": ["noisy"]}


def test_a_difference_of_indices_is_flagged_by_either(cohorts):
    for index, minus in (("AUC", "Gini"), ("Gini", "AUC")):
        found = index_mean(cohorts, index=index, minus=minus, rng=0)
        assert flags_in(found.attrs)[LAME] == {"condition": ["noisy"]}
    assert LAME not in flags_in(index_mean(cohorts, index="Gini", rng=0).attrs)


def test_indices_of_a_result_carry_its_flags_column_by_column():
    trials = phantom_trials(n_specimens=6, rng=0)
    found = nl.analysis.dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    dim = next(str(one) for one in found["value"].dims if one != "specimen")
    entry = str(found[dim].values[0])
    found.attrs |= as_attrs({LAME: {dim: [entry]}})
    table = indices_of(found, names=["one", "other"])
    assert table_flags(table)[LAME] == {"index": ["one"]}
    assert table.attrs["kind"] == "ann"


def test_tables_of_trials_carry_what_the_trials_say():
    trials = phantom_trials(n_specimens=6, rng=0)
    trials.attrs |= as_attrs({LAME: {"task": ["X"]}})
    assert LAME in nl.analysis.intact_indices(trials, task="X").attrs["undermined_by"]
    assert LAME not in nl.analysis.intact_indices(trials, task="Y").attrs["undermined_by"]


def test_scores_of_arms_carry_flags_by_task():
    trials = phantom_trials(rng=0, n_specimens=6).isel(lesion=[0, 1])
    trials = trials.assign_coords(ladder=("lesion", ["a", "a"]), rung=("lesion", [0.0, 5.0]),
                                  role=("lesion", ["target", "target"]))  # fmt: skip
    trials.attrs |= as_attrs({LAME: {"task": ["X"]}})
    assert table_flags(nl.analysis.arm_scores(trials)["a"])[LAME] == {"index": ["X"]}


def test_people_are_called_people():
    tables = {str(level): made("who", AUC=level) for level in range(3)}
    for table in tables.values():
        table.attrs["kind"] = "brain"
    assert "people" in trend(tables, matched_on=None, rng=0).attrs["test"]
    means = index_mean(tables, index="AUC", rng=0)
    assert "people" in means.attrs["estimand"]
    assert "networks" not in means.attrs["note"]


def test_cuts_of_networks_that_never_learnt_are_flagged_in_their_condition():
    digits = nl.datasets.load_stimuli("digits-train")
    given = {"stimuli": digits, "n": 6, "rng": 0, "build": partial(nl.specimen.mlp, 64, 8, 10)}
    cohorts = {"plain": nl.train_cohort(recipe=nl.specimen.Recipe(30, 1e-2), name="plain", **given),
               "idle": nl.train_cohort(recipe=nl.specimen.Recipe(1, 1e-9), name="idle", **given)}  # fmt: skip
    graphs = nl.specimen.structures(cohorts)
    cut = nl.analysis.clusterability(graphs, by=nl.analysis.Spectral(2, 2), n_null=3, rng=0)
    tables = nl.analysis.cut_indices(cut, training=nl.specimen.training_table(cohorts))
    told = nl.analysis.clusterability(graphs, by=nl.analysis.Spectral(2, 2), n_null=3, rng=0,
                                      training=nl.specimen.training_table(cohorts))  # fmt: skip
    assert list(flags_in(told.attrs).values()) == [{"condition": ["idle"]}]
    assert not flags_in(cut.attrs)
    assert not tables["plain"].attrs["undermined_by"]
    assert "idle" in tables["idle"].attrs["undermined_by"][0]
    found = compare_cohorts(tables, against="plain", matched_on="training accuracy", rng=0)
    line = tables["idle"].attrs["undermined_by"][0]
    assert line in json.loads(found.attrs["undermined_by"])


def test_damage_indices_carry_the_flags_of_both_tasks():
    from neurolab.analysis.battery import damage_battery
    from neurolab.simulate import phantom_recording
    from neurolab.trials import make_trials

    battery = damage_battery(phantom_recording(n_units=4, selective={}, rng=0), sds=(1.0, 2.0), n_draws=1, rng=0)
    score = [[[1 - lesion.n_units / 5] * 2 for lesion in battery]]
    trial = {"task": ["name", "graded"], "stimulus_id": ["a", "a"], "condition": ["x", "x"]}
    about = {"name": {"bounded": True, "chance": 0.2}, "graded": {"bounded": False, "chance": None}}
    trials = make_trials(score, specimen=["net"], lesions=battery, trial=trial, tasks=about, kind="simulated")
    trials.attrs |= as_attrs({LAME: {"task": ["graded"]}})
    assert LAME in damage_indices(trials, task="name", graded="graded").attrs["undermined_by"]
