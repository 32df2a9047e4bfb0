"""The battery of damage that describes one network: every unit alone, more and more units, and noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import xarray as xr

from neurolab.ablation import Ablation, Noise, Zero
from neurolab.chance import RNG
from neurolab.coalitions import coalitions, parts
from neurolab.design import dose_ladder, noise_ladder
from neurolab.errors import DesignError
from neurolab.lesion import Lesion
from neurolab.lineage import weights_of
from neurolab.recording import at_site, site_names
from neurolab.roi import ROI
from neurolab.schema import check_recording

#: What the removal of more and more units, and the noises, are called in the trials of a battery.
REMOVAL, INSIDE, OUTSIDE = "all units", "noise inside", "noise in the input"
INPUT = "input"


def damage_battery(
    recording: xr.DataArray,
    *,
    hows: Sequence[Ablation] = (Zero(),),
    shares: Iterable[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    n_orders: int = 10,
    sds: Iterable[float] = (0.5, 1.0, 1.5, 2.0),
    n_draws: int = 3,
    rng: RNG,
) -> tuple[Lesion, ...]:
    """Get the lesions that describe how a network stands damage; ``damage_indices`` reads the trials.

    Every recorded unit alone (by the first of ``hows``); growing shares of all of them in random orders, by each of
    ``hows``; noise of growing sd on all of them; and, where the site "input" is recorded too, noise in the stimuli. The
    lesions have the same names in every network with the same sites.

    Parameters
    ----------
    recording : of the intact network at the sites to damage, all their units; its activity scales the noise (sd of each
        unit). Each network of a cohort needs its own.
    hows : ablations; state two or more where the answer may depend on which: ``(nl.Zero(), nl.Mean(intact))``.
    shares : of all units, in (0, 1]. n_orders : random orders of removal.
    sds : strengths of the noise. n_draws : noises of each strength.
    rng : integer or Generator; the orders.

    Raises
    ------
    DesignError : no site but the input; no ablation.

    When this is invalid
    --------------------
    A network trained under one of these noises has met its exam: look at the other one.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> len(damage_battery(phantom_recording(n_units=20, rng=0), n_orders=2, rng=0))  # sham, 20, 2 x 10, 4 x 3
    53
    """
    check_recording(recording)
    hows, inner = tuple(hows), [site for site in site_names(recording) if site != INPUT]
    if not inner or not hows:
        raise DesignError(
            "damage_battery() got no site to damage, or no ablation; expected a recording of hidden units. Type "
            "nl.record(specimen, stimuli, ['input', '1', '3'])."
        )
    units = _units(recording, inner, REMOVAL)
    lesions = [Lesion(part, hows[0]) for part in parts(units)]
    for how in hows:
        whole = Lesion(units, how, name=f"{REMOVAL}, {how.label}")
        lesions += dose_ladder(whole, shares, n_draws=n_orders, rng=rng)
    noisy = [(INSIDE, units)]
    if INPUT in site_names(recording):
        noisy.append((OUTSIDE, _units(recording, [INPUT], OUTSIDE)))
    for name, roi in noisy:
        lesions += noise_ladder(Lesion(roi, Noise(1.0, recording), name=name), sds, n_draws=n_draws)
    return (Lesion(units, hows[0], role="sham"), *lesions)


def unit_coalitions(recording: xr.DataArray, how: Ablation) -> tuple[Lesion, ...]:
    """Get a lesion for every set of the recorded units, 2^n in all, for ``shapley``, pairs and minimal sets.

    Parameters
    ----------
    recording : of one network: 16 units or fewer, of one site or several. how : the ablation.

    When this is invalid
    --------------------
    Unit 3 of one network is not unit 3 of another: what is said of single units holds for one network, and only the
    shape of the game (``game_indices``, ``minimal_indices``) compares between networks.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> len(unit_coalitions(phantom_recording(n_units=4, selective={}, rng=0), Zero()))
    16
    """
    check_recording(recording)
    return coalitions(parts(_units(recording, site_names(recording), REMOVAL)), how)


def _units(recording: xr.DataArray, sites: Sequence[str], name: str) -> ROI:
    units = {site: at_site(recording, site)["unit"].values for site in sites}
    who, weights = str(recording.attrs.get("specimen", "")), weights_of(recording)
    return ROI(name, units, how_chosen="given", specimen=who, weights=weights)
