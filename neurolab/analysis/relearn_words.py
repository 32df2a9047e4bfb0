"""What recovery says in words: won back, still impaired, how soon; and what was never reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.stats.shares import Share

if TYPE_CHECKING:
    from neurolab.analysis.relearn import Arms

Times = Mapping[str, tuple[np.ndarray, np.ndarray]]


def shown(p: float, alpha: float) -> bool:
    """Get whether a p reaches alpha, where there is one."""
    return bool(p <= alpha + 1e-12)


def verdict_of(found: Mapping[str, Any], share: Share, alpha: float, plural: str) -> str:
    """Get the answer in a few words; "recovered" needs its equivalence test."""
    if share.p_floor > alpha:
        few = floor_text(share.n, share.p_floor, plural=plural, alternative="greater", alpha=alpha)
        return f"nothing can be shown: {few}"
    if not shown(found["initial"].p, alpha):
        return "no deficit shown at the first step, so nothing to recover from"
    if shown(found["recovered"].p, alpha):
        return "recovered"
    won, left = shown(share.p, alpha), shown(found["remaining"].p, alpha)
    if won:
        return f"partly recovered, {'still impaired' if left else 'neither impairment nor full recovery shown'}"
    return "still impaired, no recovery shown" if left else f"nothing shown with these {plural}"


def reasons_of(
    arms: Arms, found: Mapping[str, Any], share: Share, times: Times, margin: float, level: float
) -> list[str]:
    """Get one sentence per test, each with its numbers, and one per arm about its time to criterion."""
    alpha = 1 - level
    first, last = (f"{arms.step[at]:g}" for at in (0, -1))

    def said(name: str, claim: str, test: Any, coverage: float = level) -> str:
        numbers = interval_text(test.effect, test.low, test.high, coverage)
        return f"{'Shown' if shown(test.p, alpha) else 'Not shown'}: {claim}, {name} {numbers}, {p_text(test.p)}."

    lines = [
        said("by", f"{arms.lesioned} scores lower than {arms.intact} at step {first}", found["initial"]),
        said("a share of", f"part of that deficit is gone by step {last}", share),
        said("by", f"{arms.lesioned} still scores lower at the end", found["remaining"]),
    ]
    if np.isnan(margin):
        lines.append("Whether all of it is gone was not tested: chance is unknown and no bound was given (bound=).")
    else:
        claim = f"what remains lies within ±{margin:.3g} of none"
        lines.append(said("at", claim, found["recovered"], 1 - 2 * alpha))
    if shown(found["rising"].p, alpha):
        claim = "the deficit still shrank over the last step, so no plateau was reached"
        lines.append(said("by", claim, found["rising"]))
    soon = time_sentences(times, arms.step[-1], arms.steps.plural, arms.steps.scored)
    return [*lines, *soon, _waited(arms, found["time"], alpha, level)]


def time_sentences(
    times: Times, last: float, plural: str, scored: Callable[[str], str] = lambda arm: ""
) -> list[str]:
    """Get how soon each arm reached the criterion; who never did is counted, and said to be counted, as the last step.

    scored : what to add about how often an arm was scored.

    Example
    -------
    >>> time_sentences({"a": (np.array([3.0, 9.0]), np.array([True, False]))}, 9, "networks")
    ['a: the criterion is reached after 6 or more steps on average; 1 of 2 networks never reached it and count as 9.']
    """
    said = []
    for name, (steps, reached) in times.items():
        never = int((~reached).sum())
        if never == len(reached):
            said.append(f"{name}: none of {never} {plural} reached the criterion by step {last:g}.")
        elif never:
            said.append(
                f"{name}: the criterion is reached after {steps.mean():.3g} or more steps on average{scored(name)}; "
                f"{never} of {len(reached)} {plural} never reached it and count as {last:g}."
            )
        else:
            after = _steps(steps.mean())
            said.append(f"{name}: the criterion is reached after {after} on average{scored(name)}.")
    return said


def _steps(mean: float) -> str:
    """A number of steps in words: 1 step, 2.5 steps."""
    return f"{mean:.3g} {'step' if f'{mean:.3g}' == '1' else 'steps'}"


def _waited(arms: Arms, test: Any, alpha: float, level: float) -> str:
    against, later = arms.control or arms.intact, "later" if test.effect >= 0 else "earlier"
    numbers = interval_text(test.effect, test.low, test.high, level)
    sure = "Shown" if shown(test.p, alpha) else "Not shown"
    return f"{sure}: {arms.lesioned} reaches it {later} than {against}, by {numbers} steps, {p_text(test.p)}."
