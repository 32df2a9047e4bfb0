"""The survey at load: two watched forwards, of two and of three stimuli, become the table of sites and their wiring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from neurolab.errors import SpecimenError
from neurolab.specimen.axes import CHANNELS_FIRST, NORM_OPS, batch_axis, native_dims
from neurolab.specimen.experts import with_experts
from neurolab.specimen.fused import proved
from neurolab.specimen.heads import head_sites
from neurolab.specimen.recurrent import noted, with_states
from neurolab.specimen.routing import with_rows
from neurolab.specimen.sites import Site, SiteTable
from neurolab.specimen.trace import Call, Key, Trace, key_of, trace_forward
from neurolab.specimen.turns import Turns
from neurolab.specimen.wiring import Wiring, wire, wire_multihead

#: Modules that torch runs in one fused operation when nothing watches them.
FUSED = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


def survey(
    model: nn.Module, run: Callable[[torch.Tensor], torch.Tensor], example: torch.Tensor,
    others: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[SiteTable, dict[str, Wiring], tuple[Call, ...], bool, dict[str, tuple[str, ...]]]:
    """Get the sites, how each is wired to weights, the calls in order, whether the model writes into its input, and
    the modules that used each parameter, one entry per use.

    ``run`` maps a batch to the selected read-out; ``example`` is a batch of any number of stimuli; ``others`` gives
    other stimuli than a batch holds.
    """
    with noted(model) as fed_two:
        two = trace_forward(model, run, rows(example, 2))
    with noted(model) as fed_three:
        three = trace_forward(model, run, rows(example, 3))
    whole = two.calls, three.calls
    routed = _routed(*whole)
    two.calls, three.calls = ([call for call in seen.calls if call.path not in routed] for seen in (two, three))
    tied = tied_names(model)
    modules = dict(model.named_modules())
    sites = [_input_site(example, _reader(two, modules))]
    dims: dict[tuple[int, ...], tuple[str, ...]] = {tuple(two.kept[0].shape): sites[0].dims}
    turns = Turns(two)
    turns.say(two.input, sites[0].dims, 0)
    counts: dict[str, int] = defaultdict(int)
    for call in two.calls:
        counts[call.path] += 1
    at: dict[str, Key] = {"input": two.input}  # type: ignore[dict-item]
    for call, other in zip(two.calls, three.calls):
        if not call.path:
            continue
        site = _module_site(call, other, modules, counts[call.path], dims, turns, tied)
        which = call.path, call.call
        sites.extend(with_states(site, modules[call.path], fed_two.get(which), fed_three.get(which)))
        if call.output is not None:
            at[site.address] = call.output
        for heads, key in head_sites(call, other, modules, counts[call.path]):
            sites.append(heads)
            if key is not None:
                at[heads.address] = key
    sites = with_rows(model, run, *_two_batches(example, others), sites)
    sites = proved(model, lambda: run(rows(example, 2)), sites)
    sites.append(_output_site(two.raw, three.raw, dims, turns))
    called = {call.path for call in two.calls}
    table = with_experts(model, run, rows(example, 3), others, _with_refused(sites, modules, called, routed), whole)
    wiring = wire(model, two, {site.address: (site, at[site.address]) for site in table if site.address in at})
    wiring |= wire_multihead(model, table)
    return SiteTable(tuple(table), _aliases(model)), wiring, tuple(_calls(two)), *_changes(two, three)


def _calls(trace: Trace) -> Iterator[Call]:
    """The calls of a forward; that of the whole model from the stimuli to the read-out, whatever it is fed and says."""
    given, raw = tuple(trace.kept[0].shape), trace.raw
    for call in trace.calls:
        yield call if call.path else replace(call, input=trace.input, input_shape=given, output=key_of(raw),
                                             shape=tuple(raw.shape))


def _changes(two: Trace, three: Trace) -> tuple[bool, dict[str, tuple[str, ...]]]:
    return two.input_changed or three.input_changed, {name: tuple(users) for name, users in two.spent.items()}


def _routed(two: Sequence[Call], three: Sequence[Call]) -> frozenset[str]:
    """The paths of modules that run for some stimuli only, as experts do; what holds them all must always run."""
    with_two, with_three = ({(call.path, call.call) for call in calls} for calls in (two, three))
    routed = frozenset(path for path, _ in with_two ^ with_three)
    order = [[(call.path, call.call) for call in calls if call.path not in routed] for calls in (two, three)]
    if "" in routed or order[0] != order[1]:
        raise SpecimenError(
            "The model calls other modules for 3 stimuli than for 2; expected the same calls for any batch. Wrap "
            "what depends on the number of stimuli."
        )
    return routed


def _two_batches(
    example: torch.Tensor, others: Callable[[torch.Tensor], torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Three stimuli, and the same with another third."""
    batch = rows(example, 3)
    return batch, torch.cat([batch[:2], others(batch[2:])])


