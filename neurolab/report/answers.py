"""The answer that a result gives, in one plain sentence with its numbers: shown, or not shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurolab.plots.deficits import lesion_labels
from neurolab.plots.read import level, names, scalar, values
from neurolab.plots.sides import strongest
from neurolab.plots.stat_map import sites_of
from neurolab.plots.units import neuroid_word, scaled, unit_name, unit_of
from neurolab.plots.words import interval_words, number, p_words, probability, sample_words, sentences

MOST_CELLS = 8


def answer(result: xr.Dataset) -> str:
    """Get one plain sentence (or a few) that says what a result found, with interval, p and n.

    Example
    -------
    >>> from neurolab.analysis import against_controls
    >>> from neurolab.simulate import phantom_trials
    >>> found = against_controls(phantom_trials(n_controls=19, rng=0), lesion="A", task="X", rng=0)
    >>> answer(found).partition(",")[0]
    'Shown: the lesion of A costs X more than its matched controls do'
    """
    make = ANSWERS.get(str(result.attrs.get("analysis", "")), _any)
    said = make(result)
    return f"{said[:1].upper()}{said[1:]} ({sample_words(result)})."


def _numbers(result: xr.Dataset, effect: str = "effect", low: str = "low", high: str = "high", p: str = "p") -> str:
    every, unit = scaled(result, np.array([scalar(result, name) for name in (effect, low, high)]))
    said = interval_words(every[1], every[2], level(result)) if np.isfinite(every[1:]).any() else "no interval"
    return f"{number(every[0])}{f' {unit}' if unit else ''} ({said}; {p_words(scalar(result, p))})"


def _shown(result: xr.Dataset, claim: str, p: str = "p") -> str:
    shown = scalar(result, p) <= 1 - level(result) + 1e-12
    return f"{'shown' if shown else 'not shown'}: {claim}"


def _controls(result: xr.Dataset) -> str:
    lesion, task, family = (result.attrs.get(name, name) for name in ("lesion", "task", "family"))
    said = _shown(result, f"the lesion of {lesion} costs {task} more than its {family} controls do")
    return f"{said}, by {_numbers(result)}"


def _deficits(result: xr.Dataset) -> str:
    e, low, high, p = (values(result, name, "lesion", "task") for name in ("effect", "low", "high", "p"))
    roles = result["role"].values.astype(str) if "role" in result.coords else np.full(len(e), "target")
    labels, tasks = lesion_labels(result), names(result, "task")
    cells = []
    for i, j in np.ndindex(e.shape):
        mean, *ends, chance = (float(every[i, j]) for every in (e, low, high, p))
        said = f"{labels[i]} costs {tasks[j]} {number(mean)} ({interval_words(ends[0], ends[1], level(result))}"
        cells += [f"{said}; {p_words(chance)})"] if roles[i] == "target" else []
    more = f"; {len(cells) - MOST_CELLS} more are in the table" if len(cells) > MOST_CELLS else ""
    return "; ".join(cells[:MOST_CELLS]) + more


def _localise(result: xr.Dataset) -> str:
    alpha, able = round(1 - level(result), 12), result["valid"].values.astype(bool)
    passed, sign = able & (result["q"].values <= alpha), result["effect"].values
    if str(result.attrs.get("effect_unit", "")) == "AUC":
        sign = sign - 0.5
    parts = [
        f"{name}: {int((passed & here & (sign > 0)).sum())} above and {int((passed & here & (sign < 0)).sum())} below "
        f"of {int((able & here).sum())}"
        for code, name in enumerate(sites_of(result))
        for here in [result["site"].values == code]
        if here.any()
    ]
    return (
        f"units that {result.attrs.get('contrast')} sets apart at q ≤ {probability(alpha)}, by site: {'; '.join(parts)}"
    )


def _symptom_map(result: xr.Dataset) -> str:
    able, alpha = result["valid"].values.astype(bool), round(1 - level(result), 12)
    passed = able & (result["q"].values <= alpha)
    counts = f"{int(passed.sum()):,} of {int(able.sum()):,}"
    word, best = neuroid_word(result), strongest(result, able)
    effect, low, high, q = (float(result[name].values[best]) for name in ("effect", "low", "high", "q"))
    ends = interval_words(low, high, level(result)) if np.isfinite([low, high]).any() else "no interval"
    how = "" if str(result.attrs.get("correction")) == "none" else "corrected "
    size = f"{number(effect)} {unit_of(result)}".rstrip()
    return (
        f"{'shown' if passed.any() else 'not shown'}: where lesions go with {result.attrs.get('behaviour')}, at "
        f"{how or 'uncorrected '}p ≤ {probability(alpha)} in {counts} {word}s tested; the "
        f"strongest is {unit_name(result, best)}, by {size} ({ends}; {how}{p_words(q)})"
    )


def _held_out(result: xr.Dataset) -> str:
    claim = f"units chosen by {result.attrs.get('contrast')} show that difference in data that did not choose them"
    return f"{_shown(result, claim)}, by {_numbers(result)}"


def _reliability(result: xr.Dataset) -> str:
    r, stepped, dice = (number(scalar(result, name)) for name in ("r", "effect", "mean_dice"))
    return (
        f"maps of {result.attrs.get('contrast')} from two halves of the data correlate at {r}, stepped up {stepped}; "
        f"the regions that the halves choose overlap at a mean Dice of {dice}"
    )


def _matrix(result: xr.Dataset) -> str:
    numbers = _numbers(result, *(f"diagonal_{name}" for name in ("effect", "low", "high", "p")))
    return f"{_shown(result, 'lesions cost their own task more than the others do', 'diagonal_p')}, by {numbers}"


def _dose(result: xr.Dataset) -> str:
    lesion, task = result.attrs.get("lesion", "the lesion"), result.attrs.get("task", "the task")
    more = " more than its controls do" if "control_mean" in result else ""
    claim = f"the lesion of {lesion} costs {task}{more}, by the area under the deficit curve over the range of doses"
    return f"{_shown(result, claim)}, by {_numbers(result, low='effect_low', high='effect_high')}"


def _picked(result: xr.Dataset) -> str:
    claim = "the picked pairs dissociate more than pairs picked in the same way among random lesions"
    return f"{_shown(result, claim)}, by {_numbers(result)}"


def _spared(result: xr.Dataset) -> str:
    """The reasons alone: sparing, reserve and likeness have no verdict."""
    return " ".join(sentences(result, "reasons")).rstrip(".")


def _single_case(result: xr.Dataset) -> str:
    return str(result.attrs.get("verdict", ""))


def _reasoned(result: xr.Dataset) -> str:
    return f"{result.attrs.get('verdict', '')}. {' '.join(sentences(result, 'reasons'))}".rstrip(".")


def _cohorts(result: xr.Dataset) -> str:
    """How many comparisons are shown, and those with the smallest corrected p; the others are in the table."""
    for dim in ("condition", "index"):
        result = result if dim in result["effect"].dims else result.expand_dims(dim)
    parts = (values(result, name, "condition", "index").ravel() for name in ("effect", "low", "high", "q"))
    effect, low, high, q = (np.asarray(part, dtype=float) for part in parts)
    where = [(name, index) for name in names(result, "condition") for index in names(result, "index")]
    order = [at for at in np.lexsort((-np.abs(effect), q)) if np.isfinite(q[at])]
    shown = [at for at in order if q[at] <= 1 - level(result) + 1e-12]
    told = shown[:MOST_CELLS] or order[:1]
    cells = [
        f"{where[at][1]} is {'lower' if effect[at] < 0 else 'higher'} in {where[at][0]}, {number(effect[at])} "
        f"({interval_words(low[at], high[at], level(result))}; corrected {p_words(q[at])})"
        for at in told
    ]
    many = f"of {len(order)} comparisons with {result.attrs.get('against')}, {len(shown)} shown"
    more = f"; {len(shown) - MOST_CELLS} more shown are in the table" if len(shown) > MOST_CELLS else ""
    return f"{many}{': ' if shown else '; nearest to it: '}{'; '.join(cells)}{more}" if cells else many


def _any(result: xr.Dataset) -> str:
    said = str(result.attrs.get("estimand", "") or "the effect").rstrip(".")
    return f"{said}: {_numbers(result)}" if np.isfinite(scalar(result, "effect")) else said


#: Sentence by analysis; a new analysis adds one entry.
ANSWERS: dict[str, Callable[[xr.Dataset], str]] = {
    "against_controls": _controls,
    "deficits": _deficits,
    "localise": _localise,
    "held_out": _held_out,
    "map_reliability": _reliability,
    "localiser_matrix": _matrix,
    "dose_response": _dose,
    "picked_dissociation": _picked,
    "symptom_map": _symptom_map,
    "spared": _spared,
    "compare_cohorts": _cohorts,
    "single_case": _single_case,
    **dict.fromkeys(("reserve", "compare", "compare_models"), _spared),
    **dict.fromkeys(("robustness", "recovery", "savings", "best_layers"), _reasoned),
}
