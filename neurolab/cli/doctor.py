"""What will and will not work on this machine, said before it is tried."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from neurolab import __version__
from neurolab.protocol.shelf import list_protocols, shipped

NEEDED = ("torch", "mne", "numpy", "scipy", "pandas", "xarray", "statsmodels", "scikit-learn", "seaborn", "matplotlib",
          "h5netcdf", "h5py", "zarr", "safetensors", "nibabel", "joblib", "tqdm", "lazy-loader")  # fmt: skip
TORCH_MOST = (2, 14)
DEMO_CORE_SECONDS = 45.0  # measured: the full demo on one core of a 2026 server; an estimate elsewhere
GIGABYTE = 1024**3


def doctor(options: argparse.Namespace) -> int:
    """Say what will not work here: versions, cores, memory, disk, data, and how long the demo takes."""
    found = examine_machine()
    problems = problems_of(found)
    if options.json:
        print(json.dumps({**found, "problems": problems, "ready": not problems}, indent=1))
        return 1 if problems else 0
    for name, value in found.items():
        said = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        print(f"{name:<22} {said}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    print("ready" if not problems else "not ready")
    return 1 if problems else 0


def examine_machine() -> dict[str, Any]:
    """Get what matters about this machine, as plain values; no heavy package is imported."""
    cores, load = usable_cores(), _load()
    free = max(cores - load, 0.25) if load is not None else cores
    return {
        "neurolab": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in NEEDED},
        "cores": cores,
        "load": "unknown" if load is None else round(load, 2),
        "oversubscribed": load is not None and load > cores * 1.25,
        "memory GiB": _memory(),
        "free disk GiB": round(shutil.disk_usage(Path.cwd()).free / GIGABYTE, 1),
        "protocols": len(list_protocols()),
        "datasets folder": shipped("datasets") is not None,
        "NEUROLAB_DATA": _data(),
        "demo takes about (s)": round(DEMO_CORE_SECONDS / min(free, 2.0)),
    }


def problems_of(found: dict[str, Any]) -> list[str]:
    """Get what would stop or spoil a run, each with what to do about it."""
    missing = [name for name, version in found["packages"].items() if version == "not installed"]
    checks = (
        (bool(missing), f"missing packages: {', '.join(missing)}; type pip install {' '.join(missing)}."),
        (sys.version_info < (3, 11), f"Python {found['python']} is too old; neurolab needs 3.11 or newer."),
        (_numbers(found["packages"]["torch"]) >= TORCH_MOST, "this torch is newer than any that was tested (< 2.14)."),
        (not found["protocols"], "no protocols are installed; install neurolab-lesion from a wheel or use a checkout."),
        (found["free disk GiB"] < 0.2, "less than 0.2 GiB of disk is free here; choose another --out."),
        (_less(found["memory GiB"], 1.0), "less than 1 GiB of memory is free; close something or use --quick."),
        (found["oversubscribed"], f"load {found['load']} on {found['cores']} cores: runs will take much longer; set "
         "OMP_NUM_THREADS=1 or wait."),
        (str(found["NEUROLAB_DATA"]).endswith("does not exist"), "NEUROLAB_DATA names a folder that is not there."),
    )  # fmt: skip
    return [text for wrong, text in checks if wrong]


def usable_cores() -> int:
    """Get how many cores this process may use: fewer than the machine has, in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def _memory() -> float | str:
    """Free memory: what the kernel calls available, or the limit of the container if that is lower."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return "unknown"
    return round(min(kilobytes * 1024, _container_memory()) / GIGABYTE, 1)


def _container_memory() -> float:
    try:
        most = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return float("inf")
    return float(most) - float(used) if most.isdigit() and used.isdigit() else float("inf")


def _data() -> str:
    given = os.environ.get("NEUROLAB_DATA", "")
    if not given:
        return "not set (only faces_and_houses needs it)"
    return f"{given}" if Path(given).is_dir() else f"{given} does not exist"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdigit())


def _less(value: float | str, least: float) -> bool:
    return isinstance(value, (int, float)) and value < least
