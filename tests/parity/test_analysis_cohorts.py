"""Indices of networks and comparisons of cohorts against slow loops, sign patterns and scipy."""

import json
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import neurolab as nl
from neurolab.analysis import (
    compare_cohorts,
    damage_battery,
    damage_indices,
    game_indices,
    greedy_roi,
    index_mean,
    indices_of,
    minimal_indices,
    profile,
    shapley,
    trend,
    tuning_indices,
    unit_coalitions,
)
from neurolab.stats.permutation import sign_flip
from neurolab.stats.trend import jonckheere
from neurolab.trials import make_trials

TASKS = {"right": {"bounded": True, "chance": 0.1}, "graded": {"bounded": False, "chance": None}}


def slow_p(x, mu=0.0):
    """Share of all sign patterns as extreme as the identity, twice the smaller tail."""
    d = np.asarray(x) - mu
    sums = np.array([np.dot(signs, d) for signs in product((1, -1), repeat=len(d))])
    return min(1.0, 2 * min((sums >= d.sum() - 1e-9).mean(), (sums <= d.sum() + 1e-9).mean()))


@pytest.fixture(scope="module")
def examined():
    """One trained network, its recording and the trials of its battery and of all its coalitions."""
    train, test = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits").take(range(0, 898, 6))
    recipe = nl.specimen.Recipe(epochs=15, learning_rate=1e-2)
    cohort = nl.train_cohort(lambda: nl.specimen.mlp(64, 7, 10), train, n=2, recipe=recipe, name="net", rng=0)
    tasks = [nl.Task("right", test, nl.scores.accuracy), nl.Task("graded", test, nl.scores.log_probability)]
    intact = nl.record(cohort[0], test, ["input", "1"])
    battery = damage_battery(intact, n_orders=2, shares=(0.5, 1.0), sds=(1.0, 2.0), n_draws=2, rng=0)
    small = [nl.Task("right", test, nl.scores.accuracy), nl.Task("margin", test, nl.scores.margin)]

    def sets(network):
        return unit_coalitions(nl.record(network, test, ["1"]), nl.Zero())

    return intact, nl.examine(cohort[0], battery, tasks), nl.examine(cohort, sets, small)


def by_name(trials, task, starts, role="target"):
    """Mean score of every lesion whose id starts so."""
    score = trials["score"].values[0][:, trials["task"].values == task].mean(axis=1)
    pairs = zip(trials["lesion_id"].values, trials["role"].values, score)
    return {name: value for name, who, value in pairs if who == role and name.startswith(starts)}


def test_damage_indices_equal_a_slow_reading_of_the_trials(examined):
    _, trials, _ = examined
    row = damage_indices(trials, task="right", graded="graded").loc["net seed 0"]
    intact = {task: next(iter(by_name(trials, task, "", "sham").values())) for task in TASKS}
    assert row["accuracy"] == pytest.approx(intact["right"])
    curve = {
        share: np.mean([v for k, v in by_name(trials, "right", "all units, Zero").items() if ("dose 0.5" in k) == low])
        for share, low in ((0.5, True), (1.0, False))
    }
    left = [1.0, *((curve[share] - 0.1) / (intact["right"] - 0.1) for share in (0.5, 1.0))]
    assert row["ablation AUC, Zero"] == pytest.approx(np.trapezoid(left, [0, 0.5, 1.0]))
    for index, name in (("noise AUC", "noise inside"), ("input noise AUC", "noise in the input")):
        noisy = [np.mean(list(by_name(trials, "right", f"{name} noise {sd}").values())) for sd in (1, 2)]
        left = [1.0, *((score - 0.1) / (intact["right"] - 0.1) for score in noisy)]
        assert row[index] == pytest.approx(np.trapezoid(left, [0, 1, 2]) / 2)
    single = intact["graded"] - np.array(list(by_name(trials, "graded", "1:").values()))
    assert len(single) == 7
    gone = [value for name, value in by_name(trials, "graded", "all units, Zero").items() if "dose" not in name]
    assert row["redundancy"] == pytest.approx(1 - single.sum() / (intact["graded"] - np.mean(gone)))
    assert row["largest unit effect"] == pytest.approx(single.max())
    kept = np.maximum(single[single != 0], 0)
    assert row["Gini of unit effects"] == pytest.approx(
        np.abs(kept[:, None] - kept).mean() / (2 * kept.mean())
    )


