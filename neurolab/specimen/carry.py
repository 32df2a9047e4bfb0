"""A few channels carried through operations that keep channels apart: element-wise ones, pooling, batch norm, views.

A rule takes a node of an exported graph and where the channels lie in what it reads; it says where they lie in what the
node gives, and how to compute that from these channels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch.fx import Node
from torch.fx.node import map_arg

from neurolab.specimen.laid import NotSparse


@dataclass(frozen=True)
class Lie:
    """Where channels lie in a tensor: on ``axis``, whose index runs over (outer, channel, inner), the inner fastest."""

    axis: int
    outer: int = 1
    inner: int = 1

    def index(self, channels: torch.Tensor, of: int) -> torch.Tensor:
        """Get the places on the axis of some channels, out of so many, in the order in which they are carried."""
        if self.outer == self.inner == 1:
            return channels
        outer = torch.arange(self.outer, device=channels.device)[:, None, None] * of
        return ((outer + channels[:, None]) * self.inner + torch.arange(self.inner, device=channels.device)).flatten()


@dataclass
class Narrow:
    """Some channels on their way: each node's carried value so far, and the intact values that stand beside."""

    channels: torch.Tensor
    of: int
    intact: Mapping[Node, torch.Tensor]
    carried: dict[Node, Any] = field(default_factory=dict)

    def part(self, node: Node, lie: Lie) -> torch.Tensor:
        """Get the channels of a node's intact value."""
        return self.intact[node].index_select(lie.axis, lie.index(self.channels, self.of))


#: Where a slice ends that goes to the end.
WHOLE = 2**63 - 1
#: Where channels lie after a node, and what computes its carried value.
Said = tuple[Lie, Callable[[Narrow], Any]]
#: A rule: a node, the carried node that it reads first, and where the channels of carried nodes lie.
Rule = Callable[[Node, Node, Mapping[Node, Lie]], Said]


def sizes(node: Node) -> tuple[int, ...]:
    """Get the shape of what a node gives; a symbolic size as the number that it was when the graph was made."""
    value = node.meta["val"]
    value = value[0] if isinstance(value, (tuple, list)) else value
    return tuple(size.node.hint if isinstance(size, torch.SymInt) else int(size) for size in value.shape)


def holds_tensor(node: Node) -> bool:
    """Get whether a node gives tensors, and not the size of one."""
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) or (isinstance(value, (tuple, list)) and bool(value))


def name_of(node: Node) -> str:
    """Get the name of a node's operation, such as "relu"."""
    packet = getattr(node.target, "overloadpacket", None)
    return packet.__name__ if packet is not None else getattr(node.target, "__name__", str(node.target))


def _again(node: Node, source: Node) -> Callable[[Narrow], Any]:
    """The operation itself, on the carried value."""
    return lambda narrow: node.target(narrow.carried[source], *node.args[1:], **node.kwargs)  # type: ignore[operator]


