"""The verdict on a dissociation: one of a few words, the reasons for it, and what would undermine it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurolab.analysis.cells import TwoByTwo
from neurolab.analysis.closeness import closeness
from neurolab.analysis.sample import mean_over, member_words
from neurolab.analysis.scale import room_texts
from neurolab.analysis.words import UNDECIDED, floor_text, interval_text, p_text, undecided_text
from neurolab.stats.equivalence import Tost
from neurolab.stats.permutation import SignFlip

CLASSICAL = "classical double dissociation"
CROSSOVER = "crossover, sparing not shown"
NO_DEFICIT = "crossover, own deficits not shown"
SINGLE = "single dissociation"
NONE = "no dissociation shown"
FAR_OFF = 3.0  # sd from the usual activity beyond which a lesion is called off-distribution


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a verdict may rest on: the cells, the two claims, each lesion's own deficit, the two sparings, alpha."""

    cells: TwoByTwo
    claim_names: Sequence[str]
    own_names: Sequence[str]
    spared_names: Sequence[str]
    claims: Sequence[SignFlip]
    own: Sequence[SignFlip]
    spares: Sequence[Tost | SignFlip]
    alpha: float


def verdict(evidence: Evidence) -> str:
    """Get the verdict. A single dissociation is one claim of two that might have been, hence alpha / 2."""
    alpha, p = evidence.alpha, [test.p for test in evidence.claims]
    if _worst(evidence) > alpha:
        n, plural = min(test.n for test in evidence.claims), evidence.cells.sample.plural
        return undecided_text(n, _worst(evidence), plural=plural, alternative="greater", alpha=alpha)
    if max(p) <= alpha:
        if not all(isinstance(test, Tost) and test.equivalent for test in evidence.spares):
            return CROSSOVER
        return CLASSICAL if max(test.p for test in evidence.own) <= alpha else NO_DEFICIT
    if min(p) <= alpha / 2:
        return SINGLE
    if any(test.p <= alpha and test.p_floor > alpha / 2 for test in evidence.claims):
        return f"{UNDECIDED}: {_too_few_for_one(evidence)[0]}"
    return NONE


def _worst(evidence: Evidence) -> float:
    return max(test.p_floor for test in evidence.claims)


def _floor(evidence: Evidence, alpha: float) -> str:
    n, plural = min(test.n for test in evidence.claims), evidence.cells.sample.plural
    return floor_text(n, _worst(evidence), plural=plural, alternative="greater", alpha=alpha)


def _too_few_for_one(evidence: Evidence) -> list[str]:
    """The sentence where one claim alone cannot reach its alpha / 2."""
    half = evidence.alpha / 2
    if _worst(evidence) <= half:
        return []
    needs = p_text(half).replace("=", "<=")
    return [f"One claim alone, a single dissociation, needs {needs}. {_floor(evidence, half)}"]


def reasons(evidence: Evidence) -> list[str]:
    """Get one sentence per claim, per own deficit and per sparing, each with its numbers."""
    level = 1 - 2 * evidence.alpha
    said = []
    for name, test in zip((*evidence.claim_names, *evidence.own_names), (*evidence.claims, *evidence.own)):
        shown = "Shown" if test.p <= evidence.alpha else "Not shown"
        numbers = interval_text(test.effect, test.low, test.high, level)
        said.append(f"{shown}: {name}, by {numbers}, {p_text(test.p)}, n = {test.n}.")
    bounds = evidence.cells.bounds[::-1]
    for name, spared, bound in zip(evidence.spared_names, evidence.spares, bounds):
        numbers = interval_text(spared.effect, spared.low, spared.high, level)
        if isinstance(spared, Tost):
            shown = "Shown" if spared.equivalent else "Not shown"
            said.append(f"{shown}: {name}, deficit {numbers} against ±{bound:.3g}, {p_text(spared.p)}.")
        else:
            why = "the task has no known chance level" if np.isnan(bound) else "the intact score is not above chance"
            advice = "give the bound in score with spared_within={task: bound}"
            said.append(f"Not shown: {name}, deficit {numbers}; {why}, so there is no bound to test against: {advice}.")
    few = _too_few_for_one(evidence)
    return [*said, *(few if few and _worst(evidence) <= evidence.alpha else [_floor(evidence, evidence.alpha)])]


