"""A dissociation that was picked among many: is the best pair better than the best pair of random lesions?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.best_pair import best_pair, picked_null
from neurolab.analysis.halves import picking_half
from neurolab.analysis.sample import PLURAL, Sample, noted, sample_of, target_rows, whose_stimuli
from neurolab.analysis.words import floor_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.trials import pick_task, with_specimen

TEST = ("effect", "low", "high", "p", "p_floor")

register_result(
    "picked_dissociation",
    {
        **dict.fromkeys(("observed", "null_mean", "excess", "network_p", "network_p_floor"), ("specimen",)),
        "null": ("specimen", "draw"),
        **dict.fromkeys((*TEST, "rank_p", "rank_p_floor", "rank_low", "rank_high"), ()),
        **dict.fromkeys((f"held_{name}" for name in TEST), ("claim",)),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("rank_p", "effect", "rank_low", "rank_high", "rank_p_floor"),
        ("held_p", "held_effect", "held_low", "held_high", "held_p_floor"),
    ],
)


def picked_dissociation(
    trials: xr.Dataset,
    *,
    candidates: Sequence[str],
    pool: str | Sequence[str],
    tasks: tuple[str, str],
    n_permutations: int = 999,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether the best-dissociating pair among candidate lesions beats the best pair among random ones.

    The picking rule: of all ordered pairs (A, B) of K lesions take the one with the largest
    min(X_A - X_B, Y_B - Y_A). Its null is the same rule, run on random subsets of K of all candidates and pooled random
    lesions together, which are as good as each other if the candidates are nothing special (an exact permutation test).

    Parameters
    ----------
    trials : with all candidates and the pool, each lesion in a row of its own.
    candidates : names or ids of the K lesions among which the pair was picked, all of them.
    pool : random lesions matched to the candidates, at least as many: ids or names, or a family ("random", "matched").
    tasks : (X, Y). n_permutations : subsets drawn per network. level : coverage.
    rng : integer or Generator.

    Returns
    -------
    Dataset: per network ``observed`` (value of the picked pair, in score), ``null`` (specimen, draw), ``null_mean``,
    ``excess`` = observed - null_mean, ``network_p`` and its floor, ``picked_a`` and ``picked_b``. ``effect`` (mean
    excess) with ``low, high, p, p_floor``: one-sided sign-flip over networks (approximate,
    the excess being skewed: .04 to .06 measured at .05).
    ``rank_p``: the mean observed value among the mean null values, exact in these networks. ``held_*`` over claim:
    pairs picked on one half of the stimuli and measured on the other, one-sided sign-flips; one split for both tasks,
    so that no stimulus, and no matched group (trial coordinate ``group``), does both. With one network, p is its rank p
    and the held-out sample is stimuli.

    When this is invalid
    --------------------
    A pool that differs from the candidates in size, site or activity; candidates left out because they did not work.
    The held-out test says that the picked pair does dissociate, not that it does so more than a random pair would.

    Source
    ------
    Selection inside the null: Dobs et al. 2022, doi:10.1126/sciadv.abl8913; Westfall & Young 1993.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_controls=19, n_specimens=6, rng=0)
    >>> found = picked_dissociation(trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), rng=0)
    >>> bool(found["p"] <= 0.05), bool(found["rank_p"] <= 0.05)
    (True, True)
    """
    trials = with_specimen(trials)
    sample = sample_of(trials)
    rows, n_candidates = _rows(trials, candidates, pool)
    names = trials["lesion_id"].values[rows].astype(str)
    specimens = list(trials["specimen"].values.astype(str))
    deficits = _deficits(sample, rows, tasks)
    observed, null, pairs = np.empty(len(specimens)), np.empty((len(specimens), n_permutations)), []
    for at, name in enumerate(specimens):
        observed[at], *pair = best_pair(deficits[at, :n_candidates])
        pairs.append(names[pair])
        null[at] = picked_null(deficits[at], n_candidates, n_permutations, generator(rng, "picked", name))
    return make_result(
        {
            **_per_network(observed, null, n_candidates, len(rows)),
            "picked_a": ("specimen", strings([a for a, _ in pairs])),
            "picked_b": ("specimen", strings([b for _, b in pairs])),
            **_over_networks(observed, null, n_candidates, len(rows), level, generator(rng, "picked over networks")),
            **_held(sample, rows[:n_candidates], tasks, level, rng),
        },
        coords={
            "specimen": strings(specimens),
            "claim": strings([f"lesion of A costs {tasks[0]} more than that of B",
                              f"lesion of B costs {tasks[1]} more than that of A"]),
        },
        **_about(sample, n_candidates, len(rows) - n_candidates, n_permutations, tasks),
        **sample.undermined(tasks=tasks, rows=rows),
        rng=rng_name(rng),
        level=level,
    )


