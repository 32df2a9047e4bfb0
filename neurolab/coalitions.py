"""Designs of many lesions at once: every coalition of regions, walks through them, and their removal one by one.

A coalition is the set of players (regions) that are left intact; the lesion takes all the others and is named by what
it takes, ``"A + B"``. So an analysis can read the game from trials alone, also from those of a person or an animal.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, LesionPlanError, amount, listed
from neurolab.lesion import Ablation, Lesion
from neurolab.roi import ROI
from neurolab.stats.shapley import LEAST_BLOCKS, orders_of
from neurolab.trials import pick_task, with_specimen
from neurolab.unions import unions_of

__all__ = ["BETWEEN", "MOST_PLAYERS", "RANDOM_ORDER", "checked", "coalitions", "game", "parts", "removals", "walks"]
__dir__ = __all__.copy

#: All coalitions of more players than these are refused: 2^16 = 65,536 lesions.
MOST_PLAYERS = 16
#: The family of control lesions that remove the same regions in random order.
RANDOM_ORDER = "random order"
#: What stands between the names of the regions that one lesion takes, as in the names of ``nl.pairs``.
BETWEEN = " + "


def parts(roi: ROI, *, by: str = "unit") -> tuple[ROI, ...]:
    """Get the players that a region is made of: one region per unit, named ``"relu:3"``, or per site.

    Example
    -------
    >>> [part.name for part in parts(ROI("area", {"relu": [3, 5]}))]
    ['relu:3', 'relu:5']
    """
    if by not in ("unit", "site"):
        raise DesignError(f"by={by!r} given; expected 'unit' or 'site'. Type parts(roi, by='unit').")

    def part(site: str, units: Sequence[int] | np.ndarray, name: str) -> ROI:
        return replace(roi, name=name, units={site: np.asarray(units)})

    if by == "site":
        return tuple(part(site, units, site) for site, units in roi.units.items())
    return tuple(part(site, [unit], f"{site}:{unit}") for site, units in roi.units.items() for unit in units)


def coalitions(rois: Sequence[ROI], how: Ablation) -> tuple[Lesion, ...]:
    """Get a lesion for every set of regions, 2^n in all: a sham, every region, every pair, and so on to all of them.

    They are named by what they take, ``"A"``, ``"A + B"``: ``nl.interaction`` reads the same trials. Examine them, then
    ask ``analysis.shapley``, ``analysis.pair_interactions`` or ``analysis.minimal_set``.

    Parameters
    ----------
    rois : 1 to 16 regions (10 make 1,024 lesions) with names of their own and no unit in common.
    how : the ablation of all.

    Raises
    ------
    DesignError : too many regions; then type ``walks``.
    LesionPlanError : a name or a unit comes twice.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> a, b = (ROI(name, {"conv": [unit]}) for unit, name in enumerate("ab"))
    >>> [lesion.id for lesion in coalitions([a, b], Zero())]
    ['a | sham', 'a', 'b', 'a + b']
    """
    players = checked(rois)
    if len(players) > MOST_PLAYERS:
        raise DesignError(
            f"{len(players)} regions make 2^{len(players)} coalitions; expected at most {MOST_PLAYERS} (10 make 1,024 "
            "lesions). Type walks(rois, how, n=64, rng=0), which draws orders, or join regions: roi_a | roi_b."
        )
    sets = (taken for k in range(1, len(players) + 1) for taken in itertools.combinations(range(len(players)), k))
    return _design(players, how, dict.fromkeys(sets, ""))


def walks(
    rois: Sequence[ROI], how: Ablation, *, n: int = 64, antithetic: bool = True, rotations: int = 4, rng: RNG
) -> tuple[Lesion, ...]:
    """Get the lesions on ``n`` random orders in which regions join the intact ones: a sample of all coalitions.

    Orders come in blocks: a random one, its rotations by equal steps and the reverse of each, which cuts the error of
    walking few of them. A coalition that several walks pass is one lesion. Every region alone is added, to stand beside
    its contribution.

    Parameters
    ----------
    rois : regions with names of their own and no unit in common, in the same order for every network.
    n : walks, at least 8 blocks of ``2 * rotations`` (of ``rotations`` without antithetic ones).
    rng : integer; give every network of a cohort the same one, so that their lesions are homologous.

    Source: Castro et al. (2009), doi:10.1016/j.cor.2008.04.004; antithetic orders: Mitchell et al. (2022), JMLR 23, 43.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> design = walks([ROI(name, {"conv": [unit]}) for unit, name in enumerate("abcdef")], Zero(), n=64, rng=0)
    >>> 6 < len(design) <= 64
    True
    """
    players = checked(rois)
    orders, per_block = orders_of(
        len(players), n, antithetic=antithetic, rotations=rotations, rng=generator(rng, "walks")
    )
    blocks = len(orders) // per_block
    if blocks < LEAST_BLOCKS:
        raise DesignError(
            f"n={n} walks make {blocks} blocks of {per_block}; their error needs {LEAST_BLOCKS}. Type "
            f"n={LEAST_BLOCKS * per_block} or more, or rotations=1."
        )
    at: dict[tuple[int, ...], str] = {(player,): "" for player in range(len(players))}
    for walk, order in enumerate(orders):
        taken: list[int] = []
        for joined in reversed(range(len(players))):
            bisect.insort(taken, int(order[joined]))
            key = tuple(taken)
            at[key] = f"{at[key]}, [{walk}, {joined}]" if at.get(key) else f"[{walk}, {joined}]"
    return _design(players, how, at, n_walks=float(len(orders)), per_block=float(per_block))


def removals(
    rois: Sequence[ROI],
    how: Ablation,
    *,
    name: str,
    shares: Iterable[float] | None = None,
    n_random: int = 0,
    rng: RNG,
) -> tuple[Lesion, ...]:
    """Get the lesions that take regions one after another in the given order, and the same in random orders beside.

    Each is a rung of a ladder of doses (the share of regions that is gone) called ``name``; random orders are controls
    of the family "random order". ``analysis.reserve`` reads how much can go before the function falls.

    Parameters
    ----------
    rois : regions in the order in which they go, such as the most selective first; split one by ``parts``.
    name : what the order is called: ``"most selective first"``.
    shares : the shares to examine, in (0, 1]; default after every region. All of them gone is always among them. Give
        them where networks differ in their number of regions, so that their lesions are homologous.
    n_random : random orders, drawn anew for every network.
    rng : integer or Generator.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> area = ROI("area", {"conv": [4, 0, 7, 1]})
    >>> design = removals(parts(area), Zero(), name="by number", shares=[0.5], n_random=1, rng=0)
    >>> [lesion.id for lesion in design][1:4]
    ['by number | dose 0.5', 'by number', 'by number | random order control | dose 0.5 | draw 1']
    """
    players = checked(rois)
    n = len(players)
    whose = [player.specimen + player.digest for player in players]  # other networks and orders draw others
    orders = [np.arange(n)]
    orders += [generator(rng, RANDOM_ORDER, whose, draw).permutation(n) for draw in range(1, n_random + 1)]
    union = unions_of(players)
    lesions = []
    for draw, order in enumerate(orders):
        role = {"role": "control", "family": RANDOM_ORDER, "draw": draw} if draw else {}
        for share in _shares(shares, n):
            roi = union(order[: max(1, round(share * n))]).renamed(name)
            lesions.append(Lesion(roi, how, name=name, dose=share, **role))  # type: ignore[arg-type]
    return (Lesion(lesions[0].roi, how, name=name, role="sham"), *lesions)


def _shares(shares: Iterable[float] | None, n: int) -> list[float]:
    every = [k / n for k in range(1, n + 1)] if shares is None else sorted({*map(float, shares), 1.0})
    if every[0] <= 0 or every[-1] > 1:
        raise LesionPlanError(f"shares={every} were asked for; expected shares of the regions in (0, 1].")
    return every


def game(
    ask: Callable[[Sequence[Lesion]], xr.Dataset], rois: Sequence[ROI], how: Ablation, *, task: str
) -> Callable[[np.ndarray], np.ndarray]:
    """Get the game of some regions on a task, played only where it is asked: for what adapts as it goes.

    Parameters
    ----------
    ask : lesions -> trials: ``functools.partial(nl.examine, specimen, tasks=[task])``, or a laboratory of animals.
    rois : the players. how : the ablation. task : the name of the task that is scored.

    Returns
    -------
    value(mask): a boolean mask (n_coalitions, n_players), True where a region is intact, to the mean score of each
    network, (n_coalitions, n_specimens). No coalition is examined twice. Join the games of networks whose regions
    differ: ``lambda mask: np.hstack([value(mask) for value in games])``.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.trials import make_trials
    >>> about = {"t": {"unit": "score", "bounded": False, "chance": 0.0}}
    >>> def ask(lesions):  # a network that fails when both units are gone
    ...     score = [[[float(lesion.n_units < 2)] for lesion in lesions]]
    ...     trial = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}
    ...     return make_trials(score, specimen=["net"], lesions=lesions, trial=trial, tasks=about, kind="simulated")
    >>> value = game(ask, [ROI(name, {"conv": [unit]}) for unit, name in enumerate("ab")], Zero(), task="t")
    >>> value(np.array([[True, True], [True, False], [False, False]])).ravel()
    array([1., 1., 0.])
    """
    players = checked(rois)
    names = [player.name for player in players]
    known: dict[tuple[int, ...], np.ndarray] = {}

    def value(mask: np.ndarray) -> np.ndarray:
        asked = [tuple(int(k) for k in np.flatnonzero(~row)) for row in np.asarray(mask, dtype=bool)]
        new = [taken for taken in dict.fromkeys(asked) if taken not in known]
        if new:
            lesions = _design(players, how, dict.fromkeys(filter(None, new), ""))
            trials = with_specimen(ask(lesions))
            where = pick_task(trials, task)
            score = trials["score"].transpose("specimen", "lesion", "trial").values[:, :, where].mean(axis=2)
            ids = list(trials["lesion_id"].values)
            known.update({taken: score[:, ids.index(_name(names, taken))] for taken in new if taken})
            known[()] = score[:, ids.index(lesions[0].id)]
        return np.array([known[taken] for taken in asked])

    return value


def checked(rois: Sequence[ROI]) -> tuple[ROI, ...]:
    """Get the regions as players; a name or a unit that comes twice is refused."""
    players = tuple(rois)
    strange = [player for player in players if not isinstance(player, ROI)]
    if strange or not players:
        what = type(strange[0]).__name__ if strange else "no region"
        raise LesionPlanError(f"Coalitions got {what}; expected a sequence of regions. Type [roi_a, roi_b].")
    names = [player.name for player in players]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LesionPlanError(f"The regions {listed(twice)} share a name; type roi.renamed('...') for one of them.")
    for player in players:
        if not player.n_units or BETWEEN in player.name:
            said = "is empty" if not player.n_units else "has ' + ' in its name, which stands between regions"
            raise LesionPlanError(f"The region {player.name!r} {said}; leave it out or type roi.renamed('...').")
    _check_apart(players)
    return players


def _check_apart(players: Sequence[ROI]) -> None:
    """No unit belongs to two players: with one of them lesioned the other would not be whole."""
    owner: dict[tuple[str, int], ROI] = {}
    for player in players:
        for site, units in player.units.items():
            for unit in units:
                other = owner.setdefault((site, int(unit)), player)
                if other is not player:
                    shared = (other & player).n_units
                    same = "are the same units" if other.digest == player.digest else f"share {amount(shared, 'unit')}"
                    raise LesionPlanError(
                        f"The regions {other.name!r} and {player.name!r} {same}: where one is lesioned the other is "
                        "not intact, so neither has a contribution of its own. Type roi_a - roi_b, or leave one out."
                    )


def _design(
    players: Sequence[ROI], how: Ablation, sets: Mapping[tuple[int, ...], str], **about: float
) -> tuple[Lesion, ...]:
    """A sham and a lesion per set of players, small sets first; of each set where walks pass it, as JSON's inside."""
    made = []
    names = [player.name for player in players]
    union = unions_of(players)
    for taken in sorted(sets, key=lambda one: (len(one), one)):
        roi = (players[taken[0]] if len(taken) == 1 else union(taken)).renamed(_name(names, taken))
        notes: tuple[tuple[str, float | str], ...] = (("walks", f"[{sets[taken]}]"), *about.items())
        made.append(Lesion(roi, how, notes=notes if about else ()))
    return (Lesion(players[0], how, role="sham"), *made)


def _name(names: Sequence[str], taken: Iterable[int]) -> str:
    return BETWEEN.join(map(names.__getitem__, taken))
