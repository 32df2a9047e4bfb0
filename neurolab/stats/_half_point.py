"""The dose that halves performance: read off a falling curve, with or without a formula for the curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from neurolab.errors import DataError, DesignError
from neurolab.stats._dose import dose_response
from neurolab.stats._given import Floats, choice, same_shape, sample


def half_point(x: ArrayLike, y: ArrayLike, *, chance: float, curve: str = "interpolated") -> float:
    """Get the dose at which half of the performance above chance at the smallest dose is left (ED50).

    Parameters
    ----------
    x: doses or strengths of noise, (n,), the smallest as a rule 0; repeated doses allowed.  y: performance, (n,).
    chance: the floor that y falls to.
    curve: "interpolated": the nearest falling curve (isotonic least squares), straight between the doses; "logistic":
        the least-squares curve of ``dose_response`` (4 doses or more), read off at half of its own value at the
        smallest dose.  Its midpoint is no such reading: it halves an asymptote, which a curve that begins to fall at
        once never had.

    Returns
    -------
    A dose above the smallest; infinite where the curve never falls to half: the ED50 lies beyond the largest dose.

    When this is invalid
    --------------------
    Doses too far apart to follow the fall; performance that is at a ceiling at the smallest dose.

    Source: the isotonic fit is ``scipy.optimize.isotonic_regression`` (pool adjacent violators).

    Example
    -------
    >>> half_point([0, 1, 2], [1.0, 0.9, 0.5], chance=0.5)
    1.375
    >>> half_point([0, 1, 2], [1.0, 0.9, 0.8], chance=0.5)
    inf
    """
    x, y = sample(x, least=2), sample(y, "y")
    same_shape(x, y)
    doses, at = np.unique(x, return_inverse=True)
    if doses.size < 2:
        raise DesignError(f"one distinct dose ({x[0]:g}) given; a curve needs two or more.")
    found = CURVES[choice(curve, tuple(CURVES), "curve")](x, y, doses, at, float(chance))
    return float(found) if found <= doses[-1] else float("inf")


def _interpolated(x: Floats, y: Floats, doses: Floats, at: np.ndarray, chance: float) -> float:
    counts = np.bincount(at).astype(np.float64)
    falling = isotonic_regression(np.bincount(at, y) / counts, weights=counts, increasing=False).x
    if falling[0] <= chance:
        raise DataError(
            f"performance at the smallest dose ({falling[0]:.4g}) does not exceed chance={chance:g}: nothing to halve."
        )
    left = (falling - chance) / (falling[0] - chance)
    if left[-1] > 0.5:
        return np.inf
    after = int(np.argmax(left <= 0.5))
    return float(np.interp(0.5, [left[after], left[after - 1]], [doses[after], doses[after - 1]]))


def _logistic(x: Floats, y: Floats, doses: Floats, at: np.ndarray, chance: float) -> float:
    if doses.size >= 4 and (np.ptp(y) == 0 or np.polyfit(x, y, 1)[0] >= 0):
        return np.inf  # performance does not fall at all
    fit = dose_response(x, y, chance=chance)
    return float(fit.midpoint + fit.scale * np.logaddexp(0, np.log(2) + (doses[0] - fit.midpoint) / fit.scale))


#: How a curve is drawn through the points, by name.
CURVES: dict[str, Callable[[Floats, Floats, Floats, np.ndarray, float], float]] = {
    "interpolated": _interpolated,
    "logistic": _logistic,
}
