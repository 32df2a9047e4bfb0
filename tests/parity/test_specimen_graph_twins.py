"""Networks that differ by their weights alone share one exported graph, which is proved on each; no others do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen import graphs
from neurolab.specimen.engine import answers

GAIN = {"now": 1.0}


class Net(nn.Module):
    """A perceptron with something of its own: a gain, a constant, an activation."""

    def __init__(self, gain: float = 1.0, act: Callable[[torch.Tensor], torch.Tensor] = torch.relu) -> None:
        super().__init__()
        self.one, self.two, self.norm = nn.Linear(5, 8), nn.Linear(8, 3), nn.BatchNorm1d(8)
        self.gain, self.act = gain, act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.act(self.norm(self.one(x))) * self.gain)


class Literal(Net):
    """A number per unit that is made up in the forward."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + torch.tensor([1.0, 2.0, 3.0])


class Aside(Net):
    """A tensor on the module that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = torch.randn(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + self.shift


class Outside(Net):
    """A number from outside of the model."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * GAIN["now"]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    graphs.KEPT.clear()
    yield
    graphs.KEPT.clear()
    GAIN["now"] = 1.0


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the specimens that were exported."""
    seen: list[str] = []
    export = graphs.exported

    def counted(specimen: nl.Specimen) -> graphs.Graph:
        seen.append(specimen.name)
        return export(specimen)

    monkeypatch.setattr(graphs, "exported", counted)
    return seen


def specimens(*makes: Callable[[], nn.Module], shape: tuple[int, ...] = (1, 5)) -> list[nl.Specimen]:
    found = []
    for seed, make in enumerate(makes):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = make().eval()
            for part in model.modules():
                if isinstance(part, nn.BatchNorm1d):
                    part.running_mean.normal_()
                    part.running_var.uniform_(0.5, 2.0)
        found.append(nl.Specimen(model, np.ones(shape, np.float32), name=f"net {seed}"))
    return found


def shown() -> nl.StimulusSet:
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(9)], "condition": "a"})
    return nl.StimulusSet("some", np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32), table)


def test_a_cohort_is_exported_once_and_every_network_answers_with_its_own_weights(exports: list[str]) -> None:
    cuts = [nl.Lesion(nl.ROI(f"{unit}", {"one": [unit]}), nl.Zero()) for unit in range(8)]
    design, seen = [nl.Lesion(nl.ROI("intact", {"one": [0]}), nl.Zero(), role="sham"), *cuts], []
    for net in specimens(Net, Net, Net):
        for at, got in answers(net, design, shown()):
            model = net.model
            with torch.no_grad():
                hidden = model.one(torch.tensor(shown().inputs))
                if at:
                    hidden[:, at - 1] = 0.0
                expected = model.two(torch.relu(model.norm(hidden)))
            assert torch.allclose(got, expected, atol=1e-5)
            seen.append(got)
    assert exports == ["net 0"]
    assert not torch.allclose(seen[0], seen[9])


def test_a_twin_that_is_trained_on_answers_with_its_new_weights(exports: list[str]) -> None:
    one, other = specimens(Net, Net)
    graphs.graph_of(one)
    graph = graphs.graph_of(other)
    with torch.no_grad():
        other.model.one.weight.mul_(2.0)
    inputs = torch.tensor(shown().inputs)
    with torch.no_grad():
        assert torch.equal(graph.values(inputs, ())[1], other.model(inputs))
    assert exports == ["net 0"]


@pytest.mark.parametrize("makes", [
    (Net, lambda: Net(gain=2.0)), (Net, lambda: Net(act=torch.tanh)), (Literal, Literal), (Aside, Aside),
    (Net, lambda: nn.Sequential(Net())), (lambda: Net(act=lambda x: x.relu()), lambda: Net(act=lambda x: x.tanh())),
], ids=["a number", "a function", "a literal", "a tensor aside", "another build", "lambdas"])  # fmt: skip
def test_networks_that_differ_by_more_are_exported_each(makes: tuple, exports: list[str]) -> None:
    for net in specimens(*makes):
        graph = graphs.graph_of(net)
        inputs = torch.tensor(shown().inputs)
        with torch.no_grad():
            assert torch.allclose(graph.values(inputs, ())[1], net.model(inputs), atol=1e-6)
    assert exports == ["net 0", "net 1"]


def test_what_the_proof_finds_otherwise_is_exported_anew(exports: list[str]) -> None:
    one, other = specimens(Outside, Outside)
    graphs.graph_of(one)
    GAIN["now"] = 3.0
    inputs = torch.tensor(shown().inputs)
    with torch.no_grad():
        assert torch.equal(graphs.graph_of(other).values(inputs, ())[1], other.model(inputs))
    assert exports == ["net 0", "net 1"]


def test_a_graph_whose_own_network_was_rebuilt_is_no_pattern_for_others(exports: list[str]) -> None:
    one, other = specimens(Net, Net)
    graphs.graph_of(one)
    one.model.norm = nn.Identity()
    graphs.graph_of(other)
    assert exports == ["net 0", "net 1"]


def test_other_examples_are_other_graphs(exports: list[str]) -> None:
    (one,), (other,) = specimens(Net), specimens(Net, shape=(1, 5))
    assert graphs.graph_of(one) is not graphs.graph_of(other)
    assert exports == ["net 0"]
    wide = nl.Specimen(nn.Sequential(nn.Linear(5, 2)), np.ones((1, 4, 5), np.float32), name="wide")
    thin = nl.Specimen(nn.Sequential(nn.Linear(5, 2)), np.ones((1, 5), np.float32), name="thin")
    graphs.graph_of(wide)
    graphs.graph_of(thin)
    assert exports == ["net 0", "wide", "thin"]


def test_a_form_is_told_only_of_what_can_be_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    (plain,), (aside,) = specimens(Net), specimens(Aside)
    assert graphs._form(plain) is not None
    assert graphs._form(aside) is None
    monkeypatch.setattr(graphs, "FORMS", 3)
    assert graphs._form(plain) is None
