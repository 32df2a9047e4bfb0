"""Every ablation against a numpy twin, every recording against a hand-written hook, every shortcut against the whole.

The numbers on the other side are plain numpy on activations that a hand-written torch hook collected.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from small_conv import MODEL, NET, REFERENCE_STIMULI, SITE, STIMULI, UNITS, M, N, by_hand

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
from neurolab.specimen import ABLATIONS, OnWeights, Probe, Task, draws, examine, record
from neurolab.specimen.promises import one_thread


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


POOLED = record(NET, REFERENCE_STIMULI, [SITE])
WHOLE = record(NET, REFERENCE_STIMULI, [Probe(SITE, pool=None, dtype="float64")])


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
    Zero(), Scale(0.25), Clamp(-1.5), Mean(POOLED), Mean(WHOLE), Resample(WHOLE), Noise(0.7, WHOLE),
    Stimulate(0.7, WHOLE),
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
