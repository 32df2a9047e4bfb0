"""Cells: one lesion on all tasks, scored from the answers that the engine gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from neurolab.campaign.serving import Failure
from neurolab.errors import DataError, LesionNotUndone, NeurolabError
from neurolab.lesion import Lesion
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.by_channels import Told
from neurolab.specimen.certificate import Certificate, identical
from neurolab.specimen.damage import Damage
from neurolab.specimen.engine import Engine
from neurolab.specimen.plan import Block
from neurolab.specimen.promises import one_thread
from neurolab.specimen.record import batches
from neurolab.specimen.replay import Batch
from neurolab.specimen.specimen import Specimen, Task


@dataclass(frozen=True)
class Shown:
    """A task ready to be shown: its batches on the device."""

    task: Task
    batches: list[Batch]


@dataclass(frozen=True)
class Cell:
    """One lesion on all tasks: a score per trial and its certificate."""

    scores: np.ndarray
    certificate: Certificate


def _shown(specimen: Specimen, tasks: Sequence[Task], batch_size: int) -> list[Shown]:
    """Each task cut into batches; tasks on the same stimuli share their tensors and, later, their forwards."""
    made: dict[str, list[Batch]] = {}
    for task in tasks:
        if task.stimuli.digest not in made:
            inputs, ids = specimen.prepare(task.stimuli.inputs), task.stimuli.ids
            made[task.stimuli.digest] = [Batch(inputs[at], ids[at]) for at in batches(len(ids), batch_size)]
    return [Shown(task, made[task.stimuli.digest]) for task in tasks]


class Session:
    """A network on the bench with its tasks, ready to compute any tile of a campaign; made by :func:`session`."""

    def __init__(
        self, table: Bench, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int,
        memory: int | None = None,
    ) -> None:
        self.shown = _shown(table.specimen, tasks, batch_size)
        once = {id(batch): batch for one in self.shown for batch in one.batches}
        self.places = {key: at for at, key in enumerate(once)}
        self.engine = Engine(table, list(once.values()), design, memory=memory)
        self.intact = self.engine.intact

    def run(self, block: Block) -> dict[int, Cell | Failure]:
        """Get the cells of some tiles by the places of their lesions in the design; one that fails spoils no other."""
        said = {at: tile.said for tile in block.tiles for at in tile.at}
        found: dict[int, Cell | Failure] = {}
        for at, damage, answers in self.engine.answers(*block.tiles):
            try:
                found[at] = self._cell(said[at], at, damage, answers)
            except NeurolabError as error:
                found[at] = Failure(f"{type(error).__name__}: {error}", error)
        return found

    def _cell(self, path: str, at: int, damage: Damage | Told, answers: Sequence[torch.Tensor]) -> Cell:
        path = "; ".join([path, self.engine.pressed[at]]) if at in self.engine.pressed else path
        differs = any(damage.shows(cut, intact) for cut, intact in zip(answers, self.intact))
        scores = [_score(one.task, [answers[self.places[id(batch)]] for batch in one.batches], self.engine.design[at])
                  for one in self.shown]
        return Cell(np.concatenate(scores), damage.certificate(downstream=float(differs), path=path))

    def check_intact(self) -> None:
        """Raise LesionNotUndone unless the intact network still answers the first batch as before all lesions."""
        batch, table = self.engine.batches[0], self.engine.table
        if not identical(table.forward(batch.inputs, batch.ids), self.intact[0]):
            raise LesionNotUndone(
                f"{table.specimen.name!r}, intact, answers the same stimuli otherwise after the lesions than before, "
                "so their scores cannot be compared. Does the model count its calls, or keep a cache that is no "
                "buffer? Reset it in forward."
            )


@contextmanager
def session(
    specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int, memory: int | None = None
) -> Iterator[Session]:
    """Put a network on the bench for a campaign, on one torch thread; what is intact is checked again at the end.

    memory : bytes of the intact network that are kept at most.
    """
    with one_thread(), bench(specimen) as table:
        made = Session(table, design, tasks, batch_size, memory)
        yield made
        made.check_intact()


def _score(task: Task, outputs: list[torch.Tensor], lesion: Lesion) -> np.ndarray:
    whole = torch.cat(outputs)
    answers = (whole.float() if whole.dtype in (torch.float16, torch.bfloat16) else whole).cpu().numpy()
    try:
        scores = np.asarray(task.score(answers, task.stimuli.table), dtype=np.float64)
    except NeurolabError:
        raise
    except Exception as error:
        raise DataError(
            f"Task {task.name!r}: its score failed on outputs of shape {answers.shape} ({type(error).__name__}: "
            f"{error}). A score is called as score(outputs, table) and gives one number per stimulus."
        ) from error
    if scores.shape != (len(task.stimuli),) or not np.isfinite(scores).all():
        raise DataError(
            f"Task {task.name!r} under {lesion.id!r}: the score gave shape {scores.shape} with "
            f"{int((~np.isfinite(scores)).sum())} NaN or inf; expected {len(task.stimuli)} numbers. Look at what the "
            "lesion does to the outputs, or mend the score."
        )
    if getattr(task.score, "bounded", False) and len(scores) and not -1e-6 <= scores.min() <= scores.max() <= 1 + 1e-6:
        raise DataError(
            f"Task {task.name!r} under {lesion.id!r}: the score says that it is bounded, to [0, 1], and gave numbers "
            f"from {scores.min():g} to {scores.max():g}. Divide percentages by 100, or set its bounded = False."
        )
    return scores
