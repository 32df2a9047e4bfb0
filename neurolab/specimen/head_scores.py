"""Tasks of stimuli: one per condition, or one per head of a network, scored among the outputs of its own head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurolab.errors import DataError
from neurolab.scores import LogProbability, accuracy
from neurolab.specimen.specimen import Task
from neurolab.specimen.targets import Label, Targets
from neurolab.stimuli import StimulusSet


def condition_tasks(stimuli: StimulusSet, score: Callable[..., Any] = accuracy) -> tuple[Task, ...]:
    """Get one task per condition of the stimuli, called like the condition.

    Parameters
    ----------
    stimuli : with the conditions. score : of every task; default the share of right answers.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"], "label": [0, 1]})
    >>> [(task.name, len(task.stimuli)) for task in condition_tasks(StimulusSet("two", np.zeros((2, 1)), table))]
    [('x', 1), ('y', 1)]
    """
    return tuple(Task(name, stimuli.where(condition=name), score) for name in stimuli.conditions)


def head_tasks(
    stimuli: StimulusSet,
    label: Label,
    *,
    n_outputs: int,
    score: Callable[..., Any] = LogProbability,
    name: str = "name {}",
) -> tuple[Task, ...]:
    """Get one task per head of a network, scored among the outputs of that head alone.

    Parameters
    ----------
    stimuli : with the columns that the heads answer to. label : as for ``nl.train_cohort``: the same columns share the
        outputs of the network in the same way, each counted from 0.
    n_outputs : of the network. score : a score with ``label`` and ``columns``: ``nl.scores.LogProbability`` (default),
        ``Accuracy`` or ``Margin``.
    name : what a task is called, with {} for its column.

    Returns
    -------
    Tasks in the order of the columns. A head that does not begin at output 0 is scored by a new column of the stimuli,
    "right_output" for the column "right": the place of the right answer among all outputs.

    Raises
    ------
    DataError : a column that the stimuli lack, a label outside its head, or a head of one output (a yes or no).

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"], "left": [1], "right": [0]})
    >>> tasks = head_tasks(StimulusSet("one", np.zeros((1, 2)), table), ("left", "right"), n_outputs=4)
    >>> [(task.name, task.score.label, task.score.columns) for task in tasks]
    [('name left', 'left', (0, 1)), ('name right', 'right_output', (2, 3))]
    """
    targets = Targets.of(stimuli, label, n_outputs, "head_tasks()")
    columns, right = ((label,) if isinstance(label, str) else tuple(label)), targets.values.numpy()
    tasks = []
    for at, (column, places) in enumerate(zip(columns, targets.outputs)):
        if len(places) < 2:
            raise DataError(f"Head {column!r} has one output, a yes or no: nothing competes there. Type nl.Task(..., "
                            f"nl.scores.YesNo(target={column!r}, column={places[0]})).")
        own, where = column, np.asarray(places)[right[:, at]]
        if not np.array_equal(where, right[:, at]):
            own = f"{column}_output"
            stimuli = stimuli.assign(**{own: where})
        tasks.append((name.format(column), score(label=own, columns=tuple(places))))
    return tuple(Task(called, stimuli, scored) for called, scored in tasks)
