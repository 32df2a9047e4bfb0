"""Channels that say the same add up: what they make together is not told from what each makes by itself."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen.canary import Canaries
from neurolab.specimen.engine import answers


def worst(net, site, sets, inputs, dim="unit"):
    """The largest difference of the default from whole forwards, as a share of each lesion's largest output."""
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(len(inputs))], "condition": ["x"] * len(inputs)})
    stimuli = nl.StimulusSet("some", inputs.numpy(), table)
    cuts = [nl.Lesion(nl.ROI(f"{at}", {site: units}, dims={site: (dim,)}), nl.Zero()) for at, units in enumerate(sets)]
    design = [nl.sham(cuts[0]), *cuts]
    specimen = nl.Specimen(net.eval().requires_grad_(False), inputs[:1])
    fast, right = (dict(answers(specimen, design, stimuli, exact=how)) for how in ("rounding", "bit"))
    return max(float((fast[at] - want).abs().max() / want.abs().max()) for at, want in right.items())


def perceptron(units, *, shares=(), rest=1.0, tail=nn.Identity, seed=0):
    """Sigmoid units, all of which push every feature up; those not in ``shares`` push ``rest`` times as much."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        net = nn.Sequential(nn.Linear(5, units), nn.Sigmoid(), nn.Linear(units, 70, bias=False), tail(),
                            nn.Linear(70, 3))  # fmt: skip
        net[2].weight.data.abs_()
        net[2].weight.data[:, [unit for unit in range(units) if unit not in shares]] *= rest
        net[4].bias.data.zero_()
        return net, torch.randn(9, 5)


@pytest.mark.parametrize("tail", [nn.Identity, nn.ReLU, nn.Tanh])
@pytest.mark.parametrize(("units", "few"), [(100, 10), (64, 30), (20, 8)])
def test_a_few_units_that_make_nearly_all_together_are_not_taken_out_of_a_sum(units, few, tail):
    net, inputs = perceptron(units, shares=range(few), rest=1e-5, tail=tail)
    picked = list(range(few))
    dull = [[unit] for unit in range(few, units)]  # a lesion of these is the canary that is drawn
    sets = [*dull, list(range(few, units // 2 + few)), picked, [*picked[1:], units - 1]]
    assert worst(net, "1", sets, inputs) <= 2e-6


@pytest.mark.parametrize("units", [60, 128, 512])
def test_a_walk_to_the_last_unit_is_as_right_as_its_beginning(units):
    net, inputs = perceptron(units)
    sizes = range(1, units + 1) if units < 200 else sorted({2**at for at in range(9)} | set(range(480, 513)))
    walk = [list(range(size)) for size in sizes][:-1]
    assert worst(net, "1", walk, inputs) <= 2e-6


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_sum_that_shrinks_by_and_by_is_not_measured_against_itself_alone(share):
    """Every unit of a chain takes as much of what is left; 100 dull ones stay to the end.

    A sum of which .29 is left is known 3.4 times as badly, here to 3e-6; one of which .002 is left, to 1e-4.
    """
    net, inputs = perceptron(160)
    net[0].weight.data *= 0.01  # so that every unit is about as active
    net[4].weight.data.abs_()  # and nothing cancels behind
    shares = share * (1 - share) ** torch.arange(60)
    shares[shares < 1e-5] = 1e-5
    net[2].weight.data = torch.cat([shares, torch.full((100,), 1e-7)]) * net[2].weight.data.mean(1, keepdim=True)
    dull = [[unit] for unit in range(60, 160)]
    chain = [list(range(size)) for size in range(1, 60)]
    assert worst(net, "1", [*dull, *chain, list(range(60, 130))], inputs) <= 4e-6


def hidden_by_a_relu(outputs):
    """One-hot stimuli, units of their own; what units 0 to 29 make is all that the ReLU lets through, but for 1e-5."""
    n = 30
    one = torch.eye(n)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Linear(n, 4 * n, bias=False), nn.ReLU(), nn.Linear(4 * n, n, bias=False), nn.ReLU(),
                            nn.Linear(n, outputs, bias=False))  # fmt: skip
        much, against, little = one * torch.rand(n).add(1), (1 - one) * torch.rand(n, n).add(1), one * torch.rand(n)
        net[0].weight.data = torch.cat([one] * 4)
        net[2].weight.data = torch.cat([10 * much, -10 * against, 1e-5 * little, 0 * one], 1)
        return net, one * torch.rand(n, 1).add(0.5)


@pytest.mark.parametrize("outputs", [3, 70])
@pytest.mark.parametrize("chain", [False, True])
def test_where_little_is_left_of_the_answers_the_layer_is_run_anew(outputs, chain):
    """A row's loudness is that of elements which the ReLU lets nothing through of; what is left is rounding."""
    net, inputs = hidden_by_a_relu(outputs)
    dull = [[unit] for unit in range(90, 120)]
    last = [list(range(size)) for size in range(1 if chain else 30, 31)]
    assert worst(net, "1", [*dull, list(range(55, 120)), *last], inputs) <= 2e-6


