"""Generation with a cache under lesions against the same lesions in whole forwards without one.

The other side is a loop of our own: hand-written hooks on the blocks, the whole text anew for every token.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.errors import DataError, LesionPlanError, SpecimenError
from neurolab.lesion import Clamp, Lesion, Mean, Noise, Scale, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, bench, draws, examine, record
from neurolab.specimen.edit import Progress
from neurolab.specimen.generate import Greedy, _greedy, _step_of, generate
from neurolab.specimen.llama import Llama, LlamaShape
from neurolab.specimen.promises import one_thread
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(8)
LENGTH, NEW, WIDTH, VOCABULARY = 5, 6, 16, 40
SITE = "model.layers.0.mlp"
UNITS = np.array([1, 7, 12])


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        model = build().eval()
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.copy_(torch.randn_like(weight) * 0.4)
        return model


def prompts(n=7, padded=True):
    ids = DRAW.integers(1, VOCABULARY, size=(n, LENGTH))
    if padded:
        ids[1, :2], ids[4, :3] = 0, 0
    table = pd.DataFrame({"stimulus_id": [f"p{at}" for at in range(n)], "condition": ["a"] * n, "label": [1] * n})
    return StimulusSet("prompts", ids, table)


class NoPad(Llama):
    """Never says the padding token, which a text cannot end with."""

    def step(self, ids, cache=None):
        logits, cache = super().step(ids, cache)
        return self._barred(logits), cache

    def forward(self, ids):
        return self._barred(super().forward(ids))

    def _barred(self, logits):
        logits = logits.clone()
        logits[..., 0] = -1e4
        return logits


SHAPE = LlamaShape(vocabulary=VOCABULARY, width=WIDTH, inner=24, layers=2, heads=4, kv_heads=2, window=32)
MODEL = seeded(lambda: NoPad(SHAPE, read="logits"))
NET = Specimen(MODEL, prompts(1, False).inputs, name="llama")
PROMPTS = prompts()


def by_hand(stimuli, edit=None, path=SITE, n_tokens=NEW):
    """The added tokens and the last whole forward's activity (n, length, units), by hooks of our own and no cache."""
    text, seen = torch.tensor(stimuli.inputs), []

    def hook(module, args, output):
        out = output.clone() if edit is None else edit(output.clone())
        seen[:] = [out]
        return out

    handle = MODEL.get_submodule(path).register_forward_hook(hook)
    try:
        with torch.no_grad():
            for _ in range(n_tokens):
                text = torch.cat([text, MODEL(text)[:, -1:].argmax(-1)], 1)
    finally:
        handle.remove()
    return text[:, LENGTH:].numpy(), seen[0]


def at(tokens, change):
    def edit(out):
        for token in tokens:
            if token < out.shape[1]:
                out[:, token, UNITS] = change(out[:, token, UNITS], token)
        return out

    return edit


def region(tokens=None, site=SITE, units=UNITS, width=WIDTH):
    if tokens is None:
        return ROI("r", {site: units}, {site: ("unit",)})
    whole = (np.array(tokens)[:, None] * width + units).reshape(-1)
    return ROI("r", {site: whole}, {site: ("token", "unit")})


def test_without_lesion__cache_and_none_and_our_own_loop_say_the_same():
    expected, _ = by_hand(PROMPTS)
    assert np.array_equal(generate(NET, PROMPTS, n_tokens=NEW), expected)
    assert np.array_equal(generate(NET, PROMPTS, n_tokens=NEW, cache=False), expected)
    assert np.array_equal(generate(NET, PROMPTS, n_tokens=NEW, batch_size=2), expected)
    assert len(np.unique(expected)) > 6  # the prompts differ, and so does what is said


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("tokens", [None, (0, 3), (5,), (4, 6, 9), (9,)])
def test_trap_14__a_lesion_at_absolute_positions_equals_recomputation_without_cache(tokens, cache):
    where = range(LENGTH + NEW) if tokens is None else tokens
    expected, _ = by_hand(PROMPTS, at(where, lambda old, token: 6.0))
    cut = generate(NET, PROMPTS, n_tokens=NEW, lesions=[Lesion(region(tokens), Clamp(6.0))], cache=cache)
    assert np.array_equal(cut, expected)
    intact, _ = by_hand(PROMPTS)
    first = max(0, min(where) - LENGTH + 1)  # position 5 is read when the second token is chosen
    assert np.array_equal(cut[:, :first], intact[:, :first])
    assert not np.array_equal(cut[:, first:], intact[:, first:])


