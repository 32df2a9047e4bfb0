"""Recordings, trials and results on disk: netCDF or zarr, never a pickle."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

from neurolab.errors import FileFormatError, SchemaError, listed
from neurolab.lock import Lock
from neurolab.schema import check_recording, check_result, check_trials, plain_attrs, strings
from neurolab.writing import (
    WRITTEN,
    check_replaceable,
    give_back,
    holds_campaign,
    led_to,
    path_of,
    put_back,
    put_in_place,
    saying,
    write_whole,
)

__all__ = ["load", "save"]
__dir__ = __all__.copy

Storable = xr.DataArray | xr.Dataset
#: What no unit, site or place is: what integers of a recording read as where their file got lost.
NEVER = -(2**63)
#: What no array in a file can be called.
NAMELESS = {"", ".", "..", "zarr.json"}
#: Attributes by which a file says how its numbers are packed.
PACKING = {"_FillValue", "add_offset", "missing_value", "scale_factor"}


def save(data: Storable, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write a recording, trials or a result to ``.nc`` (netCDF 4 through h5netcdf) or ``.zarr`` (version 3).

    Returns the path, whose folder is made if it is not there; ``~`` is the home folder, a link is followed. The file
    appears whole: one already there is replaced only when the new one is complete. A ``.nc`` is made in memory first;
    what has no room there twice belongs in a ``.zarr``. Numbers are written as they are in memory, however the file
    that they came from held them. Attributes that a file cannot hold are kept as :func:`plain_attrs` has them.

    Raises
    ------
    SchemaError : not a recording, trials or result; a column or an attribute under a name that would be lost.
    FileFormatError : another ending, a NUL in the path. StoreBusyError : somebody else is writing the same ``.zarr``.
    StoreWriteError : a full disk, a read-only folder, a path that cannot be made, a folder of other things.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(rng=0)
    >>> load(save(trials, tempfile.mkdtemp() + "/trials.nc")).identical(trials)
    True
    """
    dataset = _checked(data)
    dataset = without_count(dataset.to_dataset(name="activity") if isinstance(dataset, xr.DataArray) else dataset)
    named = path_of(path)
    if named.suffix not in (".nc", ".zarr"):
        raise FileFormatError(f"{named.name}: expected a name that ends in .nc or .zarr.")
    check_names(map(str, dataset.variables))
    dataset = _with_plain_attrs(dataset)
    content = netcdf_of(dataset) if named.suffix == ".nc" else None
    target = led_to(named)
    with saying(target, f"a path in a folder of your own: nl.save(data, '/my/folder/{named.name}')"):
        target.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            _write_zarr(dataset, target)
        else:
            write_whole(target, content)
    return named


def check_names(names: Iterable[str]) -> None:
    """Raise SchemaError where a column has a name under which no array can lie in a file, and would be lost.

    Example
    -------
    >>> check_names(["condition", "width/height"])
    Traceback (most recent call last):
    ...
    neurolab.errors.SchemaError: A column is called 'width/height'; no file can hold that name. Rename the column.
    """
    for name in names:
        if name in NAMELESS or "/" in name or "\0" in name:
            raise SchemaError(f"A column is called {name!r}; no file can hold that name. Rename the column.")


def _with_plain_attrs(dataset: xr.Dataset) -> xr.Dataset:
    """What is said of a dataset and its columns as every file holds it: texts, numbers and lists of them as they are.

    Raises SchemaError for names under which a reader takes a number for how the others are packed.
    """
    plain = dataset.copy()
    parts: list[Any] = [plain, *plain.variables.values()]
    for part in parts:
        packing = sorted(PACKING & set(part.attrs))
        if packing:
            raise SchemaError(
                f"An attribute is called {packing[0]!r}; whoever reads the file would take it for how the numbers are "
                f"packed, and change them. Type data.attrs.pop({packing[0]!r}), or give it another name."
            )
        part.attrs = {**part.attrs, **plain_attrs({k: v for k, v in part.attrs.items() if not _holds(v)})}
    return plain


def _holds(value: Any) -> bool:
    """Whether netCDF and zarr hold an attribute as it is."""
    every = value if isinstance(value, (list, tuple)) else [value]
    numbers = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    return numbers or all(isinstance(one, (str, int, float, np.integer, np.floating)) and not isinstance(one, bool)
                          for one in every)  # fmt: skip


def netcdf_of(dataset: xr.Dataset) -> memoryview:
    """Get the netCDF file of a dataset, in memory: one on a disk that HDF5 cannot close ends the process later on."""
    import h5netcdf

    held = io.BytesIO()
    with h5netcdf.File(held, "w") as file:
        dataset.drop_encoding().compute().dump_to_store(xr.backends.H5NetCDFStore(file))
    return held.getbuffer()


def _write_zarr(dataset: xr.Dataset, target: pathlib.Path) -> None:
    lock, beside = write_lock(target, "type another name."), target.with_name(f".{target.name}.part")
    try:
        check_replaceable(target)
        put_back(target)
        shutil.rmtree(beside, ignore_errors=True)
        dataset.drop_encoding().to_zarr(beside, zarr_format=3, consolidated=False, encoding=with_checksums(dataset))
        count_chunks(beside)
        put_in_place(beside, target)
    except BaseException:
        removed(beside)
        raise
    finally:
        lock.remove()


