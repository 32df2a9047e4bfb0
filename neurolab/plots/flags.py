"""What undermines a result, in the sentences that legends and methods paragraphs end with."""

from __future__ import annotations

import xarray as xr

from neurolab.plots.words import sentences


def flag_words(result: xr.Dataset, said: str = "") -> str:
    """Get what undermines a result in sentences, without what was said already; empty where nothing does.

    Example
    -------
    >>> flag_words(xr.Dataset(attrs={"undermined_by": '["Chance is higher.", "It is few."]'}), "It is few. Well.")
    'Undermined by: Chance is higher.'
    """
    flags = [one for one in dict.fromkeys(sentences(result, "undermined_by")) if one and one not in said]
    return f"Undermined by: {' '.join(flags)}" if flags else ""
