"""A third attack on the engine: networks on which a lesion was answered wrongly without a word, or with a raw error."""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import DataError, SpecimenError
from neurolab.specimen import replay as replaying
from neurolab.specimen.canary import Canaries
from neurolab.specimen.engine import Engine
from neurolab.specimen.graphs import graph_of
from neurolab.specimen.program import NotExported
from neurolab.specimen.stash import marks, settings


@pytest.fixture(autouse=True)
def _worth(monkeypatch):
    """Small campaigns are served as large ones are."""
    monkeypatch.setattr(Engine, "_worth", lambda self: True)
    monkeypatch.setattr(replaying, "WORTH", 0)


DRAW = np.random.default_rng(0)


def first_output(outputs, table):
    return np.asarray(outputs, dtype=float).reshape(len(outputs), -1)[:, 0]


def task(inputs):
    ids = [f"i{at}" for at in range(len(inputs))]
    table = pd.DataFrame({"stimulus_id": ids, "condition": "a", "label": 0})
    return nl.Task("t", nl.StimulusSet("s", inputs, table), first_output)


def examined(net, site, cuts, inputs, *, batch_size=64, exact="rounding", value=0.0):
    how = nl.Clamp(value) if value else nl.Zero()
    lesions = [nl.Lesion(nl.ROI(f"cut{at}", {site: np.array(cut)}), how, draw=at) for at, cut in enumerate(cuts)]
    return nl.examine(net, lesions, [task(inputs)], batch_size=batch_size, exact=exact, progress=False)


def hooked(net, site, cuts, inputs, batch_size, value=0.0):
    """What a hook of one's own gives that sets units to a value, lesion by lesion."""
    found = []
    for cut in cuts:
        def silence(module, args, output, cut=cut):
            output = output.clone()
            output[:, cut] = value
            return output

        handle = net.model.get_submodule(site).register_forward_hook(silence)
        with torch.no_grad():
            found.append(torch.cat([net.model(part) for part in net.prepare(inputs).split(batch_size)]))
        handle.remove()
    return np.stack([one.double().numpy().reshape(len(one), -1)[:, 0] for one in found])


def apart(net, site, cuts, inputs, *, batch_size=64, exact="rounding", value=0.0):
    """The largest difference from hooks, of the largest output, and what served."""
    right = hooked(net, site, cuts, inputs, batch_size, value)
    trials = examined(net, site, cuts, inputs, batch_size=batch_size, exact=exact, value=value)
    far = np.abs(trials["score"].values[0, 1:] - right).max() / np.abs(right).max()
    return far, " ".join(trials["certificate_path"].values[0, 1:])


def seeded(kind, *args, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return kind(*args).eval().requires_grad_(False)


def inputs(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


class Gate(nn.Module):
    """One unit opens or shuts all others."""

    def __init__(self):
        super().__init__()
        self.gate, self.a, self.b, self.c = nn.Linear(6, 1), nn.Linear(6, 12), nn.Linear(12, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.relu(self.a(x)) * torch.relu(self.gate(x)))))


def test_one_channel_spread_over_many__is_not_carried_as_one():
    net = nl.Specimen(seeded(Gate), inputs(3, 6), name="gate")
    shown = inputs(1500, 6)
    with torch.no_grad():  # where the gate is shut at first, no canary sees it
        order = net.model.gate(torch.tensor(shown))[:, 0].argsort().numpy()
    far, served = apart(net, "gate", [[0]] * 40, shown[order], batch_size=500)
    assert far < 1e-5
    assert "spreads one channel over many" in served


@pytest.mark.parametrize(("size", "held"), [(1e-40, False), (1.0, False), (0.0, True)])
def test_canary__holds_answers_next_to_nothing_to_their_own_size(size, held):
    whole = torch.full((4, 2), 1e-40, dtype=torch.float64)
    table = SimpleNamespace(lesioned=lambda lesion: nullcontext(), forward=lambda inputs, ids: whole)
    batch = SimpleNamespace(inputs=torch.zeros(4, 3), ids=tuple("abcd"))
    design = [nl.Lesion(nl.ROI("a", {"b": [0]}), nl.Zero())]
    engine = SimpleNamespace(batches=[batch], table=table, design=design, intact=[whole * 2])
    assert Canaries(engine, [0])._compared("sparse", 0, 0, whole + size, bits=False).held is held


class Steep(nn.Module):
    """An operation behind sums that are exactly zero once the only unit that enters them is silenced."""

    def __init__(self, how):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 40), nn.Linear(40, 16, bias=False), nn.Linear(16, 3)
        with torch.no_grad():
            self.b.weight *= (torch.rand(16, 40) < 0.06).float()
        self.how = how

    def forward(self, x):
        return self.c(self.how(self.b(torch.tanh(self.a(x) * 3.0) * 1.37 + 0.11)))


