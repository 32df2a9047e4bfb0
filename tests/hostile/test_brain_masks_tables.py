"""Lesion masks and tables of people that are broken, uneven or incomplete: a typed error, or a sentence."""

import io

import nibabel
import numpy as np
import pandas as pd
import pytest

from neurolab.brain import from_lesion_masks, from_table
from neurolab.errors import (
    DataError,
    DesignError,
    FileFormatError,
    MissingDataError,
    MissingPackageError,
    SchemaError,
    UnknownNameError,
)

SHAPE = (4, 3, 2)
AFFINE = np.diag([1.0, 1, 1, 1])
AFFINE[0, 3] = -2  # x of -2, -1, 0, 1


def mask(*voxels, value=1, shape=SHAPE, affine=AFFINE, dtype=np.float32):
    values = np.zeros(shape, dtype=dtype)
    for voxel in voxels:
        values[voxel] = value
    return nibabel.Nifti1Image(values, affine)


A, B = mask((0, 0, 0), (1, 1, 1)), mask((0, 0, 0), (3, 2, 1))

BAD = {
    "another shape": ([A, mask((0, 0, 0), shape=(4, 3, 3))], {}, DataError, "one grid"),
    "another affine": ([A, mask((0, 0, 0), affine=np.diag([1.0, 1, 1.1, 1]))], {}, DataError, "affine of 'person 2'"),
    "flipped": ([A, mask((0, 0, 0), affine=np.diag([-1.0, 1, 1, 1]))], {}, DataError, "mend it"),
    "not binary": ([A, nibabel.Nifti1Image(np.linspace(0, 1, 24).reshape(SHAPE), AFFINE)], {}, DataError, "above=0.5"),
    "labels": ([A, nibabel.Nifti1Image(np.arange(24.0).reshape(SHAPE), AFFINE)], {}, DataError, "not binary"),
    "below zero": ([A, mask((0, 0, 0), value=-1)], {}, DataError, "not binary"),
    "NaN": ([A, mask((0, 0, 0), value=np.nan)], {}, DataError, "not binary"),
    "NaN, with a threshold": ([A, mask((0, 0, 0), value=np.nan)], {"above": 0.5}, DataError, "NaN"),
    "four dimensions": ([nibabel.Nifti1Image(np.ones((2, 2, 2, 3)), np.eye(4))] * 2, {}, DataError, "3 dimensions"),
    "one person": ([A], {}, DataError, "several people"),
    "nobody": ([], {}, DataError, "several people"),
    "the same person": ([A, B], {"people": ["x", "x"]}, DataError, "more than once"),
    "too few ids": ([A, B], {"people": ["x"]}, DataError, "1 ids for 2 masks"),
    "no lesion at all": ([mask(), mask()], {}, DataError, "No voxel"),
    "outside the mask": ([A, B], {"mask": mask((2, 2, 0))}, DataError, "No voxel"),
    "mask of another grid": ([A, B], {"mask": mask((0, 0, 0), shape=(4, 3, 3))}, DataError, "mask="),
    "parcels with fractions": ([A, B], {"parcels": mask((0, 0, 0), value=0.5)}, DataError, "fractions"),
    "an array": ([np.ones(SHAPE), B], {}, SchemaError, "Nifti1Image"),
    "hemisphere": ([A, B], {"hemisphere": "links"}, UnknownNameError, "'left'"),
    "every": ([A, B], {"every": 0}, DesignError, "every=1"),
    "no folder": ("nowhere", {}, MissingDataError, "no folder"),
    "no file": (["nowhere.nii.gz", B], {}, MissingDataError, "not there"),
}


@pytest.mark.parametrize("case", BAD)
def test_masks__say_what_is_wrong(case):
    images, settings, error, words = BAD[case]
    with pytest.raises(error, match=words):
        from_lesion_masks(images, **settings)


def test_masks__a_truncated_file_and_an_empty_folder(tmp_path):
    for name, image in (("a", A), ("b", B)):
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
    whole = from_lesion_masks(tmp_path)
    assert whole.stimulus_id.values.tolist() == ["a", "b"]
    file = tmp_path / "b.nii.gz"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(FileFormatError, match="truncated"):
        from_lesion_masks(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MissingDataError, match="one mask per person"):
        from_lesion_masks(empty)


