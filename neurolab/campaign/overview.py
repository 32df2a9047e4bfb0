"""What is done of a campaign, read from its folder at any moment, also while it runs; nothing is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from neurolab.campaign.identity import IDENTITY, campaign_of, read_identity
from neurolab.campaign.journal import Entry, Ledger
from neurolab.campaign.kin import cohorts, kin_of
from neurolab.campaign.shelf import Shelf
from neurolab.errors import FileFormatError, UnfinishedError, UnknownNameError, did_you_mean, listed
from neurolab.lock import alive, holder
from neurolab.writing import path_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

#: The speed of a writer is that of its latest commits.
RECENT = 20


def shelves(path: str | os.PathLike[str], *, thorough: bool = True) -> list[Shelf]:
    """Get the folders of all specimens in a campaign's store, by name.

    Raises
    ------
    FileFormatError : there is no store.
    """
    root = path_of(path)
    folders = sorted({found.parent for found in root.glob(f"*/{IDENTITY}")})
    lost = sorted({found.parents[1] for found in root.glob("*/journal/*.jsonl")} - set(folders))
    if lost:
        raise FileFormatError(
            f"{lost[0]} holds finished cells and no {IDENTITY}, which says whose they are. Examine again with the same "
            "store= and it is made anew; where the folder was copied, copy all of it."
        )
    if not folders:
        raise FileFormatError(
            f"{root} holds no store of a campaign; expected the folder that was given as examine(..., store=...)."
        )
    return [Shelf(one, Ledger(one, campaign_of(read_identity(one)), thorough=thorough)) for one in folders]


def status(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Get how far a campaign is: one row per specimen and design.

    Parameters
    ----------
    path : the folder that was given as ``store=``.

    Returns
    -------
    Table with specimen, design (short name), done, planned and failed (cells: lesions on all tasks), reasons (why each
    failed lesion did, by lesion_id), finished (``trials.zarr`` is written), bytes (of the specimen's scores),
    last_commit (UTC), running (which processes write), seconds_left (from the speed of those processes' latest commits;
    NaN where none runs). The networks of a cohort that have not begun have rows too.

    When this is invalid
    --------------------
    Deep sites cost less than early ones, so the time left is a guess until half is done. A process on another machine
    cannot be asked whether it lives: it counts as running for ten minutes after its last commit.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.campaign import Store
    >>> from neurolab.simulate import phantom_trials
    >>> trials, place = phantom_trials(n_specimens=1, rng=0), tempfile.mkdtemp()
    >>> with Store.open(place, {"specimen": "phantom-0"}) as store:
    ...     keys = [store.key(name) for name in trials["lesion_id"].values]
    ...     store.outline("design", trials, keys)
    ...     store.put({keys[0]: (trials["score"].values[0, 0], {})})
    >>> bool(status(place)["done"].item() == 1), bool(status(place)["planned"].item() == len(keys))
    (True, True)
    """
    import pandas as pd

    rows = [row for shelf in shelves(path, thorough=False) for row in _rows(shelf)]
    return pd.DataFrame(_with_those_to_come(rows, cohorts(path_of(path))))


