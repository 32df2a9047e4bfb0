"""How much arithmetic a node of an exported graph does."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch.fx import Node


def work(node: Node) -> float:
    """Get the multiplications of a node for one batch as large as the one it was exported with; 0 for what only moves.

    Example
    -------
    >>> work(torch.fx.Graph().placeholder("x"))
    0.0
    """
    name = getattr(getattr(node.target, "overloadpacket", None), "__name__", "")
    if node.op != "call_function" or not shape(node):
        return 0.0
    given = [one for one in node.all_input_nodes if shape(one)]
    out = prod(shape(node))
    if name in ("mm", "bmm", "matmul", "addmm", "baddbmm"):
        first = node.args[1 if name in ("addmm", "baddbmm") else 0]
        return float(out * shape(first)[-1])
    if name == "linear":
        return float(out * shape(node.args[1])[-1])
    if name.startswith("conv") or name == "_convolution":
        return float(out * prod(shape(node.args[1])[1:]))
    if name == "scaled_dot_product_attention":
        query, key = shape(node.args[0]), shape(node.args[1])
        return float(2 * prod(query) * key[-2])
    if name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        return float(prod(shape(given[0])[:-1]) * sum(prod(shape(one)) for one in given[1:] if len(shape(one)) == 2))
    return float(out) / 16  # element by element: memory, not arithmetic


def shape(node: Any) -> tuple[int, ...]:
    """Get the shape of what a node gives first, sizes as they were when it was exported; () for what is no tensor."""
    value = getattr(node, "meta", {}).get("val")
    value = value[0] if isinstance(value, (tuple, list)) and value else value
    if not isinstance(value, torch.Tensor):
        return ()
    return tuple(size.node.hint if isinstance(size, torch.SymInt) else int(size) for size in value.shape)
