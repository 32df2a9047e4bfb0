"""Two lesions and their union: do two parts stand in for each other, work together, or simply add up?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cells import spared_bounds
from neurolab.analysis.sample import Sample, about_task, mean_over, sample_of, sham_rows, target_rows
from neurolab.analysis.scale import at_ceiling, at_floor, logit_deficit
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, amount
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.equivalence import Tost, sign_flip_tost
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.trials import pick_task

TEST = ("effect", "low", "high", "p", "p_floor")
REDUNDANT, SYNERGISTIC, ADDITIVE, UNDECIDED = "redundant", "synergistic", "additive", "not decided"

register_result(
    "interaction",
    {
        "deficit": ("specimen", "lesion"),
        **dict.fromkeys(("ceiling", "floor"), ("lesion",)),
        **dict.fromkeys((*TEST, "effect_logit", "additive_bound", "additive_shown"), ()),
        **dict.fromkeys((f"additive_{name}" for name in TEST), ()),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("additive_p", "additive_effect", "additive_low", "additive_high", "additive_p_floor"),
    ],
)


@dataclass(frozen=True, eq=False)
class Three:
    """Lesions a, b and both on one task: rows in the trials, scores per network (specimen, 3), flags (3,)."""

    sample: Sample
    names: tuple[str, str, str]
    rows: tuple[np.ndarray, ...]
    value: np.ndarray
    intact: np.ndarray
    lesioned: np.ndarray
    bounded: bool
    chance: float
    n_trials: int

    @property
    def deficit(self) -> np.ndarray:
        """Deficit (specimen, lesion)."""
        return self.intact - self.lesioned

    @property
    def ceiling(self) -> list[bool]:
        """Whether the intact score left no room for a deficit, per lesion."""
        return [at_ceiling(float(score), self.chance, bounded=self.bounded) for score in self.intact.mean(axis=0)]

    @property
    def floor(self) -> list[bool]:
        """Whether the lesioned score could not fall further, per lesion."""
        return [at_floor(float(score), self.chance, bounded=self.bounded) for score in self.lesioned.mean(axis=0)]

    @property
    def logit(self) -> float:
        """The interaction in log odds; NaN for an unbounded score."""
        a, b, both = logit_deficit(self.intact, self.lesioned, self.n_trials, bounded=self.bounded).mean(axis=0)
        return float(both - a - b)


def interaction(
    trials: xr.Dataset,
    *,
    a: str,
    b: str,
    both: str,
    task: str,
    additive_within: float | Mapping[str, float] | None = None,
    allow_bounded: bool = False,
    alpha: float = 0.05,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get whether two lesions cost more together than one by one, with a verdict in words.

    The interaction is deficit(A and B) - deficit(A) - deficit(B), per network, on the same stimuli. Above 0 the two
    are *redundant*: either stands in for the other, so that only the pair shows what they do. Below 0 they are
    *synergistic*: they do it together, so that losing one costs already what losing both costs. *Additive* is said only
    from an equivalence test against a stated bound; then, too, when the interaction is not 0 but within that bound.

    Parameters
    ----------
    trials : with three lesions (role "target"; ``nl.pairs`` makes the union) of one ablation, and a sham.
    a, b, both : names or ``lesion_id`` of the two lesions and of their union. task : name.
    additive_within : the largest interaction that still counts as none: a share of the mean intact score above chance,
        or, as ``{task: bound}``, in the score's own units. State it before looking. None: "additive" is never said.
    allow_bounded : analyse a score that cannot leave [0, 1], such as accuracy; recorded in the result.
    over : "specimen" or "stimulus", the sample; default networks or people where there are several.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset: ``effect`` (mean interaction, in score) with ``low, high`` (level 1 - alpha), ``p`` (two-sided sign-flip)
    and ``p_floor``; ``value`` per member; ``effect_logit``; ``deficit`` (specimen, lesion), ``ceiling`` and ``floor``
    (lesion); ``additive_p`` with companions (level 1 - 2 alpha), ``additive_bound``, ``additive_shown``. attrs:
    ``verdict``, and as JSON lists ``reasons`` and ``undermined_by``.

    Raises
    ------
    DesignError : a bounded score without ``allow_bounded``; a third lesion that is not the union of the first two.

    When this is invalid
    --------------------
    On a bounded score a ceiling hides what single lesions cost (false redundancy) and a floor what the pair costs
    (false synergy): score the margin. Redundant on this task, with this ablation; see ``spared`` for "no effect alone".

    Source
    ------
    Epistasis of lesions: Aharonov et al. 2003, doi:10.1162/08997660360581949 (two-dimensional Shapley analysis).

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0)
    >>> interaction(trials, a="A", b="B", both="A + B", task="X", rng=0).attrs["verdict"]
    'redundant'
    """
    three = _three(sample_of(trials, over), (a, b, both), task, alpha, allow_bounded)
    test = sign_flip(three.value, level=1 - alpha, rng=generator(rng, "interaction", a, b, both, task))
    bound = _bound(three, task, additive_within)
    same = _equivalence(three, bound, alpha, generator(rng, "additive", a, b, both, task))
    sample = three.sample
    return make_result(
        {**_variables(three, test), **_additive(test, same, bound)},
        coords={"specimen": sample.specimens, "lesion": strings(three.names)},
        analysis="interaction",
        estimand=f"the mean over {sample.plural} of deficit({both}) - deficit({a}) - deficit({b}) on {task}",
        test=f"two-sided sign-flip over {sample.plural}; additive: two shifted one-sided ones",
        n=test.n,
        correction="none",
        alternative="two-sided",
        level=1 - alpha,
        alpha=alpha,
        a=a,
        b=b,
        both=both,
        task=task,
        override="bounded score allowed" if three.bounded else "",
        verdict=_verdict(test, same, alpha, sample.plural),
        reasons=_reasons(three, test, same, bound, alpha),
        **sample.said(
            rng, floor_text(test.n, test.p_floor, plural=sample.plural, alternative="two-sided"),
            undermined_by=_undermined_by(three, test), tasks=[task], rows=np.concatenate(three.rows),
        ),
    )


