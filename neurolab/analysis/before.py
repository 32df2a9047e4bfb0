"""What a design can show, said before the run: the smallest p it can reach, and how many would do."""

from __future__ import annotations

from collections.abc import Sized

from neurolab.analysis.words import rank_texts
from neurolab.errors import DesignError
from neurolab.stats.permutation import n_needed, p_floor


def design_check(
    sample: int | Sized,
    *,
    n_controls: int | None = None,
    n_tests: int = 1,
    alpha: float = 0.05,
    plural: str = "networks",
) -> str:
    """Get, before the run, the sentences that say what this design can and cannot show.

    Parameters
    ----------
    sample : number of networks or people, or the cohort itself.
    n_controls : control draws per target; their rank p cannot fall below 1 / (n_controls + 1), and its
        interval of level 1 - alpha has no ends below 2 / alpha - 1 draws.
    n_tests : planned tests that share the error rate (Holm): the smallest p must reach alpha / n_tests.
    alpha : the level.

    Returns
    -------
    One sentence per line; print it.

    Raises
    ------
    DesignError : no network at all, or an alpha outside (0, 1).

    When this is invalid
    --------------------
    That a p can be reached says nothing of power: see the effect that you expect.

    Source
    ------
    The sign-flip of n values has 2^n arrangements: Fisher 1935, The Design of Experiments.

    Example
    -------
    >>> print(design_check(5, n_controls=19))
    5 networks: the smallest two-sided p is .0625; use 6 or more.
    5 networks: the smallest one-sided p is .0312.
    19 controls: the smallest rank p is .05.
    A 95 % interval of the rank test needs 39 or more controls.
    """
    n = sample if isinstance(sample, int) else len(sample)
    if n < 1 or not 0 < alpha < 1 or n_tests < 1:
        raise DesignError(
            f"design_check() got {n} {plural}, {n_tests} tests and alpha={alpha}; expected at least one of each and an "
            "alpha between 0 and 1. Type design_check(8, n_controls=99)."
        )
    level = alpha / n_tests
    said = [_sign_flip(n, alternative, level, plural) for alternative in ("two-sided", "greater")]
    if n_controls is not None:
        said += rank_texts(n_controls, what="controls", level=1 - alpha, alpha=level)
    if n_tests > 1:
        said.append(f"{n_tests} tests share alpha = {_plain(alpha)}: the smallest p must reach {_plain(level)} (Holm).")
    return "\n".join(said)


def _sign_flip(n: int, alternative: str, level: float, plural: str) -> str:
    floor = p_floor("sign_flip", n=n, alternative=alternative)
    tail = "two-sided" if alternative == "two-sided" else "one-sided"
    said = f"{n} {plural}: the smallest {tail} p is {_plain(floor)}"
    if floor <= level:
        return f"{said}."
    return f"{said}; use {n_needed('sign_flip', alpha=level, alternative=alternative)} or more."


def _plain(value: float) -> str:
    return f"{value:.3g}".replace("0.", ".", 1) if value < 1 else f"{value:.3g}"
