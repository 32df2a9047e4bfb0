"""Proof of how a fused projection lays out queries, keys and values: the network is asked, the name is not believed.

Values: with the values of key-value head 0 at zero, the query heads that share it hand on exactly zero, and only they.
Queries against keys: a query at position 0 matters to position 0 alone, a key there to every position that sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from neurolab.specimen.certificate import doubled
from neurolab.specimen.layout import laid_out
from neurolab.specimen.leaves import first_tensor, with_first_tensor
from neurolab.specimen.sites import Site

#: What a fused projection's three sites are called.
PARTS = ("q_heads", "k_heads", "v_heads")
#: Runs the network on the example.
Run = Callable[[], Any]


def proved(model: nn.Module, run: Run, sites: Sequence[Site]) -> list[Site]:
    """Get the sites with every fused projection's heads laid out as the network reads them, or refused."""
    by_path: dict[str, list[Site]] = {}
    for site in sites:
        if site.kind == "slice" and site.span:
            by_path.setdefault(site.path, []).append(site)
    modules = dict(model.named_modules())
    known: dict[tuple[Any, ...], tuple[str, str]] = {}
    found: dict[str, Site] = {}
    for path, three in by_path.items():
        out = _projection(path, sites)
        alike = type(modules[path.rpartition(".")[0]]), path.rpartition(".")[2], three[0].shape, three[1].n_heads
        if alike not in known:
            known[alike] = _layout(modules, run, three, out)
        found.update({site.address: _as(site, three, *known[alike], out) for site in three})
    return [found.get(site.address, site) for site in sites]


def _projection(path: str, sites: Sequence[Site]) -> Site | None:
    parent = path.rpartition(".")[0]
    return next((s for s in sites if s.kind == "heads" and s.path.rpartition(".")[0] == parent), None)


def _as(site: Site, three: Sequence[Site], layout: str, why: str, out: Site | None) -> Site:
    if not layout:
        return replace(site, span=(), cut=False, status="refused", why=why, instead=out.address if out else site.path)
    site = _laid(site, three, layout)
    return replace(site, status="warned", why=why) if why else site


def _laid(site: Site, three: Sequence[Site], layout: str) -> Site:
    """The site under a layout: all queries, all keys, all values; or query, key and value of head 0, of head 1, …"""
    if layout == "parts":
        return site
    at = [other.address for other in three].index(site.address)
    width = site.span[2]
    return replace(site, span=(at * width, 3 * width, width))


def _layout(modules: dict[str, nn.Module], run: Run, three: Sequence[Site], out: Site | None) -> tuple[str, str]:
    """The layout's name and a warning, or "" and why there is none."""
    if out is None or three[0].calls != 1:
        return "", "no output projection beside it (or several calls) to prove its layout on"
    heads, groups = three[0].n_heads, three[2].n_heads
    intact = _seen(modules, run, out, None, None)
    for layout in ("parts", "by head") if groups == heads else ("parts",):
        q, k, v = (_laid(site, three, layout) for site in three)
        without = _seen(modules, run, out, v, slice(None))
        share = heads // groups
        mine, others = without[..., :share, :], without[..., share:, :]
        if bool(mine.any()) or not _close(others, intact[..., share:, :]) or not bool(intact[..., :share, :].any()):
            continue
        if intact.shape[1] < 2 or q.batch_axis != 0 or len(q.dims) != 3:
            return layout, "which part is the query and which the key could not be proved on this example"
        by_query, by_key = (_seen(modules, run, out, site, slice(0, 1)) for site in (q, k))
        if _close(by_query[:, 1:], intact[:, 1:]) and not _close(by_key[:, 1:], intact[:, 1:]):
            return layout, ""
    return "", "its output is not laid out as queries, keys and values side by side, nor head by head"


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(doubled(a), doubled(b), rtol=1e-5, atol=1e-7)


def _seen(modules: dict[str, nn.Module], run: Run, out: Site, cut: Site | None, tokens: slice | None) -> torch.Tensor:
    """What enters the output projection, (rows, …, head, unit), with head 0 of a site at zero at some positions."""
    seen: list[torch.Tensor] = []

    def look(module: nn.Module, args: Any, kwargs: Any) -> None:
        tensor = first_tensor((args, kwargs))
        if tensor is not None:
            seen.append(laid_out(out, tensor).movedim(out.batch_axis, 0).clone())

    def zero(module: nn.Module, args: Any, output: Any) -> Any:
        tensor = first_tensor(output)
        if cut is None or tensor is None:
            return output
        tensor = tensor.clone()
        laid_out(cut, tensor).movedim(cut.batch_axis, 0)[:, tokens, ..., 0, :] = 0
        return with_first_tensor(output, tensor)

    with ExitStack() as stack:
        stack.callback(modules[out.path].register_forward_pre_hook(look, with_kwargs=True).remove)
        if cut is not None:
            stack.callback(modules[cut.path].register_forward_hook(zero).remove)
        run()
    return seen[0]
