"""Is there an effect anywhere in a map of neighbours? Clusters over units, layers and times, or voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.adjacency import neighbours
from neurolab.analysis.clump_forming import Clumps, ClusterMass, Tfce, check_floor, form
from neurolab.analysis.mapped import Mapped, mapped
from neurolab.analysis.sample import PLURAL, noted, whose_stimuli
from neurolab.chance import RNG, generator, rng_name
from neurolab.contrast import Contrast
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, DoubleDippingError, UnknownNameError, did_you_mean, listed
from neurolab.lineage import weights_said
from neurolab.schema import make_result, register_result, strings

ALTERNATIVES = ("two-sided", "greater", "less")
#: What a small p of a cluster says, and what it does not say.
ABOUT_CLUSTERS = (
    "A small p says that the labels are not exchangeable: there is an effect somewhere in the map. It is about the "
    "cluster as a whole, not about its borders: nothing follows about where or when the effect begins or ends, nor "
    "about any single place (Sassenhagen & Draschkow 2019, doi:10.1111/psyp.13335)."
)
SAME = "the same data that formed the clusters: descriptive, and inflated by the selection"
FRESH = "other data than those that formed the clusters"

register_result(
    "clusters",
    {
        **dict.fromkeys(("mass", "extent", "p", "effect", "low", "high", "peak"), ("cluster",)),
        "p_floor": (),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def clusters(
    data: xr.DataArray,
    contrast: str | Contrast | None = None,
    *,
    by: ClusterMass | Tfce,
    adjacency: Any = None,
    pair: str | None = None,
    alternative: str = "two-sided",
    alpha: float = 0.05,
    n_permutations: int = 1_000,
    measured_on: xr.DataArray | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get whether a map of neighbouring places holds an effect, from clusters and rearranged labels (family-wise).

    The statistic of a place is a t: of differences against 0, or Welch's of two groups. The largest cluster of every
    rearrangement (signs flipped, or labels shuffled, of whole members of the sample) is the null of all clusters.

    Parameters
    ----------
    data : a Recording (with a contrast of its conditions; the sample is stimuli, each shown once; time may stay), or
        values with a dim "specimen", "subject" or "stimulus", the sample, and any others: neuroid, layer, time, row …
        A dim "condition" is compared within members, a coordinate "group" on the members between them; without a
        contrast the values themselves are tested against 0. Places with a coordinate ``valid`` of False are left out.
    by : ``ClusterMass(p)``, with the cluster-forming p, or ``Tfce()``: chosen before looking, and recorded.
    adjacency : who is whose neighbour, see :func:`neurolab.analysis.neighbours`; needed where no grid or line says so.
    pair : a presentation coordinate that names pairs of stimuli.
    alternative : "two-sided", "greater" (the positive side is larger) or "less".
    n_permutations : rearrangements to draw; of one group of few members all sign patterns are listed instead.
    measured_on : other stimuli or members at the same places, to measure the clusters on.
    rng : integer or Generator.

    Returns
    -------
    Dataset over cluster (largest mass first): ``mass``, ``extent`` (places), ``p`` (family-wise), ``peak`` (place of
    the largest t), ``effect`` with ``low, high`` (t interval of the mean of the places; attrs["effect_on"] says on
    which data, and that on the same data it is descriptive), ``value`` per member. Over the places: ``label`` (0
    outside, k in the k-th cluster), ``statistic``, ``difference``, ``place_p``, ``valid``. For Tfce a cluster is what
    hangs together of the places with ``place_p`` <= alpha, its p their smallest.

    Raises
    ------
    DesignError : no adjacency, or too few members for alpha. DoubleDippingError : ``measured_on`` shares members.

    When this is invalid
    --------------------
    As a statement about borders, onsets or single places. For groups of unequal size and spread (labels are then not
    exchangeable). Differences whose distribution is not symmetric under the null.

    Source
    ------
    Maris & Oostenveld 2007, doi:10.1016/j.jneumeth.2007.03.024; Smith & Nichols 2009,
    doi:10.1016/j.neuroimage.2008.03.061; computed by mne.stats.

    Example
    -------
    >>> values = np.random.default_rng(0).normal(size=(8, 3, 6))
    >>> values[:, 1:, 2:5] += 3.0
    >>> data = xr.DataArray(values, dims=("specimen", "layer", "time"))
    >>> found = clusters(data, by=ClusterMass(0.01), rng=0)
    >>> int(found["extent"][0]), float(found["p"][0]) == float(found["p_floor"])
    (6, True)
    """
    _check(by, alternative, alpha, n_permutations)
    rows = mapped(data, contrast, pair=pair)
    floor = check_floor(rows, alternative, n_permutations, alpha)
    if not rows.alive.any():
        raise DataError(
            f"Each of the {rows.usable.size} places is constant over {rows.sizes}, or marked bad; there is nothing to "
            "test. Record another site, or look at the data: data.std()."
        )
    graph, stream = neighbours(data, rows.dims, adjacency), generator(rng, "clusters", rows.what)
    found = form(rows, graph, by, alternative=alternative, alpha=alpha, m=n_permutations, rng=stream)
    fresh = measured_on is not None
    other = rows if measured_on is None else _fresh(rows, measured_on, contrast, pair)
    return make_result(
        {**_per_cluster(found, data, rows, other, 1 - alpha), **_per_place(found, rows), "p_floor": floor},
        coords=_coords(data, rows, other, found),
        test=_test(rows, found, by),
        correction=f"largest {'score' if isinstance(by, Tfce) else 'cluster'} of the map",
        alternative=alternative,
        level=1 - alpha,
        alpha=alpha,
        rng="" if found.exact else rng_name(rng),
        effect_on=FRESH if fresh else SAME,
        **_about(rows, data, fresh=fresh),
        **_counts(rows, graph, by, found),
        reasons=_reasons(found, alpha),
    )


