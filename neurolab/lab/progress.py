"""What a student did, in one file: predictions, answers and explanations, in order. It is read as text, never run."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log10
from pathlib import Path
from typing import Any

import neurolab
from neurolab.errors import FileFormatError, LabError

FILE = "progress.json"
FORMAT = 1
KINDS = ("prediction", "answer", "explanation")
MOST_BYTES, MOST_LETTERS, MOST_BITS = 2_000_000, 20_000, 1_000


@dataclass
class Progress:
    """The progress of one student in one lab, on one network."""

    lab: str
    student: str
    network: int
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, name: str, value: Any, **more: Any) -> None:
        """Append one entry; what was there stays as it is."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.entries.append({"kind": kind, "name": name, "value": value, "network": self.network, "at": at, **more})

    def of(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Get the entries of this kind and name that belong to this network, in order."""
        wanted = {"kind": kind, "name": name, "network": self.network}
        return [entry for entry in self.entries if all(entry.get(key) == value for key, value in wanted.items())]

    def save(self, folder: Path) -> None:
        """Write the file whole: a crash leaves the one before."""
        content = {"neurolab lab": FORMAT, "neurolab": neurolab.__version__, "lab": self.lab, "student": self.student,
                   "network": self.network, "entries": self.entries}  # fmt: skip
        draft = folder / f".{FILE}.{secrets.token_hex(4)}"
        try:
            draft.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(draft, folder / FILE)
        except OSError as error:
            raise LabError(
                f"{folder / FILE} could not be written ({error}); answers cannot be kept there. Work in a folder of "
                "your own: neurolab lab new NAME --out FOLDER."
            ) from error
        finally:
            draft.unlink(missing_ok=True)


def load(path: Path) -> Progress:
    """Read a file of progress as plain text: nothing in it is run or unpickled.

    Raises
    ------
    FileFormatError : no regular file, too large, not JSON, or not what a lab writes; the message says which.
    """
    if not path.exists() and not path.is_symlink():
        raise FileFormatError(f"{path} is not there: nothing was answered, or another file was handed in.")
    if path.is_symlink() or not path.is_file():
        raise FileFormatError(f"{path} is no regular file; expected the {FILE} that a lab wrote.")
    if path.stat().st_size > MOST_BYTES:
        raise FileFormatError(f"{path} has {path.stat().st_size:,} bytes; expected {MOST_BYTES:,} at most.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise FileFormatError(f"{path} cannot be read as JSON ({type(error).__name__}: {error}).") from error
    return _checked(content, path)


def _checked(content: Any, path: Path) -> Progress:
    if not isinstance(content, dict) or content.get("neurolab lab") != FORMAT:
        raise FileFormatError(f"{path} was not written by a lab of this neurolab; expected a file of format {FORMAT}.")
    wanted = {"lab": str, "student": str, "network": int, "entries": list}
    for name, kind in wanted.items():
        if not isinstance(content.get(name), kind) or isinstance(content[name], bool):
            raise FileFormatError(f"{path}: {name!r} is {content.get(name)!r:.60}; expected a {kind.__name__}.")
    for entry in content["entries"]:
        if not isinstance(entry, dict) or entry.get("kind") not in KINDS or not isinstance(entry.get("name"), str):
            raise FileFormatError(f"{path} holds an entry that no lab writes: {entry!r:.60}.")
    return Progress(*(content[name] for name in wanted))


def plain(value: Any) -> Any:
    """Get a value as JSON holds it: numbers, text and truth as they are, everything else as text, cut when long."""
    if isinstance(value, str):
        return writable(value[:MOST_LETTERS])
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"a whole number of about {round(value.bit_length() * log10(2)):,} digits"
    if value is None or isinstance(value, int):
        return value
    try:
        number = float(value)
        return number if number == number and abs(number) != float("inf") else str(number)
    except (TypeError, ValueError, OverflowError):
        return writable(str(value)[:MOST_LETTERS])


def writable(text: str) -> str:
    """Get text that a file can hold: halves of surrogate pairs (bytes that were no UTF-8) become "?".

    Example
    -------
    >>> writable("caf\\udce9")
    'caf?'
    """
    return text.encode("utf-8", errors="replace").decode("utf-8")
