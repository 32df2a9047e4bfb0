"""The greedy localiser: the units whose joint loss costs a task most, found by lesioning and not by looking."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from neurolab.ablation import Ablation
from neurolab.errors import DesignError, amount
from neurolab.lesion import Lesion
from neurolab.lineage import weights_of
from neurolab.recording import site_names, stimuli_of
from neurolab.roi import ROI
from neurolab.schema import check_recording
from neurolab.trials import pick_task, with_specimen


def greedy_roi(
    ask: Callable[[Sequence[Lesion]], xr.Dataset],
    pool: xr.DataArray,
    how: Ablation,
    *,
    name: str,
    task: str,
    top: int | float,
    step: float = 0.016,
) -> ROI:
    """Get the region whose loss costs a task most, grown step by step: each adds the units that cost most by then.

    In each round every remaining unit is lesioned together with those already taken; the few that cost most join. The
    region remembers the stimuli of the task, so that it cannot be tested on them.

    Parameters
    ----------
    ask : lesions -> trials of one network on the stimuli that choose: ``functools.partial(nl.examine, specimen,
        tasks=[task])``. A graded score sees more than accuracy.
    pool : recording of the same network: the units to choose from; those with ``valid`` False are left out.
    how : the ablation. name : of the region. task : the name of the task that is to suffer.
    top : how many units, or which share of the pool (rounded, at least one).
    step : the share of the pool that joins in each round (at least one unit).

    Returns
    -------
    ROI of exactly as many units as asked for.

    Raises
    ------
    DesignError : more units than there are; trials of several networks.

    When this is invalid
    --------------------
    Units that stand in for one another cost nothing alone and are found late, or not at all.

    Source
    ------
    Dobs et al. 2022, doi:10.1126/sciadv.abl8913: filters ranked by the rise of training loss, dropped in groups.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> from neurolab.trials import make_trials
    >>> def ask(lesions):  # a network that needs its units 2 and 3
    ...     cost = [sum(len(set(units) & {2, 3}) for units in lesion.roi.units.values()) for lesion in lesions]
    ...     about = {"t": {"unit": "score", "bounded": False, "chance": 0.0}}
    ...     trial = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}
    ...     score = [[[-float(one * (lesion.role == "target"))] for one, lesion in zip(cost, lesions)]]
    ...     return make_trials(score, specimen=["net"], lesions=lesions, trial=trial, tasks=about, kind="simulated")
    >>> pool = phantom_recording(n_units=6, selective={}, rng=0)
    >>> [units.tolist() for units in greedy_roi(ask, pool, Zero(), name="area", task="t", top=2).units.values()]
    [[2, 3]]
    """
    check_recording(pool)
    free = _units(pool)
    wanted = max(1, int(top * len(free) + 0.5)) if isinstance(top, float) else int(top)
    at_once = max(1, int(step * len(free) + 0.5))
    if not 1 <= wanted <= len(free):
        raise DesignError(f"top={top} asks for {wanted} units; the pool has {len(free)}. Type top=0.1.")
    taken: list[tuple[str, int]] = []
    chosen_on: frozenset[str] = frozenset()
    while len(taken) < wanted:
        left = [unit for unit in free if unit not in set(taken)]
        lesions = [Lesion(_region(pool, [*taken, unit], f"{unit[0]}:{unit[1]}"), how) for unit in left]
        cost, chosen_on = _costs(ask, lesions, task)
        best = np.argsort(-cost, kind="stable")[: min(at_once, wanted - len(taken))]
        taken += [left[int(at)] for at in best]
    said = f"greedy: {amount(wanted, 'unit')}, {at_once} at a time, whose loss costs {task} most"
    return _region(pool, taken, name, chosen_on, said)


def _units(pool: xr.DataArray) -> list[tuple[str, int]]:
    """Every unit that may be chosen, as (site, unit)."""
    names = site_names(pool)
    valid = pool["valid"].values.astype(bool) if "valid" in pool.coords else np.ones(pool.sizes["neuroid"], dtype=bool)
    pairs = zip(pool["site"].values[valid], pool["unit"].values[valid])
    return [(names[int(site)], int(unit)) for site, unit in pairs]


def _region(
    pool: xr.DataArray,
    units: Sequence[tuple[str, int]],
    name: str,
    chosen_on: frozenset[str] = frozenset(),
    how_chosen: str = "",
) -> ROI:
    by_site: dict[str, list[int]] = {}
    for site, unit in units:
        by_site.setdefault(site, []).append(unit)
    arrays = {site: np.array(sorted(each)) for site, each in by_site.items()}
    who, weights = str(pool.attrs.get("specimen", "")), weights_of(pool)
    return ROI(name, arrays, chosen_on=chosen_on, how_chosen=how_chosen, specimen=who, weights=weights)


def _costs(
    ask: Callable[[Sequence[Lesion]], xr.Dataset], lesions: Sequence[Lesion], task: str
) -> tuple[np.ndarray, frozenset[str]]:
    """The mean deficit of each lesion, and the stimuli that measured it."""
    sham = Lesion(lesions[0].roi, lesions[0].how, role="sham")
    trials = with_specimen(ask([sham, *lesions]))
    if trials.sizes["specimen"] != 1:
        raise DesignError("greedy_roi() asks one network at a time: ask=partial(nl.examine, specimen, tasks=[task]).")
    where = pick_task(trials, task)
    score = trials["score"].transpose("specimen", "lesion", "trial").values[0][:, where].mean(axis=1)
    by_id = dict(zip(trials["lesion_id"].values.astype(str), score))
    cost = np.array([by_id[sham.id] - by_id[lesion.id] for lesion in lesions])
    return cost, frozenset(stimuli_of(trials.isel(trial=where)))
