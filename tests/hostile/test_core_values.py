"""Bad input to the values: each error says what was given, what was expected and what to type next."""

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurolab as nl
from neurolab.contrast import parse_contrast
from neurolab.errors import (
    DataError,
    DesignError,
    FileFormatError,
    LesionPlanError,
    MatchingError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    UnknownSiteError,
)
from neurolab.simulate import phantom_trials


def recording(n=4, units=5, **columns):
    return nl.make_recording(
        np.arange(n * units, dtype=float).reshape(n, units),
        presentation={"stimulus_id": [f"s{i}" for i in range(n)], "condition": ["a", "b"] * (n // 2), **columns},
        neuroid={"site": ["block4"] * units, "unit": np.arange(units)},
        kind="simulated",
    )


def stimuli():
    table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": ["faces", "faces", "objects", "objects"]})
    return nl.StimulusSet("four", np.zeros((4, 2)), table)


def test_stimuli__duplicated_ids():
    with pytest.raises(SchemaError, match=r"repeats the stimulus_id 'a'.*own id"):
        nl.StimulusSet("x", np.zeros((2, 1)), pd.DataFrame({"stimulus_id": ["a", "a"], "condition": ["x", "y"]}))


def test_stimuli__no_condition_column():
    with pytest.raises(SchemaError, match=r"expected 'condition' among them\. Type table\.assign"):
        nl.StimulusSet("x", np.zeros((1, 1)), pd.DataFrame({"stimulus_id": ["a"]}))


def test_stimuli__unequal_lengths():
    with pytest.raises(SchemaError, match="3 inputs and 2 table rows"):
        nl.StimulusSet("x", np.zeros((3, 1)), pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]}))


def test_stimuli__unknown_condition_is_suggested():
    with pytest.raises(UnknownNameError, match="Did you mean 'faces'"):
        stimuli().where(condition="face")
    with pytest.raises(UnknownNameError, match="Did you mean 'condition'"):
        stimuli().where(conditions="faces")


def test_split__more_sets_than_stimuli():
    with pytest.raises(DesignError, match="Use fewer sets or more stimuli"):
        stimuli().split(3, rng=0)


def test_rng__must_be_an_integer_or_generator():
    with pytest.raises(DataError, match=r"rng was None.*Type rng=0"):
        stimuli().split(2, rng=None)
    with pytest.raises(DataError, match="Type rng=0"):
        stimuli().split(2, rng=-1)
    with pytest.raises(TypeError):
        stimuli().split(2)


def test_contrast__grammar():
    with pytest.raises(DataError, match="expected 'faces > objects"):
        parse_contrast("faces")
    with pytest.raises(DataError, match="none on both"):
        parse_contrast("faces > faces + objects")
    with pytest.raises(UnknownNameError, match="Did you mean 'faces'"):
        parse_contrast("face > objects").resolve(["faces", "objects"])


def test_recording__transposed_is_told_to_transpose():
    flipped = recording().transpose("neuroid", "presentation")
    with pytest.raises(SchemaError, match=r"recording\.transpose\('presentation', 'neuroid', \.\.\.\)"):
        nl.Mean(flipped)
    assert nl.Mean(flipped.transpose("presentation", "neuroid", ...)).label == "Mean"


def test_recording__unknown_site():
    with pytest.raises(UnknownSiteError, match="Did you mean 'block4'"):
        nl.unflatten(recording(), "block5")


@pytest.mark.parametrize("what", ["recording", "trials", "result"])
def test_load__a_chunk_that_got_lost_is_not_read_as_its_fill(tmp_path, what):
    trials = phantom_trials(rng=0).assign(all_fill=("lesion", np.zeros(4, dtype=int)))  # zarr writes no chunk of it
    given = {"recording": recording(), "trials": trials, "result": nl.deficits(trials, rng=0)}[what]
    path = nl.save(given, tmp_path / "whole.zarr")
    assert nl.load(path).identical(given)
    if what == "trials":
        for again in ("again.nc", "again.zarr"):
            assert nl.load(nl.save(xr.open_zarr(path, consolidated=False).load(), tmp_path / again)).identical(given)
    for chunk in (file for file in sorted(path.rglob("*")) if file.is_file() and file.name != "zarr.json"):
        content, name = chunk.read_bytes(), chunk.relative_to(path).parts[0]
        chunk.unlink()
        with pytest.raises(FileFormatError, match=rf"1 of \d+ chunks of {name} are gone"):
            nl.load(path)
        chunk.write_bytes(content)
    shutil.rmtree(path / name)
    with pytest.raises(FileFormatError, match=f"chunks of {name} are gone"):
        nl.load(path)


