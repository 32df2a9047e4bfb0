"""The lesion analyses against hand loops over the trials table: nothing but means, signs and enumeration."""

import itertools

import numpy as np
import pytest

from neurolab.analysis import (
    against_controls,
    deficits,
    dissociation,
    dose_response,
    localiser_matrix,
    picked_dissociation,
    spared,
)
from neurolab.analysis.best_pair import best_pair, least_chance, pair_values, picked_null, random_subsets
from neurolab.analysis.picked_rows import rows_and_groups
from neurolab.simulate import phantom_trials
from neurolab.stats.equivalence import sign_flip_tost
from neurolab.trials import to_frame


@pytest.fixture(scope="module")
def trials():
    return phantom_trials(n_specimens=7, n_stimuli=30, spread=0.08, n_controls=6, doses=(0.5, 1.0), rng=4)


@pytest.fixture(scope="module")
def uneven():
    """Tasks of unequal difficulty, lesions of unequal size: whatever is exchanged shows."""
    plan = {"A": {"X": 0.3, "Y": 0.04}, "B": {"X": 0.06, "Y": 0.1}}
    return phantom_trials(deficits=plan, intact={"X": 0.95, "Y": 0.75}, n_specimens=7, n_stimuli=30, spread=0.07, rng=8)


def mean_score(trials, specimen, lesion, task):
    frame = to_frame(trials)
    rows = (frame["specimen"] == specimen) & (frame["lesion_id"] == lesion) & (frame["task"] == task)
    return frame.loc[rows, "score"].mean()


def flips(values, alternative):
    """The exact sign-flip p by writing down all patterns."""
    sums = np.array([np.dot(signs, values) for signs in itertools.product((1, -1), repeat=len(values))])
    observed, tie = np.sum(values), 1e-9
    return {
        "greater": (sums >= observed - tie).mean(),
        "two-sided": (np.abs(sums) >= abs(observed) - tie).mean(),
    }[alternative]


def losses(trials, lesion, task, sham="A | sham"):
    return np.array(
        [mean_score(trials, s, sham, task) - mean_score(trials, s, lesion, task) for s in trials["specimen"].values]
    )


def test_deficits_are_the_hand_loop(trials):
    found = deficits(trials, rng=0)
    for lesion, task in (("A", "X"), ("A", "Y"), ("A | dose 0.5", "X")):
        expected = losses(trials, lesion, task)
        cell = found.sel(lesion=lesion, task=task)
        np.testing.assert_allclose(cell["deficit"], expected, atol=1e-12)
        assert float(cell["effect"]) == pytest.approx(expected.mean())
        assert float(cell["p"]) == pytest.approx(flips(expected, "two-sided"))
        assert float(cell["p_floor"]) == 2 / 2**7


def test_pooled_controls_are_the_mean_over_draws(trials):
    found = deficits(trials, rng=0)
    family = found.isel(lesion=np.flatnonzero((found["roi"] == "A") & (found["role"] == "control")))
    ids = [i for i in trials["lesion_id"].values if i.startswith("A | matched")]
    expected = np.mean([losses(trials, i, "X") for i in ids], axis=0)
    np.testing.assert_allclose(family["deficit"].sel(task="X").squeeze("lesion"), expected, atol=1e-12)
    assert int(family["n_draws"].item()) == 6
    assert int(family["draw"].item()) == -1


def test_log_odds_are_the_closed_form(trials):
    found = deficits(trials, rng=0).sel(lesion="A", task="X")
    k = 30 * np.stack([found["intact"].values, found["lesioned"].values])
    odds = np.log((k + 0.5) / (30 - k + 0.5))
    assert float(found["effect_logit"]) == pytest.approx((odds[0] - odds[1]).mean())


def test_against_controls_is_the_hand_loop(trials):
    found = against_controls(trials, lesion="A", task="X", rng=0)
    ids = [i for i in trials["lesion_id"].values if i.startswith("A | matched")]
    controls = np.stack([losses(trials, i, "X") for i in ids], axis=1)
    target = losses(trials, "A", "X")
    np.testing.assert_allclose(found["control"], controls, atol=1e-12)
    difference = target - controls.mean(axis=1)
    assert float(found["effect"]) == pytest.approx(difference.mean())
    assert float(found["p"]) == pytest.approx(flips(difference, "greater"))
    draws = controls.mean(axis=0)
    assert float(found["rank_p"]) == (1 + (draws >= target.mean()).sum()) / 7
    t = (target.mean() - draws.mean()) / (draws.std(ddof=1) * np.sqrt(7 / 6))  # Crawford & Howell (1998)
    assert float(found["t_cc"]) == pytest.approx(t)


