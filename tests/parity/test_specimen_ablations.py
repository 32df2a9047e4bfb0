"""Every ablation against a numpy twin, every recording against a hand-written hook, every shortcut against the whole.

The numbers on the other side are plain numpy on activations that a hand-written torch hook collected.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.lesion import (
    Ablation,
    Clamp,
    CutWeights,
    Lesion,
    Mean,
    Noise,
    Quantise,
    Resample,
    Scale,
    Stimulate,
    WeightNoise,
    Zero,
)
from neurolab.roi import ROI
from neurolab.specimen import ABLATIONS, OnWeights, Probe, Specimen, Task, bench, draws, examine, record
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Replay
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(1)
N, M = 9, 14
UNITS = np.array([0, 3, 4])


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


def seeded(build):
    """Build with a torch state of its own, so that every run has the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


def shown(n, prefix):
    return StimulusSet(prefix, DRAW.normal(size=(n, 2, 7, 6)), pd.DataFrame({
        "stimulus_id": [f"{prefix}{at}" for at in range(n)], "condition": ["a"] * n, "label": np.arange(n) % 3}))


MODEL = seeded(lambda: nn.Sequential(
    nn.Conv2d(2, 6, 3), nn.ReLU(inplace=True), nn.Conv2d(6, 5, 2), nn.Tanh(), nn.Flatten(), nn.Linear(60, 8), nn.ReLU(),
    nn.Linear(8, 3),
)).eval()  # fmt: skip
NET = Specimen(MODEL, np.ones((1, 2, 7, 6)), name="net")
STIMULI, REFERENCE_STIMULI = shown(N, "s"), shown(M, "r")
SITE = "2"  # 5 channels x 4 x 3, before a tanh
POOLED = record(NET, REFERENCE_STIMULI, [SITE])
WHOLE = record(NET, REFERENCE_STIMULI, [Probe(SITE, pool=None, dtype="float64")])


def by_hand(stimuli, site=SITE, edit=None, model=MODEL):
    """Activations at a site from a hook of our own, and the read-out, with ``edit`` in place."""
    seen = []

    def hook(module, args, output):
        out = output.clone() if edit is None else torch.tensor(edit(output.numpy().astype(np.float64))).float()
        seen.append(out.clone())
        return out

    handle = model.get_submodule(site).register_forward_hook(hook)
    try:
        with torch.no_grad():
            answer = model(torch.tensor(stimuli.inputs, dtype=torch.float32))
    finally:
        handle.remove()
    return seen[0].numpy(), answer.numpy()


def usual(reference):
    """Per-unit mean and sd of a reference, and its presentations, each with trailing (row, col) axes to broadcast."""
    values = reference.values.astype(np.float64)
    values = values.reshape(M, 5, 4, 3) if reference.sizes["neuroid"] == 60 else values[:, :, None, None]
    return values.mean(axis=0), values.std(axis=0, ddof=1), values


def normal_noise(rng):
    key = draws.key(draws.key(rng, "normal", SITE))
    assert isinstance(key, int)
    return draws.normals(draws.key(rng, "normal", SITE), STIMULI.ids, np.arange(60)).reshape(N, 5, 4, 3)


def donors(rng):
    return np.floor(draws.uniforms(draws.key(rng, "resample"), STIMULI.ids, np.zeros(1, int))[:, 0] * M).astype(int)


#: Ablation of activity -> its twin: (how, values (rows, channels, row, col), reference, rng) -> the values instead.
TWINS = {
    Zero: lambda how, x, rng: np.zeros_like(x),
    Mean: lambda how, x, rng: np.broadcast_to(usual(how.reference)[0], x.shape),
    Resample: lambda how, x, rng: np.broadcast_to(usual(how.reference)[2][donors(rng)], x.shape),
    Noise: lambda how, x, rng: x + how.sd * usual(how.reference)[1] * normal_noise(rng),
    Scale: lambda how, x, rng: how.factor * x,
    Clamp: lambda how, x, rng: np.full_like(x, how.value),
    Stimulate: lambda how, x, rng: x + how.current * usual(how.reference)[1],
}
ACTIVITY = [
    Zero(), Scale(0.25), Clamp(-1.5),
    *(kind(reference) for kind in (Mean, Resample) for reference in (POOLED, WHOLE)),
    *(kind(0.7, reference) for kind in (Noise, Stimulate) for reference in (POOLED, WHOLE)),
]  # fmt: skip


