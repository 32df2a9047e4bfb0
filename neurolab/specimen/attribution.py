"""Attribution by gradients: what setting each unit to another value would cost, estimated for all units at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.autograd.graph import get_gradient_edge

from neurolab.errors import DataError, NeurolabError, RefusedSiteError, SpecimenError, listed
from neurolab.lesion import Ablation, Lesion
from neurolab.recording import FLAT
from neurolab.roi import ROI
from neurolab.specimen.ablations import Selection, effect_of
from neurolab.specimen.bench import Bench
from neurolab.specimen.own import instead
from neurolab.specimen.program import in_short
from neurolab.specimen.region import Region
from neurolab.specimen.room import out_of_memory
from neurolab.specimen.sites import Site
from neurolab.specimen.smooth import Smooth, checked


@dataclass(frozen=True)
class Shown:
    """A batch of a task with its rows of the stimulus table."""

    inputs: torch.Tensor
    ids: tuple[str, ...]
    table: pd.DataFrame


def whole(site: Site) -> Region:
    """Get the region of all units of a site: channels, heads or units, at every position."""
    dims = site.region_dims(FLAT)
    return Region(site, np.arange(int(np.prod(site.sizes(dims)))), dims)


def taylor(
    table: Bench, sites: Sequence[Site], how: Ablation, shown: Sequence[Shown], smooth: Smooth
) -> list[np.ndarray]:
    """Get the first-order estimate of each unit's deficit, (n_units,) float64 per site, mean over stimuli.

    The sum over positions of gradient x (activity - what the lesion would put there): one forward and backward per
    batch for all units of all sites.

    Raises RefusedSiteError for a site that no gradient reaches, SpecimenError for a network that has none.
    """
    regions = [whole(site) for site in sites]
    totals = [np.zeros(len(region.units)) for region in regions]
    for batch in shown:
        seen: dict[str, tuple[Any, torch.Tensor]] = {}

        def sink(site: Site, region: Region, seen: dict = seen) -> Callable[[torch.Tensor], None]:
            def see(tensor: torch.Tensor) -> None:  # the value and the place in the graph now: both may change later
                edge = get_gradient_edge(tensor) if tensor.requires_grad else None
                seen[site.address] = edge, tensor.detach().clone()

            return see

        with _gradients(table), table.probed({s: sink(s, r) for s, r in zip(sites, regions)}):
            total = _total(table, batch, smooth)
            _check_reached(sites, [seen[site.address][0] if site.address in seen else None for site in sites])
            grads = _backward(table.specimen.name, total, [seen[site.address][0] for site in sites])
        _check_reached(sites, grads)
        for at, (site, region, slope) in enumerate(zip(sites, regions, grads)):
            values = seen[site.address][1]
            old = region.take(values)
            lost = old - _instead(table, how, region, batch.ids, values, old)
            totals[at] += _summed(region.take(slope) * lost)
    return [_finite(total / _n(shown), site) for total, site in zip(totals, sites)]


def path(
    table: Bench, sites: Sequence[Site], how: Ablation, shown: Sequence[Shown], smooth: Smooth, n_steps: int
) -> list[np.ndarray]:
    """Get the path-integral estimate of each unit's deficit, as :func:`taylor`, site by site.

    The gradient is averaged over ``n_steps`` midpoints between what the lesion would put and the activity, at which
    all units of the site are held together: no single unit's own path. One forward and backward per site, step, batch.
    """
    return [_path(table, site, how, shown, smooth, (np.arange(n_steps) + 0.5) / n_steps) for site in sites]


def _path(
    table: Bench, site: Site, how: Ablation, shown: Sequence[Shown], smooth: Smooth, shares: np.ndarray
) -> np.ndarray:
    region, totals = whole(site), np.zeros(1)
    everything = Lesion(ROI("path", {site.address: region.units}, {site.address: region.dims}), how)
    for batch in shown:
        for share in shares:
            gates: list[torch.Tensor] = []

            def gated(how: Any, old: torch.Tensor, selection: Any, share: float = share, gates: list = gates) -> Any:
                new = instead(effect_of(how), how, old, selection)  # type: ignore[arg-type]
                torch.set_grad_enabled(True)  # from here on, until the forward is over: nothing before is needed
                gates.append(torch.full_like(old[..., :1], share, requires_grad=True))
                return new + gates[-1] * (old - new)

            with torch.no_grad(), table.lesioned(everything, instead=gated):
                total = _total(table, batch, smooth)
                slope = _backward(table.specimen.name, total, gates) if gates else (None,)
            _check_reached([site], slope[:1])
            totals = totals + _summed(slope[0])  # type: ignore[arg-type]
    return _finite(totals / (_n(shown) * len(shares)), site)


def _total(table: Bench, batch: Shown, smooth: Smooth) -> torch.Tensor:
    """The summed smooth score of a batch, with its graph."""
    name = table.specimen.name
    inputs = batch.inputs.clone().requires_grad_(batch.inputs.is_floating_point() and torch.is_grad_enabled())
    try:
        outputs = table.forward(inputs, batch.ids)
    except NeurolabError:
        raise
    except RuntimeError as error:
        raise SpecimenError(
            f"{name!r} cannot run with gradients ({error}). Does its forward leave torch, or write into what gradients "
            "need? Type nl.examine(...) on the units of interest: lesions need no gradient."
        ) from error
    total = checked(smooth, outputs, batch.table, name).sum()
    if not total.requires_grad:
        raise RefusedSiteError(
            f"No gradient leads from the score of {name!r} back into it: its forward detaches, rounds or leaves torch "
            "on the way, or the smooth score does. Type nl.examine(...) on the units of interest: lesions need none."
        )
    return total


def _backward(name: str, total: torch.Tensor, ends: Sequence[Any]) -> Sequence[Any]:
    """The gradients of a score; raises RefusedSiteError where an operation on the way has none of its own."""
    try:
        return torch.autograd.grad(total, ends, allow_unused=True)
    except Exception as error:  # an operation of the user's may raise anything
        if out_of_memory(error):
            raise
        raise RefusedSiteError(
            f"No gradient leads back through {name!r} ({in_short(error)}). Type nl.examine(...) on the units of "
            "interest: lesions need none."
        ) from error


def _check_reached(sites: Sequence[Site], found: Sequence[Any]) -> None:
    lost = [site.address for site, one in zip(sites, found) if one is None]
    if lost:
        raise RefusedSiteError(
            f"No gradient reaches {listed(lost)} from the score: the read-out does not depend on it, or something on "
            "the way cannot be differentiated (rounding, argmax, detach, integers). Leave it out of sites=, and type "
            "nl.examine(...) with lesions there."
        )


@contextmanager
def _gradients(table: Bench) -> Iterator[None]:
    """Have every parameter in the graph, frozen ones too, and give each its own flag back; no .grad is written."""
    frozen = [one for one in table.specimen.model.parameters() if one.is_floating_point() and not one.requires_grad]
    try:
        for one in frozen:
            one.requires_grad_(True)
        with torch.enable_grad():
            yield
    finally:
        for one in frozen:
            one.requires_grad_(False)


def _instead(
    table: Bench, how: Ablation, region: Region, ids: tuple[str, ...], tensor: torch.Tensor, old: torch.Tensor
) -> torch.Tensor:
    """What the lesion would put in the place of ``old``, (rows, units, positions)."""
    selection = Selection(region, ids, lambda: region.elements(tensor), 0, getattr(how, "reference", None),
                          table.references, old)
    return instead(effect_of(how), how, old, selection)  # type: ignore[arg-type]


def _summed(values: torch.Tensor) -> np.ndarray:
    """The sum over rows and positions of (rows, units, positions), in double precision."""
    return values.detach().double().sum(dim=(0, 2)).cpu().numpy()


def _n(shown: Sequence[Shown]) -> int:
    return sum(len(batch.ids) for batch in shown)


def _finite(estimate: np.ndarray, site: Site) -> np.ndarray:
    if not np.isfinite(estimate).all():
        raise DataError(f"Site {site.address!r}: {int((~np.isfinite(estimate)).sum())} gradients are NaN or inf. Look "
                        "at the smooth score (the root or the logarithm of 0 has no slope), or leave the site out.")
    return estimate
