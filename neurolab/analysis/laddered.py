"""Lesions of the first units of a map: ever more of them in ladders, or one set after another, each on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

import xarray as xr

from neurolab.ablation import Ablation
from neurolab.analysis.select import select_roi
from neurolab.errors import DesignError
from neurolab.lesion import Lesion


def nested_lesions(
    stat_map: xr.Dataset | Mapping[str, xr.Dataset], how: Ablation, sizes: Iterable[float], *, name: str = ""
) -> tuple[Lesion, ...]:
    """Get a ladder of lesions of the first units of a map: ever more of them, the smaller inside the larger.

    Parameters
    ----------
    stat_map : of ``nl.localise``, :func:`unit_map` or :func:`pruning_map`; or several by name, for a ladder of each.
    how : the ablation. sizes : numbers of units, each at least 1; a dose that was chosen brings its stimuli along.
    name : of the ladder of one map; the lesions are called ``"name 8"``, their rung is the number of units
        (``nl.analysis.smallest_dose`` and ``choose_doses`` choose one of them).

    Raises
    ------
    DesignError : one map without a name for its ladder, or several with one.

    Example
    -------
    >>> from neurolab.analysis.localiser import localise
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> found = localise(phantom_recording(rng=0), "faces > objects")
    >>> [(lesion.id, lesion.rung, lesion.n_units) for lesion in nested_lesions(found, Zero(), (4, 8), name="area")]
    [('area 4', ('area', 4.0), 4), ('area 8', ('area', 8.0), 8)]
    >>> [lesion.id for lesion in nested_lesions({"faces": found, "other": found}, Zero(), (4,))]
    ['faces 4', 'other 4']
    """
    several = isinstance(stat_map, Mapping) and not isinstance(stat_map, xr.Dataset)
    if several == bool(name):
        given = "several maps, which have names of their own" if several else "one map, whose ladder needs a name"
        raise DesignError(
            f"nested_lesions(name={name!r}) got {given}. Type nested_lesions(stat_map, how, sizes, name='contrast'), "
            "or nested_lesions({'contrast': stat_map, 'other': other_map}, how, sizes)."
        )
    maps: Mapping[str, xr.Dataset] = {name: stat_map} if isinstance(stat_map, xr.Dataset) else stat_map
    chosen = list(dict.fromkeys(sizes))
    return tuple(_rung(one, how, size, str(ladder)) for ladder, one in maps.items() for size in chosen)


def _rung(stat_map: xr.Dataset, how: Ablation, size: float, name: str) -> Lesion:
    """One lesion of a ladder; a chosen dose adds its stimuli to those that chose the units, and its notes."""
    roi = select_roi(stat_map, name=f"{name} {int(size)}", top=int(size))
    roi = replace(roi, chosen_on=roi.chosen_on | getattr(size, "chosen_on", frozenset()))
    notes = tuple(("undermined_by", said) for said in getattr(size, "undermined_by", ()))
    return Lesion(roi, how, rung=(name, float(size)), notes=notes)


def dosed_lesions(
    stat_map: xr.Dataset, how: Ablation, *, top: float, doses: Iterable[float], name: str
) -> tuple[Lesion, ...]:
    """Get a lesion of the first units of a map at several doses: shares of ``top``, the smaller inside the larger.

    Parameters
    ----------
    stat_map : of ``nl.localise``, :func:`unit_map` or :func:`pruning_map`. how : the ablation.
    top : the share of the map's units at dose 1. doses : shares of those, above 0 to 1. name : of the lesion.

    Raises
    ------
    DesignError : no dose, or one outside its range.

    Example
    -------
    >>> from neurolab.analysis.localiser import localise
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> found = localise(phantom_recording(n_units=80, rng=0), "faces > objects")
    >>> [(lesion.id, lesion.n_units) for lesion in dosed_lesions(found, Zero(), top=0.1, doses=(0.5, 1), name="area")]
    [('area | dose 0.5', 4), ('area', 8)]
    """
    chosen = [float(dose) for dose in doses]
    if not chosen or not all(0 < dose <= 1 for dose in chosen):
        raise DesignError(f"dosed_lesions(doses={chosen}); expected shares above 0, up to 1. Type doses=(0.25, 1).")
    rois = {dose: select_roi(stat_map, name=name, top=top * dose) for dose in chosen}
    return tuple(Lesion(roi, how, name=name, dose=dose) for dose, roi in rois.items())


def disjoint_lesions(stat_map: xr.Dataset, how: Ablation, n: int, *, n_units: int, name: str) -> tuple[Lesion, ...]:
    """Get lesions that share no unit: the first so many units of a map, the next as many, and so on.

    Parameters
    ----------
    stat_map : of ``nl.localise``, :func:`unit_map` or :func:`pruning_map`. how : the ablation.
    n : how many lesions, called ``"name 1"``, ``"name 2"`` and so on. n_units : of each.

    Raises
    ------
    DesignError : more units than the map has, or fewer than one lesion.

    Example
    -------
    >>> from neurolab.analysis.localiser import localise
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> found = localise(phantom_recording(rng=0), "faces > objects")
    >>> one, two = disjoint_lesions(found, Zero(), 2, n_units=4, name="set")
    >>> one.id, two.n_units, (one.roi & two.roi).n_units
    ('set 1', 4, 0)
    """
    if n < 1:
        raise DesignError(f"disjoint_lesions(n={n}); expected one lesion or more.")
    upto = [select_roi(stat_map, name=name, top=n_units * at) for at in range(1, n + 1)]
    bands = [upto[0], *(more - less for less, more in pairwise(upto))]
    return tuple(Lesion(band.renamed(f"{name} {at}"), how) for at, band in enumerate(bands, start=1))
