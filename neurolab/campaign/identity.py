"""What the cells of a store belong to; a store of something else is refused with a list of what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurolab.campaign.disk import sealed, unsealed, write_first, write_whole
from neurolab.campaign.journal import Commit
from neurolab.digest import digest_of
from neurolab.errors import CampaignMismatchError, FileFormatError

IDENTITY = "identity.json"
#: Of how an identity is written; another one is another campaign.
FORMAT = 1
#: What it means that two digests of something differ, by how its name begins.
MEANS = {
    "model code": "another layout, code or settings of the model",
    "stimuli of ": "other stimuli, or another table of them",
    "score of ": "its code, or what it refers to, was changed; so it is by a cache that it fills as it runs",
    "ablation ": "its code was changed",
}


def as_plain(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Get an identity as it comes back from JSON, keys sorted, the format of the store in it."""
    return json.loads(json.dumps({"format": FORMAT, **identity}, sort_keys=True))


def campaign_of(identity: Mapping[str, Any]) -> str:
    """Get the digest of an identity; every key of a cell and every commit has it in it."""
    return digest_of(as_plain(identity))


def read_identity(folder: Path) -> dict[str, Any]:
    """Get what the cells of one specimen's folder belong to.

    Raises
    ------
    FileFormatError : no store, or a file that was cut or altered.
    """
    path = folder / IDENTITY
    if not path.is_file():
        raise FileFormatError(f"{folder} is no store of a campaign: no {IDENTITY} there. examine(store=...) makes one.")
    found = unsealed(path.read_bytes())
    if not isinstance(found, dict):
        raise FileFormatError(
            f"{path} was cut or altered. Examine again with the same store=: where the cells belong to that campaign "
            "the file is written anew and they are kept."
        )
    return found


def settle(folder: Path, identity: Mapping[str, Any], by: str) -> None:
    """Write the identity of a new store, or check that the store there has the same one.

    A damaged file is written anew where every commit in the folder says that it belongs to this identity.

    Raises
    ------
    CampaignMismatchError : with a list of what differs.
    """
    asked = as_plain(identity)
    raw = sealed(asked, indent=1)
    write_first(folder / IDENTITY, raw, by=by)
    found = unsealed((folder / IDENTITY).read_bytes())
    if found is None and _campaigns(folder) <= {campaign_of(asked)}:
        write_whole(folder / IDENTITY, raw, by=by)
    elif found is None:
        raise CampaignMismatchError(
            f"{folder / IDENTITY} was cut or altered, and the cells beside it are of another campaign than this one. "
            "Type another store=, or delete that folder."
        )
    elif found != asked:
        raise CampaignMismatchError(refusal(folder, asked, found))


def refusal(folder: Path, asked: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Get the message that lists what differs between this campaign and the one in a folder."""
    lines = [f"  {name}: here {here}, in the store {there}{_meaning(name, here, there)}"
             for name, here, there in differences(asked, found)]
    return (
        f"The store {folder} was made by another campaign:\n" + "\n".join(lines) + "\nIts cells would not be those of "
        "this campaign, so none was used and nothing was changed. Type another store=; that one stays as it is."
    )


def _meaning(name: str, *both: str) -> str:
    """What it means that the digests of something differ."""
    said = [text for begin, text in MEANS.items() if name.startswith(begin)]
    return f" ({said[0]})" if said and repr(_NOTHING) not in both else ""


def differences(asked: Any, found: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Get what differs between two nested values: the name, what it is here, what it is there.

    Example
    -------
    >>> list(differences({"torch": "2.13", "weights": "ab"}, {"torch": "2.12", "weights": "ab"}))
    [('torch', "'2.13'", "'2.12'")]
    """
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        for key in sorted({*asked, *found}):
            here, there = asked.get(key, _NOTHING), found.get(key, _NOTHING)
            yield from differences(here, there, f"{name}.{key}" if name else str(key))
    elif repr(asked) != repr(found):  # NaN is NaN
        yield name, _short(asked), _short(found)


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 90 else said[:87] + "..."


def _campaigns(folder: Path) -> set[str]:
    """The campaigns that the commits in a folder say they belong to."""
    lines = (line for path in (folder / "journal").glob("*.jsonl") for line in path.read_bytes().splitlines(True))
    return {commit.campaign for commit in map(Commit.read, lines) if commit}
