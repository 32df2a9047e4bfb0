"""The figure of a dose: how the score or deficit changes with how much of the region is gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import KEYED, heading, key, zero_line
from neurolab.plots.read import level, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, p_words, sample_words


def describe_dose(result: xr.Dataset) -> str:
    """Get the figure in words: the mean at every dose, then the tested difference."""
    doses = result["dose"].values.astype(float)
    mean, low, high = (values(result, v, "dose") for v in ("mean", "low", "high"))
    share = level(result)
    parts = [f"{x:.3g}: {number(m)} ({interval_words(a, b, share)})" for x, m, a, b in zip(doses, mean, low, high)]
    tested = f"{_tested(result)}. " if "p" in result else ""
    return f"Deficit by dose; {sample_words(result)}. {'; '.join(parts)}. {tested}".strip()


def _tested(result: xr.Dataset) -> str:
    against = " − controls" if "control_mean" in result else ""
    words = p_words(scalar(result, "p"), scalar(result, "p_floor"))
    return f"area under the deficit curve ÷ range of doses{against}: {number(scalar(result, 'effect'))}, {words}"


@drawing(
    "dose_response",
    variables=(
        "value",
        "mean",
        "low",
        "high",
        "control_value",
        "control_mean",
        "control_low",
        "control_high",
        "effect",
        "effect_low",
        "effect_high",
        "p",
        "p_floor",
    ),
    marks="Thin lines: one network each. Thick line with marks and band: mean and its interval. Grey dashed line and "
    "band, where drawn: the same for control lesions.",
    alt=describe_dose,
    height_mm=58.0,
)
def plot_dose(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw a dose-response curve: a thin line per network, the mean with its interval, and the controls if there.

    result : of ``dose_response``: value (specimen, dose), mean, low, high (dose), in units of the score.
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import dose_response
    >>> from neurolab.simulate import phantom_trials
    >>> result = dose_response(phantom_trials(doses=(0.5, 1.0), rng=0), lesion="A", task="X", rng=0)
    >>> plot_dose(result).get_title(loc="left")
    'X'
    """
    zero_line(ax)
    colour, marker = SERIES[0]
    if "control_mean" in result:
        _curve(ax, result, "control_", GREY, {"linestyle": "--", "marker": "s", "markersize": 2.5, "label": "controls"})
    order = np.argsort(result["dose"].values.astype(float))
    dose, each = result["dose"].values.astype(float)[order], values(result, "value", "dose", "specimen")[order]
    ax.plot(dose, each, color=colour, linewidth=0.4, alpha=0.5, zorder=2)
    name = str(result.attrs.get("lesion", "lesion"))
    _curve(ax, result, "", colour, {"linewidth": 1.4, "marker": marker, "label": name})
    tested = f"\n{_tested(result)}" if "p" in result else ""
    along = result.attrs.get("dose_name", "share of the region")
    ax.set(xlabel=f"dose: {along}{tested}", ylabel="deficit (sham − lesion)")
    key(ax, ncols=1, share=KEYED, loc="best")
    heading(ax, str(result.attrs.get("task", "dose")), sample_line(result, "low"))
    return ax


def _curve(ax: Axes, result: xr.Dataset, prefix: str, colour: str, style: dict[str, Any]) -> None:
    """Draw mean and band at the doses that were examined: controls may have been drawn at some of them only."""
    dose = result["dose"].values.astype(float)
    low, mean, high = (values(result, f"{prefix}{v}", "dose") for v in ("low", "mean", "high"))
    order = np.argsort(dose)[np.isfinite(mean[np.argsort(dose)])]
    banded = [at for at in order if np.isfinite([low[at], high[at]]).all()]
    ax.fill_between(dose[banded], low[banded], high[banded], color=colour, alpha=0.2, linewidth=0, zorder=2)
    ax.plot(dose[order], mean[order], color=colour, zorder=4, **style)
