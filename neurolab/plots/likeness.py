"""The figures of likeness to a brain: models in the band of the noise ceiling; one network among others like it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import columns, dots, effect, heading, headroom, key, note, zero_line
from neurolab.plots.read import level, likened, names, scalar, values
from neurolab.plots.several import several_words, star_words
from neurolab.plots.style import GREY, PALE, SERIES, WONG
from neurolab.plots.words import interval_words, number, p_words, sample_words, short_names

BAND = "noise ceiling"


def _groups(result: xr.Dataset) -> tuple[list[str], list[str], list[tuple[int, int]]]:
    """Layers, groups, and the place of each model: "trained conv" is the layer conv of the group trained.

    Only where two groups share a layer, and a colour and marker are left for each; else every model is a layer.
    """
    every = [name.rpartition(" ") for name in names(result, "model")]
    groups, layers = (list(dict.fromkeys(part[at] for part in every)) for at in (0, 2))
    if len(layers) == len(every) or len(groups) > len(SERIES):
        return names(result, "model"), [""], [(at, 0) for at in range(len(every))]
    return layers, groups, [(layers.index(layer), groups.index(group)) for group, _, layer in every]


def _ceiling(result: xr.Dataset) -> str:
    low, high = (scalar(result, f"ceiling_{end}") for end in ("low", "high"))
    return f" Noise ceiling: {number(low)} to {number(high)}." if np.isfinite(low) else ""


def describe_likeness(result: xr.Dataset) -> str:
    """Get the figure in words: every model with its interval, and the noise ceiling."""
    each = zip(names(result, "model"), *(values(result, name, "model") for name in ("effect", "low", "high")))
    said = [
        f"{model} {number(e)} ({interval_words(low, high, level(result))}; {several_words(result, at)})"
        for at, (model, e, low, high) in enumerate(each)
    ]
    return f"Likeness of models to a {likened(result)[0]}; {sample_words(result)}. {'; '.join(said)}.{_ceiling(result)}"


def _band(ax: Axes, result: xr.Dataset) -> None:
    """Shade the noise ceiling behind everything, where there is one."""
    low, high = (scalar(result, f"ceiling_{end}") for end in ("low", "high"))
    if np.isfinite(low):
        ax.axhspan(low, high, color=PALE, linewidth=0, zorder=0)
        note(ax, 1.0, high, f"{BAND} ", transform=ax.get_yaxis_transform(), ha="right", va="top")


@drawing(
    "compare",
    variables=("effect", "low", "high", "p", "q", "score", "ceiling", "ceiling_low", "ceiling_high", "gap", "gap_p"),
    marks="Bars with black lines: the mean likeness of each model and its interval. Dots: single people (or networks). "
    "Grey band: the noise ceiling, what the best possible model would score (lower end: each of them against the "
    "others). Stars: likeness above or below 0, corrected p up to the level.",
    alt=describe_likeness,
    height_mm=62.0,
)
def plot_likeness(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how alike models and a brain are: a bar per model, a dot per person, the noise ceiling as a band.

    result : of ``compare``: effect, low, high, q (model), score (model, subject), ceiling_low, ceiling_high. Models
    whose names begin alike are one series where two series share a layer ("trained conv", "random conv"), up to 7.
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import compare, dissimilarities
    >>> from neurolab.simulate import phantom_recording
    >>> one = phantom_recording(n_units=60, rng=0).isel(presentation=slice(None, None, 4))
    >>> plot_likeness(compare(one, dissimilarities(one))).get_ylabel()
    'likeness (spearman)'
    """
    layers, groups, places = _groups(result)
    width, alpha = 0.8 / len(groups), 1 - level(result)
    mean, low, high, q = (values(result, name, "model") for name in ("effect", "low", "high", "q"))
    score = values(result, "score", "model", "subject")
    _band(ax, result)
    zero_line(ax)
    for model, (layer, group) in enumerate(places):
        colour, marker = SERIES[group]
        x = layer + (group - (len(groups) - 1) / 2) * width
        ax.bar(x, mean[model], 0.86 * width, facecolor=colour, alpha=0.55, edgecolor=colour, linewidth=0.5, zorder=1)
        if score.shape[1] > 1:
            dots(ax, x, score[model], colour=colour, marker=marker, width=0.5 * width, s=5.0)
        ax.plot([x, x], [low[model], high[model]], color=WONG["black"], linewidth=0.9, zorder=4)
        if q[model] <= round(alpha, 12):
            note(ax, x, max(high[model], score[model].max()), "*")
    columns(ax, range(len(layers)), short_names(layers), share=1 / (len(layers) + 0.4))
    for (colour, marker), name in zip(SERIES, groups if len(groups) > 1 else []):
        ax.scatter([], [], color=colour, marker=marker, label=name, s=8)
    ax.set(xlim=(-0.7, len(layers) - 0.3), ylabel=f"likeness ({result.attrs.get('method', 'score')})")
    headroom(ax, above=0.12 if len(groups) > 1 else 0.05)
    if len(groups) > 1:
        key(ax)
    heading(ax, f"likeness to a {likened(result)[0]} ({star_words(result)})", sample_words(result))
    return ax


