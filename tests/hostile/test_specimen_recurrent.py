"""Recurrent layers that people bring: what is refused and with which advice, what stays to the bit, what is undone."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import neurolab.scores as scores
from neurolab.errors import DataError, LesionNotApplied, LesionPlanError, RefusedSiteError, SpecimenError
from neurolab.lesion import Clamp, CutWeights, Lesion, Mean, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, bench, examine, record, recurrent
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(11)
STEPS = 6


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


class Reader(nn.Module):
    def __init__(self, rnn, width=5):
        super().__init__()
        self.rnn, self.head = rnn, nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def load(rnn, width=5, steps=STEPS):
    return Specimen(Reader(rnn, width).eval(), np.ones((1, steps, 3)))


def shown(n=5, steps=STEPS, width=3):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a"] * n,
                          "label": [at % 2 for at in range(n)]})
    return StimulusSet("stimuli", DRAW.normal(size=(n, steps, width)), table)


def cut(site, units=(0,), how=None, dims=None, role="target"):
    return Lesion(ROI("r", {site: list(units)}, {site: dims} if dims else {}), how or Clamp(0.9), role=role)


def answer(net, stimuli, *lesions):
    inputs = net.prepare(stimuli.inputs)
    with bench(net) as table, table.lesioned(*lesions) as damage:
        if lesions:
            table.check_read(damage, inputs[:2], stimuli.ids[:2])
        out = table.forward(inputs, stimuli.ids)
        if lesions:
            damage.certificate()
    return out


@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
def test_trap_5__layers_record_their_states_and_refuse_a_cut_of_the_output_with_the_site_that_works(cell):
    net, stimuli = load(cell(3, 5, num_layers=2, batch_first=True)), shown()
    assert record(net, stimuli, [Probe("rnn", pool="last")]).shape == (5, 5)
    assert record(net, stimuli, [Probe("rnn/l0", pool=None)]).shape == (5, STEPS * 5)
    with pytest.raises(RefusedSiteError, match=r"would not enter the recurrence\. Use 'rnn/l1' instead"):
        answer(net, stimuli, cut("rnn"))
    # what an output hook would miss: the other units of the cut layer move too
    intact, lesioned = (record(net, stimuli, ["rnn/l1"], lesions=lesions) for lesions in ((), (cut("rnn/l1"),)))
    assert float(np.abs(intact - lesioned).sel(neuroid=slice(1, None)).min()) > 1e-4
    assert net.verify().ok


def test_site_table__names_every_state_of_every_layer_and_direction():
    net = load(nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True), 10)
    states = [site for site in net.sites() if site.type == "Recurrent"]
    sides = ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert [site.address for site in states] == [f"rnn/{side}{c}" for side in sides for c in ("", "/c")]
    assert {(site.dims, site.shape, site.kind, site.cut) for site in states} == {
        (("token", "unit"), (STEPS, 5), "state", True)}
    assert "/c" not in "".join(load(nn.GRU(3, 5, batch_first=True)).sites().names)


@pytest.mark.parametrize("lesion", [
    cut("rnn/l0", role="sham"), cut("rnn/l0", (), role="sham"), cut("rnn/l0/c", (3,), Zero(), role="sham"),
])  # fmt: skip
def test_empty_lesion_and_sham__run_the_fused_operation_to_the_bit(monkeypatch, lesion):
    net, stimuli = load(nn.LSTM(3, 5, batch_first=True)), shown()
    with torch.no_grad():
        plain = net.model(net.prepare(stimuli.inputs))
    monkeypatch.setattr(recurrent, "stepped", lambda *given: pytest.fail("stepped without need"))
    assert torch.equal(answer(net, stimuli, lesion), plain)
    with pytest.raises(pytest.fail.Exception, match="without need"):
        answer(net, stimuli, cut("rnn/l0"))


@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
def test_looking__changes_no_bit_of_the_answer_nor_of_what_lies_beside_a_lesion(cell):
    net, stimuli = load(cell(3, 5, num_layers=2, bidirectional=True, batch_first=True), 10), shown()
    inputs = net.prepare(stimuli.inputs)
    sites = [site for site in net.sites() if site.kind == "state"]
    with bench(net) as table:
        plain = table.forward(inputs, stimuli.ids)
        with table.probed({site: lambda state: None for site in sites}):
            assert torch.equal(table.forward(inputs, stimuli.ids), plain)
    beside = [Probe(f"rnn/{part}", pool=None) for part in ("l0", "l0_reverse", "l1_reverse")]
    intact, lesioned = (record(net, stimuli, beside, lesions=lesions) for lesions in ((), (cut("rnn/l1"),)))
    assert np.array_equal(intact.values, lesioned.values)


def test_after_the_bench__the_forward_is_the_modules_own_also_when_it_raised():
    net, stimuli = load(nn.GRU(3, 5, batch_first=True)), shown()
    with pytest.raises(LesionPlanError, match="lacks site 'rnn/l0'"):
        answer(net, stimuli, cut("rnn/l0", how=Mean(record(net, stimuli, ["rnn"]))))
    assert "forward" not in net.model.rnn.__dict__
    assert not net.model.rnn._forward_pre_hooks
    with pytest.raises(KeyboardInterrupt):
        _interrupted(net)
    assert "forward" not in net.model.rnn.__dict__


def test_nested_benches__keep_the_outer_lesion_when_the_inner_one_steps_too():
    net, stimuli = load(nn.GRU(3, 5, num_layers=2, batch_first=True)), shown()
    first, second = cut("rnn/l0", [1]), cut("rnn/l1", [2])
    with bench(net) as table, table.lesioned(first):
        nested, alone = answer(net, stimuli, second), answer(net, stimuli)
    assert torch.equal(nested, answer(net, stimuli, first, second))
    assert torch.equal(alone, answer(net, stimuli, first))
    assert "forward" not in net.model.rnn.__dict__


def _interrupted(net):
    with bench(net) as table, table.lesioned(cut("rnn/l0")):
        assert "forward" in net.model.rnn.__dict__
        raise KeyboardInterrupt


class Own(nn.LSTM):
    def forward(self, x, hx=None):
        return super().forward(x * 2, hx)


def test_a_forward_of_its_own__is_recorded_but_has_no_states_and_says_why():
    net, stimuli = load(Own(3, 5, batch_first=True)), shown()
    assert record(net, stimuli, ["rnn"]).shape == (5, 5)
    with pytest.raises(RefusedSiteError, match="Own has a forward of its own"):
        answer(net, stimuli, cut("rnn"))
    assert "rnn/l0" not in net.sites()


def test_several_sequences_per_stimulus__refuse_the_states_with_the_counts():
    class Folded(Reader):
        def forward(self, x):
            return super().forward(torch.cat([x, x.flip(1)], dim=1).reshape(2 * len(x), STEPS, 3))[:, -1].reshape(
                len(x), 4)

    net = Specimen(Folded(nn.GRU(3, 5, batch_first=True)), np.ones((1, STEPS, 3)))
    with pytest.raises(RefusedSiteError, match="4 sequences for 2 stimuli and 6 for 3"):
        answer(net, shown(), cut("rnn/l0"))


class Packed(nn.Module):
    def __init__(self, cell=nn.GRU):
        super().__init__()
        self.rnn, self.head = cell(3, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        lengths = (x.abs().sum(-1) > 0).sum(1).cpu()
        out = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[0]
        return self.head(pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0].sum(1))


def test_packed_sequences__the_output_names_the_state_that_works_and_the_state_warns():
    net, stimuli = Specimen(Packed(), np.ones((1, STEPS, 3))), shown()
    with pytest.raises(RefusedSiteError, match="Use 'rnn/l0' instead"):
        record(net, stimuli, ["rnn"])
    assert net.sites()["rnn/l0"].status == "warned"
    assert "past a sequence's end" in net.sites()["rnn/l0"].why
    assert net.verify().ok


def test_packed_sequences_longer_than_the_example__are_refused_not_cut_off():
    example = np.ones((1, STEPS, 3))
    example[:, 4:] = 0.0
    net, stimuli = Specimen(Packed(), example), shown()
    with pytest.raises(DataError, match=r"ran [56] steps; it ran 4 when"):
        record(net, stimuli, ["rnn/l0"])
    with pytest.raises(DataError, match=r"ran [56] steps; it ran 4 when"):
        answer(net, stimuli, cut("rnn/l0"))


def test_the_longest_of_an_example__is_found_among_its_first_three_and_the_advice_says_so():
    example = shown(n=6).inputs.copy()
    example[:5, 4:] = 0.0
    for found in (lambda net: record(net, shown(), ["rnn/l0"]), lambda net: answer(net, shown(), cut("rnn/l0"))):
        with pytest.raises(DataError, match=r"ran [56] steps; it ran 4.*runs longest first in the example.*three"):
            found(Specimen(Packed(), example))
        found(Specimen(Packed(), example[[5, 0, 1, 2, 3, 4]]))


def test_a_lesion_past_the_end_of_a_sequence__leaves_that_stimulus_alone():
    net, whole = Specimen(Packed(), np.ones((1, STEPS, 3))), shown()
    stimuli = StimulusSet("ragged", whole.inputs * (np.arange(STEPS) < np.array([6, 3, 6, 6, 6])[:, None])[..., None],
                          whole.table)
    lesion = cut("rnn/l0", [4 * 5 + 2], dims=("token", "unit"))
    changed = (answer(net, stimuli, lesion) - answer(net, stimuli)).abs().amax(1)
    assert changed[1] < 1e-6
    assert (changed[[0, 2, 3, 4]] > 1e-4).all()


def test_positions__nothing_before_the_lesioned_step_moves_and_a_step_past_the_end_is_an_error():
    net, stimuli = load(nn.LSTM(3, 5, batch_first=True)), shown()
    lesion = cut("rnn/l0", [4 * 5 + 2], dims=("token", "unit"))
    moved = (answer(net, stimuli, lesion) - answer(net, stimuli)).abs().amax((0, 2))
    assert (moved[:4] < 1e-6).all()
    assert (moved[4:] > 1e-4).all()
    with pytest.raises(LesionPlanError, match="numbered 0 to 29"):
        answer(net, stimuli, cut("rnn/l0", [6 * 5], dims=("token", "unit")))


def test_whole_steps__are_cut_by_the_token_dim():
    net, stimuli = load(nn.GRU(3, 5, batch_first=True)), shown()
    kept = record(net, stimuli, [Probe("rnn/l0", pool=None)], lesions=[cut("rnn/l0", [2], dims=("token",))])
    assert (kept.values.reshape(5, STEPS, 5)[:, 2] == np.float32(0.9)).all()


@pytest.mark.parametrize("where", ["rnn/l0", "rnn/l0/c"])
def test_unit_that_nothing_reads__has_no_downstream_effect_though_the_layer_was_stepped(where):
    net = load(nn.LSTM(3, 5, batch_first=True))
    with torch.no_grad():
        net.model.rnn.weight_hh_l0[:, 1] = 0.0
        net.model.rnn.weight_hh_l0[1::5] = 0.0
        net.model.head.weight[:, 1] = 0.0
    task = Task("t", shown(8), lambda outputs, table: outputs.reshape(len(outputs), -1).sum(1))
    trials = examine(net, [cut(where, [1]), Lesion(ROI("read", {where: [0]}), Clamp(0.9))], [task])
    assert trials["certificate_downstream"].values[0].tolist() == [0.0, 0.0, 1.0]
    assert trials["certificate_fired"].values[0].tolist() == [STEPS] * 3


def test_value_that_was_there_already__is_vacuous():
    net = load(nn.RNN(3, 5, nonlinearity="relu", batch_first=True))
    with torch.no_grad():
        net.model.rnn.bias_ih_l0[2] = -100.0
    trials = examine(net, [cut("rnn/l0", [2], Zero()), Lesion(ROI("alive", {"rnn/l0": range(5)}), Zero())],
                     [Task("t", shown(), lambda outputs, table: outputs.sum((1, 2)))])
    assert trials["vacuous"].values[0, 1:].tolist() == [True, False]


def test_weights_of_a_state__are_refused():
    with pytest.raises(LesionPlanError, match="rnn/l0"):
        answer(load(nn.GRU(3, 5, batch_first=True)), shown(), cut("rnn/l0", how=CutWeights("in")))


def test_reference_of_another_length__is_refused():
    short = load(nn.GRU(3, 5, batch_first=True), steps=4)
    reference = record(short, shown(steps=4), [Probe("rnn/l0", pool=None)]).assign_attrs(weights="")
    with pytest.raises(LesionPlanError, match="Record the reference from this specimen"):
        answer(load(nn.GRU(3, 5, batch_first=True)), shown(), cut("rnn/l0", how=Mean(reference)))


def test_stepping_that_disagrees_with_the_fused_operation__is_no_specimen(monkeypatch):
    true = recurrent.stepped
    monkeypatch.setattr(recurrent, "stepped", lambda *given: (true(*given)[0] + 1e-3, None))
    with pytest.raises(SpecimenError, match="another answer step by step than at once"):
        load(nn.GRU(3, 5, batch_first=True))


def test_weights_made_on_the_fly__are_stepped_as_the_fused_operation_reads_them():
    rnn = nn.utils.parametrizations.weight_norm(nn.GRU(3, 5, batch_first=True), "weight_hh_l0")
    net, stimuli = load(rnn), shown()
    lesion = cut("rnn/l0", [4 * 5 + 2], dims=("token", "unit"))
    moved = (answer(net, stimuli, lesion) - answer(net, stimuli)).abs().amax((0, 2))
    assert (moved[:4] < 1e-6).all()
    assert (moved[4:] > 1e-4).all()


def test_bfloat16__is_stepped_with_the_same_operation():
    net, stimuli = Specimen(Reader(nn.GRU(3, 5, batch_first=True)).bfloat16(), np.ones((1, STEPS, 3))), shown()
    kept = record(net, stimuli, ["rnn/l0"], lesions=[cut("rnn/l0", [1], Clamp(0.5))])
    assert kept.dtype == np.float32
    assert (kept.values[:, 1] == 0.5).all()


def test_two_workers__give_the_scores_of_one():
    net = load(nn.LSTM(3, 5, batch_first=True))
    lesions = [Lesion(ROI(f"u{at}", {"rnn/l0": [at]}), Clamp(0.9)) for at in range(4)]
    task = Task("t", shown(), lambda outputs, table: scores.margin(outputs[:, -1], table))
    one, two = (examine(net, lesions, [task], n_jobs=n, progress=False) for n in (1, 2))
    assert np.array_equal(one["score"].values, two["score"].values)
    assert (one["certificate_fired"].values == STEPS).all()


def test_states_that_the_stepping_throws_away__are_not_applied(monkeypatch):
    net, stimuli = load(nn.GRU(3, 5, batch_first=True)), shown()
    true = recurrent.stepped

    def deaf(module, sequences, hx, visit, cells):
        def visited(part, step, state):
            visit(part, step, state)
            return state

        return true(module, sequences, hx, visited, cells)

    monkeypatch.setattr(recurrent, "stepped", deaf)
    with pytest.raises(LesionNotApplied, match="the intact value was read"):
        answer(net, stimuli, cut("rnn/l0"))
