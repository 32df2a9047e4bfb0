"""All protocols on the claims of the essays, one after another, and one report over them with a row per claim."""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neurolab
from neurolab.errors import MissingDataError, NeurolabError, UnknownNameError
from neurolab.plots import SavedFigure
from neurolab.protocol.again import saved_figures
from neurolab.protocol.findings import load_dataset
from neurolab.protocol.folder import MANIFEST, Folder, read_manifest
from neurolab.protocol.manifest import git_state, script_digest, versions
from neurolab.protocol.shelf import find_protocol, question_of
from neurolab.report.essays import Told, write_essays
from neurolab.writing import path_of

#: The protocols on the claims of the two essays, in the order in which they are told.
ESSAYS = (
    "clusterability",
    "structure_and_function",
    "double_dissociation",
    "single_directions",
    "training_noise",
    "redundancy",
    "conditioned_fear",
    "electrode",
    "module_pruning",
    "confined_misbehaviour",
    "ninety_two_images",
)
#: Options that a manifest tells by themselves, and those that never change a number.
COMPARED_APART = ("--rng", "--quick", "--out", "--store", "--n-jobs")
#: A protocol runs in a process of its own, which sees what this one sees: a crash there stops nothing here.
CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n" + (
    "from neurolab.cli import main; sys.exit(main(sys.argv[2:]))"
)


@dataclass(frozen=True)
class Asked:
    """What is asked of every protocol: its chance, whether quick, and where its folder lies."""

    rng: int
    quick: bool
    root: Path

    def words(self, script: str, name: str) -> list[str]:
        """Get the words that run one protocol."""
        quick = ["--quick"] if self.quick else []
        return ["run", script, "--rng", str(self.rng), *quick, "--out", str(self.root / name)]


def run_essays(
    out: str | os.PathLike[str] = "out/essays",
    *,
    rng: int = 0,
    quick: bool = False,
    again: bool = False,
    scripts: Sequence[str] = ESSAYS,
    command: Sequence[str] = (),
    say: Callable[[str], object] = print,
) -> list[Told]:
    """Run every protocol on the claims of the essays and write one report with a row per claim; get what each told.

    A protocol that is finished in ``out`` is kept and not repeated, if nothing that can change a number is another now:
    script, rng, quickness, options, neurolab (version, commit, uncommitted changes), versions of libraries. One that
    fails is listed with its reason, and the rest go on. The report is written anew after each of them.

    Parameters
    ----------
    out : folder of the report; each protocol has a folder of its own in it, and a log beside that.
    rng, quick : handed to every protocol. again : repeat the finished ones too.
    scripts : names of shipped protocols, or paths of scripts whose last finding is "claims".
    command : what was typed, for the report. say : takes lines of progress.

    Returns
    -------
    One ``Told`` per protocol: name, status, reason, claims, figures.

    Raises
    ------
    ProtocolError : ``out`` holds somebody else's files.

    When this is invalid
    --------------------
    Claims are not corrected for each other: with alpha .05 one of twenty true nulls is called supported or refuted.
    """
    asked, folder = Asked(rng, quick, path_of(out)), Folder(out)
    names = {Path(script).stem: script for script in scripts}
    about = {**_about(rng, quick, command), "scripts": list(names)}
    told = {name: _unrun(name, script) for name, script in names.items()}
    todo = [name for name, script in names.items() if again or not _finished(asked, name, script)]
    told |= {name: _told(asked, name, names[name]) for name in names if name not in todo}
    say(f"essays: {len(todo)} to run, {len(names) - len(todo)} finished before: {folder.root}")
    started = time.monotonic()
    try:
        for at, name in enumerate(todo):
            say(f"[{at + 1}/{len(todo)}] {name}{_left(started, at, len(todo))}")
            with folder.saying():
                told[name] = _run(asked, name, names[name])
            say(f"      {told[name].status}, {told[name].seconds:.0f} s{_why(told[name])}")
            _write(folder, told, about, status="running")
    finally:
        _write(folder, told, about, status="finished" if _whole(told) else "unfinished")
    return list(told.values())


def _about(rng: int, quick: bool, command: Sequence[str]) -> dict[str, Any]:
    return {
        "neurolab": neurolab.__version__,
        "protocol": "essays",
        "command": list(command) or ["neurolab", "run", "essays"],
        "rng": rng,
        "quick": quick,
        "git": {"neurolab": git_state(neurolab.__file__ or "")},
        "versions": versions(),
    }


def _unrun(name: str, script: str) -> Told:
    try:
        return Told(name, question_of(find_protocol(script)))
    except NeurolabError:
        return Told(name)


def _finished(asked: Asked, name: str, script: str) -> bool:
    """Whether this protocol, as it is now, was finished here with the same chance, quickness and no other options."""
    manifest = read_manifest(asked.root / name)
    try:
        now = script_digest(find_protocol(script))
    except NeurolabError:
        return False
    wanted = {"status": "finished", "rng": asked.rng, "quick": asked.quick, "script digest": now}
    same = all(manifest.get(key) == value for key, value in wanted.items())
    return same and not further_words(manifest.get("command", [])) and _same_code(asked.root / name, manifest)


