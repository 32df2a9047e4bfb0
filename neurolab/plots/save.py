"""Saving a figure: PDF and PNG of exact width and repeatable bytes, with its table, legend and alternative text."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurolab.errors import DesignError, SchemaError
from neurolab.plots.drawing import Plot, drawing_of, plot_for
from neurolab.plots.fonts import no_glyph_warnings, pdf_font_type, warn_of_letters
from neurolab.plots.style import DOUBLE_MM, MM, SINGLE_MM, settings
from neurolab.plots.twins import alt_text, legend_text, source_table
from neurolab.writing import path_of, saying, write_whole

MOST_HEIGHT_MM = 170.0  # a page of Nature, less its legend


@dataclass(frozen=True)
class SavedFigure:
    """Where one figure and what belongs to it were written."""

    name: str
    pdf: Path
    png: Path
    csv: Path
    legend: Path
    alt: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file, in the order above."""
        return self.pdf, self.png, self.csv, self.legend, self.alt


def figure_paths(folder: str | os.PathLike[str], name: str) -> SavedFigure:
    """Get the file names that :func:`save_figure` uses; a known ending of the name is not written twice.

    Example
    -------
    >>> figure_paths("figures", "dissociation").legend.name
    'dissociation.legend.txt'
    """
    if not re.fullmatch(r"[\w][\w .-]*", name):
        raise DesignError(
            f"A figure was named {name!r}; expected letters, digits, '-', '_' or '.'. Type 'dissociation'."
        )
    place, name = path_of(folder), re.sub(r"\.(pdf|png|csv|legend\.txt|alt\.txt)$", "", name)
    return SavedFigure(name, *(place / f"{name}.{end}" for end in ("pdf", "png", "csv", "legend.txt", "alt.txt")))


def save_figure(
    result: xr.Dataset,
    plot: Plot,
    folder: str | os.PathLike[str],
    name: str,
    *,
    width_mm: float = SINGLE_MM,
    height_mm: float | None = None,
) -> SavedFigure:
    """Draw a result and save it for a journal, with everything that belongs to the figure beside it.

    Parameters
    ----------
    result : what ``plot`` draws.
    plot : a figure function, ``plot(result, ax=ax)``; bind choices with ``functools.partial``.
    folder : made if it does not exist.
    name : of the files: ``name.pdf``, ``.png``, ``.csv``, ``.legend.txt``, ``.alt.txt``; "name.png" is the same name.
    width_mm : 89 (one column) or 183 (two).
    height_mm : default that of the figure function, at most 170.

    Returns
    -------
    SavedFigure, the five paths. A second run on the same machine writes the same bytes.

    Raises
    ------
    StoreWriteError : a full disk, a read-only folder, a folder that cannot be made.

    When this is invalid
    --------------------
    With other fonts or another matplotlib the bytes differ, not the numbers: those are in the CSV. Letters that no
    font of the machine holds (names in Japanese, say) are boxes; a warning then names the font to install.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.analysis import deficits
    >>> from neurolab.plots import plot_deficits
    >>> from neurolab.simulate import phantom_trials
    >>> result = deficits(phantom_trials(rng=0), rng=0)
    >>> [path.name for path in save_figure(result, plot_deficits, tempfile.mkdtemp(), "deficits").paths][:3]
    ['deficits.pdf', 'deficits.png', 'deficits.csv']
    """
    place = figure_paths(folder, name)
    _check_plot(plot, result)
    known = drawing_of(plot)
    size = (_width(width_mm), _height(height_mm, known.height_mm if known else 60.0))
    drawn = _draw(result, plot, size)
    table = source_table(result, known.variables if known else None)
    files = {
        place.pdf: drawn["pdf"],
        place.png: drawn["png"],
        place.csv: table.to_csv(index=False, lineterminator="\n").encode(),
        place.legend: legend_text(result, plot).encode(),
        place.alt: alt_text(result, plot).encode(),
    }
    with saying(folder, "another folder, one of your own"):
        place.pdf.parent.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_whole(path, content)
    return place


def _check_plot(plot: object, result: xr.Dataset) -> None:
    """Refuse what is no figure function, such as the None that ``plot_for`` gives where nothing draws a result."""
    if callable(plot):
        return
    known, given = plot_for(result), str(result.attrs.get("analysis", ""))
    there = f"type nl.plots.{known.__name__}" if known else f"no figure of neurolab draws results of {given!r}"
    raise SchemaError(
        f"save_figure() got plot={plot!r}; expected a figure function: {there}, or give one of your own, "
        "plot(result, ax=ax)."
    )


def _draw(result: xr.Dataset, plot: Plot, size: tuple[float, float]) -> dict[str, bytes]:
    with matplotlib.rc_context(settings()), no_glyph_warnings():
        figure = Figure(figsize=(size[0] * MM, size[1] * MM), layout="constrained")
        FigureCanvasAgg(figure)
        plot(result, ax=figure.subplots())
        if drawing_of(plot) is None:  # the others have warned
            warn_of_letters(figure, 3)
        with matplotlib.rc_context({"pdf.fonttype": pdf_font_type(figure)}):
            return {"pdf": _bytes(figure, "pdf"), "png": _bytes(figure, "png")}


def _bytes(figure: Figure, kind: str) -> bytes:
    # dates and program versions in the metadata would make every run another file
    nothing = {"pdf": ("CreationDate", "Creator", "Producer"), "png": ("Software", "Creation Time")}[kind]
    held = io.BytesIO()
    figure.savefig(held, format=kind, metadata=dict.fromkeys(nothing), bbox_inches=None)
    return held.getvalue()


def _width(width_mm: float) -> float:
    if width_mm not in (SINGLE_MM, DOUBLE_MM):
        raise DesignError(f"width_mm was {width_mm}; expected 89 (one column) or 183 (two columns).")
    return float(width_mm)


def _height(height_mm: float | None, usual: float) -> float:
    height = usual if height_mm is None else float(height_mm)
    if not 10.0 <= height <= MOST_HEIGHT_MM:
        raise DesignError(f"height_mm was {height:g}; expected 10 to {MOST_HEIGHT_MM:g}, what a journal page holds.")
    return height
