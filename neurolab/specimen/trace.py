"""One watched forward: which module ran when, what came out, and which operation consumed it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from neurolab.errors import SpecimenError
from neurolab.specimen.leaves import first_tensor, map_tensors, tensors

#: A tensor at one moment of its life: its identity and how often it had been changed in place.
Key = tuple[int, int]
#: Operations, and properties, that do nothing but turn axes, take some away or put new ones in.
TURNING = {"permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "t", "adjoint", "T", "H", "mT", "mH",
           "unsqueeze", "select", "getitem", "einsum"}  # fmt: skip


@dataclass(frozen=True)
class Use:
    """One operation that consumed tensors: its name, the module that ran it, the parameters it took, what went in and
    came out; ``turn`` where it does nothing but turn axes: which axis of the first input each axis of the output is, -1
    for a new one; () where that cannot be told."""

    op: str
    module: str
    parameters: tuple[str, ...]
    outputs: tuple[Key, ...]
    shape: tuple[int, ...]
    n_inputs: int
    groups: int = 1
    inputs: tuple[Key, ...] = ()
    turn: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Call:
    """One call of one module: its first output and input tensors, when it began and ended (a count of events), and
    whether it handed out several tensors."""

    path: str
    call: int
    shape: tuple[int, ...] | None
    dtype: torch.dtype | None
    input_shape: tuple[int, ...] | None
    output: Key | None
    input: Key | None
    inplace: bool
    began: int = 0
    ended: int = 0
    several: bool = False


@dataclass
class Trace:
    """What one forward did, in order."""

    calls: list[Call] = field(default_factory=list)
    uses: dict[Key, list[Use]] = field(default_factory=lambda: defaultdict(list))
    makers: dict[Key, tuple[Use, Key]] = field(default_factory=dict)
    spent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # who used a parameter, each time
    kept: list[torch.Tensor] = field(default_factory=list)
    shapes: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    input: Key | None = None
    input_changed: bool = False
    raw: Any = None

    @cached_property
    def versions(self) -> dict[int, int]:
        """How often each tensor had been changed in place by the end; to be asked for then."""
        return {id(tensor): tensor._version for tensor in self.kept}


def key_of(tensor: torch.Tensor) -> Key:
    """Get the identity of a tensor and its version, so that before and after an in-place change are two keys.

    Raises SpecimenError where torch does not count changes.
    """
    if tensor.is_inference():
        raise SpecimenError(
            "The model's forward runs in torch.inference_mode(), in which nobody can tell what is written into. Take "
            "that out of the model; torch.no_grad() does as well there, and neurolab records without gradients anyway."
        )
    return id(tensor), tensor._version


class _Watch(TorchFunctionMode):
    """Notes every torch function with the tensors that went in and came out."""

    def __init__(self, trace: Trace, parameters: dict[int, str], stack: list[str]) -> None:
        self.trace, self.parameters, self.stack = trace, parameters, stack

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [tensor for tensor in tensors((args, kwargs)) if not isinstance(tensor, nn.Parameter)]
        names = [self.parameters[id(t)] for t in tensors((args, kwargs)) if id(t) in self.parameters]
        keys = [key_of(tensor) for tensor in given]
        op, noted = name_of(func)
        self.trace.shapes.update((key, tuple(tensor.shape)) for key, tensor in zip(keys, given))
        turn = turn_of(func, args, kwargs) if noted and given and op.strip("_") in TURNING else None
        result = func(*args, **kwargs)
        made = list(tensors(result))
        for name in dict.fromkeys(names) if made else ():
            self.trace.spent[name].append(self.stack[-1] if self.stack else "")
        if made and keys and noted:
            groups = kwargs.get("groups", args[6] if len(args) > 6 and isinstance(args[6], int) else 1)
            use = Use(op, self.stack[-1] if self.stack else "", tuple(names), tuple(key_of(tensor) for tensor in made),
                      tuple(given[0].shape), len(keys), groups, tuple(keys), turn)
            self._note(use, keys, given, made)
        return result

    def _note(self, use: Use, keys: list[Key], given: list[torch.Tensor], made: list[torch.Tensor]) -> None:
        self.trace.kept.extend([*given, *made])
        self.trace.shapes.update((key, tuple(tensor.shape)) for key, tensor in zip(use.outputs, made))
        if set(use.outputs) <= set(keys):  # dropout in eval mode and the like hand their input on
            return
        for key in keys:
            self.trace.uses[key].append(use)
        for key in use.outputs:
            self.trace.makers[key] = (use, keys[0])


def trace_forward(model: nn.Module, run: Callable[[torch.Tensor], Any], inputs: torch.Tensor) -> Trace:
    """Get the trace of ``run(inputs)``; the hooks are gone afterwards, also when the forward raised."""
    trace = Trace(kept=[inputs], input=key_of(inputs))
    parameters = {id(parameter): name for name, parameter in model.named_parameters()}
    stack: list[str] = []
    with _hooked(model, trace, stack), _Watch(trace, parameters, stack):
        trace.raw = run(inputs)
    trace.input_changed = inputs._version != trace.input[1]  # type: ignore[index]
    return trace


@contextmanager
def _hooked(model: nn.Module, trace: Trace, stack: list[str]) -> Iterator[None]:
    counts: dict[str, int] = defaultdict(int)
    entered: list[tuple[torch.Tensor | None, Key | None, int]] = []
    clock = itertools.count()

    def enter(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            given = first_tensor((args, kwargs))
            stack.append(path)
            entered.append((given, None if given is None else key_of(given), next(clock)))

        return hook

    def leave(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            stack.pop()
            given, key, began = entered.pop()
            out = first_tensor(output)
            trace.kept.extend(tensor for tensor in (given, out) if tensor is not None)
            seen = _call(path, counts[path], given, key, out)
            trace.calls.append(replace(seen, began=began, ended=next(clock), several=_several(output)))
            counts[path] += 1

        return hook

    handles = []
    try:
        for path, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(enter(path), with_kwargs=True, prepend=True))
            handles.append(module.register_forward_hook(leave(path), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _several(output: Any) -> bool:
    """Whether a module hands out more than one tensor of numbers; views of one another count as one."""
    numbers = [tensor for tensor in tensors(output) if tensor.is_floating_point()]
    return len({id(tensor if tensor._base is None else tensor._base) for tensor in numbers}) > 1


def _call(path: str, number: int, given: torch.Tensor | None, key: Key | None, out: torch.Tensor | None) -> Call:
    changed = given is not None and out is not None and key is not None and given._version != key[1]
    shared = changed and out.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()  # type: ignore[union-attr]
    return Call(
        path, number,
        None if out is None else tuple(out.shape), None if out is None else out.dtype,
        None if given is None else tuple(given.shape),
        None if out is None else key_of(out), key, shared,
    )


def name_of(func: Any) -> tuple[str, bool]:
    """Get the name of a torch function, and whether it is to be noted: a property only where it turns axes.

    Example
    -------
    >>> name_of(torch.Tensor.mT.__get__), name_of(torch.Tensor.shape.__get__)[1]
    (('mT', True), False)
    """
    name = getattr(func, "__name__", str(func))
    if not name.startswith("__get__"):
        return name, True
    name = getattr(getattr(func, "__self__", None), "__name__", name)
    return name, name in TURNING


def turn_of(func: Any, args: Any, kwargs: Any) -> tuple[int, ...]:
    """Get which axis of its tensor each axis of what a function gives is, -1 for a new one; () where it cannot be told.

    The function is asked what it does to a tensor without numbers whose axes all differ in size.

    Example
    -------
    >>> turn_of(torch.permute, (torch.zeros(2, 8, 8, 8), (0, 2, 3, 1)), {})
    (0, 2, 3, 1)
    """
    name = name_of(func)[0].strip("_")
    if name == "getitem":
        args = (args[0], _whole(args[1]))
    held = list(tensors((args, kwargs)))
    given = [tensor for tensor in held if not isinstance(tensor, nn.Parameter)]
    if name == "einsum" and len(given) == 1:
        return _turn_by_letters(args[0], [tensor is given[0] for tensor in held])
    if len(held) != 1:
        return ()
    first = max(held[0].shape, default=0) + 2
    asked = torch.empty([first + at for at in range(held[0].dim())], device="meta")
    args, kwargs = map_tensors((args, kwargs), lambda _: asked)
    try:
        sizes = func(*args, **kwargs).shape
    except (RuntimeError, NotImplementedError, IndexError, TypeError, ValueError):
        return ()
    return tuple(size - first if size >= first else -1 for size in sizes)


def _whole(index: Any) -> Any:
    """An index that leaves each axis it keeps whole; a tensor where it is none of one axis after the other."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = [part is None or part is Ellipsis or type(part) in (int, slice) for part in parts]
    deep = [part for part, is_plain in zip(parts, plain) if not is_plain]
    if deep and (len(deep) > 1 or any(type(part) is int for part in parts) or np.ndim(deep[0]) != 1):
        return torch.zeros(0)
    return tuple(slice(None) if type(part) is slice or not is_plain else part for part, is_plain in zip(parts, plain))


def _turn_by_letters(equation: Any, ours: list[bool]) -> tuple[int, ...]:
    """The turn of the one tensor of an einsum that is no parameter; an axis that a weight reads is the one it makes."""
    before, arrow, after = equation.replace(" ", "").partition("->") if isinstance(equation, str) else ("", "", "")
    mine = "".join(letters for letters, is_ours in zip(before.split(","), ours) if is_ours)
    gone, new = [one for one in mine if one not in after], [one for one in after if one not in mine]
    if not arrow or "." in equation or len(set(mine)) < len(mine) or (new and (len(new), len(gone)) != (1, 1)):
        return ()
    return tuple(mine.index(gone[0] if one in new else one) for one in after)
