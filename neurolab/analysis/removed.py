"""How much can go before a function falls: regions or units removed one after another, in an order and at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows, target_rows
from neurolab.analysis.words import floor_text, interval_text, joined, p_text
from neurolab.chance import RNG, generator
from neurolab.coalitions import RANDOM_ORDER
from neurolab.errors import DesignError, amount, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")
#: What is measured on a curve: the mean share of performance that is left, and the share removed at which it fails.
MEASURES = ("area", "failure point")

register_result(
    "reserve",
    {
        "retained": ("specimen", "dose"),
        **dict.fromkeys(("mean", "mean_low", "mean_high"), ("dose",)),
        **dict.fromkeys((*TEST, "own", "own_low", "own_high"), ("measure",)),
        "value": ("specimen", "measure"),
        "reserve": (),
        "failure_point": (),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


@dataclass(frozen=True, eq=False)
class Curves:
    """Cumulative lesion curves of one kind: the share of performance that is left (draw, specimen, dose), 1 at dose 0.

    measures : (specimen, measure), mean over draws. censored : share of the curves that never fell to failing.
    """

    left: np.ndarray
    measures: np.ndarray
    censored: float


def reserve(
    trials: xr.Dataset,
    *,
    lesion: str,
    task: str,
    family: str = RANDOM_ORDER,
    failing: float = 0.5,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get how much can be removed before a function falls, in one order of removal and against random orders.

    What is left is the score above chance as a share of the intact one, network by network. The *area* is its mean over
    the shares removed (1: nothing was lost); the *failure point* is the share removed at which ``failing`` of it is
    gone, between steps by a straight line. Both are compared with random orders by a sign-flip over networks: an order
    that finds what matters has the smaller area and fails earlier.

    Parameters
    ----------
    trials : of several networks, of ``removals(rois, how, name=lesion, n_random=20, rng=0)`` of
        ``neurolab.coalitions``; or any dose ladder of a lesion (each draw is a random order; nothing to compare with).
    lesion : the name of the order. task : name. family : of the controls.
    failing : the share of the performance that must be gone, in (0, 1).
    level : coverage of the intervals. rng : integer or Generator; used above 30 networks.

    Returns
    -------
    Dataset over dose (share removed, 0 first): ``mean`` of what is left with ``mean_low, mean_high``, ``retained`` per
    network, and ``control_*`` where there are random orders. Over measure ("area", "failure point"): ``own`` with
    ``own_low, own_high``, ``value`` per network, ``control_own`` and so on; ``effect`` (own - random) with ``low, high,
    p, p_floor``, NaN without random orders. ``reserve`` (mean area), ``failure_point`` (mean). attrs:
    ``never_failed`` (share of the ``n_curves``), ``base`` (what counts as nothing left: "chance", or "all removed"
    where chance is unknown).

    Raises
    ------
    DesignError : one network; fewer than two shares; an intact score that is at chance.

    When this is invalid
    --------------------
    A network that never falls so far counts with the largest share examined: the failure point is a lower bound, its
    interval has no end on that side, and ``undermined_by`` says so. Areas are comparable over the same shares only.

    Source
    ------
    Cumulative lesioning: Meyes et al. 2019, arXiv:1901.08644; Morcos et al. 2018, arXiv:1803.06959.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"units": {"X": 0.8}}
    >>> trials = phantom_trials(deficits=plan, chance=0.1, doses=(0.25, 0.5, 0.75, 1.0), n_stimuli=500, rng=0)
    >>> found = reserve(trials, lesion="units", task="X", rng=0)
    >>> round(float(found["reserve"]), 1), round(float(found["failure_point"]), 1)
    (0.5, 0.5)
    """
    sample = _networks(trials, failing)
    draws = _draws(sample.trials, lesion, "target", "")
    if not draws:
        target_rows(sample.trials, lesion)  # a name that is not there is an error with near misses
        raise DesignError(f"lesion={lesion!r} names one rung; type the name of the order, without its dose.")
    against = _draws(sample.trials, lesion, "control", family)
    doses = _doses([*draws, *against], lesion, family)
    low, base = _nothing_left(sample, lesion, task)
    room = sample.by_specimen(sham_rows(sample.trials, lesion), task) - low
    own = _curves(sample, draws, task, doses, low, room, failing)
    random = _curves(sample, against, task, doses, low, room, failing) if against else None
    stream = generator(rng, "reserve", lesion, family, task)
    found = {**_over(own, level, "", stream), **_compared(own, random, level, stream)}
    found |= _over(random, level, "control_", stream) if random else {}
    return make_result(
        {**found, **dict(zip(("reserve", "failure_point"), map(float, own.measures.mean(axis=0))))},
        coords={"specimen": sample.specimens, "dose": np.array([0.0, *doses]), "measure": strings(MEASURES)},
        level=level,
        lesion=lesion,
        task=task,
        family=family if random else "",
        failing=failing,
        base=base,
        never_failed=own.censored,
        n_curves=int(np.prod(own.left.shape[:2])),
        reasons=_reasons(found, lesion, family, level),
        **_about(sample, f"{lesion} on {task}", family if random else ""),
        **sample.said(rng, _floor(sample, level), undermined_by=_never(own, random, failing) or None, tasks=[task],
                      rows=np.array([row for of in (*draws, *against) for row in of.values()])),
    )


