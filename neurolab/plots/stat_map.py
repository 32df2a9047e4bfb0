"""The glass network: every unit of every site as a dot, coloured by its statistic; a brain's voxels just as well."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Normalize

from neurolab.errors import SchemaError
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import level, tested, values
from neurolab.plots.style import GREY, SMALL, TINY
from neurolab.plots.words import number, sample_words, tested_by

ASPECT = 0.5  # height of the axes over their width, fixed so that dots can be round
COLUMN = 0.82  # width of a site's rectangle where sites are 1 apart
MOST_DOTS = 4000  # above this many units in a site, cells instead of dots: they would be below a pixel
VIEWS = ("auto", "layers", "space")


def sites_of(result: xr.Dataset) -> list[str]:
    """Get the names of the sites of a map by code."""
    return [str(site["name"]) for site in json.loads(str(result.attrs.get("sites", "[]")))]


def describe_stat_map(result: xr.Dataset) -> str:
    """Get the figure in words: per site, how many units and how many of them pass the correction."""
    statistic, q = tested(result, "statistic"), values(result, "q", "neuroid")
    site, alpha = result["site"].values, 1 - level(result)
    parts = []
    for code, name in enumerate(sites_of(result)):
        here = site == code
        if here.any() and np.isfinite(statistic[here]).any():
            best = int(np.flatnonzero(here)[np.nanargmax(np.abs(statistic[here]))])
            parts.append(
                f"{name}: {int(here.sum())} units, {int((q[here] <= alpha).sum())} with corrected p of {alpha:.2g} or "
                f"less, the strongest unit {int(result['unit'].values[best])} with {number(statistic[best])}"
            )
    return f"Statistic of {result.attrs.get('contrast', 'the contrast')} in every unit; {sample_words(result)}. " + (
        "; ".join(parts) + "."
    )


@drawing(
    "localise",
    variables=("statistic", "effect", "low", "high", "p", "q", "d_prime", "valid", "p_floor"),
    marks="One dot per unit (voxel), in the site's own order, every site drawn at the same area. Colour: the statistic "
    "of the contrast, symmetric about zero. Crosses: units that cannot be tested (constant or dead). Black rings, "
    "where drawn: the chosen region.",
    alt=describe_stat_map,
    height_mm=46.0,
    bars=False,
)
def plot_stat_map(
    result: xr.Dataset, *, ax: Axes, roi: Any = None, view: str = "auto", limit: float | None = None
) -> Axes:
    """Draw a statistic map as a glass network: sites as columns of equal area, units as dots coloured by statistic.

    result : of ``localise``: statistic (neuroid) with coordinates site and unit.
    roi : an ROI chosen from the map; its units get a black ring.
    view : "layers" (columns of sites), "space" (three projections of x, y, z) or "auto" (space where x, y, z exist).
    limit : the statistic at the ends of the colour scale; default the largest one.
    Returns the axes.

    When this is invalid: in "space" the strongest unit along a line of sight hides the others, as in any glass brain.
    """
    if view not in VIEWS:
        raise SchemaError(f"view was {view!r}; expected one of {', '.join(map(repr, VIEWS))}.")
    spatial = all(axis in result.coords for axis in "xyz")
    if view == "space" and not spatial:
        raise SchemaError("view='space' needs the coordinates x, y and z on neuroid; draw it with view='layers'.")
    statistic = tested(result, "statistic")
    top = float(limit if limit is not None else np.nanmax(np.abs(np.where(np.isfinite(statistic), statistic, np.nan))))
    norm = Normalize(-top, top)
    chosen = np.zeros(statistic.size, dtype=bool) if roi is None else np.asarray(roi.mask(result))
    draw = _space if spatial and view != "layers" else _layers
    shown = draw(ax, result, statistic, chosen, norm)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.7, pad=0.02, aspect=14)
    bar.set_label(tested_by(result), fontsize=TINY)
    bar.ax.tick_params(labelsize=TINY)
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    heading(ax, str(result.attrs.get("contrast", "statistic map")), sample_words(result))
    return ax


def _style(statistic: np.ndarray, chosen: np.ndarray, norm: Normalize) -> dict[str, Any]:
    """Get face and edge of every dot: colour by statistic, grey ring where untested, black ring where chosen."""
    import seaborn

    tested = np.isfinite(statistic)
    face = seaborn.color_palette("vlag", as_cmap=True)(norm(np.where(tested, statistic, 0.0)))
    face[~tested] = (1.0, 1.0, 1.0, 1.0)
    edge = np.where(
        chosen[:, None], (0.0, 0.0, 0.0, 1.0), np.where(tested[:, None], (0.6, 0.6, 0.6, 1.0), (0.7, 0.7, 0.7, 1))
    )
    return {"facecolors": face, "edgecolors": edge, "linewidths": np.where(chosen, 0.7, 0.15)}


def _mappable(norm: Normalize) -> Any:
    import seaborn
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(norm=norm, cmap=seaborn.color_palette("vlag", as_cmap=True))


def _layers(ax: Axes, result: xr.Dataset, statistic: np.ndarray, chosen: np.ndarray, norm: Normalize) -> Any:
    site, unit, sites = result["site"].values, result["unit"].values, sites_of(result)
    present = [code for code in range(len(sites)) if (site == code).any()]
    ax.set(xlim=(-0.5, len(present) - 0.5), ylim=(-0.02, 1.02))
    ax.set_box_aspect(ASPECT)
    for at, code in enumerate(present):
        here = np.flatnonzero(site == code)
        here = here[np.argsort(unit[here], kind="stable")]
        draw = _dots if here.size <= MOST_DOTS else _cells
        draw(ax, at, statistic[here], chosen[here], norm, len(present))
    ax.set_xticks(range(len(present)), [f"{sites[code]}\n{int((site == code).sum()):,}" for code in present])
    ax.tick_params(axis="x", length=0, labelsize=SMALL if len(present) <= 6 else TINY)
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    return _mappable(norm)


def _grid(n: int, n_sites: int) -> tuple[int, int]:
    """Get columns and rows that fill a site's rectangle with n square cells."""
    wide_over_high = (COLUMN / n_sites) / ASPECT
    n_columns = max(1, round(np.sqrt(n * wide_over_high)))
    return n_columns, -(-n // n_columns)


def _dots(ax: Axes, at: int, statistic: np.ndarray, chosen: np.ndarray, norm: Normalize, n_sites: int) -> None:
    n_columns, n_rows = _grid(statistic.size, n_sites)
    order = np.arange(statistic.size)
    x = at - COLUMN / 2 + (order % n_columns + 0.5) * COLUMN / n_columns
    y = 1 - (order // n_columns + 0.5) / n_rows
    # the smaller pitch on paper, in units of the axes' width, makes dots round in data units of unequal length
    pitch = 0.86 * min(COLUMN / n_columns / n_sites, ASPECT / n_rows)
    style = _style(statistic, chosen, norm)
    dots = _circles(ax, np.column_stack([x, y]), pitch * n_sites, pitch / ASPECT * 1.04, style)
    ax.add_collection(dots, autolim=False)
    dead = ~np.isfinite(statistic)
    ax.scatter(x[dead], y[dead], marker="x", s=(0.4 * pitch * 200) ** 2, color=GREY, linewidths=0.5)


def _cells(ax: Axes, at: int, statistic: np.ndarray, chosen: np.ndarray, norm: Normalize, n_sites: int) -> None:
    n_columns, n_rows = _grid(statistic.size, n_sites)
    cells = np.full(n_columns * n_rows, np.nan)
    cells[: statistic.size] = statistic
    x, y = at - COLUMN / 2 + np.linspace(0, COLUMN, n_columns + 1), np.linspace(1, 0, n_rows + 1)
    ax.pcolormesh(x, y, cells.reshape(n_rows, n_columns), cmap="vlag", norm=norm, rasterized=True)
    if chosen.any():
        rows, columns = np.divmod(np.flatnonzero(chosen), n_columns)
        ax.scatter(
            (x[columns] + x[columns + 1]) / 2,
            (y[rows] + y[rows + 1]) / 2,
            s=0.6,
            color="black",
            linewidths=0,
            rasterized=True,
        )


#: The three projections of a glass brain: the axis across, the axis up, and where one looks from.
PROJECTIONS = ((1, 2, "from the side"), (0, 2, "from behind"), (0, 1, "from above"))


def _space(ax: Axes, result: xr.Dataset, statistic: np.ndarray, chosen: np.ndarray, norm: Normalize) -> Any:
    place = np.column_stack([result[axis].values.astype(float) for axis in "xyz"])
    place -= place.min(axis=0)
    size = place.max(axis=0)
    longest = max(float(size.max()), 1e-9)
    deep = size > 0  # one slice has no depth: it is seen from one side only
    pitch = float((np.prod(size[deep]) / len(place)) ** (1 / max(1, int(deep.sum()))))
    diameter = min(max(0.8 * pitch, 0.01 * longest), 0.08 * longest)
    # the strongest unit along a line of sight is painted last; the chosen region lies above all
    front = np.argsort(np.where(np.isfinite(statistic), np.abs(statistic), -1.0) + 1e6 * chosen, kind="stable")
    style = {key: value[front] for key, value in _style(statistic, chosen, norm).items()}
    start = 0.0
    seen = [view for view in PROJECTIONS if deep[view[0]] and deep[view[1]]] or list(PROJECTIONS[:1])
    for across, up, name in seen:
        offsets = np.column_stack([place[front, across] + start, place[front, up]])
        ax.add_collection(_circles(ax, offsets, diameter, diameter, style), autolim=False)
        words = f"{name} ({'xyz'[across]}, {'xyz'[up]})"
        ax.text(start + size[across] / 2, -0.09 * longest, words, ha="center", va="top", fontsize=TINY)
        start += size[across] + 0.15 * longest
    top = max(size[up] for _, up, _ in seen) + diameter
    ax.set(xlim=(-0.08 * longest, start - 0.07 * longest), ylim=(-0.2 * longest, top), aspect="equal")
    ax.set_axis_off()
    return _mappable(norm)


def _circles(ax: Axes, offsets: np.ndarray, width: float, height: float, style: dict[str, Any]) -> EllipseCollection:
    n = len(offsets)
    sizes = np.full(n, width), np.full(n, height), np.zeros(n)
    return EllipseCollection(*sizes, units="xy", offsets=offsets, transOffset=ax.transData, rasterized=True, **style)
