"""What code would run and with which values, as texts that change when it does: what runs counts, not how it is typed.

Functions count by their bytecode, defaults, attributes and what they close over; globals that they use, where a user
wrote them, count with them. What is installed counts by its name and version.
"""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import io
import random
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import nn

from neurolab.digest import OTHERS, digest_of
from neurolab.errors import DataError
from neurolab.specimen.reached import bytecode, content, installed, reached
from neurolab.specimen.stash import OWN

#: What has no settings, or a state that moves with every use: counted by its name.
_BLANK = (
    type(threading.Lock()), type(threading.RLock()), io.IOBase, types.ModuleType, random.Random, np.random.Generator,
    np.random.RandomState, torch.Generator,
)  # fmt: skip
#: What its repr says all of.
_SAID = (torch.dtype, torch.device, torch.layout, torch.memory_format, np.dtype)


class Met:
    """Things that were met: each is looked into once, and a circle is named by how far back it leads."""

    def __init__(self, known: dict[int, tuple[Any, str]] | None = None) -> None:
        self.done = dict(known or {})  # with the thing, or another would come by under its number
        self.open: list[int] = []

    def text(self, thing: Any) -> str:
        """Get a digest of what a thing is made of; of equal things it is equal, whether or not they are one."""
        number = id(thing)
        if number in self.done:
            return self.done[number][1]
        if number in self.open:
            return f"circle {len(self.open) - self.open.index(number)}"
        self.open.append(number)
        try:
            text = digest_of(*_made_of(thing, self))
        except RecursionError as error:
            raise DataError(
                f"A {type(thing).__qualname__} that a score or the network holds is nested too deep to be told from "
                "another one. Give it something flatter to hold, or examine without store=."
            ) from error
        finally:
            self.open.pop()
        self.done[number] = thing, text
        return text


def code_of(thing: Any, met: Met | None = None) -> Iterator[str]:
    """Get texts that change when a function, an object or a value does: its code, its settings, what it uses.

    Raises
    ------
    DataError : a thing of which nothing can be told but its type, such as a generator.

    Example
    -------
    >>> once, twice = (lambda x: x), (lambda x: 2 * x)
    >>> list(code_of(once)) == list(code_of(twice)), list(code_of(once)) == list(code_of(lambda x: x))
    (False, True)
    """
    if isinstance(thing, (str, bytes, bool, int, float, complex, type(None), np.generic)):
        yield f"{type(thing).__name__} {thing!r}"
    elif isinstance(thing, torch.Tensor) and thing.layout is torch.strided and not thing.is_quantized:
        yield f"{thing.dtype} {digest_of(thing.detach().cpu().reshape(-1).view(torch.uint8).numpy(), thing.shape)}"
    elif type(thing) in (np.ndarray, np.memmap) and thing.dtype.kind not in "OUT":
        yield digest_of(thing)
    else:
        yield (Met() if met is None else met).text(thing)


def _made_of(thing: Any, met: Met) -> Iterator[str]:
    if isinstance(thing, types.FunctionType):
        yield from _function(thing, met)
    elif isinstance(thing, type):
        yield from _class(thing, met)
    elif isinstance(thing, _SAID):
        yield repr(thing)
    elif isinstance(thing, nn.Module):
        yield from _module(thing, met)
    elif isinstance(thing, _BLANK):
        yield _named(thing)
    elif isinstance(thing, types.BuiltinFunctionType):
        owner = None if isinstance(thing.__self__, types.ModuleType) else thing.__self__
        yield from (_named(thing), *code_of(owner, met))
    else:
        for part in _parts(thing, met):
            yield from code_of(part, met)


def _parts(thing: Any, met: Met) -> Iterator[Any]:
    """What a value is made of, its type first."""
    kind = type(thing)
    yield kind if not installed(kind.__module__) else _named(thing)
    if isinstance(thing, types.MappingProxyType):
        thing = dict(thing)
    if isinstance(thing, (dict, list, tuple, set, frozenset, bytearray)):
        yield from _held(thing, met)
        yield from (getattr(thing, "__dict__", None), getattr(thing, "default_factory", None))
    elif isinstance(thing, np.ndarray):
        plain = thing.dtype.kind not in "OUT"
        yield np.asarray(thing) if plain else (str(thing.dtype), thing.shape, thing.ravel().tolist())
        yield getattr(thing, "mask", None)
    elif isinstance(thing, torch.Tensor):
        yield from (str(thing.layout), thing.dequantize() if thing.is_quantized else thing.to_dense())
    elif isinstance(thing, (pd.DataFrame, pd.Series, pd.Index, xr.Dataset, xr.DataArray, xr.Variable)):
        yield from _labelled(thing)
    elif isinstance(thing, functools.partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, types.MethodType):
        yield from (thing.__func__, thing.__self__)
    elif isinstance(thing, BaseException):  # notes and a traceback come to it when it is raised
        yield thing.args
    elif isinstance(thing, weakref.ref):
        yield thing()
    elif isinstance(thing, torch.jit.ScriptFunction):
        yield thing.code
    elif kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__ and _settings(thing):
        yield _settings(thing)
    else:
        yield from _reduced(thing)


