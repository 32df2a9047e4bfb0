"""A p and its interval never disagree: p <= alpha exactly when the interval leaves out the null, ties or none."""

import numpy as np
import pytest

from neurolab.stats.equivalence import sign_flip_tost
from neurolab.stats.intervals import sign_flip_interval
from neurolab.stats.permutation import label_shuffle, p_floor, sign_flip


def tied(draw, n):
    """Shares of trials: differences on a grid, whose subset means often are the null up to rounding."""
    x = np.round(draw.integers(-4, 9, n) * 0.05 * draw.choice([1, 1 / 3, 0.7]), 15)
    if draw.random() < 0.3:
        x[: n // 2] = x[n // 2 : 2 * (n // 2)]
    return x


def continuous(draw, n):
    return draw.standard_normal(n) + draw.uniform(0, 1.2)


def outside(found, null):
    return {
        "greater": found.low > null,
        "less": found.high < null,
        "two-sided": found.low > null or found.high < null,
    }[found.alternative]


@pytest.mark.parametrize("made", [tied, continuous])
@pytest.mark.parametrize(("alternative", "level"), [("two-sided", 0.95), ("greater", 0.9), ("less", 0.9)])
def test_p_reaches_alpha_exactly_when_the_interval_leaves_out_the_null(made, alternative, level):
    draw = np.random.default_rng(0)
    for _ in range(700):
        x = made(draw, int(draw.integers(5, 12)))
        null = float(draw.choice([0.0, 0.05, 0.1]))
        found = sign_flip(x, alternative=alternative, popmean=null, level=level)
        assert (found.p <= 0.05) == outside(found, null), (x, null, found)


@pytest.mark.parametrize(("alternative", "level"), [("two-sided", 0.95), ("greater", 0.9), ("less", 0.9)])
@pytest.mark.parametrize("made", [tied, continuous])
def test_so_it_is_where_patterns_are_drawn(made, alternative, level):
    draw = np.random.default_rng(1)
    for seed in range(300):
        x = made(draw, int(draw.integers(31, 60)))
        x = x - x.mean() + draw.choice([-1, 1]) * draw.uniform(1.5, 2.2) * x.std() / np.sqrt(x.size)
        found = sign_flip(x, alternative=alternative, level=level, n_permutations=999, rng=seed)
        assert (found.p <= 0.05) == outside(found, 0.0), (x, found)


@pytest.mark.parametrize("n", [(5, 12), (31, 60)])
@pytest.mark.parametrize("made", [tied, continuous])
def test_equivalent_exactly_when_the_interval_lies_inside_the_bounds(made, n):
    draw, shown = np.random.default_rng(2), 0
    for seed in range(700 if n[0] < 31 else 300):
        x = made(draw, int(draw.integers(*n)))
        spread = 2.2 * x.std() / np.sqrt(x.size)
        bounds = (-0.05, 0.15) if seed % 2 and made is tied else (float(x.mean() - 10), float(x.mean() + spread + 1e-3))
        found = sign_flip_tost(x, bounds=bounds, n_permutations=999, rng=np.random.default_rng(seed))
        assert found.equivalent == (found.low > bounds[0] and found.high < bounds[1]), (x, found)
        shown += found.equivalent
    assert shown > 50


def test_one_generator_serves_both_tests_and_both_ends():
    x = np.random.default_rng(3).standard_normal(40)
    one, two = (sign_flip_tost(x, bounds=0.4, rng=rng) for rng in (5, np.random.default_rng(5)))
    assert one == two


def test_the_interval_alone_agrees_with_the_test():
    draw = np.random.default_rng(4)
    for _ in range(500):
        x = tied(draw, int(draw.integers(6, 12)))
        ends, found = sign_flip_interval(x), sign_flip(x)
        assert (ends.low, ends.high) == (found.low, found.high)


def test_the_smallest_drawn_p_is_its_floor():
    x = np.random.default_rng(5).standard_normal(40) + 9
    for alternative, floor in (("two-sided", 0.02), ("greater", 0.01)):
        found = sign_flip(x, alternative=alternative, n_permutations=99, rng=0)
        assert found.p == found.p_floor == p_floor("sign_flip", n=40, alternative=alternative, n_permutations=99)
        assert found.p_floor == floor


@pytest.mark.parametrize(("alternative", "level"), [("greater", 0.9), ("less", 0.9), ("two-sided", 0.95)])
def test_two_groups_agree_too(alternative, level):
    """Two-sided for equal groups, where both tails are alike."""
    draw = np.random.default_rng(6)
    for _ in range(500):
        sizes = (5, 5) if alternative == "two-sided" else (4, 6)
        a, b = tied(draw, sizes[0]) + draw.choice([-0.2, 0.2]), tied(draw, sizes[1])
        found = label_shuffle(a, b, alternative=alternative, level=level)
        assert (found.p <= 0.05) == outside(found, 0.0), (a, b, found)
