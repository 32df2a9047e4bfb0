"""Cohorts compared index by index, never averaged: what each kind of training does to each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from neurolab.analysis.cohort_table import TEST, Cohorts, Profile, cohorts_of
from neurolab.analysis.evened import MEANS, compared, evened, means_of
from neurolab.analysis.flags import as_attrs
from neurolab.analysis.uneven import uneven_pairs
from neurolab.analysis.words import holm_text, interval_text, joined, p_text
from neurolab.chance import RNG, generator
from neurolab.errors import UnknownNameError, did_you_mean, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.multiplicity import holm
from neurolab.stats.permutation import p_floor

register_result(
    "compare_cohorts",
    {
        "value": ("cohort", "member", "index"),
        **dict.fromkeys(MEANS, ("cohort", "index")),
        **dict.fromkeys((*TEST, "q"), ("condition", "index")),
        "equal": ("condition", "matched"),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def compare_cohorts(
    profiles: Mapping[str, Profile],
    *,
    against: str,
    indices: Sequence[str] | None = None,
    matched_on: str | Sequence[str] | None = "accuracy",
    equal_within: float = 0.02,
    paired: bool | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get how every cohort differs from one of them, index by index.

    Networks (or people) are the sample: the difference of each index, condition minus ``against``, is tested by the
    sign-flip over pairs of the same seed, or else of the same name, where all cohorts share these; else by shuffling
    which cohort a member belongs to. Within each index p is Holm-corrected over conditions; indices are never averaged,
    nor traded.

    Parameters
    ----------
    profiles : condition -> table (network x index), of ``profile``, or one number per network: a
        DataArray (specimen,). ``table.attrs["kind"]`` "brain" says that its rows are people, "ann" networks; a plain
        count 0, 1, 2, ... as index names nobody. against : the condition to compare with. Which indices lie in [0, 1]
        is known of the scores of ``arm_scores``, or as ``table.attrs["bounded"] = {index: chance}`` of every table;
        what is at floor or at ceiling there is flagged.
    indices : the columns to compare; default all that every profile has.
    matched_on : indices in which the cohorts ought to be equal, such as "accuracy" and "training accuracy"; a pair that
        is not *shown* to be equal within ``equal_within`` (an equivalence test at .05) is flagged. None: nothing was
        matched, which the result says.
    paired : None pairs members of the same seed, or of the same name, where all cohorts share them.
    level : coverage of the intervals. rng : integer or Generator; used above 30 networks, or to shuffle.

    Returns
    -------
    Dataset. Over condition and index: ``effect`` (mean difference), ``low, high, p, p_floor, q, q_floor``. Over
    cohort and index: ``mean, mean_low, mean_high``, and ``value`` per member. ``equal`` (condition, matched). attrs:
    ``paired``, JSON lists ``reasons`` and ``undermined_by`` (the flags). An index that some network lacks is NaN.

    Raises
    ------
    DesignError, UnknownNameError : too few networks or cohorts; no such condition or index; an index that is no number.

    When this is invalid
    --------------------
    Two cohorts that differ in accuracy differ in what follows from it; cohorts that share some members, of which these
    are compared as strangers, are at no known level; see ``undermined_by``. Cohorts that share no seeds and differ in
    size and in spread: with 4 and 20 networks and spreads of 5 and 1 the shuffle rejected .38 of true nulls at .05
    (Welch's t: .03), and .00 with the spreads the other way round; with spreads of 1.9 and 1 .19. ``undermined_by``
    says so where spreads differ more than twofold, and where Welch's t gives another verdict: what was rejected and not
    flagged was .03 to .06 of true nulls. With 6 and 6 networks and spreads of 5 and 1 it was .08.

    Source
    ------
    Holm 1979; the indices: Morcos et al. 2018, arXiv:1803.06959.

    Example
    -------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> def made(name, redundancy):
    ...     table = {"accuracy": 0.9 + 0.01 * rng.random(8), "redundancy": redundancy + rng.random(8)}
    ...     return pd.DataFrame(table, index=[f"{name} seed {seed}" for seed in range(8)])
    >>> cohorts = {"control": made("control", 0.0), "dropout": made("dropout", 2.0)}
    >>> found = compare_cohorts(cohorts, against="control", rng=0)
    >>> float(found["p"].sel(condition="dropout", index="redundancy")), bool(found["equal"].all())
    (0.0078125, True)
    """
    cohorts = cohorts_of(profiles, indices, paired)
    home = _place(cohorts.names, against)
    others = [at for at in range(len(cohorts.names)) if at != home]
    tests, names = _tests(cohorts, others, home, level, rng), [cohorts.names[at] for at in others]
    pairs = evened(profiles, cohorts, matched_on, home=home, within=equal_within, rng=rng)
    uneven = uneven_pairs(cohorts, others, home, tests["p"], level, _corrected)
    return make_result(
        {
            "value": (("cohort", "member", "index"), cohorts.values),
            **means_of(cohorts, level, rng),
            **{name: (("condition", "index"), values) for name, values in tests.items()},
            "q": (("condition", "index"), _corrected(tests["p"])),
            "q_floor": (("condition", "index"), np.nan_to_num(_corrected(tests["p_floor"]), nan=1.0)),
            "equal": (("condition", "matched"), pairs.equal[others]),
        },
        coords={**cohorts.coords, "condition": strings(names), "matched": strings(pairs.indices)},
        analysis="compare_cohorts",
        estimand=f"the mean of each index over {cohorts.plural}, in each condition minus {against}",
        test=f"two-sided sign-flip over {cohorts.plural}" if cohorts.paired else
        f"shuffle of {cohorts.plural} between two cohorts",
        against=against,
        reasons=_reasons(cohorts, names, tests, _corrected(tests["p"]), level),
        **as_attrs({**pairs.flags(), **cohorts.flags(against), **cohorts.room(against), **uneven}),
        note=_note(cohorts, len(others), level),
        **compared(cohorts, pairs, level=level, rng=rng),
    )


