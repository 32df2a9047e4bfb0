"""What a lab asks: the question, how its answer is read, and the truth, recomputed on one network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: What stands in a student's copy where an answer is to be written.
OPEN = (None, ...)


@dataclass(frozen=True)
class Question:
    """One question of a lab.

    Parameters
    ----------
    name : such as "Q1". asks : the question in plain text.
    truth : f(bench) -> number or letter, recomputed on the student's own network.
    hint : said at the first miss. reason : said at the second, and when it is right; ``{truth}`` is filled in.
    within : how far a number may be off. choices : letter -> text, for a choice; empty for a number.
    """

    name: str
    asks: str
    truth: Callable[[Any], Any]
    hint: str
    reason: str
    within: float = 0.0
    choices: Mapping[str, str] = field(default_factory=dict)

    def read(self, answer: Any) -> float | str:
        """Get an answer as the number or the letter that it is.

        Raises
        ------
        ValueError : it is neither, with what the question takes.

        Example
        -------
        >>> Question("Q1", "How many?", lambda bench: 3, "Count.", "It is {truth}.").read("3")
        3.0
        """
        if self.choices:
            letter = str(answer).strip().lower().strip("().'")
            if letter not in self.choices:
                raise ValueError(f"{self.name} takes a letter of {', '.join(self.choices)}; got {short(answer)}.")
            return letter
        value = as_number(answer)
        if not math.isfinite(value):
            raise ValueError(f"{self.name} takes a number such as 12 or 0.5; got {short(answer)}.")
        return value

    def right(self, answer: float | str, truth: float | str) -> bool:
        """Get whether an answer that was read is the truth, within what the question allows."""
        if self.choices or isinstance(answer, str) or isinstance(truth, str):
            return answer == truth
        return abs(answer - truth) <= self.within + 1e-9

    def why(self, truth: float | str) -> str:
        """Get the reason with the truth in it."""
        shown = truth if isinstance(truth, str) else f"{truth:.4g}"
        return self.reason.format(truth=shown)

    def posed(self) -> str:
        """Get the question as it is printed: with its choices, a line each."""
        choices = [f"  {letter}) {text}" for letter, text in self.choices.items()]
        return "\n".join([f"{self.name}: {self.asks}", *choices])


def as_number(answer: Any) -> float:
    """Get the number that was typed, or NaN where it is none.

    Example
    -------
    >>> as_number("0,25"), as_number("low"), as_number(True)
    (0.25, nan, nan)
    """
    try:
        return float("nan") if isinstance(answer, bool) else float(_as_typed(answer))
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _as_typed(answer: Any) -> Any:
    """A decimal comma as a point; all else as it is."""
    return re.sub(r"^\s*([-+]?\d*),(\d+)\s*$", r"\1.\2", answer) if isinstance(answer, str) else answer


def short(answer: object) -> str:
    """Get what was typed, as a message quotes it."""
    text = repr(answer)
    return text if len(text) <= 40 else f"{text[:40]}…"
