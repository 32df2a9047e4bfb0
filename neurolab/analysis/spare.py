"""The word "spared": a lesion without effect, shown by equivalence, never by a large p."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from neurolab.analysis.cells import right_or_wrong, spared_bounds, spared_test
from neurolab.analysis.flags import Flags
from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows, target_rows
from neurolab.analysis.scale import at_ceiling, room_texts
from neurolab.analysis.words import floor_text, interval_text, p_text, sizes_text, undecided_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.equivalence import Tost
from neurolab.stats.permutation import sign_flip
from neurolab.stats.proportion import clopper_pearson
from neurolab.stats.right_or_wrong import is_of_shares, items_needed

TEST = ("effect", "low", "high", "p", "p_floor")

register_result(
    "spared",
    {
        "deficit": ("specimen", "task"),
        **dict.fromkeys((*TEST, "bound", "shown"), ("task",)),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def spared(
    trials: xr.Dataset,
    *,
    lesion: str,
    tasks: tuple[str, ...] | list[str],
    within: float | Mapping[str, float] = 0.1,
    alpha: float = 0.05,
    over: str | None = None,
    rng: RNG,
) -> xr.Dataset:
    """Get whether a lesion leaves tasks unharmed: its deficit is shown to lie within a bound on both sides.

    Two shifted one-sided sign-flip tests over networks per task; p is the larger. Over stimuli that are right or wrong,
    which are not symmetric about a bound, two score tests of paired shares, also where each stimulus is a mean over
    networks, draws or repeats. Tasks are not corrected for one another: each is a claim of its own.

    Parameters
    ----------
    trials : with the lesion (role "target") and a sham.
    lesion : by name or ``lesion_id``. tasks : names.
    within : the largest change that still counts as none: a share of the mean intact score above chance, or, as
        ``{task: bound}``, in the score's own units. State it before looking.
    over : "specimen" or "stimulus", the sample; default networks or people where there are several.

    Returns
    -------
    Dataset over task: ``effect`` (mean deficit), ``low``, ``high`` (level 1 - 2 alpha), ``p``, ``p_floor``, ``bound``,
    ``shown``; ``deficit`` (specimen, task). attrs, as JSON lists: ``reasons``, one sentence per task, and
    ``undermined_by``.

    When this is invalid
    --------------------
    A bound chosen after seeing the deficit. A lesion that changed no activity, or an intact score not shown to lie
    above chance (one-sided at alpha), each of which ``undermined_by`` says. Not shown spared does not mean hurt: see
    ``deficits``. Networks of which few collapse, as a sign-flip asks for symmetry: where one network in five loses all
    of a mean deficit that is the bound itself (one in ten), "spared" was said in .32 (.60) of samples of 5 networks,
    .16 (.44) of 8, .11 (.36) of 10 and .08 (.11) of 20; of skewed (lognormal) deficits in .15 to .22.

    Source
    ------
    Schuirmann 1987, doi:10.1007/BF01068419, with the exact sign-flip in the place of t; Tango 1998.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> found = spared(phantom_trials(rng=0), lesion="A", tasks=("X", "Y"), rng=0)
    >>> found["shown"].values.tolist()
    [False, True]
    """
    tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    if not tasks:
        raise DesignError(f"spared() got tasks=(); expected one or more that {lesion!r} may spare. Type tasks=('X',).")
    sample = sample_of(trials, over)
    rows = target_rows(sample.trials, lesion)
    shams = sham_rows(sample.trials, str(sample.trials["roi"].values[rows[0]]))
    intact = np.stack([sample.by_specimen(shams, task) for task in tasks], axis=1)
    bounds = _bounds(sample, tasks, intact.mean(axis=0), within)
    values = [(sample.table(shams, task) - sample.table(rows, task)).to_numpy() for task in tasks]
    counted = [sample.counted(task) for task in tasks]
    shares = [right_or_wrong(value, sample.over, counted=one) for value, one in zip(values, counted)]
    needed = [items_needed(bound, alpha=alpha) if one and bound < 1 else None for one, bound in zip(shares, bounds)]
    found = [
        spared_test(value, bound, alpha, sample.over, generator(rng, "spared", task), counted=one)
        for value, bound, task, one in zip(values, bounds, tasks, counted)
    ]
    lesioned = np.stack([sample.by_specimen(rows, task) for task in tasks], axis=1)
    notes = _notes(sample, found, needed, dict(zip(tasks, map(len, values))))
    against = {**_without_room(sample, tasks, intact.mean(axis=0)), **_at_chance(sample, shams, tasks, alpha, rng)}
    return make_result(
        {
            "deficit": (("specimen", "task"), intact - lesioned),
            **{name: ("task", [getattr(test, name) for test in found]) for name in TEST},
            "bound": ("task", bounds),
            "shown": ("task", [test.equivalent for test in found]),
            "about_chance": ("task", [about_task(sample.trials, task)[1] for task in tasks]),
        },
        coords={"specimen": sample.specimens, "task": strings(tasks)},
        **_about(sample, lesion, shares),
        **sample.said(rng, *notes, undermined_by=against, tasks=tasks, rows=rows),
        n=min(map(len, values)), level=1 - 2 * alpha, alpha=alpha, lesion=lesion,
        reasons=_reasons(lesion, sample.plural, zip(tasks, found, bounds, map(len, values), needed)),
    )  # fmt: skip


def _reasons(lesion: str, plural: str, every: Iterable[tuple[str, Tost, float, int, int | None]]) -> list[str]:
    """A sentence per task, and how many members it would take where there are too few."""
    return [_said(lesion, task, test, bound) + _too_few(test, n, plural, needed)
            for task, test, bound, n, needed in every]  # fmt: skip


def _notes(sample: Sample, found: list[Tost], needed: list[int | None], sizes: dict[str, int]) -> tuple[str, str]:
    """The sentences about the smallest p, and about tasks of different size."""
    most, floor = max((one for one in needed if one is not None), default=None), max(test.p_floor for test in found)
    said = {"plural": sample.plural, "alternative": "greater", "alpha": found[0].alpha, "needed": most}
    return floor_text(min(sizes.values()), floor, **said), sizes_text(sizes, sample.plural)  # type: ignore[arg-type]


def _bounds(
    sample: Sample, tasks: tuple[str, ...], intact: np.ndarray, within: float | Mapping[str, float]
) -> np.ndarray:
    """The deficit that still counts as none, per task, in units of the score."""
    bounds = spared_bounds(sample.trials, tasks, intact, within, "within")
    if not (np.isfinite(bounds) & (bounds > 0)).all():
        raise DesignError(
            f"No bound can be made for {tasks[int(np.argmin(np.nan_to_num(bounds, nan=-1.0)))]!r}: the chance level is "
            f"unknown or the intact score is at chance. Type within={{{tasks[0]!r}: 0.05}}, in units of the score."
        )
    return bounds


def _without_room(sample: Sample, tasks: tuple[str, ...], intact: np.ndarray) -> Flags:
    """A sentence for each task that is done too well for a small deficit to show."""
    about = [about_task(sample.trials, task) for task in tasks]
    high = [at_ceiling(float(score), chance, bounded=bounded) for score, (bounded, chance) in zip(intact, about)]
    said = {task: room_texts(task, ceiling=ceiling, floored=[]) for task, ceiling in zip(tasks, high)}
    return {line: {"task": [task]} for task, lines in said.items() for line in lines}


def _at_chance(sample: Sample, shams: np.ndarray, tasks: tuple[str, ...], alpha: float, rng: RNG) -> Flags:
    """A sentence for each task that nobody shows to be done above chance without the lesion."""
    said: dict[str, dict[str, list[str]]] = {}
    for task in tasks:
        chance, scores = about_task(sample.trials, task)[1], sample.table(shams, task).to_numpy(dtype=np.float64)
        counted = sample.over == "stimulus" and is_of_shares(scores)
        stream = generator(rng, "spared", "intact", task)
        if np.isfinite(chance) and not _above(scores, chance, alpha, stream, counted=counted):
            at = f"The intact score on {task} ({scores.mean():.3g}) is not shown to lie above chance ({chance:.3g})"
            said[f"{at}: there may have been nothing to spare."] = {"task": [task]}
    return said


def _above(scores: np.ndarray, chance: float, alpha: float, rng: np.random.Generator, *, counted: bool) -> bool:
    """Whether scores lie above chance, one-sided: stimuli right or wrong by an exact interval, means by a sign-flip.

    True too of so few that nothing could show it: they cannot show sparing either, as the reasons say.
    """
    if counted:
        shown, most = (clopper_pearson(int(k), len(scores), level=1 - 2 * alpha) for k in (scores.sum(), len(scores)))
        return bool(most.low < chance or shown.low >= chance)
    test = sign_flip(scores, alternative="greater", popmean=chance, level=1 - alpha, rng=rng)
    return bool(test.p_floor > alpha or test.p <= alpha)


def _about(sample: Sample, lesion: str, shares: list[bool]) -> dict[str, str]:
    tests = dict.fromkeys("score tests of paired shares" if one else "sign-flips" for one in shares)
    return {
        "analysis": "spared",
        "estimand": f"the mean deficit of {lesion} over {sample.plural}, per task",
        "test": f"two shifted one-sided {' or '.join(tests)} over {sample.plural} (equivalence)",
        "correction": "none",
        "alternative": "equivalence",
    }


def _said(lesion: str, task: str, test: Tost, bound: float) -> str:
    """One sentence with the numbers of one task, without its full stop."""
    numbers = interval_text(test.effect, test.low, test.high, 1 - 2 * test.alpha)
    shown = "Shown" if test.equivalent else "Not shown"
    return f"{shown}: {lesion} spares {task}, deficit {numbers} against ±{bound:.3g}, {p_text(test.p)}"


def _too_few(test: Tost, n: int, plural: str, needed: int | None) -> str:
    """The end of that sentence: whether so many members can decide it at all."""
    if test.p_floor <= test.alpha:
        return "."
    return f"; {undecided_text(n, test.p_floor, plural=plural, alternative='greater', alpha=test.alpha, needed=needed)}"
