"""Slow drift and scale, taken out run by run: nothing is ever fitted across two runs."""

from __future__ import annotations

import numpy as np

from neurolab.errors import DesignError

#: What is left of a voxel below this share of its largest number is rounding, not signal.
ROUNDING = 1e-12


def remove_drift(values: np.ndarray, runs: np.ndarray, *, order: int = 1) -> np.ndarray:
    """Get the values without a polynomial of time, fitted in each run by least squares.

    Parameters
    ----------
    values : (n_volumes, n_voxels) float64.
    runs : (n_volumes,) which run each volume belongs to.
    order : of the polynomial: 0 takes the mean out, 1 a line, 2 a parabola.

    Returns
    -------
    (n_volumes, n_voxels) residuals; each run has mean 0. A voxel that is constant in a run becomes exactly 0 there.

    When this is invalid
    --------------------
    An effect as slow as the polynomial goes with it. A condition shown only at one end of a run is such an effect.

    Source
    ------
    Order 1 agrees with ``scipy.signal.detrend`` in each run.

    Example
    -------
    >>> remove_drift(np.array([[1.0], [2.0], [3.0], [9.0]]), np.array([0, 0, 0, 1]), order=0).ravel().tolist()
    [-1.0, 0.0, 1.0, 0.0]
    """
    if order < 0:
        raise DesignError(f"order={order} was given; expected 0 (mean), 1 (line) or more. Type order=1.")
    out = np.array(values, dtype=np.float64)
    for run in np.unique(runs):
        rows = np.flatnonzero(runs == run)
        if len(rows) <= order:
            raise DesignError(
                f"Run {run} has {len(rows)} volumes; order={order} needs more than {order}. Type a lower order."
            )
        basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, len(rows)), order))
        out[rows] -= basis @ (basis.T @ out[rows])
        out[rows] -= out[rows].mean(axis=0)
        largest = np.abs(np.asarray(values)[rows]).max(axis=0)
        out[rows] = np.where(np.abs(out[rows]).max(axis=0) <= ROUNDING * largest, 0.0, out[rows])
    return out


def standardise_runs(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Get z-scores within each run (mean 0, sd 1 over its volumes, n - 1); a voxel that is constant in a run gets 0.

    Parameters
    ----------
    values : (n_volumes, n_voxels).
    runs : (n_volumes,) which run each volume belongs to.

    When this is invalid
    --------------------
    With runs of unequal make-up: a run of one condition loses that condition's mean.

    Source
    ------
    Agrees with ``scipy.stats.zscore(ddof=1)`` in each run.

    Example
    -------
    >>> standardise_runs(np.array([[1.0, 5.0], [3.0, 5.0]]), np.zeros(2)).round(3).tolist()
    [[-0.707, 0.0], [0.707, 0.0]]
    """
    out = np.array(values, dtype=np.float64)
    for run in np.unique(runs):
        rows = np.flatnonzero(runs == run)
        if len(rows) < 2:
            raise DesignError(
                f"Run {run} has one volume, which has no spread. Type standardise=None, or give more volumes."
            )
        part = out[rows] - out[rows].mean(axis=0)
        sd = part.std(axis=0, ddof=1)
        flat = np.ptp(out[rows], axis=0) <= ROUNDING * np.abs(out[rows]).max(axis=0)
        out[rows] = np.where(flat, 0.0, part / np.where(flat, 1.0, sd))
    return out
