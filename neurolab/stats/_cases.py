"""The values that the single-case tests return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SingleCase:
    """A test of deficit; ``effect`` is z_cc = (case - mean) / sd, with (low, high) from the non-central t.

    ``percent_below`` estimates the percentage of the control population below the case, with its interval.
    """

    p: float
    t: float
    df: int
    effect: float
    low: float
    high: float
    percent_below: float
    percent_low: float
    percent_high: float
    n: int
    alternative: str
    level: float

    @property
    def z_cc(self) -> float:
        """The effect under its usual name."""
        return self.effect


@dataclass(frozen=True)
class Difference:
    """A test of a case's difference between two tasks against the controls' differences.

    ``effect`` is the standardised difference z_dcc (for the unstandardised test the raw difference from the controls'
    mean difference, with its interval); ``z_x`` and ``z_y`` are the case's two scores in control sds, ``r`` the
    controls' correlation.
    """

    p: float
    t: float
    df: int
    effect: float
    low: float | None
    high: float | None
    z_x: float
    z_y: float
    r: float
    n: int
    test: str
    alternative: str
    level: float

    @property
    def z_dcc(self) -> float:
        """The standardised difference of differences, (z_x - z_y) / sqrt(2 - 2 r)."""
        return (self.z_x - self.z_y) / float(np.sqrt(2 - 2 * self.r))


@dataclass(frozen=True)
class BayesianDifference:
    """A Bayesian test of a standardised difference; ``effect`` is z_dcc with its credible interval.

    ``percent_below`` estimates the percentage of the population with a difference below the case's, with its interval.
    """

    p: float
    effect: float
    low: float
    high: float
    percent_below: float
    percent_low: float
    percent_high: float
    n: int
    prior: str
    level: float

    @property
    def z_dcc(self) -> float:
        """The effect under its usual name."""
        return self.effect


@dataclass(frozen=True)
class Classification:
    """A verdict after Crawford, Garthwaite & Gray (2003), with its tests; ``p`` is that of the difference."""

    verdict: str
    p: float
    deficit_x: SingleCase
    deficit_y: SingleCase
    difference: Difference
    alpha: float
