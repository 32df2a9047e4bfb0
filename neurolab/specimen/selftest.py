"""The self-test at load: is this a network that the bench can keep its promises on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from neurolab.errors import LesionNotApplied, NeurolabError, SpecimenError, listed
from neurolab.lesion import Clamp, Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen.certificate import doubled
from neurolab.specimen.devices import devices_of
from neurolab.specimen.promises import eval_mode, kept_chance, plain_kernels, state_digests
from neurolab.specimen.sites import Site
from neurolab.specimen.survey import rows

if TYPE_CHECKING:
    from neurolab.specimen.bench import Bench
    from neurolab.specimen.specimen import Specimen


def refuse_unfit(model: nn.Module) -> tuple[nn.Module, tuple[str, ...]]:
    """Get the plain module behind a compiled one, with notes on what was done.

    Raises SpecimenError for what hooks cannot see into: TorchScript, DataParallel, weights that are nowhere yet, no
    module at all.
    """
    if torch.is_inference_mode_enabled():
        raise SpecimenError(
            "The specimen was made inside torch.inference_mode(), where nobody can tell what a forward writes into. "
            "Make it outside; nothing on the bench asks for gradients."
        )
    if not isinstance(model, nn.Module):
        raise SpecimenError(f"The model is a {type(model).__name__}; expected a torch.nn.Module. {_way_in(model)}")
    notes = []
    if hasattr(model, "_orig_mod"):
        model = model._orig_mod  # type: ignore[assignment]
        notes.append("the compiled model was unwrapped; it is recorded and lesioned eager")
    elif any(hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) for part in model.modules()):
        notes.append("compiled parts run eager on the bench")
    for path, part in model.named_modules():
        where = f"its part {path!r}" if path else "the model"
        if isinstance(part, torch.jit.ScriptModule):
            raise SpecimenError(f"{where} is TorchScript, in which hooks do not run; pass the Python module it came "
                                f"from.")
        if type(part).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")):
            raise SpecimenError(f"{where} is {type(part).__name__}, a quantised kernel whose rounding depends on the "
                                f"whole batch; pass the float model and lesion it by nl.Quantise(bits).")
        if isinstance(part, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            raise SpecimenError(f"{where} is {type(part).__name__}, whose replicas run hooks in threads; pass "
                                f"model.module.")
    unborn = [name for name, one in model.named_parameters() if isinstance(one, nn.parameter.UninitializedParameter)]
    if unborn:
        raise SpecimenError(f"The lazy parameters {listed(unborn, most=4)} have no shape yet. Run the model once "
                            "first: model(torch.as_tensor(example)).")
    away = [name for name, one in (*model.named_parameters(), *model.named_buffers()) if one.is_meta]
    if away:
        raise SpecimenError(
            f"{'Parts of the model are' if len(devices_of(model)) > 1 else 'The model is'} on the meta device and have "
            f"no weights: {listed(away, most=4)}. Load them first (model.to_empty, then fill), or load the model "
            "without offloading."
        )
    return model, tuple(notes)


def _way_in(model: object) -> str:
    """What to type where a file, or weights without their module, were given for a model."""
    if isinstance(model, (str, PathLike)):
        return ("Build the network in Python, then type model.load_state_dict(torch.load(path, weights_only=True)), or "
                "model.load_state_dict(safetensors.torch.load_file(path)).")
    if isinstance(model, Mapping):
        return ("These look like weights alone (a state dict): build the network in Python, then type "
                "model.load_state_dict(weights); from a file, torch.load(path, weights_only=True) or safetensors.")
    return "Wrap it in one."


def self_test(specimen: Specimen) -> None:
    """Raise SpecimenError unless the network answers alike twice, changes nothing of itself, and feels an edit."""
    model = specimen.model
    batch = _different(specimen)

    def run(*at: int) -> torch.Tensor:
        return specimen.answer(batch[list(at)].clone()).clone()

    before = state_digests(model)
    with kept_chance(), plain_kernels(), eval_mode(model), torch.no_grad():
        first, second = run(0, 1, 2), run(0, 1, 2)
        pairs = {pair: run(*pair) for pair in ((0, 1), (1, 2), (0, 2))}
    after = state_digests(model)
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        raise SpecimenError(
            f"The model changes itself in forward, in evaluation mode too: {listed(changed, most=4)}. Expected "
            "weights and buffers that stay. Take the counter or cache out of the buffers, or freeze it."
        )
    _check_numbers(first)
    if not _equal(first, second):
        raise SpecimenError(
            "Two runs of the same input give different read-outs; expected a deterministic network. Is dropout "
            "called with training=True, or does the model keep a state between calls? Fix or reset it in forward."
        )
    loose = 2e-2 if first.dtype in (torch.float16, torch.bfloat16) else 1e-4
    scale = float(torch.nan_to_num(doubled(first)).abs().max())
    if not all(torch.allclose(doubled(first[list(pair)]), doubled(two), rtol=loose, atol=0.1 * loose * scale,
                              equal_nan=True) for pair, two in pairs.items()):
        raise SpecimenError(
            "The answer to a stimulus depends on which others are in the batch; expected independent rows. Turn "
            "batch statistics off (track_running_stats=True), or pass one stimulus at a time inside the model."
        )
    _test_bench(specimen, rows(specimen.example, 3))


def _check_numbers(first: torch.Tensor) -> None:
    """Refuse a read-out that holds no numbers, or none that can be compared."""
    if first.is_floating_point() and first.element_size() < 2:
        raise SpecimenError(
            f"The read-out is {str(first.dtype).removeprefix('torch.')}, in which torch cannot even compare. Type "
            "Specimen(model, example, output=lambda out: out.float())."
        )
    if not first.numel():
        raise SpecimenError(
            f"The read-out has the shape {tuple(first.shape)}, no number in it; expected one or more per stimulus. "
            "Type Specimen(..., output=...) to choose another."
        )


def _different(specimen: Specimen) -> torch.Tensor:
    """Three stimuli that differ: of the example, and others made from it where it has fewer, or equal ones."""
    batch = rows(specimen.example, 3)
    n = 1 if bool((batch == batch[:1]).all()) else min(len(specimen.example), 3)
    while n < 3:
        batch[n] = specimen.others(batch[n - 1 : n].clone())[0]
        n += 1
    return batch


def _test_bench(specimen: Specimen, batch: torch.Tensor) -> None:
    """An empty lesion is bit-identical and an edit of the read-out's own units changes it; the hooks go."""
    from neurolab.specimen.bench import bench

    names = [str(at) for at in range(len(batch))]
    hooked = [site for site in specimen.sites() if site.cut]
    region = ROI("self-test", {site.address: np.zeros(1, dtype=np.int64) for site in hooked})
    with bench(specimen) as table:
        intact = table.forward(batch, names)
        with table.lesioned(Lesion(region, Zero(), role="sham")):
            sham = table.forward(batch, names)
        if not _equal(intact, sham):
            raise SpecimenError(
                "An empty lesion changes the read-out; expected the same bits. A module of this model behaves "
                "otherwise while hooks are attached, or works in place on a tensor that dropout or an identity has "
                "handed on. Type nn.ReLU(inplace=False); else report the model's type to the neurolab project."
            )
        states = [site for site in specimen.sites() if site.kind == "state" and site.cut]
        with table.probed({site: lambda state: None for site in states}):  # step by step must be as at once
            table.forward(batch, names)
        values = (1.0, 0.0) if intact.dtype == torch.bool else (7.0, 8.0)  # a choice may be the seventh already
        effects = [_edit(table, specimen.sites()["output"], batch, intact, value) for value in values]
        effect = effects[0] and effects[1]
    if effect:
        raise SpecimenError(f"An edit of the read-out {effect}; expected another read-out.")


