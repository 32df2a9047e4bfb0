"""From a site to the weights that feed it and the weights that read it, where exactly one operation does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from neurolab.specimen.sites import Site
from neurolab.specimen.trace import Key, Trace, Use

#: Operations that keep each unit itself: what follows them still reads the same units.
KEEPING = (
    "relu", "relu_", "relu6", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "elu", "selu", "celu", "softplus",
    "hardtanh", "hardswish", "hardsigmoid", "threshold", "dropout", "dropout1d", "dropout2d", "dropout3d",
    "alpha_dropout", "feature_alpha_dropout", "batch_norm", "layer_norm", "rms_norm", "group_norm", "instance_norm",
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "flatten", "contiguous", "clone", "to",
    "float", "mish",
)
#: Operations whose weight reads the units: name -> the axis of the weight that counts them.
READING = {"linear": 1, "conv1d": 1, "conv2d": 1, "conv3d": 1, "addmm": 0}
#: The same operations as makers: the axis of the weight that counts what they make.
MAKING = {"linear": 0, "conv1d": 0, "conv2d": 0, "conv3d": 0, "addmm": 1, "embedding": 1}


@dataclass(frozen=True)
class Reads:
    """A parameter and the axis of it that counts the units of a site (several columns per unit after a flatten)."""

    parameter: str
    axis: int
    module: str
    bias: str = ""


@dataclass(frozen=True)
class Wiring:
    """The weights into a site (``made_by``) and out of it (``read_by``), None where they are not one parameter."""

    made_by: Reads | None = None
    read_by: Reads | None = None


def wire(model: nn.Module, trace: Trace, at: Mapping[str, tuple[Site, Key]]) -> dict[str, Wiring]:
    """Get the wiring of every site from a trace."""
    sizes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    return {
        address: Wiring(_maker(site, key, trace, sizes), _reader(site, key, trace, sizes))
        for address, (site, key) in at.items()
    }


def wire_multihead(model: nn.Module, sites: Iterable[Site]) -> dict[str, Wiring]:
    """Get the wiring of heads inside ``nn.MultiheadAttention``: its projection reads them, though it is no call."""
    known = dict(model.named_parameters())
    names = {site.address: (f"{site.path}.out_proj.weight", site.path) for site in sites if site.kind == "mha"}
    return {at: Wiring(None, Reads(weight, 1, path)) for at, (weight, path) in names.items() if weight in known}


def _n_units(site: Site) -> int:
    dims = site.unit_dims
    return int(np.prod(site.sizes(dims))) if dims else 0


def _reads(use: Use, axis: int, sizes: Mapping[str, tuple[int, ...]]) -> Reads | None:
    weights = [name for name in use.parameters if len(sizes[name]) > axis and len(sizes[name]) > 1]
    if len(weights) != 1 or use.groups != 1 or use.n_inputs != 1:
        return None
    bias = next((name for name in use.parameters if len(sizes[name]) == 1), "")
    return Reads(weights[0], axis, use.module, bias)


def _first(site: Site) -> bool:
    """Whether the units come right behind the stimuli, before any position."""
    return site.batch_axis == 0 and site.dims[: len(site.unit_dims)] == site.unit_dims


def _pools_units(use: Use, site: Site) -> bool:
    """Whether a pool may run over units, as over the last axis of what has no positions, and not over positions."""
    return not _first(site) or len(use.shape) != 2 + int(use.op.rstrip("d")[-1])


def _in_line(site: Site, use: Use, size: int, flat: int) -> bool:
    """Whether the axis that a weight reads (or makes) counts the units in their order, in blocks after a flatten."""
    n, last = _n_units(site), len(site.dims) - len(site.unit_dims)
    if not n:
        return False
    if use.op.startswith("conv"):
        return not flat and size == n and _first(site)
    if site.dims[last:] == site.unit_dims and site.batch_axis <= last and size == n:
        return True
    return bool(flat) and _first(site) and len(use.shape) == 2 and use.shape[0] == flat and size % n == 0


def _reader(site: Site, key: Key, trace: Trace, sizes: Mapping[str, tuple[int, ...]]) -> Reads | None:
    flat = 0  # rows of the tensor that was flattened
    for _ in range(64):  # longer chains of unit-keeping operations do not occur
        uses = trace.uses.get(key, [])
        if len(uses) != 1:
            return None
        use = uses[0]
        if use.op in READING:
            found = _reads(use, READING[use.op], sizes)
            return found if found and _in_line(site, use, sizes[found.parameter][found.axis], flat) else None
        if use.op not in KEEPING or len(use.outputs) != 1 or ("pool" in use.op and (flat or _pools_units(use, site))):
            return None
        flat = use.shape[0] if use.op == "flatten" and not flat else flat
        key = use.outputs[0]
    return None


def _maker(site: Site, key: Key, trace: Trace, sizes: Mapping[str, tuple[int, ...]]) -> Reads | None:
    if site.kind in ("heads", "mha"):
        return None
    for _ in range(64):
        if key not in trace.makers:
            return None
        use, source = trace.makers[key]
        if use.op in MAKING:
            found = _reads(use, MAKING[use.op], sizes)
            return found if found and _in_line(site, use, sizes[found.parameter][found.axis], 0) else None
        if use.op not in KEEPING or use.op == "flatten" or ("pool" in use.op and _pools_units(use, site)):
            return None
        key = source
    return None


def outgoing_norms(model: nn.Module, site: Site, wiring: Wiring) -> np.ndarray:
    """Get each unit's outgoing weight norm (Euclidean, over all that it projects to); NaN where no one weight reads it.

    Returns
    -------
    (n_units,) float64 over the flattened unit dims of the site (channels; head x unit for heads).
    """
    n = max(_n_units(site), 1)
    if wiring.read_by is None:
        return np.full(n, np.nan)
    weight, axis = dict(model.named_parameters())[wiring.read_by.parameter].detach().cpu(), wiring.read_by.axis
    values = (weight if weight.dtype in (torch.float32, torch.float64) else weight.float()).numpy()
    names = list(range(values.ndim))
    squares = np.einsum(values, names, values, names, [axis], dtype=np.float64)  # no second copy of the weights
    return np.sqrt(squares.reshape(n, -1).sum(axis=1))
