"""The figure of a localiser on data that did not choose its units: response profile, folds, and the tested effect."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.contrast import parse_contrast
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import backed, columns, dots, effect, heading, headroom, more_words, strongest, zero_line
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.units import scaled
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words

#: Conditions that are drawn, and those that a column is made for.
MOST, USUAL = 16, 10


def describe_held_out(result: xr.Dataset) -> str:
    """Get the figure in words: the held-out effect, the folds, the overlap of what they chose."""
    (e, low, high), unit = scaled(result, np.array([scalar(result, name) for name in ("effect", "low", "high")]))
    p, floor = scalar(result, "p"), scalar(result, "p_floor")
    folds = ", ".join(number(one) for one in scaled(result, values(result, "fold_effect", "fold"))[0])
    said = f"{number(e)} {unit}".rstrip()
    seen = scaled(result, values(result, "profile", "condition"))[0]
    profile = ", ".join(f"{name} {number(one)}" for name, one in zip(names(result, "condition"), seen))
    return (
        f"Held-out effect of {result.attrs.get('contrast')}: {said} ({interval_words(low, high, level(result))}; "
        f"{p_words(p, floor)}); {sample_words(result)}. By fold: {folds}. Mean Dice overlap of the regions that the "
        "folds "
        f"chose: {number(scalar(result, 'mean_dice'))}. Mean held-out response: {profile}."
    )


@drawing(
    "held_out",
    variables=("fold_effect", "profile", "dice", "n_units", "effect", "low", "high", "p", "p_floor", "mean_dice"),
    marks="Left: mean response to each condition in the folds that did not choose the units (filled: the two sides "
    "of the "
    "contrast). Right: grey dots are the effect in each left-out fold; the diamond with bar is their mean and its "
    "interval.",
    alt=describe_held_out,
    height_mm=55.0,
)
def plot_held_out(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the held-out response of a functional region: its profile over conditions, and the contrast by fold.

    result : of ``held_out``: profile (condition), fold_effect (fold), effect with interval, in units of activity.
    Returns the axes. Of more than 16 conditions those of the contrast's first side and the largest are drawn.

    Example
    -------
    >>> from neurolab.analysis import held_out
    >>> from neurolab.simulate import phantom_recording
    >>> result = held_out(phantom_recording(n_runs=2, rng=0), "faces > objects", n_permutations=19, rng=0)
    >>> plot_held_out(result).get_title(loc="left")
    'faces > objects'
    """
    condition, (profile, unit) = names(result, "condition"), scaled(result, values(result, "profile", "condition"))
    contrast = parse_contrast(str(result.attrs["contrast"]))
    first = np.isin(condition, list(contrast.positive))
    kept = strongest(np.where(first, np.finfo(float).max, profile), MOST)
    order = [int(at) for at in np.argsort(-profile, kind="stable") if at in kept]
    unit_x = max(1.0, len(order) / USUAL)  # of the last column
    zero_line(ax)
    for at, i in enumerate(order):
        side = 0 if condition[i] in contrast.positive else 1 if condition[i] in contrast.negative else 2
        colour, marker = SERIES[side] if side < 2 else (GREY, "o")
        ax.plot([at, at], [0, profile[i]], color=colour, linewidth=0.6, zorder=1)
        face = colour if side < 2 else "white"
        ax.plot([at], [profile[i]], marker=marker, color=colour, markerfacecolor=face, linestyle="none", zorder=3)
    last = len(order) + 0.6 * unit_x
    each = scaled(result, values(result, "fold_effect", "fold"))[0]
    dots(ax, last - 0.2 * unit_x, each, colour=GREY, width=0.3 * unit_x, s=5.0)
    e = scaled(result, np.array([scalar(result, name) for name in ("effect", "low", "high")]))[0]
    effect(ax, last + 0.25 * unit_x, *e)
    backed(ax, last + 0.55 * unit_x, e[0], p_lines(scalar(result, "p"), scalar(result, "p_floor")))
    columns(ax, [*range(len(order)), last], [*(condition[i] for i in order), "contrast"], share=1 / (1.35 * last + 1.2))
    ax.set(xlim=(-0.6, last * 1.35 + 0.6), ylabel=f"held-out response{f' ({unit})' if unit else ''}")
    ax.set_xlabel(more_words(len(order), len(condition), "conditions"))
    headroom(ax, above=0.05)
    heading(ax, str(result.attrs.get("contrast")), sample_words(result))
    return ax
