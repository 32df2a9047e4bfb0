"""Lesions carried as a few channels against whole forwards under hooks, and where they are refused."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx import Interpreter

from neurolab.specimen.laid import Laid, NotSparse, channel_axis
from neurolab.specimen.region import Region
from neurolab.specimen.settling import Settling
from neurolab.specimen.sheet import Tiled
from neurolab.specimen.sites import Site
from neurolab.specimen.skinny import Skinny
from neurolab.specimen.sparse import sparse_plan
from neurolab.specimen.tail import Tail

N = 12
CLOSE = 1e-5


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export warns of its own deprecations
        yield


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build().eval().requires_grad_(False)


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


class Exported:
    """A plain network exported: its nodes by the modules that made them, intact values, and runs behind a boundary."""

    def __init__(self, net, x):
        warnings.simplefilter("ignore")
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        whole = torch.export.export(net, (x[:3],), dynamic_shapes=shapes).run_decompositions({})
        self.net, self.x, self.module = net, x, whole.module()
        (self.output,) = self.module.graph.output_node().args[0]

    def node(self, path):
        """The last node of a module."""
        found = [node for node in self.module.graph.nodes
                 if list((node.meta.get("nn_module_stack") or {"": ("", "")}).values())[-1][0] == path]
        return found[-1]

    def values(self, nodes):
        kept = {}

        class Keeping(Interpreter):
            def run_node(self, node):
                made = super().run_node(node)
                if node in nodes:
                    kept[node] = made
                return made

        Keeping(self.module).run(self.x)
        return kept

    def rest(self, boundary, copies):
        """What a boundary leads to: the whole graph on stacked copies, the boundary's values put in."""

        class Spliced(Interpreter):
            def run_node(self, node):
                return boundary[node] if node in boundary else super().run_node(node)

        made = Spliced(self.module).run(torch.cat([self.x] * copies))
        return made[0] if isinstance(made, tuple) else made

    def ground(self, path, axis=1, *, skinny=False, copies=2):
        plan = sparse_plan(self.node(path), axis, self.output)
        values = self.values({*plan.needs, *plan.beside})
        intact = self.net(self.x)
        return Skinny(plan, values, intact) if skinny else Tiled(plan, values, intact, self.rest, copies)

    def hooked(self, path, axis, channels, new):
        """The network with channels of a module's output set to new values, by a hook."""

        def hook(module, args, output):
            return output.index_copy(axis, channels, new)

        handle = self.net.get_submodule(path).register_forward_hook(hook)
        try:
            return self.net(self.x)
        finally:
            handle.remove()


def compare(ground, whole, path, axis, picks, change):
    """Answers from channels against the hook loop: apart in one sheet, and each in a sheet of its own."""
    value = ground.values[ground.plan.site]
    everything = torch.arange(value.shape[axis])
    new = change(value)
    sheet = ground.sheet(everything, new)
    cuts = [(sheet, np.array(pick)) for pick in picks]
    for pick in picks:
        channels = torch.tensor(pick)
        cuts.append((ground.sheet(channels, new.index_select(axis, channels)), None))
    shown = 0.0
    for got, pick in zip(ground.answers(cuts), [*picks, *picks], strict=True):
        channels = torch.tensor(pick)
        want = whole.hooked(path, axis, channels, new.index_select(axis, channels))
        largest = float(want.abs().max())
        assert got.shape == want.shape
        assert float((got - want).abs().max()) <= CLOSE * largest
        shown = max(shown, float((want - whole.net(whole.x)).abs().max()) / largest)
    assert shown > 1e-2, "the lesions do next to nothing, so the test shows nothing"


ACTS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "silu": lambda: nn.SiLU(inplace=True)}


def mlp(act, bias, depth, *, norm=False):
    def build():
        layers, width = [], 10
        for _ in range(depth):
            layers += [nn.Linear(width, 16, bias=bias), ACTS[act]()]
            layers += [nn.BatchNorm1d(16), nn.Dropout(0.5)] if norm else []
            width = 16
        return nn.Sequential(*layers, nn.Linear(16, 4, bias=bias))

    return seeded(build)


