"""Tables of people as they come: text for numbers, ages, codes, sessions and patients among the controls."""

import json

import numpy as np
import pandas as pd
import pytest

from neurolab.analysis import single_case
from neurolab.errors import DataError, ReplicationUnitError, SchemaError, UnknownNameError
from neurolab.report import printed_table

NAMES = ["P", *(f"c{at}" for at in range(1, 25))]


def people(**columns):
    stream = np.random.default_rng(3)
    made = {"naming": stream.normal(90, 3, 25), "reading": stream.normal(80, 3, 25)}
    return pd.DataFrame({**made, **columns}, index=NAMES)


def case(table, **kept):
    return single_case(table, **{"case": "P", "rng": 0, **kept})


def flags(table, **kept):
    return json.loads(case(table, **kept).attrs["undermined_by"])


def typed(error, table):
    """What the error says to type, typed."""
    advice = str(error.value).partition("ype ")[2].partition(", or name")[0].removesuffix(".")
    return eval(advice, {"table": table, "pd": pd})


@pytest.mark.parametrize(
    "text",
    [lambda v: f"{v:.3f}%", lambda v: f"{v:.3f} %", lambda v: f"{v:.3f}".replace(".", ","), lambda v: v],
)
@pytest.mark.parametrize("tasks", [None, ["naming", "reading"]])
def test_numbers_as_text__are_not_dropped_and_the_advice_works(text, tasks):
    cells = [text(value) for value in people()["naming"]]
    table = people(naming=[*cells[:-1], "n/a"])
    said = r"'naming' holds .*Type table\.assign.*name the tasks: tasks=\['reading'\]"
    with pytest.raises(SchemaError, match=said) as e:
        case(table, tasks=tasks)
    found = case(typed(e, table), tasks=tasks)
    assert found["n_controls"].sel(task="naming").item() == 23
    wanted = float(case(people())["score"].sel(task="naming").item())
    assert float(found["score"].sel(task="naming").item()) == pytest.approx(wanted, abs=1e-3)


def test_numbers_as_text__of_a_name_with_a_space_have_advice_that_works():
    table = people().rename(columns={"naming": "digit span"})
    table["digit span"] = table["digit span"].astype(str)
    with pytest.raises(SchemaError) as e:
        case(table)
    assert case(typed(e, table))["task"].values.tolist() == ["digit span", "reading"]


def test_text__that_is_no_number_is_no_task():
    table = people(hand=["left"] * 25, few=["9", *["none"] * 24], ok=[True] * 25, about=[None] * 25)
    assert case(table)["task"].values.tolist() == ["naming", "reading"]
    with pytest.raises(SchemaError, match=r"'hand' holds .*'left', not numbers\. Name the tasks"):
        case(table, tasks="hand")
    with pytest.raises(SchemaError, match=r"Type table\.assign\(ok=table\['ok'\]\.astype\(float\)\)"):
        case(table, tasks="ok")


def test_text__that_was_named_for_something_else_is_left_alone():
    table = people(centre=["1"] * 20 + ["2"] * 5, age=["50"] * 25)
    assert case(table, controls={"centre": 1})["task"].values.tolist() == ["naming", "reading"]


def test_other_side__is_flagged_with_the_argument_that_tests_it():
    table = people(errors=np.r_[30.0, np.random.default_rng(0).normal(2, 1, 24)])
    said, = flags(table)
    assert said.startswith("P lies ")
    assert said.endswith("sds above the controls on errors: if high is bad, type alternative='greater' or negate that "
                         "column.")  # fmt: skip
    assert "below" in flags(table.assign(errors=-table["errors"]), alternative="greater")[0]
    assert not flags(table, tasks="errors", alternative="greater")
    assert not flags(people())


def test_age_and_the_like__are_no_tasks_unless_they_are_asked_for():
    years = np.random.default_rng(1).integers(40, 70, 25)
    table = people(Age=years, sex=years % 2, Session=1, id=range(25))
    found = case(table)
    assert found["task"].values.tolist() == ["naming", "reading"]
    assert "Not taken for tasks: 'Age', 'sex', 'Session', 'id'. To test one type tasks=['Age']." in found.attrs["note"]
    assert case(table, tasks=["Age"])["task"].values.tolist() == ["Age"]
    given = case(table, covariates="Age")
    assert given["task"].values.tolist() == ["naming", "reading"]
    assert "'Age'" not in given.attrs["note"]
    with pytest.raises(SchemaError, match=r"no column of numbers.*Not taken for tasks: 'Age'"):
        case(table[["Age"]])


