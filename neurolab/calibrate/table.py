"""Every entry, by name; an entry more is a test more."""

from __future__ import annotations

from neurolab.calibrate import (
    alike,
    cases,
    claimed,
    clustered,
    cohorts,
    columns,
    curves,
    layers,
    likeness,
    people,
    permutations,
    picking,
    regions,
    shortcuts,
    sizes,
    verbs,
)
from neurolab.calibrate.entry import Entry
from neurolab.errors import UnknownNameError, did_you_mean

ROOMS = (
    permutations, cases, columns, sizes, curves, likeness, verbs, picking, regions, people, layers, shortcuts, claimed,
    cohorts, alike, clustered,
)  # fmt: skip

#: Every entry of the table of rates, by name.
ENTRIES: dict[str, Entry] = {entry.name: entry for room in ROOMS for entry in room.ENTRIES}


def chosen(names: list[str] | None, *, quick: bool = False) -> list[Entry]:
    """Get the entries of these names (or whose test ends so), all of them, or the quick ones.

    Example
    -------
    >>> [entry.name for entry in chosen(["cochran_q"])], len(chosen(["mcnemar"]))
    (['cochran_q'], 3)
    """
    if not names:
        return [entry for entry in ENTRIES.values() if entry.quick or not quick]
    found = [e for e in ENTRIES.values() if e.name in names or e.test.rsplit(".", 1)[-1] in names]
    known = {word for entry in ENTRIES.values() for word in (entry.name, entry.test.rsplit(".", 1)[-1])}
    for name in names:
        if name not in known:
            raise UnknownNameError(f"No entry or test is called {name!r}.{did_you_mean(name, known)}")
    return found
