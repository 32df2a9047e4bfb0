"""Scores: frozen values that turn a network's outputs into one number per stimulus."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurolab.errors import DataError, SchemaError, did_you_mean, listed

if TYPE_CHECKING:
    from neurolab.scores_language import Continuation, LogOdds, MinimalPair, Surprisal

__all__ = [
    "SCORES", "Accuracy", "Choice", "Continuation", "LogOdds", "LogProbability", "Margin", "MinimalPair", "Needs",
    "Surprisal", "YesNo", "accuracy", "choice", "log_probability", "margin", "yes_no",
]  # fmt: skip

__dir__ = __all__.copy


@dataclass(frozen=True)
class Needs:
    """What a score reads of the outputs: positions along a sequence, output columns; None means all."""

    positions: tuple[int, ...] | None = None
    columns: tuple[int, ...] | None = None


def _labels(table: pd.DataFrame, column: str, n_columns: int) -> np.ndarray:
    if column not in table:
        raise SchemaError(
            f"The score needs the label column {column!r} in the stimulus table.{did_you_mean(column, table)} It has "
            f"{listed(table.columns)}."
        )
    labels = table[column].to_numpy()
    if labels.dtype.kind not in "iu":
        raise DataError(f"Label column {column!r} is {labels.dtype}; expected integers, the index of the right output.")
    if len(labels) and (labels.min() < 0 or labels.max() >= n_columns):
        raise DataError(
            f"Label column {column!r} runs from {labels.min()} to {labels.max()}; the network has {n_columns} outputs."
        )
    return labels.astype(np.int64)


def _matrix(outputs: np.ndarray) -> np.ndarray:
    outputs = np.asarray(outputs, dtype=np.float64)
    if outputs.ndim != 2:
        raise DataError(
            f"The score expects outputs of shape (n_stimuli, n_outputs), got {outputs.shape}. Pass Specimen(..., "
            "output=...) to choose the read-out, or a score that reads this shape."
        )
    if np.isnan(outputs).any():
        bad = int(np.isnan(outputs).any(axis=1).sum())
        raise DataError(
            f"The outputs of {bad} of {len(outputs)} stimuli hold NaN, which no score can read (the largest of NaN is "
            "no choice). Does the lesion push the network out of range? Try nl.Mean(reference) or a smaller dose."
        )
    return outputs


def _competing(labels: np.ndarray, columns: tuple[int, ...] | None) -> np.ndarray:
    if columns is not None and not np.isin(labels, columns).all():
        strange = int(labels[~np.isin(labels, columns)][0])
        raise DataError(
            f"Label {strange} is not among the competing outputs columns={columns}, so it could never be right. Name "
            "every label of the task in columns=."
        )
    return labels


def _truth(table: pd.DataFrame, column: str) -> np.ndarray:
    values = table[column].to_numpy()
    if values.dtype.kind not in "biu" or not np.isin(values, (0, 1)).all():
        raise DataError(
            f"Column {column!r} holds {listed(dict.fromkeys(values.tolist()), most=3)}; expected True and False (or 1 "
            f"and 0). Type table.assign({column}=table[{column!r}] == 'yes')."
        )
    return values.astype(bool)


def _chosen(outputs: np.ndarray, columns: tuple[int, ...] | None) -> np.ndarray:
    """Outputs with those outside ``columns`` out of the running, at minus infinity."""
    if columns is None:
        return outputs
    kept = np.full_like(outputs, -np.inf)
    kept[:, list(columns)] = outputs[:, list(columns)]
    return kept


@dataclass(frozen=True)
class _Labelled:
    """What scores of one labelled output share: the column that names it, and the outputs that compete."""

    label: str = "label"
    columns: tuple[int, ...] | None = None

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the outputs that are read."""
        return Needs(columns=self.columns)

    def _read(self, outputs: np.ndarray, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The outputs, checked, and the index of the right one of each stimulus."""
        outputs = _matrix(outputs)
        return outputs, _competing(_labels(table, self.label, outputs.shape[1]), self.columns)


@dataclass(frozen=True)
class Accuracy(_Labelled):
    """1 where the largest output is the labelled one, else 0 (a tie counts as wrong unless the label comes first).

    label : integer column of the stimulus table. columns : the outputs that compete; None means all.

    Example
    -------
    >>> import numpy as np, pandas as pd
    >>> Accuracy()(np.array([[0.1, 2.0], [3.0, 1.0]]), pd.DataFrame({"label": [1, 1]})).tolist()
    [1.0, 0.0]
    """

    unit = "proportion correct"
    bounded = True

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        outputs, labels = self._read(outputs, table)
        return (_chosen(outputs, self.columns).argmax(axis=1) == labels).astype(np.float64)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of blind guessing: one over the competing outputs."""
        return 1 / (len(self.columns) if self.columns is not None else n_outputs)


@dataclass(frozen=True)
class Margin(_Labelled):
    """Labelled output minus the largest other one, in the outputs' own units; unbounded, 0 is indifference.

    Example
    -------
    >>> import numpy as np, pandas as pd
    >>> Margin()(np.array([[0.5, 2.0]]), pd.DataFrame({"label": [1]})).tolist()
    [1.5]
    """

    unit = "logit margin"
    bounded = False

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        outputs, labels = self._read(outputs, table)
        rows = np.arange(len(outputs))
        others = np.array(_chosen(outputs, self.columns).T, order="C")  # over the few outputs first, which is faster
        others[labels, rows] = -np.inf
        return outputs[rows, labels] - others.max(axis=0)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of indifference, 0."""
        return 0.0


@dataclass(frozen=True)
class LogProbability(_Labelled):
    """The log-probability of the labelled output (softmax), in nats: minus its cross-entropy; never above 0.

    It sees what accuracy cannot: most single units change no choice at all.

    Example
    -------
    >>> import numpy as np, pandas as pd
    >>> LogProbability()(np.array([[0.0, 0.0]]), pd.DataFrame({"label": [1]})).round(3).tolist()
    [-0.693]
    """

    unit = "nats"
    bounded = False

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        outputs, labels = self._read(outputs, table)
        kept = _chosen(outputs, self.columns)
        highest = kept.max(axis=1, keepdims=True)
        whole = np.log(np.exp(kept - highest).sum(axis=1))
        return kept[np.arange(len(kept)), labels] - highest[:, 0] - whole

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of giving every competing output the same probability."""
        return -float(np.log(len(self.columns) if self.columns is not None else n_outputs))


@dataclass(frozen=True)
class YesNo:
    """1 where the answer to a yes/no question is right: output ``column`` above its own ``criterion`` means yes.

    target : boolean column of the stimulus table. A task with its own criterion, not a choice against another task.

    Example
    -------
    >>> import numpy as np, pandas as pd
    >>> YesNo()(np.array([[2.0], [-1.0]]), pd.DataFrame({"target": [True, True]})).tolist()
    [1.0, 0.0]
    """

    target: str = "target"
    column: int = 0
    criterion: float = 0.0
    unit = "proportion correct"
    bounded = True

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the outputs that are read."""
        return Needs(columns=(self.column,))

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        if self.target not in table:
            raise SchemaError(
                f"yes_no needs the boolean column {self.target!r} in the stimulus table."
                f"{did_you_mean(self.target, table)} It has {listed(table.columns)}."
            )
        said_yes = _matrix(outputs)[:, self.column] > self.criterion
        return (said_yes == _truth(table, self.target)).astype(np.float64)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of guessing yes half of the time."""
        return 0.5


@dataclass(frozen=True)
class Choice:
    """1 where, of two named outputs per stimulus, the right one is larger (two-alternative forced choice).

    correct, wrong : integer columns of the stimulus table that name the outputs compared.
    """

    correct: str = "correct"
    wrong: str = "wrong"
    unit = "proportion correct"
    bounded = True

    def needs(self, table: pd.DataFrame) -> Needs:
        """Get the outputs that are read."""
        return Needs(columns=tuple(sorted({*table[self.correct], *table[self.wrong]})))

    def __call__(self, outputs: np.ndarray, table: pd.DataFrame) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        outputs = _matrix(outputs)
        rows = np.arange(len(outputs))
        right = outputs[rows, _labels(table, self.correct, outputs.shape[1])]
        wrong = outputs[rows, _labels(table, self.wrong, outputs.shape[1])]
        return (right > wrong) + 0.5 * (right == wrong)

    def chance(self, table: pd.DataFrame, n_outputs: int) -> float:
        """Get the score of guessing, one half."""
        return 0.5


accuracy = Accuracy()
margin = Margin()
log_probability = LogProbability()
yes_no = YesNo()
choice = Choice()

#: Every named score; another one is any callable ``(outputs, table) -> (n_stimuli,)``.
SCORES: dict[str, Any] = {"accuracy": accuracy, "margin": margin, "log_probability": log_probability,
                          "yes_no": yes_no, "choice": choice}


#: Scores for language models live next door; ``scores.Surprisal`` finds them.
LANGUAGE = ("Continuation", "LogOdds", "MinimalPair", "Surprisal")


def __getattr__(name: str) -> Any:
    if name not in LANGUAGE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("neurolab.scores_language"), name)


def describe(score: Callable[..., Any], table: pd.DataFrame, n_outputs: int) -> dict[str, Any]:
    """Get what trials must remember of a score: its name, unit, whether it is bounded to [0, 1], its chance level."""
    chance = score.chance(table, n_outputs) if hasattr(score, "chance") else None
    return {
        "score": getattr(score, "__name__", None) or repr(score),
        "unit": getattr(score, "unit", "score"),
        "bounded": bool(getattr(score, "bounded", False)),
        "chance": chance,
    }
