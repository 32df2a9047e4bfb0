"""The methods paragraph of a result: every number in it is read from the result."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

import neurolab
from neurolab.errors import SchemaError
from neurolab.plots.flags import flag_words
from neurolab.plots.floors import floor_words
from neurolab.plots.read import level, names
from neurolab.plots.sides import sided, sizes_by_task
from neurolab.plots.units import neuroid_word
from neurolab.plots.whose import member_words
from neurolab.plots.words import (
    corrected_by,
    interval_words,
    number,
    over_words,
    p_words,
    percent,
    rng_words,
    sample_words,
    sampled,
    sentences,
    tested_by,
    tidy,
    words_between,
)
from neurolab.report import (
    methods_of_clusters,
    methods_of_deficits,
    methods_of_likeness,
    methods_of_maps,
    methods_of_screens,
    methods_of_trials,
)
from neurolab.report.claimed import claims_paragraph
from neurolab.report.lesions import damage_paragraph, is_trials
from neurolab.report.methods_of_maps import Paragraph, found_words, passed_words
from neurolab.report.overridden import override_words

CHOICES = ("test", "correction")
#: So many tasks of different size are named at most.
MOST_SIZES = 6

#: The paper behind a test or a correction that is named by one word.
CITED = {
    "welch": "Welch 1947",
    "fdr": "Benjamini & Hochberg 1995",
    "by": "Benjamini & Yekutieli 2001",
    "holm": "Holm 1979",
    "max_t": "Nichols & Holmes 2002",
}
#: The paper behind a test, by words of its name.
BY_TEST = {"Jonckheere": "Jonckheere 1954", "within seeds": "Skillings & Wolfe 1978",
           "within each person": "Skillings & Wolfe 1978",
           "sign-flip": "Nichols & Holmes 2002"}  # fmt: skip


def methods_text(result: xr.Dataset) -> str:
    """Get the methods paragraph of a result, or of trials, with the references that it names in brackets.

    result : of any analysis; ``METHODS`` has paragraphs for those of neurolab, others get one made of their attrs.
        Trials give the paragraph of lesions, controls and tasks.

    When this is invalid: it describes what was computed, not what was planned; say so if the two differ.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> methods_text(deficits(phantom_trials(rng=0), rng=0)).partition(",")[0]
    'A deficit is the sham score minus the score after the lesion on the same presentations'
    """
    if not is_trials(result) and not (isinstance(result, xr.Dataset) and result.attrs.get("analysis")):
        raise SchemaError(
            f"methods_text() got a {type(result).__name__} that is no result of an analysis; expected one, or trials. "
            "Type methods_text(nl.analysis.deficits(trials, rng=0)), or methods_text(trials)."
        )
    text, keys = damage_paragraph(result) if is_trials(result) else paragraph(result)
    cited = f" ({'; '.join(keys)})" if keys else ""
    return f"{text}{cited} Software: neurolab {neurolab.__version__}."


def paragraph(result: xr.Dataset) -> Paragraph:
    """Get the methods paragraph of a result and the keys of the references that it leans on."""
    make = METHODS.get(str(result.attrs.get("analysis", "")), _any)
    text, keys = make(result)
    said = " ".join(part for part in (text, _sample(result), rng_words(result), override_words(result)) if part)
    return f"{said} {flag_words(result, said)}".rstrip(), tuple(sorted(key for key in keys if key))


def _sample(result: xr.Dataset) -> str:
    if "n_of_claim" in result:  # several claims, each with a sample of its own
        return ""
    floor = floor_words(result)
    smallest = f"; with it the smallest p that the design can give is {floor}" if floor else ""
    each = [f"{task} {n}" for task, n in sizes_by_task(result).items()]
    sizes = f" ({words_between(each)})" if 1 < len(each) <= MOST_SIZES else ""
    said = f"The sample is {sample_words(result)}{sizes}"
    over = f", so that the result generalises over {over_words(result)}" if sampled(result) else ""
    return f"{said}{over}{smallest}."


def _any(result: xr.Dataset) -> Paragraph:
    attrs, test = result.attrs, str(result.attrs.get("test", "no test"))
    return (
        f"Estimated was {str(attrs.get('estimand', 'the effect')).rstrip('.')}, tested with "
        f"{test}{sided(result)} (correction: {corrected_by(result)}); intervals have "
        f"{percent(level(result))} coverage.",
        (CITED.get(str(attrs.get("correction")), ""), *(key for word, key in BY_TEST.items() if word in test)),
    )


def _localise(result: xr.Dataset) -> Paragraph:
    attrs, n = result.attrs, result.sizes["neuroid"]
    able = int(result["valid"].values.astype(bool).sum())
    left = f"; {n - able:,} of them are constant or dead and were not tested" if able < n else ""
    signed = "signed" if int(attrs.get("signed", 1)) else "absolute"
    passed = f" {passed_words(result, neuroid_word(result))}" if able else ""
    return (
        f"The contrast {attrs.get('contrast')} was estimated in each of {n:,} neuroids from {signed} activity by "
        f"{tested_by(result)}{sided(result)}{left}.{passed}",
        ("Saxe et al. 2006", "Kriegeskorte et al. 2009", *(CITED.get(str(attrs.get(key)), "") for key in CHOICES)),
    )


def _controls(result: xr.Dataset) -> Paragraph:
    attrs = result.attrs
    test = str(attrs.get("test")).partition(";")[0]
    t_cc, t_p = (float(result[name]) if name in result else float("nan") for name in ("t_cc", "t_cc_p"))
    single = f" Against the draws as a normal sample, t = {number(t_cc)}, {p_words(t_p)}." if np.isfinite(t_cc) else ""
    several = result.sizes.get("specimen", 1) > 1
    one, members = member_words(result)
    each, mean = (f" per {one}", f"mean over {members}") if several else (f" of the same {one}", "deficit")
    matching = f" {tidy(str(attrs['matching']))}" if attrs.get("matching") else ""
    return (
        f"The deficit that {attrs.get('lesion')} causes in {attrs.get('task')} was compared with that of "
        f"{result.sizes['draw']} {attrs.get('family', 'matched')} control lesions{each}.{matching} The difference to "
        f"their mean was tested by {test}: {number(float(result['effect']), 3)} "
        f"({interval_words(float(result['low']), float(result['high']), level(result))}), "
        f"{p_words(float(result['p']), float(result['p_floor']))}. The rank of the {mean} among the control "
        f"draws gives a second p, {p_words(float(result['rank_p']), float(result['rank_p_floor']))}, that generalises "
        f"over draws.{single}",
        ("Nichols & Holmes 2002", "Phipson & Smyth 2010", "Crawford & Howell 1998" if single else ""),
    )


def _dissociation(result: xr.Dataset) -> Paragraph:
    bounds = words_between(
        [
            f"{number(float(bound), 3)} ({name})"
            for name, bound in zip(names(result, "spared"), result["spared_bound"].values)
        ]
    )
    lesions, tasks = names(result, "lesion"), names(result, "task")
    return (
        f"A double dissociation of {words_between(tasks)} by lesions of {words_between(lesions)} was tested as two "
        f"one-sided claims within a task each ({'; '.join(names(result, 'claim'))}), by {result.attrs.get('test')}; "
        "both "
        f"must hold ({p_words(float(result['p_double']))} for the weaker). A classical one asks besides that each "
        f"lesion cost its own task ({p_words(float(result['own_p'].max()))} for the weaker) and spare the other one. A "
        "task counts as spared only if an equivalence "
        f"test places the deficit within the stated bound: {bounds}. Intervals have {percent(level(result))} coverage. "
        f"Verdict: {result.attrs.get('verdict')}.",
        ("Shallice 1988", "Berger 1982", "Schuirmann 1987", "Nichols & Holmes 2002"),
    )


def _matrix(result: xr.Dataset) -> Paragraph:
    return (
        f"Each of {result.sizes['lesion']} localised regions was lesioned and tested in each of {result.sizes['task']} "
        f"tasks ({result.attrs.get('test')}; correction: {corrected_by(result)}). The diagonal was "
        "compared with "
        f"the rest: {number(float(result['diagonal_effect']), 3)}, "
        f"{p_words(float(result['diagonal_p']), float(result['diagonal_p_floor']))}.",
        ("Holm 1979", "Nichols & Holmes 2002"),
    )


def doses_used(result: xr.Dataset) -> str:
    """Get the doses that an area under a curve is over, as the result says them, else the range that it examined."""
    given = result.attrs.get("tested_doses", result.attrs.get("doses_used", ""))
    try:
        every = np.atleast_1d(json.loads(given) if isinstance(given, str) else given)
    except json.JSONDecodeError:
        return f"the doses {given}" if given else "the range of doses"
    said = words_between([f"{float(dose):.3g}" for dose in every])
    return f"the doses {said}" if said else "the range of doses"


def _dose(result: xr.Dataset) -> Paragraph:
    doses = words_between([f"{float(dose):.3g}" for dose in result["dose"].values])
    used = doses_used(result)
    against = f"that of its {result.attrs.get('family')} controls" if result.attrs.get("family") else "none"
    return (
        f"The lesion {result.attrs.get('lesion')} was made at doses {doses}; the area under the curve of the deficit "
        f"in {result.attrs.get('task')} over {used}, divided by their range, was compared with {against} by "
        f"{result.attrs.get('test')}: {found_words(result, 'effect', 'effect_low', 'effect_high', 'p', 'p_floor')}.",
        ("Nichols & Holmes 2002",),
    )


def _held_out(result: xr.Dataset) -> Paragraph:
    attrs = result.attrs
    return (
        f"The contrast {attrs.get('contrast')} chose units on all folds but one of {attrs.get('n_folds')} (by "
        f"{attrs.get('by')}) and was measured in the one left out; fold effects were averaged after measuring. The "
        "whole "
        f"procedure was run again on shuffled conditions ({attrs.get('test')}): {found_words(result)}. Mean Dice "
        "overlap of the regions chosen: "
        f"{number(float(result['mean_dice']), 3)}.",
        ("Kriegeskorte et al. 2009", "Saxe et al. 2006", "Dice 1945"),
    )


def _reliability(result: xr.Dataset) -> Paragraph:
    return (
        f"The map of {result.attrs.get('contrast')} was made from halves of the data in {result.sizes['split']} splits "
        f"(by {result.attrs.get('by')}); the mean correlation of halves, {number(float(result['r']), 3)}, was stepped "
        f"up once by Spearman-Brown to {number(float(result['effect']), 3)}. Mean Dice overlap of what "
        f"the halves select: {number(float(result['mean_dice']), 3)}.",
        ("Spearman 1910", "Dice 1945"),
    )


def _picked(result: xr.Dataset) -> Paragraph:
    common = f"random subsets of these and {result.attrs.get('n_pool')} random lesions"
    drawn = result.attrs.get("drawn_from", common)
    return (
        f"The best-dissociating pair was picked among {result.attrs.get('n_candidates')} lesions in each "
        f"{member_words(result)[0]}. Its null is the same picking, run {result.sizes['draw']} times on {drawn}. The "
        f"excess was tested by {result.attrs.get('test')}: {found_words(result)}; rank of the mean among the mean "
        f"nulls: {p_words(float(result['rank_p']), float(result['rank_p_floor']))}.",
        ("Nichols & Holmes 2002", "Phipson & Smyth 2010"),
    )


def _single_case(result: xr.Dataset) -> Paragraph:
    attrs, given = result.attrs, sentences(result, "covariates")
    whom = [f"{case} after lesion of {lesion}" if lesion else case
            for case, lesion in zip(names(result, "case"), result["lesion"].values.astype(str))]  # fmt: skip
    several = result.sizes["pair"] > 0
    pairs = f" Pairs of tasks were compared by the {str(attrs.get('test')).partition('pairs of tasks: ')[2]}."
    return (
        f"{words_between(whom)} {'was' if len(whom) == 1 else 'were'} compared with {attrs['n']} controls on "
        f"{words_between(names(result, 'task'))}"
        f"{f', given {words_between(given)},' if given else ''} by the {str(attrs.get('test')).partition(';')[0]}"
        f"{sided(result)}: the controls are a sample, not norms. Effects are in control standard deviations (z_cc), "
        f"with {percent(level(result))} intervals{'' if given else ' of the non-central t'}; nothing was corrected for "
        f"the number of tasks.{pairs if several else ''}",
        ("Crawford et al. 2011" if given else "Crawford & Howell 1998",
         *(("Crawford & Garthwaite 2005", "Crawford & Garthwaite 2007", "Crawford et al. 2003") if several else ())),
    )  # fmt: skip


#: Paragraph by analysis; a new analysis adds one entry.
METHODS: dict[str, Callable[[xr.Dataset], Paragraph]] = {
    "localise": _localise,
    "deficits": methods_of_deficits.deficits,
    "against_controls": _controls,
    "dissociation": _dissociation,
    "localiser_matrix": _matrix,
    "dose_response": _dose,
    "held_out": _held_out,
    "map_reliability": _reliability,
    "picked_dissociation": _picked,
    "single_case": _single_case,
    **{name: getattr(methods_of_screens, name) for name in ("screen", "decode")},
    **{name: getattr(methods_of_clusters, name) for name in ("clusterability", "alignment", "importance")},
    **{name: getattr(methods_of_likeness, name) for name in ("compare", "compare_models")},
    **dict.fromkeys(("claim", "claims"), claims_paragraph),
    **{name: getattr(methods_of_maps, name) for name in ("symptom_map", "clusters", "modules")},
    **{
        name: getattr(methods_of_trials, name)
        for name in (
            "shapley", "pair_interactions", "minimal_set", "reserve", "interaction", "spared", "robustness",
            "recovery", "savings", "mixed", "power", "best_layers",
        )
    },
}  # fmt: skip
