"""The first layer that mixes channels: a change of a few of them changes its output by a few columns of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Node
from torch.fx.node import map_arg

from neurolab.specimen.carry import Lie, name_of, sizes
from neurolab.specimen.laid import NotSparse

#: Where each mixing operation has its weights, and their axis that numbers the channels it reads.
WEIGHTS: dict[str, tuple[int, int, int]] = {  # name: (which argument is read, which are the weights, axis)
    "linear": (0, 1, 1), "mm": (0, 1, 0), "matmul": (0, 1, 0), "addmm": (1, 2, 0),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), (0, 1, 1)),
}


@dataclass(frozen=True)
class Mixing:
    """A linear or convolution node that reads carried channels, which lie in its ``source`` as ``lie`` says."""

    node: Node
    source: Node
    weights: Node
    axis: int
    lie: Lie

    @property
    def is_linear(self) -> bool:
        """Whether it is a matrix product over the last axis."""
        return not name_of(self.node).startswith("conv")

    @property
    def rank_one(self) -> bool:
        """Whether a channel is one column of its weights, so that what it changes has one loudness per row."""
        return self.is_linear and self.lie.outer == self.lie.inner == 1

    def columns(self, weights: torch.Tensor, channels: torch.Tensor, of: int) -> torch.Tensor:
        """Get the weights that read these channels, out of so many."""
        return weights.index_select(self.axis, self.lie.index(channels, of))

    def change(self, delta: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Get what a change of some channels changes in the output."""
        if self.is_linear:
            return delta @ (columns.T if name_of(self.node) == "linear" else columns)
        return self.node.target(delta, columns, None, *self.node.args[3:], **self.node.kwargs)  # type: ignore[operator]

    def whole(
        self, given: torch.Tensor, values: Mapping[Node, torch.Tensor], at: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Get the output for a whole input, by the operation itself; ``at`` : the input is these places of it alone."""
        weights = values[self.weights] if at is None else values[self.weights].index_select(self.axis, at)
        known = {self.source: given, self.weights: weights}
        args = map_arg(self.node.args, lambda arg: known[arg] if arg in known else values[arg])
        return self.node.target(*args, **self.node.kwargs)  # type: ignore[operator]


def mixing(node: Node, lies: Mapping[Node, Lie]) -> Mixing:
    """Get how a node mixes carried channels.

    Raises
    ------
    NotSparse : it is no linear map of them by fixed weights, or they do not lie where its weights number them.
    """
    if name_of(node) not in WEIGHTS:
        raise NotSparse(f"{name_of(node)} mixes the channels")
    read, weights, axis = WEIGHTS[name_of(node)]
    source, by = node.args[read], node.args[weights]
    inside = [one for one in node.all_input_nodes if one in lies]
    if inside != [source] or not isinstance(source, Node) or not isinstance(by, Node):
        raise NotSparse(f"{name_of(node)} reads the channels in another place than its first")
    found = Mixing(node, source, by, axis, lies[source])
    last = len(sizes(source)) - 1
    if found.is_linear and (found.lie.axis != last or len(sizes(by)) != 2 or scaled(node)):
        raise NotSparse(f"{name_of(node)} does not mix along the channels")
    if not found.is_linear and (found.lie.axis != 1 or _special(node, sizes(by)[1], sizes(source)[1])):
        raise NotSparse("a grouped or transposed convolution mixes them")
    return found


def scaled(node: Node) -> bool:
    """Get whether a matrix product has a factor beside."""
    return any(node.kwargs.get(name, 1) != 1 for name in ("alpha", "beta"))


def _special(node: Node, per_group: int, channels: int) -> bool:
    transposed: Any = node.args[6] if name_of(node) == "convolution" else False
    return bool(transposed) or per_group != channels
