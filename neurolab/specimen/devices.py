"""Where a network lies: on one device or spread over several, and on which of them its input goes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from neurolab.errors import NeurolabError, SpecimenError, listed


def devices_of(model: nn.Module) -> tuple[torch.device, ...]:
    """Get the devices of a model's parameters, then of its buffers, each once, in the model's order.

    The processor for a model that has neither.

    Example
    -------
    >>> devices_of(nn.Linear(3, 2))
    (device(type='cpu'),)
    """
    held = (*model.parameters(), *model.buffers())
    return tuple(dict.fromkeys(tensor.device for tensor in held)) or (torch.device("cpu"),)


def entrance(
    found: Sequence[torch.device], shape: tuple[int, ...], show: Callable[[torch.device], Any]
) -> torch.device:
    """Get the first of some devices on which a model takes its example: the one that its inputs go to.

    What a model cannot do with inputs of another device it refuses; where it answers, it is right wherever they lie.

    show : puts the example on a device and runs the model. shape : the example's, for the error.

    Raises
    ------
    SpecimenError : the model refuses its example on each of them, with what it said on the first.
    """
    refusals = []
    for device in found:
        try:
            show(device)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if isinstance(error, NeurolabError):
                raise
            refusals.append(error)
        else:
            return device
    spread = (f" It refused it on each of {listed(str(device) for device in found)}; type Specimen(..., "
              "inputs_on='cuda:0') to say on which device the example belongs, or move it in the feed."
              if len(found) > 1 else "")
    raise SpecimenError(
        f"The example has shape {shape}; the model refused it: {refusals[0]}. Expected a batch (n, ...) of what the "
        f"model takes. Type Specimen(model, stimuli.inputs[:1]).{spread}"
    ) from refusals[0]


def chances() -> Iterator[Callable[[], Any]]:
    """Get, for each device but the processor, what puts its random state back as it is now.

    Devices that this process has not used yet have no state; asking them for one would start them.
    """
    for kind in dict.fromkeys(("cuda", "xpu", torch._C._get_privateuse1_backend_name())):
        module = getattr(torch, kind, None)
        if module is None or not getattr(module, "is_initialized", module.is_available)():
            continue
        for index in range(module.device_count() if module.is_available() else 0):
            yield partial(module.set_rng_state, module.get_rng_state(index), index)
