"""Intervals without an end: too few networks for the level, or a dose that nobody reached."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level
from neurolab.plots.words import percent, sample_words


def endless(result: xr.Dataset, *lows: str) -> bool:
    """Get whether no interval has an end, though there are intervals; what is fixed has none, as a deficit at dose 0.

    lows : the names of the lower ends; default all of the result.

    Example
    -------
    >>> endless(xr.Dataset({"low": ("dose", [0.0, -np.inf]), "high": ("dose", [0.0, np.inf])}))
    True
    """
    lows = lows or tuple(str(name) for name in result.data_vars if str(name).endswith("low"))
    pairs = [(low, f"{low.removesuffix('low')}high") for low in lows]
    both = [[np.ravel(np.asarray(result[end], dtype=float)) for end in pair] for pair in pairs if pair[1] in result]
    low, high = (np.concatenate([np.zeros(0), *(ends[at] for ends in both)]) for at in (0, 1))
    none = np.isinf(low) & np.isinf(high)
    return bool(none.any() and (none | np.isnan(low) | (low == high)).all())


def sample_line(result: xr.Dataset, low: str) -> str:
    """Get what n is, for above a figure of curves, and that they have no band where n is too small for one.

    Example
    -------
    >>> found = xr.Dataset({"low": -np.inf, "high": np.inf}, attrs={"n": 4, "generalises_over": "specimen"})
    >>> sample_line(found, "low")
    'n = 4 networks: no 95 % interval'
    """
    none = f": no {percent(level(result))} interval" if endless(result, low) else ""
    return f"{sample_words(result)}{none}"


def bars_words(result: xr.Dataset) -> str:
    """Get the sentence of a legend about error bars: their coverage, or that n is too small for any.

    Example
    -------
    >>> bars_words(xr.Dataset(attrs={"level": 0.9}))
    'Error bars: 90 % intervals.'
    """
    share = percent(level(result))
    if endless(result):
        return f"No bands and no error bars: {sample_words(result)} is too few for a {share} interval."
    return f"Error bars: {share} intervals."
