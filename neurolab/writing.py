"""Where a path leads, files that appear whole or not at all, and what the system says when it cannot write."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from neurolab.errors import FileFormatError, StoreWriteError, listed

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LOCKED = {errno.EROFS, errno.EACCES, errno.EPERM}
TAKEN = {errno.ENOTDIR, errno.EEXIST}
NOWHERE = {errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP}
#: One of these lies in every zarr store.
ZARR = {"zarr.json", ".zgroup"}
#: What lies beside the arrays of a store: what zarr says of all, and what a system puts where somebody looks.
BESIDE = {*ZARR, ".zattrs", ".zmetadata", ".DS_Store", "Thumbs.db", "desktop.ini"}
#: Under this name a store says how many chunks of each array were written, as JSON.
WRITTEN = "chunks_written"


def path_of(path: str | os.PathLike[str]) -> Path:
    """Get a path in which ``~`` is the home folder that it stands for: Python would make a folder of that name.

    Raises FileFormatError where a path holds NUL, which no system takes.

    Example
    -------
    >>> path_of("~/scores.nc") == Path.home() / "scores.nc"
    True
    """
    found = Path(os.path.expanduser(path))
    if "\0" in str(found):
        raise FileFormatError(f"The path {str(found)!r} holds the character NUL, which no name can. Type it without.")
    return found


def led_to(path: str | os.PathLike[str]) -> Path:
    """Get where a path leads: what is to be written lies where a link points to, and the link stays."""
    place = path_of(path)
    return Path(os.path.realpath(place)) if os.path.islink(place) else place


def holds_campaign(folder: Path) -> bool:
    """Get whether a folder is the store of a campaign."""
    return folder.is_dir() and any((one / "journal").is_dir() for one in folder.iterdir())


def check_replaceable(target: Path) -> None:
    """Raise StoreWriteError where a folder is to be replaced that is no store of neurolab's, or holds more than that.

    An empty folder may be replaced.
    """
    inside = sorted(one.name for one in target.iterdir()) if target.is_dir() else []
    if not inside:
        return
    if holds_campaign(target):
        what = "is the store of a campaign"
    elif not ZARR & {*inside}:
        what = "is a folder of other things, and no zarr store"
    elif not holds_saved(target):
        what = "is a zarr store that does not say that neurolab wrote it"
    elif strange := _strange(target, inside):
        what = f"holds what neurolab did not write ({listed(strange, most=4)})"
    else:
        return
    raise StoreWriteError(f"{target} {what}; nothing in it was touched. Type another name, or move it away yourself.")


def holds_saved(folder: Path) -> bool:
    """Get whether a folder is a zarr store of a recording, trials or a result, by what is said in it."""
    said = _attributes(folder)
    trials, recording = _is_array(folder / "score"), _is_array(folder / "activity")
    return (
        WRITTEN in said
        or {"analysis", "generalises_over"} <= said.keys()
        or (trials and "tasks" in said)
        or (recording and "kind" in _attributes(folder / "activity"))
    )


def _strange(folder: Path, inside: list[str]) -> list[str]:
    """What lies in a store and is no part of it: an array that was not written with it, a group, any other file."""
    said = _attributes(folder)
    written = _decoded(str(said[WRITTEN])) if WRITTEN in said else {one for one in inside if _is_array(folder / one)}
    return [one for one in inside if one not in BESIDE and one not in written]


def _is_array(folder: Path) -> bool:
    return _read(folder / "zarr.json").get("node_type") == "array" or os.path.isfile(folder / ".zarray")


def _attributes(folder: Path) -> dict[str, Any]:
    """What a zarr group or array says of itself, in either version; nothing where that cannot be read."""
    said = _read(folder / "zarr.json").get("attributes") or _read(folder / ".zattrs")
    return said if isinstance(said, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return _decoded(path.read_bytes())
    except OSError:
        return {}


def _decoded(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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


def give_back(target: Path) -> bool:
    """Put a store back that a process was about to replace when it was killed; get whether it lay aside.

    Raises StoreBusyError while somebody writes it, StoreWriteError where it cannot be moved.
    """
    from neurolab.lock import Lock  # which imports this module

    aside = _aside(target)
    if not holds_saved(aside):
        return False
    with saying(target, f"os.rename({str(aside)!r}, {str(target)!r}), for what it held lies there"):
        lock = Lock(target.with_name(f".{target.name}.lock"), str(target), "type another name.")
        try:
            put_back(target)
        finally:
            lock.remove()
    return True


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
