"""Promise one of the bench: the lesion was applied, where the network read it; and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neurolab.specimen.leaves import tensors

#: How many stimuli of the first batch the distance from the usual is measured on.
SAMPLE = 64


@dataclass(frozen=True)
class Certificate:
    """What is known of one lesion on one specimen.

    Attributes
    ----------
    fired : forward calls in which it acted (per site, the smallest).
    read : whether the consumer was seen to read the intended value (None where that was not watched).
    changed : share of the lesioned values (or weights) that differ from before, 0 to 1; NaN for a sham.
    vacuous : nothing changed, because the values were there already.
    downstream : 1 where the read-out differs from the intact one, 0 where not, NaN where not compared.
    off_distribution : mean distance of the new values from the unit's intact mean, in its intact sd (about 0.8 for
        normally distributed intact values); NaN for weights, and where no unit varied.
    path : how the answers were computed ("hooks", "module", "slice", "narrow", "sparse"), and in brackets why no
        faster way.
    """

    fired: int
    read: bool | None
    changed: float
    vacuous: bool
    downstream: float
    off_distribution: float
    path: str = "hooks"


@dataclass
class Tally:
    """Running counts behind a certificate, for one lesion at one site."""

    fired: int = 0
    total: int = 0
    changed: int = 0
    distance: float = float("nan")

    def add(self, old: torch.Tensor, new: torch.Tensor) -> None:
        """Count one firing that put ``new`` in the place of ``old``; equal NaNs would count as changed."""
        old, new = old.detach(), new.detach()  # a screening's edits have gradients
        self.fired += 1
        self.total += old.numel()
        self.changed += int((old != new).sum())
        if self.fired == 1:
            self.distance = off_distribution(old, new)


def off_distribution(old: torch.Tensor, new: torch.Tensor) -> float:
    """Get the mean of ``|new - mean| / sd`` over (rows, units, positions), with each unit's intact mean and sd.

    Units that do not vary have no scale and are left out; NaN when none varies or there is one row. The first
    ``SAMPLE`` rows stand for all.
    """
    if len(old) < 2:
        return float("nan")
    old, new = (doubled(part[:SAMPLE].transpose(0, 1).flatten(1)) for part in (old, new))
    sd, mean = torch.std_mean(old, dim=1, keepdim=True)
    varies = (sd > 0).reshape(-1)
    if not bool(varies.any()):
        return float("nan")
    return float(((new - mean).abs()[varies] / sd[varies]).mean())


@dataclass
class _Placed:
    """A lesioned tensor as a hook returned it, a copy of what it held, and the tensor that it stands in for."""

    tensor: torch.Tensor
    intended: torch.Tensor
    stale: torch.Tensor | None
    read: bool = False
    other: bool = False
    stale_read: bool = False


def _same_place(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.layout != torch.strided or b.layout != torch.strided:  # a sparse one has no storage, and is made by a copy
        return False
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _overlap(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors share an element, be it through views; parts of one storage side by side do not."""
    if not a.numel() or not b.numel() or not _same_place(a, b):
        return False
    if (a.data_ptr(), a.shape, a.stride()) == (b.data_ptr(), b.shape, b.stride()):
        return True
    return bool(torch.isin(_places(a), _places(b)).any())


def _places(tensor: torch.Tensor) -> torch.Tensor:
    """Where in its storage each element lies, in bytes."""
    place = torch.zeros((), dtype=torch.int64)
    for size, stride in zip(tensor.shape, tensor.stride()):
        place = place.unsqueeze(-1) + torch.arange(size) * stride
    return (place.reshape(-1) + int(tensor.storage_offset())) * tensor.element_size()


class Reader(TorchDispatchMode):
    """Watches every operation and notes which of the placed tensors it reads, and with what in them."""

    def __init__(self) -> None:
        super().__init__()
        self.placed: list[_Placed] = []

    def place(self, tensor: torch.Tensor, stale: torch.Tensor | None) -> None:
        """Begin to watch a lesioned tensor; ``stale`` is the intact tensor that nobody should read any more."""
        self.placed.append(_Placed(tensor, tensor.clone(), stale))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for tensor in tensors((args, kwargs or {})):
            self._look(tensor)
        return func(*args, **(kwargs or {}))

    def _look(self, tensor: torch.Tensor) -> None:
        for placed in self.placed:
            if not placed.read and _same_place(tensor, placed.tensor):
                placed.read = True
                placed.other = not identical(placed.tensor, placed.intended)
            stale = placed.stale
            if stale is not None and not placed.stale_read:
                placed.stale_read = _overlap(tensor, stale)

    def finish(self, output: torch.Tensor) -> None:
        """Count what became the read-out itself as read."""
        for placed in self.placed:
            if not placed.read and _same_place(output, placed.tensor):
                placed.read = True
                placed.other = not identical(placed.tensor, placed.intended)


def identical(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Get whether two tensors hold the same values, NaN at the same places."""
    return bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) and torch.equal(a.isnan(), b.isnan()))


def doubled(tensor: torch.Tensor) -> torch.Tensor:
    """Get a tensor in double precision, the imaginary part too, which ``double`` would drop.

    Example
    -------
    >>> doubled(torch.tensor([1j])).dtype, doubled(torch.tensor([1])).dtype
    (torch.complex128, torch.float64)
    """
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def verdict(reader: Reader) -> str:
    """Get what went wrong with the placed values, or an empty string."""
    for placed in reader.placed:
        if placed.other:
            return "another value stood there when it was read"
        if placed.stale_read:
            return "the intact value was read, past the hook"
    if reader.placed and not any(placed.read for placed in reader.placed):
        return "nothing read the lesioned value"
    return ""