def test_sessions__are_not_people():
    long = people().reset_index(drop=True)
    where = pd.MultiIndex.from_product([["P", "a", "b", "c", "d"], range(5)], names=["who", "session"])
    with pytest.raises(ReplicationUnitError, match=r"sessions are not people.*groupby\(level=0\)"):
        case(long.set_axis(where), case="('P', 0)")
    assert case(long.set_axis(where).groupby(level=0).mean(numeric_only=True))["n_controls"].values.tolist() == [4, 4]
    for who in ("Subject", "participant", "who", "person"):
        flat = long.set_axis([f"r{at}" for at in range(25)]).assign(**{who: where.get_level_values(0)})
        with pytest.raises(ReplicationUnitError, match="names 'P' more than once among 25 rows"):
            case(flat, case="r0")
    for again in ("session", "Visit", "run"):
        flat = long.set_axis([f"r{at}" for at in range(25)]).assign(**{again: where.get_level_values(1)})
        with pytest.raises(ReplicationUnitError, match="sessions are not people") as e:
            case(flat, case="r0")
        assert f"table.drop(columns='{again}')" in str(e.value)
        assert case(flat.drop(columns=again), case="r0")["n_controls"].values.tolist() == [24, 24]
    flat = flat.drop(columns="run").assign(session=where.get_level_values(1), subject=where.get_level_values(0))
    with pytest.raises(ReplicationUnitError) as e:
        case(flat, case="r0")
    advice = str(e.value).partition("Average first: ")[2].partition(". If each")[0]
    assert case(eval(advice, {"table": flat}))["n_controls"].values.tolist() == [4, 4]


def test_one_session__and_people_named_once_are_a_sample():
    assert case(people(session=1, subject=NAMES))["n_controls"].values.tolist() == [24, 24]


def test_patients_among_the_controls__are_said_with_what_leaves_them_out():
    table = people(Group=["patient"] * 4 + ["healthy"] * 21)
    said, = flags(table)
    assert said == "controls include 3 with the case's own Group 'patient': type controls={'Group': 'healthy'}."
    assert not flags(table, controls={"Group": "healthy"})
    assert not flags(people(group=["patient"] + ["healthy"] * 24))
    assert not flags(people(group=["healthy"] * 25))


def test_a_code_for_missing__is_named():
    table = people()
    table.loc["c7", "reading"] = 999.0
    said = next(line for line in flags(table) if "code" in line)
    assert said.startswith("The control c7 scores 999 on reading, ")
    assert said.endswith("median absolute deviations from the controls' median: if that is a code for a missing score, "
                         "make it NaN.")  # fmt: skip
    easy = people(easy=[0.5] + [1.0] * 20 + [0.95, 0.9, 0.85, 0.8])
    assert not any("code" in line for line in flags(easy))
    assert any("control c24 scores -9 on easy" in line for line in flags(easy.replace({"easy": {0.8: -9.0}})))


def test_covariates__head_the_plain_mean_and_sd_as_unadjusted():
    table = people(age=np.random.default_rng(1).integers(40, 70, 25))
    assert "control mean (unadjusted)" in printed_table(case(table, covariates="age"))
    assert "unadjusted" not in printed_table(case(table))


def test_names_in_a_column__are_found_and_the_advice_works():
    table = people().reset_index(names="who it is")
    with pytest.raises(UnknownNameError, match=r"type table\.set_index\('who it is'\)"):
        case(table)
    assert case(table.set_index("who it is"))["n_controls"].values.tolist() == [24, 24]
    with pytest.raises(UnknownNameError) as e:
        case(table, case="Q")
    assert "set_index" not in str(e.value)


def test_a_case_without_a_score__is_still_refused():
    with pytest.raises(DataError, match="no score on 'naming'"):
        case(people(naming=[np.nan, *np.arange(24.0)]))
