"""A finished run computed again here, and every finding of it compared with what the run saved."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurolab.errors import MissingDataError, MissingPackageError, NeurolabError, ProtocolError, listed
from neurolab.protocol.again import READERS
from neurolab.protocol.differences import DIFFERS, EXACT, MISSING, NEW, WITHIN, Difference, difference
from neurolab.protocol.folder import file_digest, read_manifest
from neurolab.protocol.manifest import script_digest, versions
from neurolab.protocol.shelf import find_protocol
from neurolab.protocol.started import start
from neurolab.protocol.typed import typing
from neurolab.writing import path_of

#: Options that say where and by how many a run is computed; the second run computes everything, here.
HERE = ("store", "n_jobs", "shard")


@dataclass(frozen=True)
class Verified:
    """What came of computing a run again.

    rows : one per finding, then one per network or set of stimuli that is another one here. other : what was not the
    same here, in words: versions, platform, the script.
    """

    folder: str
    protocol: str
    rng: int
    quick: bool
    tolerance: float
    rows: tuple[Difference, ...]
    other: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every finding came out again within the tolerance, and every decision as it was."""
        return all(row.same in (EXACT, WITHIN) and not row.changed for row in self.rows)


def verify_run(
    folder: str | os.PathLike[str],
    *,
    tolerance: float = 1e-6,
    script: str | os.PathLike[str] | None = None,
    allow_changed: bool = False,
    out: str | os.PathLike[str] | None = None,
) -> Verified:
    """Get whether a finished run comes out again on this machine: all numbers, and all decisions taken from them.

    The protocol is run again with the chance, the options and the quickness of the manifest, into a folder of its own;
    the folder of the run is only read.

    Parameters
    ----------
    folder : of ``neurolab run NAME --out FOLDER``.
    tolerance : the largest difference that counts as none, as a share of the largest number of each variable. Another
        batch size, device or version of torch moves single precision by about 1e-6.
    script : the protocol, where it is neither shipped nor at the place that the run was started from.
    allow_changed : compare although the script is not the one that made the run; said in ``other``.
    out : keep the second run here; default a temporary folder.

    Raises
    ------
    MissingDataError : no manifest. ProtocolError : a run that did not finish, of a notebook, of another script.
    MissingPackageError : with the line to type.

    When this is invalid
    --------------------
    That a run comes out again says that nothing hangs on this machine, not that it is right. Tables and numbers that
    the protocol keeps of time or memory differ in every run.
    """
    manifest = _finished(path_of(folder))
    if not 0 <= tolerance < 1:
        raise ProtocolError(f"--tolerance {tolerance} given; expected a share from 0 (exact) to below 1. Type 1e-6.")
    path, changed = _script(manifest, script, allow_changed=allow_changed)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "again" if out is None else _empty(path_of(out))
        again = _run(path, manifest, root)
        rows = [_row(name, path_of(folder), root, manifest, again, tolerance) for name in _names(manifest, again)]
    return Verified(
        str(folder), str(manifest["protocol"]), int(manifest["rng"]), bool(manifest["quick"]), tolerance,
        (*rows, *_other_inputs(manifest, again)), (*changed, *_other_versions(manifest)),
    )  # fmt: skip


