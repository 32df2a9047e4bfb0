"""The figure of a lesion among its controls: the target in the control cloud, network by network."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import dots, effect, heading, headroom, note, zero_line
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES, WONG
from neurolab.plots.words import interval_words, number, p_words, sample_words, short_names


def describe_controls(result: xr.Dataset) -> str:
    """Get the figure in words: where the target lies among its controls."""
    target, control = values(result, "target", "specimen"), values(result, "control", "specimen", "draw")
    e, low, high, p, floor = (scalar(result, v) for v in ("effect", "low", "high", "p", "p_floor"))
    rank, rank_floor = scalar(result, "rank_p"), scalar(result, "rank_p_floor")
    beyond = int((target > control.max(axis=1)).sum())
    return (
        f"Deficits of {len(target)} networks after the lesion and after {control.shape[1]} control lesions each; "
        f"{sample_words(result)}. The lesion exceeds every control in {beyond} of {len(target)} networks. "
        f"Difference to the mean control: {number(e)} ({interval_words(low, high, level(result))}; "
        f"{p_words(p, floor)}). Rank of the network mean among the control draws: {p_words(rank, rank_floor)}."
    )


@drawing(
    "against_controls",
    variables=("target", "control", "difference", "effect", "low", "high", "p", "p_floor", "rank_p", "rank_p_floor"),
    marks="Filled circles: the deficit of each network after the lesion. Grey dots: its deficits after control "
    "lesions. Open circles: target minus mean control, per network; black diamond with bar: their mean and its "
    "interval.",
    alt=describe_controls,
    height_mm=58.0,
)
def plot_controls(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the deficit of a lesion in the cloud of its control lesions, for every network, and the tested difference.

    result : of ``against_controls``: target (specimen), control (specimen, draw), difference (specimen), effect.
    Returns the axes; the last column is target − mean control, on the same scale.
    """
    target, control = values(result, "target", "specimen"), values(result, "control", "specimen", "draw")
    zero_line(ax)
    _clouds(ax, target, control)
    last = len(target) + 0.8
    _difference(ax, result, last)
    ax.set_xticks([*range(len(target)), last], [*_ticks(result), "target −\ncontrols"])
    ax.tick_params(axis="x", length=0)
    ax.set(xlim=(-0.7, last + max(1.0, 0.3 * last)), ylabel="deficit (sham − lesion)")
    below: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "xytext": (0, -10), "textcoords": "offset points"}
    ax.annotate("network", ((len(target) - 1) / 2, 0), ha="center", va="top", **below)
    headroom(ax, above=0.06)
    heading(ax, _title(result), sample_words(result))
    return ax


def _clouds(ax: Axes, target: np.ndarray, control: np.ndarray) -> None:
    colour, marker = SERIES[0]
    style: dict[str, Any] = {"s": 2.0, "width": 0.7, "linewidths": 0.0, "alpha": 0.6, "zorder": 2}
    for at, cloud in enumerate(control):
        dots(ax, at, cloud, colour=GREY, rasterized=cloud.size > 200, **style)
    for at, value in enumerate(target):
        dots(ax, at, [value], colour=colour, marker=marker, s=14.0, width=0.0, zorder=4)


def _difference(ax: Axes, result: xr.Dataset, at: float) -> None:
    difference = values(result, "difference", "specimen")
    dots(ax, at - 0.3, difference, colour="white", width=0.3, edgecolors=SERIES[0][0], linewidths=0.6, s=8.0)
    effect(ax, at + 0.15, *(scalar(result, v) for v in ("effect", "low", "high")), colour=WONG["black"])
    text = p_words(scalar(result, "p"), scalar(result, "p_floor")).replace(" (", "\n(")
    rank = p_words(scalar(result, "rank_p"), scalar(result, "rank_p_floor")).replace(" (", "\n(")
    note(ax, at + 0.45, scalar(result, "effect"), f"{text}\nrank {rank}", ha="left", va="center")


def _ticks(result: xr.Dataset) -> list[str]:
    every = short_names(names(result, "specimen"))
    step = max(1, -(-len(every) // 12))
    short = all(len(name) <= 4 for name in every)
    return [(name if short else str(at + 1)) if at % step == 0 else "" for at, name in enumerate(every)]


def _title(result: xr.Dataset) -> str:
    lesion, task = str(result.attrs.get("lesion", "lesion")), str(result.attrs.get("task", ""))
    return f"{lesion}: {task}" if task else lesion
