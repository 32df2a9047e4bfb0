"""One index of every cohort against a value stated beforehand, such as a correlation against 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.cohort_table import TEST, Profile, cohorts_of, table_of
from neurolab.analysis.flags import as_attrs
from neurolab.analysis.profile_flags import as_table_attrs, table_flags
from neurolab.analysis.profiles import by_condition
from neurolab.analysis.words import holm_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DesignError, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import p_floor

register_result(
    "index_mean",
    {"value": ("condition", "member"), **dict.fromkeys((*TEST, "q"), ("condition",))},
    [("p", "effect", "low", "high", "p_floor")],
)


def index_mean(
    profiles: Mapping[str, Profile] | xr.Dataset, *, index: str, minus: str | None = None, popmean: float = 0.0,
    level: float = 0.95, rng: RNG,
) -> xr.Dataset:
    """Get whether one index of the networks of each condition differs from a value stated beforehand, or from another.

    Parameters
    ----------
    profiles : condition -> table (network x index), of ``profile``, or one number per network: a
        DataArray (specimen,); or a result that keeps the index per condition and network, such as ``alignment`` after
        ``.sel(partition=..., measure=...)``. index : its column, or variable.
    minus : another index of the same networks, subtracted network by network: do the two differ within a cohort? Both
        must be in one unit.
    popmean : the mean under the null: 0 for a correlation, chance for an accuracy.
    level : coverage of the intervals. rng : integer or Generator; used above 30 networks.

    Returns
    -------
    Dataset over condition: ``effect`` (the mean), ``low, high, p, p_floor`` (two-sided sign-flip over networks), ``q``
    (Holm over conditions), ``value`` per member. A condition in which some network lacks the index is NaN, which
    ``undermined_by`` says.

    When this is invalid
    --------------------
    An index that cannot fall below ``popmean``, such as a Gini against 0, differs from it in any data. Two indices in
    different units differ in any data too.

    Example
    -------
    >>> import pandas as pd
    >>> rho = pd.DataFrame({"rho": [0.1, 0.2, 0.3, 0.1, 0.2, 0.4]}, index=[f"net seed {seed}" for seed in range(6)])
    >>> float(index_mean({"control": rho, "dropout": -rho}, index="rho", rng=0)["p"].sel(condition="dropout"))
    0.03125
    >>> both = pd.DataFrame({"zero": [0.9, 0.8, 0.7], "mean": [0.6, 0.5, 0.4]}, index=["a", "b", "c"])
    >>> float(index_mean({"control": both}, index="zero", minus="mean", rng=0)["effect"][0].round(3))
    0.3
    """
    profiles = by_condition(profiles, index)
    if minus is not None:
        profiles, index = _differences(profiles, index, minus)
    cohorts = cohorts_of(profiles, [index], None, least=1)
    tests = [
        cohorts.mean(at, 0, level, generator(rng, "index mean", name, index), popmean)
        for at, name in enumerate(cohorts.names)
    ]
    p = np.array([test["p"] for test in tests])
    floor = p_floor("sign_flip", n=cohorts.smallest)
    return make_result(
        {
            "value": (("condition", "member"), cohorts.values[:, :, 0]),
            **{name: ("condition", [test[name] for test in tests]) for name in TEST},
            "q": ("condition", holm(p, mask=np.isfinite(p)).p),
        },
        coords={"condition": strings(cohorts.names), "member": strings(cohorts.members)},
        analysis="index_mean",
        estimand=f"the mean of {index} over {cohorts.plural}, in each condition",
        test=f"two-sided sign-flip over {cohorts.plural}",
        n=cohorts.smallest,
        correction="holm",
        alternative="two-sided",
        level=level,
        rng=rng_name(rng),
        index=index,
        popmean=float(popmean),
        **as_attrs(cohorts.flags()),
        note=holm_text(cohorts.smallest, floor, len(tests), plural=cohorts.plural, alpha=1 - level),
        **cohorts.said(),
    )


def _differences(
    profiles: Mapping[str, Profile], index: str, minus: str
) -> tuple[dict[str, pd.DataFrame], str]:
    """One index less another, network by network, in every condition, and what the difference is called."""
    held, called = cohorts_of(profiles, [index, minus], None, least=1), f"{index} \N{MINUS SIGN} {minus}"
    tables = {str(name): table_of(one) for name, one in profiles.items()}
    if index == minus:
        raise DesignError(f"index and minus are both {index!r}; expected two indices: {listed(tables[held.names[0]])}.")
    for name, table in tables.items():
        less = table[[index, minus]].assign(**{called: table[index] - table[minus]})
        about = {line: [*its["index"], called] if its else [] for line, its in table_flags(less).items()}
        less.attrs |= as_table_attrs({line: {"index": both} if both else {} for line, both in about.items()})
        tables[name] = less
    return tables, called
