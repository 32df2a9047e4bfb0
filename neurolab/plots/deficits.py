"""The figure of all deficits: every lesion in every task, network by network, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.errors import UnknownNameError
from neurolab.plots.drawing import drawing
from neurolab.plots.endless import endless
from neurolab.plots.marks import columns, dots, effect, heading, headroom, key, more_words, note, strongest, zero_line
from neurolab.plots.read import level, names, values
from neurolab.plots.style import SERIES
from neurolab.plots.words import interval_words, number, sample_words

#: More lesions than this are not drawn, but those with the largest deficits.
MOST = 24
OPEN = 0.12  # share of the y axis that the arrow of an interval without an end takes below a mark
#: What is one ladder of doses.
KIND = ("roi", "role", "family", "how")


def lesion_labels(result: xr.Dataset) -> list[str]:
    """Get what the lesions of a result are called on an axis: a control says whose control it is."""
    rois, roles = names(result, "lesion"), ["target"] * result.sizes["lesion"]
    if "roi" in result.coords:
        rois = [str(roi) for roi in result["roi"].values]
    if "role" in result.coords:
        roles = [str(role) for role in result["role"].values]
    family = [str(f) for f in result["family"].values] if "family" in result.coords else [""] * len(rois)
    said = [
        {"target": roi, "sham": "sham"}.get(role, f"{kind or 'control'} for {roi}".strip())
        for roi, role, kind in zip(rois, roles, family)
    ]
    doses = [float(dose) for dose in result["dose"].values] if "dose" in result.coords else [1.0] * len(rois)
    return [
        f"{text} {dose:.0%}" if dose != 1.0 and role != "sham" else text for text, dose, role in zip(said, doses, roles)
    ]


def describe_deficits(result: xr.Dataset) -> str:
    """Get the figure in words: the deficit of every lesion in every task."""
    e, low, high = (values(result, v, "lesion", "task") for v in ("effect", "low", "high"))
    parts = [
        f"{lesion}, {task}: {number(e[i, j])} ({interval_words(low[i, j], high[i, j], level(result))})"
        for i, lesion in enumerate(lesion_labels(result))
        for j, task in enumerate(names(result, "task"))
        if np.isfinite(e[i, j])
    ]
    return f"Deficits (sham minus lesion); {sample_words(result)}. " + "; ".join(parts) + "."


@drawing(
    "deficits",
    variables=("deficit", "effect", "low", "high", "p", "p_floor", "ceiling", "floor"),
    marks="Small marks: the deficit of one network (sham − lesion, on the same presentations). Diamonds with bars: "
    "mean deficit and its interval. Colour and marker: task. † the intact score is at its ceiling or the lesioned one "
    "at its floor.",
    alt=describe_deficits,
    height_mm=60.0,
)
def plot_deficits(result: xr.Dataset, *, ax: Axes, rungs: bool = False, tasks: Sequence[str] | None = None) -> Axes:
    """Draw the deficit of every lesion in every task: one mark per network, the mean with its interval.

    result : of ``deficits``: deficit (specimen, lesion, task), effect, low, high (lesion, task).
    rungs : also draw smaller doses of a lesion that was made at its largest one; ``plot_dose`` draws them better.
    tasks : draw these only; scores in different units (nats, shares of trials) belong on axes of their own.
    Returns the axes. The sham is not drawn: its deficit is zero by definition. Of more than 24 lesions, and of more
    than 7 tasks, those with the largest deficits are drawn: a task has a colour and a marker of its own.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> ax = plot_deficits(deficits(phantom_trials(doses=(0.5, 1.0), rng=0), rng=0))
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['A', 'B']
    """
    result = result if tasks is None else _of(result, tasks)
    every = _shown(result, rungs=rungs)
    size, all_tasks = values(result, "effect", "lesion", "task"), result.sizes["task"]
    shown = [every[at] for at in strongest(size[every], MOST)]
    result = result.isel(task=strongest(size[shown].T, len(SERIES)))
    named, step = names(result, "task"), 0.8 / max(1, result.sizes["task"])
    zero_line(ax)
    for j in range(len(named)):
        for place, lesion in enumerate(shown):
            _cell(ax, result, place + step * (j - (len(named) - 1) / 2), lesion, j, step)
    labels = lesion_labels(result)
    columns(ax, range(len(shown)), [labels[at] for at in shown], share=1 / (len(shown) + 0.2))
    ax.set(xlim=(-0.6, len(shown) - 0.4), ylabel="deficit (sham − lesion)")
    more = more_words(len(shown), len(every), "lesions"), more_words(len(named), all_tasks, "tasks")
    ax.set_xlabel("\n".join(line for line in more if line))
    for (colour, marker), task in zip(SERIES, named):
        ax.scatter([], [], color=colour, marker=marker, s=10, label=task)
    headroom(ax, above=0.1, below=OPEN if endless(result) else 0.0)
    key(ax, ncols=min(3, len(named)), loc="upper right")
    heading(ax, "deficits", sample_words(result))
    return ax


def _of(result: xr.Dataset, tasks: Sequence[str]) -> xr.Dataset:
    strange = [task for task in tasks if task not in names(result, "task")]
    if strange or isinstance(tasks, str):
        known = names(result, "task")
        raise UnknownNameError(f"plot_deficits got tasks={tasks!r}; expected some of {known} in a list.")
    return result.sel(task=list(tasks))


def _shown(result: xr.Dataset, *, rungs: bool) -> list[int]:
    """Places of what is drawn: no sham, and of a ladder of doses the top rung only."""
    places = [at for at, name in enumerate(lesion_labels(result)) if name != "sham"]
    if rungs or "dose" not in result.coords:
        return places
    kinds = [tuple(str(result[c].values[at]) for c in KIND if c in result.coords) for at in range(len(result["dose"]))]
    dose = result["dose"].values.astype(float)
    top = {kind: max(dose[at] for at in places if kinds[at] == kind) for kind in {kinds[at] for at in places}}
    return [at for at in places if dose[at] == top[kinds[at]]]


def _cell(ax: Axes, result: xr.Dataset, at: float, lesion: int, task: int, step: float) -> None:
    colour, marker = SERIES[task]
    deficit = values(result, "deficit", "specimen", "lesion", "task")[:, lesion, task]
    dots(
        ax,
        at - 0.18 * step,
        deficit[np.isfinite(deficit)],
        colour=colour,
        marker=marker,
        width=0.3 * step,
        s=5.0,
        alpha=0.7,
        linewidths=0.0,
    )
    e, low, high = (values(result, v, "lesion", "task")[lesion, task] for v in ("effect", "low", "high"))
    if np.isfinite(e):
        effect(ax, at + 0.2 * step, e, low, high, colour=colour, markeredgewidth=0.4)
    if any(
        name in result and bool(result[name].transpose("lesion", "task").values[lesion, task])
        for name in ("ceiling", "floor")
    ):
        note(ax, at, np.nanmax([high if np.isfinite(high) else e, *deficit, 0.0]), "†")
