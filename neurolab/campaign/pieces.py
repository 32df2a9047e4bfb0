"""The scores of a design as they lie in the shards of its cells, read some lesions at a time."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurolab.errors import UnfinishedError

if TYPE_CHECKING:
    from neurolab.campaign.journal import Block


def seals_of(scores: np.ndarray) -> np.ndarray:
    """Get a CRC-32 of the scores (trials,) of each lesion, by which they are known again.

    Example
    -------
    >>> seals_of(np.zeros((2, 3))).tolist()
    [2747386400, 2747386400]
    """
    return np.array([zlib.crc32(row) for row in np.ascontiguousarray(scores)], dtype=np.uint32)


class Pieces:
    """Where the scores of each lesion of a design are, what reads them, and the seal of each."""

    def __init__(self, folder: Path, lesions: int, trials: int) -> None:
        self.folder, self.shape = folder, (lesions, trials)
        self._shards: list[str] = []
        self._at = np.zeros((lesions, 2), dtype=np.int64)  # number of the shard, row in it
        self.seals = np.zeros(lesions, dtype=np.uint32)

    def keep(self, places: list[int], block: Block) -> None:
        """Note where the scores of some lesions are."""
        self._at[places] = np.column_stack([np.full(len(places), len(self._shards)), block.rows])
        self._shards.append(block.shard)
        self.seals[places] = seals_of(block.scores)

    def read(self, span: slice) -> np.ndarray:
        """Get the scores (lesions, trials) of some neighbours of the design.

        Raises UnfinishedError where they are not those any more that were kept.
        """
        shard, row = self._at[span].T
        made = np.empty((len(shard), self.shape[1]))
        for number in np.unique(shard):
            here, path = np.flatnonzero(shard == number), self.folder / self._shards[number]
            try:
                made[here] = np.load(path, mmap_mode="r", allow_pickle=False)[row[here]]
            except (OSError, ValueError, IndexError):
                made[here] = np.nan
        if not np.array_equal(seals_of(made), self.seals[span]):
            raise UnfinishedError(
                f"Scores in {self.folder} were damaged while they were used; examine again with the same store= to "
                "compute their cells anew."
            )
        return made
