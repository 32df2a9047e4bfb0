"""Savings: relearning faster than first learning, the trace that a score at floor does not show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.common_steps import both_scored, coarse_sentences, common_note, gaps_before
from neurolab.analysis.flags import flags_of
from neurolab.analysis.relearn_words import shown, time_sentences
from neurolab.analysis.sample import noted
from neurolab.analysis.steps import Scores, Steps, first_reached, steps_of
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.stats.shares import Share, sign_flip_share

register_result(
    "savings",
    {
        **dict.fromkeys(("steps", "reached"), ("arm", "specimen")),
        **dict.fromkeys(("mean", "low", "high", "n_reached"), ("arm",)),
        "saved": ("specimen",),
        **dict.fromkeys(("effect", "effect_low", "effect_high", "p", "p_floor"), ()),
        **dict.fromkeys(("steps_effect", "steps_low", "steps_high", "steps_p", "steps_p_floor"), ()),
    },
    [
        ("p", "effect", "effect_low", "effect_high", "p_floor"),
        ("steps_p", "steps_effect", "steps_low", "steps_high", "steps_p_floor"),
    ],
)

#: What steps that are known to be more do to the share saved: (some of the first, some of the relearning) -> words.
BOUND = {
    (True, False): "The share saved is a lower bound, and its interval reaches up to all of it.",
    (False, True): "The share saved is an upper bound, and its interval has no lower end.",
    (True, True): "The share saved is a bound in neither direction: any share up to all of it is possible.",
}


def savings(
    scores: Scores,
    *,
    first: str = "first learning",
    again: str = "relearning",
    criterion: float | None = None,
    task: str | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get the share of first learning that relearning saves: (steps first - steps again) / steps first.

    Steps count from the beginning of each training to the first score at criterion. The share is the mean number of
    steps saved over the mean number once needed; its interval inverts the sign-flip over networks, which also tests it
    (one-sided: relearning is faster). ``first`` may also be the training of a matched naive control, named like the
    network that it is matched with.

    Parameters
    ----------
    scores : DataArray (specimen, arm, step), a table with the columns specimen, arm, step, score, or trials with a
        ladder per arm (then ``task``), all with ``criterion``; or the steps to criterion themselves: DataArray
        (specimen, arm) or a table with the columns specimen, arm, steps. Steps at which both arms were scored count.
        ``scores.attrs["kind"] = "brain"`` says that the specimens are people.
    first, again : the arms. criterion : the score to reach, the same in both. task : of trials, required; else what the
        scores are of, in words.
    rng : integer or Generator; used above 30 networks.

    Returns
    -------
    Dataset: ``effect`` (share saved) with ``effect_low, effect_high, p, p_floor``; ``steps_effect`` (mean steps saved)
    with companions; ``steps`` and ``reached`` (arm, specimen), ``mean, low, high, n_reached`` (arm), ``saved``
    (specimen). Who never reaches the criterion counts as the last step examined, as ``reached`` says; the intervals are
    open on that side (a share of 1, or without an end), and the test follows both trainings equally far, so that to
    look longer at one of them saves nothing. attrs ``verdict``, and as JSON ``reasons`` and ``undermined_by``.

    Raises
    ------
    DesignError : no criterion, or one that is met before any first learning. DataError : NaN among given steps.

    When this is invalid
    --------------------
    Another optimiser state, learning rate or order of stimuli in relearning: compare like with like. A criterion below
    what the lesion leaves measures no relearning. Scores examined rarely: the truth lies up to one interval earlier.

    Source
    ------
    Ebbinghaus 1885, Über das Gedächtnis (the method of savings).

    Example
    -------
    >>> steps = {"first learning": [20, 24, 22, 21, 25, 23, 19, 26], "relearning": [5, 8, 6, 4, 9, 7, 6, 5]}
    >>> table = pd.DataFrame(steps).rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")
    >>> found = savings(table, rng=0)
    >>> round(float(found["effect"]), 2), found.attrs["verdict"]
    (0.72, 'savings')
    """
    arms = (first, again)
    given, times = _times(scores, arms, criterion, task)
    if not times.steps[0].mean() > 0:
        raise DesignError(
            f"{first!r} meets the criterion before any training, so there is nothing to save. Type a higher criterion=."
        )
    stream = generator(rng, "savings", first, again)
    share, test = _share(times, again, level, stream), _saved(times, level, stream)
    each = [sign_flip(values, level=level, rng=stream) for values in times.steps]
    highs = [np.inf if unsure else one.high for one, unsure in zip(each, times.censored)]
    return make_result(
        {
            "steps": (("arm", "specimen"), times.steps),
            "reached": (("arm", "specimen"), times.reached),
            **{"mean": ("arm", [one.effect for one in each]), "low": ("arm", [one.low for one in each])},
            **{"high": ("arm", highs), "n_reached": ("arm", times.reached.sum(axis=1))},
            "saved": ("specimen", times.saved),
            **{"effect": share.effect, "effect_low": share.low, "effect_high": share.high},
            **{"p": share.p, "p_floor": share.p_floor, "steps_p": test.p, "steps_p_floor": test.p_floor},
            **{"steps_effect": test.effect, "steps_low": test.low, "steps_high": test.high},
        },
        coords={"specimen": given.specimens, "arm": strings([first, again])},
        **_about(given, first, again, criterion, level),
        verdict="savings" if shown(share.p, 1 - level) else "no savings shown",
        reasons=_reasons(arms, times, share, given),
        undermined_by=[*flags_of(given.flags, arm=arms), *censored_sentences(arms, times, given.plural), *times.rarely],
        rng=rng_name(rng),
        note=noted(_floor_text(share, given.plural), share.note, times.note),
    )


