"""What was committed to a store: read from its journals, believed only where seal and file agree."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neurolab.campaign.disk import sealed, unsealed
from neurolab.errors import CampaignWarning, UnfinishedError

_SHARD = re.compile(r"[\w-]+\.npy")


@dataclass(frozen=True)
class Commit:
    """One line of a journal: some cells, finished at once, or cells that failed.

    Attributes
    ----------
    campaign : digest of the identity that the cells belong to.
    shard, sha256, size : the file with the scores, what it must hold, its bytes.
    cells : key -> facts, in the order of the shard's rows.
    poisoned : key -> why the cell could not be computed.
    at, took : seconds since 1970 when it was committed; seconds of work behind it.
    """

    campaign: str
    shard: str = ""
    sha256: str = ""
    size: int = 0
    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    poisoned: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0
    took: float = 0.0

    def line(self) -> bytes:
        """Get the commit as a line of a journal."""
        return sealed(vars(self))

    @staticmethod
    def read(line: bytes) -> Commit | None:
        """Get the commit of a line, or None where the line is torn, altered or of another format."""
        content = unsealed(line)
        try:
            made = Commit(**content)
            known = isinstance(made.cells, dict) and isinstance(made.poisoned, dict)
        except TypeError:
            return None
        return made if known and (not made.cells or _SHARD.fullmatch(str(made.shard))) else None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of a commit: all but its cells, which are read again from its line when they are asked for.

    Attributes
    ----------
    rank : writer and number of the commit among its own; of equal cells those of the lowest rank count.
    start, length : where its line is in the writer's journal, in bytes.
    n : how many cells it has.
    """

    rank: tuple[str, int]
    start: int
    length: int
    shard: str
    sha256: str
    size: int
    n: int
    at: float
    took: float


class Block(NamedTuple):
    """Cells of one shard: their places among the keys that were asked for, their rows in it, scores and facts."""

    places: list[int]
    shard: str
    rows: list[int]
    scores: np.ndarray
    facts: list[Mapping[str, Any]]


