"""Positions that no read-out reads need not be computed: behind the last attention of a text only one is.

Where a graph takes one position of an axis (the last token), the taking is moved up, through the operations that treat
every position by itself, to the first that does not. A layer of 64 positions becomes one of a single position. Sums
over fewer rows may be taken in another order, so this is equal to rounding; a canary sees each use of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.fx import Graph as Nodes
from torch.fx import Node
from torch.fx.node import map_arg

from neurolab.specimen.carry import ELEMENTWISE, WHOLE, name_of
from neurolab.specimen.program import VIEWS, number


@dataclass(frozen=True)
class Spot:
    """One position of an axis."""

    axis: int
    at: int


class NotApart(Exception):
    """An operation that joins positions, or is not known to keep them apart."""


#: What an operation reads of each tensor to give one position: that position, or all of it. None stands for all.
Wants = dict[Node, "Spot | None"]
#: What an operation reads, and its arguments once it is given only that.
Said = tuple[Wants, tuple[Any, ...], dict[str, Any]]


def spots(nodes: Sequence[Node], whole: Collection[Node], output: Node) -> dict[Node, Spot]:
    """Get which of some nodes are needed at one position only.

    nodes : what is computed, in order. whole : those of which all is needed, whatever is read.
    """
    own, found = set(nodes), dict[Node, Spot]()
    for node in reversed(nodes):
        users = [user for user in node.users if user in own]
        if node in whole or node is output or not users:
            continue
        asked = {_asked(user, node, found) for user in users}
        (spot,) = asked if len(asked) == 1 else (None,)
        if spot is not None and _fits(node, spot):
            found[node] = spot
    return found


def positions(node: Node, found: Mapping[Node, Spot]) -> int:
    """Get how many positions of a node are not computed for each that is: 1 where all are."""
    shape = _shape(node) if node in found else ()
    return shape[found[node].axis] or 1 if shape else 1


def _asked(user: Node, node: Node, found: Mapping[Node, Spot]) -> Spot | None:
    """What a node's user reads of it."""
    if user in found:
        return said(user, found[user])[0].get(node)
    return taken(user)


def _fits(node: Node, spot: Spot) -> bool:
    """Whether a node can be computed at one position."""
    try:
        said(node, spot)
    except NotApart:
        return False
    return True


def taken(node: Any) -> Spot | None:
    """Get the one position that a node takes of what it reads; None where it takes more, or other things."""
    name, given = name_of(node), node.args[1:]
    if name not in ("select", "slice") or not all(isinstance(one, int) for one in given) or node.kwargs:
        return None
    shape = _shape(node.args[0])
    axis = given[0] % len(shape) if given else 0
    size = shape[axis]
    if size is None or size == 1:
        return None
    if name == "select":
        return Spot(axis, given[1] % size)
    ends: Any = (*given[1:], *(0, WHOLE, 1)[len(given) - 1 :])
    places = range(size)[slice(*ends)]
    return Spot(axis, places[0]) if len(places) == 1 else None


def narrowed(code: Nodes, node: Node, found: Mapping[Node, Spot], look: Callable[[Node], Node]) -> Node | None:
    """Put a node into a program in which only the positions of ``found`` are computed; None where it is as it was.

    look : the program's node for a node of the graph.
    """
    def cut(value: Node, spot: Spot) -> Node:
        return code.call_function(torch.ops.aten.slice.Tensor, (value, spot.axis, spot.at, spot.at + 1))

    if node not in found:
        spot = taken(node)
        if spot is None or node.args[0] not in found:
            return None
        source = look(node.args[0])  # type: ignore[arg-type]
        first = code.call_function(torch.ops.aten.select.int, (source, spot.axis, 0))
        return first if name_of(node) == "select" else cut(source, Spot(spot.axis, 0))
    if name_of(node) == "getitem" and node.args[0] not in found:
        return cut(code.node_copy(node, look), found[node])
    wants, args, kwargs = said(node, found[node])

    def given(one: Node) -> Node:
        spot = wants.get(one)
        return look(one) if spot is None or one in found else cut(look(one), spot)

    target = torch.ops.aten.reshape.default if node.target in VIEWS else node.target
    return code.call_function(target, map_arg(args, given), map_arg(kwargs, given))  # type: ignore[arg-type]


