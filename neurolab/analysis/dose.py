"""How much damage makes how much deficit: a lesion at several doses, beside its controls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cells import mean_test
from neurolab.analysis.localiser import known
from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows
from neurolab.analysis.strength import ladder_rows, made_shares, strength_name
from neurolab.analysis.words import floor_text, joined
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.schema import make_result, register_result
from neurolab.stats.permutation import sign_flip

#: What a curve can run along, and what its axis is called.
AXES = {"dose": "share of the region", "strength": "strength"}
LADDER_OF_CONTROLS = (
    "To examine controls at every dose, type [rung for control in controls for rung in nl.dose_ladder(control, doses, "
    "rng=0)]."
)

register_result(
    "dose_response",
    {
        "value": ("specimen", "dose"),
        "score": ("specimen", "dose"),
        **dict.fromkeys(("mean", "low", "high", "n_draws"), ("dose",)),
        "retained": ("specimen",),
        **dict.fromkeys(("effect", "effect_low", "effect_high", "p", "p_floor"), ()),
    },
    [("p", "effect", "effect_low", "effect_high", "p_floor")],
)


def dose_response(
    trials: xr.Dataset,
    *,
    lesion: str,
    task: str,
    family: str = "matched",
    along: str | None = None,
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get the deficit at every dose of a lesion, and the area under that curve against the controls'.

    The dose is the share of the region (``nl.dose_ladder``) or the strength of noise (``nl.noise_ladder``). Dose 0 is
    the sham. Draws of one dose are averaged within each network. The area under the curve of deficit is taken by
    trapezoids and divided by the range of doses (doses that lie close together count for less than in a mean); its
    difference to that of the controls (to 0, where there are none) is tested by a one-sided sign-flip over networks.

    Parameters
    ----------
    trials : with the lesion at two or more doses, a sham, and, if wanted, controls of this ``family`` at the same
        doses: ``[rung for control in controls for rung in nl.dose_ladder(control, doses, rng=0)]``. Where controls lack
        a dose the test leaves it out; ``tested_doses``, the estimand and the note say which doses were compared.
    lesion : the name of the target. level : coverage. over : "specimen" or "stimulus", the sample.
    along : "dose" or "strength", where the trials hold both ladders of the lesion.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset over dose: ``mean``, ``low``, ``high`` (deficit, in score), ``value`` and ``score`` (specimen, dose),
    ``n_draws``; where there are controls the same as ``control_mean`` and so on, NaN at doses without; ``retained``
    (specimen): the area under (score - chance) / (intact - chance) over the range, 1 for no loss, NaN without a known
    chance level; ``effect`` with ``effect_low, effect_high, p, p_floor``.

    When this is invalid
    --------------------
    Doses that do not nest add the chance of the draw to the curve. At floor the curve says nothing of larger doses.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(doses=(0.25, 0.5, 1.0), rng=0)
    >>> dose_response(trials, lesion="A", task="X", rng=0)["mean"].values.round(1).tolist()
    [0.0, 0.1, 0.1, 0.3]
    """
    sample = sample_of(trials, over)
    along = _axis(sample.trials, lesion, along)
    ladder = _checked(ladder_rows(sample.trials, lesion, "target", "", along), sample.trials, lesion)
    controls = ladder_rows(sample.trials, lesion, "control", family, along)
    tested = _shared(ladder, controls, lesion)
    shams, doses = sham_rows(sample.trials, lesion), np.array([0.0, *ladder])
    found = _curve(sample, shams, ladder, doses, task, level, generator(rng, "dose", lesion, task))
    if controls:
        stream = generator(rng, "dose controls", lesion, family, task)
        found |= {f"control_{k}": v for k, v in _curve(sample, shams, controls, doses, task, level, stream).items()}
    difference = _area_difference(sample, shams, {dose: ladder[dose] for dose in tested}, controls, task)
    test = sign_flip(difference, alternative="greater", level=level, rng=generator(rng, "dose area", lesion, task))
    found |= {"retained": ("specimen", _retained(sample, np.asarray(found["score"][1]), doses, task))}
    found |= {"effect": test.effect, "effect_low": test.low, "effect_high": test.high, "p": test.p}
    floor = floor_text(test.n, test.p_floor, plural=sample.plural, alternative="greater")
    return make_result(
        {**found, "p_floor": test.p_floor},
        coords={"specimen": sample.specimens, "dose": doses},
        n=test.n,
        level=level,
        lesion=lesion,
        task=task,
        family=family if controls else "",
        along=along,
        dose_name=strength_name(sample.trials, _rows(ladder)) if along == "strength" else AXES[along],
        **_about(sample, f"{lesion} on {task}", f"that of its {family} controls" if controls else "none", tested),
        **sample.said(rng, floor, _left_out(list(ladder), tested, family), _as_made(sample.trials, ladder, controls),
                      tasks=[task], rows=np.concatenate([*ladder.values(), *controls.values()])),
    )


def _about(sample: Sample, what: str, against: str, tested: list[float]) -> dict[str, Any]:
    return {
        "analysis": "dose_response",
        "estimand": f"the mean over {sample.plural} of the area under the deficit curve of {what} over the doses "
        f"{dose_texts([0.0, *tested])}, divided by their range, against {against}",
        "test": f"one-sided sign-flip over {sample.plural}",
        "correction": "none",
        "alternative": "greater",
        "tested_doses": [0.0, *tested],
    }