def kept(lesion):
    """The added tokens, and every value that stood at the site in the cached forwards, (n, length, units)."""
    parts, inputs = [], NET.prepare(PROMPTS.inputs)
    with bench(NET) as table:
        table.sequence = Progress(LENGTH + NEW - 1, LENGTH)
        with table.lesioned(lesion):  # a hook of our own, behind the lesion's
            site = MODEL.get_submodule(SITE)
            behind = site.register_forward_hook(lambda module, args, out: parts.append(out.clone()))
            text = _greedy(table, inputs, PROMPTS.ids, NEW, _step_of(MODEL))
            behind.remove()
    return text, torch.cat(parts, dim=1)


@pytest.mark.parametrize("how", ["zero", "mean", "noise", "scale"])
def test_ablations__stand_at_every_position_as_in_the_whole_text(how):
    reference = record(NET, PROMPTS, [SITE])
    mean, sd = reference.values.mean(0)[UNITS], reference.values.std(0, ddof=1)[UNITS]

    def noise(token):
        drawn = draws.normals(draws.key(5, "normal", SITE), PROMPTS.ids, token * WIDTH + UNITS)
        return torch.tensor(2.0 * sd * drawn).float()

    made, change = {
        "zero": (Zero(), lambda old, token: old * 0),
        "mean": (Mean(reference), lambda old, token: torch.tensor(mean).float()),
        "noise": (Noise(2.0, reference), lambda old, token: old + noise(token)),
        "scale": (Scale(-2.0), lambda old, token: old * -2.0),
    }[how]  # fmt: skip
    expected, values = by_hand(PROMPTS, at(range(LENGTH + NEW), change))
    text, parts = kept(Lesion(region(), made, rng=5))
    assert np.array_equal(text.numpy(), expected)
    torch.testing.assert_close(parts, values, rtol=0, atol=1e-5)


def test_heads_and_residual_stream__at_absolute_positions():
    site = "model.layers.1.self_attn.o_proj/heads"
    head = ROI("h", {site: np.array([6 * 4 + 2])}, {site: ("token", "head")})
    both = [generate(NET, PROMPTS, n_tokens=NEW, lesions=[Lesion(head, Clamp(9.0))], cache=cache)
            for cache in (True, False)]
    assert np.array_equal(*both)
    assert not np.array_equal(both[0], generate(NET, PROMPTS, n_tokens=NEW))
    stream = [generate(NET, PROMPTS, n_tokens=NEW, cache=cache,
                       lesions=[Lesion(region((6,), "model.layers.0"), Clamp(9.0))]) for cache in (True, False)]
    assert np.array_equal(*stream)


def test_two_lesions_and_a_sham__act_together():
    lesions = [Lesion(region((2,)), Clamp(6.0)), Lesion(region((7,), "model.layers.1"), Clamp(-5.0)),
               Lesion(region(), Zero(), role="sham")]
    both = [generate(NET, PROMPTS, n_tokens=NEW, lesions=lesions, cache=cache) for cache in (True, False)]
    assert np.array_equal(*both)
    sham = generate(NET, PROMPTS, n_tokens=NEW, lesions=lesions[2:])
    assert np.array_equal(sham, generate(NET, PROMPTS, n_tokens=NEW))


def test_hugging_face_model__goes_on_from_its_own_cache():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=WIDTH, n_layer=2, n_head=2)
    net = Specimen(seeded(lambda: transformers.GPT2LMHeadModel(config)), prompts(1, False).inputs, output="logits")
    stimuli = prompts(4, False)
    lesion = Lesion(region((3, 7), "transformer.h.0.mlp"), Clamp(5.0))
    both = [generate(net, stimuli, n_tokens=NEW, lesions=[lesion], cache=cache) for cache in (True, False)]
    assert np.array_equal(*both)
    assert not np.array_equal(both[0], generate(net, stimuli, n_tokens=NEW))


