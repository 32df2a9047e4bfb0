"""What a robustness result says in words: how far each curve fell, and whether a lesion shifts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurolab.analysis.words import floor_text, interval_text, joined, p_text
from neurolab.stats.permutation import SignFlip

#: A mean curve that rises by more than this share of its noise-free height above chance is said to rise.
RISE = 0.05


@dataclass(frozen=True, eq=False)
class Reading:
    """The curves of one condition as they were read: ED50 per network (at most the strongest noise), and the rest."""

    name: str
    strengths: np.ndarray
    mean: np.ndarray
    chance: float
    ed50: np.ndarray
    reached: np.ndarray
    half: SignFlip
    kept: SignFlip

    @property
    def beyond(self) -> int:
        """How many networks never fell to half."""
        return int((~self.reached).sum())


def sentences_of(reading: Reading, plural: str, level: float) -> list[str]:
    """Get what one condition says of itself: where half is left, what was not reached, what is odd."""
    n, last, first = len(reading.reached), reading.strengths[-1], reading.strengths[1]
    who, half = reading.name, interval_text(reading.half.effect, reading.half.low, reading.half.high, level)
    if reading.beyond == n:
        said = [f"{who}: the ED50 lies beyond the strongest noise ({last:g}): none of {n} {plural} fell to half."]
    elif reading.beyond:
        said = [
            f"{who}: the mean ED50 is at least {half}: {reading.beyond} of {n} {plural} never fell to half and count "
            f"as {last:g}, the strongest noise."
        ]
    else:
        said = [f"{who}: half is left at {half}, the ED50 of {n} {plural}."]
    early = int((reading.reached & (reading.ed50 < first)).sum())
    if early:
        said.append(
            f"{who}: {early} of {n} {plural} fell to half before the weakest noise ({first:g}), read off a straight "
            "line from no noise; add weaker noise."
        )
    height = reading.mean[0] - reading.chance
    rises = [at for at, step in enumerate(np.diff(reading.mean)) if step > RISE * height]
    if rises:
        where = joined([f"{reading.strengths[at]:g} and {reading.strengths[at + 1]:g}" for at in rises])
        said.append(f"{who}: the mean score rises between {where}; the ED50 is that of the nearest falling curve.")
    kept = interval_text(reading.kept.effect, reading.kept.low, reading.kept.high, level)
    return [*said, f"{who}: {kept} of the noise-free performance is retained over the ladder."]


def verdict_of(readings: Sequence[Reading], test: SignFlip, *, plural: str, alpha: float) -> str:
    """Get the answer in a few words."""
    if len(readings) == 1:
        return "never falls to half" if not readings[0].reached.any() else f"half is left at {half_text(readings[0])}"
    if not any(reading.reached.any() for reading in readings):
        return "not measured: no curve falls to half, test stronger noise"
    if test.p_floor > alpha:
        said = floor_text(test.n, test.p_floor, plural=plural, alternative="two-sided", alpha=alpha)
        return f"no shift shown: {said}"
    if test.p > alpha:
        return "no shift shown"
    return f"{'less' if test.effect < 0 else 'more'} robust after {readings[1].name}"


def half_text(reading: Reading) -> str:
    """Get the mean ED50 as text, a bound where some networks never fell to half."""
    return f"{'at least ' if reading.beyond else ''}{reading.half.effect:.3g}"


def shift_sentences(readings: Sequence[Reading], shift: SignFlip, area: SignFlip, level: float) -> list[str]:
    """Get the tested comparison of two conditions, one sentence each for the ED50 and the area."""
    shown = "Shown" if shift.p <= 1 - level + 1e-12 else "Not shown"
    numbers = interval_text(shift.effect, shift.low, shift.high, level)
    beyond = sum(reading.beyond for reading in readings)
    limit = f", with {beyond} ED50 beyond the ladder counted as its end" if beyond else ""
    said = [f"{shown}: the ED50 shifts by {numbers}, {p_text(shift.p)}, n = {shift.n}{limit}."]
    shown = "Shown" if area.p <= 1 - level + 1e-12 else "Not shown"
    numbers = interval_text(area.effect, area.low, area.high, level)
    return [*said, f"{shown}: the share retained over the ladder shifts by {numbers}, {p_text(area.p)}."]
