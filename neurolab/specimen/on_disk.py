"""A recording that stays in the store it was written to: read when it is asked for, and only while it is that one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from neurolab.errors import FileFormatError
from neurolab.storage import NEVER

#: The array of values, whose description also says whether a store is still the one that was written.
VALUES = "activity"
Seal = tuple[int, int]


def seal_of(place: Path) -> Seal | None:
    """Get what tells a store from another one at its place; None where there is none."""
    try:
        found = os.stat(place / VALUES / "zarr.json")
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


class _Values(BackendArray):
    """One array of a recording's store, looked up at every reading: another may lie there by then, or none."""

    def __init__(self, place: Path, name: str, seal: Seal) -> None:
        self.place, self.name, self.seal = place, name, seal
        array = self._array()
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _check_seal(self) -> None:
        if seal_of(self.place) != self.seal:
            raise self._gone("which was recorded over, moved or removed since")

    def _array(self) -> Any:
        import zarr

        self._check_seal()
        try:
            return zarr.open_array(self.place / self.name, mode="r")
        except Exception as error:
            raise self._gone("where it is damaged") from error

    def _read(self, where: tuple[Any, ...]) -> Any:
        array = self._array()
        try:
            found = np.asarray(array.oindex[where])
        except (OSError, ValueError, RuntimeError) as error:
            raise self._gone("where it is damaged") from error
        self._check_seal()  # nobody put another one there meanwhile
        if (self.name == VALUES and np.isinf(found).any()) or (found.dtype.kind == "i" and (found == NEVER).any()):
            raise self._gone("of which a part is gone")
        return found

    def _gone(self, why: str) -> FileFormatError:
        return FileFormatError(
            f"The {self.name} of this recording lay in {self.place}, {why}. Record again; recording.load() keeps a "
            "recording in memory whatever becomes of its store, and a store of its own keeps it on disk."
        )


class _Recorded(BackendEntrypoint):
    """What lets xarray open it: it reads what is asked for, keeps it, and never writes."""

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Any = None, dims: Any = None) -> xr.Dataset:
        place = Path(filename_or_obj)
        seal = seal_of(place)
        if seal is None:
            raise FileFormatError(f"{place} holds no recording.")
        return xr.Dataset({
            name: (along, indexing.LazilyIndexedArray(_Values(place, name, seal))) for name, along in dims.items()
        })


def recorded(place: Path, dims: dict[str, tuple[str, ...]]) -> xr.DataArray:
    """Get the values of a recording with the columns beside them, all still on disk; ``dims`` of each array."""
    found = xr.open_dataset(place.absolute(), engine=_Recorded, dims=dims)
    return found.set_coords([name for name in dims if name != VALUES])[VALUES]