def replaced(how, rng, units=UNITS):
    def edit(x):
        out = x.copy()
        out[:, units] = TWINS[type(how)](how, x, rng)[:, units]
        return out

    return edit


def test_every_ablation_in_the_table__has_a_twin():
    shipped = {kind for kind in ABLATIONS if kind.__module__ == Zero.__module__}
    assert shipped == set(TWINS) | {CutWeights, WeightNoise, Quantise}


@pytest.mark.parametrize("rng", [0, 5])
@pytest.mark.parametrize("how", ACTIVITY, ids=lambda how: f"{how.label}")
def test_activity__equals_its_numpy_twin(how, rng):
    lesion = Lesion(ROI("r", {SITE: UNITS}, {SITE: ("channel",)}), how, rng=rng)
    there, out = by_hand(STIMULI, edit=replaced(how, rng))
    got = record(NET, STIMULI, [Probe(SITE, pool=None), "output"], lesions=[lesion], batch_size=4)
    np.testing.assert_allclose(got.values[:, :60], there.reshape(N, -1), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(got.values[:, 60:], out, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("how", ACTIVITY, ids=lambda how: f"{how.label}")
def test_single_positions__equal_the_twin_at_these_positions(how):
    elements = np.array([1, 17, 30, 59])
    lesion = Lesion(ROI("r", {SITE: elements}, {SITE: ("channel", "row", "col")}), how)
    got = record(NET, STIMULI, [Probe(SITE, pool=None)], lesions=[lesion]).values
    intact = by_hand(STIMULI)[0]
    expected = intact.reshape(N, -1).copy()
    expected[:, elements] = TWINS[type(how)](how, intact.astype(np.float64), 0).reshape(N, -1)[:, elements]
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6)


def weights_by_hand(change):
    """The read-out with some parameters replaced, on a copy of the model."""
    import copy

    model = copy.deepcopy(MODEL)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.tensor(change(name, parameter.numpy().astype(np.float64))))
        return model(torch.tensor(STIMULI.inputs, dtype=torch.float32)).numpy()


def cut_in(name, w):
    out = w.copy()
    if name in ("2.weight", "2.bias"):
        out[UNITS] = 0
    return out


def cut_out(name, w):
    out = w.copy()
    if name == "5.weight":
        out.reshape(8, 5, 12)[:, UNITS] = 0
    return out


def noisy(name, w):
    out = w.copy()
    if name == "2.weight":
        z = draws.normals(draws.key(3, "weights", "2.weight"), [""], np.arange(w.size)).reshape(w.shape)
        out[UNITS] += 0.5 * w.std() * z[UNITS]
    return out


def rounded(name, w):
    out = w.copy()
    if name == "2.weight":
        for unit in UNITS:
            step = np.abs(w[unit]).max() / 3
            out[unit] = np.round(w[unit] / step) * step
    return out


WEIGHT_TWINS = [
    (CutWeights("in"), cut_in), (CutWeights("out"), cut_out), (WeightNoise(0.5), noisy), (Quantise(3), rounded),
    (CutWeights("both"), lambda name, w: cut_out(name, cut_in(name, w))),
]  # fmt: skip


@pytest.mark.parametrize(("how", "change"), WEIGHT_TWINS, ids=lambda value: getattr(value, "label", ""))
def test_weights__equal_a_network_changed_by_hand(how, change):
    for site in ("2", "3"):  # the convolution, and the tanh behind it, have the same weights
        lesion = Lesion(ROI("r", {site: UNITS}, {site: ("channel",)}), how, rng=3)
        got = record(NET, STIMULI, ["output"], lesions=[lesion]).values
        np.testing.assert_allclose(got, weights_by_hand(change), rtol=1e-5, atol=1e-6)


