"""The figure of two models and their best layers: every layer, what choosing flatters, the fair difference."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import backed, columns, dots, effect, heading, headroom, spread, zero_line
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import PALE, SERIES
from neurolab.plots.words import interval_words, number, p_lines, p_words, sample_words

DIFFERENCE = "difference, layers\nchosen elsewhere"


def describe_best_layers(result: xr.Dataset) -> str:
    """Get the figure in words: the best layer of each model, naive and fair, and the tested difference."""
    e, low, high, p, floor = (scalar(result, name) for name in ("effect", "low", "high", "p", "p_floor"))
    largest, fair = (values(result, name, "model") for name in ("largest", "score"))
    each = [
        f"{model}: best of {result.sizes[f'layer_{letter}']} layers {number(best)}, {number(mean)} where not chosen"
        for model, letter, best, mean in zip(names(result, "model"), "ab", largest, fair)
    ]
    return (
        f"Scores of the layers of two models; {sample_words(result)}. {'; '.join(each)}. Difference: {number(e)} "
        f"({interval_words(low, high, level(result))}; {p_words(p, floor)}); of the largest means: "
        f"{number(scalar(result, 'naive'))}."
    )


@drawing(
    "best_layers",
    variables=("mean_a", "chosen_a", "mean_b", "chosen_b", "largest", "score", "effect", "low", "high", "p", "p_floor"),
    marks="Grey dots: the mean score of every layer. Coloured marks: layers that were chosen, the larger the more "
    "often. Lines across: the score of the chosen layers where they were not chosen. Black diamond with bar: the "
    "difference of these two and its interval, on the same scale.",
    alt=describe_best_layers,
    height_mm=58.0,
)
def plot_best_layers(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the layers of two models, how far choosing the best flatters each, and the fair difference.

    result : of ``best_layers``: mean_a, chosen_a (layer_a), mean_b, chosen_b (layer_b), score (model), effect.
    Returns the axes.

    Example
    -------
    >>> import numpy as np
    >>> from neurolab.analysis import best_layers
    >>> draw = np.random.default_rng(0)
    >>> a, b = (xr.DataArray(draw.normal(size=(40, k)), dims=("stimulus", "layer")) for k in (20, 3))
    >>> plot_best_layers(best_layers(a, b, rng=0)).get_title(loc="left")
    'not told apart'
    """
    zero_line(ax)
    fair = values(result, "score", "model")
    for at, (letter, (colour, marker)) in enumerate(zip("ab", SERIES)):
        mean, chosen = (values(result, f"{what}_{letter}", f"layer_{letter}") for what in ("mean", "chosen"))
        dots(ax, at, mean, colour=PALE, edgecolors="none", width=0.6, s=6.0)
        there, x = chosen > 0, at + spread(len(mean), 0.6)
        size = 8.0 + 32.0 * chosen[there]
        ax.scatter(x[there], mean[there], s=size, color=colour, marker=marker, linewidths=0, zorder=4)
        ax.plot([at - 0.36, at + 0.36], [fair[at]] * 2, color=colour, linewidth=1.2, zorder=5)
    e, low, high = (scalar(result, name) for name in ("effect", "low", "high"))
    effect(ax, 2.1, e, low, high)
    backed(ax, 2.3, e, p_lines(scalar(result, "p"), scalar(result, "p_floor")))
    columns(ax, [0, 1, 2.1], [*names(result, "model"), DIFFERENCE], share=1 / 3.8, free=[DIFFERENCE])
    ax.set(xlim=(-0.6, 3.2), ylabel="score of a layer")
    headroom(ax, above=0.05)
    heading(ax, str(result.attrs.get("verdict", "")), sample_words(result))
    return ax
