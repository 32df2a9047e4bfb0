"""How far two divisions of the same units agree, and the rank of a number among random ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurolab.analysis.unit_graph import UnitGraph
from neurolab.analysis.whose import at_units
from neurolab.errors import DataError
from neurolab.stats import graphs

TEST = ("p", "effect", "low", "high", "p_floor")
TIE = 1e-9
#: The tests of a division, by the beginning of their names: the modules' Q, their n-cut, and given labels.
TESTS = ("", "cut_", "ari_", "nmi_", "given_")


def ranked(observed: float, null: np.ndarray, level: float, name: str = "") -> dict[str, float]:
    """Get the rank p of a number among random ones, large is extreme, with its effect and the spread of that.

    Example
    -------
    >>> ranked(3.0, np.array([1.0, 2.0, 3.0]), 0.95)["p"]
    0.5
    """
    b = int((null >= observed - TIE * max(1.0, abs(observed))).sum())
    low, high = np.quantile(null, (0.5 - level / 2, 0.5 + level / 2))
    found = ((b + 1) / (len(null) + 1), observed - null.mean(), observed - high, observed - low, 1 / (len(null) + 1))
    return {f"{name}{key}": float(value) for key, value in zip(TEST, found)}


def agreement_with(
    graph: UnitGraph, codes: np.ndarray, labels: Any, n: int, level: float, rng: np.random.Generator
) -> dict[str, float]:
    """Get how far modules agree with given labels, and the Q of these, against labels exchanged within layers."""
    measures = ("ari", "nmi", "given_q")
    if labels is None:
        return dict.fromkeys((*measures, *(f"{test}{key}" for test in TESTS[2:] for key in TEST)), float("nan"))
    if "unit" in graph.coords:
        site = next((_values(graph.coords[name]) for name in ("site", "layer") if name in graph.coords), None)
        unit = _values(graph.coords["unit"])
        labels = at_units(labels, np.zeros(len(unit)) if site is None else site, unit, {}, "labels")
    given = np.asarray(labels).ravel().astype(str)
    if len(given) != graph.size:
        raise DataError(f"labels has {len(given)} entries; expected one per unit, {graph.size}. Use '' for no label.")
    held = given[graph.kept] != ""
    named, layer, ours = given[graph.kept][held], graph.layer[held], codes[held]
    if len(set(named)) < 2:
        raise DataError("labels name fewer than two modules among the units with edges; there is nothing to compare.")
    inner = graph.weights[np.ix_(held, held)]
    scores: tuple[Callable[[np.ndarray], float], ...] = (
        lambda drawn: graphs.ari(ours, drawn), lambda drawn: graphs.nmi(ours, drawn),
        lambda drawn: graphs.modularity(inner, drawn),
    )  # fmt: skip
    shuffled = [exchanged(named, layer, rng) for _ in range(n)]
    found: dict[str, float] = {}
    for measure, test, score in zip(measures, TESTS[2:], scores):
        observed = score(named)
        found |= {measure: observed, **ranked(observed, np.array([score(one) for one in shuffled]), level, test)}
    return found


def _values(coord: Any) -> np.ndarray:
    """The values of a coordinate, of an array or beside the name of its dim."""
    return np.asarray(coord[1] if isinstance(coord, tuple) else coord.values)


def exchanged(labels: np.ndarray, layer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Get labels shuffled over the units of each layer, so that modules keep their size in it."""
    drawn = labels.copy()
    for code in np.unique(layer):
        here = np.flatnonzero(layer == code)
        drawn[here] = labels[rng.permutation(here)]
    return drawn
