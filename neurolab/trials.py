"""Trials: one score per network (or person), lesion and stimulus; a patient's table is the same thing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import (
    DataError,
    PartialTrialsError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    did_you_mean,
    listed,
)
from neurolab.ids import table_ids
from neurolab.lesion import Lesion
from neurolab.lesion_columns import LADDER_COLUMNS, LESION_COLUMNS, along_lesions, check_lesion_columns, lesion_table
from neurolab.schema import KINDS, check_trials, joined_flags, plain_attrs, strings

__all__ = ["concat", "finished", "make_trials", "pick_task", "task_table", "to_frame", "with_specimen"]
__dir__ = __all__.copy

#: A mean of scores may lie so far outside its bounds.
ROUNDING = 1e-6


def make_trials(
    score: Any,
    *,
    specimen: Sequence[str],
    lesions: Sequence[Lesion] | pd.DataFrame | Mapping[str, Any],
    trial: pd.DataFrame | Mapping[str, Any],
    tasks: Mapping[str, Mapping[str, Any]],
    kind: str,
    per_lesion: Mapping[str, Any] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Get checked trials from plain arrays: a network's, an animal's or a patient's.

    Parameters
    ----------
    score : (n_specimens, n_lesions, n_trials) numbers, higher is better.
    specimen : names of the networks or people; the sample.
    lesions : Lesion values, or a table with ``lesion_id, roi, role`` and optionally ``family, how, dose, draw,
        n_units``, ``ladder`` and ``rung`` (its name and the strength, for doses that are no share of units). A healthy
        state has role "sham". A single lesion without role is a target, as is each row where all are rungs of ladders.
    trial : columns ``task, stimulus_id, condition`` and any others.
    tasks : task -> ``{"unit": str, "bounded": bool, "chance": float | None}``. A bounded score lies between 0 and 1.
    kind : "ann", "brain" or "simulated".
    per_lesion : further variables (n_specimens, n_lesions): digests, certificates.

    Example
    -------
    >>> trials = make_trials([[[1, 0], [0, 0]]], specimen=["net"], kind="simulated",
    ...     lesions={"lesion_id": ["sham", "cut"], "roi": ["cut", "cut"], "role": ["sham", "target"]},
    ...     trial={"task": ["t", "t"], "stimulus_id": ["a", "b"], "condition": ["x", "x"]},
    ...     tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.5}})
    >>> dict(trials.sizes)
    {'specimen': 1, 'lesion': 2, 'trial': 2}
    """
    values = np.asarray(score, dtype=np.float64)
    if kind not in KINDS:
        raise SchemaError(f"kind was {kind!r}; expected one of {listed(KINDS)}.{did_you_mean(kind, KINDS)}")
    table = pd.DataFrame(lesions) if isinstance(lesions, (pd.DataFrame, Mapping)) else lesion_table(lesions)
    rows = pd.DataFrame(trial)
    rows = rows.assign(**{name: table_ids(rows[name]) for name in ("stimulus_id", "unmarked") if name in rows})
    columns = LESION_COLUMNS | {name: default for name, default in LADDER_COLUMNS.items() if name in table}
    names = [str(name) for name in specimen]
    _check_names(names, table, rows, columns, tasks)
    expected = (len(names), len(table), len(rows))
    if values.shape != expected:
        raise SchemaError(f"score has shape {values.shape}; expected (specimens, lesions, trials) = {expected}.")
    for name, known in tasks.items():
        _check_scale(str(name), known, values[..., np.flatnonzero(rows.get("task", ()) == name)])
    coords: dict[str, Any] = {"specimen": ("specimen", strings(names)), **along_lesions(table, columns)}
    coords |= {str(label): ("trial", _plain(rows[label])) for label in rows}
    variables: dict[str, Any] = {"score": (("specimen", "lesion", "trial"), values)}
    variables |= {name: (("specimen", "lesion"), _plain(cells)) for name, cells in dict(per_lesion or {}).items()}
    about = {"kind": kind, "source": "", "rng": "", "override": "", **dict(attrs or {}), "tasks": dict(tasks)}
    made = xr.Dataset(variables, coords=coords, attrs=plain_attrs(about))
    if not pd.Index(made["lesion_id"].values).is_unique:
        raise SchemaError("The trials repeat a lesion_id; expected each lesion once.")
    return check_trials(made, partial=True)


