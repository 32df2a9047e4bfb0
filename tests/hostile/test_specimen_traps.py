"""Networks built to break a bench: each is recorded and lesioned right, or refused; none silently wrong."""


import numpy as np
import pytest
import torch
from fresh import CHANCE, answer, normal, own_chance, shown
from torch import nn

from neurolab.errors import LesionNotApplied, LesionPlanError
from neurolab.lesion import CutWeights, Lesion, Mean, Noise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, bench, record


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with own_chance():
        yield


class Inplace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.head(self.relu(self.conv(x)).flatten(1))


class ThriceRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.relu = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 3), nn.ReLU()

    def forward(self, x):
        return self.relu(self.c(self.relu(self.b(self.relu(self.a(x))))))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.mix = nn.Embedding(7, 6), nn.Linear(6, 6)
        self.head = nn.Linear(6, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        return self.head(torch.relu(self.mix(self.embedding(ids))).mean(1))


class IgnoredReturn(nn.Module):
    """Calls an in-place module for its effect and goes on with the tensor that it was given."""

    def __init__(self, inplace):
        super().__init__()
        self.inner, self.relu, self.head = nn.Linear(4, 5), nn.ReLU(inplace=inplace), nn.Linear(5, 2)

    def forward(self, x):
        h = self.inner(x)
        self.relu(h)
        return self.head(h)


def test_trap_1__empty_lesion_and_intact_after_a_lesion_are_the_same_bits():
    net, stimuli = Specimen(Inplace(), normal(1, 1, 8, 8)), shown(normal(9, 1, 8, 8))
    intact = answer(net, stimuli)
    lesion = Lesion(ROI("r", {"conv": [1, 2]}), Zero())
    sham = Lesion(ROI("r", {"conv": [1, 2]}), Zero(), role="sham")
    assert torch.equal(intact, answer(net, stimuli, sham))
    assert not torch.equal(intact, answer(net, stimuli, lesion))
    assert torch.equal(intact, answer(net, stimuli))


def test_trap_2__the_users_own_hooks_stay_also_after_an_error():
    model = Inplace()
    seen = []
    handle = model.conv.register_forward_hook(lambda *a: seen.append(1))
    fail = model.head.register_forward_pre_hook(lambda *a: seen.append(2))
    before = [list(m._forward_hooks.values()) + list(m._forward_pre_hooks.values()) for m in model.modules()]
    net, stimuli = Specimen(model, normal(1, 1, 8, 8)), shown(normal(3, 1, 8, 8))
    record(net, stimuli, ["conv"])
    with pytest.raises(ZeroDivisionError), bench(net) as table, table.lesioned(Lesion(ROI("r", {"conv": [0]}), Zero())):
        raise ZeroDivisionError
    assert [list(m._forward_hooks.values()) + list(m._forward_pre_hooks.values()) for m in model.modules()] == before
    assert seen
    handle.remove()
    fail.remove()


def test_trap_3__recorded_before_an_in_place_relu_are_the_values_of_the_convolution():
    net, stimuli = Specimen(Inplace(), normal(1, 1, 8, 8)), shown(normal(5, 1, 8, 8))
    recorded = record(net, stimuli, [Probe("conv", pool=None)]).values.reshape(5, 4, 6, 6)
    with torch.no_grad():
        fresh = net.model.conv(net.prepare(stimuli.inputs)).numpy()
    assert recorded.min() < 0
    np.testing.assert_array_equal(recorded, fresh)


@pytest.mark.parametrize("inplace", [True, False])
def test_in_place__a_lesion_is_where_the_value_is_read(inplace):
    model = IgnoredReturn(inplace)
    net, stimuli = Specimen(model, normal(1, 4)), shown(normal(6, 4))
    lesion = Lesion(ROI("r", {"relu": [0, 3]}), Zero())
    if not inplace:
        with pytest.raises(LesionNotApplied, match="nothing read the lesioned value"):
            answer(net, stimuli, lesion)
        return
    with torch.no_grad():
        hidden = torch.relu(model.inner(net.prepare(stimuli.inputs)))
        hidden[:, [0, 3]] = 0
        expected = model.head(hidden)
    assert torch.equal(answer(net, stimuli, lesion), expected)


def test_in_place_relu_after_the_site__lesion_before_it_is_read():
    net, stimuli = Specimen(Inplace(), normal(1, 1, 8, 8)), shown(normal(4, 1, 8, 8))
    out = answer(net, stimuli, Lesion(ROI("r", {"conv": [1]}), Zero()))
    with torch.no_grad():
        hidden = net.model.conv(net.prepare(stimuli.inputs))
        hidden[:, 1] = 0
        expected = net.model.head(torch.relu(hidden).flatten(1))
    assert torch.equal(out, expected)


def test_input_written_in_place__the_stimuli_stay():
    class Writes(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(x.mul_(2.0))

    net = Specimen(Writes(), normal(1, 4))
    assert net.writes_input
    stimuli = shown(normal(4, 4))
    inputs = net.prepare(stimuli.inputs)
    with bench(net) as table:
        first, second = table.forward(inputs, stimuli.ids), table.forward(inputs, stimuli.ids)
    assert torch.equal(first, second)


def test_trap_4__a_module_called_three_times_is_three_sites():
    model = ThriceRelu()
    net, stimuli = Specimen(model, normal(1, 5)), shown(normal(6, 5))
    recording = record(net, stimuli, ["relu"])
    assert [site.address for site in net.sites().find("relu")] == ["relu@0", "relu@1", "relu@2"]
    x = net.prepare(stimuli.inputs)

    def by_hand(cut):
        with torch.no_grad():
            h, kept = x, []
            for at, layer in enumerate((model.a, model.b, model.c)):
                h = torch.relu(layer(h))
                if at in cut:
                    h = h.clone()
                    h[:, :3] = 0
                kept.append(h)
        return kept

    np.testing.assert_array_equal(recording.values, torch.cat(by_hand(()), dim=1).numpy())
    every = answer(net, stimuli, Lesion(ROI("r", {"relu": [0, 1, 2]}), Zero()))
    first = answer(net, stimuli, Lesion(ROI("r", {"relu@0": [0, 1, 2]}), Zero()))
    assert torch.equal(every, by_hand((0, 1, 2))[-1])
    assert torch.equal(first, by_hand((0,))[-1])
    assert not torch.equal(every, first)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_trap_9__batch_on_axis_1_is_found_and_shuffling_permutes_rows():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=False)

    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = nn.TransformerEncoder(layer, 1), nn.Linear(8, 3)

        def forward(self, x):
            return self.head(self.encoder(x.transpose(0, 1)).transpose(0, 1))

    net, stimuli = Specimen(Sequence(), normal(1, 5, 8)), shown(normal(7, 5, 8))
    site = net.sites()["encoder.layers.0.linear1"]
    assert (site.batch_axis, site.dims, site.shape) == (1, ("token", "unit"), (5, 16))
    probes = [Probe(site.address, pool=None), "encoder"]
    order = np.array([3, 1, 6, 0, 2, 5, 4])
    rows, shuffled = record(net, stimuli, probes).values, record(net, stimuli.take(order), probes).values
    np.testing.assert_allclose(rows[order], shuffled, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_trap_10__mean_leaves_each_unit_at_its_own_mean(batch_size):
    net = Specimen(nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3)), normal(1, 5))
    reference = record(net, shown(normal(20, 5)), ["1"])
    stimuli = shown(normal(11, 5))
    lesion = Lesion(ROI("r", {"1": [0, 4, 9]}), Mean(reference))
    lesioned = record(net, stimuli, ["1"], batch_size=batch_size, lesions=[lesion])
    means = reference.values.astype(np.float64).mean(axis=0).astype(np.float32)[[0, 4, 9]]
    np.testing.assert_array_equal(lesioned.values[:, [0, 4, 9]], np.tile(means, (11, 1)))
    assert len(set(means)) == 3


