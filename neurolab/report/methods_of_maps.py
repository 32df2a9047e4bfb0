"""Methods paragraphs of maps and graphs: lesion maps, clusters of places, modules of units."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level, scalar
from neurolab.plots.sides import sided, strongest
from neurolab.plots.units import neuroid_word, unit_name
from neurolab.plots.words import (
    TESTS,
    corrected_by,
    interval_words,
    number,
    p_words,
    percent,
    probability,
    sample_words,
    words_between,
)

Paragraph = tuple[str, tuple[str, ...]]

#: What is done about lesion volume, in a sentence.
VOLUME = {
    "covariate": "lesion volume was a covariate",
    "dtlvc": "each row was divided by the root of its lesion volume",
    "none": "lesion volume was not controlled",
}
#: How a graph was divided: words and paper, by the name of the way.
DIVIDED = {
    "Spectral": ("spectral clustering", ""),
    "Louvain": ("the Louvain method", "Blondel et al. 2008"),
    "Leiden": ("the Leiden method", "Traag et al. 2019"),
}
#: The paper behind a test of lesion maps.
MAPPED = {"brunner_munzel": "Brunner & Munzel 2000", "svr": "Zhang et al. 2014"}
#: The paper behind a correction that is named by one word.
CORRECTED = {"max_t": "Nichols & Holmes 2002", "fdr": "Benjamini & Hochberg 1995",
             "by": "Benjamini & Yekutieli 2001", "holm": "Holm 1979"}  # fmt: skip


def found_words(result: xr.Dataset, *names: str, at: int = 0) -> str:
    """Get ``0.28 (95 % interval 0.24 to 0.33; p = .00098 (smallest possible))`` of effect, low, high, p and floor.

    names : of the five variables; default effect, low, high, p, p_floor. at : the row of those that have a dimension.
    """
    every = names or ("effect", "low", "high", "p", "p_floor")
    flat = [np.ravel(np.asarray(result[one], dtype=float)) for one in every]
    effect, low, high, p, floor = (float(one[at]) if one.size > 1 else float(one[0]) for one in flat)
    ends = interval_words(low, high, level(result)) if np.isfinite([low, high]).any() else "no interval"
    return f"{number(effect)} ({ends}; {p_words(p, floor)})"


def symptom_map(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of a lesion-symptom map."""
    attrs, word = result.attrs, neuroid_word(result)
    test, volume, correction = (str(attrs.get(name, "")) for name in ("test", "volume", "correction"))
    named = TESTS.get(test, test)
    own = {"svr": "the weight of a linear support vector regression", "brunner_munzel": named}
    statistic = own.get(test, f"the {named}")
    text = (
        f"Lesion-symptom mapping related {attrs.get('behaviour')} to {_lesions(result)}, with {statistic}"
        f"{sided(result)}, in each of {int(attrs['n_tested']):,} of {int(attrs['n_neuroids']):,} {word}s: "
        f"those lesioned, and spared, in {int(attrs['least'])} or more. {word.capitalize()}s that the same cases have "
        f"lesioned were tested once, as one of {int(attrs['n_patches']):,} patches; {VOLUME.get(volume, volume)} "
        f"(volume and {attrs.get('behaviour')} correlate by r = {number(float(attrs['volume_r']))}). "
        f"{passed_words(result, word)}"
    )
    linear = test == "regression" and (volume == "covariate" or "covariates" in str(attrs.get("estimand", "")))
    sized = "DeMarco & Turkeltaub 2018" if volume == "dtlvc" else ""
    permuted = "Freedman & Lane 1983" if linear and correction == "max_t" else ""
    return text, ("Bates et al. 2003", MAPPED.get(test, ""), sized, permuted, CORRECTED.get(correction, ""))


def _lesions(result: xr.Dataset) -> str:
    """Whose lesions were mapped: ``the lesions of 131 subjects``, or ``60 random lesions``."""
    said = sample_words(result).removeprefix("n = ")
    return said if str(result.attrs.get("generalises_over")) == "lesion draw" else f"the lesions of {said}"


