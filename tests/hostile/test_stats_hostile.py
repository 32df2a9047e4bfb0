"""Numbers that a careless script would pass on: each gets a typed error with its sentence, never inf, nan or p = 0."""

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError, UnknownNameError
from neurolab.stats import (
    effects,
    equivalence,
    intervals,
    maps,
    multiplicity,
    paired,
    permutation,
    proportion,
    reliability,
    single_case,
)

X = [0.1, 0.4, -0.2, 0.3, 0.5, 0.2]
PAIRS = np.random.default_rng(0).normal(size=(8, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: permutation.sign_flip([0.1, np.nan, 0.2]), DataError, "1 NaN or infinite of 3"),
        (lambda: permutation.sign_flip([]), DesignError, "at least 1"),
        (lambda: permutation.sign_flip(np.ones((3, 2))), DataError, "one value per network"),
        (lambda: permutation.sign_flip(X, alternative="larger"), UnknownNameError, "two-sided"),
        (lambda: permutation.sign_flip(np.arange(40.0)), DesignError, "type rng=0"),
        (lambda: permutation.label_shuffle(np.arange(20.0), np.arange(20.0)), DesignError, "type rng=0"),
        (lambda: permutation.max_t(X), DataError, r"x\[:, None\]"),
        (lambda: permutation.max_t(np.ones((9, 2)), statistic="rank"), DataError, "for two samples: groups="),
        (lambda: permutation.max_t(np.ones((20, 2)) * np.arange(20)[:, None]), DesignError, "type rng=0"),
        (lambda: permutation.max_t(PAIRS, groups=["a"] * 8), DataError, "groups with 'a' in it.*condition =="),
        (lambda: permutation.max_t(PAIRS, groups=[0, 1, 2, 0, 1, 0, 1, 0]), DataError, "groups with 2 in it"),
        (lambda: permutation.max_t(PAIRS, groups=[0, 1]), DataError, r"groups of shape \(2,\) given; expected 8"),
        (lambda: permutation.max_t(PAIRS, groups=np.arange(8) < 1), DesignError, "at least 2"),
        (lambda: permutation.max_t(PAIRS, y=PAIRS[:5]), DataError, "unequal shape"),
        (lambda: permutation.max_t(PAIRS, y=PAIRS, groups=np.arange(8) < 4), DataError, "together with y"),
        (lambda: permutation.freedman_lane(PAIRS, np.arange(8.0), np.arange(8.0), rng=0), DesignError, "collinear"),
        (lambda: permutation.exact_p(3, 2), DataError, "b <= m"),
        (lambda: permutation.p_floor("sign-flip", n=6), UnknownNameError, "Did you mean 'sign_flip'"),
        (lambda: maps.welch_t(PAIRS, PAIRS[:, :1]), DataError, "same neuroids"),
        (lambda: maps.welch_t(PAIRS[:1], PAIRS), DesignError, "at least 2"),
        (lambda: maps.glm_t(PAIRS, np.ones((8, 2)), [1, -1]), DesignError, "cannot estimate"),
        (lambda: maps.glm_t(PAIRS, np.ones((7, 1)), [1]), DataError, "for 8 observations"),
        (lambda: multiplicity.benjamini_hochberg([0.1, np.nan]), DataError, "mask="),
        (lambda: multiplicity.holm([0.1, 1.2]), DataError, r"\[0, 1\]"),
        (lambda: effects.cohens_d([1.0, 1.0, 1.0]), DataError, "constant"),
        (lambda: effects.d_prime(1.0, 0.2), DataError, "n_signal"),
        (lambda: effects.mafc_d_prime(1.0, 4), DataError, "log_linear"),
        (lambda: effects.log_linear(6, 5), DataError, "0 <= k <= n"),
        (lambda: equivalence.tost_one_sample([0.2, 0.2, 0.2], bounds=1), DataError, "constant"),
        (lambda: equivalence.sign_flip_tost(X, bounds=-0.1), DataError, "one positive number"),
        (lambda: equivalence.sign_flip_tost(X, bounds=(-np.inf, np.inf)), DataError, "both bounds are infinite"),
        (lambda: equivalence.tost_paired(X, X[:3], bounds=1), DataError, "unequal shape"),
        (lambda: intervals.t_interval([1.0]), DesignError, "at least 2"),
        (lambda: intervals.mean_interval(X, 95), DataError, "between 0 and 1"),
        (lambda: intervals.bootstrap((X, X[:3]), np.corrcoef, paired=True, rng=0), DataError, "unequal shape"),
        (lambda: intervals.bootstrap(X, method="bcaa", rng=0), UnknownNameError, "Did you mean 'bca'"),
        (lambda: intervals.hierarchical_bootstrap([X], rng=0), DesignError, "networks"),
        (lambda: single_case.crawford_howell(0.1, [1.0, 1.0, 1.0]), DataError, "ceiling"),
        (lambda: single_case.crawford_howell(np.nan, X), DataError, "NaN"),
        (lambda: single_case.crawford_howell(0.1, [1.0]), DesignError, "at least 2"),
        (lambda: single_case.unstandardised_difference((1, 2), X), DataError, "shape"),
        (lambda: single_case.unstandardised_difference((1, 2), np.ones((5, 2))), DataError, "ceiling"),
        (
            lambda: single_case.revised_standardised_difference((1, 2), np.outer(np.arange(5), [1, 2])),
            DataError,
            "correlate",
        ),
        (lambda: paired.mcnemar([[1, 2, 3]]), DataError, "pairs_table"),
        (lambda: paired.cochran_q([[1, 2], [0, 1]]), DataError, "0 and 1"),
        (lambda: proportion.wilson(3, 2), DataError, "k <= n"),
        (lambda: reliability.dice([1, 0], [1, 0]), DataError, "booleans"),
        (lambda: reliability.dice(np.zeros(3, bool), np.zeros(3, bool)), DataError, "empty"),
        (lambda: reliability.split_half(np.ones((4, 3))), DataError, "same value"),
        (lambda: reliability.icc(np.ones((4, 3))), DataError, "without any error"),
        (lambda: reliability.spearman_brown(np.nan), DataError, "NaN"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_t1_one_dead_column_leaves_the_others_alone():
    # T1: in mne.stats.permutation_t_test one zero-variance column turns every p into 0.0
    x = np.random.default_rng(1).normal(0.3, 1, (20, 4))
    dead = np.column_stack((x, np.zeros(20), np.full(20, 3.0), np.full(20, np.nan), np.full(20, np.inf)))
    clean, found = (permutation.max_t(v, n_permutations=199, rng=0) for v in (x, dead))
    np.testing.assert_array_equal(found.p[:4], clean.p)
    np.testing.assert_array_equal(found.valid, [True] * 4 + [False] * 4)
    assert (found.p >= 1 / 200).all()
    assert np.isfinite(found.null).all()
    assert np.isfinite(found.t).all()


def test_all_columns_dead_is_said_not_crashed():
    found = permutation.max_t(np.zeros((6, 3)))
    np.testing.assert_array_equal(found.p, 1)
    assert not found.valid.any()
    groups = permutation.max_t(np.zeros((6, 3)), groups=np.arange(6) < 3)
    np.testing.assert_array_equal(groups.p, 1)


def test_constant_deficits_have_a_finite_answer():
    found = permutation.sign_flip([0.2] * 6)
    assert (found.p, found.low, found.high) == (2 / 64, 0.2, 0.2)
    nothing = permutation.sign_flip([0.0] * 6)
    assert (nothing.p, nothing.low, nothing.high) == (1, 0, 0)
    assert equivalence.sign_flip_tost([0.0] * 6, bounds=0.1).p == 1 / 64


def test_one_network_gives_p_one_and_no_end():
    found = permutation.sign_flip([0.4])
    assert (found.p, found.p_floor, found.low, found.high) == (1, 1, -np.inf, np.inf)


def test_binary_columns_do_not_break_the_welch_null():
    x = np.zeros((8, 2))
    x[:4, 0], x[1, 1], x[5, 1] = [1, 1, 1, 0], 1, 1
    x[4, 0] = 1  # some shuffles make both groups constant: a very large t, never inf
    found = permutation.max_t(x, groups=np.arange(8) < 4)
    assert np.isfinite(found.null).all()
    assert ((found.p > 0) & (found.p <= 1)).all()


def test_no_discordant_pairs_and_no_changing_subject_say_so():
    assert paired.mcnemar([[5, 0], [0, 3]]).p == 1
    assert "nothing can be told" in paired.mcnemar([[5, 0], [0, 3]], method="chi2").note
    assert "nothing can be told" in paired.cochran_q([[1, 1], [0, 0]]).note
    assert "half a pair" in paired.mcnemar([[5, 4], [0, 3]]).note
