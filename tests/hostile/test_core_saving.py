"""What is saved is what is in memory, at the place that was meant, and nothing else is lost for it."""

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
import zarr

import neurolab as nl
from neurolab import writing
from neurolab.cli import main
from neurolab.errors import FileFormatError, SchemaError, StoreBusyError, StoreWriteError
from neurolab.storage import write_lock
from neurolab.writing import path_of

ENDS = pytest.mark.parametrize("end", ["nc", "zarr"])
COUNTS = np.random.default_rng(0).poisson(5, size=(6, 3))
SCORES = (COUNTS - COUNTS.mean(axis=0)) / COUNTS.std(axis=0)


def recording(values=COUNTS, **columns):
    shown = {"stimulus_id": list("abcdef"), "condition": ["x", "y"] * 3, **columns}
    return nl.make_recording(values, presentation=shown, kind="brain")


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2)
        return nl.Specimen(torch.nn.Sequential(*layers), torch.zeros(2, 4), name="net")


def stimuli():
    table = {"stimulus_id": [f"s{at}" for at in range(8)], "condition": ["x", "y"] * 4, "label": [0, 1] * 4}
    return nl.StimulusSet("eight", np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32), table)


def examined(store):
    lesion = nl.Lesion(nl.ROI("area", {"1": [0, 1]}), nl.Zero())
    return nl.examine(network(), [lesion], [nl.Task("t", stimuli(), nl.scores.accuracy)], store=store, progress=False)


# -- numbers -----------------------------------------------------------------------------------------------------------


@ENDS
def test_save__of_changed_numbers_writes_them_and_not_what_their_file_would_hold(tmp_path, end):
    loaded = nl.load(nl.save(recording(onset=np.arange(6)), tmp_path / f"counts.{end}"))
    assert loaded.dtype.kind == "i"
    loaded.values = SCORES
    loaded["onset"] = loaded["onset"].copy(data=np.arange(6) + 0.7)
    found = nl.load(nl.save(loaded, tmp_path / f"scores.{end}"))
    np.testing.assert_array_equal(found.values, SCORES)
    np.testing.assert_array_equal(found["onset"].values, np.arange(6) + 0.7)


@ENDS
def test_save__of_numbers_from_a_packed_file_does_not_wrap_them(tmp_path, end):
    packed = {"dtype": "int16", "scale_factor": 1e-4, "_FillValue": -32768}
    plain = xr.Dataset({"activity": (("presentation", "neuroid"), SCORES)})
    plain.to_netcdf(tmp_path / "packed.nc", engine="h5netcdf", encoding={"activity": packed})
    like = recording()
    loaded = xr.load_dataset(tmp_path / "packed.nc", engine="h5netcdf")["activity"]
    found = loaded.assign_coords(like.coords).assign_attrs(like.attrs).copy(data=SCORES * 10)
    assert found.encoding["dtype"] == np.int16
    np.testing.assert_array_equal(nl.load(nl.save(found, tmp_path / f"new.{end}")).values, SCORES * 10)


def test_save__of_numbers_that_lie_in_other_pieces_than_their_file(tmp_path):
    nl.save(recording(), tmp_path / "a.zarr")
    lazy = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["activity"].chunk({"presentation": 2})
    np.testing.assert_array_equal(nl.load(nl.save(lazy, tmp_path / "b.zarr")).values, COUNTS)


# -- attributes --------------------------------------------------------------------------------------------------------


@ENDS
def test_save__keeps_attributes_that_no_file_holds_as_words(tmp_path, end):
    said = {"ok": True, "none": None, "by": {"a": [1]}, "when": pd.Timestamp("2020-01-02"), "off": np.bool_(False),
            "mixed": [1, None], "set": {"b", "a"}, "dates": np.array(["2020"], dtype="M8[D]")}  # fmt: skip
    kept = {"words": ["a", "b"], "numbers": [1.5, 2.0], "array": np.arange(3), "one": np.float32(2), "text": "é"}
    given = recording().assign_attrs(**said, **kept)
    given["stimulus_id"].attrs["shown"] = True
    found = nl.load(nl.save(given, tmp_path / f"a.{end}"))
    assert {name: found.attrs[name] for name in ("ok", "none", "off", "text")} == {
        "ok": 1, "none": "", "off": 0, "text": "é"}  # fmt: skip
    assert json.loads(found.attrs["by"]) == {"a": [1]}
    assert json.loads(found.attrs["mixed"]) == [1, None]
    assert json.loads(found.attrs["set"]) == ["a", "b"]
    assert "2020-01-02" in found.attrs["when"]
    assert found["stimulus_id"].attrs["shown"] == 1
    for name, value in kept.items():
        np.testing.assert_array_equal(found.attrs[name], value)
    assert given.attrs["none"] is None  # what was given is as it was
    assert given["stimulus_id"].attrs["shown"] is True