def _about(rows: Mapped, data: xr.DataArray, *, fresh: bool) -> dict[str, Any]:
    return {
        "analysis": "clusters",
        "estimand": f"an effect anywhere in the map of {' x '.join(rows.dims)}, {rows.what}, over such "
        f"{PLURAL[rows.over]}",
        "n": rows.n,
        "generalises_over": rows.over,
        "inputs": digest_of(rows.rows, len(rows.a)),
        "contrast": rows.what,
        "inference": ABOUT_CLUSTERS,
        **{name: data.attrs.get(name, "") for name in ("source", "specimen", "kind", "sites")},
        **weights_said(data),
        "effect_unit": data.attrs.get("units", ""),
        "note": noted(
            "" if fresh else f"Effects of clusters are measured on {SAME}.",
            whose_stimuli(1, str(data.attrs.get("kind", ""))) if rows.over == "stimulus" else "",
        ),
    }


def _check(by: Any, alternative: str, alpha: float, n_permutations: int) -> None:
    if not isinstance(by, (ClusterMass, Tfce)):
        raise DesignError(
            f"by={by!r} given; expected how clusters are formed, chosen before looking. Type by=ClusterMass(0.01) for "
            "a cluster-forming p, or by=Tfce() for none."
        )
    if alternative not in ALTERNATIVES:
        near = did_you_mean(alternative, ALTERNATIVES)
        raise UnknownNameError(f"alternative={alternative!r} is not known.{near} Choose from {listed(ALTERNATIVES)}.")
    if not 0 < alpha < 0.5:
        raise DesignError(f"alpha={alpha} given; expected a number between 0 and 0.5. Type alpha=0.05.")
    if n_permutations != int(n_permutations) or n_permutations < 1:
        raise DesignError(f"n_permutations={n_permutations} given; expected a whole number. Type n_permutations=1000.")


def _fresh(rows: Mapped, measured_on: xr.DataArray, contrast: Any, pair: str | None) -> Mapped:
    """The rows that clusters are measured on, none of which formed them."""
    other = mapped(measured_on, contrast, pair=pair)
    if (other.dims, other.shape) != (rows.dims, rows.shape) or (other.b is None) != (rows.b is None):
        raise DataError(
            f"measured_on has the places {dict(zip(other.dims, other.shape))}; expected those of the data, "
            f"{dict(zip(rows.dims, rows.shape))}, and the same comparison."
        )
    both = sorted(set(rows.members) & set(other.members))
    if both:
        raise DoubleDippingError(
            f"{len(both)} {PLURAL[rows.over]} of measured_on formed the clusters too ({listed(both, most=3)}); their "
            "effect is inflated there. Split first: form the clusters on one half, measure on the other."
        )
    return other


