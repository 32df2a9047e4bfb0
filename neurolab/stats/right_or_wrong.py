"""The difference of two shares of the same items, by the score: what a sign-flip's interval is not made for.

Few items change and most do not, so that differences of 0 and 1 are not symmetric about a mean other than 0; shifted
sign-flips call a mean of .1 "less than .1" in a third of samples of 10 items. Nor are means of them over a few
networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as sps
from scipy.optimize import brentq

from neurolab.errors import DataError
from neurolab.stats._given import TINY, choice, floats, number, sample, unit_interval
from neurolab.stats.equivalence import Bounds, Tost, _bounds, _tested

#: Up to so many items every outcome is counted.
EXACT_ITEMS = 500
#: The score of what cannot be under the null.
FAR = 1e9


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
    """n items, of which ``lost`` are right only without the lesion, say, and ``won`` only with it; or shares of each.

    x : right minus wrong per item, -1 to 1; between these where it is a mean over networks, draws or repeats.
    """

    def __init__(self, x: ArrayLike) -> None:
        self.x = np.clip(sample(x), -1.0, 1.0)
        self.n, self.whole = self.x.size, is_of_shares(self.x)
        self.lost, self.won = float(self.x[self.x > 0].sum()), -float(self.x[self.x < 0].sum())
        self.effect = (self.lost - self.won) / self.n

    def spread(self, shift: float) -> float:
        """Get the standard error of ``lost - won`` where the true difference is ``shift``."""
        if not self.whole:
            return _reweighed(self.x, shift)
        return float(_spread(self.n, np.asarray(self.lost), np.asarray(self.won), shift))

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

    Means of such differences over several networks, draws or repeats of each item, which lie between -1 and 1, have
    the same score; its standard error is that of the likeliest distribution on [-1, 1] with the mean in question
    (empirical likelihood), in which items that none of the sample is like may be lost whole. Of whole items it is
    Tango's.

    Parameters
    ----------
    x: per item, right under the first condition minus right under the second, or the mean of that, shape (n,).

    When this is invalid: items that are not independent.
    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B, with a continuity
    correction, which keeps the coverage of few items; Owen (1988), doi:10.1093/biomet/75.2.237, for means.

    Example
    -------
    >>> found = paired_shares([1, 1, 1, -1] + [0] * 16)
    >>> found.effect, round(found.low, 3), round(found.high, 3)
    (0.1, -0.155, 0.354)
    """
    pairs = Pairs(_checked(x))
    return PairedShares(pairs.effect, *pairs.ends(level), pairs.n, int((pairs.x != 0).sum()), level)


def paired_shares_tost(x: ArrayLike, *, bounds: Bounds, alpha: float = 0.05) -> Tost:
    """Get the equivalence test of two shares of the same items, from differences of right and wrong (-1, 0, 1).

    Two one-sided score tests, each with half an item's correction; (low, high) is :func:`paired_shares` at level
    1 - 2 alpha. A sign-flip is not made for it: few items change, which is not symmetric about a bound. Means of such
    differences over networks, draws or repeats are tested by the score that :func:`paired_shares` has for them.

    When this is invalid: items that are not independent.
    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.

    Example
    -------
    >>> paired_shares_tost([0] * 5, bounds=0.1).equivalent, paired_shares_tost([0] * 40, bounds=0.1).equivalent
    (False, True)
    """
    (low, high), pairs, alpha = _bounds(bounds), Pairs(_checked(x)), unit_interval(alpha, "alpha")
    tested = _tested(low, high)
    asked = ((low, 1.0), (high, -1.0))
    lower, upper = (_beyond(pairs, end, side) if end in tested else None for end, side in asked)
    floor = max(_beyond(Pairs(np.zeros(pairs.n)), end, side) for end, side in asked if end in tested)
    p = max(one for one in (lower, upper) if one is not None)
    return Tost(p, pairs.effect, *pairs.ends(1 - 2 * alpha), (low, high), lower, upper, alpha, min(floor, p))


@dataclass(frozen=True)
class SharesBeyond:
    """A one-sided test that a difference of two shares lies beyond a value; ``effect`` is the difference."""

    p: float
    effect: float
    p_floor: float
    n: int
    alternative: str


