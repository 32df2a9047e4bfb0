"""Weights, references and loading under attack: shared weights, strangers' recordings, views left aside."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

import neurolab.scores as scores
from neurolab.errors import DataError, LesionNotApplied, LesionPlanError, RefusedSiteError, SpecimenError
from neurolab.lesion import CutWeights, Lesion, Mean, Noise, Resample, Stimulate, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, examine, record
from neurolab.specimen.train import Recipe, train_cohort
from neurolab.stimuli import StimulusSet


class Calls(nn.Module):
    """A model from parts and a function of itself and the input."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.rule = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.rule(self, x)


def made(forward, example, **parts):
    """A specimen from builders of parts, with a torch state of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(Calls(forward, **{name: build() for name, build in parts.items()}), example)


def shown(x):
    n = len(x)
    return StimulusSet("s", np.asarray(x), pd.DataFrame({
        "stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a", "b"] * (n // 2), "label": [0, 1] * (n // 2)}))


def draw(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def linear(*sizes):
    return lambda: nn.Linear(*sizes)


def test_units_behind_positions__have_no_columns_of_their_own_after_a_flatten():
    net = made(lambda m, x: m.head(torch.flatten(m.a(x), 1)), draw(1, 3, 3), a=linear(3, 4), head=linear(12, 2))
    stimuli = shown(draw(6, 3, 3))
    assert np.isnan(record(net, stimuli, ["a"]).sel(neuroid=slice(0, 4))["out_norm"].values).all()
    with pytest.raises(LesionPlanError, match="no single weight reads"):
        record(net, stimuli, ["a"], lesions=[Lesion(ROI("r", {"a": [1]}), CutWeights("out"))])


def test_channels_before_positions__are_cut_as_silencing_them_is():
    net = made(lambda m, x: m.head(torch.flatten(torch.relu(m.a(x)), 1)), draw(1, 1, 6, 6),
               a=lambda: nn.Conv2d(1, 4, 3), head=linear(64, 2))
    task = Task("t", shown(draw(6, 1, 6, 6)), scores.margin)
    design = [Lesion(ROI(how.label, {"a": [1]}), how) for how in (Zero(), CutWeights("out"))]
    found = examine(net, design, [task], progress=False).score.values[0]
    np.testing.assert_allclose(found[1], found[2], atol=1e-6)
    norms = np.linalg.norm(net.model.head.weight.detach().numpy().reshape(2, 4, 16), axis=(0, 2))
    np.testing.assert_allclose(record(net, task.stimuli, ["a"])["out_norm"].values, norms, rtol=1e-5)


def test_a_linear_layer_over_columns__does_not_read_channels():
    net = made(lambda m, x: m.head(m.a(x)).flatten(1), draw(1, 1, 6, 6), a=lambda: nn.Conv2d(1, 4, 3),
               head=linear(4, 2))  # as many columns as channels
    assert net.wiring["a"].read_by is None


SHARING = {
    "tied by use": (lambda m, x: functional.linear(torch.relu(m.mlp(m.emb(x).mean(1))), m.emb.weight), "mlp",
                    np.ones((1, 3), dtype=np.int64), {"emb": lambda: nn.Embedding(6, 4), "mlp": linear(4, 4)}, "out"),
    "called twice": (lambda m, x: m.head(m.fc(torch.relu(m.fc(x)))), "fc@1", np.ones((1, 4)),
                     {"fc": linear(4, 4), "head": linear(4, 2)}, "in"),
}


@pytest.mark.parametrize("case", SHARING)
def test_a_weight_used_twice__asks_for_consent(case):
    rule, site, example, parts, side = SHARING[case]
    net = made(rule, example, **parts)
    stimuli = shown(np.repeat(example, 4, axis=0))
    with pytest.raises(LesionPlanError, match="use 0"):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {site: [0]}), CutWeights(side))])
    record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {site: [0]}), CutWeights(side, consent=True))])


def test_a_reference_of_another_network_or_under_a_lesion__is_refused():
    parts = {"a": linear(4, 4), "head": linear(4, 2)}
    net, other = (made(lambda m, x: m.head(torch.relu(m.a(x))), draw(1, 4), **parts) for _ in range(2))
    other.model.a.weight.data.add_(1.0)
    stimuli = shown(draw(8, 4))

    def held(reference):
        return record(net, stimuli, ["a"], lesions=[Lesion(ROI("r", {"a": [0]}), Mean(reference))])

    stranger = record(other, stimuli, ["a"])
    with pytest.raises(LesionPlanError, match="its units do other things"):
        held(stranger)
    cut = record(net, stimuli, ["a"], lesions=[Lesion(ROI("r", {"a": [0]}), Zero())])
    with pytest.raises(LesionPlanError, match="under the lesions"):
        held(cut)
    assert held(stranger.assign_attrs(weights="")).values[0, 0] == pytest.approx(stranger.values[:, 0].mean())
    held(record(net, stimuli, ["a"]))


@pytest.mark.parametrize("how", [Noise, Resample, Stimulate])
def test_a_pooled_reference__does_not_scale_positions(how):
    net = made(lambda m, x: m.head(m.a(x).flatten(1)), draw(1, 1, 6, 6), a=lambda: nn.Conv2d(1, 4, 3),
               head=linear(64, 2))
    stimuli = shown(draw(8, 1, 6, 6))
    put = (lambda reference: how(reference=reference)) if how is Resample else (lambda reference: how(1.0, reference))
    with pytest.raises(LesionPlanError, match="pool=None"):
        record(net, stimuli, ["a"], lesions=[Lesion(ROI("r", {"a": [0]}), put(record(net, stimuli, ["a"])))])
    fine = record(net, stimuli, [Probe("a", pool=None)])
    record(net, stimuli, ["a"], lesions=[Lesion(ROI("r", {"a": [0]}), put(fine))])


def test_initialisation_from_the_first_batch__is_undone_and_named():
    def rule(m, x):
        if not m.norm.running_mean.any():
            m.norm.bias.data.copy_(-x.mean(0))
            m.norm.running_mean.fill_(1)
        return m.head(m.norm(x))

    model = Calls(rule, norm=nn.BatchNorm1d(4), head=nn.Linear(4, 2))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(SpecimenError, match="run the model once"):
        Specimen(model, draw(2, 4))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    model(torch.tensor(draw(8, 4)))
    model.eval()
    assert Specimen(model, draw(2, 4)).sites()["norm"].cut


def test_a_view_left_aside_before_the_hook__is_a_stale_read():
    def encode(m, x):
        h = m.inner(x)
        m.first = h[:, 0]
        return h

    net = made(lambda m, x: m.head((m.enc(x).mean() * 0) + m.enc.first), draw(1, 3, 4),
               enc=lambda: Calls(encode, inner=nn.Linear(4, 4)), head=linear(4, 2))
    with pytest.raises(LesionNotApplied, match="past the hook"):
        record(net, shown(draw(4, 3, 4)), ["output"], lesions=[Lesion(ROI("r", {"enc": [0]}), Zero())])


def test_an_example_without_its_batch_axis__is_named():
    with pytest.raises(SpecimenError, match=r"shape \(1, 8, 8\).*stimuli.inputs\[:1\]"):
        Specimen(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2)), draw(1, 8, 8))


@pytest.mark.parametrize("given", ["m.pt", {"weight": torch.zeros(2)}])
def test_a_file_or_weights_alone__name_the_way_in(given):
    with pytest.raises(SpecimenError, match=r"load_state_dict.*safetensors"):
        Specimen(given, draw(1, 4))


def test_probes__are_one_or_several_addresses_and_nothing_else():
    net = made(lambda m, x: m.head(x), draw(1, 4), head=linear(4, 2))
    stimuli = shown(draw(4, 4))
    assert record(net, stimuli, "head").equals(record(net, stimuli, [Probe("head")]))
    for wrong in (4, [4], None):
        with pytest.raises(DataError, match="expected addresses"):
            record(net, stimuli, wrong)


def test_a_second_name_of_a_module_called_twice__is_refused():
    fc = nn.Linear(4, 4)
    net = made(lambda m, x: m.head(m.late(torch.relu(m.early(x)))), draw(1, 4), early=lambda: fc, late=lambda: fc,
               head=linear(4, 2))
    with pytest.raises(RefusedSiteError, match="second name of 'early'"):
        net.sites().find("late")
    assert [site.address for site in net.sites().find("early")] == ["early@0", "early@1"]


def test_dropout_in_training__follows_rng_and_seed(monkeypatch):
    monkeypatch.setattr("neurolab.specimen.train.orders", lambda rng, seed, n, epochs: np.arange(n)[None])
    stimuli = shown(draw(8, 4))

    def build():
        made_of = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2))
        for parameter in made_of.parameters():
            parameter.data.fill_(0.1)
        return made_of

    one, again, other = (train_cohort(build, stimuli, seeds=seeds, recipe=Recipe(epochs=1, batch_size=8), rng=0)
                         for seeds in ([0], [0], [1]))
    assert one[0].digest == again[0].digest
    assert one[0].digest != other[0].digest
