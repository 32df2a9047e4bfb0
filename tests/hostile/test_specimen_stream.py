"""Recordings that go to disk while they are made: the same numbers, the memory bound kept, nothing half-written."""

import errno
import logging
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch import nn

from neurolab.errors import DataError, FileFormatError, StoreWriteError
from neurolab.lesion import Lesion, Zero
from neurolab.recording import unflatten
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, predicted_bytes, record
from neurolab.stimuli import StimulusSet
from neurolab.storage import load


@pytest.fixture
def net():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)),
                        np.ones((1, 1, 8, 8)), name="net")


def shown(n=23, scale=1.0):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a"] * n,
                          "depth": np.linspace(0, 1, n)})
    return StimulusSet("shown", scale * np.random.default_rng(0).normal(size=(n, 1, 8, 8)), table)


PROBES = [Probe("0", pool=None), Probe("3", units=[2]), "1"]


@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("max_memory", [None, "20KB", 60_000])
@pytest.mark.parametrize("cut", [False, True])
def test_streamed__is_the_recording_held_in_memory(net, tmp_path, batch_size, max_memory, cut):
    lesions = [Lesion(ROI("r", {"0": [1]}, {"0": ("channel",)}), Zero())] if cut else []
    whole = record(net, shown(), PROBES, batch_size=batch_size, lesions=lesions)
    path = tmp_path / "activity.zarr"
    lazy = record(net, shown(), PROBES, batch_size=batch_size, lesions=lesions, store=path, max_memory=max_memory)
    assert not lazy.variable._in_memory
    np.testing.assert_allclose(lazy.values, whole.values, rtol=1e-6, atol=1e-7)
    xr.testing.assert_identical(lazy.copy(data=whole.values), whole)
    assert lazy.attrs == whole.attrs
    xr.testing.assert_identical(load(path), lazy.load())
    assert unflatten(lazy, "0").shape == (23, 4, 6, 6)
    assert [entry.name for entry in tmp_path.iterdir()] == ["activity.zarr"]


def test_streamed__every_chunk_is_there_even_if_it_is_zero(net, tmp_path):
    everything = [Lesion(ROI("r", {"0": range(4)}, {"0": ("channel",)}), Zero())]
    path = tmp_path / "zeros.zarr"
    lazy = record(net, shown(), [Probe("0", pool=None)], batch_size=10, lesions=everything, store=path)
    assert not lazy.values.any()
    assert len([entry for entry in (path / "activity" / "c").rglob("*") if entry.is_file()]) == 3


