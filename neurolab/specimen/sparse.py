"""A lesion of some channels, carried as these channels alone up to the first layer that mixes them.

There the recorded intact output changes by a few columns of the weights: a rank-|S| update in the place of a whole
layer. What lies behind is run by a slice of the graph, several lesions side by side, or, where it is element-wise with
small read-outs, by :mod:`neurolab.specimen.skinny`. Nothing here knows what an ablation is: new values come from
outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.fx import Node

from neurolab.specimen.carry import Lie, Narrow, carried, holds_tensor, name_of, sizes
from neurolab.specimen.jumps import halved
from neurolab.specimen.laid import NotSparse
from neurolab.specimen.mixing import WEIGHTS, Mixing, mixing

#: Element types that can be carried; in half precision a difference of sums loses too much.
DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class SparsePlan:
    """How lesions of one site's channels are carried.

    ``steps`` carry channels node by node; ``mixed`` are the layers that mix them, ``kept`` the carried nodes that
    something else reads whole; ``rest`` is what lies behind, in order, up to ``output``. ``refused`` says of each
    ``kept`` node why it was carried no further.
    """

    site: Node
    lie: Lie
    output: Node
    steps: tuple[tuple[Node, Callable[[Narrow], Any]], ...]
    lies: Mapping[Node, Lie]
    mixed: tuple[Mixing, ...]
    kept: tuple[Node, ...]
    rest: tuple[Node, ...]
    refused: Mapping[Node, str]

    @property
    def boundary(self) -> tuple[Node, ...]:
        """The nodes whose lesioned values are made here; what lies behind reads nothing else that a lesion changes."""
        return (*self.kept, *(one.node for one in self.mixed))

    @cached_property
    def needs(self) -> tuple[Node, ...]:
        """The nodes whose intact values a ground asks for: weights, what stands beside, both ends of the layers."""
        beside = [one for node, _ in self.steps for one in node.all_input_nodes
                  if one not in self.lies and holds_tensor(one)]
        ends = [one for mix in self.mixed for one in (mix.node, *mix.node.all_input_nodes)]
        return tuple(dict.fromkeys([self.site, *beside, *ends, *self.kept]))

    @cached_property
    def beside(self) -> tuple[Node, ...]:
        """The tensors that what lies behind reads and that no lesion changes."""
        own = {*self.boundary, *self.rest}
        read = [one for node in self.rest for one in node.all_input_nodes if one not in own and holds_tensor(one)]
        return tuple(dict.fromkeys(read))

    @cached_property
    def n_channels(self) -> int:
        """How many channels the site has."""
        return sizes(self.site)[self.lie.axis]

    def carry(self, channels: torch.Tensor, slab: torch.Tensor, values: Mapping[Node, torch.Tensor]) -> Narrow:
        """Get some channels' values at every carried node, from their values at the site."""
        narrow = Narrow(channels, self.n_channels, values, {self.site: slab})
        for node, run in self.steps:
            narrow.carried[node] = run(narrow)
        return narrow

    def check(self, values: Mapping[Node, torch.Tensor]) -> None:
        """Raise NotSparse unless carrying intact channels gives what the network itself computed.

        That is the proof, on real values, that the rules followed the channels rightly.
        """
        channels = torch.linspace(0, self.n_channels - 1, min(3, self.n_channels)).long().to(values[self.site].device)
        slab = values[self.site].index_select(self.lie.axis, channels)
        narrow = self.carry(channels, slab, values)
        for node in {*self.kept, *(mix.source for mix in self.mixed)}:
            got, known = narrow.carried[node], narrow.part(node, self.lies[node])
            if got.shape != known.shape or not torch.allclose(got, known, rtol=1e-4, atol=1e-6, equal_nan=True):
                raise NotSparse(f"the channels at {node.name} are not where they were expected")


def sparse_plan(site: Node, axis: int, output: Node) -> SparsePlan:
    """Get how a lesion of channels at a node of an exported graph is carried to the read-out.

    Parameters
    ----------
    site : the node that is lesioned, float32 or float64.
    axis : of its channels; the batch is on axis 0.
    output : the read-out.

    Raises
    ------
    NotSparse : nothing that reads the channels is a linear layer or a convolution, so nothing is gained.
    """
    if site.meta["val"].dtype not in DTYPES:
        raise NotSparse(f"the site's values are {site.meta['val'].dtype}")
    lies: dict[Node, Lie] = {site: Lie(axis)}
    steps: list[tuple[Node, Callable[[Narrow], Any]]] = []
    mixed: dict[Node, Mixing] = {}
    refused: dict[Node, str] = {}
    rest: list[Node] = []
    for node in _between(site, output):
        read = [one for one in node.all_input_nodes if one in lies]
        joined = any(one in mixed or one in rest for one in node.all_input_nodes)
        why = _why_not(node, lies, steps, mixed, joined=joined)
        if why:
            rest.append(node)
            refused.update({one: why for one in read if one not in refused})
    if not mixed:
        raise NotSparse("; ".join(dict.fromkeys(refused.values())) or "nothing mixes its channels")
    half = halved((*lies, *mixed, *rest))
    if half:
        raise NotSparse(f"{half} works in half precision")
    kept = tuple(node for node in lies if node in refused or node is output)
    return SparsePlan(site, Lie(axis), output, tuple(steps), lies, tuple(mixed.values()), kept, tuple(rest), refused)


def _why_not(
    node: Node, lies: dict[Node, Lie], steps: list[tuple[Node, Callable[[Narrow], Any]]], mixed: dict[Node, Mixing], *,
    joined: bool,
) -> str:
    """Note how a node carries or mixes channels; get why it can do neither, or nothing."""
    if joined:
        return f"{name_of(node)} joins them with what was made of them"
    try:
        lies[node], run = carried(node, lies)
        steps.append((node, run))
        return ""
    except NotSparse as no:
        why = str(no)
    try:
        mixed[node] = mixing(node, lies)
    except NotSparse as no:
        return why if name_of(node) not in WEIGHTS else str(no)
    return ""


def _between(site: Node, output: Node) -> Iterator[Node]:
    """The nodes that read the site, directly or not, and lead to the read-out, in the order of the graph."""
    wanted, todo = {output}, [output]
    while todo:
        fresh = [one for one in todo.pop().all_input_nodes if one not in wanted]
        wanted.update(fresh)
        todo += fresh
    reached = {site}
    for node in site.graph.nodes:
        if node in wanted and node is not site and reached & set(node.all_input_nodes) and holds_tensor(node):
            reached.add(node)
            yield node
