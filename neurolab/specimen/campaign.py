"""A campaign: one network under a whole design, planned first, then computed tile by tile, here or by many workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from neurolab.campaign.pace import Pace
from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Failure
from neurolab.campaign.shards import Shard
from neurolab.campaign.workers import run_pieces
from neurolab.errors import CampaignIncomplete, listed
from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.cells import Session, session
from neurolab.specimen.keep import InMemory, OnDisk
from neurolab.specimen.plan import Plan, Tile
from neurolab.specimen.specimen import Specimen, Task


@dataclass
class Campaign:
    """One network, a design and its tasks; ``kept`` is where finished cells go."""

    specimen: Specimen
    design: Sequence[Lesion]
    tasks: Sequence[Task]
    batch_size: int
    exact: str
    kept: InMemory | OnDisk
    progress: bool = False
    poisoned: dict[str, str] = field(default_factory=dict)

    def run(self, workers: int = 1, shard: Shard | None = None) -> None:
        """Compute what is missing, here or by several processes; what is finished is kept whatever happens."""
        with ExitStack() as bench:
            here: list[Session] = []

            def opened() -> Session:
                if not here:
                    here.append(bench.enter_context(session(*self._settings)))
                return here[0]

            plan = self.kept.plan(lambda: opened().engine.plan(self.exact))
            tiles = self._mine(plan, shard)
            workers = min(workers, len(tiles))
            if workers > 1:
                bench.close()
            try:
                self._compute(Portions(tiles, workers=workers, cost=cost_of, site=site_of), workers, opened)
            finally:
                self.kept.flush()

    def _compute(self, portions: Portions, workers: int, opened: Callable[[], Session]) -> None:
        """Compute all tiles; without a store the first error ends it, with one the others are finished first."""
        pace = Pace(self.specimen.name, portions, workers, self._bytes(workers), show=self.progress)
        results = run_pieces(portions, OnBench.of(*self._settings), workers=workers, here=opened)
        with pace, closing(results):
            for done in results:
                for tile, found in done:
                    if isinstance(found, Failure):
                        self._failed(tile, found)
                    else:
                        self.kept.put(tile, found)
                    pace.step(tile, cost_of(tile))

    def _failed(self, tile: Tile, failure: Failure) -> None:
        if failure.error is not None and isinstance(self.kept, InMemory):
            raise failure.error
        for at in tile.at:
            self.poisoned[self.design[at].id] = failure.said
            self.kept.poison(at, failure.said)

    def _bytes(self, workers: int) -> dict[str, float]:
        """What the campaign takes: scores in memory (and in the store), and a network per worker."""
        scores = len(self.design) * sum(len(task.stimuli) for task in self.tasks) * 8.0
        weights = sum(one.numel() * one.element_size() for one in self.specimen.model.parameters())
        return {"scores": scores, "networks": float(weights * (workers if workers > 1 else 1))}

    def check_whole(self, trials: xr.Dataset) -> None:
        """Raise CampaignIncomplete where lesions could not be computed; it carries the partial trials."""
        if not self.poisoned:
            return
        kept = "" if isinstance(self.kept, InMemory) else " and kept in the store; the same call tries these again"
        first = next(iter(self.poisoned.values())).partition("\n")[0]
        raise CampaignIncomplete(
            f"{len(self.poisoned)} of {len(self.design)} lesions of {self.specimen.name!r} could not be computed: "
            f"{listed(self.poisoned, most=4)}. The first failed with {first} All others are finished{kept}. "
            "Leave these out of the design, or go on with the others: neurolab.trials.finished(error.trials).",
            trials=trials, poisoned=self.poisoned,
        )

    def _mine(self, plan: Plan, shard: Shard | None) -> list[Tile]:
        """What is to be computed: of the shard, what is missing."""
        missing = self.kept.missing(plan)
        if shard is None:
            return missing
        tiles = list(plan.tiles())
        mine = {tiles[place].at for place in shard.places([cost_of(tile) for tile in tiles])}
        return [tile for tile in missing if tile.at in mine]

    @property
    def _settings(self) -> tuple[Specimen, Sequence[Lesion], Sequence[Task], int]:
        return self.specimen, self.design, self.tasks, self.batch_size


def cost_of(tile: Tile) -> float:
    """Get what a tile costs, in lesions."""
    return float(len(tile.at))


def site_of(tile: Tile) -> int:
    """Get what a tile portions with its neighbours: the group, which is one of sites."""
    return tile.group


@dataclass(frozen=True)
class OnBench:
    """What a worker must know of a campaign; ``others`` are ablations registered from outside the package."""

    specimen: Specimen
    design: Sequence[Lesion]
    tasks: Sequence[Task]
    batch_size: int
    others: dict[type, Any]

    @classmethod
    def of(cls, specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int) -> OnBench:
        """Get it for a campaign that is planned in this process."""
        others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
        return cls(specimen, design, tasks, batch_size, others)

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Put the network on the bench of this process."""
        ABLATIONS.update(self.others)
        with session(self.specimen, self.design, self.tasks, self.batch_size) as here:
            yield here
