"""Methods paragraphs of clusters of connections: n-cuts over networks, agreement with function, cost of their loss."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level, names, values
from neurolab.plots.words import corrected_by, interval_words, number, p_words, words_between

Paragraph = tuple[str, tuple[str, ...]]

SHUFFLED = {"shuffled": "all weights between two layers", "nonzero": "the non-zero weights between two layers"}
DRAWN = {"random": "any units of the layer", "activity": "as many units of each third of mean activity"}


def _tests(result: xr.Dataset, dim: str, called: dict[str, str]) -> str:
    """Per condition and series the effect with its interval and p."""
    effect, low, high, p, floor = (values(result, name, "condition", dim)
                                   for name in ("effect", "low", "high", "p", "p_floor"))  # fmt: skip
    said = []
    for i, condition in enumerate(names(result, "condition")):
        for j, series in enumerate(names(result, dim)):
            ends = interval_words(low[i, j], high[i, j], level(result))
            said.append(f"{condition}, {called.get(series, series)}: {number(effect[i, j])} ({ends}; "
                        f"{p_words(p[i, j], floor[i, j])})")  # fmt: skip
    return "; ".join(said)


def clusterability(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of n-cuts over networks."""
    attrs, nulls = result.attrs, names(result, "null")
    shuffled = words_between([f"{SHUFFLED[null]} ({null})" for null in nulls])
    text = (
        f"The graph of every network (units joined by absolute weights) was cut into {int(attrs['n_clusters'])} "
        f"clusters by spectral clustering, units without edges left out, and so were {int(attrs['n_permutations'])} "
        f"shuffles of it of each kind, in which {shuffled} changed places. z is the distance of the normalised cut "
        "from that of the shuffles in their sd, below 0 where a network is modular; it was tested by a two-sided "
        f"sign-flip over networks (correction: {corrected_by(result)}): {_tests(result, 'null', {})}."
    )
    return text, ("Filan et al. 2021", "Shi & Malik 2000")


def alignment(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of clusters against functions."""
    ari, both = result.sel(measure="ari"), result["both_shown"].values.astype(bool)
    shown = [name for name, one in zip(names(result, "condition"), both) if one]
    called = {"found": "clusters found", "random": "random clusters"}
    text = (
        "Clusters of connections were compared with the functions of units by the adjusted Rand index, less its mean "
        f"over {int(result.attrs['n_permutations'])} exchanges of functions among the units of each layer; random "
        "clusters are those found, exchanged once within layers. The excess was tested by a one-sided sign-flip over "
        f"networks (correction: {corrected_by(result)}): {_tests(ari, 'partition', called)}. Emergent modularity, the "
        "n-cut below every kind of shuffle and agreement with function, was shown "
        f"{'in ' + words_between(shown) if shown else 'in no condition'}."
    )
    return text, ("Hubert & Arabie 1985", "Berger 1982")


def importance(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of clusters lesioned."""
    what = "The range over tasks of the deficit" if result.attrs.get("of") == "range" else "The deficit"
    clusters = values(result, "n_clusters", "condition", "family", "specimen")
    drawn = words_between([f"{DRAWN.get(one, one)} ({one})" for one in names(result, "family")])
    text = (
        f"The units of each cluster in each layer (a mean of {number(float(np.mean(clusters)), 1)} such sets per "
        f"network) were lesioned, and random sets of as many units of the layer: {drawn}. {what} "
        f"({result.attrs.get('unit', 'score')}) beyond that of the random sets, mean over clusters, was tested by a "
        f"two-sided sign-flip over networks (correction: {corrected_by(result)}): {_tests(result, 'family', {})}."
    )
    return text, ("Hod et al. 2021",)
