"""Stores of one campaign that were filled on several machines, as one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from neurolab.campaign.disk import unsealed, write_first
from neurolab.campaign.identity import differences, read_identity
from neurolab.campaign.kin import cohort_files
from neurolab.campaign.overview import shelves, status
from neurolab.campaign.shards import Shard
from neurolab.campaign.shelf import Shelf
from neurolab.campaign.store import Cell, Store
from neurolab.errors import CampaignMismatchError, DataError, listed
from neurolab.writing import path_of

if TYPE_CHECKING:
    import pandas as pd

#: How many cells are carried over at once.
AT_ONCE = 64
#: The writer of a shard's cells.
_WRITER = re.compile(r"(\d+)-of-(\d+)")


def merge(paths: Iterable[str | os.PathLike[str]], into: str | os.PathLike[str]) -> pd.DataFrame:
    """Get several stores of one campaign as one, finished where every cell is there.

    Cells that ``into`` has already are not carried again, so a merge may be repeated as more shards come in.

    Parameters
    ----------
    paths : folders that were given as ``store=`` to runs of the same campaign, ``--shard 1/3`` and so on.
    into : a new folder, one that an earlier merge made, or one of ``paths``, which then takes the cells of the others.

    Returns
    -------
    The table of :func:`status` of ``into``: where done equals planned, ``finished`` is true.

    Raises
    ------
    CampaignMismatchError : other weights, stimuli, settings or versions, or another plan; lists what differs. Nothing
        of that store is taken.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.simulate import phantom_trials
    >>> trials, places = phantom_trials(n_specimens=1, rng=0), [tempfile.mkdtemp() for _ in range(3)]
    >>> for number, place in enumerate(places[:2]):
    ...     with Store.open(place, {"specimen": "phantom-0"}, writer=f"{number + 1}/2") as store:
    ...         keys = [store.key(name) for name in trials["lesion_id"].values]
    ...         store.outline("design", trials, keys)
    ...         mine = range(number, len(keys), 2)
    ...         store.put({keys[at]: Cell(trials["score"].values[0, at], {}) for at in mine})
    >>> merge(places[:2], places[2])["finished"].item()
    True
    """
    sources = [path_of(path) for path in paths]
    if not sources:
        raise DataError("merge() got no stores; expected the folders of the shards. Type merge(['a', 'b'], 'whole').")
    target = path_of(into)
    others = [path for path in sources if path.resolve() != target.resolve()]
    every = [shelf for path in others for shelf in shelves(path)]
    _check_alike([*(shelves(target) if len(others) < len(sources) else ()), *every])
    for shelf in every:
        with Store.open(target, read_identity(shelf.folder), writer="merge") as store:
            for design in shelf.designs():
                _carry_design(shelf, store, design)
            _carry_cells(shelf, store)
    for path in {path for source in others for path in cohort_files(source)}:
        write_first(target / path.name, path.read_bytes(), by="merge")
    for shelf in shelves(target):
        with Store.open(target, read_identity(shelf.folder), writer="merge") as store:
            for design in store.designs():
                if not store.missing(design) and not _failed(store, design):
                    store.finalise(design)
    return status(target)


def absent_shards(paths: Iterable[str | os.PathLike[str]]) -> list[Shard]:
    """Get the shards of which none of several stores holds a cell, where all of them were filled by shards.

    Nothing where another wrote any cell: of those that a merge carried nobody says which shard they were of.
    """
    every = [shelf for path in paths for shelf in shelves(path, thorough=False) if shelf.done()]
    writers = {writer for shelf in every for writer in shelf.ledger.commits}
    parts = [_WRITER.fullmatch(writer) for writer in writers]
    there = {Shard(int(part[1]), int(part[2])) for part in parts if part}
    if len(there) < len(parts):
        return []
    return [Shard(number, n) for n in sorted({one.n for one in there}) for number in range(1, n + 1)
            if Shard(number, n) not in there]


def _check_alike(every: Iterable[Shelf]) -> None:
    """Refuse before anything is written: two sources of one name that belong to two campaigns, or have two plans."""
    first: dict[str, Shelf] = {}
    for shelf in every:
        other = first.setdefault(shelf.folder.name, shelf)
        if other is shelf:
            continue
        found = [*differences(read_identity(shelf.folder), read_identity(other.folder))]
        if found:
            lines = "\n".join(f"  {name}: {here} against {there}" for name, here, there in found)
            raise CampaignMismatchError(
                f"{shelf.folder} and {other.folder} are of two campaigns:\n{lines}\nMerge only shards of one campaign."
            )
        for design in {*shelf.designs()} & {*other.designs()}:
            _check_plan(shelf, other, design)


def _check_plan(shelf: Shelf, other: Shelf, design: str) -> None:
    """Refuse shards that were computed by two plans: their cells are not those of one campaign."""
    here, there = (one.read_outline(design) for one in (shelf, other))
    found = [*differences(here, there)]
    if not found:
        return
    ids = here["coords"]["lesion_id"]["data"]
    differ = [name for name, one, another in zip(ids, here["keys"], there["keys"]) if one != another]
    found = [*differences(_plan(shelf, design), _plan(other, design)), *(one for one in found if one[0] != "keys")]
    lines = [f"  {name}: {one} against {another}" for name, one, another in found[:12]]
    raise CampaignMismatchError(
        f"{shelf.folder} and {other.folder} were computed by two plans; {len(differ)} lesions differ "
        f"({listed(differ, most=3)}):\n" + "\n".join(lines) + f"\nCopy {shelf.design_folder(design)} to where the "
        "other runs, in place of the one there, and run that shard again: it reads the plan that it finds."
    )


def _plan(shelf: Shelf, design: str) -> Any:
    path = shelf.design_folder(design) / "plan.json"
    return unsealed(path.read_bytes()) if path.is_file() else {}


def _carry_design(shelf: Shelf, store: Store, design: str) -> None:
    outline, plan = shelf.read_outline(design), _plan(shelf, design)
    if plan:
        store.plan(design, lambda: plan)
    store.outline_as(design, outline)
    _check_plan(shelf, store, design)


def _carry_cells(shelf: Shelf, store: Store) -> None:
    fresh = sorted(shelf.done() - store.done(), key=lambda key: shelf.ledger.cells[key].rank)
    for start in range(0, len(fresh), AT_ONCE):
        keys = fresh[start : start + AT_ONCE]
        scores, facts = shelf.get(keys)
        store.put({key: Cell(row, fact) for key, row, fact in zip(keys, scores, facts)})
    failed = {key: why for key, why in shelf.poisoned().items() if key not in store.done()}
    if failed.items() - store.poisoned().items():
        store.poison(failed)


def _failed(store: Store, design: str) -> bool:
    return not store.poisoned().keys().isdisjoint(store.read_outline(design)["keys"])
