"""The tables of a screening: how the estimate agrees with lesions, and the units that it puts first."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level, values
from neurolab.plots.words import number, percent
from neurolab.report.methods_of_screens import CALLED

Table = tuple[str, list[tuple[str, ...]]]
#: Units that are shown.
FIRST = 10


def screen_tables(result: xr.Dataset) -> list[Table]:
    """Get the tables of a screening, each with its caption; the first row is the head.

    Example
    -------
    >>> from neurolab.screening import screened
    >>> truth = np.random.default_rng(0).normal(size=100)
    >>> exact = np.where(np.arange(100) < 30, truth, np.nan)
    >>> about = dict(test="first order", n=8, generalises_over="stimulus", alternative="", source="", inputs="")
    >>> result = screened(truth, {"score": exact, "smooth": exact}, site=["a"] * 100, unit=range(100), stimuli="s",
    ...                   level=0.95, rng=0, task="naming", smooth="margin", how="Zero", **about)
    >>> agreement, first = screen_tables(result)
    >>> first[1][1]
    ('a', '79', '2.002', 'not run', 'not run')
    """
    ends = f"[{percent(level(result))} CI]"
    shares = [f"in top {5 * int(times)} %" for times in result["times"].values]
    head = ("Estimate against", f"Spearman {ends}", f"Pearson {ends}", "most harmful", *shares)
    against = [_against(result.sel(against=name), said) for name, said in CALLED.items()]
    caption = f"Agreement with {result.attrs['n_exact']} units that were lesioned exactly, drawn at random"
    return [(caption, [head, *against]), _first(result)]


def _against(one: xr.Dataset, said: str) -> tuple[str, ...]:
    found = []
    for kind in ("spearman", "pearson"):
        value, low, high = (float(one[f"{kind}{end}"]) for end in ("", "_low", "_high"))
        interval = f" [{number(low)}, {number(high)}]" if np.isfinite(low) and np.isfinite(high) else ""
        found.append(f"{number(value)}{interval}" if np.isfinite(value) else "not defined")
    recall = [percent(float(share)) if np.isfinite(share) else "" for share in one["recall"].values]
    return (said, *found, f"{int(one['n_top'])}", *recall)


def _first(result: xr.Dataset) -> Table:
    """The units of the largest estimates, and what their lesions cost where they were made."""
    estimate = values(result, "estimate", "neuroid")
    exact = [values(result, name, "neuroid") for name in ("exact_smooth", "exact")]
    order = np.argsort(-estimate, kind="stable")[:FIRST]
    head = ("Site", "unit", "estimate (no lesion)", "lesion: smooth score", "lesion: task's score")
    rows: list[tuple[str, ...]] = [head]
    for at in order:
        known = [number(float(one[at]), 3) if np.isfinite(one[at]) else "not run" for one in exact]
        place = str(result["site"].values[at]), str(int(result["unit"].values[at]))
        rows.append((*place, number(float(estimate[at]), 3), known[0], known[1]))
    return f"The {len(order)} units of the largest estimates, an order to work in", rows
