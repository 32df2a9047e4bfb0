"""Cases of a lesion-symptom map: who was lesioned where, what it cost, and what else is known; by id, never by luck."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.nuisance import regressors
from neurolab.analysis.whose import by_id, in_order
from neurolab.errors import (
    DataError,
    DesignError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    did_you_mean,
    listed,
)
from neurolab.schema import check_recording

#: What is done about lesion volume.
VOLUMES = ("covariate", "dtlvc", "none")
#: What the cases are, by the kind of the lesions, unless these say so themselves (attrs["sample"]).
SAMPLE_OF = {"brain": "subject", "ann": "lesion draw", "simulated": "subject"}
#: What several cases, one column, and all columns are called.
CALLED = {"subject": ("people", "voxel"), "lesion draw": ("random lesions", "unit")}
REPEATED = 0.1  # this share of random lesions may repeat another one; more would pass for cases that there are not
COLLINEAR = 1e-9  # the share of a covariate's variance that the others must leave


@dataclass(frozen=True, eq=False)
class Cases:
    """What a lesion map is made of, checked and in one order.

    lesioned (case, neuroid) uint8; score (case,); volume (case,), of the whole lesion; nuisance (case, k) float64,
    standardised; weights (case,) for dTLVC, else None; usable (neuroid,), False where marked bad.
    """

    lesioned: np.ndarray
    score: np.ndarray
    volume: np.ndarray
    nuisance: np.ndarray
    weights: np.ndarray | None
    usable: np.ndarray
    ids: list[str]
    name: str
    sample: str
    notes: tuple[str, ...]

    @property
    def plural(self) -> str:
        """What several cases are called."""
        return CALLED[self.sample][0]

    @property
    def column(self) -> str:
        """What one neuroid is called."""
        return CALLED[self.sample][1]

    @property
    def volume_r(self) -> float:
        """The correlation of volume and behaviour; NaN where all lesions have one size."""
        if np.ptp(self.volume) == 0:
            return float("nan")
        return float(np.corrcoef(self.volume, self.score)[0, 1])


def cases_of(lesions: xr.DataArray, behaviour: Any, *, covariates: Any, volume: str) -> Cases:
    """Get the cases of lesions (presentation x neuroid, 0/1) and of a behaviour with the same ids."""
    lesioned, ids = _lesioned(lesions)
    score, name, unused = _aligned(behaviour, ids)
    size = _volume(lesions, lesioned)
    said = [
        _once_each(lesioned, size, score) if _sample(lesions) == "lesion draw" else "",
        f"These have a behaviour but no lesion and were not used: {listed(unused)}." if unused else "",
        _empty(ids, size),
    ]
    parts, names = [], []
    if volume == "covariate" and np.ptp(size) > 0:
        parts, names = [size[:, None].astype(np.float64)], ["volume"]
    elif volume != "none" and np.ptp(size) == 0:
        said.append(f"All lesions have one volume ({size[0]:g}): the design controls it and the model need not.")
    if covariates is not None:
        more, more_names = _covariates(covariates, lesions, ids)
        parts, names = [*parts, more], [*names, *more_names]
    usable = lesions["valid"].values.astype(bool) if "valid" in lesions.coords else np.ones(lesioned.shape[1], bool)
    return Cases(
        lesioned, score, size, _standardised(parts, names, len(ids)), _weights(size) if volume == "dtlvc" else None,
        usable, ids, name, _sample(lesions), tuple(filter(None, said)),
    )  # fmt: skip


def _lesioned(lesions: xr.DataArray) -> tuple[np.ndarray, list[str]]:
    if not isinstance(lesions, xr.DataArray):
        raise SchemaError(
            f"symptom_map() got {type(lesions).__name__}; expected lesions, presentation x neuroid. Type "
            "nl.brain.from_lesion_masks(folder) for people, or lesions, deficit = nl.analysis.lesion_matrix(trials, "
            "task=...) for a network."
        )
    check_recording(lesions)
    if lesions.ndim != 2:
        raise SchemaError(f"The lesions have dims {lesions.dims}; a lesion has no time. Type lesions.isel(time=0).")
    values = np.asarray(lesions.values)
    if values.dtype == bool:
        values = values.view(np.uint8)
    elif not all(np.isin(row, (0, 1)).all() for row in values):
        raise DataError(
            "The lesions hold other numbers than 0 and 1, so that spared and lesioned are not told apart. Type "
            "(lesions > 0.5).astype('uint8'), or from_lesion_masks(folder, above=0.5), and say so."
        )
    ids = lesions["stimulus_id"].values.astype(str).tolist()
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise DataError(f"The lesions name {listed(twice)} more than once; each person or draw counts once.")
    return np.ascontiguousarray(values, dtype=np.uint8), ids


def _aligned(behaviour: Any, ids: list[str]) -> tuple[np.ndarray, str, list[str]]:
    """Behaviour in the order of the lesions, its name, and who has a behaviour but no lesion."""
    name = str(getattr(behaviour, "name", None) or "behaviour")
    if isinstance(behaviour, xr.DataArray) and "stimulus_id" in behaviour.coords:
        behaviour = pd.Series(behaviour.values, index=behaviour["stimulus_id"].values)
    elif isinstance(behaviour, xr.DataArray):
        behaviour = in_order(behaviour, ids, f"the behaviour {name!r}")
    unused: list[str] = []
    if isinstance(behaviour, pd.Series):
        behaviour, unused = by_id(behaviour, ids, f"the behaviour {name!r}")
    score = np.asarray(behaviour)
    if score.shape != (len(ids),) or score.dtype.kind not in "biuf":
        raise DataError(
            f"The behaviour has shape {score.shape} ({score.dtype}); expected one number for each of the {len(ids)} "
            "lesions: a pandas Series with their ids as index, or an array in their order."
        )
    score = score.astype(np.float64)
    bad = [one for one, fine in zip(ids, np.isfinite(score)) if not fine]
    if bad:
        raise DataError(
            f"The behaviour is missing (NaN or inf) for {len(bad)} of {len(ids)}: {listed(bad)}; nobody is dropped in "
            f"silence. Leave them out yourself: lesions.isel(presentation=~lesions.stimulus_id.isin({bad[:3]!r}))."
        )
    if score.max() == score.min():
        raise DataError(f"The behaviour is {score[0]:g} in all {len(ids)}; nothing can explain what does not vary.")
    return score, name, unused


def _volume(lesions: xr.DataArray, lesioned: np.ndarray) -> np.ndarray:
    """Volume of the whole lesion: what the reader counted, which may lie outside what is tested; else the row sums."""
    if "volume" in lesions.coords and lesions["volume"].dims == ("presentation",):
        size = np.asarray(lesions["volume"].values, dtype=np.float64)
        if not (np.isfinite(size).all() and (size >= 0).all()):
            raise DataError("The lesions' coordinate 'volume' holds NaN, inf or less than 0; drop it, or mend it.")
        return size
    return lesioned.sum(axis=1, dtype=np.int64).astype(np.float64)


def _weights(volume: np.ndarray) -> np.ndarray:
    """1 / sqrt(volume), 1 for a lesion of the median volume; 0 where nothing was lesioned."""
    some = volume > 0
    return np.sqrt(np.divide(np.median(volume[some]), volume, out=np.zeros_like(volume), where=some))


def _once_each(lesioned: np.ndarray, volume: np.ndarray, score: np.ndarray) -> str:
    """Say how many lesions of one network come again with the same deficit; more than a few are refused."""
    whole = lesioned.sum(axis=1, dtype=np.int64) == volume  # no part of it lies outside the map
    rows = np.column_stack((np.packbits(lesioned, axis=1), score.view(np.uint8).reshape(len(score), -1)))[whole]
    again = len(rows) - len(np.unique(rows, axis=0))
    said = f"{again} of {len(score)} random lesions repeat another one, units and deficit"
    if again > REPEATED * len(score):
        raise ReplicationUnitError(
            f"{said}: one network gives the same answer again, and counted as new cases they make false alarms (in "
            ".77 of null maps with each lesion three times). Give each once: type keep = np.unique(lesions, axis=0, "
            "return_index=True)[1] and symptom_map(lesions[keep], ...)."
        )
    return f"{said}." if again else ""


def _empty(ids: list[str], volume: np.ndarray) -> str:
    none = [one for one, size in zip(ids, volume) if size == 0]
    if len(none) == len(ids):
        raise DesignError("No case has any lesion; expected 1 where something is lesioned.")
    return f"Without any lesion: {listed(none)}." if none else ""


def _covariates(given: Any, lesions: xr.DataArray, ids: list[str]) -> tuple[np.ndarray, list[str]]:
    """Covariates as columns with names: coordinates by name, columns by id, or arrays in the lesions' order."""
    if isinstance(given, pd.Series):
        given = given.to_frame(str(given.name or "covariate"))
    if isinstance(given, xr.DataArray) and given.ndim == 1:
        given = {str(given.name or "covariate"): given}
    if isinstance(given, (pd.DataFrame, Mapping)):
        given = {
            str(name): by_id(given[name], ids, f"the covariate {name!r}")[0] if isinstance(given[name], pd.Series)
            else in_order(given[name], ids, f"the covariate {name!r}") for name in given
        }  # fmt: skip
    for name in [given] if isinstance(given, str) else given if isinstance(given, (list, tuple)) else ():
        known = [str(name) for name, coord in lesions.coords.items() if coord.dims == ("presentation",)]
        if isinstance(name, str) and name not in known:
            raise UnknownNameError(
                f"covariates name {name!r}, which the lesions do not have on presentation.{did_you_mean(name, known)} "
                f"They have {listed(known)}; or give a table: covariates=people[['{name}']]."
            )
    found = regressors(given, lesions, np.arange(len(ids)))
    named = [str(name) for name in ([given] if isinstance(given, str) else given)] if _names(given) else []
    whole = len(named) == found.shape[1]  # a text column is several
    return found, named if whole else [f"covariate column {k + 1}" for k in range(found.shape[1])]


