"""A thin tail worked on in blocks of rows answers as whole forwards do, whatever lies in it."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen.by_channels import ByChannels
from neurolab.specimen.engine import answers
from neurolab.specimen.skinny import Skinny

ROWS, HIDDEN = 11, 6


class Behind(nn.Module):
    """A perceptron whose second layer is followed by ``act``; ``beside`` is added to it, from the stimulus."""

    def __init__(self, act: nn.Module, beside: bool = False) -> None:
        super().__init__()
        self.first, self.relu, self.second = nn.Linear(5, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 70)
        self.beside = nn.Linear(5, 70) if beside else None
        self.act, self.last = act, nn.Linear(70, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.second(self.relu(self.first(x)))
        return self.last(self.act(z if self.beside is None else z + self.beside(x)))


ACTS = {
    "nothing": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "softmax": lambda: nn.Softmax(-1),
    "layer norm": lambda: nn.LayerNorm(70), "batch norm": lambda: nn.BatchNorm1d(70), "dropout": nn.Dropout,
}


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("act", ACTS)
def test_blocks_answer_as_the_loop_of_hooks(act, beside, monkeypatch):
    monkeypatch.setattr("neurolab.specimen.skinny.NEAR", 3 * 70 * 4)
    grounds: list[Skinny] = []
    own = ByChannels._ground
    monkeypatch.setattr(ByChannels, "_ground", lambda self, at: (grounds.append(own(self, at)), grounds[-1])[1])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = Behind(ACTS[act](), beside).eval().requires_grad_(False)
        inputs = torch.randn(ROWS, 5).numpy()
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(ROWS)], "condition": ["x"] * ROWS})
    stimuli = nl.StimulusSet("eleven", inputs, table)
    sets = [[unit] for unit in range(HIDDEN)] + [[0, 1], [0, 1, 2], [0, 1, 2, 3], [4, 5]]
    cuts = [nl.Lesion(nl.ROI(str(units), {"relu": units}), nl.Zero()) for units in sets]
    design = [nl.sham(cuts[0]), *cuts]
    specimen = nl.Specimen(net, torch.zeros(1, 5))
    fast = dict(answers(specimen, design, stimuli))
    right = dict(answers(specimen, design, stimuli, exact="bit"))
    assert {type(ground) for ground in grounds} == {Skinny}
    assert len(grounds[0].blocks) == (1 if beside else 4)
    for at, want in right.items():
        assert float((fast[at] - want).abs().max()) <= 1e-5 * float(want.abs().max())
    assert torch.equal(fast[0], right[0])
