"""Are networks more modular than shuffled ones? The n-cut of each, beside those of its shuffles, over networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.communities import Spectral
from neurolab.analysis.flags import as_attrs
from neurolab.analysis.partition import Found, divided_null, n_parts, search
from neurolab.analysis.profiles import training_flags
from neurolab.analysis.sample import noted
from neurolab.analysis.unit_graph import OF_WEIGHTS, UnitGraph, graph_of
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")
RANK = ("own_p", "own_low", "own_high", "own_p_floor")
#: The least sd of shuffles that z is counted in, as a share of their mean n-cut: where the cheapest cut takes off a
#: whole layer, it is the same in every shuffle, and its sd 0.
LEAST_SD = 0.001
SHIFT = {"shift": "effect", "shift_low": "low", "shift_high": "high"}
EACH = ("null_mean", "null_sd", "difference", "z", *RANK, "null_in_parts")

register_result(
    "clusterability",
    {
        **dict.fromkeys(("cut", "in_out", "n_units", "n_parts", "smallest", "largest"), ("condition", "specimen")),
        "label": ("condition", "specimen", "neuroid"),
        **dict.fromkeys(EACH, ("condition", "null", "specimen")),
        **dict.fromkeys((*TEST, *SHIFT), ("condition", "null")),
    },
    [("p", "effect", "low", "high", "p_floor")],
)

Graphs = Mapping[str, Sequence[Any]] | Sequence[Any]


def clusterability(
    graphs: Graphs,
    *,
    by: Spectral,
    nulls: Sequence[str] = ("shuffled", "nonzero"),
    n_null: int = 50,
    training: pd.DataFrame | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether networks can be cut into clusters more cheaply than the same networks with their weights shuffled.

    Each network is divided by spectral clustering, and so are ``n_null`` shuffles of it, isolated units deleted anew.
    z = (n-cut - mean of the shuffles) / their sd (at least a thousandth of their mean), below 0 where the network is
    modular; z is tested by a two-sided sign-flip over networks, per condition and kind of shuffle.

    Parameters
    ----------
    graphs : per condition the graphs of its networks (``nl.specimen.structure(net)``), as many in each, all of the
        same units; or one list of graphs. Put untrained networks among the conditions.
    by : ``Spectral(12)`` in the paper; at most half as many clusters as there are units with edges.
    nulls : "shuffled" (all weights between two layers change places, zeros too) and "nonzero" (only among edges that
        exist). Where the first alone is passed, what was found is the pattern of sparsity.
    n_null : shuffles of each kind per network; the smallest rank p is 1 / (n_null + 1).
    training : of ``nl.specimen.training_table``: what it says against networks that did not learn is passed on.

    Returns
    -------
    Dataset over condition and null: ``effect`` (mean z), ``low``, ``high``, ``p``, ``p_floor``; ``shift`` is the mean
    difference in units of n-cut, with its interval. Per network: ``cut``, ``null_mean``, ``null_sd``, ``difference``,
    ``z``, its rank among its shuffles (``own_p``), ``null_in_parts`` (share of shuffles that fell apart), ``in_out``
    (weight within over weight between), sizes of clusters; ``label`` (0: no edge), for ``alignment``.

    Raises
    ------
    DesignError : more clusters than half the units, conditions of unequal size, one network only.
    DataError : a graph that is none.

    When this is invalid
    --------------------
    The shuffle of a sparse graph falls apart, which lowers its cut: a large z above 0 under "shuffled" alone is that
    artefact. The sd of shuffles is small, so that z is large where the difference is not: read ``shift`` too. All of
    it depends on the number of clusters and the width; compare with untrained networks.

    Source
    ------
    Filan et al. 2021, arXiv:2103.03386 (n-cut, shuffle); 2020 version for the shuffle of non-zero weights.

    Example
    -------
    >>> draw = np.random.default_rng(0)
    >>> def network(blocks):
    ...     one = draw.uniform(size=(12, 12)) * (0.1 + 0.9 * np.kron(np.eye(2), np.ones((6, 6)))) ** blocks
    ...     return one + one.T
    >>> nets = {"planted": [network(1) for _ in range(6)], "none": [network(0) for _ in range(6)]}
    >>> found = clusterability(nets, by=Spectral(2, n_init=2), n_null=5, rng=0).sel(null="shuffled")
    >>> (found["effect"] < -2).values.tolist(), round(float(found["p"][0]), 4)
    ([True, False], 0.0312)
    """
    given = {str(name): list(some) for name, some in _by_condition(graphs).items()}
    held = {name: [graph_of(one, None, None) for one in some] for name, some in given.items()}
    _check(held, by, nulls, n_null)
    who = {name: [_called(one, at) for at, one in enumerate(some)] for name, some in given.items()}
    each = [
        [_network(graph, by, nulls, n_null, level, (rng, name, called)) for graph, called in zip(held[name], who[name])]
        for name in held
    ]
    variables = _stacked(each, nulls)
    tests = [
        [_over_networks(variables[of][1][i, j], level, generator(rng, "cut", of, name, null))
         for j, null in enumerate(nulls)] for of in ("z", "difference") for i, name in enumerate(held)
    ]  # fmt: skip
    z, shift = np.array(tests, dtype=object).reshape(2, len(held), len(nulls))
    variables |= {name: (("condition", "null"), _read(z, name)) for name in TEST}
    variables |= {name: (("condition", "null"), _read(shift, key)) for name, key in SHIFT.items()}
    first = next(iter(given.values()))[0]
    return make_result(
        {**variables, "network": (("condition", "specimen"), strings([who[name] for name in held]))},
        coords={"condition": strings(list(held)), "null": strings(list(nulls)),
                **next(iter(held.values()))[0].coords},
        rng=rng_name(rng),
        **{name: str(getattr(first, "attrs", {}).get(name, "")) for name in ("source", "sites")},
        **_about(held, by, nulls, n_null, level),
        reasons=_reasons(list(held), nulls, z, shift, level),
        **as_attrs(training_flags(training, list(held))),
        note=_note(held, variables, nulls, z[0, 0]),
    )  # fmt: skip


