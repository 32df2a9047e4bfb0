"""The figure of a calibration: measured rates of error of every test beside what each promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading
from neurolab.plots.read import names, values
from neurolab.plots.style import GREY, SERIES, TINY, WONG
from neurolab.plots.words import fixed, sample_words

#: Colour and marker of each kind of test; a shortcut is the one that stands out.
KINDS = {"shortcut": SERIES[0], "exact": SERIES[1], "conservative": SERIES[2], "approximate": SERIES[3]}
LEAST, MOST = 0.002, 1.0
TICKS = (0.002, 0.01, 0.05, 0.2, 1.0)


def describe_rates(result: xr.Dataset) -> str:
    """Get the figure in words: the rate of every row with its band and its promise."""
    parts = [
        f"{name} ({kind}): {fixed(rate, 3)} [{fixed(low, 3)}, {fixed(high, 3)}], promised {fixed(wanted, 3)}"
        for name, kind, rate, low, high, wanted in _rows(result)
    ]
    return f"Measured rates of error with 99.9 % bands; {sample_words(result)}. {'; '.join(parts)}."


def _rows(result: xr.Dataset) -> list[tuple[Any, ...]]:
    """Get (name, kind, rate, low, high, promised) per row; of an interval alone, how often it misses."""
    found = {v: values(result, v, "entry") for v in ("rate", "rate_low", "rate_high", "attainable")}
    missed = {v: 1 - values(result, v, "entry") for v in ("coverage", "coverage_high", "coverage_low", "attained")}
    alone = np.isnan(found["rate"])
    numbers = [np.where(alone, b, a) for a, b in zip(found.values(), missed.values())]
    return list(zip(names(result, "entry"), result["kind"].values.astype(str), *numbers))


@drawing(
    "calibration",
    variables=("rate", "rate_low", "rate_high", "attainable", "coverage", "coverage_low", "coverage_high", "attained",
               "power", "kind", "verdict"),
    marks="Marks: how often a test rejects at the edge of its null, or an interval alone misses what it should cover; "
    "bars: Clopper-Pearson bands of the simulations. Black ticks: the rate that is promised. Dashed: .05. "
    "Colour and marker: kind. The scale is logarithmic; what lies below .002 is drawn at .002.",
    alt=describe_rates,
    height_mm=60.0,
)  # fmt: skip
def plot_rates(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw measured rates of error: one row per test, its band, and what it promises.

    result : a ``calibration``: rate, rate_low, rate_high, attainable and their twins of coverage (entry).
    Returns the axes. ``save_figure`` should be given 2 mm of height per row, and 20 more.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES, calibrate, result_of
    >>> rows = calibrate([ENTRIES["cochran_q"]], n=100, progress=False)
    >>> plot_rates(result_of(rows)).get_xlabel()
    'rate of error'
    """
    rows = _rows(result)
    for place, (_, kind, rate, low, high, wanted) in enumerate(rows):
        colour, marker = KINDS.get(str(kind), (GREY, "o"))
        ends = np.clip([low, high], LEAST, MOST)
        ax.plot(ends, [place, place], color=colour, linewidth=1.0, solid_capstyle="butt", zorder=3)
        ax.plot([max(rate, LEAST)], [place], color=colour, marker=marker, markersize=2.4, linestyle="none", zorder=4)
        tick: dict[str, Any] = {"color": WONG["black"], "marker": "|", "markersize": 4.5, "linestyle": "none"}
        ax.plot([max(wanted, LEAST)], [place], zorder=5, **tick)
    ax.axvline(0.05, color=GREY, linewidth=0.5, linestyle="--", zorder=0)
    labels = [_label(row, verdict) for row, verdict in zip(rows, result["verdict"].values.astype(str))]
    ax.set_yticks(range(len(rows)), labels, fontsize=TINY)
    ax.tick_params(axis="y", length=0)
    ax.set(xscale="log", xlim=(LEAST * 0.9, MOST * 1.1), ylim=(len(rows) - 0.3, -0.7), xlabel="rate of error")
    ax.xaxis.set_major_locator(FixedLocator(TICKS))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    _key(ax, [str(kind) for _, kind, *_ in rows])
    heading(ax, "calibration", sample_words(result))
    return ax


def _label(row: tuple[Any, ...], verdict: str) -> str:
    return f"{row[0]} (BROKEN)" if verdict == "BROKEN" else str(row[0])


def _key(ax: Axes, kinds: list[str]) -> None:
    for kind, (colour, marker) in KINDS.items():
        if kind in kinds:
            ax.plot([], [], color=colour, marker=marker, markersize=2.4, linewidth=1.0, label=kind)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, borderaxespad=3.6, fontsize=TINY)
