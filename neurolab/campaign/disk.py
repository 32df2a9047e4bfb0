"""Files that appear whole or not at all, and say so when they are damaged."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from neurolab.digest import digest_of
from neurolab.errors import StoreWriteError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LOCKED = {errno.EROFS, errno.EACCES, errno.EPERM}
TAKEN = {errno.ENOTDIR, errno.EEXIST}
_HEAD, _MIDDLE, _END = b'{"sha256": "', b'", "content": ', b"}\n"


def safe_name(name: str) -> str:
    """Get a name as a folder or file on any system; a changed one ends in a digest, so that no two names meet.

    Example
    -------
    >>> safe_name("net-0"), safe_name("../Net 0")
    ('net-0', 'net-0-c5949bdd')
    """
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:60].strip("-") or "specimen"
    return plain if plain == name else f"{plain}-{digest_of(name)[:8]}"


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say a full disk or a read-only folder in words, with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreWriteError(
                f"The disk of {place} is full ({error.strerror}); every cell that was committed before is kept there. "
                "Free some space and type the same again: it goes on where it stopped."
            ) from error
        if error.errno in LOCKED:
            raise StoreWriteError(
                f"{place} cannot be written ({error.strerror}); what it holds is untouched. Type store= with a folder "
                "of your own, or change its permissions. nl.campaign.partial() and `neurolab status` only read."
            ) from error
        if error.errno in TAKEN:
            raise StoreWriteError(
                f"{error.filename or place} is a file, or in one, where the store needs a folder. Type another store=."
            ) from error
        raise


def write_whole(target: Path, content: bytes, *, by: str, sync: bool = True) -> None:
    """Write a file beside its place and rename it; an error removes the draft, of which a writer ``by`` has one."""
    draft = _draft(target, content, by, sync)
    with _removed_on_error(draft):
        os.replace(draft, target)


def write_first(target: Path, content: bytes, *, by: str) -> bytes:
    """Write a file unless it is there already, and get what is there: of several writers the first wins."""
    if target.exists():
        return target.read_bytes()
    draft = _draft(target, content, by, True)
    with _removed_on_error(draft):
        try:
            os.link(draft, target)
        except FileExistsError:
            os.unlink(draft)
        except OSError:  # a file system without hard links: the last of two that meet here wins
            os.replace(draft, target)
        else:
            os.unlink(draft)
    return target.read_bytes()


def _draft(target: Path, content: bytes, by: str, sync: bool) -> Path:
    draft = target.with_name(f".{target.name}.{by}.part")
    with _removed_on_error(draft):
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(handle, content)
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    return draft


def write_all(handle: int, content: bytes) -> None:
    """Write all bytes to an open file, however many the system takes at once."""
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


@contextmanager
def _removed_on_error(draft: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


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


def unsealed(raw: bytes) -> Any:
    """Get the JSON behind a seal, or None where the seal is broken.

    Example
    -------
    >>> unsealed(sealed({"a": 1})), unsealed(sealed({"a": 1})[:-3])
    ({'a': 1}, None)
    """
    body = raw[len(_HEAD) + 64 + len(_MIDDLE) : -len(_END)]
    if raw != _with_seal(body):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _with_seal(body: bytes) -> bytes:
    return b"".join([_HEAD, hashlib.sha256(body).hexdigest().encode(), _MIDDLE, body, _END])
