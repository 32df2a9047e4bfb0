"""The four cells of two lesions by two tasks, per member of the sample and per network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows, target_rows
from neurolab.analysis.scale import at_ceiling, at_floor, logit_deficit
from neurolab.chance import RNG
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.stats.equivalence import Tost, sign_flip_tost
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.stats.right_or_wrong import is_of_shares, paired_shares, paired_shares_tost, shares_beyond
from neurolab.trials import pick_task


@dataclass(frozen=True, eq=False)
class TwoByTwo:
    """Deficits of lesions (A, B) on tasks (X, Y).

    values[i, j] : Series, the deficit of each member of the sample. intact, lesioned, deficit : (specimen, 2, 2).
    logit : (2, 2) mean deficit in log odds. bounds : (2,) what still counts as spared, per task, in score.
    """

    sample: Sample
    lesions: tuple[str, str]
    tasks: tuple[str, str]
    rows: tuple[np.ndarray, np.ndarray]
    values: dict[tuple[int, int], pd.Series]
    intact: np.ndarray
    lesioned: np.ndarray
    logit: np.ndarray
    bounds: np.ndarray
    ceiling: np.ndarray
    floor: np.ndarray

    @property
    def deficit(self) -> np.ndarray:
        """Deficit (specimen, lesion, task)."""
        return self.intact - self.lesioned


def two_by_two(
    trials: xr.Dataset,
    lesions: tuple[str, str],
    tasks: tuple[str, str],
    spared_within: float | Mapping[str, float],
    over: str | None,
) -> TwoByTwo:
    """Get the cells of two lesions by two tasks from trials."""
    sample = sample_of(trials, over)
    rows = (target_rows(sample.trials, lesions[0]), target_rows(sample.trials, lesions[1]))
    if set(rows[0]) & set(rows[1]):
        raise DesignError(f"lesions={lesions!r} name the same rows of the trials; expected two different lesions.")
    shams = [sham_rows(sample.trials, str(sample.trials["roi"].values[row[0]])) for row in rows]
    shape = (sample.trials.sizes["specimen"], 2, 2)
    intact, lesioned, logit = np.empty(shape), np.empty(shape), np.empty((2, 2))
    ceiling, floor = np.zeros((2, 2), dtype=bool), np.zeros((2, 2), dtype=bool)
    values = {}
    for j, task in enumerate(tasks):
        bounded, chance = about_task(sample.trials, task)
        n_trials = len(pick_task(sample.trials, task))
        for i in (0, 1):
            intact[:, i, j] = sample.by_specimen(shams[i], task)
            lesioned[:, i, j] = sample.by_specimen(rows[i], task)
            values[i, j] = sample.table(shams[i], task) - sample.table(rows[i], task)
            logit[i, j] = logit_deficit(intact[:, i, j], lesioned[:, i, j], n_trials, bounded=bounded).mean()
            ceiling[i, j] = at_ceiling(float(intact[:, i, j].mean()), chance, bounded=bounded)
            floor[i, j] = at_floor(float(lesioned[:, i, j].mean()), chance, bounded=bounded)
    bounds = spared_bounds(sample.trials, tasks, intact.mean(axis=(0, 1)), spared_within)
    return TwoByTwo(sample, lesions, tasks, rows, values, intact, lesioned, logit, bounds, ceiling, floor)


def spared_bounds(
    trials: xr.Dataset,
    tasks: tuple[str, ...],
    intact: np.ndarray,
    within: float | Mapping[str, float],
    asked: str = "spared_within",
) -> np.ndarray:
    """Get what still counts as nothing on each task, in score; NaN where chance is unknown. asked : the argument."""
    if isinstance(within, Mapping):
        unknown = [name for name in within if name not in tasks]
        missing = [name for name in tasks if name not in within]
        if unknown or missing:
            raise UnknownNameError(
                f"{asked} names {listed(within)}; expected a bound for each of {listed(tasks)}."
                f"{did_you_mean(unknown[0], tasks) if unknown else ''} Type {asked}={dict.fromkeys(tasks, 0.05)}."
            )
        return np.array([float(within[name]) for name in tasks])
    if not 0 < within < 1:
        raise DesignError(
            f"{asked}={within!r} given; expected a share of the intact score above chance, between 0 and 1. Type "
            f"{asked}=0.1, or {asked}={dict.fromkeys(tasks, 0.05)} in the units of the score."
        )
    chance = np.array([about_task(trials, name)[1] for name in tasks])
    return float(within) * (intact - chance)


def spared_test(
    value: Any, bound: float, alpha: float, over: str, rng: np.random.Generator, *, counted: bool = False
) -> Tost:
    """Get the test that a mean deficit lies within a bound: shifted sign-flips, or scores of stimuli right or wrong.

    value : per member of the sample. over : what these are. counted : as for ``right_or_wrong``.

    Example
    -------
    >>> spared_test(np.zeros(5), 0.1, 0.05, "specimen", np.random.default_rng(0)).equivalent
    True
    >>> spared_test(np.zeros(5), 0.1, 0.05, "stimulus", np.random.default_rng(0)).equivalent
    False
    """
    values = np.asarray(value, dtype=np.float64)
    if right_or_wrong(values, over, counted=counted):
        return paired_shares_tost(values, bounds=bound, alpha=alpha)
    return sign_flip_tost(values, bounds=bound, alpha=alpha, rng=rng)


def mean_test(
    value: Any,
    over: str,
    *,
    alternative: str = "two-sided",
    level: float,
    popmean: float = 0.0,
    counted: bool = False,
    rng: RNG,
) -> SignFlip:
    """Get the test of a mean deficit: a sign-flip, of stimuli right or wrong with the interval of paired shares.

    value : per member of the sample. over : what these are. popmean : the mean under the null. About 0 a sign-flip asks
    nothing that differences of right and wrong lack; about another mean they are tested by the score, one-sided.
    counted : as for ``right_or_wrong``.

    Example
    -------
    >>> test = mean_test([1, 0, 0, 0, 0, 1, 1, 0, 1, 0], "stimulus", level=0.95, rng=0)
    >>> test.p, round(test.low, 3), round(test.high, 3)
    (0.125, -0.057, 0.726)
    """
    values = np.asarray(value, dtype=np.float64)
    test = sign_flip(values, alternative=alternative, level=level, popmean=popmean, rng=rng)
    if not right_or_wrong(values, over, counted=counted):
        return test
    ends = paired_shares(values, level=level)
    found = replace(test, low=ends.low, high=ends.high, note="")
    if not popmean:
        return found
    tested = shares_beyond(values, popmean, alternative=alternative)
    return replace(found, p=tested.p, p_floor=tested.p_floor)


def right_or_wrong(values: Any, over: str, *, counted: bool = False) -> bool:
    """Get whether the sample is stimuli of which each is right or wrong: a sign-flip asks for symmetry they lack.

    values : per member of the sample. over : what these are.
    counted : whether each score was 0 or 1 before the mean over networks, draws and repeats (``Sample.counted``).

    Example
    -------
    >>> thirds = [0.0, 1 / 3, 0.0]
    >>> right_or_wrong(thirds, "stimulus"), right_or_wrong(thirds, "stimulus", counted=True)
    (False, True)
    """
    given = np.asarray(values, dtype=np.float64)
    return over == "stimulus" and (is_of_shares(given) or (counted and bool((np.abs(given) <= 1 + 1e-9).all())))
