"""Do the units of a network or a brain fall into modules, more than those of random graphs do, and into which?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from neurolab.analysis.agreed import TEST, TESTS, agreement_with, ranked
from neurolab.analysis.communities import Division, Spectral
from neurolab.analysis.sample import noted
from neurolab.analysis.unit_graph import OF_ACTIVITY, OF_WEIGHTS, Correlation, UnitGraph, graph_of
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed
from neurolab.lineage import weights_said
from neurolab.schema import make_result, register_result
from neurolab.stats import graphs

register_result(
    "modules",
    {
        "label": ("neuroid",),
        **dict.fromkeys(("n_modules", "modularity", "normalised_cut", "stability", "ari", "nmi", "given_q"), ()),
        "q_restart": ("restart",),
        **dict.fromkeys(("q_null", "cut_null"), ("draw",)),
        **dict.fromkeys((f"{test}{name}" for test in TESTS for name in TEST), ()),
    },
    [(f"{test}p", f"{test}effect", f"{test}low", f"{test}high", f"{test}p_floor") for test in TESTS],
)


@dataclass(frozen=True, eq=False)
class Found:
    """The best of several divisions: a module code per node, 0 the largest; Q, n-cut, and all the divisions."""

    codes: np.ndarray
    q: float
    cut: float
    every: list[np.ndarray]

    @property
    def n(self) -> int:
        """How many modules there are."""
        return int(self.codes.max()) + 1

    @property
    def gain(self) -> float:
        """How much less is cut than in a graph without structure, where about n - 1 is; 0 for one module."""
        return self.n - 1 - self.cut


def modules(
    data: Any,
    *,
    by: Division,
    edges: Correlation | None = None,
    null: str | None = None,
    labels: Any = None,
    within: str | None = None,
    n_null: int = 99,
    n_restarts: int = 10,
    allow_parts: bool = False,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get the modules of a graph of units, and whether they are more than what the same search finds in random graphs.

    Parameters
    ----------
    data : a Recording (units are joined by how their activity goes together, see ``edges``), or a symmetric graph of
        non-negative weights (n, n), array or DataArray: ``layered_graph([weights, ...])`` makes one of a network.
    by : ``Spectral(n)``, ``Louvain()`` or ``Leiden()``.
    null : random graphs to compare with, divided by the same search. Of weights: "shuffled" (weights change places
        within their pair of layers; default), "nonzero" (only among edges that exist: keeps the pattern of sparsity),
        "rewired" (every unit keeps its number of edges). Of activity: "matched" (random correlations of the same mean
        and spread; default), "independent" (each unit's presentations shuffled: no correlation at all).
    labels : modules from elsewhere (tasks, sites, another division), one per unit, to compare with; "" for none.
    within : a coordinate of units; given labels and weights are exchanged within its values only. Default "layer", or
        "site" of a Recording.
    n_restarts : divisions of each graph, the observed one and every random one, of which the best counts.
    allow_parts : accept a graph that falls apart.

    Returns
    -------
    Dataset: ``label`` (neuroid; 1 for the largest module, 0 for units without edges), ``n_modules``, ``modularity`` (Q)
    and ``normalised_cut``; ``p`` (Q above the random graphs') and, for Spectral, ``cut_p`` (n-cut below theirs; NaN
    where the number of modules is free), each with an effect (observed minus mean null; for the cut the other way
    round), ``low`` and ``high`` (the effect against 95 % of the random graphs) and ``p_floor``. With ``labels``:
    ``ari``, ``nmi`` and ``given_q`` (the Q of the given labels) with theirs, against labels exchanged over units; NaN
    without. ``stability`` is the mean ARI of restarts, ``q_restart`` their Q; ``weight`` holds the edges.

    Raises
    ------
    DataError : a graph that is not symmetric, negative, NaN, without edges, or in parts. DesignError : too few units.

    When this is invalid
    --------------------
    One network or brain: p is its rank among random graphs and says nothing about others; over several, test their
    ``effect`` with a sign-flip. "independent" is beaten by any correlation, "shuffled" by any pattern of sparsity (and
    random graphs that fall apart have low cuts: see ``null_in_parts``); compare with a network before training.
    Modules of connections need not be modules of function: cut them and see.

    Source
    ------
    Newman & Girvan 2004, doi:10.1103/PhysRevE.69.026113; n-cut and its null: Filan et al. 2021, arXiv:2103.03386;
    "matched", scaled to correlations: Hirschberger et al. 2007, doi:10.1016/j.ejor.2005.10.014.

    Example
    -------
    >>> graph = np.kron(np.eye(3), np.ones((6, 6))) + 0.1
    >>> from neurolab.analysis import Spectral
    >>> found = modules(graph, by=Spectral(3), null="shuffled", n_null=19, n_restarts=2, rng=0)
    >>> int(found["n_modules"]), round(float(found["modularity"]), 2), float(found["p"])
    (3, 0.49, 0.05)
    """
    graph = graph_of(data, edges, within)
    null = _known(null, graph, level)
    _check(graph, by, n_null, n_restarts, allow_parts)
    found = search(graph.weights, by, n_restarts, generator(rng, "modules", "observed"))
    drawn = [divided_null(graph, null, by, n_restarts, generator(rng, "modules", null, at)) for at in range(n_null)]
    return make_result(
        {
            **_divided(graph, found),
            **_against(found, [one for one, _ in drawn], by, level),
            **agreement_with(graph, found.codes, labels, n_null, level, generator(rng, "modules", "labels")),
            **_kept(graph),
        },
        coords=graph.coords,
        test=f"rank among {n_null} random graphs ({null}), each divided by {by!r}, best of {n_restarts}",
        level=level,
        rng=rng_name(rng),
        **{name: str(getattr(data, "attrs", {}).get(name, "")) for name in ("source", "sites", "specimen")},
        **(weights_said(data) if hasattr(data, "attrs") else {}),
        null=null,
        by=repr(by),
        **_about(graph, found, drawn),
    )


