"""Scores for language models: frozen values that read an answer sheet (n, vocabulary + length), only where needed.

Column k below the vocabulary's size is the logit of token k as the next one; the last ``length`` columns are the
log-probability of each given token, in nats, so that column -1 belongs to the last token of every prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from neurolab.errors import DataError, SchemaError, did_you_mean, listed
from neurolab.scores import Needs


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        raise SchemaError(
            f"The score needs the integer column {name!r} in the stimulus table.{did_you_mean(name, table)}"
            f" It has {listed(table.columns)}. Did the texts go through the tokeniser, words(stimuli)?"
        )
    values = np.asarray(table[name])
    if values.dtype.kind not in "iu":
        raise DataError(
            f"Column {name!r} is {values.dtype}; expected integers. For token ids type words(stimuli, "
            f"words=({name!r},))."
        )
    return values.astype(np.int64)


def _picked(outputs: np.ndarray, ids: np.ndarray, name: str) -> np.ndarray:
    outputs = np.asarray(outputs)
    if outputs.ndim != 2 or len(outputs) != len(ids):
        raise DataError(
            f"The score expects an answer sheet ({len(ids)}, vocabulary + length), got {outputs.shape}. Load "
            "the model with nl.datasets.load_specimen, or wrap it in a CausalReader."
        )
    if len(ids) and (ids.min() < 0 or ids.max() >= outputs.shape[1]):
        raise DataError(
            f"Column {name!r} runs from {ids.min()} to {ids.max()}; the sheet has {outputs.shape[1]} columns. "
            "Are these the token ids of another model?"
        )
    return outputs[np.arange(len(ids)), ids].astype(np.float64)


@dataclass(frozen=True)
class Surprisal:
    """Minus the mean surprisal of some tokens of a text, in nats: the log-probability, so that higher is better.

    Parameters
    ----------
    first, last : integer columns that name the first and last scored token of each prompt, counted from 0 (see
        ``Tokeniser.place``); "" means the second token (nothing predicts the first) and the last one.
    tokens : column with the number of tokens of each prompt.

    Example
    -------
    >>> sheet = np.array([[0.0, 0.0, 0.0, -2.0, -4.0]])
    >>> Surprisal()(sheet, pd.DataFrame({"n_tokens": [3]})).tolist()
    [-3.0]
    """

    first: str = ""
    last: str = ""
    tokens: str = "n_tokens"
    unit = "nats per token"
    bounded = False

    def _spans(self, table: pd.DataFrame) -> np.ndarray:
        """Per prompt the first and one past the last column, counted from the end of the sheet (negative, or 0)."""
        n_tokens = _column(table, self.tokens)
        first = _column(table, self.first) if self.first else np.ones(len(table), dtype=np.int64)
        last = _column(table, self.last) if self.last else n_tokens - 1
        bad = np.flatnonzero((first < 1) | (last < first) | (last >= n_tokens))
        if len(bad):
            row = bad[0]
            raise DataError(
                f"Tokens {first[row]} to {last[row]} of prompt {row} were named; it has {n_tokens[row]}, of which 1 to "
                f"{n_tokens[row] - 1} can be scored (nothing predicts token 0). Name others, or drop the prompt."
            )
        return np.stack([first - n_tokens, last + 1 - n_tokens], axis=1)

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the columns that are read, counted from the end."""
        spans = self._spans(table)
        return Needs(columns=tuple(range(int(spans[:, 0].min()), int(spans[:, 1].max()))))

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        outputs, width = np.asarray(outputs), np.shape(outputs)[-1]
        spans = self._spans(table)
        if outputs.ndim != 2 or len(outputs) != len(spans) or -spans.min(initial=0) > width:
            raise DataError(
                f"The score expects an answer sheet ({len(spans)}, vocabulary + length), got {outputs.shape}."
            )
        return np.array(
            [row[width + low : width + high].astype(np.float64).mean() for row, (low, high) in zip(outputs, spans)]
        )

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of giving every token the same probability."""
        return -float(np.log(n_outputs))


@dataclass(frozen=True)
class MinimalPair:
    """1 where the right one of two next tokens is the likelier (ties count one half).

    correct, wrong : integer columns with the token ids that are compared.

    Source
    ------
    Linzen, Dupoux & Goldberg 2016, https://doi.org/10.1162/tacl_a_00115

    Example
    -------
    >>> MinimalPair()(np.array([[0.1, 2.0, 0.0]]), pd.DataFrame({"correct": [1], "wrong": [0]})).tolist()
    [1.0]
    """

    correct: str = "correct"
    wrong: str = "wrong"
    unit = "proportion correct"
    bounded = True

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the columns that are read."""
        return Needs(columns=tuple(sorted({*_column(table, self.correct), *_column(table, self.wrong)})))

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        difference = LogOdds(self.correct, self.wrong)(outputs, table)
        return (difference > 0) + 0.5 * (difference == 0)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of guessing, one half."""
        return 0.5


@dataclass(frozen=True)
class LogOdds:
    """Log-odds (nats) of the right against the wrong next token: a minimal pair without ceiling; 0 is indifference."""

    correct: str = "correct"
    wrong: str = "wrong"
    unit = "nats"
    bounded = False

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the columns that are read."""
        return MinimalPair(self.correct, self.wrong).needs(table)

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        right, wrong = (_picked(outputs, _column(table, name), name) for name in (self.correct, self.wrong))
        return right - wrong

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of indifference, 0."""
        return 0.0


@dataclass(frozen=True)
class Continuation:
    """1 where the right one of several next tokens is the likeliest; each prompt may have options of its own.

    options : integer columns with token ids, the first of them the right one (a tie with it counts as wrong).

    Example
    -------
    >>> table = pd.DataFrame({"correct": [2], "b": [0], "c": [1]})
    >>> Continuation(("correct", "b", "c"))(np.array([[0.1, 0.2, 0.3]]), table).tolist()
    [1.0]
    """

    options: tuple[str, ...]
    unit = "proportion correct"
    bounded = True

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            given = listed(self.options, empty="()")
            raise DataError(f"Continuation got the options {given}; expected two columns or more.")

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the columns that are read."""
        return Needs(columns=tuple(sorted({int(token) for name in self.options for token in _column(table, name)})))

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        right, *others = (_picked(outputs, _column(table, name), name) for name in self.options)
        return (right > np.max(others, axis=0)).astype(np.float64)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of guessing, one over the options."""
        return 1 / len(self.options)