def test_tuning_indices_are_means_over_living_units_and_a_rank_correlation(examined):
    intact, trials, _ = examined
    hidden = intact.isel(neuroid=intact["site"].values == 1)
    found = nl.stats.tuning.tuning(hidden.values, hidden["condition"].values)
    row = tuning_indices(intact, trials, graded="graded").loc["net seed 0"]
    assert row["class selectivity"] == pytest.approx(np.nanmean(found.class_selectivity))
    assert row["selectivity d′"] == pytest.approx(np.nanmean(found.d_prime))
    assert row["living units"] == found.alive.mean()
    cost = [-by_name(trials, "graded", f"1:{unit}")[f"1:{unit}"] for unit in np.flatnonzero(found.alive)]
    wanted = stats.spearmanr(found.class_selectivity[found.alive], cost).statistic
    assert row["selectivity against importance"] == pytest.approx(wanted)


def test_contributions_of_a_trained_network_sum_to_what_it_loses_to_float_precision(examined):
    """Units are named by their integers, the first of them 0; a truthiness test would take it for no lesion."""
    for task in ("right", "margin"):
        found = shapley(examined[2], task=task, rng=0)
        assert found["player"].values[0] == "1:0"
        score = examined[2]["score"].values[:, :, examined[2]["task"].values == task].mean(axis=2)
        sizes = examined[2]["n_units"].values
        lost = score[:, examined[2]["role"].values == "sham"][:, 0] - score[:, sizes == 7][:, -1]
        np.testing.assert_allclose(found["value"].sum("player"), lost, atol=1e-13)
        assert float(abs(found["value"].sel(player="1:0")).max()) > 0


def test_game_indices_equal_loops_over_players_and_pairs(examined):
    found = shapley(examined[2], task="margin", rng=0)
    table = game_indices(found, examined[2])
    score = examined[2]["score"].values[:, :, examined[2]["task"].values == "margin"].mean(axis=2)
    names = list(examined[2]["lesion_id"].values)
    sham = int(np.argmax(examined[2]["role"].values == "sham"))
    for who in range(2):
        lost = dict(zip(names, score[who, sham] - score[who]))
        single = np.array([lost[f"1:{k}"] for k in range(7)])
        second = single.copy()
        for i, j in combinations(range(7), 2):
            extra = lost[f"1:{i} + 1:{j}"] - single[i] - single[j]
            second[[i, j]] += extra / 2
        phi = found["value"].values[who]
        row = table.iloc[who]
        assert row["single against Shapley"] == pytest.approx(stats.spearmanr(single, phi).statistic)
        assert row["pairs against Shapley"] == pytest.approx(stats.spearmanr(second, phi).statistic)
        assert row["redundancy"] == pytest.approx(1 - single.sum() / phi.sum())


def test_the_smallest_set_is_the_smallest_of_all_and_its_cost_is_measured_on_other_stimuli(examined):
    table = minimal_indices(examined[2], task="right", costing=0.5, rng=0)
    where = examined[2]["task"].values == "right"
    ids = list(dict.fromkeys(examined[2]["stimulus_id"].values[where]))
    chose = nl.analysis.hunt.choosers(len(ids), 0.5, 0)
    score = examined[2]["score"].values[:, :, where]
    sham = int(np.argmax(examined[2]["role"].values == "sham"))
    for who in range(2):
        cost = (score[who, sham] - score[who])[:, chose].mean(axis=1)
        bound = 0.5 * (score[who, sham][chose].mean() - 0.1)
        sizes = examined[2]["n_units"].values
        fails = (cost >= bound - 1e-12) & (examined[2]["role"].values == "target")
        assert table["smallest set"].iloc[who] == sizes[fails].min()
        best = max(np.flatnonzero(fails & (sizes == sizes[fails].min())), key=lambda row: cost[row])
        others = (score[who, sham] - score[who, best])[~chose].mean()
        assert table["smallest set, cost on others"].iloc[who] == pytest.approx(0.5 * others / bound)
        assert table["set by search"].iloc[who] >= table["smallest set"].iloc[who]
        assert table["set by single lesions"].iloc[who] >= table["smallest set"].iloc[who]


