"""What every statistic asks of its input, and the words it uses when it does not get it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as sps

from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rng = int | np.random.Generator

ALTERNATIVES = ("two-sided", "less", "greater")
TIE = 1e-9  # two statistics nearer than this share of their scale are a tie (float summation order)
LARGEST = 1e100  # beyond it, or below its inverse, squares and their sums leave float64
MOST = 2**53  # the largest count that is a float64 exactly
TINY = float(np.finfo(np.float64).tiny)  # no p is ever 0


def choice(given: str, allowed: tuple[str, ...], what: str) -> str:
    """Get the choice back, or an error that lists the allowed ones."""
    if given not in allowed:
        raise UnknownNameError(
            f"{what}={given!r} does not exist; choose from {listed(allowed)}.{did_you_mean(given, allowed)}"
        )
    return given


def generator(rng: Rng | None, what: str = "this test") -> np.random.Generator:
    """Get a numpy Generator from an int or a Generator; None is an error, for chance is never hidden."""
    if rng is None:
        raise DesignError(
            f"{what} draws at random here and got rng=None; expected an int or a numpy Generator: type rng=0."
        )
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as problem:
        raise DesignError(
            f"rng={rng!r} given; expected an int of 0 or more, or a numpy Generator: type rng=0."
        ) from problem


def _plain(value: object) -> float:
    """Get one real number as a float; nan for anything else."""
    given = np.asarray(value)
    return float(given) if given.ndim == 0 and given.dtype.kind in "biuf" else float("nan")


def unit_interval(value: float, what: str) -> float:
    """Get a level or alpha strictly between 0 and 1."""
    if not 0.0 < _plain(value) < 1.0:
        raise DataError(f"{what}={value!r} given; expected a number strictly between 0 and 1, such as 0.95 or 0.05.")
    return float(value)


def counted(value: int, what: str, *, least: int = 1) -> int:
    """Get a count that is at least ``least``."""
    if not (least <= _plain(value) <= MOST and value == int(value)):
        raise DesignError(f"{what}={value!r} given; expected a whole number of at least {least}.")
    return int(value)


def number(value: float, what: str) -> float:
    """Get one finite number that can be squared."""
    if not abs(_plain(value)) <= LARGEST:
        raise DataError(f"{what}={value!r} given; expected one finite number.")
    return float(value)


def regular(x: object, what: str) -> NDArray:
    """Get an array of anything, labels or numbers; rows of unequal length and masked values are an error."""
    if np.ma.is_masked(x):
        raise DataError(f"{what} is a masked array, and its mask would be lost: give {what}.compressed().")
    try:
        return np.asarray(x)
    except ValueError as problem:
        raise DataError(f"{what} is no regular array ({problem}); expected rows of equal length.") from None


def floats(x: ArrayLike, what: str = "x") -> Floats:
    """Get real numbers of any shape in float64; words, complex numbers and masked values are an error."""
    array = regular(x, what)
    try:
        if array.dtype.kind not in "biufO":
            raise TypeError(f"numbers expected, {array.dtype} found")
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(
            f"{what} is no array of real numbers ({problem}); expected numbers in a regular array."
        ) from None


def squarable(array: Floats, what: str) -> Floats:
    """Get the array back, in C order, unless its squares leave the range of float64."""
    size = max(abs(float(end.reduce(array, axis=None, initial=0.0))) for end in (np.fmin, np.fmax))
    if np.isinf(size):  # one that stands in a column
        size = float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
    if size > LARGEST or 0 < size < 1 / LARGEST:
        raise DataError(f"{what} reaches {size:.3g}, whose square float64 cannot hold; give it in another unit.")
    return np.ascontiguousarray(array)


def sample(x: ArrayLike, what: str = "x", *, least: int = 1) -> Floats:
    """Get one finite sample (n,) in float64; NaN and inf are an error, never dropped."""
    array = floats(x, what)
    if array.ndim != 1:
        raise DataError(f"{what} has shape {array.shape}; expected one value per network, person or item, shape (n,).")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise DataError(
            f"{what} holds {bad} NaN or infinite of {array.size} values; drop them yourself, and say so: "
            f"{what}[np.isfinite({what})]."
        )
    if array.size < least:
        raise DesignError(f"{what} has {array.size} values; expected at least {least}.")
    return squarable(array, what)


def columns(x: ArrayLike, what: str = "x", *, least: int = 2) -> Floats:
    """Get observations x columns in float64, C order (same numbers, same bits); NaN may stand in columns."""
    array = floats(x, what)
    if array.ndim != 2:
        raise DataError(
            f"{what} has shape {array.shape}; expected (observations, columns); for one column type {what}[:, None]."
        )
    if array.shape[0] < least:
        raise DesignError(f"{what} has {array.shape[0]} observations; expected at least {least}.")
    return squarable(array, what)


def same_shape(x: Floats, y: Floats) -> None:
    """Raise unless pairs are pairs."""
    if x.shape != y.shape:
        raise DataError(f"pairs of unequal shape: {x.shape} and {y.shape}; expected row i of both to belong together.")


def varies(x: Floats) -> Bools:
    """Get, per column, whether it is finite and not constant (exactly, not by a rounded variance)."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(x).all(axis=0) & (x.max(axis=0) > x.min(axis=0))


def untested(valid: Bools) -> str:
    """Get the sentence about columns that took no part, or an empty string."""
    out = int((~valid).sum())
    return f"{out} of {valid.size} columns are constant or not finite: not tested, p = 1." if out else ""


def tail_p(distribution: object, statistic: ArrayLike, alternative: str) -> Floats:
    """Get the p of a symmetric statistic under a frozen scipy distribution; never 0."""
    frozen = distribution
    value = np.asarray(statistic, dtype=np.float64)
    if alternative == "greater":
        p = frozen.sf(value)  # type: ignore[attr-defined]
    elif alternative == "less":
        p = frozen.cdf(value)  # type: ignore[attr-defined]
    else:
        p = 2.0 * frozen.sf(np.abs(value))  # type: ignore[attr-defined]
    return np.clip(p, TINY, 1.0)


def t_p(t: ArrayLike, df: ArrayLike, alternative: str) -> Floats:
    """Get the p of Student's t, in the stated tail."""
    return tail_p(sps.t(df), t, alternative)
