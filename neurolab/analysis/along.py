"""Does an index rise along ordered conditions, such as rising label noise?  Networks are the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.cohort_table import TEST, Cohorts, Profile, cohorts_of
from neurolab.analysis.evened import MEANS, compared, evened, means_of
from neurolab.analysis.flags import as_attrs
from neurolab.analysis.uneven import uneven_levels
from neurolab.analysis.words import interval_text, p_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.multiplicity import holm
from neurolab.stats.trend import Trend, jonckheere

register_result(
    "trend",
    {
        "value": ("cohort", "member", "index"),
        **dict.fromkeys(MEANS, ("cohort", "index")),
        **dict.fromkeys((*TEST, "q", "ordered"), ("index",)),
        "equal": ("cohort", "matched"),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def trend(
    profiles: Mapping[str, Profile] | Mapping[float, Profile],
    *,
    levels: Sequence[float] | None = None,
    what: str = "level",
    indices: Sequence[str] | None = None,
    matched_on: str | Sequence[str] | None = "accuracy",
    equal_within: float = 0.02,
    paired: bool | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether each index rises or falls along ordered conditions: Jonckheere's test, with the slope.

    Where all cohorts share their seeds, only networks of one seed are compared with each other (Skillings & Wolfe), so
    that what a seed shares cancels; else all networks of different levels are. p is Holm-corrected over indices.

    Parameters
    ----------
    profiles : level -> table (network x index), of ``profile``, or one number per network: a
        DataArray (specimen,); the levels are numbers, or numbers in words ("0.2").
    levels : the number of each condition, in the order of ``profiles``, where their names are no numbers.
    what : what the levels are, for figures: "labels at random".
    matched_on, equal_within : as in ``compare_cohorts``; every level is held against the first.
    indices, paired, level, rng : as in ``compare_cohorts``.

    Returns
    -------
    Dataset over index: ``effect`` (median slope, per unit of the levels), ``low, high, p, p_floor, q``, ``ordered``
    (share of pairs that rise). Over cohort and index ``mean, mean_low, mean_high``, ``value`` per member; ``level`` is
    a coordinate of cohort. ``equal`` (cohort, matched). attrs: ``reasons``, ``undermined_by``.

    Raises
    ------
    DesignError : fewer than three levels (two are compared by ``compare_cohorts``), or a level that is no number.

    When this is invalid
    --------------------
    An index that rises and falls again has no trend; look at the means. Levels that share no seeds and differ in size
    and in spread: with 4, 8 and 20 networks and spreads of 5, 3 and 1 it rejected .12 of true nulls at .05, the other
    way round .03; of 8, 8 and 8 .05. ``undermined_by`` says so where Brunner and Munzel's standard error, which allows
    for it, gives another verdict: what was rejected and not flagged was .05 of true nulls.

    Source
    ------
    Jonckheere 1954, doi:10.1093/biomet/41.1-2.133; Skillings & Wolfe 1978, doi:10.1080/01621459.1978.10481591; the
    flag: Brunner & Munzel 2000, doi:10.1002/(SICI)1521-4036(200001)42:1<17::AID-BIMJ17>3.0.CO;2-U.

    Example
    -------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> def made(noise):
    ...     table = {"accuracy": 0.9, "ablation AUC": 0.6 - 0.3 * noise + 0.02 * rng.random(6)}
    ...     return pd.DataFrame(table, index=[f"labels seed {seed}" for seed in range(6)])
    >>> found = trend({noise: made(noise) for noise in (0.0, 0.5, 1.0)}, rng=0).sel(index="ablation AUC")
    >>> round(float(found["effect"]), 1), bool(found["p"] < 0.01)
    (-0.3, True)
    """
    named = {str(name): table for name, table in profiles.items()}
    cohorts = cohorts_of(named, indices, paired)
    numbers = _numbers(cohorts.names, levels)
    pairs = evened(named, cohorts, matched_on, home=0, within=equal_within, rng=rng)
    tests = [_test(cohorts, numbers, k, level, generator(rng, "trend", name)) for k, name in enumerate(cohorts.indices)]
    p = np.array([test.p if test else np.nan for test in tests])
    q = _corrected(p)
    return make_result(
        {
            "value": (("cohort", "member", "index"), cohorts.values),
            **means_of(cohorts, level, rng),
            **{of: ("index", [getattr(test, of) if test else np.nan for test in tests]) for of in (*TEST, "ordered")},
            "q": ("index", q),
            "equal": (("cohort", "matched"), pairs.equal),
        },
        coords={**cohorts.coords, "level": ("cohort", numbers), "matched": strings(pairs.indices)},
        analysis="trend",
        estimand=f"the median slope of each index along {what}, over pairs of {cohorts.plural}",
        test=f"Jonckheere's test over {cohorts.plural}" + _within(cohorts),
        what=what,
        reasons=_reasons(cohorts, tests, q, what),
        **as_attrs({**pairs.flags(), **cohorts.flags(), **uneven_levels(cohorts, numbers, p, level, _corrected)}),
        **compared(cohorts, pairs, level=level, rng=rng),
    )


def _within(cohorts: Cohorts) -> str:
    """Within whom the levels are compared: the networks of a seed, or one person."""
    alike = "each person" if cohorts.plural == "people" else "seeds"
    return f", within {alike}" if cohorts.paired else ""


def _numbers(names: Sequence[str], levels: Sequence[float] | None) -> np.ndarray:
    given: Sequence[Any] = names if levels is None else levels
    try:
        numbers = np.array([float(one) for one in given])
    except (TypeError, ValueError):
        raise DesignError(f"The conditions {listed(names)} are no numbers; type levels=[0.0, 0.2, ...].") from None
    if len(numbers) != len(names) or len(set(numbers)) != len(numbers) or len(numbers) < 3:
        raise DesignError(
            f"{len(numbers)} levels {listed(f'{one:g}' for one in numbers)} for {len(names)} conditions; expected "
            "three or more, each once. Two conditions are compared by nl.analysis.compare_cohorts."
        )
    return numbers


def _test(cohorts: Cohorts, numbers: np.ndarray, index: int, level: float, rng: np.random.Generator) -> Trend | None:
    """The test of one index; None where a network does not have it."""
    sizes = cohorts.sizes
    y = np.concatenate([cohorts.of(at, index) for at in range(len(sizes))])
    if not np.isfinite(y).all():
        return None
    member = np.concatenate([np.arange(size) for size in sizes])
    return jonckheere(np.repeat(numbers, sizes), y, blocks=member if cohorts.paired else None, level=level, rng=rng)


def _corrected(p: np.ndarray) -> np.ndarray:
    """Holm over indices."""
    return holm(p, mask=np.isfinite(p)).p


def _reasons(cohorts: Cohorts, tests: list[Trend | None], q: np.ndarray, what: str) -> list[str]:
    said = []
    for index, test, corrected in zip(cohorts.indices, tests, q):
        if test is None:
            said.append(f"{index}: not defined in every network.")
            continue
        slope = interval_text(test.effect, test.low, test.high, test.level)
        said.append(f"{index}: {slope} per unit of {what}, {100 * test.ordered:.0f} % of pairs rise, corrected "
                    f"{p_text(float(corrected))}.")  # fmt: skip
    return said
