"""The axioms of Shapley values, exact and sampled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.stats import shapley

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
GAMES = st.tuples(st.integers(2, 6), st.integers(0, 10**6), st.sampled_from([None, 4]))


def made(game):
    n, seed, n_samples = game
    table = np.random.default_rng(seed).normal(size=(2**n,) if n_samples is None else (2**n, n_samples))
    return n, table, lambda mask: table[mask @ (1 << np.arange(n))]


def both(value, n):
    return shapley.exact(value, n), shapley.sampled(value, n, n_permutations=64, rng=0)


@QUICK
@given(GAMES)
def test_efficiency_to_float_precision(game):
    n, table, value = made(game)
    for found in both(value, n):
        gap = float(np.mean(table[-1]) - np.mean(table[0]))
        assert found.values.sum() == pytest.approx(gap, abs=1e-12)
        assert (found.low <= found.values).all()
        assert (found.values <= found.high).all()
        assert np.isnan(found.sampling_se).all() == (game[2] is None)


@QUICK
@given(GAMES, st.integers(0, 5))
def test_a_null_player_gets_nothing_and_twins_get_the_same(game, position):
    n, table, _ = made(game)
    position %= n + 1

    def with_null(mask):
        return table[np.delete(mask, position, axis=1) @ (1 << np.arange(n))]

    for found in both(with_null, n + 1):
        assert found.values[position] == pytest.approx(0, abs=1e-15)

    def with_twin(mask):  # players 0 and n back each other up
        seen = mask[:, :n].copy()
        seen[:, 0] |= mask[:, n]
        return table[seen @ (1 << np.arange(n))]

    exact = shapley.exact(with_twin, n + 1)
    assert exact.values[0] == pytest.approx(exact.values[n], abs=1e-12)


@QUICK
@given(GAMES, st.integers(0, 10**6), st.floats(-3, 3))
def test_additivity(game, seed, factor):
    n, _, first = made(game)
    _, _, second = made((n, seed, game[2]))
    for at in (0, 1):
        joined = both(lambda mask: first(mask) + factor * second(mask), n)[at].values
        apart = both(first, n)[at].values + factor * both(second, n)[at].values
        np.testing.assert_allclose(joined, apart, atol=1e-10)


@QUICK
@given(GAMES, st.randoms(use_true_random=False))
def test_renaming_players_renames_values(game, random):
    n, _, value = made(game)
    order = list(range(n))
    random.shuffle(order)
    back = np.argsort(order)
    plain = shapley.exact(value, n)
    turned = shapley.exact(lambda mask: value(mask[:, back]), n)
    np.testing.assert_allclose(turned.values, plain.values[order], atol=1e-12)
    pairs, renamed = shapley.interactions(value, n), shapley.interactions(lambda mask: value(mask[:, back]), n)
    np.testing.assert_allclose(renamed.effect, pairs.effect[np.ix_(order, order)], atol=1e-12)


@QUICK
@given(GAMES, st.integers(0, 10**6))
def test_same_rng_same_bits(game, seed):
    n, _, value = made(game)
    first, second = (shapley.sampled(value, n, n_permutations=64, rng=seed) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    np.testing.assert_array_equal(first.monte_carlo_se, second.monte_carlo_se)


@QUICK
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.floats(0.1, 10))
def test_d_index_is_bounded_and_free_of_scale(phi, factor):
    phi = np.array(phi) + 0.01
    found = shapley.d_index(phi)
    assert found <= 1 + 1e-12
    assert shapley.d_index(factor * phi) == pytest.approx(found)
    assert found >= -1e-12 or (phi < 0).any()  # only signed values may scatter more than one player alone
