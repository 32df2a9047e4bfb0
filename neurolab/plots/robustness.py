"""The figure of robustness: score against noise, intact and lesioned, and where half of each is left."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.endless import sample_line
from neurolab.plots.marks import KEYED, course, heading, key, note
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.style import GREY, SERIES
from neurolab.plots.words import interval_words, number, p_words, sample_words, sentences, tidy


def describe_robustness(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, then what each curve and the shift came to."""
    said = " ".join(sentences(result, "reasons"))
    verdict = tidy(str(result.attrs.get("verdict", "")))
    return f"Score in {result.attrs.get('task', 'the task')} against noise; {sample_words(result)}. {verdict}. {said}"


def _tested(result: xr.Dataset) -> str:
    effect, low, high = (scalar(result, name) for name in ("effect", "effect_low", "effect_high"))
    what = "shift of the ED50" if str(result.attrs.get("lesion", "")) else "share lost to noise"
    words = p_words(scalar(result, "p"), scalar(result, "p_floor"))
    return f"{what}: {number(effect)} ({interval_words(low, high, level(result))})\n{words}"


@drawing(
    "robustness",
    variables=(
        *("score", "mean", "low", "high", "ed50", "reached", "n_reached", "ed50_mean", "ed50_low", "ed50_high"),
        *("retained", "effect", "effect_low", "effect_high", "p", "p_floor"),
        *("area_effect", "area_low", "area_high", "area_p", "area_p_floor"),
    ),
    marks="Thin lines: one network each. Thick lines with marks and bands: means and their intervals. Diamonds with "
    "bars, at half of the noise-free performance above chance (dotted line): mean ED50 and its interval; an arrow "
    "instead where a network never fell to half.",
    alt=describe_robustness,
    height_mm=62.0,
)
def plot_robustness(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw score against noise for each condition, with its ED50 where half of its performance is left.

    result : of ``robustness``: score (condition, specimen, strength), mean, low, high (condition, strength).
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import robustness
    >>> from neurolab.simulate import phantom_noise
    >>> result = robustness(phantom_noise(rng=0), noise="input", lesion="A", task="X", rng=0)
    >>> plot_robustness(result).get_title(loc="left")
    'X: less robust after A'
    """
    strength, chance = result["strength"].values.astype(float), float(result.attrs["chance"])
    ax.axhline(chance, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    mean, low, high = (values(result, name, "condition", "strength") for name in ("mean", "low", "high"))
    each = values(result, "score", "condition", "strength", "specimen")
    for at, (name, (colour, marker)) in enumerate(zip(names(result, "condition"), (SERIES[1], SERIES[0]))):
        course(ax, strength, each[at], (mean[at], low[at], high[at]), colour=colour, marker=marker, label=name)
        _half(ax, result, at, chance + 0.5 * (mean[at, 0] - chance), colour)
    axis = result.attrs.get("strength_name", "strength")
    ax.set(xlabel=f"{axis} at {result.attrs.get('noise', 'a site')}\n{_tested(result)}", ylabel="score")
    key(ax, ncols=1, share=KEYED, loc="best")
    verdict = tidy(str(result.attrs.get("verdict", ""))).partition(":")[0]
    heading(ax, f"{result.attrs.get('task', '')}: {verdict}", sample_line(result, "low"))
    return ax


def _half(ax: Axes, result: xr.Dataset, at: int, height: float, colour: str) -> None:
    """The ED50 of one condition at half its height: a diamond, or an arrow where some never fell so far."""
    mean, low, high = (float(values(result, f"ed50_{name}", "condition")[at]) for name in ("mean", "low", "high"))
    low, high = (end if np.isfinite(end) else mean for end in (low, high))
    missed = result.sizes["specimen"] - int(values(result, "n_reached", "condition")[at])
    if not missed:
        ax.plot([low, high], [height, height], color=colour, linewidth=1.0, solid_capstyle="butt", zorder=5)
        face: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "markersize": 3.6}
        ax.plot([mean], [height], linestyle="none", marker="D", zorder=6, **face)
        return
    end = float(result["strength"].values[-1])
    ax.annotate("", (end, height), xytext=(low, height), arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.0})
    note(ax, end, height, f"{missed} beyond", color=colour, ha="right")
