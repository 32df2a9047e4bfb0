"""A value in the cloud of its null, network by network, and the tested difference in a last column."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.marks import backed, dots, effect, headroom, key, zero_line
from neurolab.plots.read import names, scalar
from neurolab.plots.style import GREY, SERIES, WONG
from neurolab.plots.words import p_lines, short_names


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
    last = len(value) + 0.8
    _difference(ax, result, difference, last)
    ax.set_xticks([*range(len(value)), last], [*_ticks(result), called[2]])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.7, last + max(1.2, 0.36 * last))
    below: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "xytext": (0, -10), "textcoords": "offset points"}
    ax.annotate("network", ((len(value) - 1) / 2, 0), ha="center", va="top", **below)
    ax.scatter([], [], color=colour, marker=marker, s=10, label=called[0])
    ax.scatter([], [], color=GREY, s=3, label=called[1])
    headroom(ax, above=0.12)
    key(ax, ncols=2)


def _difference(ax: Axes, result: xr.Dataset, difference: np.ndarray, at: float) -> None:
    dots(ax, at - 0.3, difference, colour="white", width=0.3, edgecolors=SERIES[0][0], linewidths=0.6, s=8.0)
    effect(ax, at + 0.15, *(scalar(result, v) for v in ("effect", "low", "high")), colour=WONG["black"])
    text = p_lines(scalar(result, "p"), scalar(result, "p_floor"))
    rank = p_lines(scalar(result, "rank_p"), scalar(result, "rank_p_floor"))
    backed(ax, at + 0.5, scalar(result, "effect"), f"{text}\nrank {rank}")


def _ticks(result: xr.Dataset) -> list[str]:
    every = short_names(names(result, "specimen"))
    step = max(1, -(-len(every) // 12))
    short = all(len(name) <= 4 for name in every)
    return [(name if short else str(at + 1)) if at % step == 0 else "" for at, name in enumerate(every)]
