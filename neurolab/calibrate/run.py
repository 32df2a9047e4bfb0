"""Measure every entry: blocks of simulations with streams of their own, each finished entry written at once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from neurolab.calibrate.code import code_of
from neurolab.calibrate.entry import NOMINAL, Entry
from neurolab.calibrate.judge import clopper_pearson, judge, worst
from neurolab.campaign.pool import turn
from neurolab.campaign.serving import end_with
from neurolab.chance import generator
from neurolab.digest import digest_of

BLOCK = 100
QUICK_N = 200
LEAST_EFFECT = 100
KEY = ("settings", "code")  # what a row was measured under, as digests


class Counts(NamedTuple):
    """What was counted over simulations: how many rejected, how many covered, of how many, in how many seconds."""

    n: int = 0
    rejected: int = 0
    covered: int = 0
    seconds: float = 0.0

    def plus(self, other: Counts) -> Counts:
        """Get both together."""
        n, rejected, covered, seconds = (a + b for a, b in zip(self, other))
        return Counts(int(n), int(rejected), int(covered), seconds)


Pair = tuple[Counts, Counts]  # at the edge, at the stated effect


class Job(NamedTuple):
    """One block of one entry, at the edge or at the stated effect."""

    entry: Entry
    where: str
    block: int
    n: int
    rng: int


def measure(job: Job) -> Counts:
    """Get the counts of one block; the same in any order and on any number of workers."""
    entry = job.entry
    stream = generator(job.rng, "calibrate", entry.name, job.where, job.block)
    effect = entry.at if job.where == "edge" else float(entry.power_at or 0.0)
    started, total = time.process_time(), Counts()
    while total.n < job.n:
        p, low, high, truth = (np.ravel(part).astype(float) for part in entry.draw(stream, effect))
        covered = (low <= truth) & (truth <= high)
        total = total.plus(Counts(entry.at_once, int((p <= NOMINAL).sum()), int(covered.sum())))
    return total._replace(seconds=time.process_time() - started)


def jobs_of(entry: Entry, n: int, rng: int) -> list[Job]:
    """Get the blocks of an entry: n simulations at the edge, a quarter of that at the stated effect.

    Where one draw is many simulations, ten draws cost nothing and are the least.
    """
    sizes = {"edge": max(n, 10 * entry.at_once if entry.at_once > 1 else 1)}
    if entry.power_at is not None:
        sizes["effect"] = max(LEAST_EFFECT, sizes["edge"] // 4)
    block = max(BLOCK, entry.at_once)
    return [
        Job(entry, where, start // block, min(block, size - start), rng)
        for where, size in sizes.items()
        for start in range(0, size, block)
    ]


def row_of(entry: Entry, edge: Counts, effect: Counts) -> dict[str, Any]:
    """Get one row of the table from what was counted."""
    row: dict[str, Any] = {
        "name": entry.name, "test": entry.test, "kind": entry.kind, "edge": entry.edge, "n": entry.n,
        "n_simulations": edge.n, "n_effect": effect.n, "stated_effect": entry.effect,
        "seconds": round(edge.seconds + effect.seconds, 2),
    }  # fmt: skip
    verdicts = []
    if entry.rejects:
        verdicts.append(judge(entry.rejects, edge.rejected, edge.n))
        row |= {"nominal": entry.rejects.level, "attainable": entry.rejects.target}
        row |= _rate("rate", edge.rejected, edge.n)
        row |= {"power": effect.rejected / effect.n} if effect.n else {}
    if entry.interval:
        # an interval that inverts its test tells nothing new at the edge, so it is looked at where there is an effect
        at = effect if effect.n else edge
        verdicts.append(judge(entry.interval, at.covered, at.n, coverage=True))
        row |= {"promised": entry.interval.level, "attained": entry.interval.target, "n_coverage": at.n}
        row |= _rate("coverage", at.covered, at.n)
    return row | {"verdict": worst(verdicts)}


def _rate(name: str, hits: int, n: int) -> dict[str, float]:
    low, high = clopper_pearson(hits, n)
    return {name: hits / n, f"{name}_low": low, f"{name}_high": high}


class Shelf:
    """What was counted of finished entries, one file each, under the settings and the code that it came from."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def key(self, entry: Entry, n: int, rng: int) -> dict[str, str]:
        """Get what an entry is measured under: its effects, simulations and rng, and the code that it runs."""
        blocks = [(job.where, job.block, job.n) for job in jobs_of(entry, n, rng)]
        settings = digest_of(entry.at, entry.power_at, entry.at_once, blocks, rng)
        return {"settings": settings, "code": code_of(entry.draw)}

    def read(self, entry: Entry, key: dict[str, str] | None = None) -> Pair | None:
        """Get what was counted before under this key (None: under any), or None."""
        kept = self._kept(entry)
        if not kept or (key is not None and key != {name: kept[name] for name in key}):
            return None
        return Counts(*kept["edge"]), Counts(*kept["effect"])

    def has(self, entry: Entry) -> bool:
        """Whether anything of an entry is kept."""
        return bool(self._kept(entry))

    def kept_key(self, entry: Entry) -> dict[str, str]:
        """Get what a kept entry was measured under."""
        kept = self._kept(entry)
        return {name: kept[name] for name in KEY if name in kept}

    def outdated(self, entry: Entry) -> bool:
        """Whether code that a kept entry reaches was changed after it was measured."""
        kept = self._kept(entry)
        return bool(kept) and kept["code"] != code_of(entry.draw)

    def _kept(self, entry: Entry) -> dict[str, Any]:
        path = self._path(entry)
        return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}

    def write(self, entry: Entry, key: dict[str, str], edge: Counts, effect: Counts) -> None:
        """Keep counts: first beside their place, then renamed, so that a stopped run leaves no half file."""
        path = self._path(entry)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        content = {"name": entry.name, **key, "edge": edge, "effect": effect}
        draft.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        draft.replace(path)

    def _path(self, entry: Entry) -> Path | None:
        return self.folder / f"{digest_of(entry.name)}.json" if self.folder else None


