"""torch.export of a network with marks on its sites; the network is as before afterwards."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.fx import Node

from neurolab.specimen.marking import Touched, Where, mark
from neurolab.specimen.program import NotExported, in_short
from neurolab.specimen.sites import Site
from neurolab.specimen.stash import names_in
from neurolab.specimen.survey import rows

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

#: What a forward asks that does otherwise while torch reads it; what it does then is not what a lesion meets.
_ASKING = frozenset(("is_exporting", "is_compiling", "is_dynamo_compiling", "is_torchdynamo_compiling"))


class _Answering(nn.Module):
    """A network as its specimen answers, with a mark on the tensor of every site."""

    def __init__(self, touched: Touched) -> None:
        super().__init__()
        self.model = touched.specimen.model
        self._answer = touched.answer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._answer(x)


def traced(specimen: Specimen, sites: Sequence[Site], numbers: Mapping[Where, int]) -> Any:
    """Get torch's exported program, functional, with a mark of its number at each place; raises NotExported."""
    asked = next((name for kind in {type(one): None for one in specimen.model.modules()} for name in _asks(kind)), "")
    if asked:
        raise NotExported(f"its forward asks whether it is being exported ({asked}), and may do otherwise")
    touched = Touched(specimen, sites, lambda where, tensor: mark(tensor, numbers[where]))
    shapes = ({0: torch.export.Dim.DYNAMIC},)
    try:
        with _quiet(), _put_back(specimen.model), touched.hooked():
            model = _Answering(touched)
            whole = torch.export.export(model, (rows(specimen.example, 3),), dynamic_shapes=shapes, strict=False)
            return whole.run_decompositions({}) if any(map(_writes, whole.graph.nodes)) else whole
    except Exception as error:  # whatever a model does that cannot be traced ends here, in any type of error
        raise NotExported(f"torch.export: {in_short(error)}") from error


def _asks(kind: type) -> Iterator[str]:
    """What of a module's own forward asks whether torch reads it."""
    code = getattr(getattr(kind, "forward", None), "__code__", None)
    own = set[str]() if code is None or kind.__module__.startswith("torch.") else names_in(code)
    return iter(sorted(own & _ASKING))


def _writes(node: Node) -> bool:
    """Whether an operation writes into what it is given; only then must a graph be made functional."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's exporter from talking about a network that it cannot read: the refusal says why."""
    log = logging.getLogger("torch")
    level = log.level
    children = [(one, one.level) for name, one in logging.root.manager.loggerDict.items()
                if name.startswith("torch.") and isinstance(one, logging.Logger)]
    try:
        for one in (log, *(child for child, _ in children)):
            one.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
        for child, had in children:
            child.setLevel(had)


@contextmanager
def _put_back(model: nn.Module) -> Iterator[None]:
    """Give every module the attributes back that it had; torch.export may set some, such as an LSTM's flat weights."""
    saved = [(module, {name: list(value) if isinstance(value, list) else value for name, value in vars(module).items()})
             for module in model.modules()]
    try:
        yield
    finally:
        for module, had in saved:
            for name, value in had.items():
                now = vars(module).get(name)
                if isinstance(value, list) and isinstance(now, list):
                    now[:] = value
                elif now is not value:
                    vars(module)[name] = value
            for name in vars(module).keys() - had.keys():
                del vars(module)[name]
