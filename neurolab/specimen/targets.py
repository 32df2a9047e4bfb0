"""What a network is trained to answer: one label, several side by side, or choices beside yes-or-no responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from neurolab.errors import DataError, did_you_mean, listed
from neurolab.stimuli import StimulusSet

#: One column; several, sharing the outputs evenly; or which outputs each column speaks of (one output: yes or no).
Label = str | Sequence[str] | Mapping[str, int | Sequence[int]]


@dataclass(frozen=True, eq=False)
class Targets:
    """The right answers (n, n_labels) int64, and the outputs that each label speaks of; one output is a yes or no.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"], "digit": [1], "freeze": [True]})
    >>> both = Targets.of(StimulusSet("one", np.zeros((1, 2)), table), {"digit": range(2), "freeze": 2}, 3, "example()")
    >>> both.outputs, both.values.tolist(), both.right(torch.tensor([[0.0, 1.0, -1.0]]), both.values).tolist()
    (((0, 1), (2,)), [[1, 1]], [0.5])
    """

    values: torch.Tensor
    outputs: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, stimuli: StimulusSet, label: Label, n_outputs: int, who: str) -> Targets:
        """Get the targets of stimuli for a network with so many outputs.

        Raises
        ------
        DataError : no such column, outputs that do not divide, a label outside its outputs, a response neither 0 nor 1.
        """
        outputs = _outputs(label, n_outputs, who)
        columns = []
        for name, places in outputs.items():
            if name not in stimuli.table:
                raise DataError(
                    f"{who} found no column {name!r} in {stimuli.name!r}.{did_you_mean(name, stimuli.table)} It has "
                    f"{listed(stimuli.table.columns)}; type label= with an integer column."
                )
            columns.append(_checked(stimuli, name, len(places), who))
        return cls(torch.from_numpy(np.stack(columns, axis=1)), tuple(outputs.values()))

    def per_row(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Get the loss of each row (n,): cross-entropies of choices and of responses, summed over labels."""
        total = outputs.new_zeros(outputs.shape[0])
        for at, places in enumerate(self.outputs):
            if len(places) == 1:
                said = outputs[:, places[0]]
                total = total + nn.functional.binary_cross_entropy_with_logits(
                    said, y[:, at].to(said.dtype), reduction="none"
                )
            else:
                chosen = _columns(outputs, places)
                total = total + nn.functional.cross_entropy(chosen, y[:, at], reduction="none")
        return total

    def loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Get the mean loss over rows; serves vmap and gradients. outputs : (n, n_outputs). y : (n, n_labels)."""
        return self.per_row(outputs, y).mean()

    def right(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Get the share of labels answered right, per row (n,) float64."""
        said = [
            (outputs[:, places[0]] > 0).long() if len(places) == 1 else _columns(outputs, places).argmax(dim=-1)
            for places in self.outputs
        ]
        return (torch.stack(said, dim=1) == y).double().mean(dim=1)


def _columns(outputs: torch.Tensor, places: tuple[int, ...]) -> torch.Tensor:
    """Outputs in a row are a view; a copy by index costs a scatter in the backward pass."""
    if places == tuple(range(places[0], places[-1] + 1)):
        return outputs[:, places[0] : places[-1] + 1]
    return outputs[:, list(places)]


def _outputs(label: Label, n_outputs: int, who: str) -> dict[str, tuple[int, ...]]:
    """The outputs of each label."""
    if isinstance(label, str):
        return {label: tuple(range(n_outputs))}
    if not isinstance(label, Mapping):
        names = list(label)
        if not names or len(set(names)) < len(names) or n_outputs % len(names):
            raise DataError(f"{who}: {len(names)} labels ({listed(names)}) cannot share {n_outputs} outputs evenly; "
                            'type label={"digit": range(10), "freeze": 10}, the outputs of each.')
        each = n_outputs // len(names)
        return {name: tuple(range(at * each, (at + 1) * each)) for at, name in enumerate(names)}
    found = {
        str(name): (int(places),) if isinstance(places, (int, np.integer)) else tuple(int(place) for place in places)
        for name, places in label.items()
    }
    used = [place for places in found.values() for place in places]
    if not used or len(set(used)) < len(used) or min(used) < 0 or max(used) >= n_outputs:
        raise DataError(f"{who}: label= names the outputs {used}; expected each once, from 0 to {n_outputs - 1}.")
    return found


def _checked(stimuli: StimulusSet, name: str, n_places: int, who: str) -> np.ndarray:
    """One column of right answers, as integers below the number of its outputs (0 or 1 for a response)."""
    values = stimuli.table[name].to_numpy()
    if values.dtype.kind not in "biu":
        raise DataError(
            f"{who}: column {name!r} of {stimuli.name!r} is {values.dtype}; expected integers, the index of the right "
            "output (or True and False for a response)."
        )
    values = values.astype(np.int64)
    most = max(n_places, 2)
    if len(values) and (values.min() < 0 or values.max() >= most):
        raise DataError(f"{who}: column {name!r} of {stimuli.name!r} runs from {values.min()} to {values.max()}; "
                        f"expected 0 to {most - 1}, as many as it has outputs.")
    return values
