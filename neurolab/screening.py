"""How far a quick estimate of what units do can be trusted: its agreement with units that were examined exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.intervals import bootstrap

__all__ = ["AGAINST", "AGREES", "LEAST", "agreement", "screened"]
__dir__ = __all__.copy

#: What the estimates are compared with: the task's own score, and the smooth one that was differentiated.
AGAINST = ("score", "smooth")
#: Share of the units that counts as the top, and how many times as many are looked at.
TOP, TIMES = 0.05, (1, 2, 4)
#: Units that must be examined exactly, where there are as many.
LEAST = 10
#: A rank correlation whose interval lies above this is said to agree.
AGREES = 0.8

register_result(
    "screen",
    {"estimate": ("neuroid",), "exact": ("neuroid",), "exact_smooth": ("neuroid",), "status": ("neuroid",),
     **{f"{name}{end}": ("against",) for name in ("spearman", "pearson") for end in ("", "_low", "_high")},
     **{f"recall{end}": ("against", "times") for end in ("", "_low", "_high")}, "found": ("against", "times"),
     "n_top": ("against",)},
)  # fmt: skip


def agreement(
    estimate: np.ndarray, exact: np.ndarray, *, level: float = 0.95, n_resamples: int = 1999, rng: RNG
) -> dict[str, Any]:
    """Get how well estimates of all units agree with the exact effects of those that were examined.

    Parameters
    ----------
    estimate : (n_units,) numbers, larger is more harm. exact : the same of the units examined, NaN elsewhere; those
        examined are a random sample of all.
    level : coverage of the intervals.

    Returns
    -------
    ``spearman`` and ``pearson``, each (value, low, high), over the units examined; ``found``, ``recall`` (per
    TIMES): how many of the ``n_top`` most harmful units examined are among the top TOP x times of all estimates, and
    their share (value, low, high). Without sampling, as all were examined, intervals are points.

    When this is invalid
    --------------------
    The units examined were chosen by their estimate. With few of them recall is coarse: its interval says how coarse,
    for the share to be expected of such samples. The interval of Pearson is approximate: at .95 over 64 units it covers
    .93 of normal effects, .89 where their tails are heavy.

    Source
    ------
    Spearman: Bonett & Wright 2000, doi:10.1007/BF02294183; Pearson: BCa bootstrap (scipy); recall: Clopper & Pearson
    1934, doi:10.1093/biomet/26.4.404.

    Example
    -------
    >>> estimate = np.arange(200.0)
    >>> exact = np.where(np.arange(200) % 4 == 0, estimate**2, np.nan)
    >>> [round(one, 6) for one in agreement(estimate, exact, rng=0)["spearman"]]
    [1.0, 1.0, 1.0]
    """
    estimate, exact = np.asarray(estimate, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(exact))
    if len(known) < min(LEAST, len(exact)) or not np.isfinite(estimate).all():
        raise DataError(f"{len(known)} units were examined; expected {LEAST} or more, or all, and an estimate of every "
                        "unit. Type n_exact=64.")
    x, y, whole = estimate[known], exact[known], len(known) == len(exact)
    place = (estimate >= x[_worst(y)][:, None]).sum(axis=1)  # of each among all estimates; ties count against it
    found = [int((place <= np.ceil(TOP * times * len(estimate))).sum()) for times in TIMES]
    return {"spearman": _spearman(x, y, level, whole), "pearson": _pearson(x, y, level, whole, n_resamples, rng),
            "n_top": len(place), "found": found, "recall": [_share(hits, len(place), level, whole) for hits in found]}


def _worst(y: np.ndarray) -> np.ndarray:
    """The TOP of these effects; fewer, or none, where equal effects lie across the border."""
    n = max(1, int(np.ceil(TOP * len(y))))
    border = np.sort(y)[-n]
    above = y >= border if (y >= border).sum() == n else y > border
    return np.flatnonzero(above)


def _spearman(x: np.ndarray, y: np.ndarray, level: float, whole: bool) -> tuple[float, float, float]:
    """Fisher's z with the standard error of Bonett and Wright; NaN where one of them is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan, np.nan
    r = float(sps.spearmanr(x, y).statistic)
    if whole or abs(r) > 1 - 1e-12:
        return r, r, r
    half = float(sps.norm.ppf(0.5 + level / 2)) * np.sqrt((1 + r**2 / 2) / (len(x) - 3))
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def _pearson(
    x: np.ndarray, y: np.ndarray, level: float, whole: bool, n_resamples: int, rng: RNG
) -> tuple[float, float, float]:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan, np.nan
    r = float(np.corrcoef(x, y)[0, 1])
    if whole or abs(r) > 1 - 1e-12:
        return r, r, r
    ends = bootstrap((x, y), _correlation, level=level, n_resamples=n_resamples, paired=True,
                     rng=generator(rng, "screen", "pearson"))  # fmt: skip
    return r, ends.low, ends.high


