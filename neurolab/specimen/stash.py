"""What a forward leaves behind on the modules: attributes written while it ran, as a mask kept for a later module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

#: Attributes that every module has; what a model's author keeps aside has other names.
OWN = frozenset(vars(nn.Module())) | {"forward"}
#: How deep containers are looked into, and how many things are marked at most.
DEPTH, MOST = 4, 20_000

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


def _mark(place: tuple[Any, ...], value: Any, found: Marks, held: list[Any]) -> None:
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
            _mark((*place, str(key)), child, found, held)
    elif isinstance(value, (list, tuple)):
        found[place] = len(value)
        for at, child in enumerate(value):
            _mark((*place, at), child, found, held)
    elif hasattr(value, "__dict__") and not callable(value):
        for name, child in list(vars(value).items()):
            _mark((*place, name), child, found, held)
    else:
        found[place] = id(value)
