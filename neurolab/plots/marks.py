"""The few marks that all figures are made of: dots of a sample, an effect with its interval, a note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurolab.plots.room import text_mm, told_apart, words_of, wrapped
from neurolab.plots.style import GREY, MM, NORMAL, SMALL, TINY, WONG

GOLDEN = 0.6180339887498949
APART = 1.0  # millimetres between two names side by side
SLANTED = 27.0  # millimetres that a slanted name may be long
KEYED = 0.6  # share of the axes' width that a key in the corner of a curve may have
MOST_MARKS = 16  # on one curve
HANDLE = 5.6  # millimetres of an entry of the key that are not its name
ROW = 0.09  # share of the y axis that a further row of the key takes
BESIDE = 2.5  # millimetres between a title and what n is
STEADY = 0.3  # millimetres by which the room may still shrink: less than what is kept apart
EDGE = 1.0  # millimetres that a label keeps from the edge of the figure


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
    every = -(-len(x) // MOST_MARKS)
    ax.plot(x, mean, color=colour, linewidth=1.4, marker=marker, markevery=every, label=label, zorder=4)


def strongest(effects: np.ndarray, most: int) -> list[int]:
    """Get the places of the largest effects, in their own order; of rows, by the largest one in each.

    Example
    -------
    >>> strongest(np.array([0.1, -0.9, np.nan, 0.4]), 2)
    [1, 3]
    """
    size = np.nan_to_num(np.abs(np.asarray(effects, dtype=float)), nan=-1.0)
    size = size.reshape(len(size), -1).max(axis=1, initial=-1.0)
    return sorted(int(at) for at in np.argsort(-size, kind="stable")[:most])


def more_words(drawn: int, every: int, what: str) -> str:
    """Get the line that says how many are not drawn, empty where all are.

    Example
    -------
    >>> more_words(24, 300, "lesions"), more_words(3, 3, "lesions")
    ('the 24 largest of 300 lesions … and 276 more, see the table', '')
    """
    more = every - drawn
    return f"the {drawn} largest of {every:,} {what} … and {more:,} more, see the table" if more else ""


def zero_line(ax: Axes, at: float = 0.0) -> None:
    """Draw the line of no effect."""
    ax.axhline(at, color=GREY, linewidth=0.5, zorder=0)


def columns(
    ax: Axes, at: Sequence[float], names: Sequence[str], *, share: float, size: float = SMALL, free: Sequence[str] = ()
) -> None:
    """Name the columns below the axis in lines that fit, or slanted where a single word is too wide.

    share : of the axis' width that a column has. free : names with room to spare, whose width does not count.
    """
    room = max(share * width_mm(ax) - APART, 1.0)
    every = [str(name) for name in names]
    bound = [name for name in every if name not in free]
    slanted = any(text_mm(word, size) > room for name in bound for word in words_of(name))
    width, lines = (SLANTED, 1) if slanted else (room, 4)
    short = dict(zip(bound, told_apart(bound, lambda name: wrapped(name, width, size=size, lines=lines))))
    slant: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    ax.set_xticks(list(at), [short.get(name, name) for name in every], fontsize=size, **slant)
    ax.tick_params(axis="x", length=0)


def width_mm(ax: Axes) -> float:
    """Get how wide the axes are on paper: as they were last laid out, about so before that."""
    return ax.get_position().width * _size_mm(ax)[0]


def height_mm(ax: Axes) -> float:
    """Get how high the axes are on paper, as :func:`width_mm` gets their width."""
    return ax.get_position().height * _size_mm(ax)[1]


def _size_mm(ax: Axes) -> np.ndarray:
    return np.asarray(ax.figure.get_figure(root=True).get_size_inches()) / MM


def backed(ax: Axes, x: float, y: float, text: str, **more: Any) -> None:
    """Write a note on white, so that a line behind it does not strike it through."""
    plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    note(ax, x, y, text, **{"bbox": plate, "zorder": 6, "ha": "left", "va": "center"} | more)


def key(ax: Axes, *, ncols: int = 3, share: float = 1.0, **more: Any) -> None:
    """Write the key inside the top of the axes, in one line where it fits, and leave room for what needs more.

    The strip of the first line is what :func:`headroom` left free; in a corner (share below 1) that of all of them.
    share : of the axes' width that it may have.
    """
    handles, named = ax.get_legend_handles_labels()
    room = share * width_mm(ax)
    widest = max((text_mm(name, TINY) for name in named), default=0.0)
    fitting = max(1, min(ncols, int(room / (widest + HANDLE))))
    shown = told_apart(named, lambda name: wrapped(name, room - HANDLE, size=TINY, lines=1))
    free = 1 if share == 1.0 else -(-len(named) // ncols)
    headroom(ax, above=ROW * max(0, -(-len(named) // fitting) - free))
    style: dict[str, Any] = {"borderaxespad": 0.0, "handletextpad": 0.2, "columnspacing": 0.9, "loc": "upper left"}
    ax.legend(handles, shown, ncols=fitting, **style | more)


def note(ax: Axes, x: float, y: float, text: str, **more: Any) -> None:
    """Write a small note at a place given in data units."""
    style: dict[str, Any] = {"fontsize": TINY, "ha": "center", "va": "bottom", "linespacing": 1.15} | more
    ax.text(x, y, text, **style)


def at_foot(ax: Axes, notes: Sequence[tuple[float, str]]) -> None:
    """Write notes upright at the foot of the axes, each at its x, and widen the y axis by what the longest takes."""
    if not notes:
        return
    lay_out(ax)
    tall, high = max(text_mm(said, TINY) for _, said in notes) + APART, height_mm(ax)
    headroom(ax, below=tall / max(high - tall, tall))
    for x, said in notes:
        note(ax, x, 0.01, said, transform=ax.get_xaxis_transform(), rotation=90)


def headroom(ax: Axes, *, above: float = 0.0, below: float = 0.0) -> None:
    """Widen the y axis by shares of its range, so that notes do not touch data."""
    low, high = ax.get_ylim()
    ax.set_ylim(low - below * (high - low), high + above * (high - low))


def heading(ax: Axes, title: str, sample: str, *, pad: float | None = None) -> None:
    """Write what is shown on the left above the axes and what n is on the right, and break what is too long.

    The last thing to do to axes: title and labels are fitted to the room that the layout leaves them.
    pad : points between the axes and both.
    """
    ax.set_title(sample, loc="right", fontsize=TINY, pad=pad)
    labels = {axis: axis.label.get_text() for axis in (ax.xaxis, ax.yaxis)}
    rooms = np.full(3, np.inf)
    for _ in range(4):  # more lines make axes smaller, and those of a fixed shape narrower
        lay_out(ax)
        found = np.array([width_mm(ax), *_around(ax)])
        if (found >= rooms - STEADY).all():
            break
        rooms = np.minimum(rooms, found)
        beside = rooms[0] - text_mm(sample, TINY) - BESIDE
        ax.set_title(wrapped(title, rooms[0], size=NORMAL, lines=2, last=beside), loc="left", pad=pad)
        for axis, room in zip(labels, rooms[1:]):
            lines = labels[axis].split("\n")
            axis.label.set_text("\n".join(wrapped(line, room, size=SMALL, lines=4) for line in lines))


def lay_out(ax: Axes) -> None:
    """Find the place that the axes will have on the figure as it stands."""
    figure = ax.figure.get_figure(root=True)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def _around(ax: Axes) -> list[float]:
    """The millimetres that the labels of x and y have: centred on the axes, they may reach as far as the figure."""
    place, spec = ax.get_position(), ax.get_subplotspec()
    middle, size = np.array([(place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2]), _size_mm(ax)
    own = np.array([place.width, place.height]) * size
    alone = np.array([spec.get_gridspec().ncols, spec.get_gridspec().nrows]) == 1 if spec else np.zeros(2, dtype=bool)
    return list(np.where(alone, 2 * np.minimum(middle, 1 - middle) * size - 2 * EDGE, own))
