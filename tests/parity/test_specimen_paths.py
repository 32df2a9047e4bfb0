"""Every ablation through every path: the answers and certificates of the hook loop, or a refusal with its reason."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.design import sham
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
from neurolab.specimen import ABLATIONS, Probe, Specimen, bench, record
from neurolab.specimen.engine import Engine
from neurolab.specimen.plan import ROUNDING
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Batch
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(3)
N, BATCH = 21, 8  # the last batch is a small one


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.replay.WORTH", 0)
        yield


class Attending(nn.Module):
    """One block of a transformer: attention, a residual stream, a hidden layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.up, self.act, self.down = nn.Linear(8, 20), nn.GELU(), nn.Linear(20, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        h = self.embed(x)
        h = h + self.attend(h, h, h, need_weights=False)[0]
        h = h + self.down(self.act(self.up(h)))
        return self.head(self.norm(h)[:, -1])


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build().eval()


NETWORKS = {
    "dense": (seeded(lambda: nn.Sequential(nn.Linear(12, 30), nn.ReLU(), nn.Dropout(), nn.Linear(30, 25), nn.Tanh(),
                                           nn.Linear(25, 3))), (12,), "1"),
    "conv": (seeded(lambda: nn.Sequential(
        nn.Conv2d(2, 10, 3), nn.BatchNorm2d(10), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(10, 12, 2),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3))), (2, 9, 8), "2"),
    "transformer": (seeded(Attending), (5, 6), "act"),
}  # fmt: skip
PATHS = ("sparse", "narrow", "slice", "module", "hooks")


def made(name):
    model, shape, site = NETWORKS[name]
    net = Specimen(model, np.ones((1, *shape)), name=name)
    values = DRAW.normal(size=(N, *shape))
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a"] * N})
    stimuli = StimulusSet(name, values, table)
    return net, site, stimuli, record(net, stimuli, [Probe(site, pool=None)])


NETS = {name: made(name) for name in NETWORKS}


def hows(reference):
    return (Zero(), Mean(reference), Resample(reference), Noise(1.0, reference), Scale(0.5), Clamp(0.3),
            Stimulate(2.0, reference), CutWeights("in"), CutWeights("out"), CutWeights("both"), WeightNoise(0.5),
            Quantise(2))  # fmt: skip


def test_every_ablation_of_the_table__is_here():
    reference = NETS["dense"][3]
    assert {type(how) for how in hows(reference)} == {kind for kind in ABLATIONS if kind.__module__ == Zero.__module__}


def design_of(site, how):
    sets = ([1], [4], [0, 3, 5], [1, 4, 6, 7, 8], list(range(10)))
    lesions = [Lesion(ROI(f"{how.label} {units}", {site: units}), how, rng=at) for at, units in enumerate(sets)]
    return [sham(lesions[0]), *lesions]


def answers_by(net, stimuli, design, paths, exact="rounding"):
    """Place -> (path, certificate, answers), by the fastest of some paths; and the plan."""
    with one_thread(), bench(net) as table:
        inputs, ids = net.prepare(stimuli.inputs), stimuli.ids
        batches = [Batch(inputs[at : at + BATCH], ids[at : at + BATCH]) for at in range(0, N, BATCH)]
        engine = Engine(table, batches, design, always=True)
        plan = engine.plan(exact, paths)
        found = {}
        for tile in plan.tiles():
            for at, damage, outputs in engine.answers(tile):
                found[at] = tile.path, damage.certificate(downstream=0.0), torch.cat(outputs)
    return found, plan


@pytest.mark.parametrize("path", PATHS[:-1])
@pytest.mark.parametrize("kind", range(12))
@pytest.mark.parametrize("name", NETWORKS)
def test_path__answers_as_the_hook_loop_does(name, kind, path):
    net, site, stimuli, reference = NETS[name]
    how = hows(reference)[kind]
    design = design_of(site, how)
    whole, _ = answers_by(net, stimuli, design, ("hooks",))
    found, plan = answers_by(net, stimuli, design, (path,))
    by, why = plan.groups[-1].path, plan.groups[-1].why
    if path == "narrow":  # one position is read out, or there are none
        assert (by == path) == (name == "transformer"), why
    if by != path:
        assert path in why or path == "narrow"
        on_weights = not hasattr(ABLATIONS[type(how)], "__code__")
        assert (path == "sparse" and on_weights) or path in ("narrow", "module"), why  # nothing else is refused here
        return
    for at in range(len(design)):
        _, certificate, answer = found[at]
        _, expected, intended = whole[at]
        bits = path in ("module",) or (path == "slice" and plan.groups[-1].copies == 1)
        bound = 0.0 if bits else ROUNDING * float(intended.abs().max())
        assert float((answer - intended).abs().max()) <= bound
        for fact in ("fired", "read", "changed", "vacuous", "off_distribution"):
            assert getattr(certificate, fact) == pytest.approx(getattr(expected, fact), abs=1e-9, nan_ok=True), fact


@pytest.mark.parametrize("name", NETWORKS)
def test_bit__is_equal_bits(name):
    net, site, stimuli, reference = NETS[name]
    for how in hows(reference):
        design = design_of(site, how)
        whole, _ = answers_by(net, stimuli, design, ("hooks",))
        found, plan = answers_by(net, stimuli, design, PATHS, exact="bit")
        assert all(torch.equal(found[at][2], whole[at][2]) for at in whole)
        assert plan.groups[-1].path not in ("sparse", "narrow")
