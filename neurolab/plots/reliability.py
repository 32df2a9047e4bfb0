"""The figure of a map's reliability: how far two halves of the data give the same map."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import columns, dots, heading, key, zero_line
from neurolab.plots.read import names, scalar, values
from neurolab.plots.style import GREY, SERIES, WONG
from neurolab.plots.words import number, sample_words

ASIDE = 0.2  # how far beside the mean its stepped-up value stands: near 1 they would hide each other


def describe_reliability(result: xr.Dataset) -> str:
    """Get the figure in words: correlation of halves, stepped up, overlap, site by site."""
    sites = ", ".join(
        f"{name} {number(r)}" for name, r in zip(names(result, "site"), values(result, "site_effect", "site"))
    )
    return (
        f"Split-half reliability of the map of {result.attrs.get('contrast')}; {sample_words(result)}, "
        f"{result.sizes['split']} splits. Mean correlation of halves {number(scalar(result, 'r'))}, stepped up by "
        f"Spearman-Brown {number(scalar(result, 'effect'))}; mean Dice overlap {number(scalar(result, 'mean_dice'))}. "
        f"Stepped up by site: {sites}."
    )


@drawing(
    "map_reliability",
    variables=("split_r", "split_dice", "r", "effect", "mean_dice", "site_r", "site_effect"),
    marks="Grey dots: one split of the data into halves. Filled diamonds: the mean over splits; open diamonds: the "
    "mean "
    "correlation stepped up by Spearman-Brown to the whole data.",
    alt=describe_reliability,
    height_mm=55.0,
    bars=False,
)
def plot_reliability(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how reliable a map is: every split, their mean, the mean stepped up, and the same site by site.

    result : of ``map_reliability``: split_r, split_dice (split), r, effect, mean_dice, site_r, site_effect (site).
    Returns the axes; correlations and overlap share the scale from 0 to 1.

    Example
    -------
    >>> from neurolab.analysis import map_reliability
    >>> from neurolab.simulate import phantom_recording
    >>> result = map_reliability(phantom_recording(rng=0), "faces > objects", n_splits=5, rng=0)
    >>> plot_reliability(result).get_title(loc="left")
    'faces > objects'
    """
    zero_line(ax)
    for at, (splits, mean) in enumerate((("split_r", "r"), ("split_dice", "mean_dice"))):
        each = values(result, splits, "split")
        dots(ax, at - 0.12, each, colour=GREY, width=0.4, s=2.5, linewidths=0.0, alpha=0.7)
        _mean(ax, at + 0.22, scalar(result, mean), WONG["black"], label="mean over splits" if at == 0 else None)
    _mean(ax, 0.22 + ASIDE, scalar(result, "effect"), WONG["black"], open_=True, label="stepped up (Spearman-Brown)")
    colour, _ = SERIES[1]
    for at, (r, stepped) in enumerate(zip(values(result, "site_r", "site"), values(result, "site_effect", "site"))):
        ax.plot([2.5 + at, 2.5 + at + ASIDE], [r, stepped], color=colour, linewidth=0.6, zorder=2)
        _mean(ax, 2.5 + at, r, colour)
        _mean(ax, 2.5 + at + ASIDE, stepped, colour, open_=True)
    sites = names(result, "site")
    columns(
        ax,
        [0, 1, *(2.6 + np.arange(len(sites)))],
        ["all: r of halves", "all: Dice", *sites],
        share=1 / (2.8 + len(sites)),
    )
    low = min(0.0, *values(result, "split_r", "split"), *np.nan_to_num(values(result, "site_r", "site")))
    ax.set(xlim=(-0.6, 2.2 + len(sites)), ylim=(low - 0.05, 1.2), ylabel="agreement of halves")
    ax.set_yticks([tick for tick in ax.get_yticks() if low - 0.05 <= tick <= 1.0 + 1e-9])
    key(ax, ncols=2)
    heading(ax, str(result.attrs.get("contrast")), sample_words(result))
    return ax


def _mean(ax: Axes, at: float, value: float, colour: str, *, open_: bool = False, label: str | None = None) -> None:
    face = "white" if open_ else colour
    ax.plot([at], [value], marker="D", color=colour, markerfacecolor=face, linestyle="none", zorder=5, label=label)
