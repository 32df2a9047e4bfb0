"""Maps to select from that no test made: any number per unit, and the orders in which published methods prune."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.entry import Sides, sides_of
from neurolab.analysis.localiser import known, localise
from neurolab.analysis.unit_numbers import measured_on, numbers_at
from neurolab.contrast import Contrast
from neurolab.digest import digest_of
from neurolab.lineage import weights_said
from neurolab.schema import check_recording, make_result, register_result, strings
from neurolab.stimuli import StimulusSet

register_result("unit_map", {**dict.fromkeys(("statistic", "valid"), ("neuroid",)), "chosen_on": ("stimulus",)})

#: A small activity beside which a silent unit does not count as infinitely selective.
EPS = 1e-3


def _selective(sides: Sides) -> np.ndarray:
    wanted = np.abs(sides.a).mean(axis=0)
    return np.asarray(wanted / (np.abs(sides.b).mean(axis=0) + EPS))


#: Orders of pruning, first to go first: name -> (score from both sides of a contrast, what it is in words).
ORDERS: dict[str, tuple[Callable[[Sides], np.ndarray], str]] = {
    "selective": (_selective, "mean |activity| on {a}, over that on {b}"),
    "dormant": (lambda sides: -np.abs(sides.b).mean(axis=0), "least mean |activity| on {b}"),
}


def unit_map(
    recording: xr.DataArray, values: Any, *, chosen_by: str, stimuli: StimulusSet | Iterable[str] | None = None
) -> xr.Dataset:
    """Get a map to select units from, out of any number per unit: an attribution, a weight norm.

    Parameters
    ----------
    recording : whose neuroids they are; a region will remember its stimuli, and those behind the numbers.
    values : the larger the sooner selected, NaN never. A result that ranks units (of ``nl.specimen.screen``,
        ``nl.localise``), a DataArray with the coordinates site and unit, put at the neuroids by these, or plain numbers
        (n_neuroids,) in the order of the recording.
    chosen_by : what the numbers are, in words: "gradient x activity of the freeze response".
    stimuli : a StimulusSet or ids, on which the numbers were measured, where they do not say it themselves and it was
        not on those of the recording; () for what no stimulus made, such as norms of weights.

    Returns
    -------
    Dataset over neuroid for :func:`neurolab.select_roi`: ``statistic`` and ``valid``; ``chosen_on``.

    Raises
    ------
    DataError : a neuroid without a number, a unit with two, sites that are not named, or a DataArray that does not say
        on which stimuli it was measured, without ``stimuli``.

    When this is invalid
    --------------------
    Nothing is tested: the first unit of pure noise is a unit too.

    Example
    -------
    >>> from neurolab.analysis.select import select_roi
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(n_units=4, rng=0)
    >>> select_roi(unit_map(recording, [0, 3, 1, 2], chosen_by="a guess"), name="best", top=2).n_units
    2
    """
    check_recording(recording)
    numbers = numbers_at(recording, values)
    usable = recording["valid"].values.astype(bool) if "valid" in recording.coords else np.ones(len(numbers), bool)
    kept = {str(name): coord for name, coord in recording.coords.items() if coord.dims == ("neuroid",)}
    seen = measured_on(recording, values, stimuli)
    return make_result(
        {
            "statistic": ("neuroid", np.nan_to_num(numbers, posinf=np.finfo(np.float64).max)),
            "chosen_on": ("stimulus", strings(seen)),
        },
        coords={**kept, "valid": ("neuroid", usable & ~np.isnan(numbers))},
        analysis="unit_map",
        estimand=f"per neuroid, {chosen_by}",
        test="none",
        n=len(set(recording["stimulus_id"].values)),
        generalises_over="stimulus",
        correction="none",
        level=0.95,
        rng="",
        inputs=digest_of(numbers),
        alternative="greater",
        chosen_by=chosen_by,
        **{name: recording.attrs.get(name, "") for name in ("source", "specimen", "kind", "sites")},
        **weights_said(recording),
    )


def pruning_map(recording: xr.DataArray, contrast: str | Contrast, *, order: str) -> xr.Dataset:
    """Get the units in the order in which a published method would prune them to be rid of a behaviour.

    Parameters
    ----------
    recording : presentation x neuroid. contrast : unwanted > wanted, e.g. ``"triggered > plain"``.
    order : "selective" (mean |activity| on the unwanted side over that on the wanted one + 0.001: selective pruning) or
        "dormant" (the least active on the wanted side first: fine-pruning), or "contrast", which no method published:
        what the unwanted side drives most (:func:`localise`).

    Returns
    -------
    Dataset over neuroid for :func:`neurolab.select_roi`, as :func:`unit_map` gives it.

    When this is invalid
    --------------------
    Silent units are all dormant alike: prune by an accuracy budget, not to a number of them.

    Source
    ------
    Pochinkov & Schoots 2024, arXiv:2403.01267 (selective pruning); Liu et al. 2018, arXiv:1805.12185 (fine-pruning).

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> pruning_map(phantom_recording(rng=0), "faces > objects", order="dormant").attrs["chosen_by"]
    'least mean |activity| on objects'
    """
    known(order, (*ORDERS, "contrast"), "order")
    if order == "contrast":
        return localise(recording, contrast)
    score, words = ORDERS[order]
    sides = sides_of(recording, contrast)
    numbers = np.where(sides.usable, score(sides), np.nan)
    sets = {"a": " + ".join(sides.contrast.positive), "b": " + ".join(sides.contrast.negative)}
    return unit_map(recording.isel(presentation=sides.rows), numbers, chosen_by=words.format(**sets))
