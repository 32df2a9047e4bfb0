"""One recording of networks before and after something was learned: what changed, unit by unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurolab.errors import SpecimenError
from neurolab.specimen.given import check_specimen
from neurolab.specimen.record import record
from neurolab.specimen.specimen import Probe, Specimen
from neurolab.stimuli import StimulusSet


def before_and_after(
    before: Specimen, after: Specimen, stimuli: StimulusSet, probes: Sequence[str | Probe]
) -> xr.DataArray:
    """Get one recording of the same units in a network before and after it learned something.

    ``nl.localise(found, "after > before", test="paired")`` then says which units came to answer these stimuli more.

    Parameters
    ----------
    before, after : the network, and the same network after further training (``nl.specimen.retrain``).
    stimuli : shown to both. probes : sites.

    Returns
    -------
    Recording with every stimulus twice, under the conditions "before" and "after"; ``pair`` names the pairs,
    ``stimulus_condition`` keeps the stimulus's own condition. The ids of stimuli after learning are their own, those
    before end in " (before)", so that a region remembers what chose it. It is a recording of ``after``.

    Raises
    ------
    SpecimenError : networks whose units do not correspond.

    When this is invalid
    --------------------
    Units of two networks that do not descend from one another correspond in number only.

    Example
    -------
    >>> import pandas as pd, torch
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    >>> one, other = (Specimen(torch.nn.Linear(2, 3), torch.zeros(1, 2), name="net") for _ in range(2))
    >>> before_and_after(one, other, StimulusSet("two", np.eye(2), table), ["output"])["condition"].values.tolist()
    ['before', 'before', 'after', 'after']
    """
    for one in (before, after):
        check_specimen(one, "before_and_after", each="one network of each: zip(before, after)")
    parts = [record(one, stimuli, probes) for one in (before, after)]
    same = all(np.array_equal(parts[0][name].values, parts[1][name].values) for name in ("site", "unit"))
    if not same or before.name != after.name:
        raise SpecimenError(f"before_and_after(): {before.name!r} and {after.name!r} are no two states of one network; "
                            "give a network and what nl.specimen.retrain() made of it.")
    for part, when in zip(parts, ("before", "after")):
        ids = part["stimulus_id"].values.astype(object)
        part["pair"] = ("presentation", ids)
        part["stimulus_condition"] = ("presentation", part["condition"].values)
        part["condition"] = ("presentation", np.full(len(ids), when, dtype=object))
        if when == "before":
            part["stimulus_id"] = ("presentation", np.array([f"{one} (before)" for one in ids], dtype=object))
    of_units = [name for name, coord in parts[0].coords.items() if coord.dims == ("neuroid",)]
    joined = xr.concat([part.drop_vars(of_units) for part in parts], dim="presentation", combine_attrs="override")
    return joined.assign_coords({name: parts[1].coords[name] for name in of_units}).assign_attrs(parts[1].attrs)
