"""A lesion that is loud in a few features of a layer alone: these are run anew, the others are added to."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen import skinny
from neurolab.specimen.canary import Canaries, Canary
from neurolab.specimen.engine import Engine, answers

ROWS, HIDDEN, FEATURES = 40, 48, 96
SETS = [[0], [3, 9, 17], [1, 2, 30, 31, 40], list(range(0, 40, 3)), [5, 6]]


class Product(nn.Module):
    """A layer by ``mm``, whose weights lie the other way around; ``bias`` is what is added, if anything."""

    def __init__(self, weights, bias):
        super().__init__()
        self.weights, self.bias = nn.Parameter(weights.T.contiguous()), bias

    def forward(self, x):
        made = torch.mm(x, self.weights)
        return made if self.bias is None else made + self.bias


def network(*, faint=(4, 50, 95), share=1e-4, by="linear", bias=True, dead=(), tail=nn.ReLU):
    """A perceptron some of whose features hush what they read, and whose read-out hears these alone as well."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        mix, out = nn.Linear(HIDDEN, FEATURES, bias=bias), nn.Linear(FEATURES, 5)
        net = nn.Sequential(nn.Linear(6, HIDDEN), nn.ReLU(), mix, tail(), out).eval().requires_grad_(False)
    for at in faint:  # opposite weights of two units that fire alike: a small sum of large terms
        net[0].weight[20], net[0].bias[20] = net[0].weight[9], net[0].bias[9]
        mix.weight[at] *= share
        mix.weight[at, 9], mix.weight[at, 20] = 0.05, -0.05
        if bias:
            mix.bias[at] = 0.01
        out.weight[0, at] = 3.0
    net[0].weight[list(dead)], net[0].bias[list(dead)] = 0, -1
    if by == "mm":
        net[2] = Product(mix.weight, mix.bias)
    return net


@pytest.fixture
def counted(monkeypatch):
    """How often features were run anew, and whole layers; nothing is too small for the engine, no canary sings."""
    seen = {"features": 0, "whole": 0}
    for name, key in (("_features", "features"), ("_anew", "whole")):
        own = getattr(skinny.Skinny, name)

        def counting(self, *args, own=own, key=key):
            seen[key] += 1
            return own(self, *args)

        monkeypatch.setattr(skinny.Skinny, name, counting)
    monkeypatch.setattr(Engine, "_worth", lambda self: True)
    monkeypatch.setattr(Canaries, "compare", lambda *args, **how: [Canary("x", "sparse", 0.0, True)])
    monkeypatch.setattr(Canaries, "blind", lambda self: False)
    return seen


def asked(net, how=None, sets=SETS, **settings):
    """The answers of the engine and of whole forwards to the same lesions, and the stimuli."""
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(ROWS, 6)).astype(np.float32))
    stimuli = nl.StimulusSet("some", x.numpy(), pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(ROWS)],
                                                             "condition": ["x"] * ROWS}))
    specimen = nl.Specimen(net, x[:1])
    how = how(specimen, stimuli) if how else nl.Zero()
    design = [nl.Lesion(nl.ROI(f"set {at}", {"1": units}), how) for at, units in enumerate(sets)]
    design = [nl.sham(design[0]), *design]
    found = {at: out.clone() for at, out in answers(specimen, design, stimuli, **settings)}
    right = dict(answers(specimen, design, stimuli, **{**settings, "exact": "bit"}))
    return found, right, x


HOWS = {
    "zero": None, "scaled": lambda *_: nl.Scale(0.3), "clamped": lambda *_: nl.Clamp(0.2),
    "mean": lambda specimen, stimuli: nl.Mean(nl.record(specimen, stimuli, ["1"])),
}


@pytest.mark.parametrize("near", [skinny.NEAR, 6 * FEATURES * 4], ids=["one block", "blocks"])
@pytest.mark.parametrize("how", list(HOWS))
@pytest.mark.parametrize(("by", "bias"), [("linear", True), ("linear", False), ("mm", False), ("mm", True)])
def test_loud_features_are_run_anew_and_right(counted, monkeypatch, by, bias, how, near):
    monkeypatch.setattr(skinny, "NEAR", near)
    net = network(by=by, bias=bias)
    found, right, _ = asked(net, HOWS[how])
    assert counted["features"] > 0
    for at in right:
        torch.testing.assert_close(found[at], right[at], rtol=0, atol=2e-6 * float(right[at].abs().max()))


