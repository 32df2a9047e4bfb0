"""Removing units for good: new networks without them, the old ones as they were."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from neurolab.errors import LesionPlanError
from neurolab.lesion import CutWeights, Lesion
from neurolab.roi import ROI
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.given import check_specimen
from neurolab.specimen.past import Past, past_of
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.specimen.weights import weight_edits
from neurolab.specimen.whose import check_weights, own_weights

#: A region, a lesion of it (only where it is counts), several of them, or what finds those of a network.
Found = ROI | Lesion | Sequence[ROI | Lesion]
Where = Found | Callable[[Specimen], Found]


def remove_units(specimen: Any, where: Where | Mapping[str, Where]) -> Any:
    """Get the same network, or cohort, without some units: their weights in and out and their biases are zero.

    Parameters
    ----------
    specimen : a Specimen, or a Cohort. It is not changed: to restore a network is to go on with it.
    where : a region, a lesion whose region is meant, several of them, or a function that gives those of a network; or
        several such by name (what ``nl.analysis.choose_doses`` gives is that), for a copy without each.

    Returns
    -------
    Specimen or Cohort (by name, where several are given), under the old names, so that regions found before are regions
    of it. With rectified units what is removed stays silent whatever the network learns; to be sure in any network hold
    it (``nl.specimen.retrain(..., held=nl.Lesion(roi, nl.CutWeights("both")))``). ``cohort.training`` stays; each
    network remembers the stimuli that chose what it lacks (``specimen.past``), so that ``examine`` and ``retrain``
    refuse to test it on them.

    Raises
    ------
    LesionPlanError : units of another network, or of a site that no single weight makes and reads.

    Example
    -------
    >>> import torch
    >>> net = Specimen(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)),
    ...                torch.zeros(1, 2), name="net")
    >>> cut = remove_units(net, ROI("middle", {"1": [1]}))
    >>> cut.model[0].weight[1].tolist(), cut.model[2].weight[0, 1].item(), bool((net.model[0].weight[1] == 0).any())
    ([0.0, 0.0], 0.0, False)
    """
    if isinstance(where, Mapping):
        return {name: remove_units(specimen, one) for name, one in where.items()}
    if isinstance(specimen, Cohort):
        return Cohort(tuple(remove_units(one, where) for one in specimen), specimen.name, specimen.training)
    check_specimen(specimen, "remove_units")
    given = where(specimen) if callable(where) else where
    found = (given,) if isinstance(given, (ROI, Lesion)) else tuple(given)
    roi = _region(found, specimen)
    model = copy.deepcopy(specimen.model)
    made = Specimen(model, specimen.example, name=specimen.name, output=specimen.output, feed=specimen.feed,
                    inputs_on=specimen.inputs_on)
    lesion = Lesion(roi, CutWeights("both"))
    effect = effect_of(lesion.how)
    assert isinstance(effect, OnWeights)
    for edit in weight_edits(made, lesion, effect):
        edit.apply()
    object.__setattr__(made, "past", specimen.past | past_of(found) | Past(weights=own_weights(specimen)))
    return made


def _region(found: Sequence[ROI | Lesion], specimen: Specimen) -> ROI:
    """All that was found in a network, as one region of it."""
    rois = [one.roi if isinstance(one, Lesion) else one for one in found]
    strange = [one for one in rois if not isinstance(one, ROI)]
    if strange or not rois:
        kind = type(strange[0]).__name__ if strange else "nothing"
        raise LesionPlanError(f"remove_units() got {kind} for {specimen.name!r}; expected a region or a lesion. Type "
                              "nl.select_roi(stat_map, name='module', top=0.1).")
    for roi in rois:
        if roi.specimen and roi.specimen != specimen.name:
            raise LesionPlanError(
                f"remove_units(): {roi.name!r} was localised in {roi.specimen!r}, not {specimen.name!r}; give a "
                "function that finds the region of a network, or roi.moved_to(name)."
            )
    check_weights(specimen, rois, "remove_units()")
    return reduce(or_, rois)
