"""Distances between stimuli, how alike two sets of them are, and the best that any model could score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.spatial.distance import is_valid_y, pdist, squareform

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import Floats, choice, columns, floats, regular, squarable

DISTANCES = ("euclidean", "correlation")


@dataclass(frozen=True)
class NoiseCeiling:
    """The score of the best possible model: between ``low`` (leave one subject out) and ``high`` (all in).

    ``lower`` and ``upper`` are the scores per subject.
    """

    low: float
    high: float
    lower: Floats
    upper: Floats
    method: str
    n: int


def rdm(x: ArrayLike, *, distance: str = "euclidean") -> Floats:
    """Get the distances between all pairs of stimuli, condensed: (0, 1), (0, 2) … (n - 2, n - 1).

    Parameters
    ----------
    x: responses (n_stimuli, n_neuroids), finite.
    distance: "euclidean" is the squared distance divided by the number of neuroids (as in rsatoolbox); "correlation"
        is 1 - r, and a constant pattern is an error.

    Example
    -------
    >>> rdm([[1.0, 2], [1, 4], [3, 2]])
    array([2., 2., 4.])
    """
    choice(distance, DISTANCES, "distance")
    array = columns(x)
    if not array.shape[1] or not np.isfinite(array).all():
        raise DataError("x has no neuroids, or holds NaN or inf; drop those: x[:, np.isfinite(x).all(axis=0)].")
    if distance == "euclidean":
        return pdist(array, "sqeuclidean") / array.shape[1]
    if (np.ptp(array, axis=1) == 0).any():
        at = int((np.ptp(array, axis=1) == 0).argmax())
        raise DataError(f"pattern {at} is the same on every neuroid, so it correlates with nothing; use 'euclidean'.")
    return pdist(array, "correlation")


def crossnobis(x: ArrayLike, conditions: ArrayLike, runs: ArrayLike) -> Floats:
    """Get cross-validated squared distances between conditions, condensed, in the order of np.unique(conditions).

    The mean over pairs of runs (a, b) of (a_i - a_j) · (b_i - b_j) / n_neuroids: unbiased, so 0 means no difference,
    and it may be negative (never clip it).  Whiten x by the noise first where there is noise to measure.

    Parameters
    ----------
    x: responses (n_presentations, n_neuroids).  conditions, runs: one label per presentation, every condition in
        every run.

    Source: Walther et al. (2016), doi:10.1016/j.neuroimage.2015.12.012; agrees with rsatoolbox.

    Example
    -------
    >>> crossnobis([[0.0, 1], [2, 1], [0, 1], [2, 3]], ["a", "b", "a", "b"], [1, 1, 2, 2])
    array([2.])
    """
    array, named, run = columns(x), regular(conditions, "conditions"), regular(runs, "runs")
    if named.shape != (len(array),) or run.shape != (len(array),) or not array.size or not np.isfinite(array).all():
        raise DataError(f"{len(array)} presentations, {named.size} conditions, {run.size} runs, or NaN; give one each.")
    kinds, folds = np.unique(named), np.unique(run)
    if folds.size < 2 or kinds.size < 2:
        raise DesignError(f"{folds.size} runs of {kinds.size} conditions given; expected 2 or more of each.")
    means = np.empty((folds.size, kinds.size, array.shape[1]))
    for f, fold in enumerate(folds):
        for k, kind in enumerate(kinds):
            chosen = (named == kind) & (run == fold)
            if not chosen.any():
                raise DesignError(
                    f"condition {kind!r} is missing in run {fold!r}; expected every condition in every run."
                )
            means[f, k] = array[chosen].mean(axis=0)
    i, j = np.triu_indices(kinds.size, 1)
    apart = means[:, i] - means[:, j]
    products = np.einsum("fpn,gpn->fgp", apart, apart)
    across = products.sum(axis=(0, 1)) - np.einsum("ffp->p", products)
    return across / (folds.size * (folds.size - 1) * array.shape[1])


def _rho_a(a: Floats, b: Floats) -> float:
    """Get Spearman's rho with ties broken at random, in the mean."""
    n, product = a.size, float(sps.rankdata(a) @ sps.rankdata(b))
    return 12 * product / (n**3 - n) - 3 * (n + 1) / (n - 1)


def _tau_a(a: Floats, b: Floats) -> float:
    """Get (concordant - discordant) / all pairs, from scipy's tau-b."""
    pairs = a.size * (a.size - 1) / 2
    ties = [float((count * (count - 1) / 2).sum()) for count in (np.unique(v, return_counts=True)[1] for v in (a, b))]
    return float(sps.kendalltau(a, b).statistic * np.sqrt((pairs - ties[0]) * (pairs - ties[1])) / pairs)


def _cosine(a: Floats, b: Floats) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _unit(v: Floats) -> Floats:
    return v / np.linalg.norm(v)


