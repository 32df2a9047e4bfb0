"""Is it this region, or any damage of that size? A target against its control lesions."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.closeness import closeness
from neurolab.analysis.sample import Sample, about_task, control_rows, sample_of, sham_rows, target_rows
from neurolab.analysis.scale import at_ceiling, at_floor, logit_deficit, room_texts
from neurolab.analysis.words import floor_text, rank_texts
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result
from neurolab.stats.permutation import SignFlip, p_floor, sign_flip
from neurolab.stats.single_case import crawford_howell
from neurolab.trials import pick_task

register_result(
    "against_controls",
    {
        "target": ("specimen",),
        "control": ("specimen", "draw"),
        "difference": ("specimen",),
        **dict.fromkeys(("effect", "low", "high", "p", "p_floor", "effect_logit"), ()),
        **dict.fromkeys(("rank_p", "rank_p_floor", "rank_low", "rank_high", "t_cc", "t_cc_p"), ()),
    },
    [("p", "effect", "low", "high", "p_floor"), ("rank_p", "effect", "rank_low", "rank_high", "rank_p_floor")],
)


def against_controls(
    trials: xr.Dataset,
    *,
    lesion: str,
    task: str,
    family: str = "matched",
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get whether a target lesion costs a task more than its control lesions do: over networks, and among draws.

    Two questions, two p. ``p`` generalises over networks (people; stimuli of a single network): the sign-flip of
    target deficit - mean control deficit per network. ``rank_p`` generalises over control draws, in these networks: the
    rank of the target's mean deficit among those of the draws, (1 + #{draws >= target}) / (draws + 1). ``t_cc`` is the
    Crawford-Howell t of the target against the draws; it assumes that they are normal.

    Parameters
    ----------
    trials : with the target, its controls of this ``family`` (same name, role "control") and a sham.
    lesion : name or ``lesion_id`` of the target. family : "matched", "reselected", "bottom", "random".
    level : coverage of both intervals. over : "specimen" or "stimulus", the sample.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset: ``target`` (specimen), ``control`` (specimen, draw), ``difference`` (specimen), all deficits in score;
    ``effect`` with ``low, high, p, p_floor``; ``rank_p`` with ``rank_low, rank_high`` (the shifts of the target that
    the rank test does not reject) and ``rank_p_floor``; ``t_cc``, ``t_cc_p``. Tests are one-sided ("greater"),
    intervals two-sided. The attribute ``matching`` says how near the controls came where they were matched.

    When this is invalid
    --------------------
    Controls not matched in size, site and activity answer another question. A target that was selected by its effect
    on this task needs ``family="reselected"``: controls that share the selection's optimism.

    Source
    ------
    Rank p: Dobs et al. 2022, doi:10.1126/sciadv.abl8913 (random and re-selected filters); t: Crawford & Howell 1998,
    doi:10.1076/clin.12.4.482.7241.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> found = against_controls(phantom_trials(n_controls=19, rng=0), lesion="A", task="X", rng=0)
    >>> float(found["rank_p"]), bool(found["p"] <= 0.05)
    (0.05, True)
    """
    sample = sample_of(trials, over)
    rows = target_rows(sample.trials, lesion)
    name = str(sample.trials["roi"].values[rows[0]])
    draws = _same_dose(sample.trials, rows, control_rows(sample.trials, name, family), name, family)
    per_member = sample.table(draws, task) - sample.table(rows, task)  # the sham cancels
    stream = generator(rng, "against_controls", name, family, task)
    test = sign_flip(per_member.to_numpy(), alternative="greater", level=level, rng=stream)
    costs = _costs(sample, rows, draws, task, level)
    match, against = _matching(sample, draws, name, family)
    against += [*_without_room(sample, rows, task, name), *_without_spread(costs, family, name, task)]
    return make_result(
        {
            **costs, **{key: getattr(test, key) for key in ("effect", "low", "high", "p", "p_floor")},
            "effect_logit": _on_logit(sample, rows, draws, task),
        },
        coords={"specimen": sample.specimens, "draw": sample.trials["draw"].values[draws]},
        analysis="against_controls",
        estimand=f"the mean over {sample.plural} of the deficit of {name} on {task} minus that of "
        + f"{family} controls".lstrip(),
        n=len(per_member), level=level, lesion=name, task=task, family=family, matching=match,
        **_about(sample, len(draws)),
        **sample.said(rng, *_notes(test, len(draws), sample.plural, level), match, undermined_by=against, tasks=[task],
                      rows=np.append(rows, draws)),
    )  # fmt: skip


