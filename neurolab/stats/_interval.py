"""The value that every interval function returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; ``note`` says what the reader must know (an infinite end, a fall-back)."""

    effect: float
    low: float
    high: float
    level: float
    method: str
    n: int
    note: str = ""