class Speaker(nn.Module):
    """A recurrent language model: its cache is its state."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 8)
        self.rnn, self.head = nn.LSTM(8, WIDTH, batch_first=True), nn.Linear(WIDTH, VOCABULARY)

    def step(self, ids, cache=None):
        out, cache = self.rnn(self.embed(ids), cache)
        return self.head(out), cache

    def forward(self, ids):
        return self.step(ids)[0]


@pytest.mark.parametrize("part", ["rnn/l0", "rnn/l0/c"])
@pytest.mark.parametrize("tokens", [None, (2, 6)])
def test_recurrent_language_model__keeps_positions_too(part, tokens):
    net, stimuli = Specimen(seeded(Speaker), prompts(1, False).inputs), prompts(6, False)
    lesion = Lesion(region(tokens, part), Clamp(3.0))
    both = [generate(net, stimuli, n_tokens=NEW, lesions=[lesion], cache=cache) for cache in (True, False)]
    assert np.array_equal(*both)
    assert not np.array_equal(both[0], generate(net, stimuli, n_tokens=NEW))


# -- within one forward ----------------------------------------------------------------------------------------------

GREEDY = Specimen(Greedy(MODEL, n_tokens=NEW), prompts(1, False).inputs, name="greedy")


def said(lesion=None):
    inputs = GREEDY.prepare(PROMPTS.inputs)
    with bench(GREEDY) as table, table.lesioned(*([lesion] if lesion else [])) as damage:
        if lesion:
            table.check_read(damage, inputs[:2], PROMPTS.ids[:2])
        out = table.forward(inputs, PROMPTS.ids)
        if lesion:
            damage.certificate()
    return out.argmax(-1).numpy()


@pytest.mark.parametrize("tokens", [None, (0, 3), (5,), (4, 6, 9)])
def test_model_that_generates_within_its_forward__has_absolute_positions(tokens):
    assert np.array_equal(said(), by_hand(PROMPTS)[0])
    where = range(LENGTH + NEW) if tokens is None else tokens
    expected, _ = by_hand(PROMPTS, at(where, lambda old, token: 6.0))
    assert np.array_equal(said(Lesion(region(tokens, f"lm.{SITE}"), Clamp(6.0))), expected)


def test_examine__scores_a_generation_under_lesions_and_replays_none_of_it_wrongly():
    lesions = [Lesion(ROI(f"at {token}", region((token,), f"lm.{SITE}").units, {f"lm.{SITE}": ("token", "unit")}),
                      Clamp(6.0)) for token in (1, 6)]
    task = Task("go on", PROMPTS, lambda outputs, table: outputs.argmax(-1).sum(1).astype(float))
    trials = examine(GREEDY, lesions, [task])
    for row, lesion in enumerate(lesions, start=1):
        assert trials["score"].values[0, row].tolist() == said(lesion).sum(1).tolist()


def test_calls_that_are_no_one_sequence__ask_which_call_is_meant():
    class Uneven(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.head(self.mix(x).mean(1) + self.mix(x[:, :2]).mean(1))

    with torch.random.fork_rng(devices=[]):
        net = Specimen(Uneven(), np.ones((1, 4, 3)))
    stimuli = StimulusSet("x", DRAW.normal(size=(4, 4, 3)), PROMPTS.table[:4])
    record(net, stimuli, [Probe("mix", pool=None)])
    with pytest.raises(LesionPlanError, match=r"have \[4, 2\] positions"):
        examine(net, [Lesion(ROI("r", {"mix": [0]}, {"mix": ("token", "unit")}), Zero())],
                [Task("t", stimuli, scores.margin)])


# -- bad input -------------------------------------------------------------------------------------------------------


def test_position_past_the_last_that_is_read__is_an_error():
    with pytest.raises(LesionPlanError, match="out of range"):
        generate(NET, PROMPTS, n_tokens=NEW, lesions=[Lesion(region((LENGTH + NEW - 1,)), Zero())])


def test_reference_with_positions__is_refused_for_new_ones():
    reference = record(NET, PROMPTS, [Probe(SITE, pool=None)])
    with pytest.raises(LesionPlanError, match="The reference has"):
        generate(NET, PROMPTS, n_tokens=NEW, lesions=[Lesion(region(), Mean(reference))])


@pytest.mark.parametrize(("stimuli", "options", "error", "says"), [
    (PROMPTS, {"n_tokens": 0}, DataError, "expected 1 or more"),
    (PROMPTS, {"n_tokens": 40}, DataError, "window is 32"),
])
def test_impossible_wishes__are_typed_errors(stimuli, options, error, says):
    with pytest.raises(error, match=says):
        generate(NET, stimuli, **options)


def test_models_that_cannot_go_on__say_what_they_lack():
    image = Specimen(seeded(lambda: nn.Linear(3, 2)), np.ones((1, 3)))
    stimuli = StimulusSet("x", DRAW.normal(size=(2, 3)), PROMPTS.table[:2])
    with pytest.raises(DataError, match="token ids"):
        generate(image, stimuli, n_tokens=2)
    pooled = Specimen(seeded(lambda: nn.EmbeddingBag(VOCABULARY, 4)), prompts(1, False).inputs)
    with pytest.raises(SpecimenError, match="expected logits"):
        generate(pooled, PROMPTS, n_tokens=2)
    with pytest.raises(SpecimenError, match="has no cache"):
        generate(pooled, PROMPTS, n_tokens=2, cache=True)
    with pytest.raises(SpecimenError, match="has no cache"):
        Greedy(pooled.model, n_tokens=2)
