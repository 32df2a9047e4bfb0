"""Several copies of a batch in one tensor: along which axis, in which order, and whether rows stay apart at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Node

from neurolab.specimen.program import NotExported, number
from neurolab.specimen.proof import batches_of, close

if TYPE_CHECKING:
    from neurolab.specimen.graph import Graph


#: Operations whose ``dim`` says where an axis goes and not along what is computed.
_LAYOUT = frozenset((
    "transpose", "permute", "unsqueeze", "squeeze", "movedim", "swapaxes", "flatten", "unflatten", "sym_size", "size",
    "expand", "view", "reshape", "t",
))


#: Of other operations that have no ``dim``, how many of the last axes they run along.
_LAST = {"scaled_dot_product_attention": 2, "tril": 2, "triu": 2, "pixel_shuffle": 3, "pixel_unshuffle": 3,
         "channel_shuffle": 3, "im2col": 3, "col2im": 2, "cdist": 2, "_cdist_forward": 2, "inverse": 2, "cholesky": 2,
         "matrix_exp": 2, "logdet": 2, "slogdet": 2}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """Where the rows of a batch lie in a tensor: on ``at``, each of them ``times`` long.

    ``inner`` : the axis runs over the ``times`` parts first and over the rows within each, as (positions x stimuli).
    """

    at: int
    times: int = 1
    inner: bool = False

    def repeated(self, value: torch.Tensor, copies: int) -> torch.Tensor:
        """Get a tensor with its batch repeated; what is the same in all rows takes no more memory."""
        if value.stride(self.at) == 0 and self.times == 1:
            return value.narrow(self.at, 0, 1).expand(
                *(size * copies if axis == self.at else size for axis, size in enumerate(value.shape)))
        return self.joined([value] * copies)

    def joined(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Get several batches as one tensor."""
        if not self.inner:
            return torch.cat(list(parts), dim=self.at)
        whole = torch.cat([part.unflatten(self.at, (self.times, -1)) for part in parts], dim=self.at + 1)
        return whole.flatten(self.at, self.at + 1)

    def parted(self, value: torch.Tensor, copies: int) -> list[torch.Tensor]:
        """Get the copies of a batch out of one tensor, as views of it where that can be."""
        if not self.inner:
            return list(value.chunk(copies, dim=self.at))
        parts = value.unflatten(self.at, (self.times, copies, -1)).unbind(self.at + 1)
        return [part.flatten(self.at, self.at + 1) for part in parts]


def batch_axis(node: Node) -> int:
    """Get the axis of a node's tensor that grows with the batch; -1 for none.

    Raises
    ------
    NotExported : several axes do, or the axis does not grow by a whole multiple.
    """
    axes = [axis for axis, size in enumerate(node.meta["val"].shape) if isinstance(size, torch.SymInt)]
    if len(axes) > 1:
        raise NotExported(f"several axes of {node.name} grow with the batch")
    if axes and number(node.meta["val"].shape[axes[0]], 7) != 7 * number(node.meta["val"].shape[axes[0]], 1):
        raise NotExported(f"an axis of {node.name} grows otherwise than the batch")
    return axes[0] if axes else -1


def bytes_of(node: Node) -> int:
    """Get the bytes of a node's value per stimulus; 0 for what does not depend on the batch."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or not any(isinstance(size, torch.SymInt) for size in value.shape):
        return 0
    return prod(number(size, 1) for size in value.shape) * value.element_size()


def axes_of(graph: Graph, nodes: Iterable[Node]) -> dict[Node, Axis | None]:
    """Get where the rows lie in the values of some nodes; None for what does not depend on the batch.

    Where stimuli and positions share an axis, their order is found by showing the network one batch twice.

    Raises
    ------
    NotExported : rows of the batch cannot be told apart somewhere.
    """
    found: dict[Node, Axis | None] = {}
    open_: list[Node] = []
    for node in dict.fromkeys(nodes):
        at = batch_axis(node)
        times = number(node.meta["val"].shape[at], 1) if at >= 0 else 0
        found[node] = Axis(at, times) if at >= 0 else None
        if times > 1:
            open_.append(node)
    if open_:
        inputs = torch.cat(list(batches_of(graph.specimen))[1:])
        once, _ = graph.values(inputs, open_)
        twice, _ = graph.values(torch.cat([inputs, inputs]), open_)
        for node in open_:
            axis = found[node]
            assert axis is not None
            orders = [axis, Axis(axis.at, axis.times, inner=True)]
            fits = [one for one in orders if close(one.joined([once[node]] * 2), twice[node])]
            if not fits:
                raise NotExported(f"rows of the batch cannot be told apart in {node.name}")
            found[node] = fits[0]
    return found


def joins_rows(node: Node) -> bool:
    """Get whether an operation runs along the axis of the batch: a running sum over stimuli, their order, a choice.

    Such a sum may be quiet on the stimuli that a canary sees. Operations that only lay a tensor out anew do not count.
    """
    schema = getattr(node.target, "_schema", None)
    given = [one for one in node.all_input_nodes if isinstance(one.meta.get("val"), torch.Tensor)]
    if schema is None or not given or schema.name.removeprefix("aten::") in _LAYOUT:
        return False
    named = {argument.name: value for argument, value in zip(schema.arguments, node.args)} | dict(node.kwargs)
    first = given[0]
    axis, n = batch_axis(first), first.meta["val"].dim()
    whole = schema.name == "aten::slice" and str(node.meta["val"].shape) == str(first.meta["val"].shape)
    if axis < 0 or whole:
        return False
    if schema.name.partition(".")[0] in ("aten::index", "aten::index_put", "aten::_unsafe_index"):
        places: Any = named.get("indices") or ()
        return len(places) > axis and places[axis] is not None
    if axis >= n - _trailing(schema.name.removeprefix("aten::").partition(".")[0], named):
        return True
    asked = [named[name] for name in ("dim", "dims") if name in named and named[name] is not None]
    along = {one % n for value in asked for one in (value if isinstance(value, (list, tuple)) else [value])
             if isinstance(one, int)}
    return axis in along


def _trailing(name: str, named: Mapping[str, Any]) -> int:
    """How many of the last axes an operation runs along that is not told by ``dim`` along which."""
    if name == "roll" and not named.get("dims"):
        return 64  # the whole, laid out in one row
    if name in ("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm"):
        return len(named.get("normalized_shape") or ())
    if name == "constant_pad_nd":
        return len(named.get("pad") or ()) // 2
    if name == "convolution":
        return int(named["weight"].meta["val"].dim()) - 2
    spatial = re.search(r"(pool|pad|conv|upsample\w*?|conv_transpose|grid_sampler_)(\d)d", name)
    if spatial:
        return int(spatial[2])
    return _LAST.get(name, 2 if name.startswith(("linalg_", "_linalg_")) else 0)


def repeating(axis: Axis | None) -> Callable[[torch.Tensor, Any], torch.Tensor] | None:
    """Get what repeats a value for so many copies as its context has; None where nothing has to be done."""
    if axis is None:
        return None
    return lambda value, context: value if context.copies == 1 else axis.repeated(value, context.copies)
