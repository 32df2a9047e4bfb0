"""How the positions of a unit become one number, in one table; done inside the hook so that memory is what is kept."""

from __future__ import annotations

from collections.abc import Callable

import torch

from neurolab.errors import RefusedSiteError
from neurolab.specimen.layout import laid_out
from neurolab.specimen.sites import Site

#: Pooling by name: (values (rows, n_units, n_positions)) -> (rows, n_units).
POOLS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda values: values.mean(dim=2),
    "max": lambda values: values.amax(dim=2),
    "last": lambda values: values[..., -1],
    "norm": lambda values: values,  # laid out by head; see pooled()
}


def pooled_dims(site: Site, pool: str | None) -> tuple[str, ...]:
    """Get the dims that a probe records at a site.

    Raises RefusedSiteError for a pooling that means nothing there.
    """
    if pool == "norm":
        if "head" not in site.dims:
            raise RefusedSiteError(f"pool='norm' is for attention heads; {site.address!r} has {site.dims}. Use 'mean'.")
        return ("head",)
    if pool == "last" and {"row", "col"} & set(site.dims):
        raise RefusedSiteError(f"pool='last' is for sequences; {site.address!r} has {site.dims}. Use 'mean' or 'max'.")
    return site.dims if pool is None or not site.unit_dims else site.unit_dims


def pooled(tensor: torch.Tensor, site: Site, pool: str | None, dtype: torch.dtype) -> torch.Tensor:
    """Get (rows, n_recorded) in ``dtype``; it may share memory with the network, so copy it before the hook returns."""
    tensor = laid_out(site, tensor).movedim(site.batch_axis, 0)
    dims = pooled_dims(site, pool)
    if site.ragged:
        return ragged(tensor.to(dtype), pool)
    if pool is None or dims == site.dims:
        return tensor.to(dtype).reshape(len(tensor), -1)
    tensor = tensor.to(dtype)
    if pool == "norm":
        lengths = tensor.norm(dim=-1)
        head = 1 + site.dims.index("head")
        return lengths.mean(dim=[axis for axis in range(1, lengths.dim()) if axis != head])
    keep = [1 + site.dims.index(dim) for dim in dims]
    rest = [axis for axis in range(1, tensor.dim()) if axis not in keep]
    laid = tensor.permute(0, *keep, *rest)
    flat = laid.reshape(len(tensor), _product(laid.shape[1 : 1 + len(keep)]), -1)
    return POOLS[str(pool)](flat)


def ragged(tensor: torch.Tensor, pool: str | None) -> torch.Tensor:
    """Get (rows, n_recorded) of sequences (rows, steps, units) with NaN past their ends: ends left out, or 0 if kept.

    Example
    -------
    >>> ragged(torch.tensor([[[2.0], [4.0], [float("nan")]]]), "mean").tolist()
    [[3.0]]
    """
    past = tensor.isnan()
    if pool is None:
        return tensor.masked_fill(past, 0.0).reshape(len(tensor), -1)
    if pool == "max":
        return tensor.masked_fill(past, -torch.inf).amax(dim=1)
    if pool == "mean":
        return tensor.nanmean(dim=1)
    last = (~past[..., 0]).sum(dim=1) - 1
    return tensor[torch.arange(len(tensor), device=tensor.device), last]


def _product(sizes: torch.Size) -> int:
    total = 1
    for size in sizes:
        total *= int(size)
    return total