def test_greedy_takes_in_each_round_what_costs_most_by_then(examined):
    """Against a loop over all sets of the coalitions' own trials."""
    trials = examined[2].isel(specimen=[0])
    where = trials["task"].values == "margin"
    score = trials["score"].values[0][:, where].mean(axis=1)
    known = dict(zip(trials["lesion_id"].values, score))
    pool = examined[0].isel(neuroid=examined[0]["site"].values == 1)

    def ask(lesions):
        named = [" + ".join(f"1:{k}" for k in lesion.roi.units["1"]) for lesion in lesions]
        values = [known[name] if one.role == "target" else known["1:0 | sham"] for name, one in zip(named, lesions)]
        trial = {"task": ["margin"], "stimulus_id": ["s"], "condition": ["c"]}
        about = {"margin": {"bounded": False, "chance": 0.0}}
        return make_trials(np.array(values)[None, :, None], specimen=["net"], lesions=lesions, trial=trial, tasks=about,
                           kind="simulated")  # fmt: skip

    taken = []
    for _ in range(3):
        left = [k for k in range(7) if k not in taken]
        names = {k: " + ".join(f"1:{u}" for u in sorted([*taken, k])) for k in left}
        taken.append(min(left, key=lambda k: known[names[k]]))
    found = greedy_roi(ask, pool, nl.Zero(), name="area", task="margin", top=3, step=0.1)
    assert found.units["1"].tolist() == sorted(taken)
    assert found.chosen_on == {"s"}


def test_greedy_passes_over_a_unit_whose_work_is_already_lost():
    """Unit 1 costs nearly as much as unit 0 alone, and nothing more once unit 0 is gone; unit 2 always costs 1."""

    def ask(lesions):
        cut = [set(lesion.roi.units["conv"].tolist()) if lesion.role == "target" else set() for lesion in lesions]
        score = [[[-(3.0 if 0 in gone else 2.9 if 1 in gone else 0.0) - (2 in gone)] for gone in cut]]
        trial = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}
        about = {"t": {"bounded": False, "chance": 0.0}}
        return make_trials(score, specimen=["net"], lesions=lesions, trial=trial, tasks=about, kind="simulated")

    units = nl.make_recording(
        np.arange(8.0).reshape(2, 4), presentation={"stimulus_id": ["a", "b"], "condition": ["x", "y"]},
        neuroid={"site": ["conv"] * 4, "unit": range(4)}, kind="ann",
    )  # fmt: skip
    in_turn = greedy_roi(ask, units, nl.Zero(), name="area", task="t", top=2, step=0.25)
    at_once = greedy_roi(ask, units, nl.Zero(), name="area", task="t", top=2, step=0.5)
    assert in_turn.units["conv"].tolist() == [0, 2]
    assert at_once.units["conv"].tolist() == [0, 1]


@pytest.mark.parametrize("columns", [None, (1, 3, 4)])
def test_log_probability_is_scipys_log_softmax_over_what_competes(columns):
    outputs = 300 * np.random.default_rng(0).normal(size=(20, 5))  # far apart: no overflow
    table = pd.DataFrame({"label": np.random.default_rng(1).choice(columns or range(5), 20)})
    kept = list(columns or range(5))
    wanted = special.log_softmax(outputs[:, kept], axis=1)[np.arange(20), [kept.index(k) for k in table["label"]]]
    score = nl.scores.LogProbability(columns=columns)
    np.testing.assert_allclose(score(outputs, table), wanted, atol=1e-9)
    assert score.chance(table, 5) == pytest.approx(-np.log(len(kept)))


