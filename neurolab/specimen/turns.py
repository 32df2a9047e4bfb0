"""Which axis of a tensor is which, followed from a layer that says so through what turns, merges or keeps axes."""

from __future__ import annotations

from collections.abc import Sequence

from neurolab.specimen.trace import Key, Trace, Use

#: What only lays out anew what a tensor holds.
SHAPED = {"reshape", "view", "flatten", "squeeze", "_unsafe_view"}
#: What gives other numbers, or more or fewer, and leaves axes where they are.
STAYING = {
    "conv1d", "conv2d", "conv3d", "linear", "matmul", "__matmul__", "pad", "cat", "concat", "chunk", "split", "narrow",
    "interpolate", "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "boolean_dispatch",
}  # fmt: skip
#: The axis of the stimuli, and what axes that count no units are called together.
BATCH, PLACE = "batch", "token"

Names = tuple[str, ...]


class Turns:
    """The names of all axes of the tensors of a forward; what no layer names directly is followed back to one."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known: dict[Key, Names | None] = {}
        self.shapes = {id(tensor): tuple(tensor.shape) for tensor in trace.kept}

    def say(self, key: Key | None, dims: Names, batch: int) -> None:
        """Say what the axes of a tensor are called, and which is that of the stimuli."""
        if key is not None:
            self.known[key] = (*dims[:batch], BATCH, *dims[batch:])

    def dims(self, key: Key | None, batch: int) -> Names | None:
        """Get the names of a tensor's axes without that of the stimuli; None where they cannot be followed."""
        names = self._names(key) if key is not None else None
        if names is None or len(names) <= batch or names[batch] != BATCH:
            return None
        return as_layers_say((*names[:batch], *names[batch + 1 :]))

    def _names(self, key: Key) -> Names | None:
        """Back along the operations that made a tensor, as far as one whose axes are known."""
        way: list[tuple[Key, Use, Key]] = []
        while key not in self.known:
            made = self.trace.makers.get(key)
            if made is None or key in made[0].inputs:
                self.known[key] = None
                break
            source = self._source(key, made[0])
            way.append((key, made[0], source))
            key = source
        for key, use, source in reversed(way):
            names = self.known[source]
            self.known[key] = None if names is None else self._after(names, use, self.shapes[source[0]], key)
        return self.known[way[0][0]] if way else self.known[key]

    def _source(self, key: Key, use: Use) -> Key:
        """What went in whose axes the result has: the first tensor of its shape that is known, else the first."""
        alike = [one for one in use.inputs if self.shapes[one[0]] == self.shapes[key[0]]]
        return next((one for one in alike if self.known.get(one)), [*alike, *use.inputs][0])

    def _after(self, names: Names, use: Use, before: Sequence[int], key: Key) -> Names | None:
        after = self.shapes[key[0]]
        if use.turn is not None:
            return tuple(names[at] for at in use.turn) if len(use.turn) == len(names) else None
        if before == after:
            return names
        if use.op in SHAPED:
            return merged(names, before, after)
        return names if use.op in STAYING and len(before) == len(after) else None


def merged(names: Names, before: Sequence[int], after: Sequence[int]) -> Names | None:
    """Get the names where neighbouring axes became one, which counts places; None where one was parted.

    Example
    -------
    >>> merged(("batch", "channel", "row", "col"), (2, 8, 4, 4), (2, 8, 16))
    ('batch', 'channel', 'token')
    """
    left, found = [(name, size) for name, size in zip(names, before) if size > 1], []
    for size in after:
        group: list[str] = []
        n = 1
        while left and n < size:
            name, length = left.pop(0)
            group.append(name)
            n *= length
        if n != size or not group:
            return None
        found.append(group[0] if len(group) == 1 else PLACE)
    return None if left else tuple(found)


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
