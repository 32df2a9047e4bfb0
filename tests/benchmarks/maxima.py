"""P1: the permutation test of the largest statistic of many columns, against mne on the same data."""

from __future__ import annotations

import numpy as np

from .bench_max_t import data
from .measure import Row, extra_mb, in_fresh_process, interleaved, one_thread, peak_flops, ratios

ROWS = 200


def race(*, quick: bool = False, repeats: int | None = None, peers: bool = True) -> Row:
    """Get the row of P1; mne draws permutations of its own, so p differ by chance and t not at all."""
    from mne.stats import permutation_t_test

    from neurolab.stats.permutation import max_t

    columns, permutations, turns = (2_000, 1_000, 3) if quick else (10_000, 10_000, 5)
    turns = repeats or turns
    found = {}

    def by_mne() -> None:
        found["mne"] = permutation_t_test(x, n_permutations=permutations, n_jobs=1, rng=0, verbose="error")[:2]

    def by_us() -> None:
        got = max_t(x, n_permutations=permutations, rng=0)
        found["ours"] = got.t, got.p

    with one_thread():
        x = data(ROWS, columns)
        seconds = interleaved({"mne": by_mne, "ours": by_us}, turns)
        peak = peak_flops()
    speedup, spread = ratios(seconds["mne"], seconds["ours"])
    middle = sorted(seconds["ours"])[turns // 2]
    (t, p), (t_ours, p_ours) = found["mne"], found["ours"]
    chance = 1.95 * float(np.sqrt(2 / permutations))
    apart = np.abs(p - p_ours).max()
    notes = [f"p differ by {apart:.4f}; two nulls drawn apart pass {chance:.4f} in one of 1,000 runs"]
    return Row(
        "P1", f"max-T, {ROWS} x {columns:,}, {permutations:,} sign flips", "mne", 10.0, speedup, None,
        permutations * columns * (ROWS + 1.0) / peak / middle, float(np.abs(t - t_ours).max()),
        in_fresh_process("maxima", columns=columns, permutations=permutations)["extra_mb"], {"mne": 1.0}, turns, spread,
        quick, {"ours_s": middle, "mne_s": sorted(seconds["mne"])[turns // 2], "peak_gflops": peak / 1e9}, notes,
    )  # fmt: skip


def alone(columns: int, permutations: int) -> dict[str, float]:
    """Get the peak memory of the test above that of its data."""
    from neurolab.stats.permutation import max_t

    with one_thread():
        x = data(ROWS, columns)
        max_t(x[:, :64], n_permutations=100, rng=0)
        return {"extra_mb": extra_mb(lambda: max_t(x, n_permutations=permutations, rng=0))}
