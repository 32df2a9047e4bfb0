"""A second attack on the bench: lesions that miss calls or act in another order than said, padding that is attended."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.errors import DataError, LesionNotApplied, LesionNotUndone, LesionPlanError, SpecimenError
from neurolab.lesion import Clamp, CutWeights, Lesion, Noise, WeightNoise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Padded, Specimen, Task, examine, record
from neurolab.specimen.causal import CausalReader
from neurolab.specimen.generate import generate
from neurolab.stimuli import StimulusSet


def seeded(build):
    """Build with a torch state of its own, so that every run has the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


def shown(x):
    n = len(x)
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a", "b"] * (n // 2),
                          "label": [0, 1] * (n // 2)})
    return StimulusSet("s", np.asarray(x), table)


def draw(*shape, rng=0):
    return np.random.default_rng(rng).standard_normal(shape).astype(np.float32)


def scored(net, lesions, stimuli):
    trials = examine(net, lesions, [Task("t", stimuli, scores.margin)], progress=False)
    return {lesion: trials["score"].values[0, at] for at, lesion in enumerate(trials["lesion_id"].values)}


# -- modules that run more often than when they were looked at -------------------------------------------------------


class Pondering(nn.Module):
    """Runs its cell the oftener, the larger its input."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        for _ in range(2 if x.abs().max() < 5 else 4):
            x = torch.tanh(self.cell(x))
        return self.head(x)


@pytest.fixture(scope="module")
def pondering():
    return Specimen(seeded(Pondering), draw(2, 4) * 0.1)


def test_a_module_that_runs_more_often_than_at_load__is_no_success(pondering):
    every = Lesion(ROI("all", {"cell": [0, 1]}), Zero())
    assert len(scored(pondering, [every], shown(draw(4, 4) * 0.1))) == 2
    with pytest.raises(LesionNotApplied, match=r"ran 3 times in one forward, 2 when.*longest first.*such as 'cell@"):
        scored(pondering, [every], shown(draw(4, 4) * 100))
    with pytest.raises(LesionNotApplied, match="later calls would be intact"):
        record(pondering, shown(draw(4, 4) * 100), ["output"], lesions=[every])


def test_a_call_that_is_named__is_cut_however_many_follow(pondering):
    stimuli = shown(draw(4, 4) * 100)
    found = scored(pondering, [Lesion(ROI("first", {"cell@0": [0, 1]}), Zero())], stimuli)["first"]
    model, calls = pondering.model, []

    def first(module, args, output):
        calls.append(1)
        return output * torch.tensor([0.0, 0.0, 1.0, 1.0]) if len(calls) == 1 else None

    handle = model.cell.register_forward_hook(first)
    with torch.no_grad():
        by_hand = scores.margin(model(torch.tensor(stimuli.inputs)).numpy(), stimuli.table)
    handle.remove()
    assert len(calls) == 4
    np.testing.assert_array_equal(found, by_hand)


# -- two lesions at once ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested():
    net = Specimen(seeded(lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 6), nn.Tanh()), nn.Linear(6, 2))),
                   draw(1, 4))
    return net, record(net, shown(draw(8, 4)), ["0.0", "0.1", "0"])


@pytest.mark.parametrize("how", [CutWeights("in"), CutWeights("both"), WeightNoise(0.1)], ids=lambda how: how.label)
def test_weights_cannot_act_after_noise_at_their_own_units(nested, how):
    net, usual = nested
    cut, noise = Lesion(ROI("cut", {"0.0": [0, 1]}), how), Lesion(ROI("noise", {"0.0": [1, 2]}), Noise(1.0, usual))
    with pytest.raises(LesionPlanError, match=r"is to act last at '0\.0', but weights act before"):
        scored(net, [cut & noise], shown(draw(4, 4)))
    elsewhere = Lesion(ROI("elsewhere", {"0.0": [2, 3]}), Noise(1.0, usual))
    for fine in (cut & elsewhere, noise & cut, Lesion(ROI("out", {"0.1": [1]}), CutWeights("out")) & noise):
        assert len(scored(net, [fine], shown(draw(4, 4)))) == 2


def test_an_inner_and_an_outer_address_of_one_tensor__keep_the_order_or_are_refused(nested):
    net, usual = nested
    inner, outer = ({name: Lesion(ROI(f"{name} {site}", {site: range(6)}), how)
                     for name, how in (("zero", Zero()), ("noise", Noise(1.0, usual)))} for site in ("0.1", "0"))
    with pytest.raises(LesionPlanError, match=r"act last, at '0\.1', but '0' hands the same values on"):
        scored(net, [inner["zero"] & outer["noise"]], shown(draw(4, 4)))
    found = scored(net, [outer["zero"] & inner["noise"], outer["zero"]], shown(draw(4, 4)))
    np.testing.assert_array_equal(found["zero 0 & noise 0.1"], found["zero 0"])


@pytest.mark.parametrize("other", [3, None, ROI("unit", {"0": [0]}), Zero()], ids=lambda other: type(other).__name__)
def test_what_is_no_lesion__is_not_done_at_the_same_time(other):
    with pytest.raises(LesionPlanError, match="expected another lesion on the right"):
        Lesion(ROI("unit", {"0": [0]}), Zero()) & other


# -- the intact network afterwards -----------------------------------------------------------------------------------


class Tiring(nn.Module):
    """Answers otherwise once it has run often; its count is no buffer."""

    def __init__(self, after):
        super().__init__()
        self.a, self.b, self.left = nn.Linear(4, 4), nn.Linear(4, 2), after

    def forward(self, x):
        self.left -= 1
        return self.b(self.a(x)) * (1.0 if self.left > 0 else 0.5)


def test_a_network_that_drifts_between_lesions__is_not_scored():
    model = seeded(lambda: Tiring(10**6))
    net = Specimen(model, draw(2, 4))
    design = [Lesion(ROI(f"unit {unit}", {"a": [unit]}), Zero()) for unit in range(4)]
    model.left = 4
    with pytest.raises(LesionNotUndone, match=r"'Tiring', intact, answers the same stimuli otherwise"):
        scored(net, design, shown(draw(4, 4)))
    model.left = 10**6
    assert len(scored(net, design, shown(draw(4, 4)))) == 5


# -- texts that go on behind padding ---------------------------------------------------------------------------------


class Answer:
    def __init__(self, logits, past):
        self.logits, self.past_key_values = logits, past


class Attending(nn.Module):
    """One attention layer with Hugging Face's signature: a mask, positions, keys and values kept."""

    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Embedding(19, 8), nn.Embedding(32, 8)
        self.qkv, self.mix, self.head = nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 19)

    def forward(self, input_ids, attention_mask=None, position_ids=None, past_key_values=None, use_cache=False):
        x = self.embed(input_ids) + (0 if position_ids is None else self.place(position_ids))
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if past_key_values is not None:
            k, v = (torch.cat(pair, dim=1) for pair in zip(past_key_values, (k, v)))
        length, new = k.shape[1], q.shape[1]
        seen = torch.ones(length, length, dtype=torch.bool).tril()[-new:][None].expand(len(q), -1, -1)
        if attention_mask is not None:
            seen = seen & attention_mask[:, None].bool()
        weights = (q @ k.mT).masked_fill(~seen, -1e9).softmax(-1)
        return Answer(self.head(torch.tanh(x + self.mix(weights @ v))), (k, v) if use_cache else None)


