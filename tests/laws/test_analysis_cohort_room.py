"""Cohorts at floor or at ceiling are said to be, and the means of both stand beside their difference."""

import json

import numpy as np
import pandas as pd
import pytest

from neurolab.analysis import arm_scores, claim, compare_cohorts
from neurolab.report import printed_table
from neurolab.simulate import phantom_trials

LEVELS = {"intact": 0.008, "cut": 0.001, "trained": 0.5, "best": 0.995}


def tables(chance=None, levels=LEVELS):
    draw, found = np.random.default_rng(0), {}
    for name, level in levels.items():
        values = {"habit": level + 0.0002 * draw.random(8), "other": 0.3 + 0.01 * draw.random(8)}
        found[name] = pd.DataFrame(values, index=[f"{name} seed {seed}" for seed in range(8)])
        found[name].attrs["bounded"] = {} if chance is None else {"habit": chance}
    return found


def said(given, **more):
    found = compare_cohorts(given, against="intact", matched_on=None, rng=0, **more)
    return [line for line in json.loads(found.attrs["undermined_by"]) if " is at " in line], found


def test_floors_and_ceilings_of_scores_are_said():
    lines, found = said(tables(chance=np.nan))
    assert lines == [
        "habit of intact is at floor (mean 0.008): it could hardly have fallen further.",
        "habit of cut is at floor (mean 0.001): it could hardly have fallen further.",
        "habit of best is at ceiling (mean 0.995): it could hardly have risen further.",
    ]
    one = claim("So.", found.sel(condition="trained", index="habit"), expects="more")
    assert lines[0] in json.loads(one.attrs["undermined_by"])
    assert not {lines[1], lines[2]} & set(json.loads(one.attrs["undermined_by"]))
    other = claim("So.", found.sel(condition="cut", index="other"), expects="more")
    assert not set(lines) & set(json.loads(other.attrs["undermined_by"]))
    assert said(tables(chance=0.5))[0][2].startswith("habit of trained is at floor (mean 0.500)")


def test_nothing_is_said_of_what_may_lie_anywhere():
    assert said(tables())[0] == []
    known = tables(chance=0.0)
    known["cut"].attrs = {}
    assert said(known)[0] == []


def test_the_scores_of_arms_are_known_to_lie_between_0_and_1():
    trials = phantom_trials(rng=0, n_specimens=3).isel(lesion=[0, 1])
    trials = trials.assign_coords(ladder=("lesion", ["a", "b"]), rung=("lesion", [5.0, 5.0]))
    trials = trials.assign_coords(role=("lesion", ["target", "target"]))
    assert arm_scores(trials)["a"].attrs["bounded"] == {"X": 0.5, "Y": 0.5}
    about = json.loads(trials.attrs["tasks"]) | {"Y": {"bounded": False, "chance": 0.0}}
    assert arm_scores(trials.assign_attrs(tasks=json.dumps(about)))["a"].attrs["bounded"] == {"X": 0.5}


@pytest.mark.parametrize("picked", [{}, {"index": "habit"}, {"condition": "cut"},
                                    {"condition": "cut", "index": "habit"}])  # fmt: skip
def test_the_means_of_both_cohorts_stand_beside_their_difference(picked):
    _, found = said(tables())
    means = [float(found["mean"].sel(cohort=name, index="habit")) for name in ("cut", "intact")]
    text = printed_table({"found": found.sel(picked)})
    assert f"(mean {means[0]:.3f}, intact {means[1]:.3f})" in text
