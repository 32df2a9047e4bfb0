"""What a forward leaves behind on the modules: attributes written while it ran, as a mask kept for a later module."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn

#: Attributes that every module has; what a model's author keeps aside has other names.
OWN = frozenset(vars(nn.Module())) | {"forward"}
#: How deep containers are looked into, and how many things are marked at most.
DEPTH, MOST = 4, 20_000

#: What a setting is made of.
_PLAIN = (bool, int, float, str, bytes, tuple, list, set, frozenset, dict, torch.Tensor)
#: What has a dict and is no setting.
_CODE = (type, MethodType, ModuleType, BuiltinFunctionType)

Marks = dict[tuple[Any, ...], Any]


def marks(model: nn.Module) -> tuple[Marks, list[Any]]:
    """Get a mark of all that lies on the modules besides their weights, and the objects, to be kept while it is used.

    Two marks of one model differ where an attribute was set, a container grew, or a tensor was written into.
    """
    found: Marks = {}
    held: list[Any] = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name not in OWN:
                _mark((path, name), value, found, held)
        for name, value in module._buffers.items():
            _mark((path, name), value, found, held)
    return found, held


def settings(model: nn.Module) -> tuple[Marks, list[Any]]:
    """Get a mark of what forwards read besides weights: attributes, also of classes, globals, what functions hold."""
    found: Marks = {}
    held: list[Any] = []
    for kind in {type(module): None for module in model.modules()}:
        _mark_kind(kind, found, held)
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name not in OWN:
                _mark((path, name), value, found, held, deep=True)
    return found, held


def _mark_kind(kind: type, found: Marks, held: list[Any]) -> None:
    """Mark what the modules of a class share: its attributes, and the settings of its file that its functions read."""
    for cls in kind.__mro__:
        if cls.__module__.partition(".")[0] in ("torch", "builtins", "typing"):
            continue
        where = f"{cls.__module__}.{cls.__qualname__}"
        for name, value in vars(cls).items():
            if isinstance(value, FunctionType):
                _mark_read(where, value, found, held)
            elif not name.startswith("__") and not hasattr(value, "__get__"):
                _mark((where, name), value, found, held, deep=True)


def _mark_read(where: str, function: FunctionType, found: Marks, held: list[Any]) -> None:
    for name in names_in(function.__code__):
        value = function.__globals__.get(name)
        own = getattr(type(value), "__module__", "") == function.__module__  # a configuration, and not a library's
        if value is not None and (own or isinstance(value, _PLAIN)):
            _mark((where, "global", name), value, found, held, deep=True)
    for at, cell in enumerate(function.__closure__ or ()):
        with suppress(ValueError):  # nothing is in it yet
            if isinstance(cell.cell_contents, _PLAIN):
                _mark((where, function.__name__, at), cell.cell_contents, found, held, deep=True)


def names_in(code: CodeType) -> set[str]:
    """Get the names that a function reads, those of functions within it included."""
    return {*code.co_names}.union(*(names_in(one) for one in code.co_consts if isinstance(one, CodeType)))


def _mark(place: tuple[Any, ...], value: Any, found: Marks, held: list[Any], deep: bool = False) -> None:
    """Mark a value and what it holds; ``deep`` looks into functions, sets and objects of slots too."""
    if len(found) > MOST:
        return
    held.append(value)  # an id may be used again once its object is gone
    if isinstance(value, nn.Module):  # kept in a list or a setting: none of the registered ones
        found[place] = id(value)
        return
    if isinstance(value, torch.Tensor):
        found[place] = id(value), 0 if value.is_inference() else value._version
    elif value is None or isinstance(value, (bool, int, float, str, bytes)):
        found[place] = repr(value)
    elif len(place) > DEPTH + 2:
        found[place] = id(value)
    elif isinstance(value, Mapping):
        found[place] = len(value)
        for key, child in list(value.items()):
            _mark((*place, str(key)), child, found, held, deep)
    elif isinstance(value, (list, tuple)):
        found[place] = len(value)
        for at, child in enumerate(value):
            _mark((*place, at), child, found, held, deep)
    elif deep and isinstance(value, (set, frozenset)):
        found[place] = sorted(map(repr, value)) if len(value) < MOST // 100 else id(value)
    elif deep and isinstance(value, FunctionType):
        found[place] = id(value)
        for at, cell in enumerate(value.__closure__ or ()):
            with suppress(ValueError):
                _mark((*place, at), cell.cell_contents, found, held, deep)
    elif hasattr(value, "__dict__") and not (isinstance(value, _CODE) if deep else callable(value)):
        for name, child in list(vars(value).items()):
            _mark((*place, name), child, found, held, deep)
    elif deep and (slots := [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]):
        for name in {*slots} - {"__weakref__"}:
            _mark((*place, name), getattr(value, name, None), found, held, deep)
    else:
        found[place] = id(value)