def undermined_by(evidence: Evidence) -> list[str]:
    """Get what in these data would undermine the verdict, a sentence each."""
    return [
        *_about_sample(evidence),
        *_about_scale(evidence),
        *_about_room(evidence),
        *_about_lesions(evidence),
    ]


def _about_sample(evidence: Evidence) -> list[str]:
    sample, said = evidence.cells.sample, []
    if sample.over == "stimulus":
        count = sample.trials.sizes["specimen"]
        one, several = member_words(str(sample.trials.attrs.get("kind", "")))
        whom = f"one {one}" if count == 1 else f"these {count} {several}"
        said.append(f"The sample is stimuli: the verdict is about {whom} and says nothing about others trained alike.")
    return said


def _about_scale(evidence: Evidence) -> list[str]:
    """Does the log-odds scale agree in sign?"""
    logit = evidence.cells.logit
    on_logit = (logit[0, 0] - logit[1, 0], logit[1, 1] - logit[0, 1])
    return [
        f"On the log-odds scale the sign is the other way: {name} ({test.effect:.3g} in score, {odds:.3g} in log odds)."
        for name, test, odds in zip(evidence.claim_names, evidence.claims, on_logit)
        if np.isfinite(odds) and odds * test.effect < 0
    ]


def _about_room(evidence: Evidence) -> list[str]:
    """Ceilings hide a deficit, floors cut it short, a gain is no deficit, nor is what the bound calls none."""
    cells, said = evidence.cells, []
    for j, task in enumerate(cells.tasks):
        hit = [name for i, name in enumerate(cells.lesions) if cells.floor[i, j]]
        said += room_texts(task, ceiling=bool(cells.ceiling[:, j].any()), floored=hit)
    mean = cells.deficit.mean(axis=0)
    for i, (lesion, task) in enumerate(zip(cells.lesions, cells.tasks)):
        other, own, bound = cells.lesions[1 - i], mean[i, i], cells.bounds[i]
        if own <= 0:
            said.append(f"{lesion} costs {task} nothing itself ({own:.3g}); the difference comes from {other}.")
        elif own <= bound:
            within = f"lies within the bound of ±{bound:.3g} within which {task} counts as spared by {other}"
            said.append(f"The deficit of {lesion} on {task} ({own:.3g}) {within}.")
    return said


def _about_lesions(evidence: Evidence) -> list[str]:
    """Unequal sizes, controls missing or unlike, lesions that went off-distribution."""
    cells, trials, said = evidence.cells, evidence.cells.sample.trials, []
    units = [mean_over(trials, "n_units", rows) for rows in cells.rows]
    if np.isfinite(units).all() and units[0] != units[1]:
        a, b = cells.lesions
        said.append(f"{a} and {b} differ in size ({units[0]:.4g} and {units[1]:.4g} units).")
    roles, rois = trials["role"].values.astype(str), trials["roi"].values.astype(str)
    families = trials["family"].values.astype(str) if "family" in trials.coords else np.full(len(roles), "")
    for lesion, rows in zip(cells.lesions, cells.rows):
        controls = np.flatnonzero((roles == "control") & (rois == rois[rows[0]]))
        if not controls.size:
            said.append(
                f"No matched controls of {lesion} were examined: damage of that size anywhere might do the same."
            )
        near = [one for family in dict.fromkeys(families[controls])
                if (one := closeness(trials, controls[families[controls] == family]))]
        matched = [one for one in near if not one.site_only]  # random ones beside them are not meant to be
        said += [one.said(lesion) for one in matched or near[:1] if one.undermines]
        off = mean_over(trials, "certificate_off_distribution", rows)
        if off > FAR_OFF:
            said.append(f"{lesion} took activity {off:.2g} sd off its usual range; try another ablation as well.")
    return said
