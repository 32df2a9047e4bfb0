"""The glass network: every unit of every site as a dot, coloured by its statistic; a brain's voxels just as well."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from neurolab.errors import SchemaError, amount
from neurolab.plots.drawing import drawing
from neurolab.plots.glass import circles, colour_bar, crosses, points, style_of
from neurolab.plots.marks import APART, heading, width_mm
from neurolab.plots.read import level, tested, values
from neurolab.plots.room import told_apart, wrapped
from neurolab.plots.sides import strongest
from neurolab.plots.space import draw_space, projections_said
from neurolab.plots.style import SMALL, TINY
from neurolab.plots.units import neuroid_word, unit_name
from neurolab.plots.words import alpha_words, number, sample_words, tested_by

ASPECT = 0.5  # height of the axes over their width, fixed so that dots can be round
COLUMN = 0.82  # width of a site's rectangle where sites are 1 apart
MOST_SHRINKING = 0.25  # a site may draw its circles this much smaller than it has room for
MOST_DOTS = 4000  # above this many units in a site, cells instead of dots: they would be below a pixel
MOST_TITLE = 46  # letters that leave room for n on the right
VIEWS = ("auto", "layers", "space")


def sites_of(result: xr.Dataset) -> list[str]:
    """Get the names of the sites of a map by code."""
    return [str(site["name"]) for site in json.loads(str(result.attrs.get("sites", "[]")))]


def describe_stat_map(result: xr.Dataset) -> str:
    """Get the figure in words: per site, how many units and how many of them pass the correction."""
    statistic, q = tested(result, "statistic"), values(result, "q", "neuroid")
    site, alpha = result["site"].values, 1 - level(result)
    parts, word = [], neuroid_word(result)
    for code, name in enumerate(sites_of(result)):
        here = site == code
        if here.any() and np.isfinite(statistic[here]).any():
            best = strongest(result, here & np.isfinite(statistic))
            parts.append(
                f"{name}: {int(here.sum())} {word}s, {int((q[here] <= alpha).sum())} with corrected p of {alpha:.2g} "
                f"or less, the strongest {unit_name(result, best)} with {number(statistic[best])}"
            )
    contrast = result.attrs.get("contrast", "the contrast")
    return f"Statistic of {contrast} in every {word}; {sample_words(result)}. {'; '.join(parts)}."


def more_of_stat_map(result: xr.Dataset, *, roi: Any = None, view: str = "auto", limit: float | None = None) -> str:
    """Get what the legend says of this map as it is drawn: its colour, its view, its ring, its corrected p."""
    spatial = all(axis in result.coords for axis in "xyz") and view != "layers"
    where = (
        f"{projections_said(result)} of where the units are; the strongest along a line of sight hides the others."
        if spatial
        else "Columns: sites, their units in the site's own order. The size of a circle follows from the room that its "
        "site has and says nothing."
    )
    ends = "the ends of the scale" if limit is None else f"±{number(limit)}"
    parts = [
        f"Colour: {tested_by(result)} (not the difference itself), symmetric about zero, to {ends}.",
        where,
        f"Passing: corrected p of {alpha_words(result)} or less.",
        f"Black rings: {roi.name}, {amount(roi.n_units, 'unit')}." if roi is not None else "",
    ]
    return " ".join(part for part in parts if part)


@drawing(
    "localise",
    variables=("statistic", "effect", "low", "high", "p", "q", "d_prime", "valid", "p_floor"),
    marks="One circle per unit (channel, voxel). Black points: units that pass the correction. Crosses: units that "
    "cannot be tested (constant, dead or marked bad).",
    alt=describe_stat_map,
    also=more_of_stat_map,
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

    Example
    -------
    >>> from neurolab.analysis import localise
    >>> from neurolab.simulate import phantom_recording
    >>> result = localise(phantom_recording(rng=0), "faces > objects")
    >>> plot_stat_map(result).get_title(loc="left")
    'faces > objects, phantom'
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
    passed = np.isfinite(statistic) & (values(result, "q", "neuroid") <= 1 - level(result) + 1e-12)
    draw = draw_space if spatial and view != "layers" else _layers
    draw(ax, result, statistic, chosen, passed, norm)
    colour_bar(ax, norm, tested_by(result))
    heading(ax, _title(result), sample_words(result))
    return ax


def _title(result: xr.Dataset) -> str:
    """The contrast, and whose map it is where the title has room for that."""
    contrast, whose = str(result.attrs.get("contrast", "statistic map")), str(result.attrs.get("specimen", ""))
    return f"{contrast}, {whose}" if whose and len(contrast) + len(whose) <= MOST_TITLE - 2 else contrast


def _layers(
    ax: Axes, result: xr.Dataset, statistic: np.ndarray, chosen: np.ndarray, passed: np.ndarray, norm: Normalize
) -> None:
    site, unit, sites = result["site"].values, result["unit"].values, sites_of(result)
    present = [code for code in range(len(sites)) if (site == code).any()]
    ax.set(xlim=(-0.5, len(present) - 0.5), ylim=(-0.02, 1.02))
    ax.set_box_aspect(ASPECT)
    ordered = [np.flatnonzero(site == code)[np.argsort(unit[site == code], kind="stable")] for code in present]
    same = _same_pitch([here.size for here in ordered], len(present))
    for at, here in enumerate(ordered):
        if here.size <= MOST_DOTS:
            _dots(ax, at, (statistic[here], chosen[here], passed[here]), norm, len(present), same)
        else:
            _cells(ax, at, statistic[here], chosen[here], norm, len(present))
    size, room = SMALL if len(present) <= 6 else TINY, width_mm(ax) / len(present) - APART
    called = told_apart([site_words(sites[code]) for code in present], lambda s: wrapped(s, room, size=size, lines=3))
    names = [f"{name}\n{int((site == code).sum()):,} units" for name, code in zip(called, present)]
    ax.set_xticks(range(len(present)), names)
    ax.tick_params(axis="x", length=0, labelsize=size)
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)


def _grid(n: int, n_sites: int) -> tuple[int, int]:
    """Get columns and rows that fill a site's rectangle with n square cells."""
    wide_over_high = (COLUMN / n_sites) / ASPECT
    n_columns = max(1, round(np.sqrt(n * wide_over_high)))
    return n_columns, -(-n // n_columns)


def site_words(name: str) -> str:
    """Get what a site is called on an axis: a bare number, as nn.Sequential gives, is said to be a site.

    Example
    -------
    >>> site_words("4"), site_words("features.4")
    ('site 4', 'features.4')
    """
    return f"site {name}" if name.isdigit() else name


def _pitch(n: int, n_sites: int) -> float:
    """The smaller pitch of a site's circles on paper, in units of the axes' width."""
    n_columns, n_rows = _grid(n, n_sites)
    return 0.86 * min(COLUMN / n_columns / n_sites, ASPECT / n_rows)


def _same_pitch(sizes: list[int], n_sites: int) -> float | None:
    """One size of circle for all sites, unless a site is so much larger that the others could not be seen."""
    every = [_pitch(n, n_sites) for n in sizes if n <= MOST_DOTS]
    return min(every) if every and min(every) >= MOST_SHRINKING * max(every) else None


def _dots(
    ax: Axes, at: int, units: tuple[np.ndarray, np.ndarray, np.ndarray], norm: Normalize, n_sites: int,
    same: float | None,
) -> None:  # fmt: skip
    statistic, chosen, passed = units
    n_columns, n_rows = _grid(statistic.size, n_sites)
    order = np.arange(statistic.size)
    x = at - COLUMN / 2 + (order % n_columns + 0.5) * COLUMN / n_columns
    y = 1 - (order // n_columns + 0.5) / n_rows
    # a pitch on paper makes circles round in data units of unequal length
    pitch = same or _pitch(statistic.size, n_sites)
    offsets, style = np.column_stack([x, y]), style_of(statistic, chosen, norm)
    ax.add_collection(circles(ax, offsets, pitch * n_sites, pitch / ASPECT * 1.04, style), autolim=False)
    crosses(ax, offsets[~np.isfinite(statistic)], 0.9 * pitch * width_mm(ax))
    points(ax, offsets[passed], 0.9 * pitch * width_mm(ax))


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
