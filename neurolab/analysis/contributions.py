"""What every region contributes to a task, over all ways to lesion the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.game import Played, about_game, played, walked
from neurolab.analysis.words import holm_text, joined
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats import shapley as games
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")
#: What walking few orders may cost: this share of alpha, shared among the players, is the chance that the walks are
#: further off than a p allows for. It is added to that p.
WALKED = 0.02
PLAYERS = (*TEST, "q", "monte_carlo_se", "sampling_se", *(f"alone_{name}" for name in TEST))
WHOLE = ("empty", "full", "d_index", "redundancy_index", *(f"all_minus_singles_{name}" for name in TEST))

register_result(
    "shapley",
    {**dict.fromkeys(PLAYERS, ("player",)), **dict.fromkeys(WHOLE, ())},
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("alone_p", "alone_effect", "alone_low", "alone_high", "alone_p_floor"),
        tuple(f"all_minus_singles_{name}" for name in ("p", "effect", "low", "high", "p_floor")),  # type: ignore[list-item]
    ],
)


def shapley(
    trials: xr.Dataset,
    *,
    task: str,
    players: list[str] | None = None,
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get what each region contributes to a task: its Shapley value, network by network, beside its single lesion.

    The contribution of a region is what the score loses when it goes, averaged over all orders in which all regions can
    go. So two backups, whose single lesions cost nothing, share what they are worth; and all contributions sum to the
    intact score minus the score with everything lesioned. From all coalitions they are exact; from walks the error of
    having walked few orders (``monte_carlo_se``) is reported apart from that of having few networks (``sampling_se``).

    Parameters
    ----------
    trials : of ``coalitions(rois, how)`` or ``walks(rois, how, n=64, rng=0)`` of ``neurolab.coalitions``, with sham.
    task : its name. players : regions to share the task among, the others intact; default all that are lesioned.
    level : coverage of the intervals. over : "specimen" or "stimulus", the sample.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset over player: ``effect`` (mean contribution, in score), ``low, high, p, p_floor`` (two-sided sign-flip),
    ``q`` (Holm over players), ``value`` per member; ``alone_*``, the deficit of its single lesion. ``full`` and
    ``empty`` (score of the intact network and with everything lesioned), ``d_index`` (0: one region does it all, 1: all
    alike), ``redundancy_index`` (1 - sum of single deficits / deficit of all) with ``all_minus_singles_*``, the test of
    deficit of all minus that sum. attrs: ``method``, and as JSON lists ``reasons`` and ``undermined_by``.

    More walks shrink ``monte_carlo_se`` only: networks walk the same orders, so p is the largest over all values that
    the error of the walks allows (but for a small chance, which is added), and the interval is as much wider.

    Raises
    ------
    DesignError : a coalition that was not examined, by its name.

    When this is invalid
    --------------------
    Contributions sum to what the task loses: compare their shape between networks, not their size. On a bounded score a
    ceiling hides backups. A region that hurts the task has a negative contribution.

    Source
    ------
    Keinan et al. 2004, doi:10.1162/0899766041336387; the p of walks: Berger & Boos 1994,
    doi:10.1080/01621459.1994.10476836.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_stimuli=2000, rng=0)
    >>> found = shapley(trials, task="X", rng=0)
    >>> found["effect"].values.round(1).tolist(), abs(found["alone_effect"].values).round(1).tolist()
    ([1.0, 1.0], [0.0, 0.0])
    """
    game = played(trials, task, players, over)
    found, per_block = _shapley(game)
    risk = WALKED * (1 - level) / game.n if per_block else 0.0
    half = _walk_half(found, per_block, risk)
    tests = [
        _tested(found.samples[:, k], float(half[k]), risk, level, generator(rng, "shapley", task, name))
        for k, name in enumerate(game.players)
    ]
    alone = [
        _tested(game.alone[:, k], 0.0, 0.0, level, generator(rng, "alone", task, name))
        for k, name in enumerate(game.players)
    ]
    return make_result(
        {
            **{name: ("player", [test[name] for test in tests]) for name in TEST},
            **{f"alone_{name}": ("player", [test[name] for test in alone]) for name in TEST},
            **_whole(game, found, level, rng),
            "q": ("player", holm([test["p"] for test in tests]).p),
            "value": ((game.sample.dim, "player"), found.samples),
            "alone_value": ((game.sample.dim, "player"), game.alone),
            **{name: ("player", getattr(found, name)) for name in ("monte_carlo_se", "sampling_se")},
        },
        coords={"player": strings(game.players), **game.coords},
        **_about(game, found),
        **about_game(game, level, rng, _floor(game, tests[0]["p_floor"], level)),
    )


