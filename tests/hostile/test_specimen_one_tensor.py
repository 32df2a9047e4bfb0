"""One tensor, or one module, by two names: a region acts once on it, and nothing is tied to itself."""

import numpy as np
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import LesionPlanError

N = 10
INPUTS = np.random.default_rng(3).standard_normal((N, 4)).astype(np.float32)
SHOWN = nl.StimulusSet("s", INPUTS, {"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a"] * N,
                                     "label": [0, 1, 2, 0, 1] * 2})
TASK = nl.Task("t", SHOWN, nl.scores.margin)


def mean(outputs, table):
    return outputs.mean(1)


class Nested(nn.Module):
    """A container, its last part, a dropout and the read-out's own layer: ``features``, ``features.1``, ``drop``."""

    def __init__(self):
        super().__init__()
        self.entry, self.features = nn.Identity(), nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.drop, self.head = nn.Dropout(), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.drop(self.features(self.entry(x))))


class Twice(nn.Module):
    """Registered as ``conv`` and again in ``net``, called once: as a published temporal convolution has it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Linear(4, 8)
        self.net, self.head = nn.Sequential(self.conv, nn.ReLU()), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.net(x))


class Attends(nn.Module):
    num_heads = 2

    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(4, 4) for _ in range(3))
        self.merged, self.o_proj = nn.Identity(), nn.Linear(4, 3)

    def forward(self, x):
        x = x[:, None, :] * torch.arange(1.0, 4.0)[None, :, None]
        q, k, v = (one(x).unflatten(-1, (2, 2)).transpose(1, 2) for one in (self.q_proj, self.k_proj, self.v_proj))
        found = torch.softmax(q @ k.transpose(-1, -2), -1) @ v
        return self.o_proj(self.merged(found.transpose(1, 2).flatten(2))).mean(1)


def load(kind):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nl.Specimen(kind().eval(), INPUTS[:2], name="net")


def cut(units, how=None, dims=None):
    return nl.Lesion(nl.ROI("r", units, dims or {}), how or nl.Scale(0.5))


def answer(net, lesion):
    return nl.record(net, SHOWN, ["output"], lesions=[lesion]).values


ONE = {
    "a container and its last part": (Nested, {"features": [1], "features.1": [1, 2]}, {}),
    "a dropout": (Nested, {"features.1": [1], "drop": [1]}, {}),
    "its only call": (Nested, {"features.0": [1], "features.0@0": [1]}, {}),
    "the read-out": (Nested, {"head": [1], "output": [1]}, {}),
    "the input handed on": (Nested, {"input": [1], "entry": [1]}, {}),
    "a second name": (Twice, {"conv": [1], "net.0": [1]}, {}),
    "heads and their units": (Attends, {"o_proj/heads": [1], "merged": [2]}, {"o_proj/heads": ("head",)}),
    "a slice and its units": (Attends, {"q_proj/q_heads": [0], "q_proj": [1]}, {"q_proj/q_heads": ("head",)}),
    "other dims": (Attends, {"q_proj": [1], "q_proj@0": [5]}, {"q_proj@0": ("token", "unit")}),
}


@pytest.mark.parametrize("case", ONE)
def test_units_at_two_addresses_of_one_tensor__are_refused_by_both_names(case):
    kind, units, dims = ONE[case]
    net, (first, then) = load(kind), units
    first, then = sorted((first, then))
    with pytest.raises(LesionPlanError, match=rf"'{first}' and '{then}' are one tensor in .*counted twice\. Leave"):
        answer(net, cut(units, dims=dims))
    answer(net, nl.sham(cut(units, dims=dims)))  # does nothing, however often


APART = {
    "other units": (Nested, {"features": [1], "features.1": [2]}, {}, {"features": [1, 2]}),
    "units of another head": (Attends, {"o_proj/heads": [1], "merged": [1]}, {"o_proj/heads": ("head",)},
                              {"merged": [1, 2, 3]}),
    "another position": (Attends, {"q_proj": [1], "q_proj@0": [4 * 1 + 2]}, {"q_proj@0": ("token", "unit")}, None),
    "a tensor and what is made of it": (Nested, {"features.0": [1], "features.1": [1]}, {}, None),
}


def test_the_read_out_chosen_from_several__is_the_tensor_of_its_module():
    class Says(Nested):
        def forward(self, x):
            found = self.features(x)
            return {"hidden": found, "logits": self.head(found)}

    with torch.random.fork_rng(devices=[]):
        net = nl.Specimen(Says().eval(), INPUTS[:2], name="net", output="logits")
    with pytest.raises(LesionPlanError, match="'head' and 'output' are one tensor"):
        answer(net, cut({"head": [1], "output": [1]}))
    answer(net, cut({"features": [1], "output": [1]}))


@pytest.mark.parametrize("case", APART)
def test_other_units_of_one_tensor__are_each_cut_once(case):
    kind, units, dims, whole = APART[case]
    net = load(kind)
    cut_apart = answer(net, cut(units, dims=dims))
    if whole is not None:
        np.testing.assert_allclose(cut_apart, answer(net, cut(whole)), atol=1e-6)


def test_weights_and_held_lesions__act_once_too():
    net = load(Twice)
    with pytest.raises(LesionPlanError, match="one tensor"):
        answer(net, cut({"conv": [1], "net.0": [1]}, nl.WeightNoise(0.5)))
    task = nl.Task("t", nl.StimulusSet("t", INPUTS + 1, SHOWN.table.assign(stimulus_id=list("abcdefghij"))), mean)
    with pytest.raises(LesionPlanError, match="one tensor"):
        nl.specimen.retrain(nl.Cohort([load(Nested)]), SHOWN, watch=[task], held=cut({"features": [1], "drop": [1]}),
                            recipe=nl.specimen.Recipe(epochs=1), rng=0)


def test_two_at_once__are_in_the_promised_order_whatever_their_addresses():
    net = load(Nested)
    early, late = cut({"output": [1]}), nl.Lesion(nl.ROI("l", {"head": [1]}), nl.Clamp(1.0))
    with pytest.raises(LesionPlanError, match="'output' hands the same values on"):
        answer(net, late & early)
    assert answer(net, early & late)[0, 1] == 0.5
    weights = nl.Lesion(nl.ROI("w", {"head": [1]}), nl.CutWeights("in"))
    with pytest.raises(LesionPlanError, match="to act last at 'head', but weights act before"):
        answer(net, weights & early)


def test_a_path_is_proved_on_whole_sites_though_they_are_one_tensor(monkeypatch):
    monkeypatch.setattr("neurolab.specimen.replay.WORTH", 0)
    net = load(Nested)
    both = cut({"features.1": [1], "drop": [2]})
    rows = nl.examine(net, [both, cut({"drop": [1, 2]}).by(nl.Scale(0.5), "one")], [TASK], progress=False)
    np.testing.assert_allclose(rows["score"].values[0, 1], rows["score"].values[0, 2], atol=1e-6)
    assert rows["certificate_path"].values[0, 1].startswith("module")


def test_every_address_of_one_tensor__costs_the_same():
    net = load(Nested)
    design = [cut({site: [unit]}).by(nl.Scale(0.5), f"{site} {unit}")
              for site in ("features", "features.1", "drop") for unit in range(8)]
    rows = nl.examine(net, design, [TASK], progress=False)["score"].values[0, 1:]
    np.testing.assert_allclose(rows[:8], rows[8:16], atol=1e-6)
    np.testing.assert_allclose(rows[:8], rows[16:], atol=1e-6)


def test_a_module_under_two_names__is_tied_to_nothing_and_its_weights_can_be_cut():
    net = load(Twice)
    assert net.tied == {}
    assert net.sites()["conv"].status == "ok"
    cut_in = answer(net, cut({"conv": [1]}, nl.CutWeights("in")))
    np.testing.assert_allclose(cut_in, answer(net, cut({"conv": [1]}, nl.Zero())), atol=1e-6)
    removed = nl.specimen.remove_units(net, nl.ROI("r", {"conv": [1]}))
    assert not removed.model.conv.weight[1].any()
    assert not removed.model.head.weight[:, 1].any()
    np.testing.assert_allclose(nl.record(removed, SHOWN, ["output"]).values, cut_in, atol=1e-6)


class Shared(nn.Module):
    """Two modules with one weight, and two attributes of one module."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.ones(4))
        self.again, self.both = self.scale, nn.ModuleList([self.first])

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def test_a_weight_that_two_modules_hold__is_tied_and_asks_for_consent():
    net = load(Shared)
    assert net.tied["first.weight"] == ("first.weight", "second.weight")
    assert net.tied["again"] == ("scale", "again")
    with pytest.raises(LesionPlanError, match=r"shared by 'first\.weight', 'second\.weight'"):
        answer(net, cut({"first": [1]}, nl.CutWeights("in")))
