"""The folder of a run: every file appears whole, no stranger's file is overwritten, and each is in the manifest."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from neurolab.errors import ProtocolError, listed
from neurolab.writing import path_of, removed_on_error, saying, write_whole

MANIFEST = "manifest.json"
#: What a run writes at the top of its folder.
OURS = (MANIFEST, "report.html", "trials.nc", "results", "figures")


class Folder:
    """An output folder that knows what it wrote.

    root : made if it does not exist. The files of an earlier run of neurolab (a manifest says that there was one) are
    replaced; a folder that holds somebody else's files of the same names is refused before anything is computed.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = path_of(root)
        if self.root.exists() and not self.root.is_dir():
            raise ProtocolError(f"--out {self.root} is a file; expected a folder. Type another --out.")
        self.before = read_manifest(self.root)
        strangers = [name for name in OURS if (self.root / name).exists()]
        if strangers and not self.before:
            raise ProtocolError(
                f"{self.root} holds {listed(strangers)} and no {MANIFEST} of neurolab, so an earlier run did not write "
                "them; they were left as they are. Type another --out."
            )
        with self.saying():
            self.root.mkdir(parents=True, exist_ok=True)
        self.files: dict[str, str] = {}

    def saying(self) -> AbstractContextManager[None]:
        """Say in words where the folder cannot be written."""
        return saying(self.root, "--out with a folder of your own", kept="the findings that were finished are kept")

    def write(self, name: str, save: Callable[[Path], object]) -> Path:
        """Write one file through a draft beside it, then rename: a reader or a crash never sees half of it."""
        target = self.root / name
        draft = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
        with self.saying(), removed_on_error(draft):
            target.parent.mkdir(parents=True, exist_ok=True)
            save(draft)
            os.replace(draft, target)
        return self.adopt([target])

    def adopt(self, paths: Iterable[Path]) -> Path:
        """Enter files that were written elsewhere (a figure and its twins) into the list; returns the last one."""
        path = self.root
        for path in paths:
            self.files[path.relative_to(self.root).as_posix()] = file_digest(path)
        return path

    def write_manifest(self, content: Mapping[str, Any]) -> Path:
        """Write the manifest with the list of files; it is the one file that lists the others and not itself."""
        lists = {"files": dict(sorted(self.files.items())), "of an earlier run": self.earlier()}
        text = json.dumps({**content, **lists}, indent=1, ensure_ascii=False, default=str) + "\n"
        target = self.root / MANIFEST
        with self.saying():
            write_whole(target, text.encode())
        return target

    def earlier(self) -> dict[str, str]:
        """Get the files that earlier runs left here and this run has not replaced, with their digests."""
        listed_before = {**self.before.get("of an earlier run", {}), **self.before.get("files", {})}
        return {name: digest for name, digest in listed_before.items() if name not in self.files}

    def clear_stale(self) -> None:
        """Remove files that earlier runs wrote, nobody changed since, and this run did not write again."""
        for name, digest in self.earlier().items():
            path = self.root / name
            ours = path.is_file() and self.root.resolve() in path.resolve().parents
            if ours and file_digest(path) == digest:
                path.unlink()
        self.before = {}


def file_digest(path: str | os.PathLike[str]) -> str:
    """Get the sha256 of a file, as the manifest lists it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_manifest(root: str | os.PathLike[str]) -> dict[str, Any]:
    """Get the manifest that neurolab wrote into a folder, or an empty one where there is none of ours."""
    path = path_of(root) / MANIFEST
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) and "neurolab" in content else {}
