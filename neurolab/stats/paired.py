"""Correct or wrong on the same items: two conditions (McNemar) or several (Cochran's Q)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError
from neurolab.stats._given import TINY, choice, floats, regular, unit_interval


@dataclass(frozen=True)
class McNemar:
    """McNemar's test; ``effect`` is the odds ratio (only second / only first), (low, high) its Wald interval.

    ``chi2`` is None for the exact test.  With an empty discordant cell half a pair is added to both for the effect, and
    ``note`` says so.
    """

    p: float
    chi2: float | None
    df: int
    effect: float
    low: float
    high: float
    p_floor: float
    n_discordant: int
    method: str
    level: float
    note: str = ""


@dataclass(frozen=True)
class CochranQ:
    """Cochran's Q; ``effect`` is Q / (n (k - 1)), from 0 (conditions alike) to 1 (every subject changes alike)."""

    p: float
    q: float
    df: int
    effect: float
    n: int
    shares: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True)
class ErrorConsistency:
    """Whether two observers err on the same items: ``effect`` is Cohen's kappa of correct and wrong, 0 by chance.

    ``observed`` is the share of items on which both are right or both wrong, ``expected`` that of independent observers
    of these accuracies.  ``p`` is one-sided ("more than chance") and exact given both accuracies.
    """

    p: float
    effect: float
    low: float
    high: float
    observed: float
    expected: float
    p_floor: float
    n: int
    level: float

    @property
    def kappa(self) -> float:
        """The effect under its usual name."""
        return self.effect


