"""A value in the cloud of its null, network by network, and the tested difference in a last column."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.marks import APART, backed, dots, effect, headroom, key, width_mm, zero_line
from neurolab.plots.read import names, scalar
from neurolab.plots.room import text_mm
from neurolab.plots.style import GREY, SERIES, SMALL, WONG
from neurolab.plots.whose import in_its_sample
from neurolab.plots.words import p_lines, short_names

#: Networks that the columns of this figure are made for.
USUAL = 10


def draw_clouds(
    ax: Axes,
    result: xr.Dataset,
    value: np.ndarray,
    null: np.ndarray,
    difference: np.ndarray,
    called: tuple[str, str, str],
) -> None:
    """Draw a column per network: null (specimen, draw) as grey dots, value (specimen) in front; then the difference.

    called : what the value, the null and the last column are called.
    """
    zero_line(ax)
    colour, marker = SERIES[0]
    many = null.shape[1] > 200
    style: dict[str, Any] = {"s": 0.8 if many else 2.0, "width": 0.7, "linewidths": 0.0, "zorder": 2}
    for at, cloud in enumerate(null):
        dots(ax, at, cloud, colour=GREY, rasterized=many, alpha=0.4 if many else 0.6, **style)
    for at, one in enumerate(value):
        dots(ax, at, [one], colour=colour, marker=marker, s=14.0, width=0.0, zorder=4)
    unit = max(1.0, len(value) / USUAL)  # of the last column: among more networks it needs more of their columns
    last = len(value) + 0.8 * unit
    _difference(ax, result, difference, last, unit)
    ax.set_xlim(-0.7, last + max(1.2, 0.36 * last))
    ax.set_xticks([*range(len(value)), last], [*_before(ax, _ticks(result), last, called[2]), called[2]])
    ax.tick_params(axis="x", length=0)
    below: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "xytext": (0, -10), "textcoords": "offset points"}
    ax.annotate(in_its_sample("network", result), ((len(value) - 1) / 2, 0), ha="center", va="top", **below)
    ax.scatter([], [], color=colour, marker=marker, s=10, label=called[0])
    ax.scatter([], [], color=GREY, s=3, label=called[1])
    headroom(ax, above=0.12)
    key(ax, ncols=2)


def _difference(ax: Axes, result: xr.Dataset, difference: np.ndarray, at: float, unit: float) -> None:
    style: dict[str, Any] = {"edgecolors": SERIES[0][0], "linewidths": 0.6, "s": 8.0}
    dots(ax, at - 0.3 * unit, difference, colour="white", width=0.3 * unit, **style)
    effect(ax, at + 0.15 * unit, *(scalar(result, v) for v in ("effect", "low", "high")), colour=WONG["black"])
    text = p_lines(scalar(result, "p"), scalar(result, "p_floor"))
    rank = p_lines(scalar(result, "rank_p"), scalar(result, "rank_p_floor"))
    backed(ax, at + 0.5 * unit, scalar(result, "effect"), f"{text}\nrank {rank}")


def _before(ax: Axes, ticks: list[str], last: float, name: str) -> list[str]:
    """The names of the networks, without those that would run into the name of the last column."""
    mm = width_mm(ax) / float(np.ptp(ax.get_xlim()))
    own = text_mm(name, SMALL) / 2 + APART
    return [tick if (last - at) * mm > own + text_mm(tick, SMALL) / 2 else "" for at, tick in enumerate(ticks)]


def _ticks(result: xr.Dataset) -> list[str]:
    every = short_names(names(result, "specimen"))
    every = [re.split("[/:_ #-]", one)[-1] or one for one in every] if len(every) == 1 else every
    step = max(1, -(-len(every) // 12))
    short = all(len(name) <= 4 for name in every)
    return [(name if short else str(at + 1)) if at % step == 0 else "" for at, name in enumerate(every)]
