"""The store of a campaign: every finished cell is on disk at once, and a resume goes on where it stopped."""

from __future__ import annotations

import io
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurolab.campaign import disk, heap
from neurolab.campaign.identity import campaign_of, settle
from neurolab.campaign.journal import Commit, Ledger, sha256_of
from neurolab.campaign.kin import note_cohort
from neurolab.campaign.outline import shape_of
from neurolab.campaign.shelf import Shelf
from neurolab.digest import digest_of
from neurolab.errors import CampaignWarning, DataError, StoreWriteError
from neurolab.lock import Lock
from neurolab.writing import path_of

if TYPE_CHECKING:
    import xarray as xr

#: Commits are forced to the disk itself at least this often, in seconds; a killed process loses none either way.
SYNC_EVERY = 1.0


class Cell(NamedTuple):
    """What a store keeps of one lesion on all tasks: scores (n_trials,) and facts, names -> JSON scalars."""

    scores: np.ndarray
    facts: Mapping[str, Any]


class Store(Shelf):
    """The folder of one specimen in a campaign's store, open for one writer; a context manager. See :meth:`open`."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], writer: str) -> None:
        self.writer = disk.safe_name(writer)
        self._turn = threading.RLock()
        self._unsynced: list[Path] = []
        self._synced, self._last = 0.0, time.monotonic()
        journal = folder / "journal"
        with disk.writing(folder), ExitStack() as undo:
            for part in (journal, folder / "shards", folder / "designs"):
                os.makedirs(part, exist_ok=True)
            lock = Lock(journal / f"{self.writer}.lock", f"{folder} (writer {writer!r})")
            undo.callback(lock.release)
            disk.sweep(folder, self.writer)
            settle(folder, identity, self.writer)
            super().__init__(folder, Ledger(folder, campaign_of(identity)))
            self._journal = journal / f"{self.writer}.jsonl"
            self._handle = os.open(self._journal, os.O_RDWR | os.O_CREAT, 0o666)
            undo.callback(os.close, self._handle)
            self.ledger.refresh()
            self._tidy()
            disk.remove(self._next_shard())  # of a commit that was killed before its line
            self._undo = undo.pop_all()

    @classmethod
    def open(cls, path: str | os.PathLike[str], identity: Mapping[str, Any], *, writer: str = "all") -> Store:
        """Get the store of one specimen under ``path``, made if it is not there.

        Parameters
        ----------
        path : the folder of the whole campaign; each specimen has a folder of its own in it.
        identity : what the cells belong to, JSON-able; ``identity["specimen"]`` is the specimen's name.
        writer : who commits. Two writers of different names may work at once; two of one name may not.

        Raises
        ------
        CampaignMismatchError : the folder was made with another identity; lists what differs.
        StoreBusyError : another process has the same writer's name. StoreWriteError : full disk, read-only folder.

        Example
        -------
        >>> import tempfile
        >>> place = tempfile.mkdtemp()
        >>> with Store.open(place, {"specimen": "net", "weights": "ab"}) as store:
        ...     store.put({store.key("lesion digest"): Cell(np.ones(3), {"fired": 4})})
        >>> with Store.open(place, {"specimen": "net", "weights": "ab"}) as store:
        ...     store.get(sorted(store.done()))
        (array([[1., 1., 1.]]), [{'fired': 4}])
        """
        return cls(path_of(path) / disk.safe_name(str(identity["specimen"])), identity, writer)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Force what was committed to the disk and give the writer's name back."""
        if self._handle < 0:
            return
        with self._undo, disk.writing(self.folder):
            self._sync()
            self._handle = -1

    def key(self, lesion: str, recipe: Any = "") -> str:
        """Get the key of a cell: this campaign, the digest of the lesion, and the recipe by which it is computed."""
        return digest_of(self.ledger.campaign, lesion, recipe)

    # -- a design ----------------------------------------------------------------------------------------------------

    def plan(self, design: str, make: Callable[[], Any]) -> Any:
        """Get the plan of a design (JSON) as every writer sees it: ``make()`` is called where there is none yet.

        Two that make one at the same time both get that of the first. A damaged plan is made anew, with a warning.
        """
        path = self.design_folder(design) / "plan.json"
        self._settle(path, lambda: [disk.sealed(make())])
        return disk.unsealed(path.read_bytes())

    def outline(self, design: str, trials: xr.Dataset, keys: Sequence[str], *, cohort: Sequence[str] = ()) -> None:
        """Keep everything of a design's trials but the scores, and the key of each lesion's cell; the last one holds.

        cohort : the names of all networks in which these lesions are examined, where there are several.
        """
        from neurolab.campaign.outline import outlined

        outline = outlined(trials, keys)
        self.outline_as(design, outline)
        path = self.design_folder(design) / "outline.json"
        if not disk.is_made_of(path, disk.sealed_in_pieces(outline)):  # names, notes or flags of the same cells changed
            with disk.writing(self.folder):
                disk.write_whole(path, disk.sealed_in_pieces(outline), by=self.writer)
        if cohort:
            with disk.writing(self.folder):
                note_cohort(self.folder.parent, trials, cohort, f"{self.folder.name}.{self.writer}")

    def outline_as(self, design: str, outline: Mapping[str, Any]) -> None:
        """Keep an outline that another store has, unless there is one."""
        self._settle(self.design_folder(design) / "outline.json", lambda: disk.sealed_in_pieces(outline))
        self._last = time.monotonic()  # what came before was planning, not cells

    def _settle(self, path: Path, make: Callable[[], Iterable[bytes]]) -> None:
        """Write a sealed file of a design unless there is one; a damaged one is made anew."""
        with disk.writing(self.folder):
            os.makedirs(path.parent, exist_ok=True)
            if not path.exists():
                disk.write_first(path, make(), by=self.writer)
            if not disk.holds(path.read_bytes()):
                warnings.warn(f"{path} was cut or altered; it is made anew.", CampaignWarning, stacklevel=4)
                disk.write_whole(path, make(), by=self.writer)

    # -- cells -------------------------------------------------------------------------------------------------------

    def put(self, cells: Mapping[str, Cell | tuple[np.ndarray, Mapping[str, Any]]]) -> None:
        """Commit cells at once: after this returns they are done, before they are not.

        Parameters
        ----------
        cells : key -> (scores (n_trials,), facts). Those that are done already are left as they are.

        Raises
        ------
        DataError : scores that are no numbers, or facts that JSON cannot hold; nothing is committed.
        """
        with self._turn:
            fresh = {key: cell for key, cell in cells.items() if key not in self.ledger.cells}
            if fresh:
                self._commit_cells(fresh)

    def _commit_cells(self, cells: Mapping[str, Any]) -> None:
        scores = np.stack([np.asarray(scores, dtype=np.float64) for scores, _ in cells.values()])
        if scores.ndim != 2 or not np.isfinite(scores).all():
            raise DataError(f"Scores of shape {scores.shape} with NaN or inf cannot be committed; expected numbers.")
        facts = {key: dict(facts) for key, (_, facts) in cells.items()}
        try:
            disk.sealed(facts)
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(
                f"The facts of a cell cannot be committed ({error}); expected texts, numbers and truth values. Convert "
                "arrays with array.tolist(), numpy's numbers with number.item()."
            ) from error
        packed = io.BytesIO()
        np.save(packed, scores, allow_pickle=False)
        content = packed.getvalue()
        sync = time.monotonic() - self._synced >= SYNC_EVERY
        with disk.writing(self.folder):
            self._tidy()
            target = self._next_shard()
            disk.write_whole(target, content, by=self.writer, sync=sync)
            self._unsynced += [] if sync else [target]
            try:
                self._commit(Commit(self.ledger.campaign, target.name, sha256_of(content), len(content), facts))
            except OSError:
                disk.remove(target)
                raise
            if sync:
                self._sync()

    def poison(self, reasons: Mapping[str, str]) -> None:
        """Note cells that could not be computed, and why; a later :meth:`put` of the same key overrules it."""
        with self._turn, disk.writing(self.folder):
            self._tidy()
            self._commit(Commit(self.ledger.campaign, poisoned=dict(reasons)))
            self._sync()

    def _commit(self, commit: Commit) -> None:
        now = time.monotonic()
        commit = replace(commit, at=round(time.time(), 3), took=round(now - self._last, 4))
        line = commit.line()
        disk.append(self._handle, line, self.ledger.end(self.writer))
        self.ledger.enter(self.writer, commit, len(line), checked=True)
        self._last = now

    # -- upkeep ------------------------------------------------------------------------------------------------------

    def _next_shard(self) -> Path:
        return self.folder / "shards" / f"{self.writer}-{self.ledger.last.get(self.writer, 0) + 1:06d}.npy"

    def _tidy(self) -> None:
        """Cut a torn last line off the own journal; a whole one, whose commit was interrupted late, is taken in."""
        if not (self._journal.exists() and os.path.samestat(os.fstat(self._handle), os.stat(self._journal))):
            raise StoreWriteError(
                f"{self._journal} was taken away or replaced while {self.folder} was written to. What was finished is "
                "in the folder that it lies in now: put it back, or give store= the place to which it was moved."
            )
        if os.fstat(self._handle).st_size != self.ledger.end(self.writer):
            self.ledger.read(self._journal)
            os.ftruncate(self._handle, self.ledger.end(self.writer))

    def _sync(self) -> None:
        unsynced, self._unsynced = self._unsynced, []
        for path in unsynced:
            disk.sync_file(path)
        os.fsync(self._handle)
        self._synced = time.monotonic()

    def finalise(self, design: str) -> xr.Dataset:
        """Get the trials of a design and write them to ``designs/<design>/trials.zarr``, whole or not at all.

        Raises
        ------
        UnfinishedError : cells are missing, or could not be computed; :meth:`partial` gives the others.

        Returns
        -------
        The trials; scores of more than ``unread.LARGE`` bytes stay where they are written, to be read when asked for.
        """
        from neurolab.campaign.finished import write_trials
        from neurolab.campaign.unread import LARGE, unread

        target = self.design_folder(design) / "trials.zarr"
        with self._turn, disk.writing(self.folder):
            outline = self._whole(design)
            if 8 * math.prod(shape_of(outline)) <= LARGE:
                trials = self._filled(outline)
                write_trials(trials, lambda span: trials["score"].values[0, span], target, self.writer)
                return trials
            trials, pieces = self._in_pieces(outline)
            heap.give_back()  # the outline, as it was read
            write_trials(trials, pieces.read, target, self.writer)
            return unread(trials, target, pieces.seals)
