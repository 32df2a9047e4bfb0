"""The loop of training: batch after batch, epoch after epoch, each network until it is finished."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from neurolab.chance import RNG, generator
from neurolab.specimen.abreast import Abreast, State
from neurolab.specimen.disturbance import Disturbance
from neurolab.specimen.magnitude import Pruning
from neurolab.specimen.recipe import Recipe
from neurolab.specimen.targets import Targets

log = logging.getLogger("neurolab")

#: Training that is predicted, from so many epochs after the first, to take more seconds than this says so.
TIMED, LONG = 3, 10.0
#: Training accuracy is looked at so many stimuli at a time.
AT_ONCE = 1024


@dataclass(frozen=True)
class Lesson:
    """What is taught: inputs (n_stimuli, ...), and the right answers of each network (n_networks, n_stimuli, n_labels).

    targets : which outputs each label speaks of, and so the loss.
    """

    inputs: torch.Tensor
    targets: Targets
    values: torch.Tensor

    def of(self, networks: Sequence[int]) -> Lesson:
        """Get the lesson of some of the networks."""
        return Lesson(self.inputs, self.targets, self.values[list(networks)])

    def loss(self, answers: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Get the losses of all networks, each the mean over its own stimuli, added up."""
        return self.targets.per_row(answers.flatten(0, 1), values.flatten(0, 1)).sum() / answers.shape[1]

    def rows(self, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Get inputs and right answers of the stimuli ``shown`` (n_networks, n_batch)."""
        return self.inputs[shown], self.values.gather(1, shown[..., None].expand(*shown.shape, self.values.shape[-1]))


@dataclass(frozen=True)
class Outcome:
    """How far each network got: epochs trained, training accuracy, and its state where it was finished early."""

    epochs: np.ndarray
    accuracy: np.ndarray
    finished: dict[int, State]


def orders(rng: RNG, seed: int, n_stimuli: int, epochs: int) -> np.ndarray:
    """Get the order of the stimuli in each epoch, (n_epochs, n_stimuli), of one network."""
    draw = generator(rng, "order", seed)
    return np.stack([draw.permutation(n_stimuli) for _ in range(epochs)]) if epochs else np.zeros((0, n_stimuli), int)


def training_accuracy(stack: Abreast, lesson: Lesson) -> np.ndarray:
    """Get the share of right answers of each network in evaluation mode, over all labels."""
    parts = []
    stack.train(False)
    with torch.no_grad():
        for low in range(0, len(lesson.inputs), AT_ONCE):
            x = lesson.inputs[low : low + AT_ONCE]
            answers = stack.forward(x[None].expand(len(stack), *x.shape))
            right = lesson.targets.right(answers.flatten(0, 1), lesson.values[:, low : low + AT_ONCE].flatten(0, 1))
            parts.append(right.view(len(stack), -1))
    stack.train()
    return torch.cat(parts, dim=1).mean(dim=1).numpy()


def fit(
    stack: Abreast, lesson: Lesson, order: Sequence[np.ndarray], recipe: Recipe, disturbance: Disturbance, *,
    progress: str = "",
) -> Outcome:
    """Train a stack in place.

    Parameters
    ----------
    order : of the stimuli, for each network (n_epochs, n_stimuli).
    progress : what a bar is called, on a terminal; "" shows none.
    """
    batches = _batches(len(lesson.inputs), recipe.batch_size)
    optimiser = torch.optim.Adam(
        list(stack.parameters.values()), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    pruning = Pruning(recipe.prune, stack, len(batches), recipe.epochs)
    outcome = Outcome(np.full(len(stack), recipe.epochs), np.full(len(stack), np.nan), {})
    done = 0
    stack.train()
    pruning.step(done)
    for epoch in _epochs(recipe.epochs, progress):
        for rows in batches:
            shown = torch.from_numpy(np.stack([one[epoch, rows] for one in order]))
            _step(stack, lesson, shown, disturbance, pruning.masks, done, optimiser)
            done += 1
            pruning.step(done)
        if recipe.criterion is not None and epoch + 1 >= recipe.settled:
            _note(outcome, training_accuracy(stack, lesson), recipe.criterion, stack, epoch + 1)
            if len(outcome.finished) == len(stack):
                break
    left = [at for at in range(len(stack)) if at not in outcome.finished]
    if left:
        outcome.accuracy[left] = training_accuracy(stack, lesson)[left]
    return outcome


def _step(
    stack: Abreast, lesson: Lesson, shown: torch.Tensor, disturbance: Disturbance, masks: State, done: int,
    optimiser: torch.optim.Optimizer,
) -> None:
    x, right = lesson.rows(shown)
    x = disturbance.inputs(x)
    optimiser.zero_grad()
    answers = stack.forward(x, parameters=disturbance.parameters(masks), edits=disturbance.edits(x))
    lesson.loss(answers, right).backward()
    disturbance.gradients(done)
    optimiser.step()


def _note(outcome: Outcome, accuracy: np.ndarray, criterion: float, stack: Abreast, epochs: int) -> None:
    """Keep the state of networks that have just come to the criterion: nothing changes them from here on."""
    for at, value in enumerate(accuracy):
        if at not in outcome.finished and value >= criterion:
            outcome.finished[at] = stack.slice(at)
            outcome.accuracy[at], outcome.epochs[at] = value, epochs


def _batches(n_stimuli: int, size: int) -> list[slice]:
    """Slices of an epoch; a single stimulus that would be left over joins the last batch (a batch norm needs two)."""
    starts = list(range(0, n_stimuli, size))
    if len(starts) > 1 and n_stimuli - starts[-1] == 1:
        starts.pop()
    return [slice(low, high) for low, high in zip(starts, [*starts[1:], n_stimuli])]


def _epochs(epochs: int, name: str) -> Iterator[int]:
    """The epochs, under a bar on a terminal; long training says how long it will take."""
    from tqdm import tqdm

    began = 0.0
    for epoch in tqdm(range(epochs), desc=name, unit="epoch", disable=not name or not sys.stderr.isatty(), leave=False):
        yield epoch
        if epoch == 0:
            began = time.perf_counter()  # the first one is slower: it loads what torch needs
        left = (time.perf_counter() - began) / TIMED * (epochs - 1 - epoch) if epoch == TIMED else 0.0
        if name and left > LONG:
            log.warning("%s: %d epochs, at most about %.0f s more", name, epochs, left)
