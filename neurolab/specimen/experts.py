"""Mixtures of experts: modules that get the rows a router sends them; their units can be cut, their rows not told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from neurolab.errors import LesionPlanError, RefusedSiteError
from neurolab.lesion import Clamp, Lesion, Scale, Zero
from neurolab.specimen.layout import around
from neurolab.specimen.leaves import first_tensor
from neurolab.specimen.sites import Site
from neurolab.specimen.trace import Call

#: Ablations that do the same to every row, whichever stimulus it is of.
FOR_ANY_ROW = (Zero, Scale, Clamp)
WHY = "a router sends it rows (routing): cut by Zero, Scale or Clamp, not recorded"


def with_experts(
    model: nn.Module, run: Callable[[torch.Tensor], Any], batch: torch.Tensor,
    others: Callable[[torch.Tensor], torch.Tensor], sites: Sequence[Site], seen: Sequence[Sequence[Call]],
) -> list[Site]:
    """Get the sites with those inside experts served as such: units known, rows not.

    A list of like modules is a mixture of experts where which stimuli are shown, not only how many, decides how many
    rows each gets. ``seen`` are the calls with two and with three stimuli.
    """
    modules = dict(model.named_modules())
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in (*seen[0], *seen[1]):
        calls[call.path].append(call)
    groups = [group for group in _alike(modules) if all(_flat(calls[path]) for path in group)]
    groups = [group for group in groups if any(calls[path] for path in group)]
    parted = {site.path for site in sites if site.rows and site.kind == "module"}
    watched = sorted(parted | {path for group in groups for path in group})
    counts = _row_counts(modules, run, batch, others, watched)
    experts = {path: group for group in groups if any(len(set(counts[path])) > 1 for path in group) for path in group}
    routed = {path for path in parted if len(set(counts[path])) > 1}
    return [_served(site, experts, routed, calls) for site in sites]


def _alike(modules: Mapping[str, nn.Module]) -> list[tuple[str, ...]]:
    """The members of every list of two or more modules of one type."""
    found = []
    for path, module in modules.items():
        if isinstance(module, (nn.ModuleList, nn.ModuleDict)):
            members = dict(module.named_children())
            if len(members) > 1 and len({type(member) for member in members.values()}) == 1:
                found.append(tuple(f"{path}.{name}" if path else name for name in members))
    return found


def _flat(calls: Sequence[Call]) -> bool:
    """Whether every call of a module, at most one per forward, gave rows x units, always as many units."""
    shapes = [call.shape or () for call in calls]
    return all(len(shape) == 2 for shape in shapes) and len({shape[-1] for shape in shapes}) <= 1 and all(
        call.call == 0 for call in calls)


def _row_counts(
    modules: Mapping[str, nn.Module], run: Callable[[torch.Tensor], Any], batch: torch.Tensor,
    others: Callable[[torch.Tensor], torch.Tensor], paths: Sequence[str],
) -> dict[str, list[int]]:
    """How many rows each module gets of several batches of equally many stimuli."""
    counts: dict[str, list[int]] = defaultdict(list)
    if not paths:
        return counts

    def counter(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            tensor = first_tensor(output)
            counts[path][-1] += 0 if tensor is None else len(tensor)

        return hook

    with ExitStack() as stack:
        for path in paths:
            stack.callback(modules[path].register_forward_hook(counter(path)).remove)
        for at, shown in enumerate((batch, others(batch), *_mixed(batch))):
            for path in paths:
                counts[path].append(0)
            try:
                run(shown.clone())
            except Exception:  # not every mixture of tokens is a text to every model; the first two are well-formed
                if at < 2:
                    raise
                for path in paths:
                    counts[path].pop()
    return counts


def _mixed(batch: torch.Tensor) -> Iterator[torch.Tensor]:
    """Other contents than a batch holds: its tokens drawn anew, or noise as wide as its values."""
    stream, pool = torch.Generator().manual_seed(0), batch.flatten()
    for _ in range(3):
        if batch.is_floating_point():
            noise = torch.randn(batch.shape, generator=stream).to(batch)
            yield noise * pool.double().std(correction=0).clamp_min(1.0).to(batch)
        else:
            yield pool[torch.randint(len(pool), batch.shape, generator=stream).to(pool.device)]


def _served(
    site: Site, experts: Mapping[str, tuple[str, ...]], routed: set[str], calls: Mapping[str, Sequence[Call]]
) -> Site:
    expert = next((path for path in experts if f"{site.path}.".startswith(f"{path}.")), None)
    if expert is None or not site.path:
        return _refused(site, site.path) if site.path in routed else site
    rest = site.path.removeprefix(expert)
    like = [call for path in experts[expert] for call in calls.get(f"{path}{rest}", ())]  # some never ran: their twins
    if site.kind != "module" or not like or not _flat(like) or site.calls > 1:
        return _refused(site, expert)
    return replace(site, dims=("unit",), shape=(like[0].shape[-1],), batch_axis=0, rows=(), call=0, calls=1,  # type: ignore[index]
                   dtype=str(like[0].dtype).replace("torch.", ""), inplace=any(call.inplace for call in like),
                   routed=True, cut=True, status="warned", why=WHY, instead=around(expert))


def _refused(site: Site, expert: str) -> Site:
    return replace(site, cut=False, status="refused", why="its rows are those that a router sends (routing)",
                   instead=around(expert))


def check_recorded(site: Site) -> None:
    """Raise RefusedSiteError where the rows of a site cannot be given to stimuli."""
    if site.routed:
        raise RefusedSiteError(
            f"Site {site.address!r} is inside an expert: a router sends it some rows of some stimuli, so there is no "
            f"value for every stimulus to record. Record {site.instead!r}, or the router, whose outputs say which "
            "expert is asked; type specimen.sites()."
        )


def check_cut(site: Site, lesion: Lesion) -> None:
    """Raise LesionPlanError where an ablation needs to know which stimulus a row of an expert is of."""
    if site.routed and lesion.role != "sham" and not isinstance(lesion.how, FOR_ANY_ROW):
        raise LesionPlanError(
            f"Lesion {lesion.id!r}: {type(lesion.how).__name__} at {site.address!r}, inside an expert, to which a "
            "router sends some rows of some stimuli; expected an ablation that is the same for every row. Type "
            "nl.Zero(), nl.Scale(factor) or nl.Clamp(value)."
        )
