"""Tasks of the heads of a network: as written by hand, column by column, and refused where nothing competes."""

import numpy as np
import pytest

import neurolab as nl
from neurolab.specimen import head_tasks

PAIRS = nl.datasets.load_stimuli("digit-pairs").take(range(40))


@pytest.mark.parametrize("score", [nl.scores.LogProbability, nl.scores.Accuracy, nl.scores.Margin])
def test_head_tasks__score_each_label_among_the_outputs_of_its_head(score):
    outputs = np.random.default_rng(0).normal(size=(40, 20))
    left, right = head_tasks(PAIRS.assign(right_output=0), ("left", "right"), n_outputs=20, score=score)
    assert (left.name, right.name) == ("name left", "name right")
    for task, places, digit in ((left, slice(0, 10), "left"), (right, slice(10, 20), "right")):
        alone = score()(outputs[:, places], PAIRS.table.assign(label=PAIRS.table[digit]))
        np.testing.assert_allclose(task.score(outputs, task.stimuli.table), alone, rtol=1e-12)


def test_head_tasks__take_the_labels_as_training_does():
    named = head_tasks(PAIRS, {"right": range(10, 20), "left": range(10)}, n_outputs=20, name="the {} one")
    assert [(task.name, task.score.columns[0]) for task in named] == [("the right one", 10), ("the left one", 0)]
    assert head_tasks(PAIRS, "left", n_outputs=10)[0].stimuli.digest == PAIRS.digest
    with pytest.raises(nl.errors.DataError, match="evenly"):
        head_tasks(PAIRS, ("left", "right"), n_outputs=21)
    with pytest.raises(nl.errors.DataError, match="YesNo"):
        head_tasks(PAIRS.assign(even=1), {"left": range(10), "even": 10}, n_outputs=11)
    with pytest.raises(nl.errors.DataError, match="Did you mean 'right'"):
        head_tasks(PAIRS, ("left", "rigth"), n_outputs=20)
