"""The engine under ``examine``: one plan for a whole design, and the answers of a network under each of its lesions.

Paths, fastest first, are in :data:`neurolab.specimen.plan.PATHS`. Whatever a path gives was compared with the hook loop
before it was trusted; what is refused or found wrong goes one path down, and the plan says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from neurolab.lesion import Lesion
from neurolab.specimen import room
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.by_modules import ByModules
from neurolab.specimen.canary import Canaries
from neurolab.specimen.graph import Graph
from neurolab.specimen.graphs import graph_of
from neurolab.specimen.laid import NotSparse
from neurolab.specimen.plan import EXPORTED, PATHS, TO_ROUNDING, Canary, Group, Plan, Tile, in_tiles
from neurolab.specimen.program import NotExported
from neurolab.specimen.promises import one_thread
from neurolab.specimen.record import batches
from neurolab.specimen.replay import Batch, Replay
from neurolab.specimen.servers import KINDS, Answered, Server
from neurolab.specimen.shortage import halved, said_so
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.worth import TIMES, copies_at, export_seconds, forward_seconds
from neurolab.stimuli import StimulusSet

#: Fewer lesions than this are never worth an export.
FEW = 8
#: Why a model is not exported where that would cost more than it saves.
UNWORTHY = "no export: too little to gain"
#: Why no path is trusted that whole forwards could not tell from doing nothing.
BLIND = "no lesion looked at changes an answer, so nothing could prove a faster path"


class Engine:
    """A network on the bench with batches to show, ready to answer them under any lesion of a design.

    The design is known whole, whichever of its tiles are computed here. ``always`` exports the model whatever it costs.
    ``memory`` bounds the bytes of the intact network that are kept; it never changes an answer.
    """

    def __init__(
        self, table: Bench, batches: Sequence[Batch], design: Sequence[Lesion], *, always: bool = False,
        memory: int | None = None,
    ) -> None:
        self.table = table
        self.batches = list(batches)
        self.design = list(design)
        self.always = always
        self.memory = room.BUDGET if memory is None else memory
        self.pressed: dict[int, str] = {}
        self.servers: dict[tuple[str, int, int], Server] = {}
        self.known: dict[tuple[int, ...], list[Answered]] = {}  # what the canaries found of whole tiles
        self._replay: Replay | None = None
        self._planning = False
        with said_so(self):
            self.sham = self._hooked(next(at for at, lesion in enumerate(self.design) if lesion.role == "sham"))
        self.groups: dict[object, list[int]] = {}
        for at in sorted(range(len(self.design)), key=lambda at: self.design[at].role != "sham"):
            self.groups.setdefault(_kind(self.design[at]), []).append(at)
        self._graph: Graph | None = None
        self._why = ""

    @property
    def intact(self) -> list[torch.Tensor]:
        """The answers to every batch under the first sham: what a lesion's are compared with."""
        return self.sham[2]

    @property
    def replay(self) -> Replay:
        """The path by modules, for what no export serves."""
        if self._replay is None:
            self._replay = Replay(self.table, self.batches, self.design, self.memory, any_size=not self._planning)
        return self._replay

    @property
    def graph(self) -> Graph:
        """The exported model; raises NotExported, once asked for ever."""
        if self._why:
            raise NotExported(self._why)
        if self._graph is None:
            try:
                graph = graph_of(self.table.specimen, fresh=self.table.user_hooks)
                self._check_graph(graph)
                self._graph = graph
            except NotExported as no:
                self._why = str(no)
                raise
        return self._graph

    def _check_graph(self, graph: Graph) -> None:
        """Raise NotExported where the graph answers a batch otherwise than the network on the bench."""
        for batch, intact in zip(self.batches, self.intact):
            if not torch.equal(graph.values(batch.inputs, ())[1], intact):
                raise NotExported("the exported graph answers these stimuli otherwise than the network")

    # -- the plan ----------------------------------------------------------------------------------------------------

    def plan(self, exact: str = "rounding", paths: Sequence[str] = PATHS) -> Plan:
        """Get the plan of the whole design: the sham first, then site after site.

        exact : "rounding" or "bit". paths : those that may be used; "hooks" always may.
        """
        allowed = [path for path in paths if not (path in TO_ROUNDING and exact == "bit")]
        spared = bool(set(EXPORTED) & set(allowed)) and not self._worth()
        if spared:
            allowed = [path for path in allowed if path not in EXPORTED]
        self._planning = True
        before = [UNWORTHY] if spared else []
        made = Plan(exact, tuple(self._group(places, exact, allowed, before) for places in self.groups.values()))
        self._planning = False
        return made

    def _worth(self) -> bool:
        n = sum(lesion.role != "sham" for lesion in self.design)
        if self.always or n < FEW:
            return self.always
        return n * forward_seconds(self.table, self.batches) > TIMES * export_seconds(self.table)

    def _group(self, places: Sequence[int], exact: str, allowed: Sequence[str], before: Sequence[str]) -> Group:
        """The fastest path of which the canaries live; ``before`` says why others were not tried."""
        lesion = self.design[places[0]]
        sites = tuple(dict.fromkeys(site for part in lesion.parts for site in part.roi.sites))
        if lesion.role == "sham":
            return Group(sites, "hooks", "the whole procedure", in_tiles(places, 1))
        whys = list(before)
        canaries = Canaries(self, places)
        checked: list[Canary] = []
        ways = list(self._ways(sites[0], exact, allowed))
        if any(path != "module" for path, _ in ways) and canaries.blind():
            whys.append(BLIND)
            ways = [way for way in ways if way[0] == "module"]  # it is proved otherwise
        for path, copies in ways:
            try:
                if path == "slice" and exact == "bit" and not self.graph.exact:
                    raise NotExported("the exported graph is equal to rounding only")
                server = self._server(path, places, copies)
                if max(server.sizes, default=0) > self.memory:
                    raise NotExported("what is kept of one batch takes too much memory")
                copies = server.copies
                tiles = server.tiles(places if copies == 1 else tuple(dict.fromkeys((*canaries.picked, *places))))
                whole = self.known if len(self.batches) == 1 else None
                found = canaries.compare(path, server, tiles, bits=exact == "bit", known=whole)
                checked += found
            except (NotExported, NotSparse) as no:
                whys.append(f"no {path}: {no}")
                continue
            except (RuntimeError, MemoryError) as error:
                if not room.out_of_memory(error):
                    raise
                whys.append(f"no {path} of {copies}: out of memory")
                continue
            if all(one.held for one in found):
                return Group(sites, path, "; ".join(dict.fromkeys(whys)), tiles, copies, tuple(checked),
                             kept=sum(server.sizes))
            del self.servers[path, places[0], copies]
            self.known = {at: known for at, known in self.known.items() if at[0] not in places}
            whys.append(f"no {path} of {copies}: a canary died" if copies > 1 else f"no {path}: a canary died")
        return Group(sites, "hooks", "; ".join(dict.fromkeys(whys)), in_tiles(places, 1), canaries=tuple(checked))

    def _ways(self, address: str, exact: str, allowed: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Paths and how many lesions side by side, in the order in which they are tried."""
        sites, rows = self.table.specimen.sites().find(address), len(self.batches[0].inputs)
        copies = 1 if exact == "bit" else copies_at(sites[0], rows)
        for path in PATHS:
            if path in allowed and path != "hooks" and (path != "narrow" or self._takes_a_position()):
                yield from ((path, n) for n in dict.fromkeys((copies, 1) if path in EXPORTED else (1,)))

    def _takes_a_position(self) -> bool:
        """Whether the read-out is computed from one position of an axis, such as the last token."""
        try:
            return self.graph.takes_a_position
        except NotExported:
            return False

    # -- answers -----------------------------------------------------------------------------------------------------

    def answers(self, *tiles: Tile) -> Iterator[Answered]:
        """Get the answers under each lesion of a tile, or of several tiles of one group, batch by batch.

        Where memory is short a tile is computed in halves, once, and a lesion that is alone with nothing kept from one
        batch to the next; ``pressed`` says of which lesions that is so. Raises TooLargeError where that is too much.
        """
        try:
            yield from self.answered(tiles)
            return
        except (RuntimeError, MemoryError) as error:
            if not room.out_of_memory(error):
                raise
        for tile in tiles:
            yield from halved(self, tile)

    def answered(self, tiles: Sequence[Tile]) -> Iterator[Answered]:
        """Get the answers by the path of the tiles, whatever memory there is."""
        first = tiles[0]
        if first.at == (self.sham[0],):
            yield self.sham
        elif any(tile.at in self.known for tile in tiles):
            for tile in tiles:
                yield from self.known.pop(tile.at, None) or self.serving(tile).answers([tile])
        elif first.path == "hooks":
            yield from (self._hooked(at) for tile in tiles for at in tile.at)
        else:
            yield from self.serving(first).answers(tiles)

    def serving(self, tile: Tile) -> Server:
        """Get the path that serves a tile."""
        return self._server(tile.path, self.groups[_kind(self.design[tile.at[0]])], tile.copies)

    def empty(self) -> None:
        """Let go of what is kept of the intact network, now and, from one batch to the next, for good."""
        self.memory = 0
        self.known.clear()
        self.servers.clear()
        if self._replay is not None:
            self._replay.forget()
        room.give_back(wholly=True)

    def _server(self, path: str, places: Sequence[int], copies: int) -> Server:
        key = path, places[0], copies
        if key not in self.servers:
            made: Server
            if path == "module":
                made = ByModules(self.table, self.replay, self.batches, self.design, places)
            else:
                given = self.table, self.graph, self.batches, self.intact, self.design
                made = KINDS[path](*given, places, copies, self.memory)
            self._make_room(self._kept_by(made))
            key = path, places[0], made.copies
            self.servers[key] = made
        return self.servers[key]

    def _kept_by(self, server: Server) -> int:
        return min(sum(server.sizes), self.memory)

    def _make_room(self, size: int) -> None:
        """Let servers go until one more fits: while planning the latest, for the run begins with the first."""
        while self.servers and sum(map(self._kept_by, self.servers.values())) + size > self.memory:
            del self.servers[list(self.servers)[-1 if self._planning else 0]]

    def _hooked(self, at: int) -> Answered:
        """By hooks, on whole forwards."""
        with self.table.lesioned(self.design[at]) as damage:
            try:
                self.table.prove(damage, ((batch.inputs, batch.ids) for batch in self.batches))
                outputs = [self.table.forward(batch.inputs, batch.ids) for batch in self.batches]
            except Exception as error:
                error.add_note(f"The network {self.table.specimen.name!r} raised this under the lesion "
                               f"{self.design[at].id!r}.")
                raise
        return at, damage, outputs


def answers(
    specimen: Specimen, design: Sequence[Lesion], stimuli: StimulusSet, *, batch_size: int = 256,
    exact: str = "rounding", always: bool = True,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Get a network's read-outs under each lesion of a design, unscored: its place in the design, (n_stimuli, ...).

    What :func:`examine` stands on, for what wants the answers themselves; the order is the plan's.

    Parameters
    ----------
    design : lesions, a sham among them. exact : "rounding" or "bit". always : export the model whatever that costs.

    Example
    -------
    >>> import numpy as np, pandas as pd
    >>> from neurolab.design import sham
    >>> from neurolab.lesion import Zero
    >>> from neurolab.roi import ROI
    >>> net = Specimen(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)),
    ...     torch.zeros(1, 3))
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    >>> cut = Lesion(ROI("corner", {"1": [0]}), Zero())
    >>> [(at, tuple(out.shape)) for at, out in answers(net, [sham(cut), cut], StimulusSet("two", np.eye(2, 3), table))]
    [(0, (2, 2)), (1, (2, 2))]
    """
    inputs, ids = specimen.prepare(stimuli.inputs), stimuli.ids
    with one_thread(), bench(specimen) as table:
        cut = [Batch(inputs[at], ids[at]) for at in batches(len(ids), batch_size)]
        engine = Engine(table, cut, design, always=always)
        for tile in engine.plan(exact).tiles():
            for at, _, outputs in engine.answers(tile):
                yield at, outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def _kind(lesion: Lesion) -> object:
    """What lesions of one group share: sites, whatever is done there to activity; of weights, which are changed how."""
    parts = [(part.roi.sites, part.how.digest if isinstance(effect_of(part.how), OnWeights) else "")
             for part in lesion.parts]
    return lesion.role == "sham" or tuple(parts)
