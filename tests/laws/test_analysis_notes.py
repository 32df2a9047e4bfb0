"""What a result says about itself: floors, corrections, what was left out, and whom it speaks for."""

import numpy as np
import pytest

from neurolab.analysis import (
    against_controls,
    deficits,
    design_check,
    localise,
    localiser_matrix,
    map_reliability,
    select_roi,
    spared,
)
from neurolab.contrast import Contrast
from neurolab.errors import DataError, MatchingError, UnknownNameError
from neurolab.lesion import Lesion, Zero
from neurolab.matching import matched_controls
from neurolab.simulate import phantom_recording, phantom_trials, planted_roi
from neurolab.stats.multiplicity import holm

ONE = "One network: generalises over stimuli only, not to other networks."
FACES = "faces > objects"
PLAN = {"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.3}, "A + B": {"X": 0.3, "Y": 0.3}}


@pytest.fixture(scope="module")
def trials():
    return phantom_trials(deficits=PLAN, n_specimens=6, n_stimuli=20, n_controls=20, doses=(0.5, 1.0), rng=0)


def test_one_network_says_so_and_several_do_not(trials, verb):
    assert verb(trials.isel(specimen=[0])).attrs["note"].endswith(ONE)
    assert "stimuli only" not in verb(trials).attrs["note"]


def test_several_networks_or_one_person_over_stimuli_say_so(trials):
    assert (
        deficits(trials, over="stimulus", rng=0)
        .attrs["note"]
        .endswith("These 6 networks: generalises over stimuli only, not to other networks.")
    )
    patient = trials.isel(specimen=[0]).assign_attrs(kind="brain")
    assert "One person: generalises over stimuli only" in deficits(patient, rng=0).attrs["note"]


def test_maps_say_whom_they_are_of():
    recording = phantom_recording(n_units=20, n_stimuli=8, n_runs=4, rng=0)
    assert localise(recording, FACES).attrs["note"] == ONE
    by_run = map_reliability(recording, FACES, by="run", rng=0).attrs["note"]
    assert by_run == "One network: generalises over runs only, not to other networks."


def test_marked_bad_and_dead_are_counted_apart():
    recording = phantom_recording(n_units=15, dead=2, rng=0)
    live = np.flatnonzero(recording["planted"].values != "dead")
    valid = np.ones(15, dtype=bool)
    valid[live[0]] = False
    found = localise(recording.assign_coords(valid=("neuroid", valid)), FACES)
    counts = {name: found.attrs[name] for name in ("n_neuroids", "n_tested", "n_marked_bad", "n_dead")}
    assert counts == {"n_neuroids": 15, "n_tested": 12, "n_marked_bad": 1, "n_dead": 2}
    assert (
        "3 of 15 neuroids were not tested: 1 marked bad in the recording and 2 dead or constant." in found.attrs["note"]
    )
    assert localise(phantom_recording(n_units=15, rng=0), FACES).attrs["n_marked_bad"] == 0


def test_a_matrix_says_the_floor_of_each_of_its_tests(trials):
    found = localiser_matrix(trials, localisers=["A", "B"], rng=0)
    assert float(found["diagonal_p_floor"]) == 1 / 64
    np.testing.assert_allclose(found["q_floor"], 4 * 2 / 64)
    assert "Diagonal: 6 networks: the smallest one-sided p is .0156." in found.attrs["note"]
    assert "Holm-corrected for 4 tests, is .125; use 8 or more." in found.attrs["note"]
    assert (found["q"] >= found["q_floor"] - 1e-12).all()
    eight = localiser_matrix(phantom_trials(n_specimens=8, rng=0), rng=0)
    assert float(eight["q"].min()) == float(eight["q_floor"].min()) <= 0.05
    assert "use" not in eight.attrs["note"]


def test_the_smallest_holm_p_is_that_of_the_floors():
    floors = np.array([0.01, 0.02, 0.02])
    draw = np.random.default_rng(0)
    least = np.min([holm(np.maximum(floors, draw.random(3) ** 8)).p for _ in range(3000)], axis=0)
    assert (least >= holm(floors).p - 1e-12).all()


def test_a_rank_interval_says_how_many_draws_it_needs(trials):
    found = against_controls(trials, lesion="A", task="X", rng=0)
    assert np.isinf(found["rank_low"])
    assert "A 95 % interval of the rank test needs 39 or more control draws." in found.attrs["note"]
    enough = against_controls(phantom_trials(n_controls=39, rng=0), lesion="A", task="X", rng=0)
    assert np.isfinite(enough["rank_low"])
    assert "interval of the rank" not in enough.attrs["note"]
    assert "needs 39 or more controls" in design_check(8, n_controls=38)
    assert "interval" not in design_check(8, n_controls=39)
    assert np.isfinite(against_controls(trials, lesion="A", task="X", level=0.9, rng=0)["rank_low"])


def test_a_region_says_its_share_in_per_cent_and_that_all_is_all():
    stat_map = localise(phantom_recording(n_units=20, rng=0), FACES)
    assert "by the top 20 % of the contrast" in select_roi(stat_map, name="a", top=0.2).how_chosen
    assert select_roi(stat_map, name="a", top=1).how_chosen.startswith("1 unit chosen by the top unit of")
    whole = select_roi(stat_map, name="a", top=1.0)
    assert whole.n_units == 20
    assert "every valid unit (top=1 is one unit" in whole.how_chosen


def test_messages_are_grammatical():
    with pytest.raises(DataError, match="The contrast 'even > even' needs"):
        Contrast(("even",), ("even",))
    recording = phantom_recording(n_units=4, selective={"faces": 2}, rng=0)
    lesion = Lesion(planted_roi(recording, "faces"), Zero())
    with pytest.raises(MatchingError, match=r"Only 1 different control set exists .*Ask for 1, or"):
        matched_controls(lesion, recording, 3, rng=0)


def test_a_bound_for_another_task_is_an_answer_not_a_crash(trials):
    with pytest.raises(UnknownNameError, match=r"Type within=\{'X': 0\.05\}"):
        spared(trials, lesion="A", tasks=["X"], within={"Z": 0.1}, rng=0)