def _same(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    if name_of(node) == "dropout" and node.args[2]:
        raise NotSparse("dropout is switched on")
    return lies[source], lambda narrow: narrow.carried[source]


def _first(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    if node.args[1] != 0:
        raise NotSparse("a second output of an operation is read")
    return lies[source], lambda narrow: narrow.carried[source][0]


def _elementwise(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    lie, n = lies[source], len(sizes(node))
    carried = [one for one in node.all_input_nodes if one in lies]
    if any(lies[one] != lie or len(sizes(one)) != n for one in carried):
        raise NotSparse(f"{name_of(node)} joins channels that lie apart")
    if any(sizes(one)[lie.axis] != sizes(node)[lie.axis] for one in carried):
        raise NotSparse(f"{name_of(node)} spreads one channel over many")

    def operand(narrow: Narrow, one: Node) -> Any:
        if one in narrow.carried:
            return narrow.carried[one]
        value = narrow.intact[one]
        axis = lie.axis - n + value.dim()
        broadcast = axis < 0 or value.shape[axis] == 1
        return value if broadcast else narrow.part(one, Lie(axis, lie.outer, lie.inner))

    def run(narrow: Narrow) -> Any:
        args, kwargs = map_arg((node.args, node.kwargs), lambda one: operand(narrow, one))
        return node.target(*args, **kwargs)  # type: ignore[operator]

    return lie, run


def _normed(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    """Batch norm with fixed statistics, PReLU: parameters of one number per channel, the channels on axis 1."""
    training = name_of(node) in ("batch_norm", "native_batch_norm") and node.args[5]
    if lies[source] != Lie(1) or training:
        raise NotSparse(f"{name_of(node)} joins stimuli or channels")

    def parameter(narrow: Narrow, one: Node) -> torch.Tensor:
        return narrow.intact[one] if narrow.intact[one].numel() == 1 else narrow.part(one, Lie(0))

    def run(narrow: Narrow) -> Any:
        return node.target(  # type: ignore[operator]
            narrow.carried[source], *map_arg(node.args[1:], lambda one: parameter(narrow, one)), **node.kwargs
        )

    return lies[source], run


def _depthwise(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    groups = node.args[-1] if len(node.args) in (7, 9) else 1
    filters = node.args[1]
    alone = isinstance(filters, Node) and filters not in lies and sizes(filters)[:2] == (groups, 1)
    if lies[source] != Lie(1) or not alone or sizes(source)[1] != groups or (len(node.args) == 9 and node.args[6]):
        raise NotSparse("a convolution mixes the channels")

    def run(narrow: Narrow) -> torch.Tensor:
        own = map_arg(node.args[1:3], lambda one: narrow.part(one, Lie(0)))
        rest = (*node.args[3:-1], len(narrow.channels))
        return node.target(narrow.carried[source], *own, *rest, **node.kwargs)  # type: ignore[operator]

    return lies[source], run


def _pooled(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    """Pooling and padding: over the last axes, as many as the name says or the padding has."""
    name, given = name_of(node), node.args[1]
    last = len(given) // 2 if "pad" in name else next(int(c) for c in name if c.isdigit())  # type: ignore[arg-type]
    if lies[source].axis >= len(sizes(source)) - last:
        raise NotSparse(f"{name} works across the channels")
    return lies[source], _again(node, source)


def _reduced(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    """A mean, sum or maximum over other axes, or one position of them."""
    lie, n = lies[source], len(sizes(source))
    given: Any = node.args[1] if len(node.args) > 1 else None
    axes = {axis % n for axis in (given if isinstance(given, (list, tuple)) else [given])} if given is not None else {0}
    if not axes or lie.axis in axes or 0 in axes:
        raise NotSparse(f"{name_of(node)} joins the channels")
    gone = sum(axis < lie.axis for axis in axes) if len(sizes(node)) < n else 0
    return Lie(lie.axis - gone, lie.outer, lie.inner), _again(node, source)


def _sliced(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    """A part of another axis; of the batch only all of it."""
    given: Any = (*node.args[1:], *(0, 0, WHOLE, 1)[len(node.args) - 1 :])
    axis = given[0] % len(sizes(source))
    if axis == lies[source].axis or (axis == 0 and given[1:] != (0, WHOLE, 1)):
        raise NotSparse("only some of the channels or stimuli are read on")
    return lies[source], _again(node, source)


def _moved(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    lie, n = lies[source], len(sizes(source))
    given: Any = node.args[1:]
    order = list(range(n))
    if name_of(node) == "permute":
        order = [axis % n for axis in given[0]]
    else:
        order[given[0]], order[given[1]] = order[given[1]], order[given[0]]
    if order[0] != 0:
        raise NotSparse("the batch leaves the first axis")
    return Lie(order.index(lie.axis), lie.outer, lie.inner), _again(node, source)


def _reshaped(node: Node, source: Node, lies: Mapping[Node, Lie]) -> Said:
    new = sizes(node)
    lie = regrouped(lies[source], sizes(source), new)
    free = [isinstance(size, torch.SymInt) for size in node.meta["val"].shape]
    if sum(free) > 1 or free[lie.axis]:
        raise NotSparse(f"{name_of(node)} merges the channels with the stimuli")

    def run(narrow: Narrow) -> torch.Tensor:
        shape = [-1 if symbolic else size for symbolic, size in zip(free, new)]
        shape[lie.axis] = lie.outer * len(narrow.channels) * lie.inner
        return narrow.carried[source].reshape(shape)

    return lie, run


def regrouped(lie: Lie, old: Sequence[int], new: Sequence[int]) -> Lie:
    """Get where channels lie after a reshape.

    Raises
    ------
    NotSparse : no axis of the new shape holds the channels as (outer, channel, inner).

    Example
    -------
    >>> regrouped(Lie(1), (2, 8, 3, 3), (2, 72)), regrouped(Lie(2), (2, 5, 8), (2, 40))
    (Lie(axis=1, outer=1, inner=9), Lie(axis=1, outer=5, inner=1))
    """
    channels = old[lie.axis] // (lie.outer * lie.inner)
    before, after = prod(old[: lie.axis]) * lie.outer, lie.inner * prod(old[lie.axis + 1 :])
    for axis, size in enumerate(new):
        outer, inner = prod(new[:axis]), prod(new[axis + 1 :])
        fits = before % outer == 0 and after % inner == 0
        if fits and size == (before // outer) * channels * (after // inner):
            return Lie(axis, before // outer, after // inner)
    raise NotSparse("a reshape tears the channels apart")


_UNARY = ("relu gelu tanh sigmoid silu mish elu celu selu leaky_relu hardtanh hardswish hardsigmoid relu6 softplus abs "
          "neg exp square sqrt rsqrt clamp clamp_min clamp_max erf sin cos log log1p threshold pow to _to_copy "
          "contiguous clone")
_BINARY = "add sub mul div rsub maximum minimum"
_POOLS = [f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for n in (1, 2, 3)]

#: What each operation does to channels, by its name in ATen.
CARRY: dict[str, Rule] = {
    **dict.fromkeys(f"{_UNARY} {_BINARY}".split(), _elementwise),
    **dict.fromkeys(("dropout", "alias", "detach", "lift_fresh_copy", "feature_dropout"), _same),
    "getitem": _first,
    **dict.fromkeys(("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "prelu"), _normed),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _depthwise),
    **dict.fromkeys((*_POOLS, "max_pool2d_with_indices", "constant_pad_nd"), _pooled),
    **dict.fromkeys(("mean", "sum", "amax", "select", "squeeze"), _reduced),
    **dict.fromkeys(("permute", "transpose"), _moved),
    "slice": _sliced,
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "flatten", "unsqueeze"), _reshaped),
}

#: Operations whose tensors are broadcast against each other.
ELEMENTWISE = frozenset(name for name, rule in CARRY.items() if rule is _elementwise)


def carried(node: Node, lies: Mapping[Node, Lie]) -> Said:
    """Get where channels lie after a node, and what computes its carried value.

    Raises
    ------
    NotSparse : the node mixes the channels, or is not known to keep them apart.
    """
    rule = CARRY.get(name_of(node))
    if rule is None:
        raise NotSparse(f"{name_of(node)} mixes the channels")
    read = [one for one in node.all_input_nodes if one in lies]
    if rule is not _elementwise and read != [node.args[0]]:
        raise NotSparse(f"{name_of(node)} reads the channels elsewhere than first")
    if rule is not _reshaped and not all(holds_tensor(one) for one in node.all_input_nodes):
        raise NotSparse(f"{name_of(node)} depends on how many stimuli there are")
    return rule(node, read[0], lies)