def test_load__pickles_truncated_and_foreign_files_are_refused(tmp_path):
    bad = tmp_path / "recording.pkl"
    bad.write_bytes(b"\x80\x04.")
    with pytest.raises(FileFormatError, match=r"never opened.*nl\.save"):
        nl.load(bad)
    good = nl.save(recording(), tmp_path / "whole.nc")
    cut = tmp_path / "cut.nc"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    with pytest.raises(FileFormatError, match="truncated"):
        nl.load(cut)
    with pytest.raises(FileFormatError, match="does not exist"):
        nl.load(tmp_path / "nothing.nc")
    with pytest.raises(FileFormatError, match=r"ends in \.nc or \.zarr"):
        nl.save(recording(), tmp_path / "x.csv")


def test_roi__units_out_of_range_and_masks():
    with pytest.raises(DataError, match="unit 9 of site 'block4' is out of range; expected 0 to 4"):
        nl.ROI("a", {"block4": [9]}, shape={"block4": (5,)})
    with pytest.raises(DataError, match="unit -1"):
        nl.ROI("a", {"block4": [-1]})
    with pytest.raises(SchemaError, match=r"numpy\.flatnonzero"):
        nl.ROI("a", {"block4": np.array([True, False])})
    with pytest.raises(DataError, match="Did you mean 'block4'"):
        nl.ROI("a", {"block5": [1]}).mask(recording())


def test_lesion__empty_region_is_a_sham():
    with pytest.raises(LesionPlanError, match=r"nl\.sham\(lesion\)"):
        nl.Lesion(nl.ROI("nothing", {}), nl.Zero())


def test_lesion__wrong_parts():
    roi = nl.ROI("a", {"block4": [1]})
    with pytest.raises(LesionPlanError, match=r"nl\.Zero\(\)"):
        nl.Lesion(roi, "zero")
    with pytest.raises(LesionPlanError, match="expected an ROI"):
        nl.Lesion([1, 2], nl.Zero())
    with pytest.raises(LesionPlanError, match="needs a reference recording"):
        nl.Noise(1.0)
    with pytest.raises(LesionPlanError, match="Did you mean 'block4'"):
        nl.Mean(recording()).statistics("block5", np.array([0]))
    with pytest.raises(LesionPlanError, match="lacks 1 lesioned units"):
        nl.Mean(recording()).statistics("block4", np.array([0, 77]))
    with pytest.raises(LesionPlanError, match="'in', 'out' or 'both'"):
        nl.CutWeights("inside")


