"""No change hits an old cell: whatever differs, the store gives the new number, or refuses and lists what differs."""

import dataclasses
import types

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.ablation import Ablation
from neurolab.errors import CampaignMismatchError, LesionPlanError
from neurolab.lesion import Clamp, Lesion, Mean, Noise, Zero
from neurolab.matching import matched_controls
from neurolab.roi import ROI
from neurolab.scores import Accuracy, Margin
from neurolab.specimen import ABLATIONS, Probe, Specimen, Task, examine, record
from neurolab.specimen.code import code_of
from neurolab.specimen.engine import Engine
from neurolab.stimuli import StimulusSet

N = 8
GAIN = 1.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 6), nn.Linear(6, 3)
        self.register_buffer("shift", torch.zeros(3))
        self.scale = torch.ones(3)  # nobody registered it
        self.power = (1.0, 0.0)
        self.aside = None

    def forward(self, x):
        hidden = torch.relu(self.inner(x))
        self.aside = hidden.sum()
        return self.activity(self.head(hidden)) * self.scale * self.power[0] + self.shift

    def activity(self, x):
        return x


class Bent(Net):
    def activity(self, x):
        return x * x


Bent.__name__ = Bent.__qualname__ = "Net"  # it prints as the other one does


class Scored:
    def __init__(self, column, halved=False):
        self.column, self.halved = column, halved

    def __call__(self, outputs, table):
        return outputs[:, self.column] * (0.5 if self.halved else 1.0)


def first(outputs, table):
    return outputs[:, 0] * GAIN


def made(kind=Net, seed=0, change=lambda model: None, dtype=torch.float32, **options):
    """The network as a fresh process would make it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = kind().to(dtype).eval()
    with torch.no_grad():
        change(model)
    return Specimen(model, np.ones((1, 4)), name="net", **options)


def shown(seed=0, *, pixel=0.0, label=None, n=N):
    inputs = np.random.default_rng(seed).normal(size=(n, 4))
    inputs[3, 2] += pixel
    labels = np.arange(n) % 3 if label is None else label
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a", "b"] * (n // 2),
                          "label": labels})
    return StimulusSet("shown", inputs, table)


def campaign(store, net=None, stimuli=None, score=first, how=None, rng=3, units=(1, 2), **options):
    net, stimuli = net or made(), stimuli or shown()
    lesion = Lesion(ROI("r", {"inner": units}), how or Zero(), name="cut", rng=rng)
    return examine(net, [lesion], [Task("t", stimuli, score)], store=store, progress=False, **options)


def usual(seed=0, net=None):
    return record(net or made(), shown(seed), [Probe("inner", pool=None)])


def put(name, at, value):
    def change(model):
        tensor = dict(model.named_parameters()) | dict(model.named_buffers())
        tensor[name].view(-1)[at] = value
    return change


def scaled(model):
    model.scale = torch.tensor([2.0, 3.0, 4.0])


def squared(model):
    model.power = (2.0, 0.0)


def patched(model):
    model.forward = types.MethodType(lambda self, x: self.head(torch.tanh(self.inner(x))), model)


def hooked(model):
    model.head.register_forward_hook(lambda module, args, output: output * 3)


def last(outputs, table):
    return outputs[:, -1]


#: What is changed, and what the refusal says differs.
CHANGES = {
    "weights": (lambda: {"net": made(seed=1)}, "weights"),
    "one weight": (lambda: {"net": made(change=put("head.weight", 5, 1.25))}, "weights"),
    "one bias in place": (lambda: {"net": made(change=put("inner.bias", 0, -1.0))}, "weights"),
    "a buffer": (lambda: {"net": made(change=put("shift", 1, 0.5))}, "weights"),
    "a tensor that nobody registered": (lambda: {"net": made(change=scaled)}, "model code"),
    "a setting of a module": (lambda: {"net": made(change=squared)}, "model code"),
    "code of the forward": (lambda: {"net": made(kind=Bent)}, "model code"),
    "a forward of its own": (lambda: {"net": made(change=patched)}, "model code"),
    "a hook of the user's": (lambda: {"net": made(change=hooked)}, "model code"),
    "the output selector": (lambda: {"net": made(output=lambda answer: answer.flip(1))}, "model code"),
    "the feed": (lambda: {"net": made(feed=lambda inputs: inputs * 2)}, "model code"),
    "dtype": (lambda: {"net": made(dtype=torch.float64, change=lambda m: setattr(m, "scale", m.scale.double()))},
              "dtype"),
    "stimuli": (lambda: {"stimuli": shown(1)}, "stimuli of t"),
    "one pixel": (lambda: {"stimuli": shown(pixel=1e-3)}, "stimuli of t"),
    "one stimulus more": (lambda: {"stimuli": shown(n=N + 2)}, "stimuli of t"),
    "one label": (lambda: {"stimuli": shown(label=[1, *(np.arange(N) % 3)[1:]])}, "stimuli of t"),
    "another score": (lambda: {"score": last}, "score of t"),
    "batch_size": (lambda: {"batch_size": 3}, "batch_size"),
    "exactness": (lambda: {"exact": "bit"}, "exact"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    store = tmp_path_factory.mktemp("kept")
    return store, campaign(store)


@pytest.mark.parametrize("change", CHANGES)
def test_trap_19__a_change_is_refused_and_named(kept, change):
    make, said = CHANGES[change]
    with pytest.raises(CampaignMismatchError) as refused:
        campaign(kept[0], **make())
    assert f"  {said}: here" in str(refused.value)
    assert campaign(kept[0]).identical(kept[1])  # what was kept is as it was


def test_the_same__is_read_and_not_computed(kept, monkeypatch):
    monkeypatch.setattr(Engine, "answers", None)
    assert campaign(kept[0]).identical(kept[1])


LESIONS = {
    "units": [{"units": (1, 2)}, {"units": (1, 3)}, {"units": (1, 2, 3)}],
    "kind": [{"how": Zero()}, {"how": Clamp(0.5)}, {"how": Clamp(0.6)}],
    "the reference of Mean": [{"how": Mean(usual())}, {"how": Mean(usual(1))}],
    "noise, its reference and its chance": [
        {"how": Noise(1.0, usual()), "rng": 1}, {"how": Noise(1.0, usual()), "rng": 2},
        {"how": Noise(1.0, usual(1)), "rng": 2}, {"how": Noise(2.0, usual(1)), "rng": 2}],
}  # fmt: skip


@pytest.mark.parametrize("kind", LESIONS)
def test_trap_19__other_lesions_are_other_cells_of_one_store(tmp_path, kind):
    found = []
    for options in LESIONS[kind]:
        with_store = campaign(tmp_path, **options)
        np.testing.assert_array_equal(with_store.score.values, campaign(None, **options).score.values)
        found.append(with_store.score.values[0, 1].tobytes())
    assert len(set(found)) == len(found)


def test_a_recording_that_is_changed_in_place__is_another_reference(tmp_path):
    reference = usual()
    how = Mean(reference)
    before = campaign(tmp_path, how=how)
    reference.values[:] += 1.0
    with pytest.raises(LesionPlanError, match="changed after"):
        campaign(tmp_path, how=how)
    after = campaign(tmp_path, how=Mean(reference))
    np.testing.assert_array_equal(after.score.values, campaign(None, how=Mean(reference)).score.values)
    assert not np.array_equal(after.score.values[0, 1], before.score.values[0, 1])


@pytest.mark.parametrize(("one", "other"), [
    (Scored(0), Scored(1)), (Scored(0), Scored(0, halved=True)), (Margin(), Accuracy()),
    (Margin(columns=(0, 1, 2)), Margin(columns=(0, 2, 1))),
    ((lambda outputs, table: outputs[:, 0]), (lambda outputs, table: outputs[:, 1])),
    ((lambda k: lambda outputs, table: outputs[:, k])(0), (lambda k: lambda outputs, table: outputs[:, k])(1)),
    ((lambda outputs, table, k=0: outputs[:, k]), (lambda outputs, table, k=1: outputs[:, k])),
])  # fmt: skip
def test_trap_19__the_score_and_its_settings_count(tmp_path, one, other):
    campaign(tmp_path, score=one)
    with pytest.raises(CampaignMismatchError, match="score of t"):
        campaign(tmp_path, score=other)
    assert list(code_of(one)) != list(code_of(other))


head = 1.0


class Headed(nn.Module):
    """Has an attribute that is called as a global of this file is, which it does not use."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(x)


