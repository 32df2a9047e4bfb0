"""What was committed to a store: read from its journals, believed only where seal and file agree."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Kept:
    """Where the scores of one cell are, and what is known of it."""

    rank: tuple[str, int]
    commit: Commit
    row: int
    facts: Mapping[str, Any]


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
        self.cells: dict[str, Kept] = {}
        self.poisoned: dict[str, str] = {}
        self.commits: dict[str, list[Commit]] = {}
        self.last: dict[str, int] = {}
        self._at: dict[str, int] = {}
        self._bad: dict[tuple[str, int], Commit] = {}
        self._said: set[str] = set()

    def refresh(self) -> None:
        """Take in what was committed since the last look, by any writer."""
        for rank, commit in list(self._bad.items()):
            self._take(rank, commit)
        for path in sorted((self.folder / "journal").glob("*.jsonl")):
            self.read(path)
        for commit in self._bad.values():
            lost = len(commit.cells.keys() - self.cells.keys())
            if lost:
                self._warn(f"shards/{commit.shard} is missing or damaged; its {lost} cells count as not done.")

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
            known.append(commit)
            self._take((writer, len(known)), commit, checked=checked)
        self._at[writer] = self.end(writer) + length  # last: who is interrupted before reads the line again

    def _take(self, rank: tuple[str, int], commit: Commit, *, checked: bool = False) -> None:
        for key, why in commit.poisoned.items():
            self.poisoned.setdefault(key, why)
        if commit.cells and not checked and not self._sound(commit):
            self._bad[rank] = commit
            return
        self._bad.pop(rank, None)
        for row, (key, facts) in enumerate(commit.cells.items()):
            before = self.cells.get(key)
            if before is None or rank < before.rank:  # of equal cells the same one, whoever came first
                self.cells[key] = Kept(rank, commit, row, facts)

    def _sound(self, commit: Commit) -> bool:
        path = self.folder / "shards" / commit.shard
        if not self.thorough:
            return path.is_file() and path.stat().st_size == commit.size
        return self._scores(commit) is not None

    def _scores(self, commit: Commit) -> np.ndarray | None:
        """The shard's scores (cells, trials), or None where the file is gone, altered or no plain float64 array."""
        try:
            raw = (self.folder / "shards" / commit.shard).read_bytes()
            if sha256_of(raw) != commit.sha256:
                return None
            scores = _array(raw)
        except (OSError, ValueError, EOFError):
            return None
        fits = isinstance(scores, np.ndarray) and scores.dtype == np.float64 and scores.ndim == 2
        return scores if fits and len(scores) == len(commit.cells) else None

    def blocks(self, keys: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Get, shard by shard, the places in ``keys`` that it serves and their scores (cells, trials).

        Raises
        ------
        UnfinishedError : a key that is not done, or whose shard was damaged since.
        """
        missing = [key for key in keys if key not in self.cells]
        if missing:
            raise UnfinishedError(f"{self.folder} lacks {len(missing)} of the {len(keys)} cells that were asked for.")
        by_shard: dict[int, list[int]] = {}
        for at, key in enumerate(keys):
            by_shard.setdefault(id(self.cells[key].commit), []).append(at)
        for places in by_shard.values():
            kept = [self.cells[keys[at]] for at in places]
            scores = self._scores(kept[0].commit)
            if scores is None:
                self._lose(kept[0].commit)
                raise UnfinishedError(
                    f"shards/{kept[0].commit.shard} in {self.folder} was damaged while it was used; examine again "
                    "with the same store= to compute its cells anew."
                )
            yield places, scores[[one.row for one in kept]]

    def _lose(self, commit: Commit) -> None:
        for key in commit.cells:
            if key in self.cells and self.cells[key].commit is commit:
                self._bad[self.cells.pop(key).rank] = commit

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
