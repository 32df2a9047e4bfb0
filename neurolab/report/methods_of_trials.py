"""Methods paragraphs of what trials of several lesions say: coalitions, reserve, noise, retraining, models, power."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from neurolab.plots.read import level, names, scalar
from neurolab.plots.reserve import own_words
from neurolab.plots.several import several_words
from neurolab.plots.sides import sided
from neurolab.plots.words import corrected_by, interval_words, number, p_words, percent, probability, words_between
from neurolab.report.methods_of_maps import Paragraph, found_words

MOST_NAMED = 8


def _test(result: xr.Dataset) -> str:
    """The test and the correction, as a sentence names them."""
    return f"{result.attrs.get('test')} (correction: {corrected_by(result)})"


def _first(result: xr.Dataset) -> str:
    """The test of the effect alone, and the correction."""
    return f"{str(result.attrs.get('test')).partition(';')[0]} (correction: {corrected_by(result)})"


def _some(named: list[str]) -> str:
    more = len(named) - MOST_NAMED
    return words_between(named if more <= 0 else [*named[:MOST_NAMED], f"{more} more"])


def _of(which: str) -> tuple[str, ...]:
    return tuple(f"{which}_{name}" for name in ("effect", "low", "high", "p", "p_floor"))


def _largest(result: xr.Dataset) -> int:
    return int(np.nanargmax(np.abs(result["effect"].values)))


def _strongest(result: xr.Dataset, at: int) -> str:
    """The largest of several effects, with the p that is corrected for having looked at all of them."""
    effect, low, high = (float(result[name].values[at]) for name in ("effect", "low", "high"))
    return f"{number(effect)} ({interval_words(low, high, level(result))}; {several_words(result, at)})"


def _holm(result: xr.Dataset) -> str:
    return "Holm 1979" if str(result.attrs.get("correction")) == "holm" else ""


def shapley(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of Shapley values."""
    attrs, players, best = result.attrs, names(result, "player"), _largest(result)
    text = (
        f"The Shapley value of a region is what it adds to the score in {attrs.get('task')}, averaged over all orders "
        f"in which {_some(players)} can be lesioned ({attrs.get('method')}). Values were tested by "
        f"{_test(result)}, with {percent(level(result))} intervals; the largest of {len(players)}, that of "
        f"{players[best]}, is {_strongest(result, best)}. All lesions together cost "
        f"{found_words(result, *_of('all_minus_singles'))} more than single ones in sum, a redundancy index of "
        f"{number(scalar(result, 'redundancy_index'), 3)}."
    )
    walks = "Berger & Boos 1994" if int(attrs.get("n_permutations", 0) or 0) else ""
    return text, ("Shapley 1953", "Keinan et al. 2004", "Nichols & Holmes 2002", _holm(result), walks)


