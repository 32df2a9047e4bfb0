"""CKA, Procrustes, RDMs and noise ceilings against published vectors, loops, scipy and rsatoolbox."""

import warnings
from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes

from neurolab.stats import similarity

X = np.array([[1, 2, 0, 1], [0, 1, 3, 1], [2, 2, 2, 0], [1, 0, 1, 4], [3, 1, 0, 2]])
Y = np.array([[2, 1, 0], [0, 2, 1], [1, 3, 1], [0, 1, 4], [2, 0, 1]])
METHODS = ["cosine", "corr", "spearman", "tau-a", "tau-b", "rho-a", "cosine_cov", "corr_cov"]


def test_v26_cka_and_procrustes():
    # statistics.md V26 (two implementations there)
    assert similarity.cka(X, Y, debiased=False) == pytest.approx(0.7795507010, abs=1e-10)
    assert similarity.cka(X, Y) == pytest.approx(0.4944132325, abs=1e-10)
    assert similarity.procrustes(X, Y) == pytest.approx(0.2558819455, abs=1e-10)
    assert similarity.procrustes_angle(X, Y) == pytest.approx(0.5303644, abs=1e-7)


def slow_hsic(k, other):
    """The U-statistic itself: the mean over all quadruples of distinct stimuli."""
    total, count = 0.0, 0
    for i, j, q, r in permutations(range(len(k)), 4):
        total += k[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q])
        count += 1
    return total / count


def test_cka_equals_sums_over_quadruples_and_centred_grams():
    stream = np.random.default_rng(0)
    x, y = stream.normal(size=(7, 3)) + 5, stream.normal(size=(7, 4))
    k, other = x @ x.T, y @ y.T
    slow = slow_hsic(k, other) / np.sqrt(slow_hsic(k, k) * slow_hsic(other, other))
    assert similarity.cka(x, y) == pytest.approx(slow, rel=1e-9)
    centring = np.eye(7) - 1 / 7
    k, other = centring @ k @ centring, centring @ other @ centring
    biased = np.trace(k @ other) / np.sqrt(np.trace(k @ k) * np.trace(other @ other))
    assert similarity.cka(x, y, debiased=False) == pytest.approx(biased, rel=1e-12)


def test_v43_cka_of_independent_sets():
    # statistics.md V43 (Brain-Score); fewer stimuli than there
    stream = np.random.default_rng(0)
    x, y = stream.normal(size=(2, 300, 3_000))
    assert abs(similarity.cka(x, y)) < 0.1
    assert similarity.cka(x, y, debiased=False) > 0.9
    assert similarity.cka(x, x) == pytest.approx(1)


def test_t9_float32_with_an_offset():
    # T9: debiased CKA of float32 + 100 is nan without centring in float64
    x = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    y = (x[:, :30] + np.random.default_rng(1).normal(size=(40, 30))).astype(np.float32)
    plain = similarity.cka(x, y)
    assert similarity.cka(x + np.float32(100), y + np.float32(100)) == pytest.approx(plain, abs=1e-4)


def test_procrustes_equals_scipy():
    stream = np.random.default_rng(2)
    x, y = stream.normal(size=(8, 3)), stream.normal(size=(8, 3))
    assert similarity.procrustes(x, y) == pytest.approx(scipy_procrustes(x, y)[2], rel=1e-10)
    padded = np.column_stack((y[:, :2], np.zeros(8)))
    assert similarity.procrustes(x, y[:, :2]) == pytest.approx(scipy_procrustes(x, padded)[2], rel=1e-10)


def test_v27_rdms_and_comparators():
    # statistics.md V27 (rsatoolbox 0.3.2; distances by hand)
    a, b = similarity.rdm(X), similarity.rdm(Y)
    np.testing.assert_allclose(a, [2.75, 1.5, 3.5, 1.5, 1.75, 3.75, 4.75, 5.5, 2.5, 2.5])
    expected = {"cosine": 0.90312433, "corr": 0.55278219, "spearman": 0.61729571, "tau-a": 0.42222222}
    for method, value in {**expected, "rho-a": 0.60606061}.items():
        assert similarity.compare_rdms(a, b, method=method) == pytest.approx(value, abs=5e-9)
    turned = similarity.rdm(X, distance="correlation")
    np.testing.assert_allclose(turned[:4], [1.648886, 1, 1.235702, 0.683772], atol=5e-7)
    other = similarity.rdm(Y, distance="correlation")
    assert similarity.compare_rdms(turned, other) == pytest.approx(0.60580236, abs=5e-9)
    # V27, crossnobis of W(12, 8, .37)
    w = np.sin(0.37 * np.arange(1, 97).reshape(12, 8) ** 2)
    found = similarity.crossnobis(w, np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4))
    expected = [-0.02368573, -0.07461328, -0.26789966, -0.00346125, 0.09646703, -0.00564057]
    np.testing.assert_allclose(found, expected, atol=5e-9)


