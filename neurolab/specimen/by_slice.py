"""The slice path: lesions answered by what lies behind their sites alone, one at a time or several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import torch
from torch.fx import Node

from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.bench import Bench
from neurolab.specimen.damage import Damage
from neurolab.specimen.graph import Graph
from neurolab.specimen.jumps import halved, step_of
from neurolab.specimen.plan import Tile, in_tiles
from neurolab.specimen.program import NotExported
from neurolab.specimen.replay import Batch
from neurolab.specimen.room import BUDGET, Kept
from neurolab.specimen.settling import settled
from neurolab.specimen.slices import Edits, Slice, Standing, edits_by_node, slice_at
from neurolab.specimen.weights import weight_edits

#: Bytes of the largest tensor behind a site, of all lesions side by side: more of it only drives out the cache.
LARGEST = 2**24
#: The least share of a slice's arithmetic that must be saved for equal bits to be given up for rounding.
WORTH = 0.02


def fitting(copies: int, part: Slice, batches: Sequence[Batch]) -> int:
    """Get how many of some copies of a batch fit, so that no tensor that is computed is larger than ``LARGEST``."""
    largest = part.largest() * max(len(batch.inputs) for batch in batches)
    return max(1, min(copies, LARGEST // max(largest, 1)))


class BySlice:
    """Lesions that share their sites, on some batches.

    narrow : compute one position of an axis where no more is read; equal to rounding.

    Raises
    ------
    NotExported : with the reason, where these sites are no nodes, or nothing is narrow.
    """

    def __init__(
        self, table: Bench, graph: Graph, batches: Sequence[Batch], intact: Sequence[torch.Tensor],
        design: Sequence[Lesion], places: Sequence[int], copies: int = 1, memory: int = BUDGET,
        narrow: bool = False,
    ) -> None:
        self.table, self.graph, self.batches, self.intact, self.design = table, graph, batches, intact, design
        self.narrow = narrow
        self.part = self._part(design[places[0]])
        step = step_of(self.part.nodes)
        half = halved((*self.part.starts, *self.part.nodes))
        if narrow and (step or half):
            why = "makes a step of what differs by rounding" if step else "rounds to half precision"
            raise NotExported(f"{step or half} lies behind, and {why}")
        if narrow and self.part.narrower < WORTH:
            raise NotExported("next to nothing behind it is read at one position only")
        on_weights = any(isinstance(effect_of(part.how), OnWeights) for part in design[places[0]].parts)
        self.copies = 1 if on_weights or step or half else fitting(copies, self.part, batches)
        for n in {len(batch.inputs) for batch in batches}:
            graph.sizes(n * self.copies)
        size = self.part.bytes_per_stimulus() * self.copies
        self.sizes = [size * len(batch.inputs) for batch in batches]
        self.kept: Kept[tuple[Standing, list[torch.Tensor]]] = Kept(self.sizes, memory)
        with table.lesioned(design[places[0]]) as damage:
            table.prove(damage, ((batch.inputs, batch.ids) for batch in batches))
            self.read = damage.read

    def _part(self, lesion: Lesion) -> Slice:
        nodes: list[Node] = []
        for part in lesion.parts:
            effect = effect_of(part.how)
            if isinstance(effect, OnWeights):
                nodes += [self.graph.weight(edit.parameter) for edit in weight_edits(self.table.specimen, part, effect)]
            else:
                nodes += [self.graph.node(site) for address in part.roi.sites
                          for site in self.table.specimen.sites().find(address)]
        return slice_at(self.graph, list(dict.fromkeys(nodes)), narrow=self.narrow)

    def tiles(self, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Get the lesions in tiles of so many copies."""
        return in_tiles(places, self.copies)

    def answers(
        self, tiles: Sequence[Tile], n_batches: int | None = None
    ) -> Iterator[tuple[int, Damage, list[torch.Tensor]]]:
        """Get the answers to every batch, or to the first so many, under each lesion of some tiles."""
        planned = [[self.table.planned(self.design[at]) for at in tile.at] for tile in tiles]
        outputs: list[list[list[torch.Tensor]]] = [[[] for _ in tile.at] for tile in tiles]
        for number, batch in enumerate(self.batches[:n_batches]):
            for damages, output in zip(planned, outputs):
                edits = [edits_by_node(self.graph, damage.edits, batch.ids) for damage in damages]
                for k, answer in enumerate(self._answers(number, damages, edits)):
                    damages[k].runs += 1
                    output[k].append(answer)
        for tile, damages, output in zip(tiles, planned, outputs):
            for at, damage, answers in zip(tile.at, damages, output):
                damage.read = self.read
                yield at, damage, answers

    def _answers(self, number: int, damages: Sequence[Damage], edits: Sequence[Edits]) -> list[torch.Tensor]:
        standing, shams = self.kept.at(number, lambda: self._standing(number))
        with ExitStack() as stack:
            for damage in damages:
                stack.enter_context(self.table.in_place(damage))
            answers = standing.answers(edits)
        if not shams:
            return answers
        return [settled(answer, sham, self.intact[number]) for answer, sham in zip(answers, shams)]

    def _standing(self, number: int) -> tuple[Standing, list[torch.Tensor]]:
        """A batch's intact values, and the answers of a tile without damage."""
        made = Standing(self.part, self.batches[number].inputs, self.copies)
        return made, made.answers([{}] * self.copies) if self.copies > 1 or self.narrow else []