def test_dissociation_is_two_hand_made_claims_and_two_shifted_tests(uneven):
    trials = uneven
    found = dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), spared_within=0.3, rng=0)
    one = losses(trials, "A", "X") - losses(trials, "B", "X")
    two = losses(trials, "B", "Y") - losses(trials, "A", "Y")
    np.testing.assert_allclose(found["value"], np.stack([one, two], axis=1), atol=1e-12)
    by_hand = [flips(one, "greater"), flips(two, "greater")]
    assert by_hand[0] != by_hand[1]
    assert found["p"].values == pytest.approx(by_hand)
    assert float(found["p_double"]) == max(by_hand)
    for at, (lesion, task) in enumerate((("A", "Y"), ("B", "X"))):
        intact = np.mean([mean_score(trials, s, "A | sham", task) for s in trials["specimen"].values])
        bound = 0.3 * (intact - 0.5)
        shifted = sign_flip_tost(losses(trials, lesion, task), bounds=bound)
        assert float(found["spared_bound"][at]) == pytest.approx(bound)
        assert float(found["spared_p"][at]) == shifted.p
        assert (found["spared_low"].values[at], found["spared_high"].values[at]) == pytest.approx(
            (shifted.low, shifted.high)
        )
    assert float(found["p_classical"]) == max(*by_hand, *found["spared_p"].values)
    odds = [losses_in_log_odds(trials, lesion, "X") for lesion in "AB"]
    assert float(found["effect_logit"][0]) == pytest.approx((odds[0] - odds[1]).mean())


def losses_in_log_odds(trials, lesion, task):
    def odds(score):
        return np.log((30 * score + 0.5) / (30 - 30 * score + 0.5))

    return np.array(
        [
            odds(mean_score(trials, s, "A | sham", task)) - odds(mean_score(trials, s, lesion, task))
            for s in trials["specimen"].values
        ]
    )


def test_dose_area_is_the_trapezoid(trials):
    found = dose_response(trials, lesion="A", task="X", family="none such", rng=0)
    curve = np.stack([np.zeros(7), losses(trials, "A | dose 0.5", "X"), losses(trials, "A", "X")])
    np.testing.assert_allclose(found["value"].transpose("dose", "specimen"), curve, atol=1e-12)
    area = 0.5 * (curve[0] + curve[1]) / 2 + 0.5 * (curve[1] + curve[2]) / 2
    assert float(found["effect"]) == pytest.approx(area.mean())
    assert float(found["p"]) == pytest.approx(flips(area, "greater"))
    intact = found["score"].sel(dose=0).values
    np.testing.assert_allclose(found["retained"], 1 - area / (intact - 0.5))


def test_dose_area_is_a_mean_over_the_range_of_doses_not_over_one():
    low = phantom_trials(doses=(0.25, 0.5), n_specimens=5, rng=2)
    found = dose_response(low, lesion="A", task="X", rng=0)
    quarter, half = losses(low, "A | dose 0.25", "X"), losses(low, "A | dose 0.5", "X")
    area = (0.25 * quarter / 2 + 0.25 * (quarter + half) / 2) / 0.5
    assert float(found["effect"]) == pytest.approx(area.mean())
    np.testing.assert_allclose(found["retained"], 1 - area / (found["score"].sel(dose=0).values - 0.5))


def test_matrix_diagonal_is_within_tasks(trials):
    found = localiser_matrix(trials, rng=0)
    diagonal = (
        losses(trials, "A", "X") - losses(trials, "B", "X") + losses(trials, "B", "Y") - losses(trials, "A", "Y")
    ) / 2
    assert float(found["diagonal_effect"]) == pytest.approx(diagonal.mean())
    assert float(found["diagonal_p"]) == pytest.approx(flips(diagonal, "greater"))


def test_best_pair_is_the_double_loop():
    costs = np.random.default_rng(0).standard_normal((12, 2))
    loop = max(
        (min(costs[a, 0] - costs[b, 0], costs[b, 1] - costs[a, 1]), a, b)
        for a, b in itertools.permutations(range(12), 2)
    )
    assert best_pair(costs) == pytest.approx(loop)


def test_ranked_null_is_the_direct_null():
    """Above 64 candidates the pairs are ranked once; every draw must still give the direct maximum."""
    costs = np.random.default_rng(1).standard_normal((150, 2))
    ranked = picked_null(costs, random_subsets([(np.arange(150), 70)], 40, np.random.default_rng(2)))
    stream = np.random.default_rng(2)
    direct = []
    for _ in range(40):
        values = pair_values(costs[stream.permutation(150)[:70]])
        np.fill_diagonal(values, -np.inf)
        direct.append(values.max())
    np.testing.assert_array_equal(ranked, direct)


