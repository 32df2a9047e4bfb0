"""A campaign: one network under a whole design, planned first, then computed tile by tile, here or by many workers."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from neurolab.campaign.shards import Shard
from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.cells import Cell, Session, session
from neurolab.specimen.keep import InMemory, OnDisk, lesions_of
from neurolab.specimen.plan import Plan, Tile
from neurolab.specimen.specimen import Specimen, Task

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0


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
            try:
                if workers > 1 and len(tiles) > 1:
                    bench.close()
                    self._elsewhere(tiles, workers)
                else:
                    for tile in self._announced(tiles):
                        self.kept.put(tile, opened().run(tile))
            finally:
                self.kept.flush()

    def _mine(self, plan: Plan, shard: Shard | None) -> list[Tile]:
        """What is to be computed: of the shard, what is missing."""
        missing = self.kept.missing(plan)
        if shard is None:
            return missing
        tiles = list(plan.tiles())
        mine = {tiles[place].at for place in shard.places([len(tile.at) for tile in tiles])}
        return [tile for tile in missing if tile.at in mine]

    @property
    def _settings(self) -> tuple[Specimen, Sequence[Lesion], Sequence[Task], int]:
        return self.specimen, self.design, self.tasks, self.batch_size

    def _announced(self, tiles: Sequence[Tile]) -> Iterator[Tile]:
        """The tiles in order, with a bar; once one has been timed, a long campaign is told what it will take."""
        from tqdm import tqdm

        n = lesions_of(tiles)
        bar = tqdm(total=n, desc=self.specimen.name, unit="lesion", disable=self._quiet, leave=False)
        with bar:
            done = 0
            for number, tile in enumerate(tiles):
                began = time.perf_counter()
                yield tile
                bar.update(len(tile.at))
                done += len(tile.at)
                if number == 2 and self.progress:  # the sham, and the first lesion with its proof, are slower
                    self._announce((time.perf_counter() - began) / len(tile.at) * (n - done), n)

    def _announce(self, seconds: float, n: int) -> None:
        if seconds > LONG:
            megabytes = n * sum(len(task.stimuli) for task in self.tasks) * 8 / 1e6
            log.warning("%d lesions: about %.0f s and %.1f MB of scores", n, seconds, megabytes)

    @property
    def _quiet(self) -> bool:
        return not self.progress or not sys.stderr.isatty()

    # -- many workers ------------------------------------------------------------------------------------------------

    def _elsewhere(self, tiles: Sequence[Tile], workers: int) -> None:
        import joblib
        from tqdm import tqdm

        # ablations registered from outside the package are unknown to a fresh worker
        others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
        items = [joblib.delayed(_work)(*self._settings, others, item) for item in items_of(tiles, workers)]
        done = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(items)
        name, n = self.specimen.name, len(items)
        for item in tqdm(done, total=n, desc=name, unit="share", disable=self._quiet, leave=False):
            for tile, cells in item:
                self.kept.put(tile, cells)


def workers_of(n_jobs: int) -> int:
    """Get how many worker processes ``n_jobs`` means here."""
    import joblib

    return joblib.effective_n_jobs(n_jobs)


def items_of(tiles: Sequence[Tile], workers: int) -> list[list[Tile]]:
    """Contiguous shares: one per worker, up to four where each is long enough to be worth its own start."""
    n = min(len(tiles), max(workers, min(4 * workers, len(tiles) // 100)))
    bounds = [round(share * len(tiles) / n) for share in range(n + 1)]
    return [list(tiles[low:high]) for low, high in itertools.pairwise(bounds) if high > low]


def _work(
    specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int, others: dict[type, Any],
    tiles: Sequence[Tile],
) -> list[tuple[Tile, dict[int, Cell]]]:
    """One worker's share."""
    ABLATIONS.update(others)
    with session(specimen, design, tasks, batch_size) as here:
        return [(tile, here.run(tile)) for tile in tiles]