HALVE, ZERO = (lambda value: 0.5 * value), torch.zeros_like
PICKS = ([3], [1, 2, 9], [0, 4, 5, 6, 7, 8, 10, 11, 12, 15])


@pytest.mark.parametrize("act, bias, depth, site, norm", [
    ("relu", True, 2, "1", False), ("relu", False, 2, "3", False), ("gelu", True, 2, "1", False),
    ("tanh", True, 2, "0", False), ("silu", False, 1, "1", False), ("relu", True, 2, "0", True),
    ("gelu", True, 2, "2", True), ("relu", True, 2, "4", True),
])  # fmt: skip
def test_channels_of_a_perceptron(act, bias, depth, site, norm):
    net = mlp(act, bias, depth, norm=norm)
    if norm:
        for layer in net:
            if isinstance(layer, nn.BatchNorm1d):
                layer.running_mean.copy_(drawn(16, seed=1))
                layer.running_var.copy_(drawn(16, seed=2).abs() + 0.5)
    whole = Exported(net, drawn(N, 10))
    for skinny in (True, False):
        compare(whole.ground(site, skinny=skinny), whole, site, 1, PICKS, ZERO)
        compare(whole.ground(site, skinny=skinny), whole, site, 1, PICKS, HALVE)


def test_a_deep_perceptron_has_no_thin_tail_and_is_tiled():
    net = seeded(lambda: nn.Sequential(nn.Linear(10, 80), nn.ReLU(), nn.Linear(80, 80), nn.ReLU(), nn.Linear(80, 80),
                                       nn.ReLU(), nn.Linear(80, 3)))
    whole = Exported(net, drawn(N, 10))
    with pytest.raises(NotSparse, match="80 outputs"):
        whole.ground("1", skinny=True)
    compare(whole.ground("1", copies=3), whole, "1", 1, PICKS, ZERO)
    compare(whole.ground("3", skinny=True), whole, "3", 1, PICKS, ZERO)


class Gated(nn.Module):
    """A tail in which what the mixing layer gives is read several times, and norms and a softmax follow."""

    def __init__(self):
        super().__init__()
        self.first, self.act, self.second = nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 80)
        self.norm, self.head, self.last = nn.LayerNorm(80), nn.Linear(80, 6), nn.Linear(6, 4)

    def forward(self, x):
        h = self.second(self.act(self.first(x)))
        gated = torch.relu(h) * torch.sigmoid(h) + h.clamp(-1, 1)
        return self.last(torch.softmax(self.head(self.norm(gated) * 3), -1)).exp()


def test_a_tail_may_read_a_tensor_several_times():
    whole = Exported(seeded(Gated), drawn(N, 10))
    compare(whole.ground("act", skinny=True), whole, "act", 1, PICKS, ZERO)


class Residual(nn.Module):
    """Convolutions with batch norm, a residual, a strided and a depthwise one, pooling, and a read-out of positions."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.act = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.conv2, self.bn2, self.act2 = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        self.down = nn.Conv2d(8, 6, 3, stride=2, padding=1)
        self.deep, self.act3 = nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Hardswish()
        self.point = nn.Conv2d(6, 5, 1)
        self.act4, self.flat, self.drop, self.fc = nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(20, 4)

    def forward(self, x):
        h = self.pool(self.act(self.bn1(self.conv1(x))))
        h = self.act2(h + self.bn2(self.conv2(h)))
        h = self.act3(self.deep(self.down(h)))
        return torch.log_softmax(self.fc(self.drop(self.flat(self.act4(self.point(h))))), -1)


@pytest.fixture(scope="module")
def residual():
    net = seeded(Residual)
    for at, norm in enumerate([net.bn1, net.bn2]):
        norm.running_mean.copy_(0.3 * drawn(8, seed=at))
        norm.running_var.copy_(drawn(8, seed=9 + at).abs() + 0.1)
    for layer in (net.conv1, net.down, net.deep, net.point, net.fc):
        layer.weight.mul_(4)
    return Exported(net, drawn(N, 3, 8, 8))


@pytest.mark.parametrize("path", ["conv1", "bn1", "act", "pool", "conv2", "act2", "down", "deep", "act3", "point"])
def test_channels_of_a_convolutional_network(residual, path):
    n = residual.node(path).meta["val"]
    picks = ([0], [1, 3], [0, 2, 4]) if isinstance(n, tuple) or n.shape[1] > 5 else ([0], [1, 3])
    compare(residual.ground(path), residual, path, 1, picks, HALVE)


def test_a_residual_keeps_what_both_its_branches_read(residual):
    plan = residual.ground("act").plan
    assert [mix.node.name for mix in plan.mixed] == [residual.node("conv2").name]
    assert [node.name for node in plan.kept] == [residual.node("pool").name]


def test_flattened_channels_go_to_a_thin_tail(residual):
    compare(residual.ground("point", skinny=True), residual, "point", 1, ([0], [2, 3]), ZERO)


class Conv1D(nn.Module):
    """GPT-2's linear layer: weights (inputs, outputs), rows of stimuli and positions merged."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs) / 4), nn.Parameter(torch.randn(outputs))

    def forward(self, x):
        merged = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return merged.view(*x.shape[:-1], -1)


