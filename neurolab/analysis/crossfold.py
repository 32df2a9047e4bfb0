"""The leave-one-fold-out procedure on plain arrays: choose, measure, and do both again on shuffled labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurolab.analysis.column_tests import TWO_GROUPS
from neurolab.analysis.measured import Measured, fold_effects, measured
from neurolab.analysis.reselect import exchangeable
from neurolab.analysis.select import top_mask
from neurolab.analysis.shuffled import statistics

#: Numbers of arrangements beyond this one are called this one: a float ends not far above.
MOST = 10**300


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

    def effects(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Get the effect in the folds left out under each row of labels (shuffles, rows), many shuffles at a time."""
        masks = np.zeros((len(labels), int(self.fold.max()) + 1, values.shape[1]), dtype=bool)
        for at in range(masks.shape[1]):
            rows = self.fold != at
            for here, statistic, valid in statistics(self.test, values[rows], labels[:, rows]):
                for draw, one, can in zip(here, statistic, valid & self.usable):
                    masks[draw, at] = self._top(one, can)
        return np.array(
            [
                float(fold_effects(responses(values, self.fold, mask), positive, self.fold).mean())
                for mask, positive in zip(masks, labels)
            ]
        )


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
    _, block, place = exchangeable(used, fold)
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
