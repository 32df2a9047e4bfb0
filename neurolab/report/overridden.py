"""What a methods paragraph says of overrides: a refusal of the library that was waived when the numbers were made."""

from __future__ import annotations

import xarray as xr

from neurolab.plots.words import sentences

#: How every sentence about an override begins.
OVERRIDE = "An override was used: "


def override_words(given: xr.Dataset) -> str:
    """Get the sentences about overrides that a result, or trials, carry; empty where there was none.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> override_words(deficits(phantom_trials(rng=0).assign_attrs(override="double dipping allowed"), rng=0))
    'An override was used: double dipping allowed.'
    """
    own = str(given.attrs.get("override", "") or "")
    said = [f"{OVERRIDE}{own}."] if own else []
    said += [one for one in sentences(given, "undermined_by") if OVERRIDE in one]
    return " ".join(dict.fromkeys(said))
