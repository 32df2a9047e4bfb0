"""Contrasts: signed comparisons of conditions, with a little grammar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neurolab.errors import DataError, UnknownNameError, did_you_mean, listed

__all__ = ["Contrast", "parse_contrast"]
__dir__ = __all__.copy


@dataclass(frozen=True)
class Contrast:
    """Positive conditions against negative ones; ``"*"`` among the negative means all others.

    Example
    -------
    >>> parse_contrast("faces > objects + scenes")
    Contrast(positive=('faces',), negative=('objects', 'scenes'))
    >>> str(parse_contrast("faces > *").resolve(["faces", "cups", "chairs"]))
    'faces > cups + chairs'
    """

    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def __post_init__(self) -> None:
        both = set(self.positive) & set(self.negative)
        if not self.positive or not self.negative or both:
            raise DataError(
                f"The contrast {str(self)!r} needs conditions on both sides and none on both"
                f"{': ' + listed(sorted(both)) if both else ''}. Type 'faces > objects + scenes'."
            )

    def __str__(self) -> str:
        return f"{' + '.join(self.positive)} > {' + '.join(self.negative)}"

    def resolve(self, conditions: Iterable[str]) -> Contrast:
        """Get the contrast with ``*`` filled in, after checking that every condition exists."""
        known = list(dict.fromkeys(str(condition) for condition in conditions))
        negative = self.negative
        if negative == ("*",):
            negative = tuple(condition for condition in known if condition not in self.positive)
        for condition in (*self.positive, *negative):
            if condition not in known:
                raise UnknownNameError(
                    f"The contrast {str(self)!r} names the condition {condition!r}, which the recording lacks."
                    f"{did_you_mean(condition, known)} It has {listed(known)}."
                )
        return Contrast(self.positive, negative)

    def sides(self, condition: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Get two boolean masks over presentations: on the positive side, on the negative side."""
        resolved = self.resolve(condition)
        return np.isin(condition, resolved.positive), np.isin(condition, resolved.negative)

    @property
    def reversed(self) -> Contrast:
        """The same comparison with the sides exchanged."""
        return Contrast(self.negative, self.positive)


def parse_contrast(contrast: str | Contrast) -> Contrast:
    """Get a contrast from ``"A + B > C + D"``; a Contrast comes back as it is.

    Condition names that hold ``+`` or ``>`` themselves need the value form, ``Contrast(("a+b",), ("c",))``.

    Raises
    ------
    DataError : when there is not exactly one ``>`` or a side is empty.
    """
    if isinstance(contrast, Contrast):
        return contrast
    sides = [[name.strip() for name in side.split("+")] for side in str(contrast).split(">")]
    if len(sides) != 2 or not all(name for side in sides for name in side):
        raise DataError(f"The contrast {contrast!r} was not understood; expected 'faces > objects + scenes'.")
    return Contrast(tuple(sides[0]), tuple(sides[1]))
