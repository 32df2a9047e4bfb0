"""The axes of the input are called what the layer that reads them calls them."""

import numpy as np
import pytest
from torch import nn

import neurolab as nl


class Turned(nn.Module):
    """Reads (stimulus, token, unit): turned before its convolution."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv1d(8, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.conv(x.transpose(1, 2)).mean(-1))


def sites(*layers, shape):
    model = layers[0] if len(layers) == 1 else nn.Sequential(*layers)
    return nl.Specimen(model.eval(), np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)).sites()


@pytest.mark.parametrize(
    ("layers", "shape", "dims"),
    [
        ([nn.Conv1d(8, 4, 3), nn.Flatten(), nn.Linear(48 * 4, 2)], (8, 50), ("channel", "time")),
        ([nn.BatchNorm1d(8), nn.Flatten(), nn.Linear(400, 2)], (8, 50), ("channel", "time")),
        ([nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(8, 4, 3)), nn.Flatten(), nn.Linear(92, 2)], (8, 50),
         ("channel", "time")),
        ([nn.Linear(8, 4), nn.Flatten(), nn.Linear(200, 2)], (50, 8), ("token", "unit")),
        ([nn.Flatten(), nn.Linear(400, 2)], (50, 8), ("token", "unit")),
        ([Turned()], (50, 8), ("token", "unit")),
        ([nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2)], (1, 8, 8), ("channel", "row", "col")),
    ],
)
def test_input__axes_are_those_of_the_first_layer(layers, shape, dims):
    assert sites(*layers, shape=shape)["input"].dims == dims


def test_input__of_a_conv1d_is_recorded_by_channel():
    layers = nn.Conv1d(8, 4, 3), nn.Flatten(), nn.Linear(48 * 4, 2)
    network = nl.Specimen(nn.Sequential(*layers).eval(), np.ones((2, 8, 50), np.float32), name="eeg")
    values = np.random.default_rng(0).standard_normal((4, 8, 50)).astype(np.float32)
    stimuli = nl.StimulusSet("four", values, {"stimulus_id": list("abcd"), "condition": list("xyxy")})
    seen = nl.record(network, stimuli, ["input"])
    assert dict(seen.sizes) == {"presentation": 4, "neuroid": 8}  # a unit is a channel, its mean over time
    np.testing.assert_allclose(seen.values, values.mean(axis=2), rtol=1e-4, atol=1e-6)
