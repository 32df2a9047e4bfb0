"""Findings that are no result of an analysis, shown as they are: numbers, text, tables, recordings."""

from __future__ import annotations

import html
import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

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
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    cut = " … (the whole is in the saved finding)" if len(text) > MOST_LETTERS else ""
    return f"<p>{html.escape(text[:MOST_LETTERS] + cut)}</p>"


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
