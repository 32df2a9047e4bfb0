"""A target with the two kinds of controls that every lesion needs: any units of its sites, and units as active."""

from __future__ import annotations

import xarray as xr

from neurolab.chance import RNG
from neurolab.lesion import Lesion
from neurolab.matching import matched_controls

#: What controls are called, with what they are matched on.
FAMILIES = {"random": ("site",), "activity": ("site", "activity")}


def with_controls(lesion: Lesion, pool: xr.DataArray, n: int, *, rng: RNG) -> tuple[Lesion, ...]:
    """Get a lesion, ``n`` random controls of it, and ``n`` whose units are as active: a design to examine.

    Parameters
    ----------
    lesion : the target. pool : recording of the intact network, whose units controls are drawn from.
    n : controls of each family: "random" (as many units at the same sites) and "activity" (matched, beside, on mean and
        standard deviation of activity).
    rng : integer or numpy Generator.

    Returns
    -------
    The lesion first, then both families, for ``nl.against_controls(trials, family="activity", ...)``.

    Raises
    ------
    MatchingError : fewer free units than the target has at a site, or fewer distinct sets than ``n``.

    When this is invalid
    --------------------
    Units outside the region may do the same job; a control is not a region without function.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording, planted_roi
    >>> recording = phantom_recording(rng=0)
    >>> design = with_controls(Lesion(planted_roi(recording, "faces"), Zero(), name="area"), recording, 9, rng=0)
    >>> [(one.role, one.family) for one in (design[0], design[1], design[-1])]
    [('target', ''), ('control', 'random'), ('control', 'activity')]
    """
    families = [matched_controls(lesion, pool, n, match=on, family=name, rng=rng) for name, on in FAMILIES.items()]
    return (lesion, *(control for family in families for control in family))
