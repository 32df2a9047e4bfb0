"""E1: every site of every network of the zoo, lesioned by the engine and by plain hooks: right, refused or wrong."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch

import neurolab as nl
from neurolab.errors import NeurolabError
from neurolab.specimen.feeds import fed
from neurolab.specimen.leaves import first_tensor, select_output, with_first_tensor
from neurolab.specimen.promises import plain_kernels
from neurolab.specimen.sites import Site

from . import networks
from .measure import Row, one_thread
from .zoo_models import ZOO, Animal

#: What a rounded answer may differ by, as a share of the largest answer: the exactness class "rounding".
ROUNDING = 1e-5


@dataclass
class Found:
    """What became of the sites of one network: counts, the largest difference, what was silently wrong."""

    counts: Counter = field(default_factory=Counter)
    apart: float = 0.0
    wrong: list[str] = field(default_factory=list)
    why: str = ""


def visit(animal: Animal, exact: str) -> Found:
    """Lesion every site of a network twice over."""
    found, inputs = Found(), animal.inputs()
    torch.manual_seed(0)
    model = animal.build().eval().requires_grad_(False)
    stimuli = networks.named("zoo", inputs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            specimen = nl.Specimen(model, inputs, animal.name, animal.output, animal.feed)
    except NeurolabError as error:
        found.counts["refused"] += 1
        found.why = str(error).partition(". ")[0]
        return found
    modules = dict(model.named_modules())
    for site in specimen.sites():
        if site.path not in modules or site.rows or site.kind not in ("module", "heads"):
            found.counts["no plain hook"] += 1
            continue
        if not site.cut:
            found.counts["refused"] += 1
            continue
        _one(found, specimen, site, stimuli, exact)
    return found


def _one(found: Found, specimen: nl.Specimen, site: Site, stimuli: nl.StimulusSet, exact: str) -> None:
    """Lesion two units of one site by the engine and by a hook."""
    from neurolab.specimen.engine import answers

    try:
        dims = site.unit_dims or site.dims
        units = np.arange(min(2, int(np.prod(site.sizes(dims)))))
        lesion = nl.Lesion(nl.ROI("two", {site.address: units}, dims={site.address: dims}), nl.Zero())
        given = dict(answers(specimen, [nl.sham(lesion), lesion], stimuli, batch_size=3, exact=exact))
    except NeurolabError:
        found.counts["refused"] += 1
        return
    right = _by_hook(specimen, site, dims, torch.tensor(np.asarray(stimuli.inputs)))
    apart = float((torch.as_tensor(given[1]) - right).abs().max())
    found.apart = max(found.apart, apart)
    if apart <= (ROUNDING * float(right.abs().max()) if exact == "rounding" else 0.0):
        found.counts["right"] += 1
    else:
        found.counts["silently wrong"] += 1
        found.wrong.append(f"{specimen.name} {site.address} ({apart:.1e})")


def _by_hook(specimen: nl.Specimen, site: Site, dims: tuple[str, ...], inputs: torch.Tensor) -> torch.Tensor:
    """The answers, batch by batch, under a hook that zeroes the first two units of one call of a module."""
    calls = [0]

    def edited(passed: object) -> object:
        calls[0] += 1
        if calls[0] - 1 != site.call:
            return None
        return with_first_tensor(passed, _zeroed(first_tensor(passed), site, dims))

    module = specimen.model.get_submodule(site.path)
    if site.kind == "heads":  # they are what enters the projection
        handle = module.register_forward_pre_hook(lambda module, args: edited(args))
    else:
        handle = module.register_forward_hook(lambda module, args, output: edited(output))
    answers = []
    try:
        for batch in inputs.split(3):
            calls[0] = 0
            with torch.no_grad(), plain_kernels():  # a hook takes nn.TransformerEncoder off its fast path, in part only
                answers.append(select_output(fed(specimen.model, specimen.feed, batch), specimen.output))
    finally:
        handle.remove()
    return torch.cat(answers)


def _zeroed(tensor: torch.Tensor, site: Site, dims: tuple[str, ...]) -> torch.Tensor:
    """A copy of what a site passes on, its first two units at zero."""
    shown = tensor.clone().movedim(site.batch_axis, 0)
    native = shown.view(len(shown), *site.shape)  # heads have an axis of their own
    order = [1 + site.dims.index(dim) for dim in dims]
    moved = native.movedim(order, list(range(1, 1 + len(order))))
    for at in range(min(2, int(np.prod(site.sizes(dims))))):
        moved[(slice(None), *np.unravel_index(at, site.sizes(dims)))] = 0
    return shown.movedim(0, site.batch_axis)


def race(*, quick: bool = False, repeats: int | None = None, peers: bool = True) -> Row:
    """Get the row of E1: counts over all sites, in the classes "rounding" and "bit"."""
    counts, apart, wrong, notes = {}, {}, [], []
    here = [animal for animal in ZOO if animal.here][:: 3 if quick else 1]
    missing = {animal.needs for animal in ZOO if not animal.here}
    with one_thread():
        for exact in ("rounding",) if quick else ("rounding", "bit"):
            seen = {animal.name: visit(animal, exact) for animal in here}
            counts[exact] = dict(sum((found.counts for found in seen.values()), Counter()))
            apart[exact] = max(found.apart for found in seen.values())
            wrong += [f"{exact}: {line}" for found in seen.values() for line in found.wrong]
            refused = {name: found.why for name, found in seen.items() if found.why}
            notes.append(f"{exact}: " + ", ".join(f"{n} sites {what}" for what, n in counts[exact].items()))
    notes += [f"SILENTLY WRONG {line}" for line in wrong]
    notes += [f"{name} is refused: {why}" for name, why in refused.items()]
    notes += [f"networks left out: pip install {name}" for name in missing]
    return Row(
        "E1", f"{len(here)} networks, every site that a plain hook reaches", "plain hooks", repeats=1, quick=quick,
        max_abs_diff=max(apart.values()), notes=notes,
        details={"sites": counts, "max_abs_diff": apart, "networks": len(here)},
    )  # fmt: skip