def test_cutting_what_leaves_a_unit__is_zeroing_the_unit():
    region = ROI("r", {"3": UNITS}, {"3": ("channel",)})
    cut = record(NET, STIMULI, ["output"], lesions=[Lesion(region, CutWeights("out"))])
    zero = record(NET, STIMULI, ["output"], lesions=[Lesion(region, Zero())])
    np.testing.assert_allclose(cut.values, zero.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("site", ["0", "2", "3", "6"])
def test_record__equals_hooks_written_by_hand(site):
    whole = by_hand(STIMULI, site)[0]
    flat = whole.reshape(N, whole.shape[1], -1)
    unpooled = record(NET, STIMULI, [Probe(site, pool=None)], batch_size=4)
    np.testing.assert_allclose(unpooled.values, whole.reshape(N, -1), rtol=1e-5, atol=1e-6)
    for pool, expected in (("mean", flat.mean(axis=2)), ("max", flat.max(axis=2))):
        np.testing.assert_allclose(record(NET, STIMULI, [Probe(site, pool)]).values, expected, rtol=1e-5, atol=1e-6)
    some = record(NET, STIMULI, [Probe(site, units=[3, 1])])
    np.testing.assert_allclose(some.values, flat.mean(axis=2)[:, [1, 3]], rtol=1e-5, atol=1e-6)
    assert some["unit"].values.tolist() == [1, 3]


def test_record__says_where_each_element_lies():
    recording = record(NET, STIMULI, [Probe(SITE, pool=None), "6"])
    here = recording.isel(neuroid=recording["site"].values == 0)
    places = np.stack([here[name].values for name in ("channel", "row", "col")], axis=1)
    np.testing.assert_array_equal(places, np.stack(np.unravel_index(np.arange(60), (5, 4, 3)), axis=1))
    assert set(recording["row"].values[60:]) == {-1}


def test_out_norm__is_the_norm_of_the_outgoing_weights():
    recording = record(NET, STIMULI, ["0", "1", "2", "6", "output"])
    norms = recording["out_norm"].values
    conv, linear, last = (dict(MODEL.named_parameters())[name].detach().double().numpy() for name in
                          ("2.weight", "5.weight", "7.weight"))  # fmt: skip
    channels = np.sqrt((conv**2).sum(axis=(0, 2, 3)))
    flattened = np.sqrt((linear.reshape(8, 5, 12) ** 2).sum(axis=(0, 2)))
    expected = np.concatenate([channels, channels, flattened, np.sqrt((last**2).sum(axis=0)), np.full(3, np.nan)])
    np.testing.assert_allclose(norms, expected, rtol=1e-10)


class PlainAttention(nn.Module):
    """Multi-head attention written out, with an output projection."""

    def __init__(self, width=12, num_heads=3):
        super().__init__()
        self.num_heads, self.qkv, self.out_proj = num_heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, head_mask=None):
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        z = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        if head_mask is not None:
            z = z * head_mask[None, None, :, None]
        return self.out_proj(z.flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attn, self.head = nn.LayerNorm(12), PlainAttention(), nn.Linear(12, 4)

    def forward(self, x, head_mask=None):
        return self.head((x + self.attn(self.norm(x), head_mask)).mean(1)), x


BLOCK = seeded(Block).eval()
TOKENS = StimulusSet("tokens", DRAW.normal(size=(7, 5, 12)), pd.DataFrame({
    "stimulus_id": [f"t{at}" for at in range(7)], "condition": ["a"] * 7, "label": np.arange(7) % 4}))
HEADS = "attn.out_proj/heads"


def test_heads__are_slices_of_the_projections_input():
    net = Specimen(BLOCK, np.ones((1, 5, 12)), output=0)
    assert (net.sites()[HEADS].dims, net.sites()[HEADS].shape) == (("token", "head", "unit"), (5, 3, 4))
    for heads in ([1], [0, 2]):
        mask = torch.ones(3)
        mask[heads] = 0
        with torch.no_grad():
            expected = BLOCK(torch.tensor(TOKENS.inputs, dtype=torch.float32), mask)[0].numpy()
        lesion = Lesion(ROI("heads", {HEADS: heads}), Zero())
        got = record(net, TOKENS, ["output"], lesions=[lesion]).values
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_heads__are_recorded_by_unit_and_by_length_and_held_at_their_own_mean():
    net = Specimen(BLOCK, np.ones((1, 5, 12)), output=0)
    kept = []
    handle = BLOCK.attn.out_proj.register_forward_pre_hook(lambda module, args: kept.append(args[0].clone()))
    with torch.no_grad():
        BLOCK(torch.tensor(TOKENS.inputs, dtype=torch.float32))
    handle.remove()
    z = kept[0].numpy().reshape(7, 5, 3, 4)
    by_unit, by_length = record(net, TOKENS, [HEADS]), record(net, TOKENS, [Probe(HEADS, pool="norm")])
    np.testing.assert_allclose(by_unit.values, z.mean(axis=1).reshape(7, 12), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_length.values, np.linalg.norm(z, axis=3).mean(axis=1), rtol=1e-5)
    assert by_unit["head"].values.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    columns = BLOCK.attn.out_proj.weight.detach().double().numpy().reshape(12, 3, 4)
    np.testing.assert_allclose(by_length["out_norm"].values, np.sqrt((columns**2).sum(axis=(0, 2))))
    held = record(net, TOKENS, [Probe(HEADS, pool=None)], lesions=[Lesion(ROI("h", {HEADS: [2]}), Mean(by_unit))])
    held = held.values.reshape(7, 5, 3, 4)
    np.testing.assert_allclose(held[:, :, 2], np.broadcast_to(z.mean(axis=(0, 1))[2], (7, 5, 4)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(held[:, :, :2], z[:, :, :2], rtol=1e-5, atol=1e-6)


def test_residual_stream_of_a_block_that_returns_a_tuple__is_its_first_tensor():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.block, self.last = Block(), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(self.block(x)[0])

    model = Stack().eval()
    net = Specimen(model, np.ones((1, 5, 12)))
    got = record(net, TOKENS, ["block", "output"], lesions=[Lesion(ROI("r", {"block": [1]}), Clamp(2.0))])
    with torch.no_grad():
        stream = model.block(torch.tensor(TOKENS.inputs, dtype=torch.float32))[0]
        stream[:, 1] = 2.0
        expected = model.last(stream).numpy()
    np.testing.assert_allclose(got.values, np.hstack([stream.numpy(), expected]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("site", ["input", "0", "1", "2", "3", "4", "5", "6", "7", "output"])
@pytest.mark.parametrize("how", [Zero(), Clamp(0.4), Scale(0.5)], ids=lambda how: how.label)
def test_replay__gives_the_bits_of_the_whole_forward(site, how):
    units = [0, 1]
    lesions = [Lesion(ROI("r", {site: units}), how), Lesion(ROI("late", {"6": [2], site: [1]}), how)]
    task = Task("t", STIMULI, scores.margin)
    trials = examine(NET, lesions, [task], batch_size=4)
    with one_thread(), bench(NET) as table:
        for at, lesion in enumerate(lesions, start=1):
            with table.lesioned(lesion):
                inputs, parts = NET.prepare(STIMULI.inputs), [slice(0, 4), slice(4, 8), slice(8, N)]
                whole = torch.cat([table.forward(inputs[part], STIMULI.ids[part]) for part in parts])
            np.testing.assert_array_equal(trials.score.values[0, at], scores.margin(whole.numpy(), STIMULI.table))


@pytest.mark.parametrize("how", [*ACTIVITY[:5], *(how for how, _ in WEIGHT_TWINS)], ids=lambda how: how.label)
def test_replay__serves_every_ablation_and_skips_what_lies_before(how):
    from neurolab.specimen.replay import Batch, cut_of

    where = SITE if hasattr(how, "reference") else "3"
    lesion = Lesion(ROI("r", {where: UNITS}, {where: ("channel",)}), how)
    batch = Batch(NET.prepare(STIMULI.inputs), STIMULI.ids)
    ran = []
    with one_thread(), bench(NET) as table:
        replay = Replay(table, [batch], [lesion])
        with table.lesioned(lesion) as damage:
            whole = table.forward(batch.inputs, batch.ids)
            first = replay.forward(batch, damage)
            original = MODEL[0]._conv_forward
            MODEL[0]._conv_forward = lambda *args: ran.append(1) or original(*args)
            second = replay.forward(batch, damage)
            del MODEL[0]._conv_forward
    assert torch.equal(whole, first)
    assert torch.equal(whole, second)
    assert not ran
    assert ("0", 0) in cut_of(NET, lesion)


FOUR = StimulusSet("four", DRAW.normal(size=(4, 4)), TOKENS.table.iloc[:4])


def test_replay__stands_back_where_a_user_watches():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    seen = []
    handle = model[0].register_forward_hook(lambda *args: seen.append(1))
    net = Specimen(model, np.ones((1, 4)))
    seen.clear()
    design = [Lesion(ROI(str(at), {"1": [at]}), Zero()) for at in range(3)]
    examine(net, design, [Task("t", FOUR, lambda outputs, table: outputs[:, 0])])
    handle.remove()
    assert len(seen) == 4 + 1  # the sham and three lesions, each whole, and one proof that the consumer reads


def test_replay__stands_back_where_a_module_leaves_something_aside():
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            self.aside = x.sum(1, keepdim=True)
            return self.inner(x)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = First(), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(torch.relu(self.first(x))) * self.first.aside

    net = Specimen(Model(), np.ones((1, 4)))
    other = StimulusSet("other", DRAW.normal(size=(4, 4)), TOKENS.table.iloc[:4])
    score = lambda outputs, table: outputs[:, 0]  # noqa: E731
    lesion = Lesion(ROI("r", {"first": [1]}), Zero())
    trials = examine(net, [lesion], [Task("a", FOUR, score), Task("b", other, score)])
    alone = examine(net, [lesion], [Task("b", other, score)])
    expected = record(net, other, ["output"], lesions=[lesion]).values[:, 0]
    np.testing.assert_array_equal(trials.score.values[0, 1, 4:], alone.score.values[0, 1])
    np.testing.assert_allclose(alone.score.values[0, 1], expected, rtol=1e-6)


# -- an ablation from outside the package: this dataclass and one entry in the table are all of it ------------------


@dataclass(frozen=True)
class Flip(Ablation):
    """Turn the units around their usual mean."""

    reference: object
    gain: float = 1.0


@dataclass(frozen=True)
class SignOnly(Ablation):
    """Keep the sign of the incoming weights."""


@pytest.fixture
def registered():
    ABLATIONS[Flip] = lambda how, values, selection: selection.mean - how.gain * (values - selection.mean)
    ABLATIONS[SignOnly] = OnWeights(lambda how, weights, selection: weights.sign() * weights.abs().mean())
    yield
    del ABLATIONS[Flip], ABLATIONS[SignOnly]


@pytest.mark.usefixtures("registered")
def test_an_ablation_from_outside__is_one_dataclass_and_one_entry():
    how = Flip(POOLED, gain=0.5)
    lesion = Lesion(ROI("r", {SITE: UNITS}, {SITE: ("channel",)}), how)

    def twin(x):
        out = x.copy()
        mean = usual(POOLED)[0]
        out[:, UNITS] = (mean - 0.5 * (x - mean))[:, UNITS]
        return out

    np.testing.assert_allclose(
        record(NET, STIMULI, ["output"], lesions=[lesion]).values, by_hand(STIMULI, edit=twin)[1], rtol=1e-4, atol=1e-6
    )
    signs = Lesion(ROI("w", {SITE: UNITS}, {SITE: ("channel",)}), SignOnly())
    trials = examine(NET, [lesion, signs], [Task("t", STIMULI, scores.margin)])
    assert list(trials["how"].values) == ["Sham", "Flip gain=0.5", "SignOnly"]
    assert np.all(trials["certificate_downstream"].values[0, 1:] == 1)


def test_an_unregistered_ablation__says_how_to_register_it():
    with pytest.raises(ValueError, match=r"ABLATIONS\[Flip\] = "):
        record(NET, STIMULI, ["output"], lesions=[Lesion(ROI("r", {SITE: [0]}), Flip(POOLED))])
