"""Content digests: the same numbers give the same sixteen characters, on any machine and in any order of work."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar

import numpy as np

from neurolab.errors import DataError

Value = TypeVar("Value")

#: Values that count by what json writes of them.
PLAIN = (str, int, float, bool, type(None))
#: type -> what tells such values apart, for those that only another room can tell: functions.
OTHERS: dict[type, Callable[[Any], str]] = {}


class remembered(cached_property[Value]):
    """A property that is computed once, as ``functools.cached_property``, without a dict for every instance.

    There are many thousands of lesions. What is set as an attribute lies with the fields of its instance, where Python
    leaves room for one more.

    Example
    -------
    >>> class Word:
    ...     @remembered
    ...     def length(self):
    ...         return print("counted") or 4
    >>> word = Word()
    >>> word.length, word.length
    counted
    (4, 4)
    """

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self.func(instance)
        with suppress(AttributeError):  # a subclass put a property of its own in this place
            object.__setattr__(instance, str(self.attrname), value)
        return value


def digest_of(*parts: Any) -> str:
    """Get the first 16 hexadecimal characters of a sha256 over the content of ``parts``.

    Arrays count by dtype, shape and bytes; mappings by sorted key; frozen values by their ``digest`` or their fields.

    Example
    -------
    >>> digest_of("a", 1) == digest_of("a", 1), digest_of("a", 1) == digest_of("a", 2)
    (True, False)
    """
    state = hashlib.sha256()
    for part in parts:
        _feed(state, part)
    return state.hexdigest()[:16]


def _feed(state: Any, part: Any) -> None:
    if type(part) is str:
        state.update(b"Sstr" + encode_basestring_ascii(part).encode())  # what json writes of it
    elif type(part) in PLAIN:
        state.update(f"S{type(part).__name__}{json.dumps(part)}".encode())
    elif hasattr(part, "digest") and isinstance(part.digest, str):
        state.update(b"D" + part.digest.encode())
    elif isinstance(part, np.ndarray) and part.dtype.kind not in "OUT":
        state.update(f"A{part.dtype.str}{part.shape}".encode())
        state.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))  # no copy of what may be large
    elif isinstance(part, np.ndarray):
        text = part.dtype.kind != "O"
        _feed(state, [str(item) if text else item for item in part.ravel()])
    elif isinstance(part, Mapping):
        for key in sorted(part, key=str):
            state.update(b"K" + str(key).encode())
            _feed(state, part[key])
    elif isinstance(part, (list, tuple)):
        state.update(f"L{len(part)}".encode())
        for item in part:
            _feed(state, item)
    elif isinstance(part, (set, frozenset)):
        _feed(state, sorted(str(item) for item in part))
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        state.update(b"C" + type(part).__name__.encode())
        _feed(state, {field.name: getattr(part, field.name) for field in dataclasses.fields(part)})
    elif isinstance(part, np.generic):
        state.update(f"S{type(part.item()).__name__}{json.dumps(part.item(), default=str)}".encode())
    elif type(part) in OTHERS:
        _feed(state, OTHERS[type(part)](part))
    elif hasattr(part, "__array__"):  # a tensor, or a table
        _feed(state, _as_array(part))
    else:
        state.update(f"S{type(part).__name__}{json.dumps(part, default=_said)}".encode())


def _as_array(part: Any) -> Any:
    """A tensor or table as arrays of its numbers; of a table with its labels."""
    if hasattr(part, "detach"):
        part = part.detach().cpu()
        try:
            return part.numpy()
        except TypeError:  # numpy has no such numbers
            return [str(part.dtype), part.double().numpy()]
    labels = [np.asarray(getattr(part, name)) for name in ("index", "columns", "dims") if hasattr(part, name)]
    return [type(part).__name__, str(getattr(part, "dtype", "")), np.asarray(part), *labels]


def _said(part: Any) -> str:
    """What a value says of itself, unless that is where it lies in memory."""
    said = str(part)
    if " at 0x" in said:
        raise DataError(
            f"A {type(part).__name__} ({said}) has no content that could be told from that of another one. Give "
            "numbers, texts, arrays, or a frozen dataclass of these."
        )
    return said

