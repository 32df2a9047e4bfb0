"""Folds and halves of a recording: what chooses and what measures share nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurolab.errors import DataError, DesignError, DoubleDippingError, UnknownNameError, did_you_mean, listed
from neurolab.ids import origins_of

MOST_SPLITS = 1_000


FOLDS = 4  # where a recording has no runs


def usual_folds(recording: xr.DataArray) -> str | int:
    """Get the folds that are taken where none are named: the runs, if there are several; else four, by stimulus."""
    several = "run" in recording.coords and len(np.unique(recording["run"].values)) > 1
    return "run" if several else FOLDS


def fold_labels(
    recording: xr.DataArray, by: str | int, sides: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Get the fold of each presentation as text: the values of a coordinate, or ``by`` folds dealt out by stimulus.

    sides : boolean masks over presentations, of both sides or of every condition; every fold must hold some of each.
    """
    if isinstance(by, (int, np.integer)) and not isinstance(by, bool):
        labels = _dealt(recording, int(by), rng)
    else:
        known = [str(name) for name, coord in recording.coords.items() if coord.dims == ("presentation",)]
        if by not in known:
            raise UnknownNameError(
                f"by={by!r} is no presentation coordinate.{did_you_mean(by, known)} There are {listed(known)}; or give "
                "a number of folds: by=4."
            )
        labels = recording[by].values.astype(str)
    folds = np.unique(labels)
    if len(folds) < 2:
        raise DesignError(
            f"by={by!r} gives one fold; one fold cannot be left out. Type by=4, or record two runs or more."
        )
    lacking = [str(fold) for fold in folds if not all(side[labels == fold].any() for side in sides)]
    if lacking:
        raise DesignError(
            f"The folds {listed(lacking, most=4)} hold one side of the contrast only, or lack a condition; "
            "nothing can be measured there. Use fewer folds, or drop them."
        )
    _check_disjoint(recording, labels)
    return labels


def _dealt(recording: xr.DataArray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Stimuli dealt out to n folds within each condition; showings of a stimulus, and its marked twins, go together."""
    if n < 2:
        raise DesignError(f"by={n} folds; expected 2 or more. Type by=4.")
    origins = origins_of(recording)
    held: dict[str, set[str]] = {}
    for origin, condition in zip(origins, recording["condition"].values.astype(str)):
        held.setdefault(origin, set()).add(condition)
    stimuli, place = np.unique(origins, return_inverse=True)
    kinds = np.array([" | ".join(sorted(held[origin])) for origin in stimuli])  # twins may have several conditions
    fold = np.zeros(len(stimuli), dtype=np.int64)
    for kind in np.unique(kinds):
        ours = np.flatnonzero(kinds == kind)
        fold[rng.permutation(ours)] = np.arange(len(ours)) % n
    return fold[place].astype(str)


def _check_disjoint(recording: xr.DataArray, labels: np.ndarray) -> None:
    """A network gives the same answer to the same stimulus, so a stimulus in two folds is double dipping."""
    if recording.attrs.get("kind") != "ann":
        return
    pairs = np.unique(np.stack([origins_of(recording), labels]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    if (counts > 1).any():
        raise DoubleDippingError(
            f"The stimuli {listed(names[counts > 1], most=4)}, or marked twins of theirs, are in several folds: a "
            "network answers alike each time, so the fold that measures would repeat the fold that chose. Type by=4 to "
            "deal out stimuli, or nl.average_repetitions(recording) first."
        )


def shared_stimuli(recording: xr.DataArray, labels: np.ndarray) -> int:
    """Get how many stimuli were shown in more than one fold (a brain's noise is new each time, its stimuli are not)."""
    pairs = np.unique(np.stack([origins_of(recording), labels]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def halves(groups: np.ndarray, strata: np.ndarray, n_splits: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Get boolean rows (splits, n_groups) that mark the first half, half of every stratum; each split once when few.

    Example
    -------
    >>> rows, every = halves(np.arange(4), np.zeros(4), 10, np.random.default_rng(0))
    >>> rows.shape, every
    ((3, 4), True)
    """
    parts = [np.flatnonzero(strata == value) for value in np.unique(strata)]
    small = [len(part) for part in parts if len(part) < 2]
    if small:
        raise DataError("A condition has one member only, which cannot be halved; record more, or halve by 'stimulus'.")
    total = math.prod(math.comb(len(part), len(part) // 2) for part in parts)
    mirrored = all(len(part) % 2 == 0 for part in parts)
    if total // (2 if mirrored else 1) <= MOST_SPLITS:
        ways = [list(itertools.combinations(part, len(part) // 2)) for part in parts]
        chosen = [np.concatenate(way) for way in itertools.product(*ways)]
        if mirrored:  # the mirror image of a split is the same split
            chosen = [way for way in chosen if parts[0][0] in way]
        rows = np.zeros((len(chosen), len(groups)), dtype=bool)
        for row, way in zip(rows, chosen):
            row[way] = True
        return rows, True
    rows = np.zeros((n_splits, len(groups)), dtype=bool)
    for row, part in itertools.product(rows, parts):
        row[rng.permutation(part)[: len(part) // 2]] = True
    return rows, False
