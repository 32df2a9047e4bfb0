"""Drawn arrangements are multiplied in float32, yet every p is that of the float64 t of the same arrangements."""

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import _columns, _halves, permutation

M = 600
TURN = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}
MADE = ["normal", "whole numbers", "near twins", "heavy tails"]


def made(kind, n, columns, seed):
    """Make columns, many of them with an observed t in the bulk of the null, where rounding could move a p."""
    stream = np.random.default_rng(seed)
    x = stream.normal(size=(n, columns)) + np.linspace(0, 0.9, columns)
    if kind == "whole numbers":
        return np.round(20 * x) + 300  # ties, and an offset that float32 would feel
    if kind == "near twins":
        x[:, columns // 2 :] = x[:, : columns - columns // 2] * (1 + 3e-8 * stream.normal(size=(n, 1)))
    return x**3 if kind == "heavy tails" else x


def share_reaching(null, seen, alternative):
    best, value = TURN[alternative](null).max(axis=1), TURN[alternative](seen)
    return (1 + (best[:, None] >= value - 1e-9 * np.abs(value)).sum(axis=0)) / (len(null) + 1)


@pytest.mark.parametrize("alternative", list(TURN))
@pytest.mark.parametrize("kind", MADE)
def test_drawn_signs_give_the_p_of_float64(kind, alternative):
    x = made(kind, 18, 60, 1)
    x = x - 300 if kind == "whole numbers" else x
    stream = np.random.default_rng(3)  # the same stream
    order = stream.permutation(18)
    signs = np.concatenate(list(_halves.paired_flips(18, M, stream, M))).astype(float)
    null = np.array([sps.ttest_1samp(row[:, None] * x[order], 0).statistic for row in signs])
    found = permutation.max_t(x, n_permutations=M, rng=3, alternative=alternative, block=M)
    assert not found.exact
    np.testing.assert_array_equal(found.p, share_reaching(null, sps.ttest_1samp(x, 0).statistic, alternative))


@pytest.mark.parametrize("statistic", ["welch", "pooled"])
@pytest.mark.parametrize("sizes", [(11, 11), (4, 20)])
@pytest.mark.parametrize("kind", MADE)
def test_drawn_labels_give_the_p_of_float64(kind, sizes, statistic):
    n, equal = sum(sizes), statistic == "pooled"
    x, first = made(kind, n, 60, 2), np.arange(n) < sizes[0]
    x[~first] -= np.linspace(0, 0.9, 60)
    order = np.argsort(np.random.default_rng(5).random((M, n)), axis=1)  # the same stream
    null = [
        sps.ttest_ind(x[row[: sizes[0]]], x[row[sizes[0] :]], equal_var=equal).statistic
        for row in order
    ]  # fmt: skip
    found = permutation.max_t(x, groups=first, n_permutations=M, rng=5, statistic=statistic, block=M)
    assert not found.exact
    seen = sps.ttest_ind(x[first], x[~first], equal_var=equal).statistic
    np.testing.assert_array_equal(found.p, share_reaching(np.array(null), seen, "two-sided"))


@pytest.mark.parametrize("statistic", ["one", "welch", "pooled"])
def test_float32_never_strays_beyond_its_margin(statistic):
    worst = 0.0
    for seed, (n, n_a) in enumerate([(200, 100), (40, 5), (24, 3), (400, 380), (13, 6)]):
        for kind in MADE:
            x = made(kind, n, 200, seed)
            x = x - x.mean(axis=0)
            z = x / np.sqrt((x**2).mean(axis=0))
            stream = np.random.default_rng(seed)
            if statistic == "one":
                z = z / n
                rows, margin = list(_halves.paired_flips(n, 81, stream, 80))[1], _columns._flip_margin(n)
                sure, rough = _columns._products(z), _halves.half_products(z.astype(np.float32))
            else:
                rows = (np.argsort(np.argsort(stream.random((80, n)), axis=1), axis=1) < n_a).astype(float)
                sure, rough = (_columns._two_sample(v, n_a, statistic) for v in (z, z.astype(np.float32)))
                margin = _columns._two_sample_margin(n, n_a, statistic)
            best, stray = (
                np.abs(f(r, slice(None))).max(axis=1) for f, r in ((sure, rows), (rough, rows.astype(np.float32)))
            )
            worst = max(worst, float((np.abs(best - stray) / margin(best)).max()))
    assert 0 < worst < 0.5, worst
