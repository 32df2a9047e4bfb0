"""Pruning by magnitude: which weights stay, and the cuts of a schedule while training goes on."""

from __future__ import annotations

import torch

from neurolab.errors import DesignError
from neurolab.specimen.abreast import Abreast, State
from neurolab.specimen.recipe import Prune


def kept_by_magnitude(weight: torch.Tensor, share: float, kept: torch.Tensor | None = None) -> torch.Tensor:
    """Get 1 where a weight stays and 0 where it goes: the smallest go, by absolute value.

    Of n weights, ranked from 0, those of rank <= round(share * n) go (the cut-off is inclusive, as in the code of the
    lottery ticket hypothesis), and all that tie with the last of them.

    Parameters
    ----------
    weight : any shape. share : of the weights that go, 0 to 1; 0 leaves all.
    kept : what earlier rounds left, 1 or 0; the share is of those, and none comes back.

    Returns
    -------
    Tensor like ``weight`` of 1 and 0, to be multiplied with it.

    Raises
    ------
    DesignError : a share below 0 or above 1.

    Source
    ------
    Frankle & Carbin 2019, https://arxiv.org/abs/1803.03635; agrees with ``prune_by_percent`` of
    google-research/lottery-ticket-hypothesis

    Example
    -------
    >>> kept_by_magnitude(torch.tensor([0.1, -0.4, 0.2, 0.3]), 0.25).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    if not 0 <= share <= 1:
        raise DesignError(f"kept_by_magnitude(share={share}); expected a share of the weights, 0 to 1.")
    stays = torch.ones_like(weight) if kept is None else kept.to(weight.dtype)
    left = weight.detach().abs()[stays > 0]
    if share == 0 or not len(left):
        return stays
    cut = left.sort().values[min(round(share * len(left)), len(left) - 1)]
    return torch.where(weight.detach().abs() <= cut, torch.zeros_like(stays), stays)


class Pruning:
    """The cuts of a schedule, on every network of a stack by itself; what is cut stays cut."""

    def __init__(self, schedule: Prune | None, stack: Abreast, per_epoch: int, epochs: int) -> None:
        self.schedule = schedule
        self.stack = stack
        self.per_epoch, self.epochs = per_epoch, epochs
        self.masks: State = {}

    def step(self, done: int) -> None:
        """Cut what is due after so many optimiser steps, and keep what is cut at zero."""
        share = self.schedule.due(done, self.per_epoch, self.epochs) if self.schedule else None
        with torch.no_grad():
            for name, value in self.stack.weights.items() if share is not None else ():
                self.masks[name] = torch.stack([kept_by_magnitude(one, share or 0.0) for one in value])
            for name, mask in self.masks.items():
                self.stack.parameters[name].mul_(mask)
