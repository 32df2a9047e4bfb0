"""Laws of localisers and selections, for any phantom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.analysis import held_out, localise, map_reliability, reselected_controls, select_roi
from neurolab.analysis.column_tests import TESTS
from neurolab.analysis.crossfold import Deal, deal_of
from neurolab.analysis.reselect import shuffle_labels
from neurolab.lesion import Lesion, Zero
from neurolab.recording import make_recording
from neurolab.simulate import phantom_recording

seeds = st.integers(0, 10_000)
PLAIN = {"welch": {}, "rank": {}, "paired": {"pair": "pair"}, "glm": {"nuisance": "age"}}


def phantom(seed, **settings_of):
    recording = phantom_recording(**{"n_units": 15, "n_stimuli": 8, "dead": 1, "rng": seed, **settings_of})
    n = recording.sizes["presentation"]
    age = np.random.default_rng(seed).standard_normal(n)
    return recording.assign_coords(pair=("presentation", np.arange(n) % (n // 2)), age=("presentation", age))


@pytest.mark.parametrize("test", list(TESTS))
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_swapping_the_conditions_negates_the_map(test, seed):
    recording = phantom(seed)
    one = localise(recording, "faces > objects", test=test, **PLAIN[test])
    other = localise(recording, "objects > faces", test=test, **PLAIN[test])
    np.testing.assert_allclose(one["statistic"], -other["statistic"], atol=1e-9)
    np.testing.assert_allclose(one["p"], other["p"], atol=1e-9)
    np.testing.assert_allclose(one["d_prime"], -other["d_prime"], atol=1e-9)
    np.testing.assert_allclose(one["auc"], 1 - other["auc"], atol=1e-12)


@pytest.mark.parametrize("test", list(TESTS))
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_permuting_neuroids_permutes_the_map_and_keeps_the_selection(test, seed):
    recording = phantom(seed)
    order = np.random.default_rng(seed).permutation(15)
    there = localise(recording, "faces > objects", test=test, **PLAIN[test])
    shuffled = localise(recording.isel(neuroid=order), "faces > objects", test=test, **PLAIN[test])
    np.testing.assert_allclose(shuffled["statistic"], there["statistic"].values[order], atol=1e-10)
    assert select_roi(shuffled, name="a", top=4).digest == select_roi(there, name="b", top=4).digest


@given(seed=seeds, shift=st.floats(-50, 50), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_the_map_does_not_know_the_units_of_activity(seed, shift, scale):
    recording = phantom(seed, dead=0)
    other = (recording * scale + shift).assign_attrs(recording.attrs)
    one, two = localise(recording, "faces > objects"), localise(other, "faces > objects")
    np.testing.assert_allclose(one["statistic"], two["statistic"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(one["d_prime"], two["d_prime"], rtol=1e-6, atol=1e-6)


@given(seed=seeds, top=st.integers(1, 12), twins=st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_exactly_k_come_back_however_many_are_tied(seed, top, twins):
    stat_map = localise(phantom(seed, twins=twins, dead=2), "faces > objects")
    roi = select_roi(stat_map, name="a", top=top)
    assert roi.n_units == top
    assert stat_map["valid"].values[roi.mask(stat_map)].all()


def test_ties_go_to_the_lower_site_and_then_the_lower_unit():
    column = np.random.default_rng(0).standard_normal(20)
    rows = {"stimulus_id": [f"s{k}" for k in range(20)], "condition": ["a"] * 10 + ["b"] * 10}
    neuroid = {"site": np.array(["late", "late", "early", "early"]), "unit": np.array([7, 2, 5, 1])}
    tied = make_recording(np.tile(column[:, None], (1, 4)), presentation=rows, neuroid=neuroid, kind="simulated")
    roi = select_roi(localise(tied, "a > b"), name="tied", top=3)
    assert {site: units.tolist() for site, units in roi.units.items()} == {"late": [2, 7], "early": [1]}


@pytest.mark.parametrize("top,expected", [(0.25, 5), (0.26, 5), (0.275, 6), (1.0, 20), (1e-6, 1), (20, 20)])
def test_a_fraction_is_of_the_valid_units_rounded_half_up(top, expected):
    stat_map = localise(phantom_recording(n_units=30, dead=10, rng=0), "faces > objects")
    assert select_roi(stat_map, name="a", top=top).n_units == expected


def test_per_site_takes_the_share_of_every_site():
    stat_map = localise(phantom_recording(n_units=40, sites=("a", "b"), rng=0), "faces > objects")
    roi = select_roi(stat_map, name="r", top=0.1, per_site=True)
    assert {site: len(units) for site, units in roi.units.items()} == {"a": 2, "b": 2}


def test_q_keeps_only_discoveries_that_point_the_way_of_the_contrast():
    recording = phantom_recording(selective={"faces": 10, "objects": 10}, effect=3.0, rng=0)
    stat_map = localise(recording, "faces > objects")
    roi = select_roi(stat_map, name="a", q=0.01)
    assert (stat_map["statistic"].values[roi.mask(stat_map)] > 0).all()
    assert 9 <= roi.n_units <= 12
    below = localise(recording, "faces > objects", alternative="less")
    other = select_roi(below, name="b", q=0.01)
    assert (below["statistic"].values[other.mask(below)] < 0).all()


def test_the_roi_remembers_the_stimuli_of_the_contrast_and_no_others():
    recording = phantom_recording(conditions=("faces", "objects", "scenes"), rng=0)
    roi = select_roi(localise(recording, "faces > objects"), name="a", top=3)
    condition = recording["condition"].values
    assert roi.chosen_on == frozenset(recording["stimulus_id"].values[condition != "scenes"])


def test_units_declared_invalid_by_the_recording_may_hold_nan_and_are_never_selected():
    recording = phantom_recording(n_units=30, selective={"faces": 5}, effect=4.0, rng=0)
    best = int(np.flatnonzero(recording["planted"].values == "faces")[0])
    values = recording.values.copy()
    values[:, best] = np.nan
    valid = np.arange(30) != best
    marked = recording.copy(data=values).assign_coords(valid=("neuroid", valid))
    stat_map = localise(marked, "faces > objects")
    assert not stat_map["valid"].values[best]
    assert not select_roi(stat_map, name="a", top=29).mask(stat_map)[best]


def test_a_unit_silent_for_one_condition_is_left_to_the_rank_test():
    recording = phantom_recording(n_units=10, selective={"faces": 1}, effect=3.0, rng=0)
    values = recording.values.copy()
    values[recording["condition"].values == "objects", 4] = 0.0
    silent = recording.copy(data=values)
    assert not localise(silent, "faces > objects")["valid"].values[4]
    assert localise(silent, "faces > objects", test="rank")["valid"].values[4]


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_shuffled_labels_keep_counts_stimuli_and_runs(seed):
    recording = phantom(seed, n_runs=3)
    shuffled = shuffle_labels(recording, rng=np.random.default_rng(seed))
    for run in range(3):
        here = recording["run"].values == run
        before, after = (np.unique(r["condition"].values[here], return_counts=True)[1] for r in (recording, shuffled))
        np.testing.assert_array_equal(before, after)
    assert list(shuffled["stimulus_id"].values) == list(recording["stimulus_id"].values)


def test_shuffled_labels_keep_presentations_of_a_stimulus_together():
    recording = phantom(0, n_stimuli=4)
    again = recording.isel(presentation=np.tile(np.arange(8), 3))
    shuffled = shuffle_labels(again, rng=np.random.default_rng(1))
    for identity in np.unique(again["stimulus_id"].values):
        assert len(set(shuffled["condition"].values[again["stimulus_id"].values == identity])) == 1


def test_same_rng_same_bytes_and_reselected_controls_have_the_targets_size():
    recording = phantom_recording(n_units=60, rng=0)

    def choose(r):
        return select_roi(localise(r, "faces > objects"), name="area", top=6)

    target = Lesion(choose(recording), Zero())
    one, two = (reselected_controls(target, recording, choose, 5, rng=3) for _ in range(2))
    assert [lesion.digest for lesion in one] == [lesion.digest for lesion in two]
    assert {lesion.n_units for lesion in one} == {6}
    assert {(lesion.role, lesion.family) for lesion in one} == {("control", "reselected")}
    assert len({lesion.id for lesion in one}) == 5
    assert all(lesion.roi.chosen_on == target.roi.chosen_on for lesion in one)
    first, second = (held_out(recording, "faces > objects", by=3, n_permutations=19, rng=2) for _ in range(2))
    assert first.identical(second)
    halves = [map_reliability(recording, "faces > objects", n_splits=5, rng=2) for _ in range(2)]
    assert halves[0].identical(halves[1])


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_shuffles_of_held_out_labels_stay_within_their_folds(seed):
    fold, side = np.repeat([0, 1, 2], 6), np.tile([True, True, False, False, False, False], 3)
    dealt = Deal(side, fold, np.arange(18))(np.random.default_rng(seed))
    np.testing.assert_array_equal([dealt[fold == at].sum() for at in range(3)], 2)
    assert Deal(side, fold, np.arange(18)).arrangements == 15**3


def test_arrangements_of_thousands_of_presentations_are_a_number():
    side = np.arange(2_500) % 2 == 0
    assert Deal(side, np.zeros(2_500, dtype=int), np.arange(2_500)).arrangements == 1e300


def test_stimuli_shared_by_folds_keep_one_label_in_all_of_them():
    once = phantom_recording(n_units=3, selective={}, n_stimuli=4, rng=0)
    again = once.isel(presentation=np.tile(np.arange(8), 3))
    positive, fold = again["condition"].values == "faces", np.repeat([0, 1, 2], 8)
    dealt = deal_of(again, positive, fold)(np.random.default_rng(3))
    np.testing.assert_array_equal(dealt.reshape(3, 8), np.tile(dealt[:8], (3, 1)))
    assert dealt.sum() == positive.sum()


def test_labels_outside_among_stay_where_they_are():
    recording = phantom_recording(n_units=3, conditions=("faces", "objects", "scenes"), rng=0)
    before = recording["condition"].values
    after = shuffle_labels(recording, among=["faces", "objects"], rng=np.random.default_rng(0))["condition"].values
    np.testing.assert_array_equal(before == "scenes", after == "scenes")
    assert (before != after).any()


def test_what_is_said_of_a_map__its_unit_and_its_folds():
    recording = phantom_recording(n_runs=3, rng=0).assign_attrs(units="a.u.")
    units = [localise(recording, "faces > objects", test=test).attrs["effect_unit"] for test in ("welch", "rank")]
    assert units == ["a.u.", "AUC"]
    found = held_out(recording, "faces > objects", n_permutations=19, rng=0)
    assert found.attrs["n_folds"] == found.sizes["fold"] == 3
