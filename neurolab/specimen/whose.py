"""Whether a region is one of a network: unit 7 of two seeds is not the same unit, whatever both are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurolab.errors import LesionPlanError
from neurolab.lineage import are_strangers
from neurolab.roi import ROI

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen


def own_weights(specimen: Specimen) -> frozenset[str]:
    """Get the digests of a network's weights, as they are without the lesions of a bench, and as they were before.

    Example
    -------
    >>> import torch
    >>> from neurolab.specimen.specimen import Specimen
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))
    >>> own_weights(net) == {net.digest[:16]}
    True
    """
    from neurolab.specimen.bench import OPEN

    around = (one.references.weights for one in OPEN if one.specimen.model is specimen.model)
    return specimen.past.weights | {(next(around, "") or specimen.digest)[:16]}


def check_weights(specimen: Specimen, rois: Iterable[ROI], verb: str) -> None:
    """Raise LesionPlanError where a region was chosen in another network of the same name.

    A network may have been trained on, or units removed from it, by this package: its regions are its own all the same.
    """
    told = [roi for roi in rois if roi.weights]
    own = own_weights(specimen) if told else frozenset()
    for roi in told:
        if are_strangers(roi.weights, own):
            raise LesionPlanError(
                f"{verb}: the region {roi.name!r} was localised in another network that is called {specimen.name!r} "
                "too: its weights were others, and so are its units. Give every network a name of its own, "
                "nl.Specimen(model, batch, name='seed 1'), and find the region in each. If the units do correspond "
                f"(weights that you trained on, or cast), type roi.moved_to({specimen.name!r})."
            )
