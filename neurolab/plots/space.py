"""Units in space: three projections of a glass brain, with the sides named."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from neurolab.plots.glass import circles, crosses, mappable, points, style_of
from neurolab.plots.marks import width_mm
from neurolab.plots.style import TINY

#: The three projections of a glass brain: the axis across, the axis up, and where one looks from.
PROJECTIONS = ((1, 2, "from the side"), (0, 2, "from behind"), (0, 1, "from above"))
#: What lies at the low and the high end of x, y and z in a head: coordinates run to the right, the front and the top.
ENDS = (("L", "R"), ("P", "A"), ("I", "S"))
GAP = 0.34  # between two projections, as a share of the longest side


def draw_space(
    ax: Axes, result: xr.Dataset, statistic: np.ndarray, chosen: np.ndarray, passed: np.ndarray, norm: Normalize
) -> Any:
    """Draw units where they are, seen from the side, from behind and from above; returns what a colour bar needs."""
    place = np.column_stack([result[axis].values.astype(float) for axis in "xyz"])
    known = np.isfinite(place).all(axis=1)
    place = place - place[known].min(axis=0)
    size = place[known].max(axis=0)
    longest = max(float(size.max()), 1e-9)
    seen = [view for view in PROJECTIONS if size[view[0]] > 0 and size[view[1]] > 0] or list(PROJECTIONS[:1])
    # the strongest unit along a line of sight is painted last; the chosen region lies above all
    front = np.argsort(np.where(np.isfinite(statistic), np.abs(statistic), -1.0) + 1e6 * chosen, kind="stable")
    front = front[known[front]]
    total = sum(size[across] for across, _, _ in seen) + GAP * longest * (len(seen) - 1)
    diameter, start = _diameter(size, len(front), longest), 0.0
    on_paper = 0.8 * diameter * width_mm(ax) / (total + 0.3 * longest)
    style = style_of(statistic[front], chosen[front], norm)
    for view in seen:
        offsets = np.column_stack([place[front, view[0]] + start, place[front, view[1]]])
        ax.add_collection(circles(ax, offsets, diameter, diameter, style), autolim=False)
        crosses(ax, offsets[~np.isfinite(statistic[front])], on_paper)
        points(ax, offsets[passed[front]], on_paper)
        _name(ax, view, start, size, longest, head=str(result.attrs.get("kind", "")) == "brain")
        start += size[view[0]] + GAP * longest
    top = max(size[up] for _, up, _ in seen) + 0.16 * longest
    ax.set(xlim=(-0.16 * longest, total + 0.16 * longest), ylim=(-0.4 * longest, top), aspect="equal")
    ax.set_axis_off()
    return mappable(norm)


def _diameter(size: np.ndarray, n: int, longest: float) -> float:
    deep = size > 0  # one slice has no depth: it is seen from one side only
    pitch = float((np.prod(size[deep]) / max(n, 1)) ** (1 / max(1, int(deep.sum()))))
    return min(max(0.8 * pitch, 0.01 * longest), 0.08 * longest)


def _name(ax: Axes, view: tuple[int, int, str], start: float, size: np.ndarray, longest: float, *, head: bool) -> None:
    """Say from where one looks, and in a head what is left, right, front, back, top and bottom."""
    across, up, said = view
    words = said if head else f"{'xyz'[up]} over {'xyz'[across]}"
    ax.text(start + size[across] / 2, -0.26 * longest, words, ha="center", va="top", fontsize=TINY)
    if not head:
        return
    style: dict[str, Any] = {"fontsize": TINY, "ha": "center", "va": "center", "color": "#555555"}
    for end, at in zip(ENDS[across], (-0.09 * longest, size[across] + 0.09 * longest)):
        ax.text(start + at, size[up] / 2, end, **style)
    for end, at in zip(ENDS[up], (-0.12 * longest, size[up] + 0.12 * longest)):
        ax.text(start + size[across] / 2, at, end, **style)