def rows(example: torch.Tensor, n: int) -> torch.Tensor:
    """Get a batch of ``n`` stimuli from an example batch, repeating it as needed."""
    return example[[index % len(example) for index in range(n)]].clone()


def _name(dtype: torch.dtype | None) -> str:
    return str(dtype).replace("torch.", "")


def _reader(trace: Trace, modules: dict[str, nn.Module]) -> nn.Module | None:
    """The first layer that takes the stimuli as they are with channels first, as a convolution does."""
    readers = (modules.get(call.path) for call in trace.calls if call.input == trace.input)
    return next((module for module in readers if isinstance(module, CHANNELS_FIRST)), None)


def _input_site(example: torch.Tensor, reader: nn.Module | None) -> Site:
    shape = tuple(example.shape[1:])
    floating = example.is_floating_point()
    dims = native_dims(reader, 0, tuple(example.shape), {})[0] if floating else ("token", "row", "col")[: len(shape)]
    whole = {1: "", 0: "integers (token ids) cannot be cut; lesion the embedding instead"}[int(floating)]
    return Site("input", "", 0, 1, "input", "Input", dims or ("unit",), shape or (1,), 0, _name(example.dtype),
                cut=floating, status="ok" if floating else "warned", why=whole)


def _output_site(two: torch.Tensor, three: torch.Tensor, seen: dict, turns: Turns) -> Site:
    axis, wrong = batch_axis(tuple(two.shape), tuple(three.shape))
    if wrong:
        raise SpecimenError(
            f"The read-out has shape {tuple(two.shape)} for 2 stimuli: {wrong}; expected one row per stimulus. Type "
            "Specimen(..., output=...) with a function that gives (n_stimuli, ...)."
        )
    if axis != 0:
        raise SpecimenError(
            f"The read-out has the stimuli on axis {axis}; expected them first. Type Specimen(..., output=lambda raw: "
            f"raw.movedim({axis}, 0))."
        )
    alike = {shape: dims for shape, dims in seen.items() if len(shape) == two.dim()}
    dims, _ = native_dims(None, 0, tuple(two.shape), alike, turns.dims(key_of(two), 0))
    return Site("output", "", 0, 1, "output", "Output", dims, tuple(two.shape[1:]) or (1,), 0, _name(two.dtype))


def _module_site(
    call: Call, other: Call, modules: dict[str, nn.Module], n_calls: int, seen: dict, turns: Turns, tied: dict
) -> Site:
    module = modules[call.path]
    address = address_of(call.path) + ("" if n_calls == 1 else f"@{call.call}")
    names = tuple(name for key, name in tied.items() if key.rpartition(".")[0] == call.path)
    base: dict[str, Any] = {"address": address, "path": call.path, "call": call.call, "calls": n_calls,
                            "kind": "module", "type": type(module).__name__}
    if call.shape is None or other.shape is None:
        return Site(**base, dims=(), shape=(), status="refused", cut=False, why="its output holds no tensor",
                    instead=_near(call.path, modules))
    axis, wrong = batch_axis(call.shape, other.shape)
    wrong = "its values are complex numbers" if call.dtype is not None and call.dtype.is_complex else wrong
    if wrong:
        return Site(**base, dims=(), shape=call.shape, status="refused", cut=False, why=wrong,
                    instead=_near(call.path, modules))
    trace = turns.trace
    dims, sure = native_dims(module, axis, call.shape, seen, turns.dims(call.output, axis))
    if sure:  # a guess is handed on as one
        seen[call.shape] = dims
        turns.say(call.output, dims, axis)
    shape = tuple(size for at, size in enumerate(call.shape) if at != axis) or (1,)
    norm = any(use.op in NORM_OPS for use in trace.uses.get(call.output, ()))  # type: ignore[arg-type]
    site = Site(**base, dims=dims, shape=shape, batch_axis=axis, dtype=_name(call.dtype), inplace=call.inplace,
                norm=norm, tied=tuple(sorted({name for group in names for name in group})))
    return _warned(site, module, call, _changed_later(call, trace), sure)


