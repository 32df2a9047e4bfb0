"""How fast ``max_t`` is beside ``mne.stats.permutation_t_test``, on the same data: run by hand, never by the tests.

``python tests/benchmarks/bench_max_t.py`` prints one table row: seconds, peak memory, largest difference of p.
CPU seconds are what a busy machine does not change.
Each of the two runs in a process of its own, so that its peak memory is its own; ``--threads`` sets BLAS threads of
both.  Two p drawn apart differ by at most the Kolmogorov-Smirnov distance of their nulls, which passes
1.95 sqrt(2 / m) in one of 1,000 runs.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS, COLUMNS, PERMUTATIONS = 200, 20_000, 10_000
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def data(rows: int, columns: int):
    """Make correlated columns, a tenth of which carry effects from none to strong."""
    import numpy as np

    stream = np.random.default_rng(0)
    x = stream.standard_normal((rows, columns)) + 0.5 * stream.standard_normal((rows, 1))
    x[:, : columns // 10] += np.linspace(0, 0.5, columns // 10)
    return x


def one(which: str, rows: int, columns: int, permutations: int, out: str) -> None:
    """Run one of the two and save its p, its seconds and its peak memory (MiB, above that of the data)."""
    import numpy as np

    x = data(rows, columns)
    if which == "mne":
        from mne.stats import permutation_t_test
    else:
        from neurolab.stats.permutation import max_t
    np.ones((512, 512)) @ np.ones((512, 512))  # the threads of BLAS are started before the clock
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, busy = time.perf_counter(), time.process_time()
    if which == "mne":
        t, p, _ = permutation_t_test(x, n_permutations=permutations, n_jobs=1, rng=0, verbose="error")
    else:
        found = max_t(x, n_permutations=permutations, rng=0)
        t, p = found.t, found.p
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    np.savez(out, t=t, p=p, seconds=seconds, cpu=cpu, peak=peak)


def compare(rows: int, columns: int, permutations: int, threads: int) -> str:
    """Run both, one after the other, and get the row of the table."""
    import numpy as np

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for which in ("mne", "neurolab"):
            out = str(Path(folder) / f"{which}.npz")
            command = [sys.executable, __file__, "--one", which, "--out", out, "--rows", str(rows)]
            command += ["--columns", str(columns), "--permutations", str(permutations)]
            subprocess.run(command, check=True, env={**os.environ, **{name: str(threads) for name in THREADS}})
            with np.load(out) as kept:
                found[which] = {name: kept[name] for name in kept.files}
    mne, ours = found["mne"], found["neurolab"]
    np.testing.assert_allclose(ours["t"], mne["t"], rtol=1e-9)
    apart, bound = float(np.abs(ours["p"] - mne["p"]).max()), 1.95 * np.sqrt(2 / permutations)
    assert apart <= bound, f"p differ by {apart:.4f}, more than chance ({bound:.4f})"
    faster, lighter = (mne[kind] / ours[kind] for kind in ("seconds", "cpu"))
    return (
        f"| {rows} x {columns:,} | {permutations:,} | {threads} | {mne['seconds']:.1f} | {ours['seconds']:.2f} "
        f"| {faster:.1f} | {lighter:.1f} | {mne['peak']:,.0f} | {ours['peak']:,.0f} "
        f"| {apart:.4f} (chance: {bound:.4f}) |"
    )


def main() -> None:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--one", choices=("mne", "neurolab"))
    ask.add_argument("--out")
    ask.add_argument("--rows", type=int, default=ROWS)
    ask.add_argument("--columns", type=int, default=COLUMNS)
    ask.add_argument("--permutations", type=int, default=PERMUTATIONS)
    ask.add_argument("--threads", type=int, default=1)
    asked = ask.parse_args()
    if asked.one:
        one(asked.one, asked.rows, asked.columns, asked.permutations, asked.out)
        return
    print(
        "| data | permutations | BLAS threads | mne, s | max_t, s | ratio | ratio of CPU seconds "
        "| mne, MiB | max_t, MiB | max abs(dp) |"
    )
    print("| --- |" + " --- |" * 9)
    print(compare(asked.rows, asked.columns, asked.permutations, asked.threads))


if __name__ == "__main__":
    main()
