"""Canaries that see nothing prove nothing: blank stimuli, silent units, imaginary parts, operations nobody knows."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import LesionPlanError, RefusedSiteError, SpecimenError

N, WIDTH = 512, 512


class Chaos(nn.Module):
    """Multiplies a rounding by itself until it is of the size of the answer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(256, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.r, self.o = nn.ReLU(), nn.Linear(WIDTH, 10, bias=False)
        self.k = nn.ModuleList([nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(20)])
        for layer in self.k:
            nn.init.normal_(layer.weight, 0, 8 / WIDTH**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.b(self.r(self.a(x)))
        for layer in self.k:
            h = torch.tanh(layer(h))
        return self.o(h)


class Behind(nn.Module):
    """A perceptron and what a function makes of its last layers."""

    def __init__(self, f) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.f, self.a, self.r = f, nn.Linear(256, WIDTH), nn.ReLU()
        self.b, self.o = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4)
        self.c, self.d = nn.Linear(WIDTH, 4, dtype=torch.complex64), nn.Linear(WIDTH, 4, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.f(self, self.r(self.a(x)))


@torch.library.custom_op("neurolab_tests::in_steps", mutates_args=())
def in_steps(x: torch.Tensor) -> torch.Tensor:
    return torch.round(x * 64) / 64


@in_steps.register_fake
def _(x):
    return torch.empty_like(x)


def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, 256)).astype(np.float32)


def shown(x: np.ndarray) -> nl.StimulusSet:
    return nl.StimulusSet(
        "s", x, pd.DataFrame({"stimulus_id": [f"i{j}" for j in range(len(x))], "condition": ["a"] * len(x)})
    )


def apart(model: nn.Module, x: np.ndarray, units: range, looked: range) -> tuple[float, set[str]]:
    """The largest difference from a loop of plain hooks, as a share of the largest score; the paths."""
    network = nl.Specimen(model.eval(), inputs()[:2])
    score = lambda outputs, table: np.abs(np.asarray(outputs)).sum(axis=1)  # noqa: E731
    lesions = [nl.Lesion(nl.ROI(f"u{unit}", {"r": [unit]}), nl.Zero()) for unit in units]
    trials = nl.examine(network, lesions, [nl.Task("t", shown(x), score)], progress=False)
    scores, names, worst = trials["score"].values[0], list(map(str, trials["lesion_id"].values)), 0.0
    for unit in looked:
        def cut(module, args, output, unit=unit):
            output = output.clone()
            output[:, unit] = 0
            return output

        handle = model.r.register_forward_hook(cut)
        with torch.no_grad():
            right = score(torch.cat([model(part) for part in torch.tensor(x).split(256)]), None)
        handle.remove()
        worst = max(worst, float(np.abs(scores[names.index(f"u{unit}")] - right).max() / max(right.max(), 1e-30)))
    paths = {str(path) for path in trials["certificate_path"].values.ravel()}
    return worst, {path for path in paths if not path.startswith("hooks (the whole procedure)")}


@pytest.mark.parametrize("blank", [slice(0, 128), slice(0, 256)])
def test_blank_stimuli_prove_nothing(blank):
    x = inputs()
    x[blank] = 0
    worst, paths = apart(Chaos(), x, range(0, WIDTH, 4), range(0, WIDTH, 128))
    assert worst <= 1e-5, paths
    assert all("no sparse: a canary died" in path for path in paths)


def test_silent_units_prove_nothing():
    model = Chaos()
    with torch.no_grad():
        model.a.weight[0] = 0
        model.a.weight[200:] = 0
    worst, paths = apart(model, inputs(), range(0, WIDTH, 4), range(0, 48, 8))
    assert worst <= 1e-5, paths


def test_where_no_lesion_shows_no_path_is_trusted():
    model = Chaos()
    with torch.no_grad():
        model.a.weight[:] = 0
    worst, paths = apart(model, inputs(), range(0, WIDTH, 4), range(0, WIDTH, 128))
    assert worst == 0
    assert all("no lesion looked at changes an answer" in path for path in paths)
    assert not any(path.startswith(("sparse", "slice", "narrow")) for path in paths)


def test_a_steep_imaginary_part_is_seen_by_the_canaries():
    steep = lambda net, h: torch.complex(net.o(h) * 0 + 1, torch.sin(net.o(net.b(h)) * 2**18))  # noqa: E731
    worst, paths = apart(Behind(steep), inputs(), range(WIDTH), range(0, WIDTH, 128))
    assert worst <= 1e-5, paths


def test_rows_that_meet_in_the_imaginary_part_are_refused():
    meet = lambda net, h: torch.complex(net.o(h), net.o(h).softmax(0) * 10)  # noqa: E731
    with pytest.raises(SpecimenError, match="depends on which others are in the batch"):
        nl.Specimen(Behind(meet).eval(), inputs()[:3])


def test_an_operation_of_nobody_knows_what_counts_as_a_step():
    in_between = lambda net, h: net.o(torch.ops.neurolab_tests.in_steps(net.b(h)))  # noqa: E731
    worst, paths = apart(Behind(in_between), inputs(), range(WIDTH), range(0, WIDTH, 16))
    assert worst == 0
    assert all("in_steps lies behind, and makes a step" in path for path in paths)


