"""Promise two, 500 times: whatever is nested and whatever is raised, the network comes back bit for bit."""

import random
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import nn

from neurolab.lesion import Clamp, CutWeights, Lesion, Noise, Quantise, Scale, WeightNoise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, bench, record
from neurolab.specimen.promises import check_unchanged, eval_mode, one_thread, plain_kernels, snapshot
from neurolab.stimuli import StimulusSet


class Small(nn.Module):
    """A normalisation, an in-place ReLU, attention, tied weights: all that may be left behind."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm, self.relu = nn.Linear(4, 6), nn.BatchNorm1d(3), nn.ReLU(inplace=True)
        self.attn, self.drop = nn.MultiheadAttention(6, 2, batch_first=True), nn.Dropout(0.5)
        self.mix, self.head = nn.Linear(6, 6), nn.Linear(6, 2)
        self.mix.weight = self.attn.out_proj.weight

    def forward(self, x):
        h = self.relu(self.norm(self.embed(x)))
        h = h + self.drop(self.attn(h, h, h, need_weights=False)[0])
        return self.head(self.mix(h).mean(1))


def built():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(Small(), np.ones((1, 3, 4)), name="small")


NET = built()
STIMULI = StimulusSet("four", np.random.default_rng(0).normal(size=(4, 3, 4)), pd.DataFrame({
    "stimulus_id": list("abcd"), "condition": list("xyxy")}))
BATCH = NET.prepare(STIMULI.inputs)
SITES = ["input", "embed", "norm", "relu", "attn", "attn/heads", "drop", "head", "output"]
REFERENCE = record(NET, STIMULI, [Probe(site, pool=None) for site in SITES])
ACTIVITY = [Zero(), Scale(0.5), Clamp(2.0), Noise(1.0, REFERENCE)]
WEIGHTS = [CutWeights("in"), WeightNoise(0.5), Quantise(2)]


class Stop(RuntimeError):
    pass


ERRORS = [None, None, KeyboardInterrupt, Stop, SystemExit]

activity = st.builds(lambda site, how: Lesion(ROI("r", {site: [0, 1]}), how), st.sampled_from(SITES),
                     st.sampled_from(ACTIVITY))
weights = st.builds(lambda site, how: Lesion(ROI("r", {site: [0, 1]}), how), st.sampled_from(["embed", "head"]),
                    st.sampled_from(WEIGHTS))
steps = st.lists(
    st.tuples(st.sampled_from(["lesion", "probe", "record", "bench", "forward"]), activity | weights,
              st.sampled_from(ERRORS)),
    min_size=1, max_size=5,
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


def nest(table, rest):
    """Each step opens something around the next ones; an error is raised by a module in mid-forward."""
    if not rest:
        return
    (kind, lesion, error), *rest = rest
    torch.rand(2), np.random.rand(2), random.random()
    handle = NET.model.mix.register_forward_pre_hook(_raising(error)) if error else None
    try:
        _step(table, kind, lesion, rest)
    finally:
        if handle is not None:
            handle.remove()


def _raising(error):
    def hook(module, args):
        raise error("stop")

    return hook


def _step(table, kind, lesion, rest):
    if kind == "lesion":
        with table.lesioned(lesion):
            table.forward(BATCH, STIMULI.ids)
            nest(table, rest)
    elif kind == "probe":
        with table.probed({NET.sites()["attn/heads"]: lambda tensor: None}):
            nest(table, rest)
            table.forward(BATCH, STIMULI.ids)
    elif kind == "record":
        record(NET, STIMULI, ["relu", "attn/heads"], lesions=[lesion])
        nest(table, rest)
    elif kind == "bench":
        with bench(NET) as inner, inner.lesioned(lesion):
            nest(inner, rest)
    else:
        nest(table, rest)
        table.forward(BATCH, STIMULI.ids)


@given(steps, st.booleans())
@settings(max_examples=500, deadline=None, phases=[Phase.generate])
def test_any_nesting__leaves_weights_flags_hooks_and_chance_as_they_were(program, training):
    model = NET.model
    seen = []
    model.train(training)
    model.drop.train(not training)
    hook = model.relu.register_forward_hook(lambda *args: seen.append(1))
    before = snapshot(model)
    chance = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    intact = intact_answer()
    with suppress(Stop, KeyboardInterrupt, SystemExit), bench(NET) as table:
        nest(table, program)
    check_unchanged(before, model)  # the user's own hook among it
    hook.remove()
    assert seen
    assert torch.equal(intact_answer(), intact)
    assert random.getstate() == chance[0]
    assert np.random.get_state()[1].tolist() == chance[1]
    assert torch.equal(torch.get_rng_state(), chance[2])
    assert "forward" not in model.attn.__dict__


def intact_answer():
    with torch.no_grad(), eval_mode(NET.model), plain_kernels():
        return NET.model(BATCH)


def test_nested_benches__a_lesion_of_the_outer_acts_on_what_the_inner_records():
    sites = ["input", "relu", "attn/heads", "output"]
    for site in sites:
        lesion = Lesion(ROI("r", {site: [0, 1]}), Noise(1.0, REFERENCE))
        expected = record(NET, STIMULI, sites, lesions=[lesion])
        with bench(NET) as table, table.lesioned(lesion):
            table.forward(BATCH[:2], STIMULI.ids[:2])
            twice = [record(NET, STIMULI, sites, batch_size=size) for size in (3, 4)]
        for nested in twice:
            np.testing.assert_allclose(nested.values, expected.values, rtol=1e-5, atol=1e-6)


def test_nested_benches__a_cut_state_of_a_recurrent_layer_is_cut_for_the_inner_too():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, x):
            return self.head(self.cell(x)[0][:, -1])

    net = Specimen(Reader(), np.ones((1, 3, 4)))
    lesion = Lesion(ROI("r", {"cell/l0": [1]}), Zero())
    expected = record(net, STIMULI, ["cell/l0", "output"], lesions=[lesion])
    with bench(net) as table, table.lesioned(lesion):
        nested = record(net, STIMULI, ["cell/l0", "output"])
    np.testing.assert_array_equal(nested.values, expected.values)
    assert not np.array_equal(nested.values, record(net, STIMULI, ["cell/l0", "output"]).values)
    assert "forward" not in net.model.cell.__dict__
