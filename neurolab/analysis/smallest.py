"""The smallest sets of regions whose joint lesion costs as much as stated: found on some networks, shown on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cells import spared_bounds
from neurolab.analysis.game import about_game, played
from neurolab.analysis.hunt import Deficits, Hunt, checked_bound, choosers, floor_note, hunted
from neurolab.analysis.sample import PLURAL, noted, whose_stimuli
from neurolab.chance import RNG, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DesignError, listed
from neurolab.schema import strings
from neurolab.stats import minimal


def minimal_set(
    trials: xr.Dataset,
    *,
    task: str,
    costing: float | Mapping[str, float],
    players: Sequence[str] | None = None,
    choosing: float = 1 / 3,
    level: float = 0.95,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get every smallest set of regions whose joint lesion costs as much as stated: the minimal sets.

    A set is minimal when its lesion costs at least ``costing`` and no lesion of fewer of its regions does. The sets are
    found on some of the networks and tested on the others, which had no part in choosing: there the whole set must cost
    more than the bound, and less than it after any one region is left intact. Both must hold, so p is the largest
    (intersection-union).

    Parameters
    ----------
    trials : of ``neurolab.coalitions.coalitions(rois, how)``, all of them, with sham. players : regions, others intact.
    costing : the deficit that counts: a share of the intact score above chance, or ``{task: deficit}`` in the score's
        own units. State it before looking.
    choosing : the share of networks (or stimuli) that choose; the rest test.
    level : coverage of the intervals. over : "specimen" or "stimulus", the sample.
    rng : integer or Generator; draws who chooses.

    Returns
    -------
    Dataset over set, smallest first: ``effect`` (mean deficit where tested) with ``low, high, p_floor``; ``p`` of both
    claims and ``q`` (Holm over sets); ``needed_*``, the deficit that comes nearest to the bound when one region stays;
    ``size``, ``shown`` (q <= 1 - level), ``members`` (set, player); ``bound``, ``all_together``. ``value`` per set and
    member, of which ``chose`` is False for those that tested. attrs: ``verdict``, ``n_sets``, ``n_evaluations``,
    ``complete``; JSON lists ``reasons`` and ``undermined_by``.

    Raises
    ------
    DesignError : a coalition that was not examined, by its name; too few members to choose and test.

    When this is invalid
    --------------------
    Sets of these regions with this ablation: a smaller region inside one of them may do.

    Source
    ------
    Held-out testing: Kriegeskorte et al. 2009, doi:10.1038/nn.2303; intersection-union: Berger 1982.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, intact=3.0, bounded=False, chance=0.0, n_specimens=9, rng=0)
    >>> minimal_set(trials, task="X", costing=0.5, rng=0).attrs["verdict"]
    'A + B: shown'
    """
    game = played(trials, task, players, over)
    game.need_all()
    chose = choosers(game.members, choosing, rng)
    intact = np.array([game.of(0)[chose].mean()])
    bound = float(spared_bounds(game.sample.trials, (task,), intact, costing, "costing")[0])
    counted = game.sample.counted(task)
    hunt = Hunt(game.players, game.deficit, chose, checked_bound(bound), level, game.sample.over, counted)
    found = minimal.every(np.array([hunt.fails(taken) for taken in range(2**game.n)]))
    about = about_game(game, level, rng, floor_note(hunt))
    return hunted(hunt, found, game.sample.dim, game.coords, rng, **about, search="all coalitions")


def search_minimal_set(
    value: Callable[[np.ndarray], Any],
    players: Sequence[str],
    *,
    task: str,
    deficit: float,
    over: str = "specimen",
    choosing: float = 1 / 3,
    max_evaluations: int = 1_000,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get the minimal sets of a game that is played only where it is asked: few lesions instead of 2^n.

    The search is greedy, by what single lesions cost, then spares every region that it can, then goes back to look for
    sets without each region of those it found. Where more damage never helps it finds every minimal set.

    Parameters
    ----------
    value : mask (coalitions, players), True where a region is intact -> scores (coalitions, members), one per network
        or stimulus: ``neurolab.coalitions.game(ask, rois, how, task=...)``.
    players : the names of the regions.
    deficit : the loss that counts, in units of the score. State it before looking.
    over : what the columns of ``value`` are: "specimen", "subject" or "stimulus".
    max_evaluations : the most sets to ask; ``complete`` is 0 where more would have been needed.
    task, choosing, level, rng : as for ``minimal_set``.

    Returns
    -------
    As ``minimal_set``; only members that choose steer the search.

    When this is invalid
    --------------------
    Where more damage can help, sets may be missed.

    Source
    ------
    Reiter 1987, doi:10.1016/0004-3702(87)90062-2.

    Example
    -------
    >>> def backup(mask):  # eight networks; the last three of twelve regions stand in for one another
    ...     return np.repeat(mask[:, 9:].any(axis=1)[:, None] * 1.0, 8, axis=1)
    >>> found = search_minimal_set(backup, list("abcdefghijkl"), task="t", deficit=0.5, rng=0)
    >>> found.attrs["verdict"], found.attrs["n_evaluations"] < 60
    ('j + k + l: shown', True)
    """
    names = tuple(str(name) for name in players)
    if len(set(names)) != len(names) or not names or over not in PLURAL:
        raise DesignError(
            f"players={listed(names)} and over={over!r} given; expected names of their own, and one of "
            "'specimen', 'subject', 'stimulus'."
        )
    deficits = Deficits(value, len(names))
    deficits.ask([0, *(1 << k for k in range(len(names)))])
    members = len(deficits(0))
    chose = choosers(members, choosing, rng)
    hunt = Hunt(names, deficits, chose, checked_bound(deficit), level, over)
    singles = [-hunt.mean(1 << k) for k in range(len(names))]
    order = [int(k) for k in np.argsort(singles, kind="stable")]
    found = minimal.search(hunt.fails, len(names), order=order, max_evaluations=max_evaluations)
    dim = "stimulus" if over == "stimulus" else "specimen"
    coords = {dim: strings([f"{over} {k + 1}" for k in range(members)])}
    note = whose_stimuli(1, "ann") if over == "stimulus" else ""
    about = {
        "n": members, "level": level, "task": task, "undermined_by": [], "generalises_over": over,
        "rng": rng_name(rng), "source": "a game that was asked", "inputs": digest_of(deficits(0)),
        "note": noted(floor_note(hunt), note),
    }  # fmt: skip
    return hunted(hunt, found, dim, coords, rng, **about, search="greedy with back-tracking", asked=deficits)