def said(node: Node, spot: Spot) -> Said:
    """Get what a node reads where only one position of it is wanted.

    Raises
    ------
    NotApart : with the reason.
    """
    name = name_of(node)
    if name not in _RULES or not _tensors(node):
        raise NotApart(f"{name} is not known to keep positions apart")
    if name == "dropout" and node.args[2]:
        raise NotApart("dropout is switched on")
    if _NAMED & set(node.kwargs):
        raise NotApart(f"{name} is told its axes by name")
    return _RULES[name](node, spot)


def _tensors(node: Node) -> bool:
    values = node.meta.get("val")
    return all(isinstance(one, torch.Tensor) for one in (values if isinstance(values, (tuple, list)) else [values]))


def _shape(node: Any) -> tuple[int | None, ...]:
    """The shape of a node; None for a size that grows with the batch."""
    value = node.meta["val"]
    value = value[0] if isinstance(value, (tuple, list)) else value
    return tuple(size if isinstance(size, int) else None for size in value.shape)


def _sizes(node: Any, n: int) -> list[int]:
    return [number(size, n) for size in node.meta["val"].shape]


def _plain(node: Any, wants: Wants) -> Said:
    return wants, node.args, dict(node.kwargs)


def _broadcast(one: Node, n_axes: int, spot: Spot) -> Spot | None:
    """What is read of a tensor that is broadcast to so many axes."""
    shape = _shape(one)
    axis = spot.axis - (n_axes - len(shape))
    return Spot(axis, spot.at) if axis >= 0 and shape[axis] != 1 else None


def _elementwise(node: Any, spot: Spot) -> Said:
    read = [one for one in node.all_input_nodes if isinstance(one.meta.get("val"), torch.Tensor)]
    return _plain(node, {one: _broadcast(one, len(_shape(node)), spot) for one in read})


def _by_row(node: Any, spot: Spot) -> Said:
    """A linear layer, a norm over the last axes, a softmax: all of the last axes, or of one, at every position."""
    name, first, n = name_of(node), node.args[0], len(_shape(node))
    given: Any = node.args[1] if len(node.args) > 1 else None
    joined = [n - 1] if name == "linear" else [given % n] if "softmax" in name else range(n - len(given), n)
    if spot.axis in joined:
        raise NotApart(f"{name} joins positions")
    return _plain(node, {first: spot})


def _product(node: Any, spot: Spot) -> Said:
    one, other = node.args[:2]
    n, a, b = len(_shape(node)), len(_shape(one)), len(_shape(other))
    if min(a, b) < 2 or one is other:
        raise NotApart("a product with a vector, or of a tensor with itself")
    if spot.axis == n - 2:
        return _plain(node, {one: Spot(a - 2, spot.at)})
    if spot.axis == n - 1:
        return _plain(node, {other: Spot(b - 1, spot.at)})
    return _plain(node, {each: _broadcast(each, n, spot) for each in (one, other)})


def _attention(node: Any, spot: Spot) -> Said:
    """One query: it sees the keys that its row of the mask lets it, and under a causal one, the last sees all."""
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given: Any = {**dict(zip(names, node.args)), **node.kwargs}
    n, mask = len(_shape(node)), given.get("attn_mask")
    if spot.axis != n - 2 or given.get("dropout_p", 0.0):
        raise NotApart("attention joins positions")
    if given.get("is_causal"):
        if not spot.at + 1 == _shape(given["key"])[-2] == _shape(given["query"])[-2]:
            raise NotApart("only the last position of a causal attention sees every key")
        given["is_causal"] = False
    wants: Wants = {given["query"]: Spot(n - 2, spot.at)}
    if mask is not None:
        wants[mask] = _broadcast(mask, n, spot)
    if given["query"] in (given["key"], given["value"], mask):
        raise NotApart("queries are keys")
    query, key, value = (given.pop(name) for name in names[:3])
    return wants, (query, key, value), given