@ENDS
@pytest.mark.parametrize("name", ["scale_factor", "add_offset", "_FillValue", "missing_value"])
def test_save__refuses_attributes_that_would_change_the_numbers(tmp_path, end, name):
    with pytest.raises(SchemaError, match=rf"An attribute is called '{name}'.*data\.attrs\.pop\('{name}'\)"):
        nl.save(recording().assign_attrs({name: 2.0}), tmp_path / f"a.{end}")
    assert not list(tmp_path.iterdir())


# -- places ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "home"
    assert not list((tmp_path / "work").iterdir())  # least of all a folder called "~"


@ENDS
def test_save_and_load__know_the_home_folder(home, end):
    assert nl.save(recording(), f"~/new/a.{end}") == home / "new" / f"a.{end}"
    assert nl.load(f"~/new/a.{end}").identical(recording())


def test_record_and_examine__know_the_home_folder(home, capsys):
    net = network()
    found = nl.record(net, stimuli(), ["1"], store="~/rec.zarr")
    assert nl.load(home / "rec.zarr").identical(found.load())
    trials = examined("~/camp")
    assert [path.name for path in home.iterdir() if path.is_dir() and path.name != "rec.zarr"] == ["camp"]
    assert nl.campaign.partial("~/camp").identical(trials)
    assert nl.campaign.status("~/camp")["finished"].all()
    assert nl.campaign.merge(["~/camp"], "~/whole")["finished"].all()
    assert main(["status", "~/whole"]) == 0
    assert "net" in capsys.readouterr().out


def test_figures_reports_and_tables__know_the_home_folder(home):
    result = nl.deficits(nl.simulate.phantom_trials(rng=0), rng=0)
    nl.plots.save_figure(result, nl.plots.plot_deficits, "~/figures", "a")
    assert (home / "figures" / "a.csv").is_file()
    pd.DataFrame({"id": ["a", "b"], "score": [1.0, 2.0]}).to_csv(home / "scores.csv", index=False)
    assert list(nl.brain.from_table("~/scores.csv", person="id")["score"]) == [1.0, 2.0]
    assert path_of("~/a").is_absolute()
    assert path_of("a~b/~") == Path("a~b/~")


@ENDS
def test_save__follows_a_link_and_leaves_it(tmp_path, end):
    (tmp_path / "disk").mkdir()
    for there in (True, False):  # the second leads nowhere yet
        real, link = tmp_path / "disk" / f"real {there}.{end}", tmp_path / f"link {there}.{end}"
        if there:
            nl.save(recording(), real)
        link.symlink_to(real)
        assert nl.save(recording(SCORES), link) == link
        assert link.is_symlink()
        assert nl.load(real).identical(recording(SCORES))
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [f"real False.{end}", f"real True.{end}"]


# -- what else lies there ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["save", "record"])
def put(request):
    """Both that put a folder in the place of another."""
    if request.param == "save":
        return lambda place: nl.save(recording(), place)
    return lambda place: nl.record(network(), stimuli(), ["1"], store=place)


def test_a_folder_of_other_things__is_not_replaced(tmp_path, put):
    mine = tmp_path / "mine.zarr"
    (mine / "deep").mkdir(parents=True)
    (mine / "notes.txt").write_text("precious")
    with pytest.raises(StoreWriteError, match=r"mine\.zarr is a folder of other things.*Type another name"):
        put(mine)
    assert (mine / "notes.txt").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zarr"]