@pytest.mark.parametrize(
    "f",
    [lambda net, h: net.o((net.b(h) * torch.exp(1j * torch.linspace(0, 3, WIDTH))).abs()),
     lambda net, h: net.c(net.b(h).to(torch.complex64)).abs(),
     lambda net, h: net.d(net.b(h) + torch.linspace(-1, 1, WIDTH, dtype=torch.float64))],
    ids=["turned", "complex layer", "float64 added"],
)  # fmt: skip
def test_nothing_is_overwritten_by_another_type(f):
    worst, _ = apart(Behind(f), inputs(), range(WIDTH), range(0, WIDTH, 64))
    assert worst <= 1e-5


@pytest.mark.parametrize("f", [lambda o: o.argmax(1), lambda o: o > 0, lambda o: o.argsort(1), lambda o: o.char()])
def test_read_outs_of_whole_numbers_can_be_examined(f):
    class Chosen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.r, self.o = nn.Linear(256, 8), nn.Linear(8, 10)

        def forward(self, x):
            return f(self.o(torch.relu(self.r(x)) * 9))

    model, x = Chosen().eval(), inputs()[:40]
    network = nl.Specimen(model, x[:3])
    lesion = nl.Lesion(nl.ROI("all", {"r": range(8)}), nl.Zero())
    score = lambda outputs, table: np.asarray(outputs).reshape(len(table), -1).sum(axis=1) * 1.0  # noqa: E731
    trials = nl.examine(network, [lesion], [nl.Task("t", shown(x), score)], progress=False)
    with torch.no_grad():
        intact = score(model(torch.tensor(x)), range(40))
        cut = score(f(model.o(torch.zeros(40, 8))), range(40))
    np.testing.assert_array_equal(trials["score"].values[0], [intact, cut])


def test_a_choice_may_be_the_seventh_already():
    seven = nn.Sequential(nn.Linear(256, 10), _Last(lambda o: (o * 0).long() + 7)).eval()
    assert nl.Specimen(seven, inputs()[:3]).sites()["output"].cut


@pytest.mark.parametrize(
    ("f", "said"),
    [(lambda o: o[:, :0], r"shape \(3, 0\), no number"), (lambda o: o.to_sparse(), "to_dense"),
     (lambda o: torch.nested.nested_tensor(list(o)), "to_padded_tensor"),
     (lambda o: o.to(torch.float8_e4m3fn), "out.float")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_read_outs_that_cannot_be_compared_are_refused(f, said):
    with pytest.raises(SpecimenError, match=said):
        nl.Specimen(nn.Sequential(nn.Linear(256, 10), _Last(f)).eval(), inputs()[:3])


class _Last(nn.Module):
    def __init__(self, f) -> None:
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def test_a_clamp_that_whole_numbers_cannot_take_is_refused():
    network = nl.Specimen(nn.Sequential(nn.Linear(256, 10), _Last(lambda o: (o * 50).long())).eval(), inputs()[:3])
    lesion = nl.Lesion(nl.ROI("one", {"output": [0]}), nl.Clamp(0.5))
    task = nl.Task("t", shown(inputs()[:8]), lambda outputs, table: np.asarray(outputs)[:, 0] * 1.0)
    with pytest.raises(LesionPlanError, match=r"whole numbers \(int64\). Type nl.Clamp\(0\)"):
        nl.examine(network, [lesion], [task], progress=False)


@pytest.mark.parametrize("pool", [nn.AvgPool1d(3, 1, 1), nn.MaxPool1d(3, 1, 1)])
def test_a_pool_over_units_is_no_way_through_for_weights(pool):
    network = nl.Specimen(nn.Sequential(nn.Linear(256, 8), nn.ReLU(), pool, nn.Linear(8, 3)).eval(), inputs()[:2])
    assert network.wiring["1"].read_by is None
    assert network.wiring["2"].made_by is None
    pooled = nn.Sequential(nn.Conv1d(1, 8, 3), nn.ReLU(), type(pool)(2), nn.Conv1d(8, 3, 3)).eval()
    assert nl.Specimen(pooled, inputs()[:2, None]).wiring["1"].read_by.parameter == "3.weight"


def test_a_backward_pass_that_fails_is_said_in_words():
    class NoWayBack(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gradient):
            raise KeyError("mine")

    model = nn.Sequential(nn.Linear(256, 8), _Last(NoWayBack.apply), nn.Linear(8, 3)).eval()
    network = nl.Specimen(model, inputs()[:2])
    table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": list("xxyy"), "label": [0, 1, 2, 0]})
    task = nl.Task("t", nl.StimulusSet("s", inputs()[:4], table), nl.scores.margin)
    with pytest.raises(RefusedSiteError, match=r"No gradient leads back.*KeyError"):
        nl.specimen.screen(network, ["0"], task, rng=0)


def test_what_a_network_raises_under_a_lesion_names_the_lesion():
    def looked_up(x):
        return x + torch.arange(50.0)[(x[:, :4] * 3).abs().long()].sum()

    network = nl.Specimen(nn.Sequential(nn.Linear(256, 8), nn.Sigmoid(), _Last(lambda o: o.clone() + looked_up(o) * 0),
                                        nn.Linear(8, 3)).eval(), inputs()[:2])
    lesion = nl.Lesion(nl.ROI("loud", {"1": [0]}), nl.Clamp(100.0))
    with pytest.raises(IndexError) as raised:
        nl.examine(network, [lesion], [nl.Task("t", shown(inputs()[:8]), lambda o, t: np.asarray(o)[:, 0])],
                   progress=False)
    assert any("under the lesion 'loud" in note for note in raised.value.__notes__)