def text(model, row, n, lesion=()):
    """What the model says behind one prompt without padding, by whole forwards written by hand."""
    ids = torch.tensor(row[row != 0])[None]
    length = ids.shape[1]

    def cut(module, args, output):
        at = [position for position in lesion if position < output.shape[1]]
        output = output.clone()
        output[:, at] = 0
        return output

    handle = model.mix.register_forward_hook(cut)
    with torch.no_grad():
        for _ in range(n):
            logits = model(ids, position_ids=torch.arange(ids.shape[1])[None]).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
    handle.remove()
    return ids[0, length:].tolist()


@pytest.fixture(scope="module")
def padded():
    prompts = np.random.default_rng(2).integers(1, 19, (8, 6))
    for row, gap in enumerate((0, 3, 1, 5, 0, 2, 4, 3)):
        prompts[row, :gap] = 0
    return seeded(lambda: Attending().requires_grad_(False).eval()), prompts


def by_function(ids):
    real = (ids != 0).long().cumsum(1).bool().long()
    return {"input_ids": ids, "attention_mask": real, "position_ids": (real.cumsum(1) - 1).clamp_min(0)}


@pytest.mark.parametrize("cut_at", [(), (5, 7)], ids=["intact", "lesioned"])
@pytest.mark.parametrize("cache", [None, False])
@pytest.mark.parametrize("feed", [Padded(0, side="left", positions="position_ids"), by_function],
                         ids=["Padded", "function"])
