"""The figure of modules: the graph of units in the order of their modules, with the modules outlined."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neurolab.errors import amount
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import level, scalar, values
from neurolab.plots.style import TINY, WONG
from neurolab.plots.words import interval_words, number, p_words, sample_words


def describe_modules(result: xr.Dataset) -> str:
    """Get the figure in words: how many modules, their sizes, and Q against random graphs."""
    label = result["label"].values
    sizes = ", ".join(str(int((label == k).sum())) for k in range(1, int(label.max()) + 1))
    return (
        f"Edges between units in the order of {amount(scalar(result, 'n_modules'), 'module')} of {sizes} units; "
        f"{sample_words(result)}. Q {number(scalar(result, 'modularity'))}, above random graphs by {_numbers(result)}."
    )


def _numbers(result: xr.Dataset) -> str:
    effect, low, high = (scalar(result, name) for name in ("effect", "low", "high"))
    p = p_words(scalar(result, "p"), scalar(result, "p_floor"))
    return f"{number(effect)} ({interval_words(low, high, level(result))}), {p}"


def more_of_modules(result: xr.Dataset, **_: object) -> str:
    """Get what the legend says of these modules: the random graphs, and how far given labels agree."""
    ari = scalar(result, "ari")
    agreed = f" Agreement with given labels: ARI {number(ari)}, {p_words(scalar(result, 'ari_p'))}."
    return (
        f"Edges: {result.attrs.get('edges', '')}. Interval: the effect against the random graphs."
        f"{agreed if np.isfinite(ari) else ''}"
    )


@drawing(
    "modules",
    variables=(
        "label", "n_modules", "modularity", "effect", "low", "high", "p", "p_floor", "normalised_cut", "stability",
        "ari", "ari_p",
    ),
    marks="Rows and columns: units in the order of their modules; grey: weight of the edge. Outlined: modules, the "
    "largest first.",
    alt=describe_modules,
    also=more_of_modules,
    height_mm=70.0,
    bars=False,
)  # fmt: skip
def plot_modules(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the graph of units sorted by module, with each module outlined, and Q against random graphs below.

    result : of ``modules``. Units without edges are left out. Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import Spectral, modules
    >>> graph = np.kron(np.eye(2), np.ones((5, 5))) + 0.1
    >>> result = modules(graph, by=Spectral(2), n_null=19, n_restarts=2, rng=0)
    >>> plot_modules(result).get_title(loc="left")
    '2 modules of 10 units'
    """
    label = result["label"].values
    order = np.argsort(np.where(label == 0, label.max() + 1, label), kind="stable")[: int((label > 0).sum())]
    weight = values(result, "weight", "neuroid", "neuroid_to")[np.ix_(order, order)]
    ax.pcolormesh(weight, cmap="Greys", vmin=0.0, vmax=float(weight.max()), rasterized=True)
    start = 0
    for k in range(1, int(label.max()) + 1):
        size = int((label == k).sum())
        ax.add_patch(Rectangle((start, start), size, size, fill=False, edgecolor=WONG["vermillion"], linewidth=1.0))
        ax.text(start + size / 2, -0.01 * len(order), str(size), ha="center", va="bottom", fontsize=TINY)
        start += size
    ax.set(xlim=(0, len(order)), ylim=(len(order), 0), aspect="equal", xticks=[], yticks=[])
    effect, p = scalar(result, "effect"), p_words(scalar(result, "p"), scalar(result, "p_floor"))
    ax.set_xlabel(f"Q {number(scalar(result, 'modularity'))}, {number(effect)} above random graphs\n{p}")
    ax.spines[["left", "bottom"]].set_visible(False)
    title = f"{amount(scalar(result, 'n_modules'), 'module')} of {amount(len(order), 'unit')}"
    heading(ax, title, sample_words(result), pad=10)
    return ax