def _rows(trials: xr.Dataset, candidates: Sequence[str], pool: str | Sequence[str]) -> tuple[np.ndarray, int]:
    """Rows of the candidates, then of the pool."""
    first = _named(trials, candidates)
    if len(first) < 2:
        raise DesignError(
            "candidates= names fewer than two lesions; a pair was picked, so name all it was picked from."
        )
    if isinstance(pool, str):
        families, roles = trials["family"].values.astype(str), trials["role"].values.astype(str)
        rest = np.flatnonzero((families == pool) & (roles != "sham"))
    else:
        rest = _named(trials, pool)
    rest = np.setdiff1d(rest, first)
    if len(rest) < len(first):
        raise DesignError(
            f"The pool holds {len(rest)} lesions and there are {len(first)} candidates; expected at least as many "
            "random "
            "lesions, matched to the candidates. Draw them with nl.random_lesions(...) or nl.matched_controls(...) and "
            "examine them on the same tasks."
        )
    return np.concatenate([first, rest]), len(first)


def _named(trials: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """What ``target_rows`` gives for each of many names, each row once: the tables are read once, not per name."""
    rows: dict[str, list[int]] = {}
    dose = trials["dose"].values
    for row, (roi, role) in enumerate(zip(trials["roi"].values.astype(str), trials["role"].values.astype(str))):
        if role == "target":
            rows.setdefault(roi, []).append(row)
    found: list[int] = []
    for name in names:
        ours = rows.get(str(name), [])
        found += ours if len(ours) == 1 and dose[ours[0]] == 1 else list(target_rows(trials, str(name)))
    return np.array(list(dict.fromkeys(found)), dtype=np.int64)


def _deficits(sample: Sample, rows: np.ndarray, tasks: tuple[str, str], keep: np.ndarray | None = None) -> np.ndarray:
    """Minus the mean score (specimen, lesion, 2): a deficit up to the sham, which cancels in every pair."""
    score = sample.scores[:, rows]
    columns = []
    for task in tasks:
        where = pick_task(sample.trials, task)
        where = where if keep is None else where[keep[where]]
        columns.append(-score[:, :, where].mean(axis=2))
    return np.stack(columns, axis=2)


def _rank_p(value: float, null: np.ndarray) -> float:
    tie = 1e-12 * max(abs(value), float(np.abs(null).max()))
    return (1 + int((null >= value - tie).sum())) / (len(null) + 1)


def _subset_floor(k: int, m: int, n_permutations: int, n_networks: int) -> float:
    """The smallest rank p: a random subset holds the very best pair with probability k(k-1)/m(m-1)."""
    return max(1 / (n_permutations + 1), (k * (k - 1) / (m * (m - 1))) ** n_networks)


def _per_network(observed: np.ndarray, null: np.ndarray, k: int, m: int) -> dict[str, Any]:
    """The picked pair of every network beside the best pairs of its random subsets."""
    floor = _subset_floor(k, m, null.shape[1], 1)
    return {
        "observed": ("specimen", observed),
        "null": (("specimen", "draw"), null),
        "null_mean": ("specimen", null.mean(axis=1)),
        "excess": ("specimen", observed - null.mean(axis=1)),
        "network_p": ("specimen", [_rank_p(value, row) for value, row in zip(observed, null)]),
        "network_p_floor": ("specimen", np.full(len(observed), floor)),
    }


def _over_networks(
    observed: np.ndarray, null: np.ndarray, k: int, m: int, level: float, rng: np.random.Generator
) -> dict[str, float]:
    """The sign-flip of the excess over networks, and the rank of the mean among the draws' means."""
    mean, of_draws = float(observed.mean()), null.mean(axis=0)
    tail = (1 - level) / 2
    rank = {
        "rank_p": _rank_p(mean, of_draws),
        "rank_p_floor": _subset_floor(k, m, len(of_draws), len(observed)),
        "rank_low": mean - float(np.quantile(of_draws, 1 - tail, method="higher")),
        "rank_high": mean - float(np.quantile(of_draws, tail, method="lower")),
    }
    if len(observed) == 1:
        return {
            **rank,
            **{name: rank[f"rank_{name}"] for name in ("p", "p_floor", "low", "high")},
            "effect": mean - float(null.mean()),
        }
    test = sign_flip(observed - null.mean(axis=1), alternative="greater", level=level, rng=rng)
    return {**rank, **{name: getattr(test, name) for name in TEST}}


def _held(
    sample: Sample, rows: np.ndarray, tasks: tuple[str, str], level: float, rng: RNG
) -> dict[str, tuple[str, list[float]]]:
    """Pick on a random half of the stimuli of both tasks, measure both claims on the other half."""
    pick = picking_half(sample.trials, tasks, rng)
    chosen = [best_pair(one)[1:] for one in _deficits(sample, rows, tasks, pick)]
    tests = [_held_claim(sample, rows, chosen, tasks, claim, ~pick, level, rng) for claim in (0, 1)]
    return {f"held_{name}": ("claim", [getattr(test, name) for test in tests]) for name in TEST}


def _held_claim(
    sample: Sample,
    rows: np.ndarray,
    chosen: list[tuple[int, int]],
    tasks: tuple[str, str],
    claim: int,
    measure: np.ndarray,
    level: float,
    rng: RNG,
) -> SignFlip:
    """X_A - X_B (claim 0) or Y_B - Y_A (claim 1) on the stimuli that did not pick, over networks, or stimuli of one."""
    where = pick_task(sample.trials, tasks[claim])
    where = where[measure[where]]
    score = sample.scores[:, rows][:, :, where]
    gap = np.stack([one[b] - one[a] if claim == 0 else one[a] - one[b] for one, (a, b) in zip(score, chosen)])
    if sample.over == "stimulus":
        ids = np.unique(sample.trials["stimulus_id"].values[where].astype(str), return_inverse=True)[1]
        values = np.bincount(ids, weights=gap.mean(axis=0)) / np.bincount(ids)
    else:
        values = gap.mean(axis=1)
    return sign_flip(values, alternative="greater", level=level, rng=generator(rng, "picked held out", claim))


def _about(sample: Sample, k: int, n: int, n_permutations: int, tasks: tuple[str, str]) -> dict[str, Any]:
    networks = sample.trials.sizes["specimen"]
    one = sample.over == "stimulus"
    over = "control draw" if one else sample.over
    said = f"{k} candidates, {n} random lesions, {n_permutations} subsets per network."
    if not one:
        floor = 0.5**networks
        said = f"{said} {floor_text(networks, floor, plural=PLURAL[sample.over], alternative='greater')}"
    return {
        "analysis": "picked_dissociation",
        "estimand": f"how far the best pair of {k} lesions dissociates {tasks[0]} and {tasks[1]} beyond the best pair "
        f"of {k} random lesions",
        "test": "picking rule re-run on random subsets; "
        + ("rank" if one else "sign-flip over networks of the excess"),
        "n": networks,
        "generalises_over": over,
        "rank_generalises_over": "control draw",
        "rank_n": n,
        "correction": "selection inside the null",
        "source": sample.trials.attrs.get("source", ""),
        "inputs": digest_of(sample.trials["score"].values),
        "alternative": "greater",
        "n_candidates": k,
        "n_pool": n,
        "note": noted(said, whose_stimuli(1, str(sample.trials.attrs.get("kind", ""))) if one else ""),
    }
