"""Intervals: by inverting the reported test for networks and people, by bootstrap for stimuli."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.stats._bootstrap import acceleration, bootstrap, hierarchical_bootstrap
from neurolab.stats._given import TIE, Floats, Rng, counted, generator, sample, unit_interval
from neurolab.stats._interval import Interval
from neurolab.stats._signs import EXACT_N, DrawnFlips, ExactFlips, ends

__all__ = [
    "Interval",
    "acceleration",
    "bootstrap",
    "hierarchical_bootstrap",
    "mean_interval",
    "sign_flip_interval",
    "t_interval",
]

FEW = 30  # below this many networks the interval inverts the sign-flip test, from here on the t test


def too_few(n: int, level: float) -> str:
    """Get the sentence that explains an infinite end, with the number of values that would do."""
    needed = int(np.ceil(np.log2(2.0 / (1.0 - level)) - 1e-9))
    reach = f"with {n} values the sign-flip test cannot reach {1 - level:.3g} two-sided"
    return f"{reach}, so the interval has no end; use {needed} or more."


def flips_of(x: Floats, n_permutations: int, rng: Rng | None) -> ExactFlips | DrawnFlips:
    """Get every sign pattern of up to 30 values, else ``n_permutations`` drawn ones (then ``rng`` is required)."""
    if x.size <= EXACT_N:
        return ExactFlips(x)
    return DrawnFlips(x, counted(n_permutations, "n_permutations"), generator(rng, f"a sign-flip over {x.size} values"))


def flip_ends(
    flips: ExactFlips | DrawnFlips, level: float, nulls: tuple[float, ...] = (0.0,)
) -> tuple[float, float]:
    """Get both ends of the interval that inverts the two-sided sign-flip test over these patterns.

    nulls: means that lie outside the interval exactly when their test rejects, ties included.  An end within the width
    of a tie of 0 is 0: what is left there is rounding.
    """
    low, high = ends(flips, (1.0 - level) / 2.0, nulls)
    tie = TIE * float(np.abs(flips.x).mean())
    return 0.0 if abs(low) <= tie else low, 0.0 if abs(high) <= tie else high


def sign_flip_interval(
    x: ArrayLike, *, level: float = 0.95, n_permutations: int = 9_999, rng: Rng | None = None
) -> Interval:
    """Get the interval of all means that the two-sided sign-flip test does not reject at ``1 - level``.

    The ends are means over subsets of the values (Hartigan 1969).  Exact for up to 30 values; above that it inverts the
    test over ``n_permutations`` drawn patterns, and ``rng`` is required.

    Parameters
    ----------
    x: one value per network or person, shape (n,).
    level: coverage, between 0 and 1.

    Returns
    -------
    Interval with infinite ends, and a note, where n is too small for the level (n < 6 at .95).

    When this is invalid
    --------------------
    The values are not independent, or their distribution is far from symmetric about the mean.

    Source: Hartigan (1969), J. Am. Stat. Assoc. 64, 1303-1317.

    Example
    -------
    >>> ends = sign_flip_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> ends.low, ends.high
    (1.0, 6.0)
    """
    x, level = sample(x), unit_interval(level, "level")
    low, high = flip_ends(flips_of(x, n_permutations, rng), level)
    note = "" if np.isfinite([low, high]).all() else too_few(x.size, level)
    return Interval(float(x.mean()), low, high, level, "sign-flip", x.size, note)


def t_interval(x: ArrayLike, *, level: float = 0.95) -> Interval:
    """Get the mean and its Student interval: mean ± t(n-1) s / sqrt(n).

    When this is invalid: few values from a skewed distribution.  Constant values give a zero-width interval, with a
    note.

    Example
    -------
    >>> ends = t_interval([1.0, 2.0, 3.0])
    >>> round(ends.low, 4), round(ends.high, 4)
    (-0.4841, 4.4841)
    """
    x, level = sample(x, least=2), unit_interval(level, "level")
    constant = x.max() == x.min()
    half = 0.0 if constant else float(sps.t.ppf(0.5 + level / 2, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size))
    mean = float(x[0] if constant else x.mean())
    return Interval(mean, mean - half, mean + half, level, "t", x.size, "all values are equal." if constant else "")


def mean_interval(x: ArrayLike, level: float = 0.95) -> Interval:
    """Get the interval of a mean over networks or people: inverted sign-flip below 30 values, Student from 30 on.

    Never draws at random.  The bootstrap is not used: at n = 8 its BCa form covers .88 where .95 is asked.

    Example
    -------
    >>> mean_interval([0.1, 0.2, 0.3]).note[:13]
    'with 3 values'
    """
    x = sample(x)
    return sign_flip_interval(x, level=level) if x.size < FEW else t_interval(x, level=level)
