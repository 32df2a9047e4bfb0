"""Numbers and attrs of a result, in words: for axes, legends and alternative text."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

#: What one, and several, of the sample are called, by what a result generalises over.
SAMPLE = {
    "run": ("run", "runs"),
    "specimen": ("network", "networks"),
    "subject": ("subject", "subjects"),
    "stimulus": ("stimulus", "stimuli"),
    "control draw": ("network", "networks"),
}


def number(value: float, digits: int = 2) -> str:
    """Get a number as a figure prints it: two decimals, more where two would hide it, and a true minus sign.

    Example
    -------
    >>> number(-0.6249), number(0.0041), number(12.0)
    ('−0.62', '0.0041', '12.00')
    """
    value = float(value)
    if not np.isfinite(value):
        return "not defined" if np.isnan(value) else ("−∞" if value < 0 else "∞")
    small = value != 0 and abs(value) < 10.0**-digits
    return (f"{value:.2g}" if small else f"{value:.{digits}f}").replace("-", "−")


def fixed(value: float, digits: int = 2) -> str:
    """Get a number with the same decimals as its neighbours, for tables and matrices.

    Example
    -------
    >>> fixed(0.0041), fixed(-0.001), fixed(-0.25)
    ('0.00', '0.00', '−0.25')
    """
    text = f"{float(value):.{digits}f}"
    return (text.lstrip("-") if not text.strip("-0.") else text).replace("-", "−")


def p_words(p: float, floor: float | None = None) -> str:
    """Get ``p = .0010 (smallest possible)`` or ``p = .031 (floor .0010)``.

    Example
    -------
    >>> p_words(0.03125, 0.03125), p_words(0.2, 0.001)
    ('p = .031 (smallest possible)', 'p = .200 (floor .0010)')
    """
    if not np.isfinite(p):
        return "p not defined"
    if floor is None or not np.isfinite(floor):
        return f"p {_probability(p)}"
    at_floor = np.isclose(p, floor, rtol=1e-9)
    return f"p {_probability(p)} " + ("(smallest possible)" if at_floor else f"(floor {_probability(floor)[2:]})")


def _probability(p: float) -> str:
    if p < 1e-4:
        return "< .0001" if p > 0 else "= 0"
    text = f"{p:.4f}" if p < 0.01 else f"{p:.3f}"
    return "= " + (text[1:] if text.startswith("0") else text)


def interval_words(low: float, high: float, level: object = 0.95) -> str:
    """Get ``95 % interval 0.10 to 0.30``.

    Example
    -------
    >>> interval_words(0.1, 0.3)
    '95 % interval 0.10 to 0.30'
    """
    return f"{percent(level)} interval {number(low)} to {number(high)}"


def percent(level: object) -> str:
    """Get a share as per cent, without needless decimals.

    Example
    -------
    >>> percent(0.95), percent("0.999")
    ('95 %', '99.9 %')
    """
    try:
        return f"{100 * float(level):.6g} %"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(level)


def sample_words(result: xr.Dataset) -> str:
    """Get ``n = 10 networks``: the sample that the result speaks for, as its attrs say it."""
    n, over = result.attrs.get("n", ""), str(result.attrs.get("generalises_over", ""))
    text = str(int(n)) if isinstance(n, (int, float, np.number)) else str(n)
    if not text.isdigit():
        return f"n = {text}".rstrip()
    one, several = SAMPLE.get(over, ("", ""))
    return f"n = {text} {one if text == '1' else several}".rstrip()


def words_between(names: Sequence[object]) -> str:
    """Get names as a sentence lists them.

    Example
    -------
    >>> words_between(["a", "b", "c"])
    'a, b and c'
    """
    every = [str(name) for name in names]
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def sentences(result: xr.Dataset, attr: str) -> list[str]:
    """Get the list of sentences that an attr holds as JSON; a plain string is one sentence."""
    text = str(result.attrs.get(attr, "") or "")
    try:
        found = json.loads(text) if text else []
    except json.JSONDecodeError:
        found = [text]
    return [str(line) for line in found] if isinstance(found, list) else [str(found)]


#: What the tests and corrections that are named by one word are called in a sentence.
TESTS = {
    "welch": "Welch's t",
    "paired": "paired t",
    "rank": "rank-sum z",
    "glm": "t of a general linear model",
}
CORRECTIONS = {
    "fdr": "false discovery rate after Benjamini and Hochberg",
    "by": "false discovery rate after Benjamini and Yekutieli",
    "holm": "Holm's method",
    "max_t": "permutation distribution of the largest statistic",
    "none": "none",
    "": "none",
}


def tested_by(result: xr.Dataset) -> str:
    """Get the test as a sentence names it."""
    given = str(result.attrs.get("test", "none"))
    return TESTS.get(given, given)


def corrected_by(result: xr.Dataset) -> str:
    """Get the correction for multiple tests as a sentence names it."""
    given = str(result.attrs.get("correction", "none"))
    return CORRECTIONS.get(given, given)


def over_words(result: xr.Dataset) -> str:
    """Get what a result generalises over, in the plural: networks, stimuli, control draws."""
    over = str(result.attrs.get("generalises_over", ""))
    return "control draws" if over == "control draw" else SAMPLE.get(over, ("", "the sample"))[1]


def origin(result: xr.Dataset) -> str:
    """Get where the data come from, in a few words: the first source and how many there are."""
    every = [part.strip() for part in str(result.attrs.get("source", "") or "not stated").split(";")]
    return every[0].rstrip(".") + (f" … ({len(every)} in all)" if len(every) > 1 else "")


def short_names(names: Sequence[object]) -> list[str]:
    """Get names without the beginning that all of them share, cut at a separator: ticks have little room.

    Example
    -------
    >>> short_names(["faces-and-objects/0", "faces-and-objects/1"])
    ['0', '1']
    """
    every = [str(name) for name in names]
    if len(set(every)) < 2:
        return every
    shared = 0
    while all(len(name) > shared and name[shared] == every[0][shared] for name in every):
        shared += 1
    cut = max((every[0].rfind(mark, 0, shared) + 1 for mark in "/:-_ #"), default=0)
    return [name[cut:] or name for name in every]