def _floor_text(share: Share, plural: str) -> str:
    return floor_text(share.n, share.p_floor, plural=plural, alternative="greater")


def savings_by_arm(scores: Scores, *, first: str, again: Iterable[str], **settings: Any) -> dict[str, xr.Dataset]:
    """Get :func:`savings` of several relearned arms against one first learning, by arm.

    Example
    -------
    >>> steps = {"first": [20, 24, 22, 21, 25, 23], "cut": [5, 8, 6, 4, 9, 7], "held": [19, 25, 21, 20, 24, 23]}
    >>> table = pd.DataFrame(steps).rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")
    >>> found = savings_by_arm(table, first="first", again=("cut", "held"), rng=0)
    >>> {arm: one.attrs["verdict"] for arm, one in found.items()}
    {'cut': 'savings', 'held': 'no savings shown'}
    """
    return {arm: savings(scores, first=first, again=arm, **settings) for arm in again}


@dataclass(frozen=True, eq=False)
class Times:
    """Steps to criterion of two trainings, whether it was reached, and the last step followed: each (arm, specimen)."""

    steps: np.ndarray
    reached: np.ndarray
    ends: np.ndarray
    rarely: Sequence[str] = ()  # what is wrong with how often they were scored
    note: str = ""  # which scores do not count

    @property
    def once(self) -> np.ndarray:
        """Steps of first learning as far as an unfinished relearning was followed: to stop looking saves no steps."""
        return np.asarray(np.where(self.reached[1], self.steps[0], np.minimum(self.steps[0], self.steps[1])))

    @property
    def cut(self) -> np.ndarray:
        """Where first learning counts up to an earlier step only (specimen,)."""
        return np.asarray(self.once < self.steps[0])

    @property
    def saved(self) -> np.ndarray:
        """The steps saved (specimen,)."""
        return np.asarray(self.once - self.steps[1])

    @property
    def even(self) -> np.ndarray:
        """Both trainings followed equally far (arm, specimen): no longer look at one of them tells them apart."""
        return np.asarray(np.minimum(self.steps, self.ends.min(axis=0)))

    @property
    def censored(self) -> tuple[bool, bool]:
        """Whether some steps of each training are known to be more than counted."""
        return bool((~self.reached[0]).any() or self.cut.any()), bool((~self.reached[1]).any())


def _share(times: Times, again: str, level: float, rng: np.random.Generator) -> Share:
    """The share saved; its p from trainings followed equally far, its interval open where steps are only bounded."""
    if not (times.once.mean() > 0 and times.even[0].mean() > 0):
        raise DesignError(f"{again!r} never reaches the criterion and has no step above 0; score it after training.")
    found = sign_flip_share(times.saved, times.once, level=level, rng=rng)
    fair = sign_flip_share(times.even[0] - times.even[1], times.even[0], level=level, rng=rng)
    more, fewer = times.censored
    low = -np.inf if fewer else min(found.low, fair.low)
    return replace(found, p=fair.p, low=low, high=max(found.high, 1.0) if more else found.high)


def _saved(times: Times, level: float, rng: np.random.Generator) -> SignFlip:
    """The steps saved, tested and bounded as the share is."""
    found, fair = (
        sign_flip(values, alternative="greater", level=level, rng=rng)
        for values in (times.saved, times.even[0] - times.even[1])
    )
    more, fewer = times.censored
    low = -np.inf if fewer else min(found.low, fair.low)
    return replace(found, p=fair.p, low=low, high=np.inf if more else found.high)


