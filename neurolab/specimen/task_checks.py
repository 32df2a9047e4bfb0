"""What a campaign asks of its tasks: names of their own, answers that the network has, stimuli that chose nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurolab.errors import DataError, DoubleDippingError, listed
from neurolab.lesion import Lesion
from neurolab.scores import Accuracy, Margin
from neurolab.specimen.specimen import Specimen, Task


def checked_tasks(specimen: Specimen, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Get the tasks of a campaign; raises DataError for none, equal names, or one that the network cannot answer."""
    tasks = (tasks,) if isinstance(tasks, Task) else tuple(tasks) if isinstance(tasks, Iterable) else (tasks,)
    for task in tasks:
        check_task(task, "examine")
    names = [task.name for task in tasks]
    if not tasks or len(set(names)) != len(names):
        raise DataError(f"examine() got the tasks {listed(names, empty='()')}; expected at least one, each with a name "
                        "of its own.")
    _check_sheet(specimen, tasks)
    return tasks


def check_task(task: object, verb: str) -> None:
    """Raise DataError unless something is a Task."""
    if not isinstance(task, Task):
        raise DataError(f"{verb}() got {type(task).__name__} as a task; expected nl.Task values. Type "
                        "nl.Task('naming', stimuli, nl.scores.accuracy).")


def _check_sheet(specimen: Specimen, tasks: Sequence[Task]) -> None:
    """Refuse a choice among all columns of an answer sheet: behind the vocabulary it holds surprisals."""
    if not getattr(specimen.model, "answers_sheet", False):
        return
    for task in tasks:
        if isinstance(task.score, (Accuracy, Margin)) and task.score.columns is None:
            raise DataError(
                f"Task {task.name!r} lets all columns of {specimen.name!r} compete; it answers with a sheet whose last "
                "columns are no tokens. Type the tokens that compete: nl.scores.Accuracy(columns=(words.single('0'), "
                "words.single('1')))."
            )


def check_dipping(specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], allowed: bool) -> str:
    """Get what the trials say of stimuli that chose a region and are shown all the same; nothing where none are.

    Raises DoubleDippingError unless it is allowed.
    """
    seen = {task.name: task.stimuli.origins for task in tasks}
    chose = [("what was removed before", specimen.past.chosen_on)] if specimen.past.chosen_on else []
    chose += [(repr(lesion.name), lesion.chosen_on) for lesion in design if lesion.role != "sham"]
    for what, chosen_on in chose:
        for task in tasks:
            shared = chosen_on & seen[task.name]
            if shared and not allowed:
                raise DoubleDippingError(
                    f"Task {task.name!r} shows {len(shared)} of the stimuli that chose {what} (for example "
                    f"{min(shared)!r}); the region's effect would be estimated on what selected it. Type choose, test "
                    "= stimuli.split(2, rng=0), localise on one and examine on the other. Stimuli are known by their "
                    "ids: where these are others of the same names, give them ids of their own. "
                    "allow_double_dipping=True does it all the same and is written into the trials."
                )
            if shared:
                return "double dipping allowed"
    return ""