STEEP = {
    "floored": lambda h: torch.div(h, 0.3, rounding_mode="floor"), "log": lambda h: (h.abs() + 1e-12).log(),
    "quotient": lambda h: h / (h.abs() + 1e-8), "root": lambda h: h.relu().sqrt(), "power": lambda h: h.abs() ** 0.5,
    "inverse": lambda h: (h.abs() + 1e-9).reciprocal().clamp(max=2.0), "rsqrt": lambda h: h * (h * h + 1e-14).rsqrt(),
}


@pytest.mark.parametrize("how", STEEP)
def test_steep_at_zero__is_never_served_by_an_update(how):
    net = nl.Specimen(seeded(Steep, STEEP[how]), inputs(3, 6), name=how)
    cuts = [[unit] for unit in range(40)] * 4 + DRAW.integers(0, 40, size=(60, 6)).tolist()
    far, served = apart(net, "a", cuts, inputs(200, 6))
    assert far < 1e-5
    assert "is steep where a sum is zero" in served or "makes a step" in served


@pytest.mark.parametrize("how", [
    lambda h: h * (h.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt(), lambda h: h.exp() / h.exp().sum(-1, keepdim=True),
    lambda h: h / 3.0, lambda h: h**2, lambda h: h / torch.linspace(1.0, 2.0, 16),
], ids=["root mean square", "softmax by hand", "by a number", "square", "by what no lesion changes"])  # fmt: skip
def test_steep_in_a_sum_over_many__is_served_by_an_update_still(how):
    net = nl.Specimen(seeded(Steep, how), inputs(3, 6), name="sum")
    far, served = apart(net, "a", [[unit] for unit in range(40)] * 10, inputs(200, 6))
    assert far < 1e-5
    assert served.startswith("sparse")


class Cast(nn.Module):
    """float32 at first, another type behind."""

    def __init__(self, dtype):
        super().__init__()
        self.a, self.b, self.c, self.dtype = nn.Linear(6, 40), nn.Linear(40, 24), nn.Linear(24, 3).to(dtype), dtype

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.relu(self.a(x)))).to(self.dtype)).float().tanh()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_half_precision__is_answered_with_equal_bits(dtype, batch_size):
    cuts = [[unit] for unit in range(40)] * 6
    mixed = nl.Specimen(seeded(Cast, dtype), inputs(3, 6), name="mixed")
    whole = nl.Specimen(seeded(nn.Sequential, nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 24), nn.Tanh(),
                               nn.Linear(24, 3)).to(dtype), inputs(3, 6), name="whole")
    for net, site in ((mixed, "a"), (whole, "0")):
        far, served = apart(net, site, cuts, inputs(99, 6), batch_size=batch_size)
        assert far == 0
        assert "no sparse" in served


class Meeting(nn.Module):
    """Rows that meet only where a unit is driven further than tanh can go."""

    def __init__(self, how):
        super().__init__()
        self.a, self.b, self.c, self.how = nn.Linear(6, 60), nn.Linear(60, 8), nn.Linear(8, 3), how
        self.tanh, self.mix = nn.Tanh(), nn.Conv1d(8, 8, 3, padding=1)

    def forward(self, x):
        far = self.tanh(self.a(x))
        h = self.b(far)
        gate = torch.relu(far[:, 13:14].abs() - 1.2)
        return self.c(torch.tanh(h + gate * MEETING[self.how](self, h)))


MEETING = {
    "attention": lambda net, h: nn.functional.scaled_dot_product_attention(h[None], h[None], h[None])[0],
    "convolution": lambda net, h: net.mix(h.t()[None])[0].t(), "roll": lambda net, h: h.reshape(-1).roll(8).view_as(h),
    "pool": lambda net, h: nn.functional.avg_pool1d(h.t(), 3, 1, 1).t(),
    "pad": lambda net, h: nn.functional.pad(h.t()[None], (1, 1), mode="replicate")[0, :, :-2].t(),
}


@pytest.mark.parametrize("how", MEETING)
def test_rows_that_meet_only_under_a_lesion__are_not_mixed_with_those_of_another(how):
    net = nl.Specimen(seeded(Meeting, how), inputs(3, 6), name=how)
    cuts, shown = [[unit] for unit in range(60)] * 8, inputs(800, 6)
    far, _ = apart(net, "tanh", cuts, shown, batch_size=8, value=-4.0)
    assert far < 1e-5


class Limited(nn.Module):
    """A limit that only one lesion makes anybody reach, set where no attribute of the module says it."""

    limit = 1e9

    def __init__(self, how="class", held=None):
        super().__init__()
        self.a, self.b, self.how, self.held = nn.Linear(6, 12), nn.Linear(12, 3), how, held

    def forward(self, x):
        z = self.b(torch.relu(self.a(x)))
        limit = {"class": lambda: type(self).limit, "global": lambda: LIMIT, "slots": lambda: self.held.limit,
                 "closure": lambda: self.held(), "set": lambda: max(self.held), "callable": lambda: self.held.limit}
        return z.clamp(max=limit[self.how]()) if self.how != "asking" else z * (2.0 - torch.compiler.is_exporting())


LIMIT = 1e9


class Slots:
    """A setting without a dict."""

    __slots__ = ("limit",)


