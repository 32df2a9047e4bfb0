"""Chunks on their way to disk: any layout, any order of sites, any file system; half precision; a disk that fails."""

import itertools
import os

import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from torch import nn

from neurolab import analysis
from neurolab.errors import DataError, StoreBusyError, StoreWriteError
from neurolab.specimen import Probe, Specimen, record
from neurolab.specimen.filling import finite
from neurolab.stimuli import StimulusSet
from neurolab.storage import load, save

#: The names of the modules that record() itself uses: a doctest run may import them a second time.
STREAM = record.__globals__["Streamed"].__init__.__globals__
CHUNKS = STREAM["Chunks"].__init__.__globals__
SITES = ["0", "1", "2", "3", "4"]


def shown(n=23, scale=1.0):
    kind = ["faces", "objects"]
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": [kind[at % 2] for at in range(n)]})
    return StimulusSet("shown", scale * np.random.default_rng(0).normal(size=(n, 1, 8, 8)), table)


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 7),
                                      nn.Linear(7, 3)), np.ones((1, 1, 8, 8)), name="net")


@pytest.mark.parametrize("size", [1, 900, 5000, 2**22])
@pytest.mark.parametrize("straight", [1, 2**60])
@pytest.mark.parametrize("order", [SITES, SITES[::-1], ["3", "0", "4", "2", "1"]])
def test_chunks__of_any_size_in_any_order_hold_the_recording(net, tmp_path, monkeypatch, size, straight, order):
    monkeypatch.setitem(CHUNKS, "CHUNK", size)
    monkeypatch.setitem(CHUNKS, "STRAIGHT", straight)
    probes = [Probe(site, pool=None) for site in order]
    whole = record(net, shown(), probes, batch_size=8)
    lazy = record(net, shown(), probes, batch_size=8, store=tmp_path / "a.zarr")
    np.testing.assert_array_equal(lazy.values, whole.values)
    array = zarr.open_group(tmp_path / "a.zarr", mode="r")["activity"]
    rows, columns = array.chunks
    assert rows == 8
    assert rows * columns * 4 <= max(size, 8 * 4)
    files = [path for path in (tmp_path / "a.zarr" / "activity" / "c").rglob("*") if path.is_file()]
    assert len(files) == 3 * -(-whole.shape[1] // columns)
    assert {path.stat().st_size for path in files} == {rows * columns * 4}


def test_chunks__are_zero_past_the_end_though_their_room_was_used_before(net, tmp_path, monkeypatch):
    """The last batch has 7 rows of 8, and the last chunk of each batch fewer columns than it has room for."""
    monkeypatch.setitem(CHUNKS, "CHUNK", 900)
    probes = [Probe(site, pool=None) for site in SITES]
    width = record(net, shown(), probes, store=tmp_path / "a.zarr", batch_size=8).shape[1]
    array = zarr.open_group(tmp_path / "a.zarr", mode="r")["activity"]
    rows, columns = array.chunks
    at = -(-width // columns) - 1
    assert width % columns
    folder = tmp_path / "a.zarr" / "activity" / "c"
    for row, n in ((0, 8), (2, 7)):
        last = np.fromfile(folder / str(row) / str(at), dtype=np.float32).reshape(rows, columns)
        assert not last[n:].any()
        assert not last[:, width % columns :].any()
        assert last[:n, : width % columns].any()
    first = np.fromfile(folder / "2" / "0", dtype=np.float32).reshape(rows, columns)
    assert not first[7:].any()
    assert first[:7].any()


def test_columns__are_whole_blocks_where_the_chunk_is_large():
    for rows, width, itemsize in itertools.product([1, 3, 32, 64, 1000], [10, 5000, 10**6], [2, 4, 8]):
        columns = CHUNKS["chunk_columns"](rows, width, itemsize)
        assert 1 <= columns <= width
        assert rows * columns * itemsize <= CHUNKS["CHUNK"]
        assert columns == width or rows * columns * itemsize % CHUNKS["BLOCK"] == 0


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="this system has no writes past the page cache")
@pytest.mark.parametrize("short", [False, True])
def test_straight__falls_back_where_the_file_system_cannot(net, tmp_path, monkeypatch, short):
    monkeypatch.setitem(CHUNKS, "STRAIGHT", 1)
    monkeypatch.setitem(CHUNKS, "CHUNK", 4096)
    tried, opened, wrote = [], os.open, os.write

    def refuse(path, flags, *more, **keywords):
        if flags & os.O_DIRECT:
            tried.append(path)
            if not short:
                raise OSError(22, "Invalid argument")
        return opened(path, flags, *more, **keywords)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "write", lambda file, values: wrote(file, values[:512] if short else values))
    probes = [Probe(site, pool=None) for site in SITES]
    lazy = record(net, shown(), probes, batch_size=8, store=tmp_path / "a.zarr")
    assert len(tried) == 1
    np.testing.assert_array_equal(lazy.values, record(net, shown(), probes, batch_size=8).values)


