"""What a design is told before the run: counts by brute force."""

import itertools

import pytest

import neurolab as nl
from neurolab.errors import DesignError


@pytest.mark.parametrize("n", range(3, 11))
def test_design_check__says_the_counted_floor(n):
    flips = list(itertools.product([1, -1], repeat=n))
    two_sided = sum(abs(sum(signs)) >= n for signs in flips) / len(flips)
    said = nl.design_check(n).splitlines()
    assert f"smallest two-sided p is {two_sided:.3g}".replace("0.", ".", 1) in said[0]
    assert ("use 6 or more" in said[0]) == (two_sided > 0.05)
    assert ("use 5 or more" in said[1]) == (two_sided / 2 > 0.05)


def test_design_check__counts_controls_and_shared_error():
    said = nl.design_check(8, n_controls=10, n_tests=2)
    assert "10 controls: the smallest rank p is .0909; use 39 or more." in said
    assert "2 tests share alpha = .05: the smallest p must reach .025 (Holm)." in said
    assert "smallest rank p is .01." in nl.design_check(8, n_controls=99)


def test_design_check__takes_a_cohort_and_refuses_nobody():
    assert nl.design_check(["a", "b", "c"]).startswith("3 networks")
    with pytest.raises(DesignError, match=r"Type design_check\(8"):
        nl.design_check(0)
