"""Shares over networks: how much of a loss was won back, how much of an effort was saved; tested by sign-flips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError
from neurolab.stats._given import Floats, Rng, counted, generator, same_shape, sample, unit_interval
from neurolab.stats._signs import EXACT_N, DrawnFlips, ExactFlips, rejecting
from neurolab.stats.intervals import too_few
from neurolab.stats.permutation import sign_flip

__all__ = ["Share", "sign_flip_share"]

ANGLES = 91


@dataclass(frozen=True)
class Share:
    """``effect`` is mean(gain) / mean(base); ``p`` tests that the mean gain is 0, and with it the share.

    (low, high) are all shares r for which the two-sided sign-flip of gain - r base does not reject; ``note`` says why
    an end is infinite.
    """

    p: float
    effect: float
    low: float
    high: float
    p_floor: float
    n: int
    alternative: str
    level: float
    note: str


def sign_flip_share(
    gain: ArrayLike,
    base: ArrayLike,
    *,
    alternative: str = "greater",
    level: float = 0.95,
    n_permutations: int = 9_999,
    rng: Rng | None = None,
) -> Share:
    """Get the share mean(gain) / mean(base) of paired values, with the interval that inverts the sign-flip.

    Fieller's idea with the exact test in the place of t: r is a possible share where the signs of gain - r base could
    be a coin's. With positive bases the ends are shares over subsets of the networks, counted without enumerating them.

    Parameters
    ----------
    gain, base: one value per network in the same order and unit, (n,): steps saved and steps once needed, say.
    alternative: of the p: "greater", "less" or "two-sided". level: coverage of the two-sided interval.
    n_permutations, rng: used above 30 values only.

    When this is invalid
    --------------------
    Bases that are not shown to differ from 0: then every share is possible and both ends are infinite.

    Source: Fieller (1954), J. R. Stat. Soc. B 16, 175-185; the sign-flip is that of ``sign_flip``.

    Example
    -------
    >>> found = sign_flip_share([8, 7, 9, 6, 8, 7], [10, 10, 12, 9, 10, 11])
    >>> round(found.effect, 3), round(found.low, 3), round(found.high, 3), found.p
    (0.726, 0.636, 0.8, 0.015625)
    """
    gain, base = sample(gain, "gain"), sample(base, "base")
    same_shape(gain, base)
    if not base.mean() > 0:
        raise DataError(f"the mean base is {base.mean():.4g}; a share needs something to be a share of, above 0.")
    stream = partial(np.random.default_rng, _seed(gain.size, rng))  # p and interval over the same patterns
    test = sign_flip(gain, alternative=alternative, level=level, n_permutations=n_permutations, rng=stream())
    flips = _flips(gain.size, counted(n_permutations, "n_permutations"), stream)
    alpha = (1 - unit_interval(level, "level")) / 2
    low, high = (_monotone if (base > 0).all() else _scanned)(gain, base, flips, alpha)
    if _kept(gain, flips, alpha, slack=1.0):  # whole numbers tie: 0 lies inside exactly when its own test keeps it
        low, high = min(low, 0.0), max(high, 0.0)
    note = ""
    if not np.isfinite([low, high]).all():
        shown = (base > 0).all() or not _kept(-base, flips, alpha)
        note = too_few(gain.size, level) if shown else "what it is a share of is not shown to differ from 0"
    effect = float(gain.mean() / base.mean())
    return Share(test.p, effect, low, high, test.p_floor, gain.size, alternative, level, note)


Flips = Callable[[Floats], ExactFlips | DrawnFlips]


def _seed(n: int, rng: Rng | None) -> int:
    """What every drawing of patterns starts from; 0 where all are counted."""
    return 0 if n <= EXACT_N else int(generator(rng, f"a sign-flip over {n} values").integers(2**62))


def _flips(n: int, n_permutations: int, stream: Callable[[], np.random.Generator]) -> Flips:
    """Sign patterns for any values: the same ones each time where they are drawn."""
    return ExactFlips if n <= EXACT_N else lambda values: DrawnFlips(values, n_permutations, stream())


def _rejected(values: Floats, flips: Flips, alpha: float, slack: float = 0.0) -> bool:
    """Whether the mean is shown to lie above 0, one-sided; slack 1 counts sums within rounding of 0 as ties."""
    test = flips(values)
    return test.at_most(0.0, slack) <= rejecting(test, alpha)


def _kept(values: Floats, flips: Flips, alpha: float, slack: float = 0.0) -> bool:
    return not _rejected(values, flips, alpha, slack) and not _rejected(-values, flips, alpha, slack)


def _monotone(gain: Floats, base: Floats, flips: Flips, alpha: float) -> tuple[float, float]:
    """With positive bases each side rejects up to a share and never beyond: bisect between the single shares."""
    each, ends = gain / base, []
    for sign in (1.0, -1.0):
        inside, outside = (each.max(), each.min()) if sign > 0 else (each.min(), each.max())
        apart = max(1.0, float(np.abs(each).max()))
        if not _rejected(sign * (gain - (outside - sign * apart) * base), flips, alpha):
            ends.append(-sign * np.inf)
            continue
        rejects = lambda r, sign=sign: _rejected(sign * (gain - r * base), flips, alpha)  # noqa: E731
        ends.append(_edge(rejects, outside - sign * 1e-9 * apart, float(inside)))
    return ends[0], ends[1]


def _edge(rejects: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where a test stops rejecting between a point outside and one inside."""
    for _ in range(48):
        middle = 0.5 * (outside + inside)
        outside, inside = (middle, inside) if rejects(middle) else (outside, middle)
    return float(0.5 * (outside + inside))


def _scanned(gain: Floats, base: Floats, flips: Flips, alpha: float) -> tuple[float, float]:
    """With bases of either sign the kept shares are looked for at every angle; their hull is the interval."""
    if _kept(-base, flips, alpha):
        return -np.inf, np.inf

    def rejects(angle: float) -> bool:
        return not _kept(np.cos(angle) * gain - np.sin(angle) * base, flips, alpha)

    centre = float(np.arctan2(gain.mean(), base.mean()))
    angles = np.sort(np.append(np.linspace(-np.pi / 2, np.pi / 2, ANGLES), centre))
    kept = np.flatnonzero([not rejects(angle) for angle in angles])
    first, last = int(kept[0]), int(kept[-1])
    low, high = _edge(rejects, angles[first - 1], angles[first]), _edge(rejects, angles[last + 1], angles[last])
    return float(np.tan(low)), float(np.tan(high))
