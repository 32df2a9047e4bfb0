"""Whether a measured rate is what was promised: binomial bands of 99.9 %, one sentence of verdict."""

from __future__ import annotations

from math import isfinite

from scipy import stats as sps

from neurolab.calibrate.entry import Promise

BAND = 0.999
PUBLISHED_FROM = 2_000  # simulations behind a published rate

HOLDS, BROKEN = "holds", "BROKEN"


def clopper_pearson(hits: int, n: int) -> tuple[float, float]:
    """Get the 99.9 % interval of a rate of which ``hits`` of ``n`` simulations were counted.

    Example
    -------
    >>> low, high = clopper_pearson(10, 200)
    >>> round(low, 3), round(high, 3)
    (0.014, 0.122)
    """
    ends = sps.binomtest(hits, n).proportion_ci(BAND, method="exact")
    return float(ends.low), float(ends.high)


def counts(rate: float, n: int) -> tuple[int, int]:
    """Get the counts between which n simulations at this rate fall with probability .999 or more."""
    return int(sps.binom.ppf((1 - BAND) / 2, n, rate)), int(sps.binom.isf((1 - BAND) / 2, n, rate))


def judge(promise: Promise, hits: int, n: int, *, coverage: bool = False) -> str:
    """Get the verdict on one rate: "holds", "BROKEN", or "liberal", "conservative", "fails" with ": published".

    coverage : the hits are coverages, so that too few of them is the error; else rejections.

    Example
    -------
    >>> from neurolab.calibrate.entry import conservative, exact, shortcut
    >>> judge(exact(), 10, 200), judge(exact(), 40, 200), judge(conservative(), 0, 200), judge(shortcut(), 100, 200)
    ('holds', 'BROKEN', 'holds', 'fails: published')
    """
    if promise.kind == "shortcut":
        low, high = clopper_pearson(hits, n)
        return "fails: published" if (high < promise.level if coverage else low > promise.level) else BROKEN
    if promise.kind == "approximate":
        return _approximate(promise, hits, n, coverage=coverage)
    low, high = counts(promise.target, n)
    too_few, too_many = hits < low, hits > high
    if promise.kind == "conservative":
        too_few, too_many = too_few and coverage, too_many and not coverage
    return BROKEN if too_few or too_many else HOLDS


def _approximate(promise: Promise, hits: int, n: int, *, coverage: bool) -> str:
    """Compare with the published rate, itself measured; say on which side of its level the published rate lies."""
    share, behind = hits / n, n
    if promise.rate is not None:
        both = max(1, round(n * PUBLISHED_FROM / (n + PUBLISHED_FROM)))
        low, high = counts(promise.rate, both)
        if not low / both <= share <= high / both:
            return BROKEN
        share, behind = promise.rate, PUBLISHED_FROM
    low, high = counts(promise.level, behind)
    if low / behind <= share <= high / behind:
        return HOLDS
    more = share > promise.level
    return "conservative: published" if more == coverage else "liberal: published"


def worst(verdicts: list[str]) -> str:
    """Get one verdict for a row: the first that is not "holds", BROKEN before all.

    Example
    -------
    >>> worst(["holds", "liberal: published"]), worst(["liberal: published", "BROKEN"])
    ('liberal: published', 'BROKEN')
    """
    return min(verdicts, key=lambda said: (said != BROKEN, said == HOLDS), default="")


def finite(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and isfinite(value)
