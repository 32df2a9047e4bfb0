"""Whom the texts of a figure speak of: networks, or people and animals."""

from __future__ import annotations

import re

import xarray as xr

from neurolab.plots.words import SAMPLE


def in_its_sample(text: str, result: xr.Dataset) -> str:
    """Get a text of a figure with networks called subjects, where these are what a result generalises over.

    Not where a brain is compared with networks, and both are meant.

    Example
    -------
    >>> of_people = xr.Dataset(attrs={"analysis": "deficits", "generalises_over": "subject"})
    >>> in_its_sample("Deficits of 10 networks; one network each.", of_people)
    'Deficits of 10 subjects; one subject each.'
    """
    one, several = SAMPLE.get(str(result.attrs.get("generalises_over", "")), ("", ""))
    if one != "subject" or "compared_with" in result.attrs:
        return text
    return re.sub(r"\bnetwork\b", one, re.sub(r"\bnetworks\b", several, text))
