"""The engine under ``examine``: one plan for a whole design, and the answers of a network under each of its lesions.

Paths, fastest first, are in :data:`neurolab.specimen.plan.PATHS`. Whatever a path gives was compared with the hook loop
before it was trusted; what is refused or found wrong goes one path down, and the plan says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from neurolab.lesion import Lesion
from neurolab.specimen.bench import Bench
from neurolab.specimen.damage import Damage
from neurolab.specimen.plan import Group, Plan, Tile, in_tiles
from neurolab.specimen.replay import Batch, Replay, place_of

#: What an engine gives of one lesion: its place in the design, what is known of it, the answers to every batch.
Answered = tuple[int, Damage, list[torch.Tensor]]


class Engine:
    """A network on the bench with batches to show, ready to answer them under any lesion of a design.

    The design is known whole, whichever of its tiles are computed here.
    """

    def __init__(self, table: Bench, batches: Sequence[Batch], design: Sequence[Lesion]) -> None:
        self.table = table
        self.batches = list(batches)
        self.design = list(design)
        self.replay = Replay(table, self.batches, self.design)
        self.sham = self._hooked(next(at for at, lesion in enumerate(self.design) if lesion.role == "sham"))

    @property
    def intact(self) -> list[torch.Tensor]:
        """The answers to every batch under the first sham: what a lesion's are compared with."""
        return self.sham[2]

    def plan(self, exact: str = "rounding") -> Plan:
        """Get the plan of the whole design: the sham first, then site after site."""
        groups: dict[object, list[int]] = {}
        for at in sorted(range(len(self.design)), key=lambda at: self.design[at].role != "sham"):
            groups.setdefault(place_of(self.design[at]), []).append(at)
        return Plan(exact, tuple(self._group(places) for places in groups.values()))

    def _group(self, places: Sequence[int]) -> Group:
        lesion = self.design[places[0]]
        sites = tuple(dict.fromkeys(site for part in lesion.parts for site in part.roi.sites))
        if lesion.role == "sham":
            return Group(sites, "hooks", "the whole procedure", in_tiles(places, 1))
        path = "module" if self.replay.serves(lesion) else "hooks"
        return Group(sites, path, "", in_tiles(places, 1))

    def answers(self, tile: Tile) -> Iterator[Answered]:
        """Get the answers under each lesion of a tile."""
        for at in tile.at:
            yield self.sham if at == self.sham[0] else self._hooked(at, replayed=tile.path == "module")

    def _hooked(self, at: int, *, replayed: bool = False) -> Answered:
        """By hooks, on whole forwards or on those whose beginning is handed out."""
        with self.table.lesioned(self.design[at]) as damage:
            self.table.prove(damage, ((batch.inputs, batch.ids) for batch in self.batches))
            outputs = [self.replay.forward(batch, damage) if replayed else self.table.forward(batch.inputs, batch.ids)
                       for batch in self.batches]
        return at, damage, outputs