def _names(given: Any) -> bool:
    listing = isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)
    return listing or isinstance(given, (str, Mapping))


def _standardised(parts: list[np.ndarray], names: list[str], n: int) -> np.ndarray:
    """Covariates with mean 0 and sd 1; one that the others already say is refused, by name."""
    found = np.concatenate(parts, axis=1) if parts else np.empty((n, 0))
    found = found - found.mean(axis=0)
    size = np.linalg.norm(found, axis=0)
    for at, name in enumerate(names):
        before = found[:, :at] / np.where(size[:at] > 0, size[:at], 1.0)
        rest = found[:, at] - before @ np.linalg.lstsq(before, found[:, at], rcond=None)[0] if at else found[:, at]
        if np.linalg.norm(rest) <= COLLINEAR * max(size[at], np.finfo(float).tiny):
            told = "is constant" if size[at] == 0 else f"is collinear with {listed(names[:at])}"
            raise DesignError(f"The covariate {name!r} {told}, so that it cannot be held apart; leave it out.")
    if n - 2 - found.shape[1] < 2:
        raise DesignError(f"{n} cases for {found.shape[1]} covariates; expected at least {found.shape[1] + 4} cases.")
    return found / (size / np.sqrt(n))


def _sample(lesions: xr.DataArray) -> str:
    given = str(lesions.attrs.get("sample", "") or SAMPLE_OF.get(str(lesions.attrs.get("kind", "")), "subject"))
    if given not in CALLED:
        raise SchemaError(f"The lesions say sample={given!r}; expected one of {listed(CALLED)}.")
    return given


def chosen_on(lesions: xr.DataArray, ids: list[str]) -> list[str]:
    """Get the stimuli that measured the deficits, where the lesions know them; else the cases themselves."""
    return [str(one) for one in json.loads(str(lesions.attrs.get("stimuli", "") or "[]"))] or ids
