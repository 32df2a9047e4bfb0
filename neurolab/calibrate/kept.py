"""Rows of a table of rates that was written before, as what was counted: nothing that still holds is measured again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from neurolab.calibrate.entry import Entry
from neurolab.calibrate.run import KEY, Counts, Shelf


def lay_out(table: Path, entries: Iterable[Entry], folder: Path) -> list[str]:
    """Put the rows of a rates.csv into a folder of finished entries, and get the names of those that were put there.

    A row carries the digest of the settings and of the code that it was measured with, so that ``calibrate`` keeps it
    as long as both are the same, and measures it anew, or says that it is outdated, when they are not. What lies
    finished in the folder stays; a row without digests is left out.

    Parameters
    ----------
    table : rates.csv; one that is not there holds no rows. entries : those wanted. folder : of finished entries.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES
    >>> lay_out(Path("none.csv"), ENTRIES.values(), Path("nowhere"))
    []
    """
    if not table.is_file():
        return []
    rows = {str(row["name"]): row for row in pd.read_csv(table, dtype=dict.fromkeys(KEY, str)).to_dict("records")}
    shelf, put = Shelf(folder), []
    for entry in entries:
        row = rows.get(entry.name, {})
        if all(isinstance(row.get(name), str) for name in KEY) and not shelf.has(entry):
            shelf.write(entry, {name: row[name] for name in KEY}, *_counts(row))
            put.append(entry.name)
    return put


def _counts(row: Mapping[Hashable, Any]) -> tuple[Counts, Counts]:
    """What was counted at the edge and at the stated effect: shares of simulations are whole numbers of them."""

    def counted(share: str, of: str) -> int:
        known = pd.notna(row[share]) and pd.notna(row[of])
        return round(float(row[share]) * int(row[of])) if known else 0

    n, n_effect = int(row["n_simulations"]), int(row["n_effect"])
    covered = counted("coverage", "n_coverage")
    edge = Counts(n, counted("rate", "n_simulations"), 0 if n_effect else covered, float(row["seconds"]))
    return edge, Counts(n_effect, counted("power", "n_effect"), covered if n_effect else 0)