def _finished(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    if not manifest:
        raise MissingDataError(
            f"{folder} holds no manifest.json of neurolab, so nothing says how it was made. Type neurolab run NAME "
            f"--out {folder} first."
        )
    status = manifest.get("status")
    if status != "finished":
        raise ProtocolError(
            f"The run in {folder} is {status!r}, not finished: {manifest.get('error') or 'it was stopped'}. Finish it "
            f"first: {' '.join(manifest.get('command', [])) or 'neurolab run NAME'}."
        )
    if manifest.get("protocol") == "interactive":
        raise ProtocolError(
            f"The run in {folder} was made in a notebook, whose main is in no file. Put it into a script that ends in "
            "nl.run_script(main), and type neurolab run ./my_protocol.py."
        )
    return manifest


def _script(
    manifest: Mapping[str, Any], given: str | os.PathLike[str] | None, *, allow_changed: bool
) -> tuple[Path, list[str]]:
    """The protocol that made the run, and what is to be said of it."""
    words = [str(word) for word in manifest.get("command", [])]
    typed = next((word for word in words if word.endswith(".py") and Path(word).is_file()), manifest["protocol"])
    try:
        path = find_protocol(typed if given is None else given)
    except NeurolabError as error:
        error.add_note(f"The run is of {manifest['protocol']!r}; type --script with the path of its script.")
        raise
    before, now = manifest.get("script digest", ""), script_digest(path)
    if before == now:
        return path, []
    said = f"{path.name} is not the script that made this run: its digest is {now[:12]}, then {before[:12]}"
    if before and not allow_changed:
        commit = ((manifest.get("git") or {}).get("script") or {}).get("commit", "")
        raise ProtocolError(
            f"{said}{f' (commit {commit[:12]})' if commit else ''}. Type --script with the one of that time, or "
            "--allow-changed to compare all the same."
        )
    return path, [f"{said}." if before else f"Whether {path.name} is the script of then is not known."]


def _empty(out: Path) -> Path:
    if out.exists() and any(out.iterdir()):
        raise ProtocolError(f"--out {out} is not empty; expected a new folder for the second run. Type another --out.")
    return out


def _run(script: Path, manifest: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Run the protocol again as the manifest says; what it prints was printed by the first run already."""
    words = ["--rng", str(manifest["rng"]), *(["--quick"] if manifest["quick"] else []), *_options(manifest)]
    try:
        with typing(["neurolab", "run", script.name, *words]), redirect_stdout(io.StringIO()):
            start(script, [*words, "--out", str(root)])
    except NeurolabError:
        raise
    except (Exception, SystemExit) as error:
        raise ProtocolError(
            f"Computing {manifest['protocol']} again failed here ({type(error).__name__}: {error}), with the words "
            f"{' '.join(words)}; the saved run was not touched."
        ) from error
    again = read_manifest(root)
    if again.get("status") == "not run":
        raise MissingPackageError(str(again.get("error", "")))
    if not again:
        raise ProtocolError(f"{script} left nothing; expected a script that ends in nl.run_script(main).")
    return again


def _options(manifest: Mapping[str, Any]) -> list[str]:
    """The further options of the run as words, less those that say where and by how many it is computed."""
    words: list[str] = []
    for name, value in manifest.get("options", {}).items():
        flag = name.replace("_", "-")
        if name in HERE or value is None:
            continue
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}={value}"]
    return words


def _names(manifest: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*manifest.get("findings", {}), *again.get("findings", {})]))


def _row(
    name: str, folder: Path, root: Path, manifest: Mapping[str, Any], again: Mapping[str, Any], tolerance: float
) -> Difference:
    """One finding, saved and computed again."""
    before, after = (said.get("findings", {}).get(name, {}).get("file") for said in (manifest, again))
    if before is None:
        return Difference(name, NEW, said=("the saved run has no such finding",))
    if after is None or not (folder / before).is_file():
        what = "computing it again gave no such finding" if after is None else f"{before} is gone from {folder}"
        return Difference(name, MISSING, said=(what,))
    saved, computed = (READERS[Path(file).suffix](place / file) for place, file in ((folder, before), (root, after)))
    found = difference(name, saved, computed, tolerance)
    if file_digest(folder / before) == manifest.get("files", {}).get(before):
        return found
    return Difference(**{**vars(found), "said": (*found.said, f"{before} was changed since the run wrote it")})


def _other_inputs(manifest: Mapping[str, Any], again: Mapping[str, Any]) -> list[Difference]:
    """Networks and stimuli whose digest is another one here."""
    rows = []
    for kind, called in (("weights", "network"), ("stimuli", "stimuli of")):
        before, after = manifest.get(kind, {}), again.get(kind, {})
        others = [name for name in before.keys() & after.keys() if before[name] != after[name]]
        if others:
            rows.append(Difference(kind, DIFFERS, said=(f"another {called} {listed(sorted(others), most=4)} here",)))
    return rows


def _other_versions(manifest: Mapping[str, Any]) -> list[str]:
    before, here = manifest.get("versions", {}), versions()
    others = [name for name in here if before.get(name, "") not in ("", here[name])]
    return [f"{name} {before[name]} then, {here[name]} here." for name in others]
