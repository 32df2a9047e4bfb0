"""Mixtures of experts: units inside an expert are cut as by a hook written by hand; rows are never given to stimuli."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.errors import LesionNotApplied, LesionPlanError, RefusedSiteError
from neurolab.lesion import Clamp, CutWeights, Lesion, Noise, Scale, Zero
from neurolab.roi import ROI
from neurolab.specimen import Specimen, Task, bench, examine, record
from neurolab.stimuli import StimulusSet

N, TOKENS, WIDTH = 7, 5, 8


class Expert(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.act, self.down = nn.Linear(WIDTH, 12), nn.SiLU(), nn.Linear(12, WIDTH)

    def forward(self, x):
        return self.down(self.act(self.up(x)))


class Mixture(nn.Module):
    """Two of four experts per token, dispatched sparsely, as Mixtral and Switch did it; ``shut`` is never asked."""

    def __init__(self, shut=-1):
        super().__init__()
        self.gate, self.experts = nn.Linear(WIDTH, 4), nn.ModuleList(Expert() for _ in range(4))
        self.head, self.shut = nn.Linear(WIDTH, 3), shut

    def forward(self, x):
        rows = x.flatten(0, 1)
        logits = self.gate(rows)
        if self.shut >= 0:
            logits = logits.index_fill(1, torch.tensor([self.shut]), -torch.inf)
        weight, chosen = logits.softmax(-1).topk(2)
        out = torch.zeros_like(rows)
        for at, expert in enumerate(self.experts):
            row, rank = (chosen == at).nonzero(as_tuple=True)
            if len(row):
                out.index_add_(0, row, expert(rows[row]) * weight[row, rank, None])
        return self.head((x + out.view_as(x)).mean(1))


class Separate(nn.Module):
    """Like modules in a list that are no experts: the first is used for every stimulus, the others for none."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, 3) for _ in range(3))

    def forward(self, x):
        return self.heads[0](x.mean(1))


def made(model, *settings, n_example=1):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(model(*settings), torch.randn(n_example, TOKENS, WIDTH))


def stimuli():
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a"] * N})
    return StimulusSet("seven", np.random.default_rng(0).normal(size=(N, TOKENS, WIDTH)), table)


TASK = Task("first logit", stimuli(), lambda outputs, table: outputs[:, 0].astype(float))
CHANGES = {"zero": (Zero(), lambda v: 0 * v), "half": (Scale(0.5), lambda v: 0.5 * v),
           "clamp": (Clamp(1.5), lambda v: 0 * v + 1.5)}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("site", ["experts.0.act", "experts.2.up", "experts.3"])
