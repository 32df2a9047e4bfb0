"""Recovery after a lesion, over retraining: how much comes back, whether all does, and how soon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.flags import flags_of
from neurolab.analysis.relearn_words import reasons_of, verdict_of
from neurolab.analysis.sample import noted
from neurolab.analysis.steps import Scores, Steps, first_reached, steps_of
from neurolab.analysis.words import floor_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError, DesignError, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.equivalence import Tost, sign_flip_tost
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.stats.shares import Share, sign_flip_share

PARTS = ("effect", "low", "high", "p", "p_floor")
TESTS = ("initial", "remaining", "recovered", "rising", "time")

register_result(
    "recovery",
    {
        "score": ("arm", "specimen", "step"),
        **dict.fromkeys(("mean", "low", "high"), ("arm", "step")),
        **dict.fromkeys(("steps", "reached"), ("arm", "specimen")),
        **dict.fromkeys(("initial", "remaining", "criterion"), ("specimen",)),
        **dict.fromkeys(("effect", "effect_low", "effect_high", "p", "p_floor"), ()),
        **dict.fromkeys(("recovered_bound", "criterion_mean"), ()),
    },
    [
        ("p", "effect", "effect_low", "effect_high", "p_floor"),
        *((f"{t}_p", f"{t}_effect", f"{t}_low", f"{t}_high", f"{t}_p_floor") for t in TESTS),
    ],
)


@dataclass(frozen=True, eq=False)
class Arms:
    """The curves (specimen, step) of each arm by name, in the order lesioned, intact[, control]."""

    steps: Steps
    step: np.ndarray
    score: dict[str, np.ndarray]
    lesioned: str
    intact: str
    control: str
    last: int

    @property
    def deficit(self) -> np.ndarray:
        """Intact minus lesioned, at the same step of training (specimen, step)."""
        return self.score[self.intact] - self.score[self.lesioned]

    @property
    def remaining(self) -> np.ndarray:
        """The deficit over the last steps (specimen,)."""
        return self.deficit[:, -self.last :].mean(axis=1)


def recovery(
    scores: Scores,
    *,
    lesioned: str = "lesioned",
    intact: str = "intact",
    control: str | None = None,
    within: float = 0.1,
    bound: float | None = None,
    criterion: float | None = None,
    chance: float | None = None,
    last: int = 1,
    task: str | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get how much of a lesion's deficit retraining wins back, whether all of it, and how soon.

    The deficit at a step is intact minus lesioned, both retrained alike up to that step, so that practice is not taken
    for recovery. The share recovered is 1 - (mean deficit at the end) / (mean deficit at the first step); its interval
    inverts the sign-flip over networks, as its p does. *Recovered* is said only from an equivalence test of what
    remains; *still impaired* from a one-sided sign-flip of it.

    Parameters
    ----------
    scores : DataArray (specimen, arm, step), a table with the columns specimen, arm, step, score, or trials with a
        ladder per arm (then ``task``). The first step is right after the lesion, before any retraining.
        ``scores.attrs["kind"] = "brain"`` says that the specimens are people.
    lesioned, intact : the arms. control : an arm with a control lesion, retrained alike, to compare the time with.
    within : the largest deficit that still counts as recovered, a share of the mean intact score above ``chance``
        (default that of the task); or ``bound``, in the score's own units. State it before looking.
    criterion : the score that must be reached, for the time to it; default each network's own intact score at the
        first step minus the bound.
    last : how many of the last steps make up the end. task : of trials, required; else what the scores are of.
    rng : integer or Generator; used above 30 networks.

    Returns
    -------
    Dataset: ``score`` (arm, specimen, step), ``mean, low, high`` (arm, step); ``effect`` (share recovered) with
    ``effect_low, effect_high, p`` (one-sided) and ``p_floor``; and, each with ``_effect, _low, _high, _p, _p_floor``:
    ``initial`` (deficit at the first step), ``remaining`` (at the end), ``recovered`` (equivalence to no deficit, level
    1 - 2 alpha, NaN without a bound), ``rising`` (deficit won back over the last step), ``time`` (steps to criterion,
    lesioned minus control or intact, two-sided). ``steps`` and ``reached`` (arm, specimen): a network that never
    reaches the criterion counts as the last step, and the words say so. attrs ``verdict``, and as JSON ``reasons``.

    Raises
    ------
    DataError, SchemaError : arms examined at other steps, NaN, one network, no such arm. DesignError : one step only;
    no criterion and no bound.

    When this is invalid
    --------------------
    Retraining too short to reach a plateau shows no permanent deficit: see ``rising``. Networks that recover on the
    stimuli they were retrained on may have learned those alone: score on others. Where the deficit at the first step is
    not shown the share has no interval.

    Source
    ------
    Plaut 1996, doi:10.1006/brln.1996.0004 (relearning after damage); times restricted to the observed range: Royston &
    Parmar 2013, doi:10.1186/1471-2288-13-152.

    Example
    -------
    >>> curves = np.array([[0.4, 0.7, 0.8], [0.9, 0.9, 0.9]])[None] + np.linspace(-0.02, 0.02, 8)[:, None, None]
    >>> arms = {"specimen": range(8), "arm": ["lesioned", "intact"], "step": [0, 10, 50]}
    >>> found = recovery(xr.DataArray(curves, coords=arms, dims=list(arms)), chance=0.1, rng=0)
    >>> round(float(found["effect"]), 2), found.attrs["verdict"]
    (0.8, 'partly recovered, still impaired')
    """
    arms = _arms(steps_of(scores, task=task, chance=chance), lesioned, intact, control, last)
    margin = _bound(arms, within, bound)
    stream = generator(rng, "recovery", lesioned, intact)
    flips = partial(sign_flip, level=level, rng=stream)
    goal = _criterion(arms, criterion, margin)
    times = {name: first_reached(curve, arms.step, goal) for name, curve in arms.score.items()}
    found = _tests(arms, times, margin, flips, 1 - level, stream)
    share = _share(arms.deficit[:, 0], arms.remaining, level, stream)
    return make_result(
        {
            **_curves(arms, flips),
            **_per_network(arms, times, goal),
            "recovered_bound": margin,
            **{f"{name}_{part}": getattr(test, part) for name, test in found.items() for part in PARTS},
            **{"effect": share.effect, "effect_low": share.low, "effect_high": share.high},
            **{"p": share.p, "p_floor": share.p_floor},
        },
        coords={"specimen": arms.steps.specimens, "arm": strings(list(arms.score)), "step": arms.step},
        **_about(arms, level),
        verdict=verdict_of(found, share, 1 - level, arms.steps.plural),
        reasons=reasons_of(arms, found, share, times, margin, level),
        undermined_by=flags_of(arms.steps.flags, arm=arms.score),
        rng=rng_name(rng),
        note=noted(floor_text(share.n, share.p_floor, plural=arms.steps.plural, alternative="greater"), share.note),
    )