def _costs(sample: Sample, rows: np.ndarray, draws: np.ndarray, task: str, level: float) -> dict[str, Any]:
    """What the target and every draw of its controls cost each network, and the target's place among the draws."""
    intact = sample.by_specimen(sham_rows(sample.trials, str(sample.trials["roi"].values[rows[0]])), task)
    target, control = intact - sample.by_specimen(rows, task), intact[:, None] - sample.by_lesion(draws, task)
    return {
        "target": ("specimen", target),
        "control": (("specimen", "draw"), control),
        "difference": ("specimen", target - control.mean(axis=1)),
        **_among_draws(float(target.mean()), control.mean(axis=0), level),
    }


def _matching(sample: Sample, draws: np.ndarray, name: str, family: str) -> tuple[str, list[str]]:
    """How near controls came to their target, and what of that undermines the result."""
    near = closeness(sample.trials, draws)
    match = near.said(name) if near else ""
    undermined = [match] if near and near.undermines and family != "random" else []
    undermined += [near.dead(name)] if near and near.dead(name) else []
    return match, undermined


def _without_room(sample: Sample, rows: np.ndarray, task: str, name: str) -> list[str]:
    """A ceiling that hides a deficit, a floor that cuts it short."""
    bounded, chance = about_task(sample.trials, task)
    intact = sample.by_specimen(sham_rows(sample.trials, name), task).mean()
    low = at_floor(float(sample.by_specimen(rows, task).mean()), chance, bounded=bounded)
    high = at_ceiling(float(intact), chance, bounded=bounded)
    return room_texts(task, ceiling=high, floored=[name] if low else [])


def _without_spread(costs: dict[str, Any], family: str, name: str, task: str) -> list[str]:
    """Controls that all cost the same, among which no rank means anything."""
    draws = costs["control"][1].mean(axis=0)
    flat = len(draws) > 1 and np.isclose(np.ptp(draws), 0.0, atol=1e-12)
    if not flat and not np.isclose(costs["rank_low"], costs["rank_high"], rtol=0.0, atol=1e-12):
        return []
    same = "all" if flat else "nearly all"
    return [
        f"The {len(draws)} {family} controls of {name} {same} cost {task} the same ({np.median(draws):.3g}): the rank "
        "interval has no width, and the rank p says no more than that the target differs from one value."
    ]


def _about(sample: Sample, n_draws: int) -> dict[str, Any]:
    return {
        "alternative": "greater",
        "test": f"one-sided sign-flip over {sample.plural}; rank among {n_draws} control draws",
        "correction": "none",
        "n_draws": n_draws,
        "rank_generalises_over": "control draw",
    }


def _notes(test: SignFlip, n_draws: int, plural: str, level: float) -> list[str]:
    """The smallest p of both tests, and whether the draws are enough for an interval."""
    return [
        floor_text(test.n, test.p_floor, plural=plural, alternative="greater"),
        *rank_texts(n_draws, what="control draws", level=level),
    ]


def _same_dose(trials: xr.Dataset, rows: np.ndarray, draws: np.ndarray, name: str, family: str) -> np.ndarray:
    """Controls of the target's own dose."""
    dose = trials["dose"].values
    ours = draws[dose[draws] == dose[rows[0]]]
    if not len(ours):
        raise DesignError(
            f"Lesion {name!r} at dose {dose[rows[0]]:g} has no {family} controls at that dose (they are at "
            f"{sorted(set(dose[draws].tolist()))}); damage of another size is no control. Draw controls for that dose."
        )
    return ours


def _on_logit(sample: Sample, rows: np.ndarray, draws: np.ndarray, task: str) -> float:
    """Mean over networks of the difference in log odds; NaN for an unbounded score."""
    bounded, _ = about_task(sample.trials, task)
    n = len(pick_task(sample.trials, task))
    lesioned, controls = sample.by_specimen(rows, task), sample.by_specimen(draws, task)
    return float(logit_deficit(controls, lesioned, n, bounded=bounded).mean())


def _among_draws(target: float, draws: np.ndarray, level: float) -> dict[str, float]:
    """The target's rank among the draws, the interval that inverts it, and the Crawford-Howell t."""
    tie = 1e-12 * max(abs(target), float(np.abs(draws).max()))
    found = {
        "rank_p": (1 + int((draws >= target - tie).sum())) / (len(draws) + 1),
        "rank_p_floor": p_floor("rank", n=len(draws)),
    }
    ordered = np.sort(target - draws)
    beyond = int(np.floor((1 - level) / 2 * (len(draws) + 1) * (1 + 1e-12))) - 1  # draws that may lie outside each end
    found["rank_low"] = float(ordered[beyond]) if beyond >= 0 else -np.inf
    found["rank_high"] = float(ordered[-1 - beyond]) if beyond >= 0 else np.inf
    found |= dict.fromkeys(("t_cc", "t_cc_p"), np.nan)
    if len(draws) >= 2 and np.ptp(draws) > 0:
        single = crawford_howell(target, draws, alternative="greater")
        found |= {"t_cc": single.t, "t_cc_p": single.p}
    return found