def test_picked_is_the_rule_by_hand(trials):
    found = picked_dissociation(
        trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), n_permutations=99, rng=0
    )
    one = losses(trials, "A", "X") - losses(trials, "B", "X")
    two = losses(trials, "B", "Y") - losses(trials, "A", "Y")
    np.testing.assert_allclose(found["observed"], np.maximum(np.minimum(one, two), np.minimum(-one, -two)), atol=1e-12)
    excess = found["observed"].values - found["null"].values.mean(axis=1)
    assert float(found["p"]) == pytest.approx(flips(excess, "greater"))
    of_draws = found["null"].values.mean(axis=0)
    expected = (1 + (of_draws >= found["observed"].values.mean() - 1e-12).sum()) / 100
    assert float(found["rank_p"]) == pytest.approx(expected)


def test_picked_among_own_controls_draws_one_of_each_candidate_and_its_controls_in_all_networks(trials):
    """49 pairs of one of A and its six controls, and one of B and its own: the null is these, network by network."""
    found = picked_dissociation(
        trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), n_permutations=300, rng=0
    )
    roles, rois, dose = (trials[name].values for name in ("role", "roi", "dose"))
    of = {name: np.flatnonzero((roles != "sham") & (rois == name) & (dose == 1)) for name in "AB"}
    cost = np.stack([-trials["score"].values[:, :, trials["task"].values == task].mean(axis=2) for task in "XY"], -1)
    pairs = list(itertools.product(of["A"], of["B"]))
    assert len(pairs) == 49
    assert found.attrs["n_pool"] == 12
    right = np.array([[best_pair(one[list(pair)])[0] for pair in pairs] for one in cost])
    for draw in found["null"].values.T:
        assert np.isclose(right, draw[:, None], atol=1e-12).all(axis=0).any()
    apart = picked_dissociation(
        trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), alike=False, n_permutations=300, rng=0
    )["null"].values
    assert all(np.isclose(row[:, None], right[at], atol=1e-12).any(axis=1).all() for at, row in enumerate(apart))
    assert not all(np.isclose(right, draw[:, None], atol=1e-12).all(axis=0).any() for draw in apart.T)


@pytest.mark.parametrize("groups", [[(4, 2)], [(4, 2), (3, 1)], [(5, 1), (2, 1), (3, 1)], [(3, 2), (5, 3)]])
@pytest.mark.parametrize("n_lesions", [2, 4])
def test_the_smallest_rank_p_is_that_of_the_lesions_that_are_hardest_to_draw(groups, n_lesions):
    starts = np.cumsum([0, *(m for m, _ in groups)])
    rows = [(start + np.arange(m), k) for start, (m, k) in zip(starts, groups)]
    ways = [itertools.combinations(of.tolist(), k) for of, k in rows]
    sets = [set(itertools.chain(*each)) for each in itertools.product(*ways)]
    n = min(n_lesions, sum(k for _, k in groups))
    chances = [np.mean([set(some) <= each for each in sets]) for some in itertools.combinations(range(starts[-1]), n)]
    assert least_chance(rows, n_lesions) == pytest.approx(min(one for one in chances if one))


def test_a_family_is_the_candidates_own_controls_of_their_dose(trials):
    rows, groups = rows_and_groups(trials, ["A", "B"], "matched")
    assert [(len(members), k) for members, k in groups] == [(7, 1), (7, 1)]
    assert set(trials["dose"].values[rows]) == {1.0}
    among = [name for name in trials["lesion_id"].values if name.startswith("A | matched") and "dose" not in name]
    rows, groups = rows_and_groups(trials, among[:2], among[2:])  # controls of one lesion are as good as each other
    assert [(len(members), k) for members, k in groups] == [(6, 2)]


def test_spared_is_the_shifted_pair_of_tests_and_agrees_with_the_dissociation(trials):
    found = spared(trials, lesion="A", tasks=("X", "Y"), within=0.2, rng=0)
    both = dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), spared_within=0.2, rng=0)
    for task in "XY":
        by_hand = sign_flip_tost(losses(trials, "A", task), bounds=float(found["bound"].sel(task=task)))
        cell = found.sel(task=task)
        assert float(cell["p"]) == by_hand.p
        assert bool(cell["shown"]) == by_hand.equivalent
    assert float(found["p"].sel(task="Y")) == float(both["spared_p"][0])
    assert float(found["bound"].sel(task="Y")) == pytest.approx(float(both["spared_bound"][0]))
