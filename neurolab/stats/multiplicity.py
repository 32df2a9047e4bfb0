"""Many tests at once: adjusted p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError
from neurolab.stats._given import TINY, Bools, Floats, floats, regular, unit_interval


@dataclass(frozen=True)
class Adjusted:
    """Adjusted p-values in the shape given; ``n_tests`` is the number that the mask left, the others have p = 1."""

    p: Floats
    reject: Bools
    n_tests: int
    method: str
    alpha: float

    @property
    def q(self) -> Floats:
        """The adjusted p under the name that it has for false discovery rates."""
        return self.p

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.p, dtype=dtype, copy=copy)  # type: ignore[call-overload, no-any-return]


def _tested(p: ArrayLike, mask: ArrayLike | None) -> tuple[Floats, Bools]:
    """Get p and the boolean mask of the tests that count; what is not masked must be a p."""
    values = floats(p, "p")
    if np.asarray(p).dtype == bool:
        raise DataError("p holds booleans; expected p-values: a mask goes into mask=...")
    counts = np.ones(values.shape, dtype=bool) if mask is None else regular(mask, "mask")
    if counts.shape != values.shape or counts.dtype != bool:
        raise DataError(
            f"mask of shape {counts.shape} ({counts.dtype}) given for p of shape {values.shape}; expected booleans."
        )
    among = values[counts]
    if not ((among >= 0) & (among <= 1)).all():  # nan fails both
        raise DataError(
            "p holds NaN or values outside [0, 1]; say which tests count: mask=result.valid or mask=np.isfinite(p)."
        )
    return values, counts


def _adjusted(p: ArrayLike, mask: ArrayLike | None, alpha: float, method: str, factors: str) -> Adjusted:
    values, counts = _tested(p, mask)
    unit_interval(alpha, "alpha")
    among = values[counts]
    order, m = np.argsort(among, kind="stable"), among.size
    rank = np.arange(1, m + 1)
    if factors == "all":
        stepped = among[order] * m
    elif factors == "down":
        stepped = np.maximum.accumulate(among[order] * (m - rank + 1))
    else:
        dependence = (1.0 / rank).sum() if factors == "harmonic" else 1.0
        stepped = np.minimum.accumulate((among[order] * m / rank * dependence)[::-1])[::-1]
    adjusted = np.ones(values.shape)
    inside = np.empty(m)
    inside[order] = np.clip(stepped, np.maximum(among[order], TINY), 1.0)  # no p is 0
    adjusted[counts] = inside
    return Adjusted(adjusted, counts & (adjusted <= alpha), m, method, alpha)


def benjamini_hochberg(p: ArrayLike, *, mask: ArrayLike | None = None, alpha: float = 0.05) -> Adjusted:
    """Get p-values adjusted for the false discovery rate: among those with p <= alpha, a share alpha at most is
    expected false.

    Parameters
    ----------
    p: any shape.  mask: booleans of the same shape, True where a test counts; NaN elsewhere is allowed, the adjusted p
    is 1.

    When this is invalid: negatively dependent tests; use ``benjamini_yekutieli``.
    Source: Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x; agrees with
    ``scipy.stats.false_discovery_control``.

    Example
    -------
    >>> benjamini_hochberg([0.01, 0.02, 0.5]).p
    array([0.03, 0.03, 0.5 ])
    """
    return _adjusted(p, mask, alpha, "benjamini-hochberg", "up")


def benjamini_yekutieli(p: ArrayLike, *, mask: ArrayLike | None = None, alpha: float = 0.05) -> Adjusted:
    """Get p-values adjusted for the false discovery rate under any dependence; as ``benjamini_hochberg``, times 1 +
    ... + 1/m.

    Source: Benjamini & Yekutieli (2001), doi:10.1214/aos/1013699998; agrees with
    ``scipy.stats.false_discovery_control(method="by")``.

    Example
    -------
    >>> benjamini_yekutieli([0.01, 0.02, 0.5]).p.round(3)
    array([0.055, 0.055, 0.917])
    """
    return _adjusted(p, mask, alpha, "benjamini-yekutieli", "harmonic")


def holm(p: ArrayLike, *, mask: ArrayLike | None = None, alpha: float = 0.05) -> Adjusted:
    """Get p-values adjusted for the family-wise error rate, under any dependence: for few planned tests.

    Source: Holm (1979), doi:10.2307/4615733; agrees with ``statsmodels ... multipletests(method="holm")``.

    Example
    -------
    >>> holm([0.01, 0.02, 0.5]).p
    array([0.03, 0.04, 0.5 ])
    """
    return _adjusted(p, mask, alpha, "holm", "down")


def bonferroni(p: ArrayLike, *, mask: ArrayLike | None = None, alpha: float = 0.05) -> Adjusted:
    """Get p-values times the number of tests: family-wise under any dependence; ``holm`` is never worse.

    Source: Dunn (1961), doi:10.1080/01621459.1961.10482090; agrees with ``statsmodels ...
    multipletests(method="bonferroni")``.

    Example
    -------
    >>> bonferroni([0.01, 0.02, 0.5]).p
    array([0.03, 0.06, 1.  ])
    """
    return _adjusted(p, mask, alpha, "bonferroni", "all")
