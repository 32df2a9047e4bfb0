"""Two networks glued into one: modules by architecture, with as many links between them as one likes."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from neurolab.chance import RNG, generator
from neurolab.errors import SpecimenError
from neurolab.specimen.specimen import Cohort, Specimen

#: Modules that treat every unit alike, so that units of two networks may lie side by side in them.
UNITWISE = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.ELU, nn.LeakyReLU, nn.SiLU, nn.Softplus, nn.Identity, nn.Dropout)


def glued(left: Specimen, right: Specimen, *, cross: float = 0.0, name: str = "glued", rng: RNG) -> Specimen:
    """Get one network that holds two side by side: stimuli are both inputs in a row, answers both outputs in a row.

    Parameters
    ----------
    left, right : dense networks alike in shape: an ``nn.Sequential`` of linear layers and element-wise activations.
    cross : links between the two, in units of the sd of a layer's own weights: 0 is none, 1 leaves no two modules.
    name : of the new network. rng : draws the links.

    Returns
    -------
    Specimen, a copy. In every layer the first half of the units is the left network's: the truth of a search.

    Raises
    ------
    SpecimenError : networks of other layers, or of unlike shapes.

    When this is invalid
    --------------------
    Links change what both networks say: examine the glued network on both tasks before anything is said of it.

    Example
    -------
    >>> from neurolab.specimen.architectures import digits_mlp
    >>> one, two = (Specimen(digits_mlp(), torch.zeros(1, 64), name=name) for name in "ab")
    >>> glued(one, two, rng=0).example.shape
    torch.Size([2, 128])
    """
    pairs = _side_by_side(left, right)
    draw = generator(rng, "glued", left.name, right.name)
    layers = [_joined(a, b, cross, draw) if isinstance(a, nn.Linear) and isinstance(b, nn.Linear) else copy.deepcopy(a)
              for a, b in pairs]  # fmt: skip
    example = torch.cat([left.example[:1], right.example[:1]], dim=1).expand(2, -1).clone()
    return Specimen(nn.Sequential(*layers).eval().requires_grad_(False), example, name=name)


def glued_cohort(halves: Cohort, *, cross: float = 0.0, name: str = "glued", rng: RNG) -> Cohort:
    """Get half as many networks, each of two of a cohort glued together: the first with the first of the second half.

    Parameters: as of ``glued``; ``halves`` has an even number of networks, each of which is used once.

    Example
    -------
    >>> from functools import partial
    >>> from neurolab.specimen import mlp, untrained_cohort
    >>> from neurolab.datasets import load_stimuli
    >>> halves = untrained_cohort(partial(mlp, 64, 8, 10), load_stimuli("digits"), n=4, rng=0)
    >>> glued_cohort(halves, cross=0.1, rng=0).names
    ('glued 0', 'glued 1')
    """
    n = len(halves) // 2
    if n < 1 or len(halves) % 2:
        raise SpecimenError(f"glued_cohort() got {len(halves)} networks; expected an even number, two for each glued "
                            "one. Type nl.train_cohort(..., n=16) for 8.")
    pairs = zip(halves[:n], halves[n:])
    made = [glued(a, b, cross=cross, name=f"{name} {at}", rng=rng) for at, (a, b) in enumerate(pairs)]
    return Cohort(tuple(made), name)


def _side_by_side(left: Specimen, right: Specimen) -> list[tuple[nn.Module, nn.Module]]:
    stacks = [one.model for one in (left, right) if isinstance(one.model, nn.Sequential) and one.example.dim() == 2]
    for one in (left, right):
        if len(stacks) < 2 and one.model not in stacks:
            raise SpecimenError(f"glued() got {one.name!r}, a {type(one.model).__name__}; expected an nn.Sequential of "
                                "linear layers and activations, of stimuli (n, units).")
    first, second = (list(model) for model in stacks)
    for at, (a, b) in enumerate(zip(first, second)):
        alike = type(a) is type(b) and isinstance(a, (nn.Linear, *UNITWISE))
        if not alike or (isinstance(a, nn.Linear) and a.weight.shape != b.weight.shape):
            raise SpecimenError(f"glued() got {a} and {b} as layer {at}; expected the same linear layer or activation "
                                "in both networks.")
    if len(first) != len(second):
        raise SpecimenError(f"glued() got networks of {len(first)} and {len(second)} layers; expected as many in both.")
    return list(zip(first, second))


def _joined(a: nn.Linear, b: nn.Linear, cross: float, draw: np.random.Generator) -> nn.Linear:
    """Both weights on the diagonal, and links beside it as large as asked."""
    out, into = a.weight.shape
    whole = nn.Linear(2 * into, 2 * out, bias=a.bias is not None)
    links = torch.tensor(draw.normal(size=(2 * out, 2 * into)), dtype=whole.weight.dtype)
    size = cross * torch.cat([a.weight.flatten(), b.weight.flatten()]).std()
    with torch.no_grad():
        whole.weight.copy_(links * size)
        whole.weight[:out, :into], whole.weight[out:, into:] = a.weight, b.weight
        if a.bias is not None:
            whole.bias.copy_(torch.cat([a.bias, b.bias]))
    return whole