class Block(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.norm, self.heads = nn.LayerNorm(8), 2
        self.qkv, self.proj = linear(8, 24), linear(8, 8)
        self.norm2, self.up, self.act, self.down = nn.LayerNorm(8), linear(8, 20), nn.GELU(), linear(20, 8)
        self.entry, self.join, self.head = nn.Linear(6, 8), nn.Identity(), nn.Linear(8, 5)

    def forward(self, x):
        x = self.entry(x)
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, -1))
        attended = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.proj(self.join(attended))
        x = x + self.down(self.act(self.up(self.norm2(x))))
        return self.head(x[:, -1])


@pytest.fixture(scope="module", params=[nn.Linear, Conv1D])
def block(request):
    return Exported(seeded(lambda: Block(request.param)), drawn(N, 7, 6))


@pytest.mark.parametrize("path", ["up", "act"])
def test_neurons_of_a_transformer(block, path):
    compare(block.ground(path, 2, copies=3), block, path, 2, ([7], [0, 3, 19]), ZERO)


@pytest.mark.parametrize("path", ["norm", "norm2", "down"])
def test_the_rest_of_a_transformer_that_a_linear_layer_reads(block, path):
    compare(block.ground(path, 2), block, path, 2, ([1], [0, 2]), HALVE)


@pytest.mark.parametrize("path, why", [("entry", "layer_norm mixes"), ("proj", "layer_norm mixes"), ("qkv", "split")])
def test_the_rest_of_a_transformer_that_no_linear_layer_reads(block, path, why):
    with pytest.raises(NotSparse, match=why):
        block.ground(path, 2)


