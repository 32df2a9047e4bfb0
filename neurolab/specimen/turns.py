"""Which axis of a tensor is which, followed from a layer that says so through what turns, merges or keeps axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from neurolab.specimen.axes import UNITS, told_apart
from neurolab.specimen.trace import Key, Trace, Use
from neurolab.specimen.wiring import KEEPING

#: What only lays out anew what a tensor holds.
SHAPED = {"reshape", "view", "flatten", "squeeze", "unsafe_view", "ravel", "view_as", "reshape_as"}
#: Sums and the like of two tensors, which also go by other names (``__radd__``, ``__iadd__``).
SUMS = ("add", "sub", "mul", "div", "truediv", "floordiv", "pow", "mod", "and", "or", "xor")
#: What gives other numbers, or more or fewer, and leaves axes where they are.
STAYING = {
    *KEEPING, *SUMS, *(letter + name for name in SUMS for letter in "ri"), "true_divide", "floor_divide", "divide",
    "multiply", "subtract", "remainder", "fmod", "neg", "negative", "abs", "exp", "expm1", "log", "log1p", "log2",
    "log10", "sqrt", "rsqrt", "square", "reciprocal", "sign", "sgn", "sin", "cos", "tan", "atan", "asin", "acos",
    "sinh", "cosh", "erf", "erfc", "floor", "ceil", "round", "trunc", "frac", "nan_to_num", "isnan", "logit", "xlogy",
    "clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum", "fmax", "fmin", "where", "lerp", "addcmul",
    "addcdiv", "masked_fill", "gt", "lt", "ge", "le", "eq", "ne", "logical_and", "logical_or", "logical_not",
    "heaviside", "prelu", "rrelu", "hardshrink", "softshrink", "tanhshrink", "softsign", "logsigmoid", "log_sigmoid",
    "glu", "softmax", "log_softmax", "softmin", "gumbel_softmax", "cumsum", "cumprod", "logcumsumexp", "cummax",
    "cummin", "normalize", "local_response_norm", "native_dropout", "bernoulli", "detach", "half", "double",
    "bfloat16", "type", "type_as", "cpu", "cuda", "requires_grad", "expand", "expand_as", "flip", "roll", "tril",
    "triu", "index_select", "sort", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "linear", "matmul", "bmm", "pad", "cat", "concat", "concatenate", "chunk", "split",
    "tensor_split", "narrow", "interpolate", "upsample", "adaptive_max_pool1d", "adaptive_max_pool3d",
    "boolean_dispatch", "lp_pool1d", "lp_pool2d",
}  # fmt: skip
#: Of two tensors the last axis of one runs out over that of the other: which of the tensors that go in those are.
PRODUCTS = {"matmul": (0, 1), "bmm": (0, 1), "scaled_dot_product_attention": (0, 2)}
#: The axis of the stimuli, and what axes that count no units are called together.
BATCH, PLACE = "batch", "token"

Names = tuple[str, ...]


class Turns:
    """The names of all axes of the tensors of a forward; what no layer names directly is followed back to one."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known: dict[Key, Names | None] = {}

    def say(self, key: Key | None, dims: Names, batch: int) -> None:
        """Say what the axes of a tensor are called, and which is that of the stimuli."""
        if key is not None:
            self.known[key] = (*dims[:batch], BATCH, *dims[batch:])

    def dims(self, key: Key | None, batch: int) -> Names | None:
        """Get the names of a tensor's axes without that of the stimuli; None where they cannot be followed."""
        names = self._names(key) if key is not None else None
        if names is None or len(names) <= batch or names[batch] != BATCH or "#" in "".join(names):
            return None
        return as_layers_say((*names[:batch], *names[batch + 1 :]))

    def _names(self, key: Key) -> Names | None:
        """Back along the operations that made a tensor, as far as those whose axes are known; no recursion."""
        waiting, entered = [key], set()
        while waiting:
            one = waiting[-1]
            made = self.trace.makers.get(one)
            before = () if one in self.known or made is None else self._sources(one, made[0])
            entered.add(one)
            ahead = [other for other in before if other not in self.known and other not in entered]
            waiting.extend(ahead)
            if not ahead:
                waiting.pop()
                self.known.setdefault(one, None if made is None else self._after(one, made[0], before))
        return self.known[key]

    def _sources(self, key: Key, use: Use) -> tuple[Key, ...]:
        """What went in whose axes the result may have."""
        op, after = use.op.strip("_"), self.trace.shapes[key]
        if use.turn or op in SHAPED:
            return use.inputs[:1]
        if op in PRODUCTS and len(use.inputs) > PRODUCTS[op][1]:
            return tuple(use.inputs[at] for at in PRODUCTS[op])
        shapes = [self.trace.shapes[one] for one in use.inputs]
        fits = [len(shape) == len(after) if op in STAYING else shape == after for shape in shapes]
        return tuple(one for one, is_fit in zip(use.inputs, fits) if is_fit)

    def _after(self, key: Key, use: Use, before: Sequence[Key]) -> Names | None:
        """The names after an operation, of what it was given; None where they differ on which axes count units."""
        op, after = use.op.strip("_"), self.trace.shapes[key]
        shapes = [self.trace.shapes[one] for one in before]
        found = [self.known.get(one) for one in before]
        found = [names if names and len(names) == len(shape) else None for names, shape in zip(found, shapes)]
        if op in PRODUCTS and len(before) == 2:
            return _of_two(found[0], found[1], shapes, after)
        known = [names for names in found if names is not None]
        units = {tuple(map(_counts_units, names)): names for names in reversed(known) if any(map(_counts_units, names))}
        if not known or len(units) > 1:
            return None
        names = next(iter(units.values()), known[0])
        if use.turn:
            return tuple(PLACE if at < 0 else names[at] for at in use.turn)
        if op in SHAPED:
            return merged(names, shapes[0], after)
        return names if op in STAYING or _sure(names, after) else None


