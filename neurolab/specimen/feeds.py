"""How one array of stimuli becomes what a model takes: keywords, several arguments, a dataclass, padding and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from neurolab.errors import DataError, SpecimenError
from neurolab.specimen.layout import laid_out
from neurolab.specimen.sites import Site

#: From a batch (n, ...) to what the model is called with: a mapping gives keywords, a tuple several arguments, anything
#: else is the one argument. A model that takes one dict is fed ``lambda x: ({"image": x},)``.
Feed = Callable[[torch.Tensor], Any] | None


def fed(model: nn.Module, feed: Feed, inputs: torch.Tensor) -> Any:
    """Get what a model answers to a batch, whole."""
    if feed is None:
        return model(inputs)
    given = feed(inputs)
    if isinstance(given, Mapping):
        return model(**given)
    if isinstance(given, tuple) and not hasattr(given, "_fields"):
        return model(*given)
    return model(given)


@dataclass(frozen=True)
class Padded:
    """A feed for token ids of unequal length: ids, and a mask that is 1 where a token is real.

    Means, maxima and last tokens of a recording leave the padding out; unpooled ones (pool=None) keep what stood there.

    Parameters
    ----------
    pad : the id that fills up. side : "right" or "left", where it may stand.
    ids, mask, positions : the keywords of the model; positions="" gives none. Give them to models with learnt positions
        that are padded on the left, so that a token is where it would be without padding.

    Example
    -------
    >>> {name: part.tolist() for name, part in Padded(0, side="left")(torch.tensor([[0, 5, 6]])).items()}
    {'input_ids': [[0, 5, 6]], 'attention_mask': [[0, 1, 1]]}
    """

    pad: int
    side: str = "right"
    ids: str = "input_ids"
    mask: str = "attention_mask"
    positions: str = ""

    def __post_init__(self) -> None:
        if self.side not in ("left", "right"):
            raise DataError(f"Padded side={self.side!r}; expected 'left' or 'right'.")

    def __call__(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Get the keywords for a batch of ids (n, length); raises DataError where padding stands on the other side."""
        return self.given(inputs, self.real(inputs))

    def given(self, inputs: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
        """Get the keywords for the last ids (n, new) of texts of which ``real`` (n, length) says what is no padding."""
        given = {self.ids: inputs, self.mask: real.long()}
        if self.positions:
            given[self.positions] = (real.long().cumsum(1) - 1).clamp_min(0)[:, -inputs.shape[1]:]
        return given

    def real(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get where tokens are real, (n, length) booleans."""
        real = inputs != self.pad
        steps = real.long().diff(dim=1) * (1 if self.side == "right" else -1)
        wrong = (steps > 0).any(1) | ~real.any(1)
        if not torch.compiler.is_exporting() and bool(wrong.any()):  # an exported graph asks no questions
            row = int(wrong.nonzero()[0])
            raise DataError(
                f"Row {row} of the batch has the padding id {self.pad} before or between its tokens, or no token at "
                f"all, seen from the {self.side}; expected padding on the {self.side} only. Type Padded({self.pad}, "
                f"side={'left' if self.side == 'right' else 'right'!r}) if the stimuli are padded there."
            )
        return real

    def others(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get another batch with the same padding."""
        real, new = self.real(inputs), inputs.clone()
        new[real] = inputs[real].roll(1)
        return new


def padded(sequences: Sequence[Sequence[int]], *, pad: int, side: str = "right") -> np.ndarray:
    """Get sequences of token ids as one array (n, longest), filled up with ``pad``.

    Example
    -------
    >>> padded([[5, 6, 7], [8]], pad=0, side="left").tolist()
    [[5, 6, 7], [0, 0, 8]]
    """
    length = max((len(one) for one in sequences), default=0)
    if not length or any(pad in one for one in sequences) or not all(len(one) for one in sequences):
        raise DataError(f"Expected sequences of at least one token each, none of them the padding id {pad}.")
    rows = np.full((len(sequences), length), pad, dtype=np.int64)
    for row, one in zip(rows, sequences):
        row[slice(len(one)) if side == "right" else slice(length - len(one), None)] = one
    return rows


def real_tokens(feed: Feed, inputs: torch.Tensor) -> torch.Tensor | None:
    """Get where tokens are real, (n, length), for a feed that knows; else None."""
    return feed.real(inputs) if isinstance(feed, Padded) else None


def pooled_real(tensor: torch.Tensor, site: Site, pool: str, dtype: torch.dtype, real: torch.Tensor) -> torch.Tensor:
    """Get (rows, n_units) pooled over real tokens only; for sites with the token as first dim."""
    values = laid_out(site, tensor).movedim(site.batch_axis, 0).to(dtype)
    values = values.norm(dim=-1) if pool == "norm" else values.flatten(2)
    weight = real.to(values.device, dtype)[..., None]
    if pool == "max":
        return values.masked_fill(weight == 0, -torch.inf).amax(1)
    if pool == "last":
        last = real.shape[1] - 1 - real.flip(1).long().argmax(1)
        return values[torch.arange(len(values), device=values.device), last.to(values.device)]
    return (values * weight).sum(1) / weight.sum(1)


def as_batch(example: Any) -> torch.Tensor:
    """Get an example (n, ...), array or tensor, as a tensor; raises SpecimenError where nothing is in it."""
    tensor = example if isinstance(example, torch.Tensor) else torch.tensor(np.asarray(example))
    if tensor.dim() == 0 or tensor.numel() == 0:
        raise SpecimenError(
            f"The example has shape {tuple(tensor.shape)}; expected a batch (n, ...) with at least one stimulus of at "
            "least one number. Type "
            "Specimen(model, stimuli.inputs[:1])."
        )
    return tensor
