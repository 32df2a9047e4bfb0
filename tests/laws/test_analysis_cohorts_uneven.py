"""Cohorts of unequal size and spread: the shuffle that compares them says that it does not keep its level there."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from neurolab.analysis import compare_cohorts


def compared(sizes, spreads, *, seed=0, paired=None):
    draw = np.random.default_rng(seed)
    x = [spread * draw.standard_normal(n) for n, spread in zip(sizes, spreads)]
    names = [[f"{kind} {'seed ' if paired else 'net '}{k}" for k in range(n)] for kind, n in zip("ab", sizes)]
    tables = {kind: pd.DataFrame({"index": one}, index=name) for kind, one, name in zip("ab", x, names)}
    found = compare_cohorts(tables, against="b", matched_on=None, rng=0)
    return x, found, [one for one in json.loads(found.attrs["undermined_by"]) if "shuffle" in one]


@pytest.mark.parametrize(("spreads", "often"), [((5, 1), "too often"), ((1, 5), "too seldom")])
def test_a_shuffle_of_unequal_cohorts_is_flagged_with_welchs_t(spreads, often):
    x, found, flags = compared((4, 20), spreads, seed=3)
    assert len(flags) == 1
    assert often in flags[0]
    assert "4 and 20 members" in flags[0]
    p = f"{ttest_ind(*x, equal_var=False).pvalue:.3g}".removeprefix("0")
    assert f"Welch's t gives p = {p}, uncorrected" in flags[0]
    assert found.attrs["test"] == "shuffle of members between two cohorts"


def test_cohorts_of_one_size_or_one_spread_or_of_pairs_are_not():
    assert compared((12, 12), (5, 1))[2] == []
    assert compared((10, 20), (1, 1))[2] == []
    assert compared((10, 10), (5, 1), paired=True)[2] == []


def test_the_flag_is_of_its_condition_and_index_alone():
    draw = np.random.default_rng(1)

    def table(n, **spread):
        return pd.DataFrame({name: s * draw.standard_normal(n) for name, s in spread.items()},
                            index=[f"net {k} of {n} {spread}" for k in range(n)])  # fmt: skip

    tables = {"b": table(20, one=1, two=1), "wide": table(6, one=6, two=1), "same": table(20, one=6, two=1)}
    found = compare_cohorts(tables, against="b", matched_on=None, rng=0)
    about = json.loads(found.attrs["flags_about"])
    assert list(about.values()) == [{"index": ["one"], "condition": ["wide"]}]


def test_the_shuffle_rejects_too_often_there_and_the_flag_is_raised_with_it():
    """What the docstring publishes, .38 of true nulls, and that it is told where it happens."""
    wrong = told = 0
    for seed in range(60):
        _, found, flags = compared((4, 20), (5, 1), seed=seed)
        wrong += float(found["p"].item()) <= 0.05
        told += bool(flags)
    assert 0.2 < wrong / 60 < 0.56
    assert told >= 54
