"""The same numbers as epochs, as an image and from a network: the same recording, map, selection and corrected p."""

import mne
import nibabel
import nilearn.masking
import numpy as np
import pandas as pd
import pytest
import scipy.signal
import scipy.stats
import torch

import neurolab as nl
from neurolab.brain import average_blocks, from_epochs, from_masked_image, remove_drift, standardise_runs

N, UNITS = 24, 18
NUMBERS = np.random.default_rng(5).standard_normal((N, UNITS))
NUMBERS[:12, :4] += 1.5
NUMBERS[:, 7] = 2.0  # a constant unit, which no map may select
NUMBERS = np.round(NUMBERS, 3)
CONDITION = np.repeat(["face", "house"], 12)
IDS = [f"item-{row:02d}" for row in range(N)]


def as_epochs():
    info = mne.create_info(UNITS, 100.0, "eeg")
    events = np.c_[np.arange(N) * 10, np.zeros(N, int), np.where(CONDITION == "face", 1, 2)]
    epochs = mne.EpochsArray(NUMBERS[:, :, None], info, events, event_id={"face": 1, "house": 2}, verbose=False)
    epochs.metadata = pd.DataFrame({"stimulus_id": IDS})
    return from_epochs(epochs, window=(0, 0))


def as_image():
    mask = np.zeros((3, 4, 2), dtype=np.int16)
    mask.ravel()[np.sort(np.random.default_rng(0).permutation(24)[:UNITS])] = 1
    volumes = np.zeros((3, 4, 2, N))
    volumes[mask > 0] = NUMBERS.T
    affine = np.diag([3.0, 3.0, 4.0, 1.0])
    presentation = {"stimulus_id": IDS, "condition": CONDITION}
    image = nibabel.Nifti1Image(volumes, affine)
    return from_masked_image(image, nibabel.Nifti1Image(mask, affine), presentation=presentation)


def as_network():
    network = torch.nn.Linear(UNITS, 2).double()
    stimuli = nl.StimulusSet("numbers", NUMBERS, pd.DataFrame({"stimulus_id": IDS, "condition": CONDITION}))
    specimen = nl.Specimen(network, stimuli.inputs[:3] + 0.1, name="linear")
    return nl.record(specimen, stimuli, [nl.Probe("input", dtype="float64")])


SOURCES = {"epochs": as_epochs, "image": as_image, "network": as_network}


@pytest.fixture(scope="module")
def recordings():
    return {name: make() for name, make in SOURCES.items()}


@pytest.mark.parametrize("source", SOURCES)
def test_readers__give_the_numbers_bit_for_bit(recordings, source):
    recording = recordings[source]
    assert recording.values.dtype == np.float64
    np.testing.assert_array_equal(recording.values, NUMBERS)
    assert recording.stimulus_id.values.tolist() == IDS
    assert recording.condition.values.tolist() == CONDITION.tolist()


@pytest.mark.parametrize("source", ["image", "network"])
@pytest.mark.parametrize("settings", [{}, {"test": "rank"}, {"correction": "max_t", "n_permutations": 200, "rng": 3}])
def test_localise__cannot_tell_a_brain_from_a_network(recordings, source, settings):
    ours = nl.localise(recordings["epochs"], "face > house", **settings)
    other = nl.localise(recordings[source], "face > house", **settings)
    for name in ("statistic", "effect", "low", "high", "p", "q", "d_prime", "auc", "valid"):
        np.testing.assert_array_equal(ours[name].values, other[name].values)
    assert not ours.valid.values[7]
    masks = [nl.select_roi(found, name="face", top=4).mask(rec) for found, rec in
             ((ours, recordings["epochs"]), (other, recordings[source]))]  # fmt: skip
    np.testing.assert_array_equal(*masks)
    assert masks[0].sum() == 4


def test_from_epochs__keeps_what_mne_gives_with_misc_channels_and_bads():
    info = mne.create_info(["Fz", "Cz", "sync", "Pz"], 50.0, ["eeg", "eeg", "misc", "eeg"])
    info["bads"] = ["Cz"]
    values = np.random.default_rng(0).standard_normal((5, 4, 7))
    meta = pd.DataFrame({"shown": list("abcde"), "x": range(5), "kind": list("ffhhh")})
    epochs = mne.EpochsArray(values, info, tmin=-0.06, metadata=meta, verbose=False)
    recording = from_epochs(epochs, condition="kind", stimulus_id="shown", specimen="sub-01")
    np.testing.assert_array_equal(recording.values, epochs.get_data(copy=True))
    np.testing.assert_array_equal(recording.time.values, epochs.times)
    assert recording.channel.values.tolist() == ["Fz", "Cz", "sync", "Pz"]
    assert recording.valid.values.tolist() == [True, False, True, True]
    assert nl.recording.site_names(recording) == ["eeg", "misc"]
    assert recording.unit.values.tolist() == [0, 1, 0, 2]
    assert recording.stimulus_id.values.tolist() == list("abcde")
    assert recording.stimulus_x.values.tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(recording.x.values).all()


def test_from_epochs__ids_stay_when_epochs_are_dropped_and_file_gives_the_same(tmp_path):
    info = mne.create_info(["Cz"], 50.0, "eeg")
    epochs = mne.EpochsArray(np.arange(20.0).reshape(5, 1, 4) * 1e-6, info, verbose=False)
    kept = from_epochs(epochs.copy().drop([1, 3], verbose=False))
    assert kept.stimulus_id.values.tolist() == ["epoch-00000", "epoch-00002", "epoch-00004"]
    epochs.save(tmp_path / "one-epo.fif", fmt="double", verbose=False)
    np.testing.assert_array_equal(from_epochs(tmp_path / "one-epo.fif").values, epochs.get_data(copy=True))


