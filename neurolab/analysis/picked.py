"""A dissociation that was picked among many: is the best pair better than the best pair of random lesions?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.best_pair import Group, best_pair, least_chance, picked_null, random_subsets
from neurolab.analysis.halves import picking_half
from neurolab.analysis.picked_rows import rows_and_groups, unlike
from neurolab.analysis.sample import PLURAL, Sample, member_words, noted, sample_of, whose_stimuli
from neurolab.analysis.words import floor_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
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
    alike: bool = True,
    n_permutations: int = 999,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether the best-dissociating pair among candidate lesions beats the best pair among random ones.

    The picking rule: of all ordered pairs (A, B) of K lesions take the one with the largest
    min(X_A - X_B, Y_B - Y_A). Its null is the same rule, run on K other lesions that might as well have been the
    candidates (a permutation test): random subsets of candidates and pool together; or, where the pool holds the
    candidates' own controls (of their name), each candidate or one of its controls at random, which may come from
    another site than those of the next.

    Parameters
    ----------
    trials : with all candidates and the pool, each lesion in a row of its own.
    candidates : names or ids of the K lesions among which the pair was picked, all of them.
    pool : controls of every candidate (same name and dose), or random lesions matched to all candidates, at least as
        many: ids or names, or a family ("random", "matched").
    tasks : (X, Y). n_permutations : subsets drawn. level : coverage.
    alike : whether a lesion of one name may do alike in all networks, being the same units, say, or of the same layer.
        Then a subset is the same in all networks, which is exact also where it does not; the rank p of a pair that is
        the best in all of them is the chance that a subset holds it, K(K-1)/M(M-1) of M lesions. Type False where
        every network drew lesions of its own and names mean nothing across networks: each then has subsets of its own.
    rng : integer or Generator.

    Returns
    -------
    Dataset: per network ``observed`` (value of the picked pair, in score), ``null`` (specimen, draw), ``null_mean``,
    ``excess`` = observed - null_mean, ``network_p`` and its floor, ``picked_a`` and ``picked_b``. ``effect`` (mean
    excess) with ``low, high, p, p_floor``: one-sided sign-flip over networks (approximate,
    the excess being skewed: .04 to .06 measured at .05).
    ``rank_p``: the mean observed value among those of the subsets, exact in these networks. ``held_*`` over claim:
    pairs picked on one half of the stimuli and measured on the other, one-sided sign-flips; one split for both tasks,
    so that no stimulus, and no matched group (trial coordinate ``group``), does both. With one network, p is its rank p
    and the held-out sample is stimuli.

    When this is invalid
    --------------------
    A pool that differs from the candidates in size, site or activity; candidates left out because they did not work.
    ``p`` asks whether these K lesions beat the mean of random ones in networks like these; where a lesion of one name
    does alike in all networks, so does nearly every second random K: whether K are special only ``rank_p`` says.
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
    rows, groups = rows_and_groups(trials, candidates, pool)
    n_candidates = sum(k for _, k in groups)
    names = trials["lesion_id"].values[rows].astype(str)
    specimens = list(trials["specimen"].values.astype(str))
    deficits = _deficits(sample, rows, tasks)
    best = [best_pair(one[:n_candidates]) for one in deficits]
    observed, pairs = np.array([value for value, *_ in best]), [names[pair] for _, *pair in best]
    null = _nulls(deficits, groups, n_permutations, [""] * len(specimens) if alike else specimens, rng)
    return make_result(
        {
            **_per_network(observed, null, groups),
            "picked_a": ("specimen", strings([a for a, _ in pairs])),
            "picked_b": ("specimen", strings([b for _, b in pairs])),
            **_over_networks(observed, null, _floor(groups, len(specimens), n_permutations, alike=alike), level,
                             generator(rng, "picked over networks")),
            **_held(sample, rows[:n_candidates], tasks, level, rng),
        },
        coords={
            "specimen": strings(specimens),
            "claim": strings([f"lesion of A costs {tasks[0]} more than that of B",
                              f"lesion of B costs {tasks[1]} more than that of A"]),
        },
        **_about(sample, groups, n_permutations, tasks, alike=alike),
        **sample.undermined(unlike(trials, rows, groups) or None, tasks=tasks, rows=rows),
        rng=rng_name(rng),
        level=level,
    )


def _deficits(sample: Sample, rows: np.ndarray, tasks: tuple[str, str], keep: np.ndarray | None = None) -> np.ndarray:
    """Minus the mean score (specimen, lesion, 2): a deficit up to the sham, which cancels in every pair."""
    score = sample.scores[:, rows]
    columns = []
    for task in tasks:
        where = pick_task(sample.trials, task)
        where = where if keep is None else where[keep[where]]
        columns.append(-score[:, :, where].mean(axis=2))
    return np.stack(columns, axis=2)


def _nulls(deficits: np.ndarray, groups: list[Group], n: int, whose: list[str], rng: RNG) -> np.ndarray:
    """The best pairs of n random subsets (specimen, draw); networks that go by one name share them."""
    drawn: dict[str, np.ndarray] = {}
    null = np.empty((len(whose), n))
    for at, one in enumerate(whose):
        drawn = drawn if one in drawn else {one: random_subsets(groups, n, generator(rng, "picked", one))}
        null[at] = picked_null(deficits[at], drawn[one])
    return null


def _rank_p(value: float, null: np.ndarray) -> float:
    tie = 1e-12 * max(abs(value), float(np.abs(null).max()))
    return (1 + int((null >= value - tie).sum())) / (len(null) + 1)


def _floor(groups: list[Group], n_networks: int, n_permutations: int, *, alike: bool) -> float:
    """The smallest rank p: the least chance that the subsets hold the best pair of every network."""
    chance = least_chance(groups, 2 * n_networks) if alike else least_chance(groups, 2) ** n_networks
    return max(1 / (n_permutations + 1), chance)


def _per_network(observed: np.ndarray, null: np.ndarray, groups: list[Group]) -> dict[str, Any]:
    """The picked pair of every network beside the best pairs of the random subsets."""
    floor = _floor(groups, 1, null.shape[1], alike=True)
    p = np.array([_rank_p(value, row) for value, row in zip(observed, null)])
    return {
        "observed": ("specimen", observed),
        "null": (("specimen", "draw"), null),
        "null_mean": ("specimen", null.mean(axis=1)),
        "excess": ("specimen", observed - null.mean(axis=1)),
        "network_p": ("specimen", p),
        "network_p_floor": ("specimen", np.minimum(floor, p)),
    }


def _over_networks(
    observed: np.ndarray, null: np.ndarray, floor: float, level: float, rng: np.random.Generator
) -> dict[str, float]:
    """The sign-flip of the excess over networks, and the rank of the mean among the draws' means."""
    mean, of_draws = float(observed.mean()), null.mean(axis=0)
    tail, rank_p = (1 - level) / 2, _rank_p(mean, of_draws)
    rank = {
        "rank_p": rank_p,
        "rank_p_floor": min(floor, rank_p),
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


def _about(
    sample: Sample, groups: list[Group], n_permutations: int, tasks: tuple[str, str], *, alike: bool
) -> dict[str, Any]:
    networks, one = sample.trials.sizes["specimen"], sample.over == "stimulus"
    kind = str(sample.trials.attrs.get("kind", ""))
    member, members = member_words(kind)
    k = sum(picked for _, picked in groups)
    n = sum(len(rows) for rows, _ in groups) - k
    over = "control draw" if one else sample.over
    whose = "random lesions" if len(groups) == 1 else "controls of their own"
    said = f"{k} candidates, {n} {whose}, {n_permutations} subsets{'' if alike else f' per {member}'}."
    drawn = f"random subsets of these and {n} random lesions" if len(groups) == 1 else (
        f"random ones of each and its own controls, {n} in all")  # fmt: skip
    same = least_chance(groups, 2) if alike else _floor(groups, networks, n_permutations, alike=False)
    if same > 0.05:
        least = f"{same:.3g}".replace("0.", ".", 1)
        said = f"{said} A pair that is the best in all {members} has a rank p of {least}; draw more {whose}."
    if not one:
        floor = 0.5**networks
        said = f"{said} {floor_text(networks, floor, plural=PLURAL[sample.over], alternative='greater')}"
    return {
        "analysis": "picked_dissociation",
        "estimand": f"how far the best pair of {k} lesions dissociates {tasks[0]} and {tasks[1]} beyond the best pair "
        f"of {k} random lesions",
        "test": "picking rule re-run on random subsets; "
        + ("rank" if one else f"sign-flip over {members} of the excess"),
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
        "drawn_from": f"{drawn}, {f'the same in all {members}' if alike else f'anew in each {member}'}",
        "note": noted(said, whose_stimuli(1, kind) if one else ""),
        **({"kind": kind} if kind else {}),
    }
