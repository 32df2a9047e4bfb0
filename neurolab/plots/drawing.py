"""What a figure function is: a result goes in, axes come out, and its table, legend and words are known by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from inspect import Signature, signature
from typing import Any

import matplotlib
import xarray as xr
from matplotlib.axes import Axes

from neurolab.errors import SchemaError
from neurolab.plots.fonts import no_glyph_warnings, warn_of_letters
from neurolab.plots.style import SINGLE_MM, blank, settings


def nothing_more(result: xr.Dataset, **choices: Any) -> str:
    """Get no further sentence for the legend."""
    return ""


@dataclass(frozen=True)
class Drawing:
    """What is known about one figure function beside its drawing.

    ``analyses`` are the results that it draws; ``variables`` those that it shows (the CSV holds them);
    ``marks`` says in one or two sentences what is drawn; ``alt`` turns the numbers into words, given those choices of
    the figure that it takes; ``also`` adds what the legend says of this result alone; ``bars`` says whether intervals
    are drawn.
    """

    name: str
    analyses: tuple[str, ...]
    variables: tuple[str, ...]
    marks: str
    alt: Callable[..., str]
    height_mm: float = 60.0
    bars: bool = True
    also: Callable[..., str] = nothing_more


#: Every figure function of neurolab, by name.
FIGURES: dict[str, Callable[..., Axes]] = {}
_DRAWINGS: dict[str, Drawing] = {}

Plot = Callable[..., Axes]


def drawing(
    *analyses: str,
    variables: tuple[str, ...],
    marks: str,
    alt: Callable[..., str],
    height_mm: float = 60.0,
    bars: bool = True,
    also: Callable[..., str] = nothing_more,
) -> Callable[[Plot], Plot]:
    """Make a function that draws on given axes into a figure function: checked result, own axes, house style."""

    def make(draw: Plot) -> Plot:
        @wraps(draw)
        def plot(result: xr.Dataset, *, ax: Axes | None = None, **choices: Any) -> Axes:
            _check(result, draw.__name__, analyses)
            with matplotlib.rc_context(settings()), no_glyph_warnings():
                here = blank(SINGLE_MM, height_mm) if ax is None else ax
                drawn = draw(result, ax=here, **choices)
            warn_of_letters(drawn.figure.get_figure(root=True))
            return drawn

        plot.__signature__ = _signature(draw)  # type: ignore[attr-defined]
        FIGURES[draw.__name__] = plot
        _DRAWINGS[draw.__name__] = Drawing(draw.__name__, analyses, variables, marks, alt, height_mm, bars, also)
        return plot

    return make


def _signature(draw: Plot) -> Signature:
    """What a reader of ``help`` may type: as it was written, but axes need not be given."""
    written = signature(draw)
    given = dict(written.parameters)
    given["ax"] = given["ax"].replace(default=None, annotation="Axes | None")
    return written.replace(parameters=list(given.values()))


def _check(result: object, name: str, analyses: tuple[str, ...]) -> None:
    if not isinstance(result, xr.Dataset):
        raise SchemaError(f"{name} got a {type(result).__name__}; it draws a result, an xarray.Dataset with attrs.")
    given = str(result.attrs.get("analysis", ""))
    if given not in analyses:
        other = sorted(known for known, drawn in _DRAWINGS.items() if given in drawn.analyses)
        advice = f"draw it with {' or '.join(other)}" if other else "no figure of neurolab draws it"
        raise SchemaError(f"{name} draws results of {' or '.join(analyses)}; this one is of {given!r}: {advice}.")


def drawing_of(plot: Plot) -> Drawing | None:
    """Get what is known about a figure function, also one with choices bound by ``functools.partial``; else None."""
    while isinstance(plot, partial):
        plot = plot.func
    return _DRAWINGS.get(getattr(plot, "__name__", ""))


def choices_of(plot: Plot) -> dict[str, Any]:
    """Get the choices that ``functools.partial`` bound to a figure function."""
    bound: dict[str, Any] = {}
    while isinstance(plot, partial):
        bound = {**plot.keywords, **bound}
        plot = plot.func
    return bound


def plot_for(result: xr.Dataset) -> Plot | None:
    """Get the figure function that draws results of this analysis, or None."""
    given = str(result.attrs.get("analysis", ""))
    return next((FIGURES[name] for name, drawn in _DRAWINGS.items() if given in drawn.analyses), None)
