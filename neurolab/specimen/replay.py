"""Recompute only what a lesion can change: modules that finished before it hand out their intact outputs.

Exact to the bit: what ended before the lesion began cannot feel it, so the same kernels run on the same numbers. Each
plan is proved before the first lesion, on every batch, without damage and under an edit that shows; a model on which
the proof fails, or whose modules leave something aside in a forward, is examined by whole forwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.cuts import Which, cut_of, place_of, spared
from neurolab.specimen.leaves import map_tensors, tensors
from neurolab.specimen.room import BUDGET, lasting
from neurolab.specimen.stash import marks

if TYPE_CHECKING:
    from neurolab.specimen.bench import Bench, Damage
    from neurolab.specimen.specimen import Specimen

#: How many whole forwards a cut must save, over all lesions that share it, before its proof is worth its time.
WORTH = 4.0


@dataclass
class Batch:
    """One batch of a task: its inputs, the ids of its rows, and the intact outputs that are handed out."""

    inputs: torch.Tensor
    ids: tuple[str, ...]
    kept: dict[Which, Any] = field(default_factory=dict)
    versions: dict[Which, list[int]] = field(default_factory=dict)
    intact: torch.Tensor = field(default_factory=lambda: torch.empty(0))


class Replay:
    """The intact outputs of some modules on some batches, and the right to hand them out.

    ``memory`` bounds the bytes that are kept: of batches that it does not hold, those of one at a time; where it does
    not hold one, nothing is, unless there is no choice (``any_size``), for the plan says so.
    """

    def __init__(
        self, table: Bench, batches: Sequence[Batch], lesions: Sequence[Lesion], memory: int = BUDGET, *,
        any_size: bool = False,
    ) -> None:
        self.table = table
        self.batches = batches
        self.cuts: dict[Any, frozenset[Which]] = {}
        self.modules = dict(table.specimen.model.named_modules())
        self.proved: dict[frozenset[Which], bool] = {}
        shared = Counter(self.cut(lesion) for lesion in lesions)
        worth = [cut for cut, n in shared.items() if cut and n * spared(table.specimen, cut) >= WORTH]
        self.wanted = frozenset().union(*worth)
        self.sizes: list[int] = []
        self.passing: Batch | None = None
        self.possible = bool(self.wanted) and bool(batches) and not table.user_hooks
        if self.possible:
            self.changed_later, size = self._learn(batches[0], self.wanted)
            self.sizes = [int(size * len(batch.inputs)) for batch in batches]
            self.lasting = lasting(self.sizes, memory)
            self.possible = self.possible and (any_size or max(self.sizes) <= memory)
        if self.possible:
            self._prove({cut: [lesion for lesion in lesions if self.cut(lesion) == cut] for cut in worth})

    def hold(self, number: int) -> None:
        """Have the intact outputs of a batch at hand, where they are handed out; no lesion is in place now."""
        batch = self.batches[number]
        if batch.kept or not self.possible:
            return
        if self.passing is not None:
            self.passing.kept = {}
        self.passing = None if number < self.lasting else batch
        self._capture(batch, self.wanted)
        self.possible = self.possible and self.wanted <= batch.kept.keys()  # some run for some stimuli only

    def forget(self) -> None:
        """Keep nothing from one batch to the next from now on."""
        self.lasting = 0
        for batch in self.batches:
            batch.kept = {}

    def cut(self, lesion: Lesion) -> frozenset[Which]:
        """Get the calls that need not run again under a lesion; looked up, for most lesions share their sites."""
        place = place_of(lesion)
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
            before, _held = marks(self.table.specimen.model)
            for path in {path for path, _ in wanted}:
                stack.callback(self.modules[path].register_forward_hook(keeper(path)).remove)
            batch.intact = self.table.forward(batch.inputs, batch.ids)
        if marks(self.table.specimen.model)[0] != before:
            self.possible = False  # left aside by a module, perhaps for a later one: only running it renews it

    def serves(self, lesion: Lesion) -> bool:
        """Get whether a lesion's answers are replayed: its cut was worth a proof, and the proof held."""
        return self.possible and bool(self.proved.get(self.cut(lesion)))

    def forward(self, batch: Batch, damage: Damage) -> torch.Tensor:
        """Get the read-out under the lesions in place: replayed where that was proved, else by a whole forward."""
        cut = self.cut(damage.lesions[0])
        if not (self.possible and self.proved.get(cut)):
            return self.table.forward(batch.inputs, batch.ids)
        answer = self._replayed(cut, batch, damage)
        if self._spoilt(cut, batch):
            self.possible = False  # a lesion made the model write where it never wrote before: the outputs are spoilt
            return self.table.forward(batch.inputs, batch.ids)
        return answer

    def _spoilt(self, cut: frozenset[Which], batch: Batch) -> bool:
        return any(_versions(batch.kept[which]) != batch.versions[which] for which in cut)

    def _prove(self, cuts: dict[frozenset[Which], list[Lesion]]) -> None:
        """Prove cuts: on every batch, without damage and under probing edits that show, both ways give equal bits.

        Other stimuli are shown in between: a model that leaves something aside for a later module is found out by
        what it kept of them.
        """
        probes = {cut: list(self._probes(lesions)) for cut, lesions in cuts.items()}
        shown = dict.fromkeys(cuts, False)
        self.proved = dict.fromkeys(cuts, True)
        for at in range(len(self.batches)):
            self.hold(at)
            for cut in (cut for cut in cuts if self.possible and self.proved[cut]):
                self.proved[cut], shows = self._holds(cut, at, probes[cut])
                shown[cut] |= shows
        self.proved = {cut: self.possible and self.proved[cut] and shown[cut] for cut in cuts}

    def _holds(self, cut: frozenset[Which], at: int, probes: Sequence[Callable[[], Any]]) -> tuple[bool, bool]:
        try:
            return self._alike(cut, at, probes)
        except Exception:  # what was left aside does not fit, or a site refuses: a whole forward works, or says why
            return False, False

    def _alike(self, cut: frozenset[Which], at: int, probes: Sequence[Callable[[], Any]]) -> tuple[bool, bool]:
        """Get whether replay gives what whole forwards give on one batch, and whether a probe changed the answer."""
        batch, wholes, again = self.batches[at], [], []
        for probe in probes:
            with probe():
                wholes.append(self.table.forward(batch.inputs, batch.ids))
        for other in {(at + 1) % len(self.batches)} - {at}:
            self.table.forward(self.batches[other].inputs, self.batches[other].ids)
        self.table.forward(self.table.specimen.others(batch.inputs), batch.ids)
        for probe in probes:
            with probe() as damage:
                again.append(self._replayed(cut, batch, damage))
        again.append(self._replayed(cut, batch, None))
        if self._spoilt(cut, batch):
            self.possible = False
        same = all(torch.equal(a, b) for a, b in zip([*wholes, batch.intact], again))
        return same and self.possible, any(not torch.equal(whole, batch.intact) for whole in wholes)

    def _probes(self, lesions: Sequence[Lesion]) -> Iterator[Callable[[], Any]]:
        """Edits of every site that these lesions cut, which shift all of its units and drive none to one value."""
        parts = [part for lesion in lesions for part in lesion.parts]
        on_weights = [part for part in parts if isinstance(effect_of(part.how), OnWeights)]
        places = {site for part in parts if part not in on_weights for site in part.roi.sites}
        if places:
            yield partial(self.table.lesioned, Lesion(_whole(self.table.specimen, places), Zero()), instead=_shifted)
        for lesion in on_weights[:1]:
            instead = replace(effect_of(lesion.how), apply=_reweighed)  # type: ignore[type-var]
            yield partial(self.table.lesioned, lesion, instead=instead)

    def _replayed(self, cut: frozenset[Which], batch: Batch, damage: Damage | None) -> torch.Tensor:
        edits = damage.edits if damage else ()
        in_place = {(edit.site.path, edit.site.call) for edit in edits if edit.site.inplace}
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


def _whole(specimen: Specimen, addresses: Iterable[str]) -> ROI:
    sites = {address: specimen.sites().find(address)[0] for address in sorted(addresses)}
    dims = {address: site.unit_dims or site.dims for address, site in sites.items()}
    units = {address: np.arange(int(np.prod(site.sizes(dims[address])))) for address, site in sites.items()}
    return ROI("probe", units, dims)


def _shifted(how: Any, values: torch.Tensor, selection: Any) -> torch.Tensor:
    return 0.5 * values + torch.linspace(-1, 1, values.shape[1], device=values.device)[None, :, None]


def _reweighed(how: Any, weights: torch.Tensor, selection: Any) -> torch.Tensor:
    return 0.5 * weights + 0.1


def _versions(kept: Any) -> list[int]:
    return [tensor._version for tensor in tensors(kept)]


def _copied(kept: Any) -> Any:
    return map_tensors(kept, torch.clone)