def _divided(graph: UnitGraph, found: Found) -> dict[str, Any]:
    """The modules of the graph, how good they are, and how far the restarts agree."""
    label = np.zeros(graph.size, dtype=np.int64)
    label[graph.kept] = found.codes + 1
    return {
        "label": ("neuroid", label),
        "n_modules": found.n,
        "modularity": found.q,
        "normalised_cut": found.cut,
        "stability": _stability(found.every),
        "q_restart": ("restart", np.array([graphs.modularity(graph.weights, codes) for codes in found.every])),
    }


def _against(found: Found, drawn: list[Found], by: Division, level: float) -> dict[str, Any]:
    """Q and n-cut of the random graphs, and where those of the graph lie among them."""
    q, cut, gain = (np.array([getattr(one, name) for one in drawn]) for name in ("q", "cut", "gain"))
    null = {"q_null": ("draw", q), "cut_null": ("draw", cut)}
    return {**null, **ranked(found.q, q, level), **_cut(found, gain, level, by)}


def _about(graph: UnitGraph, found: Found, drawn: list[tuple[Found, int]]) -> dict[str, Any]:
    weights = graph.weights
    return {
        "analysis": "modules",
        "estimand": f"Q of the modules of one graph of {len(weights)} units ({graph.said}), less that of random graphs "
        "searched alike",
        "n": 1,
        "generalises_over": "control draw",
        "correction": "none",
        "alternative": "greater",
        "inputs": digest_of(weights),
        "edges": graph.said,
        "n_units": graph.size,
        "n_without_edges": graph.size - len(weights),
        "null_in_parts": float(np.mean([parts > 1 for _, parts in drawn])),
        "override": "a graph in parts allowed" if n_parts(weights) > 1 else "",
        "reasons": _reasons(found, _stability(found.every)),
        "note": _note(graph, drawn),
    }


def _known(null: str | None, graph: UnitGraph, level: float) -> str:
    """The name of the random graphs, which must suit the graph."""
    table: dict[str, Any] = OF_WEIGHTS if graph.rows is None else OF_ACTIVITY
    chosen = next(iter(table)) if null is None else null
    if chosen not in table:
        kind = "weights" if graph.rows is None else "activity"
        raise UnknownNameError(
            f"null={chosen!r} is no random graph of {kind}.{did_you_mean(chosen, table)} Choose from {listed(table)}."
        )
    if chosen == "rewired" and graph.layer.max() > 0:
        raise DesignError("null='rewired' would join layers that are not neighbours; type null='shuffled'.")
    if not 0 < level < 1:
        raise DesignError(f"level={level} given; expected a number between 0 and 1. Type level=0.95.")
    return chosen


