"""Where attention heads can be recorded and cut: names and head counts of the projections around attention.

======================================  =====================================================================
address                                 what it is
======================================  =====================================================================
``<o_proj>/heads``                      what each query head hands to the output projection
``<mha>/heads``                         the same inside ``nn.MultiheadAttention``, whose projection is no call
``<q_proj>/q_heads``                    the queries of each head
``<k_proj>/kv_heads``, ``<v_proj>/kv_heads``  the keys, the values of each key-value head (grouped-query: fewer)
``<qkv>/q_heads``, ``/k_heads``, ``/v_heads``  the same three as slices of a fused projection's output
======================================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn

from neurolab.specimen.axes import batch_axis, head_count
from neurolab.specimen.multihead import can_be_tapped
from neurolab.specimen.sites import Site
from neurolab.specimen.trace import Call, Key

#: Names of the child that projects the concatenated heads back; "dense" where a sibling of its parent attends.
OUT = ("out_proj", "o_proj", "c_proj", "proj", "to_out", "wo", "out_lin", "o", "dense")
#: Names of the children that make queries, keys and values.
QUERY = ("q_proj", "q_lin", "query", "wq", "to_q", "q")
KEY_VALUE = ("k_proj", "v_proj", "k_lin", "v_lin", "key", "value", "wk", "wv", "to_k", "to_v", "k", "v")
#: Names of one child that makes all three.
FUSED = ("c_attn", "qkv", "qkv_proj", "query_key_value", "in_proj", "Wqkv", "wqkv", "to_qkv", "c_qkv", "attn_qkv")


def head_sites(
    call: Call, other: Call, modules: Mapping[str, nn.Module], n_calls: int
) -> Iterator[tuple[Site, Key | None]]:
    """Get the head sites at one call, each with the tensor that it slices; fused ones are not yet proved.

    ``call`` and ``other`` are the same call with two and with three stimuli.
    """
    module, name = modules[call.path], call.path.rpartition(".")[2]
    if isinstance(module, nn.MultiheadAttention):
        yield from _inside(call, other, module, n_calls)
    elif not projects(module):
        return
    elif name in OUT:
        yield from _entering(call, other, modules, n_calls)
    elif name in QUERY or name in KEY_VALUE:
        yield from _made(call, other, modules, n_calls, "q_heads" if name in QUERY else "kv_heads")
    elif name in FUSED:
        yield from _fused(call, other, modules, n_calls)


def projects(module: nn.Module) -> bool:
    """Whether a module is a linear map (Conv1D is what GPT-2 calls it)."""
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _attending(path: str, modules: Mapping[str, nn.Module]) -> int:
    """The number of heads of the attention that a projection belongs to; 0 where there is none."""
    parent, _, name = path.rpartition(".")
    if name != "dense":
        return head_count(modules[parent])
    if any(child in FUSED for child, _ in modules[parent].named_children()):  # attention.dense beside query_key_value
        return head_count(modules[parent])
    grand = modules[parent.rpartition(".")[0]]  # attention.output.dense beside attention.self
    if parent.rpartition(".")[2] != "output":
        return 0
    return next((head_count(child) for key, child in grand.named_children() if key in ("self", "attention")), 0)


def _site(
    call: Call, n_calls: int, kind: str, what: str, shape: tuple[int, ...], axis: int, heads: int, width: int,
    span: tuple[int, int, int] | tuple[()] = (),
) -> Site:
    inner = [size for at, size in enumerate(shape) if at != axis][:-1]
    dims = (("token",) if len(inner) == 1 else tuple(f"axis{index}" for index in range(len(inner)))) + ("head", "unit")
    suffix = "" if n_calls == 1 else f"@{call.call}"
    return Site(f"{call.path}/{what}{suffix}", call.path, call.call, n_calls, kind, "Heads", dims,
                (*inner, heads, width), axis, str(call.dtype).replace("torch.", ""), n_heads=heads, span=span)


def _entering(call: Call, other: Call, modules: Mapping[str, nn.Module], n_calls: int) -> Iterator[tuple[Site, Key]]:
    heads, shape = _attending(call.path, modules), call.input_shape
    if not heads or shape is None or other.input_shape is None or call.input is None:
        return
    axis, wrong = batch_axis(shape, other.input_shape)
    if not wrong and len(shape) > 2 and shape[-1] % heads == 0:
        yield _site(call, n_calls, "heads", "heads", shape, axis, heads, shape[-1] // heads), call.input


def _made(
    call: Call, other: Call, modules: Mapping[str, nn.Module], n_calls: int, what: str
) -> Iterator[tuple[Site, Key]]:
    parent = call.path.rpartition(".")[0]
    heads, shape = head_count(modules[parent]), call.shape
    if not heads or shape is None or other.shape is None or call.output is None:
        return
    width = _width(modules, parent, heads)
    axis, wrong = batch_axis(shape, other.shape)
    if wrong or len(shape) < 3 or not width or shape[-1] % width or heads % (shape[-1] // width):
        return
    if what == "kv_heads" or shape[-1] // width == heads:
        yield _site(call, n_calls, "slice", what, shape, axis, shape[-1] // width, width), call.output


def _width(modules: Mapping[str, nn.Module], parent: str, heads: int) -> int:
    """How many units one head has: from what the queries, else what the output projection, are as wide as."""
    for key, child in modules[parent].named_children():
        size = getattr(child, "out_features", getattr(child, "nf", 0)) if key in QUERY else 0
        size = size or (getattr(child, "in_features", 0) or _rows(child) if key in OUT else 0)
        if size and size % heads == 0:
            return int(size) // heads
    return 0


def _rows(child: nn.Module) -> int:
    weight = getattr(child, "weight", None)
    return int(weight.shape[0]) if weight is not None and type(child).__name__ == "Conv1D" else 0


def _fused(
    call: Call, other: Call, modules: Mapping[str, nn.Module], n_calls: int
) -> Iterator[tuple[Site, None]]:
    parent = call.path.rpartition(".")[0]
    heads, shape = head_count(modules[parent]), call.shape
    width = _width(modules, parent, heads) if heads else 0
    if not width or shape is None or other.shape is None or len(shape) < 3:
        return
    axis, wrong = batch_axis(shape, other.shape)
    groups, rest = divmod(shape[-1] - heads * width, 2 * width)
    if wrong or rest or groups < 1 or heads % groups:
        return
    starts = {"q_heads": (0, heads), "k_heads": (heads * width, groups), "v_heads": ((heads + groups) * width, groups)}
    for what, (start, n) in starts.items():
        yield _site(call, n_calls, "slice", what, shape, axis, n, width, (start, width, width)), None


def _inside(call: Call, other: Call, module: nn.MultiheadAttention, n_calls: int) -> Iterator[tuple[Site, None]]:
    if call.shape is None or other.shape is None or len(call.shape) != 3 or not can_be_tapped(module):
        return
    axis, wrong = batch_axis(call.shape, other.shape)
    if wrong or axis == 2:
        return
    shape = (call.shape[1], call.shape[0], call.shape[2]) if module.batch_first else call.shape  # tokens come first
    axis = 1 - axis if module.batch_first else axis
    yield _site(call, n_calls, "mha", "heads", shape, axis, module.num_heads, module.head_dim), None
