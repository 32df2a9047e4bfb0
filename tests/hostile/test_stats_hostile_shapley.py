"""Games that answer badly, and the traps of published tools (protocols.md section 18)."""

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError
from neurolab.stats import shapley


def good(mask):
    return mask.sum(axis=1) * 1.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: shapley.exact(good, 17), DesignError, r"type sampled\("),
        (lambda: shapley.exact(good, 0), DesignError, "at least 1"),
        (lambda: shapley.exact(lambda mask: 1.0, 3), DataError, "one row per row of the mask"),
        (lambda: shapley.exact(lambda mask: mask[:1].sum(axis=1), 3), DataError, "8 coalitions"),
        (lambda: shapley.exact(lambda mask: np.full(len(mask), np.nan), 3), DataError, "finite value"),
        (lambda: shapley.exact(good, 3, level=95), DataError, "between 0 and 1"),
        (lambda: shapley.sampled(good, 5, n_permutations=10, rng=0), DesignError, "n_permutations=64"),
        (lambda: shapley.sampled(good, 5, rng=None), DesignError, "rng=0"),
        (lambda: shapley.sampled(good, 5, tolerance=0.0, rng=0), DataError, "positive error"),
        (lambda: shapley.sampled(good, 5, truncate=5, rng=0), DataError, "between 0 and 1"),
        (
            lambda: shapley.sampled(lambda mask: np.ones((len(mask), len(mask))), 5, rng=0),
            DataError,
            "keep one",
        ),
        (lambda: shapley.interactions(good, 1), DesignError, "at least 2"),
        (lambda: shapley.interactions(good, 20), DesignError, "n_draws=256, rng=0"),
        (lambda: shapley.interactions(good, 5, n_draws=8), DesignError, "rng=0"),
        (lambda: shapley.d_index([0.0, 0.0]), DataError, "nothing contributes"),
        (lambda: shapley.d_index([0.3]), DesignError, "at least 2"),
        (lambda: shapley.redundancy_index([0.1, 0.2], 0.0), DataError, "nothing to share"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_the_advice_works():
    assert shapley.sampled(good, 17, n_permutations=64, rng=0).values == pytest.approx(np.ones(17))
    assert shapley.interactions(good, 20, n_draws=4, rng=0).effect == pytest.approx(np.zeros((20, 20)), abs=1e-12)


def test_seed_zero_is_a_seed():
    value = np.random.default_rng(0).normal(size=32)

    def game(mask):
        return value[mask @ (1 << np.arange(5))]

    first, second, third = (shapley.sampled(game, 5, n_permutations=64, rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.values, second.values)
    assert (first.values != third.values).any()


def test_the_game_sees_booleans_the_empty_and_the_full_coalition():
    seen = []

    def game(mask):
        assert mask.dtype == bool
        seen.append(mask.copy())
        return good(mask)

    found = shapley.sampled(game, 4, n_permutations=64, rng=0)
    np.testing.assert_array_equal(seen[0], [[False] * 4, [True] * 4])
    assert (found.empty, found.full) == (0, 4)
    assert sum(map(len, seen)) == found.n_evaluations
    assert np.concatenate(seen[1:]).sum(axis=1).min() > 0


def test_the_stopping_rule_looks_at_the_monte_carlo_error_only():
    noise = np.random.default_rng(1).normal(size=(64, 5)) * 10  # five very different samples

    def game(mask):
        return mask.any(axis=1)[:, None] + mask.sum(axis=1)[:, None] * noise[:1]

    found = shapley.sampled(game, 6, n_permutations=8_000, tolerance=0.02, rng=0)
    assert found.n_permutations < 8_000
    assert found.monte_carlo_se.max() <= 0.02
    assert found.sampling_se.min() > 1  # and says so, rather than walking on for ever
    assert found.note == ""
    short = shapley.sampled(game, 6, n_permutations=64, tolerance=1e-9, rng=0)
    assert "raise n_permutations" in short.note


def test_truncation_is_cheaper_and_says_that_it_is_biased():
    def game(mask):
        return 1 - 0.3 ** mask.sum(axis=1)

    whole = shapley.sampled(game, 12, n_permutations=64, rng=0)
    cut = shapley.sampled(game, 12, n_permutations=64, truncate=0.05, rng=0)
    assert cut.n_evaluations < 0.5 * whole.n_evaluations
    assert cut.biased
    assert "biased" in cut.note
    assert not whole.biased
    assert cut.values.sum() < whole.values.sum()
