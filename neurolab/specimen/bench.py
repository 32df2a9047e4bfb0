"""The bench: a context in which a network is recorded and lesioned by hooks, and from which it comes back as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from neurolab.errors import LesionNotApplied, RefusedSiteError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import ABLATIONS, OnActivity, OnWeights, effect_of
from neurolab.specimen.alone import in_one_thread
from neurolab.specimen.certificate import Reader, verdict
from neurolab.specimen.composite import check_plan
from neurolab.specimen.damage import Damage
from neurolab.specimen.edit import Edit, Progress, edits_at
from neurolab.specimen.experts import check_cut
from neurolab.specimen.layout import check_rows
from neurolab.specimen.leaves import first_tensor, tensors, with_first_tensor
from neurolab.specimen.multihead import Tapped
from neurolab.specimen.promises import joined_digest, promised
from neurolab.specimen.recurrent import Stepper
from neurolab.specimen.reference import References
from neurolab.specimen.sites import MOST_FIRST, Site, use_instead
from neurolab.specimen.weights import WeightEdit, weight_edits

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

__all__ = ["ABLATIONS", "Bench", "Damage", "bench"]

#: Where a hook sits: path and kind ("module", "heads", "mha", "state", "input", "output").
Spot = tuple[str, str]
#: The benches that are open now, the outermost first; they may be nested.
OPEN: list[Bench] = []


class Bench:
    """A specimen on the bench; made by :func:`bench`, valid inside its ``with`` block."""

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        self._modules = dict(specimen.model.named_modules())
        self._handles: dict[Spot, Any] = {}
        self._edits: dict[Spot, list[Edit]] = defaultdict(list)
        self._sinks: dict[Spot, list[tuple[Site, Callable[[torch.Tensor], None]]]] = defaultdict(list)
        self._counts: dict[Spot, int] = defaultdict(int)
        self.stimuli: tuple[str, ...] = ()
        self._reader: Reader | None = None
        self._checked: set[tuple[str, ...]] = set()
        self.references = References()
        self._active: list[Damage] = []
        self.user_hooks = False
        self.sequence: Progress | None = None
        self.digest = ""

    # -- running -----------------------------------------------------------------------------------------------------

    def forward(
        self, inputs: torch.Tensor, stimuli: Sequence[str], run: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Run one batch through the network as it is now, lesions and probes included.

        inputs : (n, ...) as :meth:`Specimen.prepare` gives it. stimuli : the ids of its rows, which seed their chance.
        run : what answers instead of the specimen, through the same modules: one step of a generation.
        """
        inputs = inputs.clone()  # a model may write into it, through .data unseen
        all_around = [one for one in OPEN if one.specimen.model is self.specimen.model]  # what they hold acts here too
        for one in all_around:
            one._begin(tuple(stimuli))
            inputs = one._visit(("", "input"), inputs, [inputs])
        output = (run or self.specimen.answer)(inputs)
        for one in all_around:
            output = one._visit(("", "output"), output, [])
        return output.clone()  # a model may answer in one buffer, written anew by every forward

    def _begin(self, stimuli: tuple[str, ...]) -> None:
        self._counts.clear()
        self.stimuli = stimuli
        for damage in self._active:
            damage.runs += 1

    def active(self, spot: Spot) -> tuple[list[Edit], list[tuple[Site, Callable[[torch.Tensor], None]]]]:
        """Count a call at a spot; get the edits and the sinks that are meant for this call."""
        call = self._counts[spot]
        self._counts[spot] += 1
        placed = self._edits.get(spot, ())
        edits = [edit for edit in placed if edit.site.call == call]
        for edit in () if edits else placed:
            edit.check_known(call)
        return edits, [(site, sink) for site, sink in self._sinks.get(spot, ()) if site.call == call]

    def check_calls(self) -> None:
        """Raise RefusedSiteError where a site that is recorded ran more often in this forward than it ever did."""
        for spot, site in ((spot, site) for spot, sinks in self._sinks.items() for site, _ in sinks):
            if site.kind != "state" and self._counts[spot] > site.calls:
                raise RefusedSiteError(
                    f"Site {site.address!r} ran {self._counts[spot]} times for the stimuli {self.stimuli[0]!r} to "
                    f"{self.stimuli[-1]!r}, {site.calls} when the specimen was loaded; the later calls would be "
                    f"left out. {MOST_FIRST}"
                )

    def active_around(self) -> bool:
        """Get whether a lesion is in place, or another bench is open on the same network."""
        others = (one for one in OPEN if one is not self and one.specimen.model is self.specimen.model)
        return any(damage.lesions for damage in self._active) or any(True for _ in others)

    def watch(self, tensor: torch.Tensor, stale: torch.Tensor) -> None:
        """Have a lesioned tensor watched for being read, where a proof is under way."""
        if self._reader is not None:
            self._reader.place(tensor, stale)

    def _visit(self, spot: Spot, value: Any, given: Iterable[torch.Tensor]) -> Any:
        edits, sinks = self.active(spot)
        if not edits and not sinks:
            return value
        tensor = before = first_tensor(value)
        if tensor is None or before is None:
            return value
        for site in (*(edit.site for edit in edits), *(site for site, _ in sinks)):
            check_rows(site, tensor, len(self.stimuli))
        for edit in edits:
            tensor = edit(tensor, self.stimuli)
        if edits and self._reader is not None:
            # a module that hands its own input on: others may rightly read that tensor
            fed = any(_same(before, one) for one in given)
            self._reader.place(tensor, None if fed or _same(tensor, before) else before)
        for _, sink in sinks:
            sink(tensor)
        return value if tensor is before else with_first_tensor(value, tensor)

    # -- hooks -------------------------------------------------------------------------------------------------------

    def _tap(self, site: Site) -> Spot:
        """Hook a site, once per bench; the hook looks up what is active, so that a lesion costs no hooking."""
        kind = "module" if site.kind == "slice" else site.kind  # a slice of what the module hands out
        spot = ("" if kind in ("input", "output") else site.path, kind)
        if spot not in self._handles and kind == "module":
            def after(module: Any, args: Any, kwargs: Any, output: Any) -> Any:
                return self._visit(spot, output, tensors((args, kwargs)))

            self._handles[spot] = self._modules[site.path].register_forward_hook(after, with_kwargs=True)
        elif spot not in self._handles and kind == "mha":
            self._handles[spot] = Tapped(self._modules[site.path], lambda heads: self._visit(spot, heads, [heads]))
        elif spot not in self._handles and kind == "heads":
            def before(module: Any, args: Any, kwargs: Any) -> Any:
                return self._visit(spot, (args, kwargs), tensors((args, kwargs)))

            self._handles[spot] = self._modules[site.path].register_forward_pre_hook(before, with_kwargs=True)
        elif spot not in self._handles and site.kind == "state":
            self._handles[spot] = Stepper(self, site.path, self._modules[site.path])
        return spot

    def close(self) -> None:
        """Take every hook off."""
        for handle in self._handles.values():
            handle.remove()
        self._handles.clear()

    # -- lesions and probes ------------------------------------------------------------------------------------------

    @contextmanager
    def lesioned(self, *lesions: Lesion, instead: OnActivity | OnWeights | None = None) -> Iterator[Damage]:
        """Have these lesions in place within the block; afterwards weights are the saved copies again.

        instead : what happens to their units, where not their own ablation.
        """
        with self.in_place(self.planned(*lesions, instead=instead)) as damage:
            yield damage

    def planned(self, *lesions: Lesion, instead: OnActivity | OnWeights | None = None) -> Damage:
        """Get what these lesions will do; nothing is done yet."""
        edits: list[Edit] = []
        weights: list[WeightEdit] = []
        for whole in lesions if instead is None else ():
            check_plan(self.specimen, whole)
        for lesion in (part for whole in lesions for part in whole.parts):
            effect = None if lesion.role == "sham" else instead or effect_of(lesion.how)
            if isinstance(effect, OnWeights):
                weights.extend(weight_edits(self.specimen, lesion, effect))
            else:
                edits.extend(self._edits_of(lesion, effect))
        return Damage(lesions, edits, weights)

    @contextmanager
    def in_place(self, damage: Damage) -> Iterator[Damage]:
        """Have what was planned in place within the block; it may be so again later, and is counted as one."""
        placed = [(self._tap(edit.site), edit) for edit in damage.edits]
        try:
            for spot, edit in placed:
                self._edits[spot].append(edit)
            for weight in damage.weights:
                weight.apply()
            self._active.append(damage)
            yield damage
        finally:
            self._active = [other for other in self._active if other is not damage]
            for weight in reversed(damage.weights):
                weight.restore()
            for spot, edit in placed:
                self._edits[spot] = [other for other in self._edits[spot] if other is not edit]

    def _edits_of(self, lesion: Lesion, effect: OnActivity | None) -> Iterator[Edit]:
        for address in lesion.roi.units:
            found = self.specimen.sites().find(address)
            for site in found:
                if not site.cut:
                    raise RefusedSiteError(
                        f"Lesion {lesion.id!r} at {address!r}: {site.why}.{use_instead(site)} Type specimen.sites() "
                        "for sites that can be cut."
                    )
                check_cut(site, lesion)
            yield from edits_at(found, lesion, address, effect, self.references, self.sequence)

    @contextmanager
    def probed(self, sinks: Mapping[Site, Callable[[torch.Tensor], None]]) -> Iterator[None]:
        """Hand the tensor of each site to its function on every forward within the block."""
        placed = [(self._tap(site), (site, sink)) for site, sink in sinks.items()]
        try:
            for spot, entry in placed:
                self._sinks[spot].append(entry)
            yield
        finally:
            for spot, entry in placed:
                self._sinks[spot] = [other for other in self._sinks[spot] if other is not entry]

    def check_read(self, damage: Damage, inputs: torch.Tensor, stimuli: Sequence[str], run: Any = None) -> None:
        """Prove on one small batch that the consumer reads the intended values, once per set of sites.

        run : what is done with inputs and stimuli, where one forward is not the whole of it.

        Raises LesionNotApplied naming what the consumer read instead.
        """
        sites = tuple(sorted(edit.site.address for edit in damage.edits))
        damage.read = True if sites else None
        if not sites or sites in self._checked:
            return
        self._reader = reader = Reader()
        try:
            with damage.uncounted(), reader:
                output = (run or self.forward)(inputs, stimuli)
            reader.finish(output)
        finally:
            self._reader = None
        wrong = verdict(reader)
        if wrong:
            raise LesionNotApplied(
                f"Lesion {damage.lesions[0].id!r} at {', '.join(sites)}: {wrong}. Use a site downstream whose output "
                "the network does read; type specimen.sites()."
            )
        if reader.placed:
            self._checked.add(sites)
        else:
            damage.read = None

    def prove(self, damage: Damage, batches: Iterable[tuple[torch.Tensor, Sequence[str]]]) -> None:
        """Run :meth:`check_read` on two stimuli; at experts on whole batches, until one of them is asked."""
        for inputs, stimuli in batches:
            n = len(stimuli) if damage.routed else 2
            self.check_read(damage, inputs[:n], stimuli[:n])
            if damage.read or not damage.routed:
                return


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


@contextmanager
def bench(specimen: Specimen) -> Iterator[Bench]:
    """Put a specimen on the bench: evaluation mode, no gradients, hooks that go, and the proof that all is as before.

    Raises
    ------
    LesionNotUndone : on the way out, when parameters, buffers, flags or the user's hooks differ from before.

    Example
    -------
    >>> import torch
    >>> from neurolab.specimen.specimen import Specimen
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))
    >>> with bench(net) as table:
    ...     tuple(table.forward(torch.zeros(4, 3), list("abcd")).shape)
    (4, 2)
    """
    with in_one_thread(specimen), promised(specimen.model) as before:
        made = Bench(specimen)
        around = (one.references.weights for one in OPEN if one.specimen.model is specimen.model)  # before any lesion
        made.digest = joined_digest(before.tensors)
        made.references.weights = next(around, "") or made.digest
        OPEN.append(made)
        made.user_hooks = any(name for key, name in before.hooks.items() if not key.endswith(".forward"))
        try:
            yield made
        finally:
            OPEN.remove(made)
            made.close()
