"""Recompute only what a lesion can change: modules that finished before it hand out their intact outputs.

Exact to the bit: what ended before the lesion began cannot feel it, so the same kernels run on the same numbers. Each
plan is proved once against the whole forward; a model on which the proof fails is examined by whole forwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.leaves import map_tensors, tensors
from neurolab.specimen.sites import Site
from neurolab.specimen.wiring import Wiring

if TYPE_CHECKING:
    from neurolab.specimen.bench import Bench, Damage
    from neurolab.specimen.specimen import Specimen

#: A call of a module: path and number.
Which = tuple[str, int]
#: Bytes of intact outputs kept at most per examination; beyond it whole forwards are run.
BUDGET = 2**30


@dataclass
class Batch:
    """One batch of a task: its inputs, the ids of its rows, and the intact outputs that are handed out."""

    inputs: torch.Tensor
    ids: tuple[str, ...]
    kept: dict[Which, Any] = field(default_factory=dict)
    versions: dict[Which, list[int]] = field(default_factory=dict)


class Replay:
    """The intact outputs of some modules on some batches, and the right to hand them out."""

    def __init__(self, table: Bench, batches: Sequence[Batch], lesions: Sequence[Lesion]) -> None:
        self.table = table
        self.cuts: dict[Any, frozenset[Which]] = {}
        self.modules = dict(table.specimen.model.named_modules())
        self.proved: dict[frozenset[Which], bool] = {}
        wanted = frozenset().union(*(self.cut(lesion) for lesion in lesions))
        self.possible = bool(wanted) and bool(batches) and not table.user_hooks
        if self.possible:
            self.changed_later, size = self._learn(batches[0], wanted)
            rows = sum(len(batch.inputs) for batch in batches)
            self.possible = size * rows <= BUDGET
        if self.possible:
            for batch in batches:
                self._capture(batch, wanted)
            self.possible = all(wanted <= batch.kept.keys() for batch in batches)  # some run for some stimuli only

    def cut(self, lesion: Lesion) -> frozenset[Which]:
        """Get the calls that need not run again under a lesion; looked up, for most lesions share their sites."""
        place = lesion.role == "sham", type(lesion.how), lesion.roi.sites
        if place not in self.cuts:
            self.cuts[place] = cut_of(self.table.specimen, lesion)
        return self.cuts[place]

    def _learn(self, batch: Batch, wanted: frozenset[Which]) -> tuple[frozenset[Which], float]:
        """Which outputs are changed in place after their module returned, and the bytes per stimulus of all."""
        few = Batch(batch.inputs[:2], batch.ids[:2])
        self.changed_later = frozenset()
        self._capture(few, wanted)
        later = frozenset(which for which, kept in few.kept.items() if _versions(kept) != few.versions[which])
        size = sum(t.numel() * t.element_size() for kept in few.kept.values() for t in tensors(kept))
        return later, size / len(few.inputs)

    def _capture(self, batch: Batch, wanted: frozenset[Which]) -> None:
        counts: dict[str, int] = defaultdict(int)

        def keeper(path: str) -> Callable[..., None]:
            def hook(module: Any, args: Any, output: Any) -> None:
                which = path, counts[path]
                counts[path] += 1
                if which in wanted:
                    batch.kept[which] = _copied(output) if which in self.changed_later else output
                    batch.versions[which] = _versions(batch.kept[which])

            return hook

        with ExitStack() as stack:
            for path in {path for path, _ in wanted}:
                stack.callback(self.modules[path].register_forward_hook(keeper(path)).remove)
            self.table.forward(batch.inputs, batch.ids)

    def forward(self, batch: Batch, damage: Damage) -> torch.Tensor:
        """Get the read-out under the lesions in place: replayed where that was proved, else by a whole forward."""
        cut = self.cut(damage.lesions[0])
        if not (self.possible and cut) or not self._proved(cut, batch, damage):
            return self.table.forward(batch.inputs, batch.ids)
        answer = self._replayed(cut, batch, damage)
        if any(_versions(batch.kept[which]) != batch.versions[which] for which in cut):
            self.possible = False  # a lesion made the model write where it never wrote before: the outputs are spoilt
            return self.table.forward(batch.inputs, batch.ids)
        return answer

    def _proved(self, cut: frozenset[Which], batch: Batch, damage: Damage) -> bool:
        """The first lesion at a cut runs both ways; only equal bits let the next ones be replayed.

        Other stimuli are shown in between: a model that leaves something aside for a later module is found out by
        what it kept of them.
        """
        if cut not in self.proved:
            with damage.uncounted():
                whole = self.table.forward(batch.inputs, batch.ids)
                self.table.forward(self.table.specimen.others(batch.inputs), batch.ids)
                try:
                    self.proved[cut] = torch.equal(whole, self._replayed(cut, batch, damage))
                except Exception:  # a module that was not run left no cache behind: that too is a proof to the contrary
                    self.proved[cut] = False
        return self.proved[cut]

    def _replayed(self, cut: frozenset[Which], batch: Batch, damage: Damage) -> torch.Tensor:
        in_place = {(edit.site.path, edit.site.call) for edit in damage.edits if edit.site.inplace}
        with self._handed_out(cut, batch, self.changed_later | in_place):
            return self.table.forward(batch.inputs, batch.ids)

    @contextmanager
    def _handed_out(self, cut: frozenset[Which], batch: Batch, fresh: frozenset[Which]) -> Iterator[None]:
        counts: dict[str, int] = defaultdict(int)

        def stub(path: str, own: Callable[..., Any]) -> Callable[..., Any]:
            def forward(*args: Any, **kwargs: Any) -> Any:
                which = path, counts[path]
                counts[path] += 1
                if which not in cut:
                    return own(*args, **kwargs)
                return _copied(batch.kept[which]) if which in fresh else batch.kept[which]

            return forward

        with ExitStack() as stack:
            for path in {path for path, _ in cut}:
                module = self.modules[path]
                stack.callback(_put_forward, module, module.__dict__.get("forward"))
                module.__dict__["forward"] = stub(path, module.forward)
            yield


def _put_forward(module: torch.nn.Module, own: Any) -> None:
    if own is None:
        module.__dict__.pop("forward", None)
    else:
        module.__dict__["forward"] = own


def cut_of(specimen: Specimen, lesion: Lesion) -> frozenset[Which]:
    """Get the outermost calls that had ended before the lesion began: none of them can feel it.

    The lesioned call itself counts as ended, for its hook edits what it hands out. Empty for a sham, which is the whole
    procedure, and where anything may change.
    """
    if lesion.role == "sham":
        return frozenset()
    moment = min(_moments(specimen, lesion), default=-1)
    before = [call for call in specimen.calls if call.path and call.ended <= moment]
    return frozenset(
        (call.path, call.call) for call in before
        if not any(other.began < call.began and call.ended < other.ended for other in before)
    )


def _moments(specimen: Specimen, lesion: Lesion) -> Iterator[int]:
    """For each lesioned site the last event that the lesion cannot have touched."""
    effect = effect_of(lesion.how)
    for address in lesion.roi.sites:
        for site in specimen.sites().find(address):
            if isinstance(effect, OnWeights):
                yield _weight_moment(specimen, site)
            elif site.kind == "output":
                yield max(call.ended for call in specimen.calls)
            elif site.kind == "input":
                yield -1
            else:
                call = next(c for c in specimen.calls if (c.path, c.call) == (site.path, site.call))
                yield call.ended if site.kind in ("module", "slice") else call.began - 1


def _weight_moment(specimen: Specimen, site: Site) -> int:
    """Before the first use of a weight that feeds or reads the site; -1 for tied weights, used who knows where."""
    wiring = specimen.wiring.get(site.address, Wiring())
    reads = [one for one in (wiring.made_by, wiring.read_by) if one is not None]
    if not reads or any(one.parameter in specimen.tied or not one.module for one in reads):
        return -1
    return min(call.began - 1 for one in reads for call in specimen.calls if call.path == one.module)


def _versions(kept: Any) -> list[int]:
    return [tensor._version for tensor in tensors(kept)]


def _copied(kept: Any) -> Any:
    return map_tensors(kept, torch.clone)
