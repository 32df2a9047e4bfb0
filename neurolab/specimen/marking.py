"""Places in a network where something is done to the tensor that comes by, exactly where the bench's hooks do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch

from neurolab.specimen.leaves import first_tensor, with_first_tensor
from neurolab.specimen.multihead import Tapped
from neurolab.specimen.sites import Site

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

#: Where a tensor comes by: path, kind of hook ("module", "heads", "mha", "input", "output"), number of the call.
Where = tuple[str, str, int]
#: What is done there: the place and the tensor, to the tensor that goes on.
Touch = Callable[[Where, torch.Tensor], torch.Tensor]

_LIBRARY = torch.library.Library("neurolab", "DEF")
_LIBRARY.define("site(Tensor value, int number) -> Tensor")
_LIBRARY.impl("site", lambda value, number: value.clone(), "CompositeExplicitAutograd")
torch.library.register_fake("neurolab::site", lambda value, number: value.clone(), lib=_LIBRARY)
#: An operation that does nothing and is seen in an exported graph: (value, number) -> a copy of the value.
mark = torch.ops.neurolab.site


def where_of(site: Site) -> Where:
    """Get where the bench touches a site's tensor."""
    if site.kind in ("input", "output"):
        return "", site.kind, 0
    return site.path, "module" if site.kind == "slice" else site.kind, site.call


def why_nowhere(site: Site) -> str:
    """Get why a site is not one tensor that comes by in a forward; an empty string where it is."""
    if site.status == "refused":
        return site.why
    if site.routed:
        return "a router decides which rows reach it"
    return "a recurrent layer's steps are one operation" if site.kind == "state" else ""


class Touched:
    """A network that does something to the tensors of some sites, in one forward after another."""

    def __init__(self, specimen: Specimen, sites: Iterable[Site], touch: Touch) -> None:
        self.specimen = specimen
        self.inplace = {where_of(site): site.inplace for site in sites}
        self.touch = touch
        self._counts: dict[tuple[str, str], int] = defaultdict(int)

    def answer(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get the read-out for a batch."""
        self._counts.clear()
        return self._visit(("", "output"), self.specimen.answer(self._visit(("", "input"), inputs.clone())))

    def _visit(self, spot: tuple[str, str], value: Any) -> Any:
        where = (*spot, self._counts[spot])
        self._counts[spot] += 1
        tensor = first_tensor(value) if where in self.inplace else None
        if tensor is None:
            return value
        new = self.touch(where, tensor)
        if not self.inplace[where]:
            return with_first_tensor(value, new)
        if new is not tensor:
            tensor.copy_(new)
        return value

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Have the hooks in place within the block."""
        modules = dict(self.specimen.model.named_modules())
        with ExitStack() as stack:
            for path, kind in dict.fromkeys(where[:2] for where in self.inplace):
                if kind not in ("input", "output"):
                    stack.callback(self._hook(modules[path], (path, kind)).remove)
            yield

    def _hook(self, module: Any, spot: tuple[str, str]) -> Any:
        if spot[1] == "mha":
            return Tapped(module, lambda heads: self._visit(spot, heads))
        if spot[1] == "heads":
            return module.register_forward_pre_hook(
                lambda module, args, kwargs: self._visit(spot, (args, kwargs)), with_kwargs=True)
        return module.register_forward_hook(lambda module, args, output: self._visit(spot, output))
