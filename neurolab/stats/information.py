"""What units say about an output, alone and together, for Gaussian signals: information, redundancy, degeneracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import Floats, Rng, columns, counted, generator

__all__ = ["Degeneracy", "degeneracy", "gaussian_information"]

EVERY_SUBSET = 15  # units whose 2^n subsets are all taken


@dataclass(frozen=True)
class Degeneracy:
    """How units share an output, in nats: ``effect`` is the degeneracy D, the mean gain of subsets over their share.

    ``redundancy`` above 0: units say the same; below 0: synergy.  ``by_size`` is the mean information of subsets of
    1..n units, ``information`` that of all.
    """

    effect: float
    redundancy: float
    information: float
    by_size: Floats
    n: int
    exact: bool

    @property
    def degeneracy(self) -> float:
        """The effect under its usual name."""
        return self.effect


def _covariance(covariance: ArrayLike) -> Floats:
    """Get a covariance matrix, symmetric and positive definite."""
    array = columns(covariance, "covariance")
    if array.shape[0] != array.shape[1] or not np.isfinite(array).all() or not np.allclose(array, array.T, rtol=1e-8):
        raise DataError(f"covariance of shape {array.shape} given; expected a finite symmetric (n, n): np.cov(x.T).")
    if np.linalg.eigvalsh(array).min() <= 1e-12 * np.abs(array).max():
        raise DataError("the covariance is singular (a constant or repeated signal): its information is infinite.")
    return array


def _log_det(covariance: Floats, at: Sequence[int]) -> float:
    return float(np.linalg.slogdet(covariance[np.ix_(at, at)])[1])


def gaussian_information(covariance: ArrayLike, a: Sequence[int], b: Sequence[int]) -> float:
    """Get the mutual information of two sets of Gaussian signals, in nats: half the log of |A| |B| / |A and B|.

    Parameters
    ----------
    covariance: of all signals, (n, n), positive definite.
    a, b: which signals, without any in common.

    When this is invalid: signals far from Gaussian; a covariance of few samples (information is then biased upwards).

    Example
    -------
    >>> round(gaussian_information([[1.0, 0.6], [0.6, 1.0]], [0], [1]), 6)
    0.223144
    """
    array, first, second = _covariance(covariance), list(a), list(b)
    if not first or not second or len({*first, *second}) < len(first) + len(second):
        raise DataError(f"sets {first} and {second} given; expected two sets of signals with none in common.")
    if not all(isinstance(i, int | np.integer) and 0 <= i < len(array) for i in first + second):
        raise DataError(f"sets {first} and {second} given; expected places from 0 to {len(array) - 1}.")
    return 0.5 * (_log_det(array, first) + _log_det(array, second) - _log_det(array, first + second))


def _subsets(n: int, size: int, n_draws: int | None, stream: np.random.Generator | None) -> list[tuple[int, ...]]:
    """Get all subsets of one size, or drawn ones where there are more than ``n_draws``."""
    if stream is None or n_draws is None or size == 1 or comb(n, size) <= n_draws:
        return list(combinations(range(n), size))
    return [tuple(stream.permutation(n)[:size].tolist()) for _ in range(n_draws)]


def degeneracy(
    covariance: ArrayLike, n_units: int, *, n_draws: int | None = None, rng: Rng | None = None
) -> Degeneracy:
    """Get how far different units carry the same output: degeneracy D, redundancy R and information, in nats.

    D = sum over k of [mean information of subsets of k units - k/n of that of all]; R = sum of single informations -
    that of all.  The information is observational, of the activity as it is; Tononi's own injects variance into a
    subset, which is another question.

    Parameters
    ----------
    covariance: of the units, then of the outputs, (n_units + n_outputs, n_units + n_outputs), positive definite.
    n_units: how many of the rows are units.
    n_draws, rng: subsets drawn per size, above 15 units.

    When this is invalid: signals far from Gaussian; covariances of fewer samples than some ten times the signals.
    Source: Tononi, Sporns & Edelman (1999), doi:10.1073/pnas.96.6.3257.

    Example
    -------
    >>> found = degeneracy([[1.1, 1.0, 1.0], [1.0, 1.1, 1.0], [1.0, 1.0, 1.5]], 2)  # two copies of one source
    >>> found.redundancy > 0
    True
    """
    array, n = _covariance(covariance), counted(n_units, "n_units")
    if n >= len(array):
        raise DataError(f"{n} units among {len(array)} signals leave no output; expected at least one after them.")
    if n > EVERY_SUBSET and n_draws is None:
        raise DesignError(f"{n} units have 2^{n} subsets; type n_draws=256, rng=0.")
    stream = None if n_draws is None else generator(rng, "drawing subsets")
    draws = None if n_draws is None else counted(n_draws, "n_draws")
    outputs = list(range(n, len(array)))
    of_outputs = _log_det(array, outputs)

    def information(units: Sequence[int]) -> float:
        return 0.5 * (_log_det(array, units) + of_outputs - _log_det(array, [*units, *outputs]))

    by_size = np.array(
        [np.mean([information(units) for units in _subsets(n, size, draws, stream)]) for size in range(1, n + 1)]
    )
    total = float(by_size[-1])
    spread = float((by_size - np.arange(1, n + 1) / n * total).sum())
    exact = draws is None or all(comb(n, size) <= draws for size in range(n + 1))
    return Degeneracy(spread, float(n * by_size[0]) - total, total, by_size, n, exact)
