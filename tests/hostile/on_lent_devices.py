"""What ``test_specimen_devices.py`` runs in a process of its own: networks on the processor and two lent devices.

Prints one JSON object: each check's name, and "" or what went wrong. Names behind the command run these checks alone.
"""

import copy
import functools
import json
import os
import sys
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from lent_device import ran, register
from torch import nn
from torch.nn import functional

from neurolab import scores
from neurolab.design import sham
from neurolab.errors import LesionNotUndone, SpecimenError
from neurolab.lesion import (
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
from neurolab.specimen import ABLATIONS, Padded, Probe, Specimen, Task, bench, examine, generate, record
from neurolab.specimen.engine import Engine
from neurolab.specimen.identity import identity_of
from neurolab.specimen.promises import kept_chance, one_thread
from neurolab.specimen.readout import with_readout
from neurolab.specimen.region import Region
from neurolab.specimen.replay import Batch
from neurolab.specimen.screening_run import screen
from neurolab.stimuli import StimulusSet

warnings.simplefilter("error")
CHECKS = {}
HOME = Zero.__module__  # of the ablations that neurolab has
N = 6
NEAR = {"rtol": 1e-5, "atol": 1e-6}


def check(function):
    CHECKS[function.__name__] = function
    return function


class Net(nn.Module):
    """Layers, each on a device; what is handed on goes to the next one's, as the parts of a model too large do."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self._run = forward

    def forward(self, x):
        return self._run(self, x)


def on(module, x):
    return x.to(next(module.parameters()).device)


def see(self, x):
    x = self.pool(functional.relu(self.bn(self.first(x)), inplace=True))
    x = self.act(self.second(on(self.second, x)))
    return self.head(on(self.head, x).flatten(1))


def cnn():
    return Net(see, head=nn.Linear(24, 3), first=nn.Conv2d(1, 5, 3), bn=nn.BatchNorm2d(5), pool=nn.MaxPool2d(2),
               second=nn.Conv2d(5, 6, 2), act=nn.ReLU())


def read(self, x):
    x = self.words(x)
    x = self.attn(*3 * [on(self.attn, x)], need_weights=False)[0] + on(self.attn, x)
    x, _ = self.lstm(on(self.lstm, x))
    return self.head(on(self.head, x))


def reader():
    return Net(read, words=nn.Embedding(11, 8), attn=nn.MultiheadAttention(8, 2, batch_first=True),
               lstm=nn.LSTM(8, 6, batch_first=True), head=nn.Linear(6, 11))


#: The parts of each network and where they go. The CNN's head, on the processor, comes first in its order.
NETWORKS = {"cnn": (cnn, {"first": "lent:0", "bn": "lent:0", "second": "lent:1", "head": "cpu"}),
            "reader": (reader, {"words": "lent:1", "attn": "lent:0", "lstm": "lent:1", "head": "cpu"})}


def shown(name):
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(N, 1, 8, 8)) if name == "cnn" else draw.integers(1, 11, size=(N, 5))
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a", "b"] * (N // 2),
                          "label": np.arange(N) % 3})
    return StimulusSet(name, inputs, table)


def pair(name):
    """The network on the processor, the same spread over three devices, and stimuli."""
    build, places = NETWORKS[name]
    torch.manual_seed(0)
    here = build().eval()
    there = copy.deepcopy(here)
    for part, device in places.items():
        getattr(there, part).to(device)
    stimuli = shown(name)
    return Specimen(here, stimuli.inputs[:2], name=name), Specimen(there, stimuli.inputs[:2], name=name), stimuli


#: The same for checks that leave the networks as they are.
unchanged_pair = functools.cache(pair)


def alike(make, name, **near):
    """What is made of a network on the processor and of one that is spread is the same."""
    here, there, stimuli = unchanged_pair(name)
    expected, found = make(here, stimuli), make(there, stimuli)
    np.testing.assert_allclose(found, expected, **(near or NEAR))
    return expected


# -- the lent device does what a GPU does ----------------------------------------------------------------------------


@check
def lent__mixing_devices_raises():
    a, b, c = torch.ones(3, 4, device="lent:0"), torch.ones(3, 4), torch.ones(3, 4, device="lent:1")
    for mixed in (lambda: a + b, lambda: a + c, lambda: b.add_(a), lambda: a @ b.T, lambda: torch.cat([a, b]),
                  lambda: torch.stack([c, a]), lambda: torch.where(b > 0, a, c), lambda: b.masked_fill_(a > 0, 1.0),
                  lambda: a.index_select(0, torch.tensor([0])), lambda: torch.equal(a, b), lambda: c[a[0].long() - 1],
                  lambda: functional.linear(b, a), lambda: functional.embedding(torch.tensor([0]), a),
                  lambda: b.index_copy_(0, torch.tensor([0]), a[:1]),
                  lambda: a.index_copy_(0, torch.tensor([0]), b[:1]),
                  lambda: functional.conv1d(a[None], torch.ones(1, 3, 1))):
        with pytest.raises(RuntimeError, match="same device"):
            mixed()
    with pytest.raises(TypeError, match="can't convert lent:0"):
        a.numpy()
    with pytest.raises(TypeError, match="can't convert lent:0"):
        np.asarray(a)


@check
def lent__views_versions_and_gradients_are_torchs_own():
    whole = torch.arange(12.0).reshape(3, 4).to("lent:1")
    row = whole[1]
    row += 5
    assert whole.cpu()[1].tolist() == [9, 10, 11, 12]
    assert (whole._version, row._version, str(row.device)) == (1, 1, "lent:1")
    assert row.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr()
    assert whole.cpu().untyped_storage().data_ptr() != whole.untyped_storage().data_ptr()
    layer, whole = nn.Linear(4, 2).to("lent:0"), whole.to("lent:0")  # torch's Python backends have gradients on one
    layer(whole).sum().backward()
    assert str(layer.weight.grad.device) == "lent:0"
    torch.testing.assert_close(layer.weight.grad.cpu(), whole.cpu().sum(0).expand(2, 4))


# -- recordings ------------------------------------------------------------------------------------------------------


def everything(net, stimuli):
    sites = [site.address for site in net.sites() if site.status != "refused" and site.dims]
    return record(net, stimuli, [Probe(site, pool=None) for site in sites], batch_size=4).values


@check
def recorded__as_on_the_processor_at_every_site():
    for name in NETWORKS:
        before = len(ran)
        assert alike(everything, name).shape[1] > 50
        assert len(ran) > before


@check
def recorded__pooled_with_padding_left_out():
    def pooled(net, stimuli):
        padded = StimulusSet("padded", np.where(np.arange(5) < np.arange(1, N + 1)[:, None], stimuli.inputs, 0),
                             stimuli.table)
        spread = Specimen(Masked(net.model), padded.inputs[:2], feed=Padded(0))
        return record(spread, padded, ["net.attn"]).values

    alike(pooled, "reader")


class Masked(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, input_ids, attention_mask):
        return self.net(input_ids) * on(self.net.head, attention_mask)[..., None]


@check
def recorded__says_all_devices():
    _, net, stimuli = pair("cnn")
    assert record(net, stimuli, ["second"]).attrs["device"] == "cpu, lent:0, lent:1"
    task = Task("name", stimuli, scores.accuracy)
    assert identity_of(net, [task], 4, "rounding")["device"] == net.devices == "cpu, lent:0, lent:1"
    assert examine(net, [Lesion(ROI("r", {"act": [1]}), Zero())], [task]).attrs["device"] == net.devices


# -- where the inputs go ---------------------------------------------------------------------------------------------


@check
def inputs__go_where_the_model_takes_them():
    for name, device in (("cnn", "lent:0"), ("reader", "lent:1")):
        here, net, stimuli = pair(name)
        assert str(here.device) == "cpu"
        assert next(net.model.parameters()).device != net.device or name == "reader"
        assert {str(one.device) for one in (net.example, net.prepare(stimuli.inputs))} == {str(net.device)} == {device}


@check
def inputs__go_where_the_user_says():
    model = Net(lambda self, x: self.b(on(self.b, self.a(on(self.a, x)))), a=nn.Linear(4, 3).to("lent:0"),
                b=nn.Linear(3, 2))
    assert str(Specimen(model, np.ones((1, 4))).device) == "lent:0"
    assert str(Specimen(model, np.ones((1, 4)), inputs_on="cpu").device) == "cpu"
    model = Net(lambda self, x: self.b(self.a(x).cpu()), a=nn.Linear(4, 3).to("lent:0"), b=nn.Linear(3, 2))
    with pytest.raises(SpecimenError, match="same device"):
        Specimen(model, np.ones((1, 4)), inputs_on="lent:1")
    with pytest.raises(SpecimenError, match=r"refused it on each of 'lent:0', 'cpu'.*inputs_on"):
        Specimen(Net(lambda self, x: self.b(self.a(x)), a=model.a, b=model.b), np.ones((1, 4)))


@check
def inputs__follow_a_model_that_moves():
    net = Specimen(nn.Linear(4, 2), np.ones((1, 4)))
    net.model.to("lent:1")
    assert (str(net.device), net.devices) == ("lent:1", "lent:1")


@check
def weights_that_are_nowhere__are_refused():
    model = Net(lambda self, x: self.b(self.a(x)), a=nn.Linear(4, 3).to("lent:0"), b=nn.Linear(3, 2, device="meta"))
    with pytest.raises(SpecimenError, match=r"Parts of the model are on the meta device.*'b.weight', 'b.bias'"):
        Specimen(model, np.ones((1, 4)))


# -- lesions ---------------------------------------------------------------------------------------------------------


def hows(reference):
    return (Zero(), Mean(reference), Resample(reference), Noise(1.0, reference), Scale(0.5), Clamp(0.3),
            Stimulate(2.0, reference), CutWeights("in"), CutWeights("out"), CutWeights("both"), WeightNoise(0.5),
            Quantise(2))  # fmt: skip


def cut(net, stimuli, site, units, how, dims=None):
    lesion = Lesion(ROI("r", {site: units}, {site: dims} if dims else {}), how, rng=3)
    return record(net, stimuli, [Probe("output", pool=None)], lesions=[lesion]).values


def by_every_ablation(site):
    def lesioned(net, stimuli):
        reference = record(net, stimuli, [Probe(site, pool=None)])
        assert {type(how) for how in hows(reference)} == {kind for kind in ABLATIONS if kind.__module__ == HOME}
        units = np.arange(net.sites()[site].shape[0])[:3] if net.name == "cnn" else [1]
        said = hows(reference) if net.name == "cnn" else hows(reference)[:7]
        return np.stack([cut(net, stimuli, site, units, how) for how in said])

    return lesioned


@check
def lesioned__by_every_ablation_as_on_the_processor():
    for name, site in (("cnn", "second"), ("reader", "words"), ("reader", "lstm/l0"), ("reader", "attn/heads")):
        found = alike(by_every_ablation(site), name)
        assert len(np.unique(found, axis=0)) > len(found) // 2  # cutting what goes in or out may be the same as Zero


@check
def lesioned__at_single_positions():
    for name, site, dims in (("cnn", "first", ("channel", "row", "col")), ("reader", "words", ("token", "unit"))):
        found = alike(lambda net, stimuli: cut(net, stimuli, site, [1, 5, 11], Zero(), dims), name)  # noqa: B023
        assert not np.array_equal(found, everything(*unchanged_pair(name)[1:])[:, -found.shape[1]:])


@check
def forgetting_to_move__is_found_here():
    _, net, stimuli = pair("cnn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Region, "_flat", lambda self, device: self._torch_index[1])
        with pytest.raises(RuntimeError, match="same device"):
            record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"second": [1]}), Zero())])


def campaign(net, stimuli, path):
    """The answers to single cuts at two sites, or to a few heads, by one path; and the paths that served them."""
    sites = {"cnn": {"first": 5, "act": 6}, "reader": {"attn/heads": 2}}[net.name]
    cuts = [Lesion(ROI(f"{site} {unit}", {site: [unit]}), Zero()) for site, n in sites.items() for unit in range(n)]
    design, inputs = [sham(cuts[0]), *cuts], net.prepare(stimuli.inputs)
    with one_thread(), bench(net) as table, pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.replay.WORTH", 0)
        batches = [Batch(inputs[at:at + 4], stimuli.ids[at:at + 4]) for at in range(0, N, 4)]
        engine = Engine(table, batches, design, always=True)
        plan = engine.plan("rounding", (path,))
        found = {at: torch.cat(outputs) for tile in plan.tiles() for at, _, outputs in engine.answers(tile)}
    return np.stack([found[at].cpu().numpy() for at in sorted(found)]), plan.groups[1:]


@functools.cache
def by_hooks(name):
    here, _, stimuli = unchanged_pair(name)
    return campaign(here, stimuli, "hooks")[0]


@check
def campaigns__answer_by_every_path_as_on_the_processor():
    for name, path in (("cnn", "hooks"), ("cnn", "module"), ("cnn", "slice"), ("reader", "slice"), ("cnn", "sparse")):
        found, groups = campaign(*unchanged_pair(name)[1:], path)
        assert {group.path for group in groups} == {"hooks" if path == "sparse" else path}, groups
        assert all("on the processor only; the network lies on cpu, lent:0, lent:1" in group.why for group in groups
                   if path == "sparse")
        np.testing.assert_allclose(found, by_hooks(name), **NEAR)
        assert len(np.unique(found, axis=0)) > 2


@check
def campaigns__of_a_network_that_lies_elsewhere_as_a_whole():
    here, _, stimuli = unchanged_pair("cnn")
    there = Specimen(copy.deepcopy(here.model).to("lent:1"), stimuli.inputs[:2], name="cnn")
    found, groups = campaign(there, stimuli, "slice")
    assert {group.path for group in groups} == {"slice"}
    np.testing.assert_allclose(found, by_hooks("cnn"), **NEAR)
    assert {group.path for group in campaign(there, stimuli, "sparse")[1]} == {"hooks"}


@check
def generated__as_on_the_processor():
    def goes_on(net, stimuli):
        at_6 = Lesion(ROI("r", {"words": [6 * 8 + 1]}, {"words": ("token", "unit")}), Clamp(3.0))
        return generate(net, stimuli, n_tokens=3, lesions=[at_6])

    alike(goes_on, "reader")


@check
def screened__as_on_the_processor():
    def screened(net, stimuli):
        found = screen(net, ["first", "second"], Task("name", stimuli, scores.accuracy), n_exact=11, rng=0)
        return found["estimate"].values

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NETWORKS, "cnn", (cnn, {"first": "lent:0", "bn": "lent:0"}))
        here, there, stimuli = pair("cnn")
        np.testing.assert_allclose(screened(there, stimuli), screened(here, stimuli), rtol=1e-4, atol=1e-6)


@check
def read_out__fitted_on_its_layers_device():
    def fitted(net, stimuli):
        return record(with_readout(net, stimuli, layer="head"), stimuli, [Probe("output", pool=None)]).values

    alike(fitted, "cnn", rtol=1e-4, atol=1e-5)
    _, there, stimuli = pair("cnn")
    there.model.head.to("lent:1")
    assert str(with_readout(there, stimuli, layer="head").model.head.weight.device) == "lent:1"


# -- promises --------------------------------------------------------------------------------------------------------


@check
def promises__see_every_device():
    _, net, _ = pair("cnn")
    digest = net.digest
    assert digest == pair("cnn")[0].digest
    for part in ("first", "second", "head"):
        with pytest.raises(LesionNotUndone, match=f"'{part}.weight'"), bench(net):
            getattr(net.model, part).weight.data.add_(1)
        assert net.digest != digest
        getattr(net.model, part).weight.data.sub_(1)


@check
def promises__weights_are_given_back_on_their_device():
    _, net, stimuli = pair("cnn")
    before = [(one.device, one.data_ptr(), one.detach().cpu().clone()) for one in net.model.parameters()]
    for how in (CutWeights("in"), WeightNoise(0.5), Quantise(2)):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"second": [1]}), how)])
    for (device, place, values), now in zip(before, net.model.parameters()):
        assert (device, place) == (now.device, now.data_ptr())
        assert torch.equal(values, now.cpu())


@check
def promises__chance_of_every_device_is_given_back():
    draws = Net(lambda self, x: self.b(on(self.b, self.a(x) + 0 * torch.rand(3, device="lent:1").to("lent:0"))),
                a=nn.Linear(4, 3).to("lent:0"), b=nn.Linear(3, 2).to("lent:1"))
    states = [torch.lent.get_rng_state(index) for index in range(2)]
    with kept_chance():
        torch.rand(3, device="lent:1")
        assert not torch.equal(torch.lent.get_rng_state(1), states[1])
    net = Specimen(draws, np.ones((1, 4)))
    record(net, StimulusSet("s", np.ones((2, 4)), shown("cnn").table[:2]), ["a", "output"])
    assert all(torch.equal(torch.lent.get_rng_state(index), state) for index, state in enumerate(states))


def main():
    register()
    torch.set_num_threads(1)
    found = {}
    for name in sys.argv[1:] or CHECKS:
        try:
            CHECKS[name]()
            found[name] = ""
        except BaseException:
            found[name] = traceback.format_exc()
    print(json.dumps(found), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
