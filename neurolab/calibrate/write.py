"""The table of rates as a result, a CSV, a Markdown page and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.calibrate.judge import BROKEN, finite
from neurolab.calibrate.run import KEY
from neurolab.digest import digest_of
from neurolab.plots import plot_rates, save_figure
from neurolab.schema import make_result, register_result

WORDS = ("test", "kind", "edge", "n", "stated_effect", "verdict")
NUMBERS = (
    "n_simulations", "nominal", "attainable", "rate", "rate_low", "rate_high", "n_coverage", "promised", "attained",
    "coverage", "coverage_low", "coverage_high", "n_effect", "power", "seconds",
)  # fmt: skip
MOST_ROWS = 75
ROW_MM, FRAME_MM, LEAST_MM = 2.05, 16.0, 40.0
HEAD = """# Measured rates of every public test

Made by `{command}`.

At the edge of each null: {n} simulations, as the column says; at the stated effect a quarter of that (at least 100),
where power and, for a test with a p, coverage were counted. rng {rng}. In brackets: 99.9 % Clopper-Pearson bands.
*exact*: held to the level that it can attain; *conservative*: never above; *approximate*: held to its published rate;
*shortcut*: what not to do, with the test to use instead. s: seconds of one core. {verdict}{outdated}

"""

register_result("calibration", dict.fromkeys((*WORDS, *NUMBERS), ("entry",)))


def result_of(rows: Sequence[dict[str, Any]], *, rng: int = 0) -> xr.Dataset:
    """Get the rows of a calibration as a result, entry by entry.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES, calibrate
    >>> result_of(calibrate([ENTRIES["cochran_q"]], n=100, progress=False)).sizes["entry"]
    1
    """
    words = {name: ("entry", np.array([str(row.get(name, "")) for row in rows], dtype=object)) for name in WORDS}
    count = _simulations(rows)
    numbers = {name: ("entry", np.array([float(row.get(name, np.nan)) for row in rows])) for name in NUMBERS}
    return make_result(
        {**words, **numbers},
        coords={"entry": [row["name"] for row in rows]},
        analysis="calibration",
        estimand="how often each test errs on simulated data at the edge of its null",
        test="binomial bands of 99.9 %",
        n=count if isinstance(count, int) else f"{count} simulations",
        generalises_over="simulation",
        correction="none",
        alternative="two-sided",
        level=0.999,
        rng=rng,
        source="neurolab calibrate",
        inputs=digest_of([row["name"] for row in rows]),
    )


def _simulations(rows: Sequence[dict[str, Any]]) -> int | str:
    """Get how many simulations each row had: a number, or from and to."""
    least, most = (end(row["n_simulations"] for row in rows) for end in (min, max))
    return most if least == most else f"{least} to {most}"


def broken(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Get the names of the rows that are not what they promise."""
    return [row["name"] for row in rows if row["verdict"] == BROKEN]


def write_rates(
    rows: Sequence[dict[str, Any]], folder: Path, *, rng: int = 0, command: str = "neurolab calibrate"
) -> list[Path]:
    """Write rates.csv, rates.md and the figures of a calibration into a folder, and get their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    result = result_of(rows, rng=rng)
    written: list[Path] = []
    for name, part in _parts(result).items():
        height = max(LEAST_MM, FRAME_MM + ROW_MM * part.sizes["entry"])
        written += save_figure(part, plot_rates, folder, name, width_mm=183.0, height_mm=height).paths
    table = pd.DataFrame(rows).reindex(columns=["name", *WORDS, *NUMBERS, *KEY])
    csv, page = folder / "rates.csv", folder / "rates.md"
    table.to_csv(csv, index=False, lineterminator="\n", float_format="%.6g")  # all rows, beside the figure of some
    page.write_text(markdown(rows, rng=rng, command=command), encoding="utf-8")
    return list(dict.fromkeys([csv, page, *written]))


def _parts(result: xr.Dataset) -> dict[str, xr.Dataset]:
    """Get what goes into which figure: a page holds some 75 rows."""
    tests, alone = result["test"].values.astype(str), np.isnan(result["rate"].values)
    shortcut = result["kind"].values.astype(str) == "shortcut"
    verbs = np.char.startswith(tests, "analysis.")
    kinds = {"rates_verbs": verbs & ~alone, "rates_intervals": alone, "rates": ~verbs & ~alone}
    order = np.argsort(~shortcut, kind="stable")
    parts = {}
    for name, mask in kinds.items():
        rows = order[mask[order]]
        for page, start in enumerate(range(0, len(rows), MOST_ROWS), start=1):
            parts[name + (f"_{page}" if page > 1 else "")] = result.isel(entry=rows[start : start + MOST_ROWS])
    return parts


def markdown(rows: Sequence[dict[str, Any]], *, rng: int, command: str) -> str:
    """Get the page: what holds, then the shortcuts."""
    wrong = broken(rows)
    said = f"BROKEN: {', '.join(wrong)}." if wrong else "Every row is what it promises."
    old = sum(bool(row.get("outdated")) for row in rows)
    outdated = f"\n\n† {old} entries were measured before a later change of code that they reach." if old else ""
    head = HEAD.format(n=_simulations(rows), rng=rng, command=command, verdict=said, outdated=outdated)
    shortcuts = [row for row in rows if row["kind"] == "shortcut"]
    tests = [row for row in rows if row["kind"] != "shortcut"]
    groups = {
        "Tests on arrays": [row for row in tests if row["test"].startswith("stats.") and "rate" in row],
        "Verbs": [row for row in tests if not row["test"].startswith("stats.") and "rate" in row],
        "Intervals alone": [row for row in tests if "rate" not in row],
        "Shortcuts that fail": shortcuts,
    }
    return head + "\n".join(_section(title, group) for title, group in groups.items() if group)


def _section(title: str, rows: Sequence[dict[str, Any]]) -> str:
    columns = ("entry", "function", "kind", "at the edge of the null", "n", "simulations", "attainable or published",
               "rate", "coverage (promised)", "power at", "verdict", "s")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    return f"## {title}\n\n" + "\n".join([*lines, *(_line(row) for row in rows)]) + "\n"


def _line(row: dict[str, Any]) -> str:
    covered = f"{_banded(row, 'coverage')} ({row['attained']:.3g})" if "coverage" in row else ""
    power = f"{row['power']:.2f}: {row['stated_effect']}" if finite(row.get("power")) else ""
    level = f"{row['attainable']:.3g}" if "attainable" in row else ""
    rate = _banded(row, "rate") if "rate" in row else ""
    name = row["name"] + (" †" if row.get("outdated") else "")
    cells = (name, f"`{row['test']}`", row["kind"], row["edge"], row["n"], row["n_simulations"], level, rate,
             covered, power, row["verdict"], f"{row['seconds']:.1f}")  # fmt: skip
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def _banded(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"
