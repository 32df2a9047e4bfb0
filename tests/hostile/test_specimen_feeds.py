"""Keywords, padding and masks: padded text is what it would be without padding, or the padding is refused."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.errors import DataError, RefusedSiteError
from neurolab.lesion import Lesion, Mean, Noise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Padded, Probe, Specimen, Task, examine, padded, record
from neurolab.stimuli import StimulusSet

TEXTS = [[3, 4, 5, 6, 7], [8, 2], [1, 9, 4], [5, 5, 6, 1]]
WIDTH = 8


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


class Reader(nn.Module):
    """One block of attention over real tokens, learnt positions, an answer at every token."""

    def __init__(self):
        super().__init__()
        self.embedding, self.place = nn.Embedding(10, WIDTH), nn.Embedding(8, WIDTH)
        self.attn = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.mix, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4)

    def forward(self, input_ids, attention_mask, position_ids=None):
        places = torch.arange(input_ids.shape[1]).expand_as(input_ids) if position_ids is None else position_ids
        x = self.embedding(input_ids) + self.place(places)
        x = x + self.attn(x, x, x, key_padding_mask=attention_mask == 0, need_weights=False)[0]
        return {"states": (hidden := self.mix(x)), "logits": self.head(torch.tanh(hidden))}


def texts(inputs):
    n = len(inputs)
    return StimulusSet("texts", inputs, pd.DataFrame({
        "stimulus_id": [f"t{at}" for at in range(n)], "condition": ["a", "b"] * (n // 2) + ["a"] * (n % 2),
        "label": np.arange(n) % 4}))


def pooled_logits(raw):
    return raw["logits"][:, -1]


def specimen(model, side):
    return Specimen(model, padded(TEXTS, pad=0, side=side), output="logits",
                    feed=Padded(0, side=side, positions="position_ids"))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pool", ["mean", "max", "last"])
@pytest.mark.parametrize("site", ["mix", "attn/heads", "embedding"])
def test_padding__recordings_are_those_of_each_text_alone(side, pool, site):
    model = Reader()
    net = specimen(model, side)
    together = record(net, texts(padded(TEXTS, pad=0, side=side)), [Probe(site, pool=pool)]).values
    for row, text in zip(together, TEXTS):
        alone = Specimen(model, np.array([text]), output="logits", feed=Padded(0))
        expected = record(alone, texts(np.array([text])), [Probe(site, pool=pool)]).values[0]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding__lesions_are_those_of_each_text_alone(side):
    model = Reader()
    net, inputs = specimen(model, side), padded(TEXTS, pad=0, side=side)
    lesion = Lesion(ROI("r", {"mix": [1, 3], "attn/heads": [0]}, {"mix": ("unit",), "attn/heads": ("head",)}), Zero())
    together = record(net, texts(inputs), [Probe("output", pool="mean")], lesions=[lesion]).values
    for row, text in zip(together, TEXTS):
        alone = Specimen(model, np.array([text]), output="logits", feed=Padded(0))
        expected = record(alone, texts(np.array([text])), [Probe("output")], lesions=[lesion]).values[0]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "side"), [([[0, 3, 4]], "right"), ([[3, 4, 0]], "left"), ([[3, 0, 4]], "right"), ([[0, 0, 0]], "left")]
)
def test_padding__on_the_other_side_or_in_the_middle_is_refused(rows, side):
    with pytest.raises(DataError, match=f"expected padding on the {side} only"):
        Padded(0, side=side)(torch.tensor(rows))
    net = specimen(Reader(), side)
    stimuli = np.array([[3, 4, 5, 6, 7], [*rows[0], *([5, 5] if side == "left" else [0, 0])]])
    stimuli[1] = [5, 0, 5, 0, 5]
    with pytest.raises(DataError, match="padding"):
        record(net, texts(stimuli), ["mix"])


def test_padding__bad_arguments_are_named():
    with pytest.raises(DataError, match="'left' or 'right'"):
        Padded(0, side="both")
    for bad in ([[1, 0]], [[]], []):
        with pytest.raises(DataError, match="none of them the padding id 0"):
            padded(bad, pad=0)


def test_examine__replays_padded_text_and_seeds_its_noise_by_text():
    net, inputs = specimen(Reader(), "left"), padded(TEXTS, pad=0, side="left")
    last = Specimen(net.model, net.example, output=pooled_logits, feed=net.feed)
    stimuli = texts(inputs)
    reference = record(last, stimuli, [Probe("mix", pool=None)])
    design = [Lesion(ROI(how.label, {"mix": [unit]}), how, name=f"{how.label} {unit}")
              for how in (Zero(), Mean(reference), Noise(1.0, reference)) for unit in range(3)]
    trials = [examine(last, design, [Task("t", stimuli, scores.margin)], batch_size=size) for size in (1, 4)]
    np.testing.assert_allclose(trials[0].score.values, trials[1].score.values, rtol=1e-4, atol=1e-5)
    assert (trials[0]["certificate_downstream"].values[0, 1:] == 1).all()


@dataclass
class Scene:
    image: torch.Tensor
    scale: float


@pytest.mark.parametrize(
    "feed", [lambda x: {"image": x, "scale": 2.0}, lambda x: (x, 2.0), lambda x: Scene(x, 2.0), lambda x: ({"x": x},)],
    ids=["keywords", "arguments", "dataclass", "one dict"],
)
def test_feeds__any_call_is_the_same_network(feed):
    class Any(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, image, scale=2.0):
            x = image.image if isinstance(image, Scene) else image["x"] if isinstance(image, dict) else image
            return self.head(torch.relu(self.inner(x * scale)))

    model, inputs = Any(), np.random.default_rng(0).normal(size=(5, 4))
    net, plain = Specimen(model, inputs[:1], feed=feed), Specimen(model, inputs[:1])
    for lesions in ([], [Lesion(ROI("r", {"inner": [2]}), Zero())], [Lesion(ROI("r", {"input": [0]}), Zero())]):
        sites = ["input", "inner", "output"]
        np.testing.assert_array_equal(record(net, texts(inputs), sites, lesions=lesions).values,
                                      record(plain, texts(inputs), sites, lesions=lesions).values)


# -- rows ------------------------------------------------------------------------------------------------------------


class Experts(nn.Module):
    """Each row goes to one of two experts; where all rows of the example go to the first, it looks like any layer."""

    def __init__(self, order):
        super().__init__()
        self.first, self.second, self.head, self.order = nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(5, 2), order

    def forward(self, x):
        mine = x[:, 0] > 0
        out = torch.zeros(len(x), 5)
        if mine.any():
            out[mine] = self.first(x[mine])
        if (~mine).any():
            out[~mine] = self.second(x[~mine])
        if self.order:
            back = torch.arange(len(x)).flip(0)
            return self.head(self.first(out[:, :4][back])[back])
        return self.head(out)


def test_routing__rows_that_do_not_reach_a_site_are_never_guessed():
    net = Specimen(Experts(False), np.ones((1, 4)))
    inputs = np.random.default_rng(1).normal(size=(5, 4))
    assert 0 < (inputs[:, 0] > 0).sum() < 5
    with pytest.raises(RefusedSiteError, match=r"rows for 5 stimuli.*Use 'output'"):
        record(net, texts(inputs), ["first"])
    with pytest.raises(RefusedSiteError, match="routing"):
        record(net, texts(inputs), ["output"], lesions=[Lesion(ROI("r", {"first": [0]}), Zero())])
    with pytest.raises(RefusedSiteError, match="never calls it"):
        record(net, texts(inputs), ["second"])
    assert record(net, texts(inputs), ["head"]).shape == (5, 2)


def test_routing__an_expert_that_is_asked_for_some_batches_only_is_refused():
    example = np.ones((3, 4))
    example[2, 0] = -1
    net = Specimen(Experts(False), example)
    with pytest.raises(RefusedSiteError, match="some stimuli only"):
        net.sites()["second"]
    inputs = np.random.default_rng(1).normal(size=(5, 4))
    task = Task("t", texts(inputs), lambda outputs, table: outputs[:, 0])
    trials = examine(net, [Lesion(ROI("r", {"head": [0]}), Zero())], [task], batch_size=1)
    assert np.isfinite(trials.score.values).all()


def test_routing__moved_rows_are_refused():
    net = Specimen(Experts(True), np.abs(np.random.default_rng(0).normal(size=(3, 4))))
    with pytest.raises(RefusedSiteError, match="not in the order of the stimuli"):
        net.sites()["first@1"]
