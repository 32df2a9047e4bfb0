"""Sign flips drawn in pairs of halves: pairs are what they say, and (b + 1) / (m + 1) is exact as of single flips."""

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import permutation
from neurolab.stats._halves import half_products, paired_flips

N = 15


def drawn(total, seed=0, block=8, n=N):
    return list(paired_flips(n, total, np.random.default_rng(seed), block))


@pytest.mark.parametrize("block", [1, 2, 7, 8, 1_000])
@pytest.mark.parametrize("total", [1, 2, 3, 8, 21, 22])
def test_pairs_share_one_half_and_differ_in_the_other(total, block):
    for seed in range(5):
        blocks = drawn(total, seed, block)
        assert sum(len(rows) for rows in blocks) == total
        assert {value for rows in blocks for value in np.unique(rows)} <= {-1.0, 1.0}
        for rows in blocks:
            first, second = rows[: -(-len(rows) // 2)], rows[-(-len(rows) // 2) :]
            np.testing.assert_array_equal(first[: len(second), : N // 2], second[:, : N // 2])
            if len(rows) > 1:
                np.testing.assert_array_equal(first[: len(second), N // 2 :], -second[:, N // 2 :])


def test_the_partner_of_what_was_observed_is_one_of_an_odd_number_and_rarely_missing_from_an_even_one():
    own = np.repeat([1.0, -1.0], [N // 2, N - N // 2])
    assert all((drawn(5, seed)[0] == own).all() for seed in range(50))
    missing = sum(not any((row == own).all() for rows in drawn(4, seed) for row in rows) for seed in range(2_000))
    assert sps.binomtest(missing, 2_000, 1 / 5).pvalue > 1e-3


def test_each_flip_is_as_likely_as_any_other():
    rows = np.concatenate([rows for seed in range(400) for rows in drawn(20, seed, n=3)[1:]])
    counts = np.bincount(((rows > 0) @ [1, 2, 4]).astype(int), minlength=8)
    assert sps.chisquare(counts).pvalue > 1e-3, counts


@pytest.mark.parametrize("n", [2, 13, 40])
@pytest.mark.parametrize("total", [1, 2, 9, 40])
def test_two_sums_of_one_product_of_each_half_are_the_sums(n, total):
    z = np.random.default_rng(n).normal(size=(n, 12))
    for rows in drawn(total, seed=1, block=7, n=n):
        np.testing.assert_allclose(half_products(z)(rows, slice(2, 9)), rows @ z[:, 2:9], rtol=0, atol=1e-12)


@pytest.mark.parametrize("m", [3, 4, 7, 8])
@pytest.mark.parametrize("second", [1.0, 1e-3, 0.0], ids=["like halves", "one half faint", "one half silent"])
def test_under_the_null_every_rank_of_what_was_observed_is_as_likely(m, second, calibrated):
    # a faint half makes partners near twins: without the observed data's own partner p = 1 / (m + 1) would come up in
    # 1 / 3 instead of 1 / 5 of samples of m = 4; a silent half makes them ties, so that p can only be too large
    stream, ranks = np.random.default_rng(m), []
    for _ in range(4_000):
        x = stream.normal(size=(16, 1)) * np.repeat([1.0, second], 8)[:, None]
        best = np.concatenate([half_products(x)(rows, slice(None)) for rows in paired_flips(16, m, stream, 4)])
        ranks.append(1 + int((best >= x.sum() - 1e-9).sum()))
    for rank in range(1, m + 1):
        calibrated(np.array(ranks) <= rank, rank / (m + 1), side="both" if second else "upper")


@pytest.mark.parametrize("m", [19, 20, 99])
def test_p_of_one_column_is_exact_where_a_few_rows_are_most_of_it(m, calibrated):
    stream, p = np.random.default_rng(m), []
    for seed in range(2_000):
        x = stream.normal(size=(16, 1)) * np.repeat([1.0, 0.01], [4, 12])[:, None]
        p.append(permutation.max_t(x, n_permutations=m, rng=seed, alternative="greater").p[0])
    calibrated(np.array(p) <= 0.1, np.floor(0.1 * (m + 1)) / (m + 1), side="upper")


def test_p_varies_from_seed_to_seed_no_more_than_of_single_flips():
    x = np.random.default_rng(0).normal(size=(30, 40)) + np.linspace(0, 0.6, 40)
    m, seeds = 499, 200
    p = np.array([permutation.max_t(x, n_permutations=m, rng=seed).p for seed in range(seeds)])
    middle = p.mean(axis=0)
    some = (middle > 0.05) & (middle < 0.95)
    share = p[:, some].var(axis=0, ddof=1) / (middle * (1 - middle) / m)[some]  # of the variance of single flips
    assert some.sum() >= 10
    assert 0.5 < share.mean() < 1.25, share


@pytest.mark.parametrize("block", [1, 3, 64, 1_000])
def test_the_size_of_a_block_changes_no_p(block):
    x = np.random.default_rng(1).normal(size=(20, 9)) + 0.3
    expected = permutation.max_t(x, n_permutations=200, rng=5)
    np.testing.assert_array_equal(permutation.max_t(x, n_permutations=200, rng=5, block=block).p, expected.p)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("total", [0, 3, -4])
def test_whole_numbers_that_sum_to_nothing_or_little_tie_as_whole_numbers_do(alternative, total):
    turn = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    for seed in range(20):
        stream = np.random.default_rng(seed)
        x = stream.integers(-9, 10, 17)
        x[-1] += total - x.sum()
        signs = np.random.default_rng(seed)
        order = signs.permutation(17)
        rows = np.concatenate(list(paired_flips(17, 99, signs, 1_000))).astype(int)
        p = (1 + (turn(rows @ x[order]) >= turn(total)).sum()) / 100
        for block in (1, 7, 30, 1_000):
            found = permutation.max_t(x[:, None], n_permutations=99, rng=seed, alternative=alternative, block=block)
            assert found.p[0] == p


def test_null_is_r_on_whose_scale_t_can_be_drawn():
    x = np.random.default_rng(3).normal(size=(9, 1)) + 0.4
    found = permutation.max_t(x)
    r = np.abs(found.t) / np.sqrt(found.t**2 + found.df)
    assert found.p[0] == pytest.approx((found.null >= r - 1e-12).mean())
