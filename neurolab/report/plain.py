"""Findings that are no result of an analysis, shown as they are: numbers, text, tables, recordings."""

from __future__ import annotations

import html
import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.lesion import Lesion
from neurolab.roi import ROI

MOST_LINES, MOST_LETTERS = 30, 2000


def told(name: str, value: Any) -> str:
    """Get a finding as HTML below its name; a long one is cut and says so."""
    return f"<h3>{html.escape(name)}</h3>{_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        cut = f"<p>{len(value) - MOST_LINES} more rows are in the saved table.</p>" if len(value) > MOST_LINES else ""
        return value.head(MOST_LINES).to_html(index=False, border=0, float_format=lambda one: f"{one:.4g}") + cut
    if isinstance(value, (xr.DataArray, xr.Dataset)):
        # in the same words before and after a recording became a file, which reads as a dataset
        sizes = ", ".join(f"{size:,} {dim}" for dim, size in sorted(value.sizes.items(), key=str))
        return f"<p>Data over {html.escape(sizes)}.</p>"
    if isinstance(value, (ROI, Lesion)) or (isinstance(value, (list, tuple)) and value
                                            and all(isinstance(one, (ROI, Lesion)) for one in value)):  # fmt: skip
        return _regions([value] if isinstance(value, (ROI, Lesion)) else list(value))
    if _saved_regions(value):
        return _named([(one.get("id", one["name"]), one.get("region", one)["n_units"]) for one in value])
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, str) for one in value):
        return f"<ul>{''.join(f'<li>{html.escape(one[:MOST_LETTERS])}</li>' for one in value)}</ul>"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    cut = " … (the whole is in the saved finding)" if len(text) > MOST_LETTERS else ""
    return f"<p>{html.escape(text[:MOST_LETTERS] + cut)}</p>"


def _saved_regions(value: Any) -> bool:
    """Whether a value is what regions or lesions read as from their file."""
    return isinstance(value, list) and bool(value) and all(
        isinstance(one, dict) and "name" in one and "n_units" in one.get("region", one) for one in value
    )  # fmt: skip


def _regions(every: list[Any]) -> str:
    return _named([(one.name if isinstance(one, ROI) else one.id, _roi(one).n_units) for one in every])


def _roi(one: Any) -> ROI:
    return one if isinstance(one, ROI) else one.roi


def _named(rows: list[tuple[str, int]]) -> str:
    more = f"; {len(rows) - MOST_LINES} more are in the saved finding" if len(rows) > MOST_LINES else ""
    said = "; ".join(f"{name} ({n:,} units)" for name, n in rows[:MOST_LINES])
    return f"<p>{html.escape(said + more)}.</p>"


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