def _about(given: Steps, first: str, again: str, criterion: float | None, level: float) -> dict[str, Any]:
    return {
        "analysis": "savings",
        "estimand": f"the share of the mean steps to criterion of {first}{given.in_task} that {again} saves, over "
        f"{given.plural}",
        "test": f"one-sided sign-flip over {given.plural}",
        "n": len(given.specimens),
        "generalises_over": given.over,
        "correction": "none",
        "alternative": "greater",
        "level": level,
        "task": given.task,
        "first": first,
        "again": again,
        "criterion": "given as steps" if criterion is None else float(criterion),
        "source": given.source,
        "inputs": given.digest,
    }


def _times(scores: Scores, arms: tuple[str, str], criterion: float | None, task: str | None) -> tuple[Steps, Times]:
    """Steps to criterion, whether it was reached, and how far each was followed."""
    if arms[0] == arms[1]:
        raise DesignError(f"first= and again= both name {arms[0]!r}; expected two arms.")
    plain = (isinstance(scores, pd.DataFrame) and "steps" in scores and "step" not in scores) or (
        isinstance(scores, xr.DataArray) and "step" not in scores.dims
    )
    if plain:
        return _given_times(scores, arms, criterion, task)
    if criterion is None:
        raise DesignError("Curves need a criterion, the score to reach in both trainings. Type criterion=0.9.")
    given = steps_of(scores, task=task)
    goal, step = np.full(len(given.specimens), float(criterion)), np.asarray(given.curves["step"].values, np.float64)
    curves = [given.arm(arm) for arm in arms]
    for arm, curve in zip(arms, curves):
        if np.isnan(curve).all(axis=1).any():
            raise DataError(f"Some networks have no score at all in the arm {arm!r}; leave them out of both arms.")
    kept = both_scored(curves, step, arms)
    found = [first_reached(curve, step, goal) for curve in kept]
    ends = [[step[np.flatnonzero(~np.isnan(row))[-1]] for row in curve] for curve in kept]
    steps, reached = np.array([one for one, _ in found]), np.array([one for _, one in found])
    gaps = np.array([gaps_before(curve, step, at) for curve, at in zip(kept, steps)])
    said = coarse_sentences(gaps, steps[0]), common_note(curves, kept, arms)
    return given, Times(steps, reached, np.array(ends), *said)


def _given_times(
    scores: Any, arms: tuple[str, str], criterion: float | None, task: str | None
) -> tuple[Steps, Times]:
    if criterion is not None:
        raise DesignError("Steps to criterion were given together with criterion=; type one or the other.")
    given = steps_of(scores, task=task, dims=("specimen", "arm"))
    steps = np.array([given.arm(arm) for arm in arms])
    if not (np.isfinite(steps) & (steps >= 0)).all():
        raise DataError(
            "Some steps to criterion are NaN or negative; expected a number for every network and arm. Where the "
            "criterion was never reached give the curves and criterion=, which counts it as the last step and says so."
        )
    return given, Times(steps, np.ones(steps.shape, dtype=bool), np.full(steps.shape, np.inf))


def _reasons(arms: tuple[str, str], times: Times, share: Share, given: Steps) -> list[str]:
    numbers = interval_text(share.effect, share.low, share.high, share.level)
    sure = "Shown" if shown(share.p, 1 - share.level) else "Not shown"
    said = f"{sure}: {arms[1]} takes fewer steps than {arms[0]}, a share of {numbers} saved, {p_text(share.p)}."
    rows = {arm: (row, there) for arm, row, there in zip(arms, times.steps, times.reached)}
    return [said, *time_sentences(rows, float(times.steps.max()), given.plural, given.scored)]


def censored_sentences(arms: tuple[str, str], times: Times, plural: str) -> list[str]:
    """Get what makes the share a bound, or no measure of relearning: who never arrived, who was there at the start."""
    said, n = [], times.steps.shape[1]
    for arm, there in zip(arms, times.reached):
        if not there.all():
            never = int((~there).sum())
            said.append(f"{never} of {n} {plural} never reached the criterion in {arm} and count as their last step.")
    if times.cut.any():
        said.append(
            f"{arms[1]} was followed less far than {arms[0]}: for {int(times.cut.sum())} of {n} {plural} that had not "
            f"reached the criterion when it ended, {arms[0]} counts up to that step only, and no step is saved."
        )
    if any(times.censored):
        said.append(BOUND[times.censored])
    for arm, row, there in zip(arms, times.steps, times.reached):
        at_once = int((there & (row == 0)).sum())
        if at_once:
            said.append(f"{at_once} of {n} {plural} met the criterion before any {arm}: a criterion that is met at the "
                        "start measures no learning.")  # fmt: skip
    return said