@pytest.mark.parametrize("more", [[], [[0, 3, 57], [0, 3, 4, 57]]])
def test_channels_that_hush_one_another_are_not_taken_out_together(more):
    """Two of 100 are 100 times as loud as all others, one for and one against: the sum holds their rounding."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 100), nn.Sigmoid(), nn.Linear(100, 70), nn.Tanh(), nn.Linear(70, 3))
        net[0].weight.data[57], net[0].bias.data[57] = net[0].weight.data[0], net[0].bias.data[0]
        loud = 100 * torch.randn(70)
        net[2].weight.data[:, 0], net[2].weight.data[:, 57] = loud, -loud + 0.01 * torch.randn(70)
        inputs = torch.randn(9, 5)
    dull = [[unit] for unit in range(1, 100) if unit != 57]
    bulk = [unit for unit in range(30, 95) if unit != 57][:49]
    assert worst(net, "1", [*dull, [0, 57], *more, bulk], inputs) <= 1e-5


class Beside(nn.Module):
    """A layer that begins at something of every stimulus's own, and not at one bias."""

    def __init__(self, units):
        super().__init__()
        self.first, self.skip, self.act = nn.Linear(5, units), nn.Linear(5, 70), nn.ReLU()
        self.weight = nn.Parameter(torch.rand(units, 70))
        self.last = nn.Linear(70, 3)

    def forward(self, x):
        return self.last(torch.addmm(self.skip(x), self.act(self.first(x)), self.weight).tanh())


def test_a_walk_to_the_last_unit_ends_at_what_stands_beside(monkeypatch):
    monkeypatch.setattr(Canaries, "compare", lambda *given, **more: [])  # or they would see to it
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net, inputs = Beside(64), torch.randn(9, 5)
    walk = [list(range(size)) for size in range(1, 65)]
    assert worst(net, "act", walk, inputs) <= 2e-6


def test_channels_whose_taps_say_the_same_are_measured():
    """Channels of maps without change from place to place, kernels that blur: taps add up, and so do channels."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 8, 1), nn.Sigmoid(), nn.Conv2d(8, 6, 3, stride=2, bias=False), nn.ReLU(),
                            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3, bias=False))  # fmt: skip
        net[2].weight.data = net[2].weight.data.abs().mean((2, 3), keepdim=True).expand(6, 8, 3, 3).clone()
        net[2].weight.data[:, 2:] *= 1e-4
        inputs = torch.randn(5, 1, 1, 1).expand(5, 1, 9, 9).clone()
    dull = [*([one] for one in range(2, 8)), *([one, other] for one in range(2, 8) for other in range(2, one))]
    assert worst(net, "1", [*dull, [2, 3, 4, 5], [0, 1], [0, 1, 2]], inputs, dim="channel") <= 2e-6


def test_a_chain_counts_what_it_begins_with():
    """Ten units that make .6 of every feature, then five that make the most of what is left, one after another."""
    net, inputs = perceptron(100)
    net[0].weight.data *= 0.01  # so that every unit is about as active
    shares = torch.tensor([0.06] * 10 + [0.0799] * 5 + [1e-5] * 85)
    net[2].weight.data = shares * net[2].weight.data.mean(1, keepdim=True)
    chain = [list(range(size)) for size in range(10, 16)]
    dull = [[unit] for unit in range(15, 100)]
    assert worst(net, "1", [*dull, *chain, list(range(15, 60))], inputs) <= 2e-6


@pytest.mark.parametrize("kernel", [1, 3])
def test_one_channel_that_makes_nearly_all_is_measured(kernel):
    """A kernel that blurs, whose taps add up; and one that looks at every other place, where all activity is."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 8, 1, bias=False), nn.ReLU(),
                            nn.Conv2d(8, 6, kernel, stride=3 - kernel // 2 * 2, bias=False), nn.ReLU(),
                            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3, bias=False))  # fmt: skip
        net[0].weight.data.abs_()
        net[2].weight.data = net[2].weight.data.abs().mean((2, 3), keepdim=True).expand(6, 8, kernel, kernel).clone()
        net[2].weight.data[:, 1:] *= 1e-5
        inputs = torch.rand(5, 1, 1, 1).expand(5, 1, 9, 9).clone() + 0.1
    if kernel == 1:
        seen = torch.zeros(9, 9)
        seen[::3, ::3] = 1
        inputs *= seen
    dull = [*([one] for one in range(1, 8)), *([one, other] for one in range(1, 8) for other in range(1, one))]
    assert worst(net, "1", [*dull, [2, 3, 4, 5], [0]], inputs, dim="channel") <= 2e-6


