"""The fonts of figures: those that this machine has, and what is said of letters that none of them holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib.figure import Figure
from matplotlib.text import Text

#: Journals' favourite first; DejaVu comes with matplotlib.
USUAL = ("Arial", "Liberation Sans", "DejaVu Sans")
#: Asked, in this order, for the letters that those lack: of Linux, Windows and macOS.
BEYOND = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK KR", "Noto Sans JP", "Noto Sans SC",
    "Noto Sans KR", "Source Han Sans", "IPAexGothic", "WenQuanYi Zen Hei", "Yu Gothic", "Meiryo", "Microsoft YaHei",
    "Malgun Gothic", "Nirmala UI", "Leelawadee UI", "Hiragino Sans", "PingFang SC", "Hiragino Sans GB",
    "Apple SD Gothic Neo", "Noto Sans", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew",
    "Noto Sans Arabic", "Arial Unicode MS",
)  # fmt: skip
GLYPH = r"Glyph \d+ .*missing from"
#: So many letters are named at most.
MOST = 8


@cache
def font_families() -> tuple[str, ...]:
    """Get the sans-serif fonts that are on this machine: the usual ones, then those of other scripts."""
    from matplotlib.font_manager import fontManager

    every = {font.name for font in fontManager.ttflist}
    plain = {font.name for font in fontManager.ttflist if font.fname.lower().endswith(".ttf")}
    return (*(name for name in USUAL if name in plain), *(name for name in BEYOND if name in every))


@cache
def _held(names: tuple[str, ...]) -> frozenset[int]:
    """The code points that some of these fonts holds."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    files = [findfont(FontProperties(family=name)) for name in names]
    return frozenset(code for file in files for code in get_font(file).get_charmap())


def missing_letters(text: str, names: tuple[str, ...] | None = None) -> str:
    """Get the letters of a text that none of these fonts holds, each once; default the fonts of figures.

    Example
    -------
    >>> missing_letters("Δ accuracy of the left area, ±0.05")
    ''
    """
    held = _held(font_families() if names is None else names)
    return "".join(dict.fromkeys(one for one in text if ord(one) > 126 and one.isprintable() and ord(one) not in held))


def pdf_font_type(figure: Figure) -> int:
    """Get how a PDF is to hold its letters: 42, to be edited, or 3 where they come from a font of another script.

    Those fonts have outlines that matplotlib embeds as 42 so that readers show nothing in their place.
    """
    usual = tuple(name for name in font_families() if name in USUAL)
    return 3 if missing_letters(_said(figure), usual) else 42


def _said(figure: Figure) -> str:
    return "".join(one.get_text() for one in figure.findobj(Text) if isinstance(one, Text))


@contextmanager
def no_glyph_warnings() -> Iterator[None]:
    """Leave out the warnings of matplotlib about single letters: :func:`warn_of_letters` gives one about them all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", GLYPH, UserWarning)
        yield


def warn_of_letters(figure: Figure, stacklevel: int = 2) -> None:
    """Warn, once for a figure, of letters in it that no font holds: they are boxes, and which font to install."""
    missing = missing_letters(_said(figure))
    if missing:
        more = f" and {len(missing) - MOST} more" if len(missing) > MOST else ""
        warnings.warn(
            f"No font of this machine that figures use holds {missing[:MOST]!r}{more}: such letters are drawn as "
            "boxes. Install Noto Sans CJK (Debian: apt install fonts-noto-cjk) or the Noto Sans of their script, "
            "delete matplotlib's list of fonts (matplotlib.get_cachedir()) and start Python anew.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )
