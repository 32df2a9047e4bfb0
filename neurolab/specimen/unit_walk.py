"""From the answer back to the input: which units feed which, read from one watched forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import nn

from neurolab.errors import DataError, listed
from neurolab.specimen.trace import Key, Trace, Use
from neurolab.specimen.wiring import KEEPING, MAKING, READING

#: Normalisations across units: they keep the units, and their gain is not counted.
NORMS = ("layer_norm", "rms_norm", "group_norm", "instance_norm", "local_response_norm", "normalize")
#: Operations after which each row still is the same channel; some lay its positions side by side, some average them.
SAME = (*(op for op in KEEPING if op != "batch_norm"), *NORMS, "view", "reshape", "unflatten", "squeeze", "mean",
        "amax", "relu", "square", "abs", "exp", "clamp", "upsample", "interpolate", "pad", "half", "double", "type",
        "neg", "detach", "_max_pool2d", "lp_pool2d", "dropout_", "log_softmax", "softmax")  # fmt: skip
#: Those of them that average axes away, which axes the trace does not say.
AVERAGING = ("mean", "amax")
#: Operations that add tensors up: what follows reads the units of all.
ADDING = ("add", "add_", "__add__", "__iadd__", "__radd__", "sub", "sub_", "__sub__", "__isub__", "__rsub__", "mul",
          "mul_", "__mul__", "__imul__", "__rmul__", "div", "div_", "__truediv__", "__itruediv__")  # fmt: skip
#: Those of them that scale: with two tensors of units they are gates, which have no graph of weights.
SCALING = ("mul", "div", "truediv")
JOINING = ("cat", "concat", "concatenate")
NORM = {"l1": 1, "l2": 2}

Carried = dict[int, sparse.csr_array]


@dataclass(frozen=True)
class Group:
    """Units made together: the inputs, or what one call of a layer makes."""

    name: str
    size: int


class Walk:
    """Groups of units and the edges between them, (units out, units in) per pair (group in, group out)."""

    def __init__(self, model: nn.Module, trace: Trace, norm: str) -> None:
        if norm not in NORM:
            raise DataError(f"norm={norm!r} given; expected 'l1' or 'l2', of a kernel's slice. Type norm='l1'.")
        self.trace, self.order = trace, NORM[norm]
        self.modules = dict(model.named_modules())
        self.weights = {name: value.detach().cpu().double().numpy() for name, value in model.named_parameters()}
        self.shapes = {id(tensor): tuple(tensor.shape) for tensor in trace.kept}
        self.makers = {made: use for uses in trace.uses.values() for use in uses for made in use.outputs}
        self.groups = [Group("input", self.shapes[trace.input[0]][1] if len(self.shapes[trace.input[0]]) > 1 else 1)]  # type: ignore[index]
        self.edges: dict[tuple[int, int], np.ndarray] = {}
        self.known: dict[Key, Carried] = {trace.input: {0: _eye(self.groups[0].size)}}  # type: ignore[dict-item]
        self.fresh: dict[Key, int] = {}
        self.ignored: set[str] = set()
        self.folded = 0

    def to(self, end: Key) -> Carried:
        """Follow what feeds a tensor: per group, how far each of the tensor's channels carries each of its units."""
        waiting = [end]  # no recursion: residual networks are a thousand operations deep
        while waiting:
            key = waiting[-1]
            use = self.makers.get(key)
            if key in self.known:
                waiting.pop()
            elif use is None:
                self.known[waiting.pop()] = {}
            else:
                before = [one for one in use.inputs if one not in self.known]
                waiting.extend(before)
                if not before:
                    self.known[waiting.pop()] = self._through(use, key)
        return self.known[end]

    def alone(self, key: Key) -> int | None:
        """Get the group whose units a tensor carries alone and in order; None otherwise."""
        held = self.known.get(key, {})
        if len(held) != 1:
            return None
        group, carried = next(iter(held.items()))
        n = self.groups[group].size
        plain = carried.shape == (n, n) and carried.nnz == n and (carried.tocoo().row == carried.tocoo().col).all()
        return group if plain else None

    def _through(self, use: Use, made: Key) -> Carried:
        given = [self.known[key] for key in use.inputs if self.known[key]]
        if not given:
            return {}
        if use.op in READING:
            return self._read(use, given, made)
        if use.op == "batch_norm":
            return self._normed(use, made)
        if use.op in JOINING:
            return self._joined(use, made)
        scales = any(word in use.op for word in SCALING)
        if use.op in NORMS or (scales and use.parameters):
            self.ignored.add(f"{use.op} in {use.module}" if use.module else use.op)
        if use.op in ADDING and not (scales and len(given) > 1):
            return self._added(use, given)
        if use.op in SAME and len(given) == 1:
            return self._same(use, given[0], made)
        raise self._lost(use, "units are mixed by something else than weights")

    def _lost(self, use: Use, why: str) -> DataError:
        where = f" in module {use.module!r}" if use.module else ""
        return DataError(
            f"The walk through the network cannot follow {use.op!r}{where}: {why}. Expected dense and convolutional "
            "layers, element-wise operations, pools, sums and concatenations. Put the weight matrices together "
            "yourself: nl.analysis.layered_graph([first, second])."
        )

    def _read(self, use: Use, given: list[Carried], made: Key) -> Carried:
        names = [name for name in use.parameters if self.weights[name].ndim > 1]
        if len(names) != 1 or len(given) != 1:
            raise self._lost(use, f"it takes {listed(names, empty='no parameter')}; expected one weight")
        shape = self.shapes[use.inputs[0][0]]
        if not use.op.startswith("conv") and len(shape) > 2:
            raise self._lost(use, f"it reads the last axis of {shape}, where the units of the walk are on the second")
        weight = np.moveaxis(self.weights[names[0]], MAKING[use.op], 0)
        (carried,) = given
        channels = next(iter(carried.values())).shape[0]
        if use.groups > 1:
            if use.groups == channels:
                return self._deep(weight, carried)
            weight = _apart(weight, use.groups)
        if weight.shape[1] % channels:
            raise self._lost(use, f"its weight reads {weight.shape[1]} columns of {channels} units")
        table = np.linalg.norm(weight.reshape(len(weight), channels, -1), ord=self.order, axis=2)
        self.groups.append(Group(use.module or names[0], len(weight)))
        new = len(self.groups) - 1
        for group, how in carried.items():
            self.edges[group, new] = table @ how
        self.fresh[made] = new
        return {new: _eye(len(weight))}

    def _deep(self, weight: np.ndarray, carried: Carried) -> Carried:
        """A depth-wise convolution: each channel goes through its own kernel, or through several."""
        size = np.linalg.norm(weight.reshape(len(weight), -1), ord=self.order, axis=1)
        times = len(weight) // next(iter(carried.values())).shape[0]
        source = np.repeat(np.arange(len(weight) // times), times)
        return {group: sparse.csr_array(sparse.diags_array(size) @ how[source]) for group, how in carried.items()}

    def _normed(self, use: Use, made: Key) -> Carried:
        module = self.modules.get(use.module)
        if not isinstance(module, nn.modules.batchnorm._BatchNorm) or module.running_var is None:
            raise self._lost(use, "its statistics are not those of a BatchNorm module that tracks them")
        with torch.no_grad():
            gain = torch.ones_like(module.running_var) if module.weight is None else module.weight
            scale = (gain / torch.sqrt(module.running_var + module.eps)).abs().cpu().double().numpy()
        self.folded += 1
        before = use.inputs[0]
        if before in self.fresh and len(self.trace.uses[before]) == 1:  # behind its layer, whose output none else reads
            new = self.fresh[before]
            for pair in self.edges:
                if pair[1] == new:
                    self.edges[pair] = scale[:, None] * self.edges[pair]
            return self.known[before]
        return {group: sparse.csr_array(sparse.diags_array(scale) @ how) for group, how in self.known[before].items()}

    def _joined(self, use: Use, made: Key) -> Carried:
        """Channels side by side, those of each tensor behind those of the one before."""
        shapes = [self.shapes[key[0]] for key in use.inputs]
        if self.shapes[made[0]][1] != sum(shape[1] for shape in shapes):
            raise self._lost(use, "tensors are joined along another axis than that of the units")
        places = {group: self.groups[group].size for key in use.inputs for group in self.known[key]}
        parts: dict[int, list[sparse.csr_array]] = {group: [] for group in places}
        for key in use.inputs:
            held = self.known[key]
            n = next(iter(held.values())).shape[0] if held else self.shapes[key[0]][1]
            for group, size in places.items():
                parts[group].append(held.get(group, sparse.csr_array((n, size))))
        return {group: sparse.csr_array(sparse.vstack(blocks)) for group, blocks in parts.items()}

    def _added(self, use: Use, given: list[Carried]) -> Carried:
        total: Carried = {}
        rows = max(next(iter(held.values())).shape[0] for held in given)
        for held in given:
            for group, how in held.items():
                if how.shape[0] != rows:
                    raise self._lost(use, "tensors with different numbers of units are added")
                total[group] = how if group not in total else sparse.csr_array(total[group] + how)
        return total

    def _same(self, use: Use, held: Carried, made: Key) -> Carried:
        """The units stay; only positions may be averaged away, or laid side by side behind each channel."""
        before, after = self.shapes[use.inputs[0][0]], self.shapes[made[0]]
        flat = len(after) == 2 and after[0] == before[0] and after[1] % max(before[1], 1) == 0
        laid_out = flat and use.op not in AVERAGING
        kept = len(after) > 1 and after[:2] == before[:2]
        plain = len(before) == len(after) and before[-1] == after[-1]
        if not (laid_out or kept or plain):
            raise self._lost(use, f"it turns shape {before} into {after}, after which units are others")
        if laid_out and len(before) > 2 and set(held) == {0} and self.alone(use.inputs[0]) == 0 and not self.edges:
            self.groups[0] = Group("input", after[1])  # pictures that a dense layer reads: every pixel is a unit
            return {0: _eye(after[1])}
        return held


def _eye(n: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.eye_array(n))


def _apart(weight: np.ndarray, groups: int) -> np.ndarray:
    """A grouped kernel as one over all channels, 0 between groups."""
    out, width = len(weight) // groups, weight.shape[1]
    whole = np.zeros((len(weight), width * groups, *weight.shape[2:]))
    for at in range(groups):
        whole[at * out : (at + 1) * out, at * width : (at + 1) * width] = weight[at * out : (at + 1) * out]
    return whole