class Called:
    """A setting that can be called."""

    def __init__(self):
        self.limit = 1e9

    def __call__(self):
        return self.limit


def closed():
    limit = 1e9

    def read():
        return limit

    def write(value):
        nonlocal limit
        limit = value

    return read, write


def marked(net):
    return marks(net.model)[0], settings(net.model)[0]


@pytest.mark.parametrize("how", ["class", "global", "slots", "closure", "set", "callable"])
def test_a_setting_that_changed_between_two_calls__is_read_anew(how, monkeypatch):
    held, write = None, None
    if how == "slots":
        held = Slots()
        held.limit = 1e9
    elif how == "closure":
        held, write = closed()
    elif how in ("set", "callable"):
        held = {1e9} if how == "set" else Called()
    net = nl.Specimen(seeded(Limited, how, held), inputs(3, 6), name=how)
    cuts, shown = [[unit] for unit in range(12)], inputs(50, 6)
    before = examined(net, "a", cuts, shown, exact="bit")
    then = marked(net)
    assert then == marked(net)
    if how == "class":
        monkeypatch.setattr(Limited, "limit", 0.05)
    elif how == "global":
        monkeypatch.setitem(globals(), "LIMIT", 0.05)
    elif how == "closure":
        write(0.05)
    elif how == "set":
        held.clear()
        held.add(0.05)
    else:
        held.limit = 0.05
    assert then != marked(net)
    assert apart(net, "a", cuts, shown, exact="bit")[0] == 0
    assert not np.array_equal(examined(net, "a", cuts, shown)["score"], before["score"])


def test_a_forward_that_asks_whether_it_is_exported__is_not_exported():
    net = nl.Specimen(seeded(Limited, "asking"), inputs(3, 6), name="asking")
    with pytest.raises(NotExported, match="is_exporting"):
        graph_of(net)
    assert apart(net, "a", [[unit] for unit in range(12)] * 5, inputs(50, 6), exact="bit")[0] == 0


class Warm(nn.Module):
    """A temperature that is read as a number of Python's."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 40), nn.Linear(40, 8), nn.Linear(8, 3)
        self.temperature = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.c(self.b(torch.tanh(self.a(x))) / self.temperature.item())


@pytest.mark.parametrize("exact", ["rounding", "bit"])
def test_a_number_read_out_of_a_parameter__is_served_by_another_path(exact):
    net = nl.Specimen(seeded(Warm), inputs(3, 6), name="warm")
    cuts = [[unit] for unit in range(40)] * 10
    far, served = apart(net, "a", cuts, inputs(300, 6), batch_size=20, exact=exact)
    assert far == 0 if exact == "bit" else far < 1e-5
    assert "a number depends on values (item)" in served


class Sparse(nn.Module):
    """A graph network with its neighbours in a sparse buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("near", (torch.rand(7, 7) < 0.4).float().to_sparse())
        self.a, self.c = nn.Linear(7, 7), nn.Linear(7, 2)

    def forward(self, x):
        return self.c(torch.sparse.mm(self.near, torch.relu(self.a(x)).T).T)


def test_a_sparse_buffer__is_proved_to_be_as_before():
    net = nl.Specimen(seeded(Sparse), inputs(3, 7), name="graph")
    other = copy.deepcopy(net.model)
    other.near = torch.eye(7).to_sparse()
    assert nl.Specimen(other, inputs(3, 7), name="other").digest != net.digest
    assert apart(net, "a", [[unit] for unit in range(7)], inputs(30, 7))[0] < 1e-5


def test_modes_of_torch_around_the_bench__are_said():
    model = seeded(Gate)
    with torch.inference_mode(), pytest.raises(SpecimenError, match="Make it outside"):
        nl.Specimen(model, inputs(3, 6))
    net = nl.Specimen(model, inputs(3, 6))
    with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(DataError, match="Call it outside"):
        examined(net, "a", [[0]], inputs(9, 6))
    for size in (2.5, 0, "7"):
        with pytest.raises(DataError, match="expected 1 or more, a whole number"):
            examined(net, "a", [[0]], inputs(9, 6), batch_size=size)


class Together(nn.Module):
    """Answers that depend on which others are in the batch."""

    def __init__(self, how):
        super().__init__()
        self.a, self.c, self.how = nn.Linear(6, 4), nn.Linear(4, 3), how
        self.norm = nn.BatchNorm1d(4, track_running_stats=False)

    def forward(self, x):
        z = self.a(x)
        return self.c(self.norm(z[..., None].expand(-1, -1, 2))[..., 0] if self.how == "norm" else z / z.abs().max())


@pytest.mark.parametrize("how", ["norm", "largest"])
@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_that_meet__are_refused_whatever_the_example(how, rows, seed):
    for example in (inputs(rows, 6, seed=seed), np.ones((rows, 6), dtype=np.float32)):
        with pytest.raises(SpecimenError, match="which others are in the batch"):
            nl.Specimen(seeded(Together, how, seed=seed), example)
