"""Where a path leads, files that appear whole or not at all, and what the system says when it cannot write."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neurolab.errors import StoreWriteError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LOCKED = {errno.EROFS, errno.EACCES, errno.EPERM}
TAKEN = {errno.ENOTDIR, errno.EEXIST}
NOWHERE = {errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP}
#: One of these lies in every zarr store.
ZARR = {"zarr.json", ".zgroup"}


def path_of(path: str | os.PathLike[str]) -> Path:
    """Get a path in which ``~`` is the home folder that it stands for: Python would make a folder of that name.

    Example
    -------
    >>> path_of("~/scores.nc") == Path.home() / "scores.nc"
    True
    """
    return Path(os.path.expanduser(path))


def led_to(path: str | os.PathLike[str]) -> Path:
    """Get where a path leads: what is to be written lies where a link points to, and the link stays."""
    place = path_of(path)
    return Path(os.path.realpath(place)) if os.path.islink(place) else place


def holds_campaign(folder: Path) -> bool:
    """Get whether a folder is the store of a campaign."""
    return folder.is_dir() and any((one / "journal").is_dir() for one in folder.iterdir())


def check_replaceable(target: Path) -> None:
    """Raise StoreWriteError where a zarr store is to be put in the place of a folder that is none, and not empty."""
    inside = {one.name for one in target.iterdir()} if target.is_dir() else set()
    if inside and (holds_campaign(target) or not inside & ZARR):
        what = "the store of a campaign" if holds_campaign(target) else "a folder of other things, and no zarr store"
        raise StoreWriteError(
            f"{target} is {what}; nothing in it was touched. Type another name, or move it away yourself."
        )


@contextmanager
def saying(
    place: str | os.PathLike[str],
    instead: str,
    *,
    kept: str = "what was there before is kept",
    again: str = "type the same again",
    reading: str = "",
) -> Iterator[None]:
    """Say a full disk, a read-only folder, or a path that cannot be made in words, with what to do.

    place : what the user asked to have written. instead : what to type where it cannot be.
    """
    try:
        yield
    except OSError as error:
        known = _said(error, place, instead, kept, again, reading)
        if known:
            raise StoreWriteError(known) from error
        raise


def _said(error: OSError, place: str | os.PathLike[str], instead: str, kept: str, again: str, reading: str) -> str:
    """What happened and what to type next; empty where it has nothing to do with the place."""
    why, where = error.strerror, error.filename2 or error.filename or place
    if error.errno in FULL:
        return f"The disk of {place} is full ({why}); {kept}. Free some space and {again}."
    if error.errno in LOCKED:
        return (
            f"{place} cannot be written ({why}); what it holds is untouched. Type {instead}, or change its "
            f"permissions.{reading}"
        )
    if error.errno in TAKEN:
        return f"{where} is a file, or in one, where a folder is needed. Type {instead}."
    if error.errno == errno.EISDIR:
        return f"{where} is a folder where a file is needed. Type {instead}."
    if error.errno in NOWHERE:
        return f"{place} cannot be made, or was taken away meanwhile ({why}). Type {instead}."
    return ""


def write_whole(target: Path, content: bytes | memoryview) -> None:
    """Write a file beside its place and rename it: a reader never sees half of it, and an error leaves nothing."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with removed_on_error(draft):
        draft.write_bytes(content)
        os.replace(draft, target)


def write_all(handle: int, content: bytes) -> None:
    """Write all bytes to an open file, however many the system takes at once."""
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def put_in_place(draft: Path, target: Path) -> None:
    """Move a folder to its place; another that lies there is gone once the new one is there, and no moment before."""
    aside = _aside(target)
    check_replaceable(target)
    try:
        if target.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(target, aside)
        os.replace(draft, target)
    finally:
        put_back(target)


def put_back(target: Path) -> None:
    """Give a folder back its place where a move of another one there was cut short; else take away what lay aside."""
    aside = _aside(target)
    if aside.exists() and not target.exists():
        os.replace(aside, target)
    shutil.rmtree(aside, ignore_errors=True)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


@contextmanager
def removed_on_error(draft: Path) -> Iterator[None]:
    """Take a draft away again where it did not become what it was to be."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
