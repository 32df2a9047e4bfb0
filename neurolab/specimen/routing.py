"""Which row of a site's tensor belongs to which stimulus: merged rows are parted, mixed and moved rows are named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from neurolab.specimen.axes import UNITS_LAST
from neurolab.specimen.layout import around
from neurolab.specimen.leaves import first_tensor
from neurolab.specimen.sites import Site

#: A call of a module: path and number.
Which = tuple[str, int]
N = 3


def with_rows(
    model: nn.Module, run: Callable[[torch.Tensor], Any], batch: torch.Tensor, other: torch.Tensor,
    sites: Sequence[Site],
) -> list[Site]:
    """Get the sites with the rows of each looked after: ``other`` is ``batch`` (3, ...) with another last stimulus.

    A site whose rows merge stimuli and positions is served where the last stimulus turns out to have rows of its own;
    one where the last stimulus acts on other rows than its own is refused.
    """
    modules = dict(model.named_modules())
    before, after = (_outputs(modules, run, inputs, sites) for inputs in (batch, other))
    return [_looked(site, modules, before.get((site.path, site.call)), after.get((site.path, site.call)))
            for site in sites]


def _outputs(
    modules: dict[str, nn.Module], run: Callable[[torch.Tensor], Any], batch: torch.Tensor, sites: Sequence[Site]
) -> dict[Which, torch.Tensor]:
    seen: dict[Which, torch.Tensor] = {}
    counts: dict[str, int] = defaultdict(int)

    def keeper(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is not None:
                seen[path, counts[path]] = tensor.clone()
            counts[path] += 1

        return hook

    with ExitStack() as stack:
        for path in {site.path for site in sites if site.kind == "module" and site.calls}:
            stack.callback(modules[path].register_forward_hook(keeper(path)).remove)
        run(batch.clone())
    return seen


def _looked(
    site: Site, modules: dict[str, nn.Module], before: torch.Tensor | None, after: torch.Tensor | None
) -> Site:
    if site.kind != "module" or before is None or after is None or not before.is_floating_point():
        return site
    merged = site.status == "refused" and site.why.startswith("stimuli and positions are merged on axis 0")
    if merged and before.shape == after.shape:
        return _parted(site, modules[site.path], before, after)
    if site.status == "refused":
        return site
    if before.shape != after.shape or before.shape[site.batch_axis] != N:
        return _refused(site, "how many rows it gets depends on the stimuli (routing)")
    changed = _changed(before, after, site.batch_axis)
    if not changed[:-1].any():
        return site
    if changed[-1]:
        why = "; ".join(part for part in (site.why, "other stimuli of the batch act on a row (routing)") if part)
        return replace(site, status="warned", why=why)
    return _refused(site, "its rows are not in the order of the stimuli (routing)")


def _refused(site: Site, why: str) -> Site:
    return replace(site, status="refused", cut=False, why=why, instead=around(site.path))


def _changed(before: torch.Tensor, after: torch.Tensor, axis: int) -> torch.Tensor:
    """Which rows differ by more than rounding."""
    a, b = (part.movedim(axis, 0).flatten(1).double() for part in (before, after))
    return ~torch.isclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True).all(1)


def _parted(site: Site, module: nn.Module, before: torch.Tensor, after: torch.Tensor) -> Site:
    changed = _changed(before, after, 0)
    per_stimulus = len(changed) // N
    for major in ("stimulus", "position"):
        mine = changed.reshape(N, per_stimulus) if major == "stimulus" else changed.reshape(per_stimulus, N).T
        if mine[-1].any() and not mine[:-1].any():
            rest = tuple(before.shape[1:])
            names = ("unit",) if len(rest) == 1 or isinstance(module, UNITS_LAST) else ("channel",)
            inner = tuple(f"axis{at}" for at in range(len(rest) - 1))
            dims = ("token", *inner, *names) if names == ("unit",) else ("token", *names, *inner)
            why = f"its rows are stimuli x {per_stimulus} positions, {major} first"
            return replace(site, dims=dims, shape=(per_stimulus, *rest), batch_axis=0 if major == "stimulus" else 1,
                           rows=(major, per_stimulus), cut=True, status="warned", why=why, instead="",
                           dtype=str(before.dtype).replace("torch.", ""))
    return site
