"""Lab "Find the face area, then remove it": its bench, recomputed for one network, and what it asks."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import xarray as xr

from neurolab import analysis
from neurolab.ablation import Mean
from neurolab.design import sham
from neurolab.lab.bench import SITE, Bench
from neurolab.lab.question import Question
from neurolab.lesion import Lesion
from neurolab.matching import matched_controls
from neurolab.scores import accuracy

TOP, N_CONTROLS = 0.25, 199
AREAS = {"face area": "faces > objects", "object area": "objects > faces"}
TASKS = {"faces": "name faces", "objects": "name objects"}


class FaceArea(Bench):
    """All that the lab observes in one network."""

    @cached_property
    def intact(self) -> xr.DataArray:
        """What the network does while it sees the first half."""
        from neurolab.specimen import record

        return record(self.specimen, self.halves[0], [SITE])

    @cached_property
    def trials(self) -> xr.Dataset:
        """Both lesions, their sham and random lesions of as many units, on the second half."""
        from neurolab.specimen import Task, examine

        face, thing = (
            Lesion(analysis.select_roi(analysis.localise(self.intact, contrast), name=name, top=TOP), Mean(self.intact))
            for name, contrast in AREAS.items()
        )
        random = matched_controls(face, self.intact, N_CONTROLS, match=("site",), rng=self.rng)
        tasks = [Task(task, self.halves[1].where(condition=kind), accuracy) for kind, task in TASKS.items()]
        return examine(self.specimen, [sham(face), face, thing, *random], tasks, progress=False)

    @cached_property
    def preferring(self) -> int:
        """How many units prefer faces."""
        found = analysis.localise(self.intact, AREAS["face area"])
        return int(((found["q"] <= 0.05) & (found["effect"] > 0)).sum())

    @cached_property
    def cost(self) -> float:
        """What the face lesion costs the naming of faces, in accuracy."""
        found = analysis.deficits(self.trials, rng=self.rng)
        return float(found["effect"].sel(lesion="face area", task=TASKS["faces"]))

    @cached_property
    def as_bad(self) -> int:
        """How many random lesions cost the naming of faces as much or more."""
        found = analysis.against_controls(self.trials, lesion="face area", task=TASKS["faces"], rng=self.rng)
        return int((found["control"].values >= float(found["target"].values[0]) - 1e-9).sum())

    @cached_property
    def verdict(self) -> str:
        """The letter of what both lesions and both tasks show in this network."""
        found = analysis.dissociation(
            self.trials,
            lesions=("face area", "object area"),
            tasks=(TASKS["faces"], TASKS["objects"]),
            spared_within=0.1,
            rng=self.rng,
        )
        said = str(found.attrs["verdict"])
        return "a" if said.startswith(("classical", "crossover")) else "b" if said.startswith("single") else "c"

    @cached_property
    def flattered(self) -> str:
        """The letter of why others images test: on noise, the images that chose the units flatter them."""
        noise = np.random.default_rng(self.rng).standard_normal((2, 40, 500))
        means = noise[:, :20].mean(axis=1) - noise[:, 20:].mean(axis=1)
        best = np.argsort(means[0])[-50:]
        return "b" if means[0, best].mean() > means[1, best].mean() else "a"


QUESTIONS = (
    Question("Q1", "How many of the 128 units prefer faces, at q <= .05?", lambda bench: bench.preferring,
             "Count the units whose q is at most .05 and whose effect is above 0: both signs pass the test.",
             "In your network {truth} units respond more to faces. Preferring is not yet being needed.", within=0.5),
    Question("Q2", "Why are the units tested on images that did not choose them?", lambda bench: bench.flattered,
             "Look at the noise: where does the effect of the best units vanish?",
             "({truth}) Units chosen as the best of many look good in the data that chose them, also in pure noise.",
             choices={"a": "More images give more power.", "b": "The images that chose the units flatter them.",
                      "c": "The network has learnt the first half by heart."}),
    Question("Q3", "How much accuracy in naming faces does the lesion of the face area cost (for example 0.25)?",
             lambda bench: bench.cost,
             "The deficit is the accuracy of the sham minus that of the lesion, on faces, not on objects.",
             "Your network loses {truth} of its accuracy on faces.", within=0.005),
    Question("Q4", "How many of the 199 random lesions of as many units cost naming faces as much, or more?",
             lambda bench: bench.as_bad,
             "Compare the deficit of the face area with that of each draw; ties count.",
             "In your network {truth} of 199 do. Random lesions hurt too, so a lesion is compared with them, not with "
             "the intact network; (that number + 1) / 200 is the rank p.", within=0.5),
    Question("Q5", "What do the two lesions on the two tasks show in your network?", lambda bench: bench.verdict,
             "Read the verdict of the dissociation, and which of its claims are shown.",
             "({truth}) is what your network shows; a dissociation needs the difference within each task, both ways.",
             choices={"a": "A crossover: each lesion costs its own task more than the other lesion does.",
                      "b": "A single dissociation.", "c": "No dissociation is shown."}),
    Question("Q6", "If only faces had suffered, and objects never, what else could explain it?", lambda bench: "a",
             "Think of two tasks that use the same units, where one is harder.",
             "({truth}) A harder task suffers first from any damage. That is why two lesions and two tasks are needed.",
             choices={"a": "Faces are harder, so any damage shows there first.", "b": "The lesion was too large.",
                      "c": "Nothing: that is proof of a face module."}),
    Question("Q7", "Does this show that brains evolved a module for faces?", lambda bench: "c",
             "What did this network evolve, and what did it learn?",
             "({truth}) Training alone can segregate two tasks; that it can does not say that brains came by it so.",
             choices={"a": "Yes: the network has one.", "b": "Yes, if all twelve networks have one.",
                      "c": "No: it shows that learning two tasks can be enough to segregate them."}),
)  # fmt: skip
PREDICTIONS = {
    "P1": "What share of the units will prefer faces (0 to 1)?",
    "P2": "When the most face-selective quarter is silenced, to what accuracy (0 to 1) will naming faces fall?",
    "P3": "And when a random quarter is silenced (0 to 1)?",
}
BOUNDS = {"P1": (0.0, 1.0), "P2": (0.0, 1.0), "P3": (0.0, 1.0)}
EXPLANATIONS = {
    "E1": "Write two sentences for Results: what was done, what was found, with n and an interval.",
    "E2": "Would 512 units look the same as 128? Say why, in one sentence.",
}
