"""Exported graphs, kept for the campaigns to come as long as the model is the same one; its twins share them."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from neurolab.specimen.graph import Graph, exported, shared
from neurolab.specimen.program import NotExported
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.stash import marks, settings

#: How many graphs are kept.
MOST = 4
#: Of a model with more things on its modules than this it is not told whether another is its twin.
FORMS = 10_000
#: By specimen: what its graph depends on besides weights, the objects behind that, the graph or why there is none.
KEPT: OrderedDict[int, tuple[object, list[object], Graph | str]] = OrderedDict()


def graph_of(specimen: Specimen, *, fresh: bool = False) -> Graph:
    """Get a specimen's graph, exported anew where the model is no longer as it was.

    A graph holds no weights. Networks that differ by them alone, such as those of a cohort, share one; that it answers
    as each of them does is proved on each.

    fresh : export it in any case, as where the user's own hooks are part of the forward.

    Raises
    ------
    NotExported : there is none, with the reason.

    Example
    -------
    >>> import torch
    >>> net = Specimen(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()), torch.zeros(1, 3))
    >>> first = graph_of(net)
    >>> graph_of(net) is first
    True
    >>> net.model[1] = torch.nn.ReLU6()
    >>> graph_of(net) is first
    False
    """
    now, held = _state(specimen)
    known = None if fresh else KEPT.pop(id(specimen), None)
    if known is None or known[0] != now:
        try:
            known = now, held, (None if fresh else _of_a_twin(specimen)) or exported(specimen)
        except NotExported as no:
            known = now, held, str(no)
    if not fresh:
        KEPT[id(specimen)] = known
    while len(KEPT) > MOST:
        KEPT.popitem(last=False)
    if isinstance(known[2], str):
        raise NotExported(known[2])
    return known[2]


def _of_a_twin(specimen: Specimen) -> Graph | None:
    """The graph of a network that differs from this one by its weights alone, proved on this one."""
    mine = _form(specimen)
    for state, _, graph in reversed(KEPT.values()):
        if mine is None or isinstance(graph, str) or graph.constants:
            continue
        if _state(graph.specimen)[0] == state and _form(graph.specimen) == mine:
            try:
                return shared(graph, specimen)
            except NotExported:
                return None
    return None


def _form(specimen: Specimen) -> object:
    """All that an export reads of a specimen besides the numbers in its weights; None where that cannot be told."""
    found, _ = marks(specimen.model)
    tensors = {place for place, mark in found.items() if isinstance(mark, tuple)}
    own = {(path, name) for path, module in specimen.model.named_modules() for name in module._buffers}
    if tensors - own or len(found) > FORMS:  # a tensor that lies about, or too much to look at
        return None
    plain = {place: mark for place, mark in found.items() if place not in tensors}
    modules = [(path, type(module), type(module).forward, module.__dict__.get("forward"), _shapes(module))
               for path, module in specimen.model.named_modules()]
    example = tuple(specimen.example.shape), specimen.example.dtype, specimen.devices
    return plain, modules, example, specimen.feed, specimen.output, specimen.tied


def _shapes(module: nn.Module) -> list[object]:
    """The names, shapes and types of a module's own parameters and buffers."""
    return [(name, one if one is None else (tuple(one.shape), one.dtype))
            for kind in (module._parameters, module._buffers) for name, one in kind.items()]  # type: ignore[attr-defined]


def _state(specimen: Specimen) -> tuple[object, list[object]]:
    """The modules, their code and their attributes; and the objects, whose identities must not be used again."""
    found, held = marks(specimen.model)
    around, held_too = settings(specimen.model)
    modules = [(path, id(module), id(type(module)), id(type(module).forward), id(module.__dict__.get("forward")))
               for path, module in specimen.model.named_modules()]
    return (found, around, modules), [specimen, *held, *held_too]