def _place(names: Sequence[str], against: str) -> int:
    if against not in names:
        raise UnknownNameError(
            f"against={against!r} is no condition.{did_you_mean(against, names)} There are {listed(names)}."
        )
    return list(names).index(against)


def _tests(cohorts: Cohorts, others: list[int], home: int, level: float, rng: RNG) -> dict[str, np.ndarray]:
    cells = [
        [
            cohorts.difference(at, home, k, level, generator(rng, "cohorts", cohorts.names[at], index))
            for k, index in enumerate(cohorts.indices)
        ]
        for at in others
    ]
    return {name: np.array([[cell[name] for cell in row] for row in cells]) for name in TEST}


def _corrected(p: np.ndarray) -> np.ndarray:
    """Holm over conditions, within each index."""
    return np.stack([holm(column, mask=np.isfinite(column)).p for column in p.T], axis=1)


def _reasons(
    cohorts: Cohorts, names: list[str], tests: dict[str, np.ndarray], q: np.ndarray, level: float
) -> list[str]:
    """A sentence per index, with every condition's difference."""
    said = []
    for k, index in enumerate(cohorts.indices):
        each = []
        for at, name in enumerate(names):
            effect, low, high = (float(tests[part][at, k]) for part in ("effect", "low", "high"))
            known = np.isfinite(effect)
            each.append(f"{name} {interval_text(effect, low, high, level)}, corrected {p_text(float(q[at, k]))}"
                        if known else f"{name} not defined in every network")  # fmt: skip
        said.append(f"{index}: {'; '.join(each)}.")
    return said


def _note(cohorts: Cohorts, n_tests: int, level: float) -> str:
    if cohorts.paired:
        floor = p_floor("sign_flip", n=cohorts.smallest)
        said = holm_text(cohorts.smallest, floor, n_tests, plural=cohorts.plural, alpha=1 - level)
        return f"{said} Pairs are of one {cohorts.by}."
    sizes = f"Cohorts of {joined([str(n) for n in cohorts.sizes])} {cohorts.plural}"
    return f"{sizes} that share no {cohorts.by}s: no pairs." if cohorts.by else f"{sizes}, not in pairs."
