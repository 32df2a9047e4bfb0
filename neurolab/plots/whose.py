"""Whom the texts of a figure speak of: networks, or people and animals."""

from __future__ import annotations

import re

import xarray as xr

NETWORKS, PEOPLE = ("network", "networks"), ("subject", "subjects")


def member_words(result: xr.Dataset) -> tuple[str, str]:
    """Get what one member of a result and several are called, whatever it generalises over.

    Example
    -------
    >>> member_words(xr.Dataset(attrs={"kind": "brain", "generalises_over": "stimulus"}))
    ('subject', 'subjects')
    """
    people = result.attrs.get("generalises_over") == "subject" or result.attrs.get("kind") == "brain"
    return PEOPLE if people else NETWORKS


def in_its_sample(marks: str, result: xr.Dataset) -> str:
    """Get fixed words about a figure with networks called subjects, where the members of a result are people.

    Not where a brain is compared with networks, and both are meant.
    marks : as a figure of neurolab says them, without any name that a user gave: a region may be called a network.

    Example
    -------
    >>> of_people = xr.Dataset(attrs={"analysis": "deficits", "generalises_over": "subject"})
    >>> in_its_sample("Deficits of networks; one network each.", of_people)
    'Deficits of subjects; one subject each.'
    """
    one, several = member_words(result)
    if "compared_with" in result.attrs:
        return marks
    return re.sub(r"\bnetwork\b", one, re.sub(r"\bnetworks\b", several, marks))
