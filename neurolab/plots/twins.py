"""What lies beside a figure: its table, its legend and its alternative text, all read from the result."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.plots.drawing import Plot, choices_of, drawing_of
from neurolab.plots.endless import bars_words
from neurolab.plots.flags import flag_words
from neurolab.plots.floors import floor_words
from neurolab.plots.read import level
from neurolab.plots.sides import sided
from neurolab.plots.whose import in_its_sample
from neurolab.plots.words import (
    corrected_by,
    origin,
    over_words,
    rng_words,
    sample_words,
    sampled,
    sentences,
    tested_by,
    tidy,
)


def source_table(result: xr.Dataset, variables: Iterable[str] | None = None) -> pd.DataFrame:
    """Get the numbers behind a figure as one tidy table.

    Variables that share their dims share rows; the column ``over`` says which dims a row belongs to.
    variables : those to keep; default all.

    Example
    -------
    >>> source_table(xr.Dataset({"effect": ("task", [0.5, 0.1])}, coords={"task": ["x", "y"]})).values.tolist()
    [['task', 'x', 0.5], ['task', 'y', 0.1]]
    """
    wanted = [str(name) for name in (result.data_vars if variables is None else variables) if name in result]
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in wanted:
        groups.setdefault(tuple(sorted(map(str, result[name].dims))), []).append(name)
    return pd.concat([_rows(result, dims, names) for dims, names in groups.items()], ignore_index=True)


def _rows(result: xr.Dataset, dims: tuple[str, ...], names: list[str]) -> pd.DataFrame:
    over = " × ".join(dims) or "all"
    if not dims:
        return pd.DataFrame([{"over": over, **{name: result[name].item() for name in names}}])
    part = result[names]
    frame = part.drop_vars([name for name, coord in part.coords.items() if not coord.dims]).to_dataframe()
    frame = frame.reset_index()
    frame.insert(0, "over", over)
    return frame.astype({column: object for column in frame if isinstance(frame[column].dtype, pd.StringDtype)})


def legend_text(result: xr.Dataset, plot: Plot) -> str:
    """Get the legend of a figure: what is drawn, n and what n is, error bar, test, correction, smallest p, flags.

    When this is invalid: it says what the attrs of the result say; a result that was edited by hand says what it likes.
    """
    about, attrs, floor = drawing_of(plot), result.attrs, floor_words(result)
    shown = tidy(str(attrs.get("estimand", ""))).rstrip(".").replace("over such stimuli", "over stimuli like these")
    bars = about.bars if about else any(str(name).endswith("low") for name in result.data_vars)
    parts = [
        f"{shown[:1].upper()}{shown[1:]}.",
        in_its_sample(about.marks, result) if about else "",
        about.also(result, **choices_of(plot)) if about else "",
        f"{sample_words(result)}{f'; the result generalises over {over_words(result)}' if sampled(result) else ''}.",
        bars_words(result) if bars and np.isfinite(level(result)) else "",
        f"Test: {tested_by(result)}{sided(result)}.",
        f"Correction for multiple tests: {corrected_by(result)}.",
        f"Smallest p that this design can give: {floor}." if floor else "",
        *(said for said in sentences(result, "reasons") if "the smallest" not in said),
        rng_words(result),
        f"Source: {origin(result)}.",
    ]
    text = " ".join(part for part in parts if part.strip(" ."))
    return f"{text} {flag_words(result, text)}".rstrip() + "\n"


def alt_text(result: xr.Dataset, plot: Plot) -> str:
    """Get the alternative text of a figure: the same finding in words, for those who do not see it."""
    about = drawing_of(plot)
    if about is None:
        return f"{str(result.attrs.get('estimand', 'Figure')).rstrip('.')}; {sample_words(result)}.\n"
    known = signature(about.alt).parameters
    said = about.alt(result, **{name: one for name, one in choices_of(plot).items() if name in known})
    return said + "\n"
