"""The figure of a lesion among its controls: the target in the control cloud, network by network."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.cloud import draw_clouds
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import level, scalar, values
from neurolab.plots.whose import member_words
from neurolab.plots.words import interval_words, number, p_words, sample_words

#: What the lesion, its controls and the last column are called in the figure.
CALLED = ("lesion", "controls", "target −\ncontrols")


def describe_controls(result: xr.Dataset) -> str:
    """Get the figure in words: where the target lies among its controls."""
    target, control = values(result, "target", "specimen"), values(result, "control", "specimen", "draw")
    e, low, high, p, floor = (scalar(result, v) for v in ("effect", "low", "high", "p", "p_floor"))
    rank, rank_floor = scalar(result, "rank_p"), scalar(result, "rank_p_floor")
    beyond, n = int((target > control.max(axis=1)).sum()), control.shape[1]
    several = len(target) > 1
    one, members = member_words(result)
    whose = f"{len(target)} {members}" if several else f"one {one}"
    worse = f"{int((control[0] >= target[0]).sum())} of the {n} controls cost as much as the lesion, or more"
    seen = f"The lesion exceeds every control in {beyond} of {len(target)} {members}" if several else worse
    return (
        f"Deficits of {whose} after the lesion and after {n} control lesions{' each' if several else ''}"
        f"; {sample_words(result)}. {seen}. "
        f"Difference to the mean control: {number(e)} ({interval_words(low, high, level(result))}; "
        f"{p_words(p, floor)}). Rank of the {f'mean over {members}' if several else 'deficit'} among the "
        f"control draws: {p_words(rank, rank_floor)}."
    )


@drawing(
    "against_controls",
    variables=("target", "control", "difference", "effect", "low", "high", "p", "p_floor", "rank_p", "rank_p_floor"),
    marks="A column for each network. Filled circles: the deficit after the lesion. Grey dots: the deficits after "
    "control lesions. Last column, open circles: target minus mean control; black diamond with bar: the mean of that "
    "difference and its interval.",
    alt=describe_controls,
    height_mm=58.0,
)
def plot_controls(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the deficit of a lesion in the cloud of its control lesions, for every network, and the tested difference.

    result : of ``against_controls``: target (specimen), control (specimen, draw), difference (specimen), effect.
    Returns the axes; the last column is target − mean control, on the same scale.

    Example
    -------
    >>> from neurolab.analysis import against_controls
    >>> from neurolab.simulate import phantom_trials
    >>> result = against_controls(phantom_trials(n_controls=19, rng=0), lesion="A", task="X", rng=0)
    >>> plot_controls(result).get_title(loc="left")
    'A: X'
    """
    target, control = values(result, "target", "specimen"), values(result, "control", "specimen", "draw")
    draw_clouds(ax, result, target, control, values(result, "difference", "specimen"), CALLED)
    ax.set_ylabel("deficit (sham − lesion)")
    heading(ax, _title(result), sample_words(result))
    return ax


def _title(result: xr.Dataset) -> str:
    lesion, task = str(result.attrs.get("lesion", "lesion")), str(result.attrs.get("task", ""))
    return f"{lesion}: {task}" if task else lesion
