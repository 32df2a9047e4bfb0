"""What code would run and with which values, as texts that change when it does: what runs counts, not how it is typed.

Functions count by their bytecode, defaults and what they close over; globals that they use, where a user wrote them,
count with them. What is installed counts by its name and version.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import pickle
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from neurolab.digest import digest_of

_LOOKED_UP = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"))
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def code_of(thing: Any, met: dict[int, Any] | None = None) -> Iterator[str]:
    """Get texts that change when a function, an object or a value does: its code, its settings, what it uses.

    Example
    -------
    >>> once, twice = (lambda x: x), (lambda x: 2 * x)
    >>> list(code_of(once)) == list(code_of(twice)), list(code_of(once)) == list(code_of(lambda x: x))
    (False, True)
    """
    met = {} if met is None else met
    if isinstance(thing, (str, bytes, bool, int, float, complex, type(None), np.generic)):
        yield f"{type(thing).__name__} {thing!r}"
    elif isinstance(thing, torch.Tensor) and thing.layout is torch.strided and not thing.is_quantized:
        yield f"{thing.dtype} {digest_of(thing.detach().cpu().reshape(-1).view(torch.uint8).numpy(), thing.shape)}"
    elif isinstance(thing, np.ndarray) and thing.dtype.kind not in "OUT":
        yield digest_of(thing)
    elif id(thing) not in met:
        met[id(thing)] = thing  # kept, or another object would come by under its number
        yield from _made_of(thing, met)


def _made_of(thing: Any, met: dict[int, Any]) -> Iterator[str]:
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from (repr(key), *code_of(value, met))
    elif isinstance(thing, (list, tuple, np.ndarray)):
        yield f"{type(thing).__name__} {len(thing)}"
        for value in thing:
            yield from code_of(value, met)
    elif isinstance(thing, (set, frozenset)):
        yield from sorted(digest_of(*code_of(value, met)) for value in thing)
    elif isinstance(thing, functools.partial):
        yield from code_of((thing.func, thing.args, thing.keywords), met)
    elif isinstance(thing, types.MethodType):
        yield from code_of((thing.__func__, thing.__self__), met)
    elif isinstance(thing, types.FunctionType):
        yield from _function(thing, met)
    elif isinstance(thing, type):
        yield from _class(thing, met)
    elif isinstance(thing, (pd.DataFrame, pd.Series, pd.Index)):
        yield digest_of(pickle.dumps(thing).hex())
    elif isinstance(thing, nn.Module):
        yield from (repr(thing), *code_of((type(thing), dict(thing.state_dict())), met))
    elif dataclasses.is_dataclass(thing):
        settings = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
        yield from code_of((type(thing), settings), met)
    elif hasattr(thing, "__dict__") and not isinstance(thing, types.ModuleType):
        yield from code_of((type(thing), vars(thing)), met)
    else:
        yield _named(thing)


def _function(thing: types.FunctionType, met: dict[int, Any]) -> Iterator[str]:
    if _installed(thing.__module__):
        yield _named(thing)
        return
    yield from _bytecode(thing.__code__)
    yield from code_of((thing.__defaults__, thing.__kwdefaults__), met)
    for cell in thing.__closure__ or ():
        yield from code_of(_content(cell), met)
    for name in sorted(_globals(thing.__code__)):
        if name in thing.__globals__:
            yield from (name, *_used(thing.__globals__[name], thing, met))


def _used(value: Any, by: types.FunctionType, met: dict[int, Any]) -> Iterator[str]:
    """A global that a function uses; of a user's own module what it names there."""
    if isinstance(value, types.ModuleType):
        if not _installed(value.__name__):
            for name in sorted(_names(by.__code__) & vars(value).keys()):
                yield from (name, *code_of(vars(value)[name], met))
        return
    where = getattr(value, "__module__", None) if isinstance(value, (type, types.FunctionType)) else by.__module__
    own = str(where).partition(".")[0] != "neurolab" or where == by.__module__  # or a whole package is followed
    yield from code_of(value, met) if own else [_named(value)]


def _bytecode(code: types.CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _bytecode(constant)
        else:  # a set among the constants has no order of its own
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _names(code: types.CodeType) -> set[str]:
    """All names in a function: of globals, and of attributes."""
    inner = (_names(one) for one in code.co_consts if isinstance(one, types.CodeType))
    return set(code.co_names).union(*inner)


def _globals(code: types.CodeType) -> set[str]:
    """The names that a function looks up outside of itself; an attribute of that name is another thing."""
    inner = (_globals(one) for one in code.co_consts if isinstance(one, types.CodeType))
    return {str(one.argval) for one in dis.get_instructions(code) if one.opname in _LOOKED_UP}.union(*inner)


def _class(kind: type, met: dict[int, Any]) -> Iterator[str]:
    yield _named(kind)
    for one in kind.__mro__[:-1]:
        if not _installed(one.__module__):
            for name, value in sorted(vars(one).items()):
                if not name.startswith("__") or isinstance(value, types.FunctionType):
                    yield from (name, *code_of(_unwrapped(value), met))


def _unwrapped(value: Any) -> Any:
    """The function behind a property, a class method or a cached property."""
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    return value.func if isinstance(value, functools.cached_property) else value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


@functools.cache
def _installed(module: str | None) -> bool:
    """Whether a module came with Python or a package; one without a file was typed into a console."""
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    builtin = str(module).partition(".")[0] in sys.builtin_module_names
    return builtin or (file is not None and file.startswith(_INSTALLED) and not str(module).startswith("neurolab"))


def _named(thing: Any) -> str:
    kind = thing if isinstance(thing, (type, types.FunctionType, types.BuiltinFunctionType)) else type(thing)
    top = sys.modules.get(str(kind.__module__).partition(".")[0])
    return f"{kind.__module__}.{kind.__qualname__} {getattr(top, '__version__', '')}"