def test_the_store_of_a_campaign__is_not_replaced(tmp_path, put):
    trials = examined(tmp_path / "camp.zarr")
    with pytest.raises(StoreWriteError, match=r"camp\.zarr is the store of a campaign; nothing in it was touched"):
        put(tmp_path / "camp.zarr")
    nl.save(recording(), tmp_path / "both.zarr")
    examined(tmp_path / "both.zarr")
    with pytest.raises(StoreWriteError, match="is the store of a campaign"):
        put(tmp_path / "both.zarr")
    assert nl.campaign.partial(tmp_path / "camp.zarr").identical(trials)


def phantom():
    return nl.simulate.phantom_trials(rng=0)


def uncounted(place):
    """As before the chunks of a store were counted."""
    nl.save(phantom(), place)
    said = json.loads((place / "zarr.json").read_text())
    del said["attributes"]["chunks_written"]
    (place / "zarr.json").write_text(json.dumps(said))


STORES = {
    "a recording": lambda place: nl.save(recording(SCORES), place),
    "trials": lambda place: nl.save(phantom(), place),
    "trials by xarray": lambda place: phantom().to_zarr(place, zarr_format=3),
    "trials of version 2": lambda place: phantom().to_zarr(place, zarr_format=2),
    "uncounted trials": uncounted,
    "a result": lambda place: nl.save(nl.deficits(phantom(), rng=0), place),
    "a result by xarray": lambda place: nl.deficits(phantom(), rng=0).to_zarr(place, zarr_format=3),
    "recorded": lambda place: nl.record(network(), stimuli(), ["1"], store=place),
    "of a campaign": lambda place: examined(place.with_name("camp")) is None or shutil.copytree(
        next(place.with_name("camp").rglob("trials.zarr")), place),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.parametrize("made", STORES)
def test_a_store_that_neurolab_wrote__is_replaced_and_nothing_else_in_it(tmp_path, put, made):
    place = tmp_path / "a.zarr"
    STORES[made](place)
    (place / "notes.txt").write_text("precious")
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    with pytest.raises(StoreWriteError, match=r"a\.zarr holds what neurolab did not write \('notes\.txt'\); nothing"):
        put(place)
    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before
    (place / "notes.txt").unlink()
    zarr.open_group(place).create_group("mine")
    with pytest.raises(StoreWriteError, match=r"\('mine'\)"):
        put(place)
    shutil.rmtree(place / "mine")
    (place / ".DS_Store").write_bytes(b"")  # the system's, not mine
    put(place)
    assert not (place / ".DS_Store").exists()
    assert nl.load(place).name == "activity"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("inside", ["sub/x", "x", "score", "activity", "score/x"])
def test_a_zarr_store_of_somebody_else__is_not_replaced(tmp_path, put, inside, version):
    place = tmp_path / "other.zarr"
    zarr.open_group(place, mode="w", zarr_format=version, attributes={"tasks": ""} if inside == "score/x" else {})
    zarr.create_array(place, name=inside, data=np.arange(3.0), zarr_format=version)
    with pytest.raises(StoreWriteError, match=r"other\.zarr is a zarr store that does not say that neurolab wrote it"):
        put(place)
    np.testing.assert_array_equal(zarr.open_group(place, mode="r")[inside][:], np.arange(3.0))


def test_an_array_that_was_put_into_a_saved_store__is_not_lost(tmp_path, put):
    nl.save(recording(), tmp_path / "a.zarr")
    zarr.create_array(tmp_path / "a.zarr", name="mine", data=np.arange(3.0))
    with pytest.raises(StoreWriteError, match=r"\('mine'\)"):
        put(tmp_path / "a.zarr")


@pytest.mark.parametrize("lost", ["site", "activity/zarr.json"])
def test_a_saved_store_of_which_a_part_was_lost__is_replaced(tmp_path, put, lost):
    nl.save(recording(), tmp_path / "a.zarr")
    gone = tmp_path / "a.zarr" / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    put(tmp_path / "a.zarr")
    assert nl.load(tmp_path / "a.zarr").name == "activity"


@ENDS
def test_a_path_with_a_nul__is_refused_in_words(tmp_path, end):
    for ask in (lambda place: nl.save(recording(), place), nl.load):
        with pytest.raises(FileFormatError, match="holds the character NUL"):
            ask(tmp_path / f"a\0.{end}")
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_and_an_older_store__are_replaced(tmp_path, put):
    (tmp_path / "empty.zarr").mkdir()
    put(tmp_path / "empty.zarr")
    recording(SCORES).to_dataset(name="activity").to_zarr(tmp_path / "old.zarr", zarr_format=2, consolidated=False)
    put(tmp_path / "old.zarr")
    assert nl.load(tmp_path / "empty.zarr").identical(nl.load(tmp_path / "old.zarr"))


# -- two at once -------------------------------------------------------------------------------------------------------


def test_a_place_that_is_being_written__is_left_to_whom_writes_it(tmp_path, put):
    place = tmp_path / "a.zarr"
    nl.save(recording(SCORES), place)
    lock = write_lock(place, "")
    with pytest.raises(StoreBusyError, match=r"a\.zarr is being written by process \d+ .*(type another|name another)"):
        put(place)
    assert nl.load(place).identical(recording(SCORES))
    lock.remove()
    put(place)
    assert not nl.load(place).identical(recording(SCORES))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def _saved(value, place, ready, said):
    data = recording(np.full((6, 3), float(value)))
    ready.wait()
    try:
        nl.save(data, place)
    except StoreBusyError:
        said.put((value, "busy"))
    else:
        said.put((value, "saved"))


def test_two_that_save_at_once__leave_a_whole_file_of_one_that_was_told_so(tmp_path):
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    for turn in range(4):
        place, ready, said = tmp_path / f"{turn}.zarr", context.Barrier(2), context.Queue()
        both = [context.Process(target=_saved, args=(value, place, ready, said)) for value in (1, 2)]
        for one in both:
            one.start()
        told = dict(said.get(timeout=120) for _ in both)
        for one in both:
            one.join(60)
        values = set(np.unique(nl.load(place).values).tolist())
        assert len(values) == 1
        assert values <= {float(value) for value, words in told.items() if words == "saved"}


def test_what_a_killed_process_left__is_harmless_and_taken_away(tmp_path):
    place = tmp_path / "a.zarr"
    nl.save(recording(), place)
    (tmp_path / ".a.zarr.part" / "activity").mkdir(parents=True)
    (tmp_path / ".a.zarr.lock").write_text('{"pid": 1, "host": "elsewhere", "began": ""}')
    assert nl.load(place).identical(recording())
    assert nl.load(nl.save(recording(SCORES), place)).identical(recording(SCORES))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def killed(place):
    """What a process leaves that is killed between the two moves of a store."""
    nl.save(recording(), place)
    os.rename(place, place.with_name(f".{place.name}.old"))
    place.with_name(f".{place.name}.lock").write_text('{"pid": 1, "host": "elsewhere", "began": ""}')


def test_load__puts_back_what_a_killed_process_moved_aside(tmp_path):
    place, link = tmp_path / "a.zarr", tmp_path / "link.zarr"
    link.symlink_to(place)
    for one in (place, link):
        killed(place)
        (tmp_path / ".a.zarr.part").mkdir(exist_ok=True)
        assert nl.load(one).identical(recording())
        assert sorted(path.name for path in tmp_path.iterdir()) == [".a.zarr.part", "a.zarr", "link.zarr"]
        shutil.rmtree(place)


def test_load__leaves_what_lies_aside_to_whom_writes_it(tmp_path):
    place = tmp_path / "a.zarr"
    killed(place)
    lock = write_lock(place, "")
    with pytest.raises(StoreBusyError, match=r"a\.zarr is being written by process"):
        nl.load(place)
    assert not place.exists()
    lock.remove()
    assert nl.load(place).identical(recording())


def test_load__says_where_it_lies_that_cannot_be_put_back(tmp_path, monkeypatch):
    def refused(source, target):
        raise PermissionError(13, "Permission denied", source, None, target)

    killed(tmp_path / "a.zarr")
    monkeypatch.setattr(writing.os, "replace", refused)
    with pytest.raises(StoreWriteError, match=r"Type os\.rename\('.*\.a\.zarr\.old', '.*a\.zarr'\)"):
        nl.load(tmp_path / "a.zarr")


def test_load__does_not_touch_what_else_lies_under_such_a_name(tmp_path):
    (tmp_path / ".a.zarr.old").mkdir()
    (tmp_path / ".a.zarr.old" / "mine").write_text("precious")
    with pytest.raises(FileFormatError, match=r"a\.zarr does not exist"):
        nl.load(tmp_path / "a.zarr")
    assert [path.name for path in tmp_path.iterdir()] == [".a.zarr.old"]
