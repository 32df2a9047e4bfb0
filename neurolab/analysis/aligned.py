"""Are the clusters of the connections those of function? Agreement of two labellings of units, over networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.agreed import TIE, exchanged
from neurolab.analysis.flags import as_attrs, flags_in
from neurolab.analysis.profiles import training_flags
from neurolab.analysis.sample import noted
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, SchemaError, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.graphs import AGREEMENT
from neurolab.stats.permutation import SignFlip, sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")
MEASURES = tuple(AGREEMENT)
#: What is held against function: the clusters found, and clusters of the same sizes in the same layers, at random.
FOUND, RANDOM = "found", "random"
EACH = ("agreement", "chance", "excess", "own_p", "own_p_floor")

register_result(
    "alignment",
    {
        **dict.fromkeys(EACH, ("condition", "partition", "measure", "specimen")),
        **dict.fromkeys(TEST, ("condition", "partition", "measure")),
        "n_units": ("condition", "specimen"),
        "both_shown": ("condition",),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def alignment(
    cut: xr.Dataset,
    functions: Mapping[str, Sequence[Any]],
    *,
    n_permutations: int = 999,
    training: pd.DataFrame | None = None,
    level: float = 0.95,
    alpha: float = 0.05,
    rng: RNG,
) -> xr.Dataset:
    """Get whether clusters of connections agree with functions of units, beyond clusters of their sizes per layer.

    Per network: the adjusted Rand index (ARI) and the normalised mutual information (NMI) of both labellings, over the
    units that have both, less their mean when functions are exchanged among the units of each layer (sizes stay).
    This excess is tested by a one-sided sign-flip over networks: agreement by chance is skewed (most networks lie a
    little below their mean), so that a two-sided test would call chance "less than chance" too often.

    Parameters
    ----------
    cut : of ``clusterability``, whose ``label`` are the clusters of each network.
    functions : per condition, in the order of its networks, what each unit is for (``functional_labels``); conditions
        of ``cut`` that are not named are left out.
    n_permutations : exchanges per network; the smallest p of one network is 1 / (n_permutations + 1).
    training : of ``nl.specimen.training_table``: what it says against networks that did not learn is passed on.

    Returns
    -------
    Dataset over condition, partition and measure ("ari", "nmi"): ``effect`` (mean excess), ``low``, ``high``, ``p``,
    ``p_floor``. The partition "random" is the control: the clusters of each network exchanged once among the units of
    each layer, and then treated as if they had been found. Per network ``agreement``, ``chance``, ``excess`` and its
    rank among the exchanges, ``own_p``. ``both_shown`` (condition): emergent modularity, which takes both the n-cut
    below every kind of shuffle and agreement (ARI) above chance, each at ``alpha``.

    Raises
    ------
    SchemaError : another result. DesignError : networks that do not correspond. DataError : labels that cannot be
    compared: of another length, or fewer than two clusters or functions among the units that have both.

    When this is invalid
    --------------------
    The interval inverts the two-sided test, and covers about .90 where .95 is asked, for the skew.
    Functions that come from lesions of the same clusters. Layers differ in function and in cluster: exchange within
    layers, as here, or their difference passes for agreement. A small ARI above chance is agreement, not identity.

    Source
    ------
    Hubert & Arabie 1985, doi:10.1007/BF01908075; intersection of tests: Berger 1982,
    doi:10.1080/00401706.1982.10487790.

    Example
    -------
    >>> from neurolab.analysis import Spectral, clusterability
    >>> draw = np.random.default_rng(0)
    >>> halves = np.kron(np.eye(2), np.ones((6, 6)))
    >>> nets = [halves + 0.1 * (noise + noise.T) for noise in draw.random((6, 12, 12))]
    >>> cut = clusterability({"planted": nets}, by=Spectral(2, n_init=2), n_null=9, rng=0)
    >>> found = alignment(cut, {"planted": [["left"] * 6 + ["right"] * 6] * 6}, n_permutations=99, rng=0)
    >>> float(found["agreement"].sel(partition="found", measure="ari").mean()), found["both_shown"].values.tolist()
    (1.0, [True])
    """
    _check(cut, functions, n_permutations)
    names = [str(name) for name in cut["condition"].values if str(name) in functions]
    each, n_units = _every_network(cut, functions, names, n_permutations, rng)
    tests = np.array([[[_over(each[i, k, m, :, 2], level, generator(rng, "alignment", name, k, m))
                        for m in range(len(MEASURES))] for k in range(2)] for i, name in enumerate(names)])  # fmt: skip
    three = ("condition", "partition", "measure")
    return make_result(
        {
            **{what: ((*three, "specimen"), each[..., k]) for k, what in enumerate(EACH)},
            **{what: (three, _read(tests, what)) for what in TEST},
            "n_units": (("condition", "specimen"), n_units),
            "both_shown": ("condition", [_both_shown(cut, one, tests[i, 0, 0], alpha) for i, one in enumerate(names)]),
            "network": (("condition", "specimen"), strings(cut["network"].sel(condition=names).values)),
        },
        coords={"condition": strings(names), "partition": strings([FOUND, RANDOM]), "measure": strings(MEASURES)},
        rng=rng_name(rng),
        **_about(cut, each, n_permutations, level, alpha),
        **as_attrs({**flags_in(cut.attrs), **training_flags(training, names)}),
        reasons=_reasons(names, tests, each, cut, alpha, level),
        note=noted(floor_text(cut.sizes["specimen"], tests[0, 0, 0].p_floor, plural="networks",
                              alternative="greater")),
    )  # fmt: skip


def _every_network(
    cut: xr.Dataset, functions: Mapping[str, Sequence[Any]], names: Sequence[str], n_permutations: int, rng: RNG
) -> tuple[np.ndarray, np.ndarray]:
    """The agreement of every network, of found and of exchanged clusters, and how many units it is over."""
    layer = _layers(cut)
    each = np.empty((len(names), 2, len(MEASURES), cut.sizes["specimen"], len(EACH)))
    n_units = np.empty((len(names), cut.sizes["specimen"]), dtype=np.int64)
    for i, name in enumerate(names):
        for at in range(cut.sizes["specimen"]):
            clusters = cut["label"].sel(condition=name).values[at]
            held, given = _both(clusters, functions[name][at], f"{name}, network {at + 1}")
            n_units[i, at] = held.sum()
            draws = generator(rng, "alignment", name, at, n_permutations)
            found, where = clusters[held], layer[held]
            for k, codes in enumerate((found, exchanged(found, where, draws))):
                each[i, k, :, at] = _network(codes, given[held], where, n_permutations, draws)
    return each, n_units


def _check(cut: xr.Dataset, functions: Mapping[str, Sequence[Any]], n_permutations: int) -> None:
    if not isinstance(cut, xr.Dataset) or cut.attrs.get("analysis") != "clusterability":
        raise SchemaError(f"alignment() got {type(cut).__name__}; expected the result of clusterability(graphs, by="
                          "Spectral(4), rng=0), whose clusters are compared.")  # fmt: skip
    known, n = [str(name) for name in cut["condition"].values], cut.sizes["specimen"]
    strange = [name for name in functions if name not in known]
    if strange or not functions:
        raise DesignError(f"functions name the conditions {listed(strange)}; the n-cuts are of "
                          f"{listed(known)}. Type functions={{{known[0]!r}: [...]}}.")  # fmt: skip
    wrong = {name: len(some) for name, some in functions.items() if len(some) != n}
    if wrong:
        raise DesignError(f"functions have {wrong} networks; the n-cuts {n} per condition. Give one per network, in "
                          "the same order.")
    if n_permutations < 1:
        raise DesignError(f"n_permutations={n_permutations} given; expected 1 or more. Type n_permutations=999.")


def _layers(cut: xr.Dataset) -> np.ndarray:
    """The layer of each unit; one layer where the graphs have none."""
    if "layer" not in cut.coords:
        return np.zeros(cut.sizes["neuroid"], dtype=np.int64)
    return np.unique(cut["layer"].values.astype(str), return_inverse=True)[1]


def _both(clusters: np.ndarray, functions: Any, who: str) -> tuple[np.ndarray, np.ndarray]:
    """Which units have a cluster and a function, and the functions of all."""
    given = np.asarray(functions).ravel().astype(str)
    if len(given) != len(clusters):
        raise DataError(f"{who}: {len(given)} functions of {len(clusters)} units; expected one per unit of the graph, "
                        "'' for none. Type functional_labels(trials, of=graph).")
    held = (clusters > 0) & (given != "")
    if held.sum() < 2 or len(set(given[held])) < 2 or len(set(clusters[held])) < 2:
        raise DataError(f"{who}: {held.sum()} units have a cluster and a function; they have "
                        f"{len(set(given[held]))} functions and {len(set(clusters[held]))} clusters, expected two or "
                        "more of each. Do all units serve one task, or lie in one cluster?")
    return held, given


def _network(
    clusters: np.ndarray, functions: np.ndarray, layer: np.ndarray, n: int, draws: np.random.Generator
) -> np.ndarray:
    """Agreement, chance, excess, p and its floor of one network, (measure, 5)."""
    (_, one), (_, other) = (np.unique(labels, return_inverse=True) for labels in (clusters, functions))
    tables = [_table(one, drawn) for drawn in (other, *(exchanged(other, layer, draws) for _ in range(n)))]
    rows = []
    for score in AGREEMENT.values():
        observed, *of_exchanged = (score(table) for table in tables)
        null = np.array(of_exchanged)
        p = (1 + int((null >= observed - TIE).sum())) / (n + 1)
        rows.append([observed, null.mean(), observed - null.mean(), p, 1 / (n + 1)])
    return np.array(rows)


def _table(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many units are in cluster i and serve function j."""
    shape = int(one.max()) + 1, int(other.max()) + 1
    return np.bincount(one * shape[1] + other, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _over(excess: np.ndarray, level: float, rng: np.random.Generator) -> SignFlip:
    return sign_flip(excess, alternative="greater", level=level, rng=rng)


def _read(tests: np.ndarray, name: str) -> np.ndarray:
    return np.array([getattr(one, name) for one in tests.ravel()], dtype=np.float64).reshape(tests.shape)


def _both_shown(cut: xr.Dataset, name: str, aligned: SignFlip, alpha: float) -> bool:
    """Whether weights are modular beyond every shuffle and clusters agree with functions: both, each at alpha."""
    here = cut.sel(condition=name)
    modular = ((here["p"] <= alpha) & (here["effect"] < 0)).values.all()
    return bool(modular and aligned.p <= alpha and aligned.effect > 0)


def _about(cut: xr.Dataset, each: np.ndarray, n_permutations: int, level: float, alpha: float) -> dict[str, Any]:
    return {
        "analysis": "alignment",
        "estimand": "the mean over networks of the agreement (ARI, NMI) of clusters of connections with functions of "
        "units, less that of functions exchanged within layers",
        "test": f"one-sided sign-flip over networks of the excess over {n_permutations} exchanges within layers",
        "n": cut.sizes["specimen"],
        "generalises_over": "specimen",
        "correction": "none",
        "alternative": "greater",
        "level": level,
        "alpha": alpha,
        "source": str(cut.attrs.get("source", "")),
        "inputs": digest_of(each),
        "by": str(cut.attrs.get("by", "")),
        "n_permutations": n_permutations,
    }


def _reasons(
    names: list[str], tests: np.ndarray, each: np.ndarray, cut: xr.Dataset, alpha: float, level: float
) -> list[str]:
    said = []
    for i, name in enumerate(names):
        one, own = tests[i, 0, 0], each[i, 0, 0]
        both = _both_shown(cut, name, one, alpha)
        said.append(
            f"{name}: ARI {own[:, 0].mean():.3g}, above chance by "
            f"{interval_text(one.effect, one.low, one.high, level)}, {p_text(one.p)}; "
            f"{int((own[:, 3] <= alpha).sum())} of {len(own)} networks alone. "
            f"Random clusters: {p_text(tests[i, 1, 0].p)}. Modular in weights and in function: "
            f"{'shown' if both else 'not shown'}."
        )
    return said
