"""Texts, tokens and sheets that cannot be used as they are: typed errors with the next step."""

import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab.errors import DataError, FileFormatError, SchemaError
from neurolab.scores import Needs
from neurolab.specimen.llama import Llama, LlamaShape
from neurolab.specimen.tokens import tokeniser_from_json
from neurolab.stimuli import StimulusSet

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tokenizers") is None, reason="tokenizers not installed: pip install tokenizers"
)


@pytest.fixture
def words(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    names = ["[PAD]", "[UNK]", "the", "cat", "sat", "mat", "##s"]
    made = Tokenizer(models.WordPiece({name: k for k, name in enumerate(names)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    return tokeniser_from_json(tmp_path / "tokenizer.json", name="small", window=6)


def texts(*lines, **columns):
    table = pd.DataFrame({"stimulus_id": [str(k) for k in range(len(lines))], "condition": "x", **columns})
    return nl.StimulusSet("lines", np.array(lines), table)


def test_words__pad_on_the_left_and_remember(words):
    stimuli = words(texts("the cat", "the cat sat"), length=5)
    assert stimuli.inputs.tolist() == [[0, 0, 0, 2, 3], [0, 0, 2, 3, 4]]
    assert stimuli.table["n_tokens"].tolist() == [2, 3]
    assert stimuli.table["padded"].tolist() == [3, 2]
    assert stimuli.table["text"].tolist() == ["the cat", "the cat sat"]
    assert words.place("the cat sat", "cat sat") == (1, 2)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda w: w.ids(""), "expected words"),
        (lambda w: w.ids("   "), "expected words"),
        (lambda w: w.ids(None), "expected words"),
        (lambda w: w.ids("the dog sat"), "no token for 'dog'"),
        (lambda w: w.ids("the cat sat the cat sat the"), "window of 'small' is 6"),
        (lambda w: w(texts("the cat sat"), length=2), "Type length=3"),
        (lambda w: w(texts("the cat sat"), length=7), "window of 'small' is 6"),
        (lambda w: replace(w, pad=3)(texts("cat sat")), "begins with the padding token"),
        (lambda w: w(texts("the cat", verb=["cats"]), words=("verb",)), r"2 tokens.*words\.keep"),
        (lambda w: w.keep(texts("the cat", verb=["cats"]), "verb"), "No stimulus"),
        (lambda w: w.keep(texts("the cat"), longest=1), "No stimulus"),
        (lambda w: w.place("the cat", "dog"), "does not hold 'dog'"),
        (lambda w: w(nl.StimulusSet("n", np.zeros((1, 2)), texts("the").table)), "expected texts"),
    ],
)
def test_words__unusable_texts_are_refused(words, call, says):
    with pytest.raises(DataError, match=says):
        call(words)


def test_words__a_column_that_is_not_there(words):
    with pytest.raises(SchemaError, match=r"no column 'verbs'\. Did you mean 'verb'"):
        words(texts("the cat", verb=["sat"]), words=("verbs",))


def test_words__keep_drops_what_is_too_long(words):
    stimuli = texts("the cat", "the cat sat the", verb=["sat", "cats"])
    assert words.keep(stimuli, longest=3).ids == ("0",)
    assert words.keep(stimuli, "verb").ids == ("0",)
    assert words(words.keep(stimuli, "verb"), words=("verb",)).table["verb"].tolist() == [4]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": {"type": "Nonsense"}}'])
def test_tokenizer_json__another_format_is_refused(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(FileFormatError, match=r"tokenizer\.json"):
        tokeniser_from_json(tmp_path / "tokenizer.json", name="x", window=8)
    with pytest.raises(FileFormatError):
        tokeniser_from_json(tmp_path / "not there.json", name="x", window=8)


# a sheet of two prompts over a vocabulary of 4, padded to 3 tokens
SHEET = np.array([[0.0, 3.0, 2.0, 1.0, 0.0, -1.0, -3.0], [1.0, 0.0, 2.0, 2.0, 0.0, 0.0, -5.0]])


def table(**columns):
    return pd.DataFrame({"stimulus_id": ["a", "b"], "condition": "x", **columns})


def test_scores__read_what_they_name():
    score = nl.scores.Surprisal()
    assert score(SHEET, table(n_tokens=[3, 2])).tolist() == [-2.0, -5.0]
    assert score.needs(table(n_tokens=[3, 2])) == Needs(columns=(-2, -1))
    named = nl.scores.Surprisal(first="first", last="last")
    rows = table(n_tokens=[3, 2], first=[1, 1], last=[1, 1])
    assert named(SHEET, rows).tolist() == [-1.0, -5.0]
    pairs = table(correct=[1, 2], wrong=[2, 3])
    assert nl.scores.MinimalPair()(SHEET, pairs).tolist() == [1.0, 0.5]
    assert nl.scores.MinimalPair().needs(pairs) == Needs(columns=(1, 2, 3))
    assert nl.scores.LogOdds()(SHEET, pairs).tolist() == [1.0, 0.0]
    options = nl.scores.Continuation(("correct", "wrong"))
    assert options(SHEET, pairs).tolist() == [1.0, 0.0]
    assert options.chance(pairs, 7) == 0.5


def test_scores__read_nothing_else():
    rows = table(n_tokens=[3, 2], correct=[1, 2], wrong=[2, 3])
    for score in (nl.scores.Surprisal(), nl.scores.MinimalPair(), nl.scores.Continuation(("correct", "wrong"))):
        spoilt = np.full_like(SHEET, np.nan)
        columns = list(score.needs(rows).columns)
        spoilt[:, columns] = SHEET[:, columns]
        np.testing.assert_array_equal(score(spoilt, rows), score(SHEET, rows))


@pytest.mark.parametrize(
    "score, columns, error, says",
    [
        (nl.scores.Surprisal(), {}, SchemaError, r"'n_tokens'.*tokeniser"),
        (nl.scores.Surprisal(), {"n_tokens": [3, 1]}, DataError, "it has 1"),
        (nl.scores.Surprisal(), {"n_tokens": [3.0, 2.0]}, DataError, "expected integers"),
        (nl.scores.Surprisal(first="n_tokens"), {"n_tokens": [3, 2]}, DataError, "can be scored"),
        (nl.scores.Surprisal(), {"n_tokens": [30, 2]}, DataError, "answer sheet"),
        (nl.scores.MinimalPair(), {"correct": [" is", " are"], "wrong": [1, 2]}, DataError, "words="),
        (nl.scores.MinimalPair(), {"correct": [1, 99], "wrong": [1, 2]}, DataError, "another model"),
        (nl.scores.LogOdds(), {"correct": [1, 1]}, SchemaError, "'wrong'"),
    ],
)
def test_scores__columns_that_do_not_fit_are_refused(score, columns, error, says):
    with pytest.raises(error, match=says):
        score(SHEET, table(**columns))


def test_scores__outputs_that_are_no_sheet_are_refused():
    with pytest.raises(DataError, match="answer sheet"):
        nl.scores.MinimalPair()(np.zeros((2, 3, 4)), table(correct=[1, 1], wrong=[0, 0]))
    with pytest.raises(DataError, match="two columns"):
        nl.scores.Continuation(("only",))


def test_accuracy__over_all_columns_of_an_answer_sheet_is_refused():
    shape = LlamaShape(vocabulary=11, width=8, inner=12, layers=1, heads=2, kv_heads=1, window=16)
    prompts = StimulusSet(
        "two", np.array([[3, 4, 5], [5, 6, 7]]),
        pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "x"], "label": [1, 2]}),
    )  # fmt: skip
    lesion = nl.Lesion(nl.ROI("area", {"model.layers.0": [1]}), nl.Zero())
    net = nl.Specimen(Llama(shape), prompts.inputs)
    with pytest.raises(DataError, match="columns are no tokens"):
        nl.examine(net, [lesion], [nl.Task("next", prompts, nl.scores.accuracy)], progress=False)
    named = nl.Task("next", prompts, nl.scores.Accuracy(columns=(1, 2, 3)))
    assert nl.examine(net, [lesion], [named], progress=False).sizes["trial"] == 2
