"""The few marks that all figures are made of: dots of a sample, an effect with its interval, a note."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurolab.plots.style import GREY, SMALL, TINY, WONG

GOLDEN = 0.6180339887498949


def spread(n: int, width: float) -> np.ndarray:
    """Get n sideways offsets within ±width/2 that keep dots apart: a fixed sequence, so no chance enters a figure.

    Example
    -------
    >>> spread(3, 1.0).round(2)
    array([ 0.  , -0.38,  0.24])
    """
    return ((np.arange(n) * GOLDEN + 0.5) % 1.0 - 0.5) * width


def dots(ax: Axes, at: float, values: Any, *, colour: str, marker: str = "o", width: float = 0.25, **more: Any) -> None:
    """Draw one dot per member of the sample in a column at ``at``."""
    values = np.asarray(values, dtype=float)
    style: dict[str, Any] = {"s": 7.0, "linewidths": 0.3, "edgecolors": "white", "zorder": 3.0} | more
    ax.scatter(at + spread(len(values), width), values, color=colour, marker=marker, **style)


def effect(ax: Axes, at: float, value: Any, low: Any, high: Any, *, colour: str = WONG["black"], **more: Any) -> None:
    """Draw an effect and its interval, both read from a result, as a diamond on a bar."""
    style: dict[str, Any] = {"marker": "D", "markersize": 3.2, "markerfacecolor": colour} | more
    ends = [end if np.isfinite(end) else value for end in (float(low), float(high))]
    ax.plot([at, at], ends, color=colour, linewidth=1.0, solid_capstyle="butt", zorder=4)
    for end, points in ((low, -14), (high, 14)):
        if np.isinf(end):  # an interval without an end: too few networks for this level
            arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
            ax.annotate(
                "", (at, value), xytext=(0, points), textcoords="offset points", arrowprops=arrow | {"arrowstyle": "<-"}
            )
    ax.plot([at], [float(value)], color=colour, markeredgecolor=colour, linestyle="none", zorder=5, **style)


def zero_line(ax: Axes, at: float = 0.0) -> None:
    """Draw the line of no effect."""
    ax.axhline(at, color=GREY, linewidth=0.5, zorder=0)


def columns(ax: Axes, at: Sequence[float], names: Sequence[str], *, width: int = 10, size: float = SMALL) -> None:
    """Name the columns below the axis, broken into lines that fit."""
    ax.set_xticks(list(at), [fill(str(name), width, break_long_words=False) for name in names], fontsize=size)
    ax.tick_params(axis="x", length=0)


def note(ax: Axes, x: float, y: float, text: str, **more: Any) -> None:
    """Write a small note at a place given in data units."""
    style: dict[str, Any] = {"fontsize": TINY, "ha": "center", "va": "bottom", "linespacing": 1.15} | more
    ax.text(x, y, text, **style)


def headroom(ax: Axes, *, above: float = 0.0, below: float = 0.0) -> None:
    """Widen the y axis by shares of its range, so that notes do not touch data."""
    low, high = ax.get_ylim()
    ax.set_ylim(low - below * (high - low), high + above * (high - low))


def heading(ax: Axes, title: str, sample: str) -> None:
    """Write what is shown on the left above the axes and what n is on the right."""
    ax.set_title(title, loc="left")
    ax.set_title(sample, loc="right", fontsize=TINY)
