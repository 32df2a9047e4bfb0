"""Trends and comparisons of cohorts at the edge of their nulls: the cheaper entries of the table of rates hold.

The others (cohorts of other seeds, any of four conditions) are measured by hand with ``neurolab calibrate``.
"""

import pytest

from neurolab.calibrate import ENTRIES, calibrate
from neurolab.calibrate.cohorts import ENTRIES as OURS
from neurolab.calibrate.judge import BROKEN

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
