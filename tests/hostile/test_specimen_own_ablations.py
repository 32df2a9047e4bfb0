"""Ablations of one's own that break what the table promises of every ablation: put right, or refused with advice."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import CampaignMismatchError, LesionPlanError
from neurolab.specimen import ABLATIONS, OnWeights
from neurolab.specimen.own import instead

N = 24
INPUTS = np.random.default_rng(3).standard_normal((N, 4)).astype(np.float32)
TABLE = {"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["x", "y"] * (N // 2)}
SHOWN = nl.StimulusSet("all", INPUTS, TABLE)
UNITS = [1, 2, 3]


@dataclass(frozen=True)
class Own(nl.Ablation):
    share: float = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Known(nl.lesion.ReferencedAblation):
    reference: object = None


def mean(outputs, table):
    return outputs.astype(float).mean(1)


TASKS = [nl.Task("t", SHOWN, mean)]


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nl.Specimen(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), INPUTS[:2], name="net")


@pytest.fixture
def own(monkeypatch):
    """Registers an entry for a kind of ablation."""
    return lambda entry, kind=Own: monkeypatch.setitem(ABLATIONS, kind, entry)


def lesion(how=None, site="1"):
    return nl.Lesion(nl.ROI("r", {site: UNITS}), how or Own())


def trials(net, *lesions, **settings):
    return nl.examine(net, list(lesions), TASKS, progress=False, **settings)


def emptied(how, values, selection):
    values[:] = 0
    return values


@pytest.mark.parametrize("exact", ["rounding", "bit"])
def test_an_entry_that_works_in_place__has_the_certificate_of_one_that_does_not(net, own, exact):
    own(emptied)
    rows = trials(net, lesion(nl.Zero()), lesion(Own()).by(Own(), "own"), exact=exact)
    for name in ("changed", "off_distribution", "downstream"):
        zero, mine = rows[f"certificate_{name}"].values[0, 1:]
        assert zero == mine, name
    assert rows["certificate_changed"].values[0, 2] > 0
    assert not rows["vacuous"].values[0, 2]


def test_an_entry_of_weights_that_works_in_place__has_its_certificate_too(net, own):
    own(OnWeights(lambda how, weights, selection: weights.zero_()))
    assert trials(net, lesion(site="0"))["certificate_changed"].values[0, 1] == 1


def test_an_estimate_of_an_entry_that_works_in_place__is_that_of_one_that_does_not(net, own):
    def screen():
        return nl.specimen.screen(net, "1", TASKS[0], rng=0, smooth=lambda outputs, table: outputs.mean(1))

    screened = [screen()]
    own(emptied, nl.Zero)
    screened.append(screen())
    assert screened[0]["estimate"].values.any()
    np.testing.assert_array_equal(screened[0]["estimate"].values, screened[1]["estimate"].values)


WRONG = {
    "nothing": (lambda how, values, selection: None, r"NoneType for values of shape \(\d+, 3, 1\).*end in return"),
    "a number": (lambda how, values, selection: 0.0, "float"),
    "an array": (lambda how, values, selection: values.numpy() * 0, "ndarray"),
    "one for all": (lambda how, values, selection: torch.zeros(()), r"a tensor of shape \(\)"),
    "a row for all": (lambda how, values, selection: values[:1] * 0, r"shape \(1, 3, 1\).*expand_as\(values\)"),
    "turned": (lambda how, values, selection: values.transpose(0, 1), r"shape \(3, \d+, 1\)"),
}


@pytest.mark.parametrize("entry", WRONG)
def test_an_entry_that_gives_no_values__says_what_it_gave_and_what_was_expected(net, own, entry):
    gives, said = WRONG[entry]
    own(gives)
    with pytest.raises(LesionPlanError, match=f"entry of Own in ABLATIONS gave .*{said}"):
        nl.record(net, SHOWN, ["output"], lesions=[lesion()])


@pytest.mark.parametrize("gives", [lambda how, w, of: None, lambda how, w, of: w[0], lambda how, w, of: w.sum()],
                         ids=["nothing", "one unit's", "a number"])
def test_an_entry_of_weights__is_not_broadcast(net, own, gives):
    own(OnWeights(gives))
    with pytest.raises(LesionPlanError, match=r"entry of Own in ABLATIONS gave .* for weights of shape \(3, 4\)"):
        nl.record(net, SHOWN, ["output"], lesions=[lesion(site="0")])


def seeded(how, values, selection):
    stream = torch.Generator().manual_seed(0)
    return values + torch.randn(values.shape, generator=stream)


MIXED = {
    "shuffled": lambda how, values, selection: values[torch.randperm(len(values))],
    "turned round": lambda how, values, selection: values.flip(0),
    "rolled": lambda how, values, selection: values.roll(1, 0),
    "their mean": lambda how, values, selection: values.mean(0, keepdim=True).expand_as(values),
    "the first's": lambda how, values, selection: values - values[:1],
    "neighbours": lambda how, values, selection: values[[at ^ 1 if at ^ 1 < len(values) else at
                                                         for at in range(len(values))]],
    "torch's chance": lambda how, values, selection: values + torch.randn_like(values),
    "numpy's chance": lambda how, values, selection: values * float(np.random.default_rng().uniform()),
    "a seed for all": seeded,
}


@pytest.mark.parametrize("size", [256, 5])
@pytest.mark.parametrize("entry", MIXED)
def test_rows_that_depend_on_each_other_or_on_chance__are_refused(net, own, entry, size):
    own(MIXED[entry])
    with pytest.raises(LesionPlanError, match=r"other values for the same rows.*batch_size.*selection\.normal\(\)"):
        trials(net, lesion(), batch_size=size)


def test_weights_that_depend_on_chance__are_refused(net, own):
    own(OnWeights(lambda how, weights, selection: weights + torch.randn_like(weights)))
    with pytest.raises(LesionPlanError, match=r"other values for the same weights when it is asked twice"):
        trials(net, lesion(site="0"))


def test_a_setting_that_mixes__is_refused_after_one_that_does_not(net, own):
    own(lambda how, values, selection: values.lerp(values.roll(1, 0), how.share))
    with pytest.raises(LesionPlanError, match="other values for the same rows"):
        trials(net, lesion(Own(0.0)), lesion().by(Own(1.0), "whole"))


STEADY = {
    "noise": lambda how, values, selection: values + selection.normal(),
    "chance": lambda how, values, selection: torch.where(selection.uniform() < 0.5, values, -values),
    "usual": lambda how, values, selection: selection.mean - (values - selection.mean) / (1 + selection.sd),
    "another": lambda how, values, selection: selection.resampled().expand_as(values),
    "the units' mean": lambda how, values, selection: values.mean(1, keepdim=True).expand_as(values),
    "a matrix": lambda how, values, selection: values.transpose(1, 2).matmul(
        torch.ones(values.shape[1], values.shape[1]).tril()).transpose(1, 2),
}


@pytest.mark.parametrize("entry", STEADY)
def test_rows_that_depend_on_themselves_and_the_selection__are_served_in_batches_of_any_size(net, own, entry):
    own(STEADY[entry], Known)
    one = lesion(Known(nl.record(net, SHOWN, ["1"])))
    scores = [trials(net, one, batch_size=size)["score"].values[0, 1] for size in (256, 5, 1)]
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], atol=1e-6)


def test_an_entry_is_tried_out_on_the_first_rows_alone_and_shipped_ones_never(net, own):
    asked = []
    own(lambda how, values, selection: asked.append(len(values)) or values * 0)
    nl.record(net, SHOWN, ["output"], lesions=[lesion()], batch_size=4)
    assert len(asked) == 3 * 5 + 2  # the two rows of the proof and four batches, three times; then once

    def shipped(how, values, selection):
        seen.append(values)
        return values * 0

    seen, values = [], torch.ones(4, 3, 1)
    instead(shipped, nl.Zero(), values, None)
    assert len(seen) == 1
    assert seen[0] is values  # neither copied nor asked twice


def test_a_shipped_ablation_with_another_entry__is_that_in_workers_too(net, own):
    own(lambda how, values, selection: values * 0.5, nl.Zero)
    design = [nl.Lesion(nl.ROI(f"r{at}", {"1": [at]}), nl.Zero()) for at in range(4)]
    one, two = (trials(net, *design, n_jobs=n)["score"].values for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    half = trials(net, *[one.by(nl.Scale(0.5), one.name) for one in design])["score"].values
    np.testing.assert_array_equal(one, half)
    cohort = nl.Cohort([net, nl.Specimen(net.model, INPUTS[:2], name="again")], "two")
    np.testing.assert_array_equal(trials(cohort, *design, n_jobs=2)["score"].values[1], one[0])


def test_a_worker_that_had_another_entry__has_the_shipped_one_again(net, own, monkeypatch):
    design = [nl.Lesion(nl.ROI(f"r{at}", {"1": [at]}), nl.Zero()) for at in range(4)]
    before = trials(net, *design)["score"].values
    with monkeypatch.context() as now:
        now.setitem(ABLATIONS, nl.Zero, lambda how, values, selection: values * 0.5)
        assert (trials(net, *design, n_jobs=2)["score"].values != before).any()
    np.testing.assert_array_equal(trials(net, *design, n_jobs=2)["score"].values, before)


def test_a_store__tells_the_shipped_ablation_from_another_entry_for_it(net, own, tmp_path):
    trials(net, lesion(nl.Zero()), store=tmp_path)
    own(lambda how, values, selection: values * 0.5, nl.Zero)
    with pytest.raises(CampaignMismatchError, match="ablation Zero"):
        trials(net, lesion(nl.Zero()), store=tmp_path)
