"""What must be true of a recording, of trials and of a result; checked on the way in and on the way out."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from neurolab.errors import DataError, PartialTrialsError, SchemaError, did_you_mean, listed
from neurolab.neuroids import check_neuroids

__all__ = [
    "KINDS",
    "MEASURED_ON",
    "REGISTRARS",
    "RESULTS",
    "RESULT_ATTRS",
    "ROLES",
    "SAMPLES",
    "ResultSpec",
    "check_recording",
    "check_result",
    "check_trials",
    "joined_flags",
    "make_result",
    "plain_attrs",
    "register_result",
    "spec_of",
    "strings",
]
__dir__ = __all__.copy

#: What the attrs of every result say.
RESULT_ATTRS = (
    "analysis",
    "estimand",
    "test",
    "n",
    "generalises_over",
    "correction",
    "alternative",
    "level",
    "rng",
    "source",
    "inputs",
)
#: What a result may generalise over: the sample, never units or permutations.
SAMPLES = ("stimulus", "specimen", "subject", "control draw", "lesion draw", "run", "simulation")
#: The coordinate that goes with every number of a result that was measured on stimuli: their ids, as JSON.
MEASURED_ON = "measured_on"
#: The parts that a lesion can play in a design.
ROLES = ("target", "sham", "control")
#: Where a recording can come from.
KINDS = ("ann", "brain", "simulated")


@dataclass(frozen=True)
class ResultSpec:
    """What one analysis promises to return.

    variables : name -> dims, each of which must be there.
    tests : (p, effect, low, high, p_floor) names; a p never travels without the other four.
    """

    analysis: str
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tests: tuple[tuple[str, str, str, str, str], ...] = ()


#: Every registered result, by analysis; another package adds its own with :func:`register_result`.
RESULTS: dict[str, ResultSpec] = {}
#: The modules, and packages of modules, that register results when they are imported.
REGISTRARS = ["neurolab.analysis", "neurolab.screening"]


def register_result(
    analysis: str,
    variables: Mapping[str, tuple[str, ...]],
    tests: Iterable[tuple[str, str, str, str, str]] = (),
) -> ResultSpec:
    """Register what the result of an analysis looks like, so that it is checked when made and when loaded.

    Example
    -------
    >>> register_result("doctest", {"effect": ()}).analysis
    'doctest'
    """
    RESULTS[analysis] = ResultSpec(analysis, dict(variables), tuple(tests))
    return RESULTS[analysis]


def make_result(variables: Mapping[str, Any], *, coords: Mapping[str, Any] | None = None, **attrs: Any) -> xr.Dataset:
    """Get a checked result dataset; attributes become strings and numbers, lists and mappings become JSON.

    Parameters
    ----------
    variables : name -> value, ``(dims, array)`` or DataArray.
    coords : as for ``xarray.Dataset``.
    attrs : at least everything in ``RESULT_ATTRS``.

    A variable ``chosen_on`` (stimulus) is also kept as a scalar coordinate, which stays with each variable taken out.
    """
    known = dict(coords or {})
    if "chosen_on" in variables:
        known[MEASURED_ON] = json.dumps(list(map(str, xr.as_variable(variables["chosen_on"]).values)))
    return check_result(xr.Dataset(dict(variables), coords=known, attrs=plain_attrs(attrs)))


def plain_attrs(attrs: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Get attributes that netCDF and zarr can both hold: strings and numbers, the rest as JSON.

    Example
    -------
    >>> plain_attrs({"n": 8, "signed": True, "lesions": ["a", "b"]})
    {'n': 8, 'signed': 1, 'lesions': '["a", "b"]'}
    """
    plain: dict[str, str | int | float] = {}
    for name, value in attrs.items():
        if isinstance(value, (bool, np.bool_)):
            plain[name] = int(value)
        elif isinstance(value, (np.integer, np.floating)):
            plain[name] = value.item()
        elif isinstance(value, (str, int, float)):
            plain[name] = value
        elif value is None:
            plain[name] = ""
        else:
            plain[name] = json.dumps(value, default=_jsonable)
    return plain


