"""What lies on a network while lesions are in place: their edits, and the counts behind their certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from neurolab.errors import LesionNotApplied
from neurolab.lesion import Lesion
from neurolab.specimen.certificate import Certificate, Tally
from neurolab.specimen.edit import Edit
from neurolab.specimen.weights import WeightEdit


@dataclass
class Damage:
    """The lesions that are in place: their edits, and what has happened so far."""

    lesions: tuple[Lesion, ...]
    edits: list[Edit]
    weights: list[WeightEdit]
    runs: int = 0
    read: bool | None = None

    @property
    def routed(self) -> bool:
        """Whether a lesion lies inside an expert, which need not run for every stimulus."""
        return any(edit.site.routed for edit in self.edits)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Run something without its counting towards the certificate."""
        runs, tallies = self.runs, [edit.tally for edit in self.edits]
        try:
            for edit in self.edits:
                edit.tally = Tally()
            yield
        finally:
            self.runs = runs
            for edit, tally in zip(self.edits, tallies):
                edit.tally = tally

    def fired(self) -> int:
        """Get in how many forward calls the least used site acted."""
        return min((edit.tally.fired for edit in self.edits), default=self.runs)

    def shows(self, cut: torch.Tensor, intact: torch.Tensor) -> bool:
        """Get whether a read-out differs from the intact one: in any bit, or by more than stepping alone may do."""
        if torch.equal(cut, intact):
            return False
        stepped = any(edit.site.kind == "state" and edit.acts for edit in self.edits)
        return not (stepped and torch.allclose(cut, intact, rtol=1e-5, atol=1e-6))

    def certificate(self, *, downstream: float = float("nan"), path: str = "hooks") -> Certificate:
        """Get the certificate so far; raises LesionNotApplied when a site never ran."""
        for edit in self.edits:
            if edit.tally.fired == 0:
                raise LesionNotApplied(
                    f"Lesion {edit.lesion.id!r}: site {edit.site.address!r} never ran, so nothing was cut. Type "
                    "specimen.sites() and choose a site that the forward calls for these stimuli."
                )
        tallies = [edit.tally for edit in self.edits if edit.effect is not None]
        total = sum(t.total for t in tallies) + sum(w.total for w in self.weights)
        changed = sum(t.changed for t in tallies) + sum(w.changed for w in self.weights)
        far = [t.distance for t in tallies if t.distance == t.distance]
        return Certificate(
            self.fired(), self.read, changed / total if total else float("nan"), self._vacuous(),
            downstream, sum(far) / len(far) if far else float("nan"), path,
        )

    def _vacuous(self) -> bool:
        """Whether a part of what is done changed nothing: a lesion cannot hide behind noise elsewhere."""
        counts: dict[int, list[int]] = {}
        found = [(edit.lesion, edit.tally.total, edit.tally.changed) for edit in self.edits if edit.effect is not None]
        for lesion, total, changed in [*found, *((edit.lesion, edit.total, edit.changed) for edit in self.weights)]:
            so_far = counts.setdefault(id(lesion), [0, 0])
            so_far[0] += total
            so_far[1] += changed
        return any(total and not changed for total, changed in counts.values())
