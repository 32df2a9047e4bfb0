"""A network's forward as a graph of plain operations, in which every site is a node: torch.export, proved on batches.

The graph holds no weights. They are read from the live network whenever it runs: a lesion of weights acts in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.fx import Graph as Nodes
from torch.fx import Node

from neurolab.specimen.exporting import traced
from neurolab.specimen.marking import Where, mark, where_of, why_nowhere
from neurolab.specimen.positions import taken
from neurolab.specimen.program import NotExported, Program, allows, before, holds_tensors, number
from neurolab.specimen.promises import one_thread, promised
from neurolab.specimen.proof import prove, prove_sites
from neurolab.specimen.sites import Site

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

#: Operations that may draw at random although they do not here.
_SOMETIMES = frozenset(("dropout", "scaled_dot_product_attention", "lstm", "gru", "rnn_tanh", "rnn_relu"))
#: Operations that hand on what they are given, where the layout is the same (dropout in evaluation mode, a copy).
_IDLE = frozenset((torch.ops.aten.clone.default, torch.ops.aten.dropout.default, torch.ops.aten.contiguous.default))


@dataclass(frozen=True)
class Place:
    """Where a site lies in a graph: the node that hands its tensor on, and how manieth it is to act there."""

    node: Node
    order: int


@dataclass(eq=False)
class Graph:
    """A network's forward as functional ATen operations, the batch a symbolic size.

    ``given`` is the node of the stimuli, ``output`` that of the read-out; ``weights`` says from where each parameter or
    buffer is read; ``constants`` are tensors that the forward made up itself. ``places`` and ``refused`` say of every
    address where it is, or why it is nowhere. ``exact`` is whether the graph gave the same bits as the network; else it
    gave the same to rounding.
    """

    specimen: Specimen
    graph: Nodes
    given: Node
    output: Node
    weights: Mapping[Node, str]
    constants: Mapping[Node, torch.Tensor]
    places: dict[str, Place] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    exact: bool = True
    _sizes: dict[tuple[Node, int], int] = field(default_factory=dict)
    _programs: dict[tuple[Node, ...], Program] = field(default_factory=dict)
    _allowed: dict[int, bool] = field(default_factory=dict)

    # -- sites -------------------------------------------------------------------------------------------------------

    def node(self, site: Site) -> Node:
        """Get the node of a site's tensor; raises NotExported with the reason where it is nowhere."""
        if site.address not in self.places:
            raise NotExported(self.refused.get(site.address, f"{site.address!r} is no site of this network"))
        return self.places[site.address].node

    def order(self, site: Site) -> int:
        """Get when a site acts among those that share a node."""
        return self.places[site.address].order

    def weight(self, parameter: torch.Tensor) -> Node:
        """Get the node of a parameter by any of its names.

        Raises NotExported where the forward does not read it, or reads its memory by another tensor too.
        """
        if any(_same_memory(parameter, one) for one in self.constants.values()):
            raise NotExported("the lesioned weights are read by another tensor too, which is no parameter")
        for node in self.weights:
            if self.own(node) is parameter:
                return node
        raise NotExported("the lesioned weights are not read in the exported graph")

    # -- running -----------------------------------------------------------------------------------------------------

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """The modules of the model by path."""
        return dict(self.specimen.model.named_modules())

    @cached_property
    def takes_a_position(self) -> bool:
        """Whether somewhere one position of an axis is read, such as the last token."""
        return any(taken(node) is not None for node in self.graph.nodes)

    @property
    def owned(self) -> tuple[Node, ...]:
        """The nodes of parameters, buffers and constants."""
        return (*self.weights, *self.constants)

    def own(self, node: Node) -> torch.Tensor:
        """Get the value of a parameter, a buffer or a constant as it is now."""
        if node in self.constants:
            return self.constants[node]
        path, _, name = self.weights[node].rpartition(".")
        return getattr(self.modules[path], name)  # type: ignore[return-value]

    def values(self, inputs: torch.Tensor, wanted: Iterable[Node]) -> tuple[dict[Node, Any], torch.Tensor]:
        """Get the intact values of some nodes for a batch, and the read-out; whatever none of them needs is freed."""
        wanted = tuple(dict.fromkeys(wanted))
        outputs = (self.output, *(node for node in wanted if node.op != "placeholder"))
        if outputs not in self._programs:
            read = before(outputs)
            given = [node for node in self.graph.nodes if node in read and node.op == "placeholder"]
            self._programs[outputs] = Program(outputs, given)
        program = self._programs[outputs]
        known = {node: inputs if node is self.given else self.own(node)
                 for node in {*program.given, *wanted} if node.op == "placeholder"}
        answer, *values = program(known, self.sizes(len(inputs)))
        return known | dict(zip(outputs[1:], values)), answer

    def sizes(self, n: int) -> Callable[[Node], int]:
        """Get what gives the number behind the node of a size, for a batch of ``n``.

        Raises NotExported where the forward does otherwise with so many stimuli than with those that it was read with.
        """
        if n not in self._allowed:
            self._allowed[n] = allows(self.given, n)
        if not self._allowed[n]:
            raise NotExported(f"its forward does otherwise with other batches than of {n}")

        def size(node: Node) -> int:
            if (node, n) not in self._sizes:
                self._sizes[node, n] = number(node.meta["val"], n)
            return self._sizes[node, n]

        return size


