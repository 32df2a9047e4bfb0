"""The sparse path: lesions of one site, each answered from the few channels that it changes.

New values and counts are made once for all units of the site's lesions; a lesion picks its own. That holds for the
ablations in :data:`APART`, whose new value of a unit does not depend on which others are lesioned; any other ablation
gets a sheet of its own per lesion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from neurolab.lesion import Clamp, Lesion, Mean, Noise, Resample, Scale, Stimulate, Zero
from neurolab.specimen.ablations import ABLATIONS, SHIPPED, OnWeights, effect_of
from neurolab.specimen.bench import Bench
from neurolab.specimen.by_slice import fitting
from neurolab.specimen.certificate import Certificate
from neurolab.specimen.chains import chains_of, joined
from neurolab.specimen.edit import Edit
from neurolab.specimen.graph import Graph
from neurolab.specimen.jumps import steep_of, step_of
from neurolab.specimen.laid import Laid, NotSparse
from neurolab.specimen.plan import Tile, in_tiles
from neurolab.specimen.region import Region, called
from neurolab.specimen.replay import Batch
from neurolab.specimen.room import BUDGET, Kept
from neurolab.specimen.sheet import Ground, Sheet, Tiled
from neurolab.specimen.skinny import Skinny
from neurolab.specimen.slices import Slice, Standing, slice_at
from neurolab.specimen.sparse import sparse_plan
from neurolab.specimen.swelling import check_calm
from neurolab.specimen.tiling import bytes_of
from neurolab.specimen.units import Counted

#: Ablations that treat every unit by itself: chance is keyed by element, means and donors by site.
APART = (Zero, Mean, Resample, Noise, Scale, Clamp, Stimulate)
#: A site with more values in a batch than this is not laid out whole: every lesion gets a sheet of its own.
WHOLE = 2**25


@dataclass(frozen=True)
class Told:
    """What is known of a lesion that was answered from its channels."""

    counted: Counted
    units: np.ndarray
    read: bool | None

    def shows(self, cut: torch.Tensor, intact: torch.Tensor) -> bool:
        """Get whether a read-out differs from the intact one in any bit."""
        return not torch.equal(cut, intact)

    def certificate(self, *, downstream: float = float("nan"), path: str = "sparse") -> Certificate:
        """Get the certificate."""
        return self.counted.certificate(self.units, read=self.read, downstream=downstream, path=path)


class Shared:
    """Some lesions of one site with one ablation and one chance: their units, and what is made of them once."""

    def __init__(self, table: Bench, lesions: Sequence[Lesion], shape: Sequence[int]) -> None:
        first = lesions[0]
        address = first.roi.sites[0]
        site = table.specimen.sites().find(address)[0]
        self.units = np.unique(np.concatenate([lesion.roi.units[address] for lesion in lesions]))
        self.region = Region.of(site, self.units, first.roi.dims[address], called(first))
        effect = effect_of(first.how)
        assert not isinstance(effect, OnWeights)
        self.edit = Edit(first, self.region, effect, table.references)
        self.laid = Laid.of(self.region, shape)
        self.counted = Counted(len(self.units))
        self.place = np.zeros(int(self.units.max(initial=0)) + 1, dtype=np.int64)
        self.place[self.units] = np.arange(len(self.units))
        self.channel_of = self.laid.channel_of.numpy()
        self.met: set[int] = set()

    @property
    def apart(self) -> bool:
        """Whether a lesion can pick its units: each is a whole channel."""
        of, n = self.laid.channel_of, len(self.laid.channels)
        return self.laid.whole and bool((of >= 0).all()) and len(of) == n

    def sheet(self, at: int, ground: Ground, batch: Batch) -> Sheet:
        """Get what changes in one batch, which is counted once."""
        value = ground.values[ground.plan.site]
        old, new = self.edit.change(value, batch.ids)
        if at not in self.met:
            self.counted.add(old, new)
            self.met.add(at)
        return ground.sheet(self.laid.channels, self.laid.slab(value, new))

    def which(self, lesion: Lesion) -> tuple[np.ndarray, np.ndarray | None]:
        """Get the places of a lesion's units among all, and of their channels in the sheet (None: all of it)."""
        places = self.place[lesion.roi.units[lesion.roi.sites[0]]]
        if len(places) == len(self.units):
            return places, None
        return places, self.channel_of[places]