def pair_interactions(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of the interactions of pairs."""
    pairs, best = names(result, "pair"), _largest(result)
    text = (
        "The interaction of two regions is the deficit of lesioning both minus the deficits of either, averaged over "
        f"all sets of lesions of the others (above zero: redundant); for {result.attrs.get('task')} it was estimated "
        f"in {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} and tested by {_test(result)}, with "
        f"{percent(level(result))} intervals. The largest is that of {pairs[best]}: {_strongest(result, best)}."
    )
    return text, ("Grabisch & Roubens 1999", "Keinan et al. 2004", "Nichols & Holmes 2002", _holm(result))


def minimal_set(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of minimal sets of lesions."""
    attrs, chose = result.attrs, int(np.sum(result["chose"].values))
    sets = [
        f"{name} ({number(float(effect))}, corrected {p_words(float(q))})"
        for name, effect, q in zip(names(result, "set"), result["effect"].values, result["q"].values)
    ]
    text = (
        f"A minimal set is one whose lesion costs {attrs.get('task')} {number(scalar(result, 'bound'), 3)} or more "
        f"while no smaller set within it does. Sets of {_some(names(result, 'player'))} were sought "
        f"({attrs.get('search')}, {int(attrs['n_evaluations']):,} coalitions examined) in {chose} members, drawn at "
        f"random, and tested in the {attrs['n']} others by {_test(result)}: the set costs that much, and each of its "
        f"regions is needed. Found: {_some(sets) if sets else 'none'}."
    )
    test = "Hsueh et al. 2001" if "paired shares" in str(attrs.get("test")) else "Nichols & Holmes 2002"
    return text, ("Kriegeskorte et al. 2009", "Berger 1982", test, _holm(result))


def reserve(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of reserve over cumulative lesions."""
    attrs, measures = result.attrs, names(result, "measure")
    doses = result["dose"].values.astype(float)
    own = [f"{name} {own_words(result, at)}" for at, name in enumerate(measures)]
    left = "chance" if attrs.get("base") == "chance" else "what is left after all were removed"
    text = (
        f"Parts were lesioned one after another, {attrs.get('lesion')}, up to a share of {number(doses.max())} in "
        f"{doses.size - 1} steps; what is left of {attrs.get('task')} is the score above {left} as a share of the "
        f"intact one. The area is its mean over shares, the failure point the share at which "
        f"{percent(attrs.get('failing'))} is gone: {words_between(own)}.{_random(result, measures)}"
    )
    return text, ("Meyes et al. 2019", "Morcos et al. 2018", "Nichols & Holmes 2002")


def _random(result: xr.Dataset, measures: list[str]) -> str:
    """The comparison with random orders, where there were such."""
    family = str(result.attrs.get("family", ""))
    if not family:
        return " Nothing was compared with it, so that nothing was tested (correction: none)."
    each = [f"{name} {found_words(result, at=k)}" for k, name in enumerate(measures)]
    return f" Differences to {family} controls were tested by {_test(result)}: {words_between(each)}."


def interaction(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of the interaction of two lesions."""
    attrs, bound = result.attrs, scalar(result, "additive_bound")
    shared = "no bound was given, so that additivity was not tested"
    if np.isfinite(bound):
        p = p_words(scalar(result, "additive_p"))
        shared = f"additivity within ±{number(bound)} was tested by two shifted one-sided tests: {p}"
    text = (
        f"The deficit in {attrs.get('task')} after lesioning {attrs.get('a')} and {attrs.get('b')} together "
        f"({attrs.get('both')}) was compared with the sum of the deficits after either alone, by "
        f"{_first(result)}: {found_words(result)}. "
        f"Above zero the two stand in for each other; {shared}. Verdict: {attrs.get('verdict')}."
    )
    return text, ("Aharonov et al. 2003", "Nichols & Holmes 2002", "Schuirmann 1987" if np.isfinite(bound) else "")


def spared(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of sparing by equivalence."""
    each = [
        f"{task} {number(float(effect))} against ±{number(float(bound))} ({p_words(float(p), float(floor))})"
        for task, effect, bound, p, floor in zip(
            names(result, "task"), *(result[name].values for name in ("effect", "bound", "p", "p_floor")))
    ]  # fmt: skip
    text = (
        f"Whether the lesion of {result.attrs.get('lesion')} spares a task was tested as equivalence, by "
        f"{_test(result).replace(' (equivalence)', '')}: the mean deficit must lie within a bound stated "
        f"beforehand, on both sides. Mean deficits: {_some(each)}. "
        f"Intervals have {percent(level(result))} coverage, so that one inside the bound says the same as "
        "the test; a deficit that is not significant is no evidence of sparing."
    )
    shares = "Tango 1998" if "paired shares" in str(result.attrs.get("test")) else ""
    return text, ("Schuirmann 1987", "Berger 1982", "Nichols & Holmes 2002", shares)


def robustness(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of robustness to noise."""
    attrs, ladder = result.attrs, result["strength"].values.astype(float)
    half = [f"{number(float(mean), 3)} ({name})" for name, mean in zip(names(result, "condition"),
                                                                      result["ed50_mean"].values)]  # fmt: skip
    text = (
        f"The score in {attrs.get('task')} was measured under {ladder.size} strengths of noise at "
        f"{attrs.get('noise')}, {number(ladder.min())} to {number(ladder.max())} "
        f"({attrs.get('strength_name')}). The ED50 is the strength at "
        f"which half of the noise-free performance above chance ({number(float(attrs['chance']))}) is left, on the "
        f"{attrs.get('curve')} curve of each member: {words_between(half)}."
    )
    papers = ("Finney 1971", "Royston & Parmar 2013", "Nichols & Holmes 2002")
    return text + _shift(result), papers


def _shift(result: xr.Dataset) -> str:
    """The tests of two conditions against each other; of one alone, what noise costs."""
    if "area_effect" not in result:
        cost = found_words(result, *_ED50)
        return f" The share that noise costs over the ladder was tested by {_test(result)}: {cost}."
    return (
        f" The shift was tested by {_test(result)}: {found_words(result, *_ED50)}; that of the share of the noise-free "
        f"performance retained over the ladder: {found_words(result, *_of('area'))}."
    )


_ED50 = ("effect", "effect_low", "effect_high", "p", "p_floor")


def recovery(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of recovery over retraining."""
    attrs, steps = result.attrs, result["step"].values.astype(float)
    bound = scalar(result, "recovered_bound")
    p = p_words(scalar(result, "recovered_p"))
    equal = f", tested against ±{number(bound)} of none by two shifted one-sided tests: {p}"
    text = (
        f"The arms {_some(names(result, 'arm'))} were scored at {steps.size} steps of retraining, {steps.min():,.6g} "
        f"to {steps.max():,.6g}. The deficit of {attrs.get('lesioned')} against {attrs.get('intact')}, "
        f"{found_words(result, *_of('initial'))} at first, and the share of it that is gone by the end, "
        f"{found_words(result, *_ED50)}, were tested by {_first(result)}. What remained was "
        f"{found_words(result, *_of('remaining'))}{equal if np.isfinite(bound) else ''}. Time is the number of steps "
        f"to a criterion of {number(scalar(result, 'criterion_mean'))} on average; who never reached it counts as the "
        f"last step. Verdict: {attrs.get('verdict')}."
    )
    equivalence = "Schuirmann 1987" if np.isfinite(bound) else ""
    return text, ("Plaut 1996", "Royston & Parmar 2013", "Nichols & Holmes 2002", equivalence)


def savings(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of savings in relearning."""
    attrs, n = result.attrs, result.sizes["specimen"]
    each = [
        f"{number(float(mean))} in {arm} ({int(reached)} of {n} reached it)"
        for arm, mean, reached in zip(names(result, "arm"), result["mean"].values, result["n_reached"].values)
    ]
    goal = attrs.get("criterion")
    score = f"a score of {float(goal):.3g}" if isinstance(goal, (int, float)) else "criterion"
    text = (
        f"Steps of training to {score} took on average {words_between(each)}. Savings are the steps that "
        f"{attrs.get('again')} spared as a share of those of {attrs.get('first')}, tested by {_test(result)}: "
        f"{found_words(result, *_ED50)}, {number(scalar(result, 'steps_effect'))} steps in the mean. Who never reached "
        "the criterion counts as the last step examined, and intervals are open on that side."
    )
    return text, ("Ebbinghaus 1885", "Nichols & Holmes 2002")


def mixed(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of a deficit with models of single trials beside it."""
    attrs, models = result.attrs, []
    for k, name in enumerate(names(result, "model")):
        names_of = tuple(f"model_{one}" for one in ("effect", "low", "high", "p", "p_floor"))
        fitted = bool(result["fitted"].values[k])
        models.append(f"{name}: {found_words(result, *names_of, at=k)}" if fitted else f"{name}: not fitted")
    text = (
        f"The mean deficit that {attrs.get('lesion')} causes in {attrs.get('task')}, {found_words(result)}, was tested "
        f"by {_first(result)}. Beside it, and never in "
        f"its place, stand models of the {int(attrs['n_rows']):,} single trials, each with t of one degree of freedom "
        f"fewer than there are members: {'; '.join(models)}. Where they disagree the first one holds, since it assumes "
        "less."
    )
    kinds = result["kind"].values.astype(str).tolist()
    cited = {"gee": "Liang & Zeger 1986", "mixedlm": "Laird & Ware 1982"}
    return text, ("Nichols & Holmes 2002", *(cited.get(kind, "") for kind in kinds))


def best_layers(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of two models that are compared by their best layers."""
    each = [f"{name} ({result.sizes[f'layer_{at}']} layers, {number(fair)})" for name, at, fair in
            zip(names(result, "model"), "ab", result["score"].values)]  # fmt: skip
    text = (
        f"The best layers of {words_between(each)} were chosen on four fifths of the sample and scored on the rest, "
        f"over ten partitions: a difference of {found_words(result)}, where the largest means differ by "
        f"{number(scalar(result, 'naive'))}. It was tested by a {_test(result)}{sided(result)}, which pays for the "
        "choice and is conservative; the interval inverts it."
    )
    return text, ("Nichols & Holmes 2002",)


def power(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of a planned design."""
    attrs, planned = result.attrs, str(result.attrs.get("planned_for", "")).replace("_", " ")
    sizes, spread = (words_between([f"{one:.3g}" for one in dict.fromkeys(_listed(attrs[name]))])
                     for name in ("expected_effect", "expected_sd"))  # fmt: skip
    share = f"{number(scalar(result, 'power'))} ({percent(level(result))} interval {number(scalar(result, 'low'))} to "
    share += f"{number(scalar(result, 'high'))})"
    needed = scalar(result, "n_needed")
    enough = f"a power of {attrs['wanted']} needs n = {needed:.0f}" if np.isfinite(needed) else (
        f"no n examined reaches a power of {attrs['wanted']}")  # fmt: skip
    text = (
        f"Before the run, {int(attrs['n_simulations']):,} experiments were simulated with normal values, an effect of "
        f"{sizes} and a standard deviation of {spread}, and put through the test of {planned}, {_test(result)}"
        f"{sided(result)}. It reached p ≤ {probability(float(attrs['alpha']))} in a share of {share}; "
        f"{enough}."
    )
    case = "Crawford & Howell 1998" if attrs.get("planned_for") == "single_case" else "Nichols & Holmes 2002"
    return text, (case, "Wilson 1927", "Berger 1982" if attrs.get("planned_for") == "dissociation" else "")


def _listed(given: Any) -> list[float]:
    return [float(one) for one in np.atleast_1d(json.loads(given) if isinstance(given, str) else given)]
