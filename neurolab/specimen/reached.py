"""What a function reaches outside of itself: globals, what it names in modules, what it imports as it runs."""

from __future__ import annotations

import dis
import functools
import importlib
import importlib.util
import sys
import sysconfig
import types
from collections.abc import Iterator
from typing import Any

_LOOKED_UP = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"))
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def reached(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Get the globals that a function uses, by name; of a user's own module what the function names there.

    Example
    -------
    >>> [name for name, _ in reached(reached)]
    ['_found', '_globals', '_imported', '_named_in', 'types']
    """
    names = _named_in(function.__code__)
    found = {name: function.__globals__[name] for name in _globals(function.__code__) if name in function.__globals__}
    for name, value in sorted({**found, **_imported(function)}.items()):
        if isinstance(value, types.ModuleType):
            yield from _found(name, value, names, set())
        else:
            yield name, value


def _found(path: str, module: types.ModuleType, names: set[str], met: set[str]) -> Iterator[tuple[str, Any]]:
    """What is named in a module, in its modules and so on; an installed one counts by its version."""
    if installed(module.__name__):
        yield path, module
        return
    met.add(module.__name__)
    for name in sorted(names & vars(module).keys()):
        value = vars(module)[name]
        if not isinstance(value, types.ModuleType):
            yield f"{path}.{name}", value
        elif value.__name__ not in met:
            yield from _found(f"{path}.{name}", value, names, met)


def _imported(function: types.FunctionType) -> dict[str, types.ModuleType]:
    """The modules that a function imports as it runs."""
    package, found = str(function.__globals__.get("__package__") or ""), {}
    for code in _codes(function.__code__):
        for (level, *_), one in zip(_before(code), dis.get_instructions(code)):
            if one.opname == "IMPORT_NAME":
                dots = "." * level.argval if isinstance(level.argval, int) else ""
                for name in _prefixes(f"{dots}{one.argval}", package):
                    found[f"import {name}"] = sys.modules[name]
    return found


def _before(code: types.CodeType) -> Iterator[tuple[Any, Any]]:
    """For each instruction the two before it; of an import these are how many dots it has, and what it takes."""
    every = list(dis.get_instructions(code))
    yield from ((every[max(0, at - 2)], every[max(0, at - 1)]) for at in range(len(every)))


def _prefixes(name: str, package: str) -> list[str]:
    """A module and the packages that it lies in, as they are imported; none where it cannot be."""
    try:
        whole = importlib.util.resolve_name(name, package)
        if not installed(whole.partition(".")[0]):
            importlib.import_module(whole)  # as the function will
    except Exception:
        return []
    parts = whole.split(".")
    return [one for at in range(len(parts)) if (one := ".".join(parts[: at + 1])) in sys.modules]


def bytecode(code: types.CodeType) -> Iterator[str]:
    """Get the text of what a function does, of functions within it too."""
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from bytecode(constant)
        else:  # a set among the constants has no order of its own
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from _codes(one)


def _named_in(code: types.CodeType) -> set[str]:
    """All names in a function: of globals, and of attributes."""
    return {name for one in _codes(code) for name in one.co_names}


def _globals(code: types.CodeType) -> set[str]:
    """The names that a function looks up outside of itself; an attribute of that name is another thing."""
    every = (one for part in _codes(code) for one in dis.get_instructions(part))
    return {str(one.argval) for one in every if one.opname in _LOOKED_UP}


def content(cell: types.CellType) -> Any:
    """Get what a function closes over, None while there is nothing."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


@functools.cache
def installed(module: str | None) -> bool:
    """Get whether a module came with Python or a package; one without a file was typed into a console."""
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    builtin = str(module).partition(".")[0] in sys.builtin_module_names
    return builtin or (file is not None and file.startswith(_INSTALLED) and not str(module).startswith("neurolab"))
