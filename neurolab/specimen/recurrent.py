"""Recurrent layers on the bench: their states are sites of their own, and a lesion there enters the recurrence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from neurolab.errors import DataError, SpecimenError
from neurolab.specimen.edit import Edit, WindowEdit
from neurolab.specimen.leaves import first_tensor
from neurolab.specimen.sites import MOST_FIRST, Site
from neurolab.specimen.stepping import given, lstm_equations, side_names, stepped, unrolled

if TYPE_CHECKING:
    from neurolab.specimen.bench import Bench

#: The layers that can be stepped: their own forward is known, a subclass with another one is not.
LAYERS = (nn.RNN, nn.LSTM, nn.GRU)
#: How many steps of one forward are watched for being read; the first ones stand for all.
WATCHED = 32


@dataclass(frozen=True)
class Layout:
    """How one call of a recurrent module was fed: sequences, steps (0 for a single cell), packed or not."""

    sequences: int
    steps: int
    packed: bool
    dtype: str


def can_step(module: nn.Module) -> bool:
    """Get whether the bench knows the module's forward, so that it can go through it step by step."""
    known = next((kind for kind in (*LAYERS, nn.LSTMCell) if isinstance(module, kind)), None)
    return known is not None and type(module).forward is known.forward and "forward" not in module.__dict__


def _layout(module: nn.Module, args: Any, kwargs: Any) -> Layout | None:
    """None for a single sequence without a batch axis."""
    sequences, _ = given(*args, **kwargs)
    tensor = first_tensor(sequences)
    dtype = str(tensor.dtype).replace("torch.", "")  # type: ignore[union-attr]
    if isinstance(module, nn.LSTMCell):
        return Layout(len(sequences), 0, False, dtype) if sequences.dim() == 2 else None
    if not isinstance(sequences, PackedSequence) and sequences.dim() != 3:
        return None
    batch = unrolled(module, sequences)  # type: ignore[arg-type]
    return Layout(batch.rows, len(batch.steps), batch.packed is not None, dtype)


