"""How a site's tensor is laid out as batch, positions and units, whatever shape the module gave it."""

from __future__ import annotations

import torch

from neurolab.errors import RefusedSiteError
from neurolab.specimen.sites import Site


def laid_out(site: Site, tensor: torch.Tensor) -> torch.Tensor:
    """Get a view of a site's tensor with one axis per dim of the site, and the batch at ``site.batch_axis``.

    Heads lie side by side on the last axis, or with a stride where a fused projection makes queries, keys and values;
    rows that merge stimuli and positions are parted again.
    """
    if site.rows:
        major, per_stimulus = site.rows
        tensor = tensor.unflatten(0, (-1, per_stimulus) if major == "stimulus" else (per_stimulus, -1))
    if site.n_heads:
        start, stride, width = site.span or (0, tensor.shape[-1] // site.n_heads, tensor.shape[-1] // site.n_heads)
        return tensor.narrow(-1, start, (site.n_heads - 1) * stride + width).unfold(-1, width, stride)
    return tensor.unsqueeze(-1) if tensor.dim() == 1 else tensor


def check_rows(site: Site, tensor: torch.Tensor, n: int) -> None:
    """Raise RefusedSiteError unless the tensor has one row per stimulus, as it had when the specimen was loaded."""
    if site.routed:  # cut alike whichever they are, and never recorded
        return
    if site.rows:
        got, per = tensor.shape[0], site.rows[1]
    else:
        got, per = tensor.shape[site.batch_axis] if tensor.dim() > site.batch_axis else 0, 1
    if got != n * per:
        raise RefusedSiteError(
            f"Site {site.address!r} got {got} rows for {n} stimuli; expected {n * per}. The network decides which rows "
            f"reach it (routing), so they cannot be told apart. Use {around(site.path)!r} instead."
        )


def around(path: str) -> str:
    """Get the module that holds another one: not the list that it is numbered in, which never runs.

    Example
    -------
    >>> around("block.experts.3"), around("block.mlp"), around("head")
    ('block', 'block', 'output')
    """
    parent, _, name = path.rpartition(".")
    return (parent.rpartition(".")[0] if name.isdigit() else parent) or "output"
