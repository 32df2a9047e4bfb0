"""Trends and comparisons of cohorts at the edge of their nulls: the cheaper entries of the table of rates hold.

The others (cohorts of other seeds, any of four conditions) are measured by hand with ``neurolab calibrate``.
"""

import numpy as np
import pytest
from scipy import stats

from neurolab.calibrate import ENTRIES, calibrate
from neurolab.calibrate.cohorts import ENTRIES as OURS
from neurolab.calibrate.judge import BROKEN
from neurolab.stats import _orders
from neurolab.stats.trend import jonckheere

CHEAP = [entry.name for entry in OURS if entry.name.startswith("jonckheere")]


@pytest.mark.parametrize("name", CHEAP)
def test_five_hundred_simulated_trends(name):
    (row,) = calibrate([ENTRIES[name]], n=500, progress=False)
    assert row["verdict"] != BROKEN, row
    assert row["power"] > 0.6


@pytest.mark.parametrize("name", ["compare_cohorts, same seeds", "compare_cohorts, called equal by seed", "trend"])
def test_two_hundred_simulated_comparisons(name):
    (row,) = calibrate([ENTRIES[name]], n=200, progress=False)
    assert row["verdict"] != BROKEN, row
    assert row["power"] > 0.4


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("sizes", [(3, 12), (12, 3), (3, 3, 12)])
def test_neither_tail_raises_too_many_alarms_where_levels_are_unequal_and_most_values_tie(monkeypatch, sizes, drawn):
    """One network in ten is not at 0: the tail that read its mirror image rejected .19 of true nulls."""
    monkeypatch.setattr(_orders, "EXACT_FILLS", 0 if drawn else 3_000)
    stream, x, n = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes), 300
    samples = (stream.random((n, x.size)) < 0.1).astype(float)
    for alternative in ("greater", "less", "two-sided"):
        p = [jonckheere(x, y, alternative=alternative, n_permutations=199, rng=k).p for k, y in enumerate(samples)]
        assert np.sum(np.array(p) <= 0.05) <= stats.binom.isf(0.0005, n, 0.05)