def _three(sample: Sample, names: tuple[str, str, str], task: str, alpha: float, allow_bounded: bool) -> Three:
    bounded, chance = about_task(sample.trials, task)
    where = pick_task(sample.trials, task)
    if not 0 < alpha < 0.5:
        raise DesignError(f"alpha={alpha} given; expected a number between 0 and 0.5. Type alpha=0.05.")
    if bounded and not allow_bounded:
        raise DesignError(
            f"Task {task!r} is scored within [0, 1], where a ceiling makes single lesions look harmless and a floor "
            "makes pairs look no worse: more or less than the sum means little. Examine the task with an unbounded "
            "score (nl.scores.margin), or type allow_bounded=True, which the result records."
        )
    rows = tuple(target_rows(sample.trials, name) for name in names)
    _check_union(sample.trials, names, rows)
    shams = [sham_rows(sample.trials, str(sample.trials["roi"].values[row[0]])) for row in rows]
    a, b, both = (sample.table(sham, task) - sample.table(row, task) for sham, row in zip(shams, rows))
    intact, lesioned = (np.stack([sample.by_specimen(row, task) for row in some], axis=1) for some in (shams, rows))
    return Three(sample, names, rows, (both - a - b).to_numpy(), intact, lesioned, bounded, chance, len(where))


def _check_union(trials: xr.Dataset, names: tuple[str, str, str], rows: tuple[np.ndarray, ...]) -> None:
    """Three different lesions, one ablation, and no more units in the third than in the other two together."""
    if len({tuple(row) for row in rows}) < 3:
        raise DesignError(f"a, b and both name {names!r}, the same lesion twice; expected three different ones.")
    how = [set(trials["how"].values[row].astype(str)) for row in rows]
    if how[0] != how[1] or how[0] != how[2]:
        said = ", ".join(f"{name!r} by {' and '.join(sorted(kinds)) or 'nothing'}" for name, kinds in zip(names, how))
        raise DesignError(f"The lesions differ in their ablation ({said}); expected one. Type nl.pairs([a, b]).")
    units = [mean_over(trials, "n_units", row) for row in rows]
    if min(units) > 0 and not max(units[:2]) <= units[2] <= units[0] + units[1]:
        raise DesignError(
            f"{names[2]!r} has {units[2]:.4g} units; the union of {names[0]!r} ({units[0]:.4g}) and {names[1]!r} "
            f"({units[1]:.4g}) cannot. Make it with nl.pairs([a, b])."
        )


