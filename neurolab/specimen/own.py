"""What an ablation puts in the place of values; one that is not the package's is handed a copy, and its answer checked.

Of every ablation the bench says that a row's answer depends on that row, the lesion's rng and the stimulus alone: so
no score depends on the batch size, on other lesions or on when it was computed. Of an entry of one's own that is tried
out on the first rows that come by.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurolab.errors import LesionPlanError
from neurolab.specimen.ablations import ABLATIONS, SHIPPED, OnActivity, OnWeights, Selection, WeightSelection
from neurolab.specimen.certificate import doubled

#: On how many rows an ablation of one's own is tried out, per bench and setting: chance may look like none on a few.
ROWS = 16


def is_own(how: Any, effect: OnActivity | OnWeights) -> bool:
    """Get whether this is the table's entry of the ablation, and not one that came with the package.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> is_own(Zero(), ABLATIONS[Zero])
    False
    """
    return ABLATIONS.get(type(how)) is effect and SHIPPED.get(type(how)) is not effect


def instead(effect: OnActivity, how: Any, values: torch.Tensor, selection: Selection) -> torch.Tensor:
    """Get what an ablation of activity puts in the place of values, (rows, units, positions), in their type.

    Raises
    ------
    LesionPlanError : an entry of one's own that gives no tensor of that shape, or whose rows depend on each other or
        on chance of its own.
    """
    if not is_own(how, effect):
        return effect(how, values, selection).to(values.dtype)
    new = _asked(effect, how, values, selection)
    seen = selection.references.tried
    if seen[how.digest] < ROWS and len(selection.stimuli) == len(values) > 0:
        seen[how.digest] += len(values)
        _check_rows(effect, how, values, selection, new)
    return new


def weights_instead(
    effect: OnWeights, how: Any, weights: torch.Tensor, selection: WeightSelection, *, first: bool
) -> torch.Tensor:
    """Get what an ablation of weights puts in the place of weights, (units, connections), in their type.

    first : whether an entry of one's own is asked twice.

    Raises
    ------
    LesionPlanError : an entry of one's own that gives no tensor of that shape, or draws on chance of its own.
    """
    if not is_own(how, effect):
        return effect.apply(how, weights, selection).to(weights.dtype)
    new = _fitting(effect.apply(how, weights.clone(), selection), how, weights, "weights")
    if first and not _alike(new, effect.apply(how, weights.clone(), selection)):
        raise _unsteady(how, "weights", "when it is asked twice")
    return new


def _asked(effect: OnActivity, how: Any, values: torch.Tensor, selection: Selection) -> torch.Tensor:
    return _fitting(effect(how, values.clone(), selection), how, values, "values")


def _fitting(new: Any, how: Any, old: torch.Tensor, what: str) -> torch.Tensor:
    """What an entry gave, where it is a tensor of the right shape."""
    if not isinstance(new, torch.Tensor) or new.shape != old.shape:
        name, shape = type(how).__name__, tuple(old.shape)
        given = f"a tensor of shape {tuple(new.shape)}" if isinstance(new, torch.Tensor) else type(new).__name__
        forgot = " Does it end in return?" if new is None else ""
        raise LesionPlanError(
            f"The entry of {name} in ABLATIONS gave {given} for {what} of shape {shape}; expected a tensor of the same "
            f"shape.{forgot} Type neurolab.specimen.ABLATIONS[{name}] = lambda how, {what}, selection: {what} * 0.5, "
            f"or end it in .expand_as({what})."
        )
    return new.to(old.dtype)


def _check_rows(
    effect: OnActivity, how: Any, values: torch.Tensor, selection: Selection, new: torch.Tensor
) -> None:
    """Raise LesionPlanError where the same rows become something else when they come again, or without the others."""
    with torch.no_grad():
        if not _alike(new, _asked(effect, how, values, selection)):
            raise _unsteady(how, "rows", "when it is asked twice")
        if len(values) > 1:
            at = np.arange(1, max(2, len(values) - 2), 2)  # neither a half nor symmetric: swaps of rows show
            rows = torch.from_numpy(at).to(values.device)
            part, stimuli = values[rows], tuple(selection.stimuli[row] for row in at)
            alone = _asked(effect, how, part, replace(selection, stimuli=stimuli, like=part))
            if not _alike(new[rows], alone):
                raise _unsteady(how, "rows", "when fewer rows come by")


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are the same to rounding, for sums over fewer rows may be taken in another order."""
    loose = 2e-2 if a.dtype in (torch.float16, torch.bfloat16) else 1e-4
    a, b = doubled(a.detach()), doubled(b.detach())
    scale = float(a.abs().nan_to_num(0.0, 0.0).max()) if a.numel() else 0.0
    return torch.allclose(a, b, rtol=loose, atol=1e-2 * loose * scale, equal_nan=True)


def _unsteady(how: Any, what: str, when: str) -> LesionPlanError:
    chance = "selection.normal() or selection.uniform()" if what == "rows" else "selection.normal()"
    others = ("; what is usual is selection.mean, of reference=. A row (a stimulus) must not depend on the others in "
              "its batch" if what == "rows" else "")
    return LesionPlanError(
        f"The entry of {type(how).__name__} in ABLATIONS gives other values for the same {what} {when}: scores would "
        f"depend on batch_size and on what was computed before. For chance type {chance}{others}."
    )
