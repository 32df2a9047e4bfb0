"""Lesions that changed no activity: what they leave unharmed is so because nothing was done to it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.analysis.draws import draws_label, draws_together
from neurolab.errors import listed

#: Sentence -> dim -> names, as ``flags`` has it.
Said = dict[str, dict[str, list[str]]]


def idle_flags(trials: xr.Dataset, rows: np.ndarray | None, called: tuple[str, str]) -> Said:
    """Get a sentence for the lesions among these rows that changed no activity in some networks, with their names.

    Nothing is said of shams and of rungs of strength 0, which do nothing by design, nor where trials do not know.

    trials : with dim specimen. rows : of the lesions that are used; None for all. called : what one member and several
        are called.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_specimens=8, rng=0)
    >>> did_nothing = trials.assign(vacuous=(("specimen", "lesion"), np.ones((8, 4), bool)))
    >>> list(idle_flags(did_nothing, np.array([0]), ("network", "networks")))
    ["The lesion 'A' changed no activity in 8 of 8 networks: it cannot say what the units do."]
    """
    if "vacuous" not in trials.variables:
        return {}
    vacuous = trials["vacuous"].broadcast_like(trials["specimen"]).transpose("specimen", "lesion")
    used = np.zeros(trials.sizes["lesion"], dtype=bool)
    used[slice(None) if rows is None else rows] = True
    used &= ~_at_strength_zero(trials)
    idle = (vacuous.values.astype(np.float64) > 0) & used  # NaN, where a network does not know, is none
    alike: dict[tuple[str, int, int, int], list[np.ndarray]] = {}
    for group in draws_together(trials) if idle.any() else ():
        ours = group[used[group]]
        if idle[:, ours].any():
            alike.setdefault((_controls(trials, ours), int(idle[:, ours].sum()), *idle[:, ours].shape), []).append(ours)
    said = {key: _sentence([_named(trials, ours[0]) for ours in of], *key, called) for key, of in alike.items()}
    return {said[key]: {"lesion": _names(trials, groups)} for key, groups in alike.items()}


def _at_strength_zero(trials: xr.Dataset) -> np.ndarray:
    """Which lesions (lesion,) are rungs of no strength."""
    return np.asarray(trials["rung"].values == 0) if "rung" in trials.coords else np.array(False)


def _controls(trials: xr.Dataset, rows: np.ndarray) -> str:
    """What these draws are called where they are controls; empty for targets."""
    if trials["role"].values[rows[0]] != "control":
        return ""
    return f"{trials['family'].values[rows[0]]} controls".strip()


def _sentence(names: list[str], controls: str, n_idle: int, n: int, n_draws: int, called: tuple[str, str]) -> str:
    """What lesions that did nothing equally often cannot say, of their targets' names; controls: empty for targets."""
    rois = listed(names, most=4) + (" each" if len(names) > 1 else "")
    one, several = called
    where = f"{n_idle} of {n} {several}" if n > 1 else f"the one {one}"
    if n_draws > 1:
        where = f"{n_idle} of {n * n_draws} cases ({several} × draws)"
    there = "" if n_idle == n * n_draws else "there "
    if controls:
        return f"The {controls} of {rois} changed no activity in {where}: {there}they can cost nothing."
    who, they = ("The lesion", "it") if len(names) == 1 else ("The lesions", "they")
    return f"{who} {rois} changed no activity in {where}: {there}{they} cannot say what the units do."


def _named(trials: xr.Dataset, row: int) -> str:
    """The name that one types for a lesion, with its dose where that is not full."""
    dose = float(trials["dose"].values[row])
    return f"{trials['roi'].values[row]}{'' if dose == 1 else f' at dose {dose:g}'}"


def _names(trials: xr.Dataset, groups: list[np.ndarray]) -> list[str]:
    """All that these lesions may be called in a result; controls by their label alone, not by their target's name."""
    names = [draws_label(trials, group) for group in groups]
    targets = [group for group in groups if trials["role"].values[group[0]] == "target"]
    names += [str(trials[name].values[row]) for group in targets for row in group for name in ("roi", "lesion_id")]
    return list(dict.fromkeys(names))
