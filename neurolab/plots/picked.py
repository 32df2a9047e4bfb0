"""The figure of a dissociation that was picked: the best pair of each network in the null of best pairs."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.cloud import draw_clouds
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import level, scalar, values
from neurolab.plots.whose import member_words
from neurolab.plots.words import interval_words, number, p_words, sample_words

#: What the picked pair, its null and the last column are called in the figure.
CALLED = ("best pair", "best random pair", "best −\nrandom")


def describe_picked(result: xr.Dataset) -> str:
    """Get the figure in words: how far the picked pairs lie beyond pairs picked among random lesions."""
    e, low, high, p, floor = (scalar(result, v) for v in ("effect", "low", "high", "p", "p_floor"))
    observed = ", ".join(number(one) for one in values(result, "observed", "specimen"))
    null = ", ".join(number(one) for one in values(result, "null_mean", "specimen"))
    rank = p_words(scalar(result, "rank_p"), scalar(result, "rank_p_floor"))
    one, _ = member_words(result)
    return (
        f"Dissociation of the best pair of lesions, {one} by {one}: {observed}; mean of the best random pairs: "
        f"{null}. "
        f"{sample_words(result)}. Excess: {number(e)} ({interval_words(low, high, level(result))}; "
        f"{p_words(p, floor)}); "
        f"rank among {result.sizes['draw']} re-run selections: {rank}."
    )


@drawing(
    "picked_dissociation",
    variables=(
        "observed", "null", "null_mean", "excess", "effect", "low", "high", "p", "p_floor", "rank_p", "rank_p_floor",
    ),
    marks="Filled circles: the best pair of lesions in each network, by the smaller of its two differences in "
    "deficit. Grey "
    "dots: the best pair when the same picking is run on random lesions. Open circles: the excess over the mean null, "
    "per network; black diamond with bar: its mean and interval.",
    alt=describe_picked,
    height_mm=58.0,
)  # fmt: skip
def plot_picked(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the best-dissociating pair of every network in the null of best pairs, and the tested excess.

    result : of ``picked_dissociation``: observed (specimen), null (specimen, draw), excess (specimen), effect.
    Returns the axes; the last column is observed − mean null, on the same scale.

    Example
    -------
    >>> from neurolab.analysis import picked_dissociation
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_controls=19, rng=0)
    >>> pick = {"candidates": ["A", "B"], "pool": "matched", "tasks": ("X", "Y")}
    >>> result = picked_dissociation(trials, **pick, n_permutations=19, rng=0)
    >>> plot_picked(result).get_title(loc="left")
    'picked dissociation'
    """
    observed, null = values(result, "observed", "specimen"), values(result, "null", "specimen", "draw")
    draw_clouds(ax, result, observed, null, values(result, "excess", "specimen"), CALLED)
    ax.set_ylabel("dissociation of the best pair")
    heading(ax, "picked dissociation", sample_words(result))
    return ax