def test_rdms_equal_loops():
    x = np.random.default_rng(3).normal(size=(18, 5))
    pairs = list(combinations(range(18), 2))
    np.testing.assert_allclose(similarity.rdm(x), [((x[i] - x[j]) ** 2).mean() for i, j in pairs])
    slow = [1 - np.corrcoef(x[i], x[j])[0, 1] for i, j in pairs]
    np.testing.assert_allclose(similarity.rdm(x, distance="correlation"), slow, atol=1e-12)
    condition, run = np.tile(["a", "b", "c"], 6), np.repeat([0, 1, 2], 6)  # two repetitions a run
    means = {(r, c): x[(run == r) & (condition == c)].mean(axis=0) for r in range(3) for c in "abc"}
    slow = [
        np.mean(
            [((means[r, i] - means[r, j]) * (means[q, i] - means[q, j])).mean() for r, q in combinations(range(3), 2)]
        )
        for i, j in combinations("abc", 2)
    ]
    np.testing.assert_allclose(similarity.crossnobis(x, condition, run), slow, atol=1e-12)


def slow_tau_a(a, b):
    signs = [np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) for i, j in combinations(range(len(a)), 2)]
    return np.mean(signs)


def slow_rho_a(a, b):
    """Pearson's r of ranks, over every way to break the ties."""

    def rankings(v):
        return [
            np.argsort(order)
            for order in permutations(range(len(v)))
            if (np.diff(v[list(order)]) >= 0).all()
        ]  # fmt: skip

    return np.mean([np.corrcoef(p, q)[0, 1] for p in rankings(a) for q in rankings(b)])


def test_tie_rules_equal_loops():
    a, b = np.array([1, 1, 2, 3, 3, 5.0]), np.array([2, 1, 1, 1, 4, 4.0])
    assert similarity.compare_rdms(a, b, method="tau-a") == pytest.approx(slow_tau_a(a, b))
    assert similarity.compare_rdms(a, b, method="rho-a") == pytest.approx(slow_rho_a(a, b))


def test_noise_ceiling_by_hand():
    rdms = np.random.default_rng(4).normal(size=(5, 10)) + np.arange(10)
    found = similarity.noise_ceiling(rdms)
    z = (rdms - rdms.mean(axis=1, keepdims=True)) / rdms.std(axis=1, keepdims=True)
    lower = [np.corrcoef(np.delete(z, s, axis=0).mean(axis=0), rdms[s])[0, 1] for s in range(5)]
    upper = [np.corrcoef(z.mean(axis=0), rdms[s])[0, 1] for s in range(5)]
    np.testing.assert_allclose(found.lower, lower)
    np.testing.assert_allclose(found.upper, upper)
    assert (found.low, found.high) == pytest.approx((np.mean(lower), np.mean(upper)))


@pytest.mark.parametrize("method", METHODS)
def test_rsatoolbox_agrees(method):
    toolbox = pytest.importorskip("rsatoolbox", reason="the oracle rsatoolbox is not installed")
    rdm_module = pytest.importorskip("rsatoolbox.rdm")
    inference = pytest.importorskip("rsatoolbox.inference")
    rdms = np.round(np.random.default_rng(5).random((6, 15)) * 8 + np.arange(15) / 2)  # with ties
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = toolbox.rdm.RDMs(rdms)
        low, high = inference.boot_noise_ceiling(theirs, method=method)
        score = rdm_module.compare(theirs[0], theirs[1], method)[0, 0]
    found = similarity.noise_ceiling(rdms, method=method)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)
    assert similarity.compare_rdms(rdms[0], rdms[1], method=method) == pytest.approx(score, abs=1e-10)


def test_biased_cka_is_the_whitened_cosine_of_euclidean_rdms():
    # statistics.md 5.1: biased linear CKA = rsatoolbox's 'cosine_cov' on squared Euclidean distances
    toolbox = pytest.importorskip("rsatoolbox", reason="the oracle rsatoolbox is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b = (toolbox.rdm.RDMs(similarity.rdm(v)[None]) for v in (X, Y))
        score = toolbox.rdm.compare(a, b, "cosine_cov")[0, 0]
    assert similarity.cka(X, Y, debiased=False) == pytest.approx(score, rel=1e-9)


def test_row_shuffle_equals_a_loop():
    x = np.random.default_rng(6).normal(size=(10, 4))
    y = x @ np.random.default_rng(7).normal(size=(4, 6)) + np.random.default_rng(8).normal(size=(10, 6)) * 2
    found = similarity.row_shuffle(x, y, n_permutations=99, rng=0)
    stream = np.random.default_rng(0)
    null = [similarity.cka(x, y[stream.permutation(10)]) for _ in range(99)]
    assert found.p == (1 + sum(value >= found.effect for value in null)) / 100
    assert found.null_mean == pytest.approx(np.mean(null))
