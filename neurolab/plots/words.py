"""Numbers and attrs of a result, in words: for axes, legends and alternative text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurolab.plots.read import level
from neurolab.plots.sides import sizes_words
from neurolab.plots.whose import NETWORKS, PEOPLE, member_words

#: What one, and several, of the sample are called, by what a result generalises over.
SAMPLE = {
    "simulation": ("simulation", "simulations"),
    "run": ("run", "runs"),
    "specimen": NETWORKS,
    "subject": PEOPLE,
    "stimulus": ("stimulus", "stimuli"),
    "lesion draw": ("random lesion", "random lesions"),
}
#: Floors below this are no property of the design: the p comes from a formula.
NO_FLOOR = 1e-12
#: Numbers below this are what rounding left; a brain's fields in tesla begin at it.
ROUNDING = 1e-15
#: What a test is called in tables and legends, by the name of its p.
CALLED = {"p": "", "rank_p": "rank among control draws", "diagonal_p": "diagonal − rest", "spared_p": "deficit",
          "own_p": "deficit", "held_p": "picked on one half, measured on the other", "difference_p": "tasks apart",
          "bsdt_p": "tasks apart, Bayesian", "model_p": "the model's estimate"}  # fmt: skip
#: Analyses that draw besides their test: members that choose, simulated experiments.
DRAWING = ("minimal_set", "power")
#: What the sample is called where it is not those examined but those compared with, by analysis.
COMPARED = {"single_case": ("control", "controls")}


def number(value: float, digits: int = 2) -> str:
    """Get a number as a figure prints it: two decimals, more where two would hide it; 0 for what rounding left.

    Example
    -------
    >>> number(-0.6249), number(0.0041), number(12.0), number(-2.2e-17)
    ('−0.62', '0.0041', '12.00', '0.00')
    """
    value = float(value)
    if not np.isfinite(value):
        return "not defined" if np.isnan(value) else ("−∞" if value < 0 else "∞")
    value = 0.0 if abs(value) < ROUNDING else value
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
    """Get ``p = .0312 (smallest possible)`` or ``p = .2 (smallest possible .001)``.

    Example
    -------
    >>> p_words(0.03125, 0.03125), p_words(0.2, 0.001)
    ('p = .0312 (smallest possible)', 'p = .2 (smallest possible .001)')
    """
    if not np.isfinite(p):
        return "p not defined"
    text = probability(p)
    said = f"p {text}" if text.startswith("<") else f"p = {text}"
    if floor is None or not np.isfinite(floor) or floor <= NO_FLOOR:
        return said
    at_floor = np.isclose(p, floor, rtol=1e-9)
    return f"{said} (smallest possible{'' if at_floor else f' {probability(floor)}'})"


def p_lines(p: float, floor: float | None = None) -> str:
    """Get :func:`p_words` in short lines, for the narrow space beside an effect.

    Example
    -------
    >>> p_lines(0.2, 0.001).split(chr(10))
    ['p = .2', '(smallest', 'possible .001)']
    """
    return p_words(p, floor).replace(" (smallest ", "\n(smallest\n")


def probability(p: float) -> str:
    """Get a probability as every page of neurolab prints it: three digits that count, no zero before the point.

    It is the form of ``neurolab.analysis.words.p_text``; a test holds the two together.

    Example
    -------
    >>> probability(0.03125), probability(1 / 1024), probability(1e-6), probability(1.0)
    ('.0312', '.000977', '< .0001', '1')
    """
    if not np.isfinite(p):
        return "not defined"
    if p < 1e-4:
        return "< .0001"
    text = f"{p:.3g}"
    return text.removeprefix("0")


def tidy(text: str) -> str:
    """Get a sentence with true minus signs before numbers, a space before per cent, and every p in one form.

    Example
    -------
    >>> tidy("A spares y, by -0.12 [-0.2, 0.1]; the smallest rank p is 0.01.")
    'A spares y, by −0.12 [−0.2, 0.1]; the smallest rank p is .01.'
    """
    minus = re.sub(r"(?<![\w.)-])-(?=\.?\d)", "−", re.sub(r"(?<=\d)%", " %", text))
    return re.sub(r"\bp (=|<|is) 0\.(?=\d)", r"p \1 .", minus)


def interval_words(low: float, high: float, level: object = 0.95) -> str:
    """Get ``95 % interval 0.10 to 0.30``, or that there is none, which has an end on neither side.

    Example
    -------
    >>> interval_words(0.1, 0.3), interval_words(-np.inf, np.inf)
    ('95 % interval 0.10 to 0.30', 'no 95 % interval')
    """
    if np.isinf(low) and np.isinf(high):
        return f"no {percent(level)} interval"
    low, high = together(low, high)
    return f"{percent(level)} interval {number(low)} to {number(high)}"


def together(*values: float) -> tuple[float, ...]:
    """Get numbers of one kind, 0 where one is only what rounding left beside the largest of them.

    Example
    -------
    >>> together(-1.1e-19, 0.004)
    (0.0, 0.004)
    """
    most = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    return tuple(0.0 if abs(value) < 1e-10 * most else value for value in values)


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
    what = str(result.attrs.get("planned_for") or result.attrs.get("analysis", ""))
    one, several = COMPARED.get(what, (SAMPLE | {"control draw": member_words(result)}).get(over, ("", "")))
    also = f" and {result.attrs['n_stimuli']} stimuli" if "also_over" in result.attrs else ""
    return f"n = {sizes_words(result) or text} {one if text == '1' else several}".rstrip() + also


def sampled(result: xr.Dataset) -> bool:
    """Get whether n counts what a result generalises over, and not those that a case is compared with."""
    return str(result.attrs.get("planned_for") or result.attrs.get("analysis", "")) not in COMPARED


def in_task(result: xr.Dataset) -> str:
    """Get `` in X`` where the result says of which task it is, else nothing."""
    task = str(result.attrs.get("task", "") or "")
    return f" in {task}" if task else ""


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
    return [tidy(str(line)) for line in found] if isinstance(found, list) else [tidy(str(found))]


#: What the tests and corrections that are named by one word are called in a sentence.
TESTS = {
    "welch": "Welch's t",
    "paired": "paired t",
    "rank": "rank-sum z",
    "glm": "t of a general linear model",
    "regression": "t of a linear regression",
    "t": "pooled two-sample t",
    "brunner_munzel": "Brunner and Munzel's test",
    "svr": "weight of a support vector regression",
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


def alpha_words(result: xr.Dataset) -> str:
    """Get the corrected p up to which a figure marks something: ``.05`` where intervals cover 95 %."""
    return probability(round(1 - level(result), 12))


def rng_words(result: xr.Dataset) -> str:
    """Get the sentence about the rng of an analysis, empty where the test is exact and drew nothing.

    A sign-flip of 30 or fewer lists every flip, so that its rng was never used, unless something else was drawn.
    """
    rng, n = str(result.attrs.get("rng", "")), str(result.attrs.get("n", ""))
    test = str(result.attrs.get("test", "")).removeprefix("one-sided ").removeprefix("two-sided ")
    drew = str(result.attrs.get("analysis")) in DRAWING or int(result.attrs.get("n_permutations", 0) or 0) > 0
    exact = test.startswith(("sign-flip", "two shifted one-sided sign-flip")) and n.isdigit() and int(n) <= 30
    exact = exact and not drew
    return f"Random draws of this analysis: rng {rng}." if rng and not exact else ""


def over_words(result: xr.Dataset) -> str:
    """Get what a result generalises over, in the plural: networks, stimuli, control draws."""
    over = str(result.attrs.get("generalises_over", ""))
    also = " and stimuli" if "also_over" in result.attrs else ""
    return "control draws" if over == "control draw" else SAMPLE.get(over, ("", "the sample"))[1] + also


def origin(result: xr.Dataset) -> str:
    """Get where the data come from, in a few words: the first source and how many there are, or each of several arms.

    Example
    -------
    >>> origin(xr.Dataset(attrs={"source": "intact: exposed; lesioned: cut"}))
    'the arms intact (networks "exposed") and lesioned (networks "cut")'
    """
    every = [part.strip() for part in str(result.attrs.get("source", "") or "not stated").split(";")]
    arms = [part.partition(": ") for part in every]
    if 1 < len(arms) <= 8 and all(arm and said for arm, _, said in arms):
        return "the arms " + words_between([f'{arm} (networks "{said}")' for arm, _, said in arms])
    first = re.sub(r"\s+[0-9a-f]{12,}$", "", every[0]).rstrip(".")  # the digest is in the manifest
    return first + (f" and {len(every) - 1} more" if len(every) > 1 else "")


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
