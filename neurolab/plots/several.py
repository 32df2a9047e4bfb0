"""One of several tests, named: it is told with the p that pays for having looked at all of them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.words import alpha_words, p_words


def several_words(result: xr.Dataset, at: int) -> str:
    """Get the p of one of the tests of a result: corrected where there are several, plain where there is one.

    at : its place among all values of ``q``, in their order.

    Example
    -------
    >>> found = xr.Dataset({name: ("model", [0.119, 1.0]) for name in "pq"}, attrs={"correction": "holm"})
    >>> several_words(found, 0), several_words(found[{"model": [0]}], 0)
    ('corrected p = .119', 'p = .119')
    >>> several_words(found.assign_attrs(correction="none"), 0)
    'uncorrected p = .119'
    """
    q = np.ravel(np.asarray(result["q"], dtype=float))
    return f"{_how(result)}{p_words(float(q[at]))}"


def star_words(result: xr.Dataset) -> str:
    """Get what a star means, for titles: ``* q ≤ .05``, and ``* p ≤ .05`` where nothing was corrected.

    Example
    -------
    >>> star_words(xr.Dataset({"p": ("model", [0.1, 0.5]), "q": ("model", [0.2, 0.5])}, {}, {"correction": "holm"}))
    '* q ≤ .05'
    """
    return f"* {'q' if _how(result) == 'corrected ' else 'p'} ≤ {alpha_words(result)}"


def _how(result: xr.Dataset) -> str:
    """What stands before a p: nothing where there is one test only, which was not selected from several."""
    p, q = (np.ravel(np.asarray(result[name], dtype=float)) for name in ("p", "q"))
    if np.isfinite(q).sum() < 2 and np.array_equal(p, q, equal_nan=True):
        return ""
    return "uncorrected " if str(result.attrs.get("correction", "")) in ("", "none") else "corrected "
