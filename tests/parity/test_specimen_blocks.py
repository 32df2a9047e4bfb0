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


class Squared(nn.Module):
    """One operation that reads the same tensor twice."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        h = torch.relu(z)
        return h * h


class Added(nn.Module):
    """A read-out whose bias is of every stimulus."""

    def __init__(self, own: bool) -> None:
        super().__init__()
        self.own = own
        self.first, self.bias, self.weight = nn.Linear(5, HIDDEN), nn.Linear(5, 3), nn.Parameter(torch.randn(HIDDEN, 3))
        self.relu, self.second = nn.ReLU(), nn.Linear(HIDDEN, HIDDEN)
        self.last = nn.Linear(HIDDEN, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = torch.tanh(self.second(self.relu(self.first(x))))
        return torch.addmm(self.last(z) if self.own else self.bias(x), z, self.weight)


ACTS = {
    "squared": Squared, "nothing": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh,
    "softmax": lambda: nn.Softmax(-1),
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
    fast, right = both(net, inputs)
    assert {type(ground) for ground in grounds} == {Skinny}
    assert len(grounds[0].blocks) == (1 if beside else 4)
    same(fast, right)


@pytest.mark.parametrize("own", [False, True])
def test_a_layer_with_a_bias_of_every_stimulus_is_no_thin_tail(own):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net, inputs = Added(own).eval().requires_grad_(False), torch.randn(ROWS, 5).numpy()
    same(*both(net, inputs))


def test_batches_are_joined():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net, inputs = Behind(nn.ReLU()).eval().requires_grad_(False), torch.randn(ROWS, 5).numpy()
    (whole, _), (parts, bits) = both(net, inputs), both(net, inputs, batch_size=4)
    for found in (parts, bits):
        assert all(torch.allclose(found[at], want, rtol=1e-4, atol=1e-6) for at, want in whole.items())


def both(net, inputs, **how):
    """The answers to some lesions by default and by whole forwards."""
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(ROWS)], "condition": ["x"] * ROWS})
    stimuli = nl.StimulusSet("eleven", inputs, table)
    sets = [[unit] for unit in range(HIDDEN)] + [[0, 1], [0, 1, 2], [0, 1, 2, 3], [4, 5]]
    cuts = [nl.Lesion(nl.ROI(str(units), {"relu": units}), nl.Zero()) for units in sets]
    design = [nl.sham(cuts[0]), *cuts]
    specimen = nl.Specimen(net, torch.zeros(1, 5))
    fast, right = (dict(answers(specimen, design, stimuli, exact=exact, **how)) for exact in ("rounding", "bit"))
    return fast, right


def same(fast, right):
    for at, want in right.items():
        assert float((fast[at] - want).abs().max()) <= 1e-5 * float(want.abs().max())
    assert torch.equal(fast[0], right[0])
