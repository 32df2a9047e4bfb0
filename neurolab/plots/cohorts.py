"""Figures of cohorts compared by indices: all differences at a glance, one index network by network, a trend."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.errors import SchemaError, did_you_mean, listed
from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import (
    APART,
    at_foot,
    columns,
    course,
    dots,
    effect,
    heading,
    headroom,
    height_mm,
    lay_out,
    note,
    width_mm,
)
from neurolab.plots.read import level, names, values, whole
from neurolab.plots.room import text_mm
from neurolab.plots.several import several_words
from neurolab.plots.style import GREY, PALE, SERIES, TINY, WONG
from neurolab.plots.whose import member_words
from neurolab.plots.words import interval_words, number, probability, sample_words, sentences

#: Letters of an index in one line of the table.
LONGEST = 26
LINE = 2.1  # millimetres that a line of a cell is high
#: What a difference is coloured: shown to rise, shown to fall, not shown.
SHOWN = {1: "#F4C7A8", -1: "#A9CCE3", 0: "#F2F2F2"}


def describe_cohorts(result: xr.Dataset) -> str:
    """Get the figure in words: per index, every condition's difference; then the flags."""
    said, flags = " ".join(sentences(result, "reasons")), " ".join(sentences(result, "undermined_by"))
    return (
        f"Differences from {result.attrs.get('against', 'the first cohort')}, index by index; {sample_words(result)}. "
        f"{said} {flags}".rstrip()
    )


@drawing(
    "compare_cohorts",
    variables=("value", "mean", "mean_low", "mean_high", "effect", "low", "high", "p", "p_floor", "q", "equal"),
    marks="A cell per index and condition: the mean difference with its interval where cells have room for it; "
    "orange where the index is shown to rise (corrected p), blue where it is shown to fall. With an index named: dots "
    "are networks, diamonds with bars means and their intervals. An asterisk: not shown to be equal in what was to be "
    "matched.",
    alt=describe_cohorts,
    height_mm=110.0,
)
def plot_cohorts(result: xr.Dataset, *, ax: Axes, index: str | None = None) -> Axes:
    """Draw how every condition differs from the reference in every index, or all networks in one index.

    result : of ``compare_cohorts``. index : one index, network by network; None: the table of all, or the index
        that was selected, as in ``found.sel(index="accuracy")``.
    Returns the axes.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.analysis import compare_cohorts
    >>> made = {"control": 0.0, "dropout": 1.0}
    >>> tables = {name: pd.DataFrame({"redundancy": shift + np.arange(8) / 8}, index=[f"{name} seed {k}" for k in
    ...     range(8)]) for name, shift in made.items()}
    >>> found = compare_cohorts(tables, against="control", matched_on=None, rng=0)
    >>> plot_cohorts(found).get_title(loc="left"), plot_cohorts(found, index="redundancy").get_ylabel()
    ('minus control', 'redundancy')
    """
    if index is None and "index" not in result.dims:
        index = str(result["index"].item())
    result = whole(result)
    if index is not None:
        return _one(result, ax, index)
    conditions, indices = names(result, "condition"), names(result, "index")
    e, q = (values(result, name, "index", "condition") for name in ("effect", "q"))
    alpha = 1 - level(result)
    for row, column in np.ndindex(e.shape):
        shown = int(np.sign(e[row, column])) if q[row, column] <= alpha + 1e-12 else 0
        ax.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=SHOWN[shown], edgecolor="none"))
    ax.set(xlim=(-0.5, len(conditions) - 0.5), ylim=(len(indices) - 0.5, -0.5))
    ax.set_yticks(range(len(indices)), [fill(name, LONGEST) for name in indices])
    columns(ax, range(len(conditions)), _starred(result, conditions), share=0.62 / max(1, len(conditions)))
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    _numbers(ax, result)
    heading(ax, f"minus {result.attrs.get('against', '')}", sample_words(result))
    return ax


def _numbers(ax: Axes, result: xr.Dataset) -> None:
    """Write into every cell its difference and, where all cells have room for it, the interval."""
    e, low, high = (values(result, name, "index", "condition") for name in ("effect", "low", "high"))
    lay_out(ax)
    wide, high_mm = 0.92 * width_mm(ax) / e.shape[1], height_mm(ax) / e.shape[0] - APART
    cells = zip(e.ravel(), low.ravel(), high.ravel())
    parts = [[number(one), f"[{number(a)},", f"{number(b)}]"] for one, a, b in cells]
    known = [part for part, one in zip(parts, e.ravel()) if np.isfinite(one)]
    room = high_mm >= 3 * LINE and all(text_mm(line, TINY) <= wide for part in known for line in part)
    for (row, column), part in zip(np.ndindex(e.shape), parts):
        alone = part[0] if text_mm(part[0], TINY) <= wide and high_mm >= LINE else "…"
        said = ("\n".join(part) if room else alone) if np.isfinite(e[row, column]) else "–"
        ax.text(column, row, said, ha="center", va="center", fontsize=TINY, linespacing=1.1)
    ax.set_xlabel("" if room else "intervals: see the table")


def _starred(result: xr.Dataset, conditions: list[str]) -> list[str]:
    """The conditions, with an asterisk where they are not shown to be equal in what was to be matched."""
    equal = values(result, "equal", "condition", "matched")
    return [name if bool(row.all()) else f"{name} *" for name, row in zip(conditions, equal)]


