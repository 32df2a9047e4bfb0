"""The tables of single cases as neuropsychology prints them: a row per task, and a row per pair of tasks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurolab.plots.read import level, names, values
from neurolab.plots.words import number, percent, probability
from neurolab.report.claimed import claims_table
from neurolab.report.screens import screen_tables

Table = tuple[str, list[tuple[str, ...]]]
#: The side of a one-tailed test, in a caption.
SIDE = {"less": "a low score is a deficit", "greater": "a high score is a deficit"}
CLASSES = "class after Crawford, Garthwaite and Gray 2003"


def case_tables(result: xr.Dataset) -> list[Table]:
    """Get the tables of every case, each with its caption: tasks, then pairs of tasks; the first row is the head.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.analysis import single_case
    >>> people = pd.DataFrame({"naming": [2.0, 8, 9, 7, 8, 10]}, index=list("ABCDEF"))
    >>> (caption, rows), = case_tables(single_case(people, case="A", rng=0))
    >>> rows[1][:6]
    ('naming', '2.000', '8.400', '1.140', '5', '−5.12')
    """
    tables = []
    for at, case in enumerate(names(result, "case")):
        lesion = str(result["lesion"].values[at])
        who = f"{case} after lesion of {lesion}" if lesion else case
        tables.append((_caption(result, who), [_head(result, case), *_tasks(result, at)]))
        if result.sizes["pair"]:
            tables.append((f"{who}, pairs of tasks ({_test(result)}; {CLASSES})", _pairs(result, at)))
    return tables


def _caption(result: xr.Dataset, who: str) -> str:
    side = SIDE.get(str(result.attrs.get("alternative")), "")
    given = str(result.attrs.get("covariates", "[]")).strip("[]").replace('"', "")
    return f"{who} against {result.attrs['n']} controls; p one-tailed, {side}{f'; given {given}' if given else ''}"


def _test(result: xr.Dataset) -> str:
    return str(result.attrs.get("test", "")).partition("pairs of tasks: ")[2]


def _head(result: xr.Dataset, case: str) -> tuple[str, ...]:
    ends = f"[{percent(level(result))} CI]"
    given = str(result.attrs.get("covariates", "[]")) != "[]"  # then t and z_cc are not of this mean and SD
    mean, sd = ("control mean (unadjusted)", "SD (unadjusted)") if given else ("control mean", "SD")
    return ("Task", case, mean, sd, "n", "t", "p", f"z_cc {ends}", f"% population below {ends}")


def _tasks(result: xr.Dataset, at: int) -> list[tuple[str, ...]]:
    found = {name: values(result, name, "case", "task")[at] for name in (
        "score", "t", "p", "effect", "low", "high", "percent_below", "percent_low", "percent_high")}  # fmt: skip
    control = {name: values(result, name, "task") for name in ("control_mean", "control_sd", "n_controls")}
    rows = []
    for j, task in enumerate(names(result, "task")):
        v = {name: float(every[j]) for name, every in (found | control).items()}
        plain = (number(v[name], 3) for name in ("score", "control_mean", "control_sd"))
        tested = np.isfinite(v["p"])
        test = (
            number(v["t"]), probability(v["p"]), _ends(v["effect"], v["low"], v["high"], number),
            _ends(v["percent_below"], v["percent_low"], v["percent_high"], share),
        ) if tested else ("not tested", "", "", "")  # fmt: skip
        rows.append((task, *plain, f"{v['n_controls']:.0f}", *test))
    return rows


def _pairs(result: xr.Dataset, at: int) -> list[tuple[str, ...]]:
    ends = f"[{percent(level(result))} CI]"
    raw = str(result.attrs.get("difference")) == "unstandardised"
    head = ("Tasks", "t", "df", "p", f"{'difference' if raw else 'z_dcc'} {ends}", "Bayesian p", "class")
    wanted = ("t", "df", "p", "effect", "low", "high")
    found = {name: values(result, f"difference_{name}", "case", "pair")[at] for name in wanted}
    bayes, kinds = values(result, "bsdt_p", "case", "pair")[at], result["classification"].transpose("case", "pair")
    rows: list[tuple[str, ...]] = [head]
    for k, pair in enumerate(names(result, "pair")):
        v = {name: float(every[k]) for name, every in found.items()}
        t = (number(v["t"]), f"{v['df']:.0f}") if np.isfinite(v["t"]) else ("", "")
        p = (probability(v["p"]), _ends(v["effect"], v["low"], v["high"], number)) if np.isfinite(v["p"]) else ("", "")
        posterior = probability(float(bayes[k])) if np.isfinite(bayes[k]) else ""
        rows.append((pair, *t, *p, posterior, str(kinds.values[at, k])))
    return rows


def _ends(value: float, low: float, high: float, text: Callable[[float], str]) -> str:
    interval = f" [{text(low)}, {text(high)}]" if np.isfinite(low) and np.isfinite(high) else ""
    return f"{text(value)}{interval}"


def share(per_cent: float) -> str:
    """Get a percentage of a population without digits that a sample cannot give.

    Example
    -------
    >>> share(3.2e-7), share(4.804), share(99.9999)
    ('< 0.01', '4.80', '> 99.99')
    """
    return "< 0.01" if per_cent < 0.01 else "> 99.99" if per_cent > 99.99 else f"{per_cent:.2f}"


#: Tables of its own, by analysis; the others are told by ``result_table``.
OWN_TABLES: dict[str, Callable[[xr.Dataset], list[Table]]] = {
    "single_case": case_tables, "claims": claims_table, "screen": screen_tables,
}  # fmt: skip


def own_tables(result: xr.Dataset) -> list[Table]:
    """Get the tables that an analysis has of its own, each a caption and rows below a head; none for most."""
    make = OWN_TABLES.get(str(result.attrs.get("analysis", "")))
    return make(result) if make else []
