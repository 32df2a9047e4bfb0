"""The options of a protocol: ``--rng``, ``--quick``, ``--out``, and one for each further argument of its main."""

from __future__ import annotations

import argparse
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from neurolab.campaign.shards import Shard
from neurolab.errors import ProtocolError, WordsError, did_you_mean, listed
from neurolab.writing import path_of

#: Further arguments that mean the same in every protocol: their type where the default is None, and what help says.
HOUSE: dict[str, tuple[type, str]] = {
    "store": (Path, "folder that keeps every finished lesion; a run that was stopped goes on from there"),
    "n_jobs": (int, "worker processes; -1 takes every core"),
    "shard": (str, "compute this part alone, e.g. 1/3 on the first of three machines; needs --store"),
    "n_controls": (int, "matched controls per target"),
}
#: Types that a word of the command line can have.
PLAIN = (bool, int, float, str, Path)
TAKEN = ("rng", "quick", "out")


@dataclass(frozen=True)
class Options:
    """What was asked of a run. ``further`` are the arguments of main besides rng and quick."""

    rng: int
    quick: bool
    out: Path
    further: dict[str, Any] = field(default_factory=dict)

    @property
    def shard(self) -> Shard | None:
        """The part of every campaign that this run computes, where it is asked for one."""
        given = self.further.get("shard")
        return Shard.of(given) if given else None


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are typed and name what this protocol takes."""

    def error(self, message: str) -> NoReturn:
        every = [word for action in self._actions for word in action.option_strings if word.startswith("--")]
        unknown = next((word for word in message.split() if word.startswith("-")), "").partition("=")[0]
        hint = did_you_mean(unknown, every) if unknown and unknown not in every else ""
        raise WordsError(f"{self.prog}: {message}. It takes {listed(every, most=40)}.{hint}")


def options_of(main: Callable[..., Any], name: str, question: str, given: Sequence[str]) -> Options:
    """Get the options of a run from the words that were given.

    Parameters
    ----------
    main : its keyword arguments besides ``rng`` and ``quick`` become options, if their default is a flag, a number or
        text, or None and annotated (``n_controls: int | None = None``). ``store``, ``n_jobs``, ``shard`` and
        ``n_controls`` need no annotation. ``--n-controls 99`` gives ``n_controls=99``.
    name, question : of the protocol; said by ``--help``.
    given : the words.

    Raises
    ------
    ProtocolError : a main that cannot be called as ``main(rng=0, quick=False)``.
    WordsError : a word that this protocol does not take, with those that it does.

    Example
    -------
    >>> def main(*, rng=0, quick=False, n_jobs=1, level: float | None = None): ...
    >>> options_of(main, "mine", "Is it so?", ["--n-jobs", "2", "--level", ".9"]).further
    {'n_jobs': 2, 'level': 0.9}
    """
    _check_main(main)
    further = _further(main)
    parser = _Parser(prog=name, description=question, allow_abbrev=False)
    parser.add_argument("--rng", type=int, default=0, help="integer that fixes every draw of chance (default 0)")
    parser.add_argument("--quick", action="store_true", help="a smaller run that shows that the protocol works")
    parser.add_argument("--out", type=path_of, help=f"folder for everything found (default {Path('out') / name})")
    for key, (kind, default) in further.items():
        flag = "--" + key.replace("_", "-")
        said = HOUSE.get(key, (str, ""))[1] + ("" if default is None else f" (default {default})")
        if kind is bool:
            parser.add_argument(flag, dest=key, action=argparse.BooleanOptionalAction, default=default)
        else:
            parser.add_argument(flag, dest=key, type=kind, default=default, help=said.strip())
    read = vars(parser.parse_args(given))
    out = read["out"] or Path("out") / name
    options = Options(read["rng"], read["quick"], out, {key: read[key] for key in further})
    shard = options.shard
    if shard and read.get("store") is None:
        raise WordsError(
            f"--shard {shard} was given without --store; a part of a campaign is of use only where it is kept. Type "
            f"--store DIR --shard {shard}."
        )
    if shard and read["out"] is None:  # parts may run at once, on one disk
        return replace(options, out=Path("out") / f"{name}-shard-{shard.number}-of-{shard.n}")
    return options


def without_shard(words: Sequence[str]) -> list[str]:
    """Get the words that run the whole, of those that run a part.

    Example
    -------
    >>> without_shard(["neurolab", "run", "mine", "--shard", "1/3", "--store", "kept"])
    ['neurolab', 'run', 'mine', '--store', 'kept']
    """
    return [word for at, word in enumerate(words)
            if not word.startswith("--shard") and (at == 0 or words[at - 1] != "--shard")]


def _check_main(main: Callable[..., Any]) -> None:
    accepted = inspect.signature(main).parameters
    keywords = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    if not keywords and not {"rng", "quick"} <= set(accepted):
        taken = listed(accepted, empty="nothing")
        raise ProtocolError(f"main takes {taken}; expected def main(*, rng=0, quick=False).")
    wanting = [name for name, one in accepted.items() if name not in TAKEN and one.default is one.empty
               and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    if wanting:
        raise ProtocolError(
            f"main takes {listed(wanting)} without a default; expected each further argument to have one, such as "
            f"def main(*, rng=0, quick=False, {wanting[0]}=None)."
        )
    if "out" in accepted:
        raise ProtocolError("main takes 'out', but --out is the folder of the run. Give the argument another name.")


def _further(main: Callable[..., Any]) -> dict[str, tuple[type, Any]]:
    """The further arguments of main that can be words: name -> (type, default)."""
    said = _annotations(main)
    found = {}
    for name, one in inspect.signature(main).parameters.items():
        if name not in TAKEN and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            kind = _kind(said.get(name), one.default, name)
            if kind is not None:
                found[name] = (kind, one.default)
    return found


def _annotations(main: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(main)
    except (NameError, TypeError, AttributeError):  # names known to a type checker only
        return {}


def _kind(annotation: Any, default: Any, name: str) -> type | None:
    """The type of an option: as annotated, as in every protocol, as its default; None where it cannot be a word."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    plain = [part for part in (typing.get_args(annotation) if union else (annotation,)) if part in PLAIN]
    if plain:
        return plain[0]
    if name in HOUSE:
        return HOUSE[name][0]
    if default is None:
        return str if annotation is None else None
    return type(default) if type(default) in PLAIN else None
