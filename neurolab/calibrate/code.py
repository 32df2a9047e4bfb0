"""Which code a simulation runs: every function, class and table of neurolab that it names, and what these name.

Read from the files, nothing is run: a function counts by its statements (comments, layout and docstrings do not), and a
change of one function makes anew what goes through it, not what lies in the same file.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from neurolab.digest import digest_of

ROOT = Path(__file__).resolve().parents[1]
NAME = "neurolab"
#: Modules of sentences and of no numbers; of one, nothing is followed.
WORDS = ("neurolab.errors",)

Place = tuple[str, str]  # module and what it defines; "" for all of the module


def code_of(draw: Callable[..., Any]) -> str:
    """Get a digest that changes when the simulation, or anything of neurolab that it runs, changes.

    When this is invalid
    --------------------
    What is called by a name that is put together while it runs (``getattr``) counts where its table is named, not else.

    Example
    -------
    >>> from neurolab.calibrate import ENTRIES
    >>> names = ["sign_flip, 8 values", "mcnemar, exact"]
    >>> len({code_of(ENTRIES[name].draw) for name in names})
    2
    """
    settings: list[str] = []
    places = sorted(reached(_start(draw, settings)))
    known = [(_module(module), name) for module, name in places]
    sources = [f"{module.name} {name} {module.source(name)}" for module, name in known if module is not None]
    return digest_of(settings, sources, np.__version__, scipy.__version__)


def reached(start: set[Place]) -> set[Place]:
    """Get all that is defined in neurolab and named from these places on."""
    found: set[Place] = set()
    waiting = list(start)
    while waiting:
        place = waiting.pop()
        module = None if place[0] in WORDS else _module(place[0])
        if module is None or place in found:
            continue
        home = module.home(place[1])
        if home != place:
            waiting.append(home)
            continue
        found.add(place)
        waiting += module.names(place[1])
    return found


def _start(thing: Any, settings: list[str]) -> set[Place]:
    """Where a simulation begins: its function, and the functions and classes that it is given."""
    if isinstance(thing, partial):
        settings.append(repr(sorted((key, str(getattr(v, "__name__", v))) for key, v in thing.keywords.items())))
        parts = (thing.func, *thing.args, *thing.keywords.values())
        return set().union(*(_start(part, settings) for part in parts))
    known = thing if hasattr(thing, "__qualname__") else type(thing)
    module = str(getattr(known, "__module__", ""))
    return {(module, known.__qualname__.split(".")[0])} if module.split(".")[0] == NAME else set()


@dataclass
class _Module:
    """What a file defines at its top level, by name, and what its names were imported as."""

    name: str
    parts: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)

    def home(self, name: str) -> Place:
        """Where a name of this module is defined: here, or where it was imported from."""
        if name and name not in self.parts:
            if name in self.imported:
                return self.imported[name]
            inner = f"{self.name}.{name}"
            return (inner, "") if _file(inner) else (self.name, name)
        return self.name, name

    def source(self, name: str) -> str:
        """The statements of a name; of a whole module, all of them."""
        chosen = self.parts.get(name, []) if name else [one for part in self.parts.values() for one in part]
        return "\n".join(_plain(one) for one in chosen)

    def names(self, name: str) -> list[Place]:
        """What these statements name: here, or in a module that they or this file import."""
        chosen = self.parts.get(name, []) if name else [one for part in self.parts.values() for one in part]
        return [place for statement in chosen for place in self._named(statement)]

    def _named(self, statement: ast.stmt) -> Iterator[Place]:
        known = {**self.imported, **dict(_imports(statement))}
        inside = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                module, what = known[node.value.id]
                inner = f"{module}.{what}" if what else module
                yield (inner, node.attr) if _file(inner) else (module, what)
            elif isinstance(node, ast.Name) and node.id in known and id(node) not in inside:
                yield known[node.id]
            elif isinstance(node, ast.Name) and node.id in self.parts:
                yield self.name, node.id


@cache
def _module(name: str) -> _Module | None:
    path = _file(name)
    if path is None:
        return None
    made = _Module(name)
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        made.imported.update(_imports(statement))
        for defined in _defined(statement):
            made.parts.setdefault(defined, []).append(statement)
    return made


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a value, or a part of one (``TABLE[key] = value``)."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _imports(statement: ast.stmt) -> Iterator[tuple[str, Place]]:
    """The names of neurolab that are imported anywhere in a statement, also under ``if TYPE_CHECKING``."""
    for node in ast.walk(statement):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == NAME:
            for alias in node.names:
                yield alias.asname or alias.name, (str(node.module), alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname and alias.name.split(".")[0] == NAME:
                    yield alias.asname, (alias.name, "")


@cache
def _plain(statement: ast.stmt) -> str:
    """A statement without what changes no number: comments, layout, docstrings."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(statement)


@cache
def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)
