"""Ladders in trials: the rows of every dose or strength of a lesion, and what the strength is measured in."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

#: The coordinates of lesions that name the ladder and give the dose.
COLUMNS = {"dose": ("roi", "dose"), "strength": ("ladder", "rung")}
#: A dose that whole units made differ by more than this part of it is told.
OFF = 0.05
#: What the strength of each kind of noise is measured in.
STRENGTHS = {
    "Noise": "noise (sd of each unit)",
    "WeightNoise": "weight noise (sd of the weights)",
    "Quantise": "rounding step (2^(1 − bits))",
    "Stimulate": "current (sd of each unit)",
    "Inject": "current",
}


def ladder_rows(trials: xr.Dataset, lesion: str, role: str, family: str, along: str) -> dict[float, np.ndarray]:
    """Get the rows of each dose (or strength) of a lesion, by rising dose; empty where there is no such ladder.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> ladder_rows(phantom_trials(doses=(0.5, 1.0), rng=0), "A", "target", "", "dose")
    {0.5: array([0]), 1.0: array([1])}
    """
    named, at = COLUMNS[along]
    if named not in trials.coords:
        return {}
    ours = (trials[named].values.astype(str) == lesion) & (trials["role"].values == role)
    if role == "control":
        ours &= trials["family"].values == family
    dose = trials[at].values
    return {float(value): np.flatnonzero(ours & (dose == value)) for value in np.unique(dose[ours])}


def made_shares(trials: xr.Dataset, ladder: dict[float, np.ndarray]) -> dict[float, float]:
    """Get the share of the units that each dose of a ladder had, where whole units made it another than was asked for.

    Means over networks and draws; doses within a twentieth of what was asked for are left out.
    """
    if "lesion_notes" not in trials.variables:
        return {}
    notes = trials["lesion_notes"].transpose(..., "lesion").values.reshape(-1, trials.sizes["lesion"])
    found = {}
    for dose, rows in ladder.items():
        texts = [text for text in map(str, notes[:, rows].ravel()) if text.startswith("{")]
        found[dose] = np.mean([float(json.loads(text).get("share", dose)) for text in texts] or [dose])
    return {dose: float(share) for dose, share in found.items() if abs(share - dose) > dose * OFF}


def _counts_units(trials: xr.Dataset, rows: np.ndarray) -> bool:
    """Whether the rungs of these rows are how many units each of them has, and not how strongly they are treated."""
    if not {"rung", "n_units"} <= set(trials.coords) or not len(rows):
        return False
    units = trials["n_units"].transpose(..., "lesion").values.reshape(-1, trials.sizes["lesion"])[:, rows]
    return bool(len(rows) > 1 and len(set(units[0])) > 1 and (units == trials["rung"].values[rows]).all())


def strength_name(trials: xr.Dataset, rows: np.ndarray) -> str:
    """Get what the strength of these rows is measured in, from how they were lesioned.

    Example
    -------
    >>> how = {"how": ("lesion", ["Zero & WeightNoise sd=0.5 at conv"])}
    >>> strength_name(xr.Dataset(coords=how), np.array([0]))
    'weight noise (sd of the weights)'
    """
    if _counts_units(trials, rows):
        return "units"
    if "how" not in trials.coords:
        return "strength"
    kinds = {part.split(" ")[0] for text in trials["how"].values[rows] for part in str(text).split(" & ")}
    return next((name for kind, name in STRENGTHS.items() if kind in kinds), "strength")
