"""The commands for the store of a campaign: how far it is, and several of them as one."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurolab.errors import NeurolabError
from neurolab.writing import path_of

if TYPE_CHECKING:
    import pandas as pd

    from neurolab.campaign.shards import Shard

#: What is shown of the table; --json gives all of it.
SHOWN = ("specimen", "design", "done", "planned", "failed", "finished", "last_commit", "time left", "running")

#: Failed lesions that are printed with their reason.
MOST = 5


def status(options: argparse.Namespace) -> int:
    """Say how far a campaign is: cells done and planned per network, what failed, who writes, the time left."""
    from neurolab.campaign import status

    table = status(options.folder)
    _show(table, options.folder, options.json)
    if not options.json:
        _say_what_is_left(table, options.folder)
    return 0


def _say_what_is_left(table: pd.DataFrame, folder: Path) -> None:
    """The lesions that failed and why, and how what is finished is read."""
    by_row: list[tuple[str, dict[str, str]]] = list(zip(table["specimen"], table["reasons"]))
    failed = [(specimen, lesion, why) for specimen, reasons in by_row for lesion, why in reasons.items()]
    for specimen, lesion, why in failed[:MOST]:
        print(f"failed: {lesion} of {specimen}: {why.partition(chr(10))[0]}")
    if failed:
        more = f"{len(failed) - MOST} more failed; --json lists them. " if len(failed) > MOST else ""
        print(f"{more}The call that filled this store tries what failed again.")
    if table["done"].any() and not table["finished"].all():
        begun = sorted(set(table["design"][table["done"] > 0]))
        for design in begun:
            asked = f'"{folder.as_posix()}"' + (f', design="{design}"' if len(begun) > 1 else "")
            print(f"What is there: trials = neurolab.trials.finished(nl.campaign.partial({asked}))")


def merge(options: argparse.Namespace) -> int:
    """Join the stores of one campaign's shards into one, and finish it where all is there."""
    from neurolab.campaign import merge

    if options.into.resolve() in {folder.resolve() for folder in options.folders}:
        print(f"{options.into} is one of the stores: the cells of the others go into it.", file=sys.stderr)
    absent = _absent(options.folders, options.into)  # now: what a merge carries is all of one writer
    table = merge(options.folders, options.into)
    _show(table, options.into, options.json)
    if not options.json:
        _say_what_is_missing(table, absent, options.into)
    return 0 if bool(table["finished"].all()) else 1


def _absent(folders: Sequence[Path], into: Path) -> Sequence[Shard]:
    """The shards of which no store holds a cell; none where one cannot be read, of which the merge says more."""
    from neurolab.campaign.joined import absent_shards

    try:
        return absent_shards([*folders, *([into] if any(into.glob("*/identity.json")) else [])])
    except (NeurolabError, OSError):
        return []


def _say_what_is_missing(table: pd.DataFrame, absent: Sequence[Shard], into: Path) -> None:
    """The shards of which no cell came, and what to do about cells that are missing or failed."""
    done, planned, failed = _cells(table, into)
    missing = planned - done - failed
    if missing and absent:
        print(f"{missing} cells are missing; no store named here holds any of shard {', '.join(map(str, absent))}. "
              f"Merge what is missing --into {into.as_posix()} too: what is there stays.")
    elif missing:
        print(f"{missing} cells are missing. A shard that was stopped goes on by its own call; merge it again then, or "
              f"have all that is missing computed here: store='{into.as_posix()}' without a shard.")
    if failed:
        print(f"{failed} cells failed: neurolab status {into.as_posix()} says why.")


def _cells(table: pd.DataFrame, folder: Path) -> tuple[int, int, int]:
    """Get how many cells are done, planned and failed; one that several designs of a network share is one."""
    from neurolab.campaign.overview import shelves

    done, planned, failed = (int(table[name].sum()) for name in ("done", "planned", "failed"))
    if not table["specimen"].duplicated().any():
        return done, planned, failed
    for shelf in shelves(folder, thorough=False):
        meant = Counter(key for design in shelf.designs() for key in {*shelf.read_outline(design)["keys"]})
        again = Counter({key: n - 1 for key, n in meant.items()})
        planned -= again.total()
        done -= sum(again[key] for key in shelf.done())
        failed -= sum(again[key] for key in shelf.poisoned())
    return done, planned, failed


def _show(table: pd.DataFrame, folder: Path, as_json: bool) -> None:
    from neurolab.campaign.overview import time_left

    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    shown = table.assign(**{"time left": [_time(seconds) for seconds in table["seconds_left"]]})
    print(shown[list(SHOWN)].to_string(index=False))
    done, planned, _ = _cells(table, folder)
    n = table["specimen"].nunique()
    parts = ("" if n == len(table) else f"{len(table)} designs of ") + f"{n} network{'s' * (n != 1)}"
    left = _time(time_left(table))
    print(f"{done} of {planned} cells; {int(table['finished'].sum())} of {parts} finished"
          + (f"; about {left} left" if left else "") + ("" if planned else "; its lesions are still being planned"))


def _time(seconds: float) -> str:
    """Get a time as people say it; empty where it is not known, or none is left.

    Example
    -------
    >>> _time(3725.0), _time(float("nan"))
    ('1 h 02 min', '')
    """
    if seconds != seconds or not seconds:
        return ""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def add_status(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``neurolab status``."""
    parser.add_argument("folder", type=path_of, help="the folder that was given as store=; it may be in use")
    parser.add_argument("--json", action="store_true", help="the whole table, as JSON")


def add_merge(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``neurolab merge``."""
    parser.add_argument("folders", type=path_of, nargs="+", metavar="folder", help="the stores of the shards")
    parser.add_argument("--into", type=path_of, required=True,
                        help="a new folder, that of an earlier merge, or one of the stores: it takes the others' cells")
    parser.add_argument("--json", action="store_true", help="the whole table, as JSON")
