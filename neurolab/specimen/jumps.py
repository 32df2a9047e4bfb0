"""Operations that make a step of what differs by rounding: behind one, only equal bits are equal answers.

Where all that enters a sum is silenced, a whole forward gives exactly zero and an update of what is known a billionth.
A comparison, a sign or a choice of the largest makes 0 and 1 of the two. So lesions before one are answered with equal
bits, whatever that costs.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.fx import Node

from neurolab.specimen.carry import name_of

#: Operations with a step in them; a vector's norm is what ``normalize`` divides by, and a vector of zeros has none.
STEPS = frozenset((
    "gt", "ge", "lt", "le", "eq", "ne", "greater", "greater_equal", "less", "less_equal", "not_equal", "isclose",
    "sign", "sgn", "signbit", "round", "floor", "ceil", "trunc", "fix", "frac", "floor_divide", "remainder",
    "fmod", "heaviside", "argmax", "argmin", "topk", "sort", "argsort", "searchsorted", "bucketize", "one_hot",
    "kthvalue", "median", "mode", "nonzero", "unique", "count_nonzero", "any", "all", "logical_not", "logical_and",
    "logical_or", "logical_xor", "isnan", "isinf", "isfinite", "multinomial", "bernoulli", "hardshrink",
    "fake_quantize_per_tensor_affine", "quantize_per_tensor", "linalg_vector_norm", "norm", "frobenius_norm",
))  # fmt: skip
#: Operations whose second output says where the first was found.
_PLACES = frozenset(("max", "min", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
                     "cummax", "cummin", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"))


def step_of(nodes: Iterable[Node]) -> str:
    """Get the name of the first operation among some nodes that has a step in it; an empty string for none."""
    return next((name_of(node) for node in nodes if _has_step(node)), "")


def _has_step(node: Node) -> bool:
    name = name_of(node)
    if name == "threshold":  # of its arguments the first is where the step is, the second what is below
        return bool(node.args[1] != node.args[2])
    if name == "getitem":
        return bool(node.args[1] != 0) and name_of(node.all_input_nodes[0]) in _PLACES
    return name in STEPS or _counts(node)


def _counts(node: Node) -> bool:
    """Whether numbers with a point become whole numbers."""
    value = node.meta.get("val")
    read = [one.meta["val"] for one in node.all_input_nodes if isinstance(one.meta.get("val"), torch.Tensor)]
    made = isinstance(value, torch.Tensor) and not value.is_floating_point() and not value.is_complex()
    return made and any(one.is_floating_point() for one in read)
