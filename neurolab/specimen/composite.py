"""Several addresses and several lesions at once: each acts once on a tensor, and in the order that was promised."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.region import Region, called
from neurolab.specimen.sites import Site
from neurolab.specimen.trace import Call

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

#: Two addresses of one tensor, with the sites that they name.
Pair = tuple[str, Site, str, Site]
#: By specimen and addresses: which of them are one tensor. A design has thousands of lesions of the same few.
_PAIRS: WeakKeyDictionary[Specimen, dict[tuple[str, ...], tuple[Pair, ...]]] = WeakKeyDictionary()


def check_plan(specimen: Specimen, lesion: Lesion) -> None:
    """Raise LesionPlanError where a lesion would act twice on a tensor, or in another order than was promised."""
    check_order(specimen, lesion)
    for part in lesion.parts:
        check_once(specimen, part)


def check_once(specimen: Specimen, lesion: Lesion) -> None:
    """Raise LesionPlanError where a region names a unit by two addresses, at which it would be lesioned twice.

    They are one tensor where a module hands on what another handed out (a container and its last part, a dropout), or
    where one site has two names.
    """
    if lesion.role == "sham" or len(lesion.roi.units) < 2:
        return
    for first, one, then, other in _pairs(specimen, lesion.roi.sites):
        if _meet(specimen, lesion, (first, one), lesion, (then, other)):
            raise LesionPlanError(
                f"{called(lesion)}: {first!r} and {then!r} are one tensor in {specimen.name!r}, and the region has the "
                "same units at both: they would be lesioned and counted twice. Leave one of the two addresses out, "
                "where the region was recorded or in ROI(name, units)."
            )


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
            if "in" in effect.sides(late.how) and (shared := _shared(specimen, early, late)):
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


def _shared(specimen: Specimen, one: Lesion, other: Lesion) -> str:
    """The other's address of units that both lesions have; an empty string where there are none."""
    for first, then in itertools.product(one.roi.units, other.roi.units):
        for _, here, _, there in _pairs(specimen, (first, then)):
            if _meet(specimen, one, (first, here), other, (then, there)):
                return then
    return ""


def _handed_on(specimen: Specimen, early: Lesion, late: Lesion) -> tuple[str, str] | tuple[()]:
    """Two addresses of one tensor, where that of the early lesion comes by after that of the late one."""
    calls = _calls(specimen)
    for first, then in itertools.product(early.roi.units, late.roi.units):
        for _, before, _, after in _pairs(specimen, (first, then)):
            late_first = _moment(calls, before) > _moment(calls, after)
            if late_first and _meet(specimen, early, (first, before), late, (then, after)):
                return first, then
    return ()


# -- which addresses are one tensor ----------------------------------------------------------------------------------


def _pairs(specimen: Specimen, addresses: tuple[str, ...]) -> tuple[Pair, ...]:
    """Every two of the addresses, and sites there, that are one tensor."""
    known = _PAIRS.setdefault(specimen, {})
    if addresses not in known:
        calls = _calls(specimen)
        found = [(at, address, site, _tensor(calls, site)[0])
                 for at, address in enumerate(addresses) for site in specimen.sites().find(address)]
        known[addresses] = tuple((first, one, then, other) for (i, first, one, a), (j, then, other, b)
                                 in itertools.combinations(found, 2) if i != j and a == b)
    return known[addresses]


def _calls(specimen: Specimen) -> dict[tuple[str, int], Call]:
    return {(call.path, call.call): call for call in specimen.calls}


def _tensor(calls: dict[tuple[str, int], Call], site: Site) -> tuple[Any, tuple[int, ...] | None]:
    """What tells the tensor of a site from others, and its shape for two stimuli where that is known."""
    call = calls.get(("", 0) if site.kind in ("input", "output") else (site.path, site.call))
    if call is not None and site.kind in ("module", "slice", "output") and call.output is not None:
        return call.output, call.shape
    if call is not None and site.kind in ("input", "heads") and call.input is not None:
        return call.input, call.input_shape
    return (site.path, site.kind, site.part, site.call), None


def _moment(calls: dict[tuple[str, int], Call], site: Site) -> float:
    """When a lesion at a site acts: behind its module, before it at what enters a projection."""
    if site.kind in ("input", "output"):
        return -np.inf if site.kind == "input" else np.inf
    call = calls.get((site.path, site.call))
    return 0 if call is None else call.began if site.kind == "heads" else call.ended


def _meet(
    specimen: Specimen, lesion: Lesion, here: tuple[str, Site], other: Lesion, there: tuple[str, Site]
) -> bool:
    """Whether two lesions have an element in common at two sites that are one tensor."""
    pair = ((lesion, *here), (other, *there))
    one, two = (Region.of(site, of.roi.units[address], of.roi.dims[address], called(of)) for of, address, site in pair)
    if _layout(one) == _layout(two):
        return len(np.intersect1d(one.units, two.units, assume_unique=True)) > 0
    shape = _tensor(_calls(specimen), one.site)[1]
    if shape is None:
        return True  # a state or a head inside a module, in other dims: not worth telling apart
    numbers = torch.arange(int(np.prod(shape))).reshape(shape)
    return bool(np.isin(one.take(numbers).numpy(), two.take(numbers).numpy()).any())


def _layout(region: Region) -> tuple[Any, ...]:
    site = region.site
    return region.dims, site.dims, site.shape, site.span, site.rows, site.n_heads
