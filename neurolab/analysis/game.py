"""From trials to a game: the score of every coalition of regions, read from the names of the lesions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows
from neurolab.analysis.scale import at_ceiling, at_floor
from neurolab.analysis.words import joined
from neurolab.chance import RNG
from neurolab.coalitions import BETWEEN, MOST_PLAYERS
from neurolab.errors import DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.schema import strings
from neurolab.trials import pick_task

HOW_TO = "Type nl.examine(specimen, neurolab.coalitions.coalitions(rois, how), tasks)"


@dataclass(frozen=True, eq=False)
class Played:
    """A game that was played on a task: players, and per set of lesioned players the score of each member.

    scores : set of lesioned players, as a number in binary with player 0 the lowest bit -> (members,). 0 is the sham.
    rows : the rows of the trials behind them.
    """

    sample: Sample
    task: str
    players: tuple[str, ...]
    scores: dict[int, np.ndarray]
    rows: dict[int, np.ndarray]

    @property
    def n(self) -> int:
        """How many players."""
        return len(self.players)

    @property
    def everyone(self) -> int:
        """The number of the set of all players."""
        return 2**self.n - 1

    @property
    def members(self) -> int:
        """How many networks, people or stimuli."""
        return len(self.scores[0])

    @cached_property
    def complete(self) -> bool:
        """Whether every coalition was examined."""
        return len(self.scores) == 2**self.n

    @property
    def coords(self) -> dict[str, np.ndarray]:
        """The names of the members, by the dim of their values."""
        names = self.sample.specimens if self.sample.dim == "specimen" else self.sample.stimuli(self.task)
        return {self.sample.dim: strings(names)}

    @cached_property
    def bounded(self) -> bool:
        """Whether the score cannot leave [0, 1]."""
        return about_task(self.sample.trials, self.task)[0]

    @cached_property
    def chance(self) -> float:
        """The chance level, NaN where unknown."""
        return about_task(self.sample.trials, self.task)[1]

    def name(self, taken: int) -> str:
        """Get the name of the lesion of a set of players."""
        return BETWEEN.join(self.names(taken)) or "the sham"

    def names(self, taken: int) -> list[str]:
        """Get the names of the players in a set."""
        return [name for k, name in enumerate(self.players) if taken >> k & 1]

    def of(self, taken: int) -> np.ndarray:
        """Get the scores (members,) with these players lesioned."""
        if taken not in self.scores:
            raise DesignError(self.lacks(taken))
        return self.scores[taken]

    def deficit(self, taken: int) -> np.ndarray:
        """Get the deficits (members,) with these players lesioned."""
        return self.scores[0] - self.of(taken)

    @property
    def alone(self) -> np.ndarray:
        """The deficits of the lesions of one player each (members, players)."""
        return np.stack([self.deficit(1 << k) for k in range(self.n)], axis=1)

    def value(self, intact: np.ndarray) -> np.ndarray:
        """Get the game as ``stats.shapley`` plays it: mask (coalitions, players) -> (coalitions, members)."""
        taken = (~intact).astype(np.int64) @ (1 << np.arange(self.n))
        return np.stack([self.of(int(code)) for code in taken])

    def need_all(self) -> None:
        """Raise unless every coalition was examined."""
        if not self.complete:
            raise DesignError(self.lacks(self.missing()))

    def missing(self) -> int:
        """Get the smallest set of players whose lesion was not examined."""
        sets = (sum(1 << k for k in taken) for size in range(self.n + 1) for taken in combinations(range(self.n), size))
        return next(taken for taken in sets if taken not in self.scores)

    def lacks(self, taken: int) -> str:
        """Get the sentence that a set of players was not examined."""
        if self.n > MOST_PLAYERS:
            return (
                f"The trials have {len(self.scores)} of 2^{self.n} coalitions of {self.n} players, and no walks among "
                f"them. Type nl.examine(specimen, walks(rois, how, n=64, rng=0), tasks), or players={self.names(3)!r}."
            )
        return (
            f"The lesion {self.name(taken)!r} was not examined: the trials have {len(self.scores)} of the "
            f"{2**self.n} coalitions of {listed(self.players)}. {HOW_TO}, or players= the regions of which all are "
            "there."
        )


def played(trials: xr.Dataset, task: str, players: Sequence[str] | None, over: str | None) -> Played:
    """Get the game of the players (default: of all regions that target lesions take) from trials."""
    sample = sample_of(trials, over)
    sets = _sets(sample.trials)
    named = sample.trials["roi"].values[sorted(row for rows in sets.values() for row in rows)]
    known = list(dict.fromkeys(name for roi in named for name in str(roi).split(BETWEEN)))
    who = known if players is None else [str(name) for name in ([players] if isinstance(players, str) else players)]
    for name in who:
        if name not in known:
            raise UnknownNameError(
                f"The trials have no target lesion of {name!r}.{did_you_mean(name, known)} They take {listed(known)}."
            )
    if len(set(who)) != len(who) or not who:
        raise DesignError(f"players={who!r} given; expected at least one, each once.")
    if not known:
        raise DesignError(f"The trials have no target lesion. {HOW_TO}.")
    bit = {name: 1 << k for k, name in enumerate(who)}
    rows = {sum(map(bit.__getitem__, names)): at for names, at in sets.items() if names <= set(bit)}
    rows[0] = sham_rows(sample.trials, who[0])
    score = member_scores(sample, task)
    return Played(sample, task, tuple(who), {code: score[:, at].mean(axis=1) for code, at in rows.items()}, rows)


def _sets(trials: xr.Dataset) -> dict[frozenset[str], np.ndarray]:
    """The rows of every set of lesioned regions, at full dose."""
    ours = (trials["role"].values == "target") & (trials["dose"].values == 1)
    found: dict[frozenset[str], list[int]] = {}
    for row in np.flatnonzero(ours):
        found.setdefault(frozenset(str(trials["roi"].values[row]).split(BETWEEN)), []).append(int(row))
    return {names: np.array(rows) for names, rows in found.items()}


def member_scores(sample: Sample, task: str) -> np.ndarray:
    """Get the mean score (members, lesions) of every network, person or stimulus on a task."""
    where = pick_task(sample.trials, task)
    score = sample.scores[:, :, where]
    if sample.over != "stimulus":
        return score.mean(axis=2)
    ids = sample.trials["stimulus_id"].values[where].astype(str)
    _, first, which = np.unique(ids, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), score.shape[1]))
    np.add.at(sums, which, score.mean(axis=0).T)
    return (sums / np.bincount(which)[:, None])[np.argsort(first)]


def about_game(game: Played, level: float, rng: RNG, *notes: str) -> dict[str, Any]:
    """Get what every result of a game says of its sample and scale."""
    return {
        "n": game.members,
        "level": level,
        "task": game.task,
        **game.sample.said(rng, *notes, undermined_by=undermined_by(game), tasks=[game.task],
                           rows=np.concatenate(list(game.rows.values()))),
    }


def undermined_by(game: Played) -> list[str]:
    """Get what in these data would undermine a result, a sentence each: a score without room to rise or to fall."""
    said = []
    if at_ceiling(float(game.of(0).mean()), game.chance, bounded=game.bounded):
        said.append("The intact score is at ceiling: what single lesions cost may not show, which looks like backup.")
    singles = [(name, game.scores.get(1 << k)) for k, name in enumerate(game.players)]
    low = [
        name
        for name, score in singles
        if score is not None and at_floor(float(score.mean()), game.chance, bounded=game.bounded)
    ]
    if low and game.n > 1:
        said.append(f"At chance after {joined(low)} alone: what further lesions cost cannot show.")
    return said


def walked(game: Played) -> tuple[np.ndarray, int] | None:
    """Get the orders (walks, players) that the lesions lie on and the size of a block; None where there are none."""
    notes = _notes(game)
    if not notes:
        return None
    n_walks, per_block = (int(next(iter(notes.values()))[name]) for name in ("n_walks", "per_block"))
    taken = np.full((n_walks, game.n + 1), -1, dtype=np.int64)
    taken[:, game.n] = 0
    for code, note in notes.items():
        for walk, step in json.loads(note["walks"]):
            taken[walk, step] = code
    gaps = np.argwhere(taken < 0)
    if len(gaps):
        walk, step = gaps[0]
        raise DesignError(
            f"Walk {walk} of {n_walks} lacks its lesion of {game.n - step} of the {game.n} players: the trials hold "
            "a part of the design only. Examine all lesions of walks(rois, how, n=64, rng=0), with all its players."
        )
    return np.round(np.log2(taken[:, :-1] - taken[:, 1:])).astype(np.int64), per_block


def _notes(game: Played) -> dict[int, dict]:
    """The notes of the lesions that lie on walks; they must be the same in every network."""
    if "lesion_notes" not in game.sample.trials:
        return {}
    every = np.atleast_2d(game.sample.trials["lesion_notes"].values)
    found = {}
    for code, rows in game.rows.items():
        said = {str(text) for text in every[:, rows].ravel()}
        if any("walks" in text for text in said) and code:
            if len(said) > 1:
                raise SchemaError(
                    f"The lesion {game.name(code)!r} lies on other walks in one network than in another; give walks() "
                    "the same regions and the same integer rng= in every network."
                )
            found[code] = json.loads(said.pop())
    return found