def _about(game: Played, found: games.Shapley) -> dict[str, Any]:
    plural = game.sample.plural
    return {
        "analysis": "shapley",
        "estimand": f"the mean over {plural} of the Shapley value of each region for {game.task}, lesions taking "
        f"the others of {joined(list(game.players))}",
        "test": f"two-sided sign-flip over {plural}",
        "correction": "holm",
        "alternative": "two-sided",
        "method": _method(game, found),
        "n_evaluations": len(game.scores),
        "n_permutations": found.n_permutations,
        "reasons": _reasons(game, found),
    }


def _floor(game: Played, floor: float, level: float) -> str:
    return holm_text(game.members, floor, game.n, plural=game.sample.plural, alpha=1 - level)


def _shapley(game: Played) -> tuple[games.Shapley, int]:
    """The contributions, and the size of a block of walks: 0 where they are exact."""
    if game.complete:
        return games.exact(game.value, game.n), 0
    orders = walked(game)
    if orders is None:
        raise DesignError(game.lacks(game.missing()))
    return games.along(game.value, orders[0], per_block=orders[1]), orders[1]


def _walk_half(found: games.Shapley, per_block: int, risk: float) -> np.ndarray:
    """How far walks may be off, per player, but for a chance of ``risk`` (t over blocks); 0 where all is exact."""
    if not per_block:
        return np.zeros_like(found.effect)
    return found.monte_carlo_se * float(sps.t.isf(risk / 2, found.n_permutations // per_block - 1))


def _tested(x: np.ndarray, half: float, risk: float, level: float, rng: np.random.Generator) -> dict[str, float]:
    """The sign-flip of a mean against the nearest value that the error of the walks (half-width, risk) allows for 0."""
    mean = float(np.mean(x))
    test = sign_flip(x, popmean=float(np.clip(mean, -half, half)), level=level + risk, rng=rng)
    ends = {"effect": mean, "low": test.low - half, "high": test.high + half}
    return {**ends, "p": min(1.0, test.p + risk), "p_floor": min(1.0, test.p_floor + risk)}


def _whole(game: Played, found: games.Shapley, level: float, rng: RNG) -> dict[str, Any]:
    """The two ends of the game, how distributed and how redundant the regions are."""
    together = game.deficit(game.everyone)
    test = _tested(together - game.alone.sum(axis=1), 0.0, 0.0, level, generator(rng, "all minus singles", game.task))
    return {
        "empty": found.empty,
        "full": found.full,
        "d_index": _d_index(found.samples.mean(axis=0)),
        "d_index_value": (game.sample.dim, [_d_index(each) for each in found.samples]),
        "redundancy_index": _redundancy(game.alone.mean(axis=0), float(together.mean())),
        "redundancy_index_value": (game.sample.dim, [_redundancy(a, float(b)) for a, b in zip(game.alone, together)]),
        **{f"all_minus_singles_{name}": value for name, value in test.items()},
    }


def _d_index(values: np.ndarray) -> float:
    """The D index; NaN where it is not defined: one player, or none that contributes."""
    return games.d_index(values) if len(values) > 1 and np.abs(values).sum() > 0 else float("nan")


def _redundancy(alone: np.ndarray, together: float) -> float:
    return games.redundancy_index(alone, together) if together else float("nan")


def _method(game: Played, found: games.Shapley) -> str:
    if not found.n_permutations:
        return f"exact, from all {2**game.n:,} coalitions"
    return f"{found.n_permutations:,} walks through {len(game.scores):,} coalitions"


def _reasons(game: Played, found: games.Shapley) -> list[str]:
    alone, together = game.alone.mean(axis=0), float(game.deficit(game.everyone).mean())
    d, r = _d_index(found.samples.mean(axis=0)), _redundancy(alone, together)
    said = [
        f"Intact {found.full:.3g}, with everything lesioned {found.empty:.3g}; contributions "
        f"{_method(game, found)}.",
        f"Single lesions cost {alone.sum():.3g} in sum, all together {together:.3g}"
        + ("." if np.isnan(r) else f": redundancy index R = {r:.3g}."),
    ]
    return said if np.isnan(d) else [*said, f"D index {d:.3g} (0: one region does it all, 1: all alike)."]