@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_a_unit_inside_an_expert__is_cut_as_by_a_hook_written_by_hand(how, site, batch_size):
    net = made(Mixture)
    ablation, change = CHANGES[how]
    trials = examine(net, [Lesion(ROI("r", {site: [1, 4]}), ablation)], [TASK], batch_size=batch_size)
    model = copy.deepcopy(net.model)

    def hook(module, args, output):
        out = output.clone()
        out[:, [1, 4]] = change(output[:, [1, 4]])
        return out

    model.get_submodule(site).register_forward_hook(hook)
    with torch.no_grad():
        inputs = net.prepare(TASK.stimuli.inputs)
        cut, intact = model(inputs), net.model(inputs)
    np.testing.assert_allclose(trials.score.values[0, 1], cut[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(trials.score.values[0, 0], intact[:, 0], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(cut, intact, atol=1e-4)
    assert trials["certificate_downstream"].values[0, 1] == 1


def test_rows_of_an_expert__are_never_recorded_and_its_router_is():
    net = made(Mixture)
    with pytest.raises(RefusedSiteError, match=r"some rows of some stimuli.*or the router"):
        record(net, stimuli(), ["experts.1.act"])
    assert not any(address.startswith("experts.") for address in net.sites().working)
    asked = record(net, stimuli(), ["gate"])
    assert asked.shape == (N, 4)


@pytest.mark.parametrize("how", [
    lambda reference: Noise(1.0, reference), lambda reference: CutWeights("in"),
], ids=["noise", "weights"])
def test_ablations_that_ask_which_stimulus_a_row_is__are_refused(how):
    net = made(Mixture)
    lesion = Lesion(ROI("r", {"experts.1.act": [0]}), how(record(net, stimuli(), ["gate"])))
    with pytest.raises(LesionPlanError, match=r"same for every row.*nl\.Zero"):
        examine(net, [lesion], [TASK])


def test_an_expert_that_nobody_asks__is_known_by_its_twins_and_not_applied():
    net = made(Mixture, 2)
    assert net.sites()["experts.2.act"].shape == (12,)
    with pytest.raises(LesionNotApplied, match="never ran"):
        examine(net, [Lesion(ROI("r", {"experts.2.act": [0]}), Zero())], [TASK])
    seen = net.verify()
    assert seen.ok
    assert "no row of the example" in seen.seen["experts.2.act"]


def test_a_lesion_of_an_expert_asked_late__is_proved_on_the_batch_that_asks():
    net = made(Mixture)
    with bench(net) as table, table.lesioned(Lesion(ROI("r", {"experts.0": [0]}), Zero())) as damage:
        inputs, seen = net.prepare(stimuli().inputs), []
        handle = net.model.experts[0].register_forward_hook(lambda *a: seen.append(1))
        one_by_one = []
        for at in range(N):
            table.prove(damage, [(inputs[at: at + 1], stimuli().ids[at: at + 1])])
            one_by_one.append((bool(seen), damage.read))
        handle.remove()
    assert all(bool(read) == ran for ran, read in one_by_one)
    assert one_by_one[-1][0]


def test_like_modules_that_get_no_routed_rows__stay_as_they_are():
    net = made(Separate)
    assert record(net, stimuli(), ["heads.0"]).shape == (N, 3)
    with pytest.raises(RefusedSiteError, match="never calls it"):
        record(net, stimuli(), ["heads.1"])


def test_the_order_of_the_design__changes_no_score():
    net = made(Mixture, n_example=3)
    design = [Lesion(ROI(f"e{at}", {f"experts.{at}.act": [0, 1, 2]}), Zero()) for at in range(4)]
    one = examine(net, design, [TASK], batch_size=2)
    other = examine(net, design[::-1], [TASK], batch_size=2)
    np.testing.assert_array_equal(one.score.values, other.score.values[:, [0, 4, 3, 2, 1]])
    assert len(np.unique(one.score.values[0, :, 0])) == 5


class Words(nn.Module):
    """A router that looks at the token alone, so that moving tokens about leaves every expert as many rows."""

    def __init__(self, listed):
        super().__init__()
        self.embed, self.head, self.listed = nn.Embedding(9, WIDTH), nn.Linear(WIDTH, 3), listed
        members = [Expert(), Expert()]
        if listed:
            self.experts = nn.ModuleList(members)
        else:
            self.odd, self.even = members

    def forward(self, ids):
        rows, odd = self.embed(ids).flatten(0, 1), (ids.flatten() % 2).bool()
        out = torch.zeros_like(rows)
        for mine, expert in zip((odd, ~odd), self.experts if self.listed else (self.odd, self.even)):
            if mine.any():
                out[mine] = expert(rows[mine])
        return self.head((rows + out).unflatten(0, ids.shape).mean(1))


@pytest.mark.parametrize("listed", [True, False])
def test_rows_that_look_parted_on_one_example__are_not_taken_for_positions(listed):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = Specimen(Words(listed), np.array([[1, 3, 2, 5]]))
    table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    shown = StimulusSet("two", np.array([[2, 1, 3, 5], [4, 7, 1, 1]]), table)  # three odd ones each, as in the example
    with pytest.raises(RefusedSiteError, match="router"):
        record(net, shown, ["experts.0" if listed else "odd"])


def test_experts_fused_into_one_parameter__have_their_block_and_a_router_that_nothing_reads_is_refused():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.MixtralConfig(vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                                        num_attention_heads=2, num_key_value_heads=1, num_local_experts=4)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = Specimen(transformers.MixtralForCausalLM(config).eval(), np.array([[1, 2, 3, 4]]), output="logits")
    block = "model.layers.0.mlp"
    assert net.sites()[f"{block}.experts"].dims == ("token", "unit")
    table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    shown = StimulusSet("two", np.array([[5, 1, 3, 5], [4, 7, 1, 1]]), table)
    cut = record(net, shown, ["output"], lesions=[Lesion(ROI("r", {f"{block}.experts": [3]}), Zero())]).values
    model = copy.deepcopy(net.model)
    model.get_submodule(f"{block}.experts").register_forward_hook(
        lambda module, args, output: output.index_fill(-1, torch.tensor([3]), 0.0))
    with torch.no_grad():
        expected = model(net.prepare(shown.inputs)).logits.mean(1)
    np.testing.assert_allclose(cut, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(LesionNotApplied, match="nothing read"):
        record(net, shown, ["output"], lesions=[Lesion(ROI("r", {f"{block}.gate": [0]}), Zero())])
