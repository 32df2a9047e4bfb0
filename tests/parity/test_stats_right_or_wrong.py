"""Shares of the same items: the score against its own likelihood, every outcome counted, and who uses it."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial, norm

import neurolab as nl
from neurolab.errors import DataError
from neurolab.stats.right_or_wrong import items_needed, paired_shares, paired_shares_tost


def items(lost, won, n):
    return np.r_[np.ones(lost), -np.ones(won), np.zeros(n - lost - won)]


def by_likelihood(lost, won, n, shift):
    """The one-sided p that the difference lies below ``shift``, the nuisance found by maximising the likelihood."""
    def lack(q):
        chances = np.array([q + shift, q, 1 - shift - 2 * q])
        return -float((np.array([lost, won, n - lost - won]) * np.log(np.maximum(chances, 1e-300))).sum())

    q = minimize_scalar(lack, bounds=(max(0.0, -shift), (1 - shift) / 2), method="bounded", options={"xatol": 1e-12}).x
    return norm.cdf((lost - won - n * shift + 0.5) / np.sqrt(n * (2 * q + shift * (1 - shift))))


@pytest.mark.parametrize(("lost", "won", "n"), [(3, 1, 20), (0, 2, 30), (7, 9, 40), (1, 0, 12)])
def test_the_p_is_that_of_the_likelihood(lost, won, n):
    found = paired_shares_tost(items(lost, won, n), bounds=(-0.3, 0.25))
    assert found.upper_p == pytest.approx(by_likelihood(lost, won, n, 0.25), rel=1e-4)
    assert found.lower_p == pytest.approx(by_likelihood(won, lost, n, 0.3), rel=1e-4)
    assert found.p == max(found.upper_p, found.lower_p)


@pytest.mark.parametrize("n", [5, 12, 25, 40])
def test_every_outcome_counted__few_false_claims_and_enough_coverage(n):
    pairs = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    ends = {pair: paired_shares(items(*pair, n)) for pair in pairs}
    for shift in (0.05, 0.1, 0.2):
        claimed = {pair: paired_shares_tost(items(*pair, n), bounds=shift).equivalent for pair in pairs}
        for won in (0.0, 0.02, 0.1, 0.3):
            chance = multinomial(n, [shift + won, won, 1 - shift - 2 * won])
            p = dict(zip(pairs, chance.pmf([(b, c, n - b - c) for b, c in pairs])))
            assert sum(p[pair] for pair in pairs if claimed[pair]) <= 0.05
            assert sum(p[pair] for pair in pairs if ends[pair].low <= shift <= ends[pair].high) >= 0.95


@pytest.mark.parametrize("x", [[0] * 4, [1] * 6, [-1] * 3 + [0] * 2, items(4, 4, 30), items(0, 9, 200)])
@pytest.mark.parametrize("bounds", [0.1, (-0.3, 0.05), (-np.inf, 0.2), (-0.2, 1.5)])
def test_the_interval_lies_within_the_bounds_exactly_when_it_is_shown(x, bounds):
    found = paired_shares_tost(x, bounds=bounds)
    assert found.low <= found.effect <= found.high
    inside = found.bounds[0] < found.low and found.high < found.bounds[1]
    assert found.equivalent == inside
    assert 0 < found.p_floor <= found.p <= 1
    mirrored = paired_shares(-np.asarray(x))
    kept = paired_shares(x)
    np.testing.assert_allclose([-mirrored.high, -mirrored.low], [kept.low, kept.high], atol=1e-9)


def test_so_many_items_are_needed():
    for bound in (0.02, 0.1, 0.3):
        n = items_needed(bound)
        assert paired_shares_tost(np.zeros(n), bounds=bound).equivalent
        assert not paired_shares_tost(np.zeros(n - 1), bounds=bound).equivalent


def test_other_numbers_are_refused():
    for call in (paired_shares, lambda x: paired_shares_tost(x, bounds=0.1)):
        with pytest.raises(DataError, match="other numbers than -1, 0 and 1"):
            call([0.5, 0, 1])


def trials(lesioned):
    n = len(lesioned)
    return nl.make_trials(
        [[[1.0] * n, lesioned]], specimen=["net"], kind="simulated",
        lesions={"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"], "role": ["sham", "target"]},
        trial={"task": ["t"] * n, "stimulus_id": [f"s{i}" for i in range(n)], "condition": ["x"] * n},
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.0}},
    )  # fmt: skip


def test_five_right_answers_show_no_sparing():
    found = nl.spared(trials([1.0] * 5), lesion="cut", tasks=("t",), within=0.1, rng=0)
    assert not bool(found["shown"])
    assert "use 34 or more" in found.attrs["reasons"]
    assert "score tests of paired shares" in found.attrs["test"]
    assert bool(nl.spared(trials([1.0] * 34), lesion="cut", tasks=("t",), within=0.1, rng=0)["shown"])


def test_deficits_of_right_and_wrong_have_the_interval_of_shares():
    lesioned = [0.0] * 3 + [1.0] * 37
    found = nl.deficits(trials(lesioned), rng=0)
    right = paired_shares(1 - np.array(lesioned))
    assert float(found["low"].squeeze()) == right.low
    assert float(found["high"].squeeze()) == right.high
    assert found.attrs["test"].endswith("intervals of paired shares")
    graded = nl.deficits(trials([0.5] * 3 + [1.0] * 37), rng=0)
    assert graded.attrs["test"] == "sign-flip over stimuli"


@pytest.mark.parametrize("x", [items(11, 0, 50), items(9, 3, 60), np.r_[[0.5] * 12, [-0.25] * 10, [0.0] * 20]])
def test_drawn_flips_of_few_values_are_those_of_all_of_them(x):
    from neurolab.stats._signs import DrawnFlips, ExactFlips
    from neurolab.stats.permutation import sign_flip

    drawn, some = DrawnFlips(x, 40_000, np.random.default_rng(0)), x[x != 0][:30]
    every = DrawnFlips(x + 1e-9 * np.arange(x.size), 40_000, np.random.default_rng(1))  # no two alike
    for moment in (1, 2, 4):
        left, right = (np.mean((one.sums - one.sums.mean()) ** moment) for one in (drawn, every))
        assert left == pytest.approx(right, rel=0.05, abs=0.01)
    assert np.corrcoef(drawn.sums, drawn.sizes)[0, 1] == pytest.approx(
        np.corrcoef(every.sums, every.sizes)[0, 1], abs=0.02)  # fmt: skip
    exact = ExactFlips(some).beyond(0.0, "two-sided") / 2**some.size  # zeros change no sign
    assert sign_flip(x, n_permutations=40_000, rng=2).p == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000) + 5e-5)
