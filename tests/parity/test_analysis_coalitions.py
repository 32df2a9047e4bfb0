"""Contributions, pairs, minimal sets and reserve from trials, against loops over orders, sign patterns and msapy."""

import json
import warnings
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from scipy import integrate, stats

from neurolab.analysis import interaction, minimal_set, pair_interactions, reserve, search_minimal_set, shapley
from neurolab.chance import generator
from neurolab.coalitions import coalitions, game, removals, walks
from neurolab.lesion import Zero
from neurolab.roi import ROI
from neurolab.simulate import phantom_trials
from neurolab.stats import minimal
from neurolab.stats.shapley import orders_of
from neurolab.trials import make_trials

ABOUT = {"t": {"unit": "score", "bounded": False, "chance": 0.0}}
TRIAL = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}
ADDS = np.array([10.0, 9.0, 57.0, -8.0, 42.0])


def players(n):
    return [ROI(str(k), {"site": [k]}) for k in range(n)]  # the first is called "0": a name, not a falsehood


def taken_by(lesion):
    """The number of the set of players that a lesion takes."""
    return 0 if lesion.role == "sham" else sum(1 << int(unit) for unit in lesion.roi.units["site"])


def trials_of(design, table):
    """Trials of networks whose score with a set lesioned stands in table (2^n, networks)."""
    score = np.array([table[taken_by(lesion)] for lesion in design]).T[:, :, None]
    notes = [[json.dumps(dict(lesion.notes)) for lesion in design]] * table.shape[1]
    names = [f"net {k}" for k in range(table.shape[1])]
    settings = {"specimen": names, "lesions": design, "trial": TRIAL, "tasks": ABOUT, "kind": "simulated"}
    return make_trials(score, **settings, per_lesion={"lesion_notes": notes})


def random_table(n, seed, members=6):
    return np.random.default_rng(seed).normal(size=(2**n, members))


def played(n, table):
    return trials_of(coalitions(players(n), Zero()), table)


def slow_shapley(table, n, orders=None):
    """(members, players): mean loss when a player goes, over orders of joining."""
    every = list(permutations(range(n))) if orders is None else orders
    phi, everyone = np.zeros((table.shape[1], n)), 2**n - 1
    for order in every:
        intact = 0
        for player in order:
            before, after = table[everyone ^ intact], table[everyone ^ (intact | 1 << int(player))]
            phi[:, player] += (after - before) / len(every)
            intact |= 1 << int(player)
    return phi


def slow_p(x, mu=0.0, tail="two-sided"):
    """Share of all sign patterns of x - mu that are as extreme as the identity; twice the smaller tail."""
    d = np.asarray(x) - mu
    sums = np.array([np.dot(signs, d) for signs in product((1, -1), repeat=len(d))])
    up, down = (sums >= d.sum() - 1e-9).mean(), (sums <= d.sum() + 1e-9).mean()
    return {"two-sided": min(1.0, 2 * min(up, down)), "greater": up, "less": down}[tail]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_contributions_equal_a_loop_over_every_order(n):
    table = random_table(n, n)
    found = shapley(played(n, table), task="t", rng=0)
    wanted = slow_shapley(table, n)
    np.testing.assert_allclose(found["value"], wanted, atol=1e-12)
    np.testing.assert_allclose(found["p"], [slow_p(column) for column in wanted.T], atol=1e-12)
    alone = table[[0]] - table[[1 << k for k in range(n)]]
    np.testing.assert_allclose(found["alone_value"], alone.T, atol=1e-12)
    np.testing.assert_allclose(found["alone_p"], [slow_p(row) for row in alone], atol=1e-12)
    together = table[0] - table[-1]
    assert float(found["all_minus_singles_p"]) == pytest.approx(slow_p(together - alone.sum(axis=0)))
    assert float(found["redundancy_index"]) == pytest.approx(1 - alone.mean(axis=1).sum() / together.mean())
    np.testing.assert_allclose(found["sampling_se"], wanted.std(axis=0, ddof=1) / np.sqrt(6), atol=1e-12)
    assert (found["monte_carlo_se"] == 0).all()
    if n > 1:
        phi = wanted.mean(axis=0)
        spread = np.sqrt(np.mean((phi - phi.mean()) ** 2)) / np.abs(phi).sum()
        assert float(found["d_index"]) == pytest.approx(1 - spread / np.sqrt((n - 1) / n**2))
    else:
        assert np.isnan(found["d_index"])


