"""The least floating-point operations that an exact answer to a lesion needs, per stimulus.

A lesion of s units changes what the next matrix reads in s places: a product with s columns. What lies behind is dense,
for those rows alone that the read-out depends on. Element-wise operations are not counted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .cuts import Cut
from .networks import GPT, ResNet

#: A cut to its floating-point operations per stimulus.
Least = Callable[[Cut], float]


def least_of_perceptron(model: nn.Sequential) -> Least:
    """Get the least operations of cuts in the two hidden layers."""
    hidden, classes = model.fc3.in_features, model.fc3.out_features

    def least(cut: Cut) -> float:
        if cut.path == "relu1":
            return 2.0 * hidden * (len(cut.units) + classes)
        return 2.0 * len(cut.units) * classes

    return least


def least_of_resnet(model: ResNet, image: torch.Tensor) -> Least:
    """Get the least operations of cuts of channels behind a ReLU."""
    cost = _costs(model, image)
    blocks = [f"blocks.{at}." for at in range(len(model.blocks))]

    def inside(block: str, *parts: str) -> float:
        return sum(cost.get(block + part, 0.0) for part in parts)

    def least(cut: Cut) -> float:
        channels = model.get_submodule(cut.path.replace("relu", "bn")).num_features
        share, inner = len(cut.units) / channels, cut.path.endswith("relu1")
        at = -1 if cut.path == "relu" else int(cut.path.split(".")[1])
        if inner:
            return share * inside(blocks[at], "conv2") + sum(map(_whole(cost), blocks[at + 1 :])) + cost["fc"]
        if at + 1 == len(blocks):
            return share * cost["fc"]
        sparse = share * inside(blocks[at + 1], "conv1", "down.0")
        return sparse + inside(blocks[at + 1], "conv2") + sum(map(_whole(cost), blocks[at + 2 :])) + cost["fc"]

    return least


def _whole(cost: dict[str, float]) -> Callable[[str], float]:
    return lambda block: sum(flops for name, flops in cost.items() if name.startswith(block))


def _costs(model: nn.Module, image: torch.Tensor) -> dict[str, float]:
    """The operations of every convolution and matrix of a forward of one stimulus."""
    cost: dict[str, float] = {}

    def count(name: str) -> Callable:
        def hook(module: nn.Module, args: tuple, output: torch.Tensor) -> None:
            cost[name] = 2.0 * module.weight[0].numel() * output[0].numel()

        return hook

    handles = [part.register_forward_hook(count(name)) for name, part in model.named_modules()
               if isinstance(part, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model(image[:1])
    for handle in handles:
        handle.remove()
    return cost


def least_of_gpt(model: GPT, tokens: int) -> Least:
    """Get the least operations of cuts of hidden neurons, read out behind the last token.

    Of the last layer only the last position is needed, and its keys and values at all of them.
    """
    n, width = len(model.layers), model.ln.normalized_shape[0]
    square = 2.0 * width * width
    layer = tokens * 12 * square + 2.0 * tokens * tokens * width  # causal attention: half of the positions
    last = tokens * 2 * square + 10 * square + 4.0 * tokens * width
    head = 2.0 * width * model.head.out_features

    def least(cut: Cut) -> float:
        at = int(cut.path.split(".")[1])
        if at == n - 1:
            return 2.0 * len(cut.units) * width + head
        return 2.0 * tokens * len(cut.units) * width + (n - 2 - at) * layer + last + head

    return least
