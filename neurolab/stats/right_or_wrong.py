"""The difference of two shares of the same items, by the score: what a sign-flip's interval is not made for.

Few items change and most do not, so that differences of 0 and 1 are not symmetric about a mean other than 0; shifted
sign-flips call a mean of .1 "less than .1" in a third of samples of 10 items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.optimize import brentq

from neurolab.errors import DataError
from neurolab.stats._given import TINY, floats, sample, unit_interval
from neurolab.stats.equivalence import Bounds, Tost, _bounds, _tested


@dataclass(frozen=True)
class PairedShares:
    """The difference of two shares of the same items: ``effect``, with the score interval (low, high)."""

    effect: float
    low: float
    high: float
    n: int
    n_discordant: int
    level: float


def is_of_shares(x: ArrayLike) -> bool:
    """Get whether values are differences of right and wrong: -1, 0 and 1 alone.

    Example
    -------
    >>> is_of_shares([0, 1, -1, 0]), is_of_shares([0.5, 0, 1])
    (True, False)
    """
    return bool(np.isin(np.asarray(x), (-1, 0, 1)).all())


class Pairs:
    """n items, of which ``lost`` are right only without the lesion, say, and ``won`` only with it."""

    def __init__(self, x: ArrayLike) -> None:
        values = sample(x)
        self.n, self.lost, self.won = values.size, int((values > 0).sum()), int((values < 0).sum())
        self.effect = (self.lost - self.won) / self.n

    def spread(self, shift: float) -> float:
        """Get the standard error of ``lost - won`` where the true difference is ``shift`` (Tango 1998, eq. 3)."""
        n, b, c = self.n, self.lost, self.won
        half, rest = (2 * n - b + c) * shift - b - c, -c * shift * (1 - shift)
        least = (np.sqrt(max(half**2 - 8 * n * rest, 0.0)) - half) / (4 * n)
        return float(np.sqrt(max(n * (2 * least + shift * (1 - shift)), 0.0)))

    def tail(self, shift: float, side: float) -> float:
        """Get the one-sided p that the difference lies above (side 1) or below (-1) ``shift``, half an item less."""
        apart, spread = side * (self.lost - self.won - self.n * shift) - 0.5, self.spread(shift)
        if spread == 0:
            return TINY if apart > 0 else 1.0
        return max(float(sps.norm.sf(apart / spread)), TINY)

    def end(self, side: float, tail: float) -> float:
        """Get the end of the interval on one side: the shift whose p on that side is ``tail``."""
        def over(shift: float) -> float:
            return self.tail(shift, -side) - tail

        far = side * (1 - 1e-12)
        return side if over(far) >= 0 else float(brentq(over, self.effect, far, xtol=1e-12))

    def ends(self, level: float) -> tuple[float, float]:
        """Get both ends at a level of coverage."""
        tail = (1 - unit_interval(level, "level")) / 2
        return self.end(-1.0, tail), self.end(1.0, tail)


def paired_shares(x: ArrayLike, *, level: float = 0.95) -> PairedShares:
    """Get the mean of differences of right and wrong (-1, 0, 1) over items, with Tango's interval, half an item wider.

    Parameters
    ----------
    x: per item, right under the first condition minus right under the second, shape (n,).

    When this is invalid: items that are not independent.
    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B, with a continuity
    correction, which keeps the coverage of few items.

    Example
    -------
    >>> found = paired_shares([1, 1, 1, -1] + [0] * 16)
    >>> found.effect, round(found.low, 3), round(found.high, 3)
    (0.1, -0.155, 0.354)
    """
    given = floats(x, "x")
    if not is_of_shares(given):
        raise DataError("x holds other numbers than -1, 0 and 1; expected right minus wrong per item, or a sign_flip.")
    pairs = Pairs(given)
    return PairedShares(pairs.effect, *pairs.ends(level), pairs.n, pairs.lost + pairs.won, level)


def paired_shares_tost(x: ArrayLike, *, bounds: Bounds, alpha: float = 0.05) -> Tost:
    """Get the equivalence test of two shares of the same items, from differences of right and wrong (-1, 0, 1).

    Two one-sided score tests, each with half an item's correction; (low, high) is :func:`paired_shares` at level
    1 - 2 alpha. A sign-flip is not made for it: few items change, which is not symmetric about a bound.

    When this is invalid: items that are not independent.
    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.

    Example
    -------
    >>> paired_shares_tost([0] * 5, bounds=0.1).equivalent, paired_shares_tost([0] * 40, bounds=0.1).equivalent
    (False, True)
    """
    given = floats(x, "x")
    if not is_of_shares(given):
        raise DataError("x holds other numbers than -1, 0 and 1; expected right minus wrong per item: sign_flip_tost.")
    (low, high), pairs, alpha = _bounds(bounds), Pairs(given), unit_interval(alpha, "alpha")
    tested = _tested(low, high)
    asked = ((low, 1.0), (high, -1.0))
    lower, upper = (_beyond(pairs, end, side) if end in tested else None for end, side in asked)
    floor = max(_beyond(Pairs(np.zeros(pairs.n)), end, side) for end, side in asked if end in tested)
    p = max(one for one in (lower, upper) if one is not None)
    return Tost(p, pairs.effect, *pairs.ends(1 - 2 * alpha), (low, high), lower, upper, alpha, min(floor, p))


def items_needed(bound: float, *, alpha: float = 0.05) -> int:
    """Get how many items, of which none changes, show by ``paired_shares_tost`` that two shares lie within ±bound.

    Example
    -------
    >>> items_needed(0.1)
    34
    """
    bound, z = unit_interval(bound, "bound"), float(sps.norm.isf(unit_interval(alpha, "alpha")))
    spread = z * np.sqrt(bound * (1 - bound))
    return int(np.ceil(((spread + np.sqrt(spread**2 + 2 * bound)) / (2 * bound)) ** 2))


def _beyond(pairs: Pairs, end: float, side: float) -> float:
    """The one-sided p that a difference of shares lies on one side of a bound, which may lie beyond all shares."""
    return pairs.tail(end, side) if -1 < end < 1 else TINY if side * end < 0 else 1.0
