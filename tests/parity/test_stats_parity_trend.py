"""Jonckheere's test, the tuning of units and the Gini coefficient against scipy, sign patterns and slow loops."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from neurolab.stats._inversions import ordered_pairs
from neurolab.stats.trend import jonckheere
from neurolab.stats.tuning import gini, tuning


def in_order(x, y, blocks):
    """Pairs of one block and different x in which y rises with x; ties count half."""
    found = 0.0
    for i, j in combinations(range(len(x)), 2):
        if blocks[i] == blocks[j] and x[i] != x[j]:
            found += 0.5 * (1 + np.sign((y[j] - y[i]) * (x[j] - x[i])))
    return found


def every_order(y, blocks):
    """All rearrangements of y within blocks."""
    rows = [np.flatnonzero(blocks == one) for one in np.unique(blocks)]
    for choice in product(*(permutations(row) for row in rows)):
        moved = y.copy()
        for row, order in zip(rows, choice):
            moved[row] = y[list(order)]
        yield moved


@pytest.mark.parametrize(
    ("x", "blocks"),
    [([1, 1, 2, 2, 3, 3], [0] * 6), ([0, 0, 0, 1, 5], [0] * 5), ([1, 2, 3] * 3, [0, 0, 0, 1, 1, 1, 2, 2, 2])],
)
def test_p_is_the_share_of_all_orders(x, blocks):
    x, blocks = np.array(x, dtype=float), np.array(blocks)
    y = np.random.default_rng(3).normal(size=len(x))
    observed = in_order(x, y, blocks)
    null = np.array([in_order(x, moved, blocks) for moved in every_order(y, blocks)])
    up, down = (null >= observed - 1e-9).mean(), (null <= observed + 1e-9).mean()
    for alternative, wanted in (("greater", up), ("less", down), ("two-sided", min(1, 2 * min(up, down)))):
        found = jonckheere(x, y, blocks=blocks, alternative=alternative)
        assert found.p == pytest.approx(wanted)
        assert found.exact
    assert found.statistic == observed
    assert found.p_floor == pytest.approx(2 * (null == null.max()).mean())


def test_without_repeated_levels_it_is_kendalls_tau_and_theil_and_sen():
    draw = np.random.default_rng(0)
    x, y = np.arange(9.0), draw.normal(size=9) + 0.2 * np.arange(9)
    found = jonckheere(x, y)
    assert found.p == pytest.approx(stats.kendalltau(x, y, method="exact").pvalue)
    assert found.effect == pytest.approx(stats.theilslopes(y, x).slope)


def test_with_groups_the_slope_is_theil_and_sens_and_p_is_near_the_normal_one():
    draw = np.random.default_rng(1)
    x = np.repeat([0, 0.2, 0.4, 0.6, 0.8, 1.0], 8)
    y = draw.normal(size=48) + 0.7 * x
    found, theirs = jonckheere(x, y), stats.theilslopes(y, x)
    assert found.effect == pytest.approx(theirs.slope)
    assert found.p == pytest.approx(stats.kendalltau(x, y).pvalue, rel=0.1)  # scipy: normal, corrected for ties in x
    np.testing.assert_allclose([found.low, found.high], [theirs.low_slope, theirs.high_slope], atol=0.05)


def test_ties_are_drawn_and_come_near_all_orders():
    x, y = np.repeat([0.0, 1.0, 2.0], 2), np.array([0.0, 1.0, 1.0, 2.0, 1.0, 3.0])
    null = np.array([in_order(x, moved, np.zeros(6)) for moved in every_order(y, np.zeros(6))])
    wanted = (null >= in_order(x, y, np.zeros(6)) - 1e-9).mean()
    found = jonckheere(x, y, alternative="greater", n_permutations=20_000, rng=0)
    assert not found.exact
    assert found.p == pytest.approx(wanted, abs=0.015)


def test_the_interval_holds_the_slopes_that_are_not_rejected():
    draw = np.random.default_rng(5)
    x, blocks = np.tile([0.0, 1.0, 2.0], 6), np.repeat(np.arange(6), 3)
    y = draw.normal(size=18) + x
    found = jonckheere(x, y, blocks=blocks, level=0.9)
    pairs = [(i, j) for i, j in combinations(range(18), 2) if blocks[i] == blocks[j]]
    slopes = np.sort([(y[j] - y[i]) / (x[j] - x[i]) for i, j in pairs])
    for slope in (slopes[1:] + slopes[:-1]) / 2:  # between any two slopes: an end that is one slope off shows
        inside = found.low < slope < found.high
        assert inside == (jonckheere(x, y - slope * x, blocks=blocks).p > 0.1)


def test_counts_of_ordered_pairs_are_those_of_mann_and_whitney():
    sizes = (4, 5)
    null = ordered_pairs(sizes)
    both = np.random.default_rng(2).normal(size=9)
    u = [sum(b > a for a in both[list(one)] for b in np.delete(both, one)) for one in combinations(range(9), 4)]
    np.testing.assert_allclose(null, np.bincount(u, minlength=21) / len(u), atol=1e-12)


def test_tuning_equals_a_slow_loop():
    draw = np.random.default_rng(0)
    labels = np.repeat(list("abc"), 8)[draw.permutation(24)]
    x = np.maximum(draw.normal(size=(24, 5)) + (labels[:, None] == np.array(list("abcab"))), 0.0)
    found = tuning(x, labels)
    for unit in range(5):
        parts = []
        for side in (0, 1):
            rows = {one: np.flatnonzero(labels == one) for one in "abc"}
            choose = {one: x[row[side::2], unit].mean() for one, row in rows.items()}
            best = max("abc", key=lambda one, choose=choose: choose[one])
            measure = {one: x[row[1 - side :: 2], unit] for one, row in rows.items()}
            rest = [measure[one] for one in "abc" if one != best]
            top, other = measure[best].mean(), np.mean([one.mean() for one in rest])
            a, b = measure[best], np.concatenate(rest)
            area = np.mean([(p > q) + 0.5 * (p == q) for p in a for q in b])
            d = (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
            parts.append([(top - other) / (top + other), area, d])
        wanted = np.mean(parts, axis=0)
        np.testing.assert_allclose(
            [found.class_selectivity[unit], found.auc[unit], found.d_prime[unit]], wanted, atol=1e-12
        )


def test_a_unit_without_preference_is_unselective_in_the_mean():
    """Chosen and measured on the same rows, the index of pure noise is far above 0."""
    draw = np.random.default_rng(0)
    labels, x = np.repeat(np.arange(10), 60), np.abs(draw.normal(size=(600, 400)))
    found = tuning(x, labels)
    assert abs(np.mean(found.class_selectivity)) < 0.01
    assert abs(np.mean(found.auc) - 0.5) < 0.01
    means = np.stack([x[labels == one].mean(axis=0) for one in range(10)])
    naive = (means.max(axis=0) - (means.sum(axis=0) - means.max(axis=0)) / 9) / (
        means.max(axis=0) + (means.sum(axis=0) - means.max(axis=0)) / 9
    )
    assert np.mean(naive) > 0.05


def test_dead_units_have_no_tuning():
    labels, x = np.repeat([0, 1], 8), np.zeros((16, 2))
    x[:, 1] = np.arange(16)
    found = tuning(x, labels)
    assert found.alive.tolist() == [False, True]
    assert np.isnan(found.auc[0])
    assert found.preferred.tolist() == [-1, 1]


def test_gini_is_the_mean_difference_of_pairs():
    values = np.random.default_rng(0).exponential(size=30)
    wanted = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(wanted)
    assert gini([*values, -5.0]) == pytest.approx(gini([*values, 0.0]))  # what helps counts as nothing lost
    assert np.isnan(gini([0.0, -1.0]))
