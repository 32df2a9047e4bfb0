"""What a recording larger than its ``max_memory`` holds in memory: run by hand, never by the tests.

``python tests/benchmarks/bench_stream.py`` plans 20 GB on paper (bytes told before the start), then records a tenth of
it to zarr under ``max_memory="1GB"`` and prints one table row: size, resident memory above that of the stimuli, seconds
beside the same forwards without recording.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import neurolab as nl
from neurolab.specimen.record import predicted_bytes

N = 8_000


def shown(n: int) -> nl.StimulusSet:
    """Make noise pictures; the stimuli of the plan share one picture."""
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a"] * n})
    inputs = np.random.default_rng(0).normal(size=(min(n, N), 1, 64, 64)).astype(np.float32)
    return nl.StimulusSet("shown", np.broadcast_to(inputs[:1], (n, 1, 64, 64)) if n > N else inputs, table)


def memory(field: str) -> int:
    """Get a size in bytes from the status of this process."""
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) * 1024


def main() -> None:
    """Plan, record and print."""
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 16, 3), torch.nn.AvgPool2d(31), torch.nn.Flatten())
    net, probe = nl.Specimen(model, np.ones((1, 1, 64, 64), np.float32)), nl.Probe("0", pool=None)
    plan = predicted_bytes(net, shown(10 * N), [probe])
    stimuli = shown(N)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        nl.record(net, stimuli.take(range(2)), [probe], store=Path(folder) / "first.zarr")
        began = time.perf_counter()
        for at in range(0, N, 64):
            model(torch.from_numpy(stimuli.inputs[at : at + 64]))
        forwards = time.perf_counter() - began
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
        before, began = memory("VmRSS"), time.perf_counter()
        lazy = nl.record(net, stimuli, [probe], store=Path(folder) / "second.zarr", max_memory="1GB")
        took, used = time.perf_counter() - began, memory("VmHWM") - before
    print("| planned, GB | recorded, GB | max_memory, GB | resident, GB | s | forwards alone, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(f"| {plan / 1e9:.1f} | {lazy.nbytes / 1e9:.2f} | 1 | {used / 1e9:.2f} | {took:.1f} | {forwards:.1f} |")


if __name__ == "__main__":
    main()