def test_masks__come_in_as_rows_of_people():
    parcels = nibabel.Nifti1Image(np.arange(24).reshape(SHAPE).astype(np.int16), AFFINE)
    lesions = from_lesion_masks({"p": A, "q": B, "r": mask((2, 0, 0), value=255)}, parcels=parcels)
    assert lesions.dtype == np.uint8
    assert lesions.values.tolist() == [[1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
    assert lesions["parcel"].values.tolist() == lesions["unit"].values.tolist() == [0, 9, 12, 23]
    assert lesions["x"].values.tolist() == [-2, -1, 0, 1]
    assert lesions["n_lesioned"].values.tolist() == [2, 1, 1, 1]
    assert lesions["volume"].values.tolist() == [2, 2, 1]
    np.testing.assert_array_equal(lesions["left_share"], [1, 0.5, np.nan])  # the midline is on neither side
    assert lesions.attrs["laterality"] == "1 left only, 0 right only, 1 on both sides"
    assert lesions.attrs["binarised"] == "masks of 0 and 1, 255"


def test_masks__volume_is_in_cubic_millimetres_of_the_whole_lesion():
    big = np.diag([2.0, 2, 3, 1])
    pair = [mask((0, 0, 0), (1, 0, 0), affine=big), mask((0, 0, 0), affine=big)]
    lesions = from_lesion_masks(pair, mask=mask((0, 0, 0), affine=big))
    assert lesions.sizes["neuroid"] == 1
    assert lesions["volume"].values.tolist() == [24, 12]
    assert "1 of 3 lesioned voxels lie outside mask=" in lesions.attrs["note"]


def test_masks__say_who_is_lesioned_on_the_other_side_and_who_is_empty():
    lesions = from_lesion_masks([A, B, mask()], hemisphere="left", people=["ann", "bob", "cy"])
    assert "'bob (50 %)'" in lesions.attrs["note"]
    assert "'ann" not in lesions.attrs["note"]
    assert "Empty masks: 'cy'" in lesions.attrs["note"]
    other = from_lesion_masks([A, B], hemisphere="right", people=["ann", "bob"])
    assert "'ann (100 %)', 'bob (50 %)'" in other.attrs["note"]


def test_masks__show_a_bar_on_a_terminal_and_nothing_elsewhere(monkeypatch):
    made = {name: nibabel.Nifti1Image(np.ones((2, 2, 1)), np.eye(4)) for name in "abc"}
    for terminal in (True, False):
        screen = io.StringIO()
        monkeypatch.setattr(screen, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr("sys.stderr", screen)
        from_lesion_masks(made)
        assert ("lesion masks" in screen.getvalue()) == terminal


def test_masks__are_binarised_by_a_stated_rule_and_thinned_by_one():
    soft = nibabel.Nifti1Image(np.linspace(0, 1, 24).reshape(SHAPE), AFFINE)
    lesions = from_lesion_masks([soft, A], above=0.9)
    assert lesions["volume"].values.tolist() == [3, 2]
    assert lesions.attrs["binarised"] == "above 0.9 is lesioned"
    assert from_lesion_masks([soft, A], above=-1.0, every=2)["unit"].values.tolist() == [0, 4, 12, 16]


TABLE = pd.DataFrame({"who": ["a", "b", "c"], "naming": [1.0, 2.0, np.nan], "age ": [60, 61, 62]})

BAD_TABLES = {
    "somebody missing": ({"people": ["a", "z"]}, DataError, "lacks 1 of 2 people: 'z'"),
    "empty cell": ({}, DataError, "naming for 'c'"),
    "asked twice": ({"people": ["a", "a"]}, DataError, "more than once"),
    "no such person column": ({"person": "whom"}, UnknownNameError, "Did you mean 'who'"),
    "no such column": ({"columns": ["namin"]}, UnknownNameError, "Did you mean 'naming'"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_tables__say_what_is_wrong(case):
    settings, error, words = BAD_TABLES[case]
    with pytest.raises(error, match=words):
        from_table(TABLE, **{"person": "who", **settings})


def test_tables__name_who_is_left_over_and_who_is_empty():
    found = from_table(TABLE, person="who", people=["b", "a"])
    assert found.index.tolist() == ["b", "a"]
    assert found["age"].tolist() == [61, 60]  # its name without the blank
    assert found.attrs["note"] == "In the table but not asked for: 'c'."
    kept = from_table(TABLE, person="who", allow_missing=True)
    assert np.isnan(kept.loc["c", "naming"])
    assert kept.attrs["note"] == "Empty: naming for 'c'."
    assert "naming" in TABLE.columns  # the given frame is left as it was
    assert "who" in TABLE.columns


def test_tables__people_twice_or_nameless_are_refused():
    with pytest.raises(DataError, match="several rows for 'a'"):
        from_table(TABLE.assign(who=["a", "a", "b"]), person="who", columns=["age"])
    with pytest.raises(DataError, match="who are they"):
        from_table(TABLE.assign(who=["a", None, "b"]), person="who", columns=["age"])
    with pytest.raises(SchemaError, match="more than once"):
        from_table(TABLE.assign(age=1), person="who")


def test_tables__from_files(tmp_path):
    file = tmp_path / "scores.csv"
    file.write_bytes("\ufeffwho, naming\n7,1.5\n8,2\n".encode())
    assert from_table(file, person="who")["naming"].to_dict() == {"7": 1.5, "8": 2.0}
    plain = tmp_path / "behaviour.txt"
    plain.write_text("0.5\n-1\n2\n")
    people = ["a", "b", "c"]
    assert from_table(plain, people=people, header=["score"])["score"].tolist() == [0.5, -1, 2]
    with pytest.raises(DataError, match="2 rows and people= has 3 ids"):
        from_table(plain, people=people)  # the first number taken for a name: noticed
    with pytest.raises(DataError, match="which row is whom"):
        from_table(plain, header=["score"])
    with pytest.raises(FileFormatError, match="read_excel"):
        from_table(tmp_path / "scores.xlsx", person="who")
    with pytest.raises(MissingDataError, match="not there"):
        from_table(tmp_path / "none.csv", person="who")
    (tmp_path / "broken.rda").write_bytes(b"not an R file")
    with pytest.raises(FileFormatError, match="R data"):
        from_table(tmp_path / "broken.rda", person="who")
    with pytest.raises(SchemaError, match="path or a DataFrame"):
        from_table([1, 2], person="who")


def test_tables__of_r_need_their_reader(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(MissingPackageError, match="pip install rdata"):
        from_table(tmp_path / "x.rda", person="who")


def test_the_volume_of_a_lesion_on_an_oblique_grid_is_that_of_its_voxels():
    turn = np.deg2rad(40)
    affine = AFFINE.copy()
    affine[:2, :2] = 2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    drawn = [mask((0, 0, 0), (1, 1, 1), affine=affine), mask((0, 0, 0), affine=affine)]
    assert from_lesion_masks(drawn)["volume"].values == pytest.approx([8.0, 4.0])
