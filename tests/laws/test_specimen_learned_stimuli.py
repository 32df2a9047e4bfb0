"""Scores on stimuli that a network was trained on are taken, and said to be such, in trials and in results."""

import json
from functools import partial

import numpy as np
import pytest

import neurolab as nl
from neurolab.report import methods_text

TRAIN, TEST = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
LEARN, OTHER = TRAIN.take(range(0, 120)), TRAIN.take(range(120, 240))
BUILD = partial(nl.specimen.mlp, 64, 8, 10)
SAID = "Task 'old' shows 40 stimuli on which networks were trained"


@pytest.fixture(scope="module")
def cohort():
    return nl.train_cohort(BUILD, LEARN, n=6, recipe=nl.specimen.Recipe(epochs=1), name="net", rng=0)


def tasks(old=LEARN):
    return [nl.Task("old", old.take(range(40)), nl.scores.accuracy),
            nl.Task("new", TEST.take(range(40)), nl.scores.accuracy)]  # fmt: skip


def examined(networks, **more):
    region = nl.Lesion(nl.ROI("area", {"1": [0, 1]}, specimen=""), nl.Zero())
    return nl.examine(networks, [region], tasks(**more), progress=False)


def flags(made):
    return [one for one in json.loads(made.attrs.get("undermined_by", "[]")) if "were trained" in one]


def test_trials_and_results_say_which_task_shows_what_was_learned(cohort):
    trials = examined(cohort)
    assert len(flags(trials)) == 1
    assert flags(trials)[0].startswith(SAID)
    assert flags(examined(cohort[0])) == flags(trials)
    costs = nl.deficits(trials, rng=0)
    assert flags(costs) == flags(trials)
    for task, n in (("old", 1), ("new", 0)):
        one = nl.analysis.claim("So.", costs.sel(lesion="area", task=task), expects="more")
        assert len(flags(one)) == n
        assert len(flags(nl.analysis.spared(trials, lesion="area", tasks=(task,), within={task: 0.1}, rng=0))) == n
    assert SAID in methods_text(trials)


def test_networks_that_did_not_learn_them_say_nothing(cohort):
    untrained = nl.specimen.untrained_cohort(BUILD, LEARN, n=2, rng=0)
    bare = nl.Specimen(BUILD(), LEARN.inputs[:2], name="bare")
    for networks, old in ((cohort, OTHER), (untrained, LEARN), (bare, LEARN)):
        trials = examined(networks, old=old)
        assert "undermined_by" not in trials.attrs


def test_joined_trials_say_what_any_network_says(cohort):
    untrained = nl.specimen.untrained_cohort(BUILD, LEARN, n=2, name="other", rng=0)
    for order in ((untrained, cohort), (cohort, untrained)):
        assert len(flags(nl.concat([examined(one) for one in order]))) == 1


def test_what_is_learned_later_or_survives_removal_counts(cohort):
    cut = nl.specimen.remove_units(cohort, nl.ROI("area", {"1": [2]}, specimen=""))
    assert flags(examined(cut))
    watch = [nl.Task("watched", TEST.take(range(20)), nl.scores.accuracy)]
    later, _ = nl.specimen.retrain(cohort[:2], OTHER, watch=watch, recipe=nl.specimen.Recipe(epochs=1), rng=0)
    assert flags(examined(later, old=OTHER))
    assert flags(examined(later, old=LEARN))
    assert not flags(examined(cohort[:2], old=OTHER))


def test_the_digits_cohort_knows_its_training_stimuli(tmp_path):
    network = nl.datasets.load_cohort("digits")[0]
    assert flags(examined(network, old=TRAIN))
    region = nl.Lesion(nl.ROI("area", {"1": [0, 1]}, specimen=""), nl.Zero())
    for _ in range(2):  # made, then read again
        stored = nl.examine(network, [region], tasks(TRAIN), store=tmp_path / "runs", progress=False)
        assert flags(stored)
        assert np.isfinite(stored["score"].values).all()
