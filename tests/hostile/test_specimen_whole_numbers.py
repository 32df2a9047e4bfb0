"""Stimuli in bytes, booleans and other whole numbers: the model gets what it got when it was loaded, or an error."""

import numpy as np
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import DataError, SpecimenError
from neurolab.specimen.identity import identity_of
from neurolab.specimen.inputs import TOLD_APART, _fills, settled

N = 40


def stimuli(inputs, label=None):
    table = {"stimulus_id": [f"i{at}" for at in range(len(inputs))], "condition": ["a"] * len(inputs)}
    return nl.StimulusSet("s", np.asarray(inputs), table | ({} if label is None else {"label": label}))


def seeded(kind):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return kind().eval()


class Scaled(nn.Module):
    """As torchvision scales images: by the largest number of their type."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, image):
        x = image if image.is_floating_point() else image.float() / torch.iinfo(image.dtype).max
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


class Turned(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head((~x).float())


class Words(nn.Module):
    """An embedding takes int64 and int32 alone."""

    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(9, 4), nn.Linear(4, 3)

    def forward(self, ids):
        return self.head(self.words(ids).mean(1))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(x.float())


class BytesApart(Plain):
    """Takes bytes for pixels, all other numbers as they are."""

    def forward(self, x):
        return self.head(x.float() / 255 if x.dtype == torch.uint8 else x.float())


class Product(Plain):
    """Wraps where the type has no room for a hundred times a number."""

    def forward(self, x):
        return self.head((x * 100).float())


DRAW = np.random.default_rng(0)
BYTES = DRAW.integers(0, 256, (N, 1, 6, 6)).astype(np.uint8)
BOOLS = DRAW.random((N, 4)) < 0.5
IDS = DRAW.integers(0, 9, (N, 4))
WIDE = ("int64", "int32", "uint64", "uint32")
CASES = {"bytes": (Scaled, BYTES), "booleans": (Turned, BOOLS), "int16": (Scaled, BYTES.astype(np.int16) * 100),
         "int32": (Scaled, BYTES.astype(np.int32) * 10**6), "uint16": (Scaled, BYTES.astype(np.uint16) * 200),
         "ids": (Words, IDS), "ids of 32 bits": (Words, IDS.astype(np.int32)),
         "ids in bytes": (Words, IDS.astype(np.uint8))}


@pytest.mark.parametrize("case", CASES)
def test_the_answers_on_the_bench__are_those_of_the_model_itself(case):
    kind, inputs = CASES[case]
    model = seeded(kind)
    with torch.no_grad():
        own = model(torch.tensor(inputs.astype(np.int64) if case == "ids in bytes" else inputs)).numpy()
    assert np.ptp(own, axis=0).max() > 1e-3  # not blank
    net = nl.Specimen(model, inputs[:2], name="net")
    np.testing.assert_array_equal(nl.record(net, stimuli(inputs), ["output"]).values, own)
    task = nl.Task("name", stimuli(inputs, own.argmax(1)), nl.scores.accuracy)
    site = "conv" if kind is Scaled else "head"
    lesion = nl.Lesion(nl.ROI("r", {site: [0]}), nl.Zero())
    assert nl.examine(net, [lesion], [task], progress=False)["score"].values[0, 0].mean() == 1


def test_ids_in_bytes__become_int64_where_the_model_takes_only_that():
    net = nl.Specimen(seeded(Words), IDS[:2].astype(np.uint8))
    assert net.example.dtype == torch.int64
    again = nl.Specimen(net.model, net.example)  # as a copy of the specimen is made
    assert again.prepare(IDS.astype(np.uint8)).dtype == torch.int64


@pytest.mark.parametrize(("kind", "example", "shown"), [
    (Scaled, BYTES[:1].astype(np.int64), BYTES), (Scaled, BYTES[:1] * 0, BYTES.astype(np.int16)),
    (Scaled, BYTES[:1].astype(np.int64) * 0, BYTES), (Scaled, BYTES[:1].astype(np.int64), BYTES.astype(np.uint16)),
    (Turned, BOOLS[:1].astype(int), BOOLS), (Turned, BOOLS[:1], BOOLS.astype(np.uint8)),
    *((BytesApart, IDS[:1].astype(np.uint8), IDS.astype(wide)) for wide in WIDE),
    (Turned, BOOLS[:1], BOOLS.astype(int)),
    (Product, IDS[:1].astype(np.uint8) * 0 + 1, IDS), (Product, IDS[:1] * 0 + 1, IDS.astype(np.uint8)),
], ids=["bytes", "int16", "a blank example", "uint16", "booleans", "noughts and ones", *map(str, WIDE),
        "noughts and ones of 64 bits", "wraps in the example's type", "wraps in its own"])  # fmt: skip
def test_stimuli_of_a_type_that_is_answered_otherwise__are_refused(kind, example, shown):
    net = nl.Specimen(seeded(kind), example, name="net")
    with pytest.raises(DataError, match=rf"The stimuli are {shown.dtype}, to which 'net' answers otherwise.*"
                                        rf"stimuli\.inputs\.astype\('{example.dtype}'\)"):
        nl.record(net, stimuli(shown), ["output"])


def test_whole_numbers__go_into_the_example_s_type_where_the_answer_is_the_same_and_they_fit():
    net = nl.Specimen(seeded(Plain), IDS[:2].astype(np.int16), name="net")
    for kind in (np.int64, np.int32, np.uint8):
        assert net.prepare(IDS.astype(kind)).dtype == torch.int16
    with pytest.raises(DataError, match=r"int64 and hold numbers that int16 cannot.*'net'.*example of int64"):
        net.prepare(IDS + 40_000)
    flags = nl.Specimen(seeded(Plain), BOOLS[:2], name="net")
    assert flags.prepare(BOOLS.astype(int)).dtype == torch.bool
    with pytest.raises(DataError, match="int64 and hold numbers that bool cannot"):
        flags.prepare(IDS)


WHOLE = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")


@pytest.mark.parametrize("example", WHOLE)
def test_a_model_that_treats_all_types_alike__takes_them_all(example):
    given = np.array([[1, 0, -1 if example.startswith("int") else 1, 1]]).astype(example)
    net = nl.Specimen(seeded(Plain), given)
    for kind in WHOLE:
        made = net.prepare(BOOLS.astype(kind))
        assert made.dtype == net.example.dtype == torch.tensor(given).dtype
        np.testing.assert_array_equal(made.to(torch.int64), BOOLS)


@pytest.mark.parametrize(("kind", "number", "example"), [
    ("uint64", 2**63 + 1, "int64"), ("int8", -1, "uint8"), ("uint8", 200, "int8"), ("int8", -1, "uint16"),
    ("uint16", 2**16 - 1, "int8"), ("int64", -1, "uint64"), ("int64", 256, "uint8"), ("uint8", 2, "bool"),
])  # fmt: skip
def test_numbers_that_would_wrap__are_refused_though_they_would_wrap_back(kind, number, example):
    net = nl.Specimen(seeded(Plain), np.ones((1, 4), dtype=example), name="net")
    with pytest.raises(DataError, match=f"are {kind} and hold numbers that {example} cannot.*example of {kind}"):
        net.prepare(np.array([[1, 1, 1, number]], dtype=kind))


def test_numbers_that_do_not_fit__are_said_before_how_a_type_is_answered():
    net = nl.Specimen(seeded(BytesApart), IDS[:1].astype(np.uint8))
    with pytest.raises(DataError, match="hold numbers that uint8 cannot"):  # astype would wrap them
        net.prepare(IDS + 300)


def test_a_type_is_tried__with_few_forwards_and_large_numbers_on_a_processor_only():
    shown = []

    def run(inputs):
        shown.append(inputs.dtype)
        return inputs.double()

    settled(torch.tensor([[3, 1], [2, 2]]), run)
    others = len(TOLD_APART) - 1
    own = {"the example": 1, "it": 1, "ones": 1, "the largest of five types": 5}
    assert len(shown) <= 2 * others + sum(own.values())
    assert _fills(torch.tensor([[3, 1]]), torch.int8, large=False) == [None]
    assert _fills(torch.tensor([[3, 1]]), torch.int8, large=True) == [None, 127]
    assert _fills(torch.tensor([[300, 1]]), torch.int8, large=False) == [1]


def test_what_a_model_says_of_its_example__is_said_of_the_example_s_own_type():
    with pytest.raises(SpecimenError, match=r"the model refused it.*Byte"):
        nl.Specimen(nn.Linear(4, 3), np.ones((1, 4), dtype=np.uint8))


def test_cells_of_one_type__are_not_those_of_another(tmp_path):
    task = nl.Task("name", stimuli(BYTES, np.zeros(N, int)), nl.scores.accuracy)
    nets = [nl.Specimen(seeded(Scaled), BYTES[:2].astype(kind), name="net") for kind in (np.uint8, np.int64)]
    one, other = (identity_of(net, [task], 256, "rounding") for net in nets)
    assert (one["inputs"], other["inputs"]) == ("uint8", "int64")


def test_a_cohort__is_trained_on_what_it_is_examined_on():
    learned = stimuli(BYTES, (BYTES.mean((1, 2, 3)) > np.median(BYTES.mean((1, 2, 3)))).astype(int))
    trained = nl.train_cohort(Scaled, learned, n=1, recipe=nl.specimen.Recipe(epochs=200, learning_rate=0.02),
                              rng=0, progress=False)
    net = trained[0]
    assert net.example.dtype == torch.uint8
    assert float(trained.training.accuracy[0]) > 0.7
    with torch.no_grad():
        answers = net.model(torch.tensor(BYTES)).argmax(1).numpy()
    assert float(trained.training.accuracy[0]) == (answers == learned.table["label"]).mean()