REFUSED = {
    "softmax over the channels": (lambda: nn.Sequential(nn.Linear(10, 6), nn.Softmax(-1), nn.Linear(6, 2)), "0"),
    "layer norm": (lambda: nn.Sequential(nn.Linear(10, 6), nn.LayerNorm(6), nn.Linear(6, 2)), "0"),
    "grouped": (lambda: nn.Sequential(nn.Unflatten(1, (2, 5)), nn.Conv1d(2, 4, 1), nn.Conv1d(4, 4, 1, groups=2)), "1"),
    "nothing": (lambda: nn.Sequential(nn.Linear(10, 6), nn.ReLU()), "0"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name):
    build, path = REFUSED[name]
    whole = Exported(seeded(build), drawn(N, 10))
    with pytest.raises(NotSparse) as no:
        whole.ground(path)
    assert name.split()[0].replace("layer", "layer_norm") in str(no.value)


def test_half_precision_is_refused():
    whole = Exported(seeded(lambda: nn.Sequential(nn.Linear(10, 6), nn.Linear(6, 2))).bfloat16(),
                     drawn(N, 10).bfloat16())
    with pytest.raises(NotSparse, match="bfloat16"):
        sparse_plan(whole.node("0"), 1, whole.output)


# -- exact zeros ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def perceptron():
    """Two layers of ReLU, in each a unit that nobody reads, and one in the first that is very loud."""
    net = mlp("relu", True, 2)
    net[4].weight[:, 5] = 0
    net[2].weight[:, 5] = 0
    net[0].weight[4] = 0
    net[0].bias[4] = 1e5
    return Exported(net, drawn(N, 10))


@pytest.mark.parametrize("skinny", [True, False])
@pytest.mark.parametrize("path", ["1", "3"])
def test_where_a_lesion_changes_nothing_the_answer_is_the_intact_one(perceptron, path, skinny):
    whole = perceptron
    ground = whole.ground(path, skinny=skinny)
    value, intact = ground.values[ground.plan.site], whole.net(whole.x)
    sheet = ground.sheet(torch.arange(16), torch.zeros_like(value))
    silent = 0
    picks = [[unit] for unit in range(16)] + [[0, 1], [0, 1, 2], [0, 1, 2, 3]]
    for pick, got in zip(picks, ground.answers([(sheet, np.array(pick)) for pick in picks])):
        quiet = (value[:, pick] == 0).all(1) if pick != [5] else torch.ones(N, dtype=bool)
        silent += int(quiet.sum())
        assert torch.equal(got[quiet], intact[quiet])
    assert silent > N + 10


@pytest.mark.parametrize("skinny", [True, False])
def test_a_loud_channel_leaves_a_sum_as_exact_as_a_forward_does(perceptron, skinny):
    """Taken out of the recorded sum, a channel of 1e5 would leave nothing but rounding errors."""
    compare(perceptron.ground("1", skinny=skinny), perceptron, "1", 1, ([4], [4, 6], [4, 6, 7]), ZERO)
    compare(perceptron.ground("1", skinny=skinny), perceptron, "1", 1, ([0, 1], [0, 1, 2], [0, 1, 2, 4]), ZERO)


@pytest.mark.parametrize("skinny", [True, False])
def test_values_that_are_not_finite_are_handed_on_as_a_forward_does(perceptron, skinny):
    whole = perceptron
    ground = whole.ground("1", skinny=skinny)
    new = torch.full((N, 1), float("inf"))
    (got,) = ground.answers([(ground.sheet(torch.tensor([2]), new), None)])
    want = whole.hooked("1", 1, torch.tensor([2]), new)
    assert torch.equal(got.isnan(), want.isnan())
    assert torch.equal(got.isposinf(), want.isposinf())
    assert bool(want.isinf().any() | want.isnan().any())


@pytest.fixture
def partly_silent():
    """A perceptron some of whose units are silent for every stimulus, in each layer."""
    net = mlp("relu", True, 2)
    for layer in (0, 2):
        net[layer].bias[10:13] = -100
    return Exported(net, drawn(N, 10))


def test_several_columns_go_into_a_relu_in_one_pass(partly_silent, monkeypatch):
    """One column is added element by element; a sum that grows is kept, and so made before."""
    seen = []
    own = Tail.on_sum
    monkeypatch.setattr(Tail, "on_sum", lambda self, *given: (seen.append(len(given[0])), own(self, *given))[1])
    ground = partly_silent.ground("1", skinny=True)
    sheet = ground.sheet(torch.arange(16), 0.9 * ground.values[ground.plan.site])
    list(ground.answers([(sheet, np.array(pick)) for pick in ([0], [1, 2], [1, 2, 3], [6, 7], [8, 9])]))
    assert seen == [N, N]
    compare(ground, partly_silent, "1", 1, ([1, 2], [7, 10], [0, 3, 11]), HALVE)
    assert len(seen) > 2


def test_a_relu_of_a_sum_that_overflows_is_infinite(perceptron):
    """The pass that makes both at once would make it the largest number there is."""
    bench = Exported(copy.deepcopy(perceptron.net), perceptron.x)
    hidden, top = bench.net[1](bench.net[0](bench.x)), torch.finfo(torch.float32).max
    row = int(hidden[:, 0].argmax())
    bench.net[2].weight[7, 0] = -0.4 * top / float(hidden[row, 0])
    bench.net[2].weight[7, 1:] = 0
    bench.net[2].bias[7] = 1.2 * top / 2 + 0.3 * top
    bench.net[4].weight[:] = 1e-3
    ground = bench.ground("1", skinny=True)
    assert not ground.sums
    new, pick = torch.zeros_like(hidden[:, :2]), torch.tensor([0, 1])
    new[:, 0] = -hidden[:, 0]
    (got,) = ground.answers([(ground.sheet(pick, new), None)])
    want = bench.hooked("1", 1, pick, new)
    assert bool(want[row].isinf().all())
    assert torch.equal(got.isinf(), want.isinf())


@pytest.mark.parametrize("path", ["1", "3"])
def test_columns_of_silent_channels_are_left_out(partly_silent, path):
    ground = partly_silent.ground(path, skinny=True)
    value = ground.values[ground.plan.site]
    sheet = ground.sheet(torch.arange(16), torch.zeros_like(value))
    alive = (value != 0).any(0).numpy()
    assert list(sheet.alive) == list(alive)
    assert 0 < alive.sum() < 16
    silent, some = np.flatnonzero(~alive), np.flatnonzero(alive)[:3]
    change = ground._change(sheet, np.sort(np.append(silent, some)))
    assert torch.equal(change.weights, sheet.weights[some])
    assert torch.equal(change.columns, sheet.change[some])
    for pick in (silent, np.sort(np.append(silent, some))):
        (got,) = ground.answers([(sheet, pick)])
        want = partly_silent.hooked(path, 1, torch.from_numpy(pick), torch.zeros(N, len(pick)))
        assert float((got - want).abs().max()) <= CLOSE * float(want.abs().max())


def test_a_channel_is_silent_where_all_of_its_columns_are():
    """Behind several positions that are flattened it has one for each, apart from one another."""
    net = seeded(lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Flatten(), nn.Linear(24, 70), nn.ReLU(),
                                       nn.Linear(70, 3)))  # fmt: skip
    net[0].bias[5:7] = -100
    whole = Exported(net, drawn(N, 3, 6))
    ground = whole.ground("1", axis=2, skinny=True)
    sheet = ground.sheet(torch.arange(8), torch.zeros_like(ground.values[ground.plan.site]))
    assert list(sheet.alive) == [unit not in (5, 6) for unit in range(8)]
    assert ground._change(sheet, np.array([4, 5])).weights.shape[0] == 3
    compare(ground, whole, "1", 2, ([4, 5], [0, 5, 7], [6, 7]), ZERO)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_answers_that_meet_the_shams_are_the_intact_ones_bit_for_bit(dtype):
    """Whatever the two are, NaN too; where they are the same, nothing is looked for."""
    ground = Exported(mlp("gelu", True, 2).to(dtype), drawn(N, 10).to(dtype)).ground("1", skinny=True)
    sheet = ground.sheet(torch.arange(16), 0.5 * ground.values[ground.plan.site])
    cuts = [(sheet, np.array(pick, dtype=np.int64)) for pick in ([], [3], [1, 2])]
    plain = [one.clone() for one in ground.answers(cuts)]
    across = torch.full_like(ground.settle.intact, -0.0)
    across[0, 0] = float("nan")
    ground.settle = Settling(ground.settle.sham, across)
    nothing, *others = ground.answers(cuts)
    bits = {torch.float32: torch.int32, torch.float64: torch.int64}[dtype]
    assert torch.equal(nothing.contiguous().view(bits), across.T.contiguous().view(bits))
    for one, other in zip(plain[1:], others, strict=True):
        assert other.is_contiguous()
        assert torch.equal(one, other)
    ground.settle = Settling(torch.full_like(across, float("inf")), across)  # infinity less infinity is not 0
    ground.tile[0] = float("inf")
    ground.tile[0, :, 1] = 1.0
    ground.tile[0, 0, 2] = 1.0
    (found,) = ground.settle(ground.tile[:1], {}, ground.work[:1])
    assert torch.equal(found[0].view(bits), across[:, 0].contiguous().view(bits))
    assert torch.equal(found[1], torch.ones_like(found[1]))
    assert found[2].tolist() == [1.0, *[float("inf")] * (len(found[2]) - 1)]
    ground.settle = Settling(torch.zeros_like(across), torch.full_like(across, -0.0))
    (found,) = ground.settle(torch.zeros_like(ground.tile[:1]), {}, ground.work[:1])
    assert bool(found.signbit().all())
    ground.tile.fill_(float("nan"))
    (found,) = ground.settle(ground.tile[:1], {}, ground.work[:1])
    assert bool(found.isnan().all())


