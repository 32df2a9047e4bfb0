"""Two models, each with many layers: is the best layer of one better than the best of the other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.sample import PLURAL, all_tasks, noted, sample_of, sham_rows, target_rows, whose_stimuli
from neurolab.analysis.words import interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, ReplicationUnitError, SchemaError, listed
from neurolab.schema import make_result, register_result, strings

#: Dims that can be the sample; a person is one subject.
MEMBERS = ("stimulus", "subject", "specimen")
EXACT_N = 12  # 4,096 patterns of signs are listed; more are drawn
FEWEST = 5
FOLDS, REPEATS = 5, 10  # of the members, to choose layers on all folds but one; the effect is the mean over repeats

register_result(
    "best_layers",
    {
        **dict.fromkeys(("effect", "low", "high", "p", "p_floor", "naive"), ()),
        **dict.fromkeys(("score", "largest", "optimism"), ("model",)),
        **{f"{what}_{model}": (f"layer_{model}",) for model in "ab" for what in ("mean", "chosen")},
    },
    [("p", "effect", "low", "high", "p_floor")],
)


@dataclass(frozen=True, eq=False)
class Layers:
    """The scores of one model (member, layer), the names of both, and what a member is."""

    score: np.ndarray
    layer: list[str]
    member: list[str]
    over: str

    @property
    def mean(self) -> np.ndarray:
        """The mean score of each layer over members."""
        return self.score.mean(axis=0)


def best_layers(
    a: xr.DataArray | pd.DataFrame | xr.Dataset,
    b: xr.DataArray | pd.DataFrame | xr.Dataset,
    *,
    names: tuple[str, str] = ("A", "B"),
    task: str | None = None,
    n_permutations: int = 1_999,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether the best layer of one model scores higher than the best layer of another, the choice paid for.

    The largest of 20 noisy means is larger than the largest of 3, whatever the models are worth. So the *effect* is
    cross-fitted: both best layers are chosen on four fifths of the members (stimuli, people) and scored on the others,
    over ten partitions. The *test* needs no choice: A is better if, for every layer of B, the largest mean advantage
    of A's layers over it exceeds the largest ones under flipped signs of members (max-type); p is the largest over B's
    layers, twice the smaller of both directions. The interval inverts it.

    Parameters
    ----------
    a, b : the score of every layer for every member, higher is better: DataArray with the dims layer and stimulus,
        subject or specimen; a table with a column per layer and a row per stimulus; or trials with one lesion per
        layer (then ``task``), whose deficits are the scores. The members are the same in both.
    names : of the models. task : of trials.
    n_permutations : sign patterns drawn where there are more than 12 members; else all are listed.
    level : coverage. rng : integer or Generator.

    Returns
    -------
    Dataset: ``effect`` (cross-fitted score of A's best layer minus B's) with ``low, high, p, p_floor``; over model:
    ``score`` (cross-fitted), ``largest`` (largest mean, the naive one), ``optimism`` (their difference); ``naive``
    (difference of the largest means); over layer_a and layer_b: ``mean_a, mean_b`` and ``chosen_a, chosen_b`` (share of
    the times that the layer was chosen); ``value`` per member. attrs ``verdict`` and, as JSON, ``reasons``.

    Raises
    ------
    DataError : NaN; other members in the two models. DesignError : fewer than five members.

    When this is invalid
    --------------------
    The test is conservative: it rejected .00 to .06 of true nulls at .05, with 1 to 60 layers a side and 8 to 50
    members, where a t of the best against the best rejected up to .44 (600 simulations each). The effect is fair to
    the procedure (choose a layer, then use it), not to the best layer: 8 members who choose among 20 layers often miss
    the best one. Layers fitted to the stimuli that score them need a third set. Two cohorts of different networks have
    no members in common: give scores per stimulus.

    Source
    ------
    Max-type null: Westfall & Young 1993; Nichols & Holmes 2002, doi:10.1002/hbm.1058. Why: Cawley & Talbot 2010,
    JMLR 11, 2079-2107.

    Example
    -------
    >>> draw = np.random.default_rng(0)
    >>> deep, flat = (xr.DataArray(draw.normal(size=(200, k)), dims=("stimulus", "layer")) for k in (40, 3))
    >>> found = best_layers(deep, flat, rng=0)
    >>> round(float(found["naive"]), 2), round(float(found["effect"]), 2), found.attrs["verdict"]
    (0.09, -0.02, 'not told apart')
    """
    first, second = _layers(a, task), _layers(b, task)
    _check(first, second, level, n_permutations)
    signs = _signs(len(first.score), n_permutations, rng)
    p, low, high, floor = _tested(first.score, second.score, signs, level)
    folds = _folds(len(first.score), generator(rng, "best layers", "folds"))
    fitted = [_cross_fitted(model.score, folds) for model in (first, second)]
    largest = np.array([model.mean.max() for model in (first, second)])
    score = np.array([one.mean() for one, _ in fitted])
    found = {"effect": float(score[0] - score[1]), "low": low, "high": high, "p": p, "p_floor": floor}
    return make_result(
        {
            **found,
            "naive": float(largest[0] - largest[1]),
            **{name: ("model", of) for name, of in _fair(score, largest).items()},
            "value": (first.over, fitted[0][0] - fitted[1][0]),
            **_per_layer(first, fitted[0][1], "a"),
            **_per_layer(second, fitted[1][1], "b"),
        },
        coords={"model": strings(names), first.over: strings(first.member)},
        **_about(first, second, names, len(signs)),
        level=level,
        rng=rng_name(rng),
        verdict=_verdict(names, p, float(low), level),
        reasons=_reasons(found, names, largest, score, level),
        inputs=digest_of(first.score, second.score),
        source="; ".join(filter(None, (str(getattr(one, "attrs", {}).get("source", "")) for one in (a, b)))),
        note=_note(a, first),
    )


