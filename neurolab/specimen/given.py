"""What was given to a verb as its network, checked before anything is done: a bare model is no specimen yet."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from neurolab.errors import DataError, LesionPlanError, SpecimenError
from neurolab.lesion import Lesion
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.stimuli import StimulusSet


def check_specimen(given: Any, verb: str, *, each: str = "") -> None:
    """Raise SpecimenError where what was given is no Specimen, and say what to type.

    verb : the function that got it. each : what to type for a Cohort; without it a list becomes a Cohort.

    Example
    -------
    >>> check_specimen([1, 2], "examine")
    Traceback (most recent call last):
    neurolab.errors.SpecimenError: examine() got a list; expected a Specimen or a Cohort. Type nl.Cohort([...]).
    """
    if isinstance(given, Specimen):
        return
    kind, expected = type(given).__name__, "a Specimen" if each else "a Specimen or a Cohort"
    if isinstance(given, (Cohort, list, tuple)):
        said = each or "nl.Cohort([...])"
    else:
        said = "nl.Specimen(model, batch), where batch is one example of its inputs (n, ...)"
    raise SpecimenError(f"{verb}() got a {kind}; expected {expected}. Type {said}.")


def check_stimuli(given: Any, verb: str) -> None:
    """Raise DataError where what was given is no StimulusSet.

    Example
    -------
    >>> check_stimuli([1, 2], "record")
    Traceback (most recent call last):
    neurolab.errors.DataError: record() got a list as its stimuli. Type nl.StimulusSet(name, array, table).
    """
    if not isinstance(given, StimulusSet):
        kind = type(given).__name__
        raise DataError(f"{verb}() got a {kind} as its stimuli. Type nl.StimulusSet(name, array, table).")


def lesions_of(given: Any, verb: str) -> tuple[Lesion, ...]:
    """Get the lesions that a verb was given, one or a sequence; raises LesionPlanError where they are none."""
    every = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    strange = [one for one in every if not isinstance(one, Lesion)]
    if strange:
        raise LesionPlanError(
            f"{verb}() got {type(strange[0]).__name__} among the lesions; expected Lesion values in one flat sequence. "
            "Type [nl.Lesion(roi, how), ...], or [*a, *b] to join designs."
        )
    return every


def design_for(specimen: Specimen, lesions: Sequence[Lesion] | Callable[[Specimen], Sequence[Lesion]]) -> Any:
    """Get the design of a network: as it was given, or from the function that finds it.

    Raises
    ------
    LesionPlanError : a function that cannot be called with one network, or that gives no lesions. What it raises itself
        carries the network's name as a note.
    """
    if not callable(lesions):
        return lesions
    name = getattr(lesions, "__name__", type(lesions).__name__)
    way = "Type def design(network): return [nl.Lesion(...), ...]."
    try:
        with suppress(ValueError):  # built in: it does not say what it takes
            inspect.signature(lesions).bind(specimen)
    except TypeError as no:
        raise LesionPlanError(f"The design function {name!r} cannot be called with one network: {no}. {way}") from None
    try:
        design = lesions(specimen)
    except Exception as error:
        error.add_note(f"The design function {name!r} raised this for the network {specimen.name!r}.")
        raise
    if not isinstance(design, (Lesion, Iterable)):
        raise LesionPlanError(
            f"The design function {name!r} gave {type(design).__name__} for {specimen.name!r}; expected its lesions. "
            f"{way}"
        )
    return design
