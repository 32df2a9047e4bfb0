"""Graphs of units: from weights, or from how their activity goes together; and random graphs to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.errors import DataError, DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.schema import check_recording, strings

MOST_FACTORS = 10_000


@dataclass(frozen=True)
class Correlation:
    """How activity becomes edges: the correlation of two units over presentations, made non-negative.

    sign : "squared", "absolute", or "positive" (negative ones become 0). rank : Spearman's. residual : of what is left
    after the mean of each stimulus is taken out (noise correlation; needs repetitions).
    """

    sign: str = "squared"
    rank: bool = False
    residual: bool = False

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            near = did_you_mean(self.sign, SIGNS)
            raise UnknownNameError(f"Correlation(sign={self.sign!r}) is not known.{near} Choose from {listed(SIGNS)}.")

    def said(self) -> str:
        """Get the choice in words."""
        kind = ("Spearman" if self.rank else "Pearson") + (" noise" if self.residual else "")
        return f"{self.sign} {kind} correlation over presentations"


SIGNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "squared": np.square,
    "absolute": np.abs,
    "positive": lambda r: np.maximum(r, 0.0),
}


@dataclass(frozen=True, eq=False)
class UnitGraph:
    """A graph of the units that can be in a module.

    weights : (n, n) symmetric, non-negative, diagonal 0; ``kept`` are their positions among all ``size`` units.
    layer : (n,) codes within which labels and weights are exchanged. rows : (presentations, n) activity as correlated,
    or None for a graph of weights. coords : of all units. said : how the edges came about.
    """

    weights: np.ndarray
    kept: np.ndarray
    size: int
    layer: np.ndarray
    rows: np.ndarray | None
    edges: Correlation | None
    coords: dict[str, Any]
    said: str

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Rows and columns of all pairs of units, and the places of those pairs that lie between the same layers."""
        rows, cols = np.triu_indices(len(self.weights), k=1)
        pair = np.sort(np.stack([self.layer[rows], self.layer[cols]]), axis=0)
        block = pair[0] * (int(self.layer.max()) + 1) + pair[1]
        return rows, cols, [np.flatnonzero(block == code) for code in np.unique(block)]


def layered_graph(weights: Sequence[Any], names: Sequence[str] | None = None) -> xr.DataArray:
    """Get the graph of a feed-forward network: absolute weights between the units of neighbouring layers.

    weights : per layer (units out, units in), as ``torch.nn.Linear`` has them; a convolution's kernels summed first,
        e.g. ``np.abs(kernel).sum((2, 3))``. names : of the layers, inputs first.
    Returns a DataArray (neuroid, neuroid_to) with the coordinates ``layer`` and ``unit``; inputs and outputs are units.
    Source: Filan et al. 2021, arXiv:2103.03386.

    Example
    -------
    >>> layered_graph([[[12.0, -1.3], [0.0, 7.4]], [[-8.9, 0.15], [0.23, -5.7]]]).sizes["neuroid"]
    6
    """
    arrays = [np.abs(np.asarray(weight, dtype=np.float64)) for weight in weights]
    if not arrays or any(array.ndim != 2 for array in arrays):
        raise DataError("weights need one matrix (units out, units in) per layer; sum a kernel's last dims first.")
    sizes = [arrays[0].shape[1], *(array.shape[0] for array in arrays)]
    wrong = [at for at, array in enumerate(arrays) if array.shape[1] != sizes[at]]
    if wrong:
        at = wrong[0]
        raise DataError(f"Layer {at} takes {arrays[at].shape[1]} units and the one before it gives {sizes[at]}.")
    start, whole = np.cumsum([0, *sizes]), np.zeros((sum(sizes), sum(sizes)))
    for at, array in enumerate(arrays):
        whole[start[at + 1] : start[at + 2], start[at] : start[at + 1]] = array
    called = [str(name) for name in names] if names is not None else [f"layer {at}" for at in range(len(sizes))]
    coords = {"layer": ("neuroid", strings(np.repeat(called, sizes))),
              "unit": ("neuroid", np.concatenate([np.arange(size) for size in sizes]))}  # fmt: skip
    return xr.DataArray(whole + whole.T, dims=("neuroid", "neuroid_to"), coords=coords, name="weight")


