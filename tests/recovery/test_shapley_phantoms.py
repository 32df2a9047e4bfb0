"""Planted backups, additive parts and orders of removal are found in real networks by lesions of many sets."""

import json
from functools import partial

import numpy as np
import pytest

from neurolab import scores
from neurolab.analysis import (
    dose_response,
    interaction,
    minimal_set,
    pair_interactions,
    reserve,
    search_minimal_set,
    shapley,
    spared,
)
from neurolab.coalitions import coalitions, game, parts, removals, walks
from neurolab.lesion import Zero
from neurolab.specimen import Task, examine
from neurolab.specimen.phantoms import added_copies, mutual_backup, phantom_stimuli, threefold_backup
from neurolab.specimen.promises import one_thread
from neurolab.trials import concat

SEEDS = range(8)
QUIET = {"progress": False}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


def face_task(n_each=4):
    return Task("margin", phantom_stimuli(n_each=n_each, noise=0.03, rng=100).where(condition="faces"), scores.margin)


def examined(phantom, names, design, **settings):
    """Trials of eight networks of a phantom under a design of the regions of these names."""

    def patient(rng):
        specimen, _, truth = phantom(jitter=0.15, rng=rng, **settings)
        return examine(specimen, design([truth[name] for name in names]), [face_task()], **QUIET)

    return concat(map(patient, SEEDS))


@pytest.fixture(scope="module")
def either():
    return examined(mutual_backup, ["faces a", "faces b"], lambda rois: coalitions(rois, Zero()), gain=1.2)


@pytest.fixture(scope="module")
def threefold():
    names = ["faces a", "objects a", "faces b", "faces c", "objects c"]
    return examined(threefold_backup, names, lambda rois: coalitions(rois, Zero()), gain=1.25)


def test_two_backups_share_what_their_single_lesions_do_not_show(either):
    found = shapley(either, task="margin", rng=0)
    assert ((found["low"] < 0.5) & (found["high"] > 0.5)).all()
    np.testing.assert_allclose(found["effect"], 0.5, atol=0.02)
    assert (found["q"] <= 0.05).all()
    np.testing.assert_allclose(found["alone_effect"], 0.0, atol=0.03)
    for name in ("faces a", "faces b"):
        assert spared(either, lesion=name, tasks=["margin"], within=0.1, rng=0)["shown"].all()
    assert found["value"].values.std(axis=0).min() > 0.005  # the networks do differ
    assert float(found["d_index"]) > 0.95
    assert float(found["redundancy_index"]) > 0.95
    assert float(found["all_minus_singles_p"]) == 2 / 2**8
    np.testing.assert_allclose(found["value"].sum("player"), float(found["full"] - found["empty"]), atol=1e-6)


def test_the_pair_is_redundant_by_the_shapley_index_and_by_its_own_verb(either):
    pair = pair_interactions(either, task="margin", rng=0)
    both = interaction(either, a="faces a", b="faces b", both="faces a + faces b", task="margin", rng=0)
    assert both.attrs["verdict"] == "redundant"
    for name in ("effect", "low", "high", "p"):
        assert float(pair[name][0]) == pytest.approx(float(both[name]), abs=1e-12)


def test_a_threefold_backup_is_found_by_the_minimal_set_and_by_no_single_or_pair(threefold):
    found = minimal_set(threefold, task="margin", costing=0.5, rng=0)
    assert found.attrs["verdict"] == "faces a + faces b + faces c: shown"
    assert found["set"].values.tolist() == ["faces a + faces b + faces c"]
    assert float(found["p"][0]) == 1 / 2**5  # three networks chose, five tested
    assert found.attrs["n"] == 5
    contributions = shapley(threefold, task="margin", rng=0)
    faces = [str(name).startswith("faces") for name in contributions["player"].values]
    np.testing.assert_allclose(contributions["effect"].values, np.where(faces, 1 / 3, 0.0), atol=0.02)
    pairs = ["faces a + faces b", "faces a + faces c", "faces b + faces c"]
    for name in ["faces a", "faces b", "faces c", *pairs]:
        assert spared(threefold, lesion=name, tasks=["margin"], within=0.1, rng=0)["shown"].all()


