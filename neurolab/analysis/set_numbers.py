"""How few parts must go before a function falls, network by network: the smallest sets, and what misses them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.cells import spared_bounds
from neurolab.analysis.game import Played, played
from neurolab.analysis.hunt import checked_bound, choosers
from neurolab.chance import RNG
from neurolab.stats import minimal
from neurolab.trials import with_specimen


def minimal_indices(
    trials: xr.Dataset, *, task: str, costing: float | Mapping[str, float] = 0.5, choosing: float = 0.5, rng: RNG
) -> pd.DataFrame:
    """Get how few parts must go before a function falls: a row per network, whose parts are its own.

    *smallest set*: the fewest parts whose joint lesion costs ``costing``, of all sets of parts. *smallest set, cost on
    others*: what that set costs (as a share of the intact score above chance, or in its own units) on stimuli that had
    no part in choosing it. *set by single lesions*: how many parts go until then in the order of their single deficits.
    *set by search*: the smallest that a search with back-tracking finds. *minimal sets*: how many sets there are of
    which every part is needed.

    Parameters
    ----------
    trials : of ``neurolab.coalitions.coalitions(rois, how)``, all of them, with sham; one network or several.
    task : its name. costing : as in ``minimal_set``; state it before looking.
    choosing : the share of the stimuli that choose the sets; the others measure what they cost.
    rng : integer or Generator; draws which stimuli choose.

    Raises
    ------
    DesignError : a coalition that was not examined; an intact score at chance.

    When this is invalid
    --------------------
    The smallest of many sets is chosen by luck too: its cost on other stimuli says by how much.

    Source
    ------
    Reiter 1987, doi:10.1016/0004-3702(87)90062-2.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, intact=3.0, bounded=False, chance=0.0, n_specimens=2, rng=0)
    >>> minimal_indices(trials, task="X", rng=0)["smallest set"].tolist()
    [2.0, 2.0]
    """
    every = with_specimen(trials)
    rows = [_row(every.isel(specimen=[at]), task, costing, choosing, rng) for at in range(every.sizes["specimen"])]
    return pd.DataFrame(rows, index=pd.Index(every["specimen"].values.astype(str), name="specimen"))


def _row(
    trials: xr.Dataset, task: str, costing: float | Mapping[str, float], choosing: float, rng: RNG
) -> dict[str, float]:
    """One network: its stimuli are shared out, some choose the sets and the others measure them."""
    game = played(trials, task, None, "stimulus")
    game.need_all()
    chose = choosers(game.members, choosing, rng)
    bound = _bound(game, trials, task, costing, chose)
    cost = np.array([game.deficit(taken)[chose].mean() for taken in range(2**game.n)])
    fails = cost >= bound * (1 - 1e-9)
    found = minimal.every(fails)
    best = min(found.sets, key=lambda taken: (taken.bit_count(), -cost[taken]), default=None)
    order = [int(k) for k in np.argsort(-cost[1 << np.arange(game.n)], kind="stable")]
    searched = minimal.search(lambda taken: bool(fails[taken]), game.n, order=order)
    nan = float("nan")
    return {
        "smallest set": nan if best is None else float(best.bit_count()),
        "smallest set, cost on others": nan if best is None else _share(game, best, bound, costing, ~chose),
        "set by single lesions": _in_turn(fails, order),
        "set by search": float(min((taken.bit_count() for taken in searched.sets), default=nan)),
        "minimal sets": float(len(found.sets)),
    }


def _bound(
    game: Played, trials: xr.Dataset, task: str, costing: float | Mapping[str, float], chose: np.ndarray
) -> float:
    intact = np.array([game.of(0)[chose].mean()])
    return checked_bound(float(spared_bounds(trials, (task,), intact, costing, "costing")[0]))


def _share(game: Played, taken: int, bound: float, costing: float | Mapping[str, float], who: np.ndarray) -> float:
    """What a set costs in some members: in the score's units, or, where the bound is a share, as a share."""
    cost = float(game.deficit(taken)[who].mean())
    return cost if isinstance(costing, Mapping) else cost * float(costing) / bound


def _in_turn(fails: np.ndarray, order: list[int]) -> float:
    """How many parts go, in this order, until the function fails; NaN where it never does."""
    taken = 0
    for size, part in enumerate(order, start=1):
        taken |= 1 << part
        if fails[taken]:
            return float(size)
    return float("nan")