def exported(specimen: Specimen) -> Graph:
    """Get a network's graph, with the node of each site: proved on three batches to answer as the network does.

    The network is as before afterwards, weights, flags, hooks and chance included.

    Raises
    ------
    NotExported : torch.export refuses the network, or what it gives answers otherwise, with the reason.

    Example
    -------
    >>> from neurolab.specimen.specimen import Specimen
    >>> graph = exported(Specimen(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.zeros(1, 3)))
    >>> {address: place.node.name for address, place in graph.places.items()}
    {'input': 'x', '0': 'linear', '1': 'relu', 'output': 'relu'}
    """
    with one_thread(), promised(specimen.model):
        sites = [site for site in specimen.sites() if not why_nowhere(site)]
        numbers = {where: number for number, where in enumerate(dict.fromkeys(map(where_of, sites)))}
        graph = _read(specimen, traced(specimen, sites, numbers))
        marks = _cleaned(graph, numbers)
        for site in specimen.sites():
            _place(graph, site, marks)
        prove(graph)
        prove_sites(graph, sites)
    return graph


def shared(graph: Graph, specimen: Specimen) -> Graph:
    """Get a graph as that of another network of the same form, with the weights of that one: proved as it would be.

    Raises
    ------
    NotExported : it answers otherwise than that network.
    """
    with one_thread(), promised(specimen.model):
        made = replace(graph, specimen=specimen, places=dict(graph.places), refused=dict(graph.refused), _allowed={})
        prove(made)
        prove_sites(made, [site for site in specimen.sites() if not why_nowhere(site)])
    return made


def _same_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _read(specimen: Specimen, whole: Any) -> Graph:
    """Take the graph out of an exported program; its weights stay in the network."""
    signature, nodes = whole.graph_signature, whole.graph_module.graph
    if signature.buffers_to_mutate or getattr(signature, "parameters_to_mutate", None):
        raise NotExported("its forward writes into its own buffers or weights")
    by_name = {node.name: node for node in nodes.nodes}
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    named = {by_name[name]: target.removeprefix("model.") for name, target in names.items()}
    constants = {by_name[name]: whole.constants[target]
                 for name, target in signature.inputs_to_lifted_tensor_constants.items()}
    (given,) = (by_name[name] for name in signature.user_inputs)
    (answer,) = nodes.output_node().args[0]
    for node in nodes.nodes:
        _check(node)
    return Graph(specimen, nodes, given, answer, named, constants)


def _check(node: Node) -> None:
    """Raise NotExported for a node that cannot be run again on other values."""
    value = node.meta.get("val")
    tags = getattr(node.target, "tags", ())
    name = getattr(getattr(node.target, "overloadpacket", None), "__name__", str(node.target))
    if torch.Tag.nondeterministic_seeded in tags and name not in _SOMETIMES:
        raise NotExported(f"it draws at random ({name})")
    if node.op not in ("placeholder", "call_function", "output"):
        raise NotExported(f"it has a part that is no plain operation ({node.op})")
    if any(isinstance(arg, Node) and arg.op == "get_attr" for arg in node.all_input_nodes):
        raise NotExported(f"it branches on values ({name})")
    if isinstance(value, (torch.SymFloat, torch.SymBool, float, bool)) or name == "item":
        raise NotExported(f"a number depends on values ({name})")
    sizes = [value] if isinstance(value, torch.SymInt) else getattr(value, "shape", ())
    for size in sizes:
        if isinstance(size, torch.SymInt) and any(str(s).startswith("u") for s in size.node.expr.free_symbols):
            raise NotExported(f"a size depends on values ({name})")


def _cleaned(graph: Graph, numbers: Mapping[Where, int]) -> dict[Where, Place]:
    """Take the marks and the copies that change nothing out of a graph; get where the marks were.

    A mark stays, as an operation that hands its value on, where something else reads that value past it.
    """
    weights, found = {*graph.owned}, dict[int, Place]()
    for node in list(graph.graph.nodes):
        written = node.target is torch.ops.aten.copy.default and _is_mark(node.args[1])  # by a site that works in place
        idle = node.target in _IDLE and not any(arg is True for arg in node.args)  # no dropout that is switched on
        if written or (idle and _same_layout(node, node.args[0])):
            _drop(graph, node, node.args[1 if written else 0])
    for node in [node for node in graph.graph.nodes if _is_mark(node)]:
        source, at = node.args
        if source in weights or any(user is not node and holds_tensors(user) for user in source.users):
            node.target, node.args = torch.ops.aten.alias.default, (source,)
            source = node
        else:
            _drop(graph, node, source)
        found[at] = Place(source, len(found))
    graph.graph.eliminate_dead_code()
    graph.output = graph.graph.output_node().args[0][0]  # type: ignore[index, assignment]
    alive = set(graph.graph.nodes)
    return {where: found[at] for where, at in numbers.items() if at in found and found[at].node in alive}


def _is_mark(node: Any) -> bool:
    return isinstance(node, Node) and node.target is mark.default


def _drop(graph: Graph, node: Node, instead: Any) -> None:
    node.replace_all_uses_with(instead)
    graph.graph.erase_node(node)


def _same_layout(one: Node, other: Any) -> bool:
    a, b = one.meta["val"], other.meta["val"]
    return a.dtype == b.dtype and str((a.shape, a.stride())) == str((b.shape, b.stride()))


def _place(graph: Graph, site: Site, marks: Mapping[Where, Place]) -> None:
    where = where_of(site)
    why = why_nowhere(site)
    if not why and where not in marks:
        why = "nothing that the read-out is computed from comes by there"
    if why:
        graph.refused[site.address] = why
    else:
        graph.places[site.address] = marks[where]
