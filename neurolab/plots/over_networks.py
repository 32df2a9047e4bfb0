"""Figures of networks against their own chance: n-cuts and shuffles, clusters and functions, clusters and sets."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import columns, dots, effect, heading, headroom, zero_line
from neurolab.plots.read import names, values
from neurolab.plots.style import SERIES, SMALL, TINY
from neurolab.plots.words import probability, sample_words, sentences

#: Beyond this many units of n-cut the axis is logarithmic on both sides of a straight stretch around 0.
STRAIGHT, MOST = 0.1, 1.5
LIFTED = 12  # points that titles stand above the axes, for the key is between
#: What is drawn of a result: the dim of the series, values per network, mean, low, high; the rest is words.
SHOWN = {
    "clusterability": ("null", "difference", "shift", "shift_low", "shift_high"),
    "alignment": ("partition", "excess", "effect", "low", "high"),
    "importance": ("family", "excess", "effect", "low", "high"),
}
#: What a series is called in the key, by its dim and name.
CALLED = {
    ("null", "shuffled"): "all weights shuffled", ("null", "nonzero"): "non-zero weights shuffled",
    ("partition", "found"): "clusters found", ("partition", "random"): "random clusters",
    ("family", "random"): "any sets of the layer", ("family", "activity"): "sets of like activity",
}  # fmt: skip


def describe_networks(result: xr.Dataset) -> str:
    """Get the figure in words: what was found in each condition."""
    return f"{sample_words(result)}. {' '.join(sentences(result, 'reasons'))}"


def _series(result: xr.Dataset, ax: Axes) -> None:
    """Per condition and series the networks as dots, the mean with its interval, and p below."""
    dim, each, *ends = SHOWN[str(result.attrs["analysis"])]
    conditions, series = names(result, "condition"), names(result, dim)
    member, (mean, low, high) = values(result, each, "condition", dim, "specimen"), (
        values(result, name, "condition", dim) for name in ends)  # fmt: skip
    zero_line(ax)
    width, look = 0.7 / len(series), (SERIES[1], SERIES[0], *SERIES[2:])
    for i in range(len(conditions)):
        for j, (colour, marker) in enumerate(look[: len(series)]):
            at = i + (j - (len(series) - 1) / 2) * width
            dots(ax, at - 0.2 * width, member[i, j], colour=colour, marker=marker, width=0.3 * width, s=5.0)
            effect(ax, at + 0.25 * width, mean[i, j], low[i, j], high[i, j], colour=colour)
    _ticks(ax, result, conditions, dim)
    said = [CALLED.get((dim, name), name) for name in series]
    marks = [Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=3.0, label=label)
             for label, (colour, marker) in zip(said, look)]  # fmt: skip
    ax.legend(handles=marks, loc="lower left", ncols=len(series), fontsize=TINY, bbox_to_anchor=(0.0, 1.0),
              borderaxespad=0.1, handletextpad=0.1, columnspacing=0.8)  # fmt: skip
    ax.set_xlim(-0.5, len(conditions) - 0.5)
    if float(np.nanmax(np.abs(member))) > MOST:
        ax.set_yscale("symlog", linthresh=STRAIGHT)
    headroom(ax, above=0.03, below=0.03)


def _ticks(ax: Axes, result: xr.Dataset, conditions: list[str], dim: str) -> None:
    """Conditions below the axis, each with the p of its series."""
    p = values(result, "p", "condition", dim)
    columns(ax, range(len(conditions)), conditions, share=1 / len(conditions), size=TINY if len(p) > 4 else SMALL)
    said = ["\n".join(f"p {probability(one)}" for one in row) for row in p]
    named = [tick.get_text() for tick in ax.get_xticklabels()]
    ax.set_xticks(range(len(conditions)), [f"{name}\n{row}" for name, row in zip(named, said)])


_MARKS = (
    "Dots: one network each. Diamonds with bars: the mean over networks and its interval. Below: p of each series, in "
    "their order."
)


@drawing(
    "clusterability",
    variables=("difference", "shift", "shift_low", "shift_high", "effect", "low", "high", "p", "p_floor", "cut", "z"),
    marks=f"{_MARKS} Below 0 a network can be cut more cheaply than its own shuffles. p is that of z.",
    alt=describe_networks,
    height_mm=68.0,
)
def plot_clusterability(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how far the n-cut of each network lies from that of its shuffles, both kinds side by side.

    result : of ``clusterability``: difference (condition, null, specimen), shift with its interval, p.
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import Spectral, clusterability
    >>> nets = [np.kron(np.eye(2), np.ones((4, 4))) + 0.1 * k for k in range(1, 7)]
    >>> ax = plot_clusterability(clusterability(nets, by=Spectral(2, n_init=2), n_null=5, rng=0))
    >>> ax.get_ylabel()
    'n-cut − n-cut of shuffles'
    """
    _series(result, ax)
    ax.set_ylabel("n-cut − n-cut of shuffles")
    heading(ax, f"{int(result.attrs['n_clusters'])} clusters of connections", sample_words(result), pad=LIFTED)
    return ax


@drawing(
    "alignment",
    variables=("excess", "agreement", "chance", "effect", "low", "high", "p", "p_floor", "both_shown"),
    marks=f"{_MARKS} 0 is the agreement of functions exchanged within layers.",
    alt=describe_networks,
    height_mm=68.0,
)
def plot_alignment(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how far clusters of connections agree with functions of units, beside random clusters.

    result : of ``alignment``: excess (condition, partition, measure, specimen), effect with its interval, p; the
    adjusted Rand index is drawn. Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import Spectral, alignment, clusterability
    >>> nets = [np.kron(np.eye(2), np.ones((4, 4))) + 0.1 * k for k in range(1, 7)]
    >>> cut = clusterability({"planted": nets}, by=Spectral(2, n_init=2), n_null=5, rng=0)
    >>> found = alignment(cut, {"planted": [list("aaaabbbb")] * 6}, n_permutations=19, rng=0)
    >>> plot_alignment(found).get_ylabel()
    'ARI with function − chance'
    """
    _series(result.sel(measure="ari"), ax)
    shown = [name for name, both in zip(names(result, "condition"), result["both_shown"].values) if both]
    ax.set_ylabel("ARI with function − chance")
    heading(ax, f"modular and functional: {', '.join(shown) or 'none shown'}", sample_words(result), pad=LIFTED)
    return ax


@drawing(
    "importance",
    variables=("excess", "deficit", "of_sets", "ratio", "effect", "low", "high", "p", "p_floor", "combined_p"),
    marks=f"{_MARKS} Above 0 the loss of a cluster costs more than that of random sets of its layer.",
    alt=describe_networks,
    height_mm=68.0,
)
def plot_importance(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how much more the loss of clusters costs than that of random sets of units of the same layer.

    result : of ``importance``: excess (condition, family, specimen), effect with its interval, p. Returns the axes.
    """
    _series(result, ax)
    ax.set_ylabel(f"deficit − that of random sets ({result.attrs.get('unit', 'score')})")
    heading(ax, "clusters lesioned", sample_words(result), pad=LIFTED)
    return ax