def _moved(node: Any, spot: Spot) -> Said:
    source: Any = node.args[0]
    n = len(_shape(source))
    order = list(range(n))
    if name_of(node) == "permute":
        order = [axis % n for axis in node.args[1]]
    else:
        one, other = node.args[1:3] if name_of(node) != "t" else (0, 1)
        order[one], order[other] = order[other], order[one]
    return _plain(node, {source: Spot(order[spot.axis], spot.at)})


def _added(node: Any, spot: Spot) -> Said:
    at: Any = node.args[1]
    at %= len(_shape(node))
    return _plain(node, {node.args[0]: Spot(spot.axis - (at < spot.axis), spot.at)})


def _reshaped(node: Any, spot: Spot) -> Said:
    """A new shape in which the axis of the positions is an axis as before."""
    source: Any = node.args[0]
    size = _shape(node)[spot.axis]
    for axis, old in enumerate(_shape(source)):
        if old == size and all(prod(_sizes(source, n)[:axis]) == prod(_sizes(node, n)[: spot.axis]) for n in (2, 3)):
            shape = list(node.args[1])
            shape[spot.axis] = 1
            return {source: Spot(axis, spot.at)}, (source, shape, *node.args[2:]), dict(node.kwargs)
    raise NotApart("a reshape tears positions apart")


def _expanded(node: Any, spot: Spot) -> Said:
    source: Any = node.args[0]
    shape = list(node.args[1])
    shape[spot.axis] = 1
    return {source: _broadcast(source, len(shape), spot)}, (source, shape, *node.args[2:]), dict(node.kwargs)


def _reduced(node: Any, spot: Spot) -> Said:
    """A mean or the like over other axes, one place of another axis, or a part of it."""
    source: Any = node.args[0]
    n = len(_shape(source))
    given: Any = node.args[1] if len(node.args) > 1 else None
    axes = {axis % n for axis in (given if isinstance(given, (list, tuple)) else [given])} if given is not None else ()
    kept = [axis for axis in range(n) if axis not in axes] if len(_shape(node)) < n else list(range(n))
    if not axes or kept[spot.axis] in axes:
        raise NotApart(f"{name_of(node)} joins positions")
    return _plain(node, {source: Spot(kept[spot.axis], spot.at)})


def _gathered(node: Any, spot: Spot) -> Said:
    """Several tensors joined, or one cut into several, along another axis."""
    parts: Any = node.args[0]
    axis: Any = node.args[1 if name_of(node) == "cat" else 2] if len(node.args) > (1 + (name_of(node) != "cat")) else 0
    if axis % len(_shape(node)) == spot.axis:
        raise NotApart(f"{name_of(node)} joins positions")
    read = parts if isinstance(parts, (list, tuple)) else [parts]
    return _plain(node, dict.fromkeys(read, spot))


def _item(node: Any, spot: Spot) -> Said:
    return _plain(node, {node.args[0]: spot})


#: Arguments that rules read by their place.
_NAMED = frozenset(("dim", "dims", "size", "normalized_shape", "index", "start", "end", "step", "tensors"))
_RULES: dict[str, Callable[[Node, Spot], Said]] = {
    **dict.fromkeys((*ELEMENTWISE, "where", "masked_fill", "dropout", "alias", "detach"), _elementwise),
    **dict.fromkeys(("linear", "layer_norm", "rms_norm", "softmax", "_softmax", "log_softmax"), _by_row),
    **dict.fromkeys(("matmul", "bmm"), _product),
    **dict.fromkeys(("mean", "sum", "amax", "var", "select", "slice"), _reduced),
    **dict.fromkeys(("permute", "transpose", "t"), _moved),
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _reshaped),
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "cat"), _gathered),
    "scaled_dot_product_attention": _attention, "expand": _expanded, "unsqueeze": _added, "getitem": _item,
}  # fmt: skip
