"""Jonckheere's test, the tuning of units and the Gini coefficient against scipy, sign patterns and slow loops."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from neurolab.stats import _orders
from neurolab.stats._inversions import ordered_pairs
from neurolab.stats.trend import brunner_munzel_trend, jonckheere
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


def tails_of(x, y, blocks):
    """The null by going through every order, and both tails of the observed one."""
    observed = in_order(x, y, blocks)
    null = np.array([in_order(x, moved, blocks) for moved in every_order(y, blocks)])
    return null, (null >= observed - 1e-9).mean(), (null <= observed + 1e-9).mean()


TIED = [
    ([1, 2, 2, 2, 2, 2, 2], [1, 0, 0, 0, 0, 0, 0], [0] * 7),
    ([1, 2, 2, 2, 2, 2, 2], [0, 1, 1, 1, 1, 1, 1], [0] * 7),
    ([0, 0, 1, 2, 2, 2, 2], [0.9, 1, 1, 1, 1, 1, 1], [0] * 7),
    ([0, 0, 1, 1, 1, 5, 5], [3, 1, 1, 2, 0, 0, 1], [0] * 7),
    ([1, 2, 3, 1, 2, 3, 1, 1, 3], [0, 0, 1, 2, 1, 1, 0.5, 0, 0], [0, 0, 0, 1, 1, 1, 2, 2, 2]),
    ([1, 1, 1, 3, 1, 2, 3, 3], [0, 2, 1, 0, 4, 5, 3, 6], [0, 0, 0, 0, 1, 1, 1, 1]),  # ties in one block of two
]


@pytest.mark.parametrize(("x", "y", "blocks"), TIED)
def test_ties_in_groups_of_unequal_size_have_a_null_of_their_own_in_each_tail(x, y, blocks):
    x, y, blocks = (np.array(one, dtype=float) for one in (x, y, blocks))
    null, up, down = tails_of(x, y, blocks)
    top, bottom = (null == null.max()).mean(), (null == null.min()).mean()
    both = (min(1, 2 * min(up, down)), min(1, 2 * min(top, bottom)))
    for alternative, (p, floor) in {"greater": (up, top), "less": (down, bottom), "two-sided": both}.items():
        found = jonckheere(x, y, blocks=blocks, alternative=alternative)
        assert found.exact
        assert (found.p, found.p_floor) == pytest.approx((p, floor))


@pytest.mark.parametrize(("x", "y", "blocks"), TIED[2:])
def test_orders_that_are_drawn_come_near_all_orders_in_both_tails(monkeypatch, x, y, blocks):
    monkeypatch.setattr(_orders, "EXACT_FILLS", 0)
    x, y, blocks = (np.array(one, dtype=float) for one in (x, y, blocks))
    null, up, down = tails_of(x, y, blocks)
    for alternative, p, end in (("greater", up, null.max()), ("less", down, null.min())):
        found = jonckheere(x, y, blocks=blocks, alternative=alternative, n_permutations=20_000, rng=0)
        assert not found.exact
        assert found.p == pytest.approx(p, abs=0.015)
        assert found.p_floor == pytest.approx((null == end).mean(), abs=0.015)


def test_each_end_of_the_interval_inverts_the_null_of_its_own_tail():
    """Lopsided: of the few high values four are in the small group; an end that reads the other tail is elsewhere."""
    x, blocks = np.array([0.0, 0, 1, 1, 1, 1, 1, 1]), np.zeros(8)
    y = np.array([2.0, 3, 1, 0, 0, 0, 0, 0])
    null, up, down = tails_of(x, y, blocks)
    found = jonckheere(x, y, level=0.8)
    slopes = np.sort([(y[j] - y[i]) / (x[j] - x[i]) for i, j in combinations(range(8), 2) if x[i] != x[j]])
    for at, slope in enumerate((slopes[1:] + slopes[:-1]) / 2):
        rising = len(slopes) - 1 - at  # slopes above this one: the pairs of y - slope x in order
        if slopes[at] < slopes[at + 1]:
            kept = (null >= rising).mean() > 0.1 and (null <= rising).mean() > 0.1
            assert (found.low < slope < found.high) == kept
    assert down < 0.1 < up
    assert found.high <= 0.0


def test_of_two_groups_unequal_in_spread_it_is_brunner_and_munzels():
    draw = np.random.default_rng(4)
    a, b = np.round(draw.normal(size=6), 1), np.round(draw.normal(0.5, 3, size=11), 1)
    found = brunner_munzel_trend(np.repeat([1, 2], [6, 11]), [*a, *b])
    assert found == pytest.approx(stats.brunnermunzel(a, b).pvalue)


def test_of_three_groups_its_variance_is_that_of_the_pairs_of_each_value():
    draw = np.random.default_rng(6)
    x = np.repeat([0.0, 1.0, 3.0], [4, 5, 7])
    y = np.round(draw.normal(size=16) * (1 + x), 1)
    own = [sum(0.5 * (1 + np.sign((y[j] - y[i]) * (x[j] - x[i]))) for j in range(16) if x[j] != x[i])
           for i in range(16)]  # fmt: skip
    parts = {level: np.cov([one for one, at in zip(own, x) if at == level]) * (x == level).sum() for level in (0, 1, 3)}
    t = (in_order(x, y, np.zeros(16)) - (4 * 5 + 4 * 7 + 5 * 7) / 2) / np.sqrt(sum(parts.values()))
    df = sum(parts.values()) ** 2 / sum(part**2 / ((x == level).sum() - 1) for level, part in parts.items())
    assert brunner_munzel_trend(x, y) == pytest.approx(2 * stats.t.sf(abs(t), df))


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
