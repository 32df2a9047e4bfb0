"""Control lesions: as many units at the same sites, matched as stated, outside the region."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy.special import comb

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, MatchingError, UnknownNameError, did_you_mean, listed
from neurolab.lesion import Lesion
from neurolab.neuroids import flags
from neurolab.recording import check_recording
from neurolab.roi import ROI, regions_of

__all__ = ["MATCHES", "bottom_controls", "matched_controls"]
__dir__ = __all__.copy

#: Numbers that the distances between the target's units and all others may take; beyond it they are computed again.
BUDGET = 2**23
#: How many of the nearest free units share the chance to stand in for a target unit that has none in the caliper.
N_NEAREST = 5


def _mean_activity(pool: xr.DataArray) -> np.ndarray:
    return pool.values.mean(axis=0, dtype=np.float64)


def _sd_activity(pool: xr.DataArray) -> np.ndarray:
    return pool.values.astype(np.float64).std(axis=0, ddof=1)


def _out_norm(pool: xr.DataArray) -> np.ndarray:
    if "out_norm" not in pool.coords or not np.isfinite(pool["out_norm"].values).all():
        raise DesignError(
            "match='out_norm' needs each unit's outgoing weight norm, which this recording does not know. Match on "
            "'activity' instead, or record a site whose next layer is a linear or convolutional one."
        )
    return pool["out_norm"].values.astype(np.float64)


#: What controls can be matched on, beside the site: name -> the quantities, each (n_neuroids,) from the pool recording.
MATCHES: dict[str, tuple[Callable[[xr.DataArray], np.ndarray], ...]] = {
    "mean": (_mean_activity,),
    "sd": (_sd_activity,),
    "activity": (_mean_activity, _sd_activity),
    "out_norm": (_out_norm,),
}


def matched_controls(
    lesion: Lesion,
    pool: xr.DataArray,
    n: int,
    *,
    match: Sequence[str] = ("site",),
    caliper: float = 1.0,
    family: str = "matched",
    rng: RNG,
) -> tuple[Lesion, ...]:
    """Get ``n`` control lesions: as many units at the same sites, outside the region, matched as stated.

    Parameters
    ----------
    lesion : the target.
    pool : recording whose valid neuroids controls are drawn from (and whose activity is matched on).
    n : number of controls, each another set of units.
    match : "site" (always kept), and any of "mean", "sd", "activity" (both), "out_norm".
    caliper : for each target unit, a control unit is drawn at random among the free ones whose distance, in standard
        deviations of each matched quantity at the site, is at most this; when there is none, among
        the ``N_NEAREST`` nearest.
    family : what they are called, where one target has controls of several kinds ("random", "activity").
    rng : integer or numpy Generator.

    Returns
    -------
    Lesions of role "control" and this ``family``; ``notes`` say how well each matched: ``match_distance`` (mean over
    units, sd units) and ``match_outside`` (share of units outside the caliper); and where units that never vary in
    ``pool`` are in it or in the target, how many: ``never_vary`` and ``target_never_vary``.

    Raises
    ------
    MatchingError : fewer free units than the target has at a site, or fewer distinct sets than ``n``.

    When this is invalid: units outside the region may do the same job; a control is not a region without function.
    Matched in site and size only, controls hold dead units as the site does, and a target chosen by its activity none:
    match=("site", "activity") leaves them out where the target's are active;
    pool.assign_coords(valid=("neuroid", pool.values.std(0) > 0)) does so always.
    Source: random and matched lesions as in statistics of lesioned networks (Dobs et al. 2022,
    doi:10.1126/sciadv.abl8913), nearest-neighbour matching with a caliper.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording, planted_roi
    >>> recording = phantom_recording(rng=0)
    >>> target = Lesion(planted_roi(recording, "faces"), Zero(), name="area")
    >>> controls = matched_controls(target, recording, 19, match=("site", "sd"), rng=0)
    >>> len(controls), {(control.n_units == target.n_units, (control.roi & target.roi).n_units) for control in controls}
    (19, {(True, 0)})
    """
    at_least_one(n)
    check_recording(pool)
    columns = _matching_columns(pool, match)
    free = _free(lesion, pool)
    inside = np.flatnonzero(lesion.roi.mask(pool))
    _enough(lesion, pool, inside, free, n)
    still = np.ptp(pool.values, axis=0 if pool.ndim == 2 else (0, 2)) == 0
    near_to, region = _nearness(inside, free, pool, columns, caliper), _control_region(lesion, pool, family)
    seen: set[bytes] = set()
    controls: list[Lesion] = []
    for attempt in itertools.count():
        if len(controls) == n:
            break
        if attempt >= 50 * n + 200:
            raise MatchingError(
                f"Only {len(controls)} different matched controls for {lesion.name!r} were found, {n} were asked for. "
                f"Ask for fewer, widen caliper={caliper:g}, or drop one of match={tuple(match)}."
            )
        draw = generator(rng, "matched", lesion.roi.digest, attempt)
        chosen, how_far = _draw_matched(len(inside), near_to, free, draw)
        key = np.sort(chosen).tobytes()
        if key in seen:
            continue
        seen.add(key)
        near = (("match_distance", float(how_far.mean())), ("match_outside", float((how_far > caliper).mean())))
        notes = (*near, *_never_vary(int(still[chosen].sum()), int(still[inside].sum())))
        controls.append(_control(lesion, region, chosen, family, len(controls) + 1, notes))
    return tuple(controls)


def _never_vary(own: int, target: int) -> tuple[tuple[str, float], ...]:
    """The note of a control on units that never vary; none where it and its target have none."""
    return (("never_vary", float(own)), ("target_never_vary", float(target))) if own or target else ()


def at_least_one(n: int) -> None:
    """Raise unless a whole number of lesions was asked for, one at least."""
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise DesignError(f"{n!r} controls were asked for; expected 1 or more, a whole number (19 is the least that "
                          "can reach p = .05).")


def _matching_columns(pool: xr.DataArray, match: Sequence[str]) -> np.ndarray:
    """(n_neuroids, n_quantities), standardised per site."""
    if isinstance(match, str):
        match = (match,)
    columns = []
    for name in match:
        if name == "site":
            continue
        if name not in MATCHES:
            known = ["site", *MATCHES]
            raise UnknownNameError(
                f"match={name!r} is not known.{did_you_mean(name, known)} Choose from {listed(known)}."
            )
        columns += [quantity(pool) for quantity in MATCHES[name]]
    if not columns:
        return np.zeros((pool.sizes["neuroid"], 0))
    stacked = np.stack(columns, axis=1)
    for code in np.unique(pool["site"].values):
        here = pool["site"].values == code
        sd = stacked[here].std(axis=0)
        stacked[here] = (stacked[here] - stacked[here].mean(axis=0)) / np.where(sd > 0, sd, 1)
    return stacked


def _free(lesion: Lesion, pool: xr.DataArray) -> np.ndarray:
    outside = ~lesion.roi.mask(pool)
    if "valid" in pool.coords:
        outside &= pool["valid"].values.astype(bool)
    return np.flatnonzero(outside)


#: Enough control sets for any question.
MANY = 1e18


def _enough(lesion: Lesion, pool: xr.DataArray, inside: np.ndarray, free: np.ndarray, n: int) -> None:
    site = pool["site"].values
    sets = 1.0
    for code in np.unique(site[inside]):
        wanted, there = int((site[inside] == code).sum()), int((site[free] == code).sum())
        if there < wanted:
            raise MatchingError(
                f"Lesion {lesion.name!r} has {wanted} units at one site, where only {there} others are free; expected "
                "at least as many. Lesion fewer units (top=), or draw controls from more sites."
            )
        sets = min(sets * min(comb(there, wanted), MANY), MANY)  # in large networks the count overflows
    if sets < n:
        raise MatchingError(
            f"Only {int(sets)} different control {'set exists' if sets == 1 else 'sets exist'} for {lesion.name!r}; "
            f"{n} were asked for. Ask for {f'{int(sets)} or fewer' if sets > 1 else '1'}, or lesion fewer units."
        )


#: Of a target unit: the places among the free neuroids of those inside the caliper, and every free one's distance.
Near = tuple[np.ndarray, np.ndarray]


def _nearness(
    inside: np.ndarray, free: np.ndarray, pool: xr.DataArray, columns: np.ndarray, caliper: float
) -> Callable[[int], Near]:
    """Get what is near to each target unit; units of one site that are alike in what is matched share it."""
    site = pool["site"].values
    here, there, site_of_free = columns[inside], columns[free], site[free]

    @lru_cache(maxsize=max(1, BUDGET // max(1, len(free))))
    def near(code: int, quantities: bytes) -> Near:
        apart = np.abs(there - np.frombuffer(quantities)).max(axis=1, initial=0.0)
        apart = np.where(site_of_free == code, apart, np.inf)
        return np.flatnonzero((apart <= caliper) & np.isfinite(apart)), apart

    keys = [(int(site[unit]), row.tobytes()) for unit, row in zip(inside, here)]
    return lambda target: near(*keys[target])


def _draw_matched(
    n: int, near_to: Callable[[int], Near], free: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One control set: targets in random order, each given a random free unit inside the caliper, else the nearest."""
    left = np.ones(len(free), dtype=bool)
    picks, how_far = np.empty(n, dtype=np.int64), np.empty(n)
    for target in draw.permutation(n).tolist():
        within, apart = near_to(target)
        near = within[left[within]]
        if not len(near):  # an extreme unit: one of the few nearest, not always the same one, or all controls coincide
            open_to = np.where(left, apart, np.inf)
            near = np.argsort(open_to, kind="stable")[:N_NEAREST]
            near = near[np.isfinite(open_to[near])]
        pick = near[draw.integers(len(near))]
        left[pick] = False
        picks[target], how_far[target] = pick, apart[pick]
    return free[picks], how_far