def test_players_named_explicitly_leave_the_others_intact():
    table = random_table(4, 3)
    found = shapley(played(4, table), task="t", players=["3", "1"], rng=0)
    inner = np.array([table[(code & 1) << 3 | (code >> 1) << 1] for code in range(4)])
    np.testing.assert_allclose(found["value"], slow_shapley(inner, 2), atol=1e-12)
    assert found["player"].values.tolist() == ["3", "1"]


def test_the_sample_may_be_stimuli_of_one_network():
    plan = {"A": {"X": 1.0}, "B": {"X": 2.0}, "A + B": {"X": 4.0}}
    trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_specimens=1, n_stimuli=12, rng=0)
    found = shapley(trials, task="X", rng=0)
    assert found.attrs["generalises_over"] == "stimulus"
    score = trials["score"].values[0][[1, 0, 2, 4]]  # sham, A, B, A + B
    assert trials["lesion_id"].values[[1, 0, 2, 4]].tolist() == ["A | sham", "A", "B", "A + B"]
    np.testing.assert_allclose(found["value"], slow_shapley(score, 2), atol=1e-12)
    many = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_specimens=3, n_stimuli=12, rng=0)
    over = shapley(many, task="X", over="stimulus", rng=0)
    wanted = slow_shapley(many["score"].values.mean(axis=0)[[1, 0, 2, 4]], 2)
    np.testing.assert_allclose(over["value"], wanted, atol=1e-12)


def test_the_game_of_87_and_its_pairs():
    intact = np.array([[not code >> k & 1 for k in range(5)] for code in range(32)])
    truth = intact @ ADDS + 87.0 * (intact[:, 0] & intact[:, 1])
    trials = played(5, np.repeat(truth[:, None], 6, axis=1))
    found = shapley(trials, task="t", rng=0)
    np.testing.assert_allclose(found["effect"], np.add(ADDS, [43.5, 43.5, 0, 0, 0]), atol=1e-9)
    pairs = pair_interactions(trials, task="t", rng=0)
    np.testing.assert_allclose(pairs["effect"], [-87.0, *[0.0] * 9], atol=1e-9)  # partners: synergistic
    assert list(zip(pairs["first"].values, pairs["second"].values)) == list(combinations("01234", 2))


def test_pair_interactions_equal_the_mean_over_contexts():
    table, n = random_table(4, 7), 4
    found = pair_interactions(played(n, table), task="t", rng=0)
    for at, (i, j) in enumerate(combinations(range(n), 2)):
        rest, values = [k for k in range(n) if k not in (i, j)], []
        for order in permutations(rest):  # the pair goes at a uniform place among the others
            for place in range(n - 1):
                gone = sum(1 << k for k in order[:place])
                a, b = table[gone] - table[gone | 1 << i], table[gone] - table[gone | 1 << j]
                values.append(table[gone] - table[gone | 1 << i | 1 << j] - a - b)
        np.testing.assert_allclose(found["value"][:, at], np.mean(values, axis=0), atol=1e-12)
    two = played(2, table[:4])
    both = interaction(two, a="0", b="1", both="0 + 1", task="t", rng=0)
    assert float(pair_interactions(two, task="t", rng=0)["effect"][0]) == pytest.approx(float(both["effect"]))


@pytest.fixture(scope="module")
def walked():
    table = random_table(7, 1)
    design = walks(players(7), Zero(), n=16, rotations=1, rng=5)
    assert len(design) < 2**7
    return table, shapley(trials_of(design, table), task="t", rng=0), design


def test_walks_equal_a_loop_over_the_same_orders(walked):
    table, found, design = walked
    orders, per_block = orders_of(7, 16, rotations=1, rng=generator(5, "walks"))
    np.testing.assert_allclose(found["value"], slow_shapley(table, 7, orders), atol=1e-12)
    blocks = [slow_shapley(table, 7, orders[k : k + 2]).mean(axis=0) for k in range(0, 16, 2)]
    assert per_block == 2
    np.testing.assert_allclose(found["monte_carlo_se"], np.std(blocks, axis=0, ddof=1) / np.sqrt(8), atol=1e-12)
    every = {frozenset(range(7))} | {frozenset(map(int, order[k:])) for order in orders for k in range(7)}
    every |= {frozenset([k]) for k in range(7)}
    cut = [frozenset(map(int, lesion.roi.units["site"])) for lesion in design if lesion.role == "target"]
    assert len(cut) == len(set(cut))
    assert set(cut) == every


def test_the_p_of_walks_is_the_largest_that_their_error_allows(walked):
    _, found, _ = walked
    risk = 0.02 * 0.05 / 7
    half = found["monte_carlo_se"].values * stats.t.isf(risk / 2, 7)
    for k in range(7):
        x = found["value"].values[:, k]
        grid = np.linspace(-half[k], half[k], 401)
        worst = max(slow_p(x, mu) for mu in grid)
        assert float(found["p"][k]) == pytest.approx(min(1.0, worst + risk))
        outside = not float(found["low"][k]) <= 0 <= float(found["high"][k])
        assert outside == (float(found["p"][k]) <= 0.05)


