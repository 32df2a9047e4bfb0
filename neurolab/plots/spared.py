"""The figure of sparing: the deficit in tasks that a lesion should leave alone, against the bound of what counts."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import (
    at_foot,
    backed,
    columns,
    dots,
    effect,
    heading,
    headroom,
    lay_out,
    more_words,
    strongest,
    width_mm,
    zero_line,
)
from neurolab.plots.read import level, names, values
from neurolab.plots.room import text_mm
from neurolab.plots.style import GREY, PALE, SERIES, TINY
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words

MOST = 16  # tasks that are drawn
BESIDE = 0.45  # the share of a column that a p beside a diamond has


def describe_spared(result: xr.Dataset) -> str:
    """Get the figure in words: the deficit in every task against its bound."""
    parts = []
    for task, (e, low, high, p, bound, shown) in zip(names(result, "task"), _cells(result)):
        said = "spared" if shown else "sparing not shown"
        ends = interval_words(low, high, level(result))
        parts.append(f"{task}: {said}, deficit {number(e)} ({ends}; bound {number(bound)}; {p_words(p)})")
    return f"Sparing after {result.attrs.get('lesion', 'the lesion')}; {sample_words(result)}. {'; '.join(parts)}."


def _cells(result: xr.Dataset) -> list[list[float]]:
    every = [values(result, name, "task") for name in ("effect", "low", "high", "p", "bound", "shown")]
    return [[float(one) for one in row] for row in zip(*every)]


@drawing(
    "spared",
    variables=("deficit", "effect", "low", "high", "p", "p_floor", "bound", "shown"),
    marks="Dots: the deficit of each network. Diamonds with bars: the mean deficit and its interval; filled where "
    "sparing is shown. Grey bands: what counts as spared; sparing is shown where the interval lies within.",
    alt=describe_spared,
    height_mm=55.0,
)
def plot_spared(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the deficit of a lesion in each task against the band that counts as spared.

    result : of ``spared``: deficit (specimen, task), effect, low, high, p, bound, shown (task), in score.
    Returns the axes. Of more than 16 tasks the 16 with the largest deficits are drawn.

    Example
    -------
    >>> from neurolab.analysis import spared
    >>> from neurolab.simulate import phantom_trials
    >>> ax = plot_spared(spared(phantom_trials(rng=0), lesion="A", tasks=("X", "Y"), rng=0))
    >>> [tick.get_text().replace(chr(10), " ") for tick in ax.get_xticklabels()]
    ['X: not shown', 'Y: spared']
    """
    zero_line(ax)
    every = result.sizes["task"]
    result = result.isel(task=strongest(values(result, "effect", "task"), MOST))
    colour, marker = SERIES[1]
    tasks, each = names(result, "task"), values(result, "deficit", "specimen", "task")
    for at, (e, low, high, _, bound, shown) in enumerate(_cells(result)):
        ax.add_patch(Rectangle((at - 0.3, -bound), 0.6, 2 * bound, facecolor=PALE, alpha=0.6, zorder=0))
        ax.update_datalim([(at, -bound), (at, bound)])
        dots(ax, at - 0.12, each[:, at][np.isfinite(each[:, at])], colour=GREY, marker=marker, width=0.2, s=5.0)
        effect(ax, at + 0.12, e, low, high, colour=colour, markerfacecolor=colour if shown else "white")
    named = [f"{task}: {'spared' if cell[-1] else 'not shown'}" for task, cell in zip(tasks, _cells(result))]
    columns(ax, range(len(tasks)), named, share=1 / (len(tasks) + 0.3))
    ax.set(xlim=(-0.5, len(tasks) - 0.2), ylabel="deficit (sham − lesion)")
    ax.set_xlabel(more_words(len(tasks), every, "tasks"))
    headroom(ax, above=0.05, below=0.05)
    _tested(ax, result)
    heading(ax, f"sparing after {result.attrs.get('lesion', 'the lesion')}", sample_words(result))
    return ax


def _tested(ax: Axes, result: xr.Dataset) -> None:
    """Write each p beside its diamond, or upright at the foot where the next task stands in the place of the words."""
    cells, floors = _cells(result), values(result, "p_floor", "task")
    said = [p_lines(cell[3], float(floor)) for cell, floor in zip(cells, floors)]
    lay_out(ax)
    if max(text_mm(p, TINY) for p in said) > BESIDE * width_mm(ax) / (len(cells) + 0.3):
        return at_foot(ax, [(at, p_words(cell[3])) for at, cell in enumerate(cells)])
    for at, p in enumerate(said):
        backed(ax, at + 0.33, cells[at][0], p)