def _control_region(lesion: Lesion, pool: xr.DataArray, family: str) -> Callable[[str, np.ndarray], ROI]:
    """Get what makes the regions of controls: their units were chosen on what chose the target's, and the ranking."""
    ranked_on = pool["chosen_on"].values if isinstance(pool, xr.Dataset) and "chosen_on" in pool else ()
    chosen_on = lesion.roi.chosen_on.union(map(str, ranked_on))
    return regions_of(pool, chosen_on=chosen_on, how_chosen=f"{family} control")


def _control(
    lesion: Lesion,
    region: Callable[[str, np.ndarray], ROI],
    chosen: np.ndarray,
    family: str,
    draw: int,
    notes: tuple = (),
) -> Lesion:
    roi = region(f"{family} control {draw}", chosen)
    return replace(lesion, roi=roi, role="control", family=family, draw=draw, notes=notes)


def bottom_controls(lesion: Lesion, stat_map: xr.Dataset) -> tuple[Lesion, ...]:
    """Get the lesion of the least selective units: as many per site as the target has, from the bottom of the map.

    stat_map : the result of ``localise``, whose ``statistic`` ranks the units (ties by unit index).

    Returns one lesion of role "control", family "bottom".

    Example
    -------
    >>> from neurolab.analysis import localise, select_roi
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> found = localise(phantom_recording(rng=0), "faces > objects")
    >>> target = Lesion(select_roi(found, name="area", top=8), Zero())
    >>> bottom_controls(target, found)[0].n_units
    8
    """
    inside = lesion.roi.mask(stat_map)  # type: ignore[arg-type]
    free = ~inside & flags(stat_map["valid"].values)
    statistic, site = stat_map["statistic"].values, stat_map["site"].values
    chosen: list[np.ndarray] = []
    for code in np.unique(site[inside]):
        here = np.flatnonzero(free & (site == code))
        wanted = int((inside & (site == code)).sum())
        if len(here) < wanted:
            raise MatchingError(
                f"Lesion {lesion.name!r} has {wanted} units at one site, where only {len(here)} valid ones are left; "
                "lesion fewer units."
            )
        chosen.append(here[np.argsort(statistic[here], kind="stable")[:wanted]])
    region = _control_region(lesion, stat_map, "bottom")  # type: ignore[arg-type]
    return (_control(lesion, region, np.concatenate(chosen), "bottom", 1),)
