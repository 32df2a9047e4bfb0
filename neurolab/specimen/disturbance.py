"""Disturbance while training: dropout and noise of every kind, each network's from generators of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.specimen.abreast import Abreast, State, hidden_shapes
from neurolab.specimen.recipe import Recipe

#: The variance of gradient noise falls with the step as (1 + step) to the power of minus this.
ANNEALING = 0.55


class Disturbance:
    """What disturbs the networks of a stack at each step, drawn for network k from (rng, seed k, kind) alone.

    So a network draws the same alone and among others, and one more kind of noise changes no other.
    """

    def __init__(self, recipe: Recipe, stack: Abreast, rng: RNG, seeds: Sequence[int]) -> None:
        self.recipe = recipe
        self.stack = stack
        kinds = ("dropout", "activation noise", "weight noise", "input noise", "gradient noise")
        self._chance = {kind: [_torch_generator(rng, kind, seed) for seed in seeds] for kind in kinds}
        self._shapes: dict[int, dict[str, tuple[int, ...]]] = {}

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Get inputs (n_networks, n_stimuli, ...) with noise on them."""
        if not self.recipe.input_noise:
            return x
        if not x.is_floating_point():
            raise DesignError("Recipe(input_noise=...) was given with token ids; expected inputs that are numbers. "
                              "Leave it out, or type Recipe(activation_noise=...).")
        return x + self.recipe.input_noise * self._normal("input noise", x.shape[1:], x.dtype)

    def edits(self, x: torch.Tensor) -> dict[str, tuple[torch.Tensor | None, torch.Tensor | None]]:
        """Get what happens behind every hidden activation when these inputs are shown: noise, then dropout."""
        recipe, found = self.recipe, {}
        if not (recipe.dropout or recipe.activation_noise):
            return {}
        for key, shape in self._hidden(x).items():
            scale = self._kept(shape) if recipe.dropout else None
            shift = None
            if recipe.activation_noise:
                shift = recipe.activation_noise * self._normal("activation noise", shape, self.stack.dtype)
                shift = shift if scale is None else shift * scale
            found[key] = (scale, shift)
        return found

    def parameters(self, masks: State) -> State:
        """Get parameters with noise on the weights, those that are pruned away left out; gradients reach the stack."""
        state, sd = dict(self.stack.parameters), self.recipe.weight_noise
        for name, value in self.stack.weights.items() if sd else ():
            spread = value.detach().flatten(1).std(dim=1).view(-1, *[1] * (value.dim() - 1))
            noise = sd * spread * self._normal("weight noise", value.shape[1:], value.dtype)
            state[name] = value + (noise * masks[name] if name in masks else noise)
        return state

    def gradients(self, step: int) -> None:
        """Add to the gradients that the stack's parameters hold: those of the L1 penalty, and noise."""
        for value in self.stack.weights.values() if self.recipe.l1 else ():
            if value.grad is not None:
                value.grad.add_(value.detach().sign(), alpha=self.recipe.l1)
        sd = self.recipe.gradient_noise * (1 + step) ** (-ANNEALING / 2)
        for value in self.stack.parameters.values() if sd else ():
            if value.grad is not None:  # a parameter that the answer does not depend on has none
                value.grad.add_(self._normal("gradient noise", value.shape[1:], value.dtype), alpha=sd)

    def _hidden(self, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
        if x.shape[1] not in self._shapes:
            self._shapes[x.shape[1]] = hidden_shapes(self.stack, x[0])
        if not self._shapes[x.shape[1]]:
            raise DesignError(
                "Recipe(dropout=..., activation_noise=...) acts behind activation modules, and this network has none "
                "before its answer. Build it with nn.ReLU() and its like as modules, not with functions in forward()."
            )
        return self._shapes[x.shape[1]]

    def _normal(self, kind: str, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        return self._drawn(kind, shape, dtype, lambda row, chance: row.normal_(generator=chance))

    def _kept(self, shape: Sequence[int]) -> torch.Tensor:
        stays = 1 - self.recipe.dropout

        def draw(row: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
            return row.uniform_(generator=chance)  # three times as fast as bernoulli_

        return self._drawn("dropout", shape, self.stack.dtype, draw).lt_(stays).div_(stays)

    def _drawn(
        self, kind: str, shape: Sequence[int], dtype: torch.dtype,
        draw: Callable[[torch.Tensor, torch.Generator], torch.Tensor],
    ) -> torch.Tensor:
        rows = torch.empty((len(self.stack), *shape), dtype=dtype)
        for row, chance in zip(rows, self._chance[kind]):
            draw(row, chance)
        return rows


def _torch_generator(rng: RNG, kind: str, seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(rng, kind, seed).integers(2**62)))


def mixed_labels(labels: np.ndarray, share: float, rng: RNG, seed: int) -> np.ndarray:
    """Get labels (n_stimuli, n_columns), those of a share of the stimuli drawn anew from all labels of their column.

    A label may come back by chance. -1, no label, stays.

    Example
    -------
    >>> mixed_labels(np.zeros((4, 1), dtype=int), 0.5, rng=0, seed=0).T.tolist()
    [[0, 0, 0, 0]]
    """
    draw = generator(rng, "label noise", seed)
    mixed = labels.copy()
    chosen = draw.permutation(len(labels))[: round(share * len(labels))]
    for column in range(labels.shape[1]):
        known = np.unique(labels[labels[:, column] >= 0, column])
        fresh = draw.choice(known, size=len(labels))
        rows = chosen[labels[chosen, column] >= 0]
        mixed[rows, column] = fresh[rows]
    return mixed
