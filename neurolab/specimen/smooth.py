"""Scores that can be differentiated: the smooth stand-in of each named score, in torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from neurolab.errors import DataError, listed
from neurolab.scores import Accuracy, Choice, Margin, YesNo
from neurolab.specimen.specimen import Task

#: From outputs (n, ...) and the stimulus table to one number per stimulus, (n,); larger is better.
Smooth = Callable[[torch.Tensor, pd.DataFrame], torch.Tensor]


def _labels(outputs: torch.Tensor, table: pd.DataFrame, column: str) -> torch.Tensor:
    return torch.tensor(np.array(table[column]), dtype=torch.int64, device=outputs.device)


def _competing(outputs: torch.Tensor, columns: tuple[int, ...] | None) -> torch.Tensor:
    if columns is None:
        return outputs
    out = torch.ones(outputs.shape[1], dtype=torch.bool, device=outputs.device)
    out[list(columns)] = False
    return outputs.masked_fill(out, -torch.inf)


def _log_probability(score: Accuracy, outputs: torch.Tensor, table: pd.DataFrame) -> torch.Tensor:
    labels = _labels(outputs, table, score.label)
    return -torch.nn.functional.cross_entropy(_competing(outputs, score.columns), labels, reduction="none")


def _margin(score: Margin, outputs: torch.Tensor, table: pd.DataFrame) -> torch.Tensor:
    labels, rows = _labels(outputs, table, score.label), torch.arange(len(outputs), device=outputs.device)
    others = _competing(outputs, score.columns).scatter(1, labels[:, None], -torch.inf)
    return outputs[rows, labels] - others.amax(dim=1)


def _choice(score: Choice, outputs: torch.Tensor, table: pd.DataFrame) -> torch.Tensor:
    rows = torch.arange(len(outputs), device=outputs.device)
    return outputs[rows, _labels(outputs, table, score.correct)] - outputs[rows, _labels(outputs, table, score.wrong)]


def _yes_no(score: YesNo, outputs: torch.Tensor, table: pd.DataFrame) -> torch.Tensor:
    sign = 2.0 * _labels(outputs, table, score.target).to(outputs.dtype) - 1.0
    return sign * (outputs[:, score.column] - score.criterion)


#: The smooth stand-in of a score by its type, with what it is called; a new score adds one entry.
SMOOTH: dict[type, tuple[str, Callable[..., torch.Tensor]]] = {
    Accuracy: ("log probability of the label (minus the cross-entropy)", _log_probability),
    Margin: ("logit margin, the score itself", _margin),
    Choice: ("right output minus wrong output", _choice),
    YesNo: ("signed distance from the criterion", _yes_no),
}


def smooth_of(task: Task, given: Smooth | None) -> tuple[str, Smooth]:
    """Get the smooth score of a task and what it is called: the given function, or the stand-in of its own score.

    Raises DataError for a score that has no stand-in, with what to type.
    """
    if given is not None:
        return getattr(given, "__name__", "") or type(given).__name__, given
    if type(task.score) not in SMOOTH:
        raise DataError(
            f"Task {task.name!r} is scored by {task.score!r}, which cannot be differentiated as it is; there are "
            f"stand-ins for {listed(kind.__name__ for kind in SMOOTH)}. Type smooth=lambda outputs, table: ... with "
            "torch operations: outputs (n, ...) to (n,) numbers, larger is better."
        )
    words, stand_in = SMOOTH[type(task.score)]
    return words, lambda outputs, table: stand_in(task.score, outputs, table)


def checked(smooth: Smooth, outputs: torch.Tensor, table: pd.DataFrame, who: str) -> torch.Tensor:
    """Get the smooth score (n,) of some outputs.

    Raises DataError where the function gives something else.
    """
    values = smooth(outputs, table)
    if not isinstance(values, torch.Tensor) or tuple(values.shape) != (len(outputs),):
        given = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise DataError(f"{who}: the smooth score gave {given}; expected a torch tensor of shape ({len(outputs)},), "
                        "one number per stimulus.")
    if not bool(values.isfinite().all()):
        raise DataError(f"{who}: the smooth score gave NaN or inf; expected numbers. Is a label outside columns=?")
    return values