def _bound(three: Three, task: str, within: float | Mapping[str, float] | None) -> float:
    """The bound in score; NaN where none was given."""
    if within is None:
        return float("nan")
    intact = np.array([three.intact.mean()])
    bound = float(spared_bounds(three.sample.trials, (task,), intact, within, "additive_within")[0])
    if not (np.isfinite(bound) and bound > 0):
        raise DesignError(
            f"No bound can be made for {task!r}: the chance level is unknown, the intact score is at chance, or the "
            f"bound is not above 0. Type additive_within={{{task!r}: 0.5}}, in units of the score."
        )
    return bound


def _equivalence(three: Three, bound: float, alpha: float, rng: np.random.Generator) -> Tost | None:
    return None if np.isnan(bound) else sign_flip_tost(three.value, bounds=bound, alpha=alpha, rng=rng)


def _variables(three: Three, test: SignFlip) -> dict[str, Any]:
    return {
        "deficit": (("specimen", "lesion"), three.deficit),
        "value": (three.sample.dim, three.value),
        **{name: getattr(test, name) for name in TEST},
        "effect_logit": three.logit,
        "ceiling": ("lesion", three.ceiling),
        "floor": ("lesion", three.floor),
    }


def _additive(test: SignFlip, same: Tost | None, bound: float) -> dict[str, Any]:
    """The equivalence test by name; NaN where no bound was given."""
    found = {f"additive_{name}": getattr(same, name) if same else np.nan for name in TEST}
    shown = same is not None and same.equivalent
    return {**found, "additive_effect": test.effect, "additive_bound": bound, "additive_shown": shown}


def _verdict(test: SignFlip, same: Tost | None, alpha: float, plural: str) -> str:
    if same is not None and same.equivalent:
        return ADDITIVE
    if test.p_floor > alpha:
        said = floor_text(test.n, test.p_floor, plural=plural, alternative="two-sided", alpha=alpha)
        return f"{UNDECIDED}: {said}"
    if test.p > alpha:
        return UNDECIDED
    return REDUNDANT if test.effect > 0 else SYNERGISTIC


def _reasons(three: Three, test: SignFlip, same: Tost | None, bound: float, alpha: float) -> list[str]:
    """One sentence per test, each with its numbers."""
    costs = [f"{name} {cost:.3g}" for name, cost in zip(three.names, three.deficit.mean(axis=0))]
    kind = "more" if test.effect >= 0 else "less"
    numbers = interval_text(test.effect, test.low, test.high, 1 - alpha)
    shown = "Shown" if test.p <= alpha else "Not shown"
    said = [
        f"Mean deficits: {', '.join(costs)}.",
        f"{shown}: the union costs {kind} than the sum, by {numbers}, {p_text(test.p)}, n = {test.n}.",
    ]
    if same is None:
        return [*said, "Additivity was not tested: no bound was given (additive_within=)."]
    numbers, shown = interval_text(same.effect, same.low, same.high, 1 - 2 * alpha), "Not shown"
    if same.equivalent:
        shown = "Shown"
    return [*said, f"{shown}: the costs add up, {numbers} against ±{bound:.3g}, {p_text(same.p)}."]


def _undermined_by(three: Three, test: SignFlip) -> list[str]:
    """What in these data would undermine the verdict, a sentence each."""
    units = [mean_over(three.sample.trials, "n_units", row) for row in three.rows]
    (a, b, _), said = three.names, []
    if min(units) > 0 and units[2] < units[0] + units[1]:
        shared = units[0] + units[1] - units[2]
        both = f"{a} and {b} share {amount(shared, 'unit')}"
        said.append(f"{both}: what these do is counted twice, which looks like synergy.")
    if three.bounded and any(three.ceiling):
        said.append("The intact score is at ceiling: a cost of one lesion could not show, which looks like redundancy.")
    low = [name for name, hit in zip(three.names, three.floor) if hit]
    if low:
        said.append(f"At chance after {' and after '.join(low)}: a larger cost could not show, nor costs add up.")
    if np.isfinite(three.logit) and three.logit * test.effect < 0:
        said.append(
            f"On the log-odds scale the sign is the other way ({test.effect:.3g} in score, {three.logit:.3g} in log "
            "odds)."
        )
    return said