def test_from_epochs__evoked_keep_data_times_places_and_units():
    info = mne.create_info(["EEG 001", "MEG 0111"], 50.0, ["eeg", "mag"])
    with info._unlock():
        info["chs"][0]["loc"][:3] = 0.01, 0.02, 0.03
    data = np.random.default_rng(0).standard_normal((2, 2, 9)) * 1e-12
    evoked = [mne.EvokedArray(part, info, comment=name, nave=7, verbose=False) for part, name in zip(data, "ab")]
    recording = from_epochs(evoked)
    np.testing.assert_array_equal(recording.values, data)
    assert recording.condition.values.tolist() == ["a", "b"]
    assert recording.nave.values.tolist() == [7, 7]
    assert recording.units.values.tolist() == ["V", "T"]
    np.testing.assert_allclose([recording[axis].values[0] for axis in "xyz"], [0.01, 0.02, 0.03], rtol=1e-6)
    assert np.isnan(recording.x.values[1])
    np.testing.assert_array_equal(from_epochs(evoked[0]).values, data[:1])


def test_from_masked_image__agrees_with_nilearn_and_knows_where_each_voxel_lies(tmp_path):
    rng = np.random.default_rng(1)
    affine = np.array([[-3.1, 0, 0, 60.0], [0, 3.75, 0, -35.0], [0, 0, 3.75, 2.0], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(rng.integers(0, 900, (4, 3, 2, 6)).astype(np.int16), affine)
    mask = nibabel.Nifti1Image((rng.random((4, 3, 2)) > 0.4).astype(np.int16), affine)
    for given, name in ((image, "bold.nii.gz"), (mask, "mask.nii")):
        nibabel.save(given, tmp_path / name)
    columns = {"condition": list("aabbcc"), "run": [1, 1, 1, 2, 2, 2]}
    recording = from_masked_image(tmp_path / "bold.nii.gz", tmp_path / "mask.nii", presentation=columns)
    np.testing.assert_array_equal(recording.values, nilearn.masking.apply_mask(image, mask, dtype=np.float64))
    assert recording.stimulus_id.values[3] == "run02-vol0000-b"
    back = nl.unflatten(recording, "brain").values
    inside = mask.get_fdata() > 0
    np.testing.assert_array_equal(back[:, inside], image.get_fdata()[inside].T)
    i, j, k = np.argwhere(inside)[3]
    assert [float(recording[axis].values[3]) for axis in "xyz"] == pytest.approx(
        [60 - 3.1 * i, -35 + 3.75 * j, 2 + 3.75 * k]
    )


def test_from_masked_image__whole_numbers_in_the_mask_are_parcels():
    labels = np.array([0, 1, 2, 2], dtype=np.int16).reshape(2, 2, 1)
    image = nibabel.Nifti1Image(np.arange(12.0).reshape(2, 2, 1, 3), np.eye(4))
    recording = from_masked_image(
        image, nibabel.Nifti1Image(labels, np.eye(4)), presentation={"condition": list("abc")}
    )
    assert recording.parcel.values.tolist() == [1, 2, 2]


def test_remove_drift__agrees_with_scipy_in_each_run():
    values = np.random.default_rng(2).standard_normal((30, 5)).cumsum(axis=0)
    runs = np.repeat([1, 2, 3], 10)
    ours = remove_drift(values, runs, order=1)
    theirs = np.concatenate([scipy.signal.detrend(values[runs == run], axis=0) for run in (1, 2, 3)])
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    parabola = (np.arange(30.0) ** 2)[:, None]
    np.testing.assert_allclose(remove_drift(parabola, np.zeros(30), order=2), 0, atol=1e-10)


def test_standardise_runs__agrees_with_scipy_in_each_run_and_leaves_flat_voxels_at_zero():
    values = np.random.default_rng(2).standard_normal((20, 3))
    values[:, 1] = 4.0
    runs = np.repeat([1, 2], 10)
    ours = standardise_runs(values, runs)
    for run in (1, 2):
        np.testing.assert_allclose(ours[runs == run][:, ::2], scipy.stats.zscore(values[runs == run][:, ::2], ddof=1))
    assert (ours[:, 1] == 0).all()


def test_average_blocks__is_the_mean_of_volumes_in_a_row():
    condition = ["rest", "face", "face", "rest", "face", "house", "house", "face"]
    columns = {"stimulus_id": list("abcdefgh"), "condition": condition, "run": [1] * 7 + [2], "onset": np.arange(8.0)}
    volumes = nl.make_recording(np.random.default_rng(0).standard_normal((8, 3)), presentation=columns, kind="brain")
    blocks = average_blocks(volumes)
    assert blocks.stimulus_id.values.tolist() == ["run01-face", "run01-face-2", "run01-house", "run02-face"]
    assert blocks.onset.values.tolist() == [1, 4, 5, 7]
    assert blocks.n_averaged.values.tolist() == [2, 1, 2, 1]
    np.testing.assert_array_equal(blocks.values[2], volumes.values[5:7].mean(axis=0))
    assert "rest" in average_blocks(volumes, drop=()).condition.values