def joined_flags(every: Iterable[Mapping[Any, Any]]) -> dict[str, str]:
    """Get what several attrs say against themselves as one: ``undermined_by`` and whom it is about (``flags_about``).

    Example
    -------
    >>> joined_flags([{}, {"undermined_by": '["Half."]', "flags_about": '{"Half.": {"task": ["X"]}}'}])["undermined_by"]
    '["Half."]'
    """
    said: dict[str, None] = {}
    about: dict[str, Any] = {}
    for attrs in every:
        text = str(attrs.get("undermined_by", ""))
        said |= dict.fromkeys(json.loads(text) if text.startswith("[") else filter(None, [text]))
        about |= json.loads(str(attrs.get("flags_about", "") or "{}"))
    return {"undermined_by": json.dumps(list(said)), "flags_about": json.dumps(about)} if said else {}


def _jsonable(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _learn() -> None:
    """Import every verb: a result may be read from a file before the verb that made it was used."""
    for package in REGISTRARS:
        place = getattr(importlib.import_module(package), "__path__", None)
        for module in pkgutil.iter_modules(place) if place is not None else ():
            importlib.import_module(f"{package}.{module.name}")


def spec_of(result: xr.Dataset) -> ResultSpec:
    """Get what is promised of results like this one, of which dimensions may be selected away."""
    name = str(result.attrs.get("analysis", ""))
    if name not in RESULTS:
        _learn()
    if name not in RESULTS:
        raise SchemaError(
            f"A result says analysis={name!r}, which is not registered.{did_you_mean(name, RESULTS)} "
            "Type register_result(analysis, variables) first."
        )
    return RESULTS[name]


def check_result(result: xr.Dataset) -> xr.Dataset:
    """Check a result against its registered specification and return it."""
    spec, name = spec_of(result), str(result.attrs["analysis"])
    missing = [attr for attr in RESULT_ATTRS if attr not in result.attrs]
    if missing:
        raise SchemaError(f"Result {name!r} lacks the attributes {listed(missing)}; pass each to make_result().")
    if result.attrs["generalises_over"] not in SAMPLES:
        raise SchemaError(
            f"Result {name!r} generalises over {result.attrs['generalises_over']!r}; expected one of {listed(SAMPLES)}."
        )
    for variable, dims in spec.variables.items():
        if variable not in result:
            raise SchemaError(f"Result {name!r} lacks the variable {variable!r}; it has {listed(result.variables)}.")
        if set(result[variable].dims) != set(dims):
            raise SchemaError(f"Result {name!r}: {variable!r} has dims {result[variable].dims}, expected {dims}.")
    for test in spec.tests:
        _check_test(result, name, test)
    return result


def _check_test(result: xr.Dataset, name: str, test: tuple[str, str, str, str, str]) -> None:
    p, *companions = test
    absent = [companion for companion in companions if companion not in result]
    if absent:
        raise SchemaError(f"Result {name!r} gives {p!r} without {listed(absent)}; a p never travels alone.")
    values = np.asarray(result[p], dtype=float)
    bad = ~np.isnan(values) & ((values <= 0) | (values > 1))
    if bad.any():
        raise SchemaError(f"Result {name!r}: {p!r} holds {values[bad][0]}; a p lies in (0, 1].")


def check_recording(recording: xr.DataArray) -> xr.DataArray:
    """Check dims, coordinates and attributes of a recording and return it."""
    if not isinstance(recording, xr.DataArray):
        raise SchemaError(
            f"Expected a recording (xarray.DataArray), got {type(recording).__name__}. Type nl.record(...) for a "
            "network, nl.brain.from_epochs(...) or nl.brain.from_masked_image(...) for a brain."
        )
    dims = tuple(str(dim) for dim in recording.dims)
    if dims not in (("presentation", "neuroid"), ("presentation", "neuroid", "time")):
        if set(dims) <= {"presentation", "neuroid", "time"} and {"presentation", "neuroid"} <= set(dims):
            raise SchemaError(
                f"The recording has dims {dims}; expected presentation x neuroid [x time]. Type "
                "recording.transpose('presentation', 'neuroid', ...)."
            )
        raise SchemaError(
            f"The recording has dims {dims}; expected ('presentation', 'neuroid'[, 'time']). Type "
            "nl.make_recording(values, presentation=..., neuroid=...)."
        )
    for coord, dim in (
        ("stimulus_id", "presentation"),
        ("condition", "presentation"),
        ("site", "neuroid"),
        ("unit", "neuroid"),
    ):
        if coord not in recording.coords or recording.coords[coord].dims != (dim,):
            raise SchemaError(
                f"The recording has no coordinate {coord!r} on {dim!r}; expected it. Type "
                f"recording.assign_coords({coord}=({dim!r}, ...))."
            )
    check_neuroids(recording)
    return recording


def check_trials(trials: xr.Dataset, *, partial: bool = False) -> xr.Dataset:
    """Check that a dataset can be read as trials (network, person or animal) and return it.

    partial : allow trials of which whole lesions are still to come; their scores are NaN and attrs["partial"] says why.
    """
    if not isinstance(trials, xr.Dataset) or "score" not in trials:
        raise SchemaError(
            f"Expected trials (a Dataset with a variable 'score'), got {type(trials).__name__}. Type "
            "nl.examine(specimen, lesions, tasks) or nl.make_trials(...)."
        )
    dims = set(map(str, trials["score"].dims))
    if not {"lesion", "trial"} <= dims or dims - {"specimen", "lesion", "trial"}:
        raise SchemaError(f"score has dims {trials['score'].dims}; expected ([specimen,] lesion, trial).")
    needed = {"lesion": ("lesion_id", "roi", "role", "dose", "draw"), "trial": ("task", "stimulus_id", "condition")}
    for dim, names in needed.items():
        missing = [name for name in names if name not in trials.coords]
        if missing:
            raise SchemaError(f"The trials lack the coordinates {listed(missing)} on {dim!r}; make_trials() adds them.")
    ids = list(map(str, trials["lesion_id"].values))
    if len(set(ids)) < len(ids):
        raise SchemaError("The trials hold a lesion_id more than once; each counts once. Type trials.isel(lesion="
                          "np.unique(trials.lesion_id, return_index=True)[1]).")
    strange = set(map(str, np.unique(trials["role"]))) - set(ROLES)
    if strange:
        raise SchemaError(f"The trials have the roles {listed(strange)}; expected each to be one of {listed(ROLES)}.")
    if trials.attrs.get("partial") and not partial:
        raise PartialTrialsError(
            f"These trials are partial: {trials.attrs['partial']}. Every analysis needs all lesions. Compute the rest "
            "with the same store=, or keep what is there in every network: type neurolab.trials.finished(trials)."
        )
    _check_finite(trials["score"], whole_lesions=bool(trials.attrs.get("partial")))
    return trials


def _check_finite(score: xr.DataArray, *, whole_lesions: bool = False) -> None:
    values = np.asarray(score, dtype=float)
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):  # no mask as large as an eighth of the scores where there is nothing to be found
            return
    bad = ~np.isfinite(values)
    if whole_lesions:  # a lesion that is still to come has no score at all; half a lesion is an error all the same
        bad &= ~np.asarray(score.isnull().all("trial").broadcast_like(score).transpose(*score.dims))
    if bad.any():
        where = {str(dim): int(index[0]) for dim, index in zip(score.dims, np.nonzero(bad))}
        raise DataError(
            f"{int(bad.sum())} of {bad.size} scores are NaN or inf, the first at {where}; expected numbers. Drop those "
            "trials in every lesion with trials.sel(trial=...), or mend the score."
        )


def strings(values: Any) -> np.ndarray:
    """Get an object array of ``str``: the one string dtype that netCDF, zarr and pandas all return unchanged."""
    return np.array([str(value) for value in np.ravel(np.asarray(values, dtype=object))], dtype=object).reshape(
        np.shape(np.asarray(values, dtype=object))
    )
