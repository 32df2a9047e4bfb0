"""A table prints the tests that were made: no row of not-defined numbers for one that nobody asked for."""

import numpy as np

from neurolab.analysis import interaction
from neurolab.report import printed_table, result_table
from neurolab.simulate import phantom_trials

PLAN = {"A": {"X": 1.0}, "B": {"X": 1.0}, "A + B": {"X": 2.0}}


def found(**bound):
    trials = phantom_trials(deficits=PLAN, intact=5.0, bounded=False, chance=0.0, rng=0)
    return interaction(trials, a="A", b="B", both="A + B", task="X", rng=0, **bound)


def test_without_a_bound__additivity_has_no_row():
    table = result_table(found())
    assert table["what"].tolist() == ["X: both lesions − the sum of each"]
    assert "not defined" not in printed_table({"interaction": found()})
    assert np.isfinite(table[["effect", "low", "high", "p", "p_floor"]].to_numpy()).all()


def test_with_a_bound__additivity_has_its_row():
    result = found(additive_within=0.1)
    table = result_table(result)
    assert table["what"].tolist()[1] == "additive"
    assert table["p"].tolist() == [float(result["p"]), float(result["additive_p"])]
