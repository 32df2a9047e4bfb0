"""The exact sign-flip distribution of a mean, counted without enumerating it.

Flipping the signs of a subset F of the centred values d = x - mu changes their sum by -2 sum_F d.  So a flipped sum is
at least the observed one exactly when sum_F d <= 0, that is, when the mean of x over F is at most mu (Hartigan 1969).
Both the p and the interval that inverts it need only the number of subsets whose sum lies below a threshold: two
halves of n/2 values each have 2^(n/2) subset sums, and sorted halves are counted against each other (meet in the
middle).
"""

from __future__ import annotations

from copy import copy

import numpy as np

from neurolab.stats._given import TIE, Floats

EXACT_N = 30  # 2 x 2^15 subset sums: some milliseconds
FEW = 4  # values that stand so often each, in the mean, are few


def subset_sums(values: Floats) -> Floats:
    """Get the sums over all 2^n subsets, the empty one first."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate((sums, sums + value))
    return sums


def count_at_most(values: Floats, threshold: float) -> int:
    """Get how many of the 2^n subsets have a sum of at most ``threshold``."""
    half = values.size // 2
    left, right = subset_sums(values[:half]), np.sort(subset_sums(values[half:]))
    return int(np.searchsorted(right, np.sort(threshold - left), side="right").sum())


def tolerance(d: Floats) -> float:
    """Get the width within which two sums are a tie."""
    return TIE * float(np.abs(d).sum())


class ExactFlips:
    """All 2^n sign patterns of n values (n <= 30)."""

    def __init__(self, x: Floats):
        self.x, self.total, self.exact = x, 2**x.size, True

    def mirrored(self) -> ExactFlips:
        """Get the patterns of -x."""
        return ExactFlips(-self.x)

    def at_most(self, mu: float, slack: float = 1.0) -> int:
        """Get the number of subsets F, the empty one included, with sum over F of (x - mu) <= tie width * slack."""
        d = self.x - mu
        return count_at_most(d, slack * tolerance(d))

    def beyond(self, mu: float, alternative: str) -> int:
        """Get how many sign patterns, the identity included, are at least as extreme as the observed mean minus mu."""
        d = self.x - mu
        tie, observed = tolerance(d), float(d.sum())
        if alternative == "greater":
            return count_at_most(d, tie)
        if alternative == "less":
            return count_at_most(-d, tie)
        if abs(observed) <= tie:
            return self.total
        return min(2 * count_at_most(d * np.sign(observed), tie), self.total)  # the distribution is symmetric


class DrawnFlips:
    """m random sign patterns, drawn with replacement, and the identity.

    Of values that are equal, as those of right and wrong are, only how many are flipped is drawn: the same patterns
    for a fiftieth of the price.
    """

    def __init__(self, x: Floats, m: int, rng: np.random.Generator):
        self.x, self.total, self.exact = x, m + 1, False
        values, counts = np.unique(x, return_counts=True)
        if FEW * values.size <= x.size:
            flips: np.ndarray = rng.binomial(counts, 0.5, size=(m, values.size))
        else:
            values, flips = x, rng.random((m, x.size)) < 0.5
        self.sums, self.sizes = flips @ values, flips.sum(axis=1)

    def mirrored(self) -> DrawnFlips:
        """Get the same drawn patterns of -x."""
        other = copy(self)
        other.x, other.sums = -self.x, -self.sums
        return other

    def at_most(self, mu: float, slack: float = 1.0) -> int:
        """Get the same count as in ``ExactFlips``, over the drawn patterns and the identity."""
        return 1 + int((self.sums - mu * self.sizes <= slack * tolerance(self.x - mu)).sum())

    def beyond(self, mu: float, alternative: str) -> int:
        """Get how many patterns, the identity included, are at least as extreme as the observed mean minus mu."""
        d = self.x - mu
        tie, flipped = tolerance(d), self.sums - mu * self.sizes
        if alternative == "greater":
            return 1 + int((flipped <= tie).sum())
        if alternative == "less":
            return 1 + int((flipped >= -tie).sum())
        fewer = min(int((flipped <= tie).sum()), int((flipped >= -tie).sum()))
        return min(2 * (1 + fewer), self.total)  # twice the smaller tail, as the interval has it


def ends(flips: ExactFlips | DrawnFlips, alpha: float, nulls: tuple[float, ...]) -> tuple[float, float]:
    """Get both ends, each one-sided test at alpha; each of ``nulls`` lies outside exactly when its test has p <= alpha.

    p counts subsets within the tie width; an end is a subset mean itself. Where such a tie keeps a null that the end
    would pass by a rounding error, the end is that null.
    """
    tests = (flips, 1.0), (flips.mirrored(), -1.0)
    found = []
    for test, sign in tests:
        end = lower_end(test, alpha)
        kept = (sign * mu for mu in nulls if sign * mu < end and test.at_most(sign * mu) > rejecting(test, alpha))
        found.append(sign * min(kept, default=end))
    return found[0], found[1]


def rejecting(flips: ExactFlips | DrawnFlips, alpha: float) -> int:
    """Get the largest count of patterns at which p <= alpha."""
    return int(np.floor(alpha * flips.total * (1 + 1e-12)))


def lower_end(flips: ExactFlips | DrawnFlips, alpha: float) -> float:
    """Get the largest mu below which the one-sided test ("greater") gives p <= alpha; -inf where it never does.

    p(mu) = at_most(mu) / total is a step function that grows with mu and steps at means of subsets, all of them between
    the smallest and the largest x: bisect for the step.
    """
    needed = rejecting(flips, alpha)  # reject while at_most(mu) <= needed
    x = flips.x
    if needed < 1 or x.size == 0:
        return -np.inf
    low, high = float(x.min()), float(x.max())
    if flips.at_most(low - max(1.0, abs(low))) > needed:  # too many empty draws
        return -np.inf
    if flips.at_most(low, slack=0.0) > needed or low == high:
        return low
    for _ in range(200):
        middle = 0.5 * (low + high)
        if high - low <= 1e-13 * max(abs(low), abs(high)) or middle in (low, high):
            break
        low, high = (low, middle) if flips.at_most(middle, slack=0.0) > needed else (middle, high)
    return high