def test_more_walks_shrink_the_monte_carlo_error_and_never_pass_the_floor_of_the_networks():
    table = np.random.default_rng(3).normal(size=(2**7, 1)) + 0.01 * random_table(7, 4)
    few, many = (
        shapley(trials_of(walks(players(7), Zero(), n=n, rotations=1, rng=0), table), task="t", rng=0) for n in (16, 24)
    )
    truth = shapley(played(7, table), task="t", rng=0)
    assert float(many["monte_carlo_se"].mean()) < float(few["monte_carlo_se"].mean())
    for one in (few, many):
        assert (one["p"] > 2 / 2**6).all()
        assert ((one["low"] <= truth["effect"]) & (truth["effect"] <= one["high"])).all()
        assert 0 < float(one["sampling_se"].max()) < 0.01 < float(one["monte_carlo_se"].min())  # networks differ by .01


def test_signs_and_names_are_symmetric():
    table = random_table(4, 9)
    plain, turned = (shapley(played(4, t), task="t", rng=0) for t in (table, -table))
    np.testing.assert_allclose(plain["effect"], -turned["effect"], atol=1e-12)
    np.testing.assert_allclose(plain["p"], turned["p"], atol=1e-12)
    np.testing.assert_allclose(plain["low"], -turned["high"], atol=1e-12)
    other = shapley(played(4, table).isel(lesion=slice(None, None, -1)), task="t", players=list("2031"), rng=0)
    np.testing.assert_allclose(other["effect"].sel(player=list("0123")), plain["effect"], atol=1e-12)
    assert shapley(played(4, table), task="t", rng=0).identical(plain)


def test_msapy_agrees():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        msa = pytest.importorskip("msapy.msa", reason="the oracle msapy is not installed")
        trials = played(5, random_table(5, 4))
        mean = trials["score"].mean(["specimen", "trial"]).values
        by_name = dict(zip(trials["lesion_id"].values, mean))
        names = {f"r{k}": str(k) for k in range(5)}  # an element 0 would be no lesion to msapy

        def objective(complements):
            gone = sorted(names[one] for one in names if one in complements)
            return float(by_name[" + ".join(gone) or "0 | sham"])

        try:
            theirs = msa.interface(
                elements=list(names), n_permutations=2_000, objective_function=objective, rng=np.random.default_rng(0)
            )
        except Exception as error:  # its type checker refuses its own call under typeguard 4
            if type(error).__name__ != "TypeCheckError":
                raise
            pytest.skip(f"msapy's own type checker refuses its call: {type(error).__name__}")
    phi = np.array([theirs[name].mean() for name in names])
    np.testing.assert_allclose(shapley(trials, task="t", rng=0)["effect"], phi, atol=0.05)


def slow_minimal(fails):
    """Sets that fail while no proper subset does, by comparing every two."""
    return [c for c in range(len(fails)) if fails[c] and not any(fails[d] for d in range(c) if d & c == d)]


def test_minimal_sets_equal_a_loop_over_all_subsets():
    draw = np.random.default_rng(0)
    for _ in range(150):
        n = int(draw.integers(1, 7))
        wild = draw.random(2**n) < 0.4
        assert sorted(minimal.every(wild).sets) == slow_minimal(wild)
        roots = [int(draw.integers(1, 2**n)) for _ in range(draw.integers(0, 5))]
        grown = np.array([any(code & root == root for root in roots) for code in range(2**n)])
        found = minimal.search(lambda code, table=grown: table[code], n, order=draw.permutation(n))
        assert found.complete
        assert sorted(found.sets) == sorted(minimal.every(grown).sets) == slow_minimal(grown)
        assert found.n_evaluations <= 2**n


