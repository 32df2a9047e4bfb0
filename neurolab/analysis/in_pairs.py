"""How regions act in pairs, over all ways to lesion the others: backups of each other, or partners."""

from __future__ import annotations

from itertools import combinations

import xarray as xr

from neurolab.analysis.game import Played, about_game, played
from neurolab.analysis.words import holm_text, joined
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats import shapley as games
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")

register_result(
    "pair_interactions",
    {**dict.fromkeys((*TEST, "q"), ("pair",)), "first": ("pair",), "second": ("pair",)},
    [("p", "effect", "low", "high", "p_floor")],
)


def pair_interactions(
    trials: xr.Dataset,
    *,
    task: str,
    players: list[str] | None = None,
    allow_bounded: bool = False,
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get how every two regions act together, over all ways to lesion the others: backups of each other, or partners.

    The interaction of a pair is deficit(both) - deficit(one) - deficit(other), averaged over all sets of the others
    that are lesioned before. Above 0 the two are redundant, below 0 synergistic, as in ``nl.interaction``, to which it
    is equal for two regions. (The literature's Shapley interaction index has the other sign.)

    Parameters
    ----------
    trials : of ``neurolab.coalitions.coalitions(rois, how)``, all. task, players, level, over, rng : as in ``shapley``.
    allow_bounded : analyse a score that cannot leave [0, 1], such as accuracy; recorded in the result.

    Returns
    -------
    Dataset over pair: ``effect`` (mean interaction, in score), ``low, high, p, p_floor`` (two-sided sign-flip), ``q``
    (Holm over pairs), ``first`` and ``second`` (names of the regions), ``value`` per member.

    Raises
    ------
    DesignError : a coalition that was not examined, by its name; a bounded score without ``allow_bounded``.

    When this is invalid
    --------------------
    An interaction near 0 can average redundancy in one context and synergy in another.

    Source
    ------
    Keinan et al. 2004, doi:10.1162/0899766041336387; Grabisch & Roubens 1999, doi:10.1007/s001820050125.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_stimuli=2000, rng=0)
    >>> pair_interactions(trials, task="X", rng=0)["effect"].values.round(1).tolist()
    [2.0]
    """
    game = played(trials, task, players, over)
    game.need_all()
    _check(game, allow_bounded=allow_bounded)
    samples, sample = -games.interactions(game.value, game.n).samples, game.sample
    pairs = list(combinations(game.players, 2))
    tests = [
        sign_flip(samples[:, k], level=level, rng=generator(rng, "pair", task, *pair)) for k, pair in enumerate(pairs)
    ]
    note = holm_text(game.members, tests[0].p_floor, len(pairs), plural=sample.plural, alpha=1 - level)
    return make_result(
        {
            **{name: ("pair", [getattr(test, name) for test in tests]) for name in TEST},
            "q": ("pair", holm([test.p for test in tests]).p),
            "value": ((sample.dim, "pair"), samples),
        },
        coords={
            "pair": strings([f"{a} and {b}" for a, b in pairs]),
            "first": ("pair", strings([a for a, _ in pairs])),
            "second": ("pair", strings([b for _, b in pairs])),
            **game.coords,
        },
        analysis="pair_interactions",
        estimand=f"the mean over {sample.plural} of deficit(both) - deficit(one) - deficit(other) on {task}, over "
        f"all sets of lesions of the other regions, for every pair of {joined(list(game.players))}",
        test=f"two-sided sign-flip over {sample.plural}",
        correction="holm",
        override="bounded score allowed" if game.bounded else "",
        alternative="two-sided",
        **about_game(game, level, rng, note),
    )


def _check(game: Played, *, allow_bounded: bool) -> None:
    if game.n < 2:
        raise DesignError(f"There is one player, {game.players[0]!r}; a pair needs two. Type coalitions([a, b], how).")
    if game.bounded and not allow_bounded:
        raise DesignError(
            f"Task {game.task!r} is scored within [0, 1], where a ceiling looks like redundancy and a floor like "
            "synergy. Examine it with an unbounded score (nl.scores.margin), or type allow_bounded=True, which is "
            "recorded."
        )
