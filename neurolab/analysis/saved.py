"""Savings: relearning faster than first learning, the trace that a score at floor does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.relearn_words import shown, time_sentences
from neurolab.analysis.sample import noted
from neurolab.analysis.steps import Scores, Steps, first_reached, steps_of
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import sign_flip
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

#: What censored steps do to the share saved: (some of the first, some of the relearning) -> words.
CENSORED = {
    (True, False): "the share saved is a lower bound",
    (False, True): "the share saved is an upper bound",
    (True, True): "the share saved is a bound in neither direction",
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
        (specimen, arm) or a table with the columns specimen, arm, steps. Arms may be examined at different steps.
    first, again : the arms. criterion : the score to reach, the same in both.
    rng : integer or Generator; used above 30 networks.

    Returns
    -------
    Dataset: ``effect`` (share saved) with ``effect_low, effect_high, p, p_floor``; ``steps_effect`` (mean steps saved)
    with companions; ``steps`` and ``reached`` (arm, specimen), ``mean, low, high, n_reached`` (arm), ``saved``
    (specimen). Who never reaches the criterion counts as the last step examined; ``reached`` and the words say so. If
    that was in relearning, first learning is compared up to that step only, so that to stop looking saves nothing.
    attrs ``verdict``, and as JSON ``reasons``.

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
    given, steps, reached = _times(scores, (first, again), criterion, task)
    if not steps[0].mean() > 0:
        raise DesignError(
            f"{first!r} meets the criterion before any training, so there is nothing to save. Type a higher criterion=."
        )
    stream = generator(rng, "savings", first, again)
    once = _comparable(steps, reached, again)
    saved = once - steps[1]
    share = sign_flip_share(saved, once, level=level, rng=stream)
    test = sign_flip(saved, alternative="greater", level=level, rng=stream)
    each = [sign_flip(values, level=level, rng=stream) for values in steps]
    ends = {"mean": "effect", "low": "low", "high": "high"}
    return make_result(
        {
            "steps": (("arm", "specimen"), steps),
            "reached": (("arm", "specimen"), reached),
            **{name: ("arm", [getattr(one, of) for one in each]) for name, of in ends.items()},
            "n_reached": ("arm", reached.sum(axis=1)),
            "saved": ("specimen", saved),
            **{"effect": share.effect, "effect_low": share.low, "effect_high": share.high},
            **{"p": share.p, "p_floor": share.p_floor, "steps_p": test.p, "steps_p_floor": test.p_floor},
            **{"steps_effect": test.effect, "steps_low": test.low, "steps_high": test.high},
        },
        coords={"specimen": given.specimens, "arm": strings([first, again])},
        **_about(given, first, again, criterion, level),
        verdict="savings" if shown(share.p, 1 - level) else "no savings shown",
        reasons=_reasons((first, again), steps, reached, int((once < steps[0]).sum()), share, given.plural),
        rng=rng_name(rng),
        note=noted(floor_text(share.n, share.p_floor, plural=given.plural, alternative="greater"), share.note),
    )


def _about(given: Steps, first: str, again: str, criterion: float | None, level: float) -> dict[str, Any]:
    return {
        "analysis": "savings",
        "estimand": f"the share of the mean steps to criterion of {first} that {again} saves, over {given.plural}",
        "test": f"one-sided sign-flip over {given.plural}",
        "n": len(given.specimens),
        "generalises_over": given.over,
        "correction": "none",
        "alternative": "greater",
        "level": level,
        "first": first,
        "again": again,
        "criterion": "given as steps" if criterion is None else float(criterion),
        "source": given.source,
        "inputs": given.digest,
    }


def _times(
    scores: Scores, arms: tuple[str, str], criterion: float | None, task: str | None
) -> tuple[Steps, np.ndarray, np.ndarray]:
    """Steps to criterion and whether it was reached, both (arm, specimen)."""
    if arms[0] == arms[1]:
        raise DesignError(f"first= and again= both name {arms[0]!r}; expected two arms.")
    plain = (isinstance(scores, pd.DataFrame) and "steps" in scores and "step" not in scores) or (
        isinstance(scores, xr.DataArray) and "step" not in scores.dims
    )
    if plain:
        return _given_times(scores, arms, criterion)
    if criterion is None:
        raise DesignError("Curves need a criterion, the score to reach in both trainings. Type criterion=0.9.")
    given = steps_of(scores, task=task)
    goal, step = np.full(len(given.specimens), float(criterion)), np.asarray(given.curves["step"].values, np.float64)
    curves = [given.arm(arm) for arm in arms]
    for arm, curve in zip(arms, curves):
        if np.isnan(curve).all(axis=1).any():
            raise DataError(f"Some networks have no score at all in the arm {arm!r}; leave them out of both arms.")
    found = [first_reached(curve, step, goal) for curve in curves]
    return given, np.array([steps for steps, _ in found]), np.array([reached for _, reached in found])


def _given_times(
    scores: Any, arms: tuple[str, str], criterion: float | None
) -> tuple[Steps, np.ndarray, np.ndarray]:
    if criterion is not None:
        raise DesignError("Steps to criterion were given together with criterion=; type one or the other.")
    given = steps_of(scores, task=None, dims=("specimen", "arm"))
    steps = np.array([given.arm(arm) for arm in arms])
    if not (np.isfinite(steps) & (steps >= 0)).all():
        raise DataError(
            "Some steps to criterion are NaN or negative; expected a number for every network and arm. Where the "
            "criterion was never reached give the curves and criterion=, which counts it as the last step and says so."
        )
    return given, steps, np.ones(steps.shape, dtype=bool)


def _comparable(steps: np.ndarray, reached: np.ndarray, again: str) -> np.ndarray:
    """Steps of first learning as far as an unfinished relearning was followed: to stop looking saves no steps."""
    once = np.where(reached[1], steps[0], np.minimum(steps[0], steps[1]))
    if not once.mean() > 0:
        raise DesignError(f"{again!r} never reaches the criterion and has no step above 0; score it after training.")
    return np.asarray(once)


def _reasons(
    arms: tuple[str, str], steps: np.ndarray, reached: np.ndarray, n_cut: int, share: Share, plural: str
) -> list[str]:
    numbers = interval_text(share.effect, share.low, share.high, share.level)
    sure = "Shown" if shown(share.p, 1 - share.level) else "Not shown"
    said = [f"{sure}: {arms[1]} takes fewer steps than {arms[0]}, a share of {numbers} saved, {p_text(share.p)}."]
    never = bool((~reached[0]).any()), bool((~reached[1]).any())
    if any(never):
        bound = CENSORED[(True, True) if n_cut else never]
        said.append(f"Some {plural} never reached the criterion and count as their last step: {bound}.")
    if n_cut:
        said.append(
            f"{arms[1]} was followed less far than {arms[0]}: for {n_cut} of {len(steps[1])} {plural} that had not "
            f"reached the criterion when it ended, {arms[0]} counts up to that step only, and no step is saved."
        )
    at_once = int((reached[1] & (steps[1] == 0)).sum())
    if at_once:
        said.append(f"{at_once} of {len(steps[1])} {plural} met the criterion before any {arms[1]}.")
    times = {arm: (row, there) for arm, row, there in zip(arms, steps, reached)}
    return [*said, *time_sentences(times, float(steps.max()), plural)]