def test_a_minimal_set_is_tested_where_it_was_not_chosen():
    table = np.zeros((8, 12))
    draw = np.random.default_rng(2)
    table[[0b011, 0b111]] = -1.0  # players 0 and 1 are backups, 2 does nothing
    table[0b001] = -0.3  # the first comes near the bound alone
    table += 0.2 * draw.normal(size=table.shape)
    found = minimal_set(played(3, table), task="t", costing={"t": 0.5}, rng=0)
    chose = found["chose"].values
    assert chose.sum() == 4
    at = list(found["set"].values).index("0 + 1")
    cost = table[0] - table
    whole, less = cost[0b011, ~chose], cost[[0b001, 0b010]][:, ~chose]
    each = [slow_p(whole, 0.5, "greater"), *(slow_p(row, 0.5, "less") for row in less)]
    assert float(found["p"][at]) == pytest.approx(max(each))
    assert float(found["needed_p"][at]) == pytest.approx(max(each[1:]))
    assert max(each[1:]) > min(each[1:])
    assert float(found["effect"][at]) == pytest.approx(whole.mean())
    np.testing.assert_allclose(found["value"][:, at], cost[0b011])
    wanted = slow_minimal(cost[:, chose].mean(axis=1) >= 0.5)
    names = {" + ".join(k for k in "012" if code >> int(k) & 1) for code in wanted}
    assert set(found["set"].values) == names
    asked = search_minimal_set(
        lambda mask: np.array([table[int((~row) @ [1, 2, 4])] for row in mask]), "012", task="t", deficit=0.5, rng=0
    )
    for name in ("effect", "low", "high", "p", "needed_p"):
        assert float(asked[name].sel(set="0 + 1")) == pytest.approx(float(found[name].sel(set="0 + 1")))


def test_a_game_asks_each_coalition_once_and_reads_it_by_name():
    table, calls = random_table(3, 8), []

    def ask(lesions):
        calls.append([lesion.id for lesion in lesions])
        return trials_of(lesions[::-1], table)

    value = game(ask, players(3), Zero(), task="t")
    every = np.array([[not code >> k & 1 for k in range(3)] for code in range(8)])
    np.testing.assert_array_equal(value(every[[5, 3]]), table[[5, 3]])
    np.testing.assert_array_equal(value(every), table)
    np.testing.assert_array_equal(value(every[:1]), table[:1])
    assert [len(call) for call in calls] == [3, 6]


def test_reserve_equals_curves_drawn_by_hand():
    draw = np.random.default_rng(6)
    design = removals(players(5), Zero(), name="order", shares=[0.2, 0.6], n_random=3, rng=0)
    score = draw.uniform(0.0, 1.0, size=(6, len(design), 1))
    score[:, 0] = 2.0 + draw.random((6, 1))
    trials = make_trials(score, specimen=list("abcdef"), lesions=design, trial=TRIAL, tasks=ABOUT, kind="simulated")
    found = reserve(trials, lesion="order", task="t", failing=0.7, rng=0)
    doses = np.array([0.0, 0.2, 0.6, 1.0])
    fine = np.linspace(0, 1, 200_001)

    def measured(rows):
        left = np.concatenate([np.ones((6, 1)), score[:, rows, 0] / score[:, [0], 0]], axis=1)
        curves = np.array([np.interp(fine, doses, one) for one in left])
        fell = [fine[np.argmax(curve <= 0.3)] if (curve <= 0.3).any() else 1.0 for curve in curves]
        return np.stack([integrate.trapezoid(left, doses, axis=1), fell], axis=1)

    own, others = measured([1, 2, 3]), np.mean([measured([k, k + 1, k + 2]) for k in (4, 7, 10)], axis=0)
    np.testing.assert_allclose(found["value"], own, atol=1e-5)
    np.testing.assert_allclose(found["control_value"], others, atol=1e-5)
    np.testing.assert_allclose(found["effect"], (own - others).mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found["p"], [slow_p(column) for column in (own - others).T])
    assert float(found["reserve"]) == pytest.approx(own[:, 0].mean())
    np.testing.assert_allclose(found["dose"], doses)


def test_removals_nest_and_random_orders_differ_between_networks():
    rois = players(10)
    ours = removals(rois, Zero(), name="order", n_random=2, rng=0)
    theirs = removals(rois[::-1], Zero(), name="order", n_random=2, rng=0)
    taken = {lesion.id: set(map(int, lesion.roi.units["site"])) for lesion in ours}
    assert [taken[f"order | dose {k / 10:g}"] for k in range(1, 10)] == [set(range(k)) for k in range(1, 10)]
    for draw in (1, 2):
        chain = [taken[f"order | random order control | dose {k / 10:g} | draw {draw}"] for k in range(1, 10)]
        assert all(a < b for a, b in pairwise(chain))
    assert [lesion.id for lesion in ours] == [lesion.id for lesion in theirs]
    other = {lesion.id: {9 - int(unit) for unit in lesion.roi.units["site"]} for lesion in theirs}  # places, not units
    assert other["order | dose 0.3"] == {0, 1, 2}
    drawn = [identity for identity in taken if "draw" in identity and "dose" in identity]
    assert np.mean([taken[identity] == other[identity] for identity in drawn]) < 0.5