def _about(sample: Sample, what: str, family: str) -> dict[str, Any]:
    return {
        "analysis": "reserve",
        "estimand": f"the mean over {sample.plural} of the area and the failure point of {what}"
        + (f", minus those of its {family} controls" if family else ""),
        "test": f"two-sided sign-flip over {sample.plural}",
        "correction": "none",
        "alternative": "two-sided",
        "n": sample.trials.sizes["specimen"],
    }


def _floor(sample: Sample, level: float) -> str:
    n = sample.trials.sizes["specimen"]
    return floor_text(n, 2.0 ** (1 - n), plural=sample.plural, alternative="two-sided", alpha=1 - level)


def _reasons(found: dict[str, Any], lesion: str, family: str, level: float) -> list[str]:
    """Area and failure point of the order, of its random orders, and what is between them, with their intervals."""

    def said(mean: str, low: str, high: str) -> list[str]:
        every = zip(*(np.asarray(found[name][1], dtype=float) for name in (mean, low, high)))
        return [f"{what} {interval_text(at, start, end, level)}" for what, (at, start, end) in zip(MEASURES, every)]

    lines = [f"{lesion}: {joined(said('own', 'own_low', 'own_high'))}."]
    if "control_own" not in found:
        return lines
    p = [p_text(float(one)) for one in found["p"][1]]
    between = [f"{one}, {chance}" for one, chance in zip(said("effect", "low", "high"), p)]
    return [
        *lines,
        f"{family}: {joined(said('control_own', 'control_own_low', 'control_own_high'))}.",
        f"{lesion} less {family}: {'; '.join(between)}.",
    ]


def _networks(trials: xr.Dataset, failing: float) -> Sample:
    if not 0 < failing < 1:
        raise DesignError(f"failing={failing} given; expected the share of performance that is gone, such as 0.5.")
    sample = sample_of(trials)
    if sample.over == "stimulus":
        raise DesignError(
            "There is one network; how much it can lose is one number without an interval. Join several with "
            "nl.concat([...]), or look at nl.dose_response(trials, ..., over='stimulus')."
        )
    return sample


def _draws(trials: xr.Dataset, lesion: str, role: str, family: str) -> list[dict[float, int]]:
    """The row of every dose, for every draw."""
    ours = (trials["roi"].values == lesion) & (trials["role"].values == role)
    if role == "control":
        ours &= trials["family"].values == family
    found: dict[int, dict[float, int]] = {}
    for row in np.flatnonzero(ours):
        found.setdefault(int(trials["draw"].values[row]), {})[float(trials["dose"].values[row])] = int(row)
    return list(found.values())


def _doses(draws: list[dict[float, int]], lesion: str, family: str) -> list[float]:
    """The shares at which the order and all its random orders were examined."""
    shared = set.intersection(*map(set, draws))
    if len(shared) < 2:
        raise DesignError(
            f"The curves of {lesion!r} and of its {family!r} controls share {amount(len(shared), 'dose')}; they need "
            "two or more. Type removals(rois, how, name=..., n_random=20, rng=0) and examine all of it."
        )
    return sorted(shared)