def _edit(table: Bench, site: Site, batch: torch.Tensor, intact: torch.Tensor, value: float = 7.0) -> str:
    """Get "" when an edit of a whole site changes the read-out, else what was seen."""
    names = [str(at) for at in range(len(batch))]
    dims = site.unit_dims or site.dims
    units = np.arange(int(np.prod(site.sizes(dims))))
    lesion = Lesion(ROI("self-test", {site.address: units}, {site.address: dims}), Clamp(value))
    try:
        with table.lesioned(lesion) as damage:
            table.prove(damage, [(batch, names)])
            cut = table.forward(batch, names)
            damage.certificate()
    except NeurolabError as error:
        unasked = site.routed and isinstance(error, LesionNotApplied) and damage.fired() == 0
        return "got no row of the example from its router" if unasked else f"fails: {error}"
    return "" if not _equal(intact, cut) else "changes nothing in the read-out"


@dataclass(frozen=True)
class Verification:
    """What an edit did at every site: "" where it changed the read-out, else what was seen."""

    specimen: str
    seen: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether every site that can be cut can be cut truthfully (no effect is no fault)."""
        return not any(said.startswith("fails") for said in self.seen.values())

    def __repr__(self) -> str:
        lines = [f"{self.specimen}: {len(self.seen)} sites edited, {'all truthfully' if self.ok else 'NOT all'}"]
        return "\n".join(lines + [f"  {site}: {said}" for site, said in self.seen.items() if said])


def verify(specimen: Specimen) -> Verification:
    """Get what an edit of each site does, after the self-test of the whole."""
    self_test(specimen)
    from neurolab.specimen.bench import bench

    batch = rows(specimen.example, 3)
    with bench(specimen) as table:
        intact = table.forward(batch, [str(at) for at in range(len(batch))])
        sites = [site for site in specimen.sites() if site.cut]
        return Verification(specimen.name, {site.address: _edit(table, site, batch, intact) for site in sites})


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