def pairs_table(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Get the 2 x 2 table of paired outcomes, rows x (True, False), columns y (True, False).

    Example
    -------
    >>> pairs_table([1, 1, 0], [1, 0, 0]).tolist()
    [[1, 1], [0, 1]]
    """
    first, second = regular(x, "x"), regular(y, "y")
    if first.shape != second.shape or first.ndim != 1 or not np.isin(np.concatenate((first, second)), (0, 1)).all():
        raise DataError(f"shapes {first.shape} and {second.shape} given; expected two equally long vectors of 0 and 1.")
    return np.array([[np.sum((first == a) & (second == b)) for b in (1, 0)] for a in (1, 0)])


def mcnemar(table: ArrayLike, *, method: str = "exact", level: float = 0.95) -> McNemar:
    """Get McNemar's test of a 2 x 2 table of paired outcomes: do the discordant pairs fall evenly?

    Parameters
    ----------
    table: [[both, only first], [only second, neither]] (``pairs_table`` makes it).
    method: "exact" (two-sided binomial), "chi2" or "continuity" (chi-square with Edwards' correction).

    When this is invalid: items that are not independent; the chi-square below some 25 discordant pairs.
    Source: McNemar (1947), doi:10.1007/BF02295996; agrees with ``statsmodels.stats.contingency_tables.mcnemar``.

    Example
    -------
    >>> mcnemar([[0, 6], [2, 0]]).p
    0.2890625
    """
    cells = floats(table, "table")
    if cells.shape != (2, 2) or (cells < 0).any() or (cells != np.floor(cells)).any():
        raise DataError(f"table of shape {cells.shape} given; expected 2 x 2 counts: type pairs_table(x, y).")
    choice(method, ("exact", "chi2", "continuity"), "method")
    b, c = int(cells[0, 1]), int(cells[1, 0])
    floor = min(1.0, 2.0 ** (1 - b - c))
    chi2, p, floor = (
        (None, float(sps.binomtest(b, b + c).pvalue), floor) if method == "exact" and b + c else _chi2(b, c, method)
    )
    z = float(sps.norm.ppf(0.5 + unit_interval(level, "level") / 2))
    half = 0.5 * (b == 0 or c == 0)
    ratio, spread = (c + half) / (b + half), z * np.sqrt(1 / (b + half) + 1 / (c + half))
    note = "" if not half else "half a pair added to both discordant cells for the odds ratio."
    note = note if b + c else "no discordant pairs: nothing can be told."
    low, high = (float(ratio * np.exp(side * spread)) for side in (-1, 1))
    return McNemar(p, chi2, 1, float(ratio), low, high, floor, b + c, method, level, note)


def _chi2(b: int, c: int, method: str) -> tuple[float | None, float, float]:
    if b + c == 0:
        return (None if method == "exact" else 0.0), 1.0, 1.0
    apart = max(abs(b - c) - (method == "continuity"), 0)
    chi2 = apart**2 / (b + c)
    floor = max(b + c - (method == "continuity"), 0) ** 2 / (b + c)
    return chi2, max(float(sps.chi2.sf(chi2, 1)), TINY), max(float(sps.chi2.sf(floor, 1)), TINY)


def cochran_q(x: ArrayLike) -> CochranQ:
    """Get Cochran's Q: do k conditions differ in their share of successes on the same subjects (or items)?

    Parameters
    ----------
    x: subjects x conditions, of 0 and 1.

    When this is invalid: n k below some 24 (the chi-square is approximate), dependent subjects.
    Source: Cochran (1950), doi:10.1093/biomet/37.3-4.256; agrees with
    ``statsmodels.stats.contingency_tables.cochrans_q``.

    Example
    -------
    >>> cochran_q([[1, 0], [1, 0], [1, 1], [0, 1]]).q.__round__(4)
    0.3333
    """
    given = regular(x, "x")
    if given.ndim != 2 or given.shape[0] < 1 or given.shape[1] < 2 or not np.isin(given, (0, 1)).all():
        raise DataError(f"x of shape {given.shape} given; expected subjects x conditions (at least 2) of 0 and 1.")
    values = given.astype(np.int64)
    (n, k), total = values.shape, int(values.sum())
    per_condition, per_subject = values.sum(axis=0), values.sum(axis=1)
    within = k * total - int((per_subject**2).sum())
    shares = tuple(float(share) for share in per_condition / n)
    if within == 0:
        return CochranQ(
            1.0, 0.0, k - 1, 0.0, n, shares, "every subject answers alike in all conditions: nothing can be told."
        )
    q = (k - 1) * (k * int((per_condition**2).sum()) - total**2) / within
    return CochranQ(max(float(sps.chi2.sf(q, k - 1)), TINY), q, k - 1, q / (n * (k - 1)), n, shares)


def error_consistency(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> ErrorConsistency:
    """Get whether two observers (networks, people) fail on the same items beyond what their accuracies make likely.

    kappa = (observed - expected) / (1 - expected), expected = p_x p_y + (1 - p_x)(1 - p_y).

    Parameters
    ----------
    x, y: 1 or True where the observer was right, item by item, (n,).

    When this is invalid
    --------------------
    Items that are not independent; an observer who is always right or always wrong (a ``DataError``: nothing to
    share); a normal interval with few errors.  Accuracies far apart cap kappa below 1.

    Source: Geirhos, Meding & Wichmann (2020), arXiv:2006.16736; kappa and interval:
    ``statsmodels.stats.inter_rater.cohens_kappa``; p: Fisher's exact test.

    Example
    -------
    >>> found = error_consistency([1, 1, 1, 1, 0, 0, 0, 1], [1, 1, 1, 1, 0, 0, 1, 0])
    >>> round(found.kappa, 4), found.observed
    (0.4667, 0.75)
    """
    table = pairs_table(x, y)
    unit_interval(level, "level")
    n, rights = int(table.sum()), (int(table[0].sum()), int(table[:, 0].sum()))
    if any(right in (0, n) for right in rights):
        raise DataError(f"{rights[0]} and {rights[1]} of {n} items right; an observer without errors, or without hits, "
                        "shares none: use harder or easier items.")  # fmt: skip
    from statsmodels.stats.inter_rater import cohens_kappa

    found = cohens_kappa(table)
    half = float(sps.norm.ppf(0.5 + level / 2) * found.std_kappa)
    same = sps.hypergeom(n, rights[0], rights[1])  # items on which both are right, by chance
    p, floor = float(same.sf(table[0, 0] - 1)), float(same.pmf(min(rights)))
    observed, expected = (
        float(np.trace(table)) / n,
        1 - float(rights[0] * (n - rights[1]) + rights[1] * (n - rights[0])) / n**2,
    )
    kappa = float(found.kappa)
    return ErrorConsistency(
        min(max(p, TINY), 1.0),
        kappa,
        max(kappa - half, -1.0),
        min(kappa + half, 1.0),
        observed,
        expected,
        floor,
        n,
        level,
    )
