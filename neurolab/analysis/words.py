"""Sentences about results: numbers as they are printed, verdicts, and what would undermine them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurolab.errors import amount
from neurolab.stats.permutation import n_needed

#: The verdict on what a design is too small to show.
UNDECIDED = "cannot be decided"
#: What is smaller than this share of the numbers beside it is what rounding left.
ROUNDING = 1e-10


def p_text(p: float) -> str:
    """Get a p as it is printed: ``"p = .031"``, ``"p < .0001"``.

    Example
    -------
    >>> p_text(0.03125), p_text(1e-6), p_text(1.0)
    ('p = .0312', 'p < .0001', 'p = 1')
    """
    if p < 1e-4:
        return "p < .0001"
    return f"p = {p:.3g}".replace("= 0.", "= .")


def corrected_text(q: float, correction: str, n: int) -> str:
    """Get the p of one of n tests as a sentence names it: corrected where there are several.

    Example
    -------
    >>> corrected_text(0.119, "holm", 3), corrected_text(0.04, "none", 3), corrected_text(0.04, "holm", 1)
    ('corrected p = .119', 'uncorrected p = .04', 'p = .04')
    """
    how = "" if n < 2 else "uncorrected " if correction == "none" else "corrected "
    return f"{how}{p_text(q)}"


def interval_text(effect: float, low: float, high: float, level: float) -> str:
    """Get an effect with its interval: ``"0.31 [0.28, 0.35] (95 % interval)"``; an open end is said in words.

    Example
    -------
    >>> interval_text(0.312, 0.284, 0.349, 0.95), interval_text(0.02, -3.8e-17, 0.053, 0.9)
    ('0.312 [0.284, 0.349] (95 % interval)', '0.02 [0, 0.053] (90 % interval)')
    """
    most = max((abs(value) for value in (effect, low, high) if np.isfinite(value)), default=0.0)
    effect, low, high = (0.0 if abs(value) < ROUNDING * most else value for value in (effect, low, high))
    ends = ", ".join("no end" if not np.isfinite(end) else f"{end:.3g}" for end in (low, high))
    return f"{effect:.3g} [{ends}] ({level * 100:.3g} % interval)"


def floor_text(
    n: int, floor: float, *, plural: str, alternative: str, alpha: float = 0.05, needed: int | None = None
) -> str:
    """Get the sentence about the smallest p that a design can give, and how many members would do.

    needed : how many that is, where the test is not a sign-flip.

    Example
    -------
    >>> floor_text(5, 0.0625, plural="networks", alternative="two-sided")
    '5 networks: the smallest two-sided p is .0625; use 6 or more.'
    """
    tail = "two-sided" if alternative == "two-sided" else "one-sided"
    said = f"{n} {plural}: the smallest {tail} p is {floor:.3g}".replace(" 0.", " .")
    if floor <= alpha:
        return f"{said}."
    needed = needed or n_needed("sign_flip", alpha=alpha, alternative=alternative)
    return f"{said}; use {needed} or more."


def sizes_text(sizes: Mapping[str, int], plural: str) -> str:
    """Get the sentence about tasks of different size, of which n is the smallest; empty where all are alike.

    Example
    -------
    >>> sizes_text({"few": 12, "many": 200}, "stimuli")
    'Tasks differ in size: few 12, many 200 stimuli; n is the smallest.'
    """
    if len(set(sizes.values())) < 2:
        return ""
    each = [f"{task} {n}" for task, n in sizes.items()]
    ends = f"{min(sizes.values())} to {max(sizes.values())}"
    shown = ", ".join(each[:6]) + (f", … ({len(each)} tasks, {ends})" if len(each) > 6 else "")
    return f"Tasks differ in size: {shown} {plural}; n is the smallest."


def uncorrected_text(n: int, alpha: float, least: int = 20) -> str:
    """Get the sentence about false alarms among many tests without correction; empty for fewer than ``least``.

    Example
    -------
    >>> uncorrected_text(400, 0.05)
    '400 tests without correction: expect 20 false alarms if nothing is there.'
    """
    if n < least:
        return ""
    alarms = f"{n * alpha:.0f}" if n * alpha >= 10 else f"{n * alpha:.2g}"
    return f"{n} tests without correction: expect {alarms} false alarms if nothing is there."


def undecided_text(
    n: int, floor: float, *, plural: str, alternative: str, alpha: float = 0.05, needed: int | None = None
) -> str:
    """Get the sentence that a design is too small to decide: its smallest p lies above alpha.

    Example
    -------
    >>> undecided_text(4, 0.0625, plural="networks", alternative="greater")
    'cannot be decided: 4 networks: the smallest one-sided p is .0625; use 5 or more.'
    """
    said = floor_text(n, floor, plural=plural, alternative=alternative, alpha=alpha, needed=needed)
    return f"{UNDECIDED}: {said}"


def holm_text(n: int, floor: float, n_tests: int, *, plural: str, alpha: float = 0.05) -> str:
    """Get the sentence about the smallest p that Holm's correction of several two-sided sign-flips leaves.

    The smallest of m p-values is multiplied by m; where it reaches alpha others can follow, where it cannot none can.

    Example
    -------
    >>> holm_text(6, 2 / 2**6, 4, plural="networks")
    '6 networks: the smallest two-sided p, Holm-corrected for 4 tests, is .125; use 8 or more.'
    """
    least = f"{min(1.0, floor * n_tests):.3g}".replace("0.", ".", 1)
    said = f"{n} {plural}: the smallest two-sided p, Holm-corrected for {amount(n_tests, 'test')}, is {least}"
    wanted = n_needed("sign_flip", alpha=alpha / n_tests)
    return f"{said}." if floor * n_tests <= alpha * (1 + 1e-12) else f"{said}; use {wanted} or more."


def draws_for_interval(level: float) -> int:
    """Get the fewest control draws of which a rank test's interval has two ends: 39 for 95 %.

    Each end leaves out (1 - level)/2 of the draws + 1 ranks, and one rank at least must be left out.

    Example
    -------
    >>> draws_for_interval(0.95), draws_for_interval(0.9)
    (39, 19)
    """
    return int(np.ceil(2 / (1 - level) - 1e-9)) - 1


def rank_texts(n_draws: int, *, what: str, level: float = 0.95, alpha: float = 0.05) -> list[str]:
    """Get what a number of control draws can show: the smallest rank p, and an interval or none.

    Example
    -------
    >>> rank_texts(19, what="controls")
    ['19 controls: the smallest rank p is .05.', 'A 95 % interval of the rank test needs 39 or more controls.']
    """
    said = f"{n_draws} {what}: the smallest rank p is {1 / (n_draws + 1):.3g}".replace(" 0.", " .")
    enough, wanted = n_needed("rank", alpha=alpha), draws_for_interval(level)
    said = f"{said}." if n_draws >= enough else f"{said}; use {enough} or more."
    if n_draws >= wanted:
        return [said]
    return [said, f"A {level * 100:.3g} % interval of the rank test needs {wanted} or more {what}."]


def joined(names: list[str]) -> str:
    """Get names as prose: ``"a, b and c"``.

    Example
    -------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