def describe_likeness_change(result: xr.Dataset) -> str:
    """Get the figure in words: both likenesses of every model and the tested difference."""
    one, others = _called(result)
    columns_ = (values(result, name, "model") for name in ("one", "effect", "low", "high", "rank_p"))
    raw = "uncorrected " if result.sizes["model"] > 1 else ""
    every = values(result, "other", "model", "draw")
    said = [
        f"{model}: {one} {number(own)}, {others} {number(min(m))} to {number(max(m))}, one − their mean {number(e)} "
        f"({interval_words(a, b, level(result))}; {several_words(result, at)}; rank among draws {raw}{p_words(rank)})"
        for at, (model, m, own, e, a, b, rank) in enumerate(zip(names(result, "model"), every, *columns_))
    ]
    what = f"Likeness to a {likened(result)[0]} of one network and of others"
    return f"{what}; {sample_words(result)}. {'; '.join(said)}."


def _called(result: xr.Dataset) -> tuple[str, str]:
    return str(result.attrs.get("one_name", "one")), str(result.attrs.get("others_name", "the others"))


@drawing(
    "compare_models",
    variables=("one", "other", "intact", "effect", "low", "high", "p", "q", "rank_p", "ceiling_low", "ceiling_high"),
    marks="Grey dots: the likeness of each draw of the others. Coloured dots: that of the one. Short lines: the intact "
    "network, where it was given. Black diamonds with bars: the one less the mean of the others and its interval, on "
    "the same scale. Stars: corrected p up to the level.",
    alt=describe_likeness_change,
    height_mm=62.0,
)
def plot_likeness_change(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the likeness to a brain of one network among others like it, and the difference, layer by layer.

    result : of ``compare_models``: one (model), other (model, draw), effect, low, high, q (model), intact (model).
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import compare_models, dissimilarities
    >>> from neurolab.simulate import phantom_recording
    >>> one, *rest = (phantom_recording(n_units=60, rng=k).isel(presentation=slice(None, None, 4)) for k in range(4))
    >>> plot_likeness_change(compare_models(one, rest, dissimilarities(one))).get_ylabel()
    'likeness'
    """
    one, other = values(result, "one", "model"), values(result, "other", "model", "draw")
    intact, q = values(result, "intact", "model"), values(result, "q", "model")
    ends = [values(result, name, "model") for name in ("effect", "low", "high")]
    layers, (own, rest) = names(result, "model"), _called(result)
    colour, marker = SERIES[0]
    zero_line(ax)
    for at in range(len(layers)):
        dots(ax, at - 0.2, other[at], colour=GREY, width=0.3, s=5.0, label=rest if at == 0 else None)
        ax.scatter([at - 0.2], [one[at]], color=colour, marker=marker, s=16, zorder=5, label=own if at == 0 else None)
        if np.isfinite(intact[at]):
            ends_of_line, label = [at - 0.42, at + 0.02], "intact" if at == 0 else None
            ax.plot(ends_of_line, [intact[at]] * 2, color=WONG["blue"], linewidth=1.0, zorder=4, label=label)
        effect(ax, at + 0.25, *(end[at] for end in ends))
        if q[at] <= round(1 - level(result), 12):
            note(ax, at + 0.25, ends[2][at], "*")
    columns(ax, range(len(layers)), short_names(layers), share=1 / (len(layers) + 0.4))
    ax.set(xlim=(-0.7, len(layers) - 0.3), ylabel="likeness")
    headroom(ax, above=0.16)
    key(ax)
    heading(ax, f"likeness to a {likened(result)[0]} ({star_words(result)})", sample_words(result))
    return ax
