"""Modules that hooks cannot see, that run seldom, twice, compiled, pruned or step by step: right or refused."""

import warnings

import pytest
import torch
from fresh import answer, normal, own_chance, shown
from torch import nn

from neurolab.errors import LesionNotApplied, LesionPlanError, RefusedSiteError
from neurolab.lesion import CutWeights, Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, record


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with own_chance():
        yield


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2, batch_first=True)
        self.unused, self.head = nn.Linear(2, 2), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.attn(x, x, x)[0].mean(1))


class Bypass(nn.Module):
    def __init__(self):
        super().__init__()
        self.called, self.bypassed = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.bypassed.forward(self.called(x))


class PastTheHook(nn.Module):
    """Keeps its own output aside, where a parent reads it, besides what the module returned or instead of it."""

    class Keeper(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 5)

        def forward(self, x):
            self.kept = self.inner(x) * 2
            return self.kept

    def __init__(self, besides):
        super().__init__()
        self.keeper, self.head, self.besides = self.Keeper(), nn.Linear(5, 2), besides

    def forward(self, x):
        returned = self.keeper(x)
        return self.head(self.keeper.kept + returned if self.besides else self.keeper.kept)


@pytest.mark.parametrize(("site", "instead"), [("attn.out_proj", "attn"), ("unused", "output")])
def test_trap_6__modules_that_never_run_are_refused_with_a_site_that_works(site, instead):
    net, stimuli = Specimen(Attention(), normal(1, 4, 8)), shown(normal(4, 4, 8))
    with pytest.raises(RefusedSiteError, match=f"Use '{instead}' instead"):
        record(net, stimuli, [site])
    with pytest.raises(RefusedSiteError, match=f"Use '{instead}' instead"):
        answer(net, stimuli, Lesion(ROI("r", {site: [0]}), Zero()))
    assert record(net, stimuli, [instead]).sizes["neuroid"] > 0


def test_forward_that_bypasses_hooks__is_refused():
    net, stimuli = Specimen(Bypass(), normal(1, 4)), shown(normal(4, 4))
    with pytest.raises(RefusedSiteError, match="never calls it"):
        record(net, stimuli, ["bypassed"])


@pytest.mark.parametrize("besides", [False, True])
def test_intact_value_read_past_the_hook__is_not_applied(besides):
    net, stimuli = Specimen(PastTheHook(besides), normal(1, 4)), shown(normal(4, 4))
    with pytest.raises(LesionNotApplied, match="the intact value was read"):
        answer(net, stimuli, Lesion(ROI("r", {"keeper": [0]}), Zero()))


def test_site_that_runs_only_for_some_stimuli__is_not_applied():
    class Routed(nn.Module):
        def __init__(self):
            super().__init__()
            self.often, self.seldom = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            return self.seldom(x) if float(x.abs().sum()) == 0 else self.often(x)

    net, stimuli = Specimen(Routed(), torch.zeros(1, 3)), shown(normal(4, 3))
    with pytest.raises(LesionNotApplied, match="never ran"):
        answer(net, stimuli, Lesion(ROI("r", {"seldom": [0]}), Zero()))
    with pytest.raises(RefusedSiteError, match="did not run"):
        record(net, stimuli, ["seldom"])


def test_one_module_under_two_names__is_one_site_with_an_alias():
    block = nn.Linear(4, 4)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.head = block, block, nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.second(torch.relu(self.first(x))))

    net, stimuli = Specimen(Twice(), normal(1, 4)), shown(normal(5, 4))
    assert net.sites()["second@1"].address == "first@1"
    assert net.sites()["first@0"].calls == 2
    cut = answer(net, stimuli, Lesion(ROI("r", {"first": [0]}), Zero()))
    x = net.prepare(stimuli.inputs)
    with torch.no_grad():
        h = block(x)
        h[:, 0] = 0
        h = block(torch.relu(h))
        h[:, 0] = 0
        assert torch.equal(cut, net.model.head(h))


def test_trap_7__a_compiled_model_is_unwrapped_and_says_so():
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(model, backend="eager")
        compiled(torch.zeros(2, 4))
    with pytest.warns(UserWarning, match="eager"):
        net = Specimen(compiled, normal(1, 4))
    stimuli = shown(normal(4, 4))
    cut = answer(net, stimuli, Lesion(ROI("r", {"1": [0, 1, 2, 3, 4]}), Zero()))
    assert torch.equal(cut, model[2].bias.detach().expand(4, 2))


def test_pruned_layer__weights_made_on_the_fly_are_refused_but_activity_can_be_cut():
    from torch.nn.utils import prune

    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    prune.random_unstructured(model[0], "weight", amount=0.5)
    net, stimuli = Specimen(model, normal(1, 4)), shown(normal(4, 4))
    with pytest.raises(LesionPlanError, match="no single weight makes"):
        answer(net, stimuli, Lesion(ROI("r", {"1": [0]}), CutWeights("in")))
    assert not torch.equal(answer(net, stimuli), answer(net, stimuli, Lesion(ROI("r", {"1": range(6)}), Zero())))


@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_layers__record_and_refuse_a_cut_of_their_output(cell):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = cell(3, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, x):
            return self.head(self.cell(x)[0][:, -1])

    net, stimuli = Specimen(Reader(), normal(1, 6, 3)), shown(normal(4, 6, 3))
    assert record(net, stimuli, [Probe("cell", pool="last")]).shape == (4, 5)
    with pytest.raises(RefusedSiteError, match="recurrence"):
        answer(net, stimuli, Lesion(ROI("r", {"cell": [0]}), Zero()))


def test_fused_transformer_encoder__is_kept_off_its_fast_path():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False)
    net, stimuli = Specimen(model.eval(), normal(1, 5, 8)), shown(normal(6, 5, 8))
    site = "layers.0.linear1"
    sham = Lesion(ROI("r", {site: [3]}), Zero(), role="sham")
    assert torch.equal(answer(net, stimuli), answer(net, stimuli, sham))
    cut = answer(net, stimuli, Lesion(ROI("r", {site: range(16)}), Zero()))
    with torch.no_grad():
        x = net.prepare(stimuli.inputs)
        first, second = model.layers
        h = first.norm1(x + first.self_attn(x, x, x)[0])
        h = first.norm2(h + first.linear2.bias)
        expected = second(h)
    torch.testing.assert_close(cut, expected, rtol=1e-4, atol=1e-5)
    assert torch.backends.mha.get_fastpath_enabled()
