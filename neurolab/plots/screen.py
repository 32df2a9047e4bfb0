"""The figure of a screening: the estimate of every unit examined, beside what its lesion did cost."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import heading, key, zero_line
from neurolab.plots.read import level, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, sample_words, tidy


def describe_screen(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, with the rank correlation and how many units were examined."""
    return (
        f"An estimate of what {result.attrs.get('how')} of each unit would cost {result.attrs.get('task')}, which is "
        f"no lesion, against exact lesions of a random sample; {sample_words(result)}. {_agreement(result)}. Verdict: "
        f"{tidy(str(result.attrs.get('verdict', '')))}."
    )


def _agreement(result: xr.Dataset) -> str:
    """The rank correlation with both scores: the smooth one, which is drawn, and the task's own, which is judged."""
    names = {"smooth": _smooth(result), "score": "the score of the task"}
    return "; ".join(f"{_spearman(result, against)} with {name}" for against, name in names.items())


def _smooth(result: xr.Dataset) -> str:
    """What the smooth score is called, without what explains it."""
    return str(result.attrs.get("smooth", "")).partition(" (")[0].partition(",")[0] or "smooth score"


def _spearman(result: xr.Dataset, against: str) -> str:
    one = result.sel(against=against)
    r, low, high = (float(one[f"spearman{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite(r):
        return "Spearman correlation not defined"
    whole = (result["status"].values.astype(str) == "exact").all()
    return f"Spearman {number(r)} ({'all units' if whole else interval_words(low, high, level(result))})"


@drawing(
    "screen",
    variables=("estimate", "exact", "exact_smooth", "status", "spearman", "spearman_low", "spearman_high", "pearson",
               "pearson_low", "pearson_high", "recall", "recall_low", "recall_high", "found", "n_top"),
    marks="Dots: units lesioned exactly, their estimate against what their lesion cost the smooth score; on the line "
    "both are equal. Ticks below: estimates of the units that were not run, whose cost is not known.",
    alt=describe_screen,
    height_mm=62.0,
    bars=False,
)
def plot_screen(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw estimate against exact effect of the units examined, the line of equality, and where all others lie.

    result : of ``nl.specimen.screen``: estimate, exact_smooth, status (neuroid), spearman (against).
    Returns the axes.

    Example
    -------
    >>> from neurolab.screening import screened
    >>> draw = np.random.default_rng(0)
    >>> truth = draw.normal(size=100)
    >>> exact = np.where(np.arange(100) < 30, truth, np.nan)
    >>> about = dict(test="first order", n=8, generalises_over="stimulus", alternative="", source="", inputs="")
    >>> result = screened(truth, {"score": exact, "smooth": exact}, site=["a"] * 100, unit=range(100), stimuli="s",
    ...                   level=0.95, rng=0, task="naming", smooth="margin", how="Zero", **about)
    >>> plot_screen(result).get_title(loc="left")
    'agrees'
    """
    estimate, exact = values(result, "estimate", "neuroid"), values(result, "exact_smooth", "neuroid")
    known = result["status"].values.astype(str) == "exact"
    zero_line(ax)
    ends = [float(estimate.min()), float(estimate.max())]
    ax.plot(ends, ends, color=GREY, linewidth=0.6, linestyle="--", zorder=1, label="equal")
    colour, _ = SERIES[0]
    ax.scatter(estimate[known], exact[known], s=7.0, color=colour, linewidths=0.3, edgecolors="white", zorder=3,
               label="lesioned exactly", gid="exact")  # fmt: skip
    low, high = min(ends[0], float(exact[known].min())), max(ends[1], float(exact[known].max()))
    pad = 0.08 * max(high - low, 1e-12)
    if not known.all():
        ax.scatter(estimate[~known], np.full((~known).sum(), low - 2 * pad), marker="|", s=8.0, color=GREY,
                   linewidths=0.4, label="not run", gid="not_run")  # fmt: skip
    said = _agreement(result).replace("; ", "\n")
    ax.set(ylim=(low - 3 * pad, high + 4 * pad), xlabel=f"estimated cost (no lesion)\n{said}",
           ylabel=f"cost of the lesion ({_smooth(result)})")  # fmt: skip
    key(ax)
    heading(ax, tidy(str(result.attrs.get("verdict", ""))).partition(":")[0], sample_words(result))
    return ax