def _per_cluster(found: Clumps, data: xr.DataArray, rows: Mapped, other: Mapped, level: float) -> dict[str, Any]:
    """Size, p, peak and effect of every cluster."""
    n = len(found.mass)
    member = (found.label[:, None] == np.arange(1, n + 1)).astype(np.float64)
    extent = member.sum(axis=0)
    columns = [side @ (member / np.maximum(extent, 1)) for side in (other.a, other.b) if side is not None]
    if n:
        measured = other.map(*columns, level=level)
        ends = {name: ("cluster", getattr(measured, name)) for name in ("effect", "low", "high")}
    else:
        ends = dict.fromkeys(("effect", "low", "high"), ("cluster", np.zeros(0)))
    peaks = [int(np.argmax(np.where(found.label == k, np.abs(found.statistic), -1.0))) for k in range(1, n + 1)]
    return {
        "mass": ("cluster", found.mass),
        "extent": ("cluster", extent.astype(np.int64)),
        "p": ("cluster", found.p),
        "peak": ("cluster", strings([place_name(data, rows, at) for at in peaks])),
        "value": ((other.dim, "cluster"), np.concatenate(columns)),
        **ends,
    }


def place_name(data: xr.DataArray, rows: Mapped, at: int) -> str:
    """Get what a place is called: the values of its coordinates, e.g. ``"layer 2, time 0.15"``."""
    said = []
    for dim, index in zip(rows.dims, np.unravel_index(at, rows.shape)):
        named = next((name for name in ("channel", dim) if name in data.coords and data[name].dims == (dim,)), "")
        said.append(f"{dim} {data[named].values[index] if named else int(index)}")
    return ", ".join(said)


def _per_place(found: Clumps, rows: Mapped) -> dict[str, Any]:
    """The maps, in the dims of the places."""
    difference = rows.a.mean(axis=0) - (0.0 if rows.b is None else rows.b.mean(axis=0))
    flat = {
        "label": found.label, "statistic": found.statistic, "score": found.score, "place_p": found.place_p,
        "difference": difference, "valid": rows.alive,
    }  # fmt: skip
    return {name: (rows.dims, values.reshape(rows.shape)) for name, values in flat.items()}


def _coords(data: xr.DataArray, rows: Mapped, other: Mapped, found: Clumps) -> dict[str, Any]:
    """What is known of each place, and the names of those that were measured."""
    kept = {
        str(name): coord.variable
        for name, coord in data.coords.items()
        if coord.dims and set(coord.dims) <= set(rows.dims) and name != "valid"
    }
    side = np.where(np.arange(other.n) < len(other.a), "positive", "negative")
    return {
        **kept,
        "cluster": np.arange(1, len(found.mass) + 1),
        other.dim: strings(other.members),
        "side": (other.dim, strings(side)),
    }


def _test(rows: Mapped, found: Clumps, by: ClusterMass | Tfce) -> str:
    kind = "sign-flips of one-sample t" if rows.b is None else "label shuffles of Welch's t"
    count = f"all {len(found.null)}" if found.exact else f"{len(found.null) - 1} random"
    return f"{by.said(found.height)}; {count if len(found.null) > 1 else 'no'} {kind} over {PLURAL[rows.over]}"


def _counts(rows: Mapped, graph: Any, by: ClusterMass | Tfce, found: Clumps) -> dict[str, Any]:
    alive = rows.alive
    degree = np.asarray(graph[alive][:, alive].sum(axis=1))
    return {
        "threshold": found.height,
        "cluster_forming_p": by.p if isinstance(by, ClusterMass) else float("nan"),
        "n_places": alive.size,
        "n_tested": int(alive.sum()),
        "n_marked_bad": int((~rows.usable).sum()),
        "n_dead": int((rows.usable & ~alive).sum()),
        "n_links": int(degree.sum()) // 2,
        "n_without_neighbour": int((degree == 0).sum()),
        "n_clusters": len(found.mass),
        "exact": found.exact,
    }


def _reasons(found: Clumps, alpha: float) -> list[str]:
    """What was found, in a sentence, and what it means."""
    small = int((found.p <= alpha * (1 + 1e-12)).sum())
    kind = f"{len(found.p)} cluster{'' if len(found.p) == 1 else 's'} formed"
    if not len(found.p):
        return ["No place passes: no cluster formed.", ABOUT_CLUSTERS]
    return [f"{kind}, {small} with a family-wise p of {alpha:g} or less.", ABOUT_CLUSTERS]
