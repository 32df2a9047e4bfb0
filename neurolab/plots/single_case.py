"""The figure of a single case: where a patient, or a lesioned network, stands among its controls on every task."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import (
    at_foot,
    backed,
    columns,
    dots,
    effect,
    heading,
    headroom,
    key,
    more_words,
    strongest,
    width_mm,
    zero_line,
)
from neurolab.plots.read import level, names, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words, words_between

MOST_LETTERS = 40
MOST, MOST_BESIDE = 16, 6  # tasks that are drawn, and that leave room for a p beside each
CASES, UPRIGHT = 0.62, 1.9  # the share of a column that several cases have; millimetres that an upright p is wide


def describe_single_case(result: xr.Dataset) -> str:
    """Get the figure in words: every case on every task, in control sds."""
    parts = []
    e, low, high, p = (values(result, name, "case", "task") for name in ("effect", "low", "high", "p"))
    for (i, j), z in np.ndenumerate(e):
        who, task = names(result, "case")[i], names(result, "task")[j]
        if np.isnan(z):
            parts.append(f"{who} on {task}: not tested, the controls have no spread")
            continue
        ends = interval_words(float(low[i, j]), float(high[i, j]), level(result))
        parts.append(f"{who} on {task}: {number(z)} control sds ({ends}; {p_words(float(p[i, j]))})")
    return (
        f"Scores of {words_between(names(result, 'case'))} among {result.sizes['control_id']} controls, in control sds "
        f"from their mean; {sample_words(result)}. {'; '.join(parts)}. Verdict: {result.attrs.get('verdict', '')}."
    )


@drawing(
    "single_case",
    variables=("score", "control_score", "control_z", "control_mean", "control_sd", "n_controls", "effect", "low",
               "high", "t", "df", "p", "percent_below", "deficit"),
    marks="Grey dots: the controls, in their own sds from their mean (given covariates: from what these predict). "
    "Diamonds with bars (of several cases each has a colour and a marker): the case (z_cc), filled where it has a "
    "deficit, and its interval, which tells how exactly the controls place it: not a test against 0, see p.",
    alt=describe_single_case,
    height_mm=60.0,
)  # fmt: skip
def plot_single_case(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw cases among their controls, task by task, in control sds.

    result : of ``single_case``: control_z (control_id, task); effect, low, high, p, deficit (case, task).
    Returns the axes. Of more than 16 tasks the 16 with the largest effects are drawn, of more than 7 cases 7; others
    are drawn of ``result.sel(case=[...])``. No p is written where cases stand too close for it.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.analysis import single_case
    >>> people = pd.DataFrame({"naming": [2.0, 8, 9, 7, 8, 10]}, index=list("ABCDEF"))
    >>> plot_single_case(single_case(people, case="A", rng=0)).get_ylabel()
    'score (control sd from their mean)'
    """
    zero_line(ax)
    every = result.sizes
    result = result.isel(task=strongest(values(result, "effect", "task", "case"), MOST))
    result = result.isel(case=strongest(values(result, "effect", "case", "task"), len(SERIES)))
    cases, tasks = names(result, "case"), names(result, "task")
    upright = len(cases) > 1 or len(tasks) > MOST_BESIDE
    z = values(result, "control_z", "control_id", "task")
    found = np.stack([values(result, name, "case", "task") for name in ("effect", "low", "high", "p", "deficit")], -1)
    step, below = CASES / max(len(cases), 1), []
    crowded = upright and step * width_mm(ax) / (len(tasks) + 0.3) < UPRIGHT
    for j in range(len(tasks)):
        each = z[:, j][np.isfinite(z[:, j])]
        dots(ax, j - 0.2, each, colour=GREY, width=0.25, s=5.0)
        for i in range(len(cases)):
            e, low, high, p, lost = found[i, j]
            if np.isnan(e):
                continue
            colour, marker = _series(i, len(cases))
            at = j + 0.06 + i * step
            effect(ax, at, e, low, high, colour=colour, marker=marker, markerfacecolor=colour if lost else "white")
            if upright:  # the next case or task stands where the words would: they go to the foot, upright
                below += [] if crowded else [(at, p_lines(p))]
            else:
                backed(ax, at + 0.05, e, p_lines(p))
    shown = [task if np.isfinite(found[:, j, 0]).any() else f"{task}: not tested" for j, task in enumerate(tasks)]
    columns(ax, range(len(tasks)), shown, share=1 / (len(tasks) + 0.3))
    ax.set(xlim=(-0.5, len(tasks) - 0.2), ylabel="score (control sd from their mean)")
    more = [more_words(len(shown), every[dim], f"{dim}s") for dim, shown in (("task", tasks), ("case", cases))]
    ax.set_xlabel("\n".join(line for line in [*more, "p: see the table" if crowded else ""] if line))
    headroom(ax, above=0.12 if len(cases) > 1 else 0.05, below=0.05)
    at_foot(ax, below)
    if len(cases) > 1:
        for (colour, marker), case in zip(SERIES, cases):
            ax.plot([], [], color=colour, marker=marker, markersize=3.2, linestyle="none", label=case)
        key(ax)
    who = words_between(_who(result))  # of several cases the key tells who they are
    heading(ax, who if len(who) <= MOST_LETTERS or len(cases) == 1 else f"{len(cases)} cases", sample_words(result))
    return ax


def _series(at: int, n: int) -> tuple[str, str]:
    """Colour and marker of one of n cases; a single one is a diamond, as every effect is."""
    colour, marker = SERIES[at]
    return colour, marker if n > 1 else "D"


def _who(result: xr.Dataset) -> list[str]:
    lesions = result["lesion"].values.astype(str)
    return [f"{case} ({lesion})" if lesion else case for case, lesion in zip(names(result, "case"), lesions)]
