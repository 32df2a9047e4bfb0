"""What a run says about itself: versions, git state, chance, command, and the digests that its findings carry."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import neurolab
from neurolab.protocol.findings import is_trials
from neurolab.protocol.folder import file_digest

#: Packages whose version can change a number or a figure.
PACKAGES = (
    "numpy", "scipy", "xarray", "pandas", "torch", "statsmodels", "scikit-learn", "mne", "nibabel", "matplotlib",
    "seaborn", "h5netcdf", "h5py", "safetensors",
)  # fmt: skip

#: Attrs of findings that say which weights and stimuli stand behind them.
DIGESTS = ("weights", "weights_digest", "stimuli", "stimuli_digest", "specimens", "inputs", "source", "rng")


def versions() -> dict[str, str]:
    """Get the installed version of every package that matters, without importing one."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_state(file: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Get commit and cleanness of the checkout that tracks a file; None outside a checkout or without git.

    A file that merely lies inside somebody's checkout (a virtual environment, say) is not tracked and gives None.
    """
    folder = Path(file).resolve().parent
    if _git(folder, "ls-files", "--error-unmatch", str(Path(file).resolve())) is None:
        return None
    commit, changed = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "uncommitted changes": bool(changed)} if commit else None


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def describe_run(
    script: str, question: str, *, rng: int, quick: bool, further: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Get what the manifest says about a run apart from how far it is, its findings and files.

    further : the other options of this protocol, as they were handed over.
    command : the words that start it again.
    """
    return {
        "neurolab": neurolab.__version__,
        "protocol": Path(script).stem if script else "interactive",
        "question": question,
        "command": list(command),
        "rng": rng,
        "quick": quick,
        **({"options": dict(further)} if further else {}),
        "script digest": script_digest(script),
        "git": {"script": git_state(script) if script else None, "neurolab": git_state(neurolab.__file__ or "")},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
    }


def script_digest(script: str | os.PathLike[str]) -> str:
    """Get the sha256 of a script, so that a later run knows whether it is the same; empty in a notebook."""
    return file_digest(script) if os.fspath(script) else ""


def weights_and_stimuli(findings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Get the digests of the networks and of the stimuli that the trials among the findings carry, by name."""
    weights: dict[str, Any] = {}
    stimuli: dict[str, Any] = {}
    for finding, value in findings.items():
        if is_trials(value):
            for part in str(value.attrs.get("source", "")).split(";"):
                name, _, digest = part.strip().rpartition(" ")
                weights |= {name: digest} if name else {}
            given = str(value.attrs.get("inputs", ""))
            named = json.loads(given) if given.startswith("{") else {finding: given} if given else {}
            stimuli |= named
    return {"weights": weights, "stimuli": stimuli}


def describe_finding(value: Any) -> dict[str, Any]:
    """Get what a finding says about where it comes from: the digests and names in its attrs."""
    attrs: Mapping[str, Any] = getattr(value, "attrs", {})
    said = {name: attrs[name] for name in DIGESTS if str(attrs.get(name, ""))}
    return {"kind": type(value).__name__, "analysis": str(attrs.get("analysis", "")), **said}