def test_generation_behind_padding__is_that_of_each_prompt_alone(padded, feed, cache, cut_at):
    model, prompts = padded
    net = Specimen(model, prompts[:2], feed=feed, output="logits")
    units = np.concatenate([np.arange(8) + 8 * at for at in cut_at]) if cut_at else []
    lesions = [Lesion(ROI("at", {"mix": units}, {"mix": ("token", "unit")}), Zero())] if cut_at else []
    gaps = (prompts == 0).sum(1)
    alone = [text(model, row, 4, [at - gap for at in cut_at]) for row, gap in zip(prompts, gaps)]
    assert generate(net, shown(prompts), n_tokens=4, cache=cache, lesions=lesions).tolist() == alone


def test_generation_with_a_feed_that_no_cache_goes_with__is_refused_when_asked_for(padded):
    model, prompts = padded
    net = Specimen(model, prompts[:1], feed=by_function, output="logits")
    with pytest.raises(SpecimenError, match="a feed that it does not go with"):
        generate(net, shown(prompts), n_tokens=2, cache=True)


def test_prompts_that_end_with_padding__do_not_go_on(padded):
    model, prompts = padded
    net = Specimen(model, prompts[:1], feed=Padded(0, side="right"), output="logits")
    with pytest.raises(DataError, match=r"Prompt 1 ends with padding.*side='left'"):
        generate(net, shown(prompts[:, ::-1].copy()), n_tokens=2)


def test_a_causal_reader__goes_on_though_it_answers_with_a_sheet(padded):
    model, prompts = padded
    net = Specimen(CausalReader(model, 0), prompts[:1])
    alone = [text(model, row, 4) for row in prompts]
    assert generate(net, shown(prompts), n_tokens=4).tolist() == alone


# -- inputs and values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1e6, -1e6, float("inf"), float("nan")])
def test_a_clamp_beyond_the_type__is_named(value):
    net = Specimen(seeded(lambda: nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)).half()), draw(1, 4))
    with pytest.raises(LesionPlanError, match=r"values are float16: expected a number within 65504"):
        scored(net, [Lesion(ROI("unit", {"0": [0]}), Clamp(value))], shown(draw(4, 4)))


def test_lazy_parameters_and_empty_examples__are_named():
    with pytest.raises(SpecimenError, match=r"lazy parameters '0\.weight' and '0\.bias'|lazy parameters '0\.weight'"):
        Specimen(nn.Sequential(nn.LazyLinear(3)), draw(1, 4))
    with pytest.raises(SpecimenError, match=r"shape \(2, 0\).*at least one number"):
        Specimen(nn.Identity(), np.zeros((2, 0), dtype=np.float32))


class Pair(nn.Module):
    def __init__(self, view):
        super().__init__()
        self.inner, self.view = nn.Linear(4, 6), view

    def forward(self, x):
        h = self.inner(x)
        return h, (h[:, :3] if self.view else torch.tanh(h))


@pytest.mark.parametrize("view", [False, True])
def test_a_module_that_hands_out_two_tensors__says_which_is_cut(view):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair, self.head = Pair(view), nn.LazyLinear(2)

        def forward(self, x):
            return self.head(torch.cat(self.pair(x), dim=1))

    model = seeded(Both)
    seeded(lambda: model(torch.zeros(1, 4)))
    site = Specimen(model, draw(1, 4)).sites()["pair"]
    assert ("hands out several tensors; the first is recorded and cut" in site.why) is not view
    assert site.cut


def test_dropout_before_a_relu_in_place__names_the_way_out():
    class Aliased(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin, self.drop, self.relu = nn.Linear(4, 4), nn.Dropout(0.5), nn.ReLU(inplace=True)

        def forward(self, x):
            h = self.lin(x)
            return self.drop(h) + self.relu(h)

    with pytest.raises(SpecimenError, match=r"in place on a tensor that dropout.*inplace=False"):
        Specimen(seeded(Aliased), draw(1, 4))


def test_a_layer_under_vmap__is_refused_though_it_hides_its_storage():
    class Mapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x):
            return self.head(torch.vmap(self.inner)(x))

    site = Specimen(seeded(Mapped), draw(1, 4)).sites()
    assert site["head"].cut
    assert not next(row for row in site.rows if row.path == "inner").cut
