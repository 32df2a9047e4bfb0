"""One effect in one line, as tables and lists of sentences print it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.errors import SchemaError
from neurolab.plots.words import fixed, number, p_words, percent, together
from neurolab.schema import spec_of


def effect_line(result: xr.Dataset) -> str:
    """Get the effect of a result with its interval and p, in one line: its first test that has no dimension left.

    Raises
    ------
    SchemaError : no result, or an effect along a dimension: take ``result.sel(...)`` first.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> effect_line(deficits(phantom_trials(rng=0), rng=0).sel(lesion="A", task="X"))
    '0.28 [0.24, 0.31] (95 %), p = .00195 (smallest possible)'
    """
    if not isinstance(result, xr.Dataset):
        raise SchemaError(f"effect_line() got a {type(result).__name__}; expected the result of an analysis.")
    tests = spec_of(result).tests
    whole = [names for names in tests if all(name in result and result[name].ndim == 0 for name in names)]
    if not whole:
        raise SchemaError(
            f"This {result.attrs['analysis']!r} result has no effect without a dimension. Type result.sel(...) first."
        )
    p, effect, low, high, floor = (float(result[name]) for name in whole[0])
    return numbers_line(effect, low, high, float(result.attrs["level"]), p, floor)


def numbers_line(effect: float, low: float, high: float, level: float, p: float, floor: float) -> str:
    """Get an effect with its interval and p in one line.

    Example
    -------
    >>> numbers_line(0.5, 0.25, np.inf, 0.95, 0.01, 0.002)
    '0.50 [0.25, no end] (95 %), p = .01 (smallest possible .002)'
    """
    effect, low, high = together(effect, low, high)
    ends = ", ".join("no end" if not np.isfinite(end) else _short(end) for end in (low, high))
    return f"{_short(effect)} [{ends}] ({percent(level)}), {p_words(p, floor)}"


def _short(value: float) -> str:
    """A number beside others like it: two decimals, more where all of it is smaller, none for rounding errors."""
    return fixed(value) if abs(value) >= 0.1 or abs(value) < 1e-12 else number(value)