def _held(thing: Any, met: Met) -> Iterator[Any]:
    if isinstance(thing, bytearray):
        yield bytes(thing)
    elif isinstance(thing, dict):
        yield from (part for pair in thing.items() for part in pair)
    elif isinstance(thing, (set, frozenset)):  # which have no order of their own
        yield from sorted(digest_of(*code_of(one, met)) for one in thing)
    else:
        yield from (len(thing), *thing)


def _labelled(thing: Any) -> Iterator[Any]:
    """The numbers and labels of a table."""
    if isinstance(thing, pd.DataFrame):
        yield from (thing.columns, thing.index, thing.attrs, *(thing.iloc[:, at] for at in range(thing.shape[1])))
    elif isinstance(thing, (pd.Series, pd.Index)):
        order = thing.dtype.categories if isinstance(thing.dtype, pd.CategoricalDtype) else None
        yield from (str(thing.dtype), list(thing.to_numpy()), order, getattr(thing, "attrs", None))
        yield from (thing.name, thing.index) if isinstance(thing, pd.Series) else (list(thing.names),)
    elif isinstance(thing, xr.Variable):
        yield from (thing.dims, thing.attrs, thing.values)
    else:
        whole = thing if isinstance(thing, xr.Dataset) else thing.to_dataset(name="values")
        yield from (getattr(thing, "name", None), thing.attrs, sorted(map(str, whole.coords)))
        yield from (part for name in sorted(whole.variables, key=str) for part in (name, whole.variables[name]))


def _settings(thing: Any) -> dict[str, Any]:
    """The attributes of an object, those in slots too."""
    slots = [name for kind in type(thing).__mro__ for name in _several(getattr(kind, "__slots__", ()))]
    own = {name: getattr(thing, name) for name in slots if not name.startswith("__") and hasattr(thing, name)}
    fields = dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()
    return {**own, **{one.name: getattr(thing, one.name) for one in fields}, **getattr(thing, "__dict__", {})}


def _several(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _reduced(thing: Any) -> Iterator[Any]:
    """What a copy of a thing would be made from, as ``copy`` and ``pickle`` ask for it."""
    try:
        reduce = copyreg.dispatch_table.get(type(thing))
        made = reduce(thing) if reduce else thing.__reduce_ex__(4)
    except Exception as error:
        if _settings(thing):
            yield _settings(thing)
            return
        raise DataError(
            f"Of a {type(thing).__qualname__} nothing can be told but its type, so that cells of another one could be "
            "taken for its own. Give the score or the network something else to hold, or examine without store=."
        ) from error
    if isinstance(made, str):
        yield from (f"{getattr(thing, '__module__', '')}.{made}", _settings(thing))
        return
    make, args, state, items, pairs = (*made, None, None, None, None)[:5]
    yield from (make, args, state, list(items or ()), list(pairs or ()))


def _function(thing: types.FunctionType, met: Met) -> Iterator[str]:
    held = [content(cell) for cell in thing.__closure__ or ()]
    if installed(thing.__module__):
        yield _named(thing)
        defaults = (thing.__defaults__, thing.__kwdefaults__) if held else ()  # made by another function
        yield from code_of((held, defaults, vars(thing)), met)
        return
    yield from bytecode(thing.__code__)
    yield from code_of((thing.__defaults__, thing.__kwdefaults__, vars(thing), held), met)
    for name, value in reached(thing):
        where = getattr(value, "__module__", None) if isinstance(value, (type, types.FunctionType)) else None
        where = thing.__module__ if where is None else where
        own = str(where).partition(".")[0] != "neurolab" or where == thing.__module__  # or a whole package is followed
        yield from (name, *(code_of(value, met) if own else [_named(value)]))


def _class(kind: type, met: Met) -> Iterator[str]:
    yield _named(kind)
    for one in kind.__mro__[:-1]:
        if not installed(one.__module__):
            for name, value in sorted(vars(one).items()):
                if (not name.startswith("__") or isinstance(value, types.FunctionType)) and name != "_abc_impl":
                    yield from (name, *code_of(_unwrapped(value), met))


def _module(thing: nn.Module, met: Met) -> Iterator[str]:
    """A module that the network does not list as its own, or that a score holds."""
    yield from (repr(thing), str(getattr(thing, "code", "")) if isinstance(thing, torch.jit.ScriptModule) else "")
    for path, part in thing.named_modules():
        own = {name: value for name, value in vars(part).items() if name not in OWN}
        yield from (path, *code_of((type(part), own, hooks_of(part), part.training), met))
        yield from code_of((dict(part._parameters), dict(part._buffers)), met)


def hooks_of(module: nn.Module) -> tuple[Any, ...]:
    """Get the hooks that a forward of a module runs."""
    return (*module._forward_pre_hooks.values(), *module._forward_hooks.values())


def _unwrapped(value: Any) -> Any:
    """The function behind a property, a class method or a cached property."""
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    return value.func if isinstance(value, functools.cached_property) else value


def _named(thing: Any) -> str:
    kind = thing if isinstance(thing, (type, types.FunctionType, types.BuiltinFunctionType)) else type(thing)
    name = f" {thing.__name__}" if isinstance(thing, types.ModuleType) else ""
    top = sys.modules.get(str(thing.__name__ if name else kind.__module__).partition(".")[0])
    return f"{kind.__module__}.{kind.__qualname__}{name} {getattr(top, '__version__', '')}"


OTHERS[types.FunctionType] = lambda function: digest_of(*code_of(function))  # of an ablation, say