def _nothing_left(sample: Sample, lesion: str, task: str) -> tuple[np.ndarray, str]:
    """The score (specimen,) that counts as nothing left: chance, or what is left of all."""
    chance = about_task(sample.trials, task)[1]
    if np.isfinite(chance):
        low, base = np.full(sample.trials.sizes["specimen"], chance), "chance"
    else:
        low, base = sample.by_specimen(target_rows(sample.trials, lesion), task), "all removed"
    intact = sample.by_specimen(sham_rows(sample.trials, lesion), task)
    weak = [str(name) for name, room in zip(sample.specimens, intact - low) if not room > 0]
    if weak:
        raise DesignError(
            f"The intact score of {listed(weak)} on {task!r} is not above {base}, so nothing can be lost; leave "
            "these networks out, or choose a task that they do."
        )
    return low, base


def _curves(
    sample: Sample, draws: list[dict[float, int]], task: str, doses: list[float], low: np.ndarray, room: np.ndarray,
    failing: float,
) -> Curves:
    """What is left along every draw of an order."""
    score = np.array([[sample.by_specimen(np.array([rows[dose]]), task) for dose in doses] for rows in draws])
    left = np.concatenate([np.ones((len(draws), len(room), 1)), np.moveaxis(score - low, 1, 2) / room[:, None]], axis=2)
    at = np.array([0.0, *doses])
    fell = np.array([[falling_at(curve, at, 1 - failing) for curve in of] for of in left])
    area = np.trapezoid(left, at, axis=2) / at[-1]
    point = np.where(np.isnan(fell), at[-1], fell)
    measures = np.stack([area.mean(axis=0), point.mean(axis=0)], axis=1)
    return Curves(left, measures, float(np.isnan(fell).mean()))


def falling_at(left: np.ndarray, doses: np.ndarray, to: float) -> float:
    """Get the dose at which a curve first falls to a value, between doses by a straight line; NaN where it never does.

    Example
    -------
    >>> falling_at(np.array([1.0, 0.8, 0.2]), np.array([0.0, 0.5, 1.0]), 0.5)
    0.75
    """
    below = np.flatnonzero(left <= to + 1e-9)  # a plateau at the value itself counts, whatever its last bit
    if not len(below):
        return float("nan")
    k = int(below[0])
    if k == 0:
        return float(doses[0])
    share = min(1.0, (left[k - 1] - to) / (left[k - 1] - left[k]))
    return float(doses[k - 1] + share * (doses[k] - doses[k - 1]))


def _over(curves: Curves, level: float, prefix: str, rng: np.random.Generator) -> dict[str, Any]:
    """The mean curve and both measures with their intervals."""
    each = curves.left.mean(axis=0)
    by_dose, by_measure = ([sign_flip(x, level=level, rng=rng) for x in of.T] for of in (each, curves.measures))
    by_measure = _opened(by_measure, above=curves.censored > 0)
    return {
        f"{prefix}retained": (("specimen", "dose"), each),
        f"{prefix}value": (("specimen", "measure"), curves.measures),
        **_ends(by_dose, f"{prefix}mean", "dose"),
        **_ends(by_measure, f"{prefix}own", "measure"),
    }


def _ends(tests: list[SignFlip], name: str, dim: str) -> dict[str, Any]:
    """Mean and interval along a dim."""
    parts = {name: "effect", f"{name}_low": "low", f"{name}_high": "high"}
    return {called: (dim, [getattr(test, part) for test in tests]) for called, part in parts.items()}


def _compared(own: Curves, random: Curves | None, level: float, rng: np.random.Generator) -> dict[str, Any]:
    """The tests of own minus random; NaN where there is nothing to compare with."""
    if random is None:
        return {name: ("measure", np.full(len(MEASURES), np.nan)) for name in TEST}
    tests = [sign_flip(column, level=level, rng=rng) for column in (own.measures - random.measures).T]
    tests = _opened(tests, above=own.censored > 0, below=random.censored > 0)
    return {name: ("measure", [getattr(test, name) for test in tests]) for name in TEST}


def _opened(tests: list[SignFlip], *, above: bool, below: bool = False) -> list[SignFlip]:
    """The tests of area and failure point, the latter without an end on the side where it was not reached."""
    area, point = tests
    low, high = -np.inf if below else point.low, np.inf if above else point.high
    return [area, replace(point, low=low, high=high)]


def _never(own: Curves, random: Curves | None, failing: float) -> list[str]:
    return [
        f"{curves.censored:.0%} of the curves {what} never lost {failing:.0%} and count with the largest share "
        "examined: that failure point is a lower bound."
        for curves, what in ((own, "of this order"), (random, "of random orders"))
        if curves and curves.censored
    ]