def tables(n=8, seed=0, names=("control", "dropout", "noise")):
    draw = np.random.default_rng(seed)
    return {
        name: pd.DataFrame(
            {"accuracy": 0.9 + 0.01 * draw.random(n), "redundancy": at + draw.normal(size=n)},
            index=[f"{name} seed {k}" for k in range(n)],
        )
        for at, name in enumerate(names)
    }


def test_cohorts_of_the_same_seeds_are_compared_by_sign_patterns_of_pairs():
    given = tables()
    given["dropout"] = given["dropout"].iloc[::-1]  # rows in another order: pairs go by seed
    found = compare_cohorts(given, against="control", rng=0)
    assert found.attrs["paired"] == 1
    control = given["control"]["redundancy"].to_numpy()
    p = []
    for name in ("dropout", "noise"):
        other = given[name].loc[[f"{name} seed {k}" for k in range(8)], "redundancy"].to_numpy()
        cell = found.sel(condition=name, index="redundancy")
        assert float(cell["effect"]) == pytest.approx((other - control).mean())
        assert float(cell["p"]) == pytest.approx(slow_p(other - control))
        assert float(cell["p_floor"]) == 2 / 2**8
        pairs = nl.stats.permutation.sign_flip(other - control)
        np.testing.assert_allclose([cell["low"], cell["high"]], [pairs.low, pairs.high])
        p.append(float(cell["p"]))
    wanted = np.maximum.accumulate(np.sort(p) * [2, 1])[np.argsort(np.argsort(p))]  # Holm over the two conditions
    np.testing.assert_allclose(found["q"].sel(index="redundancy"), np.minimum(wanted, 1))


def test_cohorts_of_other_seeds_are_compared_by_shuffling_networks():
    given = {name: table.rename(index=lambda old: old.replace(" seed ", "/")) for name, table in tables(6).items()}
    found = compare_cohorts(given, against="control", rng=0)
    assert found.attrs["paired"] == 0
    a, b = given["dropout"]["redundancy"], given["control"]["redundancy"]
    theirs = stats.permutation_test(
        (a, b), lambda x, y: x.mean() - y.mean(), permutation_type="independent", n_resamples=np.inf
    )
    assert float(found["p"].sel(condition="dropout", index="redundancy")) == pytest.approx(theirs.pvalue)


def test_a_trend_is_jonckheeres_within_seeds():
    given = tables(names=("0.0", "0.5", "1.0"))
    found = trend(given, matched_on=None, rng=0).sel(index="redundancy")
    x = np.repeat([0.0, 0.5, 1.0], 8)
    y = np.concatenate([table["redundancy"] for table in given.values()])
    wanted = jonckheere(x, y, blocks=np.tile(np.arange(8), 3))
    for name in ("effect", "low", "high", "p", "p_floor", "ordered"):
        assert float(found[name]) == pytest.approx(getattr(wanted, name))


def test_one_index_against_a_value():
    given = tables()
    found = index_mean(given, index="redundancy", popmean=1.0, rng=0)
    for name, table in given.items():
        assert float(found["p"].sel(condition=name)) == pytest.approx(slow_p(table["redundancy"], 1.0))
    alone = index_mean({"control": given["control"]}, index="redundancy", popmean=1.0, rng=0)
    assert float(alone["p"].sel(condition="control")) == float(found["p"].sel(condition="control"))


