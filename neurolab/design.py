"""Designs: tuples of lesions. Shams, random lesions, ladders of dose, pairs; nothing here touches a network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import comb
from typing import Any

import numpy as np
import xarray as xr

from neurolab.ablation import check_number
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, LesionPlanError
from neurolab.lesion import Ablation, Lesion, Noise, Quantise, Stimulate, WeightNoise
from neurolab.matching import at_least_one
from neurolab.recording import at_site, check_recording
from neurolab.roi import ROI, regions_of, roi_from_mask

__all__ = ["dose_ladder", "noise_ladder", "pairs", "random_lesions", "region", "sham"]
__dir__ = __all__.copy


def sham(lesion: Lesion) -> Lesion:
    """Get the whole procedure without the damage: its row of the trials is the intact network.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> sham(Lesion(ROI("face area", {"conv": [1]}), Zero())).id
    'face area | sham'
    """
    return replace(lesion, role="sham", family="", dose=1.0, draw=0, notes=(), rung=None)


def random_lesions(
    pool: xr.DataArray, how: Ablation, n: int, *, n_units: int | None = None, name: str = "random",
    of: Lesion | None = None, rng: RNG,
) -> tuple[Lesion, ...]:
    """Get ``n`` different lesions of ``n_units`` units each, drawn at random from the valid neuroids of a recording.

    They are named ``"random 1"`` and so on, role "target", family "random": candidates, not yet controls. With ``of``
    they are the controls of that lesion, of its name, dose and size, whatever the sites they come from.

    Parameters
    ----------
    pool : recording (presentation, neuroid); neuroids with ``valid`` False are never drawn.
    how : the ablation. n : how many lesions. n_units : units of each. rng : integer or numpy Generator.
    of : the lesion whose controls they are; then ``n_units`` is its number of units.

    Raises
    ------
    DesignError : neither ``n_units`` nor ``of``, or both; fewer than one lesion, more units than the recording has, or
    more lesions than there are sets.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> [lesion.id for lesion in random_lesions(phantom_recording(rng=0), Zero(), 2, n_units=5, rng=0)]
    ['random 1 | draw 1', 'random 2 | draw 2']
    """
    at_least_one(n)
    check_recording(pool)
    valid = np.flatnonzero(pool["valid"].values) if "valid" in pool.coords else np.arange(pool.sizes["neuroid"])
    n_units = _size(n_units, of)
    if not 1 <= n_units <= len(valid):
        raise DesignError(f"n_units was {n_units}; the recording has {len(valid)} valid neuroids to draw from.")
    if n > comb(len(valid), n_units):
        raise DesignError(f"{n} lesions of {n_units} units were asked for; only {comb(len(valid), n_units)} differ.")
    lesions: list[Lesion] = []
    seen: set[bytes] = set()
    region = regions_of(pool, how_chosen="drawn at random")
    for draw in range(1, n + 1):
        mask = _another(generator(rng, "random lesion", draw), valid, n_units, pool.sizes["neuroid"], seen)
        lesions.append(Lesion(region(f"{name} {draw}", mask), how, family="random", draw=draw))
    bound: dict[str, Any] = {} if of is None else {"name": of.name, "role": "control", "dose": of.dose}
    return tuple(replace(one, **bound) for one in lesions)


def _size(n_units: int | None, of: Lesion | None) -> int:
    if (n_units is None) == (of is None):
        raise DesignError(f"random_lesions() got n_units={n_units} and {'a' if of else 'no'} lesion of=; expected one "
                          "of them: n_units=8, or of=the lesion whose controls they are.")
    return int(of.n_units if of is not None else n_units)  # type: ignore[arg-type]


def _another(
    stream: np.random.Generator, valid: np.ndarray, n_units: int, size: int, seen: set[bytes]
) -> np.ndarray:
    """Get a set of units that was not drawn before; the same lesion twice is no second case."""
    while True:
        mask = np.zeros(size, dtype=bool)
        mask[stream.choice(valid, n_units, replace=False)] = True
        if mask.tobytes() not in seen:
            seen.add(mask.tobytes())
            return mask


def dose_ladder(lesion: Lesion, doses: Iterable[float], *, n_draws: int = 1, rng: RNG) -> tuple[Lesion, ...]:
    """Get the lesion at several doses (shares of its units), which nest: every smaller dose lies inside the larger.

    Each draw has one random order of the units; dose d takes its first ``round(d * n)`` (at least one). Where that
    is another share than was asked for, ``notes`` of the lesion hold it as "share", and ``dose_response`` says so.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> ladder = dose_ladder(Lesion(ROI("area", {"conv": range(8)}), Zero()), [0.25, 0.5, 1.0], rng=0)
    >>> [rung.n_units for rung in ladder]
    [2, 4, 8]
    """
    rungs, doses = [], tuple(doses)
    sites = np.repeat(np.arange(len(lesion.roi.units)), [len(units) for units in lesion.roi.units.values()])
    flat = np.concatenate(list(lesion.roi.units.values()) or [np.zeros(0, dtype=np.int64)])
    for draw in range(1, n_draws + 1):
        order = generator(rng, "dose", lesion.roi.digest, draw).permutation(len(flat))
        for dose in doses:
            if not 0 < dose <= 1:
                raise LesionPlanError(f"A dose of {dose} was asked for; expected a share of the units in (0, 1].")
            keep = order[: max(1, round(dose * len(flat)))]
            made = () if math.isclose(len(keep), dose * len(flat)) else (("share", len(keep) / max(len(flat), 1)),)
            units = {site: flat[keep[sites[keep] == at]] for at, site in enumerate(lesion.roi.units)}
            roi = replace(lesion.roi, name=f"{lesion.roi.name} {dose:g}", units=units)
            rungs.append(replace(lesion, roi=roi, dose=float(dose), draw=draw if n_draws > 1 else lesion.draw,
                                 notes=(*lesion.notes, *made)))
    return _some(tuple(rungs), "dose_ladder", "[0.25, 0.5, 1.0]")


def _some(rungs: tuple[Lesion, ...], verb: str, example: str) -> tuple[Lesion, ...]:
    """The rungs of a ladder, of which there must be one."""
    if not rungs:
        raise LesionPlanError(f"{verb}() got nothing to make rungs of. Type {verb}(lesion, {example}, ...).")
    return rungs


#: What a ladder of noise can be made of: ablation -> (its strength, the same ablation at another strength).
NOISES: dict[type, tuple[str, Callable[[Any, float], Ablation]]] = {
    Noise: ("sd", lambda how, sd: Noise(float(sd), how.reference)),
    WeightNoise: ("sd", lambda how, sd: replace(how, sd=float(sd))),
    Quantise: ("bits", lambda how, bits: replace(how, bits=int(bits))),
    Stimulate: ("current", lambda how, current: Stimulate(float(current), how.reference)),
}
#: What a rung is called, by what is varied.
RUNGS = {"sd": "{name} noise {value:g}", "bits": "{name} {value:g} bits", "current": "{name} current {value:g}"}


def noise_ladder(lesion: Lesion, sds: Iterable[float], *, n_draws: int = 1) -> tuple[Lesion, ...]:
    """Get the lesion as noise of several strengths; equal draws share their noise samples.

    ``Noise`` (in sd of each unit; at site "input" it is noise in the stimuli), ``WeightNoise`` (in sd of the weights)
    or ``Quantise`` (then ``sds`` are bits, and the strength of a rung is the rounding step 2^(1 - bits), so that 0 is
    unrounded), or a current (``Stimulate``, ``nl.specimen.electrode``), whose strength it is. Each rung is a lesion
    named ``"A noise 0.5"`` that remembers its ladder and strength, so that ``nl.dose_response`` and
    ``nl.analysis.robustness`` read a curve over them. For a lesioned network under the very same noise type ``[lesion &
    rung for rung in ladder]``; for controls, ``[r for c in controls for r in nl.noise_ladder(c, sds)]``.

    Example
    -------
    >>> rungs = noise_ladder(Lesion(ROI("weights", {"conv": [0]}), Quantise(8)), [8, 4, 2])
    >>> [(rung.id, rung.rung[1]) for rung in rungs]
    [('weights 8 bits', 0.0078125), ('weights 4 bits', 0.125), ('weights 2 bits', 0.5)]
    """
    if type(lesion.how) not in NOISES:
        raise LesionPlanError(
            f"noise_ladder() needs a Stimulate, Noise, WeightNoise or Quantise lesion, got {lesion.how.label}. Type "
            "Lesion(roi, nl.Noise(1.0, intact))."
        )
    (what, at), sds = NOISES[type(lesion.how)], tuple(sds)
    if what != "sd" and n_draws > 1:
        raise LesionPlanError(f"n_draws={n_draws} given, but {lesion.how.label} draws nothing; type n_draws=1.")
    for value in sds:
        check_number(value, f"noise_ladder() {what}", 4 if what == "bits" else 0.5, whole=what == "bits")
    rungs = tuple(
        replace(
            lesion,
            name=RUNGS[what].format(name=lesion.name, value=value),
            how=at(lesion.how, value),
            draw=lesion.draw * n_draws + draw,  # the rungs of different controls stay apart
            rng=lesion.rng + draw,
            rung=(lesion.name, 2.0 ** (1 - value) if what == "bits" else float(value)),
        )
        for draw in range(n_draws)
        for value in sds
    )
    return _some(rungs, "noise_ladder", "[0.5, 1, 2]")


def pairs(lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """Get the union of every two of the lesions, named ``"A + B"``: what pairs lose that singles do not is redundancy.

    A pair of rungs of dose ladders carries their lesion ids in its name. Deficits of pairs against singles:
    ``nl.interaction``.

    Raises LesionPlanError when two lesions differ in their ablation (a union has one *how*), or one is no target.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> a, b = (Lesion(ROI(name, {"conv": [unit]}), Zero()) for unit, name in enumerate("ab"))
    >>> pairs([a, b])[0].name
    'a + b'
    """
    joined = []
    for lesion in lesions:
        if lesion.also:
            raise LesionPlanError(
                f"pairs() got {lesion.id!r}, which is done together with something else. Pair the lesions first: type "
                "[pair & noise for pair in nl.pairs([a, b])]."
            )
        if lesion.role != "target":
            raise LesionPlanError(
                f"pairs() got {lesion.id!r}, a {lesion.role}; expected targets. Type pairs([lesion_a, lesion_b])."
            )
    for a, b in itertools.combinations(lesions, 2):
        if a.how.digest != b.how.digest:
            raise LesionPlanError(
                f"{a.name!r} is {a.how.label} and {b.name!r} is {b.how.label} (or another reference); a pair needs one "
                "ablation. Use the same value for both."
            )
        roi = (a.roi | b.roi).renamed(f"{a.id} + {b.id}")
        joined.append(replace(a, roi=roi, name=roi.name, dose=1.0, draw=0, notes=(), rung=None))
    return tuple(joined)


def region(recording: xr.DataArray, *, name: str, site: str, units: Iterable[int] | None = None) -> ROI:
    """Get a region given from outside: all recorded units of a site, or those named.

    recording : whose neuroids the region is made of. name : of the region. site : an address in the recording.
    units : unit indices (the ``unit`` coordinate); None takes all. Returns the ROI, chosen on no stimuli.

    Example
    -------
    >>> from neurolab.recording import site_names
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(rng=0)
    >>> region(recording, name="first three", site=site_names(recording)[0], units=range(3)).n_units
    3
    """
    part = at_site(recording, site)
    mask = recording["site"].values == part["site"].values[0]
    if units is not None:
        mask &= np.isin(recording["unit"].values, list(units))
    return roi_from_mask(mask, recording, name=name, how_chosen="given")
