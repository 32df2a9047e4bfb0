"""The loop of training: batch after batch, epoch after epoch, each network until it is finished."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.func import vmap

from neurolab.chance import RNG, generator
from neurolab.specimen.abreast import Abreast, Edits, State
from neurolab.specimen.disturbance import Disturbance
from neurolab.specimen.magnitude import Pruning
from neurolab.specimen.recipe import Recipe
from neurolab.specimen.targets import Targets

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
        return vmap(self.targets.loss)(answers, values).sum()

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


def training_accuracy(stack: Abreast, lesson: Lesson, edits: Sequence[Edits] = ()) -> np.ndarray:
    """Get the share of right answers of each network in evaluation mode, over all labels."""
    parts = []
    stack.train(False)
    with torch.no_grad():
        for low in range(0, len(lesson.inputs), AT_ONCE):
            x = lesson.inputs[low : low + AT_ONCE]
            answers = stack.forward(x[None].expand(len(stack), *x.shape), edits=edits)
            parts.append(vmap(lesson.targets.right)(answers, lesson.values[:, low : low + AT_ONCE]))
    stack.train()
    return torch.cat(parts, dim=1).mean(dim=1).numpy()


def fit(
    stack: Abreast, lesson: Lesson, order: Sequence[np.ndarray], recipe: Recipe, disturbance: Disturbance, *,
    held: Sequence[Edits] = (), after: Callable[[int], None] | None = None, progress: str = "",
) -> Outcome:
    """Train a stack in place.

    Parameters
    ----------
    order : of the stimuli, for each network (n_epochs, n_stimuli).
    held : edits that hold all the while, in training and when accuracy is looked at.
    after : called with the number of optimiser steps that are done, 0 first.
    progress : what a bar is called, on a terminal; "" shows none.
    """
    n_stimuli = len(lesson.inputs)
    batches = _batches(n_stimuli, recipe.batch_size)
    optimiser = torch.optim.Adam(
        list(stack.parameters.values()), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    pruning = Pruning(recipe.prune, stack, len(batches), recipe.epochs)
    reached = Outcome(np.full(len(stack), recipe.epochs), np.full(len(stack), np.nan), {})
    done = 0
    stack.train()
    pruning.step(done)
    if after is not None:
        after(done)
    for epoch in _epochs(recipe.epochs, progress):
        for rows in batches:
            shown = torch.from_numpy(np.stack([one[epoch, rows] for one in order]))
            _step(stack, lesson, shown, disturbance, pruning.masks, done, held, optimiser)
            done += 1
            pruning.step(done)
            if after is not None:
                after(done)
        if recipe.criterion is not None and epoch + 1 >= recipe.settled:
            _note(reached, training_accuracy(stack, lesson, held), recipe.criterion, stack, epoch + 1)
            if len(reached.finished) == len(stack):
                break
    left = [at for at in range(len(stack)) if at not in reached.finished]
    if left:
        reached.accuracy[left] = training_accuracy(stack, lesson, held)[left]
    return reached


def _step(
    stack: Abreast, lesson: Lesson, shown: torch.Tensor, disturbance: Disturbance, masks: State, done: int,
    held: Sequence[Edits], optimiser: torch.optim.Optimizer,
) -> None:
    x, right = lesson.rows(shown)
    x = disturbance.inputs(x)
    optimiser.zero_grad()
    answers = stack.forward(x, parameters=disturbance.parameters(masks), edits=[disturbance.edits(x), *held])
    lesson.loss(answers, right).backward()
    disturbance.gradients(done)
    optimiser.step()


def _note(reached: Outcome, accuracy: np.ndarray, criterion: float, stack: Abreast, epochs: int) -> None:
    """Keep the state of networks that have just come to the criterion: nothing changes them from here on."""
    for at, value in enumerate(accuracy):
        if at not in reached.finished and value >= criterion:
            reached.finished[at] = stack.slice(at)
            reached.accuracy[at], reached.epochs[at] = value, epochs


def _batches(n_stimuli: int, size: int) -> list[slice]:
    """Slices of an epoch; a single stimulus that would be left over joins the last batch (a batch norm needs two)."""
    starts = list(range(0, n_stimuli, size))
    if len(starts) > 1 and n_stimuli - starts[-1] == 1:
        starts.pop()
    return [slice(low, high) for low, high in zip(starts, [*starts[1:], n_stimuli])]


def _epochs(epochs: int, name: str) -> Sequence[int]:
    from tqdm import tqdm

    quiet = not name or not sys.stderr.isatty()
    return tqdm(range(epochs), desc=name, unit="epoch", disable=quiet, leave=False)  # type: ignore[return-value]
