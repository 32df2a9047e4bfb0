"""A campaign: one network under a whole design, planned first, then computed tile by tile, here or by many workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import xarray as xr

from neurolab.campaign.pace import Pace
from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Failure
from neurolab.campaign.shards import Shard
from neurolab.campaign.workers import Done, run_pieces
from neurolab.errors import CampaignIncomplete, listed
from neurolab.lesion import Lesion
from neurolab.specimen import room
from neurolab.specimen.ablations import own_entries, take_over
from neurolab.specimen.cells import Session, session
from neurolab.specimen.forecast import Forecast
from neurolab.specimen.keep import InMemory, OnDisk
from neurolab.specimen.plan import Block, Plan, Tile
from neurolab.specimen.promises import default_dtype
from neurolab.specimen.specimen import Specimen, Task

log = logging.getLogger("neurolab")

#: From so many lesions on, what a campaign took is given back to the system before its trials are made.
MANY = 1000


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
    max_memory: str | int | None = None
    poisoned: dict[str, str] = field(default_factory=dict)
    first: BaseException | None = None

    def run(self, workers: int = 1, shard: Shard | None = None) -> None:
        """Compute what is missing, here or by several processes; what is finished is kept whatever happens."""
        self._run(workers, shard)
        self._give_back()  # now that nothing holds the bench any more

    def _run(self, workers: int, shard: Shard | None) -> None:
        stay = isinstance(self.kept, OnDisk) and shard is None  # those of a part are given out beside NaN, in memory
        forecast = Forecast.of(self.specimen, self.design, self.tasks, max(workers, 1), self.max_memory, stay)
        settings = self.specimen, self.design, self.tasks, self.batch_size, forecast.memory
        with ExitStack() as bench:
            here: list[Session] = []

            def opened() -> Session:
                if not here:
                    here.append(bench.enter_context(session(*settings)))
                return here[0]

            plan = self.kept.plan(lambda: opened().engine.plan(self.exact))
            self._give_back()
            tiles = self._mine(plan, shard)
            forecast.say(plan, sum(len(tile.at) for tile in tiles), self.kept.folder)
            blocks = forecast.blocks(plan, tiles)
            workers = min(workers, len(blocks))
            if workers > 1:
                bench.close()
                here.clear()
            portions = Portions(blocks, workers=workers, cost=cost_of, site=site_of, parts=parts_of)
            pace = Pace(self.specimen.name, portions, workers, self._bytes(workers), show=self.progress)
            try:
                self._compute(run_pieces(portions, OnBench.of(*settings), workers=workers, here=opened), pace)
            except KeyboardInterrupt:
                self.kept.flush()
                log.warning(self._stopped())
                raise
            finally:
                self.kept.flush()

    def _give_back(self) -> None:
        """Planning, and the cells, leave much behind that nothing uses any more."""
        if len(self.design) > MANY:
            room.give_back()

    def _stopped(self) -> str:
        """What of a campaign that is stopped by hand is there when it is started again."""
        n = len(self.design)
        if isinstance(self.kept, InMemory):
            return f"Stopped; none of {n} lesions of {self.specimen.name} is kept. Type store='runs/x' to go on later."
        done = len(self.kept.store.done() & set(self.kept.keys))
        return f"Stopped; {done} of {n} lesions of {self.specimen.name} are kept in {self.kept.folder.parent}; the " \
               "same call goes on."

    def _compute(self, results: Generator[Done, None, None], pace: Pace) -> None:
        """Compute everything; without a store the first error ends it, with one the others are finished first."""
        with pace, closing(results):
            for done in results:
                for block, found in done:
                    cells = dict.fromkeys(block.at, found) if isinstance(found, Failure) else found
                    self.kept.put({at: cell for at, cell in cells.items() if not isinstance(cell, Failure)})
                    for at, cell in cells.items():
                        if isinstance(cell, Failure):
                            self._failed(at, cell)
                    pace.step(block, cost_of(block))

    def _failed(self, at: int, failure: Failure) -> None:
        if self.design[at].role == "sham" and failure.error is not None and (holding := nan_weights(self.specimen)):
            failure.error.add_note(f"That is {self.specimen.name!r} without a lesion: its weights {holding} hold NaN.")
        if failure.error is not None and isinstance(self.kept, InMemory):
            raise failure.error
        self.poisoned[self.design[at].id] = failure.said
        self.first = self.first or failure.error
        self.kept.poison(at, failure.said)

    def _bytes(self, workers: int) -> dict[str, float]:
        """What the campaign takes: scores in memory (and in the store), and a network per worker."""
        scores = len(self.design) * sum(len(task.stimuli) for task in self.tasks) * 8.0
        weights = sum(one.numel() * one.element_size() for one in self.specimen.model.parameters())
        return {"scores": scores, "networks": float(weights * (workers if workers > 1 else 1))}

    def check_whole(self, trials: Callable[[], xr.Dataset]) -> None:
        """Raise CampaignIncomplete where lesions could not be computed; it carries the partial trials."""
        if not self.poisoned:
            return
        kept = "" if isinstance(self.kept, InMemory) else " and kept in the store; the same call tries these again"
        first = next(iter(self.poisoned.values())).partition("\n")[0]
        others = f" All others are finished{kept}." if len(self.poisoned) < len(self.design) else ""
        raise CampaignIncomplete(
            f"{len(self.poisoned)} of {len(self.design)} lesions of {self.specimen.name!r} could not be computed: "
            f"{listed(self.poisoned, most=4)}. The first failed with {first}{others} "
            "Leave these out of the design, or go on with the others: neurolab.trials.finished(error.trials).",
            trials=trials(), failed=self.poisoned,
        ) from self.first

    def _mine(self, plan: Plan, shard: Shard | None) -> list[Tile]:
        """What is to be computed: of the shard, what is missing."""
        missing = self.kept.missing(plan)
        if shard is None:
            return missing
        tiles = list(plan.tiles())
        mine = {tiles[place].at for place in shard.places([cost_of(tile) for tile in tiles])}
        return [tile for tile in missing if tile.at in mine]


def nan_weights(specimen: Specimen) -> str:
    """Get the names of a network's weights that hold NaN, as prose; empty where none does."""
    every = specimen.model.named_parameters()
    return listed([name for name, one in every if one.is_floating_point() and bool(one.isnan().any())], most=4,
                  empty="")


def cost_of(piece: Tile | Block) -> float:
    """Get what a tile or a block costs, in lesions."""
    return float(len(piece.at))


def site_of(block: Block) -> int:
    """Get what a block shares with its neighbours: the group, which is one of sites."""
    return block.group


def parts_of(block: Block) -> list[Block]:
    """Get what a block that kills its worker is cut into: its tiles."""
    return [Block((tile,)) for tile in block.tiles]


@dataclass(frozen=True)
class OnBench:
    """What a worker must know of a campaign.

    others : the entries of ablations that are not the package's own. dtype : torch's default.
    """

    specimen: Specimen
    design: Sequence[Lesion]
    tasks: Sequence[Task]
    batch_size: int
    memory: int
    others: dict[type, Any]
    dtype: torch.dtype

    @classmethod
    def of(
        cls, specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int, memory: int
    ) -> OnBench:
        """Get it for a campaign that is planned in this process."""
        return cls(specimen, design, tasks, batch_size, memory, own_entries(), torch.get_default_dtype())

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Put the network on the bench of this process."""
        take_over(self.others)
        settings = self.specimen, self.design, self.tasks, self.batch_size, self.memory
        with default_dtype(self.dtype), session(*settings) as here:
            yield here
