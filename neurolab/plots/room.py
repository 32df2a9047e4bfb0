"""Room for words: how wide they are on paper, and long names broken into lines or shortened until they fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from neurolab.plots.fonts import font_families
from neurolab.plots.style import MM
from neurolab.plots.words import short_names

ELLIPSIS = "…"
LEAST_LETTER_MM = 0.08  # no letter of one point is narrower, on the mean over a name
HINTED = 1.03  # letters on the screen's grid are a little wider than on paper


@lru_cache(maxsize=8192)
def text_mm(text: str, size: float, weight: str = "normal") -> float:
    """Get how wide a text is on paper, in millimetres: its widest line.

    Example
    -------
    >>> text_mm("iii", 6.0) < text_mm("www", 6.0) == text_mm("i" + chr(10) + "www", 6.0)
    True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(font_families()), size=size, weight=weight)
    lines = (text_to_path.get_text_width_height_descent(line, font, False)[0] for line in text.split("\n") if line)
    return HINTED * max(lines, default=0.0) / 72 / MM


def words_of(text: str) -> list[str]:
    """Get the pieces that a line may end with: words, and parts of words that a hyphen, slash, dot or underscore joins.

    Example
    -------
    >>> words_of("subject-verb agreement")
    ['subject-', 'verb', 'agreement']
    """
    return re.split(r"\s+(?!%)|(?<=\w[-/._])(?=[^\W\d])", text.strip())


def shortened(text: str, fits: Callable[[str], bool], most: int) -> str:
    """Get a text, or as much of its beginning and end as fits, with an ellipsis for its middle.

    most : letters that could fit at all, where to begin.

    Example
    -------
    >>> shortened("language-selective units (top 1 %)", lambda text: len(text) <= 16, 99)
    'language…1 %)'
    """
    if fits(text):
        return text
    for kept in range(min(len(text) - 1, max(most, 2)), 1, -1):
        shown = _without_middle(text, -(-kept // 2), len(text) - kept // 2)
        if fits(shown):
            return shown
    return ELLIPSIS


def _without_middle(text: str, start: int, end: int) -> str:
    """A text without what lies between two places, and without the stumps of two or three letters that this leaves."""
    head = re.sub(r"(?<=[\s/-])\w{1,3}$", "", text[:start]) if text[start].isalpha() else text[:start]
    tail = re.sub(r"^\w{1,3}(?=[\s/-])", "", text[end:]) if text[end - 1].isalpha() else text[end:]
    return f"{head.rstrip()}{ELLIPSIS}{tail.lstrip()}"


def wrapped(text: str, mm: float, *, size: float, lines: int = 3, last: float | None = None, weight: str = "normal"
            ) -> str:  # fmt: skip
    """Break a text into so many lines of this width at most, its middle left out where it needs more.

    last : the width of the last line, where something stands beside it.

    Example
    -------
    >>> wrapped("arithmetic-selective units", 16, size=6.0, lines=2).split(chr(10))
    ['arithmetic-', 'selective units']
    """
    end = mm if last is None else last

    def fits(shown: str) -> bool:
        return _broken(shown, mm, end, size, weight, lines) is not None

    most = int(((lines - 1) * mm + end) / (LEAST_LETTER_MM * size))
    shown = shortened(text, fits, most)
    needed = len(_broken(shown, mm, end, size, weight, lines) or [shown])
    even = (_broken(shown, share * mm, min(end, share * mm), size, weight, needed) for share in (0.6, 0.7, 0.8, 0.9, 1))
    return "\n".join(next((found for found in even if found), [shown]))


def _broken(text: str, mm: float, last: float, size: float, weight: str, most: int) -> list[str] | None:
    """The lines of a text, or None where they are too many or too wide."""
    found: list[str] = []
    for part in text.split("\n"):
        line, rest = "", part
        for word in words_of(part):
            gap = " " if line and rest[:1].isspace() else ""
            rest = rest.lstrip()[len(word) :]
            if line and text_mm(line + gap + word, size, weight) > mm:
                found, line, gap = [*found, line], "", ""
            line += gap + word
        found.append(line)
    if text_mm(found[-1], size, weight) > last and " " in found[-1]:  # what stands beside it needs a line of its own
        head, tail = found[-1].rsplit(" ", 1)
        found[-1:] = [head, tail]
    widths = [text_mm(line, size, weight) for line in found]
    return found if len(found) <= most and max(widths) <= mm and widths[-1] <= last else None


def told_apart(names: Sequence[str], short: Callable[[str], str]) -> list[str]:
    """Get short names, none of two different ones alike: without what all begin with, or else with their place.

    Example
    -------
    >>> told_apart(["the left one", "the left two"], lambda name: name[:5])
    ['one', 'two']
    """
    every = [short(name) for name in names]
    if len(set(every)) < len(set(names)):
        every = [short(name) for name in short_names(names)]
    if len(set(every)) < len(set(names)):
        every = [short(f"{at} {name}") for at, name in enumerate(names, start=1)]
    return every
