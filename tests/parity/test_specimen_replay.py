"""Replay against whole forwards: the same bits for every ablation at every site, or it stands back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_conv import MODEL, NET, REFERENCE_STIMULI, STIMULI, UNITS, N
from torch import nn

import neurolab.scores as scores
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
from neurolab.specimen import ABLATIONS, Probe, Specimen, Task, bench, examine, record
from neurolab.specimen.cuts import cut_of
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Batch, Replay
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(2)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.replay.WORTH", 0)  # few lesions are replayed here too
        yield



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


USUAL = record(NET, REFERENCE_STIMULI, [Probe("3", pool=None)])
EVERY = [
    Zero(), Scale(0.25), Clamp(-1.5), Mean(USUAL), Resample(USUAL), Noise(0.7, USUAL), Stimulate(0.7, USUAL),
    CutWeights("in"), CutWeights("out"), CutWeights("both"), WeightNoise(0.5), Quantise(3),
]  # fmt: skip


def test_every_ablation_of_the_table__is_replayed_here():
    assert {type(how) for how in EVERY} == {kind for kind in ABLATIONS if kind.__module__ == Zero.__module__}


@pytest.mark.parametrize("how", EVERY, ids=lambda how: how.label)
def test_replay__serves_every_ablation_and_skips_what_lies_before(how):
    lesion = Lesion(ROI("r", {"3": UNITS}, {"3": ("channel",)}), how)
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


FOUR = StimulusSet("four", DRAW.normal(size=(4, 4)), STIMULI.table.iloc[:4])


def test_replay__stands_back_where_a_user_watches():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    seen = []
    handle = model[0].register_forward_hook(lambda *args: seen.append(1))
    net = Specimen(model, np.ones((1, 4)))
    seen.clear()
    design = [Lesion(ROI(str(at), {"1": [at]}), Zero()) for at in range(3)]
    examine(net, design, [Task("t", FOUR, lambda outputs, table: outputs[:, 0])])
    handle.remove()
    assert len(seen) == 4 + 1 + 1  # sham and three lesions whole, a proof that the consumer reads, and intact again


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
    other = StimulusSet("other", DRAW.normal(size=(4, 4)), STIMULI.table.iloc[:4])
    score = lambda outputs, table: outputs[:, 0]  # noqa: E731
    lesion = Lesion(ROI("r", {"first": [1]}), Zero())
    trials = examine(net, [lesion], [Task("a", FOUR, score), Task("b", other, score)])
    alone = examine(net, [lesion], [Task("b", other, score)])
    expected = record(net, other, ["output"], lesions=[lesion]).values[:, 0]
    np.testing.assert_array_equal(trials.score.values[0, 1, 4:], alone.score.values[0, 1])
    np.testing.assert_allclose(alone.score.values[0, 1], expected, rtol=1e-6)


def test_proof__is_made_only_where_it_saves_more_forwards_than_it_costs(monkeypatch):
    first, last = (Lesion(ROI("all", {site: range(5)}), Zero()) for site in ("0", "5"))
    cuts = {name: cut_of(NET, lesion) for name, lesion in (("first", first), ("last", last))}
    batch = Batch(NET.prepare(STIMULI.inputs), STIMULI.ids)
    monkeypatch.setattr("neurolab.specimen.replay.WORTH", 4.0)
    with bench(NET) as table:
        few = Replay(table, [batch], [replace(last, draw=draw) for draw in range(4)])
        many = Replay(table, [batch], [replace(one, draw=draw) for one in (first, last) for draw in range(6)])
    assert not few.proved  # four lesions save 4 x 6/8 of a forward
    assert list(many.proved) == [cuts["last"]]