def write_lock(target: pathlib.Path, instead: str) -> Lock:
    """Get the right to write a store, for one at a time; raises StoreBusyError where somebody else has it."""
    return Lock(target.with_name(f".{target.name}.lock"), str(target), instead)


def with_checksums(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Get how a dataset is written so that a bit that flips on the disk is found when it is read, never taken for data.

    Example
    -------
    >>> with_checksums(xr.Dataset({"a": ("x", [1.0])}))["a"]["compressors"][0].checksum
    True
    """
    from zarr.codecs import ZstdCodec

    return {str(name): {"compressors": [ZstdCodec(checksum=True)]} for name in dataset.variables}


async def _at_rest() -> None:
    """Wait until nothing else is under way where zarr writes: one write that fails stops none of the others."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=10)


def removed(folder: pathlib.Path) -> None:
    """Take a folder away in which zarr's other threads may still be writing, and would make it again."""
    with suppress(Exception):  # the place is zarr's own: where it has moved, the folder is asked after a few times
        sync = importlib.import_module("zarr.core.sync")
        sync.sync(_at_rest())
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def load(path: str | os.PathLike[str]) -> Storable:
    """Read what :func:`save` wrote, checked; another kind of file, or a truncated one, is refused.

    A ``.zarr`` that a process moved aside to replace it, and was killed before it could, is put back first.

    Example
    -------
    >>> load("nothing.pkl")
    Traceback (most recent call last):
    ...
    neurolab.errors.FileFormatError: nothing.pkl does not exist; expected a .nc or .zarr file written by nl.save().
    """
    target = path_of(path)
    if not target.exists() and not give_back(led_to(target)):
        raise FileFormatError(f"{target} does not exist; expected a .nc or .zarr file written by nl.save().")
    if holds_campaign(target):
        raise FileFormatError(
            f"{target.name} is the store of a campaign. Type nl.campaign.partial({str(path)!r}) for its trials."
        )
    if target.suffix not in (".nc", ".zarr"):
        raise FileFormatError(
            f"{target.name} is not a .nc or .zarr file. Pickled and numpy files are never opened (they can run code): "
            "write recordings, trials and results with nl.save(data, 'name.nc')."
        )
    try:
        dataset = _read(target)
    except Exception as error:
        raise FileFormatError(
            f"{target.name} cannot be read ({type(error).__name__}: {error}); it may be truncated. Write it again with "
            "nl.save()."
        ) from error
    dataset = with_plain_texts(dataset)
    if "activity" in dataset:
        return check_recording(dataset["activity"])
    if "score" not in dataset and "analysis" not in dataset.attrs:
        raise FileFormatError(f"{target.name} holds {listed(dataset)}: neither a recording nor trials nor a result.")
    return _checked(dataset)


def with_plain_texts(dataset: xr.Dataset) -> xr.Dataset:
    """Get a dataset with its texts as they were before they were written: ``str`` in arrays of objects."""
    for name in list(dataset.variables):
        if dataset[name].dtype.kind in "OUT":
            plain = (dataset[name].dims, strings(dataset[name].values), dataset[name].attrs)
            dataset = dataset.assign_coords({name: plain}) if name in dataset.coords else dataset.assign({name: plain})
    return dataset


def _read(target: pathlib.Path) -> xr.Dataset:
    if target.suffix == ".nc":
        with xr.open_dataset(target, engine="h5netcdf") as opened:
            return opened.load()
    _check_chunks(target)
    with xr.open_zarr(target, consolidated=False) as opened:
        return without_count(opened.load())


def count_chunks(folder: pathlib.Path) -> None:
    """Write into a store that is made how many chunks each of its arrays has: :func:`load` misses one that gets lost.

    zarr leaves out chunks that are all fill, and reads one that is not there as fill.
    """
    import zarr

    group = zarr.open_group(folder, mode="r+")
    group.attrs[WRITTEN] = json.dumps({name: array.nchunks_initialized for name, array in sorted(group.arrays())})


def without_count(dataset: xr.Dataset) -> xr.Dataset:
    """Get a dataset as it was before its chunks were counted."""
    plain = dataset.copy()
    plain.attrs.pop(WRITTEN, None)
    return plain


def _check_chunks(target: pathlib.Path) -> None:
    """Raise OSError where a chunk is gone that was written.

    Nobody counted those that ``record`` wrote, but it writes all: its activity has a fill that is no activity.
    """
    import zarr

    group = zarr.open_group(target, mode="r")
    arrays = dict(group.arrays())
    fill = arrays["activity"].fill_value if "activity" in arrays else None
    if WRITTEN in group.attrs:
        written = json.loads(str(group.attrs[WRITTEN]))
    elif fill is not None and np.isinf(fill):
        written = {name: array.nchunks for name, array in arrays.items()}
    else:
        return
    for name, count in written.items():
        there = arrays[name].nchunks_initialized if name in arrays else 0
        if there < count:
            raise OSError(f"{count - there} of {count} chunks of {name} are gone")


def _checked(data: Storable) -> Storable:
    if isinstance(data, xr.DataArray):
        return check_recording(data)
    if isinstance(data, xr.Dataset) and "analysis" in data.attrs:  # first: a result may hold scores of its own
        return check_result(data)
    if isinstance(data, xr.Dataset) and "score" in data:
        return check_trials(data)
    raise SchemaError(
        f"nl.save() got {type(data).__name__}; expected a recording, trials or a result. A region or "
        "lesions are kept by the trials they were examined in."
    )
