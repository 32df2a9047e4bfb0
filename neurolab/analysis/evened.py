"""Whether cohorts are equal in what they were to be matched on, and the head of every result that compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurolab.analysis.cohort_table import Cohorts, Profile, cohorts_of, matched, table_of
from neurolab.analysis.flags import Flags
from neurolab.chance import RNG, generator, rng_name

MEANS = ("mean", "mean_low", "mean_high")
UNMATCHED = "Nothing was matched: it was not looked at whether the cohorts are equally accurate."


@dataclass(frozen=True, eq=False)
class Evened:
    """The indices that were to be matched, and ``equal`` (cohort, index): shown to be as in the cohort ``home``."""

    cohorts: Cohorts
    indices: tuple[str, ...]
    home: int
    within: float
    equal: np.ndarray

    def flags(self) -> Flags:
        """Get what is not shown to be equal, each sentence with the condition that it is about."""
        said: dict[str, dict[str, list[str]]] = {} if self.indices else {UNMATCHED: {}}
        said |= self.cohorts.twice(self.cohorts.names[self.home])
        for at, column in np.argwhere(~self.equal):
            k = self.cohorts.indices.index(self.indices[column])
            name, other = self.cohorts.names[at], self.cohorts.names[self.home]
            means = (float(self.cohorts.of(at, k).mean()), float(self.cohorts.of(self.home, k).mean()))
            said[unequal_text(name, other, self.indices[column], means, self.within)] = {"condition": [name]}
        return said


def evened(
    profiles: Mapping[str, Profile],
    cohorts: Cohorts,
    matched_on: Sequence[str] | str | None,
    *,
    home: int,
    within: float,
    rng: RNG,
) -> Evened:
    """Get whether every cohort is shown to equal the one at ``home``, also in indices that are not compared.

    profiles : those of ``cohorts``, in their order. within : differences that count as none.
    """
    wanted = (matched_on,) if isinstance(matched_on, str) else tuple(matched_on or ())
    other = [name for name in wanted if name not in cohorts.indices]
    held = cohorts_of(profiles, _also(profiles, cohorts, other), cohorts.paired) if other else cohorts
    indices = matched(held, wanted)
    equal = np.ones((len(held.names), len(indices)), dtype=bool)
    for at, name in enumerate(held.names):
        for column, index in enumerate(indices):
            if at != home:
                stream = generator(rng, "equal", name, index)
                equal[at, column] = held.equal(at, home, held.indices.index(index), within, stream)
    return Evened(held, indices, home, within, equal)


def _also(profiles: Mapping[str, Profile], cohorts: Cohorts, other: Sequence[str]) -> list[str]:
    """The indices that are compared and those that are held against each other, where all tables have these."""
    there = all(name in map(str, table_of(one).columns) for one in profiles.values() for name in other)
    return [*cohorts.indices, *other] if there else list(cohorts.indices)


def means_of(cohorts: Cohorts, level: float, rng: RNG) -> dict[str, Any]:
    """Get the mean of every index in every cohort, with its interval."""
    parts = dict(zip(MEANS, ("effect", "low", "high")))
    tests = [
        [cohorts.mean(at, k, level, generator(rng, "mean", name, index)) for k, index in enumerate(cohorts.indices)]
        for at, name in enumerate(cohorts.names)
    ]
    return {called: (("cohort", "index"), [[one[of] for one in row] for row in tests]) for called, of in parts.items()}


def compared(cohorts: Cohorts, pairs: Evened, *, level: float, rng: RNG) -> dict[str, Any]:
    """Get what every comparison of cohorts says of itself, as attrs."""
    return {
        "n": cohorts.smallest,
        "correction": "holm",
        "alternative": "two-sided",
        "level": level,
        "rng": rng_name(rng),
        "paired": cohorts.paired,
        "equal_within": pairs.within,
        **cohorts.said(),
    }


def unequal_text(name: str, other: str, index: str, means: tuple[float, float], within: float) -> str:
    """Get the flag of two cohorts that are not shown to be equal.

    Example
    -------
    >>> unequal_text("dropout", "control", "accuracy", (0.9, 0.96), 0.02).partition(":")[0]
    'dropout (0.9) and control (0.96) are not shown to be equal in accuracy within 0.02'
    """
    one, two = ("not defined in all" if np.isnan(mean) else f"{mean:.3g}" for mean in means)
    return (
        f"{name} ({one}) and {other} ({two}) are not shown to be equal in {index} within {within:g}: "
        "what differs may follow from that."
    )
