"""Recordings larger than memory: batch after batch goes to a zarr folder, which appears whole and is read lazily."""

from __future__ import annotations

import logging
import os
import pathlib
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from neurolab.errors import DataError, FileFormatError, StoreWriteError
from neurolab.schema import check_recording
from neurolab.specimen.chunks import Chunks, chunk_columns
from neurolab.specimen.on_disk import VALUES, recorded
from neurolab.storage import NEVER, removed, write_lock
from neurolab.writing import check_replaceable, led_to, path_of, put_back, put_in_place, saying

if TYPE_CHECKING:
    from neurolab.specimen.columns import Columns

log = logging.getLogger("neurolab")

#: A recording of more bytes than this says so before it starts.
LARGE = 10**9
#: How often a batch lies in memory at most: as tensors, their copies, what is being written, what the allocator keeps.
COPIES = 10
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def bytes_of(memory: str | int) -> int:
    """Get a number of bytes from "1GB" and the like.

    Example
    -------
    >>> bytes_of("60MB"), bytes_of(10)
    (60000000, 10)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B|)\s*", str(memory).upper())
    if not found or float(found[1]) <= 0:
        raise DataError(f"max_memory was {memory!r}; expected bytes, such as '1GB', '60MB' or 60_000_000.")
    return int(float(found[1]) * _UNITS[found[2]])


def rows_at_once(n: int, row: int, batch_size: int, store: Any, max_memory: str | int | None) -> int:
    """Get how many stimuli to show at once, after saying what the recording will take.

    n : stimuli. row : bytes of values per stimulus. Raises DataError where ``max_memory`` cannot be kept.
    """
    where = "of memory" if store is None else f"in {pathlib.Path(store).name}"
    text, given = "recording %d stimuli x %d bytes: %.3g GB %s", (n, row, n * row / 1e9, where)
    log.log(logging.WARNING if n * row > LARGE else logging.INFO, text, *given)
    if max_memory is None:
        return batch_size
    bound = bytes_of(max_memory)
    if store is None and n * row > bound:
        raise DataError(
            f"The recording takes {n * row} bytes, more than max_memory={max_memory!r}. Type record(..., store="
            "'recording.zarr') to have it written while it is made, or pool the sites (Probe(site, pool='mean'))."
        )
    if store is not None and row * COPIES > bound:
        raise DataError(
            f"One stimulus takes {row} bytes, {COPIES} times over while it is written; that is more than "
            f"max_memory={max_memory!r}. Type max_memory='{-(-row * COPIES // 10**6)}MB', or record fewer sites."
        )
    return batch_size if store is None else max(1, min(batch_size, bound // (row * COPIES)))


class Held:
    """Where a recording's values go: an array in memory."""

    def __init__(self, n: int, neuroids: int, dtype: np.dtype) -> None:
        self.values = np.empty((n, neuroids), dtype=dtype)

    def begin(self, at: slice) -> None:
        """Say which rows come next."""
        self.rows = torch.from_numpy(self.values[at])

    def put(self, span: slice, values: torch.Tensor) -> None:
        """Take over some columns of these rows."""
        self.rows[:, span] = values

    def done(self) -> None:
        """Take note that the rows are filled and checked."""


