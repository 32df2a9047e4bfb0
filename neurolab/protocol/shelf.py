"""The shelf of shipped protocols: found by name, listed with their question, read with ast and never run."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path

from neurolab.errors import MissingDataError, UnknownNameError, did_you_mean, listed
from neurolab.writing import path_of

#: The folder of the labs, which are copied (``neurolab lab new``) and not run as protocols are.
LABS = "labs"


@dataclass(frozen=True)
class Protocol:
    """A protocol script: its name, its place, and the question that it answers."""

    name: str
    path: Path
    question: str


def shipped(kind: str) -> Path | None:
    """Get the folder of what travels with neurolab: beside the package in a wheel, else in the checkout, else None.

    kind : "protocols" or "datasets".
    """
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent
    for place in (package / "_shipped" / kind, checkout / kind if (checkout / "pyproject.toml").is_file() else None):
        if place is not None and place.is_dir():
            return place
    return None


def list_protocols() -> tuple[Protocol, ...]:
    """Get every shipped protocol by name, with its question; motivations count too, labs do not: see list_labs.

    Example
    -------
    >>> "face_object_dissociation" in [protocol.name for protocol in list_protocols()]
    True
    """
    return _scripts(labs=False)


def list_labs() -> tuple[Protocol, ...]:
    """Get the script of every shipped lab by name, with its question; ``neurolab lab new NAME`` copies one.

    Example
    -------
    >>> "find_the_face_area" in [lab.name for lab in list_labs()]
    True
    """
    return _scripts(labs=True)


def _scripts(*, labs: bool) -> tuple[Protocol, ...]:
    place = shipped("protocols")
    scripts = sorted(place.rglob("*.py")) if place else []
    kept = [path for path in scripts if not path.name.startswith("_") and (path.parent.name == LABS) == labs]
    return tuple(sorted((Protocol(path.stem, path, question_of(path)) for path in kept), key=lambda one: one.name))


def question_of(path: str | os.PathLike[str]) -> str:
    """Get the first line of a script's docstring without running it; empty where there is none."""
    try:
        text = ast.get_docstring(ast.parse(Path(path).read_bytes())) or ""
    except (SyntaxError, ValueError):
        return "(this file is not valid Python)"
    return text.strip().partition("\n")[0]


def find_protocol(name: str | os.PathLike[str]) -> Path:
    """Get the script of a protocol: a shipped one by name, else a path that ends in ``.py``.

    Raises
    ------
    UnknownNameError : no protocol of that name, with the nearest ones.
    MissingDataError : a path that does not exist.
    """
    text = os.fspath(name)
    if text.endswith(".py") or os.sep in text:
        path = path_of(text)
        if not path.is_file():
            raise MissingDataError(f"{text} does not exist; expected a script. Type `neurolab list` for those by name.")
        return path.resolve()
    known = {protocol.name: protocol.path for protocol in list_protocols()}
    key = text.replace("-", "_")
    if key in {lab.name for lab in list_labs()}:
        raise UnknownNameError(f"{key!r} is a lab, no protocol; type neurolab lab new {key} and run the copy.")
    if key not in known:
        raise UnknownNameError(
            f"There is no protocol {text!r}.{did_you_mean(key, known)} There are {listed(known)}; your own "
            "script is given by its path, e.g. ./my_protocol.py."
        )
    return known[key]
