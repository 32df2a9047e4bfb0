"""The figure of clusters: the map of t over its places, with the clusters that pass outlined."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from neurolab.plots.drawing import drawing
from neurolab.plots.glass import mappable
from neurolab.plots.marks import heading, height_mm, width_mm
from neurolab.plots.read import level, scalar, values
from neurolab.plots.stat_map import site_words, sites_of
from neurolab.plots.style import MM, TINY
from neurolab.plots.units import neuroid_word, scaled, unit_name
from neurolab.plots.words import interval_words, number, p_words, sample_words

MOST_TICKS, MOST_ACROSS = 8, 6
THICK, OF_CELL = 1.1, 0.25  # points that an outline is thick at most, and the share of a cell: it must not hide colour


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
    thick = min(THICK, *(OF_CELL * mm / n * 72 * MM for mm, n in zip((width_mm(ax), height_mm(ax)), t.shape[::-1])))
    for k, passes in enumerate(passed, start=1):
        _outline(ax, label == k, "black" if passes else "#8C8C8C", thick if passes else 0.45 * thick)
    ax.set(xlim=(0, t.shape[1]), ylim=(t.shape[0], 0), xlabel=names[1], ylabel=names[0])
    _ticks(result, ax, dims)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.8, pad=0.02, aspect=14)
    bar.set_label("t", fontsize=TINY)
    bar.ax.tick_params(labelsize=TINY)
    heading(ax, str(result.attrs.get("contrast", "clusters")), sample_words(result))
    return ax


def _called(result: xr.Dataset, dim: str) -> str:
    """What a dim is, with the unit of its coordinate where known: the time of a brain's recording is in seconds."""
    if dim == "neuroid":
        return neuroid_word(result)
    brain = dim == "time" and str(result.attrs.get("kind", "")) == "brain"
    given = result[dim].attrs.get("units", "") if dim in result.coords else ""
    unit = str(given) or ("s" if brain and dim in result.coords else "")
    return f"{dim} ({unit})" if unit else dim


def _folded(result: xr.Dataset, dims: tuple[str, ...]) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, str]]:
    """How places become a table of rows and columns, and what these are called."""
    sites = json.loads(str(result.attrs.get("sites", "") or "[]"))
    shape = sites[0]["shape"] if len(sites) == 1 and dims == ("neuroid",) else []
    if len(shape) == 2:  # tokens run along x as time does

        def turned(flat: np.ndarray) -> np.ndarray:
            return _on_grid(result, flat, shape).T

        return turned, (sites[0]["dims"][1], sites[0]["dims"][0])
    if len(shape) == 3:

        def grid(flat: np.ndarray) -> np.ndarray:
            return np.concatenate(list(_on_grid(result, flat, shape)), axis=1)

        return grid, (sites[0]["dims"][1], f"{sites[0]['dims'][2]}, {sites[0]['dims'][0]} by {sites[0]['dims'][0]}")

    def fold(flat: np.ndarray) -> np.ndarray:
        return np.asarray(flat, dtype=float).reshape(-1, flat.shape[-1])

    return fold, (" × ".join(_called(result, dim) for dim in dims[:-1]), _called(result, dims[-1]))


def _on_grid(result: xr.Dataset, flat: np.ndarray, shape: list[int]) -> np.ndarray:
    """The values of units at their places in a site of this shape, NaN where it has none."""
    whole = np.full(int(np.prod(shape)), np.nan)
    whole[result["unit"].values] = flat
    return whole.reshape(shape)


def _outline(ax: Axes, inside: np.ndarray, colour: str, width: float) -> None:
    """Draw the edges between the places of a cluster and all others."""
    padded = np.pad(inside, 1)
    down = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    style: dict[str, Any] = {"colors": colour, "linewidth": width, "zorder": 4, "gid": "cluster"}
    ax.hlines(down[:, 0], down[:, 1], down[:, 1] + 1, **style)
    ax.vlines(across[:, 1], across[:, 0], across[:, 0] + 1, **style)


def _ticks(result: xr.Dataset, ax: Axes, dims: tuple[str, ...]) -> None:
    """Name rows and columns by their coordinates, a few of them."""
    for dim, axis in zip(dims[::-1], (ax.xaxis, ax.yaxis)):
        if len(dims) > 2 and axis is ax.yaxis:
            continue
        most = MOST_TICKS if axis is ax.yaxis else MOST_ACROSS
        at, named = _named(result, dim, most)
        if dims == ("neuroid",) and ax.get_ylabel():  # a grid counts its rows and columns from 0
            continue
        axis.set_ticks(at, named)
    if len(dims) == 1 and not ax.get_ylabel():
        ax.set_yticks([])


def _named(result: xr.Dataset, dim: str, most: int) -> tuple[np.ndarray, list[str]]:
    """Where along a dim ticks stand and what they say: round numbers, names of sites or channels, or positions."""
    n = result.sizes[dim]
    evenly = np.arange(0, n, -(-n // most))  # so that none touch
    if dim == "neuroid" and "channel" not in result.coords and "site" in result.coords:
        site, sites = result["site"].values, sites_of(result)
        first = np.flatnonzero(np.r_[True, site[1:] != site[:-1]])
        if 1 < len(first) <= most:
            middle = (first + np.r_[first[1:], n]) / 2
            return middle, [site_words(sites[int(site[at])]) for at in first]
    if dim == "neuroid":
        return evenly + 0.5, [unit_name(result, int(at)).removeprefix("unit ") for at in evenly]
    if dim not in result.coords:
        return evenly + 0.5, [str(at) for at in evenly]
    along = result[dim].values
    if along.dtype.kind != "f" or n < 2 or not (np.diff(along) > 0).all():
        return evenly + 0.5, [_number(one) if isinstance(one, float) else str(one) for one in along[evenly]]
    round_ = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(along[0], along[-1])
    inside = round_[(round_ >= along[0] - 1e-9) & (round_ <= along[-1] + 1e-9)]
    return np.interp(inside, along, np.arange(n)) + 0.5, [_number(one) for one in inside]


def _number(value: float) -> str:
    return f"{round(value, 12):.3g}".replace("-", "\N{MINUS SIGN}")
