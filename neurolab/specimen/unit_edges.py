"""The graph that the weights of a network are: an edge wherever one unit feeds another, as strong as its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr

from neurolab.errors import DataError, TooLargeError, UnknownNameError, did_you_mean, listed
from neurolab.schema import plain_attrs, strings
from neurolab.specimen.leaves import first_tensor
from neurolab.specimen.promises import eval_mode, kept_chance, one_thread, plain_kernels
from neurolab.specimen.record import record
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.survey import rows
from neurolab.specimen.trace import Call, Key, Trace, key_of, trace_forward
from neurolab.specimen.unit_walk import Group, Walk
from neurolab.stimuli import StimulusSet

#: Units above which the dense matrix of edges would not fit beside anything else.
MOST_UNITS = 12_000


def structure(
    specimen: Specimen, *, layers: list[str] | None = None, norm: str = "l1", stimuli: StimulusSet | None = None
) -> xr.DataArray:
    """Get the structural graph of a network: units and channels, joined by the size of the weights between them.

    A unit of a dense layer feeds one of the next with |w|; a channel of a convolution with the norm of its slice of
    the kernel. Biases are ignored. Batch norm is folded into the weights before it (after an activation: behind it) as
    gamma / sqrt(var + eps); depth-wise kernels are multiplied through; what a skip connection adds feeds what follows.

    Parameters
    ----------
    specimen : feed-forward: dense and convolutional layers, element-wise operations, pools, sums, concatenations.
    layers : names of the layers to keep; default all, inputs and outputs included. Filan et al. 2021 keep the
        convolutions only.
    norm : of a kernel slice: "l1" or "l2".
    stimuli : where given, units that answer them all alike (dead ones) lose their edges.

    Returns
    -------
    DataArray (neuroid, neuroid_to), symmetric, what ``nl.analysis.modules`` and ``clusterability`` divide. On neuroid:
    ``layer`` (the address where its units can be recorded and cut; "input" and "output" are the ends), ``site``,
    ``unit``, ``isolated`` (no edge at all) and ``dead``. attrs say how many of these there are.

    Raises
    ------
    DataError : an operation that the walk cannot follow (attention, recurrence, gates), named, with its module.
    TooLargeError : more than 12,000 units. UnknownNameError : no such layer.

    When this is invalid
    --------------------
    Size is not influence: a large weight from a silent unit does nothing, and the scale of a ReLU layer can be moved
    into the next. Attention and gates multiply activity and have no such graph.

    Source
    ------
    Filan et al. 2021, arXiv:2103.03386, and its code.

    Example
    -------
    >>> from neurolab.specimen import phantoms
    >>> graph = structure(phantoms.separate_modules(rng=0)[0])
    >>> sorted(set(graph["layer"].values)), graph.sizes["neuroid"]
    (['input', 'output', 'relu'], 48)
    """
    if not isinstance(specimen, Specimen):
        raise DataError(f"structure() got a {type(specimen).__name__}; a graph is of one Specimen. Type "
                        "[structure(net) for net in cohort].")
    with one_thread(), kept_chance(), plain_kernels(), eval_mode(specimen.model), torch.no_grad():
        trace = trace_forward(specimen.model, specimen.answer, rows(specimen.example, 2))
    walk = Walk(specimen.model, trace, norm)
    walk.to(_answer(trace))
    names = _named(specimen, walk, trace)
    kept = _kept(walk.groups, names, layers)
    whole = _whole(walk, kept)
    dead = _dead(specimen, stimuli, [(names[at], walk.groups[at].size) for at in kept])
    whole[dead] = whole[:, dead] = 0.0
    return _graph(specimen, walk, kept, names, whole, dead, norm)


def structures(cohorts: Mapping[str, Iterable[Specimen]], **settings: Any) -> dict[str, list[xr.DataArray]]:
    """Get the graphs of all networks, condition -> list, as ``nl.analysis.clusterability`` takes them.

    cohorts : condition -> cohort, or list of specimens. settings : of ``structure``.

    Example
    -------
    >>> from neurolab.specimen import phantoms
    >>> len(structures({"planted": [phantoms.separate_modules(rng=seed)[0] for seed in range(2)]})["planted"])
    2
    """
    return {str(name): [structure(network, **settings) for network in cohort] for name, cohort in cohorts.items()}


def _answer(trace: Trace) -> Key:
    """The key of what the network answered with."""
    answer = first_tensor(trace.raw)
    assert answer is not None
    return key_of(answer)


def _named(specimen: Specimen, walk: Walk, trace: Trace) -> list[str]:
    """Per group the address at which its units can be cut: the last module that hands them on alone and in order."""
    table = specimen.sites()
    names = [group.name for group in walk.groups]
    found: dict[int, Call] = {}
    for call in trace.calls:
        group = walk.alone(call.output) if call.output is not None and call.path else None
        if group is None:
            continue
        before = found.get(group)
        address = call.path if call.path in table.names else f"{call.path}@{call.call}"
        same = before is not None and before.output == call.output
        if not same and address in table.names and _cuts(table[address], walk.groups[group].size):
            found[group], names[group] = call, address
    last = walk.alone(_answer(trace))
    names[0] = "input"
    if last:
        names[last] = "output"
    return names


def _cuts(site: Any, size: int) -> bool:
    dims = site.unit_dims
    return bool(site.cut and dims and int(np.prod(site.sizes(dims))) == size)


def _kept(groups: list[Group], names: list[str], layers: list[str] | None) -> list[int]:
    wanted = names if layers is None else [str(name) for name in layers]
    for name in wanted:
        if name not in names:
            raise UnknownNameError(f"layers={name!r} is no layer of the graph.{did_you_mean(name, names)} It has "
                                   f"{listed(names)}.")  # fmt: skip
    kept = [at for at, name in enumerate(names) if name in wanted]
    n = sum(groups[at].size for at in kept)
    if n > MOST_UNITS:
        raise TooLargeError(f"The graph has {n} units; expected at most {MOST_UNITS}. Type layers=[...] with some of "
                            f"{listed(names)}.")  # fmt: skip
    return kept


def _whole(walk: Walk, kept: list[int]) -> np.ndarray:
    """The symmetric matrix of edges of the groups kept."""
    sizes = [walk.groups[at].size for at in kept]
    start = dict(zip(kept, np.cumsum([0, *sizes])))
    whole = np.zeros((sum(sizes), sum(sizes)))
    for (into, out), block in walk.edges.items():
        if into in start and out in start:
            a, b = start[into], start[out]
            whole[b : b + block.shape[0], a : a + block.shape[1]] += block
    return whole + whole.T


def _dead(specimen: Specimen, stimuli: StimulusSet | None, layers: list[tuple[str, int]]) -> np.ndarray:
    """Whether each unit answers all stimuli alike; never the inputs and outputs."""
    inner = [name for name, _ in layers if name not in ("input", "output") and name in specimen.sites().names]
    if stimuli is None or not inner:
        return np.zeros(sum(size for _, size in layers), dtype=bool)
    dead = []
    for name, size in layers:
        if name not in inner:
            dead.append(np.zeros(size, dtype=bool))
            continue
        values = record(specimen, stimuli, [name]).values
        dead.append(np.ptp(values, axis=0) == 0)
    return np.concatenate(dead)


def _graph(
    specimen: Specimen, walk: Walk, kept: list[int], names: list[str], whole: np.ndarray, dead: np.ndarray, norm: str
) -> xr.DataArray:
    sizes = [walk.groups[at].size for at in kept]
    isolated = whole.sum(axis=1) == 0
    coords = {
        "layer": ("neuroid", strings(np.repeat([names[at] for at in kept], sizes))),
        "site": ("neuroid", np.repeat(np.arange(len(kept)), sizes)),
        "unit": ("neuroid", np.concatenate([np.arange(size) for size in sizes])),
        "isolated": ("neuroid", isolated),
        "dead": ("neuroid", dead),
    }
    about = {
        "specimen": specimen.name,
        "kind": "ann",
        "source": f"{specimen.name} {specimen.digest[:16]}",
        "weights": specimen.digest[:16],
        "sites": [_site(specimen, names[at], walk.groups[at].size) for at in kept],
        "edges": f"absolute weights ({norm.upper()} norm of kernel slices)",
        "n_isolated": int(isolated.sum()),
        "n_dead": int(dead.sum()),
        "folded": walk.folded,
        "ignored": sorted(walk.ignored),
    }
    return xr.DataArray(whole, dims=("neuroid", "neuroid_to"), coords=coords, name="weight", attrs=plain_attrs(about))


def _site(specimen: Specimen, name: str, size: int) -> dict[str, Any]:
    table = specimen.sites()
    dims = table[name].unit_dims if name in table.names else ()
    whole = [int(length) for length in table[name].sizes(dims)] if dims else []
    return {"name": name, "dims": list(dims) if int(np.prod(whole)) == size and dims else ["unit"],
            "shape": whole if int(np.prod(whole)) == size and dims else [size]}  # fmt: skip
