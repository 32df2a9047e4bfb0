"""Operations that make a step of what differs by rounding, or nearly: behind one, only equal bits are equal answers.

Where all that enters a sum is silenced, a whole forward gives exactly zero and an update of what is known a billionth.
A comparison, a sign or a choice of the largest makes 0 and 1 of the two. So lesions before one are answered with equal
bits, whatever that costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.fx import Node

from neurolab.specimen.carry import ELEMENTWISE, name_of

#: Operations with a step in them; a vector's norm is what ``normalize`` divides by, and a vector of zeros has none.
STEPS = frozenset((
    "gt", "ge", "lt", "le", "eq", "ne", "greater", "greater_equal", "less", "less_equal", "not_equal", "isclose",
    "sign", "sgn", "signbit", "round", "floor", "ceil", "trunc", "fix", "frac", "floor_divide", "remainder",
    "fmod", "heaviside", "argmax", "argmin", "topk", "sort", "argsort", "searchsorted", "bucketize", "one_hot",
    "kthvalue", "median", "mode", "nonzero", "unique", "count_nonzero", "any", "all", "logical_not", "logical_and",
    "logical_or", "logical_xor", "isnan", "isinf", "isfinite", "multinomial", "bernoulli", "hardshrink",
    "fake_quantize_per_tensor_affine", "quantize_per_tensor", "linalg_vector_norm", "norm", "frobenius_norm", "frexp",
    "copysign", "nextafter", "angle",
))  # fmt: skip
#: Operations that are so steep at one place that a billionth there is no small thing; most of them at zero.
STEEP = frozenset((
    "log", "log2", "log10", "log1p", "logit", "sqrt", "rsqrt", "reciprocal", "erfinv", "digamma", "lgamma", "polygamma",
    "acos", "asin", "acosh", "atanh", "xlogy", "special_xlogy", "special_xlog1py", "special_entr", "special_ndtri",
    "float_power", "tan", "cosine_similarity", "pairwise_distance", "cdist", "pdist", "linalg_norm",
    "linalg_matrix_norm", "linalg_inv", "linalg_inv_ex", "inverse", "linalg_pinv", "pinverse", "linalg_solve",
    "linalg_solve_ex", "linalg_lstsq", "linalg_det", "det", "linalg_slogdet", "slogdet", "logdet", "linalg_cholesky",
    "linalg_cholesky_ex", "cholesky", "linalg_eig", "linalg_eigh", "linalg_eigvals", "linalg_eigvalsh", "linalg_svd",
    "linalg_svdvals", "svd", "linalg_qr", "qr",
))  # fmt: skip
#: Sums over many numbers, of which all must be zero together: where they are, no update is trusted (see the sheets).
_SUMS = frozenset(("mean", "sum", "var", "std", "var_mean", "logsumexp", "softmax", "_softmax"))
#: What hands such a sum on.
_HANDS_ON = ELEMENTWISE | {"expand", "unsqueeze", "squeeze", "view", "reshape", "alias", "getitem", "expand_as"}
#: Operations whose second output says where the first was found.
_PLACES = frozenset(("max", "min", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
                     "cummax", "cummin", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"))


def step_of(nodes: Iterable[Node]) -> str:
    """Get the name of the first operation among some nodes that has a step in it; an empty string for none."""
    return next((name_of(node) for node in nodes if _has_step(node)), "")


def steep_of(nodes: Iterable[Node], given: Iterable[Node]) -> str:
    """Get the name of the first operation that is steep at a place where a sum is that was updated, or nothing.

    nodes : what lies behind the updated values ``given``, in the order of the graph.
    """
    nodes = tuple(nodes)
    own = {*nodes, *given}
    return next((name_of(node) for node in nodes
                 for one in _steep_in(node) if isinstance(one, Node) and not _sums_up(one, own)), "")


def _steep_in(node: Node) -> Sequence[Any]:
    """What a node is steep in."""
    name = name_of(node)
    if name in STEEP:
        return node.args
    if name in ("div", "divide", "true_divide", "atan2"):
        return node.args[1:2] if name != "atan2" else node.args
    if name == "pow":
        power = node.args[1]
        return node.args if not isinstance(power, (int, float)) or power < 1 else ()
    return ()


def _sums_up(node: Node, own: set[Node]) -> bool:
    """Whether nothing of a value was updated, or what was lies below a sum over many numbers."""
    if node not in own or name_of(node) in _SUMS:
        return True
    read = [one for one in node.all_input_nodes if isinstance(one.meta.get("val"), torch.Tensor)]
    return name_of(node) in _HANDS_ON and bool(read) and all(_sums_up(one, own) for one in read)


def halved(nodes: Iterable[Node]) -> str:
    """Get the name of the first operation among some nodes whose result is in half precision, or nothing."""
    return next((name_of(node) for node in nodes if _is_half(node.meta.get("val"))), "")


def _is_half(value: Any) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(one, torch.Tensor) and one.is_floating_point() and one.element_size() < 4 for one in several)


def _has_step(node: Node) -> bool:
    name = name_of(node)
    if node.kwargs.get("rounding_mode"):
        return True
    if name == "threshold":  # of its arguments the first is where the step is, the second what is below
        return bool(node.args[1] != node.args[2])
    if name == "getitem":
        return bool(node.args[1] != 0) and name_of(node.all_input_nodes[0]) in _PLACES
    if name.startswith("grid_sampler"):
        return bool(node.args[2] == 1)  # the nearest point
    return name in STEPS or _counts(node) or _unknown(node)


def _unknown(node: Node) -> bool:
    """Whether it is none of torch's own operations: nobody can tell what it does."""
    return getattr(node.target, "namespace", "aten") not in ("aten", "prim", "prims")


def _counts(node: Node) -> bool:
    """Whether numbers with a point become whole numbers."""
    value = node.meta.get("val")
    read = [one.meta["val"] for one in node.all_input_nodes if isinstance(one.meta.get("val"), torch.Tensor)]
    made = isinstance(value, torch.Tensor) and not value.is_floating_point() and not value.is_complex()
    return made and any(one.is_floating_point() for one in read)
