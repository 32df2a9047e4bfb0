"""Files that appear whole or not at all, and say so when they are damaged."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from neurolab.digest import digest_of
from neurolab.writing import removed_on_error, saying, write_all

#: What a file is to hold, whole or in pieces.
Content = bytes | Iterable[bytes]
_HEAD, _MIDDLE, _END = b'{"sha256": "', b'", "content": ', b"}\n"
_BEGIN = len(_HEAD) + 64 + len(_MIDDLE)


def safe_name(name: str) -> str:
    """Get a name as a folder or file on any system; a changed one ends in a digest, so that no two names meet.

    Example
    -------
    >>> safe_name("net-0"), safe_name("../Net 0")
    ('net-0', 'net-0-c5949bdd')
    """
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:60].strip("-") or "specimen"
    return plain if plain == name else f"{plain}-{digest_of(name)[:8]}"


def writing(place: Path) -> AbstractContextManager[None]:
    """Say a full disk or a read-only folder in words, with what to do."""
    return saying(
        place,
        "store= with a folder of your own",
        kept="every cell that was committed before is kept there",
        again="type the same again: it goes on where it stopped",
        reading=" nl.campaign.partial() and `neurolab status` only read.",
    )


def write_whole(target: Path, content: Content, *, by: str, sync: bool = True) -> None:
    """Write a file beside its place and rename it; an error removes the draft, of which a writer ``by`` has one."""
    draft = _draft(target, content, by, sync)
    with removed_on_error(draft):
        os.replace(draft, target)


def write_first(target: Path, content: Content, *, by: str) -> None:
    """Write a file unless it is there already: of several writers the first wins."""
    if target.exists():
        return
    draft = _draft(target, content, by, True)
    with removed_on_error(draft):
        try:
            os.link(draft, target)
        except FileExistsError:
            os.unlink(draft)
        except OSError:  # a file system without hard links: the last of two that meet here wins
            os.replace(draft, target)
        else:
            os.unlink(draft)


def _draft(target: Path, content: Content, by: str, sync: bool) -> Path:
    draft = target.with_name(f".{target.name}.{by}.part")
    with removed_on_error(draft):
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            for piece in [content] if isinstance(content, bytes) else content:
                write_all(handle, piece)
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    return draft


def is_made_of(path: Path, pieces: Iterable[bytes]) -> bool:
    """Get whether a file holds these bytes and no others."""
    with open(path, "rb") as file:
        return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk itself; one that is gone has nothing to wait for."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append(handle: int, line: bytes, at: int) -> None:
    """Write a line at the end of an open file; what was written of a line that failed is cut off again."""
    os.lseek(handle, at, os.SEEK_SET)
    try:
        write_all(handle, line)
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, at)
        raise


def sweep(folder: Path, by: str) -> None:
    """Remove what a writer that was killed left half done."""
    for place in (folder, folder / "shards", *(folder / "designs").glob("*")):
        for draft in [*place.glob(f".*.{by}.part"), *place.glob(f".*.{by}.old")]:
            remove(draft)


def remove(path: Path) -> None:
    """Remove a file or a folder as far as it goes; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)


# -- JSON with a seal -------------------------------------------------------------------------------------------------


def sealed(content: Any, *, indent: int | None = None) -> bytes:
    """Get JSON with its own sha256 before it, so that a torn or altered text is known."""
    return _with_seal(json.dumps(content, indent=indent).encode())


def sealed_in_pieces(content: Mapping[str, Any]) -> Iterator[bytes]:
    """Get what :func:`sealed` gives of a mapping, entry by entry and those of its mappings one by one, never whole.

    Example
    -------
    >>> content = {"a": {"b": [1], "c": {}}, "d": {}}
    >>> b"".join(sealed_in_pieces(content)) == sealed(content)
    True
    """
    seal = hashlib.sha256()
    for piece in _pieces(content):
        seal.update(piece)
    yield b"".join([_HEAD, seal.hexdigest().encode(), _MIDDLE])
    yield from _pieces(content)
    yield _END


def _pieces(content: Mapping[str, Any], deep: int = 1) -> Iterator[bytes]:
    """The JSON of a mapping, as json.dumps writes it."""
    yield b"{"
    for number, (name, value) in enumerate(content.items()):
        yield f"{', ' if number else ''}{json.dumps(name)}: ".encode()
        if deep and isinstance(value, Mapping):
            yield from _pieces(value, deep - 1)
        else:
            yield json.dumps(value).encode()
    yield b"}"


def unsealed(raw: bytes, mapping: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Get the JSON behind a seal, or None where the seal is broken; ``mapping`` makes something else of each mapping.

    Example
    -------
    >>> unsealed(sealed({"a": 1})), unsealed(sealed({"a": 1})[:-3])
    ({'a': 1}, None)
    """
    if not holds(raw):
        return None
    try:
        body = str(memoryview(raw)[_BEGIN : -len(_END)], "utf-8")
        del raw  # an outline is large, and what is made of it larger still
        return json.loads(body, object_hook=mapping)
    except ValueError:
        return None


def holds(raw: bytes) -> bool:
    """Get whether the seal of some JSON is whole."""
    seal = hashlib.sha256(memoryview(raw)[_BEGIN : -len(_END)]).hexdigest().encode()
    return raw[:_BEGIN] == b"".join([_HEAD, seal, _MIDDLE]) and raw.endswith(_END) and len(raw) >= _BEGIN + len(_END)


def _with_seal(body: bytes) -> bytes:
    return b"".join([_HEAD, hashlib.sha256(body).hexdigest().encode(), _MIDDLE, body, _END])
