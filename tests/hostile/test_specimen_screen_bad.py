"""Screening of what has no gradient, of odd scores and choices: refused with what to type; nothing is left behind."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab import scores
from neurolab.errors import DataError, LesionPlanError, NeurolabError, RefusedSiteError, SpecimenError, UnknownSiteError
from neurolab.lesion import Lesion, Noise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Cohort, Specimen, Task, examine, record
from neurolab.specimen.screening_run import screen
from neurolab.stimuli import StimulusSet


def shown(inputs, n=12):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": "a", "label": np.arange(n) % 2})
    return StimulusSet("shown", inputs, table)


REAL = shown(np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
TASK = Task("t", REAL, scores.margin)


class Through(nn.Module):
    """A first layer, something done to it, a second layer."""

    def __init__(self, act):
        super().__init__()
        self.first, self.second, self.act = nn.Linear(4, 12), nn.Linear(12, 2), act

    def forward(self, x):
        return self.second(self.act(self.first(x)))


def made(act=torch.relu):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return Specimen(Through(act), REAL.inputs[:1], name="net")


@pytest.mark.parametrize("method", ["taylor", "path"])
@pytest.mark.parametrize("act", [lambda x: x.detach(), lambda x: (x > 0).float(), lambda x: x.argsort(1).float()])
def test_no_gradient__is_refused_never_zero(act, method):
    with pytest.raises(RefusedSiteError, match="No gradient"):
        screen(made(act), "first", TASK, method=method, n_exact=10, rng=0)


def test_numpy__inside_a_forward_is_refused_with_what_to_type():
    net = made(lambda x: torch.tensor(np.tanh(x.numpy())))
    for method in ("taylor", "path"):
        with pytest.raises(SpecimenError, match=r"cannot run with gradients.*nl\.examine"):
            screen(net, "first", TASK, method=method, n_exact=10, rng=0)


def test_unread__site_is_refused():
    class Aside(Through):
        def forward(self, x):
            self.first(x)
            return x[:, :2]

    net = Specimen(Aside(torch.relu), REAL.inputs[:1])
    with pytest.raises(RefusedSiteError, match="'first'"):
        screen(net, ["first"], TASK, n_exact=10, rng=0)


@pytest.mark.parametrize(
    "choice, error, words",
    [
        ({"method": "tailor"}, DataError, "Did you mean 'taylor'"),
        ({"n_exact": 3}, DataError, "10 or more units"),
        ({"sites": []}, DataError, "at least one"),
        ({"sites": ["first", "first"]}, DataError, "each once"),
        ({"sites": "frist"}, UnknownSiteError, "Did you mean"),
        ({"smooth": lambda outputs, table: outputs}, DataError, r"shape \(12,\)"),
        ({"smooth": lambda outputs, table: 1.0}, DataError, "float"),
        ({"smooth": lambda outputs, table: -outputs[:, 0].abs().neg().sqrt()}, DataError, "NaN or inf"),
        ({"smooth": lambda outputs, table: outputs[:, 0].detach()}, RefusedSiteError, "No gradient"),
        ({"smooth": lambda outputs, table: (outputs - outputs).abs().sqrt().sum(1)}, DataError, "gradients are NaN"),
        ({"task": Task("t", REAL, lambda outputs, table: outputs[:, 0])}, DataError, "smooth=lambda outputs, table"),
        ({"rng": -1}, DataError, "rng"),
    ],
)
def test_choice__that_means_nothing_is_refused(choice, error, words):
    given = {"sites": "first", "task": TASK, "rng": 0, "n_exact": 10} | choice
    with pytest.raises(error, match=words):
        screen(made(), **given)


def test_chance_and_cohorts__are_refused():
    net = made()
    with pytest.raises(LesionPlanError, match="cannot be estimated"):
        screen(net, "first", TASK, how=Noise(1.0, record(net, REAL, ["first"])), rng=0)
    with pytest.raises(DataError, match="of one network"):
        screen(Cohort((net,)), "first", TASK, rng=0)


def test_recurrent__layers_are_refused_and_what_follows_is_screened():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(3, 12, batch_first=True), nn.Linear(12, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    stimuli = shown(np.random.default_rng(0).normal(size=(12, 5, 3)).astype(np.float32))
    net, task = Specimen(Steps(), stimuli.inputs[:1]), Task("t", stimuli, scores.margin)
    state = next(site.address for site in net.sites() if site.kind == "state")
    for site in (state, "lstm"):
        with pytest.raises(RefusedSiteError, match=f"'{site}' cannot be screened"):
            screen(net, site, task, n_exact=10, rng=0)
    assert (screen(net, "head", task, n_exact=10, rng=0)["estimate"] != 0).all()


def test_tokens__and_frozen_weights_are_screened():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = nn.Sequential(nn.Embedding(9, 12), nn.Flatten(), nn.Linear(36, 2)).requires_grad_(False)
    stimuli = shown(np.random.default_rng(0).integers(9, size=(12, 3)))
    net = Specimen(model, stimuli.inputs[:1])
    result = screen(net, "0", Task("t", stimuli, scores.margin), n_exact=12, rng=0)
    np.testing.assert_allclose(result["estimate"], result["exact"], rtol=0.5, atol=1.0)
    assert (result["estimate"] != 0).all()
    assert not any(one.requires_grad for one in model.parameters())
    with pytest.raises(RefusedSiteError, match="input"):
        screen(net, "input", Task("t", stimuli, scores.margin), n_exact=12, rng=0)


@pytest.mark.parametrize("method", ["taylor", "path"])
@pytest.mark.parametrize("fails", [False, True])
def test_promises__nothing_is_left_behind(method, fails):
    net = made()
    net.model.second.requires_grad_(False)
    net.model.train()
    before, chance = net.digest, torch.get_rng_state().clone()
    hooks = [len(module._forward_hooks) for module in net.model.modules()]
    smooth = (lambda outputs, table: outputs) if fails else None
    try:
        screen(net, "first", TASK, method=method, smooth=smooth, n_exact=10, rng=0)
        assert not fails
    except NeurolabError:
        assert fails
    assert net.digest == before
    assert torch.equal(torch.get_rng_state(), chance)
    assert torch.is_grad_enabled()
    assert [len(module._forward_hooks) for module in net.model.modules()] == hooks
    assert all(one.grad is None for one in net.model.parameters())
    assert [one.requires_grad for one in net.model.parameters()] == [True, True, False, False]
    assert net.model.training


def test_rng__same_number_same_result_another_another_sample():
    one, two, other = (screen(made(), "first", TASK, n_exact=10, how=Zero(), rng=rng) for rng in (0, 0, 1))
    assert one.identical(two)
    assert (one["status"].values != other["status"].values).any()
    np.testing.assert_array_equal(one["estimate"], other["estimate"])


@pytest.mark.parametrize("strange", [[TASK], ("t", REAL), None])
def test_what_is_no_task__is_refused_with_what_to_type(strange):
    with pytest.raises(DataError, match=r"screen\(\) got \w+ as a task.*nl\.Task\("):
        screen(made(), "first", strange, n_exact=10, rng=0)
    for tasks in ([("t", REAL)], [TASK, None], 3):
        with pytest.raises(DataError, match=r"examine\(\) got \w+ as a task.*nl\.Task\("):
            examine(made(), [Lesion(ROI("one", {"first": [0]}), Zero())], tasks)
