"""Single cases handed bad data: refused with what to type, or flagged; never infinite, nobody dropped unsaid."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab.analysis import single_case
from neurolab.errors import DataError, DesignError, ReplicationUnitError, SchemaError, UnknownNameError
from neurolab.report import printed_table
from neurolab.simulate import phantom_trials
from neurolab.trials import to_frame


def table(**columns):
    stream = np.random.default_rng(0)
    made = {"X": stream.normal(10, 1, 9), "Y": stream.normal(5, 1, 9), **columns}
    return pd.DataFrame(made, index=list("abcdefghi"))


def case(data=None, **kept):
    return single_case(table() if data is None else data, **{"case": "a", "rng": 0, **kept})


def finite_or_nan(found):
    return all(not np.isinf(value.values).any() for value in found.data_vars.values() if value.dtype.kind == "f")


def test_controls_at_ceiling_are_said_and_never_infinite():
    found = case(table(flat=[0.2] + [1.0] * 8))
    assert finite_or_nan(found)
    at = found.sel(case="a", task="flat")
    assert all(np.isnan(at[name]) for name in ("t", "p", "effect", "low", "high", "p_floor"))
    assert not bool(at["deficit"])
    assert "all 8 controls score 1 on it (ceiling?)" in found.attrs["note"]
    assert found["classification"].values.ravel().tolist()[1:] == ["not tested", "not tested"]
    assert "not tested" in printed_table({"one": found})
    with pytest.raises(DataError, match=r"No task could be tested\. flat was not tested: all 8 controls score 1"):
        case(table(flat=[0.2] + [1.0] * 8), tasks="flat")


def test_spread_that_is_rounding_is_none():
    flat = np.full(9, 0.1) * 3
    flat[4] = 0.3  # 0.1 * 3 is not 0.3 in binary
    flat[0] = 0.0
    assert np.isnan(case(table(flat=flat))["p"].sel(task="flat").item())


def test_a_lesioned_network_among_perfect_ones():
    trials = phantom_trials(n_specimens=5, intact={"X": 1.0, "Y": 0.8}, rng=0)
    found = single_case(trials, case="phantom-0", lesion="A", rng=0)
    assert np.isnan(found["p"].sel(task="X").item())
    assert np.isfinite(found["p"].sel(task="Y").item())
    assert finite_or_nan(found)


def test_many_controls_at_ceiling_are_flagged():
    found = case(table(easy=[0.5, 1, 1, 1, 1, 1, 0.9, 0.8, 0.95]))
    assert found["ceiling"].values.tolist() == [False, False, True]
    assert "Half the controls or more share the best score on easy" in json.loads(found.attrs["undermined_by"])[0]


def test_controls_with_a_tail_of_bad_scores_are_flagged():
    tail = -np.random.default_rng(1).exponential(size=30)
    people = pd.DataFrame({"odd": tail, "even": np.linspace(-1, 1, 30) ** 3}, index=[f"p{at}" for at in range(30)])

    def said(data, **kept):
        return [line for line in case(data, case="p0", **kept).attrs["undermined_by"].split('"') if "skewed" in line]

    line, = said(people)
    assert "skewed on odd (-" in line
    assert "even" not in line
    assert not said(people, alternative="greater")  # the tail lies where errors are few
    assert not said(people.iloc[:7])


def test_missing_people_are_counted_task_by_task():
    holes = table()
    holes.loc[["c", "d"], "Y"] = np.nan
    found = case(holes)
    assert found["n_controls"].values.tolist() == [8, 6]
    assert float(found["df"].sel(task="Y").item()) == 5
    assert float(found["difference_df"].item()) == 5
    assert "2 of 8 controls have no score on Y and are left out there." in found.attrs["note"]
    whole = case(holes.drop(["c", "d"]))
    assert float(found["p"].sel(task="Y").item()) == float(whole["p"].sel(task="Y").item())
    holes.loc["a", "Y"] = np.nan
    with pytest.raises(DataError, match=r"case 'a' has no score on 'Y'.*tasks=\['X'\]"):
        case(holes)


@pytest.mark.parametrize(
    "act, error, said",
    [
        (lambda: case(case="z"), UnknownNameError, "case 'z' is not among them"),
        (lambda: case(tasks=["X", "Q"]), UnknownNameError, "task 'Q'"),
        (lambda: case(controls=["a", "b", "c"]), ReplicationUnitError, "cannot be case and control at once"),
        (lambda: case(controls=["b"]), DesignError, "1 control for 'a'"),
        (lambda: case(table(of=["p"] + ["h"] * 8), controls={"of": "healthy"}), UnknownNameError, "holds 'h', 'p'"),
        (lambda: case(lesion="A"), DesignError, "names a row of trials"),
        (lambda: case(alternative="two-sided"), UnknownNameError, "two-sided"),
        (lambda: case(difference="rsdt"), UnknownNameError, "revised"),
        (lambda: case(difference="revised", covariates="Y", tasks="X"), DesignError, "takes no covariates"),
        (lambda: case(covariates="sex"), UnknownNameError, "covariate 'sex'"),
        (lambda: case(table(sex=list("fmfmfmfmf")), covariates="sex"), DataError, "hold text"),
        (lambda: case(table(age=[50, np.nan, *range(7)]), covariates="age"), DataError, "'b' lack a covariate"),
        (lambda: case(table(X=[np.inf] * 9)), DataError, "infinite"),
        (lambda: case(pd.DataFrame({"name": list("ab")})), UnknownNameError, "case 'a'"),
        (lambda: case(pd.DataFrame({"w": list("uv")}, index=list("ab"))), SchemaError, "no column of numbers"),
        (lambda: case(np.zeros((3, 3))), SchemaError, "one row per person"),
        (lambda: case(xr.DataArray(np.zeros(3))), SchemaError, "DataFrame with one row per person"),
        (lambda: case(case=["a", "a"]), DesignError, "several different ones"),
        (lambda: case(alpha=0.7), DesignError, "alpha=0.7"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(act, error, said):
    with pytest.raises(error, match=said):
        act()


def test_units_folds_and_trials_are_no_sample():
    trials = phantom_trials(n_specimens=4, n_stimuli=4, rng=0)
    with pytest.raises(ReplicationUnitError, match="row per trial, and trials are not people"):
        single_case(to_frame(trials), case="phantom-0", rng=0)
    twice = pd.concat([table(), table().iloc[[2]]])
    with pytest.raises(ReplicationUnitError, match=r"names 'c' more than once.*groupby"):
        case(twice)
    with pytest.raises(DesignError, match="There is one specimen"):
        single_case(trials.isel(specimen=[0]), case="phantom-0", lesion="A", rng=0)
    with pytest.raises(DesignError, match=r"type lesion='A'"):
        single_case(trials, case="phantom-0", rng=0)
    with pytest.raises(DesignError, match="one lesion, or one for each"):
        single_case(trials, case=["phantom-0", "phantom-1"], lesion=["A", "B", "A"], rng=0)


def test_three_controls_have_no_bayesian_test_and_say_so():
    found = case(table().iloc[:4])
    assert np.isfinite(found["difference_p"].item())
    assert np.isnan(found["bsdt_p"].item())
    assert np.isnan(found["difference_low"].item())
    assert "X and Y were not compared (Bayesian standardised difference test)" in found.attrs["note"]


def test_one_score_under_two_names_is_no_pair():
    found = case(table(copy=table()["X"] * 2))
    at = found.sel(pair="X − copy")
    assert np.isnan(at["difference_p"].item())
    assert str(at["classification"].item()) == "not tested"
    assert "they are one score" in found.attrs["note"]


def test_a_network_that_was_odd_before_its_lesion_says_so():
    trials = phantom_trials(n_specimens=8, n_stimuli=50, rng=0)
    trials["score"][0, :, :50] = 0.0
    found = single_case(trials, case="phantom-0", lesion="A", rng=0)
    assert "sds from the controls on X before its lesion already" in " ".join(json.loads(found.attrs["undermined_by"]))


def test_two_extreme_deficits_ask_for_the_bayesian_test():
    data = table()
    data.loc["a"] = [0.0, -9.0]
    found = case(data)
    assert "difference='bayesian'" in " ".join(json.loads(found.attrs["undermined_by"]))
    assert "difference='bayesian'" not in case(data, difference="bayesian").attrs["undermined_by"]


def test_the_table_given_is_left_as_it_was():
    data = table()
    before = data.copy(deep=True)
    case(data)
    pd.testing.assert_frame_equal(data, before)
