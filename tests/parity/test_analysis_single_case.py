"""Single cases: one path behind both doors, against the statistics by hand, R's published numbers and scipy."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sps

from neurolab.analysis import single_case
from neurolab.simulate import phantom_trials
from neurolab.stats import single_case as stats
from neurolab.trials import make_trials, to_frame


def people(n=12, tasks=3, seed=0):
    stream = np.random.default_rng(seed)
    scores = stream.normal(size=(n + 1, tasks)) + stream.normal(size=(n + 1, 1))
    scores[0] -= np.linspace(3, 0, tasks)
    return pd.DataFrame(scores, index=[f"p{i}" for i in range(n + 1)], columns=list("XYZ")[:tasks])


@pytest.fixture(scope="module")
def trials():
    return phantom_trials(n_specimens=9, n_stimuli=30, n_controls=2, spread=0.05, rng=3)


def by_hand(trials, case, lesion):
    """The table that a slow loop over trials makes: the case's row after its lesion, everybody else's sham."""
    frame = to_frame(trials)
    rows = {}
    for who in dict.fromkeys(frame["specimen"]):
        wanted = lesion if who == case else f"{lesion} | sham"
        mine = frame[(frame["specimen"] == who) & (frame["lesion_id"] == wanted)]
        rows[who] = {task: np.mean(part["score"].to_numpy()) for task, part in mine.groupby("task", sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.parametrize("difference", ["revised", "unstandardised", "bayesian"])
def test_the_same_numbers_through_both_doors_give_the_same_bits(trials, difference):
    network = single_case(trials, case="phantom-2", lesion="B", difference=difference, rng=5)
    patient = single_case(by_hand(trials, "phantom-2", "B"), case="phantom-2", difference=difference, rng=5)
    assert network.attrs["inputs"] == patient.attrs["inputs"]
    for name in network.data_vars:
        np.testing.assert_array_equal(network[name].values, patient[name].values, err_msg=name)
    assert list(network["control_id"].values) == list(patient["control_id"].values)
    told = {"estimand", "generalises_over", "note", "source", "verdict", "reasons", "undermined_by"}
    same = set(network.attrs) - told
    assert {name: network.attrs[name] for name in same} == {name: patient.attrs[name] for name in same}
    assert (network.attrs["generalises_over"], patient.attrs["generalises_over"]) == ("specimen", "subject")
    assert "before its lesion already" in network.attrs["undermined_by"]  # the trials know its intact score
    assert "before its lesion" not in patient.attrs["undermined_by"]
    assert "networks" in network.attrs["note"]
    assert "people" in patient.attrs["note"]


def test_patients_as_trials_are_their_table():
    table = people()
    trials = make_trials(
        table.to_numpy()[:, None, :], specimen=list(table.index), kind="brain",
        lesions={"lesion_id": ["as they are"], "roi": ["none"], "role": ["sham"]},
        trial={"task": list(table), "stimulus_id": list(table), "condition": ["test"] * 3},
        tasks={task: {"unit": "score", "bounded": False, "chance": None} for task in table},
    )  # fmt: skip
    one, other = single_case(trials, case="p0", rng=0), single_case(table, case="p0", rng=0)
    for name in ("p", "t", "effect", "difference_p", "bsdt_p"):
        np.testing.assert_array_equal(one[name].values, other[name].values)
    assert one.attrs["generalises_over"] == "subject"


def test_every_number_is_that_of_the_array_floor():
    table = people()
    found = single_case(table, case="p0", rng=0)
    controls, case = table.to_numpy()[1:], table.to_numpy()[0]
    for j, task in enumerate(table):
        test, at = stats.crawford_howell(case[j], controls[:, j]), found.sel(case="p0", task=task)
        for name in ("t", "df", "p", "effect", "low", "high", "percent_below", "percent_low", "percent_high"):
            assert float(at[name]) == getattr(test, name), name
        scipy_test = sps.ttest_ind([case[j]], controls[:, j], alternative="less")
        assert float(at["p"]) == pytest.approx(scipy_test.pvalue, rel=1e-10)
        assert float(at["control_sd"]) == np.std(controls[:, j], ddof=1)
        np.testing.assert_allclose(at["control_z"], sps.zscore(controls[:, j], ddof=1), rtol=1e-12)
    for (x, y), pair in zip(itertools.combinations(range(3), 2), found["pair"].values):
        at = found.sel(case="p0", pair=pair)
        test = stats.revised_standardised_difference(case[[x, y]], controls[:, [x, y]])
        assert (float(at["difference_t"]), float(at["difference_p"])) == (test.t, test.p)
        assert str(at["classification"].values) == stats.classify(case[[x, y]], controls[:, [x, y]]).verdict
        raw = single_case(table, case="p0", difference="unstandardised", rng=0).sel(case="p0", pair=pair)
        test = stats.unstandardised_difference(case[[x, y]], controls[:, [x, y]])
        assert (float(raw["difference_p"]), float(raw["difference_low"])) == (test.p, test.low)


def test_v1_and_v3_through_the_verb():
    # statistics.md V3: case at -2, 20 controls with mean 0 and sd 1 exactly (singcar's own tests)
    raw = np.random.default_rng(0).normal(size=20)
    controls = (raw - raw.mean()) / raw.std(ddof=1)
    table = pd.DataFrame({"X": [-2.0, *controls]})
    found = single_case(table, case="0", rng=0).isel(case=0, task=0)
    assert (float(found["t"]), float(found["p"])) == pytest.approx((-1.9518001, 0.0329301), rel=1e-6)
    np.testing.assert_allclose((found["low"], found["high"]), (-2.7595, -1.2229), rtol=1e-4)
    up = single_case(-table, case="0", alternative="greater", rng=0).isel(case=0, task=0)
    assert float(up["p"]) == pytest.approx(0.0329301, rel=1e-6)


def test_v6_bayesian_difference_through_the_verb():
    # statistics.md V6: calibrated prior; standard theory .27849, so near it
    raw = np.random.default_rng(20).normal(size=(20, 2))
    q = np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(19)
    controls = np.column_stack((q[:, 0], 0.68 * q[:, 0] + np.sqrt(1 - 0.68**2) * q[:, 1]))
    table = pd.DataFrame(np.vstack(([-2, -3], controls)), columns=["X", "Y"])
    found = single_case(table, case="0", rng=0).isel(case=0, pair=0)
    assert float(found["difference_t"]) == pytest.approx(1.1643342, rel=1e-6)
    assert float(found["difference_p"]) == pytest.approx(0.2587008, rel=1e-6)
    assert float(found["bsdt_p"]) == pytest.approx(0.27849, abs=0.04)
    assert (float(found["difference_low"]), float(found["difference_high"])) == (found["bsdt_low"], found["bsdt_high"])


def test_covariates_are_those_of_the_array_floor():
    table = people().assign(age=np.random.default_rng(1).uniform(20, 70, 13))
    found = single_case(table, case="p0", covariates="age", rng=0)
    case, controls = table.iloc[0], table.iloc[1:]
    given = {"case_covariates": case["age"], "covariates": controls["age"]}
    test = stats.deficit_with_covariates(case["X"], controls["X"], **given)
    at = found.sel(case="p0", task="X")
    assert (float(at["t"]), float(at["effect"]), float(at["df"])) == (test.t, test.effect, test.df)
    assert list(found["task"].values) == ["X", "Y", "Z"]
    assert (found["difference_p"].values == found["bsdt_p"].values).all()
    design = np.column_stack((np.ones(12), controls["age"]))
    left = controls["X"] - design @ np.linalg.lstsq(design, controls["X"], rcond=None)[0]
    np.testing.assert_allclose(found["control_z"].sel(task="X"), left / np.sqrt((left**2).sum() / 10), rtol=1e-9)


def test_two_cases_make_a_double_dissociation_as_classify_says():
    table = people(tasks=2)
    table.loc["q"] = [table["X"].mean() + 0.5, table["Y"].mean() - 9]
    table.loc["p0"] = [table["X"].mean() - 9, table["Y"].mean() + 0.5]
    found = single_case(table, case=["p0", "q"], rng=0)
    controls = table.drop(["p0", "q"]).to_numpy()
    other = stats.classify(table.loc["p0"], controls, other=table.loc["q"])
    assert other.verdict == "double dissociation"
    assert bool(found["double"].item())
    assert found.attrs["verdict"].startswith("double dissociation of X and Y by p0 and q; p0: classical dissociation")
    table.loc["q"] = table.loc["p0"] + 0.1
    same_side = single_case(table, case=["p0", "q"], rng=0)
    assert "dissociation" in same_side.attrs["verdict"]
    assert not bool(same_side["double"].item())
    alone = single_case(table, case="p0", controls=list(table.index[1:-1]), rng=0)
    assert not bool(alone["double"].item())


def test_two_networks_with_two_lesions(trials):
    found = single_case(trials, case=["phantom-0", "phantom-1"], lesion=["A", "B"], rng=0)
    assert found["lesion"].values.tolist() == ["A", "B"]
    assert found.sizes["control_id"] == 7
    one = by_hand(trials, "phantom-1", "B")
    assert float(found["score"].sel(case="phantom-1", task="Y")) == one.loc["phantom-1", "Y"]
    np.testing.assert_array_equal(found["control_score"].sel(task="X"), one["X"].iloc[2:])


def test_controls_are_named_or_labelled(trials):
    table = people(tasks=1).assign(group=["patient", *["control"] * 9, *["patient"] * 3])
    by_label = single_case(table, case="p0", controls={"group": "control"}, rng=0)
    by_name = single_case(table, case="p0", controls=list(table.index[1:10]), rng=0)
    assert by_label.attrs["n"] == by_name.attrs["n"] == 9
    assert float(by_label["p"].item()) == float(by_name["p"].item())
    labelled = trials.assign_coords(kind=("specimen", ["a"] * 3 + ["b"] * 6), loss=("specimen", np.arange(9.0)))
    found = single_case(labelled, case="phantom-0", lesion="A", controls={"kind": "b"}, covariates="loss", rng=0)
    assert found.attrs["n"] == 6
    assert "outside those of all controls" in " ".join(json.loads(found.attrs["undermined_by"]))


def test_the_rng_moves_the_bayesian_numbers_only():
    first, second = (single_case(people(), case="p0", rng=rng) for rng in (0, 1))
    assert (first["bsdt_p"].values != second["bsdt_p"].values).all()
    for name in ("p", "t", "effect", "difference_p"):
        assert (first[name].values == second[name].values).all()
