"""Which code a simulation runs: its own source and the code of every file of neurolab it reaches, as one digest."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import scipy

from neurolab.digest import digest_of

ROOT = Path(__file__).resolve().parents[1]
HERE = "neurolab.calibrate"
#: Files that hold sentences and no numbers.
WORDS = ("errors.py",)


def code_of(draw: Callable[..., Any]) -> str:
    """Get a digest that changes when the simulation, or anything of neurolab that it runs, changes.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES
    >>> names = ["sign_flip, 8 values", "mcnemar, exact"]
    >>> len({code_of(ENTRIES[name].draw) for name in names})
    2
    """
    sources: list[str] = []
    files: set[Path] = set()
    _collect(draw, sources, files, set())
    texts = [_meant(path) for path in sorted(files) if path.name not in WORDS]
    return digest_of(sorted(sources), texts, np.__version__, scipy.__version__)


@cache
def _meant(path: Path) -> str:
    """The code of a file without what changes no number: comments, layout, docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def _collect(thing: Any, sources: list[str], files: set[Path], seen: set[int]) -> None:
    """Follow what a function of this package names: its neighbours by their source, all else by files."""
    if isinstance(thing, partial):
        sources.append(repr(sorted((key, str(getattr(v, "__name__", v))) for key, v in thing.keywords.items())))
        for part in (thing.func, *thing.args, *thing.keywords.values()):
            _collect(part, sources, files, seen)
        return
    module = thing.__name__ if isinstance(thing, ModuleType) else str(getattr(thing, "__module__", ""))
    if not module.startswith("neurolab") or id(thing) in seen:
        return
    seen.add(id(thing))
    if not isinstance(thing, FunctionType) or not module.startswith(HERE):
        files |= _reached(module)
        return
    sources.append(inspect.getsource(thing))
    for name in _names(thing.__code__):
        if name in thing.__globals__:
            _collect(thing.__globals__[name], sources, files, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


@cache
def _reached(module: str) -> frozenset[Path]:
    """Get the files that importing a module of neurolab reaches within neurolab."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting += _imports(path)
    return frozenset(found)


def _file(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split(".")[1:])
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Get the modules of neurolab that a file names; a package's list of its members is no use of them."""
    if path.name == "__init__.py":
        return ()
    tree, named = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neurolab"):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            named += [*(name for name in inner if _file(name)), str(node.module)]
    return tuple(named)