def test_a_channel_of_many_places_before_a_flattened_layer_is_measured():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Sigmoid(), nn.Flatten(), nn.Linear(4 * 49, 70, bias=False),
                            nn.ReLU(), nn.Linear(70, 3, bias=False))  # fmt: skip
        net[3].weight.data.abs_()
        net[3].weight.data[:, 49:] *= 1e-5
        inputs = torch.randn(5, 1, 1, 1).expand(5, 1, 7, 7).clone()
    assert worst(net, "1", [[3], [0], [1], [2, 3]], inputs, dim="channel") <= 2e-6


@pytest.mark.parametrize(("outputs", "share"), [(3, 1 / 16), (3, 1e9), (70, 1e9)])
@pytest.mark.parametrize(("hidden", "rows"), [(40, 8), (200, 5), (512, 8), (8, 200)])
def test_stimuli_that_a_lesion_does_not_reach_keep_every_bit(hidden, rows, outputs, share, monkeypatch):
    """Also where the layer is run anew on the units that are left, in another order of summing; and for all."""
    monkeypatch.setattr("neurolab.specimen.loud.FAINT", share)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(hidden)
        net = nn.Sequential(nn.Linear(5, hidden), nn.ReLU(), nn.Linear(hidden, 70), nn.Tanh(), nn.Linear(70, outputs))
        net.eval().requires_grad_(False)
        inputs = torch.randn(rows, 5)
    active = net[1](net[0](inputs)) > 0
    sets = [active[row].logical_not().nonzero().flatten().tolist() for row in range(rows)]  # silent for this stimulus
    sets += [one[: len(one) // 3] for one in sets] + [one[: 2 * len(one) // 3] for one in sets] + [sets[0][:2]]
    chain = [sets[0][: len(sets[0]) // 2 + more] for more in range(1, 40)]  # from a sum that is begun anew
    sets += [one for one, before in pairwise(reversed(chain)) if one != before][:30]
    sets = [one for one in sets if one]
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(rows)], "condition": ["x"] * rows})
    cuts = [nl.Lesion(nl.ROI(f"{at}", {"1": units}), nl.Zero()) for at, units in enumerate(sets)]
    found = dict(answers(nl.Specimen(net, inputs[:1]), [nl.sham(cuts[0]), *cuts],
                         nl.StimulusSet("some", inputs.numpy(), table)))  # fmt: skip
    reached = 0
    for at, units in enumerate(sets):
        kept = ~active[:, units].any(1)
        assert bool(kept.any())
        assert torch.equal(found[at + 1][kept], found[0][kept])
        reached += int((found[at + 1] != found[0]).any(1).sum())
    assert reached or hidden == 8
    right = dict(answers(nl.Specimen(net, inputs[:1]), [nl.sham(cuts[0]), *cuts],
                         nl.StimulusSet("some", inputs.numpy(), table), exact="bit"))  # fmt: skip
    assert all(torch.allclose(found[at], right[at], rtol=1e-5, atol=1e-6) for at in right)
    assert np.isfinite(found[0].numpy()).all()
