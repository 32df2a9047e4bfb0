"""Sentences about results: numbers as they are printed, verdicts, and what would undermine them."""

from __future__ import annotations

import numpy as np

from neurolab.stats.permutation import n_needed


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


def interval_text(effect: float, low: float, high: float, level: float) -> str:
    """Get an effect with its interval: ``"0.31 [0.28, 0.35] (95 % interval)"``; an open end is said in words.

    Example
    -------
    >>> interval_text(0.312, 0.284, 0.349, 0.95)
    '0.312 [0.284, 0.349] (95 % interval)'
    """
    ends = ", ".join("no end" if not np.isfinite(end) else f"{end:.3g}" for end in (low, high))
    return f"{effect:.3g} [{ends}] ({level * 100:.3g} % interval)"


def floor_text(n: int, floor: float, *, plural: str, alternative: str, alpha: float = 0.05) -> str:
    """Get the sentence about the smallest p that a design can give, and how many members would do.

    Example
    -------
    >>> floor_text(5, 0.0625, plural="networks", alternative="two-sided")
    '5 networks: the smallest two-sided p is .0625; use 6 or more.'
    """
    tail = "two-sided" if alternative == "two-sided" else "one-sided"
    said = f"{n} {plural}: the smallest {tail} p is {floor:.3g}".replace(" 0.", " .")
    if floor <= alpha:
        return f"{said}."
    return f"{said}; use {n_needed('sign_flip', alpha=alpha, alternative=alternative)} or more."


def joined(names: list[str]) -> str:
    """Get names as prose: ``"a, b and c"``.

    Example
    -------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
