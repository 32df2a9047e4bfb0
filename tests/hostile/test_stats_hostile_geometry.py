"""Bad input to similarity and graphs, and the advice of each message tried."""

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError, UnknownNameError
from neurolab.stats import graphs, similarity

X = np.random.default_rng(0).normal(size=(6, 4))
DEAD = np.ones((6, 3))
HOLE = np.where(np.arange(4) == 1, np.nan, X)
TWO = [[0, 1], [1, 0]]
RING = np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0)
HALVES = [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: similarity.cka(X, X[:5]), DataError, "same order: align"),
        (lambda: similarity.cka(X[:3], X[:3]), DesignError, "at least 4"),
        (lambda: similarity.cka(X, DEAD), DataError, "dead"),
        (lambda: similarity.cka(X, HOLE), DataError, r"np.isfinite\(y\).all\(axis=0\)"),
        (lambda: similarity.cka(X[:, 0], X), DataError, r"x\[:, None\]"),
        (lambda: similarity.procrustes_angle(X, DEAD), DataError, "nothing to compare"),
        (lambda: similarity.rdm(X, distance="cosine"), UnknownNameError, "correlation"),
        (lambda: similarity.rdm(HOLE), DataError, "NaN"),
        (lambda: similarity.rdm(np.vstack((X, np.zeros(4))), distance="correlation"), DataError, "pattern 6"),
        (lambda: similarity.crossnobis(X, HALVES, [0] * 6), DesignError, "2 or more"),
        (lambda: similarity.crossnobis(X, HALVES, HALVES), DesignError, "missing in run"),
        (lambda: similarity.crossnobis(X, HALVES[:5], HALVES), DataError, "5 conditions"),
        (lambda: similarity.compare_rdms([1, 2, 3], [1, 2, 3, 4]), DataError, "of one length"),
        (lambda: similarity.compare_rdms([1, 1, 1], [1, 2, 3]), DataError, "equal distances"),
        (lambda: similarity.compare_rdms([1, 2, np.nan], [1, 2, 3]), DataError, "NaN"),
        (lambda: similarity.compare_rdms([1, 2, 3], [1, 2, 3], method="rho"), UnknownNameError, "Did you mean 'rho-a'"),
        (lambda: similarity.noise_ceiling([[1, 2, 3]]), DesignError, "2 or more subjects"),
        (lambda: similarity.row_shuffle(X, X, rng=None), DesignError, "rng=0"),
        (lambda: similarity.row_shuffle(X, X, measure=lambda a, b: np.nan, rng=0), DataError, "not finite"),
        (lambda: graphs.normalised_cut([[0, -1], [-1, 0]], [0, 1]), DataError, r"np.abs\(adjacency\)"),
        (lambda: graphs.normalised_cut([[0, 1], [0, 0]], [0, 1]), DataError, "adjacency.T"),
        (lambda: graphs.normalised_cut(np.zeros((2, 2)), [0, 1]), DataError, "no edges"),
        (lambda: graphs.normalised_cut(np.ones((2, 3)), [0, 1]), DataError, r"\(n, n\)"),
        (lambda: graphs.normalised_cut([[0, np.nan], [np.nan, 0]], [0, 1]), DataError, "NaN"),
        (lambda: graphs.normalised_cut(np.diag([1, 0]), [0, 1]), DataError, "isolated nodes"),
        (lambda: graphs.normalised_cut(TWO, [0, 1, 2]), DataError, r"\(2,\)"),
        (lambda: graphs.modularity(TWO, [0.0, np.nan]), DataError, "label of their own"),
        (lambda: graphs.ari([0, 1, 1], [0, 1]), DataError, "one label per node"),
        (lambda: graphs.agreement(HALVES, HALVES, measure="rand", rng=0), UnknownNameError, "'ari'"),
        (lambda: graphs.agreement(HALVES, HALVES, rng=None), DesignError, "rng=0"),
        (lambda: graphs.agreement(HALVES, [0] * 6, rng=0), DataError, "one module only"),
        (lambda: graphs.partition_test(RING, HALVES, measure="q", rng=0), UnknownNameError, "modularity"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_the_advice_works():
    finite = HOLE[:, np.isfinite(HOLE).all(axis=0)]
    assert np.isfinite(similarity.cka(X, finite))
    assert similarity.cka(X[:, 0][:, None], X, debiased=False) > 0
    directed = np.array([[0, 1.0], [0, 0]])
    assert graphs.normalised_cut(directed + directed.T, [0, 1]) == 2
    assert graphs.normalised_cut(np.abs([[0, -1], [-1, 0]]), [0, 1]) == 2


def test_one_dead_neuroid_among_live_ones_changes_nothing():
    with_dead = np.column_stack((X, np.full(6, 3.0)))
    assert similarity.cka(X, with_dead) == pytest.approx(1)
    assert similarity.procrustes_angle(X, with_dead) == pytest.approx(0, abs=1e-6)


def test_a_debiased_self_covariance_that_is_not_positive_is_nan_not_zero():
    # equidistant stimuli: their geometry is noise alone
    assert np.isnan(similarity.cka(np.eye(6), X))
    assert np.isfinite(similarity.cka(np.eye(6), X, debiased=False))


def test_crossnobis_may_be_negative():
    noise = np.random.default_rng(0).normal(size=(40, 20))
    found = similarity.crossnobis(noise, np.tile(np.arange(10), 4), np.repeat(np.arange(4), 10))
    assert (found < 0).any()
    assert abs(found.mean()) < 0.1


def test_integer_zero_and_strings_are_labels():
    assert graphs.ari([0, 0, 1, 1], [1, 1, 0, 0]) == 1
    assert graphs.modularity(RING, ["left"] * 3 + ["right"] * 3) == graphs.modularity(RING, HALVES)
