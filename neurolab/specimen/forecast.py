"""What a campaign will take, said before it starts: scores, what is kept of the network, room on the disk."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from neurolab.campaign import unread
from neurolab.errors import StoreWriteError, TooLargeError
from neurolab.lesion import Lesion
from neurolab.specimen import room
from neurolab.specimen.plan import Block, Plan, Tile
from neurolab.specimen.room import ANSWERS
from neurolab.specimen.specimen import Specimen, Task
from neurolab.specimen.stream import LARGE, bytes_of

log = logging.getLogger("neurolab")

#: Bytes on disk that a lesion takes besides its scores: what is known of it, twice, and where it stands.
FACTS = 1500
#: Lesions that are computed together at most: none of them is finished before all are.
TOGETHER = 64
MB = 10**6


@dataclass(frozen=True)
class Forecast:
    """The bytes of a campaign on one network.

    scores : a number per lesion and trial. held : in each worker the stimuli, the network and the intact answers.
    answers : to all stimuli under one lesion. memory : what may be kept of the intact network, in each worker.
    """

    name: str
    lesions: int
    scores: int
    held: int
    answers: int
    memory: int
    workers: int

    @classmethod
    def of(
        cls, specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], workers: int,
        max_memory: str | int | None, stay: bool = False,
    ) -> Forecast:
        """Get it for a design, and how much may be kept.

        stay : whether the scores stay in a store, where they are many.

        Raises
        ------
        TooLargeError : ``max_memory`` does not hold even the scores, the stimuli and the answers under one lesion.
        """
        shown = {task.stimuli.digest: len(task.stimuli) for task in tasks}
        stimuli = sum(shown.values())
        size = specimen.example.element_size()
        answers = stimuli * prod(specimen.sites()["output"].shape) * size
        weights = sum(one.numel() * one.element_size() for one in specimen.model.parameters())
        held = stimuli * specimen.example[0].numel() * size + answers + weights * (workers > 1)
        scores = len(design) * sum(len(task.stimuli) for task in tasks) * 8
        here = 0 if stay and scores > unread.LARGE else 2 * scores
        memory = room.BUDGET if max_memory is None else int(
            (bytes_of(max_memory) - here - workers * (held + answers)) // workers * (1 - ANSWERS))
        made = cls(specimen.name, len(design), scores, held, answers, max(memory, 0), workers)
        if max_memory is not None and memory < 0:
            least = here + workers * (held + answers)
            twice = ", which lie in memory twice in the end" if here else ", which stay in the store"
            less = "type store='runs/x', where they stay if they are many" if here else "show fewer stimuli"
            raise TooLargeError(
                f"{len(design)} lesions of {specimen.name!r} give {scores / MB:.1f} MB of scores{twice}; stimuli and "
                f"answers are {workers * (held + answers) / MB:.1f} MB. That is more than max_memory={max_memory!r}. "
                f"Type max_memory='{-(-least * 5 // (4 * MB))}MB', or {less}, or examine part of the lesions at a time."
            )
        return made

    def blocks(self, plan: Plan, tiles: Sequence[Tile]) -> list[Block]:
        """Get tiles as they are computed within the memory."""
        side_by_side = int(self.memory * ANSWERS / (1 - ANSWERS)) // max(self.answers, 1)
        return plan.blocks(tiles, self.memory, min(TOGETHER, side_by_side))

    def say(self, plan: Plan, missing: int, store: Path | None) -> None:
        """Say what the lesions that are missing will take.

        Raises
        ------
        StoreWriteError : the disk of the store has not the room.
        """
        kept = self.workers * min(max((group.kept for group in plan.groups), default=0), self.memory)
        disk = self.disk(missing) if store is not None else 0
        log.log(
            logging.WARNING if self.scores + kept + disk > LARGE else logging.INFO,
            "%s: %d lesions to do of %d, %.1f MB of scores, %.1f MB kept of the intact network%s", self.name, missing,
            self.lesions, self.scores / MB, kept / MB, f", {disk / MB:.1f} MB of disk" if store is not None else "",
        )
        free = shutil.disk_usage(store).free if store is not None and missing else disk
        if disk > free:
            raise StoreWriteError(
                f"{store} needs about {disk / MB:.1f} MB more and its disk has {free / MB:.1f} MB left. Free some, or "
                "type store= with a folder on another disk; what is there already can be copied."
            )

    def disk(self, missing: int) -> int:
        """Get the bytes on disk of the lesions that are missing, and of the finished trials."""
        return (missing + self.lesions) * (self.scores // max(self.lesions, 1) + FACTS)
