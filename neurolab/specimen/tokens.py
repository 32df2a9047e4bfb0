"""Text to token ids and back: prompts of unequal length are padded on the left, never cut."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurolab.errors import DataError, FileFormatError, SchemaError, did_you_mean, listed
from neurolab.packages import require
from neurolab.specimen.gguf import GGUF
from neurolab.stimuli import StimulusSet
from neurolab.writing import path_of


@dataclass(frozen=True, eq=False)
class Tokeniser:
    """Turns texts into what a language model takes.

    ``words(stimuli)`` gets the same stimuli as token ids (n, length); ``words.ids(text)`` those of one text.

    Parameters
    ----------
    backend : a ``tokenizers.Tokenizer``. name : for messages. pad : the id that fills prompts up on the left.
    window : the most tokens that the model takes. unknown : the id that stands for what it does not have, or None.
    """

    backend: Any
    name: str
    pad: int
    window: int
    unknown: int | None = None

    def __repr__(self) -> str:
        return f"Tokeniser({self.name!r}: {self.backend.get_vocab_size()} tokens, window {self.window})"

    def ids(self, text: str) -> list[int]:
        """Get the token ids of one text.

        Raises
        ------
        DataError : an empty text, a token that the tokeniser does not have, more tokens than the model's window.
        """
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"A text was {text!r}; expected words. Drop it from the stimuli: stimuli.take(rows).")
        found = self.backend.encode(text)
        if self.unknown is not None and self.unknown in found.ids:
            low, high = found.offsets[found.ids.index(self.unknown)]
            raise DataError(
                f"{self.name!r} has no token for {text[low:high]!r} in {text!r}. Spell it otherwise, or drop the text."
            )
        if len(found.ids) > self.window:
            raise DataError(
                f"{text[:40]!r}… has {len(found.ids)} tokens; the window of {self.name!r} is {self.window}. "
                "Shorten the text."
            )
        return list(found.ids)

    def text(self, ids: Sequence[int]) -> str:
        """Get the text of token ids, special tokens included."""
        return self.backend.decode([int(token) for token in ids], skip_special_tokens=False)

    def single(self, word: str) -> int | None:
        """Get the id of a word that is exactly one token (mind the space before it), else None."""
        self.ids(word)
        ids = self.backend.encode(word, add_special_tokens=False).ids
        return ids[0] if len(ids) == 1 else None

    def place(self, text: str, part: str) -> tuple[int, int]:
        """Get the first and the last token, counted from 0, of a part of a text (its first occurrence).

        Raises DataError where the text does not hold it.
        """
        low = text.find(part)
        if low < 0 or not part:
            raise DataError(f"{text!r} does not hold {part!r}; expected a part of it.")
        spans = self.backend.encode(text).offsets
        inside = [at for at, (start, end) in enumerate(spans) if start < low + len(part) and end > low]
        return inside[0], inside[-1]

    def keep(self, stimuli: StimulusSet, *columns: str, longest: int | None = None) -> StimulusSet:
        """Get the stimuli whose words in these columns are one token each, and that have at most ``longest`` tokens.

        Only single tokens can be compared at one place. Raises DataError where none is left.
        """
        table = _texts(stimuli, columns)
        most = self.window if longest is None else longest
        kept = np.array([len(self.ids(str(text))) <= most for text in stimuli.inputs], dtype=bool)
        for name in columns:
            kept &= np.array([self.single(word) is not None for word in table[name]], dtype=bool)
        if not kept.any():
            raise DataError(
                f"No stimulus of {stimuli.name!r} has at most {most} tokens of {self.name!r} and single ones in "
                f"{listed(columns)}. Does a space before the word lack? Most vocabularies hold ' are', not 'are'."
            )
        return stimuli.take(kept)

    def __call__(self, stimuli: StimulusSet, *, words: Sequence[str] = (), length: int | None = None) -> StimulusSet:
        """Get a set of texts as token ids.

        Parameters
        ----------
        stimuli : inputs are texts (n,).
        words : columns of the table that hold one word each, turned into token ids too (for scores that compare them).
        length : tokens per prompt after padding; None takes the longest. Give all sets of one specimen the same.

        Returns
        -------
        StimulusSet with int64 inputs (n, length), padded on the left, and the columns ``text``, ``n_tokens`` and
        ``padded`` in its table.

        Raises
        ------
        DataError : what :meth:`ids` refuses; a word of several tokens; prompts longer than ``length``.
        """
        table = _texts(stimuli, words)
        prompts = [self.ids(str(text)) for text in stimuli.inputs]
        longest = max(map(len, prompts), default=0)
        width = longest if length is None else int(length)
        if longest > width:
            raise DataError(
                f"The longest prompt of {stimuli.name!r} has {longest} tokens; length was {width}. Type "
                f"length={longest}, or drop the long ones."
            )
        if width > self.window:
            raise DataError(f"length was {width}; the window of {self.name!r} is {self.window}. Type length={longest}.")
        inputs = np.full((len(prompts), width), self.pad, dtype=np.int64)
        for row, prompt in zip(inputs, prompts):
            if prompt[0] == self.pad:
                raise DataError(
                    f"A text of {stimuli.name!r} begins with the padding token of {self.name!r}; begin it with another."
                )
            row[width - len(prompt) :] = prompt
        n_tokens = np.array([len(prompt) for prompt in prompts])
        coded = {name: np.array([self._one(word, name) for word in table[name]]) for name in words}
        table = table.assign(
            text=stimuli.inputs.astype(str).astype(object), n_tokens=n_tokens, padded=width - n_tokens, **coded
        )
        return StimulusSet(stimuli.name, inputs, table)

    def _one(self, word: str, column: str) -> int:
        token = self.single(word)
        if token is None:
            raise DataError(
                f"{column} {word!r} is {len(self.ids(word))} tokens of {self.name!r}; expected one. Type "
                f"words.keep(stimuli, {column!r}) to keep the stimuli whose words are single tokens."
            )
        return token


def _texts(stimuli: StimulusSet, columns: Sequence[str]) -> Any:
    if stimuli.inputs.dtype.kind not in "UO" or stimuli.inputs.ndim != 1:
        raise DataError(
            f"The inputs of {stimuli.name!r} are {stimuli.inputs.dtype} of shape {stimuli.inputs.shape}; "
            "expected texts, one per stimulus. Are they token ids already?"
        )
    for name in columns:
        if name not in stimuli.table:
            raise SchemaError(
                f"The table of {stimuli.name!r} has no column {name!r}.{did_you_mean(name, stimuli.table)}"
                f" It has {listed(stimuli.table.columns)}."
            )
    return stimuli.table


def tokeniser_from_gguf(file: GGUF, *, name: str) -> Tokeniser:
    """Get the byte-level BPE tokeniser that a GGUF file carries; raises FileFormatError for another kind."""
    require("tokenizers", what=f"The tokeniser of {name!r}")
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    kind, split = file.value("tokenizer.ggml.model", str), file.metadata.get("tokenizer.ggml.pre", "default")
    if (kind, split) != ("gpt2", "smollm"):
        raise FileFormatError(
            f"{file.path.name} carries a {kind!r} tokeniser that splits text as {split!r}; this reader "
            "knows 'gpt2' with 'smollm'. Use the model's tokenizer.json: tokeniser_from_json(file)."
        )
    tokens, merges = file.value("tokenizer.ggml.tokens", list), file.value("tokenizer.ggml.merges", list)
    vocabulary = {token: index for index, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, [tuple(merge.split(" ", 1)) for merge in merges]))
    digits = pre_tokenizers.Split(Regex(r"\p{N}"), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = decoders.ByteLevel()
    control = [token for token, code in zip(tokens, file.metadata.get("tokenizer.ggml.token_type", [])) if code == 3]
    made.add_special_tokens([AddedToken(token, special=True) for token in control])
    return Tokeniser(
        made, name, file.value("tokenizer.ggml.padding_token_id", int), file.value("llama.context_length", int)
    )


def tokeniser_from_json(path: str | os.PathLike[str], *, name: str, window: int, pad: int | None = None) -> Tokeniser:
    """Get the tokeniser of a Hugging Face ``tokenizer.json``; nothing in it can run.

    pad : the padding id; None takes the file's own, else that of ``[PAD]``, ``<pad>`` or the end-of-text token.

    Raises FileFormatError for a file that is truncated or of another format, or where no padding id is to be had.
    """
    require("tokenizers", what=f"The tokeniser of {name!r}")
    from tokenizers import Tokenizer

    file = path_of(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        made = Tokenizer.from_str(json.dumps(content))
    except Exception as error:  # tokenizers raises plain Exception; whatever it is, the file is what is wrong
        raise FileFormatError(
            f"{file.name} is no tokenizer.json ({type(error).__name__}: {error}). Get it again."
        ) from error
    made.no_truncation()
    own = (content.get("padding") or {}).get("pad_id")
    made.no_padding()
    named = (made.token_to_id(token) for token in ("[PAD]", "<pad>", "<|endoftext|>", "</s>", "<|im_end|>"))
    pad = next((token for token in (pad, own, *named) if token is not None), None)
    if pad is None:
        raise FileFormatError(
            f"{file.name} names no padding token. Type pad= and the id of a token that no text begins with."
        )
    unknown = (content.get("model") or {}).get("unk_token")
    return Tokeniser(made, name, pad, window, made.token_to_id(unknown) if unknown else None)