def test_a_profile_joins_networks_and_indices():
    given = tables()["control"]
    halves = [given.iloc[:4, [0]], given.iloc[4:, [0]], given[["redundancy"]]]
    pd.testing.assert_frame_equal(profile(halves), given.rename_axis("specimen"))
    value = nl.dissociation(nl.simulate.phantom_trials(rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    np.testing.assert_array_equal(indices_of(value).to_numpy(), value["value"].transpose("specimen", "claim"))


def test_a_result_that_keeps_a_value_per_condition_and_network__is_its_tables():
    draw = np.random.default_rng(0)
    halves = np.kron(np.eye(2), np.ones((6, 6)))
    nets = {name: [halves + by * (one + one.T) for one in draw.random((6, 12, 12))] for name, by in
            (("clear", 0.1), ("blurred", 1.0))}  # fmt: skip
    cut = nl.analysis.clusterability(nets, by=nl.analysis.Spectral(2, n_init=2), n_null=3, rng=0)
    sides = {name: [["left"] * 6 + ["right"] * 6] * 6 for name in nets}
    result = nl.analysis.alignment(cut, sides, n_permutations=9, rng=0).sel(partition="found", measure="ari")
    own = result["excess"].sel(condition="clear").values
    names = result["network"].sel(condition="clear").values.tolist()
    assert indices_of(result.sel(condition="clear"), "excess").index.tolist() == names
    found = index_mean(result, index="excess", popmean=0.1, rng=0).sel(condition="clear")
    test = sign_flip(own, popmean=0.1, rng=0)
    assert [float(found[name]) for name in ("effect", "low", "high", "p")] == [test.effect, test.low, test.high, test.p]
    tables = {name: indices_of(result.sel(condition=name), "excess") for name in nets}
    assert index_mean(tables, index="excess", popmean=0.1, rng=0).identical(
        index_mean(result, index="excess", popmean=0.1, rng=0))  # fmt: skip
    with pytest.raises(nl.errors.DesignError, match="'n_units'"):
        index_mean(result, index="effect", rng=0)


def random_tables(names=("control", "dropout", "noise"), n=8):
    draw = np.random.default_rng(1)
    return {name: pd.DataFrame({"accuracy": 0.9 + 0.005 * draw.random(n) - 0.2 * (at == 2), "a": at + draw.random(n),
                                "b": draw.random(n)}, index=[f"{name} seed {k}" for k in range(n)])
            for at, name in enumerate(names)}  # fmt: skip


def test_what_was_to_be_matched__need_not_be_compared():
    tables = random_tables()
    whole, part = (compare_cohorts(tables, against="control", indices=some, rng=0) for some in (None, ["a"]))
    assert part["index"].values.tolist() == ["a"]
    assert part["equal"].equals(whole["equal"])
    assert part["equal"].values.ravel().tolist() == [True, False]
    assert part.attrs["undermined_by"] == whole.attrs["undermined_by"]
    assert part["p"].equals(whole["p"].sel(index=["a"]))
    levels = {float(at): table for at, table in enumerate(tables.values())}
    whole, part = (trend(levels, indices=some, rng=0) for some in (None, ["a"]))
    assert part["index"].values.tolist() == ["a"]
    assert part["equal"].equals(whole["equal"])
    assert "not shown to be equal in accuracy" in part.attrs["undermined_by"]
    with pytest.raises(nl.errors.UnknownNameError, match="matched_on=None"):
        compare_cohorts({name: table[["a"]] for name, table in tables.items()}, against="control", rng=0)


def test_two_indices_of_one_cohort__are_compared_network_by_network():
    tables = random_tables()
    found = index_mean(tables, index="a", minus="b", rng=0)
    assert found.attrs["index"] == "a − b"
    for name, table in tables.items():
        own, test = found.sel(condition=name), sign_flip((table["a"] - table["b"]).to_numpy(), rng=0)
        for part in ("effect", "low", "high", "p"):
            assert float(own[part]) == getattr(test, part)
        assert float(own["p"]) == pytest.approx(slow_p(table["a"] - table["b"]))
    assert nl.analysis.claim("They differ.", found.sel(condition="dropout"), expects="more").attrs["verdict"]
    with pytest.raises(nl.errors.UnknownNameError, match="'c'"):
        index_mean(tables, index="a", minus="c", rng=0)
    with pytest.raises(nl.errors.DesignError, match="both 'a'"):
        index_mean(tables, index="a", minus="a", rng=0)
    tables["noise"].iloc[0, 2] = np.nan
    (flag,) = json.loads(index_mean(tables, index="a", minus="b", rng=0).attrs["undermined_by"])
    assert "a − b is not defined in 1 of 8" in flag
