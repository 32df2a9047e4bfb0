"""The figure of two lesions together: the deficit of each, of both, and what is left over their sum."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import backed, columns, dots, effect, heading, headroom, zero_line
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words, tidy


def describe_interaction(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, then the interaction with its numbers."""
    e, low, high, p, floor = (scalar(result, name) for name in ("effect", "low", "high", "p", "p_floor"))
    return (
        f"Verdict: {tidy(str(result.attrs.get('verdict', 'none')))}; {sample_words(result)}. Deficit after both "
        f"lesions minus those after each, in {result.attrs.get('task', 'the task')}: {number(e)} "
        f"({interval_words(low, high, level(result))}; {p_words(p, floor)})."
    )


@drawing(
    "interaction",
    variables=("deficit", "value", "effect", "low", "high", "p", "p_floor"),
    marks="Coloured marks: the deficit of each network after either lesion and after both, joined by thin lines. "
    "Grey dots: both minus the sum of the two, per network; black diamond with bar: their mean and its interval.",
    alt=describe_interaction,
    height_mm=55.0,
)
def plot_interaction(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the deficits of two lesions and of both together, network by network, and the tested interaction.

    result : of ``interaction``: deficit (specimen, lesion), value per member, effect, low, high, in score.
    Returns the axes. Above zero the two are redundant, below it synergistic.

    Example
    -------
    >>> from neurolab.analysis import interaction
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0)
    >>> plot_interaction(interaction(trials, a="A", b="B", both="A + B", task="X", rng=0)).get_title(loc="left")
    'redundant in X'
    """
    zero_line(ax)
    deficit = values(result, "deficit", "specimen", "lesion")
    ax.plot(range(3), deficit.T, color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
    for at, (colour, marker) in zip(range(3), SERIES):
        dots(ax, at, deficit[:, at], colour=colour, marker=marker, width=0.0, s=10.0)
    each = values(result, "value", *map(str, result["value"].dims)).ravel()
    dots(ax, 3.15, each, colour=GREY, width=0.2, s=4.0 if each.size < 60 else 1.5)
    e, low, high = (scalar(result, name) for name in ("effect", "low", "high"))
    effect(ax, 3.45, e, low, high)
    backed(ax, 3.7, e, p_lines(scalar(result, "p"), scalar(result, "p_floor")))
    columns(ax, [0, 1, 2, 3.3], [*names(result, "lesion"), "both − sum"], share=1 / 5.3, free=["both − sum"])
    ax.set(xlim=(-0.5, 4.8), ylabel="deficit (sham − lesion)")
    headroom(ax, above=0.05)
    verdict = tidy(str(result.attrs.get("verdict", ""))).partition(":")[0]
    heading(ax, f"{verdict} in {result.attrs.get('task', 'the task')}", sample_words(result))
    return ax
