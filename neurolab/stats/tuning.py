"""How selective units are among several classes, and how unevenly something is spread over units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import Floats, columns, regular, sample
from neurolab.stats._selective import auc, d_prime

__all__ = ["Tuning", "gini", "tuning"]


@dataclass(frozen=True, eq=False)
class Tuning:
    """Per column: ``class_selectivity`` (-1 to 1), ``auc`` and ``d_prime`` of its preferred class against the rest.

    ``preferred`` is the class that it prefers over all rows; ``alive`` whether it varies at all. Columns that do not
    are NaN.
    """

    class_selectivity: Floats
    auc: Floats
    d_prime: Floats
    preferred: np.ndarray
    alive: np.ndarray


def tuning(x: ArrayLike, labels: ArrayLike, stimuli: ArrayLike | None = None) -> Tuning:
    r"""Get how selective every column is for one class among several, measured on rows that did not choose the class.

    Class selectivity is :math:`(\mu_{max} - \mu_{rest}) / (\mu_{max} + \mu_{rest})` of mean absolute activity: of the
    preferred class, and of the mean over the other classes. The preferred class (largest mean) is chosen on every other
    row of each class and measured on the rest, then the other way round, and both are averaged: a column without any
    preference has an index near 0 in the mean (a ratio of few rows lies a little lower: -.03 with 8 rows per class),
    an area under the ROC of .5 and a d' of 0.

    Parameters
    ----------
    x: activity, (rows, columns). labels: the class of each row, (rows,), two classes or more with four rows each.
    stimuli: what each row shows, (rows,), where some are shown again: all rows of one choose, or all measure, and each
        class needs four.

    When this is invalid
    --------------------
    Negative activity: the index takes its size. A unit that is selective for two classes of ten has a middling index.

    Source: Morcos et al. 2018, arXiv:1803.06959, where the class is chosen on the rows that measure it.

    Example
    -------
    >>> labels = np.repeat([0, 1, 2], 4)
    >>> found = tuning(np.stack([labels == 2, np.arange(12) % 4], axis=1), labels)
    >>> found.class_selectivity.tolist(), int(found.preferred[0])
    ([1.0, 0.0], 2)
    """
    x, labels = columns(x, "x", least=8), regular(labels, "labels")
    if labels.shape != (len(x),):
        raise DataError(f"labels has shape {labels.shape}; expected one class per row, shape ({len(x)},).")
    classes, code = np.unique(labels.astype(str), return_inverse=True)
    shown = np.arange(len(x)) if stimuli is None else np.unique(regular(stimuli, "stimuli"), return_inverse=True)[1]
    if shown.shape != (len(x),):
        raise DataError(f"stimuli has shape {np.shape(np.asarray(stimuli))}; expected one per row, shape ({len(x)},).")
    counts = np.array([len(np.unique(shown[code == one])) for one in range(len(classes))])
    if len(classes) < 2 or counts.min() < 4:
        raise DesignError(
            f"{len(classes)} classes of {counts.min()} rows or more given; expected two classes or more, of four rows "
            f"{'' if stimuli is None else 'of different stimuli '}each: two choose the preferred class, two measure it."
        )
    half = _halves(code, shown)
    with np.errstate(all="ignore"):
        found = [_measured(x, code, half != side, half == side) for side in (0, 1)]
        each = np.mean(np.array(found), axis=0)
    alive = np.isfinite(x).all(axis=0) & (x.max(axis=0) > x.min(axis=0))
    means = _means(np.where(alive, x, 0.0), code)
    preferred = np.where(alive, means.argmax(axis=0), -1)
    index, area, d = (np.where(alive, one, np.nan) for one in each)
    return Tuning(index, area, d, preferred, alive)


def _halves(code: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """0 or 1 per row, in turn over the stimuli of each class in the order of their first rows."""
    half = np.zeros(len(code), dtype=np.int64)
    for one in np.unique(code):
        rows = np.flatnonzero(code == one)
        _, first, which = np.unique(shown[rows], return_index=True, return_inverse=True)
        half[rows] = np.argsort(np.argsort(first))[which] % 2
    return half


def _means(x: Floats, code: np.ndarray) -> Floats:
    """The mean of each class (classes, columns)."""
    return np.stack([x[code == one].mean(axis=0) for one in np.unique(code)])


def _measured(x: Floats, code: np.ndarray, choose: np.ndarray, measure: np.ndarray) -> Floats:
    """The three indices (3, columns) on the measuring rows, of the class that the choosing rows prefer."""
    best = _means(x[choose], code[choose]).argmax(axis=0)
    size = np.abs(_means(np.abs(x[measure]), code[measure]))
    top = np.take_along_axis(size, best[None], axis=0)[0]
    rest = (size.sum(axis=0) - top) / (len(size) - 1)
    index = np.where(top + rest > 0, (top - rest) / (top + rest), 0.0)
    found = np.full((3, x.shape[1]), np.nan)
    found[0] = index
    rows, labels = x[measure], code[measure]
    for one in np.unique(best):
        here = best == one
        a, b = rows[labels == one][:, here], rows[labels != one][:, here]
        found[1, here], found[2, here] = auc(a, b), d_prime(a, b)
    return found


def gini(values: ArrayLike) -> float:
    """Get how unevenly something is spread: 0 where all have the same, near 1 where one has it all; below 0 counts 0.

    NaN where nobody has anything.

    Source: Gini (1912); Sen (1973), On Economic Inequality.

    Example
    -------
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    given = np.sort(np.maximum(sample(values, "values"), 0.0))
    whole, n = float(given.sum()), given.size
    if whole == 0:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * given).sum() / (n * whole))
