"""Untrained twins: the same architecture with fresh weights, what a network knows before it has learnt anything."""

from __future__ import annotations

import torch
from torch import nn

from neurolab.chance import RNG, generator
from neurolab.specimen.axes import NORMS


def redraw(model: nn.Module, *, rng: RNG) -> nn.Module:
    """Give a model fresh weights, in place: normal with variance 1 / fan-in, biases 0, norms at their start.

    A tied weight is drawn once. Running means and variances of batch norms become 0 and 1.

    Parameters
    ----------
    model : any module. rng : integer or numpy Generator; the stream of each weight hangs on its name and shape.

    Source
    ------
    LeCun, Bottou, Orr & Mueller 1998, "Efficient BackProp", https://doi.org/10.1007/3-540-49430-8_2

    Example
    -------
    >>> a, b = (redraw(nn.Linear(3, 2), rng=0) for _ in range(2))
    >>> bool((a.weight == b.weight).all()), a.bias.tolist()
    (True, [0.0, 0.0])
    """
    norms = {
        id(part.weight) for part in model.modules() if _is_norm(part) and getattr(part, "weight", None) is not None
    }
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if id(parameter) in norms:
                parameter.fill_(1.0)
            elif parameter.dim() < 2:
                parameter.zero_()
            else:
                parameter.copy_(_drawn(name, parameter, rng))
        for part in model.modules():
            if isinstance(part, nn.modules.batchnorm._NormBase):
                part.reset_running_stats()
    return model


def _is_norm(part: nn.Module) -> bool:
    return isinstance(part, NORMS) or "norm" in type(part).__name__.lower()


def _drawn(name: str, parameter: torch.Tensor, rng: RNG) -> torch.Tensor:
    fan_in = parameter[0].numel()
    values = generator(rng, "untrained", name, tuple(parameter.shape)).standard_normal(
        tuple(parameter.shape), "float32"
    )
    return torch.from_numpy(values) / fan_in**0.5
