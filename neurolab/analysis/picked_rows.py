"""The lesions that a picked pair is compared with: which of them are as good as the candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurolab.analysis.best_pair import Group
from neurolab.analysis.sample import mean_over, target_rows
from neurolab.errors import DesignError, listed


def rows_and_groups(
    trials: xr.Dataset, candidates: Sequence[str], pool: str | Sequence[str]
) -> tuple[np.ndarray, list[Group]]:
    """Get the rows of the candidates, then of the pool; and which of these are as good as each other.

    candidates, pool : as for ``picked_dissociation``.

    Returns
    -------
    Rows (n,) of the trials; and groups of positions among these, each with how many of them are candidates.

    Raises
    ------
    DesignError : fewer than two candidates, a smaller pool, or controls of some candidates only.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> rows, groups = rows_and_groups(phantom_trials(n_controls=2, rng=0), ["A", "B"], "matched")
    >>> [(group.tolist(), picked) for group, picked in groups]
    [([0, 2, 3], 1), ([1, 4, 5], 1)]
    """
    first = _named(trials, candidates)
    if len(first) < 2:
        raise DesignError(
            "candidates= names fewer than two lesions; a pair was picked, so name all it was picked from."
        )
    if isinstance(pool, str):
        families, roles = trials["family"].values.astype(str), trials["role"].values.astype(str)
        rest = np.setdiff1d(np.flatnonzero((families == pool) & (roles != "sham")), first)
        own = np.isin(_kin(trials, rest), _kin(trials, first))
        rest = rest[own] if own.any() else rest  # not the controls of others, or of another dose
    else:
        rest = np.setdiff1d(_named(trials, pool), first)
    rows, kin = np.concatenate([first, rest]), _kin(trials, np.concatenate([first, rest]))
    ours, theirs = kin[: len(first)], kin[len(first) :]
    if np.isin(theirs, ours).any():
        _check_own(trials["lesion_id"].values.astype(str)[rows], ours, theirs)
        return rows, [(np.flatnonzero(kin == one), int((ours == one).sum())) for one in dict.fromkeys(ours)]
    if len(rest) < len(first):
        raise DesignError(
            f"The pool holds {len(rest)} lesions and there are {len(first)} candidates; expected at least as many "
            "random lesions, matched to the candidates. Draw them with nl.random_lesions(...) or "
            "nl.matched_controls(...) and examine them on the same tasks."
        )
    return rows, [(np.arange(len(rows)), len(first))]


def _kin(trials: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    """What a lesion shares with its own controls: the name and the dose."""
    doses = trials["dose"].values[rows]
    return np.array([f"{name} at {dose:g}" for name, dose in zip(trials["roi"].values[rows], doses)], dtype=str)


def _check_own(names: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> None:
    """Refuse a pool that holds controls of some candidates, and none of others, or other lesions beside them."""
    few = [str(name) for name, one in zip(names, ours) if (theirs == one).sum() < (ours == one).sum()]
    other = [str(name) for name, one in zip(names[len(ours) :], theirs) if one not in ours]
    if few or other:
        has = f"too few of {listed(few)}" if few else f"{listed(other)}, which are of no candidate"
        raise DesignError(
            f"The pool holds controls of some candidates, and {has} (a control has its candidate's name and dose); so "
            "lesions of the pool are not as good as the candidates. Draw nl.matched_controls(lesion, recording, 19, "
            "rng=0) for every candidate, or name a pool that was drawn for none of them."
        )


def unlike(trials: xr.Dataset, rows: np.ndarray, groups: list[Group]) -> list[str]:
    """Get what the trials know that keeps the pool from being as good as the candidates, as sentences.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_controls=2, rng=0)
    >>> unlike(trials, *rows_and_groups(trials, ["A", "B"], "matched"))
    []
    """
    k, roles, rois = sum(n for _, n in groups), trials["role"].values[rows], trials["roi"].values[rows].astype(str)
    units = [mean_over(trials, "n_units", some) for some in (rows[:k], rows[k:])]
    said = []
    if np.isfinite(units).all() and not np.isclose(units[0], units[1]):
        said.append(f"Candidates and pool differ in size ({units[0]:.4g} and {units[1]:.4g} units on average).")
    others = [str(one) for one in dict.fromkeys(rois[k:][roles[k:] == "control"]) if one not in rois[:k]]
    if others:
        said.append(f"The pool holds controls of {listed(others)}, not of the candidates: they may differ in site.")
    return said


def _named(trials: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """What ``target_rows`` gives for each of many names, each row once: the tables are read once, not per name."""
    rows: dict[str, list[int]] = {}
    dose = trials["dose"].values
    for row, (roi, role) in enumerate(zip(trials["roi"].values.astype(str), trials["role"].values.astype(str))):
        if role == "target":
            rows.setdefault(roi, []).append(row)
    found: list[int] = []
    for name in names:
        ours = rows.get(str(name), [])
        found += ours if len(ours) == 1 and dose[ours[0]] == 1 else list(target_rows(trials, str(name)))
    return np.array(list(dict.fromkeys(found)), dtype=np.int64)
