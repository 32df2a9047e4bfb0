"""What ships is what the index says: files, hashes, sizes, sources; and it is the same every time."""

import hashlib

import numpy as np
import pytest
import torch

from neurolab import datasets


@pytest.fixture(scope="module")
def cohort():
    return datasets.load_cohort("faces-and-objects")


def accuracy(specimen, stimuli, **where):
    part = stimuli.where(**where) if where else stimuli
    with torch.no_grad():
        named = specimen.model(torch.tensor(part.inputs)).argmax(1).numpy()
    return float((named == part.table["label"]).mean())


@pytest.mark.parametrize("name", datasets._index())
def test_index__says_where_everything_comes_from(name):
    entry = datasets._index()[name]
    for key in ("about", "dims", "kind", "licence", "provides", "units"):
        assert entry[key], f"{name} lacks {key}"
    assert entry.get("source") or (entry["get"] and entry["cite"])
    assert set(entry["provides"]) <= {"cohort", "stimuli", "brain"}
    if entry["kind"] == "external":
        assert all(len(digest) == 64 for digest in entry["files"].values())


def test_shipped_files__are_small_and_hash_as_the_index_says():
    folder = datasets._shipped_folder()
    files = {entry["file"]: entry for entry in datasets._index().values() if "file" in entry}
    on_disk = {path.name for path in folder.glob("*.safetensors")}
    assert on_disk == set(files)
    for name, entry in files.items():
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == entry["bytes"]
        assert (folder / entry["made"]["command"].split("/")[-1]).is_file()
    assert sum(entry["bytes"] for entry in files.values()) < 5e6


def test_every_row_of_the_list__names_a_loader_that_knows_it():
    table = datasets.list_datasets()
    assert {"faces-and-objects", "digits", "haxby-2001"} <= set(table["name"])
    for name, kind, load in table[["name", "kind", "load"]].itertuples(index=False):
        assert load == f'nl.datasets.load_{kind}("{name}")'
        assert callable(getattr(datasets, f"load_{kind}"))
    stimuli = {**datasets._STIMULI, **datasets._PICTURES}
    loaders = {"cohort": datasets._index(), "stimuli": stimuli, "brain": datasets._BRAIN}
    for name, entry in datasets._index().items():
        assert all(name in loaders[kind] for kind in entry["provides"])


@pytest.mark.parametrize("name", datasets._STIMULI)
def test_stimuli__are_the_same_every_time(name):
    first, second = datasets.load_stimuli(name), datasets.load_stimuli(name)
    assert first.digest == second.digest
    assert first.inputs.dtype == np.float32
    assert len(set(first.ids)) == len(first)


def test_digits__are_scikit_learns_and_the_halves_share_none():
    from sklearn.datasets import load_digits

    test, train = datasets.load_stimuli("digits"), datasets.load_stimuli("digits-train")
    assert not set(test.ids) & set(train.ids)
    assert len(test) + len(train) == 1797
    row = int(test.ids[5].split("-")[1])
    np.testing.assert_allclose(test.inputs[5] * 16, load_digits().data[row])
    assert test.table.condition[5] == str(load_digits().target[row])


def test_cohort__has_twelve_different_frozen_networks(cohort):
    assert len(cohort) == 12
    assert len({specimen.digest for specimen in cohort}) == 12
    assert len(set(cohort.names)) == 12
    for specimen in cohort:
        assert not specimen.model.training
        assert not any(parameter.requires_grad for parameter in specimen.model.parameters())


def test_cohort__names_new_pictures_as_well_as_its_index_says(cohort):
    stimuli = datasets.load_stimuli("faces-and-objects")
    said = datasets._index()["faces-and-objects"]["held_out_accuracy"]
    for specimen in cohort:
        for kind, expected in said[specimen.name.split()[-1]].items():
            found = accuracy(specimen, stimuli, condition=kind)
            assert found > 0.9
            assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) * (1 / 400 + 1 / 1000))


def test_cohort__knows_the_people_of_its_cast_and_no_others(cohort):
    from neurolab.drawn import faces_and_objects

    strangers = faces_and_objects(n_per_class=20, n_objects=0, rng=0, cast=1)
    assert accuracy(cohort[0], strangers) < 0.4


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for one another make tiny networks ten times slower on a busy machine
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_digits_cohort__names_digits_that_it_was_not_trained_on():
    cohort, test = datasets.load_cohort("digits"), datasets.load_stimuli("digits")
    assert len({specimen.digest for specimen in cohort}) == 10
    assert all(0.9 < accuracy(specimen, test) < 0.99 for specimen in cohort)