def shares_beyond(x: ArrayLike, popmean: float, *, alternative: str = "greater") -> SharesBeyond:
    """Get the one-sided test that two shares of the same items differ by more, or less, than a value.

    p is that of Tango's score counted over all outcomes, at the worst share of items that change either way; above
    ``EXACT_ITEMS`` items, and of means of differences, that of the normal score of :func:`paired_shares`.

    Parameters
    ----------
    x: per item, right under the first condition minus right under the second, or the mean of that, shape (n,).
    popmean: the difference of shares under the null, between -1 and 1. alternative: "greater" or "less".

    When this is invalid: items that are not independent. At ``popmean`` 0 a ``sign_flip`` is exact.
    Source: Hsueh, Liu & Chen (2001), doi:10.1111/j.0006-341X.2001.00478.x.

    Example
    -------
    >>> found = shares_beyond([1] * 18 + [0] * 2, 0.5)
    >>> round(found.p, 4), round(found.p_floor, 4)
    (0.0062, 0.0032)
    """
    side = 1.0 if choice(alternative, ("greater", "less"), "alternative") == "greater" else -1.0
    pairs, shift = Pairs(_checked(x)), number(popmean, "popmean")
    if not -1 < shift < 1:
        raise DataError(f"popmean={popmean!r} given; expected a difference of shares, between -1 and 1.")
    p, floor = (_counted(one, shift, side) for one in (pairs, Pairs(np.full(pairs.n, side))))
    return SharesBeyond(p, pairs.effect, min(floor, p), pairs.n, alternative)


def _counted(pairs: Pairs, shift: float, side: float) -> float:
    """The chance of a score as far beyond a shift, at the worst share of items that change back."""
    n, lost, won = pairs.n, pairs.lost, pairs.won
    if n > EXACT_ITEMS or not pairs.whole:
        return pairs.tail(shift, side)
    if side < 0:  # the mirror image: what was won was lost
        lost, won, shift = won, lost, -shift
    changed = np.arange(n + 1)
    up = np.arange(n + 1) + np.zeros((n + 1, 1))  # of so many that changed (rows), this many were lost
    far = _score(n, up, changed[:, None] - up, shift) >= float(_score(n, lost, won, shift)) - 1e-9
    least = changed + 1 - (far & (up <= changed[:, None])).sum(axis=1)  # the score rises with what is lost
    back = np.linspace(max(0.0, -shift), (1 - shift) / 2, 129)[:, None]
    either = np.minimum(shift + 2 * back, 1.0)
    share = np.divide(shift + back, either, out=np.ones_like(back), where=either > 0)
    chance = sps.binom.pmf(changed, n, either) * sps.binom.sf(least - 1, changed, np.clip(share, 0, 1))
    return float(np.clip(chance.sum(axis=1).max(), TINY, 1.0))


def _score(n: int, lost: ArrayLike, won: ArrayLike, shift: float) -> NDArray:
    """How far ``lost - won`` of n lies above a shift, in standard errors; of outcomes that cannot be, any number."""
    b, c = np.asarray(lost, dtype=np.float64), np.asarray(won, dtype=np.float64)
    spread, apart = _spread(n, b, c, shift), b - c - n * shift
    return np.where(spread > 0, apart / np.where(spread > 0, spread, 1.0), np.sign(apart) * FAR)


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


def _spread(n: int, b: NDArray, c: NDArray, shift: float) -> NDArray:
    """The standard error of b - c of n where the true difference is ``shift`` (Tango 1998, eq. 3)."""
    half, rest = (2 * n - b + c) * shift - b - c, -c * shift * (1 - shift)
    least = (np.sqrt(np.maximum(half**2 - 8 * n * rest, 0.0)) - half) / (4 * n)
    return np.sqrt(np.maximum(n * (2 * least + shift * (1 - shift)), 0.0))


def _reweighed(x: NDArray, shift: float) -> float:
    """The standard error of the sum of values in [-1, 1] in the likeliest distribution of mean ``shift``.

    Each value has weight 1 / (1 - lean apart) / n; where no weights of theirs reach the mean, what is left of the
    weight lies at the end of the scale.
    """
    side = 1.0 if x.mean() <= shift else -1.0
    apart, end = side * (x - shift), 1 - side * shift
    most = (1 - 1e-12) / end

    def mean(lean: float) -> float:
        return float((apart / (1 - lean * apart)).sum())

    lean = 0.0 if mean(0.0) >= 0 else most if mean(most) <= 0 else float(brentq(mean, 0.0, most, xtol=1e-15 * most))
    weight = 1 / (1 - lean * apart) / x.size
    unseen = max(0.0, 1 - float(weight.sum())) if lean == most else 0.0
    return float(np.sqrt(x.size * ((weight * apart**2).sum() + unseen * end**2)))


def _checked(x: ArrayLike) -> NDArray:
    """Values between -1 and 1, but for rounding."""
    given = floats(x, "x")
    if (np.abs(given) > 1 + 1e-9).any():
        raise DataError(
            "x holds numbers beyond -1 and 1; expected right minus wrong per item, or the mean of that over networks. "
            "Use sign_flip or sign_flip_tost for other scores."
        )
    return given


def _beyond(pairs: Pairs, end: float, side: float) -> float:
    """The one-sided p that a difference of shares lies on one side of a bound, which may lie beyond all shares."""
    return pairs.tail(end, side) if -1 < end < 1 else TINY if side * end < 0 else 1.0