def test_a_global_that_is_called_as_an_attribute_is__is_no_setting(monkeypatch):
    before = list(code_of(Headed.forward))
    monkeypatch.setitem(globals(), "head", 2.0)
    assert list(code_of(Headed.forward)) == before


def test_trap_19__what_a_score_uses_counts_too(tmp_path, monkeypatch):
    campaign(tmp_path)
    monkeypatch.setitem(globals(), "GAIN", 2.0)
    with pytest.raises(CampaignMismatchError, match="score of t"):
        campaign(tmp_path)


def test_weights_changed_between_two_calls_on_one_specimen__are_seen(tmp_path):
    net = made()
    campaign(tmp_path, net=net)
    with torch.no_grad():
        net.model.inner.bias[0] += 1
    with pytest.raises(CampaignMismatchError, match="weights"):
        campaign(tmp_path, net=net)


def test_labels_changed_in_the_table__are_seen(tmp_path):
    stimuli = shown()
    campaign(tmp_path, stimuli=stimuli)
    stimuli.table.loc[0, "label"] = 2
    with pytest.raises(CampaignMismatchError, match="stimuli of t"):
        campaign(tmp_path, stimuli=stimuli)


def test_what_a_forward_leaves_aside__is_no_setting(tmp_path):
    net = made()
    before = campaign(tmp_path, net=net)
    net.model(torch.full((5, 4), 7.0))
    assert campaign(tmp_path, net=net).identical(before)


def test_a_registered_ablation__counts_by_its_code(tmp_path, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Own(Ablation):
        gain: float = 0.5

    monkeypatch.setitem(ABLATIONS, Own, lambda how, values, selection: values * how.gain)
    campaign(tmp_path, how=Own())
    monkeypatch.setitem(ABLATIONS, Own, lambda how, values, selection: values * how.gain + 1)
    with pytest.raises(CampaignMismatchError, match="ablation"):
        campaign(tmp_path, how=Own())


def test_trap_18__a_new_seed_of_matched_controls_is_new_cells_and_the_old_seed_the_old_ones(tmp_path, monkeypatch):
    stimuli, net, pool = shown(), made(), record(made(), shown(1), ["inner"])
    target = Lesion(ROI("r", {"inner": (1, 2)}), Zero(), name="target")
    computed = []
    answers = Engine.answers
    monkeypatch.setattr(Engine, "answers", lambda self, *tiles: computed.extend(tiles) or answers(self, *tiles))

    def trials(rng):
        computed.clear()
        design = [target, *matched_controls(target, pool, 3, rng=rng)]
        return examine(net, design, [Task("t", stimuli, first)], store=tmp_path, progress=False), len(computed)

    (one, n_one), (two, n_two), (again, n_again) = trials(1), trials(2), trials(1)
    assert n_one == 5  # sham, target, three controls
    assert 0 < n_two <= 3  # those that both draws took are not computed again
    assert n_again == 0
    assert again.identical(one)
    assert set(one.lesion_units.values[0, 2:]) != set(two.lesion_units.values[0, 2:])