def test_an_answer_of_one_output_is_its_own_memory():
    """Turned, it is laid out as it was, and would be the tile that the next lesions overwrite."""
    net = seeded(lambda: nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1)))
    ground = Exported(net, drawn(N, 10)).ground("1", skinny=True)
    sheet = ground.sheet(torch.arange(16), torch.zeros_like(ground.values[ground.plan.site]))
    cuts = [(sheet, np.array([unit])) for unit in range(16)]
    answers = list(ground.answers(cuts))
    before = [one.clone() for one in answers]
    list(ground.answers(cuts[::-1]))
    assert all(torch.equal(one, was) for one, was in zip(answers, before, strict=True))
    assert not torch.equal(answers[0], answers[-1])


def test_a_read_out_of_another_type_is_refused(perceptron):
    plan = sparse_plan(perceptron.node("1"), 1, perceptron.output)
    with pytest.raises(NotSparse, match=r"the read-out is torch\.float16"):
        Skinny(plan, perceptron.values({*plan.needs, *plan.beside}), perceptron.net(perceptron.x).half())


def test_wrongly_followed_channels_are_found_out(residual, monkeypatch):
    """Were a rule wrong about where the channels lie, intact values carried would not be the recorded ones."""
    monkeypatch.setattr("neurolab.specimen.carry.Lie.index", lambda self, channels, of: channels)
    with pytest.raises(NotSparse, match="not where they were expected"):
        residual.ground("point")


