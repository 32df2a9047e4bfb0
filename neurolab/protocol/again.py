"""The report of a run again, from what it left on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from neurolab.errors import MissingDataError
from neurolab.plots import SavedFigure
from neurolab.plots.save import figure_paths
from neurolab.protocol.findings import load_dataset
from neurolab.protocol.folder import read_manifest
from neurolab.report import write_report
from neurolab.writing import path_of, saying


def report_again(root: str | os.PathLike[str]) -> Path:
    """Write ``report.html`` of a run anew from its results, figures and manifest, and return its path.

    root : the folder of the run. A run that failed or was killed midway gives the report of what it had finished.
    """
    folder = path_of(root)
    manifest = read_manifest(folder)
    saved = load_findings(folder)
    if not saved:
        raise MissingDataError(
            f"{folder} holds no results; expected the folder of a run, with results/*.nc. Type neurolab run NAME --out "
            f"{folder} first."
        )
    with saying(folder, "the name of a copy of that folder, one of your own"):
        write_report(
            saved,
            folder / "report.html",
            figures=saved_figures(folder),
            title=str(manifest.get("protocol", folder.resolve().name)),
            manifest=manifest,
        )
    return folder / "report.html"


def load_findings(root: str | os.PathLike[str]) -> dict[str, Any]:
    """Get every finding that a run saved, by name and in the order of the run: datasets, tables and plain values."""
    folder = path_of(root)
    found: dict[str, Any] = {}
    for path in [folder / "trials.nc", *sorted((folder / "results").glob("*.*"))]:
        if path.suffix in READERS and path.is_file() and not path.name.startswith("."):
            found[path.stem] = READERS[path.suffix](path)
    order = [name for name in read_manifest(folder).get("findings", {}) if name in found]
    return {name: found[name] for name in [*order, *(name for name in found if name not in order)]}


#: How a saved finding is read, by the end of its name.
READERS: dict[str, Callable[[Path], Any]] = {
    ".nc": load_dataset,
    ".csv": pd.read_csv,
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
}


def saved_figures(root: str | os.PathLike[str]) -> list[SavedFigure]:
    """Get the figures of a run that are on disk with everything that belongs to them, in the order of the run."""
    folder = path_of(root)
    drawn = [str(name) for name in read_manifest(folder).get("figures", [])]
    rest = sorted(path.stem for path in (folder / "figures").glob("*.png") if path.stem not in drawn)
    every = [figure_paths(folder / "figures", name) for name in [*drawn, *rest]]
    return [figure for figure in every if all(path.is_file() for path in figure.paths)]