def graph_of(data: Any, edges: Correlation | None, within: str | None) -> UnitGraph:
    """Get the graph of a recording, a square DataArray or array, checked."""
    if isinstance(data, xr.DataArray) and "presentation" in data.dims:
        return _from_activity(data, edges or Correlation(), within)
    if edges is not None:
        raise DesignError("edges= says how activity becomes a graph; this is a graph already. Leave edges out.")
    weights = np.asarray(data, dtype=np.float64)
    _check_weights(weights)
    weights = weights - np.diag(np.diag(weights))
    coords: dict[str, Any] = {}
    if isinstance(data, xr.DataArray):
        dim = data.dims[0]
        coords = {str(name): ("neuroid", coord.values) for name, coord in data.coords.items() if coord.dims == (dim,)}
        coords.pop("neuroid", None)
    kept = np.flatnonzero(weights.sum(axis=1) > 0)
    layer = _codes(coords, within, len(weights))[kept]
    return UnitGraph(weights[np.ix_(kept, kept)], kept, len(weights), layer, None, None, coords, "weights as given")


def _check_weights(weights: np.ndarray) -> None:
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise SchemaError(
            f"The graph has shape {weights.shape}; expected a Recording, or one row and column per unit (n, n). For "
            "the weights of a network type layered_graph([first, second])."
        )
    if not np.isfinite(weights).all():
        raise DataError("The graph holds NaN or inf; expected weights, 0 for no edge. Type np.nan_to_num(graph).")
    if (weights < 0).any():
        raise DataError("The graph holds negative weights; decide what they mean, for instance np.abs(graph).")
    if not np.allclose(weights, weights.T, rtol=1e-9, atol=0):
        raise DataError("The graph is not symmetric; for a directed one type graph + graph.T.")
    if not (weights - np.diag(np.diag(weights))).any():
        raise DataError("The graph has no edges between its units; there is nothing to divide.")


def _from_activity(recording: xr.DataArray, edges: Correlation, within: str | None) -> UnitGraph:
    check_recording(recording)
    if "time" in recording.dims:
        raise SchemaError("The recording has a time dimension; type recording.mean('time', keep_attrs=True) first.")
    values = np.array(recording.values, dtype=np.float64)
    usable = recording["valid"].values.astype(bool) if "valid" in recording.coords else np.ones(values.shape[1], bool)
    if not np.isfinite(values[:, usable]).all():
        bad = int((~np.isfinite(values[:, usable])).any(axis=0).sum())
        raise DataError(
            f"{bad} units hold NaN or inf; expected finite activity. To leave them out, type recording.assign_coords("
            "valid=('neuroid', np.isfinite(recording).all('presentation').values))."
        )
    values[:, ~usable] = 0.0
    if edges.residual:
        values = _residual(values, recording["stimulus_id"].values.astype(str))
    kept = np.flatnonzero(usable & (np.ptp(values, axis=0) > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))))
    if len(values) < 4 or len(kept) < 4:
        raise DesignError(
            f"There are {len(values)} presentations of {len(kept)} units that vary; expected at least 4 of each, and "
            "far more presentations for correlations to mean something. Record more, or another site."
        )
    rows = sps.rankdata(values[:, kept], axis=0) if edges.rank else values[:, kept]
    coords = {str(name): coord.variable for name, coord in recording.coords.items() if coord.dims == ("neuroid",)}
    layer = _codes(coords, within or "site", recording.sizes["neuroid"])[kept]
    return UnitGraph(_joined(_correlated(rows), edges), kept, recording.sizes["neuroid"], layer, rows, edges, coords,
                     edges.said())  # fmt: skip


def _residual(values: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """What is left of each presentation without the mean of its stimulus."""
    _, code, count = np.unique(ids, return_inverse=True, return_counts=True)
    if count.min() < 2:
        raise DesignError(
            "Correlation(residual=True) needs each stimulus at least twice: a network that answers the same each time "
            "has no noise correlation. Record with noise or dropout, or leave residual out."
        )
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, code, values)
    return values - (sums / count[:, None])[code]


def _correlated(rows: np.ndarray) -> np.ndarray:
    return np.clip(np.corrcoef(rows, rowvar=False), -1.0, 1.0)


