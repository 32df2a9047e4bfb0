"""Would the same map come out again? Split-half correlation of a stat map, and overlap of what it selects."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.column_tests import TESTS
from neurolab.analysis.entry import sides_of
from neurolab.analysis.folds import halves
from neurolab.analysis.localiser import known, map_of
from neurolab.analysis.sample import whose_stimuli
from neurolab.analysis.select import top_mask
from neurolab.chance import RNG, generator, rng_name
from neurolab.contrast import Contrast
from neurolab.digest import digest_of
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.ids import showings_of
from neurolab.recording import site_names
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.maps import StatMap
from neurolab.stats.reliability import dice, spearman_brown

register_result(
    "map_reliability",
    {
        "split_r": ("split",),
        "split_dice": ("split",),
        **dict.fromkeys(("effect", "r", "mean_dice"), ()),
        **dict.fromkeys(("site_r", "site_effect"), ("site",)),
    },
)


def map_reliability(
    recording: xr.DataArray,
    contrast: str | Contrast,
    *,
    by: str = "stimulus",
    n_splits: int = 100,
    top: int | float = 0.1,
    test: str = "welch",
    signed: bool = True,
    rng: RNG,
) -> xr.Dataset:
    """Get how far the stat map from one half of the data agrees with that from the other half.

    r is the correlation over valid neuroids of the statistics of two halves. The mean r over splits is stepped up once
    by Spearman-Brown, 2 r / (1 + r): mean first, then step up.

    Parameters
    ----------
    by : what is halved: "stimulus" (within each side of the contrast), or a presentation coordinate such as "run".
    n_splits : random splits; where there are at most 1,000 splits all are taken.
    top : what the overlap (Dice) is computed for, as in :func:`neurolab.select_roi`.
    test, signed : as in :func:`neurolab.localise` ("welch" or "rank").
    rng : integer or Generator.

    Returns
    -------
    Dataset: ``effect`` (Spearman-Brown of the mean r), ``r`` (mean over splits), ``split_r`` and ``split_dice``
    (split), ``mean_dice``; per site ``site_r``, ``site_effect`` (NaN for a site with fewer than three valid neuroids).

    When this is invalid
    --------------------
    A reliable map is not a causal one. Neuroids are not the sample here, so no p is given: r describes this map. Halves
    that share noise (one session) agree too well.

    Source
    ------
    Spearman 1910; Brown 1910. Brain-Score steps up each split and averages after, which gives a little less.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(n_units=60, selective={"faces": 30}, effect=2.0, rng=0)
    >>> bool(map_reliability(recording, "faces > objects", n_splits=10, rng=0)["effect"] > 0.9)
    True
    """
    known(test, ("welch", "rank"), "test")
    whole = sides_of(recording, contrast, signed=signed)
    used = recording.isel(presentation=whole.rows)
    groups, strata, place = _halved(used, by, whole.positive)
    rows, every = halves(groups, strata, n_splits, generator(rng, "map_reliability", by))
    full = map_of(TESTS[test](used, whole, None, None), used.sizes["neuroid"])
    valid = full.valid & whole.usable
    if valid.sum() < 3:
        raise DesignError(f"{int(valid.sum())} neuroids are valid; a correlation over neuroids needs three or more.")
    shared = (valid, used["site"].values, used["unit"].values, top, len(site_names(used)))
    compared = [
        _compare([_map(used, half, whole.contrast, test, signed) for half in (first[place], ~first[place])], *shared)
        for first in rows
    ]
    r, overlap, by_site = (np.array(column) for column in zip(*compared))
    return make_result(
        _summary(r, overlap, by_site),
        coords={"site": strings(site_names(used))},
        n=len(groups),
        n_splits=len(rows),
        n_neuroids=int(valid.sum()),
        rng=rng_name(rng),
        inputs=digest_of(whole.values, whole.positive),
        by=by,
        top=top,
        signed=signed,
        **_about(recording, str(whole.contrast), by, test, every),
        note=whose_stimuli(1, str(recording.attrs.get("kind", "")), "stimulus" if by == "stimulus" else "run"),
    )


def _summary(r: np.ndarray, overlap: np.ndarray, by_site: np.ndarray) -> dict[str, Any]:
    """Means over splits, stepped up to the whole: of all neuroids, and site by site."""
    return {
        "split_r": ("split", r),
        "split_dice": ("split", overlap),
        "effect": float(spearman_brown(r.mean())),
        "r": float(r.mean()),
        "mean_dice": float(overlap.mean()),
        "site_r": ("site", by_site.mean(axis=0)),
        "site_effect": ("site", [_stepped(value) for value in by_site.mean(axis=0)]),
    }


def _about(recording: xr.DataArray, contrast: str, by: str, test: str, every: bool) -> dict[str, Any]:
    return {
        "analysis": "map_reliability",
        "estimand": f"the correlation over neuroids of two half maps of {contrast}, stepped up to the whole",
        "test": f"split-half r of {test} maps, {'all' if every else 'random'} splits; Spearman-Brown of the mean r",
        "generalises_over": "stimulus" if by == "stimulus" else "run",
        "correction": "none",
        "source": recording.attrs.get("source", ""),
        "alternative": "none",
        "level": float("nan"),
        "contrast": contrast,
    }


def _compare(
    maps: list[StatMap], valid: np.ndarray, site: np.ndarray, unit: np.ndarray, top: int | float, n_sites: int
) -> tuple[float, float, np.ndarray]:
    """Correlation of two maps over the valid neuroids, Dice of what they select, correlation per site."""
    one, other = (half.statistic for half in maps)
    chosen = [top_mask(half.statistic, valid, valid, site, unit, top=top) for half in maps]
    by_site = [_correlation(one, other, valid & (site == code)) for code in range(n_sites)]
    return _correlation(one, other, valid), dice(*chosen), np.array(by_site)


def _halved(used: xr.DataArray, by: str, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is halved, its strata, and which of it each presentation belongs to."""
    if by == "stimulus":
        groups, first, place = np.unique(showings_of(used, positive), return_index=True, return_inverse=True)
        strata = positive[first].astype(np.int64)
        few = min(int((strata == value).sum()) for value in (0, 1))
        if few < 4:
            raise DesignError(
                f"One side of the contrast has {few} stimuli; halves need two of each, so four or more. Record more."
            )
        return groups, strata, place
    known_names = [str(name) for name, coord in used.coords.items() if coord.dims == ("presentation",)]
    if by not in known_names:
        raise UnknownNameError(
            f"by={by!r} is no presentation coordinate.{did_you_mean(by, [*known_names, 'stimulus'])} There are "
            f"{listed(known_names)}; or type by='stimulus'."
        )
    groups, place = np.unique(used[by].values.astype(str), return_inverse=True)
    if len(groups) < 2:
        raise DesignError(f"by={by!r} has one value only, which cannot be halved; type by='stimulus'.")
    return groups, np.zeros(len(groups), dtype=np.int64), place


def _map(used: xr.DataArray, mask: np.ndarray, contrast: Contrast, test: str, signed: bool) -> StatMap:
    part = used.isel(presentation=np.flatnonzero(mask))
    return map_of(TESTS[test](part, sides_of(part, contrast, signed=signed), None, None), part.sizes["neuroid"])


def _correlation(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    if where.sum() < 3 or np.ptp(one[where]) == 0 or np.ptp(other[where]) == 0:
        return float("nan")
    return float(np.clip(np.corrcoef(one[where], other[where])[0, 1], -1, 1))


def _stepped(r: float) -> float:
    return float("nan") if np.isnan(r) else float(spearman_brown(r))
