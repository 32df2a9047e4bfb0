"""Several lesions at once: what is said of their order must be what the bench does."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.trace import Call

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen


def check_order(specimen: Specimen, lesion: Lesion) -> None:
    """Raise LesionPlanError where a part that is to act last at a unit would act before another.

    Weights act before any activity that they make. A module that hands on what another handed out acts after it.
    """
    if lesion.role == "sham" or not lesion.also:
        return
    for early, late in itertools.combinations(lesion.parts, 2):  # in the order that was promised
        effect = effect_of(late.how)
        if isinstance(effect_of(early.how), OnWeights):
            continue
        if isinstance(effect, OnWeights):
            if "in" in effect.sides(late.how) and (shared := _shared(early, late)):
                raise LesionPlanError(
                    f"Lesion {lesion.id!r}: {type(late.how).__name__} is to act last at {shared!r}, but weights act "
                    f"before the activity that they make, and {early.id!r} ({early.how.label}) would stand there. Type "
                    "an ablation of activity such as nl.Zero(), or leave these units out of the other lesion."
                )
        elif places := _handed_on(specimen, early, late):
            raise LesionPlanError(
                f"Lesion {lesion.id!r} is to act last, at {places[1]!r}, but {places[0]!r} hands the same values on "
                f"and {early.id!r} ({early.how.label}) would act there afterwards. Use one address for both."
            )


def _shared(one: Lesion, other: Lesion) -> str:
    """An address where two lesions share a unit, whatever dims they count in; an empty string where there is none."""
    for address in set(one.roi.units) & set(other.roi.units):
        same_dims = one.roi.dims[address] == other.roi.dims[address]
        if not same_dims or len(np.intersect1d(one.roi.units[address], other.roi.units[address])):
            return address
    return ""


def _handed_on(specimen: Specimen, early: Lesion, late: Lesion) -> tuple[str, str] | tuple[()]:
    """Two addresses of one tensor, where that of the early lesion comes by after that of the late one."""
    calls = {(call.path, call.call): call for call in specimen.calls}
    for first, then in itertools.product(early.roi.units, late.roi.units):
        for before, after in itertools.product(specimen.sites().find(first), specimen.sites().find(then)):
            if before.kind == after.kind == "module" and before.path != after.path and _on(
                    calls.get((after.path, after.call)), calls.get((before.path, before.call))):
                return first, then
    return ()


def _on(inner: Call | None, outer: Call | None) -> bool:
    """Whether a call hands out the very tensor that another call had handed out before it."""
    return (inner is not None and outer is not None and inner.output is not None and inner.output == outer.output
            and inner.ended < outer.ended)
