"""Half of the stimuli to pick on, half to measure on: one split for all tasks, matched stimuli whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.trials import pick_task


def picking_half(trials: xr.Dataset, tasks: Sequence[str], rng: RNG) -> np.ndarray:
    """Get which trials (of two tasks) pick; the others measure. No stimulus, and no matched group, does both.

    The split is over the union of the stimuli of both tasks, so that tasks on the same images do not pick on what they
    measure. Half of each task's stimuli pick, to one stimulus (or group). A trial coordinate ``group`` names matched
    stimuli, which stay together; "" and "nan" are no group.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> pick = picking_half(phantom_trials(n_stimuli=6, rng=0), ("X", "Y"), 0)
    >>> int(pick.sum()), pick.size
    (6, 12)
    """
    whole = _wholes(trials)
    of_task = [np.isin(np.arange(whole.max() + 1), whole[pick_task(trials, task)]) for task in tasks]
    for task, there in zip(tasks, of_task):
        if there.sum() < 2:
            raise DesignError(
                f"Task {task!r} has {int(there.sum())} stimulus (or matched group); a pair is picked on one half of "
                "the stimuli and measured on the other, so expected two or more, better 40. Examine it on more stimuli."
            )
    first, second = of_task
    order = generator(rng, "picked halves").permutation(np.flatnonzero(first | second))
    # those of the first task only, of both, of the second only: each task is a run, of which every other one picks
    order = order[np.argsort(second[order].astype(int) - first[order], kind="stable")]
    return np.isin(whole, order[1::2])


def _wholes(trials: xr.Dataset) -> np.ndarray:
    """For each trial the number of its stimulus, or of the stimuli that are tied to it by their groups."""
    names, stimulus = np.unique(trials["stimulus_id"].values.astype(str), return_inverse=True)
    if "group" not in trials.coords:
        return stimulus
    given = trials["group"].values.astype(str)
    groups, group = np.unique(given, return_inverse=True)
    named, n = ~np.isin(given, ("", "nan")), len(names) + len(groups)
    ties = coo_array((np.ones(named.sum()), (stimulus[named], len(names) + group[named])), shape=(n, n))
    return connected_components(ties, directed=False)[1][stimulus]
