"""What a lesion can change of a network's forward, and nothing else: the part of its graph behind some nodes.

One copy of a batch has the shapes of a whole forward, and so its bits. Several copies side by side, one per lesion,
make better use of a processor; they are equal to rounding, unless rows of a batch interact, which a canary finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.fx import Node

from neurolab.specimen.edit import Edit
from neurolab.specimen.graph import Graph
from neurolab.specimen.layout import check_rows
from neurolab.specimen.positions import Spot, narrowed, positions, spots
from neurolab.specimen.program import NotExported, Program, after, before, holds_tensors
from neurolab.specimen.tiling import Axis, axes_of, batch_axis, bytes_of, joins_rows, repeating
from neurolab.specimen.work import work

#: What a lesion does to the value of a node.
Edits = Mapping[Node, Callable[[torch.Tensor], torch.Tensor]]
#: Operations that read memory as it lies; an edit may have laid a tensor out anew.
_BLIND = frozenset(("as_strided", "as_strided_copy", "as_strided_scatter", "set_"))


@dataclass(eq=False)
class Slice:
    """All that is computed from some nodes on the way to the read-out.

    ``starts`` are computed before anything lesioned, ``inside`` lie behind a start and are edited on the way. ``nodes``
    are computed anew, in order. ``live`` is what they read besides, weights included. ``spared`` is the share of the
    network's arithmetic that is not done again. ``narrow`` : of nodes read at one position only, only that is computed.
    """

    graph: Graph
    starts: tuple[Node, ...]
    inside: tuple[Node, ...]
    nodes: tuple[Node, ...]
    live: tuple[Node, ...]
    spared: float
    narrow: bool = False

    @property
    def reads(self) -> tuple[Node, ...]:
        """Every node whose intact value is asked for."""
        return (*self.starts, *self.live)

    def bytes_per_stimulus(self) -> int:
        """Get how much of the intact network is kept for each stimulus."""
        return sum(bytes_of(node) for node in self.reads)

    @cached_property
    def spots(self) -> dict[Node, Spot]:
        """The nodes that are computed at one position."""
        return spots(self.nodes, {*self.starts, *self.inside}, self.graph.output) if self.narrow else {}

    @property
    def narrower(self) -> float:
        """The share of the slice's own arithmetic that is not done because only one position is read."""
        total = sum(map(work, self.nodes))
        return sum(work(node) * (1 - 1 / positions(node, self.spots)) for node in self.spots) / total if total else 0.0

    def largest(self) -> int:
        """Get the bytes per stimulus of the largest tensor that is computed."""
        return max((bytes_of(node) // positions(node, self.spots) for node in self.nodes), default=0)

    @cached_property
    def axes(self) -> dict[Node, Axis | None]:
        """Where the rows lie in every value that is repeated or edited.

        Raises NotExported, with the reason, where several lesions cannot be computed side by side.
        """
        for node in self.nodes:
            if isinstance(node.meta.get("val"), torch.Tensor) and batch_axis(node) < 0:
                raise NotExported(f"{node.name} sums over the rows of the batch")
            if joins_rows(node):
                raise NotExported(f"{node.name} runs along the rows of the batch")
        return axes_of(self.graph, [*self.reads, *self.inside, self.graph.output])

    @cached_property
    def why_single(self) -> str:
        """Why lesions cannot be computed side by side; an empty string where they can."""
        try:
            axes = self.axes
        except NotExported as no:
            return str(no)
        if len(self.starts) == 0:
            return "weights are lesioned, and all copies share them"
        if axes[self.graph.output] != Axis(0) or any(axes[node] is None for node in (*self.starts, *self.inside)):
            return "the rows of the batch are not the first axis of the read-out, or the site has none"
        return ""

    @cached_property
    def program(self) -> Program:
        """The slice as a function: from what it reads to the read-out."""
        edited = {*self.starts, *self.inside}
        axes = {} if self.why_single else self.axes
        reading = {node: repeating(axes.get(node)) for node in self.live}
        return Program(
            [self.graph.output], self.reads,
            passing=lambda node: _editing(node, axes.get(node)) if node in edited else None,
            reading=lambda node: _beginning(node, axes.get(node)) if node in edited else reading[node],
            placing=lambda code, node, look: narrowed(code, node, self.spots, look),
        )


class Standing:
    """A slice ready to run on one batch.

    inputs : (n, ...) as :meth:`Specimen.prepare` gives it. copies : lesions that are computed side by side; a tile is
    filled up, never shrunk. known : what ``graph.values`` gave for these inputs and at least ``slice.reads``, where
    several slices share one run of the network.

    Raises
    ------
    NotExported : with the reason, where lesions cannot be computed side by side.
    """

    def __init__(
        self, part: Slice, inputs: torch.Tensor, copies: int = 1,
        known: tuple[Mapping[Node, Any], torch.Tensor] | None = None,
    ) -> None:
        if copies > 1 and part.why_single:
            raise NotExported(part.why_single)
        self.part = part
        self.copies = copies
        values, self.answer = part.graph.values(inputs, part.reads) if known is None else known
        self.values = {node: values[node] for node in part.reads}
        self._sizes = part.graph.sizes(len(inputs) * copies)

    def answers(self, lesions: Sequence[Edits]) -> list[torch.Tensor]:
        """Get the read-outs (n, ...) under some lesions, at most ``copies`` of them; the rest of a tile is intact."""
        filled = [*lesions, *[{}] * (self.copies - len(lesions))]
        return self._run(self.values, filled)[: len(lesions)]

    def behind(self, begun: Mapping[Node, torch.Tensor]) -> torch.Tensor:
        """Get the read-outs of all copies, one after another, from the values of the starts for all copies."""
        return torch.cat(self._run({**self.values, **begun}, None))

    def _run(self, values: Mapping[Node, Any], lesions: Sequence[Edits] | None) -> list[torch.Tensor]:
        (answer,) = self.part.program(values, self._sizes, _Context(self.copies, lesions))
        return list(answer.chunk(self.copies)) if self.copies > 1 else [answer]


@dataclass(frozen=True)
class _Context:
    """What one run is done for; no lesions where the values of the starts are lesioned already."""

    copies: int
    lesions: Sequence[Edits] | None


def _beginning(node: Node, axis: Axis | None) -> Callable[[torch.Tensor, _Context], torch.Tensor]:
    """Each lesion's edit of the intact value, side by side."""

    def begin(value: torch.Tensor, context: _Context) -> torch.Tensor:
        if context.lesions is None:
            return value
        parts = [lesion[node](value) if node in lesion else value for lesion in context.lesions]
        if context.copies == 1:
            return parts[0]
        assert axis is not None
        return axis.joined(parts)

    return begin


def _editing(node: Node, axis: Axis | None) -> Callable[[torch.Tensor, _Context], torch.Tensor]:
    """Each lesion's edit of its own part of a value."""

    def edit(value: torch.Tensor, context: _Context) -> torch.Tensor:
        if context.lesions is None or not any(node in lesion for lesion in context.lesions):
            return value
        if context.copies == 1:
            return context.lesions[0][node](value)
        assert axis is not None
        parts = axis.parted(value, context.copies)
        return axis.joined([lesion[node](part) if node in lesion else part
                            for lesion, part in zip(context.lesions, parts)])

    return edit


def slice_at(graph: Graph, nodes: Sequence[Node], *, given: bool = False, narrow: bool = False) -> Slice:
    """Get the part of a graph that lesions at some nodes can change; a node may be a weight.

    given : the values of all nodes will be given, also of those that lie behind another. narrow : compute one position
        where no more is read; equal to rounding.

    Raises
    ------
    NotExported : the read-out does not depend on them, or an operation behind them reads memory as it lies.
    """
    at = set(nodes)
    wanted = before([graph.output], at if given else ())
    reached = after(at) - (at if given else set())
    computed = tuple(node for node in graph.graph.nodes if node in wanted and node in reached)
    if not at & wanted:
        raise NotExported("the read-out does not depend on it")
    for node in computed:
        if getattr(getattr(node.target, "overloadpacket", None), "__name__", "") in _BLIND:
            raise NotExported(f"an operation behind it reads memory as it lies ({node.name})")
    inside = tuple(node for node in computed if node in at)
    starts = tuple(node for node in dict.fromkeys(nodes)
                   if node in wanted and node not in reached and node not in graph.weights)
    own = {*computed, *starts}
    live = dict.fromkeys(one for node in computed for one in node.all_input_nodes
                         if one not in own and holds_tensors(one))
    total = sum(work(node) for node in before([graph.output]))
    spared = 1 - sum(work(node) for node in computed) / total if total else 0.0
    return Slice(graph, starts, inside, computed, tuple(live), spared, narrow)


def edits_by_node(graph: Graph, edits: Sequence[Edit], stimuli: tuple[str, ...]) -> Edits:
    """Get a lesion's edits by node, those of one node in the order in which the network's hooks would act.

    What is kept of the intact network is never written into, also where a site's module works in place.
    """
    placed: dict[Node, list[Edit]] = {}
    for edit in sorted(edits, key=lambda one: graph.order(one.site)):
        placed.setdefault(graph.node(edit.site), []).append(edit)
    return {node: _joined(found, stimuli) for node, found in placed.items()}


def _joined(edits: Sequence[Edit], stimuli: tuple[str, ...]) -> Callable[[torch.Tensor], torch.Tensor]:
    def run(value: torch.Tensor) -> torch.Tensor:
        for edit in edits:
            check_rows(edit.site, value, len(stimuli))
            value = edit(value.clone() if edit.site.inplace else value, stimuli)
        return value

    return run