@pytest.mark.parametrize("fails_at", [0, 3])
def test_full_disk__is_an_error_and_leaves_nothing(net, tmp_path, monkeypatch, fails_at):
    count = itertools.count()

    def write(self, path, buffer):
        if next(count) >= fails_at:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(STREAM["Chunks"], "_write", write)
    with pytest.raises(StoreWriteError, match=r"The disk of \S*a\.zarr is full \(No space left.*and record again"):
        record(net, shown(), [Probe(site, pool=None) for site in SITES], batch_size=4, store=tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("store", [False, True])
def test_half_precision__is_what_is_kept_and_never_what_is_computed_in(net, tmp_path, store):
    probes = [Probe("0", pool=None, dtype="float16"), Probe("1", pool="mean", dtype="float16")]
    half = record(net, shown(), probes, batch_size=8, store=tmp_path / "a.zarr" if store else None)
    full = record(net, shown(), [Probe("0", pool=None), Probe("1", pool="mean")], batch_size=8)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half.values, full.values.astype(np.float16))  # pooled in single, then rounded once
    one, other = (analysis.localise(part, "faces > objects") for part in (half, half.astype(np.float64)))
    for name in ("statistic", "p", "effect"):
        np.testing.assert_array_equal(one[name].values, other[name].values)
    assert load(save(half, tmp_path / "b.zarr")).dtype == np.float16
    mixed = record(net, shown(), [probes[0], Probe("1", pool="mean")], batch_size=8)
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed.values[:, :144], half.values[:, :144].astype(np.float32))


def test_half_precision__that_overflows_is_refused_with_the_reason(net):
    with pytest.raises(DataError, match=r"gave inf for stimulus 's\d+' .*a probe, overflows at 65504"):
        record(net, shown(scale=1e6), [Probe("0", pool=None, dtype="float16")])
    with pytest.raises(DataError, match="float16"):
        Probe("0", dtype="bfloat16")


def test_large__numbers_are_no_infinities(net):
    assert np.isfinite(record(net, shown(scale=1e37), [Probe("0", pool=None)]).values).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_finite__is_what_a_slow_look_says(dtype):
    draw = np.random.default_rng(0)
    largest = torch.finfo(dtype).max
    for bad in (None, float("nan"), float("inf"), -float("inf")):
        for _ in range(20):
            values = torch.from_numpy(draw.choice([1.0, -1.0, largest, -largest], size=(5, 7))).to(dtype)
            if bad is not None:
                values[draw.integers(5), draw.integers(7)] = bad
            assert finite(values) == bool(torch.isfinite(values).all()) == (bad is None)


def test_pooling__happens_before_the_copy(net, monkeypatch, tmp_path):
    taken = []
    put = STREAM["Chunks"].put

    def noted(self, span, values):
        if len(values) > 1:  # what is said of the neuroids comes by in one row
            taken.append(tuple(values.shape))
        put(self, span, values)

    monkeypatch.setattr(STREAM["Chunks"], "put", noted)
    record(net, shown(), ["0", Probe("3", units=[2, 5])], batch_size=23, store=tmp_path / "a.zarr")
    assert taken == [(23, 4), (23, 2)]


def test_two_at_once__the_second_is_refused_and_the_first_is_right(net, tmp_path, monkeypatch):
    said, write = [], CHUNKS["Chunks"]._write

    def meanwhile(self, path, buffer):
        with pytest.raises(StoreBusyError) as error:
            STREAM["Streamed"](tmp_path / "a.zarr", None, None, 1)
        said.append(str(error.value))
        write(self, path, buffer)

    probes = [Probe(site, pool=None) for site in SITES]
    whole = record(net, shown(), probes, batch_size=8)
    monkeypatch.setattr(STREAM["Chunks"], "_write", meanwhile)
    found = record(net, shown(), probes, batch_size=8, store=tmp_path / "a.zarr")
    assert f"a.zarr is being written by process {os.getpid()} on" in said[0]
    assert "which is this one. Wait for it, end it, or name another store=." in said[0]
    np.testing.assert_array_equal(found.values, whole.values)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