class Ledger:
    """All that is finished in one specimen's folder; it only reads.

    Parameters
    ----------
    folder : the folder of one specimen.
    campaign : digest of the identity; lines of another are left out.
    thorough : compare the content of every shard with its sha256, not its length alone.
    """

    def __init__(self, folder: Path, campaign: str, *, thorough: bool = True) -> None:
        self.folder, self.campaign, self.thorough = folder, campaign, thorough
        self.cells: dict[str, Entry] = {}  # facts and rows stay on the disk: there may be very many cells
        self.poisoned: dict[str, str] = {}
        self.commits: dict[str, list[Entry]] = {}
        self.last: dict[str, int] = {}
        self._at: dict[str, int] = {}
        self._bad: dict[Entry, None] = {}
        self._said: set[str] = set()

    def refresh(self) -> None:
        """Take in what was committed since the last look, by any writer."""
        for entry in list(self._bad):
            self._take(entry, self._cells_of(entry))
        for path in sorted((self.folder / "journal").glob("*.jsonl")):
            if path.is_file():
                self.read(path)
        self._look_for_lost_lines()
        for entry in self._bad:
            lost = len(self._cells_of(entry).keys() - self.cells.keys())
            if lost:
                self._warn(f"shards/{entry.shard} is missing or damaged; its {lost} cells count as not done.")

    def _look_for_lost_lines(self) -> None:
        """Say where shards lie that no journal knows; the last one may have been written just now, or before a kill."""
        latest: dict[str, int] = {}
        for path in (self.folder / "shards").glob("*-*.npy"):
            name = path.stem.rpartition("-")[0]
            latest[name] = max(latest.get(name, 0), _number(path.name))
        for name, number in latest.items():
            lost = number - self.last.get(name, 0) - 1
            if lost > 0:
                shards = f"{lost} shard{'s' * (lost > 1)}"
                self._warn(f"journal/{name}.jsonl was cut, emptied or lost; the cells of {shards} are not done.")

    def read(self, path: Path) -> None:
        """Take in the new whole lines of one journal."""
        with path.open("rb") as opened:
            opened.seek(self.end(path.stem))
            for line in opened:
                if not line.endswith(b"\n"):
                    break
                self.enter(path.stem, Commit.read(line), len(line))

    def end(self, writer: str) -> int:
        """Get where the last line that was taken in ends in a writer's journal."""
        return self._at.get(writer, 0)

    def enter(self, writer: str, commit: Commit | None, length: int, *, checked: bool = False) -> None:
        """Take in one commit of a writer, of so many bytes; ``checked``: its shard was written just now."""
        if commit is not None:  # before all else: the number of a shard is never used again
            self.last[writer] = max(self.last.get(writer, 0), _number(commit.shard))
        if commit is None or commit.campaign != self.campaign:
            what = "a damaged line" if commit is None else "cells of another campaign"
            self._warn(f"journal/{writer}.jsonl holds {what}; those cells count as not done.")
        else:
            known = self.commits.setdefault(writer, [])
            about = commit.shard, commit.sha256, commit.size, len(commit.cells), commit.at, commit.took
            known.append(Entry((writer, len(known) + 1), self.end(writer), length, *about))
            for key, why in commit.poisoned.items():
                self.poisoned.setdefault(key, why)
            self._take(known[-1], commit.cells, checked=checked)
        self._at[writer] = self.end(writer) + length  # last: who is interrupted before reads the line again

    def _take(self, entry: Entry, keys: Iterable[str], *, checked: bool = False) -> None:
        """Count the cells of a commit as done, if its shard is as it was written."""
        if entry.n and not checked and not self._sound(entry):
            self._bad[entry] = None
            return
        self._bad.pop(entry, None)
        for key in keys:
            before = self.cells.get(key)
            if before is None or entry.rank < before.rank:  # of equal cells the same one, whoever came first
                self.cells[key] = entry

    def _cells_of(self, entry: Entry) -> Mapping[str, Mapping[str, Any]]:
        """The cells of a commit, key -> facts in the order of its rows; none where its line is not there any more."""
        try:
            with (self.folder / "journal" / f"{entry.rank[0]}.jsonl").open("rb") as opened:
                opened.seek(entry.start)
                commit = Commit.read(opened.read(entry.length))
        except OSError:
            return {}
        return commit.cells if commit and commit.sha256 == entry.sha256 else {}

    def _sound(self, entry: Entry) -> bool:
        path = self.folder / "shards" / entry.shard
        if not self.thorough:
            return path.is_file() and path.stat().st_size == entry.size
        return self._scores(entry) is not None

    def _scores(self, entry: Entry) -> np.ndarray | None:
        """The shard's scores (cells, trials), or None where the file is gone, altered or no plain float64 array."""
        try:
            raw = (self.folder / "shards" / entry.shard).read_bytes()
            if sha256_of(raw) != entry.sha256:
                return None
            scores = _array(raw)
        except (OSError, ValueError, EOFError):
            return None
        fits = isinstance(scores, np.ndarray) and scores.dtype == np.float64 and scores.ndim == 2
        return scores if fits and len(scores) == entry.n else None

    def blocks(self, keys: Sequence[str]) -> Iterator[Block]:
        """Get, shard by shard, the cells of some keys, checked.

        Raises
        ------
        UnfinishedError : a key that is not done, or whose shard was damaged since.
        """
        missing = [key for key in keys if key not in self.cells]
        if missing:
            raise UnfinishedError(f"{self.folder} lacks {len(missing)} of the {len(keys)} cells that were asked for.")
        by_shard: dict[tuple[str, int], list[int]] = {}
        for at, key in enumerate(keys):
            by_shard.setdefault(self.cells[key].rank, []).append(at)
        for places in by_shard.values():
            entry = self.cells[keys[places[0]]]
            cells, scores = self._cells_of(entry), self._scores(entry)
            row_of = {key: row for row, key in enumerate(cells)}
            if scores is None or len(cells) != entry.n or any(keys[at] not in row_of for at in places):
                self._lose(entry)
                raise UnfinishedError(
                    f"shards/{entry.shard} in {self.folder} was damaged while it was used; examine again "
                    "with the same store= to compute its cells anew."
                )
            rows = [row_of[keys[at]] for at in places]
            yield Block(places, entry.shard, rows, scores[rows], [cells[keys[at]] for at in places])

    def _lose(self, entry: Entry) -> None:
        self.cells = {key: one for key, one in self.cells.items() if one is not entry}
        self._bad[entry] = None

    def _warn(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"{self.folder}: {what}", CampaignWarning, stacklevel=2)


def _array(raw: bytes) -> np.ndarray:
    """The array of a .npy file, on its bytes as they are; raises ValueError for what numpy would have to unpickle."""
    header = io.BytesIO(raw)
    version = np.lib.format.read_magic(header)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(header)
    if fortran or dtype.hasobject:
        raise ValueError("no plain array in C order")
    return np.frombuffer(raw, dtype, offset=header.tell()).reshape(shape)


def sha256_of(content: bytes) -> str:
    """Get the sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _number(shard: str) -> int:
    digits = shard.removesuffix(".npy").rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
