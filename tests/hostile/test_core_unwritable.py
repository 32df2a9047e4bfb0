"""Disks that are full, folders that cannot be written, paths that cannot be made: said in words, and nothing lost."""

import asyncio
import errno
import os
import pathlib
import subprocess
import sys

import pytest
from zarr.core.sync import sync

import neurolab as nl
from neurolab.errors import StoreWriteError
from neurolab.simulate import phantom_recording, phantom_trials
from neurolab.storage import removed

ENV = {**os.environ, "PYTHONPATH": str(pathlib.Path(nl.__file__).parents[1])}
FULL = """
import gc, os, resource, sys
import neurolab as nl
from neurolab.errors import StoreWriteError
from neurolab.simulate import phantom_recording
path = sys.argv[1]
nl.save(phantom_recording(n_units=20, rng=0), path)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))  # no file may grow beyond, as on a full disk
try:
    nl.save(phantom_recording(n_units=900, rng=0), path)
except StoreWriteError as error:
    print(error)
gc.collect()  # HDF5 ended the process where it could not close its file
print(os.listdir(os.path.dirname(path)))
print(nl.load(path).identical(phantom_recording(n_units=20, rng=0)))
"""


def refuse(number):
    def refused(*args, **options):
        raise OSError(number, os.strerror(number))

    return refused


@pytest.mark.parametrize("end", ["nc", "zarr"])
def test_save__on_a_full_disk_says_so_and_leaves_what_was_there(tmp_path, end):
    path = tmp_path / f"a.{end}"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, env=ENV)
    said = f"The disk of {path} is full (File too large); what was there before is kept. Free some space and type"
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert done.stdout.startswith(said)
    assert done.stdout.splitlines()[1:] == [f"['a.{end}']", "True"]


@pytest.mark.parametrize("end", ["nc", "zarr"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_save__where_nothing_can_be_written_names_the_path_that_was_given(tmp_path, monkeypatch, end, number):
    monkeypatch.setattr(os, "replace", refuse(number))
    with pytest.raises(StoreWriteError, match=rf"^\S*/a\.{end} cannot be written .*Type a path .*nl\.save\(data, '"):
        nl.save(phantom_trials(rng=0), tmp_path / f"a.{end}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", ["nc", "zarr"])
def test_save__makes_the_folder_or_says_why_it_cannot(tmp_path, end):
    trials = phantom_trials(rng=0)
    assert nl.load(nl.save(trials, tmp_path / "new" / "deep" / f"a.{end}")).identical(trials)
    (tmp_path / "file").touch()
    with pytest.raises(StoreWriteError, match=r"/file is a file, or in one, where a folder is needed. Type a path"):
        nl.save(trials, tmp_path / "file" / f"a.{end}")
    with pytest.raises(StoreWriteError, match=r"a{300}\.\w+ cannot be made.*File name too long"):
        nl.save(trials, tmp_path / f"{'a' * 300}.{end}")


def test_save__over_another_kind_of_file_leaves_it(tmp_path):
    (tmp_path / "a.nc").mkdir()
    (tmp_path / "a.zarr").touch()
    with pytest.raises(StoreWriteError, match=r"a\.nc is a folder where a file is needed"):
        nl.save(phantom_trials(rng=0), tmp_path / "a.nc")
    with pytest.raises(StoreWriteError, match=r"a\.zarr is a file"):
        nl.save(phantom_trials(rng=0), tmp_path / "a.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "a.zarr"]


def test_save__of_what_cannot_be_read_is_not_said_of_the_place(tmp_path, monkeypatch):
    monkeypatch.setattr("neurolab.storage.netcdf_of", refuse(errno.ENOENT))
    with pytest.raises(FileNotFoundError):
        nl.save(phantom_recording(n_units=3, rng=0), tmp_path / "a.nc")


@pytest.mark.parametrize("number, said", [(errno.EROFS, "cannot be written"), (errno.ENOSPC, "is full")])
def test_save_figure__where_nothing_can_be_written_says_so(tmp_path, monkeypatch, number, said):
    trials = phantom_trials(rng=0)
    result = nl.deficits(trials, rng=0)
    monkeypatch.setattr(os, "replace", refuse(number))
    with pytest.raises(StoreWriteError, match=rf"figures {said}|disk of .*figures {said}"):
        nl.plots.save_figure(result, nl.plots.plot_deficits, tmp_path / "figures", "a")
    assert not list((tmp_path / "figures").iterdir())


def test_save_figure__below_a_file_says_so(tmp_path):
    (tmp_path / "file").touch()
    result = nl.deficits(phantom_trials(rng=0), rng=0)
    with pytest.raises(StoreWriteError, match=r"/file/figures is a file, or in one, .*Type another folder"):
        nl.plots.save_figure(result, nl.plots.plot_deficits, tmp_path / "file" / "figures", "a")


def test_a_draft_is_taken_away_once_nothing_writes_into_it_any_more(tmp_path):
    """One write of zarr's that fails stops none of the others, which would make the folder again."""
    draft, again = tmp_path / "draft", []

    async def later():
        await asyncio.sleep(0.3)
        await asyncio.to_thread(os.makedirs, draft / "c", exist_ok=True)
        again.append(draft.exists())

    async def begin():
        again.append(asyncio.get_running_loop().create_task(later()))

    draft.mkdir()
    sync(begin())
    removed(draft)
    assert again[1:] == [True]
    assert not draft.exists()
