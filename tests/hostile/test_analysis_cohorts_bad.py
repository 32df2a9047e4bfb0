"""Cohorts that cannot be compared, batteries that cannot be read: refused, or flagged in the result."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurolab as nl
from neurolab.analysis import (
    compare_cohorts,
    damage_battery,
    damage_indices,
    game_indices,
    greedy_roi,
    index_mean,
    indices_of,
    profile,
    trend,
    tuning_indices,
)
from neurolab.errors import DataError, DesignError, ReplicationUnitError, UnknownNameError
from neurolab.simulate import phantom_recording, phantom_trials
from neurolab.stats.trend import brunner_munzel_trend, jonckheere
from neurolab.stats.tuning import gini, tuning


def table(name="control", n=8, accuracy=0.9, seed=0, **more):
    draw = np.random.default_rng(seed)
    columns = {"accuracy": accuracy + 0.001 * draw.random(n), "redundancy": draw.normal(size=n), **more}
    return pd.DataFrame(columns, index=[f"{name} seed {k}" for k in range(n)])


def flags(found):
    return json.loads(found.attrs["undermined_by"])


@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_network_without_the_index_does_not_vanish_wherever_it_stands(place):
    def ed50(name, values):
        return xr.DataArray(values, dims="specimen", coords={"specimen": [f"{name} seed {k}" for k in range(8)]},
                            name="ED50")

    values = np.arange(1.0, 9)
    values[place] = np.nan
    given = {"dropout": ed50("dropout", values), "control": ed50("control", np.arange(8.0))}
    said = f"dropout: ED50 is not defined in 1 of 8 networks (seed {place}), 7 are left"
    own = index_mean(given, index="ED50", rng=0)
    pair = compare_cohorts(given, against="control", matched_on=None, rng=0)
    line = trend({0: given["control"], 1: given["dropout"], 2: given["control"]}, matched_on=None, rng=0)
    for found in (own, pair):
        assert found.attrs["n"] == 8
        assert any(one.startswith(said) for one in flags(found))
    assert any("ED50 is not defined in 1 of 8 networks" in one for one in flags(line))
    assert np.isnan(own["p"].sel(condition="dropout"))
    assert np.isfinite(own["p"].sel(condition="control"))
    assert np.isnan(pair["p"]).all()
    claimed = nl.analysis.claim("It rises.", own.sel(condition="dropout"), expects="more")
    assert claimed.attrs["verdict"] == "not shown"
    assert said in claimed.attrs["undermined_by"]


def test_networks_of_unequal_accuracy_are_compared_and_flagged():
    given = {"control": table(), "dropout": table("dropout", accuracy=0.7, seed=1), "same": table("same", seed=2)}
    found = compare_cohorts(given, against="control", rng=0)
    assert found["equal"].sel(matched="accuracy").values.tolist() == [False, True]
    assert len(flags(found)) == 1
    assert "dropout (0.7" in flags(found)[0]
    assert "not shown to be equal in accuracy within 0.02" in flags(found)[0]
    along = trend({0.0: table(), 0.5: table(seed=1), 1.0: table(accuracy=0.5, seed=2)}, rng=0)
    assert along["equal"].sel(matched="accuracy").values.tolist() == [True, True, False]
    assert len(flags(along)) == 1


def test_not_looking_at_accuracy_is_recorded():
    given = {"control": table(), "dropout": table("dropout", accuracy=0.7)}
    found = compare_cohorts(given, against="control", matched_on=None, rng=0)
    assert flags(found) == ["Nothing was matched: it was not looked at whether the cohorts are equally accurate."]
    bare = {name: one[["redundancy"]] for name, one in given.items()}
    with pytest.raises(UnknownNameError, match="matched_on=None"):
        compare_cohorts(bare, against="control", rng=0)


def test_few_networks_say_what_they_cannot_show():
    given = {"control": table(n=4), "dropout": table("dropout", n=4, seed=1)}
    assert "use 6 or more" in compare_cohorts(given, against="control", rng=0).attrs["note"]
    with pytest.raises(DesignError, match="1 network"):
        compare_cohorts({"control": table(n=1), "dropout": table("dropout", n=1)}, against="control", rng=0)


def test_an_index_that_a_network_lacks_is_not_defined_and_spoils_no_other():
    broken = table("dropout", seed=1)
    broken.loc["dropout seed 3", "redundancy"] = np.nan
    given = {"control": table(), "dropout": broken}
    found = compare_cohorts(given, against="control", rng=0).sel(condition="dropout")
    assert np.isnan(found["p"].sel(index="redundancy"))
    assert np.isfinite(found["p"].sel(index="accuracy"))
    assert np.isnan(index_mean(given, index="redundancy", rng=0)["p"].sel(condition="dropout"))
    three = {0.0: table(), 0.5: broken, 1.0: table(seed=2)}
    assert np.isnan(trend(three, rng=0)["p"].sel(index="redundancy"))


@pytest.mark.parametrize(
    ("given", "more", "error", "words"),
    [
        ({"control": table()}, {}, DesignError, "Two cohorts"),
        ({"control": table(), "b": table("b")}, {"against": "contrl"}, UnknownNameError, "Did you mean 'control'"),
        ({"control": table(), "b": 3}, {}, DesignError, "one number per network"),
        ({"control": table(), "b": table("b").iloc[[0, 0, 1]]}, {}, ReplicationUnitError, "counts once"),
        ({"control": table(), "b": table("b").rename(index=str.upper)}, {"paired": True}, DesignError, "seeds"),
        ({"control": table(), "b": table("b")}, {"indices": ["redundance"]}, UnknownNameError, "'redundancy'"),
        ({"control": table(), "b": table("b")[[]]}, {}, DesignError, "no index in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, more, error, words):
    with pytest.raises(error, match=words):
        compare_cohorts(given, **{"against": "control", "matched_on": None, "rng": 0, **more})


def test_plain_numbers_per_network_are_profiles_too():
    coords = {"specimen": [f"net seed {k}" for k in range(8)]}
    one, two = (xr.DataArray(np.arange(8.0) + k, dims="specimen", coords=coords, name="ED50") for k in (0, 1))
    found = compare_cohorts({"control": one, "dropout": two}, against="control", matched_on=None, rng=0)
    assert float(found["effect"].sel(condition="dropout", index="ED50")) == 1.0
    assert list(profile([one]).columns) == ["ED50"]


def test_levels_that_are_no_levels_are_refused():
    with pytest.raises(DesignError, match="no numbers"):
        trend({"a": table(), "b": table(seed=1), "c": table(seed=2)}, rng=0)
    with pytest.raises(DesignError, match="three or more"):
        trend({0.0: table(), 1.0: table(seed=1)}, rng=0)
    named = trend({"a": table(), "b": table(seed=1), "c": table(seed=2)}, levels=[0, 1, 2], rng=0)
    assert named["level"].values.tolist() == [0, 1, 2]


def test_parts_of_a_profile_that_disagree_or_lack_a_network_are_refused():
    with pytest.raises(DataError, match="give 'accuracy' of"):
        profile([table(), table(accuracy=0.1)])
    with pytest.raises(DataError, match="lacks 'redundancy of control seed 7'"):
        profile([table()[["accuracy"]], table().iloc[:7][["redundancy"]]])
    with pytest.raises(DataError, match="no parts"):
        profile([])


def test_a_battery_is_needed_and_a_score_that_can_fall():
    with pytest.raises(DesignError, match="no battery"):
        damage_indices(phantom_trials(bounded=False, chance=0.0, rng=0), task="X", graded="Y")
    battery = phantom_trials(deficits={"all units, Zero": {"X": 0.1, "Y": 0.1}}, rng=0)
    with pytest.raises(DesignError, match="log_probability"):
        damage_indices(battery, task="X", graded="Y")
    with pytest.raises(DesignError, match="no site to damage"):
        damage_battery(phantom_recording(n_units=4, selective={}, rng=0), hows=(), rng=0)


def test_a_network_at_chance_has_nothing_to_lose():
    trials = phantom_trials(deficits={"all units, Zero": {"X": 0.0, "Y": 0.0}}, intact=0.4, rng=0)
    tasks = json.loads(trials.attrs["tasks"])
    tasks["Y"]["bounded"] = False
    with pytest.raises(DesignError, match=r"training\.taught"):
        damage_indices(trials.assign_attrs(tasks=json.dumps(tasks)), task="X", graded="Y")


def test_single_deficits_come_from_the_same_network():
    recording = phantom_recording(n_units=4, rng=0, selective={})
    with pytest.raises(DesignError, match="this one network"):
        tuning_indices(recording, phantom_trials(rng=0), graded="X")
    with pytest.raises(DesignError, match="lack the lesions of"):
        tuning_indices(recording, phantom_trials(n_specimens=1, rng=0), graded="X")


def test_a_game_of_one_network_has_no_shape_over_networks():
    plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_specimens=1, rng=0)
    with pytest.raises(DesignError, match="over networks"):
        game_indices(nl.analysis.shapley(trials, task="X", rng=0))
    with pytest.raises(DesignError, match="no value per network"):
        indices_of(nl.analysis.shapley(trials, task="X", rng=0))


def test_greedy_asks_for_no_more_units_than_there_are():
    with pytest.raises(DesignError, match="the pool has 4"):
        greedy_roi(None, phantom_recording(n_units=4, selective={}, rng=0), nl.Zero(), name="a", task="t", top=5)


@pytest.mark.parametrize("groups", [[[0.1, 0, 0], [0] * 3, [0] * 12], [[1, 1, 0.9], [1] * 3, [1] * 12]])
def test_one_odd_network_among_many_alike_is_no_trend(groups):
    """Of 18 places that the odd one may have, 3 are as extreme; p was .0002, and a third the other way round."""
    tables = {level: table(f"level {level}", len(x), **{"dead units": x}) for level, x in enumerate(groups)}
    found = trend(tables, indices=["dead units"], rng=0).isel(index=0)
    assert [float(found[name]) for name in ("p", "p_floor", "q")] == pytest.approx([1 / 3] * 3)


def test_trends_tunings_and_shares_of_nothing():
    with pytest.raises(DesignError, match="No two values"):
        jonckheere([1, 1, 1], [1.0, 2, 3])
    with pytest.raises(DesignError, match="No two values"):
        jonckheere([1, 2, 3], [1.0, 2, 3], blocks=["a", "b", "c"])
    with pytest.raises(DesignError, match="one label per value"):
        jonckheere([1, 2, 3], [1.0, 2, 3], blocks=["a", "b"])
    with pytest.raises(DesignError, match="rng=None"):
        jonckheere(range(30), [1.0, 1.0, *range(28)])
    same = jonckheere([1, 2, 3], [1.0, 1, 1])
    assert (same.p, same.p_floor, same.note) == (1.0, 1.0, "all 3 values are 1: constant.")
    with pytest.raises(DesignError, match="leave out a level of one value"):
        brunner_munzel_trend([1, 1, 2], [1.0, 2, 3])
    assert brunner_munzel_trend([1, 1, 2, 2], [1.0, 1, 1, 1]) == 1.0
    assert 0 < brunner_munzel_trend([1, 1, 2, 2], [1.0, 1, 2, 2]) < 1e-300
    assert "cannot reach" in jonckheere([1, 2, 3], [1.0, 2, 3]).note
    with pytest.raises(DesignError, match="four rows"):
        tuning(np.ones((8, 2)), [0, 0, 0, 1, 1, 1, 1, 1])
    with pytest.raises(DataError, match="one class per row"):
        tuning(np.ones((8, 2)), [0, 1])
    assert np.isnan(gini([0.0, 0.0]))
