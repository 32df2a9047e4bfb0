"""Trials whose scores stay in the store until they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from neurolab.errors import FileFormatError

#: Scores of more bytes are left in the store: so the memory of a campaign does not grow with them. Fewer are quicker
#: to hold than to fetch, and whoever removes the store has them still.
LARGE = 2**23


class _Scores(BackendArray):
    """The scores of finished trials; they are looked up at every reading, for somebody may have removed them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        array = self._array()
        self.shape, self.dtype = array.shape, array.dtype

    def _array(self) -> Any:
        import zarr

        try:
            return zarr.open_array(self.place / "score", mode="r")
        except Exception as error:
            raise FileFormatError(
                f"The scores of these trials lay in {self.place} and cannot be read there any more. Examine again with "
                "the same store= to have them anew; trials.load() keeps them in memory whatever becomes of the store."
            ) from error

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        basic = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, basic, lambda where: self._array()[where])


class _Finished(BackendEntrypoint):
    """What lets xarray open them: it reads what is asked for, keeps it, and never writes."""

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Any = None) -> xr.Dataset:
        scores = indexing.LazilyIndexedArray(_Scores(Path(filename_or_obj)))
        return xr.Dataset({"score": (("specimen", "lesion", "trial"), scores)})


def unread(trials: xr.Dataset, place: Path) -> xr.Dataset:
    """Get trials with the scores that lie at ``place``: read when they are asked for, and kept from then on."""
    found = xr.open_dataset(place.absolute(), engine=_Finished)
    return trials.assign(score=found["score"].variable)
