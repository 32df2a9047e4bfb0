"""The module path: modules that had finished before a lesion began hand out what they gave without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from neurolab.lesion import Lesion
from neurolab.specimen.bench import Bench
from neurolab.specimen.damage import Damage
from neurolab.specimen.plan import Tile, in_tiles
from neurolab.specimen.program import NotExported
from neurolab.specimen.replay import Batch, Replay


class ByModules:
    """Lesions that share their sites, on some batches.

    Raises
    ------
    NotExported : nothing had finished, it saves less than its proof costs, or the proof failed.
    """

    def __init__(
        self, table: Bench, replay: Replay, batches: Sequence[Batch], design: Sequence[Lesion], places: Sequence[int]
    ) -> None:
        self.table, self.replay, self.batches, self.design = table, replay, batches, design
        if not replay.serves(design[places[0]]):
            raise NotExported("too little comes before it, or its modules leave something aside")
        self.sizes = replay.sizes

    copies = 1

    def tiles(self, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Get the lesions one by one."""
        return in_tiles(places, 1)

    def answers(
        self, tiles: Sequence[Tile], n_batches: int | None = None
    ) -> Iterator[tuple[int, Damage, list[torch.Tensor]]]:
        """Get the answers to every batch, or to the first so many, under each lesion of some tiles."""
        places = [at for tile in tiles for at in tile.at]
        damages = [self.table.planned(self.design[at]) for at in places]
        outputs: list[list[torch.Tensor]] = [[] for _ in places]
        for number, batch in enumerate(self.batches[:n_batches]):
            self.replay.hold(number)
            for damage, output in zip(damages, outputs):
                with self.table.in_place(damage):
                    if number == 0:
                        self.table.prove(damage, ((one.inputs, one.ids) for one in self.batches))
                    output.append(self.replay.forward(batch, damage))
        yield from zip(places, damages, outputs)
