"""Dose-response: a falling logistic curve by least squares, and the area under a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import Floats, floats, number, same_shape, sample, unit_interval

GRID = np.linspace(-9.0, 5.0, 141)  # log s, in units of the range of x


@dataclass(frozen=True)
class DoseResponse:
    """A fitted curve y = chance + (top - chance) / (1 + exp((x - midpoint) / scale)); ``effect`` is the midpoint.

    (low, high) is the profile interval of the midpoint (ED50); ``note`` says what limits it.
    """

    effect: float
    low: float
    high: float
    scale: float
    top: float
    chance: float
    residual_sd: float
    df: int
    n: int
    level: float
    note: str

    @property
    def midpoint(self) -> float:
        """The effect under its usual name: the dose that halves performance above chance."""
        return self.effect

    def predict(self, x: ArrayLike) -> Floats:
        """Get the performance at the doses x."""
        fall = expit((self.midpoint - np.asarray(x, dtype=np.float64)) / self.scale)
        return self.chance + (self.top - self.chance) * fall


class _Squares:
    """The residual sum of squares, with the top solved for (it enters linearly) and doses scaled to [0, 1]."""

    def __init__(self, x: Floats, y: Floats):
        self.x, self.y = x, y

    def of(self, middle: float, log_scale: Floats | float) -> tuple[Floats, Floats]:
        """Get the sum of squares and the top for each log scale, at one midpoint."""
        shape = expit((middle - self.x) / np.exp(np.atleast_1d(log_scale))[:, None])
        power = np.maximum((shape**2).sum(axis=1), 1e-300)
        top = shape @ self.y / power
        return ((self.y - top[:, None] * shape) ** 2).sum(axis=1), top

    def best(self, middle: float) -> tuple[float, float]:
        """Get the least sum of squares at a midpoint, and its log scale."""
        at = int(self.of(middle, GRID)[0].argmin())
        ends = (GRID[max(at - 1, 0)], GRID[min(at + 1, GRID.size - 1)])
        found = minimize_scalar(lambda s: float(self.of(middle, s)[0][0]), bounds=ends, method="bounded",
                                options={"xatol": 1e-10})  # fmt: skip
        return float(found.fun), float(found.x)

    def minimum(self) -> tuple[float, float]:
        """Get the midpoint of the least sum of squares, and that sum."""
        grid = np.linspace(-0.5, 1.5, 81)
        at = int(np.argmin([self.of(middle, GRID)[0].min() for middle in grid]))
        ends = (grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)])
        found = minimize_scalar(lambda m: self.best(m)[0], bounds=ends, method="bounded", options={"xatol": 1e-11})
        return float(found.x), float(found.fun)

    def end(self, middle: float, side: float, cut: float) -> float:
        """Get where the profile of the midpoint passes the cut on one side; infinite where it does not."""
        inner = middle
        for reach in np.geomspace(1e-3, 4.0, 25):
            outer = middle + side * reach
            if self.best(outer)[0] > cut:
                return float(brentq(lambda m: self.best(m)[0] - cut, inner, outer, xtol=1e-9))
            inner = outer
        return side * np.inf


def dose_response(x: ArrayLike, y: ArrayLike, *, chance: float, level: float = 0.95) -> DoseResponse:
    """Get the falling logistic curve of performance over dose, by least squares: midpoint (ED50), scale, top.

    Parameters
    ----------
    x: doses or noise levels, (n,), repeated doses allowed.  y: performance, (n,).
    chance: the floor that y falls to, fixed.
    level: coverage of the midpoint's profile interval: all midpoints whose F test against the best is not rejected.

    When this is invalid
    --------------------
    Rising curves (give -x); scatter that differs much over doses, or is shared by the points of one network: fit one
    curve per network and test the midpoints.

    Source: Bates & Watts (1988), Nonlinear Regression Analysis, for the profile interval.

    Example
    -------
    >>> found = dose_response([0, 0.1, 0.2, 0.3, 0.5], [0.9, 0.85, 0.7, 0.45, 0.26], chance=0.25)
    >>> round(found.midpoint, 2), round(found.top, 2)
    (0.25, 0.91)
    """
    x, y, chance = sample(x), sample(y, "y"), number(chance, "chance")
    same_shape(x, y)
    floor, reach = float(x.min()), float(np.ptp(x))
    if np.unique(x).size < 4:
        raise DesignError(f"{np.unique(x).size} distinct doses given for 3 parameters; expected 4 or more.")
    if np.ptp(y) == 0 or np.polyfit(x, y, 1)[0] >= 0:
        raise DataError(
            "performance does not fall with dose; for a rising curve give -x, and expect a dose that hurts."
        )
    if y.max() <= chance:
        raise DataError(f"no value lies above chance={chance:g}; nothing falls from there to a floor at chance.")
    squares, df = _Squares((x - floor) / reach, y - float(chance)), x.size - 3
    middle, least = squares.minimum()
    log_scale = squares.best(middle)[1]
    top = float(squares.of(middle, log_scale)[1][0]) + chance
    cut = least * (1 + float(sps.f.ppf(unit_interval(level, "level"), 1, df)) / df)
    tiny = 1e-18 * float((y**2).sum())  # a perfect fit: its interval is a point
    low, high = (middle if least <= tiny else squares.end(middle, side, cut) for side in (-1.0, 1.0))
    note = "an end is infinite: these doses do not bound the midpoint." if not np.isfinite([low, high]).all() else ""
    if not 0 <= middle <= 1:
        note = f"the midpoint lies outside the tested doses: it is extrapolated; test stronger doses. {note}".strip()
    centre, least_centre, most_centre = (floor + reach * value for value in (middle, low, high))
    residual_sd, scale = float(np.sqrt(least / df)), reach * float(np.exp(log_scale))
    return DoseResponse(
        centre, least_centre, most_centre, scale, top, float(chance), residual_sd, df, x.size, level, note
    )


def normalised_area(x: ArrayLike, y: ArrayLike, *, chance: float, intact: float) -> Floats:
    """Get the area under (y - chance) / (intact - chance) over the doses, as a share: 1 unharmed throughout, 0 chance.

    By trapezoids between the doses, divided by their range; not clipped, so that noise about chance stays unbiased.

    Parameters
    ----------
    x: distinct doses, (n_doses,).  y: performance, (..., n_doses), the last axis along x (one row per network).
    chance, intact: the floor and the unlesioned score.

    When this is invalid: doses that do not cover the fall; areas over different doses do not compare.

    Example
    -------
    >>> normalised_area([0, 0.5, 1.0], [0.9, 0.9, 0.5], chance=0.5, intact=0.9).round(2)
    np.float64(0.75)
    """
    x, y, chance = sample(x, least=2), floats(y, "y"), number(chance, "chance")
    if y.shape[-1:] != x.shape or not np.isfinite(y).all():
        raise DataError(
            f"x of shape {x.shape} and y of {y.shape} given, or NaN in y; expected finite y (..., n_doses)."
        )
    if np.unique(x).size < x.size:
        raise DataError("a dose is given twice; average its repetitions first.")
    intact_above = floats(intact, "intact") - chance
    if not (intact_above > 0).all():
        raise DataError(f"intact={intact!r} does not exceed chance={chance!r}: there is no performance to lose.")
    order = np.argsort(x)
    relative = (y[..., order] - chance) / intact_above[..., None]
    return np.asarray(np.trapezoid(relative, x[order], axis=-1) / np.ptp(x))[()]
