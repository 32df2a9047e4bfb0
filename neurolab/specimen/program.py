"""Parts of an exported graph as plain Python functions, which free every value after its last use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.fx import Graph as Nodes
from torch.fx import GraphModule, Node

#: Operations that take a tensor's layout for granted: an edit may lay it out anew, so they run as ``reshape``.
VIEWS = frozenset((torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default))


class NotExported(Exception):
    """A network that is no graph, or a site that is no node of it; the message says why, for the certificate."""


def in_short(error: Exception) -> str:
    """Get the first line of an error, for a certificate."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:160]


def number(size: torch.SymInt | int, n: int) -> int:
    """Get what a size is for a batch of ``n``."""
    if isinstance(size, int):
        return size
    expression = size.node.expr
    return int(expression.subs(dict.fromkeys(expression.free_symbols, n)))


def holds_tensors(node: Node) -> bool:
    """Get whether a node gives tensors, and not a number such as a size."""
    return not isinstance(node.meta.get("val"), (torch.SymInt, int))


def before(outputs: Iterable[Node], given: Iterable[Node] = ()) -> set[Node]:
    """Get the nodes that some outputs are computed from, themselves included; nothing beyond given ones and sizes."""
    stop, seen, todo = set(given), set[Node](), list(outputs)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += () if node in stop or not holds_tensors(node) else node.all_input_nodes
    return seen


def after(roots: Iterable[Node]) -> set[Node]:
    """Get the nodes that are computed from some nodes, these left out; sizes depend on no values."""
    seen, todo = set[Node](), list(roots)
    while todo:
        fresh = {user for user in todo.pop().users if user not in seen and user.op == "call_function"}
        todo += (found := [user for user in fresh if holds_tensors(user)])
        seen.update(found)
    return seen


class Program:
    """A part of a graph: from the values of ``given`` nodes to those of ``outputs``.

    ``passing(node)`` names the function that a node's value goes through as soon as it is there, or None;
    ``reading(node)`` that of a given value, before its first use. Both are called with the value and ``context``.
    ``placing(code, node, look)`` may put something else in the place of a node, or nothing (None).
    """

    def __init__(
        self, outputs: Sequence[Node], given: Sequence[Node], *,
        passing: Callable[[Node], Callable[..., Any] | None] = lambda node: None,
        reading: Callable[[Node], Callable[..., Any] | None] = lambda node: None,
        placing: Callable[[Nodes, Node, Callable[[Node], Node]], Node | None] = lambda code, node, look: None,
    ) -> None:
        self.given = tuple(given)
        wanted, graph = before(outputs, given) - set(given), outputs[0].graph
        self.nodes = tuple(node for node in graph.nodes if node in wanted and holds_tensors(node))
        read = {one for node in self.nodes for one in node.all_input_nodes}
        self.sizes = tuple(node for node in graph.nodes if node in read and not holds_tensors(node))
        code = Nodes()
        context = code.placeholder("context")
        at: dict[Node, Node] = {node: code.placeholder(f"given_{node.name}") for node in self.given}
        at |= {node: code.placeholder(f"size_{node.name}") for node in self.sizes}
        unread = set(self.given)

        def look(node: Node) -> Node:
            if node in unread and (how := reading(node)) is not None:
                at[node] = code.call_function(how, (at[node], context))
            unread.discard(node)
            return at[node]

        for node in self.nodes:
            for one in node.all_input_nodes:
                look(one)
            at[node] = placing(code, node, look) or _copied(code, node, look)
            if (how := passing(node)) is not None:
                at[node] = code.call_function(how, (at[node], context))
        code.output(tuple(look(node) for node in outputs))
        self._run = GraphModule(torch.nn.Module(), code).forward

    def __call__(
        self, values: Mapping[Node, Any], sizes: Callable[[Node], int], context: Any = None
    ) -> tuple[Any, ...]:
        """Get the outputs; ``sizes`` gives the number behind a size."""
        with torch.no_grad():
            return self._run(context, *(values[node] for node in self.given), *(sizes(node) for node in self.sizes))


def _copied(code: Nodes, node: Node, look: Callable[[Node], Node]) -> Node:
    copy = code.node_copy(node, look)
    if node.target in VIEWS:
        copy.target = torch.ops.aten.reshape.default
    return copy


def allows(given: Node, n: int) -> bool:
    """Get whether what a forward asked about the size of its batch while it was exported is so for ``n`` stimuli."""
    size = given.meta["val"].shape[0]
    if not isinstance(size, torch.SymInt):
        return int(size) == n
    guards = size.node.shape_env.guards
    return all(bool(guard.expr.subs(size.node.expr, n)) for guard in guards)
