"""How alike two sets of responses to the same stimuli are: CKA, Procrustes, and distances between stimuli (RDMs).

Rows are stimuli, the same in both sets and in the same order; columns are neuroids, which need not match.  Inference
over subjects and stimuli together: rsatoolbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError
from neurolab.stats._given import TIE, Floats, Rng, columns, counted, generator
from neurolab.stats._rdms import NoiseCeiling, compare_rdms, crossnobis, noise_ceiling, rdm

__all__ = ["NoiseCeiling", "RowShuffle", "cka", "compare_rdms", "crossnobis", "noise_ceiling", "procrustes",
           "procrustes_angle", "rdm", "row_shuffle"]  # fmt: skip

ROUNDING = 1e-9  # below this share of the Gram matrix a self-covariance is rounding error
Measure = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class RowShuffle:
    """A permutation test of likeness: do stimuli correspond?  (null_low, null_high) holds 95 % of the shuffles."""

    p: float
    effect: float
    null_mean: float
    null_low: float
    null_high: float
    p_floor: float
    n: int


def _centred(x: ArrayLike, what: str, least: int = 2) -> Floats:
    """Get float64 responses with column means of 0 (float32 with an offset would lose them in the Gram matrix)."""
    array = columns(x, what, least=least)
    if not np.isfinite(array).all():
        raise DataError(f"{what} holds NaN or inf; drop those neuroids: {what}[:, np.isfinite({what}).all(axis=0)].")
    if (array.max(axis=0) == array.min(axis=0)).all():
        raise DataError(f"every neuroid of {what} responds alike to all stimuli (dead?): there is nothing to compare.")
    return array - array.mean(axis=0)


def _pair(x: ArrayLike, y: ArrayLike, least: int = 2) -> tuple[Floats, Floats]:
    """Get both sets centred, with stimuli that correspond."""
    first, second = _centred(x, "x", least), _centred(y, "y", least)
    if len(first) != len(second):
        raise DataError(
            f"{len(first)} and {len(second)} stimuli given; expected the same ones in the same order: align."
        )
    return first, second


def _hsic(k: Floats, other: Floats) -> float:
    """Get the unbiased estimate of the covariance of two Gram matrices with zero diagonals."""
    n = len(k)
    ends = k.sum() * other.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * float(k.sum(axis=0) @ other.sum(axis=0))
    return (float((k * other).sum()) + float(ends)) / (n * (n - 3))


def cka(x: ArrayLike, y: ArrayLike, *, debiased: bool = True) -> float:
    """Get linear centred kernel alignment: 1 for the same geometry, about 0 for unrelated sets when debiased.

    Invariant to rotations, one scale and shifts of either set.

    Parameters
    ----------
    x, y: responses (n_stimuli, n_neuroids), columns may differ in number.
    debiased: the U-statistic (n >= 4); the biased form goes to 1 for wide random data (.99 for 20 x 2,000).

    Returns
    -------
    CKA; nan where a debiased self-covariance is not above rounding (all stimuli equally far apart: there is no
    geometry to compare, which is not a similarity of 0).

    Source: Kornblith et al. (2019), arXiv:1905.00414; Song et al. (2012), JMLR 13, 1393-1434; Nguyen et al. (2021).

    Example
    -------
    >>> x = [[1, 2, 0, 1], [0, 1, 3, 1], [2, 2, 2, 0], [1, 0, 1, 4], [3, 1, 0, 2]]
    >>> y = [[2, 1, 0], [0, 2, 1], [1, 3, 1], [0, 1, 4], [2, 0, 1]]
    >>> round(cka(x, y), 10), round(cka(x, y, debiased=False), 10)
    (0.4944132325, 0.779550701)
    """
    first, second = _pair(x, y, least=4 if debiased else 2)
    first, second = (half / np.abs(half).max() for half in (first, second))
    grams = [half @ half.T for half in (first, second)]
    if not debiased:
        return float((grams[0] * grams[1]).sum() / (np.linalg.norm(grams[0]) * np.linalg.norm(grams[1])))
    for gram in grams:
        np.fill_diagonal(gram, 0.0)
    own = [_hsic(gram, gram) for gram in grams]
    if any(value <= ROUNDING * float((gram**2).mean()) for value, gram in zip(own, grams, strict=True)):
        return float("nan")
    return _hsic(grams[0], grams[1]) / float(np.sqrt(own[0] * own[1]))


def _nuclear(x: ArrayLike, y: ArrayLike) -> float:
    """Get the nuclear norm of the cross-product of two centred sets of unit norm, in [0, 1]."""
    first, second = (half / np.linalg.norm(half) for half in _pair(x, y))
    return float(np.clip(np.linalg.svd(first.T @ second, compute_uv=False).sum(), 0.0, 1.0))


def procrustes_angle(x: ArrayLike, y: ArrayLike) -> float:
    """Get the angle (0 to pi/2) between two sets after the best rotation: a metric on shapes.

    Arguments as in ``cka``; sets of unequal width count as padded with zeros.

    Source: Williams et al. (2021), arXiv:2110.14739.

    Example
    -------
    >>> procrustes_angle([[0.0, 0], [1, 0], [0, 1]], [[0.0, 0], [0, 2], [2, 0]]) < 1e-6
    True
    """
    return float(np.arccos(_nuclear(x, y)))


def procrustes(x: ArrayLike, y: ArrayLike) -> float:
    """Get the Procrustes disparity 1 - |X'Y|_*^2 (0 to 1) of two centred sets of unit norm.

    Arguments as in ``cka``.  Agrees with ``scipy.spatial.procrustes``.

    Example
    -------
    >>> round(procrustes([[0.0, 0], [1, 0], [0, 1]], [[0.0, 0], [0, 2], [2, 0]]), 6)
    0.0
    """
    return 1.0 - _nuclear(x, y) ** 2


def row_shuffle(
    x: ArrayLike, y: ArrayLike, *, measure: Measure = cka, n_permutations: int = 999, rng: Rng
) -> RowShuffle:
    """Get the test whether stimuli correspond: the measure against that of y with its stimuli shuffled ("greater").

    Parameters
    ----------
    x, y: responses (n_stimuli, n_neuroids).  measure: f(x, y) to a number that grows with likeness, such as ``cka``.

    When this is invalid: stimuli that are not exchangeable (time series, groups); no claim about other networks.
    Source: Mantel (1967); Nili et al. (2014).

    Example
    -------
    >>> x = np.arange(12.0).reshape(6, 2) ** 2
    >>> row_shuffle(x, x + 1, n_permutations=99, rng=0).p <= 0.05
    True
    """
    first, second = columns(x, "x"), columns(y, "y")
    observed, m = float(measure(first, second)), counted(n_permutations, "n_permutations")
    stream = generator(rng, "shuffling stimuli")
    null = np.array([measure(first, second[stream.permutation(len(second))]) for _ in range(m)])
    if not np.isfinite(observed) or not np.isfinite(null).all():
        raise DataError("the measure is not finite on these data or their shuffles; use a biased or another measure.")
    b = int((null >= observed - TIE * max(1.0, abs(observed))).sum())
    low, high = np.quantile(null, (0.025, 0.975))
    return RowShuffle((b + 1) / (m + 1), observed, float(null.mean()), float(low), float(high), 1 / (m + 1), len(first))
