"""The figure of savings: the steps that every network took to learn, first and again."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import columns, effect, heading, headroom, spread
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import in_task, interval_words, number, p_words, sample_words, sentences, tidy


def describe_savings(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, the share saved and who never got there."""
    said, flags = " ".join(sentences(result, "reasons")), " ".join(sentences(result, "undermined_by"))
    verdict = tidy(str(result.attrs.get("verdict", "")))
    return f"Steps to the criterion{in_task(result)}; {sample_words(result)}. {verdict}. {said} {flags}".rstrip()


@drawing(
    "savings",
    variables=("steps", "reached", "mean", "low", "high", "effect", "effect_low", "effect_high", "p", "p_floor"),
    marks="Dots: one network each, joined between both trainings; hollow where the criterion was not reached (counted "
    "as the last step). Diamonds: mean and its interval, with an arrow where it has no end, for some never reached it.",
    alt=describe_savings,
    height_mm=58.0,
)
def plot_savings(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the steps to criterion of every network in first learning and in relearning.

    result : of ``savings``: steps, reached (arm, specimen), mean, low, high (arm). Returns the axes.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.analysis import savings
    >>> steps = {"first learning": [20, 24, 22, 21, 25, 23, 19, 26], "relearning": [5, 8, 6, 4, 9, 7, 6, 5]}
    >>> table = pd.DataFrame(steps).rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")
    >>> plot_savings(savings(table, rng=0)).get_title(loc="left")
    'savings'
    """
    arms = names(result, "arm")
    steps, reached = (values(result, name, "arm", "specimen") for name in ("steps", "reached"))
    mean, low, high = (values(result, name, "arm") for name in ("mean", "low", "high"))
    sideways = spread(steps.shape[1], 0.16)
    for member in range(steps.shape[1]):
        ax.plot(np.arange(2) + sideways[member], steps[:, member], color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
    for at, (colour, marker) in zip(range(2), SERIES):
        faces = [colour if there else "white" for there in reached[at] > 0]
        edges: dict[str, Any] = {"facecolors": faces, "edgecolors": colour}
        ax.scatter(at + sideways, steps[at], s=9.0, marker=marker, linewidths=0.5, zorder=3, **edges)
        effect(ax, at + (0.24 if at else -0.24), mean[at], low[at], high[at])
    columns(ax, range(2), arms, share=0.5)
    share = number(scalar(result, "effect"))
    ends = interval_words(scalar(result, "effect_low"), scalar(result, "effect_high"), level(result))
    words = p_words(scalar(result, "p"), scalar(result, "p_floor"))
    ax.set(xlim=(-0.6, 1.6), xlabel=f"share saved: {share} ({ends})\n{words}")
    ax.set_ylabel("\n".join(["steps to the criterion", in_task(result).strip()]).strip())
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    if np.isinf(high).any():  # room for the arrow below the title
        headroom(ax, above=0.16)
    heading(ax, tidy(str(result.attrs.get("verdict", ""))), sample_words(result))
    return ax
