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
from neurolab.specimen.plan import Tile, in_tiles
from neurolab.specimen.program import NotExported
from neurolab.specimen.replay import BUDGET, Batch
from neurolab.specimen.sheet import settled
from neurolab.specimen.slices import Edits, Slice, Standing, edits_by_node, slice_at
from neurolab.specimen.weights import weight_edits


class BySlice:
    """Lesions that share their sites, on some batches.

    Raises
    ------
    NotExported : with the reason, where these sites are no nodes or their values take too much memory.
    """

    def __init__(
        self, table: Bench, graph: Graph, batches: Sequence[Batch], intact: Sequence[torch.Tensor],
        design: Sequence[Lesion], places: Sequence[int], copies: int = 1,
    ) -> None:
        self.table, self.graph, self.batches, self.intact, self.design = table, graph, batches, intact, design
        self.part = self._part(design[places[0]])
        on_weights = any(isinstance(effect_of(part.how), OnWeights) for part in design[places[0]].parts)
        self.copies = 1 if on_weights else copies
        rows = sum(len(batch.inputs) for batch in batches)
        if self.part.bytes_per_stimulus() * rows * self.copies > BUDGET:
            raise NotExported("what is kept of the intact network takes too much memory")
        self.standing: dict[int, Standing] = {}
        self.shams: dict[int, list[torch.Tensor]] = {}
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
        return slice_at(self.graph, list(dict.fromkeys(nodes)))

    def tiles(self, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Get the lesions in tiles of so many copies."""
        return in_tiles(places, self.copies)

    def answers(self, tile: Tile, n_batches: int | None = None) -> Iterator[tuple[int, Damage, list[torch.Tensor]]]:
        """Get the answers to every batch, or to the first so many, under each lesion of a tile."""
        with ExitStack() as stack:
            damages = [stack.enter_context(self.table.lesioned(self.design[at])) for at in tile.at]
            outputs: list[list[torch.Tensor]] = [[] for _ in damages]
            for number, batch in enumerate(self.batches[:n_batches]):
                edits = [edits_by_node(self.graph, damage.edits, batch.ids) for damage in damages]
                for damage, output, answer in zip(damages, outputs, self._answers(number, edits)):
                    damage.runs += 1
                    output.append(answer)
        for at, damage, output in zip(tile.at, damages, outputs):
            damage.read = self.read
            yield at, damage, output

    def _answers(self, number: int, edits: Sequence[Edits]) -> list[torch.Tensor]:
        if number not in self.standing:
            self.standing[number] = Standing(self.part, self.batches[number].inputs, self.copies)
        standing = self.standing[number]
        answers = standing.answers(edits)
        if self.copies == 1:
            return answers
        if number not in self.shams:
            self.shams[number] = standing.answers([{}] * self.copies)
        return [settled(answer, sham, self.intact[number]) for answer, sham in zip(answers, self.shams[number])]
