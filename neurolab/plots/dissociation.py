"""The figure of a double dissociation: every network under both lesions, and each claim with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import ROW, backed, columns, dots, effect, heading, headroom, width_mm, zero_line
from neurolab.plots.read import by_member, level, names, values
from neurolab.plots.room import told_apart, wrapped
from neurolab.plots.style import GREY, PALE, SERIES, SMALL, TINY
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words

GROUP = 5.0  # places per task: lesion a, lesion b, their difference, a gap for its p
DIFFERENCE = 2.3
TITLED = 3.0  # places that the name of a task may take


def describe_dissociation(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, then each claim with its numbers."""
    parts = [f"Verdict: {result.attrs.get('verdict', 'none')}; {sample_words(result)}."]
    for at, claim in enumerate(names(result, "claim")):
        e, low, high, p, floor = (values(result, v, "claim")[at] for v in ("effect", "low", "high", "p", "p_floor"))
        parts.append(f"{claim}: by {number(e)} ({interval_words(low, high, level(result))}; {p_words(p, floor)}).")
    for at, claim in enumerate(names(result, "spared")):
        e, low, high, bound = (values(result, f"spared_{v}", "spared")[at] for v in ("effect", "low", "high", "bound"))
        said = "shown" if bool(result["spared_shown"].values[at]) else "not shown"
        parts.append(f"{claim}: {said}; deficit {number(e)} ({number(low)} to {number(high)}, bound {number(bound)}).")
    return " ".join(parts)


@drawing(
    "dissociation",
    variables=(
        "deficit",
        "effect",
        "low",
        "high",
        "p",
        "p_floor",
        "value",
        "spared_effect",
        "spared_low",
        "spared_high",
        "spared_p",
        "spared_p_floor",
        "spared_bound",
        "spared_shown",
        "p_double",
    ),
    marks="Thin lines join the deficits of one network after the two lesions, within a task. Black diamonds with bars: "
    "the difference between the lesions and its interval; grey dots: the difference in each network. Open diamonds "
    "with bars: the deficit in the task that should be spared and its interval; grey band: what counts "
    "as spared: sparing is shown where the interval lies within it.",
    alt=describe_dissociation,
    height_mm=66.0,
)
def plot_dissociation(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw a double dissociation: lines per network under both lesions, per task, beside the tested difference.

    result : of ``dissociation``: deficit (specimen, lesion, task), claims and spared claims with intervals.
    Returns the axes. Both tasks share one scale: the score of the task.

    When this is invalid: two tasks with scores in different units share an axis that means nothing; look at
    ``effect_logit`` then.

    Example
    -------
    >>> from neurolab.analysis import dissociation
    >>> from neurolab.simulate import phantom_trials
    >>> result = dissociation(phantom_trials(rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    >>> plot_dissociation(result).get_title(loc="left")
    'classical double dissociation'
    """
    deficit = values(result, "deficit", "specimen", "lesion", "task")
    zero_line(ax)
    for task in range(2):
        _lines(ax, deficit[:, :, task], task)
        _claim(ax, result, task)
        _spared(ax, result, task)
    lesions, tasks = names(result, "lesion"), names(result, "task")
    at = [GROUP * task + column for task in range(2) for column in (0, 1, DIFFERENCE)]
    columns(ax, at, [*lesions, "difference"] * 2, share=1 / (GROUP + 5.1), free=["difference"])
    ax.set(xlim=(-0.6, GROUP + 4.5), ylabel="deficit (sham − lesion)")
    _over(ax, tasks)
    for task in range(2):
        shown = bool(result["spared_shown"].values[1 - task])
        said = f"sparing\n{'shown' if shown else 'not shown'}"
        place, weight = (GROUP * task + 1 - task, 0), "bold" if shown else "normal"
        ax.annotate(said, place, (0, 2), fontsize=TINY, va="bottom", fontweight=weight, **_in_points(ax))
    heading(ax, str(result.attrs.get("verdict", "")).partition(":")[0], sample_words(result))
    return ax


def _over(ax: Axes, tasks: list[str]) -> None:
    """Name the tasks at the top, both at one height, and leave room for that."""
    room = width_mm(ax) * TITLED / (GROUP + 5.1)
    titles = told_apart(tasks, lambda task: wrapped(task, room, size=SMALL, weight="bold", lines=3))
    further = max(title.count("\n") for title in titles)
    headroom(ax, above=0.12 + ROW * further, below=0.16)
    for task, title in enumerate(titles):
        place, down = (GROUP * task + 0.9, 1), (0, -6 - 1.2 * SMALL * further)
        ax.annotate(title, place, down, fontsize=SMALL, fontweight="bold", **_in_points(ax))


def _in_points(ax: Axes) -> dict[str, Any]:
    return {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "ha": "center"}


def _lines(ax: Axes, deficit, task: int) -> None:
    start = GROUP * task
    ax.plot([start, start + 1], deficit.T, color=PALE, linewidth=0.5, zorder=1)
    for lesion in range(2):
        colour, marker = SERIES[lesion]
        dots(ax, start + lesion, deficit[:, lesion], colour=colour, marker=marker, width=0.0, s=10.0)


def _claim(ax: Axes, result: xr.Dataset, task: int) -> None:
    at = GROUP * task + DIFFERENCE
    e, low, high, p, floor = (values(result, v, "claim")[task] for v in ("effect", "low", "high", "p", "p_floor"))
    if "value" in result:
        each = by_member(result, "value", "claim")[task]
        dots(ax, at - 0.25, each[np.isfinite(each)], colour=GREY, width=0.2, s=4.0 if each.size < 60 else 1.5)
    effect(ax, at + 0.1, e, low, high)
    backed(ax, at + 0.35, e, p_lines(p, floor))


def _spared(ax: Axes, result: xr.Dataset, task: int) -> None:
    other = 1 - task  # in task 0 lesion b should spare; spared[1] is "b spares x"
    at = GROUP * task + other
    e, low, high, bound = (values(result, f"spared_{v}", "spared")[other] for v in ("effect", "low", "high", "bound"))
    if np.isfinite(bound):
        ax.update_datalim([(at, -bound), (at, bound)])
        ax.add_patch(
            Rectangle((at - 0.42, -bound), 0.84, 2 * bound, facecolor=PALE, alpha=0.45, edgecolor="none", zorder=0)
        )
    effect(ax, at + 0.26, e, low, high, colour=SERIES[other][0], markerfacecolor="white")