def test_controls__pool_too_small():
    target = nl.Lesion(nl.ROI("a", {"block4": [0, 1, 2]}), nl.Zero())
    for n in (0, -1, 20.5, "19", None):
        with pytest.raises(DesignError, match=rf"{n!r} controls were asked for; expected 1 or more, a whole number"):
            nl.matched_controls(target, recording(units=20), n, rng=0)
    with pytest.raises(MatchingError, match="only 2 others are free"):
        nl.matched_controls(target, recording(), 5, rng=0)
    with pytest.raises(MatchingError, match="Only 6 different control sets exist"):
        nl.matched_controls(nl.Lesion(nl.ROI("a", {"block4": [0]}), nl.Zero()), recording(units=7), 7, rng=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'activity'"):
        nl.matched_controls(target, recording(units=20), 5, match=("activty",), rng=0)
    with pytest.raises(DesignError, match="Match on 'activity' instead"):
        nl.matched_controls(target, recording(units=20), 5, match=("out_norm",), rng=0)


def trials(names=("a", "b"), ids=("sham", "cut"), seed=0):
    score = np.random.default_rng(seed).random((len(names), 2, 3))
    return nl.make_trials(
        score,
        specimen=names,
        lesions={"lesion_id": list(ids), "roi": ["cut", "cut"], "role": ["sham", "target"]},
        trial={"task": ["t"] * 3, "stimulus_id": list("xyz"), "condition": ["c"] * 3},
        tasks={"t": {"unit": "margin", "bounded": False, "chance": 0.0}},
        kind="simulated",
    )


def test_trials__one_network_counts_once():
    with pytest.raises(ReplicationUnitError, match="counts once"):
        trials(names=("a", "a"))
    with pytest.raises(ReplicationUnitError, match="more than once"):
        nl.concat([trials(), trials()])


def test_trials__other_lesions_or_nan():
    with pytest.raises(SchemaError, match="not in both"):
        nl.concat([trials(), trials(names=("c", "d"), ids=("sham", "other"))])
    with pytest.raises(SchemaError, match="repeat a lesion_id"):
        trials(ids=("cut", "cut"))
    with pytest.raises(DataError, match="1 of 2 scores are NaN"):
        nl.make_trials(
            [[[1.0], [np.nan]]],
            specimen=["a"],
            lesions={"lesion_id": ["s", "c"], "roi": ["c", "c"], "role": ["sham", "target"]},
            trial={"task": ["t"], "stimulus_id": ["x"], "condition": ["c"]},
            tasks={"t": {}},
            kind="simulated",
        )


def test_trials__concat_and_frame():
    joined = nl.concat([trials(), trials(names=("c",), seed=1)])
    assert list(joined["specimen"].values) == ["a", "b", "c"]
    frame = nl.to_frame(joined)
    assert len(frame) == 3 * 2 * 3
    assert {"specimen", "lesion_id", "role", "task", "stimulus_id", "score"} <= set(frame)
    row = frame[(frame.specimen == "c") & (frame.lesion_id == "cut") & (frame.stimulus_id == "y")]
    assert row["score"].item() == joined["score"].values[2, 1, 1]


def test_scores__labels_out_of_range_and_missing():
    table = pd.DataFrame({"label": [0, 7]})
    with pytest.raises(DataError, match="runs from 0 to 7; the network has 3 outputs"):
        nl.scores.accuracy(np.zeros((2, 3)), table)
    with pytest.raises(SchemaError, match="Did you mean 'label'"):
        nl.scores.Accuracy("labels")(np.zeros((2, 3)), table)
    with pytest.raises(DataError, match=r"\(n_stimuli, n_outputs\)"):
        nl.scores.accuracy(np.zeros((2, 3, 4)), table)


def test_trials__several_lesions_without_a_role():
    trial = {"task": ["t"], "stimulus_id": ["x"], "condition": ["c"]}
    tasks = {"t": {"unit": "margin", "bounded": False, "chance": 0.0}}
    given = {"specimen": ["a"], "kind": "simulated", "tasks": tasks, "trial": trial}
    two = {"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"]}
    with pytest.raises(SchemaError, match=r"no column 'role', so a sham cannot be told .*'role': \['sham', 'target'"):
        nl.make_trials([[[1.0], [0.0]]], lesions=two, **given)
    with pytest.raises(SchemaError, match="no column 'role'"):
        nl.make_trials([[[1.0], [0.0]]], lesions=two | {"ladder": ["", "cut"], "rung": [np.nan, 1.0]}, **given)
    assert nl.make_trials([[[1.0]]], lesions={"lesion_id": ["cut"], "roi": ["cut"]}, **given)["role"].item() == "target"
    curves = two | {"ladder": ["cut", "cut"], "rung": [0.0, 1.0]}
    assert nl.make_trials([[[1.0], [0.0]]], lesions=curves, **given)["role"].values.tolist() == ["target"] * 2


NO_NUMBERS = {
    "text": lambda: nl.Scale("a"), "nothing": lambda: nl.Scale(None), "a digit as text": lambda: nl.Clamp("1"),
    "several": lambda: nl.Scale(np.array([0.5, 0.2])), "sd as text": lambda: nl.WeightNoise("x"),
    "sd of a reference": lambda: nl.Noise("1", recording()), "a list": lambda: nl.Stimulate([1.0], recording()),
    "bits as text": lambda: nl.Quantise("4"),
}


@pytest.mark.parametrize("made", NO_NUMBERS)
def test_ablation__a_setting_that_is_no_number(made):
    with pytest.raises(LesionPlanError, match=r"(factor|value|sd|current|bits)=.*expected a (whole )?number, such as"):
        NO_NUMBERS[made]()


def test_ablation__numpy_numbers_and_whole_floats_are_numbers():
    assert nl.Scale(np.float32(0.5)).label == "Scale factor=0.5"
    assert nl.Quantise(4.0) == nl.Quantise(np.int64(4)) == nl.Quantise(4)


@pytest.mark.parametrize("bits", [2.5, float("nan"), float("inf")])
def test_quantise__bits_are_whole_in_a_ladder_too(bits):
    lesion = nl.Lesion(nl.ROI("r", {"conv": [0]}), nl.Quantise(4))
    with pytest.raises(LesionPlanError, match=rf"Quantise bits={bits}; expected a whole number, such as 4"):
        nl.Quantise(bits)
    with pytest.raises(LesionPlanError, match=rf"noise_ladder\(\) bits={bits}; expected a whole number, such as 4"):
        nl.noise_ladder(lesion, [4, bits])


def test_noise_ladder__strengths_are_numbers():
    with pytest.raises(LesionPlanError, match=r"noise_ladder\(\) sd='a'; expected a number, such as 0\.5"):
        nl.noise_ladder(nl.Lesion(nl.ROI("r", {"conv": [0]}), nl.WeightNoise(1.0)), ["a"])
