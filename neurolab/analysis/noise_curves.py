"""The curves that robustness is read from: scores under rising noise, the same noise in both conditions."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows, target_rows
from neurolab.analysis.strength import ladder_rows, strength_name
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.stats.psychometric import half_point, normalised_area


@dataclass(frozen=True, eq=False)
class Curves:
    """Scores (condition, specimen, strength) of the intact network and, where asked for, of the lesioned one.

    rows : of the trials behind them.
    """

    sample: Sample
    names: list[str]
    strengths: np.ndarray
    score: np.ndarray
    axis: str
    note: str
    rows: np.ndarray


def curves_of(trials: xr.Dataset, noise: str, lesion: str | None, task: str, over: str | None) -> Curves:
    """Get the scores of both conditions at every strength of noise, no noise first; checked to be the same noise."""
    sample = sample_of(trials, over)
    if sample.over == "stimulus":
        raise DesignError(
            "robustness() generalises over networks or people, and these trials have one (or over='stimulus'). Type "
            "nl.concat([...]) with 6 or more; for the curve of one network type nl.dose_response(trials, lesion="
            f"{noise!r}, task={task!r}, rng=0)."
        )
    ladder = _ladder(sample.trials, noise)
    rows = [[sham_rows(sample.trials, noise), *ladder.values()]]
    if lesion is not None:
        under = ladder_rows(sample.trials, f"{lesion} & {noise}", "target", "", "strength")
        _check_same(sample.trials, ladder, under, noise, lesion)
        rows.append([target_rows(sample.trials, lesion), *under.values()])
    score = np.array([[sample.by_specimen(row, task) for row in of] for of in rows]).transpose(0, 2, 1)
    names = ["intact"] + ([lesion] if lesion is not None else [])
    axis = strength_name(sample.trials, np.concatenate(list(ladder.values())))
    known = "lesion_notes" in sample.trials and "lesion_digest" in sample.trials
    note = "" if known or lesion is None else "These trials do not record which noise either condition met."
    return Curves(sample, names, np.array([0.0, *ladder]), score, axis, note,
                  np.concatenate([row for of in rows for row in of]))


def _ladder(trials: xr.Dataset, noise: str) -> dict[float, np.ndarray]:
    ladder = ladder_rows(trials, noise, "target", "", "strength")
    if not ladder:
        there = trials["ladder"].values.astype(str) if "ladder" in trials.coords else np.array([], dtype=str)
        known = [name for name in dict.fromkeys(there) if name]
        raise UnknownNameError(
            f"The trials have no ladder of noise {noise!r}.{did_you_mean(noise, known)} "
            f"They have {listed(known)}. Type nl.noise_ladder(lesion, [0.5, 1, 2, 4]) and examine the rungs."
        )
    if len(ladder) < 2 or min(ladder) <= 0:
        raise DesignError(
            f"The ladder {noise!r} has the strengths {listed(f'{one:g}' for one in ladder)}; a curve needs two or "
            "more, all above 0 (the sham is 0). Type nl.noise_ladder(lesion, [0.5, 1, 2, 4])."
        )
    return ladder


def _check_same(
    trials: xr.Dataset, ladder: dict[float, np.ndarray], under: dict[float, np.ndarray], noise: str, lesion: str
) -> None:
    """Both conditions met the same strengths, as many draws of each, and, where trials know, the same noise."""
    advice = "Type ladder = nl.noise_ladder(...) and examine [lesion, *ladder, *(lesion & rung for rung in ladder)]."
    if not under:
        raise DesignError(f"The trials have no rungs {lesion + ' & ' + noise!r}: {lesion!r} under noise. {advice}")
    if list(ladder) != list(under) or any(len(ladder[one]) != len(under[one]) for one in ladder):
        raise DesignError(
            f"The intact network met noise of {listed(f'{k:g}' for k in ladder)} and {lesion!r} of "
            f"{listed(f'{k:g}' for k in under)}, or another number of draws; the two compare under the same noise "
            f"only. {advice}"
        )
    if "lesion_notes" not in trials or "lesion_digest" not in trials:
        return
    notes, digests = (trials[name].transpose("specimen", "lesion").values for name in ("lesion_notes", "lesion_digest"))
    for strength in ladder:
        for note, digest in zip(notes[:, under[strength]], digests[:, ladder[strength]]):
            met = {part["digest"] for text in note for part in json.loads(str(text)).get("also", [])}
            if not set(map(str, digest)) <= met:
                raise DesignError(
                    f"At strength {strength:g} {lesion!r} met another noise than the intact network (another region, "
                    f"reference or rng). {advice}"
                )


def floor_of(curves: Curves, task: str, chance: float | None) -> float:
    """Get the chance level, below every noise-free score."""
    floor = about_task(curves.sample.trials, task)[1] if chance is None else float(chance)
    if not np.isfinite(floor):
        raise DesignError(
            f"The chance level of {task!r} is unknown, so half of the performance above it is too. Type chance=0.5, or "
            "whatever guessing gives."
        )
    for name, score in zip(curves.names, curves.score[:, :, 0]):
        low = curves.sample.specimens[score <= floor]
        if len(low):
            raise DesignError(
                f"Without noise {name!r} leaves {listed(low, most=4)} at or below chance ({floor:g}): nothing is there "
                "for noise to take. Use a smaller lesion, or leave these out of every condition."
            )
    return floor


def half_points(curves: Curves, floor: float, curve: str) -> np.ndarray:
    """Get the ED50 (condition, specimen); infinite where half is never reached."""
    return np.array([[half_point(curves.strengths, y, chance=floor, curve=curve) for y in of] for of in curves.score])


def retained_of(curves: Curves, floor: float) -> np.ndarray:
    """Get the normalised area (condition, specimen)."""
    return np.array([
        normalised_area(curves.strengths, score, chance=floor, intact=score[:, 0]) for score in curves.score
    ])