@pytest.mark.parametrize("units", [[0], [0, 2, 5], list(range(6))])
def test_trap_11__noise_has_its_sd_its_seed_and_any_number_of_units(units):
    net = Specimen(nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU()), normal(1, 1, 12, 12))
    stimuli = shown(normal(60, 1, 12, 12))
    reference = record(net, stimuli, [Probe("0", pool=None)])
    intact = record(net, stimuli, [Probe("0", pool=None)]).values.reshape(60, 6, -1)

    def noise(rng):
        lesion = Lesion(ROI("r", {"0": units}, {"0": ("channel",)}), Noise(2.0, reference), rng=rng)
        return record(net, stimuli, [Probe("0", pool=None)], lesions=[lesion]).values.reshape(60, 6, -1) - intact

    added = noise(0)
    sd = reference.values.astype(np.float64).reshape(60, 6, -1).std(axis=0, ddof=1)
    np.testing.assert_allclose((added / sd)[:, units].std(axis=(0, 2)), 2.0, rtol=0.05)
    assert np.all(added[:, np.setdiff1d(range(6), units)] == 0)
    np.testing.assert_array_equal(added, noise(0))
    assert not np.array_equal(added, noise(1))


def test_trap_13__tied_weights_are_listed_and_refused_without_consent():
    net = Specimen(Tied(), torch.randint(0, 7, (1, 4), generator=CHANCE))
    stimuli = shown(torch.randint(0, 7, (6, 4), generator=CHANCE))
    assert net.sites()["head"].tied == ("embedding.weight", "head.weight")
    assert net.sites()["head"].status == "warned"
    region = ROI("r", {"head": [2]})
    with pytest.raises(LesionPlanError, match=r"'embedding\.weight', 'head\.weight'"):
        answer(net, stimuli, Lesion(region, CutWeights("in")))
    digest = net.digest
    cut = answer(net, stimuli, Lesion(region, CutWeights("in", consent=True)))
    assert torch.all(cut[:, 2] == 0)
    assert net.digest == digest


class OneBuffer(nn.Module):
    """Answers in one and the same buffer, written anew by every forward."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.room = torch.zeros(4, 3)

    def forward(self, x):
        room = self.room[: len(x)]
        return room.copy_(self.layer(x))


def test_an_answer_is_not_overwritten_by_the_next_forward():
    specimen = Specimen(OneBuffer(), normal(4, 5))
    with bench(specimen) as table:
        first = table.forward(specimen.prepare(normal(4, 5)), list("abcd"))
        before = first.clone()
        table.forward(specimen.prepare(10 * normal(4, 5) + 1), list("abcd"))
        assert torch.equal(first, before)
