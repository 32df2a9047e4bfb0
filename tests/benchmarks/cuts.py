"""Lesions twice: as a user of plain torch writes them, in a loop of hooks, and as neurolab's design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

import neurolab as nl


@dataclass(frozen=True)
class Cut:
    """Units of what a module returns multiplied by ``keep`` (0: silenced), at every position.

    last : whether the units are the last axis, behind tokens, rather than the one after the stimuli.
    """

    path: str
    units: tuple[int, ...]
    keep: float = 0.0
    last: bool = False

    @property
    def where(self) -> tuple:
        """The index of the units."""
        return (..., list(self.units)) if self.last else (slice(None), list(self.units))


def hooked(model: nn.Module, batches: Sequence[torch.Tensor], cut: Cut) -> torch.Tensor:
    """Get the answers under a lesion as everybody writes it: a hook that edits, and a full forward of all stimuli."""

    def edit(module: nn.Module, args: tuple, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[cut.where] = output[cut.where] * cut.keep if cut.keep else 0.0
        return output

    handle = model.get_submodule(cut.path).register_forward_hook(edit)
    try:
        with torch.no_grad():
            return torch.cat([model(batch) for batch in batches])
    finally:
        handle.remove()


def design_of(cuts: Sequence[Cut], dim: str) -> list[nl.Lesion]:
    """Get the design of some cuts, a sham first; ``dim`` is what the units run over, such as "channel"."""
    lesions = [
        nl.Lesion(nl.ROI(f"cut {at}", {cut.path: list(cut.units)}, dims={cut.path: (dim,)}),
                  nl.Scale(cut.keep) if cut.keep else nl.Zero())
        for at, cut in enumerate(cuts)
    ]  # fmt: skip
    return [nl.sham(lesions[0]), *lesions]
