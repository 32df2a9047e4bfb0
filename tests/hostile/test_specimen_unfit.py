"""Networks and files that cannot be used as they are: a typed error that says what to type next."""

import pickle

import numpy as np
import pytest
import torch
from fresh import own_chance, shown
from safetensors.torch import save_file
from torch import nn

from neurolab.errors import (
    FileFormatError,
    SpecimenError,
    UnknownNameError,
)
from neurolab.lesion import Lesion, Mean, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, record, zoo


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with own_chance():
        yield


X = np.linspace(-1, 1, 24).reshape(6, 4)


# -- networks --------------------------------------------------------------------------------------------------------


class SelfMutating(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += 1
        return self.linear(x)


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return nn.functional.dropout(self.linear(x), 0.5, training=True)


class RowsMeet(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        h = self.linear(x)
        return h * len(h)


class Returns(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.linear, self.shape = nn.Linear(4, 2), shape

    def forward(self, x):
        logits = self.linear(x)
        return {"dict": {"logits": logits, "aux": [x]}, "tuple": (x, logits), "text": "a", "none": None,
                "scalar": logits.sum()}[self.shape]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (SelfMutating(), "changes itself in forward.*'seen'"),
        (Noisy(), "Two runs of the same input"),
        (RowsMeet(), "which others are in the batch"),
        (Returns("dict"), "keys 'logits', 'aux'.*output='logits'"),
        (Returns("tuple"), "a tuple of 2.*output=0"),
        (Returns("text"), "returned a str"),
        (Returns("none"), "NoneType"),
        (Returns("scalar"), "no axis follows the number of stimuli"),
        (nn.DataParallel(nn.Linear(4, 2)), "pass model.module"),
        (nn.Linear(4, 2, device="meta"), "meta device"),
        ("not a network", "expected a torch.nn.Module"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_unfit_network__is_refused_with_the_way_out(model, says):
    with pytest.raises(SpecimenError, match=says):
        Specimen(model, np.ones((1, 4)))


@pytest.mark.filterwarnings("ignore")
def test_torchscript__is_refused():
    with pytest.raises(SpecimenError, match="TorchScript"):
        Specimen(torch.jit.script(nn.Linear(4, 2)), np.ones((1, 4)))


@pytest.mark.parametrize(("shape", "output"), [("dict", "logits"), ("tuple", 1), ("dict", lambda raw: raw["logits"])])
def test_nested_output__with_a_selector_is_read(shape, output):
    model = Returns(shape)
    net = Specimen(model, np.ones((1, 4)), output=output)
    expected = model.linear(torch.tensor(X, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(record(net, shown(X), ["output"]).values, expected, rtol=1e-6)


def test_wrong_selector__names_what_there_is():
    with pytest.raises(SpecimenError, match=r"output='logit' does not fit.*output='logits'"):
        Specimen(Returns("dict"), np.ones((1, 4)), output="logit")


def test_model_that_fails_while_running__leaves_no_hooks():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 2)

        def forward(self, x):
            self.linear(x)
            raise RuntimeError("boom")

    model = Fails()
    with pytest.raises(SpecimenError, match="boom"):
        Specimen(model, np.ones((1, 4)))
    assert not model.linear._forward_hooks
    assert not model.linear._forward_pre_hooks


def test_training_mode__is_forced_to_evaluation_and_given_back_module_by_module():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 36, 2))
    model.train()
    model[1].eval()
    flags = [module.training for module in model.modules()]
    running = model[1].running_mean.clone()
    net = Specimen(model, np.ones((1, 1, 8, 8)))
    images = np.random.default_rng(0).normal(size=(6, 1, 8, 8))
    stimuli = shown(images)
    first, second = record(net, stimuli, ["output"]), record(net, stimuli, ["output"])
    np.testing.assert_array_equal(first.values, second.values)
    assert [module.training for module in model.modules()] == flags
    assert torch.equal(model[1].running_mean, running)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precision__is_recorded_in_float32_and_pooled_there(dtype):
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(3 * 900, 2)).to(dtype)
    net = Specimen(model, np.ones((1, 1, 32, 32)))
    stimuli = shown(np.random.default_rng(0).normal(size=(4, 1, 32, 32)))
    recording = record(net, stimuli, ["0"])
    whole = record(net, stimuli, [Probe("0", pool=None, dtype="float64")]).values.reshape(4, 3, -1)
    assert recording.dtype == np.float32
    np.testing.assert_allclose(recording.values, whole.mean(axis=2), rtol=1e-5, atol=1e-6)
    lesioned = record(net, stimuli, ["0"], lesions=[Lesion(ROI("r", {"0": [1]}), Mean(recording))])
    np.testing.assert_allclose(lesioned.values[:, 1], recording.values[:, 1].mean(), rtol=1e-2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_other_device__recorded_and_lesioned_as_on_the_processor():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(3 * 36, 2))
    stimuli = shown(np.random.default_rng(0).normal(size=(5, 1, 8, 8)))
    lesion = Lesion(ROI("r", {"0": [1]}), Zero())
    here = record(Specimen(model, np.ones((1, 1, 8, 8))), stimuli, ["0", "output"], lesions=[lesion]).values
    there = record(Specimen(model.cuda(), np.ones((1, 1, 8, 8))), stimuli, ["0", "output"], lesions=[lesion]).values
    np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


# -- files -----------------------------------------------------------------------------------------------------------


def test_weights__all_of_a_good_file_or_nothing(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    good = tmp_path / "good.safetensors"
    save_file({name: tensor + 1 for name, tensor in model.state_dict().items()}, good)
    before = [p.clone() for p in model.parameters()]
    zoo.load_weights(model, good)
    assert all(torch.equal(p, q + 1) for p, q in zip(model.parameters(), before))

    after = [p.clone() for p in model.parameters()]
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-100])
    other = tmp_path / "other.safetensors"
    save_file({**model.state_dict(), "extra": torch.zeros(1)}, other)
    missing = tmp_path / "missing.safetensors"
    for file, settings, says in (
        (cut, {}, "truncated"), (other, {}, "'extra'"), (good, {"sha256": "0" * 64}, "expected 0000"),
        (missing, {}, "does not exist"),
    ):
        with pytest.raises(FileFormatError, match=says):
            zoo.load_weights(model, file, **settings)
        assert all(torch.equal(p, q) for p, q in zip(model.parameters(), after))


@pytest.mark.parametrize("suffix", [".pt", ".pkl", ".bin", ".ckpt"])
def test_pickles__are_never_opened(tmp_path, suffix):
    class Bomb:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    file = tmp_path / f"weights{suffix}"
    file.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FileFormatError, match="Convert it"):
        zoo.load("digits", weights=file)
    assert not (tmp_path / "ran").exists()


def test_factory__bad_addresses_are_named():
    with pytest.raises(UnknownNameError, match="module:factory"):
        zoo.from_factory("torch.nn", example=np.ones((1, 4)))
    with pytest.raises(UnknownNameError, match="Did you mean 'Linear'"):
        zoo.from_factory("torch.nn:Lineer", example=np.ones((1, 4)))
    with pytest.raises(UnknownNameError, match="cannot be imported"):
        zoo.from_factory("no_such_module:build", example=np.ones((1, 4)))
    with pytest.raises(SpecimenError, match=r"expected a torch.nn.Module"):
        zoo.from_factory("collections:OrderedDict", example=np.ones((1, 4)))
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        zoo.load("digit")
