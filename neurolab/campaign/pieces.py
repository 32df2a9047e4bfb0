"""The scores of a design as they lie in the shards of its cells, read some lesions at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurolab.campaign.journal import Block


class Pieces:
    """Where the scores of each lesion of a design are, and what reads them."""

    def __init__(self, folder: Path, lesions: int, trials: int) -> None:
        self.folder, self.shape = folder, (lesions, trials)
        self._shards: list[str] = []
        self._at = np.zeros((lesions, 2), dtype=np.int64)  # number of the shard, row in it

    def keep(self, places: list[int], block: Block) -> None:
        """Note where the scores of some lesions are."""
        self._at[places] = np.column_stack([np.full(len(places), len(self._shards)), block.rows])
        self._shards.append(block.shard)

    def read(self, span: slice) -> np.ndarray:
        """Get the scores (lesions, trials) of some neighbours of the design."""
        shard, row = self._at[span].T
        made = np.empty((len(shard), self.shape[1]))
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            kept = np.load(self.folder / self._shards[number], mmap_mode="r", allow_pickle=False)
            made[here] = kept[row[here]]
        return made
