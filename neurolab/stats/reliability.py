"""How far a measurement agrees with itself: halves, raters, regions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import (
    TINY,
    Floats,
    Rng,
    choice,
    columns,
    counted,
    floats,
    generator,
    number,
    regular,
    sample,
    unit_interval,
)

MOST_SPLITS = 1_000
KINDS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


@dataclass(frozen=True)
class SplitHalf:
    """Split-half reliability: ``effect`` steps up ``r``, the mean over ``splits``, by Spearman-Brown."""

    effect: float
    r: float
    splits: Floats
    n_splits: int
    exact: bool


@dataclass(frozen=True)
class Icc:
    """An intraclass correlation with its F test against 0 (one-sided, as usual) and interval."""

    effect: float
    low: float
    high: float
    p: float
    f: float
    df1: float
    df2: float
    kind: str
    level: float


def spearman_brown(r: ArrayLike, n: float = 2) -> Floats:
    """Get the reliability of a measurement n times as long: n r / (1 + (n - 1) r).

    Over several splits step up the mean r, not each r.  Where a negative r would step up below -1, r itself is
    returned.

    Source: Spearman (1910); Brown (1910).

    Example
    -------
    >>> spearman_brown([0.5, 0.7]).round(7)
    array([0.6666667, 0.8235294])
    """
    r = floats(r, "r")
    if not (np.abs(r) <= 1 + 1e-12).all() or number(n, "n") <= 0:
        raise DataError("r outside [-1, 1] (or NaN), or n <= 0; expected correlations and a positive lengthening n.")
    with np.errstate(divide="ignore", invalid="ignore"):
        stepped = n * r / (1 + (n - 1) * r)
    return np.where((r < 0) & ~((stepped >= -1) & (stepped <= 0)), r, stepped)


def _halves(n: int, n_splits: int, rng: Rng | None) -> tuple[np.ndarray, bool]:
    """Get boolean rows (splits, n) that mark the first half: each split once when there are few, else drawn ones."""
    k = n // 2
    total = math.comb(n, k) // (2 if n % 2 == 0 else 1)
    if total <= MOST_SPLITS:
        chosen = np.array(list(combinations(range(n), k))[:total])  # even n: the mirror images come second
        rows = np.zeros((total, n), dtype=bool)
        rows[np.arange(total)[:, None], chosen] = True
        return rows, True
    n_splits = counted(n_splits, "n_splits")
    order = np.argsort(generator(rng, f"splitting {n} repetitions").random((n_splits, n)), axis=1)
    return order < k, False


def split_half(x: ArrayLike, *, n_splits: int = MOST_SPLITS, rng: Rng | None = None) -> SplitHalf:
    """Get the split-half reliability of a pattern over repetitions.

    Each split averages half of the repetitions and correlates the two mean patterns over features; the mean r over
    splits is stepped up by Spearman-Brown.  All splits are taken when there are at most 1,000, else ``n_splits``
    random ones.

    Parameters
    ----------
    x: repetitions x features, finite.

    When this is invalid: repetitions that share noise (one session), a half-pattern without variance over features.

    Example
    -------
    >>> split_half([[1.0, 2, 3], [1, 2, 4], [0, 2, 3], [1, 3, 3]]).n_splits
    3
    """
    x = columns(x)
    if x.shape[1] < 2 or not np.isfinite(x).all():
        raise DataError(
            f"x of shape {x.shape} given, with NaN or fewer than 2 features; expected finite repetitions x features."
        )
    rows, exact = _halves(len(x), n_splits, rng)
    first = rows @ x / rows.sum(axis=1, keepdims=True)
    second = ~rows @ x / (~rows).sum(axis=1, keepdims=True)
    if (np.ptp(first, axis=1) == 0).any() or (np.ptp(second, axis=1) == 0).any():
        raise DataError(
            "a half has the same value for every feature, so it correlates with nothing; drop constant repetitions."
        )
    first, second = (half - half.mean(axis=1, keepdims=True) for half in (first, second))
    r = (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    r = np.clip(r, -1, 1)
    return SplitHalf(float(spearman_brown(r.mean())), float(r.mean()), r, r.size, exact)


def dice(a: ArrayLike, b: ArrayLike) -> float:
    """Get the overlap of two boolean masks: 2 |a and b| / (|a| + |b|), from 0 to 1.

    Source: Dice (1945), doi:10.2307/1932409.

    Example
    -------
    >>> dice([True, True, False], [True, False, False]).__round__(4)
    0.6667
    """
    first, second = regular(a, "a"), regular(b, "b")
    if first.shape != second.shape or first.dtype != bool or second.dtype != bool:
        raise DataError(
            f"masks of {first.shape} {first.dtype} and {second.shape} {second.dtype} given; expected equal booleans."
        )
    size = int(first.sum() + second.sum())
    if size == 0:
        raise DataError("both masks are empty, so their overlap is undefined; check the threshold that made them.")
    return float(2 * (first & second).sum() / size)


def icc(x: ArrayLike, *, kind: str = "ICC(2,1)", level: float = 0.95) -> Icc:
    """Get an intraclass correlation of targets x raters: agreement (ICC(2,1)), consistency (ICC(3,1)) and others.

    Parameters
    ----------
    x: targets x raters (or units x repetitions), finite.
    kind: in Shrout and Fleiss's names: 1 one-way, 2 two-way agreement, 3 two-way consistency; k for the mean of k
    raters, minus infinity where raters differ more than k of them can average out.

    When this is invalid: targets of no spread; fewer than some 10 targets give wide intervals.
    Source: Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420; interval of ICC(2): McGraw & Wong (1996); agrees
    with ``pingouin.intraclass_corr``.

    Example
    -------
    >>> icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).effect.__round__(2)
    0.29
    """
    choice(kind, KINDS, "kind")
    x, (n, k) = columns(x), np.shape(x)
    if k < 2 or not np.isfinite(x).all():
        raise DesignError(
            f"x of shape {x.shape} given, with NaN or fewer than 2 raters; expected finite targets x raters."
        )
    grand, rows, cols = x.mean(), x.mean(axis=1, keepdims=True), x.mean(axis=0, keepdims=True)
    msr = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    msc = n * float(((cols - grand) ** 2).sum()) / (k - 1)
    mse = float(((x - rows - cols + grand) ** 2).sum()) / ((n - 1) * (k - 1))
    msw = float(((x - rows) ** 2).sum()) / (n * (k - 1))
    error, df2 = (msw, n * (k - 1)) if kind[4] == "1" else (mse, (n - 1) * (k - 1))
    if not error > 1e-24 * float((x**2).max()):
        raise DataError("the raters agree without any error (or the data are constant), so the F is infinite.")
    f, extra = msr / error, (k * (msc - mse) / n if kind[4] == "2" else 0.0)
    value = (msr - error) / (msr + (k - 1) * error + extra)
    ends = _agreement_ends(value, msr, msc, mse, n, k, level) if kind[4] == "2" else _f_ends(f, n - 1, df2, k, level)
    if kind[6] == "k":
        value, *ends = (_stepped_up(single, k) for single in (value, *ends))
    low, high = min(ends[0], value), max(ends[1], value)  # Satterthwaite's ends may miss far below 0
    return Icc(value, low, high, max(float(sps.f.sf(f, n - 1, df2)), TINY), f, n - 1, df2, kind, level)


def _stepped_up(single: float, k: int) -> float:
    """Get what the mean of k raters has; minus infinity from -1/(k - 1) down, where there is nothing to step up."""
    share = 1 + (k - 1) * single
    return k * single / share if share > 0 else -np.inf


def cronbach_alpha(x: ArrayLike, *, level: float = 0.95) -> Icc:
    """Get Cronbach's alpha of a sum over items, with Feldt's interval: it is ICC(3,k), and tested as that.

    alpha = k / (k - 1) (1 - sum of item variances / variance of the sum).

    Parameters
    ----------
    x: people, stimuli or networks x items (or repetitions), finite.

    When this is invalid: items of unequal loading (alpha is then a lower bound); items that measure several things.
    Source: Cronbach (1951), doi:10.1007/BF02310555; Feldt (1965); agrees with ``pingouin.cronbach_alpha``.

    Example
    -------
    >>> round(cronbach_alpha([[1, 2, 1], [2, 2, 3], [3, 4, 3], [5, 4, 5]]).effect, 4)
    0.9315
    """
    return replace(icc(x, kind="ICC(3,k)", level=level), kind="alpha")


def fisher_mean(r: ArrayLike) -> float:
    """Get the mean of correlations on Fisher's scale: tanh(mean(arctanh(r))).

    For reliability over splits step up the plain mean (``split_half``); this mean is larger.

    Example
    -------
    >>> round(fisher_mean([0.5, 0.9]), 4)
    0.7661
    """
    values = sample(r, "r")
    if (np.abs(values) >= 1).any():
        raise DataError("a correlation of -1 or 1 (or beyond) is infinite on Fisher's scale; average the others.")
    return float(np.tanh(np.arctanh(values).mean()))


def _f_ends(f: float, df1: int, df2: int, k: int, level: float) -> list[float]:
    """Get the ends of ICC(1,1) and ICC(3,1), from those of the F."""
    tail = (1 - unit_interval(level, "level")) / 2
    low, high = f / sps.f.isf(tail, df1, df2), f * sps.f.isf(tail, df2, df1)
    return [float((end - 1) / (end + k - 1)) for end in (low, high)]


def _agreement_ends(r: float, msr: float, msc: float, mse: float, n: int, k: int, level: float) -> list[float]:
    """Get the ends of ICC(2,1) by Satterthwaite's degrees of freedom (McGraw & Wong 1996, table 7)."""
    tail = (1 - unit_interval(level, "level")) / 2
    a, b = k * r / (n * (1 - r)), 1 + k * r * (n - 1) / (n * (1 - r))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    low_f, high_f = float(sps.f.isf(tail, n - 1, v)), float(sps.f.isf(tail, v, n - 1))
    rest = k * msc + (k * n - k - n) * mse
    return [n * (msr - low_f * mse) / (low_f * rest + n * msr), n * (high_f * msr - mse) / (rest + n * high_f * msr)]
