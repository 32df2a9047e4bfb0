"""Cohorts of other seeds that differ in size: which verdicts hang on their being equally spread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats as sps

from neurolab.analysis.cohort_table import Cohorts
from neurolab.analysis.flags import Flags
from neurolab.analysis.words import joined, p_text
from neurolab.stats.trend import brunner_munzel_trend

#: Spreads that differ by more, in cohorts of unequal size, are said to undermine a shuffle of members.
UNEVEN = 2.0


def uneven_pairs(
    cohorts: Cohorts, others: list[int], home: int, p: np.ndarray, level: float, correct: Callable[..., np.ndarray]
) -> Flags:
    """Get which cohorts, of another size than ``home``, a shuffle of members may judge wrongly for their spread.

    p : of the shuffles, (others, indices). correct : f(p) -> corrected p. Said where the spreads differ much, and where
    Welch's t, which allows for that, gives another verdict.
    """
    if cohorts.paired:
        return {}
    welch = np.array([[_welch(cohorts, at, home, k, float(p[row, k])) for k in range(p.shape[1])]
                      for row, at in enumerate(others)])  # fmt: skip
    turned = _turned(p, welch, level, correct)
    said: dict[str, dict[str, list[str]]] = {}
    for row, k in np.ndindex(p.shape):
        a, b = cohorts.of(others[row], k), cohorts.of(home, k)
        one, other = float(a.std(ddof=1)), float(b.std(ddof=1))  # NaN where an index is not defined
        much = max(one, other) > UNEVEN * min(one, other)
        if len(a) == len(b) or not (much or turned[row, k]):
            continue
        name, index, theirs = cohorts.names[others[row]], cohorts.indices[k], p_text(float(welch[row, k]))
        often = "often" if (one > other) == (len(a) < len(b)) else "seldom"
        found = (
            f"a shuffle of {cohorts.plural} then rejects too {often}; Welch's t gives {theirs}, uncorrected." if much
            else f"the verdict hangs on that: the shuffle, which takes one spread for both, gives "
            f"{p_text(float(p[row, k]))}, Welch's t {theirs}, both uncorrected."
        )  # fmt: skip
        said[
            f"{name} and {cohorts.names[home]} differ in size ({len(a)} and {len(b)} {cohorts.plural}) and in the "
            f"spread of {index} (sd {one:.3g} and {other:.3g}): {found}"
        ] = {"index": [index], "condition": [name]}
    return said


def uneven_levels(
    cohorts: Cohorts, numbers: np.ndarray, p: np.ndarray, level: float, correct: Callable[..., np.ndarray]
) -> Flags:
    """Get which trends along levels of unequal size have another verdict where unequal spreads are allowed for.

    numbers : the level of each cohort. p : of the trends, (indices,). correct : f(p) -> corrected p.
    """
    if cohorts.paired or len(set(cohorts.sizes)) == 1:
        return {}
    each = [np.concatenate([cohorts.of(at, k) for at in range(len(cohorts.names))]) for k in range(len(p))]
    x = np.repeat(numbers, cohorts.sizes)
    allowed = np.array([brunner_munzel_trend(x, y) if np.isfinite(y).all() else np.nan for y in each])
    turned, sizes = _turned(p, allowed, level, correct), joined([str(n) for n in cohorts.sizes])
    said = {}
    for k in map(int, np.flatnonzero(turned)):
        spreads = joined([f"{cohorts.of(at, k).std(ddof=1):.3g}" for at in range(len(cohorts.names))])
        said[
            f"The levels differ in size ({sizes} {cohorts.plural}) and in the spread of {cohorts.indices[k]} (sd "
            f"{spreads}), and the verdict hangs on that: Jonckheere's test, which takes one spread for all, gives "
            f"{p_text(float(p[k]))}, Brunner and Munzel's standard error {p_text(float(allowed[k]))}, both uncorrected."
        ] = {"index": [cohorts.indices[k]]}
    return said


def _turned(p: np.ndarray, allowed: np.ndarray, level: float, correct: Callable[..., np.ndarray]) -> np.ndarray:
    """Where the two p fall on either side of 1 - level, as they are or corrected."""
    alpha = (1 - level) * (1 + 1e-12)
    return ((p <= alpha) != (allowed <= alpha)) | ((correct(p) <= alpha) != (correct(allowed) <= alpha))


def _welch(cohorts: Cohorts, at: int, home: int, index: int, p: float) -> float:
    """The p of Welch's t; that of the shuffle where sizes are equal or neither cohort varies at all."""
    a, b = cohorts.of(at, index), cohorts.of(home, index)
    if len(a) == len(b) or not np.isfinite(p) or not (np.ptp(a) or np.ptp(b)):
        return p
    ends = (float(of) for x in (a, b) for of in (x.mean(), x.std(ddof=1), x.size))
    return float(sps.ttest_ind_from_stats(*ends, equal_var=False).pvalue)
