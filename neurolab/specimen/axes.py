"""Which axis is the batch, which counts units, and what the others are called: rules, tried in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

#: Modules whose output has its channels right behind the batch.
CHANNELS_FIRST = (
    nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm,
    nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd, nn.Upsample,
)
#: Modules whose output has its units last.
UNITS_LAST = (nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.MultiheadAttention, nn.RNNBase)
#: What axes that count units are called.
UNITS = ("channel", "unit", "head")
#: Modules that divide by what other units do; a lesion right before them is partly undone or spread.
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm)
#: Names of functional normalisations.
NORM_OPS = ("layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm", "normalize")

_FIRST = {1: ("unit",), 2: ("channel", "time"), 3: ("channel", "row", "col"), 4: ("channel", "depth", "row", "col")}
_LAST = {1: ("unit",), 2: ("token", "unit"), 3: ("row", "col", "unit"), 4: ("depth", "row", "col", "unit")}
_PLAIN = {1: ("unit",), 2: ("token", "unit"), 3: ("channel", "row", "col"), 4: ("channel", "depth", "row", "col")}


def batch_axis(two: tuple[int, ...], three: tuple[int, ...]) -> tuple[int, str]:
    """Get the axis that follows the batch, from the shapes with two and with three stimuli, and "" or what is wrong.

    Example
    -------
    >>> batch_axis((5, 2, 8), (5, 3, 8))
    (1, '')
    >>> batch_axis((10, 8), (15, 8))[1]
    'stimuli and positions are merged on axis 0 (5 rows per stimulus)'
    """
    if len(two) != len(three):
        return 0, "the number of axes changes with the number of stimuli"
    differ = [axis for axis, (a, b) in enumerate(zip(two, three)) if a != b]
    if not differ:
        return 0, "no axis follows the number of stimuli"
    if len(differ) > 1:
        return 0, f"the axes {differ} all change with the number of stimuli"
    axis = differ[0]
    if (two[axis], three[axis]) == (2, 3):
        return axis, ""
    if two[axis] % 2 == 0 and two[axis] // 2 * 3 == three[axis]:
        return axis, f"stimuli and positions are merged on axis {axis} ({two[axis] // 2} rows per stimulus)"
    return axis, f"axis {axis} has {two[axis]} rows for 2 stimuli and {three[axis]} for 3"


def native_dims(
    module: nn.Module | None, batch: int, shape: tuple[int, ...], seen: Mapping[tuple[int, ...], tuple[str, ...]],
    followed: tuple[str, ...] | None = None,
) -> tuple[tuple[str, ...], bool]:
    """Get the names of a tensor's axes without the batch, and whether they are sure.

    By the type of module; else as ``followed`` (what its axes were called before they were turned); else as the latest
    tensor of the same shape, which is not sure where units are as many as places; else by the number of axes, of which
    one alone is sure.

    Example
    -------
    >>> native_dims(nn.GELU(), 0, (2, 8, 8, 5), {}, ("row", "col", "unit"))
    (('row', 'col', 'unit'), True)
    """
    n = len(shape) - 1
    if n == 0:
        return ("unit",), True
    if n > 4:
        return (*(f"axis{index}" for index in range(n - 1)), "unit"), True
    if isinstance(module, CHANNELS_FIRST) and batch == 0:
        return _FIRST[n], True
    if not _as_it_came(module) and (isinstance(module, UNITS_LAST) or type(module).__name__ in ("RMSNorm", "Conv1D")):
        return _LAST[n], True
    if followed is not None and len(followed) == n:
        return followed, True
    if isinstance(module, UNITS_LAST):
        return _LAST[n], True
    dims = seen.get(shape, _PLAIN[n])
    return dims, n == 1 or (shape in seen and told_apart(dims, (*shape[:batch], *shape[batch + 1 :])))


def told_apart(dims: Sequence[str], sizes: Sequence[int]) -> bool:
    """Whether the sizes alone say which axes count units: no other axis, the batch left out, is as long as one of them.

    Example
    -------
    >>> told_apart(("channel", "row", "col"), (16, 8, 8)), told_apart(("channel", "row", "col"), (8, 8, 4))
    (True, False)
    """
    return all(sizes.count(size) == 1 for name, size in zip(dims, sizes) if name in UNITS)


def _as_it_came(module: nn.Module | None) -> bool:
    """Whether a layer may leave axes as it got them: a norm over several of them, or one that turns them itself."""
    own = type(module).__module__.partition(".")[0] != "torch"
    return isinstance(module, nn.LayerNorm) and (own or len(module.normalized_shape) > 1)


def head_count(parent: nn.Module) -> int:
    """Get how many (query) heads an attention module, or its ``config``, says it has; 0 when neither says."""
    for holder in (parent, getattr(parent, "config", None)):
        for name in ("num_heads", "n_heads", "n_head", "heads", "nhead", "num_attention_heads"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return 0
