"""The workloads by name, run one after another, and their table."""

from __future__ import annotations

import importlib
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial

from neurolab.errors import DataError, UnknownNameError, did_you_mean, listed

from .measure import Row

#: Workload -> the module of this package that runs it, and what it is told beside the common words.
WORKLOADS: dict[str, tuple[str, dict[str, str]]] = {
    **{name: ("race", {"which": name}) for name in ("L1", "L2", "L3", "L3s")},
    "S1": ("walks", {}),
    "P1": ("maxima", {}),
    "R1": ("streaming", {}),
    "E1": ("zoo", {}),
}


def run(names: Sequence[str] = (), *, quick: bool = False, repeats: int | None = None, peers: bool = True,
        say: Callable[[str], None] = print, keep: Callable[[Sequence[Row]], None] = lambda rows: None,
        failed: Callable[[str, Exception], None] | None = None) -> list[Row]:  # fmt: skip
    """Get the rows of some workloads (all of them when none is named), each said and kept when it is done.

    With ``failed``, a workload that raises is told to it, and the rest goes on.
    """
    if repeats is not None and repeats < 1:
        raise DataError(f"repeats={repeats} given; expected 1 or more. Type --repeats 3, or leave it out.")
    rows = []
    for name, work in [(name, workload(name)) for name in names or WORKLOADS]:
        began = time.perf_counter()
        try:
            row = work(quick=quick, repeats=repeats, peers=peers)
        except Exception as error:
            if failed is None:
                raise
            failed(name, error)
            continue
        row.details |= {"wall_s": time.perf_counter() - began, "machine": platform.machine(),
                        "versions": _versions(row)}  # fmt: skip
        rows.append(row)
        keep(rows)
        say(line(row))
    return rows


def workload(name: str) -> Callable[..., Row]:
    """Get what runs a workload.

    Raises
    ------
    UnknownNameError : no workload of that name.
    """
    if name not in WORKLOADS:
        raise UnknownNameError(
            f"There is no workload {name!r}.{did_you_mean(name, WORKLOADS)} There are {listed(WORKLOADS)}."
        )
    module, told = WORKLOADS[name]
    return partial(importlib.import_module(f".{module}", __package__).race, **told)


def _versions(row: Row) -> dict[str, str]:
    """The versions of torch and of the peers of a row."""
    from importlib import metadata

    return {name: metadata.version(name) for name in ("torch", "numpy", *row.peers) if " " not in name}


HEAD = ("id", "speed-up", "range", "with export", "goal", "of the bound", "largest difference", "extra MB", "peers")

#: What is said below the table.
LEGEND = (
    "of the bound: the time of the fewest possible operations, at the rate of a matrix product, over the time taken.",
    "with export: speed-up with the export of the model counted, which happens once per model.",
)
QUICK = "Quick runs are small and few, and a busy machine slows either side: these numbers show that it works, no more."


def cells(row: Row) -> tuple[str, ...]:
    """Get the words of a row's table line."""
    spread = f"{row.range[0]:.3g} to {row.range[1]:.3g}" if row.range else ""
    peers = ", ".join(f"{name} {times:.2f}x" for name, times in row.peers.items())
    return (
        row.id, _times(row.speedup), spread, _times(row.full_campaign), _times(row.goal),
        _plain(row.bound_fraction, ".2f"), _plain(row.max_abs_diff, ".1e"), _plain(row.extra_mb, ".0f"), peers,
    )  # fmt: skip


def line(row: Row) -> str:
    """Get one readable line of a row, its notes below."""
    took = row.details.get("wall_s", float("nan"))
    first = (f"{row.id}: {_times(row.speedup)} {row.what}; against the {row.against}, {row.repeats} repeats, "
             f"{took:.0f} s")
    return "\n".join([first, *(f"    {note}" for note in row.notes)])


def table(rows: Sequence[Row]) -> str:
    """Get the rows as a table for the terminal."""
    body = [HEAD, *map(cells, rows)]
    widths = [max(len(one[at]) for one in body) for at in range(len(HEAD))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(one, widths)).rstrip() for one in body]
    return "\n".join([*lines, "", *LEGEND, *([QUICK] if any(row.quick for row in rows) else [])])


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}x"


def _plain(value: float | None, how: str) -> str:
    return "" if value is None else format(value, how)
