"""The leave-one-fold-out procedure on plain arrays: choose, measure, and do both again on shuffled labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import xarray as xr
from scipy.special import stdtr, stdtrit

from neurolab.analysis.column_tests import TWO_GROUPS
from neurolab.analysis.measured import Measured, measured
from neurolab.analysis.reselect import exchangeable
from neurolab.analysis.select import top_mask
from neurolab.analysis.shuffled import statistics

#: Numbers of arrangements beyond this one are called this one: a float ends not far above.
MOST = 10**300
#: An effect, its standard error and its degrees of freedom.
Studentised = tuple[float, float, float]
ROUNDING = 1e-9  # what sums in another order may differ by: a shuffle that says the same is not rarer


@dataclass(frozen=True, eq=False)
class CrossFold:
    """How the units of each fold are chosen on the others.

    fold : (n_rows,) integer codes. site, unit, usable : (n_neuroids,). names : of the sites when ``top`` is per site.
    """

    fold: np.ndarray
    test: str
    top: int | float
    names: list[str] | None
    site: np.ndarray
    unit: np.ndarray
    usable: np.ndarray

    def masks(self, values: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Get the units chosen without each fold (fold, neuroid)."""
        return np.stack([self._choose(values, positive, self.fold != at) for at in range(self.fold.max() + 1)])

    def _choose(self, values: np.ndarray, positive: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = TWO_GROUPS[self.test](values[rows & positive], values[rows & ~positive])
        return self._top(found.statistic, found.valid & self.usable)

    def _top(self, statistic: np.ndarray, valid: np.ndarray) -> np.ndarray:
        return top_mask(statistic, valid, valid, self.site, self.unit, top=self.top, names=self.names)

    def __call__(self, values: np.ndarray, positive: np.ndarray) -> Measured:
        """Get the effect in the folds left out."""
        return measured(responses(values, self.fold, self.masks(values, positive)), positive, self.fold)

    def students(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Get the studentised effect in the folds left out under each row of labels (shuffles, rows): (shuffles, 3)."""
        left_out = self._left_out(values, labels)
        return np.array([studentised(one, side, self.fold) for one, side in zip(left_out, labels)])

    def _left_out(self, values: np.ndarray, labels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the responses in the folds left out under each row of labels."""
        masks = np.zeros((len(labels), int(self.fold.max()) + 1, values.shape[1]), dtype=bool)
        for at in range(masks.shape[1]):
            rows = self.fold != at
            for here, statistic, valid in statistics(self.test, values[rows], labels[:, rows]):
                for draw, one, can in zip(here, statistic, valid & self.usable):
                    masks[draw, at] = self._top(one, can)
        yield from (responses(values, self.fold, mask) for mask in masks)


def responses(values: np.ndarray, fold: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Get each row's mean over the units chosen without its own fold.

    Example
    -------
    >>> masks = np.array([[True, False], [False, True]])
    >>> responses(np.array([[1.0, 5.0], [2.0, 6.0]]), np.array([0, 1]), masks).tolist()
    [1.0, 6.0]
    """
    out = np.empty(len(values))
    for at, mask in enumerate(masks):
        out[fold == at] = values[np.ix_(fold == at, mask)].mean(axis=1)
    return out


def studentised(response: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> Studentised:
    """Get the mean over folds of the difference of two sides, its standard error by Welch, and its df.

    se^2 = sum over k folds of (s_a^2 / n_a + s_b^2 / n_b) / k^2, s^2 within folds, pooled over them; where that leaves
    a side fewer than k - 1 degrees of freedom, the variance of the folds' differences / k. NaN: a side is empty.

    Example
    -------
    >>> side, fold = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> studentised(np.array([2.0, 1.0, 4.0, 2.0]), side, fold)
    (1.5, 0.5, 1.0)
    """
    k, cell = int(fold.max()) + 1, 2 * fold + positive
    n = np.bincount(cell, minlength=2 * k)
    with np.errstate(all="ignore"):
        mean = np.bincount(cell, response, 2 * k) / n
        gaps, freedom = mean[1::2] - mean[::2], (n - 1).reshape(k, 2).sum(axis=0)
        if freedom.min() < k - 1:
            return float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(k)), k - 1.0
        squares = np.bincount(cell, (response - mean[cell]) ** 2, 2 * k).reshape(k, 2).sum(axis=0)
        parts = squares / freedom * (1 / n).reshape(k, 2).sum(axis=0) / k**2
        df = parts.sum() ** 2 / (parts**2 / freedom).sum() if parts.any() else freedom.sum()
        return float(gaps.mean()), float(np.sqrt(parts.sum())), float(df)


def upper_tail(effect: np.ndarray, error: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Get how rarely Student's t is as large; without any error 0 for a positive effect and .5 for none.

    Example
    -------
    >>> upper_tail(np.array([2.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([10.0, 1.0, 1.0])).round(4).tolist()
    [0.0367, 0.0, 0.5]
    """
    with np.errstate(all="ignore"):
        return stdtr(df, -np.where((error == 0) & (effect == 0), 0.0, effect / error))


def shuffled_p(observed: Studentised, null: np.ndarray) -> float:
    """Get the one-sided p of an effect among those of shuffles (n, 3); one that is not defined counts against it.

    Example
    -------
    >>> shuffled_p((2.0, 1.0, 8.0), np.array([[3.0, 1.0, 8.0], [1.0, 1.0, 8.0], [0.0, 1.0, 8.0]]))
    0.5
    """
    rarer = upper_tail(*null.T) > upper_tail(*np.array(observed)) * (1 + ROUNDING)
    return (int((~rarer).sum()) + 1) / (len(null) + 1)


def fewest(level: float) -> int:
    """Get the fewest shuffles that can tell the rarest 1 - level.

    Example
    -------
    >>> fewest(0.95), fewest(0.999)
    (19, 999)
    """
    return ceil(round(1 / (1 - level), 9)) - 1


def half_interval(observed: Studentised, null: np.ndarray, level: float) -> float:
    """Get half the interval of an effect: it reaches to as rare a t as the rarest 1 - level of the null's (n, 3).

    Example
    -------
    >>> null = np.column_stack((np.arange(-9.0, 10.0), np.ones(19), np.full(19, 8.0)))
    >>> round(half_interval((5.0, 2.0, 8.0), null, 0.9), 6)
    18.0
    """
    effect, error, df = null.T
    tails = np.sort(np.nan_to_num(upper_tail(np.abs(effect), error, df), nan=0.0))
    rare = tails[int(round((1 - level) * (len(null) + 1), 9)) - 1]
    return float(-stdtrit(observed[2], rare) * observed[1])


@dataclass(frozen=True, eq=False)
class Deal:
    """Labels dealt out anew over stimuli, within folds where every stimulus belongs to one.

    first : the side of each stimulus. block : its fold, or 0. place : the stimulus of each row.
    """

    first: np.ndarray
    block: np.ndarray
    place: np.ndarray

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        """Get the side of each row after one shuffle."""
        new = self.first.copy()
        for value in np.unique(self.block):
            rows = np.flatnonzero(self.block == value)
            new[rows] = self.first[rng.permutation(rows)]
        return new[self.place]

    @property
    def arrangements(self) -> float:
        """How many different shuffles there are, up to what a float can say."""
        from math import comb, prod

        sizes = [self.first[self.block == value] for value in np.unique(self.block)]
        return float(min(prod(comb(len(side), int(side.sum())) for side in sizes), MOST))


def deal_of(used: xr.DataArray, positive: np.ndarray, fold: np.ndarray) -> Deal:
    """Get the shuffles of the presentations of a contrast."""
    _, block, place = exchangeable(used.assign_coords(condition=("presentation", positive)), fold)
    first = np.zeros(len(block), dtype=bool)
    first[place] = positive
    return Deal(first, block, place)


def residuals(values: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Get what is left of each column after its fold means and its effect of side, scaled for a shuffle within folds.

    Shuffling within k folds spreads a sum of squares over n - k degrees of freedom, and the residuals have n - k - 1
    of error: hence the factor sqrt((n - k) / (n - k - 1)).

    Example
    -------
    >>> side, fold = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> residuals(np.array([[3.0], [1.0], [7.0], [5.0]]), side, fold).ravel().tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    n, k = len(values), int(fold.max()) + 1
    member = (fold[:, None] == np.arange(k)) / np.bincount(fold)
    dummy = fold[:, None] == np.arange(k)
    side = positive - dummy @ (member.T @ positive.astype(np.float64))
    centred = values - dummy @ (member.T @ values)
    left = centred - np.outer(side, side @ centred) / (side @ side)
    return left * np.sqrt((n - k) / max(1, n - k - 1))
