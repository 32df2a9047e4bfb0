"""The figure of every localiser against every task: what each chosen region is needed for."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import SMALL, TINY
from neurolab.plots.words import alpha_words, fixed, interval_words, number, p_words, sample_words


def describe_localiser_matrix(result: xr.Dataset) -> str:
    """Get the figure in words: every cell, then the diagonal."""
    e = values(result, "effect", "lesion", "task")
    cells = [
        f"{lesion} on {task} {number(e[i, j])}"
        for i, lesion in enumerate(names(result, "lesion"))
        for j, task in enumerate(names(result, "task"))
    ]
    d, low, high, p, floor = (scalar(result, f"diagonal_{v}") for v in ("effect", "low", "high", "p", "p_floor"))
    return (
        f"Mean deficit after each lesion in each task; {sample_words(result)}. {'; '.join(cells)}. Diagonal against "
        f"the rest: {number(d)} ({interval_words(low, high, level(result))}; {p_words(p, floor)})."
    )


@drawing(
    "localiser_matrix",
    variables=(
        "effect",
        "low",
        "high",
        "p",
        "q",
        "p_floor",
        "value",
        "diagonal_effect",
        "diagonal_low",
        "diagonal_high",
        "diagonal_p",
        "diagonal_p_floor",
    ),
    marks="Colour and number: mean deficit after a lesion (row) in a task (column); below it its interval. "
    "Outlined: the task that the region was localised for.",
    alt=describe_localiser_matrix,
    also=lambda result, **_: f"Bold: corrected p of {alpha_words(result)} or less.",
    height_mm=66.0,
)
def plot_localiser_matrix(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw every localiser (row) against every task (column): mean deficit by colour, with number and interval.

    result : of ``localiser_matrix``: effect, low, high, q (lesion, task), diagonal_effect … .
    Returns the axes. Colours are symmetric about zero.

    Example
    -------
    >>> from neurolab.analysis import localiser_matrix
    >>> from neurolab.simulate import phantom_trials
    >>> result = localiser_matrix(phantom_trials(rng=0), rng=0)
    >>> plot_localiser_matrix(result).get_title(loc="left")
    'lesion × task'
    """
    import seaborn

    e = values(result, "effect", "lesion", "task")
    limit = float(np.nanmax(np.abs(e))) or 1.0
    # pcolormesh, not seaborn.heatmap: seaborn 0.13 changes a colour map in place, which matplotlib 3.11 deprecates
    shown = ax.pcolormesh(
        e, cmap=seaborn.color_palette("vlag", as_cmap=True), vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.8
    )
    ax.set(aspect="equal", xlim=(0, e.shape[1]), ylim=(e.shape[0], 0))
    ax.set_xticks(np.arange(e.shape[1]) + 0.5, names(result, "task"))
    ax.set_yticks(np.arange(e.shape[0]) + 0.5, names(result, "lesion"))
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.8, pad=0.03, aspect=14, label="deficit (sham − lesion)")
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    ax.spines[["left", "bottom"]].set_visible(False)
    _numbers(ax, result, limit)
    for at in range(min(e.shape)):
        ax.add_patch(Rectangle((at, at), 1, 1, fill=False, edgecolor="black", linewidth=1.2, zorder=5, clip_on=False))
    ax.tick_params(axis="both", length=0, rotation=0)
    d, p = scalar(result, "diagonal_effect"), p_words(scalar(result, "diagonal_p"), scalar(result, "diagonal_p_floor"))
    ax.set_xlabel(f"diagonal − rest {number(d)}, {p}")
    heading(ax, "lesion × task", sample_words(result))
    return ax


def _numbers(ax: Axes, result: xr.Dataset, limit: float) -> None:
    """Write effect and interval into every cell: bold where the corrected p is within 1 − level."""
    e, low, high, q = (values(result, v, "lesion", "task") for v in ("effect", "low", "high", "q"))
    for i, j in np.ndindex(e.shape):
        here, ends = float(e[i, j]), (float(low[i, j]), float(high[i, j]))
        weight = "bold" if q[i, j] <= 1 - level(result) + 1e-12 else "normal"
        style: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "color": "white" if abs(here) > 0.65 * limit else "black",
        }
        ax.text(j + 0.5, i + 0.45, fixed(here), fontsize=SMALL, fontweight=weight, **style)
        ax.text(j + 0.5, i + 0.72, f"{fixed(ends[0])} to {fixed(ends[1])}", fontsize=TINY, **style)
