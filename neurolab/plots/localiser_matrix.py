"""The figure of every localiser against every task: what each chosen region is needed for."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import APART, columns, heading, height_mm, lay_out, width_mm
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.room import text_mm, told_apart, wrapped
from neurolab.plots.style import SMALL, TINY
from neurolab.plots.words import alpha_words, fixed, interval_words, number, p_words, sample_words

NAMED = 22.0  # millimetres that the name of a row may be wide
LINE = 2.6  # millimetres that a line of a row's name is high
TALL, TALLER = 6.0, 8.5  # millimetres that a cell with an interval in one line, in two lines, is high


def describe_localiser_matrix(result: xr.Dataset) -> str:
    """Get the figure in words: every cell, then the diagonal."""
    e = values(result, "effect", "lesion", "task")
    cells = [
        f"{lesion} on {task} {number(e[i, j])}"
        for i, lesion in enumerate(names(result, "lesion"))
        for j, task in enumerate(names(result, "task"))
    ]
    d, low, high, p, floor = (scalar(result, f"diagonal_{v}") for v in ("effect", "low", "high", "p", "p_floor"))
    return (
        f"Mean deficit after each lesion in each task; {sample_words(result)}. {'; '.join(cells)}. Diagonal against "
        f"the rest: {number(d)} ({interval_words(low, high, level(result))}; {p_words(p, floor)})."
    )


@drawing(
    "localiser_matrix",
    variables=(
        "effect",
        "low",
        "high",
        "p",
        "q",
        "p_floor",
        "value",
        "diagonal_effect",
        "diagonal_low",
        "diagonal_high",
        "diagonal_p",
        "diagonal_p_floor",
    ),
    marks="Colour and number: mean deficit after a lesion (row) in a task (column); below it, where a cell has room, "
    "its interval. "
    "Outlined: the task that the region was localised for.",
    alt=describe_localiser_matrix,
    also=lambda result, **_: f"Bold: corrected p of {alpha_words(result)} or less.",
    height_mm=66.0,
)
def plot_localiser_matrix(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw every localiser (row) against every task (column): mean deficit by colour, with number and interval.

    result : of ``localiser_matrix``: effect, low, high, q (lesion, task), diagonal_effect … .
    Returns the axes. Colours are symmetric about zero.

    Example
    -------
    >>> from neurolab.analysis import localiser_matrix
    >>> from neurolab.simulate import phantom_trials
    >>> result = localiser_matrix(phantom_trials(rng=0), rng=0)
    >>> plot_localiser_matrix(result).get_title(loc="left")
    'lesion × task'
    """
    import seaborn

    e = values(result, "effect", "lesion", "task")
    limit = float(np.nanmax(np.abs(e))) or 1.0
    # pcolormesh, not seaborn.heatmap: seaborn 0.13 changes a colour map in place, which matplotlib 3.11 deprecates
    shown = ax.pcolormesh(
        e, cmap=seaborn.color_palette("vlag", as_cmap=True), vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.8
    )
    ax.set(xlim=(0, e.shape[1]), ylim=(e.shape[0], 0))
    lines = max(1, min(3, int(0.7 * height_mm(ax) / e.shape[0] / LINE)))
    rows = told_apart(names(result, "lesion"), lambda name: wrapped(name, NAMED, size=SMALL, lines=lines))
    ax.set_yticks(np.arange(e.shape[0]) + 0.5, rows)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.8, pad=0.03, aspect=14, label="deficit (sham − lesion)")
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    ax.spines[["left", "bottom"]].set_visible(False)
    for at in range(min(e.shape)):
        ax.add_patch(Rectangle((at, at), 1, 1, fill=False, edgecolor="black", linewidth=1.2, zorder=5, clip_on=False))
    lay_out(ax)
    columns(ax, [at + 0.5 for at in range(e.shape[1])], names(result, "task"), share=1 / e.shape[1])
    ax.tick_params(axis="both", length=0)
    _numbers(ax, result, limit)
    d, p = scalar(result, "diagonal_effect"), p_words(scalar(result, "diagonal_p"), scalar(result, "diagonal_p_floor"))
    ax.set_xlabel(f"diagonal − rest {number(d)}, {p}")
    heading(ax, "lesion × task", sample_line(result, "low"))
    return ax


def _numbers(ax: Axes, result: xr.Dataset, limit: float) -> None:
    """Write effect and interval into every cell: bold where the corrected p is within 1 − level."""
    e, low, high, q = (values(result, v, "lesion", "task") for v in ("effect", "low", "high", "q"))
    ends = [[_interval(a, b) for a, b in zip(*row)] for row in zip(low, high)]
    room = width_mm(ax) / e.shape[1] - APART
    lines = _lines([text for row in ends for text in row], room, height_mm(ax) / e.shape[0])
    size = SMALL if max(text_mm(fixed(here), SMALL, "bold") for here in e.ravel()) <= room else TINY
    for i, j in np.ndindex(e.shape):
        here = float(e[i, j])
        weight = "bold" if q[i, j] <= 1 - level(result) + 1e-12 else "normal"
        style: dict[str, Any] = {"ha": "center", "color": "white" if abs(here) > 0.65 * limit else "black"}
        middle = i + (0.45 if lines else 0.5)
        ax.text(j + 0.5, middle, fixed(here), fontsize=size, fontweight=weight, va="center", **style)
        if lines:
            said = wrapped(ends[i][j], room, size=TINY, lines=lines)
            ax.text(j + 0.5, i + 0.58, said, fontsize=TINY, va="top", linespacing=1.0, **style)


def _interval(low: float, high: float) -> str:
    """The interval of a cell; nothing where it has no end, which n above the figure then says."""
    return f"{fixed(low)} to {fixed(high)}" if np.isfinite([low, high]).any() else ""


def _lines(ends: list[str], wide: float, high: float) -> int:
    """In how many lines a cell has room for its interval, in millimetres; 0 where it has none."""
    widest = max(text_mm(text, TINY) for text in ends)
    if widest <= wide and high >= TALL:
        return 1
    parts = max(text_mm(part, TINY) for text in ends for part in text.replace(" to ", " to|").split("|"))
    return 2 if parts <= wide and high >= TALLER else 0
