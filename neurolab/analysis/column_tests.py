"""The tests of a localiser: each turns the two sides of a contrast into one test per column, and into its max-T."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.entry import Sides
from neurolab.analysis.nuisance import Nuisance, regressors
from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed
from neurolab.stats import maps, permutation
from neurolab.stats.maps import StatMap
from neurolab.stats.permutation import MaxT


@dataclass(frozen=True, eq=False)
class ColumnTest:
    """One test of the columns of some arrays.

    tested : from the front of ``stats.maps``: arrays and alternative, level -> StatMap.
    rearranged : from the front of ``stats.permutation``: arrays and alternative, n_permutations, rng -> MaxT.
    arrays : each (n_rows, n_neuroids). effect : what is estimated, in words.
    """

    tested: Callable[..., StatMap]
    rearranged: Callable[..., MaxT]
    arrays: tuple[np.ndarray, ...]
    effect: str = "mean difference"

    def map(self, at: slice | np.ndarray, **settings: Any) -> StatMap:
        """Get the map of the neuroids ``at``; settings: alternative, level."""
        return self.tested(*(array[:, at] for array in self.arrays), **settings)

    def max_t(self, at: slice | np.ndarray, **settings: Any) -> MaxT:
        """Get the family-wise p of the neuroids ``at``; settings: alternative, n_permutations, rng."""
        return self.rearranged(*(array[:, at] for array in self.arrays), **settings)


def _two_groups(a: np.ndarray, b: np.ndarray, **settings: Any) -> Any:
    return permutation.max_t(np.concatenate((a, b)), groups=np.arange(len(a) + len(b)) < len(a), **settings)


def _ranked_groups(a: np.ndarray, b: np.ndarray, **settings: Any) -> Any:
    """Max-T of ranks, of every neuroid that varies over both sides together, as the map has it."""
    return _two_groups(a, b, statistic="rank", **settings)


def _welch(recording: xr.DataArray, sides: Sides, nuisance: Any, pair: str | None) -> ColumnTest:
    _unused("welch", nuisance, pair)
    return ColumnTest(maps.welch_t, _two_groups, (sides.a, sides.b))


def _rank(recording: xr.DataArray, sides: Sides, nuisance: Any, pair: str | None) -> ColumnTest:
    _unused("rank", nuisance, pair)
    effect = "probability that a positive stimulus gives the larger activity (AUC)"
    return ColumnTest(maps.rank_auc, _ranked_groups, (sides.a, sides.b), effect)


def _unused(test: str, nuisance: Any, pair: Any) -> None:
    for name, value, other in (("nuisance", nuisance, "glm"), ("pair", pair, "paired")):
        if value is not None:
            raise DesignError(
                f"test={test!r} does not use {name}=, which would be ignored; type test={other!r} with it."
            )


def _paired(recording: xr.DataArray, sides: Sides, nuisance: Any, pair: str | None) -> ColumnTest:
    """Rows of both sides in the order of their pair."""
    if nuisance is not None:
        _unused("paired", nuisance, None)
    known = [str(name) for name, coord in recording.coords.items() if coord.dims == ("presentation",)]
    name = "pair" if pair is None else pair
    if name not in known:
        raise UnknownNameError(
            f"test='paired' needs a presentation coordinate that names the pairs; {name!r} is none."
            f"{did_you_mean(name, known)} There are {listed(known)}. Type pair='...'."
        )
    labels = recording[name].values[sides.rows].astype(str)
    first, second = labels[sides.positive], labels[~sides.positive]
    odd = sorted(set(first) ^ set(second))
    if odd or len(set(first)) < len(first) or len(set(second)) < len(second):
        raise DataError(
            f"Each pair needs exactly one stimulus on each side of {str(sides.contrast)!r}; "
            + (
                f"{listed(odd, most=4)} have no partner."
                if odd
                else f"some values of {name!r} come more than once on a side."
            )
            + " Drop those presentations, or type test='welch'."
        )
    arrays = (sides.a[np.argsort(first)], sides.b[np.argsort(second)])
    return ColumnTest(maps.paired_t, lambda a, b, **settings: permutation.max_t(a, y=b, **settings), arrays)


def _glm(recording: xr.DataArray, sides: Sides, nuisance: Nuisance | None, pair: str | None) -> ColumnTest:
    """y = intercept + side + nuisance; the tested effect is that of the side."""
    if pair is not None:
        _unused("glm", None, pair)
    extra = regressors(nuisance, recording, sides.rows)
    side = sides.positive.astype(np.float64)
    design = np.column_stack((side, np.ones(len(side)), extra))
    weights = np.eye(design.shape[1])[0]
    return ColumnTest(
        lambda y, **settings: maps.glm_t(y, design, weights, **settings),
        lambda y, **settings: permutation.freedman_lane(y, side, extra if extra.size else None, **settings),
        (sides.values,),
        "mean difference, adjusted for the nuisance regressors,",
    )


#: Every test of the localiser; each makes a ColumnTest from the recording, its sides, nuisance and pair.
TESTS: dict[str, Callable[[xr.DataArray, Sides, Any, str | None], ColumnTest]] = {
    "welch": _welch,
    "paired": _paired,
    "rank": _rank,
    "glm": _glm,
}

#: The tests of two groups of rows that can be run again and again on shuffled labels: rows x columns of both sides.
TWO_GROUPS: dict[str, Callable[..., StatMap]] = {"welch": maps.welch_t, "rank": maps.rank_auc}