def test_what_is_too_faint_to_be_measured_is_run_anew(counted):
    net = network(bias=False)
    net[2].weight.mul_(1e-20)
    asked(net, sets=[[9], [3, 20]])
    assert counted == {"features": 0, "whole": 2}


@pytest.mark.parametrize("sets", [[[9, 20]], [[3, 9, 20]]], ids=["two", "three"])
@pytest.mark.parametrize("tail", [nn.Identity, nn.ReLU])
@pytest.mark.parametrize("scale", [1.0, 1e-20])
def test_units_that_hush_each_other_are_taken_out_of_no_sum(counted, sets, tail, scale):
    # what they add is far louder than what they leave, but nothing together: the sum that was recorded holds little but
    # their rounding, and so would that sum without them
    net = network(faint=(4,), share=1e-7, bias=False, tail=tail)
    net[2].weight[4].abs_()[[9, 20]] = torch.tensor([3.0, -3.0])
    net[2].weight.mul_(scale)  # as squares of 1e-20 are nothing in float32, such a layer is run anew as a whole
    net[4].weight.zero_()[0, 4] = 1 / scale
    net[4].bias.zero_()
    found, _, x = asked(net, sets=sets)
    assert counted == ({"features": 1, "whole": 0} if scale == 1 else {"features": 0, "whole": 1})
    hidden = net[:2](x).double()
    hidden[:, sets[0]] = 0
    truth = hidden @ net[2].weight[4].double() / scale
    assert float((found[1][:, 0] - truth).abs().max()) < 1e-5 * float(truth.abs().max())


def test_more_than_half_of_the_units_are_one_whole_run(counted):
    asked(network(), sets=[list(range(9, 9 + HIDDEN // 2 + 1))])
    assert counted == {"features": 0, "whole": 1}


def test_stimuli_that_a_lesion_does_not_reach_keep_their_bits(counted, monkeypatch):
    own = skinny.Skinny._features

    def rounded_otherwise(self, *args):
        made = own(self, *args)
        return replace(made, values=made.values * (1 + 2.0**-22))

    monkeypatch.setattr(skinny.Skinny, "_features", rounded_otherwise)
    net, sets = network(), [[9, 20], [20, 3], [3, 9], [9, 4]]  # none within another
    found, right, x = asked(net, sets=sets)
    reached = 0
    for at, units in enumerate(sets, 1):
        same = (net[:2](x)[:, units] == 0).all(1)
        assert torch.equal(found[at][same].view(torch.int32), right[0][same].view(torch.int32))
        reached += int((~same).sum())
    assert counted["features"] > 2
    assert 0 < reached < ROWS * len(sets)


def test_one_unit_is_patched_too(counted):
    found, right, _ = asked(network(), sets=[[9], [20]])
    assert counted == {"features": 2, "whole": 0}
    for at in right:
        torch.testing.assert_close(found[at], right[at], rtol=0, atol=2e-6 * float(right[at].abs().max()))


def test_where_many_features_are_loud_the_whole_layer_is_run_anew(counted):
    asked(network(), sets=[[9, 11]])
    assert counted == {"features": 1, "whole": 0}
    asked(network(faint=tuple(range(int(skinny.SOME * FEATURES) + 1))), sets=[[9, 11]])
    assert counted == {"features": 1, "whole": 1}


def test_where_a_stimulus_is_loud_the_whole_layer_is_run_anew(counted):
    net = network(faint=())
    net[0].weight[:] *= 0.01
    net[0].bias[:] = -0.01
    net[0].bias[[3, 9]] = 1.0  # the only ones that fire for every stimulus: all of what many stimuli have
    net[2].bias.zero_()
    asked(net, sets=[[3, 9]])
    assert counted == {"features": 0, "whole": 1}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_feature_is_patched_where_the_layer_is_not_finite(counted, value):
    net = network()
    net[2].weight[7, 3] = value
    found, right, _ = asked(net)
    assert counted["features"] == 0
    for at in right:
        torch.testing.assert_close(found[at], right[at], rtol=0, atol=1e-5, equal_nan=True)


def test_sets_that_grow_are_right_beside_those_that_stand_alone(counted):
    found, right, _ = asked(network(), sets=[list(range(9, 9 + k)) for k in range(1, 20)] + [[9, 20], [9]])
    for at in right:
        torch.testing.assert_close(found[at], right[at], rtol=0, atol=2e-6 * float(right[at].abs().max()))