def _check_names(
    names: list[str], table: pd.DataFrame, rows: pd.DataFrame, columns: Mapping[str, Any], tasks: Mapping[str, Any]
) -> None:
    """Refuse names that are taken, twice there, missing, or not described."""
    taken = [str(name) for name in rows if str(name) in (*columns, "specimen", "lesion", "trial", "score")]
    if taken:
        raise SchemaError(
            f"The trial table has the columns {listed(taken)}, which name lesions or specimens in trials. Rename them: "
            f"table.rename(columns={{{taken[0]!r}: 'stimulus_{taken[0]}'}})."
        )
    if len(set(names)) != len(names):
        raise ReplicationUnitError(
            f"The specimens {listed(names)} repeat a name; each network or person counts once in the sample. Give "
            "every network its own name, or average the repeats of one network first."
        )
    check_lesion_columns(table)
    unknown = [name for name in dict.fromkeys(map(str, rows.get("task", ()))) if name not in tasks]
    if unknown:
        raise SchemaError(f"tasks= describes {listed(tasks)} but the trials have {listed(unknown)} too; describe them.")


def _check_scale(task: str, known: Mapping[str, Any], values: np.ndarray) -> None:
    """Refuse a chance level that is no number, and scores and chance outside [0, 1] of a task that says it is bounded.

    NaN are scores that are still missing.
    """
    chance = known.get("chance")
    if chance is not None and (isinstance(chance, (str, bool)) or not np.isfinite(np.float64(chance))):
        raise SchemaError(f"Task {task!r} has chance={chance!r}; expected a number, such as 0.5, or None if unknown.")
    if not known.get("bounded"):
        return
    ends = [float(end(values)) for end in (np.nanmin, np.nanmax)] if np.isfinite(values).any() else [0.0]
    ends += [] if chance is None else [float(chance)]
    if min(ends) < -ROUNDING or max(ends) > 1 + ROUNDING:
        raise DataError(
            f"Task {task!r} says that it is bounded and holds numbers from {min(ends):g} to {max(ends):g}; a bounded "
            "score and its chance level lie between 0 and 1. Divide percentages by 100, or type 'bounded': False."
        )


def _plain(cells: Any) -> np.ndarray:
    """Cells as an array, text as it can be saved."""
    values = np.asarray(cells)
    return strings(values) if values.dtype.kind in "OUT" else values