def _correlation(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    x, y = (part - part.mean(axis=axis, keepdims=True) for part in (x, y))
    scale = np.sqrt((x**2).sum(axis=axis) * (y**2).sum(axis=axis))
    return (x * y).sum(axis=axis) / np.where(scale > 0, scale, np.inf)


def _share(hits: int, n: int, level: float, whole: bool) -> tuple[float, float, float]:
    if n == 0:
        return np.nan, np.nan, np.nan
    if whole:
        return hits / n, hits / n, hits / n
    ends = sps.binomtest(hits, n).proportion_ci(level, method="exact")
    return hits / n, float(ends.low), float(ends.high)


def screened(
    estimate: np.ndarray,
    exact: Mapping[str, np.ndarray],
    *,
    site: Any,
    unit: Any,
    stimuli: Iterable[str],
    level: float,
    rng: RNG,
    **attrs: Any,
) -> xr.Dataset:
    """Get the checked result of a screening: estimates of all units, exact effects of some, and their agreement.

    estimate : (n_units,). exact : by AGAINST, (n_units,) with NaN for units that were not examined. site, unit : of
    each unit. stimuli : the ids of those it was measured on. attrs : as for ``make_result``.

    Example
    -------
    >>> draw = np.random.default_rng(0)
    >>> truth = draw.normal(size=100)
    >>> exact = np.where(np.arange(100) < 30, truth, np.nan)
    >>> about = dict(test="first order", n=8, generalises_over="stimulus", alternative="", source="", inputs="")
    >>> result = screened(truth, {"score": exact, "smooth": exact}, site=["a"] * 100, unit=range(100), stimuli=["s"],
    ...                   level=0.95, rng=0, task="naming", smooth="margin", how="Zero", **about)
    >>> result.attrs["verdict"].partition(":")[0]
    'agrees'
    """
    found = [agreement(estimate, exact[name], level=level, rng=rng) for name in AGAINST]
    known = np.isfinite(exact["score"])
    variables: dict[str, Any] = {
        "estimate": ("neuroid", np.asarray(estimate, dtype=np.float64)), "exact": ("neuroid", exact["score"]),
        "exact_smooth": ("neuroid", exact["smooth"]),
        "status": ("neuroid", strings(np.where(known, "exact", "not_run"))),
        "found": (("against", "times"), [one["found"] for one in found]),
        "n_top": ("against", [one["n_top"] for one in found]), "chosen_on": ("stimulus", strings(list(stimuli))),
    }  # fmt: skip
    for at, end in enumerate(("", "_low", "_high")):
        for name in ("spearman", "pearson"):
            variables[name + end] = ("against", [one[name][at] for one in found])
        variables[f"recall{end}"] = (("against", "times"), [[share[at] for share in one["recall"]] for one in found])
    coords = {"site": ("neuroid", strings(site)), "unit": ("neuroid", np.asarray(unit)), "against": list(AGAINST),
              "times": list(TIMES)}
    about = {"estimand": "what a unit's lesion would cost the mean smooth score, by an estimate that is no lesion",
             "correction": "none", "n_exact": int(known.sum()), "n_units": len(known),
             "verdict": _verdict(found[0], int(known.sum()), len(known), level)}
    return make_result(variables, coords=coords, analysis="screen", level=level, rng=rng_name(rng), **about, **attrs)


def _verdict(one: Mapping[str, Any], n: int, n_units: int, level: float) -> str:
    """Whether the estimate orders units as their lesions do, in a word and the numbers behind it."""
    r, low, high = one["spearman"]
    if np.isnan(r):
        return f"not known: the {n} units examined exactly all have the same effect, or the same estimate"
    word = "agrees" if low > AGREES else "agrees in part" if low > 0 else "does not agree"
    spearman, pearson, sure = f"{r:.2f}", f"{one['pearson'][0]:.2f}", ""
    if n < n_units:
        spearman += f" [{low:.2f}, {high:.2f}]"
        pearson += f" [{one['pearson'][1]:.2f}, {one['pearson'][2]:.2f}]"
        sure = f" ({100 * level:g} %)"
    harmful = (
        f"of the {one['n_top']} most harmful {one['found'][0]} are in the top 5 % of the estimate, "
        f"{one['found'][1]} in the top 10 %, {one['found'][2]} in the top 20 %"
    ) if one["n_top"] else "no unit stood out"  # fmt: skip
    return f"{word}: over {n} of {n_units} units examined exactly, Spearman {spearman}, Pearson {pearson}{sure}; " \
           f"{harmful}"