def _by_condition(graphs: Graphs) -> Mapping[str, Sequence[Any]]:
    return graphs if isinstance(graphs, Mapping) else {"networks": graphs}


def _called(graph: Any, at: int) -> str:
    return str(getattr(graph, "attrs", {}).get("specimen", "")) or f"network {at + 1}"


def _check(held: Mapping[str, Sequence[UnitGraph]], by: Any, nulls: Sequence[str], n_null: int) -> None:
    if not isinstance(by, Spectral):
        raise DesignError(f"by={by!r} given; n-cuts compare graphs cut into as many clusters. Type by=Spectral(12).")
    wrong = [null for null in nulls if null not in OF_WEIGHTS or null == "rewired"]
    if isinstance(nulls, str) or wrong or not nulls:
        near = did_you_mean(wrong[0], OF_WEIGHTS) if wrong else ""
        raise UnknownNameError(f"nulls={nulls!r} given.{near} Type nulls=('shuffled', 'nonzero'), or one of them in a "
                               "tuple.")  # fmt: skip
    if n_null < 2:
        raise DesignError(f"n_null={n_null} given; expected 2 or more shuffles, for their sd. Type n_null=50.")
    sizes = {name: len(some) for name, some in held.items()}
    if not sizes or len(set(sizes.values())) > 1 or min(sizes.values()) < 2:
        raise DesignError(f"The conditions have {sizes} networks; expected as many in each, two at the least (six can "
                          "reach p = .05, eight is the house's least).")  # fmt: skip
    units = {name: sorted({graph.size for graph in some}) for name, some in held.items()}
    if len({size for some in units.values() for size in some}) > 1:
        raise DesignError(f"The networks have {units} units; expected the same units in all, for one number of "
                          "clusters means another thing in another width. Type one clusterability() per width.")
    for name, some in held.items():
        for at, graph in enumerate(some):
            if len(graph.weights) < 2 * by.n:
                raise DesignError(
                    f"{name}, network {at + 1}: {len(graph.weights)} of {graph.size} units have edges, which cannot be "
                    f"{by.n} clusters of two or more. Type by=Spectral({max(2, len(graph.weights) // 2)}), or prune "
                    "less."
                )


def _network(
    graph: UnitGraph, by: Spectral, nulls: Sequence[str], n_null: int, level: float, chance: tuple
) -> dict[str, Any]:
    """What is known of one network: its cut and clusters, and per kind of shuffle where its cut lies."""
    rng, *address = chance
    found = search(graph.weights, by, 1, generator(rng, "clusterability", *address))
    sizes = np.bincount(found.codes)
    label = np.zeros(graph.size, dtype=np.int64)
    label[graph.kept] = found.codes + 1
    own = {"cut": found.cut, "in_out": _in_out(found), "n_units": len(graph.weights), "label": label,
           "n_parts": n_parts(graph.weights), "smallest": sizes.min(), "largest": sizes.max()}  # fmt: skip
    drawn = [[divided_null(graph, null, by, 1, generator(rng, "clusterability", *address, null, at))
              for at in range(n_null)] for null in nulls]  # fmt: skip
    return {**own, "nulls": [_against(found.cut, one, level) for one in drawn]}


def _in_out(found: Found) -> float:
    """Weight within over weight between, mean over clusters; the n-cut in a readable form."""
    share = found.cut / found.n
    return float("inf") if share == 0 else (1 - share) / (2 * share)