# -- regions ----------------------------------------------------------------------------------------------------------


def site(dims, shape, **more):
    return Site("site", "site", 0, 1, "module", "X", dims, shape, **more)


LAID = {
    "channels": (site(("channel", "row", "col"), (6, 3, 2)), (4, 6, 3, 2), ("channel",), [1, 4]),
    "single positions": (
        site(("channel", "row", "col"), (6, 3, 2)), (4, 6, 3, 2), ("channel", "row", "col"), [3, 5, 28]),
    "neurons": (site(("token", "unit"), (5, 7)), (4, 5, 7), ("unit",), [0, 6]),
    "neurons at a position": (site(("token", "unit"), (5, 7)), (4, 5, 7), ("token", "unit"), [3, 10, 17]),
    "merged rows": (site(("token", "unit"), (5, 7), rows=("stimulus", 5)), (20, 7), ("unit",), [2, 3]),
    "heads": (site(("token", "head", "unit"), (5, 3, 4), n_heads=3), (4, 5, 12), ("head",), [0, 2]),
    "queries": (site(("token", "head", "unit"), (5, 2, 3), n_heads=2, span=(1, 6, 3)), (4, 5, 13), ("head",), [1]),
}


@pytest.mark.parametrize("name", list(LAID))
def test_a_region_as_channels(name):
    where, shape, dims, units = LAID[name]
    region = Region(where, np.array(units), dims)
    laid, value = Laid.of(region, shape), drawn(*shape)
    assert laid.axis == channel_axis(where, len(shape))
    old = region.take(value)
    new = 9.0 + torch.arange(old.numel(), dtype=torch.float32).view_as(old)
    want = value.clone()
    region.put(want, new)
    got = value.index_copy(laid.axis, laid.channels, laid.slab(value, new))
    assert torch.equal(got, want)
    assert laid.whole == (name not in ("single positions", "neurons at a position"))
    apart = bool((laid.channel_of >= 0).all())
    assert apart == (name not in ("heads", "queries"))
    if apart:
        assert len(laid.channel_of) == len(units)


@pytest.mark.parametrize("where, axes", [
    (site(("token", "unit"), (5, 7), batch_axis=1), 3), (site(("token", "unit"), (5, 7), rows=("position", 5)), 2),
    (site(("axis0", "axis1"), (5, 7)), 3), (site(("unit",), (1,)), 1),
])
def test_regions_that_are_no_channels(where, axes):
    with pytest.raises(NotSparse):
        channel_axis(where, axes)
