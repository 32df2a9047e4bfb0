"""How a unit of a glass network is painted: colour by statistic, a ring if chosen, a point if it passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Normalize

from neurolab.plots.style import GREY, TINY


def style_of(statistic: np.ndarray, chosen: np.ndarray, norm: Normalize) -> dict[str, Any]:
    """Get face and edge of every dot: colour by statistic, grey ring where untested, black ring where chosen."""
    import seaborn

    tested = np.isfinite(statistic)
    face = seaborn.color_palette("vlag", as_cmap=True)(norm(np.where(tested, statistic, 0.0)))
    face[~tested] = (1.0, 1.0, 1.0, 1.0)
    edge = np.where(
        chosen[:, None], (0.0, 0.0, 0.0, 1.0), np.where(tested[:, None], (0.6, 0.6, 0.6, 1.0), (0.7, 0.7, 0.7, 1))
    )
    return {"facecolors": face, "edgecolors": edge, "linewidths": np.where(chosen, 0.7, 0.15)}


def mappable(norm: Normalize) -> Any:
    """Get what a colour bar needs."""
    import seaborn
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(norm=norm, cmap=seaborn.color_palette("vlag", as_cmap=True))


def colour_bar(ax: Axes, norm: Normalize, label: str) -> Any:
    """Draw the colour bar beside what is drawn, however narrow that is within the room of the axes."""
    place = ax.inset_axes((1.02, 0.15, 0.03, 0.7))
    bar = ax.figure.colorbar(mappable(norm), cax=place)
    bar.set_label(label, fontsize=TINY)
    place.tick_params(labelsize=TINY)
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    return bar


def circles(ax: Axes, offsets: np.ndarray, width: float, height: float, style: dict[str, Any]) -> EllipseCollection:
    """Get one circle per unit, of this width and height in data units."""
    n = len(offsets)
    sizes = np.full(n, width), np.full(n, height), np.zeros(n)
    return EllipseCollection(*sizes, units="xy", offsets=offsets, transOffset=ax.transData, rasterized=True, **style)


def crosses(ax: Axes, offsets: np.ndarray, diameter_mm: float) -> None:
    """Draw a cross on every unit that cannot be tested."""
    size = max(0.4 * diameter_mm * 72 / 25.4, 1.5) ** 2
    ax.scatter(offsets[:, 0], offsets[:, 1], marker="x", s=size, color=GREY, linewidths=0.5, zorder=3, gid="cross")


def points(ax: Axes, offsets: np.ndarray, diameter_mm: float) -> None:
    """Draw a point in every unit that passes the correction."""
    size = max(0.22 * diameter_mm * 72 / 25.4, 0.6) ** 2
    ax.scatter(
        offsets[:, 0], offsets[:, 1], s=size, color="black", linewidths=0, zorder=3, rasterized=True, gid="passes"
    )
