"""Units as people read them: microvolts rather than 2e-06, and a channel by its own name."""

from __future__ import annotations

import numpy as np
import xarray as xr

#: What recordings hold in SI units, and what they are shown in: factor and name.
SHOWN_IN = {"V": (1e6, "µV"), "T": (1e15, "fT"), "T/m": (1e13, "fT/cm")}


def shown_in(unit: str) -> tuple[float, str]:
    """Get the factor and the name of the unit that effects in this unit are shown in.

    Example
    -------
    >>> shown_in("V"), shown_in("z")
    ((1000000.0, 'µV'), (1.0, 'z'))
    """
    return SHOWN_IN.get(unit, (1.0, unit))


def unit_of(result: xr.Dataset, at: int | None = None) -> str:
    """Get the unit that effects of a result are in; ``at`` a neuroid where neuroids have their own."""
    if at is not None and "units" in result.coords and str(result.attrs.get("effect_unit", "")) != "AUC":
        return str(result["units"].values[at])
    given = str(result.attrs.get("effect_unit", "") or "")
    return "" if given.startswith("mixed") else given


def scaled(result: xr.Dataset, values: np.ndarray) -> tuple[np.ndarray, str]:
    """Get values of a result as they are shown, with the name of their unit."""
    factor, name = shown_in(unit_of(result))
    return np.asarray(values, dtype=float) * factor, name


def neuroid_word(result: xr.Dataset) -> str:
    """Get what one neuroid of a result is: ``voxel`` of a brain's grid or lesion map, ``channel``, else ``unit``.

    Example
    -------
    >>> neuroid_word(xr.Dataset(attrs={"kind": "brain", "analysis": "symptom_map"})), neuroid_word(xr.Dataset())
    ('voxel', 'unit')
    """
    if "channel" in result.coords and result["channel"].dtype.kind in "OUST":
        return "channel"
    grid = '"dims": ["i", "j", "k"]' in str(result.attrs.get("sites", ""))
    brain = str(result.attrs.get("kind", "")) == "brain"
    return "voxel" if brain and (grid or str(result.attrs.get("analysis", "")) == "symptom_map") else "unit"


def unit_name(result: xr.Dataset, at: int) -> str:
    """Get what a neuroid is called: its channel's name, the place of a voxel where known, else its unit's number.

    Example
    -------
    >>> result = xr.Dataset(coords={"unit": ("neuroid", [4, 7]), "channel": ("neuroid", ["Cz", "Pz"])})
    >>> unit_name(result, 1), unit_name(result.drop_vars("channel"), 1)
    ('Pz', 'unit 7')
    >>> place = {axis: ("neuroid", [0.0, end]) for axis, end in zip("xyz", (-42.0, 12.5, 8.0))}
    >>> unit_name(xr.Dataset(coords=place, attrs={"kind": "brain", "analysis": "symptom_map"}), 1)
    'the voxel at x −42, y 12.5, z 8 mm'
    """
    word = neuroid_word(result)
    if word == "channel":
        return str(result["channel"].values[at])
    if word == "voxel" and all(axis in result.coords for axis in "xyz"):
        place = [f"{axis} {round(float(result[axis].values[at]), 1):g}".replace("-", "−") for axis in "xyz"]
        return f"the voxel at {', '.join(place)} mm"
    return f"{word} {int(result['unit'].values[at])}"