def _rows(ladder: dict[float, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(ladder.values()))


def _checked(ladder: dict[float, np.ndarray], trials: xr.Dataset, lesion: str) -> dict[float, np.ndarray]:
    if not ladder:
        known = list(dict.fromkeys(map(str, trials["roi"].values[trials["role"].values == "target"])))
        raise UnknownNameError(
            f"The trials have no target lesion {lesion!r}.{did_you_mean(lesion, known)} They have {listed(known)}."
        )
    if len(ladder) < 2:
        raise DesignError(
            f"Lesion {lesion!r} was examined at one dose ({next(iter(ladder)):g}); a curve needs two or more. Type "
            "nl.dose_ladder(lesion, [0.25, 0.5, 1.0], rng=0), or nl.noise_ladder(lesion, [0.5, 1, 2]) for noise, and "
            "examine the rungs."
        )
    how = trials["how"].values[_rows(ladder)].astype(str)
    if all(" & " in text for text in how):
        raise DesignError(
            f"Every rung of {lesion!r} is two things at once ({how[0]}), so its dose 0 is not the sham. Type "
            "nl.analysis.robustness(trials, noise=..., lesion=..., task=..., rng=0) for a lesion under noise."
        )
    return ladder


def _axis(trials: xr.Dataset, lesion: str, along: str | None) -> str:
    """What varies in the ladder of a lesion: the share of its units, or a strength."""
    if along is not None:
        known(along, AXES, "along")
        return along
    there = [name for name in AXES if len(ladder_rows(trials, lesion, "target", "", name)) > 1]
    if len(there) > 1:
        raise DesignError(
            f"Lesion {lesion!r} was examined on a ladder of doses and on one of noise; say which: type along='dose' or "
            "along='strength'."
        )
    return there[0] if there else "dose"


def _curve(
    sample: Sample,
    shams: np.ndarray,
    ladder: dict[float, np.ndarray],
    doses: np.ndarray,
    task: str,
    level: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Score, deficit and its interval at every dose; NaN where the ladder has no such dose."""
    n = sample.trials.sizes["specimen"]
    score, ends = np.full((n, len(doses)), np.nan), np.full((3, len(doses)), np.nan)
    intact = sample.by_specimen(shams, task)
    draws = np.zeros(len(doses), dtype=np.int64)
    for at, dose in enumerate(doses):
        if dose == 0:
            score[:, at], ends[:, at], draws[at] = intact, 0.0, len(shams)
        elif dose in ladder:
            rows = ladder[dose]
            lost = sample.table(shams, task) - sample.table(rows, task)
            test = mean_test(lost, sample.over, level=level, counted=sample.counted(task), rng=rng)
            score[:, at], ends[:, at], draws[at] = (
                sample.by_specimen(rows, task),
                (test.effect, test.low, test.high),
                len(rows),
            )
    return {
        "value": (("specimen", "dose"), intact[:, None] - score),
        "score": (("specimen", "dose"), score),
        **dict(zip(("mean", "low", "high"), (("dose", row) for row in ends))),
        "n_draws": ("dose", draws),
    }


def _shared(ladder: dict[float, np.ndarray], controls: dict[float, np.ndarray], lesion: str) -> list[float]:
    """The doses that are tested: all, or those that the controls have too."""
    doses = [dose for dose in ladder if not controls or dose in controls]
    if not doses:
        raise DesignError(
            f"The controls of {lesion!r} were examined at the doses {dose_texts(controls)} and the target at "
            f"{dose_texts(ladder)}; none is shared. {LADDER_OF_CONTROLS}"
        )
    return doses


def _left_out(doses: list[float], tested: list[float], family: str) -> str:
    """What the note says when controls lack some doses."""
    missing = [dose for dose in doses if dose not in tested]
    if not missing:
        return ""
    return (
        f"The {family} controls were not examined at {dose_texts(missing)}: the test compares the curves through "
        f"{dose_texts([0.0, *tested])} only, not the whole range. {LADDER_OF_CONTROLS}"
    )


def _as_made(trials: xr.Dataset, *ladders: dict[float, np.ndarray]) -> str:
    """What the note says when whole units made other doses than were asked for."""
    every = {dose: share for ladder in ladders for dose, share in made_shares(trials, ladder).items()}
    told = [f"{dose:g} was {share:.2g}" for dose, share in sorted(every.items())]
    return f"Doses are named as they were asked for; of whole units, {joined(told)}." if told else ""


def dose_texts(doses: Iterable[float]) -> str:
    """Get doses as prose.

    Example
    -------
    >>> dose_texts([0.0, 0.5, 1.0])
    '0, 0.5 and 1'
    """
    return joined([f"{dose:g}" for dose in doses])


def _area_difference(
    sample: Sample, shams: np.ndarray, ladder: dict[float, np.ndarray], controls: dict[float, np.ndarray], task: str
) -> np.ndarray:
    """Per member, the area under the deficit over the doses of the ladder, minus the controls', by their range."""
    intact, doses = sample.table(shams, task), list(ladder)
    curve = [0.0 * intact]
    for dose in doses:
        reference = sample.table(controls[dose], task) if controls else intact
        curve.append(reference - sample.table(ladder[dose], task))
    return np.trapezoid(np.stack([np.asarray(part) for part in curve]), [0.0, *doses], axis=0) / doses[-1]


def _retained(sample: Sample, score: np.ndarray, doses: np.ndarray, task: str) -> np.ndarray:
    """Area under the share of above-chance performance that is left; NaN without a chance level to be above."""
    _, chance = about_task(sample.trials, task)
    room = score[:, :1] - chance
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(room > 0, (score - chance) / room, np.nan)
    return np.trapezoid(left, doses, axis=1) / doses[-1]
