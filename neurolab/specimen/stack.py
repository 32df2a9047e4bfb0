"""Networks of one architecture as one stack of parameters: trained and scored together, each by itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import grad, vmap

from neurolab.errors import DataError, SpecimenError
from neurolab.specimen.abreast import State, fill, run_under, states_of
from neurolab.specimen.held import Held, stacked
from neurolab.specimen.leaves import select_output
from neurolab.specimen.past import Past
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.targets import Targets
from neurolab.specimen.whose import own_weights

Lines = Mapping[str, tuple[torch.Tensor, torch.Tensor]]
#: Layers whose stacks run as one batched operation; networks with other weighted layers run one after another.
TOGETHER = (nn.Linear, nn.LayerNorm, nn.Embedding)


class Stack:
    """Copies of networks, in evaluation mode: dropout is off and running statistics stay as they are.

    ``state`` holds every parameter with the networks along the first axis. held : what is held in each.
    """

    def __init__(self, specimens: Sequence[Specimen], held: Sequence[Held], who: str) -> None:
        self.specimens = tuple(specimens)
        first = self.specimens[0]
        check_alike(self.specimens, who)
        self.template = copy.deepcopy(first.model).eval()
        self.state, self.buffers = states_of([one.model for one in self.specimens])
        self.held = stacked(held, self.state)
        layers = [part for part in self.template.modules() if next(part.parameters(recurse=False), None) is not None]
        self.together = all(isinstance(part, TOGETHER) for part in layers) and len(self) > 1
        self.settle()

    def __len__(self) -> int:
        return len(self.specimens)

    def settle(self) -> None:
        """Put held weights (back) to zero."""
        for name, mask in self.held.zeros.items():
            self.state[name].masked_fill_(mask, 0)

    def answers(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get what every network answers to the same inputs, (networks, n, outputs)."""
        def one(state: State, buffers: State, lines: Lines) -> torch.Tensor:
            return self._forward(state, buffers, lines, inputs)

        with torch.no_grad():
            return self._each(one, self.state, self.buffers, self.held.lines)

    def gradients(
        self, x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor, targets: Targets, lines: Lines | None = None
    ) -> State:
        """Get the gradient of each network's mean loss over its own rows.

        x : (networks, n, ...). y : (networks, n, labels). weight : (networks, n), of each row; the mean is over their
        sum, or over one where it is smaller. lines : in the place of what is held.
        """
        def loss(state: State, buffers: State, lines: Lines, x: Any, y: Any, weight: Any) -> torch.Tensor:
            rows = targets.per_row(self._forward(state, buffers, lines, x), y)
            return (rows * weight).sum() / weight.sum().clamp_min(1.0)

        lines = self.held.lines if lines is None else lines
        return self._each(grad(loss), self.state, self.buffers, lines, x, y, weight)

    def _each(self, function: Any, *arguments: Any) -> Any:
        """The function of every network's share of the arguments, stacked."""
        if self.together:
            return vmap(function)(*arguments)
        parts = [function(*(_share(argument, at) for argument in arguments)) for at in range(len(self))]
        if isinstance(parts[0], dict):
            return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        return torch.stack(parts)

    def _forward(self, state: State, buffers: State, lines: Lines, x: torch.Tensor) -> torch.Tensor:
        def hold(factor: torch.Tensor, shift: torch.Tensor) -> Any:
            return lambda module, args, output: output * factor + shift

        edits = {path: hold(*line) for path, line in lines.items()}
        return select_output(run_under(self.template, state, buffers, x, edits), self.specimens[0].output)

    def specimen(self, at: int, name: str, learned: frozenset[str] = frozenset()) -> Specimen:
        """Get one of the networks as it is now, as a specimen of its own, frozen, that learned these stimuli."""
        first = self.specimens[at]
        model = copy.deepcopy(first.model).eval()
        fill(model, {name: value[at] for name, value in self.state.items()})
        model.requires_grad_(False)
        made = Specimen(model, first.example, name=name, output=first.output, inputs_on=first.inputs_on)
        object.__setattr__(made, "past", first.past | Past(learned=learned, weights=own_weights(first)))
        return made


def _share(argument: Any, at: int) -> Any:
    if isinstance(argument, Mapping):
        return {name: _share(value, at) for name, value in argument.items()}
    return tuple(value[at] for value in argument) if isinstance(argument, tuple) else argument[at]


def check_alike(specimens: Sequence[Specimen], who: str) -> None:
    """Raise where networks cannot be one stack: other parameters, or something that only the bench can feed."""
    shapes = [{name: tuple(value.shape) for name, value in one.model.named_parameters()} for one in specimens]
    for one, shape in zip(specimens, shapes):
        if one.feed is not None:
            raise SpecimenError(f"{who} cannot train {one.name!r}, which has a feed= of its own; expected a network "
                                "that is called with the batch of inputs itself.")
        if shape != shapes[0]:
            raise DataError(f"{who} got {one.name!r} with other parameters than {specimens[0].name!r}; expected "
                            "networks of one architecture.")


def shuffled_rows(streams: Sequence[np.random.Generator], n: int, batch_size: int) -> Iterator[torch.Tensor]:
    """Get the rows of each batch of one epoch (networks, batch), in an order of its own for every network."""
    order = np.stack([stream.permutation(n) for stream in streams])
    for low in range(0, n, batch_size):
        yield torch.from_numpy(order[:, low : low + batch_size])
