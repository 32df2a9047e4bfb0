"""A network that cannot take the stimuli is told what they have and what it takes, not what torch multiplied."""

import numpy as np
import pytest
from torch import nn

import neurolab as nl
from neurolab.errors import SpecimenError

TABLE = {"stimulus_id": list("abcd"), "condition": list("xyxy"), "label": [0, 1, 0, 1]}


def stimuli(*shape, dtype=np.float32):
    return nl.StimulusSet("four", np.zeros((4, *shape), dtype), TABLE)


@pytest.mark.parametrize("make", [nl.train_cohort, nl.specimen.untrained_cohort])
def test_train__a_perceptron_of_another_width_is_told_both_widths(make):
    digits = nl.datasets.load_stimuli("digits-train")
    with pytest.raises(SpecimenError) as told:
        make(lambda: nl.specimen.mlp(32, 8, 10), digits, n=2, rng=0)
    said = str(told.value)
    assert "stimuli of shape (64,) float32" in said
    assert "which takes 32 numbers of a stimulus" in said
    assert "nl.specimen.mlp, 64, 128" in said
    nl.specimen.untrained_cohort(lambda: nl.specimen.mlp(64, 8, 10), digits, n=1, rng=0)


@pytest.mark.parametrize(
    ("build", "shape", "layer"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 2)), (1, 8, 8), "Conv2d"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (3, 3), "Linear"),
        (lambda: nn.Sequential(nn.Conv1d(2, 2, 3), nn.Flatten(), nn.Linear(4, 2)), (4, 4), "Conv1d"),
    ],
)
def test_train__other_layers_and_shapes(build, shape, layer):
    with pytest.raises(SpecimenError, match=layer) as told:
        nl.train_cohort(build, stimuli(*shape), n=1, rng=0)
    assert f"stimuli of shape {shape}" in str(told.value)