def _tests(
    arms: Arms,
    times: dict[str, tuple[np.ndarray, np.ndarray]],
    margin: float,
    flips: Callable[..., SignFlip],
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The tests over networks, by name; they draw from one stream, in this order."""
    waited = times[arms.lesioned][0] - times[arms.control or arms.intact][0]
    return {
        "initial": flips(arms.deficit[:, 0], alternative="greater"),
        "remaining": flips(arms.remaining, alternative="greater"),
        "recovered": _equivalent(arms.remaining, margin, alpha, rng),
        "rising": flips(arms.deficit[:, -2] - arms.deficit[:, -1], alternative="greater"),
        "time": flips(waited),
    }


def _per_network(arms: Arms, times: dict[str, tuple[np.ndarray, np.ndarray]], goal: np.ndarray) -> dict[str, Any]:
    """When each network reached what, and its deficit at both ends."""
    return {
        "steps": (("arm", "specimen"), [steps for steps, _ in times.values()]),
        "reached": (("arm", "specimen"), [reached for _, reached in times.values()]),
        "initial": ("specimen", arms.deficit[:, 0]),
        "remaining": ("specimen", arms.remaining),
        "criterion": ("specimen", goal),
        "criterion_mean": goal.mean(),
    }


def _about(arms: Arms, level: float) -> dict[str, Any]:
    plural = arms.steps.plural
    return {
        "analysis": "recovery",
        "estimand": f"the share of the mean deficit of {arms.lesioned} against {arms.intact}{arms.steps.in_task} at "
        f"step {arms.step[0]:g}, over {plural}, that is gone by step {arms.step[-1]:g}",
        "test": f"one-sided sign-flip over {plural}; recovered: two shifted one-sided ones; time: two-sided",
        "n": len(arms.steps.specimens),
        "generalises_over": arms.steps.over,
        "correction": "none",
        "alternative": "greater",
        "level": level,
        "task": arms.steps.task,
        "lesioned": arms.lesioned,
        "intact": arms.intact,
        "control": arms.control,
        "last": arms.last,
        "source": arms.steps.source,
        "inputs": arms.steps.digest,
    }


def _arms(steps: Steps, lesioned: str, intact: str, control: str | None, last: int) -> Arms:
    names = [lesioned, intact, *([control] if control else [])]
    if len(set(names)) < len(names):
        raise DesignError(f"The arms are {listed(names)}, one of them twice; expected different ones.")
    score = {name: steps.arm(name) for name in names}
    step = np.asarray(steps.curves["step"].values, dtype=np.float64)
    gaps = {name: [f"{one:g}" for one in step[np.isnan(curve).any(axis=0)]] for name, curve in score.items()}
    for name, missing in gaps.items():
        if missing:
            raise DataError(
                f"Arm {name!r} has no score at the steps {listed(missing)} in some networks; a deficit needs every arm "
                "at the same steps. Examine it there, or drop those steps: type scores.dropna('step')."
            )
    if len(step) < 2 or not 1 <= last < len(step):
        raise DesignError(
            f"There are {len(step)} steps and last={last}; recovery needs the first step and at least one later. Score "
            "right after the lesion and during retraining."
        )
    return Arms(steps, step, score, lesioned, intact, control or "", last)


def _bound(arms: Arms, within: float, bound: float | None) -> float:
    """The largest deficit that counts as recovered, in score; NaN where chance is unknown."""
    if bound is not None:
        if not bound > 0:
            raise DesignError(f"bound={bound!r} given; expected a deficit above 0, in units of the score.")
        return float(bound)
    if not 0 < within < 1:
        raise DesignError(f"within={within!r} given; expected a share between 0 and 1. Type within=0.1.")
    margin = within * (float(arms.score[arms.intact][:, 0].mean()) - arms.steps.chance)
    if margin <= 0:
        raise DesignError(f"The intact score is at or below chance ({arms.steps.chance:g}). Type bound=0.05.")
    return margin


def _criterion(arms: Arms, criterion: float | None, margin: float) -> np.ndarray:
    """The score to reach (specimen,)."""
    if criterion is not None:
        return np.full(len(arms.steps.specimens), float(criterion))
    if np.isnan(margin):
        raise DesignError(
            "Neither criterion=, bound= nor chance= is given, so there is no score that would count as recovered. Type "
            "criterion=0.9, or chance=0.5."
        )
    return arms.score[arms.intact][:, 0] - margin


def _equivalent(remaining: np.ndarray, margin: float, alpha: float, rng: np.random.Generator) -> Any:
    if np.isnan(margin):
        return Tost(np.nan, float(remaining.mean()), np.nan, np.nan, (np.nan, np.nan), np.nan, np.nan, alpha, np.nan)
    return sign_flip_tost(remaining, bounds=margin, alpha=alpha, rng=rng)


def _share(initial: np.ndarray, remaining: np.ndarray, level: float, rng: np.random.Generator) -> Share:
    if not initial.mean() > 0:
        raise DesignError(
            f"The mean deficit at the first step is {initial.mean():.3g}: the lesion cost nothing, so that nothing can "
            "be won back. Is the first step right after the lesion, and are lesioned= and intact= the right arms?"
        )
    return sign_flip_share(initial - remaining, initial, level=level, rng=rng)


def _curves(arms: Arms, flips: Callable[..., SignFlip]) -> dict[str, Any]:
    tests = [[flips(values) for values in curve.T] for curve in arms.score.values()]
    ends = {"mean": "effect", "low": "low", "high": "high"}
    values = {name: [[getattr(test, of) for test in row] for row in tests] for name, of in ends.items()}
    score = np.stack(list(arms.score.values()))
    return {"score": (("arm", "specimen", "step"), score), **{name: (("arm", "step"), v) for name, v in values.items()}}
