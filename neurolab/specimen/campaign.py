"""A campaign: one network under a whole design, planned first, then computed tile by tile, here or by many workers."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.cells import Cell, session
from neurolab.specimen.plan import Tile
from neurolab.specimen.specimen import Specimen, Task

log = logging.getLogger("neurolab")

#: A campaign predicted to take longer than this many seconds says so before it starts.
LONG = 10.0


@dataclass
class Campaign:
    """One network, a design and its tasks; the cells that are finished so far, by the place of their lesion."""

    specimen: Specimen
    design: Sequence[Lesion]
    tasks: Sequence[Task]
    batch_size: int = 256
    exact: str = "rounding"
    progress: bool = False
    cells: dict[int, Cell] = field(default_factory=dict)

    def run(self, workers: int) -> dict[int, Cell]:
        """Get all cells, from one process or from several."""
        for done in self._here() if workers <= 1 else self._elsewhere(workers):
            self.cells.update(done)
        return self.cells

    def _here(self) -> Iterator[dict[int, Cell]]:
        with session(self.specimen, self.design, self.tasks, self.batch_size) as here:
            plan = here.engine.plan(self.exact)
            for tile in self._announced(list(plan.tiles())):
                yield here.run(tile)

    def _announced(self, tiles: Sequence[Tile]) -> Iterator[Tile]:
        """The tiles in order, with a bar; once one has been timed, a long campaign is told what it will take."""
        from tqdm import tqdm

        n = sum(len(tile.at) for tile in tiles)
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

    def _elsewhere(self, workers: int) -> Iterator[dict[int, Cell]]:
        import joblib
        from tqdm import tqdm

        with session(self.specimen, self.design, self.tasks, self.batch_size) as here:
            plan = here.engine.plan(self.exact)
        # ablations registered from outside the package are unknown to a fresh worker
        others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
        settings = (self.specimen, self.design, self.tasks, self.batch_size, others)
        items = [joblib.delayed(_work)(*settings, item) for item in items_of(list(plan.tiles()), workers)]
        done = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(items)
        yield from tqdm(done, total=len(items), desc=self.specimen.name, unit="share", disable=self._quiet, leave=False)


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
    tiles: Iterable[Tile],
) -> dict[int, Cell]:
    """One worker's share."""
    ABLATIONS.update(others)
    with session(specimen, design, tasks, batch_size) as here:
        return {at: cell for tile in tiles for at, cell in here.run(tile).items()}