def _check(graph: UnitGraph, by: Any, n_null: int, n_restarts: int, allow_parts: bool) -> None:
    if not isinstance(by, Division):
        raise DesignError(f"by={by!r} given; expected how to divide. Type by=Spectral(4), by=Louvain() or by=Leiden().")
    n, wanted, parts = len(graph.weights), getattr(by, "n", 2), n_parts(graph.weights)
    if n < 2 * wanted:
        raise DesignError(f"{n} units with edges cannot be {wanted} modules of two or more. Type by=Spectral(2).")
    if n_null < 1 or n_restarts < 1:
        raise DesignError(f"n_null={n_null} and n_restarts={n_restarts} given; expected 1 or more. Type n_null=99.")
    if parts > 1 and not allow_parts:
        raise DataError(
            f"The graph falls into {parts} parts without any edge between them: these are its modules, and nothing "
            "needs a search. Divide one part, graph[part][:, part], or type allow_parts=True, which the result records."
        )


def n_parts(weights: np.ndarray) -> int:
    """Get into how many connected parts a graph falls."""
    return int(sparse.csgraph.connected_components(sparse.csr_array(weights > 0), directed=False)[0])


def search(weights: np.ndarray, by: Division, n_restarts: int, rng: np.random.Generator) -> Found:
    """Get the best of several divisions of a graph without isolated nodes."""
    seeds = rng.integers(2**31 - 1, size=n_restarts)
    every = [_by_size(by.divide(weights, int(seed))) for seed in seeds]
    best = every[0] if n_restarts == 1 else max(every, key=lambda codes: by.score(weights, codes))
    return Found(best, graphs.modularity(weights, best), graphs.normalised_cut(weights, best), every)


def _by_size(codes: np.ndarray) -> np.ndarray:
    """The same modules, numbered from the largest on; of two alike the one with the first node."""
    _, first, code, count = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    return np.argsort(np.lexsort((first, -count)))[code]


def divided_null(graph: UnitGraph, null: str, by: Division, n: int, rng: np.random.Generator) -> tuple[Found, int]:
    """Get a random graph without its isolated nodes, divided alike, and into how many parts it falls."""
    draw: Callable[..., np.ndarray] = {**OF_WEIGHTS, **OF_ACTIVITY}[null]
    weights = draw(graph, rng)
    held = np.flatnonzero(weights.sum(axis=1) > 0)
    weights = weights[np.ix_(held, held)]
    return search(weights, by, n, rng), n_parts(weights)


def _cut(found: Found, null: np.ndarray, level: float, by: Division) -> dict[str, float]:
    """The test of the n-cut; NaN unless all graphs have the same number of modules: more of them cut more."""
    if not isinstance(by, Spectral):
        return {f"cut_{key}": float("nan") for key in TEST}
    return ranked(found.gain, null, level, "cut_")


def _stability(every: list[np.ndarray]) -> float:
    pairs = list(combinations(every, 2))
    return float(np.mean([graphs.ari(one, other) for one, other in pairs])) if pairs else float("nan")


def _kept(graph: UnitGraph) -> dict[str, Any]:
    """The edges of all units."""
    whole = np.zeros((graph.size, graph.size))
    whole[np.ix_(graph.kept, graph.kept)] = graph.weights
    return {"weight": (("neuroid", "neuroid_to"), whole)}


def _reasons(found: Found, stability: float) -> list[str]:
    """What was found before any test: how many modules, how large, how good, how stable."""
    sizes = ", ".join(str(size) for size in np.bincount(found.codes))
    again = "" if np.isnan(stability) else f" Restarts agree with each other by a mean ARI of {stability:.2f}."
    called = "module, of" if found.n == 1 else "modules, of"
    return [f"{found.n} {called} {sizes} units; modularity Q = {found.q:.3f}, normalised cut {found.cut:.3f}.{again}"]


def _note(graph: UnitGraph, drawn: list[tuple[Found, int]]) -> str:
    lost, apart = graph.size - len(graph.weights), sum(parts > 1 for _, parts in drawn)
    return noted(
        f"{lost} of {graph.size} units have no edge, or do not vary, and are in no module." if lost else "",
        f"{apart} of {len(drawn)} random graphs fell apart, which lowers their cut: compare with null='nonzero'."
        if apart and graph.rows is None else "",
        "One graph: p is its rank among random graphs, and says nothing about other networks.",
    )  # fmt: skip
