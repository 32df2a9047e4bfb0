"""Readers: a brain comes in as a recording; from there on nothing can tell it from a network's."""

from neurolab.brain.blocks import average_blocks as average_blocks
from neurolab.brain.epochs import from_epochs as from_epochs
from neurolab.brain.images import from_masked_image as from_masked_image
from neurolab.brain.masks import from_lesion_masks as from_lesion_masks
from neurolab.brain.rdm_files import read_rdms as read_rdms
from neurolab.brain.table import from_table as from_table
from neurolab.brain.timeseries import remove_drift as remove_drift
from neurolab.brain.timeseries import standardise_runs as standardise_runs

__all__ = [
    "average_blocks",
    "from_epochs",
    "from_lesion_masks",
    "from_masked_image",
    "from_table",
    "read_rdms",
    "remove_drift",
    "standardise_runs",
]

__dir__ = __all__.copy
