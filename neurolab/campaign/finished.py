"""The finished trials of a design on disk, in one step, and what is finished of a whole campaign."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurolab.campaign import disk

if TYPE_CHECKING:
    import xarray as xr

#: What gets the scores (lesions, trials) of some neighbours of a design.
Read = Callable[[slice], np.ndarray]
#: Bytes of the scores that are written at a time.
CHUNK = 2**18


def write_trials(trials: xr.Dataset, read: Read, target: Path, by: str) -> None:
    """Write trials as zarr beside their place and rename; equal ones that are there already are left.

    Parameters
    ----------
    trials : of one specimen; of their scores the shape and what is said of them is taken.
    read : gets the scores (lesions, trials) of some lesions; it is asked for a few at a time.
    """
    from neurolab.storage import count_chunks

    if _holds(target, trials, read):
        return
    draft, old = (target.with_name(f".{target.name}.{by}.{end}") for end in ("part", "old"))
    disk.remove(draft)
    try:
        _write(draft, trials, read)
        count_chunks(draft)
        for path in _files(draft):
            disk.sync_file(path)
        if target.exists():
            disk.remove(old)
            os.replace(target, old)
        try:
            os.replace(draft, target)
        except OSError:
            if not _holds(target, trials, read):  # else another writer was first
                raise
    finally:
        disk.remove(draft)
        disk.remove(old)


def _write(draft: Path, trials: xr.Dataset, read: Read) -> None:
    import zarr

    from neurolab.storage import with_checksums

    dims, shape, attrs = trials["score"].dims, trials["score"].shape, trials["score"].attrs
    nothing = np.broadcast_to(np.nan, shape)  # the fill value: no chunk of it is written
    step = _step(trials)
    with zarr.config.set({"async.concurrency": 1}):  # else all chunks are copied and packed at once
        whole = trials.assign(score=(dims, nothing, attrs))
        encoding = with_checksums(whole)
        encoding["score"] = {**encoding["score"], "chunks": (1, step, max(shape[2], 1))}
        whole.to_zarr(draft, zarr_format=3, consolidated=False, encoding=encoding)
        scores = zarr.open_array(draft / "score", mode="r+")
        for span in _spans(trials):
            scores[0, span] = read(span)


def _step(trials: xr.Dataset) -> int:
    """How many lesions are written at a time, whole: those of a chunk."""
    _, lesions, shown = trials["score"].shape
    return min(max(1, CHUNK // max(8 * shown, 1)), max(lesions, 1))


def _spans(trials: xr.Dataset) -> Iterator[slice]:
    step = _step(trials)
    return (slice(start, start + step) for start in range(0, trials.sizes["lesion"], step))


def _holds(target: Path, trials: xr.Dataset, read: Read) -> bool:
    """Whether equal trials are there; their scores are compared a few lesions at a time."""
    import xarray as xr

    from neurolab.storage import with_plain_texts, without_count

    try:
        with xr.open_zarr(target, consolidated=False, chunks=None) as found:
            there, here = found["score"], trials["score"]
            return (
                (there.dims, there.shape, there.dtype, there.attrs) == (here.dims, here.shape, here.dtype, here.attrs)
                and without_count(with_plain_texts(found.drop_vars("score").load())).identical(
                    trials.drop_vars("score"))
                and all(np.array_equal(there[0, span].values, read(span)) for span in _spans(trials))
            )
    except Exception:  # not there, or damaged from outside
        return False


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
