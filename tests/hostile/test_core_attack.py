"""Ways in which the values could be made to give a silently wrong number; each was found by an attack."""

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab.digest import digest_of
from neurolab.errors import DataError, LesionPlanError, SchemaError
from neurolab.simulate import phantom_recording

IDS = [f"s{i}" for i in range(6)]


def of_grain(dims, shape):
    size = int(np.prod(shape))
    return nl.make_recording(
        np.random.default_rng(0).standard_normal((6, size)),
        presentation={"stimulus_id": IDS, "condition": ["a", "b"] * 3},
        neuroid={"site": np.zeros(size, int), "unit": np.arange(size)},
        sites=[{"name": "conv", "dims": dims, "shape": shape}],
        kind="simulated",
    )


def test_mask__unit_numbers_of_another_grain_mean_other_things():
    channels, pixels = of_grain(["channel"], [4]), of_grain(["channel", "row"], [4, 3])
    area = nl.region(channels, name="area", site="conv", units=[0, 2])
    with pytest.raises(SchemaError, match="Record with the pooling that chose the region"):
        nl.matched_controls(nl.Lesion(area, nl.Zero()), pixels, 2, rng=0)
    assert nl.ROI("given", {"conv": [1]}).mask(channels).sum() == 1


@pytest.mark.parametrize("score", [nl.scores.accuracy, nl.scores.margin, nl.scores.yes_no, nl.scores.choice])
def test_scores__nan_is_no_answer(score):
    table = pd.DataFrame({"label": [0, 0], "target": [False, False], "correct": [0, 0], "wrong": [1, 1]})
    with pytest.raises(DataError, match=r"1 of 2 stimuli hold NaN.*nl\.Mean"):
        score(np.array([[1.0, 0.0], [np.nan, np.nan]]), table)


def test_scores__text_is_not_truth_and_labels_must_compete():
    with pytest.raises(DataError, match=r"holds 'yes', 'no'; expected True and False"):
        nl.scores.yes_no(np.ones((2, 1)), pd.DataFrame({"target": ["yes", "no"]}))
    assert nl.scores.yes_no(np.ones((2, 1)), pd.DataFrame({"target": [1, 0]})).tolist() == [1, 0]
    with pytest.raises(DataError, match="Label 2 is not among the competing outputs"):
        nl.scores.Accuracy(columns=(0, 1))(np.ones((1, 3)), pd.DataFrame({"label": [2]}))


def trials(name, *, chance=0.5, inputs="same", columns=None):
    columns = {"task": ["t"] * 2, "stimulus_id": ["x", "y"], "condition": ["c"] * 2, **(columns or {})}
    return nl.make_trials(
        np.random.default_rng(0).random((1, 2, 2)),
        specimen=[name],
        lesions={"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"], "role": ["sham", "target"]},
        trial=columns,
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": chance}},
        kind="simulated",
        attrs={"inputs": inputs},
    )


def test_concat__other_scores_or_other_stimuli_under_the_same_names():
    with pytest.raises(SchemaError, match="other tasks than 'a'"):
        nl.concat([trials("a"), trials("b", chance=0.1)])
    with pytest.raises(SchemaError, match="other inputs than 'a'"):
        nl.concat([trials("a"), trials("b", inputs="others")])
    assert nl.concat([trials("a"), trials("b")]).sizes["specimen"] == 2


@pytest.mark.parametrize("column", ["family", "how", "dose", "draw", "n_units", "specimen"])
def test_trials__a_stimulus_column_cannot_pose_as_a_lesion_column(column):
    with pytest.raises(SchemaError, match=f"stimulus_{column}"):
        trials("a", columns={column: [1, 2]})


def test_average_repetitions__one_stimulus_under_two_conditions():
    recording = phantom_recording(n_units=3, n_stimuli=2, rng=0)
    mixed = recording.assign_coords(stimulus_id=("presentation", np.array(["a", "b", "a", "c"], dtype=object)))
    with pytest.raises(DataError, match="'a' was shown under several conditions"):
        nl.average_repetitions(mixed)


def test_bottom_controls__remember_the_stimuli_of_the_map_too():
    recording = phantom_recording(n_units=30, rng=0)
    parcel = nl.region(recording, name="parcel", site="layer", units=[1, 2])
    (control,) = nl.bottom_controls(nl.Lesion(parcel, nl.Zero()), nl.localise(recording, "faces > objects"))
    assert control.chosen_on == set(recording["stimulus_id"].values)


def test_pairs__take_targets_and_name_their_doses():
    a, b = (nl.Lesion(nl.ROI(name, {"conv": [unit, unit + 2]}), nl.Zero()) for unit, name in enumerate("ab"))
    with pytest.raises(LesionPlanError, match="a sham; expected targets"):
        nl.pairs([nl.sham(a), b])
    (half,) = nl.dose_ladder(b, [0.5], rng=0)
    (pair,) = nl.pairs([a, half])
    assert pair.name == "a + b | dose 0.5"


def test_stimuli__are_a_copy_that_nobody_can_write_to():
    inputs = np.zeros((2, 3))
    made = nl.StimulusSet("two", inputs, pd.DataFrame({"stimulus_id": list("ab"), "condition": list("xy")}))
    before = made.digest
    inputs[:] = 1
    assert made.inputs.sum() == 0
    assert made.digest == before
    with pytest.raises(ValueError, match="read-only"):
        made.inputs[0] = 1


def test_digest__numpy_numbers_are_numbers():
    assert nl.Scale(np.float64(0.5)).digest == nl.Scale(0.5).digest
    assert digest_of(np.int64(3)) == digest_of(3)


def test_ladders__of_nothing_are_refused_and_what_is_read_once_serves_every_draw():
    whole = nl.Lesion(nl.ROI("area", {"conv": range(10)}), nl.Zero())
    noise = nl.Lesion(nl.ROI("area", {"conv": range(10)}), nl.WeightNoise(1.0))
    for empty in (lambda: nl.dose_ladder(whole, [], rng=0), lambda: nl.noise_ladder(noise, [])):
        with pytest.raises(LesionPlanError, match=r"got nothing to make rungs of\. Type (dose|noise)_ladder"):
            empty()
    rungs = nl.dose_ladder(whole, (dose for dose in (0.5, 1.0)), n_draws=2, rng=0)
    assert [rung.id for rung in rungs] == [rung.id for rung in nl.dose_ladder(whole, [0.5, 1.0], n_draws=2, rng=0)]
    assert len(nl.noise_ladder(noise, iter([0.5, 1.0]), n_draws=3)) == 6
    assert [dict(rung.notes) for rung in nl.dose_ladder(whole, [0.04, 0.7], rng=0)] == [{"share": 0.1}, {}]