def test_memory__is_predicted_said_and_bounded(net, tmp_path, caplog):
    stimuli = shown()
    with caplog.at_level(logging.INFO, logger="neurolab"):
        record(net, stimuli, PROBES, store=tmp_path / "a.zarr")
    row = predicted_bytes(net, stimuli, PROBES) // len(stimuli)
    assert f"23 stimuli x {row} bytes" in caplog.text
    assert "in a.zarr" in caplog.text
    with pytest.raises(DataError, match=r"more than max_memory='10KB'.*store='recording.zarr'"):
        record(net, stimuli, PROBES, max_memory="10KB")
    with pytest.raises(DataError, match="One stimulus takes"):
        record(net, stimuli, PROBES, store=tmp_path / "b.zarr", max_memory=1000)
    for bad in ("much", "-1GB", 0, "1 XB"):
        with pytest.raises(DataError, match="expected bytes"):
            record(net, stimuli, PROBES, max_memory=bad)
    with pytest.raises(FileFormatError, match=r"ends in \.zarr"):
        record(net, stimuli, PROBES, store=tmp_path / "b.nc")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_failure__leaves_the_old_recording_and_nothing_else(net, tmp_path):
    path = tmp_path / "activity.zarr"
    old = record(net, shown(5), ["1"], store=path).load()
    with pytest.raises(DataError, match="Site '1'"):
        record(net, shown(5, scale=1e39), ["1"], store=path, batch_size=2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["activity.zarr"]
    xr.testing.assert_identical(load(path), old)
    record(net, shown(7), ["1"], store=path)
    assert load(path).sizes["presentation"] == 7


MEASURED = """
import sys
import numpy as np, pandas as pd, torch
from neurolab.specimen import Probe, Specimen, record
from neurolab.stimuli import StimulusSet

torch.set_num_threads(1)
net = Specimen(torch.nn.Sequential(torch.nn.Conv2d(1, 16, 3), torch.nn.AvgPool2d(31)), np.ones((1, 1, 64, 64)),
               output=lambda raw: raw.flatten(1))


def shown(n):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a"] * n})
    return StimulusSet("shown", np.random.default_rng(0).normal(size=(n, 1, 64, 64)).astype("float32"), table)


def memory(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) * 1024


record(net, shown(2), [Probe("0", pool=None)], store=sys.argv[1] + "/first.zarr")
stimuli = shown(800)
before = memory("VmRSS")
lazy = record(net, stimuli, [Probe("0", pool=None)], store=sys.argv[1] + "/second.zarr", max_memory="60MB")
print(lazy.nbytes, memory("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads resident memory from /proc")
def test_memory__200_megabytes_are_recorded_within_60(tmp_path):
    done = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, text=True, check=True)
    size, used = map(int, done.stdout.split())
    assert size > 190e6
    assert used < 60e6


@pytest.mark.parametrize("part", ["activity", "site", "unit", "row", "out_norm", "condition", "stimulus_id", "depth"])
def test_streamed__a_chunk_that_got_lost_is_no_zero(net, tmp_path, part):
    path = tmp_path / "lost.zarr"
    lazy = record(net, shown(), PROBES, batch_size=10, store=path)
    whole = load(path)
    files = sorted(file for file in (path / part / "c").rglob("*") if file.is_file())
    files[-1].unlink()
    with pytest.raises(FileFormatError, match=rf"lost\.zarr .*1 of {len(files)} chunks of {part} are gone"):
        load(path)
    if part == "activity":
        np.testing.assert_array_equal(lazy[:20].values, whole.values[:20])
        with pytest.raises(FileFormatError, match="of which a part is gone"):
            _ = lazy.values


@pytest.mark.parametrize("fill", [None, np.nan])
@pytest.mark.parametrize("version", [2, 3])
def test_stores_of_others__may_leave_out_what_is_their_fill(net, tmp_path, fill, version):
    found = record(net, shown(), PROBES)
    found[:] = 0.0
    encoding = {"activity": {"_FillValue": fill}}
    found.to_dataset(name="activity").to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False,
                                              encoding=encoding)
    assert (load(tmp_path / "a.zarr").values == 0).all()


def test_streamed__columns_of_zeros_and_empty_texts_are_whole_too(net, tmp_path):
    stimuli = shown()
    table = stimuli.table.assign(depth=0.0, label=0, colour="")
    lazy = record(net, StimulusSet("plain", stimuli.inputs, table), PROBES, store=tmp_path / "a.zarr")
    xr.testing.assert_identical(load(tmp_path / "a.zarr"), lazy.load())


@pytest.mark.parametrize("store", ["file.nc/a.zarr", "file.zarr"])
def test_store__that_is_a_file_or_in_one_is_refused_before_anything_is_shown(net, tmp_path, monkeypatch, store):
    (tmp_path / store.partition("/")[0]).write_text("mine")
    monkeypatch.setattr(net.model, "forward", None)
    with pytest.raises(StoreWriteError, match=r"is a file.*where a folder is needed. Type .*store="):
        record(net, shown(), PROBES, store=tmp_path / store)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("store", ["/proc/a.zarr", "/proc/nothing/a.zarr"])
@pytest.mark.skipif(sys.platform != "linux", reason="this system has no /proc, where nothing can be made")
def test_store__that_cannot_be_made_is_said(net, store):
    with pytest.raises(StoreWriteError, match=rf"{store} cannot be made.*Type store= with a folder of your own"):
        record(net, shown(), PROBES, store=store)


def test_store__on_a_disk_without_room_for_its_lock_leaves_nothing(net, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("neurolab.lock.write_all", full)
    with pytest.raises(StoreWriteError, match=r"/a\.zarr is full"):
        record(net, shown(), PROBES, store=tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number, said", [(errno.EROFS, "cannot be written"), (errno.ENOSPC, "is full")])
@pytest.mark.parametrize("call", ["open", "replace"])
def test_store__where_nothing_can_be_written_says_so_and_leaves_nothing(
    net, tmp_path, monkeypatch, number, said, call
):
    real = getattr(os, call)

    def refuse(path, *args, **options):
        if "a.zarr" in str(path):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *args, **options)

    with monkeypatch.context() as unwritable:
        unwritable.setattr(os, call, refuse)
        with pytest.raises(StoreWriteError, match=rf"/a\.zarr {said} "):
            record(net, shown(), PROBES, store=tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())
    record(net, shown(), PROBES, store=tmp_path / "a.zarr")
