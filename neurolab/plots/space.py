"""Units in space: three projections of a glass brain, with the sides named."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from neurolab.plots.glass import circles, crosses, points, style_of
from neurolab.plots.marks import height_mm, width_mm
from neurolab.plots.style import TINY

#: The three projections of a glass brain: the axis across, the axis up, and where one looks from.
PROJECTIONS = ((1, 2, "from the side"), (0, 2, "from behind"), (0, 1, "from above"))
#: What lies at the low and the high end of x, y and z in a head: coordinates run to the right, the front and the top.
ENDS = (("L", "R"), ("P", "A"), ("I", "S"))
GAP = 0.34  # between two projections, as a share of the longest side


def draw_space(
    ax: Axes, result: xr.Dataset, statistic: np.ndarray, chosen: np.ndarray, passed: np.ndarray, norm: Normalize
) -> None:
    """Draw units where they are, seen from the side, from behind and from above."""
    place = np.column_stack([result[axis].values.astype(float) for axis in "xyz"])
    known = np.isfinite(place).all(axis=1)
    place = place - place[known].min(axis=0)
    size = place[known].max(axis=0)
    longest, seen = max(float(size.max()), 1e-9), views_of(size)
    # the strongest unit along a line of sight is painted last; the chosen region lies above all
    front = np.argsort(np.where(np.isfinite(statistic), np.abs(statistic), -1.0) + 1e6 * chosen, kind="stable")
    front = front[known[front]]
    frame(ax, size, seen)
    diameter, start = _diameter(size, len(front), longest), 0.0
    on_paper = 0.8 * diameter * min(width_mm(ax) / np.ptp(ax.get_xlim()), height_mm(ax) / np.ptp(ax.get_ylim()))
    style = style_of(statistic[front], chosen[front], norm)
    for view in seen:
        offsets = np.column_stack([place[front, view[0]] + start, place[front, view[1]]])
        ax.add_collection(circles(ax, offsets, diameter, diameter, style), autolim=False)
        crosses(ax, offsets[~np.isfinite(statistic[front])], on_paper)
        points(ax, offsets[passed[front]], on_paper)
        _name(ax, view, start, size, spare(size, seen), head=str(result.attrs.get("kind", "")) == "brain")
        start += size[view[0]] + GAP * longest


def views_of(size: np.ndarray) -> list[tuple[int, int, str]]:
    """Get the projections in which something of this size is not a line: one slice has no depth."""
    return [view for view in PROJECTIONS if size[view[0]] > 0 and size[view[1]] > 0] or list(PROJECTIONS[:1])


def projections_said(result: xr.Dataset) -> str:
    """Get how many projections are drawn of a result, as a sentence begins with them."""
    place = np.column_stack([result[axis].values.astype(float) for axis in "xyz"])
    n = len(views_of(np.ptp(place[np.isfinite(place).all(axis=1)], axis=0)))
    return ("One projection", "Two projections", "Three projections")[n - 1]


def spare(size: np.ndarray, seen: list[tuple[int, int, str]]) -> float:
    """Get the length that the room for words is measured by: a single projection is drawn larger, its words are not."""
    return max(float(size.max()), 1e-9) * (1.0 if len(seen) > 1 else 0.5)


def frame(ax: Axes, size: np.ndarray, seen: list[tuple[int, int, str]]) -> None:
    """Set the limits around the projections, with room for what names their sides, and draw no axes."""
    total = sum(size[across] for across, _, _ in seen) + GAP * max(float(size.max()), 1e-9) * (len(seen) - 1)
    top, room = max(size[up] for _, up, _ in seen), spare(size, seen)
    ax.set(xlim=(-0.16 * room, total + 0.16 * room), ylim=(-0.4 * room, top + 0.16 * room), aspect="equal")
    ax.set_axis_off()


def _diameter(size: np.ndarray, n: int, longest: float) -> float:
    deep = size > 0  # one slice has no depth: it is seen from one side only
    pitch = float((np.prod(size[deep]) / max(n, 1)) ** (1 / max(1, int(deep.sum()))))
    return min(max(0.8 * pitch, 0.01 * longest), 0.08 * longest)


def _name(ax: Axes, view: tuple[int, int, str], start: float, size: np.ndarray, room: float, *, head: bool) -> None:
    """Say from where one looks, and in a head what is left, right, front, back, top and bottom."""
    across, up, said = view
    words = said if head else f"{'xyz'[up]} over {'xyz'[across]}"
    ax.text(start + size[across] / 2, -0.26 * room, words, ha="center", va="top", fontsize=TINY)
    if not head:
        return
    style: dict[str, Any] = {"fontsize": TINY, "ha": "center", "va": "center", "color": "#555555"}
    for end, at in zip(ENDS[across], (-0.09 * room, size[across] + 0.09 * room)):
        ax.text(start + at, size[up] / 2, end, **style)
    for end, at in zip(ENDS[up], (-0.12 * room, size[up] + 0.12 * room)):
        ax.text(start + size[across] / 2, at, end, **style)
