"""What the benches of labs have in common: one network of the cohort, and its drawings in two halves."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from neurolab import datasets
from neurolab.stimuli import StimulusSet

if TYPE_CHECKING:
    from neurolab.specimen import Specimen

COHORT, SITE, N_NETWORKS = "faces-and-objects", "features.6", 12


class Bench:
    """One network, on which a lab observes; each part is computed when it is first asked for."""

    def __init__(self, network: int) -> None:
        self.network = self.rng = network

    @cached_property
    def specimen(self) -> Specimen:
        """The student's network."""
        return datasets.load_cohort(COHORT)[self.network]

    @cached_property
    def halves(self) -> tuple[StimulusSet, ...]:
        """The drawings that choose units, and the others, which test them."""
        return datasets.load_stimuli(COHORT).split(2, by="label", rng=self.rng)