def _joined(r: np.ndarray, edges: Correlation) -> np.ndarray:
    """Edges from correlations: symmetric to the bit, no unit joined to itself."""
    weights = SIGNS[edges.sign]((r + r.T) / 2)
    np.fill_diagonal(weights, 0.0)
    return weights


def _codes(coords: dict[str, Any], within: str | None, n: int) -> np.ndarray:
    name = within if within is not None else "layer" if "layer" in coords else ""
    if name and name not in coords:
        raise UnknownNameError(f"within={name!r} is no coordinate of the units.{did_you_mean(name, coords)} "
                               f"There are {listed(coords)}.")  # fmt: skip
    if not name:
        return np.zeros(n, dtype=np.int64)
    held = coords[name]
    values = held[1] if isinstance(held, tuple) else held.values
    return np.unique(np.asarray(values).astype(str), return_inverse=True)[1]


# ------------------------------------------------------------------------------------------------ random graphs


def _shuffled(graph: UnitGraph, rng: np.random.Generator, *, nonzero: bool = False) -> np.ndarray:
    """Weights exchanged among all pairs of the same two layers; only among those with an edge when ``nonzero``."""
    rows, cols, blocks = graph.pairs
    values = graph.weights[rows, cols]
    drawn = values.copy()
    for here in blocks:
        held = here[values[here] > 0] if nonzero else here
        drawn[held] = values[rng.permutation(held)]
    whole = np.zeros_like(graph.weights)
    whole[rows, cols] = drawn
    return whole + whole.T


def _nonzero(graph: UnitGraph, rng: np.random.Generator) -> np.ndarray:
    return _shuffled(graph, rng, nonzero=True)


def _rewired(graph: UnitGraph, rng: np.random.Generator) -> np.ndarray:
    """Edges swapped in pairs, so that every unit keeps its number of edges; weights land on any edge."""
    import networkx as nx

    drawn = nx.from_numpy_array((graph.weights > 0).astype(float))
    edges = drawn.number_of_edges()
    try:
        nx.double_edge_swap(drawn, nswap=5 * edges, max_tries=200 * edges, seed=int(rng.integers(2**31)))
    except nx.NetworkXException as error:
        raise DesignError(
            f"The graph cannot be rewired ({error}): it is too dense or too small for edges to be swapped. Type "
            "null='shuffled' or null='nonzero'."
        ) from error
    whole = np.zeros_like(graph.weights)
    at = np.array(drawn.edges())
    whole[at[:, 0], at[:, 1]] = rng.permutation(graph.weights[np.triu(graph.weights > 0, k=1)])
    return whole + whole.T


def _independent(graph: UnitGraph, rng: np.random.Generator) -> np.ndarray:
    """Each unit's activity in an order of its own: no two units go together."""
    assert graph.rows is not None
    assert graph.edges is not None
    return _joined(_correlated(rng.permuted(graph.rows, axis=0)), graph.edges)


def _matched(graph: UnitGraph, rng: np.random.Generator) -> np.ndarray:
    """Random correlations with the mean and the spread of the observed ones, but no modules."""
    assert graph.rows is not None
    assert graph.edges is not None
    off = _correlated(graph.rows)[np.triu_indices(graph.rows.shape[1], k=1)]
    mean = min(max(float(off.mean()), 0.0), 0.99)
    # cosines of rows sqrt(mean) + sqrt(1 - mean) z over m draws: their mean, and by the delta method their variance
    m = (1 - mean) ** 2 * (1 + 2 * mean - mean**2) / max(float(off.var()), 1 / MOST_FACTORS)
    shape = (int(np.clip(round(m), 2, MOST_FACTORS)), graph.rows.shape[1])
    rows = np.sqrt(mean) + np.sqrt(1 - mean) * rng.standard_normal(shape)
    second = rows.T @ rows  # not centred: the common mean is what makes correlations positive
    scale = np.sqrt(np.diag(second))
    return _joined(second / np.outer(scale, scale), graph.edges)


#: Random graphs to compare a graph of weights with, by name.
OF_WEIGHTS = {"shuffled": _shuffled, "nonzero": _nonzero, "rewired": _rewired}
#: Random graphs to compare a graph of activity with, by name.
OF_ACTIVITY = {"matched": _matched, "independent": _independent}
