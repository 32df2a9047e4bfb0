"""A lesion map: a brain as projections of its voxels, a network as its sites; statistic or coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from neurolab.errors import SchemaError, amount
from neurolab.plots.drawing import drawing
from neurolab.plots.glass import colour_bar, mappable
from neurolab.plots.marks import heading
from neurolab.plots.read import level, tested, values
from neurolab.plots.sides import strongest
from neurolab.plots.space import GAP, _name, frame, projections_said, spare, views_of
from neurolab.plots.stat_map import _layers, sites_of
from neurolab.plots.units import neuroid_word, unit_name
from neurolab.plots.words import alpha_words, number, percent, sample_words, tested_by

SHOWN = ("statistic", "coverage")
UNEVEN = 0.05  # how far, in steps, the distances along an axis may lie from whole numbers of steps
UNTESTED = (0.9, 0.9, 0.9, 1.0)


def describe_symptom_map(result: xr.Dataset, show: str = "statistic") -> str:
    """Get the figure in words: how many were tested, how many pass, the strongest, the coverage; or this one alone."""
    if show == "coverage":
        return _coverage_words(result)
    statistic, q = tested(result, "statistic"), values(result, "q", "neuroid")
    coverage, able = values(result, "coverage", "neuroid"), np.isfinite(statistic)
    passed = int((able & (q <= 1 - level(result) + 1e-12)).sum())
    at = strongest(result, able) if able.any() else -1
    best = f", the strongest {unit_name(result, at)} with {number(statistic[at])}" if able.any() else ""
    return (
        f"Lesion map of {result.attrs.get('behaviour', 'behaviour')} in {', '.join(sites_of(result))}: {passed:,} of "
        f"{int(able.sum()):,} tested {neuroid_word(result)}s pass{best}; {int((~able).sum()):,} were not tested. "
        f"The most lesioned one is so in {percent(round(float(coverage.max()), 3))} of cases; {sample_words(result)}."
    )


def _coverage_words(result: xr.Dataset) -> str:
    """The view of coverage: from the least to the most lesioned, and how many could be tested."""
    coverage, able = values(result, "coverage", "neuroid"), np.isfinite(tested(result, "statistic"))
    low, high = (percent(round(float(end), 3)) for end in (coverage.min(), coverage.max()))
    return (
        f"Share of cases in which each {neuroid_word(result)} of {', '.join(sites_of(result))} is lesioned: {low} to "
        f"{high}; {int(able.sum()):,} of {able.size:,} are lesioned, and spared, in enough cases to be tested; "
        f"{sample_words(result)}."
    )


def more_of_symptom_map(
    result: xr.Dataset, *, show: str = "statistic", roi: Any = None, limit: float | None = None
) -> str:
    """Get what the legend says of this map as it is drawn."""
    control = {"covariate": "a covariate", "dtlvc": "the root that each row is divided by", "none": "not controlled"}
    what = (
        "share of cases in which it is lesioned" if show == "coverage" else f"{tested_by(result)}, symmetric about zero"
    )
    parts = [
        f"Colour: {what}.",
        f"{projections_said(result)}: the strongest along a line of sight hides the others."
        if _spatial(result)
        else "",
        f"Lesion volume: {control.get(str(result.attrs.get('volume', '')), 'not stated')}.",
        f"Passing: corrected p of {alpha_words(result)} or less." if show == "statistic" else "",
        f"Black rings: {roi.name}, {amount(roi.n_units, 'unit')}." if roi is not None and not _spatial(result) else "",
        str(result.attrs.get("note", "")),
    ]
    return " ".join(part for part in parts if part)


def _spatial(result: xr.Dataset) -> bool:
    return all(axis in result.coords for axis in "xyz")


@drawing(
    "symptom_map",
    variables=("statistic", "effect", "low", "high", "p", "q", "coverage", "patch", "valid", "p_floor"),
    marks="Voxels as projections, units as circles. Black outline or point: passes the correction. Light grey, or a "
    "cross: lesioned, or spared, in too few to be tested.",
    alt=describe_symptom_map,
    also=more_of_symptom_map,
    height_mm=46.0,
    bars=False,
)
def plot_symptom_map(
    result: xr.Dataset, *, ax: Axes, show: str = "statistic", roi: Any = None, limit: float | None = None
) -> Axes:
    """Draw a lesion map: people's voxels as a glass brain, a network's units as columns of sites.

    result : of ``symptom_map``.
    show : "statistic", or "coverage" (in which share of cases each voxel or unit is lesioned: where nothing could be
        found, whatever it does).
    roi : of a network, an ROI whose units get a black ring.
    limit : the value at the end of the colour scale; default the largest one.
    Returns the axes.

    When this is invalid: a projection hides what lies behind the strongest voxel.

    Example
    -------
    >>> from neurolab.analysis import symptom_map
    >>> from neurolab.recording import make_recording
    >>> cut = (np.random.default_rng(0).random((40, 9)) < 0.4).astype(np.uint8)
    >>> rows = {"stimulus_id": [str(k) for k in range(40)], "condition": ["random"] * 40}
    >>> found = symptom_map(make_recording(cut, presentation=rows, kind="ann"), cut[:, 1] + cut[:, 2] / 4.0, rng=0)
    >>> plot_symptom_map(found).get_title(loc="left")
    'behaviour by lesion'
    """
    if show not in SHOWN:
        raise SchemaError(f"show was {show!r}; expected one of {', '.join(map(repr, SHOWN))}.")
    statistic, coverage = tested(result, "statistic"), values(result, "coverage", "neuroid")
    shown = statistic if show == "statistic" else coverage
    known = np.abs(shown[np.isfinite(shown)])
    top = float(limit if limit is not None else (known.max() if known.size and known.max() > 0 else 1.0))
    norm = Normalize(-top, top)
    passed = np.isfinite(statistic) & (values(result, "q", "neuroid") <= 1 - level(result) + 1e-12)
    passed &= show == "statistic"
    if _spatial(result):
        _projections(ax, result, shown, passed, norm)
    else:
        chosen = np.zeros(shown.size, dtype=bool) if roi is None else np.asarray(roi.mask(result))
        _layers(ax, result, shown, chosen, passed, norm)
    bar = colour_bar(ax, norm, tested_by(result) if show == "statistic" else "share lesioned")
    if show == "coverage":
        bar.ax.set_ylim(0, top)
    heading(ax, str(result.attrs.get("contrast", "lesion map")), sample_words(result))
    return ax


def _projections(ax: Axes, result: xr.Dataset, shown: np.ndarray, passed: np.ndarray, norm: Normalize) -> None:
    place = np.column_stack([result[axis].values.astype(float) for axis in "xyz"])
    place = place - place.min(axis=0)
    size, step = place.max(axis=0), _steps(place)
    longest, seen = max(float(size.max()), 1e-9), views_of(size)
    colours, start = mappable(norm).cmap, 0.0
    for view in seen:
        across, up, _ = view
        picture, outline = _picture(place[:, [across, up]], step[[across, up]], shown, passed)
        here = np.isfinite(picture)
        rgba = colours(norm(np.where(here, picture, 0.0)))
        rgba[~here] = UNTESTED
        rgba[outline < 0] = (1.0, 1.0, 1.0, 0.0)
        x = start + step[across] * np.arange(picture.shape[1])
        y = step[up] * np.arange(picture.shape[0])
        half_x, half_y = step[across] / 2, step[up] / 2
        extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
        ax.imshow(rgba, origin="lower", extent=extent, interpolation="nearest", aspect="equal", gid="projection")
        if (outline > 0).any() and min(outline.shape) > 1:
            ax.contour(x, y, (outline > 0).astype(float), levels=[0.5], colors="black", linewidths=0.5)
        _name(ax, view, start, size, spare(size, seen), head=str(result.attrs.get("kind", "")) == "brain")
        start += size[across] + GAP * longest
    frame(ax, size, seen)


def _steps(place: np.ndarray) -> np.ndarray:
    """The distance of neighbours along each axis; of a turned grid one along all, so wide that it leaves no holes."""
    from scipy.spatial import KDTree

    near = float(np.sort(KDTree(place).query(place, k=2)[0][:, 1])[len(place) // 2]) if len(place) > 1 else 1.0
    every = [np.diff(np.unique(np.round(axis, 3))) for axis in place.T]
    every = [gaps[gaps > 0.01 * near] for gaps in every]
    steps = np.array([gaps.min() if gaps.size else 1.0 for gaps in every])
    uneven = [gaps / step - np.round(gaps / step) for gaps, step in zip(every, steps)]
    turned = any(not gaps.size for gaps, long in zip(every, np.ptp(place, axis=0)) if long > 0)
    if turned or max(np.abs(off).max(initial=0.0) for off in uneven) > UNEVEN:
        return np.full(3, np.sqrt(2) * near)
    return steps


def _picture(
    place: np.ndarray, step: np.ndarray, shown: np.ndarray, passed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Along each line of sight the strongest value (NaN: none tested), and whether one passes (-1: no voxel)."""
    column, row = np.round(place / step).astype(int).T
    shape = (row.max() + 1, column.max() + 1)
    picture, outline = np.full(shape, np.nan), np.full(shape, -1.0)
    order = np.argsort(np.where(np.isfinite(shown), np.abs(shown), -1.0), kind="stable")
    picture[row[order], column[order]] = shown[order]  # the strongest is painted last
    np.maximum.at(outline, (row, column), passed.astype(float))
    return picture, outline