def _layers(data: Any, task: str | None) -> Layers:
    """The scores of a model from any of the three shapes."""
    if isinstance(data, xr.Dataset):
        return _deficits(data, task)
    if isinstance(data, pd.DataFrame):
        named = {"stimulus": [*map(str, data.index)], "layer": [*map(str, data.columns)]}
        data = xr.DataArray(data.to_numpy(), dims=("stimulus", "layer"), coords=named)
    dims = tuple(map(str, getattr(data, "dims", ())))
    over = next((dim for dim in MEMBERS if dim in dims), "")
    if set(dims) != {"layer", over}:
        raise SchemaError(
            f"The scores of a model have the dims {dims or type(data).__name__}; expected layer and one of "
            f"{listed(MEMBERS)}. Average the others first: scores.mean('presentation')."
        )
    names = {dim: [str(one) for one in data[dim].values] for dim in dims}
    values = np.asarray(data.transpose(over, "layer").values, dtype=np.float64)
    if not np.isfinite(values).all():
        n = int((~np.isfinite(values)).sum())
        raise DataError(f"{n} scores are NaN or inf; expected numbers. Drop their {PLURAL[over]} in both models.")
    return Layers(values, names["layer"], names[over], over)


def _deficits(trials: xr.Dataset, task: str | None) -> Layers:
    """The deficit of each stimulus after the lesion of each layer."""
    sample = sample_of(trials, "stimulus")
    tasks = all_tasks(sample.trials)
    if task not in tasks:
        raise DesignError(f"task={task!r} given; the trials have the tasks {listed(tasks)}. Type task={tasks[0]!r}.")
    roles, rois = (sample.trials[name].values.astype(str) for name in ("role", "roi"))
    layers = list(dict.fromkeys(rois[roles == "target"]))
    columns = [sample.table(sham_rows(sample.trials, one), task) - sample.table(target_rows(sample.trials, one), task)
               for one in layers]  # fmt: skip
    return Layers(np.stack([one.to_numpy() for one in columns], axis=1), layers, [*columns[0].index], "stimulus")


def _check(first: Layers, second: Layers, level: float, n_permutations: int) -> None:
    if first.over != second.over or set(first.member) != set(second.member):
        apart = sorted(set(first.member) ^ set(second.member))
        raise DataError(
            f"The models were scored on other {PLURAL[first.over]} ({listed(apart, most=4)} in one of them only); a "
            "comparison needs the same ones in both. Two cohorts have none in common: give their scores per stimulus."
        )
    if first.member != second.member:
        raise DataError(f"The {PLURAL[first.over]} are in another order in the second model; type b.reindex_like(a).")
    if len(set(first.member)) < len(first.member):
        raise ReplicationUnitError(f"A {first.over} is named twice; each counts once. Average its scores first.")
    if len(first.member) < FEWEST:
        raise DesignError(
            f"{len(first.member)} {PLURAL[first.over]} cannot choose a layer and test it; expected {FEWEST} or more."
        )
    if not 0 < level < 1 or n_permutations < 39:
        raise DesignError(f"level={level} and n_permutations={n_permutations} given; type level=0.95 and 1999.")


def _signs(n: int, n_permutations: int, rng: RNG) -> np.ndarray:
    """Patterns of signs (pattern, member), that of the data first: all of them, or drawn ones."""
    if n <= EXACT_N:
        return 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    drawn = generator(rng, "best layers", "signs").choice([-1.0, 1.0], size=(n_permutations, n))
    return np.concatenate([np.ones((1, n)), drawn])


