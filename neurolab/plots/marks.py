"""The few marks that all figures are made of: dots of a sample, an effect with its interval, a note."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurolab.plots.style import GREY, MM, SMALL, TINY, WONG

GOLDEN = 0.6180339887498949
LETTER_MM = 0.19  # mean width of a letter of one point, in millimetres


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


def course(
    ax: Axes, x: np.ndarray, each: np.ndarray, ends: Sequence[np.ndarray], *, colour: str, marker: str, label: str
) -> None:
    """Draw how a score runs over x: a thin line per member, each (x, member), and the mean with its band.

    ends : mean, low and high over x; no band where an interval has no end.
    """
    mean, low, high = ends
    bounded = np.isfinite(low) & np.isfinite(high)
    ax.plot(x, each, color=colour, linewidth=0.4, alpha=0.4, zorder=2)
    ax.fill_between(x[bounded], low[bounded], high[bounded], color=colour, alpha=0.2, linewidth=0)
    ax.plot(x, mean, color=colour, linewidth=1.4, marker=marker, label=label, zorder=4)


def zero_line(ax: Axes, at: float = 0.0) -> None:
    """Draw the line of no effect."""
    ax.axhline(at, color=GREY, linewidth=0.5, zorder=0)


def columns(
    ax: Axes, at: Sequence[float], names: Sequence[str], *, share: float, size: float = SMALL, free: Sequence[str] = ()
) -> None:
    """Name the columns below the axis in lines that fit, or slanted where a single word is too wide.

    share : of the axis' width that a column has. free : names with room to spare, whose width does not count.
    """
    width = int(share * width_mm(ax) / (LETTER_MM * size))
    slanted = any(len(word) > width for name in names if name not in free for word in str(name).split())
    shown = [str(name) if slanted or name in free else fill(str(name), max(width, 1)) for name in names]
    slant: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    ax.set_xticks(list(at), shown, fontsize=size, **slant)
    ax.tick_params(axis="x", length=0)


def width_mm(ax: Axes) -> float:
    """Get how wide the axes are on paper, before the layout is settled."""
    return ax.get_position().width * ax.figure.get_figure(root=True).get_size_inches()[0] / MM


def backed(ax: Axes, x: float, y: float, text: str, **more: Any) -> None:
    """Write a note on white, so that a line behind it does not strike it through."""
    plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    note(ax, x, y, text, **{"bbox": plate, "zorder": 6, "ha": "left", "va": "center"} | more)


def key(ax: Axes, *, ncols: int = 3, **more: Any) -> None:
    """Write the key in one line inside the top of the axes, where :func:`headroom` left a strip free."""
    style: dict[str, Any] = {"borderaxespad": 0.0, "handletextpad": 0.2, "columnspacing": 0.9} | more
    ax.legend(**{"loc": "upper left", "ncols": ncols} | style)


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