@dataclass
class Grounded:
    """One batch ready to be answered, and the sheets that lesions share."""

    ground: Skinny | Tiled
    sheets: dict[Shared, Sheet] = field(default_factory=dict)


@dataclass
class Asked:
    """A lesion that is being answered: its units' places among those it shares a sheet with, their channels there."""

    at: int
    shared: Shared
    units: np.ndarray
    which: np.ndarray | None
    outputs: list[torch.Tensor] = field(default_factory=list)


class ByChannels:
    """Lesions of one site on some batches.

    Raises
    ------
    NotSparse : with the reason, where these lesions or this site cannot be carried.
    """

    def __init__(self, table: Bench, graph: Graph, batches: Sequence[Batch], intact: Sequence[torch.Tensor],
                 design: Sequence[Lesion], places: Sequence[int], copies: int = 1, memory: int = BUDGET) -> None:
        self.design = design
        self.batches = batches
        self.intact = intact
        self.table = table
        self.graph = graph
        lesions = [design[at] for at in places]
        _check_plain(table, lesions)
        self.common = {at: _common(lesion) for at, lesion in zip(places, lesions)}
        node = graph.node(table.specimen.sites().find(lesions[0].roi.sites[0])[0])
        self.shape = tuple(int(size) if not isinstance(size, torch.SymInt) else 2 for size in node.meta["val"].shape)
        self.plan = sparse_plan(node, Shared(table, lesions[:1], self.shape).laid.axis, graph.output)
        step = step_of(self.plan.rest)
        if step:
            raise NotSparse(f"{step} lies behind, and makes a step of what differs by rounding")
        steep = steep_of(self.plan.rest, [one.node for one in self.plan.mixed])
        if steep:
            raise NotSparse(f"{steep} lies behind, and is steep where a sum is zero")
        self.copies = copies
        self.part: Slice | None = None
        if not self._skinny():
            self.part = slice_at(graph, self.plan.boundary, given=True, narrow=True)
            self.copies = fitting(copies, self.part, batches)
        if self.plan.rest:
            check_calm(self.plan, self.part or slice_at(graph, self.plan.boundary, given=True), batches[0].inputs)
        for n in {len(batch.inputs) for batch in batches}:
            graph.sizes(n * self.copies)
        self.shared = self._shared(int(np.prod(self.shape[1:])))
        size = self._bytes_per_stimulus()
        self.sizes = [size * len(batch.inputs) for batch in batches]
        self.kept: Kept[Grounded] = Kept(self.sizes, memory)
        with table.lesioned(lesions[0]) as damage:
            table.prove(damage, ((batch.inputs, batch.ids) for batch in batches))
            self.read = damage.read

    def _shared(self, values: int) -> dict[object, Shared]:
        """The lesions that share a sheet, by what they have in common."""
        largest = max(len(batch.inputs) for batch in self.batches)
        groups: dict[object, list[Lesion]] = {}
        for at, common in self.common.items():
            if _apart(self.design[at]) and values * largest <= WHOLE:
                groups.setdefault(common, []).append(self.design[at])
        made = {key: Shared(self.table, group, self.shape) for key, group in groups.items()}
        return {key: one for key, one in made.items() if one.apart}

    def tiles(self, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Get the lesions in tiles: chains of sets that grow where what lies behind is thin, else side by side."""
        if self.part is not None:
            return in_tiles(places, self.copies)
        tiles: list[tuple[int, ...]] = []
        kinds: dict[object, list[int]] = {}
        for at in places:
            kinds.setdefault(self.common[at], []).append(at)
        for kind, some in kinds.items():
            if kind not in self.shared:
                tiles += [(at,) for at in some]
                continue
            sets = [self.design[at].roi.units[self.design[at].roi.sites[0]] for at in some]
            tiles += [tuple(some[k] for k in tile) for tile in joined(chains_of(sets))]
        return tuple(tiles)

    def answers(
        self, tiles: Sequence[Tile], n_batches: int | None = None
    ) -> Iterator[tuple[int, Told, list[torch.Tensor]]]:
        """Get the answers to every batch, or to the first so many, under each lesion of some tiles."""
        asked = [[self._asked(at) for at in tile.at] for tile in tiles]
        for number, batch in enumerate(self.batches[:n_batches]):
            standing = self.kept.at(number, partial(self._grounded, number))
            for some in asked:
                cuts = [(self._sheet(one.shared, number, standing, batch), one.which) for one in some]
                for answer, one in zip(standing.ground.answers(cuts), some):
                    one.outputs.append(answer.clone() if answer is self.intact[number] else answer)
        for one in (one for some in asked for one in some):
            yield one.at, Told(one.shared.counted, one.units, self.read), one.outputs

    def _asked(self, at: int) -> Asked:
        lesion = self.design[at]
        shared = self.shared.get(self.common[at]) or Shared(self.table, [lesion], self.shape)
        return Asked(at, shared, *shared.which(lesion))

    def _sheet(self, shared: Shared, number: int, standing: Grounded, batch: Batch) -> Sheet:
        """What changes in one batch; kept with it where several lesions share it."""
        if shared not in standing.sheets:
            made = shared.sheet(number, standing.ground, batch)
            if shared not in self.shared.values():
                return made
            standing.sheets[shared] = made
        return standing.sheets[shared]

    def _skinny(self) -> bool:
        """Whether what lies behind is a tail of its own; asked on two stimuli."""
        few = self.batches[0].inputs[:2]
        values, answer = self.graph.values(few, (*self.plan.needs, *self.plan.beside))
        try:
            Skinny(self.plan, values, answer)
        except NotSparse:
            return False
        return True

    def _bytes_per_stimulus(self) -> int:
        """What is kept for each stimulus: intact values, the tile that lesions are put into, sheets of what changes."""
        kept = {*self.plan.needs, *(self.part.live if self.part else self.plan.beside)}
        tile = self.plan.boundary if self.part else ()
        sheets = (*self.plan.lies, *(mix.source for mix in self.plan.mixed))
        each, alone = sum(map(bytes_of, sheets)), sum(map(bytes_of, kept))
        return alone + self.copies * sum(map(bytes_of, tile)) + max(len(self.shared), 1) * each

    def _grounded(self, at: int) -> Grounded:
        return Grounded(self._ground(at))

    def _ground(self, at: int) -> Skinny | Tiled:
        inputs, plan, intact = self.batches[at].inputs, self.plan, self.intact[at]
        if self.part is None:
            return Skinny(plan, self.graph.values(inputs, (*plan.needs, *plan.beside))[0], intact)
        rest = Standing(self.part, inputs, self.copies)
        values, _ = self.graph.values(inputs, plan.needs)
        return Tiled(plan, values, intact, lambda tile, copies: rest.behind(tile), self.copies)


def _apart(lesion: Lesion) -> bool:
    kind = type(lesion.how)
    return kind in APART and ABLATIONS[kind] is SHIPPED[kind]


def _common(lesion: Lesion) -> object:
    return lesion.how.digest, int(lesion.rng), tuple(lesion.roi.dims.values())


def _check_plain(table: Bench, lesions: Sequence[Lesion]) -> None:
    """Raise NotSparse unless every lesion is one ablation of activity at one call of one site."""
    if table.specimen.devices != "cpu":
        raise NotSparse(f"channels are carried on the processor only; the network lies on {table.specimen.devices}")
    for lesion in lesions:
        if lesion.also or len(lesion.roi.sites) != 1:
            raise NotSparse("several sites at once")
        if isinstance(effect_of(lesion.how), OnWeights):
            raise NotSparse("weights are lesioned")
    found = table.specimen.sites().find(lesions[0].roi.sites[0])
    if len(found) != 1 or found[0].kind not in ("module", "slice", "input"):
        raise NotSparse("several calls of the module" if len(found) != 1 else f"a site of kind {found[0].kind!r}")
