"""One network against others like it: is it more, or less, like a brain than its controls or untrained twins are?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.alike import RSA, TEST, Brain, adjusted, brain_of, models_of
from neurolab.analysis.sample import noted
from neurolab.analysis.words import corrected_text, draws_for_interval, interval_text
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, listed
from neurolab.schema import check_result, make_result, register_result, strings
from neurolab.stats.rsa import influences, rsa_test, share_of
from neurolab.stats.similarity import noise_ceiling

#: The difference as a share of the likeness of the intact network: of a known side where both of their signs are.
SHARE = ("share_p", "share", "share_low", "share_high")

register_result(
    "compare_models",
    {
        **dict.fromkeys((*TEST, "q", "one", "intact", "rank_p", "rank_low", "rank_high"), ("model",)),
        **dict.fromkeys(SHARE, ("model",)),
        "other": ("model", "draw"),
        "difference": ("model", "subject"),
        **dict.fromkeys(("p_floor", "rank_p_floor", "ceiling_low", "ceiling_high"), ()),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("rank_p", "effect", "rank_low", "rank_high", "rank_p_floor"),
        (*SHARE, "p_floor"),
    ],
)


def compare_models(
    one: xr.DataArray,
    others: Sequence[xr.DataArray],
    b: xr.DataArray,
    *,
    intact: xr.DataArray | None = None,
    names: tuple[str, str] = ("one", "the others"),
    metric: RSA | None = None,
    by: str | None = None,
    level: float = 0.95,
    correction: str = "holm",
) -> xr.Dataset:
    """Get whether one network is more or less like a brain than others are: a lesion and its controls, trained or not.

    Two questions, two p. ``p`` generalises over people and stimuli (stimuli of one brain): the likeness of the one
    minus the mean likeness of the others. ``rank_p`` generalises over draws of the others: the two-sided rank of the
    one among them.

    Parameters
    ----------
    one : a recording or RDMs, of a lesioned or a trained network. others : the same of each control lesion or untrained
        twin, with the same models (sites).
    b : the brain, as in :func:`compare`. intact : the same of the network before any lesion: its likeness is shown
        beside them, and the difference is given as a share of it.
    names : of the one and of the others, for sentences and figures.
    metric, by, level, correction : as in :func:`compare`.

    Returns
    -------
    Dataset over model: ``effect`` (likeness of the one - mean of the others) with ``low, high, p`` (two-sided t) and
    ``q``; ``rank_p`` with ``rank_low, rank_high`` and its floor; ``one``, ``intact`` and ``share`` (effect / intact)
    with ``share_low, share_high, share_p`` (NaN where not given; the p is the larger of those of the effect and of the
    intact likeness: the sign of a share is known where both of theirs are); over (model, draw): ``other``; over (model,
    subject): ``difference``; ``ceiling_low``, ``ceiling_high``. A model whose RDM no draw changes has effect 0, p 1.

    Raises
    ------
    DesignError : no others. DataError : others with other models or stimuli.

    When this is invalid
    --------------------
    Controls that are not matched answer another question. A layer that was chosen because its likeness is largest will
    seem to lose by any lesion. One trained network: nothing is said of other networks trained alike. Where the intact
    network's likeness is not told apart from 0, no share is known: its interval is endless, its p above 1 - level.

    Source
    ------
    Rank among controls: Dobs et al. 2022, doi:10.1126/sciadv.abl8913; people and stimuli: ``stats.rsa.rsa_test``.

    Example
    -------
    >>> from neurolab.analysis import dissimilarities
    >>> from neurolab.simulate import phantom_recording
    >>> brain, *rest = (phantom_recording(n_units=60, rng=k).isel(presentation=slice(None, None, 4)) for k in range(6))
    >>> found = compare_models(brain, rest, dissimilarities(brain))
    >>> bool(found["effect"][0] > 0), round(float(found["rank_p"][0]), 3), round(float(found["rank_p_floor"]), 3)
    (True, 0.333, 0.333)
    """
    metric = metric or RSA()
    brain = brain_of(b, metric)
    if isinstance(others, (xr.DataArray, xr.Dataset, Mapping)) or not len(others):
        raise DesignError("compare_models() got no list of others; expected one recording each: type [a, b, …].")
    first, models = models_of(one, brain, by)
    rest = np.stack([_same(other, brain, by, models, f"others[{k}]") for k, other in enumerate(others)], axis=1)
    whole = first if intact is None else _same(intact, brain, by, models, "intact")
    tests, scores, shares = [], [], []
    for own, against, before in zip(first, rest, whole):
        found = influences(np.vstack([own, against, before]), brain.rdms.values, method=metric.method)
        apart, pull = ((x[0] - x[1:-1]).mean(axis=0) for x in (found.score, found.influence))  # exactly 0 for twins
        tests.append(rsa_test(apart, pull, level=level))
        scores.append(found.score[:-1])
        base = found.score[-1], found.influence[-1]
        p = max(float(tests[-1].p), float(rsa_test(*base).p))
        known = [base[0].mean(), p, *share_of(apart, pull, *base, level=level)] if intact is not None else []
        shares.append(known or [np.nan] * 5)
    result = _result(tests, np.array(scores), models, brain, names, level, correction)
    of_intact = {name: ("model", of) for name, of in zip(("intact", *SHARE), np.array(shares, dtype=np.float64).T)}
    digest = digest_of(first, rest, brain.rdms.values)
    return check_result(result.assign(of_intact).assign_attrs(inputs=digest))


def _same(other: xr.DataArray, brain: Brain, by: str | None, models: list[str], what: str) -> np.ndarray:
    """The RDMs of one of the others, checked to be of the same models."""
    values, own = models_of(other, brain, by)
    if own != models:
        raise DataError(f"{what} has the models {listed(own)} and the one has {listed(models)}; record the same sites.")
    return values


def _result(
    tests: list[Any], scores: np.ndarray, models: list[str], brain: Brain, names: tuple[str, str], level: float,
    correction: str,
) -> xr.Dataset:
    """The result from the tests of each model and all scores (model, draw with the one first, subject)."""
    each = {name: np.array([float(getattr(test, name)) for test in tests]) for name in TEST}
    q, one, other = adjusted(each["p"], correction), scores[:, 0].mean(axis=1), scores[:, 1:].mean(axis=2)
    people, n = len(brain.people), other.shape[1]
    ends = noise_ceiling(brain.rdms.values, method=brain.metric.method) if people > 1 else None
    said = brain.said()
    said["note"] = noted(said["note"], *_draws(n, level), f"{names[0][:1].upper()}{names[0][1:]}: one network.")
    return make_result(
        {
            **{name: ("model", values) for name, values in each.items()},
            "q": ("model", q),
            "p_floor": tests[0].p_floor,
            "one": ("model", one),
            **dict.fromkeys(("intact", *SHARE), ("model", np.full(len(models), np.nan))),
            "other": (("model", "draw"), other),
            "difference": (("model", "subject"), (scores[:, :1] - scores[:, 1:]).mean(axis=1)),
            **_ranked(one, other, level),
            "ceiling_low": ends.low if ends else np.nan,
            "ceiling_high": ends.high if ends else np.nan,
        },
        coords={"model": strings(models), "draw": np.arange(n), "subject": strings(brain.people)},
        analysis="compare_models",
        estimand=f"the likeness ({brain.metric.method}) of {names[0]} to such a {brain.name} minus that of {names[1]}",
        test=f"{brain.tested()}; two-sided rank among {n} draws",
        correction=correction,
        alternative="two-sided",
        level=level,
        rng="",
        one_name=names[0],
        others_name=names[1],
        method=brain.metric.method,
        n_draws=n,
        rank_generalises_over="control draw",
        reasons=_sentences(models, {**each, "q": q}, one, other, names, level, correction),
        inputs="",
        **said,
    )


def _draws(n: int, level: float) -> list[str]:
    """What this number of draws can show."""
    least = f"{n} draws: the smallest two-sided rank p is {min(1.0, 2 / (n + 1)):.3g}.".replace(" 0.", " .")
    wanted = draws_for_interval(level)
    return [least] + ([f"A {level * 100:.3g} % interval of the rank needs {wanted} or more."] if n < wanted else [])


def _ranked(one: np.ndarray, other: np.ndarray, level: float) -> dict[str, Any]:
    """The two-sided rank of the one among the draws of each model, and the interval that inverts it."""
    n = other.shape[1]
    tie = 1e-12 * np.maximum(np.abs(one), np.abs(other).max(axis=1))[:, None]
    above, below = ((other >= one[:, None] - tie).sum(axis=1), (other <= one[:, None] + tie).sum(axis=1))
    p = np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / (n + 1))
    apart = np.sort(one[:, None] - other, axis=1)
    beyond = int(np.floor((1 - level) / 2 * (n + 1) * (1 + 1e-12))) - 1  # draws that may lie outside each end
    endless = np.full(len(one), np.inf)
    low, high = (apart[:, beyond], apart[:, -1 - beyond]) if beyond >= 0 else (-endless, endless)
    found = {"rank_p": p, "rank_low": low, "rank_high": high}
    return {**{name: ("model", v) for name, v in found.items()}, "rank_p_floor": min(1.0, 2 / (n + 1))}


def _sentences(
    models: list[str], each: Mapping[str, np.ndarray], one: np.ndarray, other: np.ndarray, names: tuple[str, str],
    level: float, correction: str,
) -> list[str]:
    """The model with the largest difference, in numbers."""
    top = int(np.argmax(np.abs(each["effect"])))
    effect, low, high = (float(each[name][top]) for name in ("effect", "low", "high"))
    numbers = interval_text(effect, low, high, level)
    both = f"{names[0]} {one[top]:.3g}, {names[1]} {other[top].mean():.3g}"
    which = f"Largest difference of {len(models)} models at" if len(models) > 1 else "Difference at"
    tested = corrected_text(float(each["q"][top]), correction, len(models))
    return [f"{which} {models[top]} ({both}): {numbers}, {tested}."]
