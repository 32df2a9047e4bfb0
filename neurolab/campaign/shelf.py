"""One specimen's folder in a campaign's store, read only: what is done, and the trials of a design."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurolab.campaign.disk import safe_name, unsealed
from neurolab.campaign.journal import Ledger
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
        scores: np.ndarray | None = None
        for places, block in self.ledger.blocks(keys):
            scores = np.empty((len(keys), block.shape[1])) if scores is None else scores
            scores[places] = block
        facts = [dict(self.ledger.cells[key].facts) for key in keys]
        return (np.empty((0, 0)) if scores is None else scores), facts

    def designs(self) -> list[str]:
        """Get the digests of the designs that were begun here."""
        return sorted(path.parent.name for path in (self.folder / "designs").glob("*/outline.json"))

    def design_folder(self, design: str) -> Path:
        """Get the folder of a design, by its digest."""
        return self.folder / "designs" / safe_name(design)

    def read_outline(self, design: str) -> dict[str, Any]:
        """Get what a design's trials are made of, but for the scores: keys, coords, variables, attrs."""
        path = self.design_folder(design) / "outline.json"
        if not path.is_file():
            raise FileFormatError(f"{self.folder} knows no design {design!r}; it was not begun there.")
        found = unsealed(path.read_bytes())
        if found is None:
            raise FileFormatError(f"{path} was cut or altered; examine again with the same store= and it is made anew.")
        return found

    def trials(self, design: str) -> xr.Dataset:
        """Get the trials of a design whose every cell is done; poisoned ones are left out, attrs["poisoned"] says why.

        Raises
        ------
        UnfinishedError : cells are missing.
        """
        done, outline = self.done(), self.read_outline(design)
        failed = self.poisoned()
        missing = [key for key in outline["keys"] if key not in done and key not in failed]
        if missing:
            raise UnfinishedError(
                f"{len(missing)} of the {len(outline['keys'])} cells of {self.folder} are not done. Examine again with "
                "the same store= to compute them; nl.campaign.partial() gives what is there."
            )
        return self._filled(outline, failed)

    def partial(self, design: str) -> xr.Dataset:
        """Get the trials of a design's finished lesions; attrs["finished"] says how many of how many.

        Raises
        ------
        UnfinishedError : no lesion is finished.
        """
        done, outline = self.done(), self.read_outline(design)
        there = sum(key in done for key in outline["keys"])
        if not there:
            raise UnfinishedError(f"{self.folder}: no lesion of this design is finished yet.")
        made, planned = self._filled(outline, self.poisoned()), len(outline["keys"])
        return made if there == planned else made.assign_attrs(finished=f"{there} of {planned}")

    def _filled(self, outline: dict[str, Any], failed: dict[str, str]) -> xr.Dataset:
        from neurolab.campaign.outline import filled, skeleton_of

        keys = outline["keys"]
        rows = [at for at, key in enumerate(keys) if key in self.ledger.cells]
        skeleton = skeleton_of(outline)
        ids = skeleton["lesion_id"].values
        lost = {str(ids[at]): failed[key] for at, key in enumerate(keys) if key in failed}
        scores, facts = self.get([keys[at] for at in rows])
        made = filled(skeleton.isel(lesion=rows), scores, facts)
        return made.assign_attrs(poisoned=json.dumps(lost)) if lost else made
