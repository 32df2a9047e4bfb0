"""One process per writer's name: a lock that the system takes back from a process that dies."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from neurolab.errors import StoreBusyError
from neurolab.writing import removed_on_error, write_all

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: What a file system answers that knows no locks; then the process that the file names decides.
_UNKNOWN = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


#: What else can be done where somebody else writes.
SHARE = (
    "give each process a share of its own: --shard 1/2 and --shard 2/2 may write to one folder at once. `neurolab "
    "status` reads it meanwhile."
)


class Lock:
    """The right to write under one name; held until :meth:`release` or the end of the process."""

    def __init__(self, path: Path, what: str, instead: str = SHARE) -> None:
        self.path = path
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _locked(handle, path):
                raise StoreBusyError(_busy(what, path, instead))
            with removed_on_error(path):
                os.ftruncate(handle, 0)
                write_all(handle, json.dumps(_me()).encode())
        except BaseException:
            os.close(handle)
            raise
        self._handle: int | None = handle

    def release(self) -> None:
        """Give the name back; the file stays, empty."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with suppress(OSError):
                os.ftruncate(handle, 0)
            if fcntl is not None:
                with suppress(OSError):
                    fcntl.flock(handle, fcntl.LOCK_UN)  # a process that was forked meanwhile has it open too
            os.close(handle)

    def remove(self) -> None:
        """Give the name back and take the file away; who opened it meanwhile finds out, for it is another one."""
        if self._handle is not None:
            with suppress(OSError):
                self.path.unlink()
            self.release()


def _locked(handle: int, path: Path) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            if error.errno not in _UNKNOWN:
                raise
        else:
            return _same(handle, path)
    who = holder(path)
    return not who or alive(who) is False


def _same(handle: int, path: Path) -> bool:
    """Whether what was locked is still the file of that name, and not one that was taken away meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


def _me() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "began": _began(os.getpid())}


def _began(pid: int) -> str:
    """When a process began, in ticks since a boot of this machine; empty where the system does not say.

    A process id is used again; together with this it is not.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return ""


def holder(path: Path) -> dict[str, Any]:
    """Get the process that a lock names: pid, host, began; empty where nobody has it."""
    try:
        who = json.loads(path.read_bytes() or b"{}")
    except (OSError, ValueError):
        return {}
    return who if isinstance(who, dict) and isinstance(who.get("pid"), int) else {}


def alive(who: dict[str, Any]) -> bool | None:
    """Get whether the process still runs; None on another machine, or on Windows, where to ask is to kill."""
    if who.get("host") != socket.gethostname() or os.name == "nt":
        return None
    try:
        os.kill(who["pid"], 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return _began(who["pid"]) == who.get("began", "")


def _busy(what: str, path: Path, instead: str) -> str:
    who = holder(path)
    named = f"process {who['pid']} on {who['host']}" if who else "another process"
    end = f"stop it with kill {who['pid']} there" if who else "stop it"
    if who == _me():
        named, end = f"{named}, which is this one", "end it"
    gone = "" if who and alive(who) else f" If that process is gone, delete {path}."
    return f"{what} is being written by {named}. Wait for it, {end}, or {instead}{gone}"