@contextmanager
def noted(model: nn.Module) -> Iterator[dict[tuple[str, int], Layout | None]]:
    """Note within the block how every call of a recurrent module is fed."""
    seen: dict[tuple[str, int], Layout | None] = {}
    counts: dict[str, int] = defaultdict(int)
    handles = []

    def note(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            seen[path, counts[path]] = _layout(module, args, kwargs)
            counts[path] += 1

        return hook

    try:
        for path, module in model.named_modules():
            if can_step(module):
                handles.append(module.register_forward_pre_hook(note(path), with_kwargs=True))
        yield seen
    finally:
        for handle in handles:
            handle.remove()


# -- sites -----------------------------------------------------------------------------------------------------------


def with_states(site: Site, module: nn.Module, two: Layout | None, three: Layout | None) -> tuple[Site, ...]:
    """Get the module's own site, and behind it the sites of its states where it has any that can be stepped."""
    if not isinstance(module, (nn.RNNBase, nn.LSTMCell)):
        return (site,)
    states = tuple(_state_sites(site, module, two, three)) if two and three else ()
    if isinstance(module, nn.LSTMCell):
        return (site, *states)
    top = states[-1].address.replace("/c", "") if states else ""
    if two and two.packed:
        why = "its sequences are packed, so its rows are not those of the stimuli"
        return (replace(site, status="refused", cut=False, why=why, instead=top or "output"), *states)
    if site.status == "refused":
        return (replace(site, instead=top or site.instead), *states)
    why = "recorded; a cut here would not enter the recurrence"
    why += "" if states else (", and " + ("it takes one sequence at a time" if can_step(module) else
                                          f"{type(module).__name__} has a forward of its own, which cannot be stepped"))
    return (replace(site, cut=False, status="warned", why=why, instead=top), *states)


def _state_sites(site: Site, module: Any, two: Layout, three: Layout) -> Iterator[Site]:
    suffix = "" if site.calls == 1 else f"@{site.call}"
    base = Site(site.address, site.path, site.call, site.calls, "state", "Recurrent", (), (), 0, two.dtype)
    wrong, notes = _unfit(two, three), []
    if two.packed:
        notes.append("packed: 0 past a sequence's end where positions are kept, left out where they are pooled")
    if site.calls > 1:
        notes.append(f"called {site.calls} times")
    for part, width in _parts(module):
        one = replace(base, address=f"{site.path}/{part}{suffix}", part=part, ragged=two.packed)
        if wrong:
            yield replace(one, status="refused", cut=False, why=wrong, instead="output")
            continue
        steps = (("token",), (max(two.steps, three.steps),)) if two.steps else ((), ())
        yield replace(one, dims=(*steps[0], "unit"), shape=(*steps[1], width), why="; ".join(notes),
                      status="warned" if notes else "ok")


def _parts(module: Any) -> Iterator[tuple[str, int]]:
    """The states of a module: "l0", "l0/c" … and how wide they are; only "c" for a single LSTM cell."""
    if isinstance(module, nn.LSTMCell):
        yield "c", module.hidden_size
        return
    for name in side_names(module):
        yield name, module.proj_size or module.hidden_size
        if module.mode == "LSTM":
            yield f"{name}/c", module.hidden_size


def _unfit(two: Layout, three: Layout) -> str:
    if (two.sequences, three.sequences) != (2, 3):
        return f"it is fed {two.sequences} sequences for 2 stimuli and {three.sequences} for 3; expected one each"
    return ""


# -- at work ---------------------------------------------------------------------------------------------------------


class Stepper:
    """Stands in for the forward of one recurrent module, and runs it step by step where a state is cut or recorded."""

    def __init__(self, table: Bench, path: str, module: nn.Module) -> None:
        self.table, self.path, self.module = table, path, module
        self.before = module.__dict__.get("forward")
        self.own: Callable[..., Any] = self.before.own if isinstance(self.before, Stepper) else module.forward
        self.now: tuple[list[Edit], list] | None = None
        self.counter = module.register_forward_pre_hook(self._count)
        module.__dict__["forward"] = self

    def _count(self, module: Any, args: Any) -> None:
        self.now = self.table.active((self.path, "state"))  # counted too where a replay hands out the answer

    def remove(self) -> None:
        """Give the module its own forward back."""
        self.counter.remove()
        if self.before is None:
            self.module.__dict__.pop("forward", None)
        else:
            self.module.__dict__["forward"] = self.before

    def _taken(self) -> tuple[list[Edit], list]:
        """What is meant for this call, that of the benches around this one first."""
        edits, sinks = self.now or ([], [])
        self.now = None
        around = self.before._taken() if isinstance(self.before, Stepper) else ([], [])
        return [*around[0], *edits], [*around[1], *sinks]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Get the module's answer: its own, or the stepped one where a lesion acts on a state."""
        edits, sinks = self._taken()
        acting = [edit for edit in edits if edit.acts]
        sequences, hx = given(*args, **kwargs)
        if not acting and not sinks:
            answer = self.own(*args, **kwargs)
        else:
            run = Run(self, sequences, acting, {site.part for site, _ in sinks})
            answer = run.answer(sequences, hx)
            if not acting:  # looking changes nothing: the answer is the module's own
                answer = _agreeing(self.path, self.own(*args, **kwargs), answer)
            for site, sink in sinks:
                sink(run.laid_out(site))
        for edit in edits:
            if not edit.acts:  # the whole procedure without the damage
                edit.tally.fired += max(1, _n_steps(self.module, sequences))
        return answer


def _n_steps(module: Any, sequences: Any) -> int:
    return len(unrolled(module, sequences).steps) if isinstance(module, nn.RNNBase) else 1


@dataclass
class Run:
    """One stepped call: the states pass by, are edited and kept."""

    stepper: Stepper
    sequences: Any
    edits: list[Edit]
    wanted: set[str]
    kept: dict[str, dict[int, torch.Tensor]] = field(default_factory=lambda: defaultdict(dict))
    order: torch.Tensor | None = None
    stimuli: tuple[str, ...] = ()
    watched: int = 0
    steps: int = 1

    def answer(self, sequences: Any, hx: Any) -> Any:
        """Get the module's stepped answer."""
        module, cells = self.stepper.module, frozenset(edit.site.part for edit in self.edits)
        self.stimuli = self.stepper.table.stimuli
        if isinstance(module, nn.LSTMCell):
            return self._cell(module, sequences, hx)
        batch = unrolled(module, sequences)  # type: ignore[arg-type]
        self.order, self.steps = batch.order, len(batch.steps)
        if self.order is not None:
            self.stimuli = tuple(self.stimuli[row] for row in self.order.tolist())
        return stepped(module, sequences, hx, self.visit, cells)  # type: ignore[arg-type]

    def _cell(self, module: nn.LSTMCell, x: torch.Tensor, hx: Any) -> Any:
        if not self.edits:
            h, c = self.stepper.own(x, hx)
            self.kept["c"][0] = c
            return h, c
        state = hx if hx is not None else (x.new_zeros(len(x), module.hidden_size),) * 2
        weights = [module.weight_ih, module.weight_hh, *([module.bias_ih, module.bias_hh] if module.bias else [])]
        return lstm_equations(x, state, weights, lambda cell: self.visit("c", 0, cell))

    def visit(self, part: str, step: int, state: torch.Tensor) -> torch.Tensor:
        """Get the state that goes on from here."""
        for edit in self.edits:
            if edit.site.part != part:
                continue
            old, names = state, self.stimuli[: len(state)]
            state = (edit.at(old[:, None], names, edit.start(self.steps) + step, 1)[:, 0]
                     if isinstance(edit, WindowEdit) else edit(old, names))
            if state.data_ptr() != old.data_ptr() and self.watched < WATCHED:
                self.watched += 1
                self.stepper.table.watch(state, old)
        if part in self.wanted:
            self.kept[part][step] = state
        return state

    def laid_out(self, site: Site) -> torch.Tensor:
        """Get a state over time, (stimuli, steps, units), NaN past a sequence's end; (stimuli, units) of a cell."""
        kept = self.kept[site.part]
        if not site.ragged:
            return kept[0] if site.dims == ("unit",) else torch.stack([kept[step] for step in range(len(kept))], dim=1)
        if len(kept) > site.shape[0]:
            raise DataError(
                f"Site {site.address!r} ran {len(kept)} steps; it ran {site.shape[0]} when the specimen was loaded. "
                f"{MOST_FIRST}"
            )
        if not all(bool(torch.isfinite(state).all()) for state in kept.values()):
            raise DataError(f"Site {site.address!r} gave NaN or inf. Look at the stimuli, or at the layer before.")
        padded = kept[0].new_full((len(kept[0]), *site.shape), float("nan"))
        for step, state in kept.items():
            padded[: len(state), step] = state
        return padded if self.order is None else padded[self.order.argsort()]


def _agreeing(path: str, own: Any, stepped_answer: Any) -> Any:
    """The module's own answer, once the stepped one is seen to be the same."""
    a, b = (first_tensor(answer).double() for answer in (own, stepped_answer))  # type: ignore[union-attr]
    loose = 2e-2 if first_tensor(own).dtype in (torch.float16, torch.bfloat16) else 1e-5  # type: ignore[union-attr]
    if a.shape != b.shape or not torch.allclose(a, b, rtol=loose, atol=loose, equal_nan=True):
        raise SpecimenError(
            f"Recurrent layer {path!r} gives another answer step by step than at once; expected the same. Is TF32 on "
            "(torch.backends.cudnn.allow_tf32)? Turn it off, or lesion a site outside the layer."
        )
    return own