def task_table(trials: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Get what is known of each task: unit, bounded, chance."""
    return json.loads(trials.attrs["tasks"])


def with_specimen(trials: xr.Dataset, *, partial: bool = False) -> xr.Dataset:
    """Get checked trials with the dims specimen (of one, where there was none), lesion and trial, in this order."""
    check_trials(trials, partial=partial)
    if "specimen" not in trials.dims:
        name = str(trials.attrs.get("specimen", "specimen"))
        lifted = [variable for variable in trials.data_vars if "lesion" in trials[variable].dims]
        trials = trials.assign({v: trials[v].expand_dims(specimen=[name]) for v in lifted})
    return trials.transpose("specimen", "lesion", "trial", ...)


def concat(trials: Iterable[xr.Dataset]) -> xr.Dataset:
    """Get the trials of several specimens as one dataset, along ``specimen``.

    The lesions must be homologous (the same ``lesion_id`` in every network) and the trials the same; their units may
    differ per network.

    Raises
    ------
    SchemaError : other lesions or other trials in one of them, with what differs.
    ReplicationUnitError : a specimen that comes twice.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> whole = phantom_trials(n_specimens=4, rng=0)
    >>> concat([whole.isel(specimen=[0, 1]), whole.isel(specimen=[2, 3])]).sizes["specimen"]
    4
    """
    every = [with_specimen(one, partial=True) for one in trials]
    if not every:
        raise DataError("concat() got no trials; expected at least one dataset from nl.examine().")
    first = every[0]
    for other in every[1:]:
        _check_homologous(first, other)
    names = [str(name) for one in every for name in one["specimen"].values]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ReplicationUnitError(
            f"concat() got the specimens {listed(twice)} more than once; one network counts once in the sample. Give "
            "each network its own name."
        )
    joined = xr.concat(
        [one.drop_vars("n_units") for one in every], dim="specimen", data_vars="all", coords="minimal",
        compat="override", join="override", combine_attrs="override",
    )  # fmt: skip
    return joined.assign_coords(n_units=_joined_sizes(every)).assign_attrs(_joined_attrs(every))


def _joined_sizes(every: list[xr.Dataset]) -> xr.DataArray:
    """n_units on lesion where all networks agree, else on (specimen, lesion)."""
    sizes = [(one["n_units"].values, (one.sizes["specimen"], one.sizes["lesion"])) for one in every]
    rows = np.concatenate([np.broadcast_to(values, shape) for values, shape in sizes])
    same = (rows == rows[0]).all()
    return xr.DataArray(rows[0], dims="lesion") if same else xr.DataArray(rows, dims=("specimen", "lesion"))


def _joined_attrs(every: list[xr.Dataset]) -> dict[str, Any]:
    attrs = dict(every[0].attrs)
    for name in ("override", "source", "rng", "partial"):
        attrs[name] = "; ".join(filter(None, dict.fromkeys(str(one.attrs.get(name, "")) for one in every)))
    failed = {f"{one['specimen'].values[0]}: " * (one.sizes["specimen"] == 1) + lesion: why for one in every
              for lesion, why in json.loads(str(one.attrs.get("failed") or "{}")).items()}  # fmt: skip
    attrs |= ({"failed": json.dumps(failed)} if failed else {}) | joined_flags([one.attrs for one in every])
    return attrs if attrs["partial"] else {name: said for name, said in attrs.items() if name != "partial"}


def finished(trials: xr.Dataset) -> xr.Dataset:
    """Get the lesions of partial trials that are there in every network; whole trials come back as they are.

    Every result of what is kept says in ``undermined_by`` what was missing.

    Raises
    ------
    PartialTrialsError : no lesion is there in every network.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_specimens=2, rng=0)
    >>> waiting = trials.assign(score=trials["score"].where(trials["role"] != "control"))
    >>> sorted(set(finished(waiting.assign_attrs(partial="shard 1/2"))["role"].values))
    ['sham', 'target']
    """
    check_trials(trials, partial=True)
    if not trials.attrs.get("partial"):
        return trials
    there = ~trials["score"].isnull().any([dim for dim in trials["score"].dims if dim != "lesion"])
    if not there.any():
        raise PartialTrialsError(f"No lesion is there in every network: {trials.attrs['partial']}.")
    kept = trials.isel(lesion=np.flatnonzero(there.values))
    said = {"undermined_by": json.dumps([f"Not all was examined: {trials.attrs['partial']}."])}
    kept.attrs = {name: about for name, about in trials.attrs.items() if name != "partial"}
    kept.attrs |= joined_flags([trials.attrs, said])
    return check_trials(kept)


def _check_homologous(first: xr.Dataset, other: xr.Dataset) -> None:
    who = f"specimen {other['specimen'].values[0]!r}", f"{first['specimen'].values[0]!r}"
    for name in ("kind", "tasks", "inputs"):
        here, there = str(first.attrs.get(name, "")), str(other.attrs.get(name, ""))
        if here and there and here != there:
            raise SchemaError(
                f"concat(): {who[0]} has other {name} than {who[1]} ({there[:90]} against {here[:90]}); expected the "
                "same tasks, scored alike on the same stimuli, in every network."
            )
    for dim, names in (("lesion", ("lesion_id", "how")), ("trial", ("task", "stimulus_id", "condition"))):
        for name in names:
            a, b = list(first[name].values), list(other[name].values)
            if a == b:
                continue
            only = [str(x) for x in a if x not in set(b)] + [str(x) for x in b if x not in set(a)]
            raise SchemaError(
                f"concat(): {who[0]} has another {name} on {dim!r} than {who[1]}"
                + (f" (not in both: {listed(only, most=4)})" if only else " (another order)")
                + "; examine every network with the same lesion names and tasks."
            )


def pick_task(trials: xr.Dataset, name: str) -> np.ndarray:
    """Get the positions of a task's trials; near misses are suggested."""
    hits = np.flatnonzero(trials["task"].values == name)
    if len(hits) == 0:
        own = list(dict.fromkeys(map(str, trials["task"].values)))
        raise UnknownNameError(f"The trials have no task {name!r}.{did_you_mean(name, own)} They have {listed(own)}.")
    return hits


def to_frame(trials: xr.Dataset) -> pd.DataFrame:
    """Get the tidy table that seaborn and statsmodels speak: one row per specimen, lesion and trial.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> table = to_frame(phantom_trials(n_specimens=2, rng=0))
    >>> {"specimen", "lesion_id", "task", "stimulus_id", "score"} <= set(table)
    True
    """
    check_trials(trials)
    keep = [name for name in trials.coords if set(trials[name].dims) <= {"specimen", "lesion", "trial"}]
    flat = trials[["score"]].reset_coords(drop=True).assign_coords({name: trials[name] for name in keep})
    return flat.to_dataframe().reset_index()
