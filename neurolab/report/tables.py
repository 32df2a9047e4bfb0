"""Tables of results: every tested effect with its interval, p and floor, to read or to print."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import SchemaError
from neurolab.plots.deficits import lesion_labels
from neurolab.plots.read import level, names
from neurolab.plots.sides import side_of, strongest
from neurolab.plots.stat_map import sites_of
from neurolab.plots.units import neuroid_word, shown_in, unit_name, unit_of
from neurolab.plots.whose import member_words
from neurolab.plots.words import (
    CALLED,
    NO_FLOOR,
    number,
    percent,
    probability,
    sample_words,
    sentences,
    tidy,
    together,
)
from neurolab.report.cases import own_tables
from neurolab.report.lesions import is_trials
from neurolab.report.methods_of_deficits import room_words
from neurolab.schema import RESULTS

COLUMNS = ("what", "effect", "low", "high", "p", "q", "p_floor", "unit", "side")
MOST_ROWS = 60
#: What a result without dims is called in a table, by its analysis; its attrs fill the braces.
WHOLE = {
    "held_out": "held-out effect of {contrast}",
    "map_reliability": "reliability of the map of {contrast}",
    "picked_dissociation": "best pair of each {member} − best random pair",
    "dose_response": "{lesion}, {task}: area under the deficit curve ÷ range of doses",
    "against_controls": "{lesion}, {task}: target − controls",
    "interaction": "{task}: both lesions − the sum of each",
    "mixed": "{lesion}, {task}: mean deficit",
    "best_layers": "{models}: best layer − best layer",
}


def result_table(result: xr.Dataset) -> pd.DataFrame:
    """Get one row per tested effect: what, effect, low, high, p, q, p_floor, unit, side; numbers as in the result.

    q is the p after the correction for multiple tests, NaN where the result has none. side is that of the p:
    two-sided, one-sided or equivalence (two one-sided tests); low and high have two ends whatever it is.

    A map over neuroids gives one row per site: its most extreme unit, and how many pass the correction.
    """
    given = str(result.attrs.get("analysis", ""))
    if "p" in result and "neuroid" in result["p"].dims:  # clusters and modules have neuroids, and a p of their own
        return _map_rows(result)
    tests = RESULTS[given].tests if given in RESULTS else (("p", "effect", "low", "high", "p_floor"),)
    rows = [row for test in tests if _was_made(result, test[0]) for row in _rows(result, test)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _was_made(result: xr.Dataset, p: str) -> bool:
    """Whether a test of the result was asked for: without a bound, an interaction has no test of additivity."""
    return p in result and bool(np.isfinite(result[p].values).any())


def _rows(result: xr.Dataset, test: tuple[str, ...]) -> list[tuple]:
    p, *others = test
    q = result["q"] if p == "p" and "q" in result else xr.full_like(result[p], np.nan, dtype=float)
    every = xr.broadcast(*(result[name] for name in others[:3]), result[p], q, result[others[3]])
    dims = every[0].dims
    labels = {str(dim): _labels(result, str(dim)) for dim in dims}
    rows = []
    for at in np.ndindex(every[0].shape):
        where = ", ".join(labels[str(dim)][i] for dim, i in zip(dims, at))
        called = CALLED.get(p, p.removesuffix("_p").replace("_", " "))
        if p == "recovered_p":  # of an equivalence test, whose interval is narrower than the table's
            called += f" ({percent(2 * level(result) - 1)} interval)"
        what = ": ".join(part for part in (where, called) if part) or _whole(result)
        what += _of_cohorts(result, {str(dim): str(result[dim].values[i]) for dim, i in zip(dims, at)})
        rows.append((what, *(float(one.values[at]) for one in every), unit_of(result), side_of(result, p)))
    return rows


def _of_cohorts(result: xr.Dataset, at: Mapping[str, str]) -> str:
    """The means of the two cohorts that are compared, in the index of this row; empty for other results."""
    if str(result.attrs.get("analysis")) != "compare_cohorts" or "mean" not in result:
        return ""
    one = at.get("condition", str(result.coords["condition"].values) if "condition" in result.coords else "")
    mean = result["mean"].sel(index=at["index"]) if "index" in result["mean"].dims else result["mean"]
    means = [number(float(mean.sel(cohort=name)), 3) for name in (one, str(result.attrs["against"]))]
    return f" (mean {means[0]}, {result.attrs['against']} {means[1]})"


def _labels(result: xr.Dataset, dim: str) -> list[str]:
    if dim == "cluster":
        peaks = zip(names(result, dim), result["extent"].values, result["peak"].values)
        return [f"cluster {k}, {_counted(int(extent), 'place')}, peak at {peak}" for k, extent, peak in peaks]
    return lesion_labels(result) if dim == "lesion" else names(result, dim)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _whole(result: xr.Dataset) -> str:
    given = str(result.attrs.get("analysis", ""))
    filled = _Attrs({**result.attrs, "member": member_words(result)[0]})
    said = WHOLE.get(given, given.replace("_", " ")).format_map(filled)
    return f"{said}, target − controls" if given == "dose_response" and "control_mean" in result else said


class _Attrs(dict):
    """The attrs of a result; one that it lacks is called by its own name."""

    def __missing__(self, key: str) -> str:
        return f"the {key}"


def _map_rows(result: xr.Dataset) -> pd.DataFrame:
    alpha, rows = 1 - level(result), []
    for code, site in enumerate(sites_of(result)):
        able = (result["site"].values == code) & result["valid"].values.astype(bool)
        here = np.flatnonzero(able)
        if here.size:
            best = strongest(result, able)
            passed = int((result["q"].values[here] <= alpha).sum())
            least = f"{passed:,} of {here.size:,} {neuroid_word(result)}s have q ≤ {probability(round(alpha, 12))}"
            what = f"{site}: {least}; strongest is {unit_name(result, best)}"
            cells = [float(result[name].values[best]) for name in ("effect", "low", "high", "p", "q")]
            rows.append((what, *cells, float(result["p_floor"]), unit_of(result, best), side_of(result)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def printed_table(results: Mapping[str, xr.Dataset] | xr.Dataset, *, width: int = 110) -> str:
    """Get every result as text: verdict with its reasons, n, then effect, interval, p and floor by row; its note.

    results : name -> result, or a single result, which is then called by its analysis.
    """
    return "\n\n".join(_printed(name, result, width) for name, result in _by_name(results).items())


def _by_name(results: object) -> dict[str, xr.Dataset]:
    """The results by the names that they are printed with; a single one by its analysis."""
    if isinstance(results, xr.Dataset):
        results = {str(results.attrs.get("analysis", "result")): results}
    every: dict[str, Any] = dict(results) if isinstance(results, Mapping) else {"": results}
    for name, one in every.items():
        if not isinstance(one, xr.Dataset) or not one.attrs.get("analysis"):
            what = "trials" if is_trials(one) else f"a {type(one).__name__}"
            called = f" under the name {name!r}" if name and name != "result" else ""
            raise SchemaError(
                f"printed_table() got {what}{called}; expected a result or a dict of results. Type "
                "printed_table(nl.analysis.deficits(trials, rng=0)), or printed_table({'name': result})."
            )
    return every


def _printed(name: str, result: xr.Dataset, width: int) -> str:
    verdict = str(result.attrs.get("verdict", "") or "")
    head = f"{name}: {tidy(verdict) or str(result.attrs.get('analysis')).replace('_', ' ')} ({sample_words(result)})"
    lines = textwrap.wrap(head, width)
    lines += textwrap.wrap(picked_names(result), width, initial_indent="  ", subsequent_indent="    ")
    for sign, attr in (("  ", "reasons"), ("  undermined by: ", "undermined_by")):
        for said in sentences(result, attr):
            lines += textwrap.wrap(said, width, initial_indent=sign, subsequent_indent="    ")
    lines += _grids(name, result, width)
    lines += textwrap.wrap(room_words(result), width, initial_indent="  ", subsequent_indent="    ")
    note = tidy(str(result.attrs.get("note", "") or ""))
    return "\n".join(lines + textwrap.wrap(note, width, initial_indent="  note: ", subsequent_indent="    "))


def _grids(name: str, result: xr.Dataset, width: int) -> list[str]:
    """The tables of a result: its own where it has such, else a row per tested effect."""
    lines: list[str] = []
    for caption, rows in own_tables(result):
        lines += textwrap.wrap(caption, width, initial_indent="  ", subsequent_indent="    ")
        grid = _aligned(rows[: MOST_ROWS + 1], {0, len(rows[0]) - 1})
        lines += grid if max(map(len, grid)) <= width + 22 else _told(rows, width)
    if lines:
        return lines
    table = result_table(result)
    if not len(table):  # a result without a test, such as a reliability
        return [f"  {untested(result)}"]
    more = [f"  … {len(table) - MOST_ROWS} more rows in results/{name}.nc"] if len(table) > MOST_ROWS else []
    cells = formatted(table.head(MOST_ROWS), level(result))
    return _aligned(cells, {0, *range(3, len(cells[0]))}) + more


def _told(rows: list[tuple[str, ...]], width: int) -> list[str]:
    """Rows too wide for a line, each as a sentence below its first cell."""
    lines = []
    for first, *rest in rows[1:]:
        said = "; ".join(f"{name}: {cell}" for name, cell in zip(rows[0][1:], rest) if cell)
        lines += textwrap.wrap(first, width, initial_indent="  ", subsequent_indent="    ")
        lines += textwrap.wrap(said, width, initial_indent="    ", subsequent_indent="    ")
    return lines


def picked_names(result: xr.Dataset) -> str:
    """Get who A and B of a picked dissociation are, network by network; empty for other results."""
    if "picked_a" not in result or "picked_b" not in result:
        return ""
    pairs = [f"{a} and {b}" for a, b in zip(result["picked_a"].values, result["picked_b"].values)]
    counts = {pair: pairs.count(pair) for pair in dict.fromkeys(pairs)}
    several, (one, members) = len(pairs) > 1, member_words(result)
    said = [f"{pair} ({count} of {len(pairs)} {members})" if several else pair for pair, count in counts.items()]
    return f"A and B are the pair picked in each {one}: {'; '.join(said)}."


def untested(result: xr.Dataset) -> str:
    """Get the numbers of a result that has no test, such as a reliability: ``r 0.812, effect 0.896``."""
    plain = [str(key) for key, value in result.data_vars.items() if not value.dims and value.dtype.kind == "f"]
    known = [key for key in plain if not np.isnan(float(result[key]))]
    return ", ".join(f"{key.replace('_', ' ')} {number(float(result[key]), 3)}" for key in known)


def _aligned(cells: list[tuple[str, ...]], left: set[int]) -> list[str]:
    """Rows of text in columns, those of ``left`` to the left."""
    wide = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    signs = ["<" if at in left else ">" for at in range(len(wide))]
    return ["  " + "  ".join(f"{a:{sign}{w}}" for a, sign, w in zip(row, signs, wide)).rstrip() for row in cells]


def formatted(table: pd.DataFrame, share: float) -> list[tuple[str, ...]]:
    """Get a :func:`result_table` as rows of text below a head: what, effect, interval, p, its q, floor, side if any."""
    more = {"q": "q (corrected p)"} if table["q"].notna().any() else {}
    more |= {"p_floor": "smallest possible p"} if (table["p_floor"] > NO_FLOOR).any() else {}
    sides = dict.fromkeys(side for side in table["side"] if side)
    p = f"p, {next(iter(sides))}" if len(sides) == 1 else "p"
    more |= {"side": "side of p"} if len(sides) > 1 else {}
    head = ("", "effect", f"{percent(share)} interval", p, *more.values())
    return [head, *(_text(row, share, list(more)) for row in table.itertuples())]


def _text(row, share: float, more: list[str]) -> tuple[str, ...]:
    factor, unit = shown_in(row.unit)
    effect, *ends = together(row.effect, row.low, row.high)
    low, high = ("no end" if np.isinf(end) else number(factor * end, 3) for end in ends)
    interval = f"[{low}, {high}]"
    if np.isnan(row.effect) and np.isnan(row.p):  # a model that could not be fitted; the note says why
        return (row.what, "none", "", "", *("" for _ in more))
    small = not row.p_floor <= (1 - share) / 2 + 1e-12  # else there are enough, and what was measured has no bound
    if np.isinf(row.low) and np.isinf(row.high) and ("rank" in row.what or small):
        # a rank interval leaves out draws at both ends: (1 − level) / 2 of draws + 1 must be at least one draw
        draws = f"{np.ceil(round(2 / (1 - share), 9)) - 1:.0f} or more draws for {percent(share)}"
        interval = f"needs {draws}" if "rank" in row.what else f"none: too small a sample for {percent(share)}"
    last = {"q": probability(row.q) if np.isfinite(row.q) else "", "p_floor": "", "side": row.side}
    last["p_floor"] = probability(row.p_floor) if row.p_floor > NO_FLOOR else ""
    return (
        row.what,
        f"{number(factor * effect, 3)} {unit}".rstrip(),
        interval,
        probability(row.p),
        *(last[name] for name in more),
    )
