"""Tables of results: every tested effect with its interval, p and floor, to read or to print."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.plots.deficits import lesion_labels
from neurolab.plots.read import level, names
from neurolab.plots.stat_map import sites_of
from neurolab.plots.words import number, p_words, percent, sample_words, sentences
from neurolab.schema import RESULTS

COLUMNS = ("what", "effect", "low", "high", "p", "p_floor")
MOST_ROWS = 60
#: What a test is called in a table, by the name of its p.
CALLED = {"p": "", "rank_p": "rank among control draws", "diagonal_p": "diagonal − rest", "spared_p": "deficit",
          "held_p": "picked on one half, measured on the other"}  # fmt: skip


def result_table(result: xr.Dataset) -> pd.DataFrame:
    """Get one row per tested effect: what, effect, low, high, p, p_floor (numbers as they are in the result).

    A map over neuroids gives one row per site: its most extreme unit, and how many pass the correction.
    """
    given = str(result.attrs.get("analysis", ""))
    if "neuroid" in result.dims:
        return _map_rows(result)
    tests = RESULTS[given].tests if given in RESULTS else (("p", "effect", "low", "high", "p_floor"),)
    rows = [row for test in tests if test[0] in result for row in _rows(result, test)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(result: xr.Dataset, test: tuple[str, ...]) -> list[tuple]:
    p, *others = test
    every = xr.broadcast(*(result[name] for name in (others[0], others[1], others[2], p, others[3])))
    dims = every[0].dims
    labels = {str(dim): lesion_labels(result) if dim == "lesion" else names(result, str(dim)) for dim in dims}
    rows = []
    for at in np.ndindex(every[0].shape):
        where = ", ".join(labels[str(dim)][i] for dim, i in zip(dims, at))
        called = CALLED.get(p, p.removesuffix("_p").replace("_", " "))
        what = ": ".join(part for part in (where, called) if part) or _whole(result)
        rows.append((what, *(float(one.values[at]) for one in every)))
    return rows


def _whole(result: xr.Dataset) -> str:
    lesion, task = result.attrs.get("lesion"), result.attrs.get("task")
    if lesion and task:
        return f"{lesion}, {task}: target − controls" if "control" in result else f"{lesion}, {task}"
    return str(result.attrs.get("analysis", ""))


def _map_rows(result: xr.Dataset) -> pd.DataFrame:
    alpha, rows = 1 - level(result), []
    for code, site in enumerate(sites_of(result)):
        here = np.flatnonzero((result["site"].values == code) & result["valid"].values.astype(bool))
        if here.size:
            best = int(here[np.argmax(np.abs(result["statistic"].values[here]))])
            passed = int((result["q"].values[here] <= alpha).sum())
            what = f"{site}: {passed} of {here.size} units pass; strongest is {int(result['unit'].values[best])}"
            cells = [float(result[name].values[best]) for name in ("effect", "low", "high", "p")]
            rows.append((what, *cells, float(result["p_floor"])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def printed_table(results: Mapping[str, xr.Dataset], *, width: int = 110) -> str:
    """Get every result as text: verdict with its reasons, n, then effect, interval, p and floor by row."""
    return "\n\n".join(_printed(name, result, width) for name, result in results.items())


def _printed(name: str, result: xr.Dataset, width: int) -> str:
    verdict = str(result.attrs.get("verdict", "") or "")
    head = f"{name}: {verdict or result.attrs.get('analysis')} ({sample_words(result)})"
    lines = textwrap.wrap(head, width)
    for sign, attr in (("  ", "reasons"), ("  undermined by: ", "undermined_by")):
        for said in sentences(result, attr):
            lines += textwrap.wrap(said, width, initial_indent=sign, subsequent_indent="    ")
    table = result_table(result)
    if len(table):
        lines += _grid(table.head(MOST_ROWS), level(result))
    if len(table) > MOST_ROWS:
        lines.append(f"  … {len(table) - MOST_ROWS} more rows in results/{name}.nc")
    if not len(table):  # a result without a test, such as a reliability
        plain = [str(key) for key, value in result.data_vars.items() if not value.dims and value.dtype.kind == "f"]
        lines += ["  " + ", ".join(f"{key.replace('_', ' ')} {number(float(result[key]), 3)}" for key in plain)]
    return "\n".join(lines)


def _grid(table: pd.DataFrame, share: float) -> list[str]:
    head = ("", "effect", f"{percent(share)} interval", "p (floor)")
    cells = [head, *(formatted(row) for row in table.itertuples())]
    what, effect, interval, _ = (max(len(row[at]) for row in cells) for at in range(4))
    return [f"  {a:<{what}}  {b:>{effect}}  {c:>{interval}}  {d}".rstrip() for a, b, c, d in cells]


def formatted(row) -> tuple[str, str, str, str]:
    """Get a row of :func:`result_table` as text: what, effect, interval, p with its floor."""
    ends = ["no end" if np.isinf(end) else number(end, 3) for end in (row.low, row.high)]
    return (
        row.what,
        number(row.effect, 3),
        f"[{', '.join(ends)}]",
        (p_words(row.p, row.p_floor if row.p_floor > 1e-12 else None).removeprefix("p ").removeprefix("= ")),
    )
