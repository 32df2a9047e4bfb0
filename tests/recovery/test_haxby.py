"""A real brain comes in right: what is known of Haxby's subject 1 comes out of our recording."""

import os
import pathlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.svm import SVC

import neurolab as nl

FOLDER = pathlib.Path(os.environ.get("NEUROLAB_DATA", "")) / "haxby-2001"
HERE = bool(os.environ.get("NEUROLAB_DATA")) and FOLDER.is_dir()
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not HERE, reason="NEUROLAB_DATA is not set to a folder with haxby-2001; see nl.datasets"),
]
CATEGORIES = ["bottle", "cat", "chair", "face", "house", "scissors", "scrambledpix", "shoe"]


@pytest.fixture(scope="module")
def brain():
    return nl.datasets.load_brain("haxby-2001")


def decode(recording, conditions, classifier=None):
    """Leave-one-run-out accuracy of a linear classifier."""
    part = recording.isel(presentation=np.isin(recording.condition.values, conditions))
    scores = cross_val_score(
        classifier or LogisticRegression(max_iter=500),
        part.values,
        part.condition.values.astype(str),
        groups=part.run.values,
        cv=LeaveOneGroupOut(),
    )
    assert len(scores) == 12
    return scores.mean()


def test_haxby__is_one_block_per_run_and_category(brain):
    assert brain.sizes == {"presentation": 96, "neuroid": 530}
    assert brain.values.dtype == np.float64
    assert sorted(set(brain.condition.values)) == CATEGORIES
    assert set(zip(brain.run.values, brain.condition.values)) == {(r, c) for r in range(1, 13) for c in CATEGORIES}
    assert len(set(brain.stimulus_id.values)) == 96
    assert (brain.n_averaged.values == 9).all()
    assert brain.valid.values.all()
    # the task's own onset file: house in run 1 starts 157.5 s after the run does
    assert float(brain.onset.values[brain.stimulus_id.values == "run01-house"][0]) == 157.5


def test_haxby__eight_categories_are_told_apart_at_about_point_eight(brain):
    assert 0.72 <= decode(brain, CATEGORIES) <= 0.88  # chance .125; about .80 is known for this slice


def test_haxby__face_and_house_are_never_confused(brain):
    assert decode(brain, ["face", "house"]) == 1.0


def test_haxby__shuffled_within_runs_is_at_chance(brain):
    rng = np.random.default_rng(0)
    label = brain.condition.values.copy()
    for run in np.unique(brain.run.values):
        rows = np.flatnonzero(brain.run.values == run)
        label[rows] = label[rng.permutation(rows)]
    shuffled = brain.assign_coords(condition=("presentation", label))
    assert decode(shuffled, CATEGORIES, SVC(kernel="linear")) < 0.125 + 4 * np.sqrt(0.11 / 96)
    assert decode(brain, CATEGORIES, SVC(kernel="linear")) > 0.65


def test_haxby__volumes_keep_rest_and_average_to_the_blocks(brain):
    volumes = nl.datasets.load_brain("haxby-2001", blocks=False)
    assert volumes.sizes["presentation"] == 1452
    assert "rest" in volumes.condition.values
    np.testing.assert_array_equal(nl.brain.average_blocks(volumes).values, brain.values)
    raw = nl.datasets.load_brain("haxby-2001", blocks=False, detrend=None, standardise=None)
    assert raw.values.mean() == pytest.approx(1453.78, abs=0.01)
    assert raw.attrs["units"] == "MR signal"


def test_haxby__face_and_house_voxels_hold_on_other_runs(brain):
    odd = brain.isel(presentation=brain.run.values % 2 == 1)
    even = brain.isel(presentation=brain.run.values % 2 == 0)
    effect = {}
    for contrast in ("face > house", "house > face"):
        roi = nl.select_roi(nl.localise(odd, contrast), name=contrast, top=10)
        kept = even.values[:, roi.mask(even)].mean(axis=1)
        effect[contrast] = kept[even.condition.values == "face"].mean() - kept[even.condition.values == "house"].mean()
    # z units, on runs that did not choose the voxels; this slice has few face voxels (.30) and many for houses (1.75)
    assert effect["face > house"] > 0.15
    assert effect["house > face"] < -1.0


def test_meg__comes_in_with_its_own_channels():
    if not (FOLDER.parent / "meg-evoked").is_dir():
        pytest.skip("NEUROLAB_DATA has no meg-evoked")
    meg = nl.datasets.load_brain("meg-evoked")
    assert meg.sizes == {"presentation": 4, "neuroid": 376, "time": 421}
    assert nl.recording.site_names(meg) == ["grad", "mag", "stim", "eeg", "eog"]
    assert set(meg.condition.values) == {"Left Auditory", "Right Auditory", "Left visual", "Right visual"}
