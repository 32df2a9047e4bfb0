"""Missing, changed, truncated and misspelt data: which file, which hashes, what to type next."""

import json
import shutil

import pytest

import neurolab
from neurolab import datasets
from neurolab.errors import FileFormatError, MissingDataError, UnknownNameError

HAXBY = ("bold.nii.gz", "mask.nii.gz", "attributes_literal.txt")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Give a copy of the shipped folder that a test may damage, found the way a wheel's is."""
    package = tmp_path / "site-packages" / "neurolab"
    shutil.copytree(datasets._shipped_folder(), package / "_shipped" / "datasets")
    (package / "__init__.py").touch()
    monkeypatch.setattr(neurolab, "__file__", str(package / "__init__.py"))
    return package / "_shipped" / "datasets"


@pytest.mark.parametrize(
    "load, given, words",
    [
        (datasets.load_cohort, "face-and-objects", "Did you mean 'faces-and-objects'"),
        (datasets.load_stimuli, "digit", "Did you mean 'digits'"),
        (datasets.load_brain, "haxby", "Did you mean 'haxby-2001'"),
        (datasets.data_path, "nothing", "Expected one of"),
        (datasets.load_cohort, "haxby-2001", r'load_brain\("haxby-2001"\)'),
        (datasets.data_path, "digits", r'load_stimuli\("digits"\)'),
    ],
)
def test_unknown_name__suggests_the_near_one_or_the_right_loader(load, given, words):
    with pytest.raises(UnknownNameError, match=words):
        load(given)


def test_wheel_copy__comes_before_the_checkout(copied):
    assert datasets.data_path("faces-and-objects").parent == copied


def test_neither_wheel_nor_checkout__says_so_and_takes_no_other_folder_called_datasets(copied, monkeypatch):
    shutil.copytree(copied, copied.parents[2] / "datasets")  # another project's, beside an installed neurolab
    shutil.rmtree(copied.parent)
    with pytest.raises(MissingDataError, match="pip install"):
        datasets.list_datasets()


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:9], lambda b: b"", lambda b: b[:-1] + b"\0"])
def test_changed_weights__name_file_and_both_hashes(copied, damage):
    file = copied / "faces-and-objects.safetensors"
    whole = file.read_bytes()
    expected = json.loads((copied / "index.json").read_text())["faces-and-objects"]["sha256"]
    file.write_bytes(damage(whole[:-1] + b"\1" if whole[-1:] == b"\0" else whole))
    with pytest.raises(FileFormatError, match=rf"faces-and-objects\.safetensors has sha256 [0-9a-f]{{64}}.*{expected}"):
        datasets.load_cohort("faces-and-objects")


def test_missing_weights__say_how_to_get_them(copied):
    (copied / "faces-and-objects.safetensors").unlink()
    with pytest.raises(MissingDataError, match="git checkout"):
        datasets.load_cohort("faces-and-objects")


def test_a_broken_index__is_named(copied):
    (copied / "index.json").write_text('{"faces')
    with pytest.raises(FileFormatError, match=r"index\.json is not JSON"):
        datasets.list_datasets()


@pytest.mark.parametrize("content", [b"", b"\x80\x04cos\nsystem\n", b"\xff" * 64])
def test_weights_that_are_no_safetensors__never_run(tmp_path, content):
    from neurolab.specimen.shipped import shipped_cohort

    file = tmp_path / "weights.safetensors"
    file.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"weights\.safetensors cannot be read"):
        shipped_cohort(file, {"name": "two_task_cnn", "settings": {}}, None, name="x")


def test_weights_of_another_architecture__are_named(copied):
    from neurolab.specimen.shipped import shipped_cohort

    with pytest.raises(FileFormatError, match="expected those of 'digits_mlp'"):
        shipped_cohort(copied / "faces-and-objects.safetensors", {"name": "digits_mlp", "settings": {}}, None, name="x")
    with pytest.raises(UnknownNameError, match="Did you mean 'two_task_cnn'"):
        shipped_cohort(
            copied / "faces-and-objects.safetensors", {"name": "two_tsk_cnn", "settings": {}}, None, name="x"
        )


def test_brain_without_the_folder__says_licence_source_and_what_to_export(monkeypatch):
    monkeypatch.delenv("NEUROLAB_DATA", raising=False)
    with pytest.raises(MissingDataError, match=r"not set.*MIT.*PyMVPA.*export NEUROLAB_DATA="):
        datasets.load_brain("haxby-2001")
    table = datasets.list_datasets().set_index(["name", "kind"])
    assert not table.loc[("haxby-2001", "brain"), "here"]
    assert table.loc[("faces-and-objects", "cohort"), "here"]


def test_brain_folder_with_a_missing_or_changed_file__is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROLAB_DATA", str(tmp_path))
    (tmp_path / "haxby-2001").mkdir()
    for name in HAXBY[1:]:
        (tmp_path / "haxby-2001" / name).write_text("0")
    with pytest.raises(MissingDataError, match=r"has no haxby-2001/ with 'bold\.nii\.gz'\."):
        datasets.load_brain("haxby-2001")
    (tmp_path / "haxby-2001" / HAXBY[0]).write_text("0")
    with pytest.raises(FileFormatError, match="sha256"):
        datasets.load_brain("haxby-2001")
