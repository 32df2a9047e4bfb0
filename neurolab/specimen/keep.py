"""Where the cells of a campaign go: memory, or a store on disk that a stopped campaign is resumed from."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.campaign import Cell as StoredCell
from neurolab.campaign import Store, filled
from neurolab.digest import digest_of
from neurolab.lesion import Lesion
from neurolab.specimen.cells import Cell
from neurolab.specimen.identity import check_references
from neurolab.specimen.plan import Plan, Tile

#: Seconds of work that are committed together, unless a tile takes longer.
COMMIT = 0.5
#: Bytes of scores that wait at most: they are copied twice as they are written.
MOST = 2**19


def facts_of(cell: Cell) -> dict[str, Any]:
    """Get what is kept of a cell besides its scores, as variables of trials; what is unknown is None."""
    one = cell.certificate
    numbers = {f"certificate_{name}": float(getattr(one, name))
               for name in ("fired", "changed", "downstream", "off_distribution")}
    known = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    return {"vacuous": one.vacuous, "certificate_path": one.path, **known}


class InMemory:
    """Cells that are lost when the process ends."""

    folder = None

    def __init__(self, skeleton: xr.Dataset, design: Sequence[Lesion]) -> None:
        self.skeleton = skeleton
        self.design = design
        self.scores = np.full((len(design), skeleton.sizes["trial"]), np.nan)
        self.facts: list[dict[str, Any]] = [{} for _ in design]

    def plan(self, make: Callable[[], Plan]) -> Plan:
        """Get the plan; made anew."""
        return make()

    def missing(self, plan: Plan) -> list[Tile]:
        """Get the tiles that are still to be computed."""
        return list(plan.tiles())

    def put(self, cells: Mapping[int, Cell]) -> None:
        """Keep some cells."""
        for at, cell in cells.items():
            self.scores[at], self.facts[at] = cell.scores, facts_of(cell)

    def poison(self, at: int, why: str) -> None:
        """Note that a lesion cannot be computed; its scores stay missing."""

    def flush(self) -> None:
        """Nothing is waiting."""

    def trials(self, partial: str = "") -> xr.Dataset:
        """Get the trials; ``partial`` says why some lesions may be missing."""
        skeleton = self.skeleton.assign_attrs(partial=partial) if partial else self.skeleton
        return filled(skeleton, self.scores, self.facts)


class OnDisk:
    """Cells in a store: what is there already is not computed again.

    cohort : the names of the networks in which such a design is examined, where there are several.
    """

    def __init__(
        self, store: Store, skeleton: xr.Dataset, design: Sequence[Lesion], cohort: Sequence[str] = ()
    ) -> None:
        self.store, self.cohort = store, cohort
        self.folder = store.folder
        self.skeleton: xr.Dataset | None = skeleton  # until it is in the store
        self.design = design
        check_references(design)
        override = skeleton.attrs.get("override")  # what was overridden is said of these trials, not of others
        self.digest = digest_of([[lesion.id, lesion.digest] for lesion in design], *([override] if override else []))
        self.keys: list[str] = []
        self.waiting: dict[str, StoredCell] = {}
        self.since = time.monotonic()

    def plan(self, make: Callable[[], Plan]) -> Plan:
        """Get the plan that is stored, made where there is none yet, before the first cell."""
        plan = Plan.from_json(self.store.plan(self.digest, lambda: make().as_json()))
        self.keys = self._keys(plan)
        if self.skeleton is not None:
            self.store.outline(self.digest, self.skeleton, self.keys, cohort=self.cohort)
            self.skeleton = None
        return plan

    def _keys(self, plan: Plan) -> list[str]:
        """What names each cell: its lesion and how its tile is computed; equal lesions are told apart by a number."""
        keys, met = [""] * len(self.design), Counter[tuple[str, str]]()
        for tile in plan.tiles():
            recipe = plan.recipe(tile, self.design)
            for at in tile.at:
                same = self.design[at].digest, recipe
                keys[at] = self.store.key(self.design[at].digest, [recipe, met[same]])
                met[same] += 1
        return keys

    def missing(self, plan: Plan) -> list[Tile]:
        """Get the tiles of which a cell is missing."""
        done = self.store.done()
        return [tile for tile in plan.tiles() if not all(self.keys[at] in done for at in tile.at)]

    def put(self, cells: Mapping[int, Cell]) -> None:
        """Keep some cells; they are committed with those of their half second, or sooner where they are large."""
        self.waiting |= {self.keys[at]: StoredCell(cell.scores, facts_of(cell)) for at, cell in cells.items()}
        size = len(self.waiting) * max((cell.scores.nbytes for cell in cells.values()), default=0)
        if time.monotonic() - self.since > COMMIT or size > MOST:
            self.flush()

    def poison(self, at: int, why: str) -> None:
        """Note that a lesion cannot be computed."""
        self.store.poison({self.keys[at]: why})

    def flush(self) -> None:
        """Commit what is waiting."""
        if self.waiting:
            self.store.put(self.waiting)
        self.waiting = {}
        self.since = time.monotonic()

    def trials(self, partial: str = "") -> xr.Dataset:
        """Get the trials; written whole into the store unless some lesions are missing."""
        done = self.store.done()
        if all(key in done for key in self.keys):
            return self.store.finalise(self.digest)
        return self.store.partial(self.digest).assign_attrs(partial=partial)


def lesions_of(tiles: Iterable[Tile]) -> int:
    """Get how many lesions there are in some tiles."""
    return sum(len(tile.at) for tile in tiles)