def _changed_later(call: Call, trace: Trace) -> bool:
    """Whether what a module handed out was written into afterwards, e.g. by a ReLU in place; tensors count that."""
    return call.output is not None and trace.versions[call.output[0]] > call.output[1]


def _warned(site: Site, module: nn.Module, call: Call, changed_later: bool, sure: bool) -> Site:
    if call.dtype is not None and not call.dtype.is_floating_point:
        return replace(site, cut=False, status="warned", why=f"recorded; values are {site.dtype} and cannot be cut")
    reasons = [] if sure else ["which axis counts units is guessed from the number of axes"]
    if site.norm:
        reasons.append("a normalisation follows")
    if site.tied:
        reasons.append("weights are tied")
    if changed_later:
        reasons.append("written into afterwards; what is recorded and cut is the value before")
    if isinstance(module, FUSED):
        reasons.append("torch's fast path is off here, so that hooks run")
    if call.several:
        reasons.append("hands out several tensors; the first is recorded and cut")
    if site.calls > 1:
        reasons.append(f"called {site.calls} times")
    return replace(site, status="warned" if reasons else "ok", why="; ".join(reasons))


def _with_refused(
    sites: list[Site], modules: dict[str, nn.Module], called: set[str], routed: frozenset[str]
) -> tuple[Site, ...]:
    refused = []
    for path, module in modules.items():
        if not path or path in called:
            continue
        parent = path.rpartition(".")[0]
        direct = isinstance(modules[parent], nn.MultiheadAttention)
        why = ("nn.MultiheadAttention uses its weights directly, so this module never runs" if direct
               else "it runs for some stimuli only (routing)" if path in routed else "the forward never calls it")
        instead = address_of(parent) if direct else _near(path, {key: modules[key] for key in called})
        refused.append(Site(address_of(path), path, 0, 0, "module", type(module).__name__, (), (), status="refused",
                            cut=False, why=why, instead=instead))
    return (*sites[:-1], *refused, sites[-1])


def _near(path: str, modules: dict[str, nn.Module]) -> str:
    """The nearest enclosing module that can be used instead, or the read-out."""
    parent = path.rpartition(".")[0]
    while parent and (parent not in modules or isinstance(modules[parent], (nn.ModuleList, nn.ModuleDict))):
        parent = parent.rpartition(".")[0]
    return address_of(parent) or "output"


def address_of(path: str) -> str:
    """Get the address of a module: its path, as the model's author would write it where the ends have that name.

    Example
    -------
    >>> address_of("layers.1"), address_of("output")
    ('layers.1', 'self.output')
    """
    return f"self.{path}" if path in ("input", "output") else path


def _aliases(model: nn.Module) -> dict[str, str]:
    """Second names of one and the same module object, e.g. a block used at two places."""
    first: dict[int, str] = {}
    aliases: dict[str, str] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        if id(module) in first:
            aliases[address_of(path)] = address_of(first[id(module)])
        first.setdefault(id(module), path)
    return aliases


def tied_names(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Get, for each parameter whose storage several modules (or attributes of one) hold, the names of all of them.

    A module that is registered twice is one module: its weights are tied to nothing.

    Example
    -------
    >>> from torch import nn
    >>> model = nn.ModuleDict({"embedding": nn.Embedding(4, 2), "head": nn.Linear(2, 4, bias=False)})
    >>> model["head"].weight = model["embedding"].weight
    >>> tied_names(model)["head.weight"]
    ('embedding.weight', 'head.weight')
    """
    by_storage: dict[int, list[str]] = defaultdict(list)
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(path, recurse=False, remove_duplicate=False):
            if parameter.numel():
                by_storage[parameter.untyped_storage().data_ptr()].append(name)
    return {name: tuple(names) for names in by_storage.values() if len(names) > 1 for name in names}
