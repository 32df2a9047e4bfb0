"""One specimen's folder in a campaign's store, read only: what is done, and the trials of a design."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
        outline = self.read_outline(design)
        missing, keys = self._missing(outline["keys"]), set(outline["keys"])
        failed = {key: why for key, why in self.poisoned().items() if key in keys}
        if missing or failed:
            why = next(iter(failed.values()), "")
            raise UnfinishedError(
                f"{len(missing)} of the {len(keys)} cells of {self.folder} are not done and {len(failed)} could not be "
                f"computed{f' ({why})' if why else ''}. Examine again with the same store= to compute them; "
                "neurolab.campaign.partial() gives what is there."
            )
        return self._filled(outline)

    def partial(self, design: str) -> xr.Dataset:
        """Get the trials of a design with what is finished of it; the scores of all other lesions are NaN.

        attrs["partial"] says how many are there, attrs["failed"] (JSON, lesion_id -> why) what could not be computed;
        neither is there when all is done. ``neurolab.trials.finished`` keeps the lesions that are there.
        """
        return self._filled(self.read_outline(design))

    def _filled(self, outline: dict[str, Any]) -> xr.Dataset:
        """Put what is finished into an outline, which is used up."""
        from neurolab.campaign.outline import filled, skeleton_of

        done, failed, skeleton, keys = self.done(), self.poisoned(), skeleton_of(outline), outline["keys"]
        outline.clear()  # it takes as much memory as the trials without their scores
        rows = [at for at, key in enumerate(keys) if key in done]
        scores = np.full((len(keys), skeleton.sizes["trial"]), np.nan)
        facts: list[Mapping[str, Any]] = [{} for _ in keys]
        for places, block in self.ledger.blocks([keys[at] for at in rows]):
            scores[[rows[at] for at in places]] = block
        for at in rows:
            facts[at] = self.ledger.cells[keys[at]].facts
        ids = skeleton["lesion_id"].values
        lost = {str(ids[at]): failed[key] for at, key in enumerate(keys) if key in failed}
        said = {"failed": json.dumps(lost)} if lost else {}
        if len(rows) < len(keys):
            said["partial"] = f"{len(rows)} of {len(keys)} lesions of {skeleton['specimen'].values[0]} are done"
        return filled(skeleton.assign_attrs(said), scores, facts)
