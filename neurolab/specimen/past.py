"""What was done to a network before it came to the bench, as far as what is found in it now depends on that."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neurolab.errors import amount
from neurolab.lesion import Lesion
from neurolab.roi import ROI


@dataclass(frozen=True)
class Past:
    """The stimuli that chose what was removed from a network or held in it, what undermines that choice, the stimuli
    that it was trained on, where that is known, and the digests of the weights that it had before.

    Example
    -------
    >>> past = Past(frozenset("a")) | Past(frozenset("b"), ("No dose cost as much.",))
    >>> sorted(past.chosen_on), past.undermined_by
    (['a', 'b'], ('No dose cost as much.',))
    """

    chosen_on: frozenset[str] = frozenset()
    undermined_by: tuple[str, ...] = ()
    learned: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()

    def __or__(self, other: Past) -> Past:
        said = dict.fromkeys((*self.undermined_by, *other.undermined_by))
        return Past(self.chosen_on | other.chosen_on, tuple(said), self.learned | other.learned,
                    self.weights | other.weights)  # fmt: skip


def past_of(found: Iterable[ROI | Lesion]) -> Past:
    """Get what regions and lesions leave behind in a network: who chose them, and what their notes say against them."""
    past = Past()
    for one in found:
        notes = one.notes if isinstance(one, Lesion) else ()
        past |= Past(one.chosen_on, tuple(str(value) for name, value in notes if name == "undermined_by"))
    return past


def learned_flags(past: Past, tasks: Iterable[Any]) -> dict[str, str]:
    """Get what trials say of tasks that show what a network was trained on, as attrs; nothing where none does."""
    shown = {task.name: len(past.learned & task.stimuli.origins) for task in tasks}
    about = {
        f"Task {name!r} shows {amount(n, 'stimulus', 'stimuli')} on which networks were trained: its scores say how "
        "those are remembered, not how others are answered.": {"task": [name]} for name, n in shown.items() if n
    }  # fmt: skip
    return {"undermined_by": json.dumps(list(about)), "flags_about": json.dumps(about)} if about else {}


def trial_rows(tasks: Iterable[Any]) -> pd.DataFrame:
    """Get a row per stimulus of every task, with the columns that all have; marked ones keep whose twins they are."""
    tables = [task.stimuli.table.assign(task=task.name) for task in tasks]
    if any("unmarked" in table for table in tables):
        tables = [one if "unmarked" in one else one.assign(unmarked=one["stimulus_id"]) for one in tables]
    common = [column for column in tables[0] if all(column in table for table in tables)]
    return pd.concat([table[common] for table in tables], ignore_index=True)