def test_the_search_finds_the_same_set_with_fewer_lesions():
    names = ["objects a", "faces a", "objects b", "faces b", "faces c"]
    made = [threefold_backup(gain=1.25, jitter=0.15, rng=rng) for rng in SEEDS]
    games = [
        game(partial(examine, one, tasks=[face_task(2)], **QUIET), [truth[name] for name in names], Zero(),
             task="margin")
        for one, _, truth in made
    ]  # fmt: skip
    asked = []

    def everybody(mask):
        asked.append(mask)
        return np.hstack([value(mask) for value in games])

    found = search_minimal_set(everybody, names, task="margin", deficit=0.5, rng=0)
    assert found.attrs["verdict"] == "faces a + faces b + faces c: shown"
    assert found.attrs["complete"] == 1
    assert found.attrs["n_evaluations"] == len(np.concatenate(asked)) < 20  # of 32
    assert len(np.unique(np.concatenate(asked), axis=0)) == len(np.concatenate(asked))  # nothing is asked twice


def test_parts_that_add_up_are_called_additive():
    trials = examined(added_copies, ["faces a", "faces b"], lambda rois: coalitions(rois, Zero()))
    asked = {"a": "faces a", "b": "faces b", "both": "faces a + faces b", "task": "margin", "rng": 0}
    found = interaction(trials, **asked, additive_within=0.1)
    assert found.attrs["verdict"] == "additive"
    assert float(found["additive_p"]) == 1 / 2**8
    contributions = shapley(trials, task="margin", rng=0)
    np.testing.assert_allclose(contributions["effect"], contributions["alone_effect"], atol=0.05)
    assert abs(float(contributions["redundancy_index"])) < 0.02


def test_walks_agree_with_all_coalitions_within_their_own_error():
    names = [f"{kind} {letter}" for letter in "abc" for kind in ("faces", "objects")]

    def design(rois):
        return walks(rois, Zero(), n=16, rotations=1, rng=1)

    trials = examined(threefold_backup, names, design, gain=1.25)
    assert trials.sizes["lesion"] < 2**6
    found = shapley(trials, task="margin", rng=0)
    truth = np.where([name.startswith("faces") for name in names], 1 / 3, 0.0)
    assert ((found["low"] <= truth + 1e-6) & (found["high"] >= truth - 1e-6)).all()
    assert (np.abs(found["effect"] - truth) <= 4 * found["monte_carlo_se"] + 1e-6).all()
    assert float(found["monte_carlo_se"].max()) > 10 * float(found["sampling_se"].max())
    np.testing.assert_allclose(found["value"].sum("player"), float(found["full"] - found["empty"]), atol=1e-6)
    assert "16 walks" in found.attrs["method"]
    with pytest.raises(Exception, match="was not examined"):
        pair_interactions(trials, task="margin", rng=0)


def test_an_order_that_knows_the_module_fails_before_random_orders_do():
    def patient(rng):
        specimen, _, truth = added_copies(jitter=0.15, rng=rng)
        faces, objects = (truth[f"{kind} a"] | truth[f"{kind} b"] for kind in ("faces", "objects"))
        order = [*parts(faces), *parts(objects)]  # 16 units that matter, 16 that do not
        design = removals(order, Zero(), name="faces first", shares=np.arange(1, 8) / 8, n_random=6, rng=0)
        return examine(specimen, design, [face_task(2)], **QUIET)

    trials = concat(map(patient, SEEDS))
    found = reserve(trials, lesion="faces first", task="margin", rng=0)
    # the margin falls in a straight line with the face units: half is gone with 8 of 32, at random with 16 of 32
    own, random = found["own"].values, found["control_own"].values
    np.testing.assert_allclose(own, [0.25, 0.25], atol=0.04)
    np.testing.assert_allclose(random, [0.5, 0.5], atol=0.05)
    np.testing.assert_allclose(found["effect"], own - random, atol=1e-12)
    assert (found["p"] == 2 / 2**8).all()
    assert found.attrs["base"] == "chance"
    assert found.attrs["never_failed"] == 0
    curve = dose_response(trials, lesion="faces first", task="margin", family="random order", rng=0)
    assert curve.sizes["dose"] == found.sizes["dose"]
    assert float(curve["effect"]) > 0


def test_reasons_are_sentences(either):
    said = json.loads(shapley(either, task="margin", rng=0).attrs["reasons"])
    assert said[0].startswith("Intact 1, with everything lesioned 0;")
    assert "R = 0.9" in said[1]
