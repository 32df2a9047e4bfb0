"""Broken, uneven and mismatched brain files: each gets a typed error that says what to type next."""

import mne
import nibabel
import numpy as np
import pytest

import neurolab as nl
from neurolab.brain import average_blocks, from_epochs, from_masked_image, remove_drift, standardise_runs
from neurolab.errors import (
    DataError,
    DesignError,
    FileFormatError,
    MissingDataError,
    NeurolabError,
    SchemaError,
    UnknownNameError,
)

SHAPE = (4, 3, 2)
ROWS = {"condition": list("aabb"), "run": [1, 1, 2, 2]}


def image(values=None, affine=None):
    values = np.random.default_rng(0).standard_normal((*SHAPE, 4)) if values is None else values
    return nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)


def mask(shape=SHAPE, affine=None, fill=1, dtype=np.int16):
    return nibabel.Nifti1Image(np.full(shape, fill, dtype=dtype), np.eye(4) if affine is None else affine)


def broken(at):
    values = np.random.default_rng(0).standard_normal((*SHAPE, 4))
    values[1, 2, 0, 3] = at
    return image(values)


BAD_IMAGES = {
    "mask of another shape": (image(), mask((4, 3, 3)), {}, DataError, "resample_from_to"),
    "mask on another grid": (image(), mask(affine=np.diag([1, 1, 1.01, 1])), {}, DataError, "resample_from_to"),
    "flipped affine": (image(), mask(affine=np.diag([-1, 1, 1, 1])), {}, DataError, "affines"),
    "3-D image": (image(np.ones(SHAPE)), mask(), {}, DataError, "concat_images"),
    "empty mask": (image(), mask(fill=0), {}, DataError, "empty"),
    "probability map": (image(), mask(fill=0.4, dtype=np.float64), {}, DataError, "> 0.5"),
    "mask of NaN": (image(), mask(fill=np.nan, dtype=np.float64), {}, DataError, "NaN"),
    "NaN voxel": (broken(np.nan), mask(), {}, DataError, r"\(1, 2, 0\)"),
    "inf voxel": (broken(np.inf), mask(), {}, DataError, r"1 of 24 voxels"),
    "an array": (np.ones((*SHAPE, 4)), mask(), {}, SchemaError, "Nifti1Image"),
    "too few rows": (image(), mask(), {"presentation": {"condition": list("aab")}}, DataError, "4 volumes"),
    "no condition": (image(), mask(), {"presentation": {"run": [1, 1, 2, 2]}}, SchemaError, "condition"),
    "missing name": (image(), mask(), {"presentation": {"condition": ["a", None, "b", "b"]}}, DataError, "misses 1"),
    "unknown choice": (image(), mask(), {"standardise": "runs"}, UnknownNameError, "Did you mean 'run'"),
    "detrend True": (image(), mask(), {"detrend": True}, DataError, "detrend=1"),
    "order too high": (image(), mask(), {"detrend": 2}, DesignError, "lower order"),
    "order below 0": (image(), mask(), {"detrend": -1}, DesignError, "order=1"),
    "one-volume run": (
        image(), mask(), {"standardise": "run", "presentation": {"condition": list("aabb"), "run": [1, 2, 2, 2]}},
        DesignError, "standardise=None",
    ),
    "no such file": ("nowhere.nii.gz", mask(), {}, MissingDataError, "nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_from_masked_image__bad_input_gets_advice(case):
    bold, cover, settings, error, words = BAD_IMAGES[case]
    with pytest.raises(error, match=words):
        from_masked_image(bold, cover, **{"presentation": ROWS, **settings})


@pytest.mark.parametrize("keep", [0, 40, 400, 1200])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_from_masked_image__a_truncated_file_is_named(tmp_path, ending, keep):
    path = tmp_path / f"bold{ending}"
    nibabel.save(image(np.random.default_rng(0).standard_normal((*SHAPE, 4))), path)
    whole = path.read_bytes()
    assert len(whole) > 700
    path.write_bytes(whole[: min(keep, len(whole) - 60)])
    with pytest.raises(FileFormatError, match=r"(?s)bold\.nii.*truncated"):
        from_masked_image(path, mask(), presentation=ROWS)


def test_from_masked_image__a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "bold.nii.gz"
    path.write_bytes(b"PK\x03\x04 not an image")
    with pytest.raises(FileFormatError, match="NIfTI"):
        from_masked_image(path, mask(), presentation=ROWS)


def test_from_masked_image__dead_voxels_are_carried_but_not_valid():
    values = np.random.default_rng(0).standard_normal((*SHAPE, 4))
    values[0, 0, 0] = 7.0
    recording = from_masked_image(image(values), mask(), presentation=ROWS, standardise="run", detrend=0)
    assert recording.valid.values.tolist() == [False] + [True] * 23
    assert np.isfinite(recording.values).all()


def test_readers__do_not_write_into_what_was_given():
    values = np.random.default_rng(0).standard_normal((*SHAPE, 4))
    given = image(values.copy())
    recording = from_masked_image(given, mask(), presentation=ROWS, detrend=1, standardise="run")
    recording.values[:] = 0
    np.testing.assert_array_equal(given.get_fdata(), values)
    made = epochs()
    before = made.get_data(copy=True)
    from_epochs(made).values[:] = 0
    np.testing.assert_array_equal(made.get_data(copy=True), before)
    for function in (remove_drift, standardise_runs):
        column = np.arange(6.0)[:, None]
        function(column, np.zeros(6))
        np.testing.assert_array_equal(column.ravel(), np.arange(6.0))


def epochs(values=None, names=("Fz", "Cz")):
    values = np.random.default_rng(1).standard_normal((3, len(names), 5)) if values is None else values
    return mne.EpochsArray(values, mne.create_info(list(names), 100.0, "eeg"), verbose=False)


def evoked(names=("Fz", "Cz"), n_times=5, comment="a"):
    return mne.EvokedArray(np.ones((len(names), n_times)), mne.create_info(list(names), 100.0, "eeg"), comment=comment)


def nan_epochs():
    values = np.ones((3, 2, 5))
    values[1, 0, 2] = np.nan
    return epochs(values)


BAD_EPOCHS = {
    "NaN": (nan_epochs, {}, DataError, "epoch-00001.*drop"),
    "no epoch left": (lambda: epochs().drop([0, 1, 2], verbose=False), {}, DataError, "drop_log"),
    "raw data": (lambda: mne.io.RawArray(np.ones((1, 9)), mne.create_info(1, 9.0), verbose=False), {}, SchemaError,
                 r"mne\.Epochs\(raw"),
    "an array": (lambda: np.ones((3, 2, 5)), {}, SchemaError, "ndarray was given"),
    "an empty list": (list, {}, SchemaError, "list of Evoked"),
    "unknown column": (epochs, {"condition": "knd"}, UnknownNameError, "metadata"),
    "too few names": (epochs, {"condition": ["a"]}, DataError, "1 names for 3"),
    "a missing name": (epochs, {"condition": ["a", None, "b"]}, DataError, "presentation 1"),
    "window outside": (epochs, {"window": (1, 2)}, DataError, "window=\\(0"),
    "other channels": (lambda: [evoked(), evoked(("Fz", "Pz"))], {}, DataError, "equalize_channels"),
    "other times": (lambda: [evoked(), evoked(n_times=6)], {}, DataError, "crop"),
    "no such file": (lambda: "nowhere-epo.fif", {}, MissingDataError, "nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_EPOCHS)
def test_from_epochs__bad_input_gets_advice(case):
    make, settings, error, words = BAD_EPOCHS[case]
    with pytest.raises(error, match=words):
        from_epochs(make(), **settings)


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_from_epochs__a_truncated_file_is_named(tmp_path, keep):
    path = tmp_path / "one-epo.fif"
    epochs(np.random.default_rng(0).standard_normal((30, 2, 50)) * 1e-6).save(path, verbose=False)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"one-epo\.fif"):
        from_epochs(path)


def test_average_blocks__asks_for_runs_and_for_something_to_keep():
    columns = {"stimulus_id": ["a", "b"], "condition": ["rest", "rest"]}
    recording = nl.make_recording(np.zeros((2, 1)), presentation=columns, kind="brain")
    with pytest.raises(SchemaError, match="assign_coords"):
        average_blocks(recording)
    with pytest.raises(DesignError, match=r"drop=\(\)"):
        average_blocks(recording.assign_coords(run=("presentation", [1, 1])))


def test_every_error_here__is_a_neurolab_error():
    for _, _, _, error, _ in BAD_IMAGES.values():
        assert issubclass(error, NeurolabError)
