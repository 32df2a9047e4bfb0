"""The figure of recovery: score over retraining in every arm, and the score that counts as back."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import course, heading, headroom, key
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import in_task, interval_words, number, p_words, sample_words, sentences, tidy

#: Points between the triangles of one arm and those of the next, so that arms that are equally soon are all seen.
ROW = 3.6


def describe_recovery(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, then every test with its numbers."""
    said = " ".join(sentences(result, "reasons"))
    task = in_task(result)
    return f"Score{task} over retraining; {sample_words(result)}. {tidy(str(result.attrs.get('verdict', '')))}. {said}"


def _tested(result: xr.Dataset) -> str:
    effect, low, high = (scalar(result, name) for name in ("effect", "effect_low", "effect_high"))
    words = p_words(scalar(result, "p"), scalar(result, "p_floor"))
    return f"share recovered: {number(effect)} ({interval_words(low, high, level(result))})\n{words}"


@drawing(
    "recovery",
    variables=(
        *("score", "mean", "low", "high", "steps", "reached", "criterion", "initial", "remaining"),
        *("effect", "effect_low", "effect_high", "p", "p_floor"),
        *("remaining_effect", "remaining_low", "remaining_high", "remaining_p", "remaining_p_floor"),
    ),
    marks="Thin lines: one network each. Thick lines with marks and bands: means and their intervals, by arm. Dashed "
    "line: the score that counts as back (mean over networks). Triangles on it, a row above the other for "
    "every arm: the step at which each network of the arm first reached it; who never did has none.",
    alt=describe_recovery,
    height_mm=62.0,
)
def plot_recovery(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the curves of every arm over retraining, the criterion, and when each network reached it.

    result : of ``recovery``: score (arm, specimen, step), mean, low, high (arm, step), steps, reached (arm, specimen).
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import recovery
    >>> curves = np.array([[0.4, 0.7, 0.8], [0.9, 0.9, 0.9]])[None] + np.linspace(-0.02, 0.02, 8)[:, None, None]
    >>> arms = {"specimen": range(8), "arm": ["lesioned", "intact"], "step": [0, 10, 50]}
    >>> result = recovery(xr.DataArray(curves, coords=arms, dims=list(arms)), chance=0.1, rng=0)
    >>> plot_recovery(result).get_title(loc="left")
    'partly recovered, still impaired'
    """
    step, goal = result["step"].values.astype(float), scalar(result, "criterion_mean")
    ax.axhline(goal, color=GREY, linewidth=0.6, linestyle="--", zorder=1)
    mean, low, high = (values(result, name, "arm", "step") for name in ("mean", "low", "high"))
    each = values(result, "score", "arm", "step", "specimen")
    steps, reached = (values(result, name, "arm", "specimen") for name in ("steps", "reached"))
    for at, (name, (colour, marker)) in enumerate(zip(names(result, "arm"), SERIES)):
        course(ax, step, each[at], (mean[at], low[at], high[at]), colour=colour, marker=marker, label=name)
        there = steps[at][reached[at] > 0]
        row = offset_copy(ax.transData, ax.get_figure(root=True), y=ROW * at, units="points")
        style: dict[str, Any] = {"marker": 11, "s": 9.0, "color": colour, "linewidths": 0, "zorder": 5}
        ax.scatter(there, np.full(len(there), goal), transform=row, gid="time", **style)
    ax.set(xlabel=f"retraining steps\n{_tested(result)}", ylabel=f"score{in_task(result)}")
    headroom(ax, above=0.12)
    key(ax)  # above every curve and the criterion
    heading(ax, tidy(str(result.attrs.get("verdict", ""))).partition(":")[0], sample_line(result, "low"))
    return ax