def passed_words(result: xr.Dataset, word: str) -> str:
    """Get how tests were corrected, how many pass, and the strongest; ``word`` is what is counted."""
    able, alpha = result["valid"].values.astype(bool), round(1 - level(result), 12)
    passed = int((able & (result["q"].values <= alpha)).sum())
    best = strongest(result, able)
    floor = scalar(result, "q_floor")
    drawn = str(result.attrs.get("correction")) == "max_t" and np.isfinite(floor) and floor > 0
    count = f", {round(1 / floor) - 1:,} permutations" if drawn else ""
    predicted = result.attrs.get("predictive_r")
    more = "" if predicted is None else f" Left-out cases were predicted with r = {number(float(predicted))}."
    raw = str(result.attrs.get("correction")) == "none"
    return (
        f"The p were {'not ' if raw else ''}corrected over {word}s (correction: {corrected_by(result)}{count}); "
        f"{passed:,} passed at {probability(alpha)}, and the strongest, {unit_name(result, best)}, has "
        f"{'' if raw else 'a corrected '}{p_words(float(result['q'].values[best]))}.{more}"
    )


def clusters(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of clusters of places."""
    attrs, p = result.attrs, np.ravel(result["p"].values.astype(float))
    way, _, drawn = str(attrs.get("test", "")).partition("; ")
    places = " × ".join(str(dim) for dim in result["label"].dims)
    alpha, tfce = float(attrs.get("alpha", 0.05)), not np.isfinite(float(attrs.get("cluster_forming_p", np.nan)))
    passed = int((p <= alpha * (1 + 1e-12)).sum())
    first = f"; the largest has an effect of {found_words(result, at=0)}" if p.size else ""
    null = f"Family-wise p come from {drawn}" if p.size else "No cluster formed, so that nothing was permuted"
    text = (
        f"A map of {int(attrs['n_tested']):,} places ({places}), joined by {int(attrs['n_links']):,} links, was "
        f"searched for an effect ({attrs.get('contrast')}) by {way}{sided(result)}. {null} "
        f"(correction: {corrected_by(result)}): {passed} of {p.size} clusters passed at {probability(alpha)}{first}. "
        f"Effects were measured on {attrs.get('effect_on')}. Such a p is about the cluster as a whole, and says "
        "nothing of where or when an effect begins or ends."
    )
    paper = "Smith & Nichols 2009" if tfce else "Maris & Oostenveld 2007"
    return text, (paper, "Sassenhagen & Draschkow 2019")


def modules(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of modules of units."""
    attrs, draws, n = result.attrs, result.sizes["draw"], int(result["n_modules"])
    way, paper = DIVIDED.get(str(attrs.get("by", "")).partition("(")[0], (str(attrs.get("by", "")), ""))
    cut, null = scalar(result, "cut_p"), str(attrs.get("null"))
    cuts = f", and the cut lies {found_words(result, *_of('cut'))} below theirs" if np.isfinite(cut) else ""
    text = (
        f"The graph of {int(attrs['n_units']):,} units ({attrs.get('edges')}) was divided by {way}, the best of "
        f"{result.sizes['restart']} restarts, into {n} modules with a modularity Q of "
        f"{number(scalar(result, 'modularity'), 3)} and a normalised cut of "
        f"{number(scalar(result, 'normalised_cut'), 3)}. The same search divided {draws:,} random graphs ({null}); by "
        f"the rank among these{sided(result)} (correction: {corrected_by(result)}), Q lies {found_words(result)} above "
        f"their mean{cuts}, where intervals hold {percent(level(result))} of the random graphs. Restarts agree by a "
        f"mean adjusted Rand index of {number(scalar(result, 'stability'))}.{_given(result)}"
    )
    drawn = "Hirschberger et al. 2007" if null == "matched" else ""
    return text, ("Newman & Girvan 2004", paper, "Filan et al. 2021" if cuts else "", drawn, "Phipson & Smyth 2010")


def _of(which: str) -> tuple[str, ...]:
    return tuple(f"{which}_{name}" for name in ("effect", "low", "high", "p", "p_floor"))


def _given(result: xr.Dataset) -> str:
    """How far the modules agree with labels from elsewhere, where there were such."""
    said = [
        f"{words} {number(scalar(result, name))} ({p_words(scalar(result, f'{name}_p'))})"
        for name, words in (("ari", "an adjusted Rand index of"), ("nmi", "a normalised mutual information of"))
        if name in result and np.isfinite(scalar(result, name))
    ]
    return f" They agree with the given labels by {words_between(said)}, against labels exchanged." if said else ""