def _at(result: xr.Dataset, index: str) -> int:
    known = names(result, "index")
    if index not in known:
        raise SchemaError(f"There is no index {index!r}.{did_you_mean(index, known)} There are {listed(known)}.")
    return known.index(index)


def _one(result: xr.Dataset, ax: Axes, index: str) -> Axes:
    """One index: every network of every cohort, the means, and the corrected p below."""
    at, cohorts, against = _at(result, index), names(result, "cohort"), str(result.attrs.get("against", ""))
    each = values(result, "value", "index", "cohort", "member")[at]
    mean = [values(result, name, "index", "cohort")[at] for name in ("mean", "mean_low", "mean_high")]
    q = dict(zip(names(result, "condition"), values(result, "q", "index", "condition")[at]))
    for column, name in enumerate(cohorts):
        colour, marker = (GREY, "o") if name == against else SERIES[column % len(SERIES)]
        dots(ax, column - 0.12, each[column][np.isfinite(each[column])], colour=colour, marker=marker, width=0.2)
        effect(ax, column + 0.18, *(ends[column] for ends in mean))
    columns(ax, range(len(cohorts)), cohorts, share=1 / len(cohorts))
    ax.set(xlim=(-0.6, len(cohorts) - 0.4), ylabel=index)
    known = [(at, q[name]) for at, name in enumerate(cohorts) if name in q and np.isfinite(q[name])]
    said = [(at, f"q = {probability(one)}".replace("= <", "<")) for at, one in known]
    if max((text_mm(text, TINY) for _, text in said), default=0.0) > width_mm(ax) / len(cohorts) - APART:
        at_foot(ax, said)
    else:
        headroom(ax, below=0.12)
        for at, text in said:
            note(ax, at, 0.0, text, transform=ax.get_xaxis_transform())
    heading(ax, index, sample_words(result))
    return ax


def describe_trend(result: xr.Dataset) -> str:
    """Get the figure in words: the slope of every index."""
    parts, result = [], whole(result)
    columns_of = [values(result, name, "index") for name in ("effect", "low", "high", "ordered")]
    for at, (name, e, low, high, share) in enumerate(zip(names(result, "index"), *columns_of)):
        ends = f"{interval_words(low, high, level(result))}; {several_words(result, at)}"
        parts.append(f"{name}: slope {number(e)} ({ends}), {100 * share:.0f} % of pairs rise")
    flags = " ".join(sentences(result, "undermined_by"))
    return f"Trends along {result.attrs.get('what', 'the levels')}; {sample_words(result)}. {'; '.join(parts)}. {flags}"


def _each(result: xr.Dataset, **_: object) -> str:
    """Who is drawn behind the mean: lines where the levels share a seed or a person, else dots."""
    one, several = member_words(result)
    if not bool(result.attrs.get("paired", 0)):
        return f"Pale dots: one {one} each."
    return "Thin lines: one subject each." if one == "subject" else f"Thin lines: the {several} of one seed each."


@drawing(
    "trend",
    variables=("value", "mean", "mean_low", "mean_high", "effect", "low", "high", "p", "p_floor", "q", "ordered",
               "equal"),
    marks="Thick line with marks and band: mean and its interval. Below: the median slope.",
    also=_each,
    alt=describe_trend,
)  # fmt: skip
def plot_trend(result: xr.Dataset, *, ax: Axes, index: str | None = None) -> Axes:
    """Draw one index along ordered conditions, network by network, with its slope.

    result : of ``trend``. index : which; default the first. Returns the axes.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.analysis import trend
    >>> tables = {x: pd.DataFrame({"ablation AUC": -x + np.arange(6) / 9}, index=[f"net seed {k}" for k in range(6)])
    ...     for x in (0.0, 0.5, 1.0)}
    >>> plot_trend(trend(tables, what="label noise", matched_on=None, rng=0)).get_title(loc="left")
    'ablation AUC'
    """
    result = whole(result)
    known = names(result, "index")
    at = 0 if index is None else _at(result, index)
    levels = result["level"].values.astype(float)
    order = np.argsort(levels)
    each = values(result, "value", "index", "cohort", "member")[at][order]
    mean = [values(result, name, "index", "cohort")[at][order] for name in ("mean", "mean_low", "mean_high")]
    colour, marker = SERIES[0]
    if bool(result.attrs.get("paired", 0)):
        course(ax, levels[order], each, mean, colour=colour, marker=marker, label=known[at])
    else:
        for x, here in zip(levels[order], each):
            ax.scatter(np.full(len(here), x), here, s=5.0, color=PALE, linewidths=0)
        course(ax, levels[order], np.full((len(order), 0), np.nan), mean, colour=WONG["black"], marker=marker,
               label=known[at])  # fmt: skip
    e, low, high = (values(result, name, "index")[at] for name in ("effect", "low", "high"))
    slope = f"slope {number(e)} ({interval_words(low, high, level(result))})\n{several_words(result, at)}"
    ax.set(xlabel=f"{result.attrs.get('what', 'level')}\n{slope}", ylabel=known[at])
    heading(ax, known[at], sample_line(result, "mean_low"))
    return ax
