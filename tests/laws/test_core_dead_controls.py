"""Controls that hold units which never vary say so; what is drawn stays as it is."""

import json

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis import against_controls
from neurolab.analysis.closeness import Closeness
from neurolab.lesion import Lesion, Zero
from neurolab.matching import matched_controls
from neurolab.recording import make_recording
from neurolab.roi import ROI
from neurolab.simulate import phantom_trials

DEAD = range(20, 32)
ALIVE = Lesion(ROI("area", {"1": range(6)}), Zero())


def pool(dead=DEAD):
    values = np.random.default_rng(0).random((30, 40))
    values[:, list(dead)] = 0.0
    stimuli = {"stimulus_id": [f"s{k}" for k in range(30)], "condition": ["x", "y"] * 15}
    units = {"site": ["1"] * 40, "unit": range(40)}
    return make_recording(values, presentation=stimuli, neuroid=units, kind="simulated")


def notes(lesions):
    return [dict(one.notes) for one in lesions]


def test_every_control_says_how_many_of_its_units_never_vary():
    controls = matched_controls(ALIVE, pool(), 30, rng=0)
    slow = [sum(int(unit) in DEAD for unit in one.roi.units["1"]) for one in controls]
    assert sum(slow) > 20
    assert [one.get("never_vary", 0.0) for one in notes(controls)] == slow
    assert all(one.get("target_never_vary", 0.0) == 0 for one in notes(controls))
    mixed = Lesion(ROI("area", {"1": range(17, 23)}), Zero())
    assert {one["target_never_vary"] for one in notes(matched_controls(mixed, pool(), 5, rng=0))} == {3.0}


def test_living_pools_say_nothing_and_draw_the_same():
    living = matched_controls(ALIVE, pool(dead=()), 30, rng=0)
    assert all(set(one) == {"match_distance", "match_outside"} for one in notes(living))
    assert [one.roi.digest for one in living] == [one.roi.digest for one in matched_controls(ALIVE, pool(), 30, rng=0)]


def test_a_pool_that_says_who_varies_leaves_the_dead_out():
    told = pool().assign_coords(valid=("neuroid", pool().values.std(0) > 0))
    assert not any("never_vary" in one for one in notes(matched_controls(ALIVE, told, 30, rng=0)))


@pytest.mark.parametrize(("own", "said"), [(0, True), (2, False)])
def test_weaker_controls_undermine_what_is_compared_with_them(own, said):
    trials = phantom_trials(n_controls=4, rng=0)
    cells = np.full((trials.sizes["specimen"], trials.sizes["lesion"]), "{}", dtype=object)
    for at, count in zip(np.flatnonzero(trials["role"].values == "control"), [1, 2, 1, 2] * 2):
        cells[:, at] = json.dumps({"match_distance": 0.0, "match_outside": 0.0, "never_vary": float(count),
                                   "target_never_vary": float(own)})  # fmt: skip
    noted = trials.assign(lesion_notes=(("specimen", "lesion"), cells))
    lines = json.loads(against_controls(noted, lesion="A", task="X", rng=0).attrs["undermined_by"])
    sentence = "Of the units of the controls of A 1.5 never vary on average, of its own 0: they may cost less for that."
    assert (sentence in lines) == said
    assert Closeness(np.zeros(1), np.zeros(1)).dead("A") == ""


def test_networks_of_digits_have_dead_units_and_their_controls_say_so():
    cohort, digits = nl.datasets.load_cohort("digits")[:1], nl.datasets.load_stimuli("digits")
    recorded = nl.record(cohort[0], digits, ["1"])
    still = recorded.values.std(axis=0) == 0
    assert still.sum() >= 5
    target = Lesion(ROI("area", {"1": np.flatnonzero(~still)[:6].tolist()}), Zero())
    controls = matched_controls(target, recorded, 19, rng=0)
    active = matched_controls(target, recorded, 19, match=("site", "activity"), rng=0)
    assert not any("never_vary" in one for one in notes(active))
    design = [nl.sham(target), target, *controls]
    task = nl.Task("name", digits.take(range(60)), nl.scores.accuracy)
    trials = nl.examine(cohort[0], design, [task], progress=False)
    found = against_controls(trials, lesion="area", task="name", over="stimulus", rng=0)
    mean = np.mean([still[one.roi.units["1"]].sum() for one in controls])
    assert f"of the controls of area {mean:.2g} never vary on average, of its own 0" in found.attrs["undermined_by"]
