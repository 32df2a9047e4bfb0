"""Shares of the same items: the score against its own likelihood, every outcome counted, and who uses it."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial, norm

import neurolab as nl
from neurolab.errors import DataError
from neurolab.report import methods_text
from neurolab.stats.right_or_wrong import items_needed, paired_shares, paired_shares_tost, shares_beyond


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


def by_counting(lost, won, n, shift):
    """The p that the difference lies above ``shift``: every outcome by its score, written out one after another."""
    def score(b, c):
        half, rest = (2 * n - b + c) * shift - b - c, -c * shift * (1 - shift)
        q = (np.sqrt(half**2 - 8 * n * rest) - half) / (4 * n)
        spread = np.sqrt(n * (2 * q + shift * (1 - shift)))
        return (b - c - n * shift) / spread if spread else 1e9 * np.sign(b - c - n * shift)

    far = [(b, c, n - b - c) for b in range(n + 1) for c in range(n + 1 - b) if score(b, c) >= score(lost, won) - 1e-9]
    backs = np.linspace(max(0.0, -shift), (1 - shift) / 2, 300)
    return max(multinomial(n, [shift + q, q, max(0.0, 1 - shift - 2 * q)]).pmf(far).sum() for q in backs)


@pytest.mark.parametrize(("lost", "won", "n"), [(3, 1, 9), (0, 2, 12), (9, 2, 14), (8, 0, 8), (0, 0, 7)])
@pytest.mark.parametrize("shift", [0.1, 0.5, -0.2])
def test_beyond_a_value__p_is_that_of_every_outcome_counted(lost, won, n, shift):
    x = items(lost, won, n)
    more = shares_beyond(x, shift)
    assert more.p == pytest.approx(by_counting(lost, won, n, shift), rel=2e-3)
    assert more.p == pytest.approx(shares_beyond(-x, -shift, alternative="less").p)
    assert more.effect == pytest.approx(x.mean())
    assert shares_beyond(np.ones(n), shift).p == more.p_floor <= more.p


def test_beyond_a_value__many_items_are_tested_by_the_normal_score():
    few, many = (shares_beyond(items(n // 2 + 8, 8, n), 0.4).p for n in (500, 501))
    assert few == pytest.approx(many, rel=0.2)
    assert many == pytest.approx(by_likelihood(8, 258, 501, -0.4), rel=1e-3)


@pytest.mark.parametrize("n", [8, 15, 30])
@pytest.mark.parametrize("side", ["greater", "less"])
def test_beyond_a_value__few_false_claims_in_every_outcome(n, side):
    pairs = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    for shift in (0.1, 0.3, 0.5, 0.7):
        claimed = [pair for pair in pairs if shares_beyond(items(*pair, n), shift, alternative=side).p <= 0.05]
        for won in (0.0, 0.05, (1 - shift) / 2):
            chance = multinomial(n, [shift + won, won, max(0.0, 1 - shift - 2 * won)])
            assert sum(chance.pmf([b, c, n - b - c]) for b, c in claimed) <= 0.05


def test_beyond_a_value__takes_right_and_wrong_and_one_side():
    with pytest.raises(DataError, match="beyond -1 and 1"):
        shares_beyond([1.5, 1], 0.1)
    with pytest.raises(nl.errors.UnknownNameError, match="choose from"):
        shares_beyond([0, 1], 0.1, alternative="two-sided")
    with pytest.raises(DataError, match="between -1 and 1"):
        shares_beyond([0, 1], 1.0)


@pytest.mark.parametrize("x", [[0] * 4, [1] * 6, [-1] * 3 + [0] * 2, items(4, 4, 30), items(0, 9, 200),
                               [0] * 40 + [1 / 3], [0.5, -0.5, 1, 0], [0.2] * 8, [0.25, -0.75, 0.5] * 12])
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


def reweighed(x, shift):
    """The variance of the likeliest distribution of mean ``shift`` on the values and both ends: by brute optimising."""
    at = np.r_[x, -1.0, 1.0]

    def lack(tilt):  # dual: weights 1 / (n (1 + tilt (x - shift))), as Owen has them
        inside = 1 + tilt * (x - shift)
        return -float(np.log(inside).sum()) if (inside > 0).all() else np.inf

    ends = (-1 / (1 - shift), 1 / (1 + shift))
    tilt = minimize_scalar(lack, bounds=ends, method="bounded", options={"xatol": 1e-13}).x
    weight = np.r_[1 / (1 + tilt * (x - shift)) / x.size, 0.0, 0.0]
    weight[-1 if x.mean() < shift else -2] = max(0.0, 1 - weight.sum())
    assert weight @ at == pytest.approx(shift, abs=1e-4)
    return weight @ (at - shift) ** 2


@pytest.mark.parametrize("shift", [-0.2, 0.1, 0.35])
@pytest.mark.parametrize("x", [[0] * 9 + [1 / 3], [0.5, -0.5, 1.0] * 4, [0.2] * 7, [1 / 3] * 5 + [-2 / 3] * 5])
def test_the_spread_of_means_is_that_of_the_likeliest_distribution(x, shift):
    from neurolab.stats.right_or_wrong import Pairs

    x = np.array(x, dtype=float)
    assert Pairs(x).spread(shift) == pytest.approx(np.sqrt(x.size * reweighed(x, shift)), rel=1e-4)


@pytest.mark.parametrize("x", [items(3, 1, 20), items(0, 2, 30), np.zeros(12), items(5, 0, 9)])
def test_the_spread_of_means_is_tangos_where_items_are_whole(x):
    from neurolab.stats.right_or_wrong import Pairs, _reweighed

    for shift in (-0.6, -0.1, 0.05, 0.1, 0.5):
        assert _reweighed(x, shift) == pytest.approx(Pairs(x).spread(shift), abs=1e-6)


def test_one_network_that_loses_one_item_shows_no_more_than_none_that_does():
    """Of three networks: thirds are no licence for sign-flips."""
    for lost in ((), [(0, 0)], [(0, 0), (1, 0), (2, 0), (0, 1)]):
        score = np.ones((3, 2, 20))
        for network, item in lost:
            score[network, 1, item] = 0.0
        three = nl.make_trials(
            score, specimen=["a", "b", "c"], kind="simulated",
            lesions={"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"], "role": ["sham", "target"]},
            trial={"task": ["t"] * 20, "stimulus_id": [f"s{i}" for i in range(20)], "condition": ["x"] * 20},
            tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.0}},
        )  # fmt: skip
        found = nl.spared(three, lesion="cut", tasks=("t",), within={"t": 0.1}, over="stimulus", rng=0)
        assert not bool(found["shown"])
        assert "use 34 or more" in found.attrs["reasons"]
        assert "score tests of paired shares" in found.attrs["test"]
        ends = paired_shares(1 - score[:, 1].mean(axis=0), level=0.9)
        assert (found["low"].item(), found["high"].item()) == pytest.approx((ends.low, ends.high))
        costs = nl.deficits(three, over="stimulus", rng=0)
        assert costs.attrs["test"].endswith("intervals of paired shares")


def test_every_verb_over_stimuli_asks_the_scores_of_three_networks_not_their_means():
    n, names = 24, ["sham", "A", "A, half", "B", "A + B"]
    score = np.ones((3, len(names), 2 * n))
    for at, lost in enumerate((0, 5, 2, 3, 9)):
        score[:, at, : lost + 1] = score[:, at, n : n + lost + 1] = 0.0
        score[0, at, lost] = score[0, at, n + lost] = 1.0  # the last of them is lost by two networks
    three = nl.make_trials(
        score, specimen=["a", "b", "c"], kind="simulated",
        lesions={"lesion_id": names, "roi": ["A", "A", "A", "B", "A + B"], "role": ["sham"] + ["target"] * 4,
                 "dose": [1.0, 1.0, 0.5, 1.0, 1.0]},
        trial={"task": ["X"] * n + ["Y"] * n, "stimulus_id": [f"{t}{i}" for t in "XY" for i in range(n)],
               "condition": ["x"] * 2 * n},
        tasks={t: {"unit": "proportion correct", "bounded": True, "chance": 0.0} for t in "XY"},
    )  # fmt: skip
    lost = score[:, 0, :n].mean(axis=0) - score[:, 1, :n].mean(axis=0)
    right, narrow = paired_shares(lost), paired_shares(lost, level=0.9)
    assert right.n_discordant == 6
    settings = {"over": "stimulus", "rng": 0}
    matrix = nl.localiser_matrix(three, localisers=["A", "B"], **settings).sel(lesion="A", task="X")
    claims = nl.dissociation(three, lesions=("A", "B"), tasks=("X", "Y"), **settings)
    curve = nl.dose_response(three, lesion="A", task="X", **settings).sel(dose=1.0)
    cells = nl.deficits(three, **settings).sel(lesion="A", task="X")
    for found in (matrix, curve, cells):
        assert (found["low"].item(), found["high"].item()) == pytest.approx((right.low, right.high))
    for own in ("own", "spared"):
        ends = claims[f"{own}_low"].values[0], claims[f"{own}_high"].values[0]
        assert ends == pytest.approx((narrow.low, narrow.high))
    between = paired_shares(score[:, 3, :n].mean(axis=0) - score[:, 1, :n].mean(axis=0), level=0.9)
    assert claims["low"].values[0] == pytest.approx(between.low)
    minimal = nl.analysis.minimal_set(three, task="X", players=["A", "B"], costing={"X": 0.2}, **settings)
    assert "score tests of paired shares" in minimal.attrs["test"]
    tests = ~minimal["chose"].values
    whole = (score[:, 0, :n].mean(axis=0) - score[:, 4, :n].mean(axis=0))[tests]
    ends = paired_shares(whole)
    both = minimal.sel(set="A + B")
    assert (both["low"].item(), both["high"].item()) == pytest.approx((ends.low, ends.high))
    assert both["p"].item() >= shares_beyond(whole, 0.2).p > 0


def test_graded_scores_are_no_right_and_wrong():
    graded = trials([0.5] * 3 + [1.0] * 37)
    found = nl.spared(graded, lesion="cut", tasks=("t",), within=0.1, rng=0)
    assert "sign-flips" in found.attrs["test"]


def test_so_many_items_are_needed():
    for bound in (0.02, 0.1, 0.3):
        n = items_needed(bound)
        assert paired_shares_tost(np.zeros(n), bounds=bound).equivalent
        assert not paired_shares_tost(np.zeros(n - 1), bounds=bound).equivalent


def test_other_numbers_are_refused():
    for call in (paired_shares, lambda x: paired_shares_tost(x, bounds=0.1)):
        with pytest.raises(DataError, match="beyond -1 and 1"):
            call([1.5, 0, 1])


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


def coalitions(n, wrong):
    """Trials of one network: A and B together turn the first ``wrong`` of n stimuli wrong, alone one of them."""
    few, many = ([0.0] * k + [1.0] * (n - k) for k in (1, wrong))
    return nl.make_trials(
        [[[1.0] * n, few, few, many]], specimen=["net"], kind="simulated",
        lesions={"lesion_id": ["sham", "A", "B", "A + B"], "roi": ["sham", "A", "B", "A + B"],
                 "role": ["sham", "target", "target", "target"]},
        trial={"task": ["t"] * n, "stimulus_id": [f"s{i}" for i in range(n)], "condition": ["x"] * n},
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.0}},
    )  # fmt: skip


def test_minimal_sets_of_stimuli_right_or_wrong_are_tested_by_the_score():
    trials = coalitions(30, 27)
    found = nl.analysis.minimal_set(trials, task="t", costing={"t": 0.4}, over="stimulus", rng=0)
    both = found.sel(set="A + B")
    tests = np.r_[np.zeros(27), np.ones(3)][~found["chose"].values] == 0
    right = shares_beyond(tests.astype(float), 0.4)
    one = np.where(np.arange(30) == 0, 1.0, 0.0)[~found["chose"].values]
    less = shares_beyond(one, 0.4, alternative="less")
    assert float(both["p"]) == max(right.p, less.p)
    assert [float(both[name]) for name in ("effect", "p_floor", "needed_p", "needed_p_floor")] == pytest.approx(
        [right.effect, right.p_floor, less.p, less.p_floor])  # fmt: skip
    ends = paired_shares(tests.astype(float))
    assert (float(both["low"]), float(both["high"])) == (ends.low, ends.high)
    assert "score tests of paired shares" in found.attrs["test"]
    assert "Hsueh" in methods_text(found)


def test_minimal_sets_of_too_few_stimuli_say_how_many_it_takes():
    found = nl.analysis.minimal_set(coalitions(9, 9), task="t", costing={"t": 0.9}, over="stimulus", rng=0)
    said, = [line for line in json.loads(found.attrs["undermined_by"]) if "that test" in line]
    needed = int(said.partition("It takes ")[2].split()[0])
    assert shares_beyond(np.ones(needed), 0.9).p <= 0.05
    assert shares_beyond(np.ones(needed - 1), 0.9).p > 0.05


def test_claims_cells_and_doses_of_right_and_wrong_have_the_interval_of_shares():
    n, cut = 24, {"A": 10, "B": 4}
    score = [[1.0] * n, *([0.0] * k + [1.0] * (n - k) for k in cut.values())]
    both = nl.make_trials(
        [[row * 2 for row in score]], specimen=["net"], kind="simulated",
        lesions={"lesion_id": ["sham", *cut], "roi": ["sham", *cut], "role": ["sham", "target", "target"]},
        trial={"task": ["X"] * n + ["Y"] * n, "stimulus_id": [f"{t}{i}" for t in "XY" for i in range(n)],
               "condition": ["x"] * 2 * n},
        tasks={t: {"unit": "proportion correct", "bounded": True, "chance": 0.0} for t in "XY"},
    )  # fmt: skip
    right = paired_shares(1 - np.array(score[1]))
    matrix = nl.localiser_matrix(both, rng=0).sel(lesion="A", task="X")
    assert (float(matrix["low"]), float(matrix["high"])) == (right.low, right.high)
    assert "intervals of paired shares" in matrix.attrs["test"]
    narrow = paired_shares(1 - np.array(score[1]), level=0.9)
    claims = nl.dissociation(both, lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    assert (float(claims["own_low"][0]), float(claims["own_high"][0])) == (narrow.low, narrow.high)


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
