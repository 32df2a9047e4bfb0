"""The finished trials of a design on disk, in one step, and what is finished of a whole campaign."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurolab.campaign import disk

if TYPE_CHECKING:
    import xarray as xr

#: Bytes of the scores that are written at a time.
CHUNK = 2**18


def write_trials(trials: xr.Dataset, target: Path, by: str) -> None:
    """Write trials as zarr beside their place and rename; equal ones that are there already are left."""
    import zarr

    if _holds(target, trials):
        return
    draft, old = (target.with_name(f".{target.name}.{by}.{end}") for end in ("part", "old"))
    disk.remove(draft)
    try:
        with zarr.config.set({"async.concurrency": 1}):  # else all chunks are copied and packed at once
            trials.to_zarr(draft, zarr_format=3, consolidated=False, encoding={"score": {"chunks": _chunks(trials)}})
        for path in _files(draft):
            disk.sync_file(path)
        if target.exists():
            disk.remove(old)
            os.replace(target, old)
        try:
            os.replace(draft, target)
        except OSError:
            if not _holds(target, trials):  # else another writer was first
                raise
    finally:
        disk.remove(draft)
        disk.remove(old)


def _chunks(trials: xr.Dataset) -> tuple[int, int, int]:
    """The shape of a chunk of the scores: some lesions whole, so that they are written a few at a time."""
    _, lesions, shown = trials["score"].shape
    return 1, min(max(1, CHUNK // max(8 * shown, 1)), max(lesions, 1)), max(shown, 1)


def _holds(target: Path, trials: xr.Dataset) -> bool:
    from neurolab.errors import FileFormatError
    from neurolab.storage import load

    try:
        return trials.identical(load(target))  # type: ignore[arg-type]
    except FileFormatError:  # not there, or damaged from outside
        return False


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
