"""The report of a run again, from what it left on disk."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from neurolab.errors import MissingDataError
from neurolab.plots import SavedFigure
from neurolab.plots.save import figure_paths
from neurolab.protocol.findings import load_dataset
from neurolab.protocol.folder import Folder, read_manifest
from neurolab.report import write_report


def report_again(root: str | os.PathLike[str]) -> Path:
    """Write ``report.html`` of a run anew from its results, figures and manifest, and return its path.

    root : the folder of the run. A run that failed or was killed midway gives the report of what it had finished.
    """
    folder = Path(root)
    manifest = read_manifest(folder)
    saved = load_findings(folder)
    if not saved:
        raise MissingDataError(
            f"{folder} holds no results; expected the folder of a run, with results/*.nc. Type neurolab run NAME --out "
            f"{folder} first."
        )
    again = partial(
        write_report,
        saved,
        figures=saved_figures(folder),
        title=str(manifest.get("protocol", folder.resolve().name)),
        manifest=manifest,
    )
    held = Folder(folder) if manifest else None
    if held is None:
        return again(folder / "report.html")
    return held.write("report.html", again)


def load_findings(root: str | os.PathLike[str]) -> dict[str, Any]:
    """Get every finding that a run saved, by name: datasets from netCDF, tables from CSV; others are left out."""
    folder = Path(root)
    found: dict[str, Any] = {}
    for path in [folder / "trials.nc", *sorted((folder / "results").glob("*.nc"))]:
        if path.is_file():
            found[path.stem] = load_dataset(path)
    for path in sorted((folder / "results").glob("*.csv")):
        found[path.stem] = pd.read_csv(path)
    return found


def saved_figures(root: str | os.PathLike[str]) -> list[SavedFigure]:
    """Get the figures of a run that are on disk with everything that belongs to them."""
    folder = Path(root) / "figures"
    every = [figure_paths(folder, path.stem) for path in sorted(folder.glob("*.png"))]
    return [figure for figure in every if all(path.is_file() for path in figure.paths)]