def _tested(a: np.ndarray, b: np.ndarray, signs: np.ndarray, level: float) -> tuple[float, float, float, float]:
    """The two-sided p, the interval that inverts it, and the smallest p."""
    means = [signs @ model / len(model) for model in (a, b)]  # (pattern, layer)
    p_a, low = _better(means[0], means[1], signs.mean(axis=1), (1 - level) / 2)
    p_b, high = _better(means[1], means[0], signs.mean(axis=1), (1 - level) / 2)
    return min(1.0, 2 * min(p_a, p_b)), low, -high, min(1.0, 2 / len(signs))


def _better(own: np.ndarray, other: np.ndarray, balance: np.ndarray, alpha: float) -> tuple[float, float]:
    """The one-sided p that the best of one model beats every layer of the other, and the lower end at alpha.

    own, other : mean scores under every pattern of signs (pattern, layer), that of the data first; ``balance`` is the
    mean sign. Taking d off all scores of one model takes d off the observed advantage and d times the mean sign off a
    flipped one, so a pattern counts from d = (observed - flipped) / (1 - mean sign) on.
    """
    advantage = own.max(axis=1, keepdims=True) - other  # of the best layer over each layer of the other
    short = advantage[0] - advantage
    tie = 1e-12 * (np.abs(own).max() + np.abs(other).max())
    p = float((short <= tie).mean(axis=0).max())
    from_where = np.full_like(short, -np.inf)
    flipped = balance < 1 - 1e-12
    from_where[flipped] = short[flipped] / (1 - balance[flipped, None])
    rank = int(np.floor(alpha * len(own) * (1 + 1e-12)))
    return p, float(np.sort(from_where, axis=0)[rank].min())


def _folds(n: int, rng: np.random.Generator) -> np.ndarray:
    """Which fold each member is in (repeat, member), drawn at random; folds are of about the same size."""
    return np.stack([rng.permutation(np.arange(n) % FOLDS) for _ in range(REPEATS)])


def _cross_fitted(score: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each member's score at the layers that are best in the other folds, and the share of times each layer was."""
    fitted, chosen = np.zeros(len(score)), np.zeros(score.shape[1])
    for fold in folds:
        best = np.array([score[fold != at].mean(axis=0).argmax() for at in range(FOLDS)])
        fitted += score[np.arange(len(score)), best[fold]]
        chosen += np.bincount(best, minlength=len(chosen))
    return fitted / len(folds), chosen / chosen.sum()


def _fair(score: np.ndarray, largest: np.ndarray) -> dict[str, np.ndarray]:
    """Per model the fair score of its best layer, the largest mean, and how much that flatters."""
    return {"score": score, "largest": largest, "optimism": largest - score}


def _per_layer(model: Layers, chosen: np.ndarray, letter: str) -> dict[str, xr.DataArray]:
    dim = f"layer_{letter}"
    named = {dim: strings(model.layer)}
    columns = {"mean": model.mean, "chosen": chosen}
    return {f"{what}_{letter}": xr.DataArray(of, dims=dim, coords=named) for what, of in columns.items()}


def _about(first: Layers, second: Layers, names: tuple[str, str], n_signs: int) -> dict[str, Any]:
    plural, n = PLURAL[first.over], len(first.member)
    return {
        "analysis": "best_layers",
        "estimand": f"the mean over {plural} of the score of the best of {len(first.layer)} layers of {names[0]} minus "
        f"that of the best of {len(second.layer)} of {names[1]}, each chosen on other {plural}",
        "test": f"max-type sign-flip over {plural} ({'all' if n <= EXACT_N else 'drawn'} patterns: {n_signs:,}) "
        "against every layer of the other model",
        "n": n,
        "generalises_over": first.over,
        "correction": "selection inside the null",
        "alternative": "two-sided",
        "models": f"{names[0]} and {names[1]}",
    }


def _verdict(names: tuple[str, str], p: float, low: float, level: float) -> str:
    if p > round(1 - level, 12):
        return "not told apart"
    return f"{names[0 if low >= 0 else 1]} has the better best layer"


def _reasons(
    found: dict[str, float], names: tuple[str, str], largest: np.ndarray, score: np.ndarray, level: float
) -> list[str]:
    each = [f"{name}: {fair:.3g} where it was not chosen, {best:.3g} over all"
            for name, best, fair in zip(names, largest, score)]  # fmt: skip
    numbers = interval_text(found["effect"], found["low"], found["high"], level)
    return [f"{names[0]} less {names[1]}: {numbers}, {p_text(found['p'])}.", f"Best layers, {'; '.join(each)}."]


def _note(data: Any, first: Layers) -> str:
    kind = str(getattr(data, "attrs", {}).get("kind", ""))
    few = f"{len(first.member)} {PLURAL[first.over]} choose among many layers." if len(first.member) < 20 else ""
    return noted(few, whose_stimuli(2, kind) if first.over == "stimulus" else "")