def _counts_units(name: str) -> bool:
    """Whether an axis, or what it is a part of, counts units."""
    return name.partition("#")[0] in UNITS


def _sure(names: Names, shape: Sequence[int]) -> bool:
    """Whether the sizes alone say which axis of a tensor is which."""
    inner = [(name, size) for name, size in zip(names, shape) if name != BATCH]
    return told_apart([name.partition("#")[0] for name, _ in inner], [size for _, size in inner])


def _of_two(
    first: Names | None, last: Names | None, shapes: Sequence[Sequence[int]], after: Sequence[int]
) -> Names | None:
    """The names of a product of two tensors; what has two axes, where the other has more, is weights."""
    n = len(after)
    if first is not None and last is not None and len(first) == len(last) == n:
        return (*first[:-1], last[-1])
    for names, shape, other in ((first, shapes[0], shapes[1]), (last, shapes[1], shapes[0])):
        weighed = len(shape) == n and len(other) == 2
        if names is not None and (weighed or (tuple(shape) == tuple(after) and _sure(names, after))):
            return names
    return None


def merged(names: Names, before: Sequence[int], after: Sequence[int]) -> Names | None:
    """Get the names where neighbouring axes became one, which counts places, or one was parted; None where neither. An
    axis of size 1 comes and goes, and counts places; the parts of an axis side by side are that axis again.

    Example
    -------
    >>> merged(("batch", "channel", "row", "col"), (2, 8, 4, 4), (2, 8, 16))
    ('batch', 'channel', 'token')
    >>> merged(("batch", "token", "unit"), (2, 5, 8), (2, 5, 4, 2))
    ('batch', 'token', 'unit#8:8>2', 'unit#8:2>1')
    """
    if tuple(before) == tuple(after):
        return names
    left, found = [(name, size) for name, size in zip(names, before) if size > 1], []
    for size in after:
        group: list[str] = []
        n = 1
        while left and n < size and size % n == 0:
            name, length = left.pop(0)
            if length > size // n:
                if length % (size // n):
                    return None
                (name, rest), length = _parted(name, length, size // n), size // n
                left.insert(0, rest)
            group.append(name)
            n *= length
        if n != size:
            return None
        found.append(_joined(group))
    return tuple(found)


def _parted(name: str, length: int, first: int) -> tuple[str, tuple[str, int]]:
    """The names of the first part of an axis and of the rest: which axis, how long it was, from and to which step."""
    whole, _, part = name.partition("#")
    total, outer, inner = part.replace(">", ":").split(":") if part else (length, length, 1)
    step = int(outer) // first
    return f"{whole}#{total}:{outer}>{step}", (f"{whole}#{total}:{step}>{inner}", length // first)


def _joined(group: Sequence[str]) -> str:
    """The name of axes that became one: of parts that follow one another what they are of, else a place."""
    if len(group) == 1:
        return group[0]
    parts = [name.partition(":")[::2] for name in group]
    steps = [part.split(">") for _, part in parts]
    follow = all(a[-1] == b[0] for a, b in itertools.pairwise(steps))
    if not group or len({axis for axis, _ in parts}) > 1 or "#" not in parts[0][0] or not follow:
        return PLACE
    axis, outer, inner = parts[0][0], steps[0][0], steps[-1][-1]
    name, _, total = axis.partition("#")
    return name if (outer, inner) == (total, "1") else f"{axis}:{outer}>{inner}"


def as_layers_say(dims: Names) -> Names | None:
    """Get the names as layers give them: units right behind the stimuli are channels, elsewhere units; None for none.

    Example
    -------
    >>> as_layers_say(("row", "col", "channel")), as_layers_say(("unit", "row", "col")), as_layers_say(("row", "col"))
    (('row', 'col', 'unit'), ('channel', 'row', 'col'), None)
    """
    units = [at for at, name in enumerate(dims) if name in ("channel", "unit")]
    if "head" in dims or (len(set(dims)) == len(dims) and len(units) > 1):
        return dims
    if len(units) != 1 or len(set(dims)) < len(dims):
        return None
    name = "unit" if units[0] or len(dims) == 1 else "channel"
    return tuple(name if at == units[0] else dim for at, dim in enumerate(dims))
