"""The figure of selectivity: all units of a map in order, site by site."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.errors import SchemaError, did_you_mean, listed
from neurolab.plots.drawing import drawing
from neurolab.plots.marks import APART, heading, width_mm, zero_line
from neurolab.plots.read import level, tested, values
from neurolab.plots.room import wrapped
from neurolab.plots.stat_map import sites_of
from neurolab.plots.style import GREY, PALE, SERIES, TINY
from neurolab.plots.units import shown_in, unit_of
from neurolab.plots.words import alpha_words, number, sample_words

LEAST_MM = 6.0  # that the name of a site has, however few its units are
#: What can be drawn, its label, and its value where nothing differs.
MEASURES = {
    "d_prime": ("selectivity (d′)", 0.0),
    "auc": ("selectivity (area under ROC)", 0.5),
    "effect": ("difference of means", 0.0),
}


def describe_selectivity(result: xr.Dataset) -> str:
    """Get the figure in words: how many units prefer either side after correction, and the extremes."""
    d, q = tested(result, "d_prime"), values(result, "q", "neuroid")
    able, alpha = np.isfinite(d), 1 - level(result)
    passed = able & (q <= alpha)
    return (
        f"Selectivity of {int(able.sum())} units for {result.attrs.get('contrast', 'the contrast')}; "
        f"{sample_words(result)}. d′ runs from {number(np.nanmin(d))} to {number(np.nanmax(d))}; corrected p is "
        f"{alpha:.2g} or less in {int((passed & (d > 0)).sum())} units above zero and "
        f"{int((passed & (d < 0)).sum())} below."
    )


@drawing(
    "localise",
    variables=("d_prime", "auc", "effect", "low", "high", "p", "q", "valid", "p_floor"),
    marks="One mark per unit, ordered within its site; hollow and grey where it does not pass the "
    "correction. Bars, where the measure has an interval (difference of means): that interval.",
    alt=describe_selectivity,
    also=lambda result, **_: f"Filled: corrected p of {alpha_words(result)} or less.",
    height_mm=55.0,
)
def plot_selectivity(result: xr.Dataset, *, ax: Axes, measure: str = "d_prime") -> Axes:
    """Draw how selective every unit is: units in order of selectivity, one block per site.

    result : of ``localise``: d_prime, auc, effect, low, high, q (neuroid).
    measure : "d_prime", "auc", or "effect" (with its interval per unit).
    Returns the axes.

    When this is invalid: selectivity measured on the stimuli that also chose units is inflated; this is all units.

    Example
    -------
    >>> from neurolab.analysis import localise
    >>> from neurolab.simulate import phantom_recording
    >>> result = localise(phantom_recording(rng=0), "faces > objects")
    >>> plot_selectivity(result).get_title(loc="left")
    'faces > objects'
    """
    if measure not in MEASURES:
        raise SchemaError(
            f"measure was {measure!r}; expected one of {listed(MEASURES)}.{did_you_mean(measure, MEASURES)}"
        )
    label, null = MEASURES[measure]
    sites, site, start = sites_of(result), result["site"].values, 0
    zero_line(ax, null)
    for code, name in enumerate(sites):
        here = np.flatnonzero((site == code) & np.isfinite(tested(result, measure)))
        if here.size:
            _block(ax, result, here, start, measure, SERIES[code % len(SERIES)])
            middle, place = start + here.size / 2, ax.get_xaxis_transform()
            room = width_mm(ax) * here.size / result.sizes["neuroid"] - APART
            said = wrapped(name, max(room, LEAST_MM), size=TINY, lines=1)
            ax.text(middle, 1.0, said, ha="center", va="bottom", transform=place, fontsize=TINY)
            start += here.size + max(2, result.sizes["neuroid"] // 25)
    ax.set_xticks([])
    unit = shown_in(unit_of(result))[1] if measure == "effect" else ""
    ax.set(ylabel=f"{label}{f' ({unit})' if unit else ''}", xlabel="units, ordered within site")
    heading(ax, str(result.attrs.get("contrast", "selectivity")), sample_words(result), pad=10)
    return ax


def _block(ax: Axes, result: xr.Dataset, here: np.ndarray, start: int, measure: str, series: tuple[str, str]) -> None:
    colour, marker = series
    factor = shown_in(unit_of(result))[0] if measure == "effect" else 1.0
    measured, q = factor * tested(result, measure), values(result, "q", "neuroid")
    order = here[np.argsort(measured[here], kind="stable")]
    x, passed = start + np.arange(order.size), q[order] <= 1 - level(result)
    if measure == "effect":
        low, high = (factor * values(result, end, "neuroid")[order] for end in ("low", "high"))
        ax.vlines(x, low, high, color=PALE, linewidth=0.5, zorder=1, rasterized=order.size > 300)
    style: dict[str, Any] = {
        "s": float(np.clip(900 / result.sizes["neuroid"], 1.5, 8.0)),
        "marker": marker,
        "linewidths": 0.3,
        "zorder": 3,
        "rasterized": order.size > 300,
    }
    ax.scatter(x[passed], measured[order][passed], facecolors=colour, edgecolors=colour, **style)
    ax.scatter(x[~passed], measured[order][~passed], facecolors="white", edgecolors=GREY, **style)
