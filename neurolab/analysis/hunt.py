"""A hunt for minimal sets: some members of the sample choose them, the others, who had no part in that, test them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cells import mean_test, right_or_wrong
from neurolab.analysis.sample import PLURAL
from neurolab.analysis.words import floor_text, joined
from neurolab.chance import RNG, generator
from neurolab.coalitions import BETWEEN
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.minimal import MinimalSets
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import SignFlip, n_needed, sign_flip
from neurolab.stats.right_or_wrong import shares_beyond

TEST = ("effect", "low", "high", "p", "p_floor")
#: More minimal sets than these are counted, not listed.
MOST_SETS = 64
#: Where the search for a number of stimuli ends that could show a set; a bound of nearly all stimuli asks for more.
MOST_TESTERS = 10_000

register_result(
    "minimal_set",
    {
        **dict.fromkeys((*TEST, *(f"needed_{name}" for name in TEST), "q", "size", "shown"), ("set",)),
        "members": ("set", "player"),
        "bound": (),
        "all_together": (),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("needed_p", "needed_effect", "needed_low", "needed_high", "needed_p_floor"),
    ],
)


@dataclass(frozen=True, eq=False)
class Hunt:
    """A search for minimal sets: who chose, who tests, and the deficits (members,) of any set of lesioned players.

    counted : whether the members are stimuli of which each score is 0 or 1 (``Sample.counted``).
    """

    players: tuple[str, ...]
    deficit: Callable[[int], np.ndarray]
    chose: np.ndarray
    bound: float
    level: float
    over: str
    counted: bool = False

    @property
    def plural(self) -> str:
        """What the members are called."""
        return PLURAL[self.over]

    @property
    def tests(self) -> np.ndarray:
        """Which members test: those that did not choose."""
        return ~self.chose

    @property
    def shares(self) -> bool:
        """Whether the members are stimuli that are right or wrong."""
        return right_or_wrong(self.deficit(self.everyone), self.over, counted=self.counted)

    def floor(self, n: int) -> float:
        """Get the smallest p of both claims about a set where ``n`` members test it."""
        if not self.shares:
            return sign_flip(np.ones(n), alternative="greater", rng=0).p_floor  # above 30 of drawn signs
        ends = ((1.0, "greater"), (-1.0, "less"))
        return max(shares_beyond(np.full(n, sign), self.bound, alternative=side).p for sign, side in ends)

    @property
    def everyone(self) -> int:
        """The set of all players."""
        return 2 ** len(self.players) - 1

    def name(self, taken: int) -> str:
        """Get the name of a set."""
        return BETWEEN.join(name for k, name in enumerate(self.players) if taken >> k & 1)

    def mean(self, taken: int) -> float:
        """Get the mean deficit over the members that choose."""
        return float(self.deficit(taken)[self.chose].mean())

    def fails(self, taken: int) -> bool:
        """Get whether a set costs as much as the bound in the members that choose; a tie of rounding counts."""
        return bool(self.mean(taken) >= self.bound * (1 - 1e-9))


class Deficits:
    """The deficits (members,) of sets of lesioned players, each asked of the game once."""

    def __init__(self, value: Callable[[np.ndarray], Any], n_players: int):
        self.value, self.n_players = value, n_players
        self.known: dict[int, np.ndarray] = {}

    def __call__(self, taken: int) -> np.ndarray:
        """Get the deficits with these players lesioned."""
        self.ask([0, taken])
        return self.known[0] - self.known[taken]

    def ask(self, sets: Sequence[int]) -> None:
        """Play those of some sets that were not played yet, in one call."""
        new = [taken for taken in dict.fromkeys(sets) if taken not in self.known]
        if not new:
            return
        mask = np.array([[not taken >> k & 1 for k in range(self.n_players)] for taken in new])
        score = np.asarray(self.value(mask), dtype=np.float64)
        if score.ndim != 2 or len(score) != len(new) or not np.isfinite(score).all():
            raise DataError(
                f"The game was asked for {len(new)} coalitions and answered with shape {score.shape}; expected finite "
                f"scores ({len(new)}, members). Type neurolab.coalitions.game(ask, rois, how, task=...)."
            )
        self.known.update(zip(new, score))


def checked_bound(bound: float) -> float:
    """Get the deficit that counts; it must be a number above 0."""
    if not (np.isfinite(bound) and bound > 0):
        raise DesignError(
            f"The deficit that counts is {bound}; expected a number above 0. Where the chance level is unknown or the "
            "intact score is at chance, give it in units of the score: costing={task: 0.5}."
        )
    return bound


def choosers(n: int, share: float, rng: RNG) -> np.ndarray:
    """Get which members choose (booleans), drawn at random; the others test."""
    if n < 2:
        raise DesignError(
            "There is one member (a network, say): those that choose the sets cannot test them. A game gives one mean "
            "per network: ask a cohort, functools.partial(nl.examine, cohort, tasks=[task]). Trials of one network "
            "may be asked over='stimulus'."
        )
    if not 0 < share < 1:
        raise DesignError(
            f"choosing={share} of {n} members given; expected a share between 0 and 1 of at least two: those that "
            "choose the sets cannot test them. Type choosing=1/3."
        )
    chose = np.zeros(n, dtype=bool)
    chose[generator(rng, "who chooses", n).permutation(n)[: min(n - 1, max(1, round(share * n)))]] = True
    return chose


def floor_note(hunt: Hunt) -> str:
    """Get the sentence about the smallest p of those that test."""
    n = int(hunt.tests.sum())
    about: dict[str, Any] = {"plural": hunt.plural, "alternative": "greater", "alpha": 1 - hunt.level}
    if hunt.shares:
        about["needed"] = _needed(hunt, 1)
    chose = f"{int(hunt.chose.sum())} {hunt.plural} chose the sets, the others tested them."
    return f"{chose} {floor_text(n, hunt.floor(n), **about)}"


def hunted(
    hunt: Hunt,
    found: MinimalSets,
    dim: str,
    coords: Mapping[str, Any],
    draw: RNG,
    *,
    asked: Deficits | None = None,
    **about: Any,
) -> xr.Dataset:
    """Get the result of a search: every set that it found, tested on the members that did not choose."""
    sets = sorted(found.sets, key=lambda taken: (taken.bit_count(), -hunt.mean(taken)))[:MOST_SETS]
    tests = [_tested(hunt, taken, draw) for taken in sets]
    q = holm([max(whole.p, needed.p) for whole, needed in tests]).p if tests else np.zeros(0)
    shown = q <= 1 - hunt.level + 1e-12
    return make_result(
        {
            **{name: ("set", [getattr(whole, name) for whole, _ in tests]) for name in TEST},
            **{f"needed_{name}": ("set", [getattr(needed, name) for _, needed in tests]) for name in TEST},
            "p": ("set", [max(whole.p, needed.p) for whole, needed in tests]),
            "q": ("set", q),
            "shown": ("set", shown),
            **_found(hunt, sets, dim),
        },
        coords={
            "set": strings([hunt.name(taken) for taken in sets]),
            "player": strings(hunt.players),
            "chose": (dim, hunt.chose),
            **coords,
        },
        **_about(hunt, about["task"]),
        verdict=_verdict(hunt, sets, shown),
        reasons=_reasons(hunt, found, sets, asked),
        n_sets=len(found.sets),
        complete=found.complete,
        n_evaluations=len(asked.known) if asked else found.n_evaluations,
        **{**_flagged(about, _too_few(hunt, len(sets))), "n": int((~hunt.chose).sum())},
    )


def _too_few(hunt: Hunt, n_sets: int) -> str:
    """What undermines a search whose testers are so few that no set could be shown, however much it costs."""
    n, alpha = int((~hunt.chose).sum()), 1 - hunt.level
    least = n_sets * (hunt.floor(n) if hunt.shares else 0.5**n)
    if not n_sets or least <= alpha + 1e-12:
        return ""
    needed = _needed(hunt, n_sets)
    sets = "one set" if n_sets == 1 else f"{n_sets} sets"
    return (
        f"{n} {hunt.plural} test {sets}: the smallest q (Holm) is {min(1.0, least):.2g}, so that none can be "
        f"shown. It takes {needed} that test, about {math.ceil(needed * len(hunt.chose) / n)} in all."
    )


def _needed(hunt: Hunt, n_sets: int) -> int:
    """How many must test so many sets that the smallest q reaches alpha."""
    alpha = (1 - hunt.level) / n_sets
    if not hunt.shares:
        return n_needed("sign_flip", alpha=alpha, alternative="greater")
    return next((n for n in range(2, MOST_TESTERS) if hunt.floor(n) <= alpha), MOST_TESTERS)


def _flagged(about: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """The same, with one more sentence of what undermines the result."""
    before = about["undermined_by"]
    said = list(json.loads(before) if isinstance(before, str) else before)
    return {**about, "undermined_by": [*said, sentence]} if sentence else dict(about)


def _about(hunt: Hunt, task: str) -> dict[str, str]:
    return {
        "analysis": "minimal_set",
        "estimand": f"the mean deficit of each minimal set of {joined(list(hunt.players))} on {task}, over "
        f"{hunt.plural} that did not choose it, against {hunt.bound:.3g}",
        "test": "one-sided score tests of paired shares, counted over all outcomes, intersection-union" if hunt.shares
        else f"one-sided sign-flips over {hunt.plural}, intersection-union",
        "alternative": "greater",
        "correction": "holm",
    }


def _found(hunt: Hunt, sets: Sequence[int], dim: str) -> dict[str, Any]:
    """What is in each set, what it costs every member, and what counts."""
    names = range(len(hunt.players))
    inside = np.array([[taken >> k & 1 for k in names] for taken in sets], dtype=bool)
    values = np.array([hunt.deficit(taken) for taken in sets]).reshape(len(sets), len(hunt.chose))
    return {
        "size": ("set", [taken.bit_count() for taken in sets]),
        "members": (("set", "player"), inside.reshape(len(sets), len(names))),
        "value": ((dim, "set"), values.T),
        "bound": hunt.bound,
        "all_together": hunt.mean(hunt.everyone),
    }


def _tested(hunt: Hunt, taken: int, rng: RNG) -> tuple[SignFlip, SignFlip]:
    """The set against the bound, and the set without the region that is needed least, where it was not chosen."""
    settings: dict[str, Any] = {"popmean": hunt.bound, "level": hunt.level, "counted": hunt.counted}
    tests, stream = hunt.tests, generator(rng, "minimal set", hunt.name(taken))
    whole = mean_test(hunt.deficit(taken)[tests], hunt.over, alternative="greater", rng=stream, **settings)
    spared = [taken ^ 1 << k for k in range(len(hunt.players)) if taken >> k & 1]
    less = [
        mean_test(hunt.deficit(one)[tests], hunt.over, alternative="less", rng=stream, **settings) for one in spared
    ]
    return whole, max(less, key=lambda test: (test.p, test.effect))


def _verdict(hunt: Hunt, sets: Sequence[int], shown: np.ndarray) -> str:
    if not sets:
        return "no set found: all regions together cost less than the bound"
    least = [k for k, taken in enumerate(sets) if taken.bit_count() == sets[0].bit_count()]
    if len(least) == 1:
        return f"{hunt.name(sets[0])}: {'shown' if shown[0] else 'not shown'}"
    said = f"{len(least)} smallest sets of {sets[0].bit_count()} regions, {int(shown[least].sum())} shown"
    return said.replace("of 1 regions", "of one region")


def _reasons(hunt: Hunt, found: MinimalSets, sets: Sequence[int], asked: Deficits | None) -> list[str]:
    n = len(asked.known) if asked else found.n_evaluations
    all_sets = "all" if found.complete else "perhaps not all: the evaluations were spent"
    sets_found = f"{len(found.sets)} minimal set{'' if len(found.sets) == 1 else 's'}"
    said = [
        f"All regions together cost {hunt.mean(hunt.everyone):.3g} where sets were chosen; {hunt.bound:.3g} counts.",
        f"{sets_found} ({all_sets}), from {n} of {2 ** len(hunt.players)} coalitions.",
    ]
    if len(found.sets) > len(sets):
        said.append(f"The {len(sets)} smallest are listed and tested.")
    return said
