"""What permutation p-values can be: their exact value from few draws, their floor, and the n that reaches a level."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import stats as sps
from scipy.integrate import quad

from neurolab.errors import DataError
from neurolab.stats._given import ALTERNATIVES, choice, counted, unit_interval

MOST_BITS = 1_020  # beyond 2^1020 arrangements the floor is that of float64


def exact_p(b: int, m: int, mt: int | None = None, *, method: str = "exact") -> float:
    """Get the p of b exceedances in m random permutations, drawn with replacement from mt possible ones.

    mt=None gives the always valid (b + 1) / (m + 1).  "exact" averages BinomCDF(b; m, i/mt) over i = 1..mt;
    "approximate" is (b + 1)/(m + 1) minus the integral of BinomCDF(b; m, p) over 0..1/(2 mt).

    Source: Phipson & Smyth (2010), doi:10.2202/1544-6115.1585 (R: statmod::permp).

    Example
    -------
    >>> round(exact_p(0, 99, 924), 10)
    0.0094685356
    """
    m, b = counted(m, "m"), counted(b, "b", least=0)
    choice(method, ("exact", "approximate"), "method")
    if b > m:
        raise DataError(f"b={b} exceedances of m={m} permutations given; expected b <= m.")
    if mt is None:
        return (b + 1) / (m + 1)
    mt = counted(mt, "mt")
    if method == "exact":
        return float(sps.binom.cdf(b, m, np.arange(1, mt + 1) / mt).mean())
    excess, _ = quad(lambda p: float(sps.binom.cdf(b, m, p)), 0.0, 0.5 / mt)
    return (b + 1) / (m + 1) - float(excess)


def p_floor(
    design: str, *, n: int | tuple[int, int], alternative: str = "two-sided", n_permutations: int | None = None
) -> float:
    """Get the smallest p that a design can give, before it is run.

    Parameters
    ----------
    design: "sign_flip" (n networks or pairs), "label_shuffle" (n = (n_a, n_b)) or "rank" (a target among n controls).
    n_permutations: give it when arrangements are drawn rather than enumerated; the floor is then 1 / (m + 1), and
        2 / (m + 1) for a two-sided sign-flip, which doubles the smaller tail.

    Example
    -------
    >>> p_floor("sign_flip", n=5), p_floor("sign_flip", n=6, alternative="greater"), p_floor("rank", n=19)
    (0.0625, 0.015625, 0.05)
    """
    choice(design, ("sign_flip", "label_shuffle", "rank"), "design")
    choice(alternative, ALTERNATIVES, "alternative")
    if n_permutations is not None:
        n_permutations = counted(n_permutations, "n_permutations")
        doubled = design == "sign_flip" and alternative == "two-sided"
        return (2.0 if doubled else 1.0) / (n_permutations + 1)
    sizes = [counted(k, "n") for k in (n if isinstance(n, tuple | list) else (n,))]
    if design == "rank":
        return 1.0 / (sum(sizes) + 1)
    if design == "sign_flip":
        return min(1.0, (2.0 if alternative == "two-sided" else 1.0) * 2.0 ** -min(sum(sizes), MOST_BITS))
    n_a, n_b = (sizes * 2)[:2]
    both = (
        alternative == "two-sided" and n_a == n_b
    )  # only equal groups have a mirror arrangement of equal |difference|
    return min(1.0, (2.0 if both else 1.0) / min(math.comb(n_a + n_b, n_a), 2**MOST_BITS))


def n_needed(design: str, *, alpha: float = 0.05, alternative: str = "two-sided") -> int:
    """Get the smallest n (per group) whose floor reaches alpha: the number to put in "use 6 or more".

    Example
    -------
    >>> n_needed("sign_flip"), n_needed("sign_flip", alternative="greater"), n_needed("rank")
    (6, 5, 19)
    """
    unit_interval(alpha, "alpha")
    sizes: Iterator[int] = iter(range(1, 10**6))
    pair = design == "label_shuffle"
    return next(
        k for k in sizes if p_floor(design, n=(k, k) if pair else k, alternative=alternative) <= alpha * (1 + 1e-12)
    )
