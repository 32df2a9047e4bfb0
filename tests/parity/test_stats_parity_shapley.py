"""Shapley values against loops over permutations, known games and msapy."""

import warnings
from itertools import combinations, permutations

import numpy as np
import pytest

from neurolab.stats import shapley


def table_game(n, seed, n_samples=None):
    """A game with a random value per coalition (and sample)."""
    table = np.random.default_rng(seed).normal(size=(2**n,) if n_samples is None else (2**n, n_samples))
    return lambda mask: table[mask @ (1 << np.arange(n))]


def slow_values(value, n):
    """Average the marginal contributions over every order."""
    phi, orders = np.zeros(n), list(permutations(range(n)))
    for order in orders:
        for at, player in enumerate(order):
            before, after = np.zeros((1, n), bool), np.zeros((1, n), bool)
            before[0, list(order[:at])], after[0, list(order[: at + 1])] = True, True
            phi[player] += np.asarray(value(after) - value(before)).mean()
    return phi / len(orders)


def slow_interaction(value, n, i, j):
    """Keinan's definition: phi of the pair as one player, minus phi of each with the other lesioned."""
    rest = [k for k in range(n) if k not in (i, j)]

    def marginal(team):
        players = [*rest, "team"]
        total, orders = 0.0, list(permutations(players))
        for order in orders:
            mask = np.zeros((1, n), bool)
            mask[0, list(order[: order.index("team")])] = True
            with_team = mask.copy()
            with_team[0, team] = True
            total += float((value(with_team) - value(mask))[0])
        return total / len(orders)

    return marginal([i, j]) - marginal([i]) - marginal([j])


# protocols.md section 17: additive 10, 9, 57, -8, 42, and 87 more if the first two are both intact
ADDS = np.array([10.0, 9.0, 57.0, -8.0, 42.0])


def ground_truth(mask):
    return mask @ ADDS + 87.0 * (mask[:, 0] & mask[:, 1])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_exact_equals_a_loop_over_every_order(n):
    value = table_game(n, n)
    found = shapley.exact(value, n)
    np.testing.assert_allclose(found.values, slow_values(value, n), atol=1e-12)
    assert found.values.sum() == pytest.approx(found.full - found.empty, abs=1e-12)
    assert found.n_evaluations == 2**n


def test_known_games():
    assert shapley.exact(lambda mask: mask.any(axis=1), 2).values == pytest.approx([0.5, 0.5])  # OR
    # the only needed player is number 0, which a truthiness test would take for "no lesion"
    one = shapley.exact(lambda mask: mask[:, 0], 4)
    np.testing.assert_allclose(one.values, [1, 0, 0, 0], atol=1e-15)
    assert shapley.d_index(one.values) == pytest.approx(0)
    truth = shapley.exact(ground_truth, 5)
    np.testing.assert_allclose(truth.values, np.add(ADDS, [43.5, 43.5, 0, 0, 0]), atol=1e-12)
    drawn = shapley.sampled(ground_truth, 5, n_permutations=64, rng=0)
    np.testing.assert_allclose(drawn.values, truth.values, atol=1e-12)  # antithetic orders get any pair exactly
    zero = shapley.sampled(lambda mask: mask[:, 0] * 1.0, 1, n_permutations=64, rng=0)
    assert zero.values == pytest.approx([1.0])


def test_sampled_equals_a_loop_over_the_same_orders():
    value, n = table_game(6, 1, 3), 6
    found = shapley.sampled(value, n, n_permutations=80, rng=0)
    stream, phi, blocks = np.random.default_rng(0), np.zeros((3, n)), []
    for _ in range(10):
        order, block = list(stream.permutation(n)), np.zeros((3, n))
        for turn in (0, 2, 3, 4):  # round(k * 6 / 4)
            turned = order[-turn:] + order[:-turn] if turn else order
            for walk in (turned, turned[::-1]):
                for at, player in enumerate(walk):
                    before, after = np.zeros((1, n), bool), np.zeros((1, n), bool)
                    before[0, walk[:at]], after[0, walk[: at + 1]] = True, True
                    block[:, player] += (value(after) - value(before))[0] / 8
        phi += block / 10
        blocks.append(block.mean(axis=0))
    np.testing.assert_allclose(found.samples, phi, atol=1e-12)
    np.testing.assert_allclose(found.monte_carlo_se, np.std(blocks, axis=0, ddof=1) / np.sqrt(10), atol=1e-12)
    np.testing.assert_allclose(found.sampling_se, phi.std(axis=0, ddof=1) / np.sqrt(3), atol=1e-12)


def test_sampled_reaches_the_exact_values():
    value = table_game(8, 2)
    truth = shapley.exact(value, 8).values
    for options in ({}, {"antithetic": False}, {"rotations": 1}, {"antithetic": False, "rotations": 1}):
        found = shapley.sampled(value, 8, n_permutations=4096, rng=0, **options)
        assert np.abs((found.values - truth) / found.monte_carlo_se).max() < 4


def test_interactions_equal_the_definition_and_the_ground_truth():
    value = table_game(4, 3)
    found = shapley.interactions(value, 4)
    for i, j in combinations(range(4), 2):
        assert found.effect[i, j] == pytest.approx(slow_interaction(value, 4, i, j), abs=1e-12)
        assert found.effect[j, i] == found.effect[i, j]
    matrix = shapley.interactions(ground_truth, 5).effect
    expected = np.zeros((5, 5))
    expected[0, 1] = expected[1, 0] = 87
    np.testing.assert_allclose(matrix, expected, atol=1e-9)
    drawn = shapley.interactions(ground_truth, 5, n_draws=8, rng=0)
    np.testing.assert_allclose(drawn.effect, expected, atol=1e-9)
    many = shapley.interactions(value, 4, n_draws=4000, rng=0)
    upper = np.triu_indices(4, 1)
    assert (np.abs(many.effect - found.effect)[upper] < 4 * many.monte_carlo_se[upper]).all()


def test_walks_share_their_prefixes():
    asked = []

    def value(mask):
        asked.append(mask.copy())
        return mask.sum(axis=1) * 1.0

    shapley.sampled(value, 7, n_permutations=64, rng=0)
    for block in asked[1:]:
        walks = block.reshape(8, 6, 7)
        np.testing.assert_array_equal(walks.sum(axis=2), np.tile(np.arange(1, 7), (8, 1)))
        assert (walks[:, 1:] >= walks[:, :-1]).all()  # each step adds one player


def test_msapy_agrees():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        msa = pytest.importorskip("msapy.msa", reason="the oracle msapy is not installed")
        names = list("abcdef")
        value = table_game(6, 4)

        def objective(complements):
            return float(value(np.array([[name not in complements for name in names]]))[0])

        try:
            theirs = msa.interface(
                elements=names, n_permutations=2_000, objective_function=objective, rng=np.random.default_rng(0)
            )
        except Exception as error:  # its type checker refuses its own call under typeguard 4
            if type(error).__name__ != "TypeCheckError":
                raise
            pytest.skip(f"msapy's own type checker refuses its call: {type(error).__name__}")
    phi = np.array([theirs[name].mean() for name in names])
    np.testing.assert_allclose(shapley.exact(value, 6).values, phi, atol=0.12)


def test_indices_equal_their_formulas():
    phi = np.array([0.4, -0.1, 0.3])
    spread = np.sqrt(((phi / 0.8 - (phi / 0.8).mean()) ** 2).mean())
    assert shapley.d_index(phi) == pytest.approx(1 - spread / np.sqrt(2 / 9))
    assert shapley.redundancy_index([0.1, 0.2], 0.6) == pytest.approx(0.5)
