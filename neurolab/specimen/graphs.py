"""Exported graphs, kept for the campaigns to come as long as the model is the same one."""

from __future__ import annotations

from collections import OrderedDict

from neurolab.specimen.graph import Graph, exported
from neurolab.specimen.program import NotExported
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.stash import marks

#: How many graphs are kept.
MOST = 4
#: By specimen: what its graph depends on besides weights, the objects behind that, the graph or why there is none.
KEPT: OrderedDict[int, tuple[object, list[object], Graph | str]] = OrderedDict()


def graph_of(specimen: Specimen, *, fresh: bool = False) -> Graph:
    """Get a specimen's graph, exported anew where the model is no longer as it was.

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
            known = now, held, exported(specimen)
        except NotExported as no:
            known = now, held, str(no)
    if not fresh:
        KEPT[id(specimen)] = known
    while len(KEPT) > MOST:
        KEPT.popitem(last=False)
    if isinstance(known[2], str):
        raise NotExported(known[2])
    return known[2]


def _state(specimen: Specimen) -> tuple[object, list[object]]:
    """The modules, their code and their attributes; and the objects, whose identities must not be used again."""
    found, held = marks(specimen.model)
    modules = [(path, id(module), id(type(module)), id(type(module).forward), id(module.__dict__.get("forward")))
               for path, module in specimen.model.named_modules()]
    return (found, modules), [specimen, *held]