def _against(cut: float, drawn: list[tuple[Found, int]], level: float) -> dict[str, float]:
    """The cut of a network against those of its shuffles; below them is modular."""
    null = np.array([one.cut for one, _ in drawn])
    difference = float(cut - null.mean())
    sd = max(float(null.std(ddof=1)), LEAST_SD * (float(null.mean()) or cut))  # shuffles all in parts have cuts of 0
    low, high = np.quantile(null, (0.5 - level / 2, 0.5 + level / 2))
    as_low = int((null <= cut + 1e-9 * max(1.0, cut)).sum())
    return {"null_mean": float(null.mean()), "null_sd": float(null.std(ddof=1)), "difference": difference,
            "z": difference / sd if sd else 0.0, "own_p": (as_low + 1) / (len(null) + 1), "own_low": cut - high,
            "own_high": cut - low, "own_p_floor": 1 / (len(null) + 1),
            "null_in_parts": float(np.mean([parts > 1 for _, parts in drawn]))}  # fmt: skip


def _stacked(each: list[list[dict[str, Any]]], nulls: Sequence[str]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """The networks' numbers as arrays over condition (and null) and specimen."""
    two, three = ("condition", "specimen"), ("condition", "null", "specimen")
    own = {name: (two, np.array([[one[name] for one in some] for some in each]))
           for name in each[0][0] if name not in ("nulls", "label")}  # fmt: skip
    label = {"label": ((*two, "neuroid"), np.array([[one["label"] for one in some] for some in each]))}
    against = {
        name: (three, np.array([[[one["nulls"][j][name] for one in some] for j in range(len(nulls))] for some in each]))
        for name in EACH
    }
    return {**own, **label, **against}


def _over_networks(values: np.ndarray, level: float, rng: np.random.Generator) -> SignFlip:
    return sign_flip(values, level=level, rng=rng)


def _read(tests: np.ndarray, name: str) -> np.ndarray:
    return np.array([[getattr(one, name) for one in row] for row in tests], dtype=np.float64)


def _about(
    held: Mapping[str, Sequence[UnitGraph]], by: Spectral, nulls: Sequence[str], n_null: int, level: float
) -> dict[str, Any]:
    return {
        "analysis": "clusterability",
        "estimand": "the mean over networks of z: how far the n-cut of a network lies from that of its own shuffles, "
        "in their sd; below 0 is modular",
        "test": f"two-sided sign-flip of z over networks; {n_null} shuffles ({', '.join(nulls)}) per network, divided "
        f"by {by!r}",
        "n": len(next(iter(held.values()))),
        "generalises_over": "specimen",
        "correction": "none",
        "alternative": "two-sided",
        "level": level,
        "inputs": digest_of(*(graph.weights for some in held.values() for graph in some)),
        "by": repr(by),
        "n_clusters": by.n,
        "n_permutations": n_null,
    }


def _reasons(names: list[str], nulls: Sequence[str], z: np.ndarray, shift: np.ndarray, level: float) -> list[str]:
    """One sentence per condition: both kinds of shuffle side by side."""
    said = []
    for name, zs, shifts in zip(names, z, shift):
        parts = [
            f"against {null} weights z = {interval_text(one.effect, one.low, one.high, level)}, {p_text(one.p)} (n-cut "
            f"{by_cut.effect:+.3g})" for null, one, by_cut in zip(nulls, zs, shifts)
        ]  # fmt: skip
        said.append(f"{name}: {'; '.join(parts)}. {_verdict(zs)}")
    return said


def _verdict(tests: np.ndarray) -> str:
    sides = [np.sign(one.effect) if one.p <= 0.05 else 0 for one in tests]
    if all(side < 0 for side in sides):
        return "Modular beyond every kind of shuffle." if len(sides) > 1 else "Modular beyond the shuffle."
    if any(side < 0 for side in sides):
        return "Modular beyond one kind of shuffle only."
    return "Less modular than a shuffle." if any(side > 0 for side in sides) else "Not shown to be modular."


def _note(
    held: Mapping[str, Sequence[UnitGraph]], variables: Mapping[str, Any], nulls: Sequence[str], test: SignFlip
) -> str:
    """What would undermine the result."""
    names = list(held)
    lost = {name: sum(graph.size - len(graph.weights) for graph in some) for name, some in held.items()}
    split = [name for name, parts in zip(names, variables["n_parts"][1]) if (parts > 1).any()]
    apart = [f"{name} ({null})" for i, name in enumerate(names) for j, null in enumerate(nulls)
             if variables["null_in_parts"][1][i, j].mean() > 0.05]  # fmt: skip
    isolated = ", ".join(f"{name} {n}" for name, n in lost.items() if n)
    return noted(
        floor_text(test.n, test.p_floor, plural="networks", alternative="two-sided"),
        f"Units without edges, which are in no cluster, over all networks: {isolated}." if isolated else "",
        f"Networks of {listed(split)} fall into parts: these are clusters without any search." if split else "",
        f"Shuffles fell apart, which lowers their cut, of {listed(apart)}." if apart else "",
    )
