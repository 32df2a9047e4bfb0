"""From a stat map to a region: exactly as many units as asked for, and never a dead one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.errors import DesignError, SchemaError, amount
from neurolab.neuroids import flags
from neurolab.recording import site_names
from neurolab.roi import ROI, roi_from_mask


def select_roi(
    stat_map: xr.Dataset,
    *,
    name: str,
    top: int | float | None = None,
    q: float | None = None,
    per_site: bool = False,
) -> ROI:
    """Get the region of the most selective valid units of a stat map; it remembers the stimuli that chose it.

    Units are ordered by falling statistic (rising, when the map asked for ``alternative="less"``); ties go to the
    lower site code, then to the lower unit. The first k are taken, so k units come back however many are tied.

    Parameters
    ----------
    stat_map : from :func:`neurolab.localise`.
    name : what the region is called in figures.
    top : an integer k, or a fraction in (0, 1] of the *valid* units (rounded half up, at least one); so 1 is one unit
        and 1.0 is all of them, which ``how_chosen`` then says.
    q : keep only units whose corrected p is <= q and whose statistic points the way of the contrast.
    per_site : take ``top`` within each site instead of over all of them.

    Returns
    -------
    ROI of exactly k units (fewer only when ``q`` leaves fewer).

    When this is invalid
    --------------------
    The statistic of a selected unit on the stimuli that selected it is inflated (on pure noise, d' = 0.9): estimate on
    others, e.g. with :func:`neurolab.held_out`. A selective unit need not be a causal one.

    Source
    ------
    Top 10 % of voxels by t within a parcel: Fedorenko et al. 2010, doi:10.1152/jn.00032.2010. Ties: ranking tied units
    together, as published code does, selects more than k.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> from neurolab.analysis.localiser import localise
    >>> select_roi(localise(phantom_recording(rng=0), "faces > objects"), name="face area", top=0.05).n_units
    10
    """
    if top is None and q is None:
        raise DesignError("select_roi() got neither top nor q; expected one. Type top=0.1 for a tenth, or q=0.05.")
    statistic, valid = _ranked(stat_map)
    keep = valid.copy()
    if q is not None:
        keep &= _discovered(stat_map, statistic, q)
    site, unit = stat_map["site"].values, stat_map["unit"].values
    names = site_names(stat_map) if per_site else None  # type: ignore[arg-type]
    chosen = top_mask(statistic, keep, valid, site, unit, top=top, names=names)
    return roi_from_mask(
        chosen,
        stat_map,  # type: ignore[arg-type]
        name=name,
        chosen_on=stat_map["chosen_on"].values,
        how_chosen=_how(stat_map, top, q, per_site, int(chosen.sum())),
    )


def _ranked(stat_map: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The statistic, larger = more selective, and which units may be selected."""
    if not isinstance(stat_map, xr.Dataset) or not {"statistic", "valid", "chosen_on"} <= set(stat_map.variables):
        raise SchemaError(
            f"select_roi() got {type(stat_map).__name__}; expected a stat map. Type nl.localise(recording, 'a > b')."
        )
    statistic = np.asarray(stat_map["statistic"].values, dtype=np.float64)
    valid = flags(stat_map["valid"].values) & np.isfinite(statistic)
    if not valid.any():
        raise DesignError("No unit of the stat map is valid (all are dead or constant); record another site.")
    return (-statistic if stat_map.attrs["alternative"] == "less" else statistic), valid


def _discovered(stat_map: xr.Dataset, statistic: np.ndarray, q: float) -> np.ndarray:
    """Units below the corrected threshold that prefer what the contrast says."""
    corrected = np.asarray(stat_map["q"].values, dtype=np.float64)
    found = (corrected <= q) & (statistic > 0)
    if not found.any():
        ours = corrected[(statistic > 0) & np.isfinite(corrected)]
        least = f"{ours.min():.3g}" if ours.size else "not defined"
        raise DesignError(
            f"No unit passes q={q}; the smallest corrected p in the contrast's direction is {least}. Use more stimuli, "
            "or select a fraction: type top=0.1."
        )
    return found


def top_mask(
    statistic: np.ndarray,
    keep: np.ndarray,
    valid: np.ndarray,
    site: np.ndarray,
    unit: np.ndarray,
    *,
    top: int | float | None,
    names: list[str] | None = None,
) -> np.ndarray:
    """Get a boolean mask of the first units by (-statistic, site, unit) among those to ``keep``.

    top : how many, or which share of the ``valid``; None takes all that are kept. names : of the sites, by code, when
    ``top`` is meant within each site.

    Example
    -------
    >>> yes, tied = np.ones(5, dtype=bool), np.array([5.0, 4.0, 5.0, 5.0, 3.0])
    >>> np.flatnonzero(top_mask(tied, yes, yes, np.zeros(5), np.arange(5), top=2)).tolist()
    [0, 2]
    """
    chosen = np.zeros(len(valid), dtype=bool)
    for code, label in enumerate(names) if names is not None else [(None, "the stat map")]:
        here = np.ones(len(valid), dtype=bool) if code is None else site == code
        where = np.flatnonzero(keep & here)
        count = len(where) if top is None else _count(top, int(valid[here].sum()), label)
        chosen[where[np.lexsort((unit[where], site[where], -statistic[where]))][:count]] = True
    return chosen


def _count(top: int | float, n_valid: int, where: str) -> int:
    """How many units ``top`` means among ``n_valid``."""
    if isinstance(top, (bool, np.bool_)) or not isinstance(top, (int, float, np.integer, np.floating)):
        raise DesignError(f"top was {top!r}; expected an integer k or a fraction in (0, 1]. Type top=0.1.")
    if isinstance(top, (int, np.integer)):
        if not 1 <= top <= n_valid:
            raise DesignError(
                f"top={top} units were asked for and {where} has {n_valid} valid units; expected 1 to {n_valid}. "
                "Type a smaller top, or a fraction such as top=0.1."
            )
        return int(top)
    if not 0 < top <= 1:
        raise DesignError(f"top={top} is not a fraction in (0, 1]; for a number of units type top={max(1, int(top))}.")
    return min(n_valid, max(1, int(np.floor(top * n_valid + 0.5)))) if n_valid else 0


def _top_text(top: int | float) -> str:
    if not isinstance(top, (float, np.floating)):
        return "the top unit" if top == 1 else f"the top {top} units"
    every = ", every valid unit (top=1 is one unit, top=1.0 all of them)," if top == 1 else ""
    return f"the top {100 * top:.3g} %{every}"


def _how(stat_map: xr.Dataset, top: int | float | None, q: float | None, per_site: bool, count: int) -> str:
    attrs = stat_map.attrs
    rule = [_top_text(top)] if top else []
    rule += [f"{attrs['correction']} q <= {q:g}"] if q is not None else []
    scope = " within each site" if per_site else ""
    units = amount(count, "unit")
    if attrs.get("chosen_by"):
        return f"{units} chosen by {' and '.join(rule)}{scope} of {attrs['chosen_by']}"
    return (
        f"{units} chosen by {' and '.join(rule)}{scope} of the contrast {attrs['contrast']} ({attrs['test']}, "
        f"{'signed' if attrs['signed'] else 'absolute'} activity, {attrs['n']} stimuli)"
    )
