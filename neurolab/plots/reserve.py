"""The figure of reserve: what is left of a function as regions go one by one, in an order and in random orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import KEYED, heading, key
from neurolab.plots.read import level, names, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, p_words, percent, sample_words

#: The share of the axis that an arrow is long at least.
ARROW = 0.08


def describe_reserve(result: xr.Dataset) -> str:
    """Get the figure in words: what is left at every share, then both measures."""
    share = level(result)
    curve = zip(*(values(result, name, "dose") for name in ("dose", "mean", "mean_low", "mean_high")))
    parts = [f"{dose:.3g}: {number(m)} ({interval_words(low, high, share)})" for dose, m, low, high in curve]
    return (
        f"Share of {result.attrs.get('task', 'the task')} left by share removed, "
        f"{result.attrs.get('lesion', 'in order')}; {sample_words(result)}. {'; '.join(parts)}. {_measures(result)}"
    )


def _measures(result: xr.Dataset) -> str:
    """Both measures in words, with the test against random orders where there is one."""
    said = []
    own = zip(*(values(result, name, "measure") for name in ("effect", "p", "p_floor")))
    for at, (name, (e, p, floor)) in enumerate(zip(names(result, "measure"), own)):
        tested = f"; against random orders {number(e)}, {p_words(p, floor)}" if "control_mean" in result else ""
        said.append(f"{name.capitalize()} {own_words(result, at)}{tested}.")
    return " ".join(said)


def own_words(result: xr.Dataset, at: int) -> str:
    """Get one measure of the order with its interval, as at least so much where curves never fell to the failure point.

    at : 0 the area, 1 the failure point.
    """
    mean, low, high = (float(values(result, name, "measure")[at]) for name in ("own", "own_low", "own_high"))
    never = _never(result) if at == 1 else ""
    return f"{'≥ ' if never else ''}{number(mean)} ({interval_words(low, high, level(result))}{never})"


def _never(result: xr.Dataset) -> str:
    """How many curves of the order never fell so far; empty where all did."""
    share, n = (float(result.attrs.get(name, 0) or 0) for name in ("never_failed", "n_curves"))
    counted = f"{round(share * n)} of {n:.0f}" if n else percent(round(100 * share) / 100)
    return f"; {counted} never failed" if share else ""


@drawing(
    "reserve",
    variables=("retained", "mean", "mean_low", "mean_high", "control_retained", "control_mean", "control_mean_low",
               "control_mean_high", "own", "own_low", "own_high", "effect", "low", "high", "p", "p_floor"),
    marks="Thin lines: one network each. Thick line with marks and band: mean and its interval. Grey dashed line and "
    "band, where drawn: the same in random orders. Vertical line with bar on the axis: the failure point and its "
    "interval; an arrow where a curve never fell so far.",
    alt=describe_reserve,
    height_mm=58.0,
)  # fmt: skip
def plot_reserve(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw what is left of a function against the share removed, with the point at which it fails.

    result : of ``reserve``: retained (specimen, dose), mean, mean_low, mean_high (dose), own (measure); shares.
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import reserve
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(doses=(0.5, 1.0), deficits={"A": {"X": 0.4}}, rng=0)
    >>> plot_reserve(reserve(trials, lesion="A", task="X", rng=0)).get_title(loc="left")
    'X'
    """
    colour, marker = SERIES[0]
    ax.axhline(1 - float(result.attrs.get("failing", 0.5)), color=GREY, linewidth=0.5, linestyle=":", zorder=0)
    if "control_mean" in result:
        _curve(ax, result, "control_", GREY, {"linestyle": "--", "marker": "s", "markersize": 2.5,
               "label": str(result.attrs.get("family", "controls"))})  # fmt: skip
    ax.plot(result["dose"].values, values(result, "retained", "dose", "specimen"), color=colour, linewidth=0.4,
            alpha=0.5, zorder=2)  # fmt: skip
    _curve(ax, result, "", colour, {"linewidth": 1.4, "marker": marker, "label": str(result.attrs.get("lesion"))})
    _failure(ax, result, colour)
    ax.set(xlabel=f"share removed\n{_below(result)}", ylabel=f"share left (above {result.attrs.get('base', 'chance')})")
    key(ax, ncols=1, share=KEYED, loc="best")
    heading(ax, str(result.attrs.get("task", "reserve")), sample_line(result, "mean_low"))
    return ax


def _failure(ax: Axes, result: xr.Dataset, colour: str) -> None:
    """The failure point and its interval on the axis; an arrow to the right where it is a lower bound."""
    at, low, high = (float(values(result, name, "measure")[1]) for name in ("own", "own_low", "own_high"))
    ax.axvline(at, color=colour, linewidth=0.6, linestyle=":", zorder=1)
    if np.isfinite(low) and not np.isfinite(high):
        start, end = min(low, at - ARROW * float(result["dose"].max())), float(result["dose"].max())
        ax.plot([start, end], [0.0, 0.0], color=colour, linewidth=2.0, solid_capstyle="butt", zorder=5)
        ax.plot([end], [0.0], color=colour, marker=">", markersize=4.0, linestyle="none", zorder=5)
    elif np.isfinite([low, high]).all():
        ax.plot([low, high], [0.0, 0.0], color=colour, linewidth=2.0, solid_capstyle="butt", zorder=5)


def _curve(ax: Axes, result: xr.Dataset, prefix: str, colour: str, style: dict[str, Any]) -> None:
    dose = result["dose"].values.astype(float)
    mean, low, high = (values(result, f"{prefix}mean{end}", "dose") for end in ("", "_low", "_high"))
    banded = np.isfinite(low) & np.isfinite(high)
    ax.fill_between(dose[banded], low[banded], high[banded], color=colour, alpha=0.2, linewidth=0, zorder=2)
    ax.plot(dose, mean, color=colour, zorder=4, **style)


def _below(result: xr.Dataset) -> str:
    """The failure point, and how far it lies from that of random orders."""
    own, e, p, floor = (float(values(result, name, "measure")[1]) for name in ("own", "effect", "p", "p_floor"))
    never = _never(result).removeprefix("; ")
    said = f"failure point ≥ {number(own)} ({never})" if never else f"failure point {number(own)}"
    return f"{said}, minus random {number(e)}, {p_words(p, floor)}" if "control_mean" in result else said
