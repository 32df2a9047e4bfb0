"""Where a public name is: read from the texts of the rooms, so that asking loads none of them."""

from __future__ import annotations

import ast
import pathlib
import pkgutil
from collections.abc import Iterable

from neurolab.errors import did_you_mean

#: Every room, the likeliest first. Those of ``ASIDE`` are no names of ``nl``, and are imported by themselves.
ROOMS = ("analysis", "specimen", "plots", "datasets", "scores", "brain", "campaign", "simulate", "drawn", "errors",
         "stats", "lab", "report", "protocol", "calibrate")  # fmt: skip
ASIDE = ("lab", "report", "protocol", "calibrate", "cli")
#: The room whose functions lie in its modules.
ARRAYS = "stats"


def rooms_of(name: str) -> list[str]:
    """Get the rooms that show a name.

    Example
    -------
    >>> rooms_of("retrain"), rooms_of("no_such_name")
    (['specimen'], [])
    >>> rooms_of("max_t")
    ['stats.permutation']
    """
    every = (*ROOMS, *(f"{ARRAYS}.{module}" for module in public_names(ARRAYS)))
    return [room for room in every if name in public_names(room)]


def public_names(room: str) -> list[str]:
    """Get what a room or a module of one shows, without importing it: what it lists, else what it defines.

    Example
    -------
    >>> "savings" in public_names("analysis")
    True
    """
    place = pathlib.Path(__file__).resolve().parent.joinpath(*room.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    body = ast.parse(file.read_text("utf-8")).body
    for line in body:
        if isinstance(line, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "__all__" for to in line.targets):
            return list(map(str, ast.literal_eval(line.value)))
    made = (line.name for line in body if isinstance(line, (ast.FunctionDef, ast.ClassDef)))
    return [name for name in made if not name.startswith("_")]


def is_room(name: str) -> bool:
    """Get whether a name is that of a module or package of neurolab, which can be imported, without importing it.

    Example
    -------
    >>> is_room("coalitions"), is_room("no_such_name")
    (True, False)
    """
    found = [module.name for module in pkgutil.iter_modules([str(pathlib.Path(__file__).resolve().parent)])]
    return name in found and not name.startswith("_")


def not_here(name: str, top: Iterable[str]) -> str:
    """Get what to say of a name that the top level of neurolab has not: where it is, or what is like it.

    Example
    -------
    >>> not_here("retrain", ["record"])
    "neurolab has no name 'retrain' at its top; it is in a room. Type nl.specimen.retrain."
    >>> not_here("lab", ["record"])
    "neurolab has no name 'lab' at its top; it is a room of its own. Type `from neurolab import lab`."
    """
    begin = f"neurolab has no name {name!r} at its top"
    if is_room(name):
        return f"{begin}; it is a room of its own. Type `from neurolab import {name}`."
    ways = [_typed(name, room) for room in rooms_of(name)]
    if ways:
        return f"{begin}; it is in a room. Type {' or '.join(ways)}."
    known = {one: _typed(one, room) for room in reversed(ROOMS) for one in public_names(room)}  # the likeliest last
    known |= {one: f"nl.{one}" for one in top}
    like = did_you_mean(name, known)
    for one in known:
        like = like.replace(repr(one), known[one])
    return f"{begin}, nor has a room of it.{like} Type dir(nl), dir(nl.specimen) or dir(nl.analysis) for what there is."


def not_in_arrays(name: str) -> str:
    """Get what to say of a name that the room of the arrays has not: in which of its modules, or other rooms, it is.

    Example
    -------
    >>> not_in_arrays("max_t")
    "neurolab.stats has no name 'max_t'. Type nl.stats.permutation.max_t."
    """
    return not_in_room(name, ARRAYS, "modules")


def not_in_room(name: str, room: str, what: str = "names") -> str:
    """Get what to say of a name that a room has not: in which other room it is, or what is like it in this one.

    what : the room holds.

    Example
    -------
    >>> not_in_room("shapely", "analysis").partition(" Type")[0]
    "neurolab.analysis has no name 'shapely'. Did you mean 'shapley' or 'Spectral'?"
    >>> not_in_room("save_figure", "analysis")
    "neurolab.analysis has no name 'save_figure'. Type nl.plots.save_figure."
    """
    begin = f"neurolab.{room} has no name {name!r}."
    ways = [_typed(name, other) for other in rooms_of(name)]
    if ways:
        return f"{begin} Type {' or '.join(ways)}."
    return f"{begin}{did_you_mean(name, public_names(room))} Type dir(nl.{room}) for its {what}."


def _typed(name: str, room: str) -> str:
    return f"`from neurolab.{room} import {name}`" if room in ASIDE else f"nl.{room}.{name}"