def _whitened(a: Floats, b: Floats) -> float:
    """Get the cosine of two RDMs whitened by how their distances covary, which is that of their centred Gram matrices.

    Distances that share a stimulus covary; for noise that is alike on all neuroids V^-1 is <G_a, G_b> up to a factor.
    """
    if not is_valid_y(a):
        raise DataError(f"{a.size} distances given, which no number of stimuli has; expected n (n - 1) / 2.")
    first, second = (_gram(v) for v in (a, b))
    return _cosine(first.ravel(), second.ravel())


def _gram(distances: Floats) -> Floats:
    """Get the doubly centred Gram matrix of condensed squared distances."""
    square = squareform(distances)
    across = square.mean(axis=0)
    return -(square - across - across[:, None] + across.mean()) / 2


COMPARATORS: dict[
    str, tuple[Callable[[Floats, Floats], float], Callable[[Floats], Floats]]
] = {  # the score, and what is averaged when pooling
    "cosine": (_cosine, _unit),
    "corr": (lambda a, b: _cosine(a - a.mean(), b - b.mean()), lambda v: _unit(v - v.mean())),
    "spearman": (lambda a, b: float(sps.spearmanr(a, b).statistic), sps.rankdata),
    "tau-a": (_tau_a, sps.rankdata),
    "tau-b": (lambda a, b: float(sps.kendalltau(a, b).statistic), sps.rankdata),
    "rho-a": (_rho_a, sps.rankdata),
    "cosine_cov": (_whitened, _unit),
    "corr_cov": (lambda a, b: _whitened(a - a.mean(), b - b.mean()), lambda v: _unit(v - v.mean())),
}


def _vectors(rdms: ArrayLike, what: str) -> Floats:
    """Get condensed RDMs (n, pairs), finite and not constant."""
    array = np.atleast_2d(floats(rdms, what))
    if array.ndim != 2 or array.shape[1] < 3 or not np.isfinite(array).all():
        raise DataError(
            f"{what} has shape {array.shape}, or holds NaN; expected condensed RDMs of 3 or more distances."
        )
    if (np.ptp(array, axis=1) == 0).any():
        raise DataError(f"{what} holds an RDM of equal distances: no order of distances to compare.")
    return squarable(array, what)


def compare_rdms(a: ArrayLike, b: ArrayLike, *, method: str = "corr") -> float:
    """Get how alike two condensed RDMs are, over the same stimuli in the same order.

    Parameters
    ----------
    method: "corr"; "cosine" for crossnobis distances, whose 0 is a true zero; "spearman"; "rho-a" or "tau-a" where the
        model has ties (categories); "tau-b"; "cosine_cov" and "corr_cov", the same of whitened RDMs, which weigh
        distances by how they covary and so tell models apart best.

    Source: Nili et al. (2014), doi:10.1371/journal.pcbi.1003553; Schuett et al. (2023); agrees with rsatoolbox.

    Example
    -------
    >>> round(compare_rdms([1, 2, 3, 4, 5, 6], [2, 1, 3, 4, 6, 5], method="tau-a"), 6)
    0.733333
    """
    score, _ = COMPARATORS[choice(method, tuple(COMPARATORS), "method")]
    first, second = _vectors(a, "a"), _vectors(b, "b")
    if first.shape != second.shape or len(first) != 1:
        raise DataError(f"RDMs of shapes {first.shape} and {second.shape} given; expected one each, of one length.")
    return float(score(first[0], second[0]))


def noise_ceiling(rdms: ArrayLike, *, method: str = "corr") -> NoiseCeiling:
    """Get the noise ceiling of RDMs of several subjects (or networks from different seeds).

    Each subject's RDM is compared with the pooled RDM of the others (lower) and of all (upper).  A deterministic
    network repeats itself exactly: its ceiling comes from seeds, never from repeats.

    Parameters
    ----------
    rdms: condensed RDMs, (n_subjects, n_pairs), n_subjects >= 2.
    method: as in ``compare_rdms``; pooling averages what the method compares (unit norm, z-scores, ranks).

    Source: Nili et al. (2014), doi:10.1371/journal.pcbi.1003553; agrees with rsatoolbox's ``boot_noise_ceiling``.

    Example
    -------
    >>> found = noise_ceiling([[1, 2, 3], [1, 2, 4], [1, 3, 3]])
    >>> found.low < found.high
    True
    """
    score, pooled = COMPARATORS[choice(method, tuple(COMPARATORS), "method")]
    array = _vectors(rdms, "rdms")
    if len(array) < 2:
        raise DesignError("one RDM given; a noise ceiling needs 2 or more subjects or seeds.")
    ready = np.array([pooled(row) for row in array])
    total = ready.sum(axis=0)
    lower = np.array([score(total - one, row) for one, row in zip(ready, array, strict=True)])
    upper = np.array([score(total, row) for row in array])
    return NoiseCeiling(float(lower.mean()), float(upper.mean()), lower, upper, method, len(array))