def _same_code(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether this neurolab and these libraries wrote a manifest; of uncommitted changes, none came after it."""
    here, then = git_state(neurolab.__file__ or ""), (manifest.get("git") or {}).get("neurolab")
    about = {"neurolab": neurolab.__version__, "versions": versions(), "python": platform.python_version()}
    if here != then or any(manifest.get(key) != value for key, value in about.items()):
        return False
    if not (here and here["uncommitted changes"]):
        return True
    sources = Path(neurolab.__file__ or "").parent.rglob("*.py")
    return max(file.stat().st_mtime for file in sources) < _started(folder, manifest)


def _started(folder: Path, manifest: Mapping[str, Any]) -> float:
    """When the run began whose manifest lies there: its last writing, less the seconds that it took."""
    return (folder / MANIFEST).stat().st_mtime - float(manifest.get("seconds", 0.0))


def further_words(command: Sequence[str]) -> list[str]:
    """Get the options in the words that started a run, but those that are compared apart or never change a number.

    Example
    -------
    >>> further_words(["neurolab", "run", "mine", "--rng", "3", "--n=4", "--n-jobs", "2"])
    ['--n']
    """
    words = [str(word) for word in command]
    if len(words) == 1 and (given := re.search(r"argv=(\[.*\])", words[0])):  # from a notebook
        words = [str(word) for word in ast.literal_eval(given[1])]
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [option for option in options if option not in COMPARED_APART]


def _run(asked: Asked, name: str, script: str) -> Told:
    """Run one protocol in a process of its own; what it prints goes into its log."""
    started = time.monotonic()
    try:
        path = find_protocol(script)
    except (UnknownNameError, MissingDataError) as error:
        return Told(name, status="failed", reason=str(error))
    (asked.root / name).mkdir(parents=True, exist_ok=True)
    log = asked.root / f"{name}.log"
    with log.open("w", encoding="utf-8") as lines:
        typed = str(path) if script.endswith(".py") else script  # a manifest holds it: a name works anywhere
        words = [sys.executable, "-c", CHILD, json.dumps(sys.path), *asked.words(typed, name)]
        done = subprocess.run(words, stdout=lines, stderr=subprocess.STDOUT, check=False)
    seconds = time.monotonic() - started
    status = str(read_manifest(asked.root / name).get("status", ""))
    if done.returncode or status not in ("finished", "not run"):
        return Told(name, question_of(path), "failed", _cause(asked.root / name, log, done.returncode), seconds)
    return _told(asked, name, script, seconds)


def _cause(folder: Path, log: Path, code: int) -> str:
    """Why a protocol failed: what its manifest says, else the last line of its log, else the signal that ended it."""
    error = str(read_manifest(folder).get("error", ""))
    lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    killed = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    if error and code >= 0:
        return f"{error} (log: {log.name})"
    return f"{killed}; its last line: {lines[-1] if lines else 'none'} (log: {log.name})"


def _told(asked: Asked, name: str, script: str, seconds: float | None = None) -> Told:
    """Read what a finished protocol left: its claims and its figures."""
    folder, manifest = asked.root / name, read_manifest(asked.root / name)
    question, took = str(manifest.get("question", "")), float(manifest.get("seconds", 0.0))
    took = took if seconds is None else seconds
    if manifest.get("status") == "not run":
        return Told(name, question, "not run", str(manifest.get("error", "")), took)
    place = folder / "results" / "claims.nc"
    if not place.is_file():
        return Told(name, question, "no claims", "It finished, and left no finding called 'claims'.", took)
    try:
        claims = load_dataset(place)
    except NeurolabError as error:
        return Told(name, question, "no claims", str(error), took)
    figures: Mapping[str, SavedFigure] = {figure.name: figure for figure in saved_figures(folder)}
    return Told(name, question, "finished", "", took, claims, figures)


def _write(folder: Folder, told: Mapping[str, Told], about: Mapping[str, Any], *, status: str) -> None:
    every = list(told.values())
    with folder.saying():
        folder.adopt(write_essays(every, folder.root, about=about))
    scripts = {one.name: {"status": one.status, "reason": one.reason, "seconds": round(one.seconds, 1)}
               for one in every}  # fmt: skip
    folder.write_manifest({**about, "status": status, "scripts": scripts})


def _whole(told: Mapping[str, Told]) -> bool:
    return all(one.status in ("finished", "not run") for one in told.values())


def _why(one: Told) -> str:
    return f": {one.reason.partition(chr(10))[0]}" if one.reason else ""


def _left(started: float, done: int, n: int) -> str:
    """How long the rest will take, if it takes as long as what was done in this run."""
    if not done:
        return ""
    seconds = (time.monotonic() - started) / done * (n - done)
    return f" (about {seconds / 60:.0f} min left)" if seconds >= 90 else f" (about {seconds:.0f} s left)"