def _with_those_to_come(rows: list[dict[str, Any]], expected: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Add a row for each network in which a design that others began is to be examined, and was not begun."""
    begun = {(row["design"], row["specimen"]) for row in rows}
    waiting = [
        {**row, "specimen": name, "done": 0, "failed": 0, "reasons": {}, "finished": False, "bytes": 0,
         "last_commit": "", "running": "", "seconds_left": float("nan")}
        for row in {row["design"]: row for row in rows}.values()
        for name in expected.get(row["design"], ())
        if (row["design"], name) not in begun
    ]  # fmt: skip
    known = {row["specimen"] for row in waiting}
    bare = [row for row in rows if not row["design"] and row["specimen"] in known]  # opened, nothing planned yet
    there = {row["specimen"]: row["running"] for row in bare}
    return [row for row in rows if row not in bare] + [
        {**row, "running": there.get(row["specimen"], "")} for row in waiting]


def _rows(shelf: Shelf) -> Iterator[dict[str, Any]]:
    done, failed = shelf.done(), shelf.poisoned()
    every = [commit for part in shelf.ledger.commits.values() for commit in part]
    last = max((commit.at for commit in every), default=0.0)
    running = _running(shelf)
    speed = sum(_speed(shelf.ledger.commits.get(writer, ())) for writer in running)
    about = {
        "bytes": sum(commit.size for commit in every),
        "last_commit": datetime.fromtimestamp(last, UTC).isoformat(" ", "seconds") if last else "",
        "running": ", ".join(f"{writer}: process {who['pid']} on {who['host']}" for writer, who in running.items()),
    }
    name = str(read_identity(shelf.folder).get("specimen", shelf.folder.name))
    for called, design in designs_of(shelf) or [("", "")]:
        outline = shelf.read_outline(design) if design else {"keys": []}
        keys = set(outline["keys"])
        left = len(keys - done - failed.keys())
        yield {
            "specimen": name, "design": called, "done": len(keys & done),
            "planned": len(keys), "failed": len(keys & failed.keys()), "reasons": _reasons(outline, failed),
            "finished": keys <= done and bool(design) and (shelf.design_folder(design) / "trials.zarr").is_dir(),
            **about,
            "seconds_left": round(left / speed, 1) if speed and left else 0.0 if keys and not left else float("nan"),
        }  # fmt: skip


def designs_of(shelf: Shelf) -> list[tuple[str, str]]:
    """Get the designs of a specimen, each with its short name, the newest first: of one name, ``~1`` is the one before.

    Designs share a name where their lesions are called alike, as those of a region that was corrected later.
    """
    begun = {one: (shelf.design_folder(one) / "plan.json") for one in shelf.designs()}
    newest = sorted(begun, key=lambda one: (-begun[one].stat().st_mtime if begun[one].exists() else 0.0, one))
    found: list[tuple[str, str]] = []
    met = Counter[str]()
    for one in newest:
        kin = kin_of(shelf.read_outline(one))
        found.append((f"{kin}~{met[kin]}" if met[kin] else kin, one))
        met[kin] += 1
    return sorted(found)


def _reasons(outline: dict[str, Any], failed: dict[str, str]) -> dict[str, str]:
    """Why each failed lesion of a design could not be computed, by lesion_id."""
    ids = outline["coords"]["lesion_id"]["data"] if outline["keys"] else []
    return {str(name): failed[key] for name, key in zip(ids, outline["keys"]) if key in failed}


def _running(shelf: Shelf) -> dict[str, dict[str, Any]]:
    locks = sorted((shelf.folder / "journal").glob("*.lock"))
    held = {path.stem: who for path in locks if (who := holder(path))}
    return {writer: who for writer, who in held.items() if _runs(who, shelf.ledger.commits.get(writer, ()))}


def _runs(who: dict[str, Any], commits: Sequence[Entry]) -> bool:
    lives = alive(who)
    if lives is not None:
        return lives
    return bool(commits) and datetime.now(UTC).timestamp() - commits[-1].at < 600


def _speed(commits: Sequence[Entry]) -> float:
    """Cells a second over the latest commits of a writer; 0 where there are none."""
    recent = [commit for commit in commits if commit.n][-RECENT:]
    took = sum(commit.took for commit in recent)
    return sum(commit.n for commit in recent) / took if took > 0 else 0.0


def partial(path: str | os.PathLike[str], *, design: str | None = None) -> xr.Dataset:
    """Get the trials of a campaign with what is finished of it, of all specimens that have begun; torch is not needed.

    Parameters
    ----------
    path : the folder that was given as ``store=``; it may be in use.
    design : the short name that :func:`status` shows, where there are several.

    Returns
    -------
    Trials; while lesions are missing their scores are NaN and attrs["partial"] says so, and which networks of a cohort
    have not begun: ``neurolab.trials.finished(trials)`` keeps the lesions that are there in every specimen.

    Raises
    ------
    UnfinishedError : nothing is finished yet. UnknownNameError : several designs, or none of that name.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.campaign import Store
    >>> from neurolab.simulate import phantom_trials
    >>> trials, place = phantom_trials(n_specimens=1, rng=0), tempfile.mkdtemp()
    >>> with Store.open(place, {"specimen": "phantom-0"}) as store:
    ...     keys = [store.key(name) for name in trials["lesion_id"].values]
    ...     store.outline("design", trials, keys)
    ...     store.put({keys[0]: (trials["score"].values[0, 0], {})})
    >>> from neurolab.trials import finished
    >>> finished(partial(place)).sizes["lesion"]
    1
    """
    from neurolab.trials import concat

    found: dict[str, list[tuple[Shelf, str]]] = {}
    for shelf in shelves(path):
        done = shelf.done()
        for called, one in designs_of(shelf):
            if not done.isdisjoint(shelf.read_outline(one)["keys"]):
                found.setdefault(called, []).append((shelf, one))
    if not found:
        raise UnfinishedError(f"{path}: no lesion is finished yet. `neurolab status {path}` says how far it is.")
    if design is None and len(found) > 1:
        raise UnknownNameError(f"{path} holds {len(found)} designs. Type design= one of these:\n{_told(found)}")
    chosen = next(iter(found)) if design is None else design
    if chosen not in found:
        hint = did_you_mean(chosen, found)
        raise UnknownNameError(f"{path} has no design {chosen!r}.{hint} It has these:\n{_told(found)}")
    trials = concat(shelf.partial(one) for shelf, one in found[chosen])
    there = set(map(str, trials["specimen"].values))
    waiting = [name for name in cohorts(path_of(path)).get(chosen, ()) if name not in there]
    if not waiting:
        return trials
    said = f"{len(waiting)} of {len(there) + len(waiting)} networks have not begun ({listed(waiting, most=4)})"
    return trials.assign_attrs(partial="; ".join(filter(None, [said, str(trials.attrs.get("partial", ""))])))


def _told(found: dict[str, list[tuple[Shelf, str]]]) -> str:
    """A line for each design: its short name, and which lesions and tasks are in it."""
    lines = []
    for name, ((shelf, one), *_) in found.items():
        coords = shelf.read_outline(one)["coords"]
        lesions, tasks = (list(dict.fromkeys(coords[what]["data"])) for what in ("lesion_id", "task"))
        lines.append(f"  {name!r}: {len(lesions)} lesions ({listed(lesions, most=3)}) on {listed(tasks, most=3)}")
    return "\n".join(lines)


def time_left(table: pd.DataFrame) -> float:
    """Get the seconds until all that a table of :func:`status` names is done, at the speed of what runs now.

    NaN where nothing runs or nothing is known of its speed; networks that have not begun count.
    """
    left = (table["planned"] - table["done"] - table["failed"]).to_numpy(float)
    seconds = table["seconds_left"].to_numpy(float)
    runs = seconds > 0  # known only where something runs
    return float(left.sum() / (left[runs] / seconds[runs]).sum()) if runs.any() else float("nan")
