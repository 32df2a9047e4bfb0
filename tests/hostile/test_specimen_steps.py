"""What differs by rounding is another answer behind a step: there lesions are answered with equal bits."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.design import sham
from neurolab.specimen import graphs
from neurolab.specimen.engine import answers
from neurolab.specimen.graph import exported
from neurolab.specimen.jumps import step_of

N = 12


class Step(nn.Module):
    """Few connections, then a step: cells whose inputs are all silenced lie on it."""

    def __init__(self, step):
        super().__init__()
        self.first, self.act, self.last = nn.Linear(60, 40, bias=False), step, nn.Linear(40, 5)
        self.first.weight.data *= torch.rand(40, 60, generator=torch.Generator().manual_seed(1)) < 0.04

    def forward(self, x):
        return self.last(self.act(self.first(x)))


STEPS = {
    "comparison": lambda x: (x > 0).to(x.dtype), "sign": torch.sign, "rounding": lambda x: torch.ceil(x * 3),
    "heaviside": lambda x: torch.heaviside(x, torch.tensor(0.1)), "norm": lambda x: nn.functional.normalize(x, dim=1),
    "whole numbers": lambda x: (x * 5).long().to(x.dtype), "choice": lambda x: x.topk(3, dim=1).values.sum(1, True) * x,
    "threshold": lambda x: nn.functional.threshold(x, 0.0, -1.0),
}  # fmt: skip


def made(step):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nl.Specimen(Step(step).eval(), np.ones((1, 60), np.float32), name="step")
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(N)], "condition": "a"})
    draw = np.random.default_rng(0)
    inputs = (draw.normal(size=(N, 60)) * (draw.random((N, 60)) < 0.5)).astype(np.float32)
    return net, nl.StimulusSet("some", inputs, table)


def lesions(n=150):
    draw = np.random.default_rng(1)
    return [nl.Lesion(nl.ROI(f"{at}", {"input": np.sort(draw.choice(60, 12, False))}), nl.Zero()) for at in range(n)]


@pytest.mark.parametrize("name", STEPS)
def test_lesions_before_a_step_have_equal_bits(name):
    net, stimuli = made(STEPS[name])
    design = [sham(lesions()[0]), *lesions()]
    usual = dict(answers(net, design, stimuli))
    with torch.no_grad():
        for at, lesion in enumerate(lesions(), 1):
            inputs = net.prepare(stimuli.inputs).clone()
            inputs[:, lesion.roi.units["input"].tolist()] = 0.0
            assert torch.equal(usual[at], net.model(inputs))


NAMED = {"comparison": "gt", "sign": "sign", "rounding": "ceil", "heaviside": "heaviside", "norm": "linalg_vector_norm",
         "whole numbers": "to", "choice": "topk", "threshold": "threshold"}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_known_by_its_operation(name):
    assert step_of(exported(made(STEPS[name])[0]).graph.nodes) == NAMED[name]


def test_a_bend_is_no_step():
    for bend in (torch.relu, torch.tanh, lambda x: x.clamp(-1, 1), lambda x: nn.functional.threshold(x, 0.0, 0.0),
                 lambda x: nn.functional.softmax(x, dim=1)):  # fmt: skip
        net, _ = made(bend)
        assert step_of(exported(net).graph.nodes) == ""


def test_modules_in_a_list_make_no_twins():
    class Listed(nn.Module):
        def __init__(self, act):
            super().__init__()
            self.one, self.acts, self.two = nn.Linear(4, 6), [act], nn.Linear(6, 2)

        def forward(self, x):
            return self.two(self.acts[0](self.one(x)))

    graphs.KEPT.clear()
    nets = [nl.Specimen(Listed(act).eval(), np.ones((1, 4), np.float32)) for act in (nn.ReLU(), nn.ReLU6())]
    first, second = map(graphs.graph_of, nets)
    assert [any("hardtanh" in str(n.target) or "relu6" in str(n.target) for n in one.graph.nodes)
            for one in (first, second)] == [False, True]  # fmt: skip