class Streamed:
    """Where a recording's values go: a zarr folder beside the target, moved there by :meth:`finish`.

    template : the recording without its neuroids. columns : what is said of them; :meth:`describe` writes it, and it
    is read from the disk when it is asked for. rows : stimuli per batch, which is also the length of a chunk.
    """

    def __init__(self, path: str | os.PathLike[str], template: xr.DataArray, columns: Columns, rows: int) -> None:
        self.target = store_path(path)
        with self._saying():
            if self.target.is_file():  # now, not when all is recorded
                raise StoreWriteError(f"{self.target} is a file, where a folder is needed. Type another store=.")
            check_replaceable(self.target)
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.lock = write_lock(self.target, "name another store=.")
        self.template, self.names = template.drop_vars(columns.names), columns.names
        self.whole = False
        self.beside = self.target.with_name(f".{self.target.name}.part")
        self.chunks: Chunks | None = None
        try:
            with self._saying():
                self.chunks = self._begun(columns, rows)
        except BaseException:
            self.drop()
            raise
        self.put = self.chunks.put

    def _saying(self) -> AbstractContextManager[None]:
        """Say in words where the recording cannot be written."""
        return saying(self.target, "store= with a folder of your own", again="record again")

    def begin(self, at: slice) -> None:
        """Say which rows come next."""
        assert self.chunks is not None
        with self._saying():
            self.chunks.begin(at)

    def done(self) -> None:
        """Take note that the rows are filled and checked; raises what went wrong on the disk so far."""
        assert self.chunks is not None
        with self._saying():
            self.chunks.done()

    def _begun(self, columns: Columns, rows: int) -> Chunks:
        """Make the folder beside the target and get what fills it."""
        import zarr

        template = self.template
        put_back(self.target)
        shutil.rmtree(self.beside, ignore_errors=True)
        with zarr.config.set({"array.write_empty_chunks": True}):  # or one that got lost could not be told from them
            self.template.coords.to_dataset().to_zarr(self.beside, zarr_format=3, consolidated=False)
        self.group = zarr.open_group(self.beside, mode="a")
        dtype, shape = template.dtype, (len(template), columns.n)
        about = {**template.attrs, "coordinates": " ".join(columns.names)}  # xarray's word for what describes an array
        wide = chunk_columns(rows, columns.n, dtype.itemsize)
        name = self._array(VALUES, shape, (rows, wide), dtype, about)
        return Chunks(lambda row, column: name((row, column)), rows, wide, columns.n, dtype)

    def _array(
        self, name: str, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: Any, attributes: dict[str, Any]
    ) -> Callable[[tuple[int, ...]], pathlib.Path]:
        """Make an array in the store and get what names the file of a chunk.

        A chunk that gets lost later reads as what no recording holds, never as a silent 0; ``nl.load`` refuses it.
        """
        lost = np.inf if np.dtype(dtype).kind == "f" else NEVER
        array = self.group.create_array(
            name, shape=shape, chunks=chunk, dtype=dtype, compressors=None, fill_value=lost, attributes=attributes,
            dimension_names=[str(dim) for dim in self.template.dims[-len(shape):]],
        )
        key, folder = array.metadata.encode_chunk_key, self.beside / name
        return lambda place: folder / key(place)

    def describe(self, columns: Columns) -> None:
        """Write what is said of the neuroids, one column after another, as the rows of one table."""
        wide = chunk_columns(1, columns.n, 8)
        kinds = [np.float64 if name == "out_norm" else np.int64 for name in columns.names]
        with self._saying():
            named = [self._array(name, (columns.n,), (wide,), kind, {}) for name, kind in zip(columns.names, kinds)]
        chunks = Chunks(lambda row, column: named[row]((column,)), 1, wide, columns.n, np.dtype(np.int64))
        try:
            with self._saying():
                for row, name in enumerate(columns.names):
                    chunks.begin(slice(row, row + 1))
                    for span, part in columns.parts(name):
                        chunks.put(span, torch.from_numpy(part[None].view(np.int64)))  # 8 bytes are 8 bytes
                chunks.finish()
        finally:
            chunks.close()

    def finish(self) -> xr.DataArray:
        """Move the folder to its place and get the recording, its values still on disk."""
        assert self.chunks is not None
        with self._saying():
            self.chunks.finish()
            put_in_place(self.beside, self.target)
            self.whole = True
        dims = tuple(map(str, self.template.dims))
        found = recorded(self.target, {VALUES: dims, **dict.fromkeys(self.names, dims[1:])})
        whole = found.assign_coords({name: one.variable for name, one in self.template.coords.items()})
        return check_recording(whole.assign_attrs(self.template.attrs))

    def drop(self) -> None:
        """Forget what was written so far."""
        if self.chunks is not None:
            self.chunks.close()
        if not self.whole:
            removed(self.beside)
        self.lock.remove()


def store_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """Get the path of a store; raises FileFormatError unless it ends in .zarr."""
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fspath(path):
        raise FileFormatError(f"store={path!r}; expected the path of a folder that ends in .zarr.")
    target = path_of(path)
    if target.suffix != ".zarr":
        raise FileFormatError(f"store={target.name!r}; expected a name that ends in .zarr.")
    return led_to(target)
