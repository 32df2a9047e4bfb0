"""Seconds of CPU, the peak of a matrix product, memory: what every benchmark measures with."""

from __future__ import annotations

import functools
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

#: The folder of this package, and the name under which ``neurolab bench`` loads it.
HERE = Path(__file__).resolve().parent
CLEAR = Path("/proc/self/clear_refs")


@dataclass
class Row:
    """What was measured of one workload; None where a number has no meaning there.

    against : what ``speedup`` and ``peers`` are measured against. goal : the least speed-up asked for.
    full_campaign : the speed-up with the export of the model counted, which happens once per model.
    """

    id: str
    what: str
    against: str
    goal: float | None = None
    speedup: float | None = None
    full_campaign: float | None = None
    bound_fraction: float | None = None
    max_abs_diff: float | None = None
    extra_mb: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    repeats: int = 0
    range: tuple[float, float] | None = None
    quick: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Get the row as plain values."""
        return asdict(self)


class Clock:
    """Seconds of CPU of this process, gathered piece by piece."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - began


def cpu_of(work: Callable[[], Any]) -> float:
    """Get the seconds of CPU that a piece of work takes, in all threads."""
    clock = Clock()
    with clock.running():
        work()
    return clock.seconds


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch and every BLAS at one thread."""
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def peak_flops(sides: tuple[int, ...] = (256, 512, 1024), repeats: int = 12) -> float:
    """Get the most floating-point operations per second of CPU of a float32 matrix product of this machine.

    sides : of the square matrices; the smallest that keep it busy lie in its cache, and are the fastest.
    """
    found = []
    for n in sides:
        a, out, times = torch.ones(n, n), torch.empty(n, n), max(1, (1024 // n) ** 2)
        work = functools.partial(_products, a, out, times)
        found.append(2 * n**3 * times / min(cpu_of(work) for _ in range(repeats)))
    return max(found)


def _products(a: torch.Tensor, out: torch.Tensor, times: int) -> None:
    for _ in range(times):
        torch.mm(a, a, out=out)


def interleaved(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Get the seconds of CPU of several works, one after another, over and over."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            gc.collect()
            seconds[name].append(cpu_of(work))
    return seconds


def ratios(above: list[float], below: list[float]) -> tuple[float, tuple[float, float]]:
    """Get the median of the ratios of interleaved pairs, and their range."""
    each = [a / b for a, b in zip(above, below, strict=True)]
    return statistics.median(each), (min(each), max(each))


# -- memory ----------------------------------------------------------------------------------------------------------


def resident(which: str) -> float:
    """Get the memory of this process in MB: "VmRSS" now, "VmHWM" at most so far."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024
    except OSError:  # no /proc here: the peak of the whole life of the process
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def extra_mb(work: Callable[[], Any]) -> float:
    """Get the peak memory of some work above what the process held before it, in MB."""
    gc.collect()
    if CLEAR.exists():
        CLEAR.write_text("5")  # the peak counts from here
    before = resident("VmRSS")
    work()
    return max(0.0, resident("VmHWM") - before)


def in_fresh_process(module: str, **asked: Any) -> dict[str, Any]:
    """Get what ``alone(**asked)`` of a module of this package returns in a process of its own."""
    code = (
        "import json, sys; from neurolab.cli.bench import benchmarks; "
        "given = json.loads(sys.argv[2]); found = benchmarks(sys.argv[1]).alone(**given); "
        "print('\\n' + json.dumps(found))"
    )
    command = [sys.executable, "-c", code, module, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed in a process of its own:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
