"""One specimen's folder in a campaign's store, read only: what is done, and the trials of a design."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurolab.campaign.disk import safe_name, unsealed
from neurolab.campaign.journal import Block, Ledger
from neurolab.campaign.outline import Columns, completed, shape_of, skeleton_of, unpacking
from neurolab.campaign.pieces import Pieces
from neurolab.errors import FileFormatError, UnfinishedError

if TYPE_CHECKING:
    import xarray as xr


class Shelf:
    """What is finished of one specimen; nothing is written. :class:`neurolab.campaign.Store` adds the writing."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = folder, ledger

    def done(self) -> frozenset[str]:
        """Get the keys of all cells that are finished, whoever computed them, as of now."""
        self.ledger.refresh()
        return frozenset(self.ledger.cells)

    def poisoned(self) -> dict[str, str]:
        """Get the cells that could not be computed, and why; looked up at the last :meth:`done`."""
        return {key: why for key, why in self.ledger.poisoned.items() if key not in self.ledger.cells}

    def get(self, keys: Sequence[str]) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """Get the scores (n_cells, n_trials) and the facts of finished cells, in the order of ``keys``.

        Raises
        ------
        UnfinishedError : one of them is not done.
        """
        scores, facts = np.empty((0, 0)), [dict[str, Any]() for _ in keys]
        for block in self.ledger.blocks(keys):
            scores = scores if scores.size else np.empty((len(keys), block.scores.shape[1]))
            scores[block.places] = block.scores
            for at, known in zip(block.places, block.facts):
                facts[at] = dict(known)
        return scores, facts

    def designs(self) -> list[str]:
        """Get the digests of the designs that were begun here."""
        return sorted(path.parent.name for path in (self.folder / "designs").glob("*/outline.json"))

    def design_folder(self, design: str) -> Path:
        """Get the folder of a design, by its digest."""
        return self.folder / "designs" / safe_name(design)

    def read_outline(self, design: str, mapping: Callable[[dict[str, Any]], Any] | None = None) -> dict[str, Any]:
        """Get what a design's trials are made of, but for the scores: keys, coords, variables, attrs."""
        path = self.design_folder(design) / "outline.json"
        if not path.is_file():
            raise FileFormatError(f"{self.folder} knows no design {design!r}; it was not begun there.")
        found = unsealed(path.read_bytes(), mapping)
        if found is None:
            raise FileFormatError(f"{path} was cut or altered; examine again with the same store= and it is made anew.")
        return found

    def missing(self, design: str) -> list[str]:
        """Get the keys of a design's cells that are neither done nor poisoned, as of now."""
        return self._missing(self.read_outline(design)["keys"])

    def _missing(self, keys: Sequence[str]) -> list[str]:
        done, failed = self.done(), self.poisoned()
        return [key for key in keys if key not in done and key not in failed]

    def trials(self, design: str) -> xr.Dataset:
        """Get the trials of a design whose every cell is done.

        Raises
        ------
        UnfinishedError : cells are missing, or could not be computed.
        """
        return self._filled(self._whole(design))

    def _whole(self, design: str) -> dict[str, Any]:
        """The outline of a design whose every cell is done."""
        outline = self.read_outline(design, unpacking())
        missing, keys = self._missing(outline["keys"]), set(outline["keys"])
        failed = {key: why for key, why in self.poisoned().items() if key in keys}
        if missing or failed:
            why = next(iter(failed.values()), "")
            raise UnfinishedError(
                f"{len(missing)} of the {len(keys)} cells of {self.folder} are not done and {len(failed)} could not be "
                f"computed{f' ({why})' if why else ''}. Examine again with the same store= to compute them; "
                "neurolab.campaign.partial() gives what is there."
            )
        return outline

    def partial(self, design: str) -> xr.Dataset:
        """Get the trials of a design with what is finished of it; the scores of all other lesions are NaN.

        attrs["partial"] says how many are there, attrs["failed"] (JSON, lesion_id -> why) what could not be computed;
        neither is there when all is done. ``neurolab.trials.finished`` keeps the lesions that are there.
        """
        return self._filled(self.read_outline(design, unpacking()))

    def _filled(self, outline: dict[str, Any]) -> xr.Dataset:
        """Put what is finished into an outline, unpacked, which is used up."""
        scores = np.full(shape_of(outline), np.nan)

        def keep(places: list[int], block: Block) -> None:
            scores[places] = block.scores

        skeleton, columns = self._gathered(outline, keep)
        return completed(skeleton, scores, columns)

    def _in_pieces(self, outline: dict[str, Any]) -> tuple[xr.Dataset, Pieces]:
        """The same, but for the scores: zeros stand in for them, and what reads them from the shards."""
        pieces = Pieces(self.folder / "shards", *shape_of(outline))
        skeleton, columns = self._gathered(outline, pieces.keep)
        return completed(skeleton, np.broadcast_to(0.0, pieces.shape), columns), pieces

    def _gathered(
        self, outline: dict[str, Any], keep: Callable[[list[int], Block], None]
    ) -> tuple[xr.Dataset, Columns]:
        """What is known of every lesion, while ``keep`` is given what is finished, with its places in the design."""
        done, failed, skeleton, keys = self.done(), self.poisoned(), skeleton_of(outline), outline["keys"]
        outline.clear()  # it takes as much memory as the trials without their scores
        rows = [at for at, key in enumerate(keys) if key in done]
        columns = Columns(len(keys))
        for block in self.ledger.blocks([keys[at] for at in rows]):
            places = [rows[at] for at in block.places]
            keep(places, block)
            columns.put(places, block.facts)
        ids = skeleton["lesion_id"].values
        lost = {str(ids[at]): failed[key] for at, key in enumerate(keys) if key in failed}
        said = {"failed": json.dumps(lost)} if lost else {}
        if len(rows) < len(keys):
            said["partial"] = f"{len(rows)} of {len(keys)} lesions of {skeleton['specimen'].values[0]} are done"
        return skeleton.assign_attrs(said), columns
