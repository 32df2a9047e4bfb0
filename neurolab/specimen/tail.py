"""What lies behind a mixing layer, where it is only element-wise operations and small read-outs of (rows, features).

Such a tail costs little more than moving its tensors does. So it is run in place, and its small layers give
(few features) x (rows), the form in which a thin matrix product is fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.fx import Node
from torch.fx.node import map_arg

from neurolab.specimen.carry import ELEMENTWISE, name_of, sizes
from neurolab.specimen.laid import NotSparse
from neurolab.specimen.mixing import WEIGHTS, scaled
from neurolab.specimen.sparse import SparsePlan

#: A linear layer with at most this many outputs is small.
SMALL = 64
#: Operations that hand on what they are given: here, where rows are not shared with anything else.
_SAME = frozenset(("clone", "contiguous", "dropout", "alias", "detach", "lift_fresh_copy", "getitem"))
_SHAPED = frozenset(("view", "reshape", "flatten", "_unsafe_view"))
#: Operations that treat every row by itself, over all of its features.
_BY_ROW = frozenset(("softmax", "_softmax", "log_softmax", "_log_softmax", "layer_norm"))
_NORMS = frozenset(("batch_norm", "_native_batch_norm_legit_no_training"))

#: Computes a node from the nodes before it; a small layer puts its output, features first, where it is told.
Step = Callable[[dict[Node, Any], "torch.Tensor | None"], Any]


class Tail:
    """The operations from a mixing layer's output (rows, features) to a read-out of few outputs.

    Raises
    ------
    NotSparse : an operation joins rows, or a layer or the read-out is not small, so this is no such tail.
    """

    def __init__(self, plan: SparsePlan, values: Mapping[Node, torch.Tensor]) -> None:
        first = plan.mixed[0]
        single = len(plan.mixed) == 1 and not plan.kept and first.is_linear and len(sizes(first.node)) == 2
        if not single or len(sizes(plan.output)) != 2 or sizes(plan.output)[1] > SMALL:
            raise NotSparse("what lies behind is no single chain from (rows, features) to a small read-out")
        self.start, self.output, self.values = first.node, plan.output, values
        self.own = {self.start, *plan.rest}
        self.steps = [(node, self._step(node)) for node in plan.rest]
        #: Whether an operation goes over all features of a row that has many.
        self.by_rows = any(name_of(node) in _BY_ROW and sizes(node)[1] > SMALL for node in plan.rest)
        #: Whether some rows can be run without the others: nothing from beside the tail has rows of its own.
        beside = {one for node in plan.rest if name_of(node) not in WEIGHTS for one in node.all_input_nodes} - self.own
        self.by_blocks = not any(_has_rows(values.get(one)) for one in beside)
        self.first = self._first()
        #: Whether the first operation can be had of a sum of two in one pass; infinity is a large number to it.
        self.sums = self.first is not None and name_of(self.steps[0][0]) == "relu"
        self.told = bool(plan.rest) and plan.rest[-1] is self.output and name_of(self.output) in WEIGHTS

    def __call__(self, begin: torch.Tensor, out: torch.Tensor) -> None:
        """Put the read-out into ``out`` (outputs, rows); ``begin``, the layer's output, may be overwritten."""
        self._run({self.start: begin}, self.steps, out)

    def on(self, begin: torch.Tensor, out: torch.Tensor, buffer: torch.Tensor) -> None:
        """The same, with ``begin`` left as it is: what would overwrite it puts what it makes into ``buffer``.

        Tensors laid out in different ways in memory are copied first: torch's gelu of one into the other is wrong.
        """
        if self.first is None or begin.stride() != buffer.stride():
            self(buffer.copy_(begin), out)
        else:
            self._run({self.steps[0][0]: self.first(begin, out=buffer)}, self.steps[1:], out)

    def on_sum(self, begin: torch.Tensor, more: torch.Tensor, out: torch.Tensor) -> None:
        """The same for a finite sum of two, where the tail ``sums``: ``begin`` is left as it is, ``more`` is not."""
        self._run({self.steps[0][0]: torch.ops.aten._add_relu.out(begin, more, out=more)}, self.steps[1:], out)

    def _run(self, made: dict[Node, Any], steps: Sequence[tuple[Node, Step]], out: torch.Tensor) -> None:
        for node, step in steps:
            made[node] = step(made, out if node is self.output else None)
        if not self.told:
            out.copy_(made[self.output].T)

    def _first(self) -> Any:
        """The operation that writes the first step elsewhere, where that step is one which overwrites what it reads."""
        node = self.steps[0][0] if self.steps else self.start
        alone = node.all_input_nodes == [self.start] and node.args[0] is self.start and name_of(node) in ELEMENTWISE
        if not alone or self._in_place(node) is None or node.target._overloadname != "default":  # type: ignore
            return None
        if name_of(node) == "relu":  # its own, which torch calls, but without the copy that relu's out= makes
            return partial(torch.clamp_min, min=0)
        packet = getattr(torch.ops.aten, name_of(node))
        args = dict(zip((one.name for one in node.target._schema.arguments[1:]), node.args[1:]))  # type: ignore
        return partial(packet.out, **args, **node.kwargs) if "out" in packet.overloads() else None

    def _step(self, node: Node) -> Step:
        name, source = name_of(node), node.args[0]
        if name in WEIGHTS:
            return self._linear(node)
        shaped = name in _SHAPED and source in self.own and sizes(node) == sizes(source)  # type: ignore[arg-type]
        switched_on = name == "dropout" and node.args[2]
        if (name in _SAME or shaped) and not switched_on and (name != "getitem" or node.args[1] == 0):
            return lambda made, out: _unpacked(made[source])  # type: ignore[index]
        last = name == "layer_norm" or (len(node.args) > 1 and node.args[1] in (1, -1))
        norm = name in _NORMS and not (name == "batch_norm" and node.args[5])
        if len(sizes(node)) != 2 or not (name in ELEMENTWISE or norm or (name in _BY_ROW and last)):
            raise NotSparse(f"{name} lies behind")
        if any(one not in self.own and one not in self.values for one in node.all_input_nodes):
            raise NotSparse(f"{name} by a size lies behind")
        call: Any = self._in_place(node) or node.target
        if node.all_input_nodes == [source] and list(node.args).count(source) == 1:  # not h * h
            args, kwargs = node.args[1:], node.kwargs
            return lambda made, out: call(made[source], *args, **kwargs)  # type: ignore[index]

        def run(made: dict[Node, Any], out: torch.Tensor | None) -> Any:
            args, kwargs = map_arg((node.args, node.kwargs), lambda one: made[one] if one in made else self.values[one])
            return call(*args, **kwargs)

        return run

    def _linear(self, node: Node) -> Step:
        name = name_of(node)
        source: Any = node.args[WEIGHTS[name][0]]
        by: Any = node.args[WEIGHTS[name][1]]
        if name.startswith("conv") or by in self.own or len(sizes(by)) != 2 or sizes(node)[-1] > SMALL or scaled(node):
            raise NotSparse(f"{name} with {sizes(node)[-1]} outputs lies behind")
        weights = self.values[by] if name == "linear" else self.values[by].T.contiguous()
        at: Any = node.args[2] if name == "linear" and len(node.args) > 2 else node.args[0] if name == "addmm" else None
        if at in self.own or _has_rows(self.values.get(at)):
            raise NotSparse(f"{name} with a bias of every stimulus lies behind")
        if at is None:
            return lambda made, out: torch.mm(weights, made[source].T, out=out).T
        bias = self.values[at].reshape(-1, 1)
        return lambda made, out: torch.addmm(bias, weights, made[source].T, out=out).T

    def _in_place(self, node: Node) -> Any:
        """The operation that overwrites what it reads, where nothing else reads that."""
        source, packet = node.args[0], getattr(torch.ops.aten, name_of(node) + "_", None)
        while source in self.own and len(source.users) == 1 and name_of(source) in _SAME | _SHAPED:  # type: ignore
            source = source.args[0]  # type: ignore[union-attr]
        alone = source in self.own and len(source.users) == 1 and sizes(source) == sizes(node)  # type: ignore
        alone = alone and _unpacked(source.meta["val"]).dtype == _unpacked(node.meta["val"]).dtype  # type: ignore
        return getattr(packet, node.target._overloadname, None) if packet and alone else None  # type: ignore


def _has_rows(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 1 and len(value) > 1


def _unpacked(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value
