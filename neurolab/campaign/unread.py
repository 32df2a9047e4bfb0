"""Trials whose scores stay in the store until they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from neurolab.campaign.pieces import seals_of
from neurolab.errors import FileFormatError

#: Scores of more bytes are left in the store: so the memory of a campaign does not grow with them. Fewer are quicker
#: to hold than to fetch, and whoever removes the store has them still.
LARGE = 2**23


class _Scores(BackendArray):
    """The scores of finished trials, looked up at every reading: somebody may have removed or replaced them.

    seals : of the scores of each lesion, as they were given out.
    """

    def __init__(self, place: Path, seals: np.ndarray) -> None:
        self.place, self.seals = place, seals
        array = self._array()
        self.shape, self.dtype, self.step = array.shape, array.dtype, array.chunks[1]
        self._near = slice(0, 0), np.empty((1, 0, 0))  # whoever asks for one lesion will ask for the next

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _array(self) -> Any:
        import zarr

        try:
            return zarr.open_array(self.place / "score", mode="r")
        except Exception as error:
            raise self._gone("cannot be read there any more") from error

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_near": (slice(0, 0), np.empty((1, 0, 0)))}

    def _read(self, where: tuple[int | slice, ...]) -> Any:
        specimen, lesion, trial = where
        if isinstance(lesion, slice):
            return self._sealed(lesion)[specimen, :, trial]
        some, found = self._near
        if not some.start <= lesion < some.stop:
            some = slice(lesion - lesion % self.step, min(lesion - lesion % self.step + self.step, self.shape[1]))
            found = self._sealed(some)
            self._near = some, found
        return found[specimen, lesion - some.start, trial].copy()

    def _sealed(self, some: slice) -> np.ndarray:
        """Read all scores of some lesions and hold them against their seals."""
        array = self._array()
        try:
            found = array[:, some]
        except (OSError, ValueError, RuntimeError) as error:
            raise self._gone("are damaged there") from error
        if found.shape[2:] != self.shape[2:] or not np.array_equal(seals_of(found[0]), self.seals[some]):
            raise self._gone("are not the same any more: others lie there, or they are damaged")
        return np.asarray(found)

    def _gone(self, why: str) -> FileFormatError:
        return FileFormatError(
            f"The scores of these trials lay in {self.place} and {why}. Examine again with the same store= to have "
            "them anew; trials.load() keeps them in memory whatever becomes of the store."
        )


class _Finished(BackendEntrypoint):
    """What lets xarray open them: it reads what is asked for, keeps it, and never writes."""

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Any = None, seals: Any = None) -> xr.Dataset:
        scores = indexing.LazilyIndexedArray(_Scores(Path(filename_or_obj), seals))
        return xr.Dataset({"score": (("specimen", "lesion", "trial"), scores)})


def unread(trials: xr.Dataset, place: Path, seals: np.ndarray) -> xr.Dataset:
    """Get trials with the scores that lie at ``place``: read when they are asked for, and kept from then on.

    A pickle or a copy of them that are not read yet holds the place, not the scores.
    """
    found = xr.open_dataset(place.absolute(), engine=_Finished, seals=seals)
    return trials.assign(score=found["score"].variable)