def calibrate(
    entries: Iterable[Entry],
    *,
    n: int = 2_000,
    rng: int = 0,
    n_jobs: int = 1,
    folder: Path | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Get one row per entry: its measured rate, coverage and power, and the verdict.

    Parameters
    ----------
    entries : of :data:`neurolab.calibrate.ENTRIES`, or your own.
    n : simulations at the edge of each null; a quarter of that (at least 100) at the stated effect.
    rng : integer; every block of simulations has a stream of its own, so ``n_jobs`` changes nothing.
    folder : where each finished row is kept; a second start measures only what is missing or was changed.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES
    >>> row = calibrate([ENTRIES["cochran_q"]], n=200, progress=False)[0]
    >>> row["n_simulations"], row["verdict"]
    (200, 'holds')
    """
    chosen, shelf = list(entries), Shelf(folder)
    keys = {entry.name: shelf.key(entry, n, rng) for entry in chosen}
    kept = {entry.name: shelf.read(entry, keys[entry.name]) for entry in chosen}
    counted = {name: pair for name, pair in kept.items() if pair is not None}
    todo = [entry for entry in chosen if entry.name not in counted]
    for entry, edge, effect in _measured(todo, n, rng, n_jobs, progress=progress):
        shelf.write(entry, keys[entry.name], edge, effect)
        counted[entry.name] = edge, effect
    return [row_of(entry, *counted[entry.name]) | keys[entry.name] for entry in chosen]


def as_measured(entries: Iterable[Entry], folder: Path) -> list[dict[str, Any]]:
    """Get the rows of what lies finished in a folder, whatever n it was given; nothing is measured.

    A row says ``outdated`` where code that it reaches was changed after it was measured.
    """
    shelf = Shelf(folder)
    found = {entry.name: (entry, pair) for entry in entries if (pair := shelf.read(entry)) is not None}
    return [
        row_of(entry, *pair) | {"outdated": shelf.outdated(entry), **shelf.kept_key(entry)}
        for entry, pair in found.values()
    ]


def _measured(
    entries: Sequence[Entry], n: int, rng: int, n_jobs: int, *, progress: bool
) -> Iterator[tuple[Entry, Counts, Counts]]:
    from tqdm import tqdm

    jobs = [job for entry in entries for job in jobs_of(entry, n, rng)]
    left = {entry.name: sum(job.entry is entry for job in jobs) for entry in entries}
    counted = {(entry.name, where): Counts() for entry in entries for where in ("edge", "effect")}
    # blocks differ a hundredfold in what they cost, so the bar counts estimated seconds, not blocks
    cost = {entry.name: _seconds(entry, rng) for entry in entries} if progress else {}
    total = sum(cost.get(job.entry.name, 0.0) * job.n for job in jobs)
    shape = "{desc}: {percentage:3.0f}% |{bar}| {elapsed} gone, {remaining} left"
    hidden = not progress or not jobs
    with turn(), tqdm(total=total, desc="calibrate", bar_format=shape, disable=hidden) as bar:
        pool = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        for job, counts in pool(delayed(_told)(job, os.getpid()) for job in jobs):
            name = job.entry.name
            counted[name, job.where] = counted[name, job.where].plus(counts)
            left[name] -= 1
            bar.update(cost.get(name, 0.0) * job.n)
            if not left[name]:
                yield job.entry, counted[name, "edge"], counted[name, "effect"]


def _told(job: Job, parent: int) -> tuple[Job, Counts]:
    end_with(parent)
    return job, measure(job)


def _seconds(entry: Entry, rng: int) -> float:
    """Get what one simulation of an entry takes: the second of two draws, the first one imports."""
    measure(Job(entry, "edge", -1, 1, rng))
    timed = measure(Job(entry, "edge", -2, 1, rng))
    return max(timed.seconds / timed.n, 1e-6)
