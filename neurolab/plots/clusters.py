"""The figure of clusters: the map of t over its places, with the clusters that pass outlined."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from neurolab.plots.drawing import drawing
from neurolab.plots.glass import mappable
from neurolab.plots.marks import heading
from neurolab.plots.read import level, scalar, values
from neurolab.plots.style import TINY
from neurolab.plots.units import scaled, unit_name
from neurolab.plots.words import interval_words, number, p_words, sample_words

MOST_TICKS, MOST_ACROSS = 8, 6


def describe_clusters(result: xr.Dataset) -> str:
    """Get the figure in words: every cluster that passes, or that none does."""
    p, floor = values(result, "p", "cluster"), scalar(result, "p_floor")
    (effect, low, high), unit = scaled(result, np.array([result[name].values for name in ("effect", "low", "high")]))
    unit = f" {unit}" if unit else ""
    said = [
        f"cluster {k + 1}: {int(result['extent'][k])} places, peak at {result['peak'].values[k]}, mean difference "
        f"{number(effect[k])}{unit} ({interval_words(low[k], high[k], level(result))}), {p_words(p[k], floor)}"
        for k in np.flatnonzero(p <= 1 - level(result) + 1e-12)
    ]
    return (
        f"Map of t of {result.attrs.get('contrast', 'the contrast')}; {sample_words(result)}; {p.size} clusters "
        f"formed. {'; '.join(said) or 'none passes'}."
    )


def more_of_clusters(result: xr.Dataset, **_: object) -> str:
    """Get what the legend says of these clusters: on which data their effect is measured, and what a p means."""
    return f"Effects of clusters are measured on {result.attrs.get('effect_on', 'the same data')}."


@drawing(
    "clusters",
    variables=("mass", "extent", "p", "peak", "effect", "low", "high", "p_floor", "label", "statistic", "place_p"),
    marks="Colour: t of each place, symmetric about zero. Black outlines: clusters whose family-wise p passes; grey "
    "ones: the others. White: places that cannot be tested.",
    alt=describe_clusters,
    also=more_of_clusters,
    height_mm=56.0,
    bars=False,
)
def plot_clusters(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the map of t over its places, e.g. layer x time, with its clusters outlined.

    result : of ``clusters``. The last dim of the places runs along x, all others together along y (one row when there
        is none; units of a site with rows and columns as its channels side by side).
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import ClusterMass, clusters
    >>> data = xr.DataArray(np.random.default_rng(0).normal(size=(8, 3, 9)), dims=("specimen", "layer", "time"))
    >>> plot_clusters(clusters(data, by=ClusterMass(0.05), rng=0)).get_xlabel()
    'time'
    """
    dims = tuple(str(dim) for dim in result["label"].dims)
    table, names = _folded(result, dims)
    t, label, tested = (table(result[name].values) for name in ("statistic", "label", "valid"))
    top = float(np.nanmax(np.abs(t))) or 1.0
    norm, painted = Normalize(-top, top), np.where(np.nan_to_num(tested) > 0, t, np.nan)
    shown = mappable(norm)
    ax.pcolormesh(np.ma.masked_invalid(painted), cmap=shown.cmap, norm=norm, rasterized=True)
    passed = values(result, "p", "cluster") <= 1 - level(result) + 1e-12
    for k, passes in enumerate(passed, start=1):
        _outline(ax, label == k, "black" if passes else "#8C8C8C", 1.1 if passes else 0.5)
    ax.set(xlim=(0, t.shape[1]), ylim=(t.shape[0], 0), xlabel=_with_unit(result, names[1]), ylabel=names[0])
    _ticks(result, ax, dims)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.8, pad=0.02, aspect=14)
    bar.set_label("t", fontsize=TINY)
    bar.ax.tick_params(labelsize=TINY)
    heading(ax, str(result.attrs.get("contrast", "clusters"))[:46], sample_words(result))
    return ax


def _with_unit(result: xr.Dataset, dim: str) -> str:
    """The name of a dim with the unit of its coordinate, where known: the time of a brain's recording is in seconds."""
    brain = dim == "time" and str(result.attrs.get("kind", "")) == "brain"
    given = result[dim].attrs.get("units", "") if dim in result.coords else ""
    unit = str(given) or ("s" if brain and dim in result.coords else "")
    return f"{dim} ({unit})" if unit else dim


def _folded(result: xr.Dataset, dims: tuple[str, ...]) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, str]]:
    """How places become a table of rows and columns, and what these are called."""
    sites = json.loads(str(result.attrs.get("sites", "") or "[]"))
    shape = sites[0]["shape"] if len(sites) == 1 and dims == ("neuroid",) else []
    if len(shape) == 3:

        def grid(flat: np.ndarray) -> np.ndarray:
            whole = np.full(int(np.prod(shape)), np.nan)
            whole[result["unit"].values] = flat
            return np.concatenate(list(whole.reshape(shape)), axis=1)

        return grid, (sites[0]["dims"][1], f"{sites[0]['dims'][2]}, {sites[0]['dims'][0]} by {sites[0]['dims'][0]}")

    def fold(flat: np.ndarray) -> np.ndarray:
        return np.asarray(flat, dtype=float).reshape(-1, flat.shape[-1])

    return fold, (" × ".join(_with_unit(result, dim) for dim in dims[:-1]), dims[-1])


def _outline(ax: Axes, inside: np.ndarray, colour: str, width: float) -> None:
    """Draw the edges between the places of a cluster and all others."""
    padded = np.pad(inside, 1)
    down = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    style: dict[str, Any] = {"colors": colour, "linewidth": width, "zorder": 4, "gid": "cluster"}
    ax.hlines(down[:, 0], down[:, 1], down[:, 1] + 1, **style)
    ax.vlines(across[:, 1], across[:, 0], across[:, 0] + 1, **style)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _ticks(result: xr.Dataset, ax: Axes, dims: tuple[str, ...]) -> None:
    """Name rows and columns by their coordinates, a few of them."""
    for dim, axis in zip(dims[::-1], (ax.xaxis, ax.yaxis)):
        if len(dims) > 2 and axis is ax.yaxis:
            continue
        if dims == ("neuroid",):
            continue
        most = MOST_TICKS if axis is ax.yaxis else MOST_ACROSS
        at = np.arange(0, result.sizes[dim], -(-result.sizes[dim] // most))  # evenly, so that none touch
        named = [unit_name(result, int(k)) if dim == "neuroid" and "channel" in result.coords else k for k in at]
        named = list(result[dim].values[at]) if dim in result.coords else named
        axis.set_ticks(at + 0.5, [_number(name) if isinstance(name, float) else str(name) for name in named])
    if len(dims) == 1:
        ax.set_yticks([])
