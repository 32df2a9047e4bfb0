"""Choose here, test there, over folds: every stimulus is tested exactly once, by a region that it did not choose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.chance import RNG, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DoubleDippingError, ProtocolError, SchemaError, listed
from neurolab.schema import check_trials, strings
from neurolab.stimuli import StimulusSet
from neurolab.trials import task_table, with_specimen

Procedure = Callable[[StimulusSet, StimulusSet], xr.Dataset]

#: How what is said per network and lesion in each fold becomes one value; anything else is averaged.
JOINED_BY: dict[str, Callable[..., np.ndarray]] = {
    "certificate_fired": np.sum,
    "certificate_downstream": np.min,
    "certificate_off_distribution": np.max,
    "vacuous": np.any,
}


def cross_fit(
    procedure: Procedure,
    stimuli: StimulusSet,
    *,
    n_folds: int = 2,
    by: str = "condition",
    group: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get trials in which every stimulus was tested once, by lesions that were chosen on the other folds.

    Parameters
    ----------
    procedure : ``procedure(choose, test) -> Trials``: localise and plan the lesions on ``choose``, examine on ``test``.
        It must give the same lesions (by ``lesion_id``) and tasks in every fold; their units may differ.
    stimuli : shared out into ``n_folds`` parts of about the same size, each with its share of every value of ``by``.
    group : a column of matched items that stay together.
    rng : integer or Generator, of the sharing out; the procedure has its own.

    Returns
    -------
    Trials, the folds one after another along ``trial``, which gets a coordinate ``fold``. What is said per network and
    lesion is joined: digests are digested, ``vacuous`` is true when it was in any fold, shares are averaged.

    When this is invalid
    --------------------
    The lesion of a fold is another set of units: an effect is that of the *procedure*, not of one region. With few
    stimuli the folds share most of what they choose on, so folds are no sample.

    Source
    ------
    Leave-one-run-out localisers: Kriegeskorte et al. 2009, doi:10.1038/nn.2303.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.simulate import phantom_trials
    >>> whole = phantom_trials(n_stimuli=10, rng=0)
    >>> ids = list(dict.fromkeys(map(str, whole["stimulus_id"].values)))
    >>> table = pd.DataFrame({"stimulus_id": ids, "condition": "a"})
    >>> stimuli = StimulusSet("all", np.zeros((len(ids), 1)), table)
    >>> def procedure(choose, test):  # yours: localise on choose, nl.examine on test
    ...     return whole.isel(trial=np.isin(whole["stimulus_id"].values.astype(str), test.ids))
    >>> trials = cross_fit(procedure, stimuli, n_folds=2, rng=0)
    >>> trials.sizes["trial"] == whole.sizes["trial"], sorted(set(trials["fold"].values.tolist()))
    (True, [0, 1])
    """
    parts = []
    for number, test in enumerate(stimuli.split(n_folds, by=by, group=group, rng=rng)):
        choose = stimuli.take(~np.isin(np.array(stimuli.ids, dtype=object), np.array(test.ids, dtype=object)))
        trials = with_specimen(procedure(choose, test))
        _check_fold(trials, choose, test, number)
        parts.append(trials.assign_coords(fold=("trial", np.full(trials.sizes["trial"], number))))
    _check_alike(parts)
    return check_trials(_join(parts).assign_attrs(folds=n_folds, folds_rng=rng_name(rng)))


def _check_fold(trials: xr.Dataset, choose: StimulusSet, test: StimulusSet, number: int) -> None:
    tested = [str(identity) for identity in trials["stimulus_id"].values]
    leaked = sorted(set(tested) & set(choose.ids))
    if leaked:
        raise DoubleDippingError(
            f"In fold {number} the procedure tested {listed(leaked, most=4)}, which it was given to choose on. Use its "
            "second argument in every Task: def procedure(choose, test): ..."
        )
    strange = sorted(set(tested) - set(test.ids))
    if strange:
        raise ProtocolError(
            f"In fold {number} the procedure tested {listed(strange, most=4)}, which are not of this stimulus set; "
            "expected "
            "stimuli of its second argument."
        )
    pairs = list(zip(map(str, trials["task"].values), tested))
    if len(set(pairs)) != len(pairs):
        raise ProtocolError(f"In fold {number} a stimulus was tested twice in one task; expected each once.")


def _check_alike(parts: Sequence[xr.Dataset]) -> None:
    first = parts[0]
    for number, other in enumerate(parts[1:], start=1):
        for name in ("lesion_id", "specimen"):
            here, there = list(first[name].values), list(other[name].values)
            if here != there:
                odd = [value for value in there if value not in here] or [value for value in here if value not in there]
                raise SchemaError(
                    f"Fold {number} has another {name} than fold 0 ({listed(odd, most=4, empty='another order')}); "
                    "expected the "
                    "same in every fold. Name lesions by what they are, not by the units that were found."
                )
        if set(task_table(first)) != set(task_table(other)):
            raise SchemaError(
                f"Fold {number} has the tasks {listed(task_table(other))}, fold 0 {listed(task_table(first))}."
            )


def _join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    shared = [name for name, value in parts[0].variables.items() if "trial" not in value.dims and name != "specimen"]
    joined = xr.concat(
        [part.drop_vars(shared) for part in parts], dim="trial", data_vars="all", coords="minimal", compat="override",
        join="override", combine_attrs="override",
    )  # fmt: skip
    for name in shared:
        every = [part[name] for part in parts]
        whole = every[0].copy(data=_joined(str(name), [one.values for one in every]))
        joined = joined.assign_coords({name: whole}) if name in parts[0].coords else joined.assign({name: whole})
    return joined.assign_attrs(tasks=json.dumps(_tasks(parts)))


def _joined(name: str, values: Sequence[np.ndarray]) -> np.ndarray:
    if all(np.array_equal(values[0], other) for other in values[1:]):
        return values[0]
    stack = np.stack(values)
    if name == "certificate_path":
        return strings(["; ".join(dict.fromkeys(column)) for column in stack.reshape(len(values), -1).T]).reshape(
            values[0].shape)
    if stack.dtype.kind in "OUS":
        return strings([digest_of(*column) for column in stack.reshape(len(values), -1).T]).reshape(values[0].shape)
    return JOINED_BY.get(name, np.mean)(stack, axis=0)


def _tasks(parts: Sequence[xr.Dataset]) -> dict[str, Any]:
    """The task table; a chance level that differs between folds is averaged."""
    tables = [task_table(part) for part in parts]
    tasks = tables[0]
    for name, about in tasks.items():
        levels = [table[name].get("chance") for table in tables]
        known = [float(one) for one in levels if isinstance(one, (int, float))]
        if len(known) == len(levels):
            about["chance"] = sum(known) / len(known)
    return tasks
