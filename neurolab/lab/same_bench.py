"""Lab "Brain and network on the same bench": its bench, recomputed for one network, and what it asks."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import xarray as xr

from neurolab import analysis
from neurolab.ablation import Mean
from neurolab.brain import from_epochs
from neurolab.lab.arrays import together
from neurolab.lab.bench import SITE, Bench
from neurolab.lab.noise import false_alarms
from neurolab.lab.people import people
from neurolab.lab.question import Question
from neurolab.lesion import Lesion
from neurolab.stats.permutation import p_floor
from neurolab.stimuli import StimulusSet

EVERY, N_PEOPLE = 10, 16
WINDOW = (0.1, 0.3)
STEADY = 0.005  # a change of similarity smaller than this is none


class SameBench(Bench):
    """All that the lab observes with one network."""

    @cached_property
    def stimuli(self) -> StimulusSet:
        """Forty of the drawings that choose nothing."""
        return self.halves[1].take(range(0, 400, EVERY))

    @cached_property
    def brains(self) -> list[xr.DataArray]:
        """The EEG of sixteen simulated people."""
        return [from_epochs(one, condition="condition") for one in people(self.stimuli, n=N_PEOPLE, rng=self.rng)]

    @cached_property
    def alarms(self) -> float:
        """How often noise is called an effect with units as the sample."""
        return float(false_alarms(rng=self.rng)["false_alarms"][0])

    @cached_property
    def least(self) -> float:
        """The smallest two-sided p of five networks."""
        return float(p_floor("sign_flip", n=5))

    @cached_property
    def largest(self) -> float:
        """The p of the largest cluster over channels and times, over people."""
        apart = [_apart(one) for one in self.brains]
        data = together(apart, "subject")
        found = analysis.clusters(
            data, by=analysis.ClusterMass(0.01), adjacency=analysis.Within(0.05), n_permutations=200, rng=self.rng
        )
        return float(found["p"][0])

    @cached_property
    def rdms(self) -> xr.DataArray:
        """One RDM per person, of the pattern over channels between 100 and 300 ms."""
        late = [one.sel(time=slice(*WINDOW)).mean("time", keep_attrs=True) for one in self.brains]
        names = [f"sub-{at + 1:02d}" for at in range(len(late))]
        each = [analysis.dissimilarities(one, name=name) for one, name in zip(late, names)]
        return together(each, "rdm")

    @cached_property
    def intact(self) -> xr.DataArray:
        """What the student's network does."""
        from neurolab.specimen import record

        return record(self.specimen, self.stimuli, [SITE])

    @cached_property
    def similarity(self) -> float:
        """How alike the network and the people are."""
        return float(analysis.compare(self.intact, self.rdms)["effect"][0])

    @cached_property
    def after(self) -> float:
        """How alike they are when the face area of the network is silenced."""
        from neurolab.specimen import record

        chosen = record(self.specimen, self.halves[0], [SITE])
        face = analysis.select_roi(analysis.localise(chosen, "faces > objects"), name="face area", top=0.25)
        cut = record(self.specimen, self.stimuli, [SITE], lesions=[Lesion(face, Mean(chosen))])
        return float(analysis.compare(cut, self.rdms)["effect"][0])

    @cached_property
    def change(self) -> str:
        """The letter of what the lesion does to the similarity."""
        by = self.after - self.similarity
        return "c" if abs(by) < STEADY else "a" if by > 0 else "b"


def _apart(one: xr.DataArray) -> xr.DataArray:
    """Mean response to faces less that to objects (neuroid, time)."""
    faces = one["condition"].values.astype(str) == "faces"
    return one[np.flatnonzero(faces)].mean("presentation") - one[np.flatnonzero(~faces)].mean("presentation")


QUESTIONS = (
    Question("Q1", "You want to speak about people in general. What is n here?", lambda bench: "c",
             "What would you draw anew to see whether it holds again?",
             "({truth}) The sample is what the claim generalises over. Channels, times and stimuli of the same people "
             "are not further people.",
             choices={"a": "25 channels x 50 times = 1,250", "b": "16 people x 40 stimuli = 640", "c": "16 people"}),
    Question("Q2", "With units as n, how often was noise called an effect (a share, for example 0.05)?",
             lambda bench: bench.alarms, "Read the row in which the sample is units.",
             "With your chance it was {truth}, where .05 was promised: units of one network share what they share.",
             within=0.005),
    Question("Q3", "Five networks all show the effect. What is the smallest two-sided p a sign-flip can give?",
             lambda bench: bench.least, "Five signs can fall in 2 to the power of 5 ways, and two of them are extreme.",
             "It is {truth}: with five networks nothing can reach .05. Take six or more, before you begin.",
             within=0.0005),
    Question("Q4", "What is the p of the largest cluster over channels and times?", lambda bench: bench.largest,
             "It is the first of the clusters; their p is family-wise.",
             "It is {truth}. It says that there is an effect somewhere in the map.", within=0.0005),
    Question("Q5", "The cluster begins at some time. May you say that the effect begins then?", lambda bench: "b",
             "Read what the result says of its clusters.",
             "({truth}) The p is about the cluster as a whole: nothing follows about its borders.",
             choices={"a": "Yes, if p < .05.", "b": "No: a cluster test says nothing about where or when it begins.",
                      "c": "Yes, to within one sample of time."}),
    Question("Q6", "How alike are your network and the people (the effect of compare)?",
             lambda bench: bench.similarity, "It is the mean over people of the rank correlation of their distances.",
             "For your network it is {truth}. Look where the noise ceiling lies: no model could do much better.",
             within=0.005),
    Question("Q7", "What does the lesion of the face area do to that similarity in your network (0.005 is a change)?",
             lambda bench: bench.change, "Subtract the similarity of the intact network from that after the lesion.",
             "({truth}) is what happens in yours. A similarity can rise after a lesion: units that the people do not "
             "have weighed in before. Similar is not the same.",
             choices={"a": "It rises.", "b": "It falls.", "c": "It changes by less than 0.005."}),
)  # fmt: skip
PREDICTIONS = {
    "P1": "Noise is tested with units as n: how often will it be called an effect (0 to 1)?",
    "P2": "How alike will your network and the people be (-1 to 1)?",
    "P3": "Will the lesion of the face area make them less alike? Say yes or no, and why.",
}
BOUNDS = {"P1": (0.0, 1.0), "P2": (-1.0, 1.0)}
EXPLANATIONS = {
    "E1": "Write the Methods sentence of the comparison, then compare it with the one that is printed.",
    "E2": "Which claim about brains does all this support? One sentence.",
}
