"""n-cuts over networks, agreement with function and cost of clusters against scikit-learn, scipy and loops."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import combine_pvalues, permutation_test
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from neurolab.analysis import (
    Spectral,
    alignment,
    cluster_lesions,
    clusterability,
    cut_indices,
    functional_labels,
    importance,
    layered_graph,
    modules,
    unit_lesions,
)
from neurolab.errors import DesignError
from neurolab.lesion import Zero
from neurolab.simulate import phantom_recording
from neurolab.specimen import examine, phantoms, record, structure
from neurolab.stats import graphs
from neurolab.trials import make_trials

N = 6


def nets(seed=0, apart=0.0):
    draw = np.random.default_rng(seed)
    half = [np.arange(size) < size // 2 for size in (6, 8, 6)]

    def weights():
        return [draw.random((len(out), len(into))) * np.where(out[:, None] == into, 1, 1 - apart)
                for into, out in pairwise(half)]  # fmt: skip

    return [layered_graph(weights()) for _ in range(N)]


def flipped(x, alternative="two-sided"):
    """The exact sign-flip of scipy, on the sum of the values."""
    found = permutation_test((x,), np.sum, permutation_type="samples", alternative=alternative, n_resamples=np.inf)
    return found.pvalue


@pytest.fixture(scope="module")
def cut():
    return clusterability({"planted": nets(0, 0.9), "none": nets(1)}, by=Spectral(2, n_init=2), n_null=7, rng=0)


def test_numbers_of_each_network__are_those_of_its_cut_and_shuffles(cut):
    one = cut.sel(condition="planted")
    for at, graph in enumerate(nets(0, 0.9)):
        labels = one["label"].values[at]
        assert float(one["cut"][at]) == pytest.approx(graphs.normalised_cut(graph.values, labels))
        share = float(one["cut"][at]) / 2
        assert float(one["in_out"][at]) == pytest.approx((1 - share) / (2 * share))
        assert sorted(np.bincount(labels)[1:]) == [int(one["smallest"][at]), int(one["largest"][at])]
    for null in ("shuffled", "nonzero"):
        here = one.sel(null=null)
        np.testing.assert_allclose(here["difference"].values, here["cut"].values - here["null_mean"].values)
        np.testing.assert_allclose(here["z"].values, here["difference"].values / here["null_sd"].values)
    assert (one["own_low"] <= one["difference"]).all()
    assert (one["difference"] <= one["own_high"]).all()
    low = clusterability(nets(0, 0.9), by=Spectral(2, n_init=2), n_null=7, nulls=("shuffled",), rng=0)
    assert low["own_p"].values.tolist() == [[[1 / 8] * N]]


def test_p_over_networks__is_the_sign_flip_of_scipy(cut):
    for name in ("planted", "none"):
        for null in ("shuffled", "nonzero"):
            one = cut.sel(condition=name, null=null)
            assert float(one["p"]) == pytest.approx(flipped(one["z"].values))
            assert float(one["effect"]) == pytest.approx(one["z"].values.mean())
            assert float(one["shift"]) == pytest.approx(one["difference"].values.mean())


def test_a_network_alone__is_cut_as_modules_cuts_it():
    graph = nets(0, 0.9)[0]
    both = clusterability([graph, graph], by=Spectral(2), nulls=("shuffled",), n_null=3, rng=0)
    alone = modules(graph, by=Spectral(2), n_null=3, n_restarts=1, rng=0)
    np.testing.assert_allclose(both["cut"].values, float(alone["normalised_cut"]))


def test_profiles__hold_the_numbers_of_each_network(cut):
    who = [f"network {k + 1}" for k in range(N)]
    training = pd.DataFrame({"condition": "planted", "specimen": who, "accuracy": 0.5})
    tables = cut_indices(cut, training=training)
    assert list(tables) == ["planted", "none"]
    np.testing.assert_allclose(tables["none"]["z (nonzero)"], cut["z"].sel(condition="none", null="nonzero"))
    assert tables["planted"]["training accuracy"].tolist() == [0.5] * N
    assert tables["none"]["training accuracy"].isna().all()


def test_agreement__is_that_of_scikit_learn_less_a_loop_of_exchanges(cut):
    draw = np.random.default_rng(3)
    functions = [draw.choice(["", "a", "b"], size=20) for _ in range(N)]
    found = alignment(cut, {"planted": functions}, n_permutations=400, rng=0)
    found, layer = found.sel(condition="planted", partition="found"), cut["layer"].values
    for at, given in enumerate(functions[:2]):
        held = given != ""
        ours, theirs, where = cut["label"].sel(condition="planted").values[at][held], given[held], layer[held]
        for name, score in (("ari", adjusted_rand_score), ("nmi", normalized_mutual_info_score)):
            one, null = found.sel(measure=name), []
            assert float(one["agreement"][at]) == pytest.approx(score(ours, theirs))
            for _ in range(200):
                drawn = theirs.copy()
                for code in set(where):
                    drawn[where == code] = draw.permutation(theirs[where == code])
                null.append(score(ours, drawn))
            assert float(one["chance"][at]) == pytest.approx(np.mean(null), abs=0.02)
            p = np.mean(np.array(null) >= score(ours, theirs) - 1e-9)
            assert float(one["own_p"][at]) == pytest.approx(p, abs=0.12)
    for name in ("ari", "nmi"):
        one = found.sel(measure=name)
        np.testing.assert_allclose(one["excess"], one["agreement"] - one["chance"])
        assert float(one["p"]) == pytest.approx(flipped(one["excess"].values, "greater"))


def one_network(draw, at):
    rows = {"role": ["sham", *["target"] * 2, *["control"] * 8], "roi": ["every", "a", "b", *"aaaabbbb"],
            "family": ["", "", "", *["random", "random", "activity", "activity"] * 2],
            "draw": [0, 0, 0, *[1, 2, 1, 2] * 2], "lesion_id": [str(k) for k in range(11)]}  # fmt: skip
    score = draw.normal(size=(1, 11, 6))
    trial = {"task": ["x"] * 3 + ["y"] * 3, "stimulus_id": list("abcabc"), "condition": ["c"] * 6}
    tasks = {name: {"unit": "nats", "bounded": False, "chance": 0.0} for name in "xy"}
    return make_trials(score, specimen=[f"net {at}"], lesions=rows, trial=trial, kind="ann", tasks=tasks)


def mean_of(x, y):
    return 0.5 * (x + y)


def range_of(x, y):
    return np.array([0.0 if a == b == 0 else abs(a - b) / (0.5 * (abs(a) + abs(b))) for a, b in zip(x, y)])


@pytest.mark.parametrize(("of", "number"), [("mean", mean_of), ("range", range_of)])
def test_importance__is_a_loop_over_clusters_and_sets(of, number):
    draw = np.random.default_rng(0)
    trials = [one_network(draw, at) for at in range(N)]
    found = importance({"nets": trials}, of=of, rng=0).sel(condition="nets")
    for family in ("random", "activity"):
        values, combined = [], []
        for one in trials:
            x, y = (one["score"].values[0, :, part].mean(axis=1) for part in (slice(0, 3), slice(3, 6)))
            cost, gaps, ranks = number(x[0] - x, y[0] - y), [], []
            for row, name in ((1, "a"), (2, "b")):
                drawn = (one["roi"].values == name) & (one["family"].values == family)
                sets = cost[drawn].tolist()
                gaps.append(cost[row] - np.mean(sets))
                ranks.append((0.5 + sum(value >= cost[row] for value in sets)) / (len(sets) + 1))
            values.append(np.mean(gaps))
            combined.append(combine_pvalues(ranks).pvalue)
        here = found.sel(family=family)
        np.testing.assert_allclose(here["excess"], values)
        np.testing.assert_allclose(here["combined_p"], combined)
        assert float(here["p"]) == pytest.approx(flipped(np.array(values)))
        assert float(here["effect"]) == pytest.approx(np.mean(values))


def test_importance__tells_whom_a_cluster_costs_from_what_it_costs():
    """Clusters that cost one class alone, all of it, and clusters that cost all classes alike."""
    rows = {"lesion_id": list("0123456"), "roi": list("eaaaaaa"), "role": ["sham", "target", *["control"] * 5],
            "family": ["", "", *["random"] * 5], "draw": [0, 0, 1, 2, 3, 4, 5]}  # fmt: skip
    names = ["one", "two", "three"]
    trial = {"task": names, "stimulus_id": names, "condition": names}
    tasks = {name: {"unit": "nats", "bounded": False, "chance": 0.0} for name in names}

    def nets(cost):
        draw = np.random.default_rng(0)
        for at in range(N):
            deficit = 1 + 0.3 * draw.normal(size=(7, 3))
            deficit[0], deficit[1] = 0, cost
            yield make_trials(-deficit[None], specimen=[f"n{at}"], lesions=rows, trial=trial, tasks=tasks, kind="ann")

    given = {"one class": list(nets([3.0, 0, 0])), "all alike": list(nets([3.0, 3, 3]))}
    whom, what = (importance(given, of=of, families=("random",), rng=0).isel(family=0) for of in ("range", "mean"))
    assert whom["effect"].values[0] > 1.5
    assert whom["effect"].values[1] < 0
    assert what["effect"].values[1] > 1.5 > what["effect"].values[0]
    assert "range over tasks" in whom.attrs["estimand"]
    assert "range over tasks" in whom.attrs["reasons"]
    with pytest.raises(DesignError, match="'range' with two tasks or more"):
        importance(given, of="range", tasks=["one"], rng=0)
    with pytest.raises(DesignError, match="of='most' with 3 tasks"):
        importance(given, of="most", rng=0)


def test_functions__are_the_largest_scaled_deficits_of_units_alone():
    net, stimuli, _ = phantoms.separate_modules(rng=0)
    trials = examine(net, unit_lesions(record(net, stimuli, ["relu"]), Zero()), phantoms.naming_tasks(stimuli),
                     progress=False)  # fmt: skip
    labels = functional_labels(trials, of=structure(net))
    score, task = trials["score"].values[0], trials["task"].values
    cost = np.stack([(score[0] - score[1:])[:, task == name].mean(axis=1) for name in ("name faces", "name objects")])
    scaled = cost / np.sqrt((cost**2).mean(axis=1, keepdims=True))
    wanted = np.array(["name faces", "name objects"])[scaled.argmax(axis=0)]
    wanted = np.where(np.abs(cost).any(axis=0), wanted, "")
    assert labels.values[labels["layer"].values == "relu"].tolist() == wanted.tolist()
    assert set(labels.values[labels["layer"].values != "relu"]) == {""}
    k_means = functional_labels(trials, of=structure(net), n=2, rng=0).values
    act = wanted != ""
    assert adjusted_rand_score(wanted[act], k_means[labels["layer"].values == "relu"][act]) == 1.0


def test_random_sets__are_of_the_layer_and_size_and_thirds_of_activity():
    recording = phantom_recording(n_units=30, sites=("early", "late"), rng=0)
    site = np.array(["early", "late"])[recording["site"].values]
    labels = recording["site"].copy(data=1 + (np.arange(30) % 15 > 9)).drop_vars("site")
    labels = labels.assign_coords(layer=("neuroid", site))
    lesions = cluster_lesions(labels, recording, Zero(), n_random=4, rng=0)
    assert [lesion.role for lesion in lesions[:5]] == ["sham", *["target"] * 4]
    third = {}
    for name in ("early", "late"):
        here = recording.isel(neuroid=np.flatnonzero(site == name))
        rank = np.argsort(np.argsort(here.values.mean(axis=0)))
        third |= {(name, unit): k * 3 // 15 for unit, k in zip(here["unit"].values, rank)}
    for lesion in lesions[5:]:
        (target,) = [one for one in lesions[1:5] if one.name == lesion.name]
        ((name, units),), ((wanted, own),) = lesion.roi.units.items(), target.roi.units.items()
        assert (name, len(units)) == (wanted, len(own))
        if lesion.family == "activity":
            assert sorted(third[name, unit] for unit in units) == sorted(third[name, unit] for unit in own)
    drawn = {tuple(one.roi.units[next(iter(one.roi.units))]) for one in lesions[5:]}
    assert len(drawn) > 10
