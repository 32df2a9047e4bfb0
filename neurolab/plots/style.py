"""How every figure looks: sizes in millimetres, Wong's colours, and the settings that make files repeatable."""

from __future__ import annotations

from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurolab.plots.fonts import font_families

MM = 1 / 25.4
SINGLE_MM, DOUBLE_MM = 89.0, 183.0
TINY, SMALL, NORMAL = 5.0, 6.0, 7.0

#: Wong 2011 (doi:10.1038/nmeth.1618): eight colours that stay apart in the common colour-vision deficiencies.
WONG = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
GREY, PALE = "#8C8C8C", "#DADADA"

#: Colour never speaks alone: the n-th series has the n-th colour and the n-th marker.
SERIES = (
    (WONG["vermillion"], "o"),
    (WONG["blue"], "s"),
    (WONG["green"], "^"),
    (WONG["purple"], "D"),
    (WONG["orange"], "v"),
    (WONG["sky"], "P"),
    (WONG["black"], "X"),
)


@cache
def _settings() -> dict[str, Any]:
    import seaborn

    text = {f"{part}.labelsize": SMALL for part in ("xtick", "ytick")}
    text |= {"font.size": SMALL, "axes.labelsize": SMALL, "axes.titlesize": NORMAL, "legend.fontsize": TINY}
    lines = {"axes.linewidth": 0.5, "lines.linewidth": 0.8, "patch.linewidth": 0.5, "lines.markersize": 3.0}
    ticks = {
        f"{part}.major.{what}": size for part in ("xtick", "ytick") for what, size in (("width", 0.5), ("size", 2))
    }
    ticks |= {f"{part}.major.pad": 2.0 for part in ("xtick", "ytick")}
    shape = {"axes.spines.top": False, "axes.spines.right": False, "axes.grid": False, "legend.frameon": False}
    place = {"axes.labelpad": 2.5, "axes.titlepad": 4.0, "axes.titlelocation": "left", "figure.dpi": 150.0}
    files = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "neurolab", "savefig.dpi": 450.0}
    # by name: of the family sans-serif matplotlib takes one font alone, and never asks the next for a letter it lacks
    words = {"font.family": list(font_families()), "axes.unicode_minus": True}
    words |= {"text.usetex": False, "text.parse_math": False}  # a name may hold two dollars
    strict = {"savefig.bbox": None, "pdf.compression": 6, "path.simplify": True}
    return seaborn.axes_style("ticks") | text | lines | ticks | shape | place | files | words | strict


def settings() -> dict[Any, Any]:
    """Get the matplotlib settings of every figure, for ``matplotlib.rc_context``; nothing global is changed.

    Example
    -------
    >>> settings()["pdf.fonttype"], settings()["axes.grid"]
    (42, False)
    """
    return dict(_settings())


def blank(width_mm: float = SINGLE_MM, height_mm: float = 60.0) -> Axes:
    """Get empty axes on a figure of exactly this size, outside pyplot's list of open figures.

    Example
    -------
    >>> f"{blank(89).figure.get_size_inches()[0] * 25.4:.3f}"
    '89.000'
    """
    figure = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()
