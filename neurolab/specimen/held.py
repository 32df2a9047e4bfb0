"""Lesions that stay while a network learns: what a site gives is scaled and shifted, weights are held at zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from neurolab.errors import LesionPlanError, listed
from neurolab.lesion import Clamp, CutWeights, Lesion, Mean, Scale, Stimulate, Zero
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.composite import check_once
from neurolab.specimen.region import Region, called
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.weights import weight_edits
from neurolab.specimen.whose import check_weights

#: What an ablation of activity does to a unit, as (factor, shift): activity x factor + shift. Others cannot be held.
LINES: dict[type, Callable[[Any, str, np.ndarray], tuple[Any, Any]]] = {
    Zero: lambda how, site, units: (0.0, 0.0),
    Mean: lambda how, site, units: (0.0, how.statistics(site, units)[0]),
    Clamp: lambda how, site, units: (0.0, how.value),
    Scale: lambda how, site, units: (how.factor, 0.0),
    Stimulate: lambda how, site, units: (1.0, how.current * how.statistics(site, units)[1]),
}


@dataclass
class Held:
    """What is held in one network: per module path (factor, shift), broadcast over a batch; weights at zero by name."""

    lines: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    zeros: dict[str, torch.Tensor] = field(default_factory=dict)


def held_in(specimen: Specimen, lesions: Sequence[Lesion], who: str) -> Held:
    """Get what a design holds in a network, all its lesions at once; shams hold nothing.

    Raises
    ------
    LesionPlanError : an ablation that depends on chance or on other units, a site that is no single call of a module,
        a lesion of another network.
    """
    held = Held()
    for lesion in (part for whole in lesions for part in whole.parts if whole.role != "sham"):
        whose = lesion.roi.specimen
        if whose and whose != specimen.name:
            raise LesionPlanError(
                f"{who}: lesion {lesion.id!r} was localised in {whose!r} and would be held in {specimen.name!r}, whose "
                "units are others. Give a function that finds the lesions of a network, or roi.moved_to(name)."
            )
        check_weights(specimen, [lesion.roi], who)
        check_once(specimen, lesion)
        effect = effect_of(lesion.how)
        if isinstance(effect, OnWeights):
            _hold_weights(held, specimen, lesion, effect, who)
        else:
            _hold_activity(held, specimen, lesion, who)
    return held


def _hold_weights(held: Held, specimen: Specimen, lesion: Lesion, effect: OnWeights, who: str) -> None:
    if type(lesion.how) is not CutWeights:
        raise LesionPlanError(f"{who} cannot hold {lesion.how.label}; of weights it holds nl.CutWeights('both') alone.")
    for edit in weight_edits(specimen, lesion, effect):
        mask = unit_mask(edit.parameter, edit.axis, edit.units, edit.n_units)
        held.zeros[edit.name] = held.zeros.get(edit.name, torch.zeros_like(mask)) | mask


def unit_mask(parameter: torch.Tensor, axis: int, units: np.ndarray, n_units: int) -> torch.Tensor:
    """Get which elements of a parameter belong to these units along an axis, which may count each in a block."""
    mask = torch.zeros(parameter.shape, dtype=torch.bool)
    rows = mask.movedim(axis, 0)
    each = rows.shape[0] // n_units
    at = (torch.tensor(units)[:, None] * each + torch.arange(each)).reshape(-1)
    rows[at] = True
    return mask


def _hold_activity(held: Held, specimen: Specimen, lesion: Lesion, who: str) -> None:
    line = LINES.get(type(lesion.how))
    if line is None:
        raise LesionPlanError(
            f"{who} cannot hold {lesion.how.label} while a network learns; it holds {listed(k.__name__ for k in LINES)}"
            " and CutWeights, which are the same for every stimulus."
        )
    for address, units in lesion.roi.units.items():
        for site in specimen.sites().find(address):
            whole = site.kind == "module" and site.calls == 1 and site.batch_axis == 0 and not site.rows
            if not (whole and site.cut and not site.part and not site.span):
                raise LesionPlanError(
                    f"{who} cannot hold lesion {lesion.id!r} at {site.address!r}; expected the output of a module that "
                    "is called once, with stimuli on the first axis."
                )
            region = Region.of(site, units, lesion.roi.dims[address], called(lesion))
            factor, shift = _broadcast(region, *line(lesion.how, address, units), specimen.dtype)
            before = held.lines.get(site.path, (torch.ones_like(factor), torch.zeros_like(shift)))
            held.lines[site.path] = (before[0] * factor, before[1] * factor + shift)


def _broadcast(region: Region, factor: Any, shift: Any, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and shift of every unit of the site, with axes of length 1 for its positions."""
    sizes, shape = region.site.sizes(region.dims), [1] * len(region.site.dims)
    for axis in region.axes:
        shape[axis] = region.site.shape[axis]
    every = np.ones(int(np.prod(sizes))), np.zeros(int(np.prod(sizes)))
    every[0][region.units], every[1][region.units] = factor, shift
    made = [torch.tensor(values.reshape(shape)).to(dtype) for values in every]
    return made[0], made[1]


def stacked(every: Sequence[Held], like: Mapping[str, torch.Tensor]) -> Held:
    """Get what is held in several networks, one after another along a new first axis; nothing where one holds none."""
    paths = dict.fromkeys(path for held in every for path in held.lines)
    lines = {}
    for path in paths:
        some = next(held.lines[path] for held in every if path in held.lines)
        shape = np.broadcast_shapes(*(tuple(held.lines[path][0].shape) for held in every if path in held.lines))
        none = torch.ones(shape, dtype=some[0].dtype), torch.zeros(shape, dtype=some[0].dtype)
        both = [held.lines.get(path, none) for held in every]
        lines[path] = (torch.stack([one[0].expand(shape) for one in both]),
                       torch.stack([one[1].expand(shape) for one in both]))
    names = dict.fromkeys(name for held in every for name in held.zeros)
    zeros = {name: torch.stack([held.zeros.get(name, torch.zeros(like[name].shape[1:], dtype=torch.bool))
                                for held in every]) for name in names}
    return Held(lines, zeros)
