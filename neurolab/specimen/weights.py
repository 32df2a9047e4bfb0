"""Lesions of weights: on a saved copy that is put back, never undone by arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from neurolab.errors import LesionNotUndone, LesionPlanError, listed
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, WeightSelection
from neurolab.specimen.experts import check_cut
from neurolab.specimen.own import weights_instead
from neurolab.specimen.region import Region, called
from neurolab.specimen.wiring import Reads

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen


@dataclass
class WeightEdit:
    """One lesion on one parameter: some units' rows along one axis, replaced and put back."""

    lesion: Lesion
    effect: OnWeights
    name: str
    parameter: torch.nn.Parameter
    axis: int
    units: np.ndarray
    n_units: int
    saved: torch.Tensor | None = None
    total: int = 0
    changed: int = 0

    def apply(self) -> None:
        """Put the lesioned weights in place of the intact ones, which are saved first."""
        self.saved = self.parameter.detach().clone()
        moved = self.saved.movedim(self.axis, 0)
        rows = moved.reshape(self.n_units, -1).clone()
        at = torch.tensor(self.units).to(rows.device)
        elements = self.units[:, None] * rows.shape[1] + np.arange(rows.shape[1])
        old = rows[at]
        selection = WeightSelection(self.name, self.saved, elements, self.lesion.rng)
        rows[at] = weights_instead(self.effect, self.lesion.how, old, selection, first=not self.total)
        self.total, self.changed = old.numel(), int((old != rows[at]).sum())
        # .data leaves the version counter alone, so that a graph which the user holds stays valid
        self.parameter.data.copy_(rows.reshape(moved.shape).movedim(0, self.axis))

    def restore(self) -> None:
        """Put the saved weights back and look whether they are there."""
        if self.saved is None:
            return
        self.parameter.data.copy_(self.saved)
        if not _bitwise_equal(self.parameter.detach(), self.saved):
            raise LesionNotUndone(f"Parameter {self.name!r} could not be put back after lesion {self.lesion.id!r}.")
        self.saved = None


def _bitwise_equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    plain = [t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
    return bool(torch.equal(*plain))


def weight_edits(specimen: Specimen, lesion: Lesion, effect: OnWeights) -> Iterator[WeightEdit]:
    """Get the edits of a weight lesion.

    Raises
    ------
    LesionPlanError : no one parameter makes (or reads) the units, a region by position, tied weights.
    """
    for address, units in lesion.roi.units.items():
        for site in specimen.sites().find(address):
            check_cut(site, lesion)
            region = Region.of(site, units, lesion.roi.dims[address], called(lesion))
            for side in effect.sides(lesion.how):
                yield from _one_side(specimen, lesion, effect, region, side)


def _one_side(
    specimen: Specimen, lesion: Lesion, effect: OnWeights, region: Region, side: str
) -> Iterator[WeightEdit]:
    site = region.site
    wiring = specimen.wiring.get(site.address)
    reads = None if wiring is None else wiring.made_by if side == "in" else wiring.read_by
    if reads is None:
        raise LesionPlanError(
            f"Lesion {lesion.id!r}: no single weight {'makes' if side == 'in' else 'reads'} the units of "
            f"{site.address!r} (several do, or it is computed on the fly). Use an ablation of activity there, such as "
            "nl.Zero(), or a site right behind a linear or convolutional layer."
        )
    whole = site.unit_dims[: len(region.dims)]
    if region.dims != whole:
        raise LesionPlanError(
            f"Lesion {lesion.id!r}: the region at {site.address!r} is indexed by {region.dims}, but weights belong to "
            f"whole units along {whole or site.unit_dims}. Select the region on a recording pooled over positions."
        )
    n_units = int(np.prod(site.sizes(region.dims)))
    parameters = dict(specimen.model.named_parameters())
    names = [(reads.parameter, reads.axis)]
    if side == "in" and effect.bias and reads.bias:
        names.append((reads.bias, 0))
    for name, axis in names:
        _ask_consent(specimen, lesion, name, reads)
        yield WeightEdit(lesion, effect, name, parameters[name], axis, region.units, n_units)


def used_again(specimen: Specimen, name: str) -> tuple[str, ...]:
    """Get who uses a parameter where one forward uses it more than once; empty where it does so once."""
    users = specimen.users.get(name, ())
    return tuple(f"{user or 'the model itself'} (use {at})" for at, user in enumerate(users)) if len(users) > 1 else ()


def _ask_consent(specimen: Specimen, lesion: Lesion, name: str, reads: Reads) -> None:
    names = specimen.tied.get(name, ()) or used_again(specimen, name)
    if names and not getattr(lesion.how, "consent", False):
        raise LesionPlanError(
            f"Lesion {lesion.id!r} would change {name!r}, whose storage is shared by {listed(names)}; all "
            f"of them would be lesioned. Type {type(lesion.how).__name__}(..., consent=True) if that is meant, or an "
            "ablation of activity such as nl.Zero()."
        )
