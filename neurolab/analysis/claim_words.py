"""The reasons of a claim's verdict, a sentence per condition, and what would undermine it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from neurolab.analysis.claim_rows import NOT_SHOWN, Row
from neurolab.analysis.flags import flags_in, flags_of
from neurolab.analysis.words import interval_text, p_text
from neurolab.errors import UnknownNameError, did_you_mean, listed

#: What an expectation says of the effect.
SIDE = {"more": "above", "less": "below"}


def because(rows: Sequence[Row], expects: str, within: float | None, alpha: float) -> list[str]:
    """Get one sentence per condition, with its numbers, and what the disagreement of conditions does not say."""
    said = [_sentence(row, _asked(row, expects, within)) for row in rows]
    if within is not None and expects != "none":
        said.append(f"An effect within ±{within:g} was said to count as none.")
    said += [_floor(row, expects, alpha) for row in rows if row.out_of_reach(expects, alpha)]
    said += [_endless(row) for row in rows if row.unknown]
    lost = [row for row in rows if row.decision == NOT_SHOWN and row.p <= alpha and not row.vacuous]
    if expects != "none" and len(rows) > 1 and lost:
        said.append(f"Corrected over {len(rows)} conditions (Holm), its p is above {f'{alpha:g}'.removeprefix('0')}.")
    found = {row.decision for row in rows}
    if within is not None and len(found) > 1 and len(rows) * (1 - rows[0].level) / 2 > alpha * (1 + 1e-12):
        said.append(f"That an interval lies within the bound is not corrected for the {len(rows)} conditions.")
    if len(found) == 2 and NOT_SHOWN in found:
        said.append("That it is not shown in one condition is no evidence that the conditions differ.")
    return said


def _asked(row: Row, expects: str, within: float | None) -> str:
    if expects in SIDE:
        return f"{SIDE[expects]} {row.null:g}"
    bound = f"within ±{within:g}" if within is not None else ""
    return f"{bound} of {row.null:g}" if bound and row.null else bound


def _sentence(row: Row, asked: str) -> str:
    where = f" in {row.condition}" if row.condition else ""
    if not np.isfinite(row.effect):
        return f"Not shown{where}: no effect could be estimated, n = {row.n}."
    numbers = interval_text(row.effect, row.low, row.high, row.level)
    chance = f", {p_text(row.p)}" if np.isfinite(row.p) else ""
    decision = f"{row.decision[:1].upper()}{row.decision[1:]}{where}"
    empty = " (what it presumes is not supported)" if row.vacuous else ""
    return f"{decision}{empty}: expected {asked}, found {numbers}{chance}, n = {row.n} {row.members}."


def _floor(row: Row, expects: str, alpha: float) -> str:
    where = f" in {row.condition}" if row.condition else ""
    if expects == "none" and row.alternative != "equivalence":
        return f"The design{where} cannot show it: its interval of {100 * row.level:g} % has no end with so few."
    least = p_text(row.p_floor).removeprefix("p = ")
    return f"The design{where} cannot show it: its smallest p is {least}, above {f'{alpha:g}'.removeprefix('0')}."


def _endless(row: Row) -> str:
    where = f" in {row.condition}" if row.condition else ""
    return f"The interval{where} has no end on either side: any effect may be, of either sign."


def other_sign(rows: Sequence[Row], pilot: float | Mapping[str, float] | None) -> list[str]:
    """Get a sentence for every condition whose effect has another sign than in a pilot.

    Raises
    ------
    UnknownNameError : a pilot of a condition that the claim does not have.
    """
    if pilot is None:
        return []
    before = dict(pilot) if isinstance(pilot, Mapping) else {row.condition: float(pilot) for row in rows}
    known = [row.condition for row in rows]
    for name in before:
        if name not in known:
            raise UnknownNameError(f"pilot= names {name!r}; the claim has {listed(known)}.{did_you_mean(name, known)}")
    return [
        f"The sign{f' in {row.condition}' if row.condition else ''} is another than in the pilot: "
        f"{row.effect:.3g} here, {before[row.condition]:.3g} there."
        for row in rows
        if row.condition in before and (row.effect - row.null) * (before[row.condition] - row.null) < 0
    ]


def undermining(results: Mapping[str, xr.Dataset], rows: Sequence[Row] = ()) -> list[str]:
    """Get what undermines the results, each sentence once; with its conditions where not all say it.

    What a result says of other conditions or indices than were taken out of it is left out. rows : one per result,
    whose numbers may undermine it too.
    """
    flat = {row.condition: [_flat(row)] for row in rows if row.flat and row.n.isdigit()}
    said = {str(condition): _flags(result) for condition, result in results.items()}
    for condition, result in results.items():
        if result.attrs.get("analysis") != "trend":  # a median of slopes, which ties may hold fast
            said[str(condition)] += flat.get(str(condition), [])
    return _each_once(said)


def _flat(row: Row) -> str:
    """That all members gave one value, and how many others may give another: the exact rule of three, at .95."""
    others = 1 - 0.05 ** (1 / int(row.n))
    return (
        f"All {row.n} {row.members} gave the same value ({row.effect:.3g}): the interval has no width. Up to "
        f"{others:.0%} of such {row.members} may still differ (rule of three), by how much nobody knows."
    )


def presumed(rows: Sequence[Row], presumes: xr.Dataset | None) -> list[str]:
    """Get a sentence where a claim that others presume is not supported."""
    empty = [row.condition for row in rows if row.vacuous]
    if presumes is None or not empty:
        return []
    where = "" if len(empty) == len(rows) else f"{', '.join(empty)}: "
    return [f"{where}It presumes another claim, which is {presumes.attrs['verdict']}: {presumes.attrs['sentence']}"]


def noted(results: Mapping[str, xr.Dataset]) -> str:
    """Get the notes of the results, each once; with its conditions where not all have it."""
    notes = {condition: [str(result.attrs.get("note", ""))] for condition, result in results.items()}
    return " ".join(_each_once({condition: [one for one in said if one] for condition, said in notes.items()}))


def _flags(result: xr.Dataset) -> list[str]:
    """The sentences about what is left of a result after ``.sel``."""
    taken = {str(name): [str(coord.item())] for name, coord in result.coords.items() if not coord.dims}
    return flags_of(flags_in(result.attrs), **taken)


def _each_once(said: Mapping[str, Sequence[str]]) -> list[str]:
    whose: dict[str, list[str]] = {}
    for condition, lines in said.items():
        for line in dict.fromkeys(lines):
            whose.setdefault(line, []).append(str(condition))
    return [line if len(who) == len(said) or line.startswith(f"{who[0]}: ") else f"{', '.join(who)}: {line}"
            for line, who in whose.items()]  # fmt: skip
